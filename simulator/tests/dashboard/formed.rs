//! Wrong forms: the error stands at its field, in the words of the control API, and nothing is done.

use super::{Shown, attribute, block_on, text_of};

#[test]
fn a_wrong_setting_is_told_at_its_field() {
    block_on(async {
        let shown = Shown::start().await;
        let endpoint = ("endpoint", "https://receiver.test/pns");
        for (fields, at, told) in [
            (&[("endpoint", "")][..], "e-endpoint", "the address"),
            (&[endpoint, ("name", "a b")], "e-name", "expected 1 to 64"),
            (&[endpoint, ("rate_limit.rate", "fast")], "e-rate_limit-rate", "expected a rate such as"),
            (
                &[endpoint, ("rate_limit.rate", "1/s"), ("rate_limit.burst", "x")],
                "e-rate_limit-burst",
                "a whole number",
            ),
            (&[endpoint, ("rate_limit.burst", "2")], "e-rate_limit-burst", "a burst needs a rate"),
            (&[endpoint, ("retry.first", "5")], "e-retry-first", "no unit"),
            (&[endpoint, ("retry.first", "1h"), ("retry.max", "1s")], "e-retry-max", "the ceiling"),
            (&[endpoint, ("concurrency", "0")], "e-concurrency", "from 1"),
            (&[endpoint, ("acknowledge", "99")], "e-acknowledge", "a status from 100"),
            (&[endpoint, ("suppliers", "x")], "e-suppliers", "x"),
            (&[endpoint, ("which", "chosen")], "e-events", "a subscription to nothing"),
            (&[endpoint, ("headers", "a b: c")], "e-headers", "no name of a header"),
            (&[endpoint, ("schema_pack", "none")], "e-schema_pack", "there is no pack"),
            (&[endpoint, ("ack_timeout", "0s")], "e-ack_timeout", "zero"),
        ] {
            let page = shown.refused("/ui/subscriptions", fields, 422).await;
            assert!(text_of(&page, at).contains(told), "{fields:?}: {}", text_of(&page, at));
        }
        let many = [("endpoint", "h"), ("name", "a b"), ("retry.first", "5"), ("headers", "lonely")];
        let page = shown.refused("/ui/subscriptions", &many, 422).await;
        for (at, told) in [
            ("e-endpoint", "https"),
            ("e-name", "expected 1 to 64"),
            ("e-retry-first", "no unit"),
            ("e-headers", "`lonely`"),
        ] {
            assert!(text_of(&page, at).contains(told), "{at}: {}", text_of(&page, at));
        }
        let secret = [("endpoint", "h"), ("api_key", "s3cret-k3y")];
        assert!(!shown.refused("/ui/subscriptions", &secret, 422).await.contains("s3cret"));
        assert_eq!(shown.simulator.metrics().await.unwrap().subscriptions, 0);
        shown.subscribe().await;
        let taken = shown.refused("/ui/subscriptions", &[endpoint, ("name", "hotel")], 409).await;
        assert!(taken.contains("has the name") && taken.contains("id=\"problem\""));
    });
}

