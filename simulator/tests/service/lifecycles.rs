//! Lifecycles that take their time.

use std::time::Duration;

use pns_engine::EventType;
use pns_simulator::clock::Gear;
use pns_simulator::service::model::{
    AdvanceSpec, Course, Idempotency, LifecycleSpec, PageRequest, PublishOptions,
};
use pns_simulator::service::{ServiceError, Simulator};
use pns_simulator::world::{Act, Viewer};
use serde_json::{Value, json};

use crate::support::*;

fn hourly(course: Course) -> LifecycleSpec {
    serde_json::from_value(json!({ "course": course, "every": "1h" })).unwrap()
}

/// The event types of what was sent, in their order.
fn sent(receiver: &pns_simulator::transport::ScriptedTransport) -> Vec<String> {
    let name = |body: Vec<u8>| {
        let body: Value = serde_json::from_slice(&body).unwrap();
        body["eventType"].as_str().unwrap().to_owned()
    };
    bodies(&receiver.requests()).into_iter().map(name).collect()
}

fn names(events: &[EventType]) -> Vec<String> {
    events.iter().map(|event| event.wire_name().to_owned()).collect()
}

async fn advance(simulator: &Simulator, hours: u64) {
    simulator.advance(AdvanceSpec::by(Duration::from_secs(hours * 3_600))).await.unwrap();
}

async fn everything(simulator: &Simulator) {
    let all = spec_of(json!({ "endpoint": "https://receiver.test/pns", "events": "all" }));
    subscribe(simulator, all).await;
}

#[tokio::test]
async fn its_events_come_one_by_one_as_time_goes_on() {
    let receiver = acknowledging();
    let simulator = virtual_time(&receiver).start().await.unwrap();
    everything(&simulator).await;
    let begun = simulator.lifecycle(hourly(Course::TurnDown), PublishOptions::default()).await.unwrap();
    assert_eq!(begun.notifications.len(), 1);
    let course = Course::TurnDown.events();
    let under_way = simulator.lifecycles().await.unwrap();
    assert_eq!((under_way[0].id, under_way[0].left), (1, course.len() as u64 - 1));
    assert_eq!(under_way[0].next.0, course[1]);
    assert_eq!(simulator.clock().await.unwrap().next_due, under_way[0].next_at);

    advance(&simulator, 2).await;
    assert_eq!(sent(&receiver), names(&course[..3]), "at once, after one hour and after two");
    // To the next due moment is to the next event.
    simulator.advance(AdvanceSpec::to_next_due()).await.unwrap();
    assert_eq!(sent(&receiver), names(&course[..4]));
    advance(&simulator, 100).await;
    assert_eq!(sent(&receiver), names(&course));
    assert_eq!(simulator.lifecycles().await.unwrap(), []);
    assert_eq!(simulator.clock().await.unwrap().next_due, None);
}

#[tokio::test]
async fn it_outlives_a_crash_and_what_it_came_to_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = acknowledging();
    let before = start_in(folder.path(), &receiver, Gear::Virtual).await;
    everything(&before).await;
    before.lifecycle(hourly(Course::Award), PublishOptions::default()).await.unwrap();
    advance(&before, 3).await;
    let under_way = before.lifecycles().await.unwrap();
    drop(before);

    let after = start_in(folder.path(), &receiver, Gear::Virtual).await;
    assert_eq!(after.lifecycles().await.unwrap(), under_way);
    advance(&after, 100).await;
    assert_eq!(sent(&receiver), names(&Course::Award.events()));
    drop(after);
    let third = start_in(folder.path(), &receiver, Gear::Virtual).await;
    assert_eq!(third.lifecycles().await.unwrap(), [], "its end is kept too");
}

#[tokio::test]
async fn all_of_it_is_about_one_rfp_until_that_is_turned_down() {
    let receiver = acknowledging();
    let simulator = virtual_time(&receiver).start().await.unwrap();
    everything(&simulator).await;
    simulator.lifecycle(hourly(Course::Award), PublishOptions::default()).await.unwrap();
    advance(&simulator, 3).await;
    let rfp = simulator.lifecycles().await.unwrap()[0].rfp.unwrap();
    let sent: Vec<Value> =
        bodies(&receiver.requests()).iter().map(|body| serde_json::from_slice(body).unwrap()).collect();
    assert!(sent.iter().all(|body| body["rfpId"] == rfp.to_string()), "{sent:?}");
    assert!(sent.iter().all(|body| body["supplierId"] == sent[0]["supplierId"]), "{sent:?}");

    let supplier = sent[0]["supplierId"].as_str().unwrap().parse().unwrap();
    let act = Act::turn_down(rfp, supplier, &json!({ "responseReason": "LOW_BUDGET" })).unwrap();
    let viewer = Viewer { suppliers: pns_engine::SupplierScope::All, cvb: false };
    simulator.act(act, viewer).await.unwrap();
    assert_eq!(simulator.lifecycles().await.unwrap(), []);
    advance(&simulator, 100).await;
    assert_eq!(receiver.requests().len(), sent.len() + 1, "the turn-down is the last that is heard of it");
}

#[tokio::test]
async fn it_can_be_ended_and_is_begun_once_for_a_key() {
    let receiver = acknowledging();
    let simulator = virtual_time(&receiver).start().await.unwrap();
    everything(&simulator).await;
    let options = || PublishOptions {
        idempotency: Some(Idempotency { key: "k".to_owned(), fingerprint: [1; 32] }),
        ..PublishOptions::default()
    };
    let first = simulator.lifecycle(hourly(Course::Submit), options()).await.unwrap();
    assert_eq!(simulator.lifecycle(hourly(Course::Submit), options()).await.unwrap(), first);
    assert_eq!(simulator.lifecycles().await.unwrap().len(), 1);
    simulator.end_lifecycle(1).await.unwrap();
    let gone = simulator.end_lifecycle(1).await.unwrap_err();
    assert_eq!(gone, ServiceError::NotFound { what: "lifecycle", id: 1 });
    advance(&simulator, 100).await;
    assert_eq!(sent(&receiver).len(), 1);
}

#[tokio::test]
async fn a_step_that_finds_the_queue_full_comes_later() {
    let receiver = Moody::new(status(500));
    let simulator = virtual_time(&receiver.transport).pending_max(1).start().await.unwrap();
    everything(&simulator).await;
    simulator.lifecycle(hourly(Course::TurnDown), PublishOptions::default()).await.unwrap();
    advance(&simulator, 5).await;
    assert_eq!(simulator.lifecycles().await.unwrap()[0].published, 1);
    receiver.answer(OK);
    advance(&simulator, 200).await;
    let delivered = simulator.deliveries(Default::default(), PageRequest::default()).await.unwrap();
    assert_eq!(delivered.items.len(), Course::TurnDown.events().len());
}

#[tokio::test]
async fn a_span_that_is_none_is_refused() {
    let simulator = virtual_time(&acknowledging()).start().await.unwrap();
    let spec = serde_json::from_value(json!({ "course": "submit", "every": "0ms" })).unwrap();
    let refused = simulator.lifecycle(spec, PublishOptions::default()).await.unwrap_err();
    assert!(refused.to_string().starts_with("every: "), "{refused}");
}
