//! What forms do, they do by the calls of the control API.

use pns_engine::{EventType, SubscriptionId};
use pns_simulator::service::model::{AdvanceSpec, SubscriptionView};
use serde_json::{Value, json};

use super::{Shown, attribute, block_on, text_of};

async fn view(shown: &Shown, id: u32) -> SubscriptionView {
    shown.simulator.subscription(SubscriptionId(id)).await.unwrap()
}

/// The settings, secrets too, as they are kept.
async fn kept(shown: &Shown, id: u32) -> Value {
    let spec = shown.simulator.subscription_spec(SubscriptionId(id)).await.unwrap();
    serde_json::from_str(&spec.to_stored()).unwrap()
}

/// All fields of a form as they stand there.
fn as_it_stands(page: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for tag in super::html::tags(page) {
        let Some(name) = tag.get("name").filter(|name| *name != "viewport" && *name != "color-scheme") else {
            continue;
        };
        let value = tag.get("value").unwrap_or_default();
        let value = value.replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&");
        match tag.get("type") {
            Some("checkbox") if tag.get("checked").is_none() => {}
            _ if name == "csrf" || tag.name == "select" || tag.name == "textarea" => {}
            _ => fields.push((name.to_owned(), value)),
        }
    }
    for select in page.split("<select ").skip(1) {
        let name = select.split_once("name=\"").unwrap().1.split_once('"').unwrap().0;
        let chosen = select.split("</select>").next().unwrap().split("<option value=\"");
        let chosen = chosen.skip(1).find(|option| option.split('>').next().unwrap().contains(" selected"));
        let value = chosen.map_or("", |option| option.split('"').next().unwrap());
        fields.push((name.to_owned(), value.to_owned()));
    }
    for area in page.split("<textarea ").skip(1) {
        let name = area.split_once("name=\"").unwrap().1.split_once('"').unwrap().0;
        let text = area.split_once(">\n").unwrap().1.split_once("</textarea>").unwrap().0;
        fields.push((name.to_owned(), text.replace('\n', "\r\n")));
    }
    fields
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn a_subscription_is_made_changed_and_removed() {
    block_on(async {
        let shown = Shown::start().await;
        let fields = [
            ("endpoint", "https://receiver.test/pns?key=s3cret"),
            ("name", "hotel"),
            ("api_key", "k3y"),
            ("headers", "X-Tenant: 7\r\nX-Auth-Token: t0ken\r\n"),
            ("rate_limit.rate", "10/s"),
            ("rate_limit.burst", "5"),
            ("which", "chosen"),
            ("events", "RFP_SEND"),
            ("events", "PLANNER_CANCEL"),
            ("retry.first", "1m"),
            ("retry.factor", "1.5"),
            ("acknowledge", "2xx, 302"),
        ];
        let path = shown.done("/ui/subscriptions", &fields).await;
        assert_eq!(path, "/ui/subscriptions/1?done=created");
        assert!(
            text_of(&shown.page(&path).await, "notice").contains("created")
                || shown.page(&path).await.contains("created")
        );
        let made = kept(&shown, 1).await;
        let wanted = json!({
            "name": "hotel", "endpoint": "https://receiver.test/pns?key=s3cret", "api_key": "k3y",
            "headers": { "X-Tenant": "7", "X-Auth-Token": "t0ken" },
            "rate_limit": { "rate": "10/s", "burst": 5 }, "events": ["RFP_SEND", "PLANNER_CANCEL"],
            "retry": { "first": "1m", "factor": 1.5 }, "acknowledge": ["200-299", 302],
        });
        assert_eq!(made, wanted);
        let form = shown.page("/ui/subscriptions/1/edit").await;
        assert!(!form.contains("s3cret") && !form.contains("k3y") && !form.contains("t0ken"), "secrets stay");
        // Saved as it stands, nothing changes: what is not shown is kept too.
        let mut fields = as_it_stands(&form);
        assert_eq!(
            shown.done("/ui/subscriptions/1/edit", &borrowed(&fields)).await,
            "/ui/subscriptions/1?done=unchanged"
        );
        assert_eq!(kept(&shown, 1).await, made);
        for (name, value) in &mut fields {
            match name.as_str() {
                "rate_limit.rate" => "2/s".clone_into(value),
                "rate_limit.burst" | "name" => value.clear(),
                "which" => "all".clone_into(value),
                _ => {}
            }
        }
        shown.done("/ui/subscriptions/1/edit", &borrowed(&fields)).await;
        let changed = kept(&shown, 1).await;
        assert_eq!(changed["rate_limit"], json!({ "rate": "2/s" }));
        assert_eq!((&changed["events"], changed.get("name")), (&json!("all"), None));
        assert_eq!((&changed["api_key"], &changed["endpoint"]), (&made["api_key"], &made["endpoint"]));
        // What stands for a secret is not taken for one.
        let page = shown
            .refused("/ui/subscriptions/1/edit", &[("headers", "X-Auth-Token: ***\r\nX-B: 1")], 422)
            .await;
        assert!(text_of(&page, "e-headers").contains("not shown"));
        shown.done("/ui/subscriptions/1/edit", &[("no_key", "on"), ("rate_limit.rate", "")]).await;
        assert!(view(&shown, 1).await.api_key.is_none() && view(&shown, 1).await.rate_limit.is_none());
        shown.page("/ui/subscriptions/1/remove").await;
        assert_eq!(shown.done("/ui/subscriptions/1/remove", &[]).await, "/?done=removed");
        assert_eq!(shown.get("/ui/subscriptions/1").await.status, 404);
    });
}

#[test]
fn a_rate_limit_is_taken_away_by_emptying_the_rate() {
    block_on(async {
        let shown = Shown::start().await;
        let id = shown.subscribe().await;
        let edit = format!("/ui/subscriptions/{id}/edit");
        for limit in
            [&[("rate_limit.rate", "5/s")][..], &[("rate_limit.rate", "5/s"), ("rate_limit.burst", "3")]]
        {
            shown.done(&edit, limit).await;
            let mut fields = as_it_stands(&shown.page(&edit).await);
            fields
                .iter_mut()
                .filter(|(name, _)| name == "rate_limit.rate")
                .for_each(|(_, rate)| rate.clear());
            shown.done(&edit, &borrowed(&fields)).await;
            assert_eq!(view(&shown, id).await.rate_limit, None);
        }
    });
}

#[test]
fn event_types_that_are_ticked_are_chosen() {
    block_on(async {
        let shown = Shown::start().await;
        let endpoint = ("endpoint", "https://receiver.test/pns");
        let ticked = [endpoint, ("which", "default"), ("events", "PLANNER_CANCEL"), ("events", "RFP_SEND")];
        shown.done("/ui/subscriptions", &ticked).await;
        assert_eq!(kept(&shown, 1).await["events"], json!(["RFP_SEND", "PLANNER_CANCEL"]));
        let page = shown
            .refused("/ui/subscriptions", &[endpoint, ("which", "all"), ("events", "RFP_SEND")], 422)
            .await;
        assert!(text_of(&page, "e-events").contains("those chosen below"));
        let edit = "/ui/subscriptions/1/edit";
        shown.done(edit, &[("which", "all"), ("events", "RFP_SEND"), ("events", "PLANNER_CANCEL")]).await;
        assert_eq!(kept(&shown, 1).await["events"], json!("all"));
        shown.done(edit, &[("which", "all"), ("events", "PLANNER_CANCEL"), ("events", "RFP_SEND")]).await;
        assert_eq!(view(&shown, 1).await.events.0.iter().count(), 2);
        let both = [("api_key", "k3y"), ("no_key", "on")];
        assert!(text_of(&shown.refused(edit, &both, 422).await, "e-api_key").contains("only one"));
    });
}

#[test]
fn a_form_that_is_older_than_the_settings_undoes_nothing() {
    block_on(async {
        let shown = Shown::start().await;
        let id = shown.subscribe().await;
        let edit = format!("/ui/subscriptions/{id}/edit");
        let mut mine = as_it_stands(&shown.page(&edit).await);
        let theirs = [("concurrency", "9"), ("rate_limit.rate", "5/s"), ("which", "default")];
        shown.done(&edit, &theirs).await;
        for (name, value) in &mut mine {
            match name.as_str() {
                "name" => "inn".clone_into(value),
                "concurrency" => "7".clone_into(value),
                _ => {}
            }
        }
        let page = shown.refused(&edit, &borrowed(&mine), 409).await;
        assert!(
            page.contains("It was changed meanwhile: Rate limit, In flight together, Chosen event types.")
        );
        assert!(text_of(&page, "e-concurrency").contains("to “9”"));
        let value = |id: &str| attribute(&page, id, "value");
        assert_eq!((value("f-name"), value("f-concurrency")), ("inn".to_owned(), "7".to_owned()));
        assert_eq!(value("f-rate_limit-rate"), "5/s", "what only others changed is shown as it is");
        assert_eq!(view(&shown, id).await.name.as_deref(), Some("hotel"));
        // What was looked at is saved.
        shown.done(&edit, &borrowed(&as_it_stands(&page))).await;
        let kept = kept(&shown, id).await;
        assert_eq!((&kept["name"], &kept["concurrency"]), (&json!("inn"), &json!(7)));
        assert_eq!(kept["rate_limit"], json!({ "rate": "5/s" }));
        assert_eq!(kept["events"], json!(["RFP_SEND", "RFP_FORWARD"]));
    });
}

#[test]
fn pauses_and_windows_hold_the_queue() {
    block_on(async {
        let shown = Shown::start().await;
        let id = shown.subscribe().await;
        let one = format!("/ui/subscriptions/{id}");
        assert_eq!(shown.done(&format!("{one}/pause"), &[]).await, format!("{one}?done=paused"));
        assert!(view(&shown, id).await.paused);
        assert_eq!(attribute(&shown.page("/").await, "subscription-1", "data-state"), "paused");
        assert_eq!(shown.done(&format!("{one}/resume"), &[("from", "overview")]).await, "/?done=resumed");
        shown.done("/ui/pause", &[]).await;
        assert!(shown.page("/?after=7").await.contains("resume-all"), "of all, not of a page without any");
        assert_eq!(shown.done("/ui/resume", &[("after", "7")]).await, "/?after=7&done=resumed");
        shown.done(&format!("{one}/windows"), &[("open", "on")]).await;
        let later = [("from", "2100-01-01T00:00:00Z"), ("for", "1h")];
        shown.done(&format!("{one}/windows"), &later).await;
        shown.done("/ui/trigger", &[("type", "RFP_SEND")]).await;
        let page = shown.page(&one).await;
        assert_eq!(attribute(&page, "state", "data-state"), "downtime");
        assert_eq!(attribute(&page, "backlog", "data-held"), "1");
        let windows = shown.simulator.windows().await.unwrap();
        let (open, announced) = (&windows[windows.len() - 2], &windows[windows.len() - 1]);
        assert_eq!(attribute(&page, &format!("window-{}", open.id), "data-state"), "open");
        assert_eq!(attribute(&page, &format!("window-{}", announced.id), "data-state"), "announced");
        shown.done(&format!("/ui/windows/{}/end", open.id), &[("for", "10m")]).await;
        let end = format!("/ui/windows/{}/end", open.id);
        let refused = shown.refused(&end, &[("for", "soon")], 422).await;
        assert!(text_of(&refused, &format!("e-end-{}", open.id)).contains("a span such as"));
        assert_eq!(attribute(&refused, &format!("f-end-{}", open.id), "value"), "soon");
        shown.refused(&end, &[], 422).await;
        let announced_end = format!("id=\"f-end-{}\"", announced.id);
        assert!(!page.contains(&announced_end), "what is announced has no end that counts from now");
        assert_eq!(shown.post("/ui/windows/99/end", &[("for", "1m")]).await.status, 404);
        let subscription = [("subscription", "1")];
        for window in [open, announced] {
            let path = shown.done(&format!("/ui/windows/{}/cancel", window.id), &subscription).await;
            assert_eq!(path, format!("{one}?done=cancelled"));
        }
        shown.simulator.advance(AdvanceSpec::to_next_due()).await.unwrap();
        let page = shown.page(&one).await;
        assert_eq!(attribute(&page, "backlog", "data-pending"), "0");
        assert_eq!(attribute(&page, "delivery-1", "data-state"), "delivered");
    });
}

#[test]
fn an_event_is_triggered_with_what_was_filled_in() {
    block_on(async {
        let shown = Shown::start().await;
        let fields = [
            ("type", "MESSAGE_PLANNER_TO_SUPPLIER"),
            ("supplier", "0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01"),
            ("overrides.messageDetails.subject", "Rooms & <b>board</b>"),
            ("overrides", "{\"extra\": [1]}"),
        ];
        let preview = shown.post("/ui/trigger/preview", &fields).await.text();
        assert!(preview.contains("does not fit its schema"), "an extra member is told");
        assert_eq!(shown.done("/ui/trigger", &fields).await, "/ui/notifications/1?done=unseen");
        let body = shown.simulator.notification(pns_engine::NotificationId(1)).await.unwrap().body;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["messageDetails"]["subject"], "Rooms & <b>board</b>");
        assert_eq!(body["supplierId"], "0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01");
        assert_eq!(body["extra"], json!([1]));
        shown.subscribe().await;
        let lists = [
            ("type", "RESPONSE_ADD_ATTACHMENT"),
            ("overrides.attachmentIds", "0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01\r\n"),
        ];
        assert_eq!(shown.done("/ui/trigger", &lists).await, "/ui/deliveries/1?done=sent");
        let truth = [("type", "VENUE_VISIBILITY_CHANGED"), ("overrides.venueDetails.active", "false")];
        shown.done("/ui/trigger", &truth).await;
        let body = |id| {
            let simulator = shown.simulator.clone();
            async move {
                let view = simulator.notification(pns_engine::NotificationId(id)).await.unwrap();
                serde_json::from_str::<Value>(&view.body).unwrap()
            }
        };
        assert_eq!(body(2).await["attachmentIds"], json!(["0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01"]));
        assert_eq!(body(3).await["venueDetails"]["active"], json!(false));
        assert_eq!(
            shown.done("/ui/trigger", &[("type", "RFP_SEND"), ("raw", " not JSON ")]).await,
            "/ui/deliveries/3?done=sent"
        );
        let raw = shown.simulator.notification(pns_engine::NotificationId(4)).await.unwrap();
        assert_eq!((raw.body.as_str(), raw.event_type.0), (" not JSON ", EventType::RfpSend));
        assert_eq!(
            shown.done("/ui/trigger/course", &[("course", "award")]).await,
            "/ui/deliveries?done=sent"
        );
    });
}

