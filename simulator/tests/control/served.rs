//! What is asked for over HTTP is done, and told without secrets.

use std::time::Duration;

use pns_engine::Answer as Attempted;
use pns_simulator::clock::Gear;
use pns_simulator::service::Simulator;
use pns_simulator::transport::ScriptedTransport;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::client::{Answer, Client};
use super::{Running, block_on, run_for, settings};

/// Longer than any test needs: only a service that hangs takes it.
const PATIENCE: Duration = Duration::from_secs(60);
const KEY: &str = "s3cret-k3y-of-the-receiver";

/// A service in virtual time whose first attempts fail.
async fn serve(failures: usize) -> (Running, Simulator) {
    let fails = Attempted::Status { code: 503, retry_after: None };
    let transport = ScriptedTransport::with_answers(vec![fails; failures]);
    let builder = Simulator::builder().gear(Gear::Virtual).seed(7).scripted(transport);
    let simulator = builder.start().await.unwrap();
    (run_for(settings(), simulator.clone()).await, simulator)
}

async fn post(client: Client, path: &str, body: &Value) -> Value {
    let answer = client.send("POST", path, &body.to_string()).await;
    assert!((200..300).contains(&answer.status), "{path}: {}", String::from_utf8_lossy(&answer.body));
    if answer.body.is_empty() { Value::Null } else { answer.json() }
}

