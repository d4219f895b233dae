//! The simulator as a service, over a transport that answers from memory.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

mod durable;
mod lifecycles;
mod pulled;
mod random;
mod support;

use std::time::Duration;

use pns_engine::{DeliveryId, EventType, Happened, NotificationId, SubscriptionId, WindowId};
use pns_simulator::clock::Gear;
use pns_simulator::service::model::{
    AdvanceSpec, Course, DeliveryFilter, DeliveryState, DurabilityWord, Idempotency, LifecycleSpec,
    NotificationSpec, PageRequest, PublishOptions, ReplaySpec, SubscriptionPatch, WindowKind,
};
use pns_simulator::service::{Heard, ServiceError, Simulator, Stopped};
use serde_json::json;

use support::*;

#[tokio::test]
async fn what_is_published_is_delivered() {
    let receiver = acknowledging();
    let simulator = virtual_time(&receiver).start().await.unwrap();
    let id = subscribe(&simulator, spec()).await;
    let published = publish(&simulator, 3).await;
    assert_eq!(published.notifications.iter().map(|one| one.id).collect::<Vec<_>>(), [1, 2, 3]);
    simulator.when_idle(PATIENCE).await.unwrap();
    assert_eq!(receiver.requests().len(), 3);
    let page = simulator.deliveries(DeliveryFilter::default(), PageRequest::default()).await.unwrap();
    assert!(page.items.iter().all(|delivery| delivery.state == DeliveryState::Delivered), "{page:?}");
    assert_eq!((page.items.len(), page.next), (3, None));
    let metrics = simulator.metrics().await.unwrap();
    assert_eq!((metrics.published, metrics.delivered, metrics.subscriptions), (3, 3, 1));
    assert_eq!(simulator.backlog(Some(id)).await.unwrap().total(), 0);
    assert_eq!(simulator.shutdown(PATIENCE).await, Stopped::Clean);
    assert_eq!(simulator.backlog(None).await, Err(ServiceError::Stopping));
}

#[tokio::test]
async fn retries_follow_the_schedule_of_virtual_time() {
    let receiver = Moody::new(status(500));
    let simulator = virtual_time(&receiver.transport).start().await.unwrap();
    subscribe(&simulator, spec()).await;
    publish(&simulator, 1).await;
    let begun = simulator.clock().await.unwrap().now.0;
    let mut offsets = Vec::new();
    for _ in 0..4 {
        let clock = simulator.advance(AdvanceSpec::to_next_due()).await.unwrap();
        offsets.push(clock.now.0.since(begun).as_secs());
    }
    assert_eq!(offsets, [30, 90, 210, 450]);
    receiver.answer(OK);
    let clock = simulator.advance(AdvanceSpec::by(Duration::from_secs(86_400))).await.unwrap();
    assert_eq!(clock.next_due, None);
    let bodies = bodies(&receiver.transport.requests());
    assert_eq!(bodies.len(), 6);
    assert!(bodies.iter().all(|body| *body == bodies[0]), "retries repeat the same bytes");
    let detail = simulator.delivery(DeliveryId(1)).await.unwrap();
    assert_eq!(detail.delivery.last_failure.as_deref(), Some("status"));
    assert_eq!(detail.history.iter().map(|one| one.status).collect::<Vec<_>>()[4..], [Some(500), Some(200)]);
    let view = simulator.notification(NotificationId(1)).await.unwrap();
    assert_eq!(view.body.as_bytes(), bodies[0]);
    assert!(view.attempted);
}

