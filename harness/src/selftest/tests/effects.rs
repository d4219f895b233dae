//! Bugs that only the probe shows.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use super::super::Running;
use super::client::Outcome::Status;
use super::client::{Client, body, inspect, notification, once, post, processed, request, start, until};

async fn send(running: &Running, event_id: &str, event_type: &str) {
    assert_eq!(once(running, &notification(event_id, event_type)).await, Status(200));
}

/// Sends these at the same time.
async fn at_once(running: &Running, requests: Vec<Vec<u8>>) {
    let mut trials = JoinSet::new();
    for bytes in requests {
        let mut client = Client::connect(running).await;
        trials.spawn(async move { client.ask(&bytes).await });
    }
    trials.join_all().await;
}

#[tokio::test]
async fn the_probe_tells_what_was_done() {
    let running = start("plain").await;
    assert_eq!(inspect(&running, "a").await, None);
    send(&running, "a", "RFP_VIEWED").await;
    send(&running, "a", "RFP_VIEWED").await;
    let expected = json!({"eventId": "a", "eventType": "RFP_VIEWED", "received": 2, "processed": 1});
    assert_eq!(inspect(&running, "a").await, Some(expected));
}

#[tokio::test]
async fn duplicates_are_processed_again() {
    for (name, between, expected) in [
        ("plain", "b", 1),
        ("every-delivery-processed", "b", 2),
        ("deduplication-of-the-last-only", "b", 2),
        ("deduplication-of-the-last-only", "a", 1),
        ("deduplication-not-atomic", "b", 1),
    ] {
        let running = start(name).await;
        for event_id in ["a", between, "a"] {
            send(&running, event_id, "RFP_SEND").await;
        }
        let expected = if between == "a" { 1 } else { expected };
        assert_eq!(processed(&running, "a").await, Some(expected), "{name}");
    }
}

#[tokio::test]
async fn duplicates_at_once() {
    // How many of them look before the first is written is the machine's affair.
    for (name, expected) in [("plain", 1..=1), ("deduplication-not-atomic", 2..=8)] {
        let running = start(name).await;
        at_once(&running, vec![notification("a", "RFP_SEND"); 8]).await;
        let times = processed(&running, "a").await;
        assert!(times.is_some_and(|times| expected.contains(&times)), "{name}: {times:?}");
    }
}

#[tokio::test]
async fn different_ids_are_taken_for_one() {
    for (name, first, second) in [
        ("deduplication-by-rfp", "a", "b"),
        ("deduplication-by-rfp-and-type", "a", "b"),
        ("deduplication-by-start-of-id", "8c7d2f4e-1", "8c7d2f4e-2"),
        ("deduplication-by-end-of-id", "1-95e14b3b7e33", "2-95e14b3b7e33"),
    ] {
        let running = start(name).await;
        send(&running, first, "RFP_SEND").await;
        send(&running, second, "RFP_SEND").await;
        assert_eq!(processed(&running, first).await, Some(1), "{name}");
        assert_eq!(processed(&running, second).await, Some(0), "{name}");
    }
}

#[tokio::test]
async fn duplicates_are_refused() {
    for (name, status) in [("duplicate-409", 409), ("duplicate-500", 500)] {
        let running = start(name).await;
        send(&running, "a", "RFP_SEND").await;
        assert_eq!(once(&running, &notification("a", "RFP_SEND")).await, Status(status));
    }
}

#[tokio::test]
async fn acknowledged_and_lost() {
    for (name, at_least) in [("burst-overflows-queue", 20), ("every-tenth-lost", 4), ("stored-in-tens", 0)] {
        let running = start(name).await;
        let ids: Vec<String> = (0..49).map(|n| format!("e{n}")).collect();
        at_once(&running, ids.iter().map(|id| notification(id, "RFP_SEND")).collect()).await;
        let mut lost = 0;
        for id in &ids {
            lost += u64::from(processed(&running, id).await == Some(0));
        }
        assert!(lost >= at_least.max(1), "{name}: {lost} lost");
    }
}

#[tokio::test]
async fn effects_of_what_was_refused() {
    let without = request("POST /pns HTTP/1.1", &["Authorization:"], body("a", "RFP_SEND").to_string());
    let junk = notification("b", "NO_SUCH_TYPE");
    for (name, effects) in [("effect-without-key", Some(1)), ("plain", None)] {
        let running = start(name).await;
        assert_eq!(once(&running, &without).await, Status(401));
        assert_eq!(once(&running, &junk).await, Status(422));
        assert_eq!(processed(&running, "a").await, effects, "{name}");
        assert_eq!(processed(&running, "b").await, effects, "{name}");
    }
}

