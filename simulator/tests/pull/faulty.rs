//! What goes wrong on purpose.

use std::time::Duration;

use pns_simulator::world::{PullFaultSpec, PullFaultView};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::{NOW, RFP, Running, SUPPLIER, block_on, key, known, oauth, open};

impl Running {
    fn plan(&self, fault: Value) -> PullFaultView {
        let spec: PullFaultSpec = serde_json::from_value(fault).unwrap();
        spec.resolve().unwrap();
        self.quiet.faults.plan(spec, NOW).unwrap()
    }
}

#[test]
fn a_status_is_answered_in_place_of_the_call() {
    block_on(async {
        let server = Running::start(open()).await;
        let get = format!("GET /rfp/v1/supplier/rfp/{RFP}");
        let fault = server.plan(json!({ "answer": 429, "retry_after": "1500ms", "times": 2 }));
        for _ in 0..2 {
            let answer = server.client.call(&get, "", "").await;
            assert_eq!((answer.status, answer.header("retry-after")), (429, "2"));
            answer.message();
            let logged = server.logged();
            assert_eq!((logged.status, logged.fault), (429, Some(fault.id)));
            assert!(logged.call.is_some());
        }
        assert_eq!(server.client.call(&get, "", "").await.status, 404);
        assert_eq!(server.logged().fault, None);

        server.plan(json!({ "answer": 500, "of": "forward", "supplier": SUPPLIER }));
        server.plan(json!({ "answer": 503, "of": "turn-down", "rfp": RFP }));
        assert_eq!(server.client.call(&get, "", "").await.status, 404);
        let turn_down = format!("POST /rfp-response/v1/rfp/{RFP}/supplier/{SUPPLIER}/turndown");
        let body = r#"{ "responseReason": "LOW_BUDGET" }"#;
        assert_eq!(server.client.call(&turn_down, "", body).await.status, 503);
        let forward = format!("POST /rfp/v1/supplier/rfp/{RFP}/rfpForward");
        let by = |supplier: &str| {
            json!({ "forwarderSupplierId": supplier, "targetSupplierIds": [RFP] }).to_string()
        };
        assert_eq!(server.client.call(&forward, "", &by(&SUPPLIER.replace('5', "6"))).await.status, 200);
        assert_eq!(server.client.call(&forward, "", &by(SUPPLIER)).await.status, 500);
        assert_eq!(server.quiet.done.lock().unwrap().len(), 1, "what met a fault was not done");
        assert_eq!(server.client.call(&turn_down, "", body).await.status, 200);
        server.end().await;
    });
}

#[test]
fn who_is_not_admitted_uses_no_fault_up() {
    block_on(async {
        let server = Running::start(known(vec![key("k", "k")], vec![oauth("c", "id", "s3cret")])).await;
        let get = format!("GET /rfp/v1/supplier/rfp/{RFP}");
        server.plan(json!({ "answer": 401, "of": "rfp" }));
        assert_eq!(server.client.call(&get, "", "").await.status, 401);
        assert_eq!(server.logged().fault, None);
        let ended = server.client.call(&get, "Authorization: api_key k", "").await;
        // As though the token had ended.
        assert_eq!((ended.status, ended.headers("www-authenticate").len()), (401, 2));
        assert!(server.logged().fault.is_some());
        assert_eq!(server.client.call(&get, "Authorization: api_key k", "").await.status, 404);

        server.plan(json!({ "answer": 500, "of": "token" }));
        let form = "grant_type=client_credentials&client_id=id&client_secret=s3cret";
        assert_eq!(server.client.token("", &form.replace("s3cret", "another")).await.status, 401);
        assert_eq!(server.client.token("", form).await.status, 500);
        assert_eq!(server.client.token("", form).await.status, 200);
        server.end().await;
    });
}

#[test]
fn a_venue_without_consent_is_refused() {
    block_on(async {
        let server = Running::start(open()).await;
        server.plan(json!({ "no_consent": true, "of": "response" }));
        let get = format!("GET /rfp-response/v1/rfp/{RFP}/supplier/{SUPPLIER}");
        let refused = server.client.call(&get, "", "").await;
        assert_eq!((refused.status, refused.message().contains("consent")), (403, true));
        assert_eq!(server.client.call(&get, "", "").await.status, 404);
        server.end().await;
    });
}

#[test]
fn a_slow_answer_comes_late_and_who_does_not_wait_is_written_down() {
    block_on(async {
        let server = Running::start(open()).await;
        let get = format!("GET /rfp/v1/supplier/rfp/{RFP}");
        server.plan(json!({ "slow": "30ms" }));
        assert_eq!(server.client.call(&get, "", "").await.status, 404);
        assert!(server.logged().took >= Duration::from_millis(30));

        server.plan(json!({ "slow": "10m" }));
        let before = server.quiet.log.latest();
        let mut hasty = server.client.connect().await;
        hasty.write_all(format!("{get} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await.unwrap();
        hasty.flush().await.unwrap();
        while !server.quiet.faults.list(NOW).is_empty() {
            tokio::task::yield_now().await;
        }
        drop(hasty);
        server.quiet.log.changed(before).await;
        let logged = server.logged();
        assert_eq!((logged.status, logged.succeeded()), (499, false));
        server.end().await;
    });
}

#[test]
fn what_a_fault_could_not_touch_uses_none_up() {
    block_on(async {
        let server = Running::start(known(vec![key("k", "k")], Vec::new())).await;
        let key = "Authorization: api_key k";
        let nowhere = "POST /rfp-response/v1/rfp/x/supplier/y/turndown";
        server.plan(json!({ "answer": 500, "of": "turn-down" }));
        assert_eq!(
            server.client.call(nowhere, key, r#"{ "responseReason": "LOW_BUDGET" }"#).await.status,
            404
        );
        server.plan(json!({ "stale": "1h" }));
        server.plan(json!({ "no_consent": true }));
        let forward = format!("POST /rfp/v1/supplier/rfp/{RFP}/rfpForward");
        let body = format!(
            r#"{{ "forwarderSupplierId": "{SUPPLIER}", "targetSupplierIds": ["9b1d5c3e-1111-4e1e-8a55-6f8f1f0e2b77"] }}"#
        );
        assert_eq!(server.client.call(&forward, key, &body).await.status, 200);
        assert_eq!(server.logged().fault, None);
        assert_eq!(server.quiet.faults.list(NOW).len(), 3, "none was used up");
        server.end().await;
    });
}
