//! Reading and showing the model.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

fn read<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn subscription(value: Value) -> Result<ResolvedSubscription, String> {
    read::<SubscriptionSpec>(value)?.resolve().map_err(|error| error.to_string())
}

#[test]
fn what_is_left_out_has_the_engines_default() {
    let resolved = subscription(json!({ "endpoint": "https://h/pns" })).unwrap();
    assert_eq!(resolved.subscription, pns_engine::Subscription::default());
    assert!(resolved.api_key.is_none() && resolved.headers.is_empty() && resolved.ack_timeout.is_none());
}

#[test]
fn a_whole_subscription_is_stored_with_its_key_and_shown_without() {
    let spec: SubscriptionSpec = read(json!({
        "name": "hotel", "endpoint": "https://h/pns?token=t0ken", "events": ["RFP_SEND", "PLANNER_CANCEL"],
        "suppliers": "0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01", "api_key": "s3cret-k3y",
        "headers": { "X-Tenant": "7", "X-Auth-Token": "s3cret-h3ader" },
        "retry": { "first": "1m", "factor": 1.5, "max": "2h", "jitter": "10%", "cap": 9 },
        "acknowledge": ["2xx", 302, "400-404"], "ack_timeout": "5s", "connect_timeout": "250ms",
        "rate_limit": { "rate": "300/m", "burst": 5 }, "concurrency": 2, "supplierless": "per-supplier",
        "failing_delivery": "holds-back-others", "retry_after": "honoured", "schema_pack": "cvent-2015",
    }))
    .unwrap();
    let stored: SubscriptionSpec = serde_json::from_str(&spec.to_stored()).unwrap();
    assert_eq!(stored, spec);
    let view =
        SubscriptionView::of(1, &spec, pns_engine::Timestamp::EPOCH.into(), false, BacklogView::default());
    let shown = serde_json::to_string(&view.unwrap()).unwrap();
    for secret in ["s3cret", "t0ken"] {
        assert!(!shown.contains(secret) && !format!("{spec:?}").contains("s3cret-k3y"), "{shown}");
    }
    assert!(!serde_json::to_string(&spec).unwrap().contains("s3cret-k3y"));
    for kept in
        ["sha256:", "\"300/m\"", "\"400-404\"", "\"1m\"", "X-Tenant".to_lowercase().as_str(), "\"10%\""]
    {
        assert!(shown.contains(kept), "{kept}: {shown}");
    }
}

#[test]
fn a_wrong_field_is_named() {
    let base = |more: Value| {
        let mut spec = json!({ "endpoint": "https://h" });
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        subscription(spec).unwrap_err()
    };
    for (more, told) in [
        (json!({ "retry": { "first": "0s" } }), "retry.first: the first delay is zero"),
        (json!({ "retry": { "first": "1m", "max": "1s" } }), "retry.max: the ceiling"),
        (json!({ "retry": { "factor": 0.5 } }), "retry.factor: expected a number"),
        (json!({ "endpoint": "h" }), "endpoint: the address has no scheme"),
        (json!({ "ack_timeout": "0s" }), "ack_timeout: zero"),
        (json!({ "name": "a b" }), "name: expected 1 to 64"),
        (json!({ "headers": { "a b": "c" } }), "headers: `a b` is no name"),
        (json!({ "headers": { "a": "\n" } }), "headers.a: cannot be sent"),
        (json!({ "acknowledge": [] }), "acknowledge: names no status"),
        (json!({ "events": ["RFP_SENT"] }), "`RFP_SENT`: not one of the 33"),
        (json!({ "acknowledge": 99 }), "expected a status from 100"),
        (json!({ "rate_limit": "0/s" }), "expected a rate such as"),
        (json!({ "ack_timeout": "5" }), "`5` has no unit"),
        (json!({ "unknown": 1 }), "unknown field `unknown`"),
        (json!({ "api_key": "a b" }), "other than visible ASCII at position 1"),
    ] {
        let error = base(more.clone());
        assert!(error.contains(told), "{more}: {error}");
    }
}

