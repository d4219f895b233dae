//! Every page is there, well-formed, and says what to do next where there is nothing.

use std::time::Duration;

use pns_engine::{EventType, Timestamp};
use pns_simulator::service::model::{AdvanceSpec, NotificationSpec, PublishOptions};
use pns_simulator::transport::ScriptedTransport;
use pns_simulator::world::{Asked, CallKind, Pull, RfpId};

use super::{HTML, Shown, attribute, block_on, html, status, text_of};

const PAGES: [&str; 9] = [
    "/",
    "/ui/deliveries",
    "/ui/trigger",
    "/ui/faults",
    "/ui/world",
    "/ui/world/pulls",
    "/ui/clock",
    "/ui/subscriptions/new",
    "/?after=7",
];

#[test]
fn an_empty_service_says_what_to_do_next() {
    block_on(async {
        let shown = Shown::start().await;
        for path in PAGES {
            shown.page(path).await;
        }
        let overview = shown.page("/").await;
        assert!(overview.contains("pns receiver") && overview.contains("/ui/subscriptions/new"));
        assert_eq!(attribute(&overview, "totals", "data-published"), "0");
    });
}

#[test]
fn programs_find_at_the_root_what_they_always_did() {
    block_on(async {
        let shown = Shown::start().await;
        for accept in ["*/*", "application/json", ""] {
            let answer = shown.client.with("GET", "/", &[("Accept", accept)], "").await;
            assert_eq!((answer.status, answer.problem().as_str()), (404, "not-found"), "{accept}");
        }
        assert_eq!(shown.client.with("POST", "/", &[], "").await.status, 405);
        assert_eq!(shown.client.get("/ui").await.problem(), "not-found");
        assert_eq!(shown.client.with("GET", "/", &[HTML], "").await.status, 200);
    });
}

#[test]
fn a_delivery_is_told_with_every_attempt() {
    block_on(async {
        let shown = Shown::over(ScriptedTransport::with_answers([status(503), status(401)])).await;
        let id = shown.subscribe().await;
        let spec = NotificationSpec::new(EventType::MessagePlannerToSupplier);
        shown.simulator.publish(vec![spec], PublishOptions::default()).await.unwrap();
        shown.simulator.advance(AdvanceSpec::by(Duration::from_secs(1))).await.unwrap();
        let failing = shown.page("/ui/deliveries/1").await;
        assert_eq!(attribute(&failing, "state", "data-state"), "failing");
        assert!(failing.contains("status 503: the receiver failed inside"));
        let overview = shown.page("/").await;
        let row = format!("subscription-{id}");
        assert_eq!(attribute(&overview, &row, "data-state"), "failing");
        assert_eq!(attribute(&overview, &row, "data-waiting"), "1");
        assert!(overview.contains("data-test=\"failure\"") && overview.contains("503"));
        shown.simulator.advance(AdvanceSpec::by(Duration::from_secs(600))).await.unwrap();
        let page = shown.page("/ui/deliveries/1").await;
        assert_eq!(attribute(&page, "state", "data-state"), "delivered");
        for (attempt, outcome) in [(1, "failed"), (2, "failed"), (3, "acknowledged")] {
            assert_eq!(attribute(&page, &format!("attempt-{attempt}"), "data-outcome"), outcome);
        }
        assert!(page.contains("POST /pns"));
        assert!(page.contains("the same key as the subscription has"), "no flag of a command is spoken of");
        assert!(text_of(&page, "body").contains("MESSAGE_PLANNER_TO_SUPPLIER"));
        let overview = shown.page("/").await;
        assert_eq!(attribute(&overview, &row, "data-state"), "idle");
        assert_eq!(attribute(&overview, "totals", "data-acknowledged"), "1");
        assert_eq!(attribute(&overview, "totals", "data-failed"), "2");
        for path in PAGES {
            shown.page(path).await;
        }
        for path in ["", "/edit", "/remove", "?state=failing", "?state=delivered&type=RFP_SEND", "?after=1"] {
            shown.page(&format!("/ui/subscriptions/{id}{path}")).await;
        }
        let notification = shown.page("/ui/notifications/1").await;
        assert!(notification.contains("1 delivery.") && notification.contains(">hotel</a>"));
    });
}

