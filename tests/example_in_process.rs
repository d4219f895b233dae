//! An example for teams that write their receiver in Rust: the simulator in the test's own process, on a port of its own.
//!
//! `Receiver` stands for your server; start yours in its place. Time is virtual: an hour of retries takes no time.

use std::time::Duration;

use pns_engine::EventType;
use pns_harness::receiver::{Identity, Receiver, Settings as ReceiverSettings};
use pns_simulator::clock::Gear;
use pns_simulator::service::Simulator;
use pns_simulator::service::model::{AdvanceSpec, NotificationSpec, PublishOptions, SubscriptionSpec};
use pns_simulator::transport::{Settings, Trust};
use serde_json::json;

#[tokio::test]
async fn an_rfp_whose_acknowledgement_is_lost_twice_takes_effect_once() {
    // Your server, and whom the simulator must trust to reach it.
    let identity = Identity::generate().unwrap();
    let server = Receiver::start(ReceiverSettings::default(), &identity).await.unwrap();
    let trust = Trust::Bundle(identity.ca_pem().as_bytes().to_vec());

    let transport = Settings { trust, ..Settings::default() };
    let simulator = Simulator::builder().gear(Gear::Virtual).transport(transport).start().await.unwrap();
    simulator.create_subscription(SubscriptionSpec::new(server.url())).await.unwrap();
    // The server gets the next two attempts and answers; its answers never arrive.
    simulator
        .plan_fault(serde_json::from_value(json!({ "fault": { "ack_lost": 2 } })).unwrap())
        .await
        .unwrap();
    let rfp = NotificationSpec::new(EventType::RfpSend);
    simulator.publish(vec![rfp], PublishOptions::default()).await.unwrap();
    // Retries come after 30 seconds, then after 60: all of it is over within the hour.
    simulator.advance(AdvanceSpec::by(Duration::from_secs(3_600))).await.unwrap();
    simulator.when_idle(Duration::from_secs(10)).await.unwrap();

    let totals = server.totals();
    assert_eq!((totals.received, totals.processed, totals.duplicates), (3, 1, 2));
    simulator.shutdown(Duration::from_secs(1)).await;
}
