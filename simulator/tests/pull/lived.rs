//! With a simulator behind: what was pushed is what is pulled, and what is done is pushed.

use std::collections::BTreeSet;
use std::time::Duration;

use pns_engine::{EventType, SupplierScope};
use pns_simulator::clock::Gear;
use pns_simulator::pull::PullSettings;
use pns_simulator::service::Simulator;
use pns_simulator::service::model::{NotificationSpec, PublishOptions, SubscriptionSpec, SupplierText};
use pns_simulator::transport::{Request, ScriptedTransport};
use pns_simulator::world::{PullFaultSpec, WorldSettings};
use serde_json::{Value, json};

use super::{RFP, SUPPLIER, block_on, key, known, serve};
use crate::client::Client;

const OTHER: &str = "7d0e2c1b-4f3a-4c8d-9b1e-2a3f4e5d6c03";
const THIRD: &str = "9c1d3e2a-5b4f-4d7e-8c2a-3b5f6a7d8e04";
const MINE: &str = "Authorization: api_key mine";
const ALL: &str = "Authorization: api_key all";

/// One key sees one supplier and is no bureau's, the other sees all.
fn settings() -> PullSettings {
    let mut mine = key("mine", "mine");
    mine.access.viewer.suppliers = SupplierScope::Only(BTreeSet::from([SUPPLIER.parse().unwrap()]));
    mine.access.viewer.cvb = false;
    known(vec![mine, key("all", "all")], Vec::new())
}

fn about(event_type: EventType, supplier: &str) -> NotificationSpec {
    let mut spec = NotificationSpec::new(event_type);
    spec.rfp = Some(RFP.parse().unwrap());
    spec.supplier = Some(SupplierText(supplier.parse().unwrap()));
    spec
}

/// A simulator, its receiver, and a caller of its pull side.
struct Whole {
    simulator: Simulator,
    receiver: ScriptedTransport,
    client: Client,
}

impl Whole {
    async fn start() -> Self {
        let receiver = ScriptedTransport::with_answers([]);
        let world = WorldSettings { forwardable_percent: 100, ..WorldSettings::default() };
        let simulator =
            Simulator::builder().scripted(receiver.clone()).gear(Gear::Virtual).seed(7).world(world);
        let simulator = simulator.start().await.unwrap();
        let spec = json!({ "endpoint": "https://receiver.test/pns", "events": "all" });
        let spec: SubscriptionSpec = serde_json::from_value(spec).unwrap();
        simulator.create_subscription(spec).await.unwrap();
        let (client, stop, _) = serve(settings(), simulator.clone()).await;
        // It ends with the test.
        std::mem::forget(stop);
        Self { simulator, receiver, client }
    }

    async fn publish(&self, specs: Vec<NotificationSpec>) {
        self.simulator.publish(specs, PublishOptions::default()).await.unwrap();
    }

    async fn get(&self, path: &str, key: &str) -> (u16, Value) {
        let answer = self.client.call(&format!("GET {path}"), key, "").await;
        (answer.status, answer.json())
    }

    /// The bodies that were sent, oldest first, as soon as there are so many.
    async fn sent(&self, count: usize) -> Vec<Value> {
        loop {
            let sent: Vec<Request> = self.receiver.requests();
            if sent.len() >= count {
                return sent.iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect();
            }
            tokio::task::yield_now().await;
        }
    }
}

#[test]
fn a_pull_returns_what_was_pushed_to_whom_it_concerns() {
    block_on(async {
        let whole = Whole::start().await;
        let rfp = format!("/rfp/v1/supplier/rfp/{RFP}");
        assert_eq!(whole.get(&rfp, ALL).await.0, 404, "nothing has happened yet");
        whole
            .publish(vec![
                about(EventType::RfpSend, SUPPLIER),
                about(EventType::RfpSend, OTHER),
                about(EventType::ResponseAddAttachment, SUPPLIER),
                about(EventType::MessagePlannerToSupplier, SUPPLIER),
            ])
            .await;
        let sent = whole.sent(4).await;
        for key in [MINE, ALL] {
            let (status, body) = whole.get(&rfp, key).await;
            assert_eq!((status, &body["rfpId"]), (200, &RFP.into()));
        }
        let responses = format!("/rfp-response/v1/rfp/{RFP}");
        let count = async |key| whole.get(&responses, key).await.1["responses"].as_array().unwrap().len();
        assert_eq!((count(MINE).await, count(ALL).await), (1, 2));
        let response = |supplier: &str| format!("{responses}/supplier/{supplier}");
        assert_eq!(whole.get(&response(SUPPLIER), MINE).await.0, 200);
        assert_eq!(whole.get(&response(OTHER), MINE).await.0, 403);
        assert_eq!(whole.get(&response(OTHER), ALL).await.0, 200);
        assert_eq!(whole.get(&response(RFP), ALL).await.0, 404);
        // A bureau's call.
        assert_eq!(whole.get(&format!("{rfp}/cvb"), MINE).await.0, 403);
        assert_eq!(whole.get(&format!("{rfp}/cvb"), ALL).await.0, 200);

        let of_type = |name: &str| sent.iter().find(|body| body["eventType"] == name).unwrap();
        let attachment = of_type("RESPONSE_ADD_ATTACHMENT")["attachmentIds"][0].as_str().unwrap();
        let (status, attached) = whole.get(&format!("{responses}/ATTACHMENTS"), MINE).await;
        assert!(status == 200 && attached.to_string().contains(attachment), "{attached}");
        let path = format!("/rfp-response/v1/attachment/{attachment}");
        assert_eq!(whole.get(&path, MINE).await.0, 200);
        let details = &of_type("MESSAGE_PLANNER_TO_SUPPLIER")["messageDetails"];
        let message = format!("/message/v1/message/{}", details["messageId"].as_str().unwrap());
        let (status, told) = whole.get(&message, MINE).await;
        assert_eq!((status, &told["subject"], &told["body"]), (200, &details["subject"], &details["body"]));
    });
}