#[tokio::test]
async fn effects_of_a_cut_body() {
    let whole = notification("a", "RFP_SEND");
    for (name, after_cut, after_retry) in
        [("effect-of-cut-body", Some(1), 1), ("marked-as-seen-before-checked", None, 0), ("plain", None, 1)]
    {
        let running = start(name).await;
        let mut client = Client::connect(&running).await;
        client.send(&whole[..whole.len() - 20]).await;
        tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await.unwrap();
        client.rest().await;
        assert_eq!(processed(&running, "a").await, after_cut, "{name}");
        send(&running, "a", "RFP_SEND").await;
        assert_eq!(processed(&running, "a").await, Some(after_retry), "{name}");
    }
}

#[tokio::test]
async fn wrong_types() {
    let running = start("type-defaults-to-send").await;
    send(&running, "a", "PLANNER_AWARD_SUPPLIER").await;
    assert_eq!(inspect(&running, "a").await.unwrap()["eventType"], "RFP_SEND");
    let running = start("types-swapped-under-load").await;
    let types = ["RFP_SEND", "RFP_VIEWED", "RFP_FORWARD", "RESPONSE_ASSIGN"];
    at_once(&running, types.map(|name| notification(name, name)).to_vec()).await;
    let mut wrong = 0;
    for name in types {
        wrong += u64::from(inspect(&running, name).await.unwrap()["eventType"] != name);
    }
    assert!(wrong > 0);
}

#[tokio::test]
async fn order_and_age() {
    for (name, status, effects) in [
        ("order-demanded-409", 409, 0),
        ("order-demanded-500", 500, 0),
        ("early-events-dropped", 200, 0),
        ("plain", 200, 1),
    ] {
        let running = start(name).await;
        assert_eq!(
            once(&running, &notification("a", "PLANNER_AWARD_SUPPLIER")).await,
            Status(status),
            "{name}"
        );
        assert_eq!(processed(&running, "a").await, Some(effects), "{name}");
    }
    let running = start("old-notifications-dropped").await;
    let mut old = body("a", "RFP_SEND");
    old["eventTimestamp"] = json!("2020-01-01T00:00:00.000Z");
    assert_eq!(once(&running, &post(old.to_string())).await, Status(200));
    assert_eq!(processed(&running, "a").await, Some(0));
}

#[tokio::test]
async fn effects_come_late() {
    let running = start("effects-two-seconds-late").await;
    send(&running, "a", "RFP_SEND").await;
    assert_eq!(processed(&running, "a").await, Some(0));
    until(Duration::from_secs(10), async || processed(&running, "a").await == Some(1)).await;
}

#[tokio::test]
async fn a_sender_that_leaves() {
    for (name, effects) in [("effect-again-when-sender-leaves", 2), ("plain", 1)] {
        let running = start(name).await;
        let mut client = Client::connect(&running).await;
        client.send(&notification("a", "RFP_SEND")).await;
        until(Duration::from_secs(10), async || processed(&running, "a").await == Some(1)).await;
        drop(client);
        send(&running, "a", "RFP_SEND").await;
        assert_eq!(processed(&running, "a").await, Some(effects), "{name}");
    }
}

#[tokio::test]
async fn locks_and_junk() {
    let running = start("same-rfp-at-once-500").await;
    let mut first = Client::connect(&running).await;
    let mut second = Client::connect(&running).await;
    first.send(&notification("a", "RFP_SEND")).await;
    second.send(&notification("b", "RFP_VIEWED")).await;
    let outcomes = [first.outcome().await, second.outcome().await];
    assert!(outcomes.contains(&Status(200)) && outcomes.contains(&Status(500)), "{outcomes:?}");
    let running = start("effect-of-junk").await;
    assert_eq!(once(&running, &notification("a", "NO_SUCH")).await, Status(422));
    assert_eq!(processed(&running, "a").await, Some(1));
    let running = start("broken-request-leaves-lock").await;
    let whole = notification("a", "RFP_SEND");
    let mut client = Client::connect(&running).await;
    client.send(&whole[..whole.len() - 20]).await;
    tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await.unwrap();
    client.rest().await;
    assert_eq!(once(&running, &whole).await, Status(409));
}