async fn get(client: Client, path: &str) -> Value {
    let answer = client.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

fn subscription() -> Value {
    json!({
        "name": "hotel", "endpoint": "https://receiver.invalid/pns?token=s3cret-t0ken", "events": "all", "api_key": KEY,
        "headers": { "X-Api-Token": "s3cret-h3ader", "X-Tenant": "seven" }
    })
}

#[test]
fn a_notification_is_published_attempted_failed_and_delivered() {
    block_on(async {
        let (server, _simulator) = serve(1).await;
        let client = server.client;
        let made = client.send("POST", "/api/v1/subscriptions", &subscription().to_string()).await;
        assert_eq!((made.status, made.header("location").as_deref()), (201, Some("/api/v1/subscriptions/1")));
        let published = post(client, "/api/v1/notifications", &json!({ "type": "RFP_SEND" })).await;
        let (id, delivery) =
            (&published["notifications"][0]["id"], &published["notifications"][0]["deliveries"][0]);
        let clock = post(client, "/api/v1/clock/advance", &json!({ "by": "29s" })).await;
        let told = get(client, &format!("/api/v1/deliveries/{delivery}")).await;
        assert_eq!(
            (&told["state"], &told["attempts"], &told["last_failure"]),
            (&"waiting".into(), &1.into(), &"status".into())
        );
        assert_eq!(told["due_at"], clock["next_due"]);
        post(client, "/api/v1/clock/advance", &json!({ "to": "next-due" })).await;
        let told = get(client, &format!("/api/v1/deliveries/{delivery}")).await;
        assert_eq!((&told["state"], &told["attempts"]), (&"delivered".into(), &2.into()));
        let outcomes: Vec<_> =
            told["history"].as_array().unwrap().iter().map(|attempt| &attempt["outcome"]).collect();
        assert_eq!(outcomes, ["failed", "acknowledged"]);
        assert_eq!(told["history"][0]["next_delay"], "30s");
        let notification = get(client, &format!("/api/v1/notifications/{id}")).await;
        assert!(notification["body"].as_str().unwrap().contains("RFP_SEND"), "{notification}");
        let page = get(client, "/api/v1/deliveries?state=delivered&type=RFP_SEND&limit=1").await;
        assert_eq!((&page["items"][0]["id"], &page["next"]), (delivery, &Value::Null));
        server.end().await;
    });
}

/// As the documents say: `advance` answers before an attempt has ended whose limit is over later.
#[test]
fn what_times_out_beyond_an_advance_is_in_flight_until_time_is_there() {
    block_on(async {
        let (server, _simulator) = serve(0).await;
        let client = server.client;
        let spec = json!({ "endpoint": "https://receiver.invalid/pns", "ack_timeout": "30s" });
        post(client, "/api/v1/subscriptions", &spec).await;
        post(client, "/api/v1/faults", &json!({ "fault": "ack_lost" })).await;
        post(client, "/api/v1/notifications", &json!({ "type": "RFP_SEND" })).await;
        let clock = post(client, "/api/v1/clock/advance", &json!({ "by": "29s" })).await;
        let told = get(client, "/api/v1/deliveries/1").await;
        assert_eq!((&told["state"], &told["attempts"]), (&"in-flight".into(), &1.into()), "{told}");
        assert_eq!(told["history"][0]["ended_at"], Value::Null);
        let there = post(client, "/api/v1/clock/advance", &json!({ "to": "next-due" })).await;
        assert_eq!(there["now"], clock["next_due"]);
        let told = get(client, "/api/v1/deliveries/1").await;
        assert_eq!((&told["state"], &told["history"][0]["ended_at"]), (&"waiting".into(), &there["now"]));
        server.end().await;
    });
}

#[test]
fn a_repetition_with_the_same_key_publishes_nothing() {
    block_on(async {
        let (server, _simulator) = serve(0).await;
        let client = server.client;
        post(client, "/api/v1/subscriptions", &subscription()).await;
        let call = async |path: &str, body: &str| {
            let headers = [("Content-Type", "application/json"), ("Idempotency-Key", "build-1")];
            client.with("POST", path, &headers, body).await
        };
        let one = "/api/v1/notifications";
        let first = call(one, r#"{"type":"RFP_SEND","overrides":{"a":1}}"#).await;
        // The same call, written differently.
        let second = call(one, r#"{ "overrides": { "a": 1 }, "type": "RFP_SEND" }"#).await;
        assert_eq!((first.status, second.status), (201, 201));
        assert_eq!(first.json(), second.json());
        let other = call(one, r#"{"type":"RFP_SEND","overrides":{"a":2}}"#).await;
        assert_eq!((other.status, other.problem().as_str()), (422, "idempotency-key-reused"));
        let batch = call(
            "/api/v1/notifications/batch",
            r#"{"notifications":[{"type":"RFP_SEND","overrides":{"a":1}}]}"#,
        );
        assert_eq!(batch.await.problem(), "idempotency-key-reused");
        let all = get(client, "/api/v1/deliveries").await;
        assert_eq!(all["items"].as_array().unwrap().len(), 1, "{all}");
        server.end().await;
    });
}

#[test]
fn what_lies_beyond_the_end_of_time_is_told_by_its_field() {
    block_on(async {
        let (server, _simulator) = serve(0).await;
        let client = server.client;
        post(client, "/api/v1/subscriptions", &subscription()).await;
        let far = "2262-04-12T00:00:00Z";
        let near = "2261-12-31T00:00:00Z";
        for (method, path, body, field) in [
            ("POST", "/api/v1/windows", json!({ "subscription": 1, "until": far }), "until"),
            ("POST", "/api/v1/windows", json!({ "subscription": 1, "from": near, "for": "1d" }), "for"),
            ("POST", "/api/v1/clock/advance", json!({ "to": far }), "to"),
            ("PUT", "/api/v1/clock/gear", json!({ "gear": "1000001x" }), "gear"),
            ("POST", "/api/v1/replay", json!({ "failed_since": far }), "failed_since"),
        ] {
            let answer = client.send(method, path, &body.to_string()).await;
            assert_eq!((answer.status, answer.problem().as_str()), (422, "invalid"), "{path}");
            assert_eq!(answer.json()["errors"][0]["field"], field, "{path}: {}", answer.json());
        }
        server.end().await;
    });
}

#[test]
fn what_does_not_fit_is_told_by_its_field() {
    block_on(async {
        let (server, _simulator) = serve(0).await;
        let client = server.client;
        post(client, "/api/v1/subscriptions", &subscription()).await;
        let problem = async |method: &str, path: &str, body: Value| {
            let answer: Answer = client.send(method, path, &body.to_string()).await;
            let field = answer.json()["errors"][0]["field"].as_str().map(str::to_owned);
            (answer.status, answer.problem(), field.unwrap_or_default())
        };
        let invalid = |field: &str| (422, "invalid".to_owned(), field.to_owned());
        let wrong = json!({ "type": "RFP_SEND", "overrides": { "eventType.x": 1 } });
        assert_eq!(problem("POST", "/api/v1/notifications", wrong.clone()).await, invalid("overrides"));
        let batch = json!({ "notifications": [{ "type": "RFP_SEND" }, wrong] });
        let told = problem("POST", "/api/v1/notifications/batch", batch).await;
        assert_eq!(told, invalid("notifications[1].overrides"));
        let pack = json!({ "endpoint": "https://h", "schema_pack": "cvent-1999" });
        assert_eq!(problem("POST", "/api/v1/subscriptions", pack).await, invalid("schema_pack"));
        let taken = problem("POST", "/api/v1/subscriptions", subscription()).await;
        assert_eq!(taken, (409, "conflict".to_owned(), String::new()));
        let nobody = json!({ "subscription": 99, "for": "1h" });
        assert_eq!(problem("POST", "/api/v1/windows", nobody).await.1, "not-found");
        assert_eq!(problem("POST", "/api/v1/clock/advance", json!({})).await, invalid(""));
        assert_eq!(
            problem("PATCH", "/api/v1/subscriptions/1", json!({ "endpoint": null })).await,
            invalid("endpoint")
        );
        server.end().await;
    });
}

#[test]
fn what_is_wrong_with_the_whole_is_told_without_a_field() {
    block_on(async {
        let (server, _simulator) = serve(0).await;
        let client = server.client;
        post(client, "/api/v1/subscriptions", &subscription()).await;
        post(client, "/api/v1/windows", &json!({ "subscription": 1, "open": true })).await;
        let publish_wrong = json!({ "type": "RFP_SEND", "overrides": { "eventType.x": 1 } });
        for (method, path, body, begins) in [
            (
                "POST",
                "windows",
                json!({ "subscription": 1 }),
                "expected exactly one of `for`, `until` and `open`",
            ),
            ("PATCH", "windows/1", json!({}), "expected exactly one of `for` and `until`"),
            ("POST", "clock/advance", json!({}), "expected exactly one of `by` and `to`"),
            ("POST", "replay", json!({}), "expected exactly one of `delivery`"),
            ("POST", "faults", json!({ "fault": {} }), "fault: expected exactly one fault"),
            ("POST", "notifications", publish_wrong, "overrides: "),
        ] {
            let answer = client.send(method, &format!("/api/v1/{path}"), &body.to_string()).await;
            assert_eq!((answer.status, answer.problem().as_str()), (422, "invalid"), "{path}");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.starts_with(begins), "{path}: {detail}");
        }
        server.end().await;
    });
}

#[test]
fn a_fault_of_what_was_never_published_is_refused() {
    block_on(async {
        let (server, _simulator) = serve(0).await;
        let client = server.client;
        post(client, "/api/v1/notifications", &json!({ "type": "RFP_SEND" })).await;
        for of in [json!(2), json!(0), json!([1, 2])] {
            let body = json!({ "fault": "refuse", "of": of }).to_string();
            let answer = client.send("POST", "/api/v1/faults", &body).await;
            assert_eq!((answer.status, answer.problem().as_str()), (404, "not-found"), "{body}");
        }
        assert_eq!(get(client, "/api/v1/faults").await, json!([]));
        post(client, "/api/v1/faults", &json!({ "fault": "refuse", "of": [1] })).await;
        server.end().await;
    });
}

#[test]
fn no_answer_record_or_metric_tells_a_secret() {
    block_on(async {
        let (server, simulator) = serve(1).await;
        let client = server.client;
        let mut told = post(client, "/api/v1/subscriptions", &subscription()).await.to_string();
        post(client, "/api/v1/notifications", &json!({ "type": "RFP_SEND" })).await;
        post(client, "/api/v1/faults", &json!({ "fault": "no_key", "of": 1 })).await;
        post(client, "/api/v1/windows", &json!({ "subscription": 1, "open": true })).await;
        simulator.backlog(None).await.unwrap();
        for path in [
            "/api/v1/subscriptions",
            "/api/v1/subscriptions/1",
            "/api/v1/notifications/1",
            "/api/v1/deliveries",
            "/api/v1/deliveries/1",
            "/api/v1/windows",
            "/api/v1/faults",
            "/api/v1/status",
            "/metrics",
        ] {
            let answer = client.get(path).await;
            assert_eq!(answer.status, 200, "{path}");
            told.push_str(&String::from_utf8(answer.body).unwrap());
        }
        let patched = client.send("PATCH", "/api/v1/subscriptions/1", r#"{"api_key":"s3cret-oth3r"}"#).await;
        told.push_str(&String::from_utf8(patched.body).unwrap());
        told.push_str(&listen(client, "subscription-changed").await);
        assert!(told.contains("sha256:") && told.contains("seven"), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
        server.end().await;
    });
}

/// Added by a fault, or set on a subscription: what a header's name says of its value is the same.
#[test]
fn headers_of_a_fault_are_told_as_those_of_a_subscription() {
    block_on(async {
        let (server, _simulator) = serve(0).await;
        let client = server.client;
        post(client, "/api/v1/subscriptions", &json!({ "endpoint": "https://receiver.invalid/pns" })).await;
        let secret = ["Authorization", "Cookie", "X-Api-Key", "X-Session-Token"];
        let mut headers = json!({ "X-Tenant": "seven" });
        for name in secret {
            headers[name] = "s3cret".into();
        }
        let fault = json!({ "fault": { "extra_headers": { "headers": headers, "times": 2 } } });
        let mut told = post(client, "/api/v1/faults", &fault).await.to_string();
        post(client, "/api/v1/notifications", &json!({ "type": "RFP_SEND" })).await;
        post(client, "/api/v1/clock/advance", &json!({ "by": "1s" })).await;
        let delivery = get(client, "/api/v1/deliveries/1").await;
        let sent = delivery["history"][0]["request"]["headers"].as_array().unwrap();
        let values = |name: &str| {
            let named = sent.iter().filter(|header| header["name"] == name.to_ascii_lowercase());
            named.map(|header| header["value"].clone()).collect::<Vec<_>>()
        };
        for name in secret {
            assert_eq!(values(name), ["***"], "{name}");
        }
        assert_eq!(values("X-Tenant"), ["seven"]);
        told.push_str(&delivery.to_string());
        told.push_str(&get(client, "/api/v1/faults").await.to_string());
        told.push_str(&listen(client, "attempt-acknowledged").await);
        assert!(told.contains("extra_headers") && !told.contains("s3cret"), "{told}");
        server.end().await;
    });
}

#[test]
fn listeners_hear_records_in_their_order() {
    block_on(async {
        let (server, _simulator) = serve(0).await;
        let client = server.client;
        post(client, "/api/v1/subscriptions", &subscription()).await;
        post(client, "/api/v1/notifications", &json!({ "type": "RFP_SEND" })).await;
        post(client, "/api/v1/clock/advance", &json!({ "by": "1s" })).await;
        let told = listen(client, "attempt-acknowledged").await;
        let data = told.lines().filter_map(|line| line.strip_prefix("data: "));
        let records: Vec<Value> = data.map(|data| serde_json::from_str(data).unwrap()).collect();
        let sequences: Vec<u64> = records.iter().filter_map(|record| record["sequence"].as_u64()).collect();
        assert!(sequences.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{sequences:?}");
        let kinds: Vec<_> = records.iter().filter_map(|record| record["event"].as_str()).collect();
        let place = |kind| kinds.iter().position(|known| *known == kind).unwrap();
        assert!(place("notification-published") < place("delivery-queued"), "{kinds:?}");
        assert!(place("attempt-started") < place("attempt-acknowledged"), "{kinds:?}");
        server.end().await;
    });
}

/// What a listener hears from the beginning up to an event of this kind.
async fn listen(client: Client, kind: &str) -> String {
    let mut stream = client.connect().await;
    stream.write_all(b"GET /api/v1/records?from=0 HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut told = Vec::new();
    let heard = async {
        loop {
            assert_ne!(stream.read_buf(&mut told).await.unwrap(), 0, "{}", String::from_utf8_lossy(&told));
            let text = String::from_utf8_lossy(&told);
            if text.ends_with("\n\n\r\n") && text.contains(kind) {
                return text.into_owned();
            }
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.unwrap()
}