#[test]
fn the_fields_of_another_type_are_shown_before_it_is_published() {
    block_on(async {
        let shown = Shown::start().await;
        let fields = [("fields-of", "RFP_SEND"), ("type", "PLANNER_CANCEL")];
        for path in ["/ui/trigger", "/ui/trigger/preview"] {
            let page = shown.refused(path, &fields, 422).await;
            assert!(page.contains("These are the fields of PLANNER_CANCEL: look at them first."));
            assert_eq!(text_of(&page, "send"), "Publish PLANNER_CANCEL");
        }
        assert_eq!(shown.simulator.metrics().await.unwrap().published, 0);
        let choose = [fields[0], fields[1], ("choose", "on"), ("rfp", "")];
        assert_eq!(shown.done("/ui/trigger", &choose).await, "/ui/trigger?type=PLANNER_CANCEL");
        let same = [("fields-of", "RFP_SEND"), ("type", "RFP_SEND")];
        shown.done("/ui/trigger", &same).await;
        assert_eq!(shown.simulator.metrics().await.unwrap().published, 1);
    });
}

#[test]
fn a_delivery_is_replayed_and_a_fault_planned_and_forgotten() {
    block_on(async {
        let shown = Shown::start().await;
        let id = shown.subscribe().await;
        let missing = format!("/ui/subscriptions/{id}/replay");
        assert!(shown.done(&missing, &[]).await.ends_with("done=nothing-missing"));
        shown.done("/ui/trigger", &[("type", "RFP_SEND")]).await;
        shown.simulator.advance(AdvanceSpec::to_next_due()).await.unwrap();
        assert_eq!(shown.done("/ui/deliveries/1/replay", &[]).await, "/ui/deliveries/2?done=replayed");
        assert_eq!(shown.post("/ui/deliveries/9/replay", &[]).await.status, 404);
        for fields in [
            &[("fault", "refuse")][..],
            &[("fault", "ack_lost"), ("times", "3"), ("on", "1")],
            &[("fault", "answer"), ("status", "503"), ("for", "2h")],
            &[("fault", "reset"), ("when", "before-body"), ("of", "1, 2")],
            &[("fault", "slow_body"), ("over", "5s")],
            &[("fault", "extra_headers"), ("headers", "X-A: 1")],
        ] {
            if fields.contains(&("of", "1, 2")) {
                shown.done("/ui/trigger", &[("type", "RFP_SEND")]).await;
            }
            assert_eq!(shown.done("/ui/faults", fields).await, "/ui/faults?done=planned");
        }
        let page = shown.page("/ui/faults").await;
        for told in ["ack_lost", "answer 503", "reset before-body", "slow_body over 5s", "extra_headers x-a"]
        {
            assert!(page.to_lowercase().contains(told), "{told}");
        }
        let planned = shown.simulator.faults().await.unwrap();
        shown.done(&format!("/ui/faults/{}/clear", planned[0].id), &[]).await;
        assert_eq!(shown.simulator.faults().await.unwrap().len(), planned.len() - 1);
        shown.done("/ui/faults/clear", &[]).await;
        assert!(shown.simulator.faults().await.unwrap().is_empty());
    });
}