#[test]
fn a_notification_of_many_deliveries_tells_how_many() {
    block_on(async {
        let shown = Shown::start().await;
        for _ in 0..51 {
            shown.simulator.create_subscription(super::all_events()).await.unwrap();
        }
        let one = vec![NotificationSpec::new(EventType::RfpSend)];
        shown.simulator.publish(one, PublishOptions::default()).await.unwrap();
        let page = shown.page("/ui/notifications/1").await;
        assert!(page.contains("51 deliveries; these are the first 50."));
        assert!(page.contains("href=\"/ui/deliveries?notification=1\""));
        assert!(shown.page("/").await.contains("/?after=50"));
        assert!(!shown.page("/?after=50").await.contains("resume-all"));
    });
}

#[test]
fn every_event_type_has_its_fields_and_a_body() {
    block_on(async {
        let shown = Shown::start().await;
        for event_type in EventType::ALL {
            let name = event_type.wire_name();
            let page = shown.page(&format!("/ui/trigger?type={name}")).await;
            assert!(page.contains(&format!("Publish {name}")), "{name}");
            assert!(page.contains(">always in the body<"), "{name}");
            let answer = shown.post("/ui/trigger/preview", &[("type", name)]).await;
            assert_eq!(answer.status, 200);
            html::check(&answer.text());
            assert!(!answer.text().contains("does not fit its schema"), "{name}");
            assert_eq!(attribute(&answer.text(), "body-preview", "data-deliveries"), "0");
        }
        assert_eq!(shown.simulator.metrics().await.unwrap().published, 0, "a preview publishes nothing");
    });
}

#[test]
fn the_world_is_shown() {
    block_on(async {
        let shown = Shown::start().await;
        shown.subscribe().await;
        shown.done("/ui/trigger/course", &[("course", "turn-down")]).await;
        let world = shown.page("/ui/world").await;
        let rfp = world.split_once("/ui/world/rfps/").unwrap().1.split_once('"').unwrap().0.to_owned();
        let page = shown.page(&format!("/ui/world/rfps/{rfp}")).await;
        assert!(page.contains("turned down") && page.contains("RESPONSE_UNDO_TURN_DOWN"));
        let trigger = shown.page(&format!("/ui/trigger?rfp={rfp}&type=MESSAGE_PLANNER_TO_SUPPLIER")).await;
        assert_eq!(attribute(&trigger, "f-rfp", "value"), rfp);
        let by_call = shown.page(&format!("/ui/world/pulls?call=rfp&rfp={rfp}")).await;
        assert!(by_call.contains("No pull matches"));
        assert_eq!(shown.get("/ui/world/pulls?call=x").await.status, 422);
        pulled(&shown, &rfp);
        let pulls = shown.page("/ui/world/pulls").await;
        assert!(pulls.contains("id=\"pull-1\"") && pulls.contains("/rfp/&#60;b&#62;"));
        assert!(shown.page(&format!("/ui/world/rfps/{rfp}")).await.contains("id=\"pull-1\""));
        shown.simulator.advance(AdvanceSpec::to_next_due()).await.unwrap();
        let silent = shown.page("/ui/deliveries/1").await;
        assert!(!silent.contains("id=\"followed\""), "no pull API runs: nothing can be said");
        shown.simulator.pull_log().begin();
        let delivery = shown.page("/ui/deliveries/1").await;
        assert_eq!(attribute(&delivery, "followed", "data-pulls"), "0");
        assert_eq!(shown.get("/ui/world/rfps/0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01").await.status, 404);
        assert_eq!(shown.get("/ui/world/rfps/x").await.status, 404);
    });
}

/// Logs a pull that named an RFP.
fn pulled(shown: &Shown, rfp: &str) {
    let rfp: RfpId = rfp.parse().unwrap();
    let asked = Asked { kind: CallKind::Rfp, rfp: Some(rfp), supplier: None };
    shown.simulator.pull_log().push(Pull {
        number: 0,
        at: Timestamp::EPOCH,
        real: Timestamp::EPOCH,
        method: "GET".into(),
        path: "/rfp/<b>".into(),
        asked: Some(asked),
        call: None,
        act: false,
        status: 404,
        who: "<i>".into(),
        fault: None,
        took: Duration::from_millis(3),
    });
}

#[test]
fn what_is_not_there_is_told_in_a_page() {
    block_on(async {
        let shown = Shown::start().await;
        for path in [
            "/ui/subscriptions/9",
            "/ui/subscriptions/x",
            "/ui/subscriptions/99999999999",
            "/ui/subscriptions/9/edit",
            "/ui/deliveries/9",
            "/ui/notifications/9",
        ] {
            let answer = shown.get(path).await;
            assert_eq!(answer.status, 404, "{path}");
            html::check(&answer.text());
        }
        let wrong = shown.get("/ui/deliveries?state=lost").await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.text().contains("This filter is not understood."));
        html::check(&wrong.text());
    });
}