#[test]
fn a_patch_keeps_resets_and_sets() {
    let spec: SubscriptionSpec =
        read(json!({ "endpoint": "https://h", "api_key": "k", "concurrency": 2, "rate_limit": "1/s" }))
            .unwrap();
    let patch: SubscriptionPatch = read(json!({ "rate_limit": null, "events": "all" })).unwrap();
    let patched = spec.clone().patched(patch);
    assert_eq!(patched.api_key, spec.api_key);
    assert_eq!(patched.concurrency, spec.concurrency);
    assert_eq!(patched.rate_limit, None);
    assert_eq!(patched.events, Some(EventsText(pns_engine::EventTypeSet::ALL)));
    assert_eq!(spec.clone().patched(read(json!({})).unwrap()), spec);
    assert!(read::<SubscriptionPatch>(json!({ "evnets": "all" })).is_err());
}

#[test]
fn faults_are_spelt_as_in_scenario_files() {
    use crate::fault::{Extent, Injection};

    let now = pns_engine::Timestamp::from_millis(1_000);
    let fault = |value: Value| {
        read::<FaultSpec>(value).and_then(|spec| spec.resolve(now).map_err(|error| error.to_string()))
    };
    let planned = |value| fault(value).map(|fault| (fault.injection, fault.extent)).unwrap();
    assert_eq!(planned(json!({ "fault": "refuse" })), (Injection::Refuse, Extent::Attempts(1)));
    assert_eq!(planned(json!({ "fault": { "ack_lost": 2 } })), (Injection::AckLost, Extent::Attempts(2)));
    let reset = json!({ "fault": { "reset": { "when": "before-body", "times": 3 } } });
    assert_eq!(planned(reset), (Injection::ResetBeforeBody, Extent::Attempts(3)));
    let end = now + std::time::Duration::from_secs(7_200);
    let answer = json!({ "fault": { "answer": { "status": 503 } }, "for": "2h" });
    assert_eq!(planned(answer), (Injection::Answer(503), Extent::Until(end)));
    assert_eq!(
        planned(json!({ "fault": { "no_key": true }, "for": "2h" })),
        (Injection::NoKey, Extent::Until(end))
    );
    for (value, told) in [
        (json!({ "fault": {} }), "fault: expected exactly one"),
        (json!({ "fault": { "refuse": 1, "no_key": 1 } }), "fault: expected exactly one"),
        (json!({ "fault": { "refuse": 0 } }), "a number of attempts from 1"),
        (json!({ "fault": { "refuse": 2 }, "for": "1h" }), "for: a fault lasts"),
        (json!({ "fault": "refsue" }), "unknown variant `refsue`"),
        (json!({ "fault": { "answer": { "status": 99 } } }), "fault.answer.status: 99"),
        (json!({ "fault": "refuse", "of": [] }), "of: the list is empty"),
    ] {
        let error = fault(value.clone()).unwrap_err();
        assert!(error.contains(told), "{value}: {error}");
    }
}

#[test]
fn a_window_says_one_end() {
    let now = pns_engine::Timestamp::from_millis(5_000);
    let span = |value: Value| read::<WindowSpec>(value).unwrap().span(now).map_err(|error| error.to_string());
    let end = now + std::time::Duration::from_secs(60);
    assert_eq!(span(json!({ "subscription": 1, "for": "1m" })), Ok((now, end)));
    assert_eq!(span(json!({ "subscription": 1, "open": true })), Ok((now, pns_engine::Timestamp::MAX)));
    assert_eq!(span(json!({ "subscription": 1, "until": "1970-01-01T00:01:05Z" })), Ok((now, end)));
    assert!(span(json!({ "subscription": 1 })).is_err());
    assert!(span(json!({ "subscription": 1, "for": "1m", "open": true })).is_err());
}

