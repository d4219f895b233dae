//! What the control API tells of the pull side.

use std::time::Duration;

use pns_simulator::clock::Gear;
use pns_simulator::service::Simulator;
use pns_simulator::transport::ScriptedTransport;
use pns_simulator::world::{Asked, Call, CallKind, Pull, PullFault, RfpId};
use serde_json::{Value, json};

use super::client::Client;
use super::{Running, block_on, run_for, settings};

const RFP: &str = "1b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01";

async fn serve() -> (Running, Simulator) {
    let transport = ScriptedTransport::with_answers([]);
    let simulator =
        Simulator::builder().gear(Gear::Virtual).seed(7).scripted(transport).start().await.unwrap();
    (run_for(settings(), simulator.clone()).await, simulator)
}

async fn call(client: Client, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let answer = client.send(method, path, &body.to_string()).await;
    let told = if answer.body.is_empty() { Value::Null } else { answer.json() };
    (answer.status, told)
}

async fn get(client: Client, path: &str) -> Value {
    let answer = client.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

async fn publish(client: Client, event_type: &str) {
    let body = json!({ "type": event_type, "rfp": RFP, "supplier": "0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01" });
    let (status, told) = call(client, "POST", "/api/v1/notifications", &body).await;
    assert_eq!(status, 201, "{told}");
}

/// A pull as the pull API writes it down.
async fn pulled(simulator: &Simulator, asked: Call, status: u16) {
    let now = simulator.clock().await.unwrap().now.0;
    simulator.pull_log().push(Pull {
        number: 0,
        at: now,
        real: now,
        method: "GET".into(),
        path: "/rfp".into(),
        asked: Some((&asked).into()),
        call: Some(asked),
        act: false,
        status,
        who: "integration".into(),
        fault: None,
        took: Duration::from_millis(3),
    });
}

#[test]
fn rfps_are_told_newest_first_and_one_with_all_that_happened() {
    block_on(async {
        let (server, _simulator) = serve().await;
        let client = server.client;
        publish(client, "RFP_SEND").await;
        publish(client, "RESPONSE_TURN_DOWN").await;
        assert_eq!(
            call(client, "POST", "/api/v1/notifications", &json!({ "type": "RFP_SEND" })).await.0,
            201
        );
        let page = get(client, "/api/v1/rfps").await;
        let numbers: Vec<_> = page["items"].as_array().unwrap().iter().map(|rfp| &rfp["number"]).collect();
        assert_eq!(numbers, [3, 1]);
        let second = get(client, "/api/v1/rfps?order=ascending&limit=1").await;
        assert_eq!((&second["items"][0]["rfp"], &second["next"]), (&json!(RFP), &json!(1)));
        let rfp = get(client, &format!("/api/v1/rfps/{}", RFP.to_uppercase())).await;
        assert_eq!((&rfp["state"], &rfp["happenings"]), (&json!("OPEN"), &json!(2)));
        assert_eq!(rfp["suppliers"][0]["state"], "TURNED_DOWN");
        assert_eq!(rfp["suppliers"][0]["reason"], rfp["history"][1]["reason"]);
        assert_eq!(rfp["content"]["rfpName"], rfp["name"]);
        let unknown = client.get(&format!("/api/v1/rfps/{}", RfpId(1))).await;
        assert_eq!((unknown.status, unknown.problem().as_str()), (404, "not-found"));
        let wrong = client.get("/api/v1/rfps/7").await;
        assert_eq!((wrong.status, wrong.problem().as_str()), (400, "malformed"));
        let wrong = client.get("/api/v1/rfps?limit=0").await;
        assert_eq!((wrong.status, wrong.json()["errors"][0]["field"].as_str()), (422, Some("limit")));
        server.end().await;
    });
}

#[test]
fn pulls_are_told_and_found_with_the_delivery_that_they_follow() {
    block_on(async {
        let (server, simulator) = serve().await;
        let client = server.client;
        let subscription = json!({ "endpoint": "https://receiver.invalid/", "events": "all" });
        assert_eq!(call(client, "POST", "/api/v1/subscriptions", &subscription).await.0, 201);
        let rfp: RfpId = RFP.parse().unwrap();
        pulled(&simulator, Call::Rfp(rfp), 200).await;
        assert_eq!(call(client, "POST", "/api/v1/clock/advance", &json!({ "by": "1h" })).await.0, 200);
        publish(client, "RFP_SEND").await;
        assert_eq!(call(client, "POST", "/api/v1/clock/advance", &json!({ "by": "1m" })).await.0, 200);
        let unknown = get(client, "/api/v1/deliveries/1").await;
        assert_eq!(unknown["followed"], Value::Null, "no pull API runs");
        simulator.pull_log().begin();
        let none = get(client, "/api/v1/deliveries/1").await;
        assert_eq!(none["followed"], json!({ "wanted": "rfp", "pulls": [], "first_after": null }));
        pulled(&simulator, Call::Rfp(rfp), 500).await;
        pulled(&simulator, Call::Rfp(rfp), 200).await;
        pulled(&simulator, Call::Messages(rfp), 200).await;
        let told = get(client, "/api/v1/deliveries/1").await;
        assert_eq!(told["followed"], json!({ "wanted": "rfp", "pulls": [3], "first_after": "1m" }));

        let page = get(client, &format!("/api/v1/pulls?rfp={RFP}&call=rfp&order=descending&limit=2")).await;
        let numbers: Vec<_> = page["items"].as_array().unwrap().iter().map(|pull| &pull["number"]).collect();
        assert_eq!((numbers, &page["next"]), (vec![&json!(3), &json!(2)], &json!(2)));
        let first = &page["items"][0];
        assert_eq!(
            (&first["call"], &first["status"], &first["who"]),
            (&"rfp".into(), &200.into(), &"integration".into())
        );
        assert_eq!(get(client, &format!("/api/v1/pulls?rfp={}", RfpId(1))).await["items"], json!([]));
        assert_eq!(client.get("/api/v1/pulls?call=everything").await.status, 422);
        let metrics = String::from_utf8(client.get("/metrics").await.body).unwrap();
        assert!(metrics.contains("pns_pulls_total{call=\"rfp\",status=\"200\"} 2\n"), "{metrics}");
        assert!(metrics.contains("pns_pulls_total{call=\"messages\",status=\"200\"} 1\n"), "{metrics}");
        server.end().await;
    });
}

#[test]
fn pull_faults_are_planned_told_and_forgotten() {
    block_on(async {
        let (server, simulator) = serve().await;
        let client = server.client;
        const FAULTS: &str = "/api/v1/pull-faults";
        let plan =
            json!({ "answer": 429, "retry_after": "5s", "of": ["rfp", "token"], "rfp": RFP, "times": 2 });
        let (status, planned) = call(client, "POST", FAULTS, &plan).await;
        assert_eq!((status, &planned["id"], &planned["left"]), (201, &json!(1), &json!(2)));
        assert_eq!(planned["fault"], plan);
        let (_, timed) = call(client, "POST", FAULTS, &json!({ "stale": "1h", "for": "10m" })).await;
        assert_eq!((&timed["left"], timed["until"].is_string()), (&Value::Null, true));
        let asked = Asked { kind: CallKind::Rfp, rfp: Some(RFP.parse().unwrap()), supplier: None };
        let now = simulator.clock().await.unwrap().now.0;
        let met = simulator.pull_faults().take(&asked, now);
        assert!(matches!(met, Some((1, PullFault::Answer { status: 429, .. }))), "{met:?}");
        let listed = get(client, FAULTS).await;
        assert_eq!((&listed[0]["left"], &listed[1]["id"]), (&json!(1), &json!(2)));
        for (wrong, field) in [
            (json!({}), ""),
            (json!({ "slow": "1s", "answer": 500 }), ""),
            (json!({ "answer": 200 }), "answer"),
            (json!({ "slow": null }), "slow"),
            (json!({ "stale": "1h", "of": [] }), "of"),
            (json!({ "stale": "1h", "of": "everything" }), "of"),
            (json!({ "stale": "1h", "rfp": "x" }), "rfp"),
        ] {
            let (status, problem) = call(client, "POST", FAULTS, &wrong).await;
            assert_eq!(
                (status, problem["errors"][0]["field"].as_str()),
                (422, Some(field)),
                "{wrong}: {problem}"
            );
        }
        assert_eq!(call(client, "DELETE", &format!("{FAULTS}/1"), &Value::Null).await.0, 204);
        assert_eq!(call(client, "DELETE", &format!("{FAULTS}/1"), &Value::Null).await.0, 404);
        assert_eq!(call(client, "DELETE", &format!("{FAULTS}/99999999999"), &Value::Null).await.0, 404);
        assert_eq!(call(client, "DELETE", FAULTS, &Value::Null).await.0, 204);
        assert_eq!(get(client, FAULTS).await, json!([]));
        server.end().await;
    });
}