#[test]
fn what_is_done_is_pushed_and_pulled() {
    block_on(async {
        let whole = Whole::start().await;
        whole.publish(vec![about(EventType::RfpSend, SUPPLIER), about(EventType::RfpSend, OTHER)]).await;
        let response = format!("/rfp-response/v1/rfp/{RFP}/supplier/{SUPPLIER}");
        let turn_down = json!({ "responseReason": "LOW_BUDGET" }).to_string();
        let request = format!("POST {response}/turndown");
        assert_eq!(whole.client.call(&request, MINE, &turn_down).await.status, 200);
        let sent = whole.sent(3).await;
        assert_eq!(
            (&sent[2]["eventType"], &sent[2]["reason"]),
            (&"RESPONSE_TURN_DOWN".into(), &"LOW_BUDGET".into())
        );
        assert_eq!((&sent[2]["rfpId"], &sent[2]["supplierId"]), (&RFP.into(), &SUPPLIER.into()));
        assert_eq!(whole.get(&response, MINE).await.1["turnDown"]["responseReason"], "LOW_BUDGET");

        let other = request.replace(SUPPLIER, OTHER);
        assert_eq!(whole.client.call(&other, MINE, &turn_down).await.status, 403, "not its supplier");
        assert_eq!(whole.client.call(&other.replace(RFP, OTHER), MINE, &turn_down).await.status, 404);
        let why = whole.client.call(&request, MINE, r#"{ "responseReason": "OTHER" }"#).await;
        assert_eq!((why.status, why.errors().len()), (422, 1));

        let forward = json!({ "forwarderSupplierId": SUPPLIER, "targetSupplierIds": [THIRD] }).to_string();
        let request = format!("POST /rfp/v1/supplier/rfp/{RFP}/rfpForward");
        assert_eq!(whole.client.call(&request, MINE, &forward).await.status, 200);
        let sent = whole.sent(4).await;
        assert_eq!((&sent[3]["eventType"], &sent[3]["supplierId"]), (&"RFP_FORWARD".into(), &THIRD.into()));
        assert_eq!(sent[3]["forwarderInfo"]["forwarderSupplierId"], SUPPLIER);
    });
}

#[test]
fn a_stale_answer_tells_what_was() {
    block_on(async {
        let whole = Whole::start().await;
        whole.publish(vec![about(EventType::RfpSend, SUPPLIER)]).await;
        let hour = serde_json::from_value(json!({ "by": "1h" })).unwrap();
        whole.simulator.advance(hour).await.unwrap();
        whole.publish(vec![about(EventType::ResponseSubmitProposal, SUPPLIER)]).await;
        let response = format!("/rfp-response/v1/rfp/{RFP}/supplier/{SUPPLIER}");
        let state = async || whole.get(&response, MINE).await.1["responseStatus"].clone();
        let fresh = state().await;
        let stale: PullFaultSpec = serde_json::from_value(json!({ "stale": "30m" })).unwrap();
        let clock = whole.simulator.clock().await.unwrap();
        whole.simulator.pull_faults().plan(stale, clock.now.0).unwrap();
        let old = state().await;
        assert_ne!(old, fresh);
        assert_eq!(state().await, fresh, "once only");
    });
}

#[test]
fn a_simulator_that_has_stopped_does_nothing_more() {
    block_on(async {
        let whole = Whole::start().await;
        whole.publish(vec![about(EventType::RfpSend, SUPPLIER)]).await;
        whole.simulator.shutdown(Duration::ZERO).await;
        let request = format!("POST /rfp-response/v1/rfp/{RFP}/supplier/{SUPPLIER}/turndown");
        let answer = whole.client.call(&request, MINE, r#"{ "responseReason": "LOW_BUDGET" }"#).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
        assert_eq!(whole.get(&format!("/rfp/v1/supplier/rfp/{RFP}"), MINE).await.0, 200, "it is still told");
    });
}
