//! What outlives a crash. A simulator that is dropped does nothing more, as one that is killed: what its tasks would
//! still have done is not done.

use std::num::NonZeroU32;
use std::time::Duration;

use pns_engine::{DeliveryId, EventType};
use pns_simulator::clock::Gear;
use pns_simulator::service::model::{
    AdvanceSpec, DeliveryFilter, DeliveryState, Idempotency, NotificationSpec, PageRequest, PublishOptions,
};
use pns_simulator::service::{Data, ServiceError, Simulator, StartError, Stopped};
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn what_waits_goes_on_after_a_crash_with_its_attempts_and_due_times() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Moody::new(status(500));
    let before = start_in(folder.path(), &receiver.transport, Gear::Virtual).await;
    let id =
        subscribe(&before, spec_of(json!({ "endpoint": "https://receiver.test/", "name": "crs" }))).await;
    let mut special = NotificationSpec::new(EventType::RfpSend);
    special.overrides = json!({ "reason": "OTHER" }).as_object().cloned();
    before.publish(vec![special], PublishOptions::default()).await.unwrap();
    before.advance(AdvanceSpec::by(Duration::from_secs(40))).await.unwrap();
    let clock = before.clock().await.unwrap();
    let delivery = before.delivery(DeliveryId(1)).await.unwrap();
    drop(before);

    let after = start_in(folder.path(), &receiver.transport, Gear::Virtual).await;
    assert_eq!(after.clock().await.unwrap(), clock);
    assert_eq!(after.delivery(DeliveryId(1)).await.unwrap(), delivery);
    assert_eq!(after.subscription(id).await.unwrap().name.as_deref(), Some("crs"));
    assert_eq!(delivery.delivery.attempts, 2);
    receiver.answer(OK);
    after.advance(AdvanceSpec::to_next_due()).await.unwrap();
    let bodies = bodies(&receiver.transport.requests());
    assert_eq!(bodies.len(), 3);
    assert!(bodies.iter().all(|body| *body == bodies[0]), "the bytes are the same after a crash");
    assert!(String::from_utf8_lossy(&bodies[0]).contains("OTHER"));
    assert_eq!(after.status().await.unwrap().possible_duplicates, 0);
    assert_eq!(after.shutdown(PATIENCE).await, Stopped::Clean);

    let third = start_in(folder.path(), &receiver.transport, Gear::Virtual).await;
    assert_eq!(publish(&third, 1).await.notifications[0].id, 2, "ids go on");
}

#[tokio::test]
async fn pauses_windows_faults_and_packs_outlive_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = acknowledging();
    let before = start_in(folder.path(), &receiver, Gear::Virtual).await;
    let id = subscribe(&before, spec()).await;
    before.pause(Some(id)).await.unwrap();
    before
        .announce_window(serde_json::from_value(json!({ "subscription": id.0, "for": "2h" })).unwrap())
        .await
        .unwrap();
    before
        .plan_fault(
            serde_json::from_value(json!({ "fault": { "answer": { "status": 503, "times": 2 } } })).unwrap(),
        )
        .await
        .unwrap();
    publish(&before, 1).await;
    let other = serde_json::from_value(json!({ "schema_pack": "cvent-2015" })).unwrap();
    before.change_subscription(id, other).await.unwrap();
    let (windows, faults) = (before.windows().await.unwrap(), before.faults().await.unwrap());
    let subscriptions = before.subscriptions(PageRequest::default()).await.unwrap();
    drop(before);

    let after = start_in(folder.path(), &receiver, Gear::Virtual).await;
    assert_eq!(after.windows().await.unwrap(), windows);
    assert_eq!(after.faults().await.unwrap(), faults);
    assert_eq!(after.subscriptions(PageRequest::default()).await.unwrap(), subscriptions);
    publish(&after, 1).await;
    after.resume(None).await.unwrap();
    after.advance(AdvanceSpec::by(Duration::from_secs(86_400))).await.unwrap();
    assert_eq!(after.backlog(None).await.unwrap().total(), 0);
    assert!(after.faults().await.unwrap().is_empty(), "used up");
    // The first notification was published under the first pack, and keeps it.
    let types: Vec<bool> = [1, 2].map(|id| bodies(&receiver.requests()).len() >= id).to_vec();
    assert_eq!(types, [true, true]);
}

#[tokio::test]
async fn a_journal_goes_on_with_its_own_seed_only() {
    let folder = tempfile::tempdir().unwrap();
    let start = |seed| {
        let builder = Simulator::builder().scripted(acknowledging()).seed(seed);
        builder.data(Data::Dir(folder.path().to_owned())).start()
    };
    start(1).await.unwrap().shutdown(PATIENCE).await;
    let refused = start(2).await;
    assert!(matches!(refused, Err(StartError::Seed { journal: 1, asked: 2 })), "{refused:?}");
    start(1).await.unwrap();
}

#[tokio::test]
async fn a_folder_is_one_simulators_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let builder = Simulator::builder().scripted(acknowledging());
        builder.data(Data::Dir(folder.path().to_owned())).start()
    };
    let first = start().await.unwrap();
    assert!(matches!(start().await, Err(StartError::Journal(_))));
    first.shutdown(PATIENCE).await;
    start().await.unwrap();
}

#[tokio::test]
async fn scaled_time_goes_on_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let gear = Gear::Scaled(NonZeroU32::new(1_000).unwrap());
    let first = start_in(folder.path(), &acknowledging(), gear).await;
    let before = first.clock().await.unwrap().now.0;
    first.shutdown(PATIENCE).await;
    let second = start_in(folder.path(), &acknowledging(), gear).await;
    assert!(second.clock().await.unwrap().now.0 > before);
}

