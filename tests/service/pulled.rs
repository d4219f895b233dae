//! What is done through the pull side reaches receivers over HTTPS: those that may see it, and no others,
//! though the simulator crashes right after.

use std::path::Path;

use bytes::Bytes;
use pns_engine::{EventType, SupplierId, SupplierScope, Timestamp};
use pns_simulator::journal::JournalError;
use pns_simulator::service::model::{NotificationSpec, PublishOptions, SupplierText};
use pns_simulator::service::{Data, Simulator, StartError};
use pns_simulator::transport::{Settings, Trust};
use pns_simulator::world::{Act, Call, RfpId, Viewer, WorldSettings};
use serde_json::{Value, json};

use crate::{PATIENCE, Receiver};

const RFP: RfpId = RfpId(0x1b8f_9a30_31e6_4d3c_9f6e_0d8f_7f8a_1a01);
const ANNA: SupplierId = SupplierId(0x0b8f_9a30_31e6_4d3c_9f6e_0d8f_7f8a_1a01);
const BERT: SupplierId = SupplierId(0x0b8f_9a30_31e6_4d3c_9f6e_0d8f_7f8a_1a02);

fn viewer(supplier: SupplierId) -> Viewer {
    Viewer { suppliers: SupplierScope::Only([supplier].into()), cvb: false }
}

/// The event types that a receiver got: in a crash some may come twice, as the same bytes.
fn types(receiver: &Receiver) -> Vec<String> {
    let bodies = receiver.log.bodies.lock().unwrap();
    let read = |body: &Bytes| serde_json::from_slice::<Value>(body).unwrap();
    let mut types: Vec<String> = bodies.keys().map(|body| read(body)["eventType"].to_string()).collect();
    types.sort();
    types
}

fn response(simulator: &Simulator, supplier: SupplierId) -> Value {
    let call = Call::Response(RFP, supplier);
    simulator.world().read(|world| world.answer(&call, &viewer(supplier), Timestamp::MAX)).unwrap()
}

/// Starts on a folder, as soon as the simulator before has let go of it. It trusts all receivers.
async fn start(dir: &Path, receivers: [&Receiver; 2]) -> Simulator {
    let mut bundle = Vec::new();
    for receiver in receivers {
        let Trust::Bundle(pem) = &receiver.settings.trust else { panic!("a receiver has its own authority") };
        bundle.extend_from_slice(pem);
    }
    let world = WorldSettings { forwardable_percent: 100, ..WorldSettings::default() };
    loop {
        let settings = Settings { trust: Trust::Bundle(bundle.clone()), ..Settings::default() };
        let builder = Simulator::builder().transport(settings).seed(7).world(world);
        match builder.data(Data::Dir(dir.to_owned())).start().await {
            Err(StartError::Journal(JournalError::Locked { .. })) => tokio::task::yield_now().await,
            started => return started.unwrap(),
        }
    }
}

#[tokio::test]
async fn an_act_reaches_those_who_may_see_it_through_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let (anna, bert) = (Receiver::start().await, Receiver::start().await);
    let before = start(folder.path(), [&anna, &bert]).await;
    for (receiver, supplier) in [(&anna, ANNA), (&bert, BERT)] {
        let mut spec = receiver.json();
        spec["events"] = json!("all");
        spec["suppliers"] = json!([supplier.to_string()]);
        before.create_subscription(serde_json::from_value(spec).unwrap()).await.unwrap();
    }
    let sent = NotificationSpec {
        supplier: Some(SupplierText(ANNA)),
        rfp: Some(RFP),
        ..NotificationSpec::new(EventType::RfpSend)
    };
    before.publish(vec![sent], PublishOptions::default()).await.unwrap();
    let why = json!({ "responseReason": "LOW_BUDGET", "comment": "Sorry." });
    before.act(Act::turn_down(RFP, ANNA, &why).unwrap(), viewer(ANNA)).await.unwrap();
    let told = response(&before, ANNA);
    drop(before);

    let after = start(folder.path(), [&anna, &bert]).await;
    assert_eq!(response(&after, ANNA), told);
    assert_eq!(
        (&told["responseStatus"], &told["turnDown"]["comment"]),
        (&json!("TURNED_DOWN"), &json!("Sorry."))
    );
    after.when_idle(PATIENCE).await.unwrap();
    assert_eq!(types(&anna), ["\"RESPONSE_TURN_DOWN\"", "\"RFP_SEND\""]);
    assert_eq!(types(&bert), [""; 0], "it has no part in it");
    let forward = json!({ "forwarderSupplierId": ANNA.to_string(), "targetSupplierIds": [BERT.to_string()] });
    after.act(Act::forward(RFP, &forward).unwrap(), viewer(ANNA)).await.unwrap();
    after.when_idle(PATIENCE).await.unwrap();
    assert_eq!(types(&bert), ["\"RFP_FORWARD\""]);
    assert_eq!(types(&anna).len(), 2, "the forward is the other's to see");
    assert_eq!(response(&after, BERT)["forwarderInfo"]["forwarderSupplierId"], ANNA.to_string());
}