#[test]
fn faults_of_the_pull_side_are_planned_and_forgotten() {
    block_on(async {
        let shown = Shown::start().await;
        for fields in [
            &[("fault", "answer"), ("detail", "429"), ("retry_after", "5s"), ("of", "rfp"), ("times", "3")][..],
            &[("fault", "slow"), ("detail", "2s"), ("for", "2h")],
            &[("fault", "stale"), ("detail", "1h"), ("rfp", "0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01")],
            &[("fault", "no_consent"), ("supplier", "0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01")],
        ] {
            assert_eq!(shown.done("/ui/pull-faults", fields).await, "/ui/faults?done=planned");
        }
        let page = shown.page("/ui/faults").await;
        for told in [
            "answer 429, Retry-After 5s",
            "slow 2s",
            "stale 1h",
            "no_consent",
            "3 calls",
            "supplier 0b8f9a30",
        ] {
            assert!(page.contains(told), "{told}");
        }
        let planned = shown.simulator.planned_pull_faults().await.unwrap();
        assert_eq!(planned.len(), 4);
        shown.done(&format!("/ui/pull-faults/{}/clear", planned[0].id), &[]).await;
        assert_eq!(shown.simulator.planned_pull_faults().await.unwrap().len(), 3);
        shown.done("/ui/pull-faults/clear", &[]).await;
        assert!(shown.simulator.planned_pull_faults().await.unwrap().is_empty());
    });
}

#[test]
fn time_is_moved() {
    block_on(async {
        let shown = Shown::start().await;
        let before = shown.simulator.clock().await.unwrap().now;
        assert_eq!(shown.done("/ui/clock/advance", &[("by", "1h")]).await, "/ui/clock?done=advanced");
        let after = shown.simulator.clock().await.unwrap().now;
        assert_eq!(after.0.since(before.0).as_secs(), 3_600);
        shown.done("/ui/clock/advance", &[("to", "next-due")]).await;
        shown.done("/ui/clock/gear", &[("gear", "60x")]).await;
        let page = shown.page("/ui/clock").await;
        assert_eq!(text_of(&page, "gear"), "60x");
        assert!(!page.contains("advance-form"));
        assert_eq!(shown.post("/ui/clock/advance", &[("by", "1h")]).await.status, 409);
    });
}