#[test]
fn a_wrong_window_fault_or_time_is_told() {
    block_on(async {
        let shown = Shown::start().await;
        let id = shown.subscribe().await;
        let windows = format!("/ui/subscriptions/{id}/windows");
        assert!(shown.refused(&windows, &[], 422).await.contains("exactly one of `for`, `until` and `open`"));
        let page = shown.refused(&windows, &[("for", "ten")], 422).await;
        assert!(text_of(&page, "e-for").contains("a span such as"));
        assert_eq!(attribute(&page, "f-for", "value"), "ten");
        let past = [("until", "1990-01-01T00:00:00Z")];
        assert!(text_of(&shown.refused(&windows, &past, 422).await, "e-until").len() > 5);
        for (fields, at, told) in [
            (&[("fault", "answer"), ("status", "99")][..], "e-status", "99 is not from 100"),
            (&[("fault", "answer")], "e-status", "expected a status such as 503"),
            (&[("fault", "refuse"), ("status", "500")], "e-status", "of `answer` only, not of `refuse`"),
            (&[("fault", "refuse"), ("when", "before-body")], "e-when", "of `reset` only"),
            (&[("fault", "extra_headers"), ("headers", "")], "e-headers", "`Name: value`"),
            (&[("fault", "extra_headers"), ("headers", "lonely")], "e-headers", "not `lonely`"),
            (&[("fault", "slow_body")], "e-over", "expected a span"),
            (&[("fault", "refuse"), ("times", "0")], "e-times", "a number of attempts from 1"),
            (&[("fault", "refuse"), ("times", "2"), ("for", "1h")], "e-for", "leave one out"),
            (&[("fault", "refuse"), ("of", "x")], "e-of", "x"),
            (&[("fault", "extra_headers"), ("headers", "a b: c")], "e-headers", "no name"),
        ] {
            let page = shown.refused("/ui/faults", fields, 422).await;
            assert!(text_of(&page, at).contains(told), "{fields:?}: {}", text_of(&page, at));
        }
        for (fields, at, told) in [
            (&[("fault", "answer"), ("detail", "200")][..], "e-detail-pull", "not from 400 to 599"),
            (&[("fault", "answer"), ("detail", "x")], "e-detail-pull", "a whole number"),
            (&[("fault", "slow"), ("detail", "1h")], "e-detail-pull", "longer than 10m"),
            (&[("fault", "stale"), ("detail", "")], "e-detail-pull", "a span such as"),
            (&[("fault", "answer")], "e-detail-pull", "a status such as 503"),
            (&[("fault", "no_consent"), ("detail", "1h")], "e-detail-pull", "leave it empty"),
            (
                &[("fault", "stale"), ("detail", "1h"), ("retry_after", "1s")],
                "e-retry_after-pull",
                "`answer` only",
            ),
            (&[("fault", "no_consent"), ("times", "0")], "e-times-pull", "from 1"),
            (&[("fault", "no_consent"), ("rfp", "x")], "e-rfp-pull", "x"),
            (&[("fault", "no_consent"), ("of", "x")], "e-of-pull", "x"),
        ] {
            let page = shown.refused("/ui/pull-faults", fields, 422).await;
            assert!(text_of(&page, at).contains(told), "{fields:?}: {}", text_of(&page, at));
        }
        assert!(shown.simulator.planned_pull_faults().await.unwrap().is_empty());
        let unknown = shown.post("/ui/faults", &[("fault", "refuse"), ("on", "77")]).await;
        assert_eq!(unknown.status, 404);
        let page = shown.refused("/ui/clock/advance", &[("by", "soon")], 422).await;
        assert!(text_of(&page, "e-by").contains("a span such as"));
        let page = shown.refused("/ui/clock/gear", &[("gear", "fast")], 422).await;
        assert!(text_of(&page, "e-gear").contains("a gear"));
        assert!(shown.simulator.windows().await.unwrap().is_empty());
        assert!(shown.simulator.faults().await.unwrap().is_empty());
    });
}

#[test]
fn a_wrong_notification_is_told_at_its_field() {
    block_on(async {
        let shown = Shown::start().await;
        for (fields, at, told) in [
            (&[("supplier", "x")][..], "e-supplier", "a supplier's UUID"),
            (&[("rfp", "x")], "e-rfp", "x"),
            (&[("overrides", "[1]")], "e-overrides", "expected a JSON object"),
            (&[("overrides", "{")], "e-overrides", "expected a JSON object"),
            (&[("overrides", "{\"eventId.x\": 1}")], "e-overrides", "leads through"),
            (
                &[("overrides", "{}"), ("raw", "x"), ("overrides.eventId", "y")],
                "e-overrides",
                "nothing can be laid over",
            ),
        ] {
            let fields: Vec<_> = [("type", "RFP_SEND")].into_iter().chain(fields.iter().copied()).collect();
            for path in ["/ui/trigger", "/ui/trigger/preview"] {
                let page = shown.refused(path, &fields, 422).await;
                assert!(text_of(&page, at).contains(told), "{fields:?}: {}", text_of(&page, at));
            }
        }
        assert_eq!(shown.simulator.metrics().await.unwrap().published, 0);
    });
}