#[tokio::test]
async fn a_full_store_refuses_what_it_cannot_keep_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = acknowledging();
    let builder =
        Simulator::builder().scripted(receiver.clone()).gear(Gear::Virtual).store_bytes_max(400 << 10);
    let full = builder.data(Data::Dir(folder.path().to_owned())).start().await.unwrap();
    let id = subscribe(&full, spec()).await;
    full.pause(Some(id)).await.unwrap();
    let mut accepted = 0;
    let refused = loop {
        let batch = vec![NotificationSpec::new(EventType::RfpSend); 100];
        match full.publish(batch, PublishOptions::default()).await {
            Ok(published) => accepted += published.notifications.len(),
            Err(error) => break error,
        }
    };
    assert!(matches!(&refused, ServiceError::Journal(why) if why.contains("no room")), "{refused:?}");
    assert!(!full.health().ready);
    let at_once =
        full.publish(vec![NotificationSpec::new(EventType::RfpSend)], PublishOptions::default()).await;
    assert_eq!(at_once, Err(refused), "it is known by now");
    // What changes nothing is answered all the same.
    assert!(full.subscription(id).await.unwrap().paused);
    assert!(full.delivery(DeliveryId(1)).await.is_ok());
    assert_eq!(full.shutdown(Duration::ZERO).await, Stopped::Failed);

    let roomy = start_in(folder.path(), &receiver, Gear::Virtual).await;
    assert_eq!(roomy.backlog(None).await.unwrap().held as usize, accepted);
    roomy.resume(None).await.unwrap();
    roomy.when_idle(PATIENCE).await.unwrap();
    assert_eq!(receiver.requests().len(), accepted);
}

#[tokio::test]
async fn an_idempotency_key_outlives_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = acknowledging();
    let call = || PublishOptions {
        idempotency: Some(Idempotency { key: "k".to_owned(), fingerprint: [1; 32] }),
        ..PublishOptions::default()
    };
    let one = || vec![NotificationSpec::new(EventType::RfpSend)];
    let before = start_in(folder.path(), &receiver, Gear::Virtual).await;
    subscribe(&before, spec()).await;
    let first = before.publish(one(), call()).await.unwrap();
    drop(before);
    let after = start_in(folder.path(), &receiver, Gear::Virtual).await;
    assert_eq!(after.publish(one(), call()).await.unwrap(), first);
    assert_eq!(publish(&after, 1).await.notifications[0].id, 2, "nothing was published again");
}

#[tokio::test]
async fn what_ended_long_ago_is_forgotten_and_what_waits_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = acknowledging();
    let before = start_in(folder.path(), &receiver, Gear::Virtual).await;
    let id = subscribe(&before, spec()).await;
    publish(&before, 5).await;
    before.advance(AdvanceSpec::by(Duration::from_secs(1))).await.unwrap();
    before.pause(Some(id)).await.unwrap();
    publish(&before, 2).await;
    before.advance(AdvanceSpec::by(Duration::from_secs(30 * 86_400))).await.unwrap();
    before.shutdown(PATIENCE).await;

    // Seven days are kept by default, and the first look is at once.
    let builder = Simulator::builder().scripted(receiver.clone()).data(Data::Dir(folder.path().to_owned()));
    let after = builder.start().await.unwrap();
    loop {
        let left = after.deliveries(DeliveryFilter::default(), PageRequest::default()).await.unwrap().items;
        if left.len() == 2 {
            assert!(left.iter().all(|delivery| delivery.state == DeliveryState::Held), "{left:?}");
            break;
        }
        tokio::task::yield_now().await;
    }
    after.resume(None).await.unwrap();
    after.advance(AdvanceSpec::by(Duration::from_secs(1))).await.unwrap();
    assert_eq!(receiver.requests().len(), 7);
}

#[tokio::test]
async fn a_living_rfp_stays_what_it_is_when_its_old_deliveries_are_forgotten() {
    const RFP: &str = "0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01";
    let about = |event_type: &str| serde_json::from_value(json!({ "type": event_type, "rfp": RFP })).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let receiver = acknowledging();
    let before = start_in(folder.path(), &receiver, Gear::Virtual).await;
    subscribe(&before, spec_of(json!({ "endpoint": "https://receiver.test/", "events": "all" }))).await;
    for event_type in ["RFP_SEND", "RESPONSE_ADD_ATTACHMENT", "RESPONSE_TURN_DOWN"] {
        before.publish(vec![about(event_type)], PublishOptions::default()).await.unwrap();
    }
    publish(&before, 3).await;
    before.advance(AdvanceSpec::by(Duration::from_secs(8 * 86_400))).await.unwrap();
    before.publish(vec![about("MESSAGE_PLANNER_TO_SUPPLIER")], PublishOptions::default()).await.unwrap();
    before.advance(AdvanceSpec::by(Duration::from_secs(1))).await.unwrap();
    let rfp = |simulator: &Simulator| simulator.rfp(RFP.parse().unwrap()).unwrap();
    let told = rfp(&before);
    before.shutdown(PATIENCE).await;

    // By default all that ended over seven days ago is forgotten, at the first look.
    let builder =
        || Simulator::builder().scripted(receiver.clone()).data(Data::Dir(folder.path().to_owned()));
    let after = builder().start().await.unwrap();
    while after.deliveries(DeliveryFilter::default(), PageRequest::default()).await.unwrap().items.len() > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(rfp(&after), told);
    after.shutdown(PATIENCE).await;
    let third = builder().start().await.unwrap();
    assert_eq!(rfp(&third), told);
}