#[test]
fn instants_are_shown_with_milliseconds_and_read_with_any_offset() {
    let instant = Instant::parse("2026-01-31T10:30:00.5+01:00").unwrap();
    assert_eq!(instant.to_string(), "2026-01-31T09:30:00.500Z");
    assert!(Instant::parse("2261-12-31T23:59:59.999999999Z").is_ok());
    let far = ["2262-01-01T00:00:00Z", "2262-04-12T00:00:00Z", "2600-01-01T00:00:00Z"];
    for wrong in ["", "2026-01-31", "1969-12-31T23:59:59Z", "2026-01-31T09:30:00"].into_iter().chain(far) {
        assert!(Instant::parse(wrong).is_err(), "{wrong}");
    }
    for (wrong, told) in [
        ("2026-11-27T01:00", "`2026-11-27T01:00` has no time zone: write `2026-11-27T01:00:00Z` for UTC"),
        ("2026-11-27", "`2026-11-27` has no time zone: write `2026-11-27T00:00:00Z` for UTC"),
        ("tomorrow", "it is no date and time with a time zone, from 1970 to 2261"),
        ("99999-01-01T00:00:00Z", "it is no date and time with a time zone, from 1970 to 2261"),
        ("2600-01-01T00:00:00Z", "it is not from 1970 to 2261"),
    ] {
        assert_eq!(Instant::parse(wrong).unwrap_err(), told);
    }
}

#[test]
fn what_leads_beyond_the_end_of_time_is_refused() {
    let now = Instant::parse("2261-12-31T23:00:00Z").unwrap().0;
    let window = |value| read::<WindowSpec>(value).and_then(|spec| field(spec.span(now).map(drop)));
    let change = |value| read::<WindowChange>(value).and_then(|spec| field(spec.until(now).map(drop)));
    let fault = |value| read::<FaultSpec>(value).and_then(|spec| field(spec.resolve(now).map(drop)));
    let advance = |value| read::<AdvanceSpec>(value).and_then(|spec| field(spec.target(now, None).map(drop)));
    for (result, told) in [
        (window(json!({ "subscription": 1, "for": "59m" })), ""),
        (window(json!({ "subscription": 1, "open": true })), ""),
        (window(json!({ "subscription": 1, "for": "1h" })), "for"),
        (window(json!({ "subscription": 1, "from": "2255-01-01T00:00:00Z", "for": "3650d" })), "for"),
        (change(json!({ "for": "59m" })), ""),
        (change(json!({ "for": "2h" })), "for"),
        (fault(json!({ "fault": { "refuse": true }, "for": "59m" })), ""),
        (fault(json!({ "fault": { "refuse": true }, "for": "1h" })), "for"),
        (advance(json!({ "by": "59m" })), ""),
        (advance(json!({ "by": "1h" })), "by"),
    ] {
        assert_eq!(result.err().unwrap_or_default(), told);
    }
    for wrong in [
        window(json!({ "subscription": 1, "until": "2262-01-01T00:00:00Z" })),
        window(json!({ "subscription": 1, "from": "2300-01-01T00:00:00Z", "open": true })),
        change(json!({ "until": "2300-01-01T00:00:00Z" })),
        advance(json!({ "to": "2300-01-01T00:00:00Z" })),
        read::<GearSpec>(json!({ "gear": "1000001x" })).map(drop),
        read::<ReplaySpec>(json!({ "failed_since": "2300-01-01T00:00:00Z" })).map(drop),
        read::<DeliveryFilter>(json!({ "from": "2300-01-01T00:00:00Z" })).map(drop),
        read::<DeliveryFilter>(json!({ "until": "2300-01-01T00:00:00Z" })).map(drop),
    ] {
        assert!(wrong.unwrap_err().contains("expected "));
    }
}

/// The name of the field that is wrong.
fn field(result: Result<(), InvalidField>) -> Result<(), String> {
    result.map_err(|error| error.field)
}

#[test]
fn a_batch_names_the_notification_that_is_wrong() {
    let batch: BatchSpec = read(json!({ "notifications": [
        { "type": "RFP_SEND" },
        { "type": "PLANNER_CANCEL", "supplier": "0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01" },
    ] }))
    .unwrap();
    let error = batch.check().unwrap_err();
    assert_eq!(error.to_string(), "notifications[1].supplier: PLANNER_CANCEL names no supplier");
}

#[test]
fn a_batch_that_is_too_long_is_refused_while_it_is_read() {
    let batch =
        |count| read::<BatchSpec>(json!({ "notifications": vec![json!({ "type": "RFP_SEND" }); count] }));
    assert_eq!(batch(10_000).unwrap().check(), Ok(()));
    assert!(batch(10_001).unwrap_err().contains("expected a list of at most 10000 notifications"));
    assert!(batch(0).unwrap().check().is_err());
}