#[tokio::test]
async fn settings_are_checked_by_field_and_names_are_taken_once() {
    let simulator = virtual_time(&acknowledging()).start().await.unwrap();
    let named = json!({ "endpoint": "https://receiver.test/pns", "name": "crs" });
    let id = subscribe(&simulator, spec_of(named.clone())).await;
    let taken = simulator.create_subscription(spec_of(named)).await;
    assert!(matches!(taken, Err(ServiceError::Conflict(_))), "{taken:?}");
    let mut wrong = spec();
    wrong.schema_pack = Some("cvent-1999".to_owned());
    let Err(ServiceError::Invalid(errors)) = simulator.create_subscription(wrong).await else { panic!() };
    assert_eq!(errors[0].field, "schema_pack");
    assert_eq!(simulator.subscription_named("crs".to_owned()).await, Ok(Some(id)));
    let patch: SubscriptionPatch = serde_json::from_value(json!({ "concurrency": 9 })).unwrap();
    let changed = simulator.change_subscription(id, patch).await.unwrap();
    assert_eq!((changed.concurrency.get(), changed.name.as_deref()), (9, Some("crs")));
    simulator.remove_subscription(id).await.unwrap();
    assert_eq!(
        simulator.subscription(id).await,
        Err(ServiceError::NotFound { what: "subscription", id: id.0.into() })
    );
    assert!(simulator.subscriptions(PageRequest::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn all_of_a_batch_is_published_or_nothing() {
    let simulator = virtual_time(&acknowledging()).pending_max(5).start().await.unwrap();
    subscribe(&simulator, spec()).await;
    let mut batch = vec![NotificationSpec::new(EventType::RfpSend); 3];
    batch[1].overrides = json!({ "eventType.deeper": 1 }).as_object().cloned();
    let Err(ServiceError::Invalid(errors)) = simulator.publish(batch, PublishOptions::default()).await else {
        panic!("leads through a text")
    };
    assert_eq!(errors[0].field, "notifications[1].overrides");
    let six = vec![NotificationSpec::new(EventType::RfpSend); 6];
    let full = simulator.publish(six, PublishOptions::default()).await;
    assert_eq!(full, Err(ServiceError::QueueFull { pending: 0, limit: 5 }));
    assert_eq!(simulator.metrics().await.unwrap().published, 0);
    assert_eq!(publish(&simulator, 5).await.notifications[0].id, 1);
}

#[tokio::test]
async fn a_call_makes_no_more_deliveries_than_a_commit_should_hold() {
    let simulator = virtual_time(&acknowledging()).start().await.unwrap();
    for _ in 0..11 {
        subscribe(&simulator, spec()).await;
    }
    let all = vec![NotificationSpec::new(EventType::RfpSend); 10_000];
    let Err(ServiceError::Invalid(errors)) = simulator.publish(all, PublishOptions::default()).await else {
        panic!("110,000 deliveries are too many")
    };
    assert_eq!(errors[0].field, "notifications");
    assert_eq!(simulator.metrics().await.unwrap().published, 0);
}

#[tokio::test]
async fn an_idempotency_key_gives_the_first_answer_again() {
    let receiver = acknowledging();
    let simulator = virtual_time(&receiver).start().await.unwrap();
    subscribe(&simulator, spec()).await;
    let call = |fingerprint: u8| PublishOptions {
        idempotency: Some(Idempotency { key: "k".to_owned(), fingerprint: [fingerprint; 32] }),
        durability: DurabilityWord::Durable,
    };
    let one = || vec![NotificationSpec::new(EventType::RfpSend)];
    let first = simulator.publish(one(), call(1)).await.unwrap();
    assert_eq!(simulator.publish(one(), call(1)).await.unwrap(), first);
    assert_eq!(simulator.publish(one(), call(2)).await, Err(ServiceError::KeyReused("k".to_owned())));
    simulator.when_idle(PATIENCE).await.unwrap();
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn a_whole_course_goes_out_in_its_order() {
    let receiver = acknowledging();
    let simulator = virtual_time(&receiver).start().await.unwrap();
    let all = json!({ "endpoint": "https://receiver.test/", "events": "all", "concurrency": 1 });
    subscribe(&simulator, spec_of(all)).await;
    let spec =
        LifecycleSpec { course: Course::Cancel, supplier: None, rfp: None, overrides: None, every: None };
    let published = simulator.lifecycle(spec, PublishOptions::default()).await.unwrap();
    simulator.when_idle(PATIENCE).await.unwrap();
    let types: Vec<EventType> = published.notifications.iter().map(|one| one.event_type.0).collect();
    assert_eq!(types, Course::Cancel.events());
    let sent: Vec<String> = receiver
        .requests()
        .iter()
        .map(|request| {
            serde_json::from_slice::<serde_json::Value>(&request.body).unwrap()["eventType"].to_string()
        })
        .collect();
    let expected: Vec<String> = types.iter().map(|one| format!("\"{one}\"")).collect();
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_window_and_a_pause_hold_and_let_go() {
    let receiver = acknowledging();
    let simulator = virtual_time(&receiver).start().await.unwrap();
    let id = subscribe(&simulator, spec()).await;
    let window = serde_json::from_value(json!({ "subscription": id.0, "for": "1h" })).unwrap();
    let window = simulator.announce_window(window).await.unwrap();
    simulator.pause(None).await.unwrap();
    simulator.pause(Some(id)).await.unwrap();
    let kinds: Vec<WindowKind> =
        simulator.windows().await.unwrap().iter().map(|window| window.kind).collect();
    assert_eq!(kinds, [WindowKind::Downtime, WindowKind::Pause]);
    publish(&simulator, 1).await;
    let held = DeliveryFilter { state: Some(DeliveryState::Held), ..DeliveryFilter::default() };
    assert_eq!(simulator.deliveries(held, PageRequest::default()).await.unwrap().items.len(), 1);
    let later = serde_json::from_value(json!({ "for": "2h" })).unwrap();
    simulator.change_window(WindowId(window.id), later).await.unwrap();
    simulator.advance(AdvanceSpec::by(Duration::from_secs(7_300))).await.unwrap();
    assert_eq!(simulator.windows().await.unwrap().len(), 1, "the window is over, the pause is not");
    assert!(receiver.requests().is_empty());
    assert!(simulator.subscription(id).await.unwrap().paused);
    simulator.resume(Some(id)).await.unwrap();
    simulator.when_idle(PATIENCE).await.unwrap();
    assert_eq!(receiver.requests().len(), 1);
    assert!(!simulator.subscription(id).await.unwrap().paused);
}

#[tokio::test]
async fn a_fault_hits_so_many_attempts() {
    let receiver = acknowledging();
    let simulator = virtual_time(&receiver).start().await.unwrap();
    subscribe(&simulator, spec()).await;
    let fault = serde_json::from_value(json!({ "fault": { "refuse": 2 } })).unwrap();
    let fault = simulator.plan_fault(fault).await.unwrap();
    assert_eq!(fault.left, Some(2));
    publish(&simulator, 1).await;
    simulator.advance(AdvanceSpec::by(Duration::from_secs(1))).await.unwrap();
    assert_eq!(simulator.faults().await.unwrap()[0].left, Some(1));
    simulator.advance(AdvanceSpec::by(Duration::from_secs(86_400))).await.unwrap();
    assert_eq!(simulator.delivery(DeliveryId(1)).await.unwrap().delivery.attempts, 3);
    assert_eq!(simulator.clear_fault(Some(9)).await, Err(ServiceError::NotFound { what: "fault", id: 9 }));
    simulator.clear_fault(None).await.unwrap();
    assert!(simulator.faults().await.unwrap().is_empty());
}

#[tokio::test]
async fn replays_deliver_again_and_a_dry_run_only_tells() {
    let receiver = acknowledging();
    let simulator = virtual_time(&receiver).start().await.unwrap();
    let capped = json!({ "endpoint": "https://receiver.test/", "retry": { "cap": 1 } });
    let id = subscribe(&simulator, spec_of(capped)).await;
    let fault = serde_json::from_value(json!({ "fault": { "refuse": 2 } })).unwrap();
    simulator.plan_fault(fault).await.unwrap();
    publish(&simulator, 5).await;
    simulator.when_idle(PATIENCE).await.unwrap();
    assert_eq!(receiver.requests().len(), 3);
    let missing = |dry_run| ReplaySpec { missing: true, dry_run, ..ReplaySpec::default() };
    let would = simulator.replay(missing(true)).await.unwrap();
    assert_eq!((would.deliveries.len(), would.more), (2, false));
    let limited = ReplaySpec { limit: std::num::NonZeroU32::new(1), ..missing(true) };
    assert!(simulator.replay(limited).await.unwrap().more);
    let replayed = simulator.replay(missing(false)).await.unwrap();
    simulator.when_idle(PATIENCE).await.unwrap();
    assert_eq!(receiver.requests().len(), 5);
    assert!(simulator.replay(missing(true)).await.unwrap().deliveries.is_empty());
    let again = ReplaySpec { delivery: replayed.deliveries[0].delivery, ..ReplaySpec::default() };
    simulator.replay(again).await.unwrap();
    simulator.when_idle(PATIENCE).await.unwrap();
    let bodies = bodies(&receiver.requests());
    assert_eq!(bodies.len(), 6);
    assert_eq!(bodies[5], bodies[3], "the same notification is the same bytes");
    simulator.remove_subscription(id).await.unwrap();
    assert_eq!(
        simulator.replay(ReplaySpec { delivery: Some(1), ..ReplaySpec::default() }).await,
        Err(ServiceError::NotFound { what: "subscription", id: id.0.into() })
    );
}

#[tokio::test]
async fn a_replay_of_what_failed_reaches_the_rest_when_it_is_called_again() {
    let receiver = Moody::new(status(500));
    let simulator = virtual_time(&receiver.transport).start().await.unwrap();
    let since = simulator.clock().await.unwrap().now;
    let capped = json!({ "endpoint": "https://receiver.test/", "retry": { "cap": 1 } });
    let id = subscribe(&simulator, spec_of(capped)).await;
    publish(&simulator, 3).await;
    simulator.when_idle(PATIENCE).await.unwrap();
    let call = async |limit| {
        let limit = std::num::NonZeroU32::new(limit);
        let spec = ReplaySpec { failed_since: Some(since), limit, ..ReplaySpec::default() };
        let replayed = simulator.replay(spec).await.unwrap();
        (replayed.deliveries.iter().map(|one| one.notification).collect::<Vec<_>>(), replayed.more)
    };
    // What is given up again comes after those that have not had their turn.
    assert_eq!(call(1).await, (vec![1], true));
    simulator.when_idle(PATIENCE).await.unwrap();
    receiver.answer(OK);
    assert_eq!(call(1).await, (vec![2], true));
    simulator.when_idle(PATIENCE).await.unwrap();
    // What is on its way is left out, and so is what was acknowledged.
    simulator.pause(Some(id)).await.unwrap();
    assert_eq!(call(1).await, (vec![3], true));
    assert_eq!(call(1).await, (vec![1], false));
    assert_eq!(call(1).await, (vec![], false));
    simulator.resume(Some(id)).await.unwrap();
    simulator.when_idle(PATIENCE).await.unwrap();
    assert_eq!(call(9).await, (vec![], false));
    assert_eq!(receiver.transport.requests().len(), 7);
}

#[tokio::test]
async fn what_was_published_before_a_subscription_at_the_same_instant_is_not_missing() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = start_in(folder.path(), &acknowledging(), Gear::Virtual).await;
    publish(&simulator, 1).await;
    let id = subscribe(&simulator, spec()).await;
    let view = simulator.notification(NotificationId(1)).await.unwrap();
    assert_eq!(view.published_at, simulator.subscription(id).await.unwrap().created_at);
    let missing = async |simulator: &Simulator| {
        let spec = ReplaySpec { missing: true, dry_run: true, ..ReplaySpec::default() };
        let replayed = simulator.replay(spec).await.unwrap();
        replayed.deliveries.iter().map(|one| one.notification).collect::<Vec<_>>()
    };
    assert_eq!(missing(&simulator).await, [0_u64; 0]);
    // What it sees is told by its present settings.
    let other = vec![NotificationSpec::new(EventType::RfpViewed)];
    simulator.publish(other, PublishOptions::default()).await.unwrap();
    assert_eq!(missing(&simulator).await, [0_u64; 0]);
    let patch: SubscriptionPatch = serde_json::from_value(json!({ "events": "all" })).unwrap();
    simulator.change_subscription(id, patch).await.unwrap();
    assert_eq!(missing(&simulator).await, [2]);
    simulator.shutdown(PATIENCE).await;
    drop(simulator);
    let simulator = start_in(folder.path(), &acknowledging(), Gear::Virtual).await;
    assert_eq!(missing(&simulator).await, [2]);
}

#[tokio::test]
async fn what_is_still_retried_is_not_replayed_as_failed() {
    let receiver = Moody::new(status(500));
    let simulator = virtual_time(&receiver.transport).start().await.unwrap();
    let since = simulator.clock().await.unwrap().now;
    subscribe(&simulator, spec()).await;
    publish(&simulator, 2).await;
    simulator.advance(AdvanceSpec::by(Duration::from_secs(1))).await.unwrap();
    let spec = ReplaySpec { failed_since: Some(since), ..ReplaySpec::default() };
    let replayed = simulator.replay(spec).await.unwrap();
    assert!(replayed.deliveries.is_empty() && !replayed.more, "{replayed:?}");
}

#[tokio::test]
async fn records_are_told_in_order_and_again_from_a_number() {
    let simulator = virtual_time(&acknowledging()).start().await.unwrap();
    let mut records = simulator.records(None);
    subscribe(&simulator, spec()).await;
    publish(&simulator, 1).await;
    simulator.when_idle(PATIENCE).await.unwrap();
    let mut sequences = Vec::new();
    loop {
        let Some(Heard::Record(numbered)) = records.next().await else { panic!("nothing was missed") };
        sequences.push(numbered.sequence);
        if matches!(numbered.record.event, Happened::AttemptAcknowledged { .. }) {
            break;
        }
    }
    assert!(sequences.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{sequences:?}");
    let mut again = simulator.records(Some(sequences[1]));
    let Some(Heard::Record(numbered)) = again.next().await else { panic!("it is in the ring") };
    assert_eq!(numbered.sequence, sequences[1]);
    simulator.shutdown(PATIENCE).await;
    while records.next().await.is_some() {}
}

#[tokio::test]
async fn time_is_advanced_in_the_virtual_gear_only() {
    let simulator = Simulator::builder().scripted(acknowledging()).start().await.unwrap();
    let refused = simulator.advance(AdvanceSpec::to_next_due()).await;
    assert!(matches!(refused, Err(ServiceError::Conflict(_))), "{refused:?}");
    let before = simulator.clock().await.unwrap().now;
    let clock = simulator.set_gear(Gear::Virtual).await.unwrap();
    assert!(clock.now.0 >= before.0);
    let after = simulator.advance(AdvanceSpec::by(Duration::from_secs(5))).await.unwrap();
    assert_eq!(after.now.0, clock.now.0 + Duration::from_secs(5));
}

#[tokio::test]
async fn time_does_not_pass_its_end() {
    let receiver = Moody::new(status(500));
    let simulator = virtual_time(&receiver.transport).start().await.unwrap();
    let slow = json!({ "endpoint": "https://h/", "retry": { "first": "3650d", "max": "3650d" } });
    subscribe(&simulator, spec_of(slow)).await;
    let near: AdvanceSpec = serde_json::from_value(json!({ "to": "2261-12-31T23:59:00Z" })).unwrap();
    let near = simulator.advance(near).await.unwrap();
    publish(&simulator, 1).await;
    let clock = simulator.advance(AdvanceSpec::by(Duration::from_secs(1))).await.unwrap();
    assert_eq!(clock.next_due, None, "ten years on is never");
    assert_eq!(simulator.advance(AdvanceSpec::to_next_due()).await.unwrap(), clock);
    let Err(ServiceError::Invalid(errors)) = simulator.advance(AdvanceSpec::by(PATIENCE)).await else {
        panic!("a minute is too much")
    };
    assert_eq!(errors[0].field, "by");
    let detail = simulator.delivery(DeliveryId(1)).await.unwrap();
    assert_eq!((detail.delivery.published_at, detail.delivery.due_at), (near.now, None));
    assert_eq!(detail.history.len(), 1);
    let window = serde_json::from_value(json!({ "subscription": 1, "for": "1h" })).unwrap();
    let Err(ServiceError::Invalid(errors)) = simulator.announce_window(window).await else { panic!() };
    assert_eq!(errors[0].field, "for");
    let clock = simulator.set_gear(Gear::Scaled(std::num::NonZeroU32::MAX)).await.unwrap();
    assert_eq!(clock.now.0.max(pns_simulator::clock::LAST), pns_simulator::clock::LAST);
    assert_eq!(simulator.shutdown(PATIENCE).await, Stopped::Clean);
}

#[tokio::test]
async fn secrets_stay_inside() {
    const KEY: &str = "k3y-that-nobody-sees";
    let simulator = virtual_time(&acknowledging()).start().await.unwrap();
    let mut secret = spec();
    secret.api_key = Some(serde_json::from_value(json!(KEY)).unwrap());
    let id = subscribe(&simulator, secret).await;
    publish(&simulator, 1).await;
    simulator.when_idle(PATIENCE).await.unwrap();
    let detail = simulator.delivery(DeliveryId(1)).await.unwrap();
    let told = serde_json::to_string(&detail).unwrap()
        + &serde_json::to_string(&simulator.subscription(SubscriptionId(id.0)).await.unwrap()).unwrap()
        + &format!("{simulator:?}");
    assert!(!told.contains(KEY), "{told}");
    assert!(told.contains("sha256:"));
}

#[tokio::test]
async fn pages_hold_every_delivery_once_whatever_the_filter() {
    let simulator = virtual_time(&acknowledging()).start().await.unwrap();
    let (held, free) = (subscribe(&simulator, spec()).await, subscribe(&simulator, spec()).await);
    simulator.pause(Some(held)).await.unwrap();
    publish(&simulator, 20).await;
    simulator.advance(AdvanceSpec::by(Duration::from_secs(1))).await.unwrap();
    let filters = [
        (json!({}), 40_usize),
        (json!({ "state": "held" }), 20),
        (json!({ "state": "waiting" }), 0),
        (json!({ "state": "delivered" }), 20),
        (json!({ "failing": false }), 40),
        (json!({ "failing": true }), 0),
        (json!({ "subscription": free.0, "type": "RFP_SEND" }), 20),
    ];
    for (filter, expected) in filters {
        for order in ["ascending", "descending"] {
            let filter: DeliveryFilter = serde_json::from_value(filter.clone()).unwrap();
            let mut page: PageRequest =
                serde_json::from_value(json!({ "limit": 10, "order": order })).unwrap();
            let (mut ids, mut pages) = (Vec::new(), 0);
            loop {
                let part = simulator.deliveries(filter.clone(), page).await.unwrap();
                ids.extend(part.items.iter().map(|delivery| delivery.id));
                pages += 1;
                page.after = part.next;
                if page.after.is_none() {
                    break;
                }
            }
            assert_eq!((ids.len(), pages), (expected, expected.div_ceil(10).max(1)), "{filter:?}");
            let rising = ids.windows(2).all(|pair| pair[0] < pair[1]);
            assert!(ids.len() < 2 || rising == (order == "ascending"), "{ids:?}");
        }
    }
}
