//! Sizes, waits and counts that end.

use std::time::Duration;

use pns_simulator::pull::{PullLimits, PullSettings};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{NOW, RFP, Running, SUPPLIER, block_on, open};

fn limited(limits: PullLimits) -> PullSettings {
    PullSettings { limits, ..open() }
}

fn turn_down() -> String {
    format!("POST /rfp-response/v1/rfp/{RFP}/supplier/{SUPPLIER}/turndown")
}

#[test]
fn bodies_and_heads_have_a_size() {
    block_on(async {
        let server = Running::start(open()).await;
        let padded =
            |bytes: usize| json!({ "responseReason": "LOW_BUDGET", "pad": "x".repeat(bytes) }).to_string();
        assert_eq!(server.client.call(&turn_down(), "", &padded(900 << 10)).await.status, 200);
        // Who sends far more comes to the answer all the same.
        for bytes in [1 << 20, 3 << 20, 20 << 20] {
            assert_eq!(server.client.call(&turn_down(), "", &padded(bytes)).await.status, 413);
        }
        let long = format!("X-Long: {}", "x".repeat(64 << 10));
        assert_eq!(server.client.call("GET /", &long, "").await.status, 431);
        server.end().await;
    });
}

#[test]
fn a_head_or_a_body_that_does_not_come_is_not_waited_for() {
    block_on(async {
        let short = Duration::from_millis(50);
        let server =
            Running::start(limited(PullLimits { head: short, request: short, ..PullLimits::default() }))
                .await;
        let mut stream = server.client.connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: local").await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP/1.1 200"));
        // Without TLS there is not even a head.
        let mut plain = tokio::net::TcpStream::connect(server.client.address).await.unwrap();
        let mut answer = Vec::new();
        let _ = plain.read_to_end(&mut answer).await;
        assert!(answer.is_empty());
        let mut stream = server.client.connect().await;
        let head = format!(
            "{} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{{",
            turn_down()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 408");
        server.end().await;
    });
}

#[test]
fn a_body_that_is_cut_is_written_down() {
    block_on(async {
        let server = Running::start(open()).await;
        let mut stream = server.client.connect().await;
        let head = format!(
            "{} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{{",
            turn_down()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        drop(stream);
        server.quiet.log.changed(0).await;
        assert!(!server.logged().succeeded());
        assert!(server.quiet.done.lock().unwrap().is_empty());
        server.end().await;
    });
}

#[test]
fn requests_in_progress_end_and_idle_connections_do_not_hold_up_the_end() {
    block_on(async {
        let server = Running::start(open()).await;
        let get = format!("GET /rfp/v1/supplier/rfp/{RFP}");
        let mut idle = server.client.connect().await;
        idle.write_all(format!("{get} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        idle.read_exact(&mut answer).await.unwrap();
        let spec = serde_json::from_value(json!({ "slow": "50ms" })).unwrap();
        server.quiet.faults.plan(spec, NOW).unwrap();
        let client = server.client.clone();
        let asked = tokio::spawn(async move { client.call(&get, "", "").await.status });
        while !server.quiet.faults.list(NOW).is_empty() {
            tokio::task::yield_now().await;
        }
        server.end().await;
        assert_eq!(asked.await.unwrap(), 404);
    });
}
