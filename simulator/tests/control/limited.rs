//! Sizes, waits and counts that end.

use std::time::Duration;

use pns_simulator::control::{ControlSettings, Limits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{block_on, run, settings};

fn limited(limits: Limits) -> ControlSettings {
    ControlSettings { limits, ..settings() }
}

#[test]
fn bodies_and_heads_have_a_size() {
    block_on(async {
        let server =
            run(limited(Limits { body_bytes: 1_000, publish_bytes: 2_000, ..Limits::default() })).await;
        let padded = |bytes: usize| format!(r#"{{"pad":"{}"}}"#, "x".repeat(bytes));
        let status =
            async |path: &str, bytes: usize| server.client.send("POST", path, &padded(bytes)).await.status;
        assert_eq!(status("/api/v1/subscriptions", 900).await, 422);
        assert_eq!(status("/api/v1/subscriptions", 1_500).await, 413);
        assert_eq!(status("/api/v1/notifications", 1_500).await, 422);
        assert_eq!(status("/api/v1/notifications", 2_500).await, 413);
        let long = "x".repeat(64 << 10);
        assert_eq!(server.client.with("GET", "/healthz", &[("X-Long", &long)], "").await.status, 431);
        server.end().await;
    });
}

#[test]
fn a_head_or_a_body_that_does_not_come_is_not_waited_for() {
    block_on(async {
        let short = Duration::from_millis(50);
        let server = run(limited(Limits { head: short, request: short, ..Limits::default() })).await;
        for half in ["", "GET /healthz HTTP/1.1\r\nHost: local"] {
            let mut stream = server.client.connect().await;
            stream.write_all(half.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            assert!(!answer.starts_with(b"HTTP/1.1 200"), "{half:?}");
        }
        // Between two requests, too.
        let mut idle = server.client.connect().await;
        idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        idle.read_to_end(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"));
        let mut stream = server.client.connect().await;
        let head = "POST /api/v1/replay HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 503");
        server.end().await;
    });
}

#[test]
fn connections_beyond_the_limit_wait_for_a_place() {
    block_on(async {
        let server = run(limited(Limits { connections: 1, ..Limits::default() })).await;
        let first = server.client.connect().await;
        let client = server.client;
        let second = tokio::spawn(async move { client.get("/healthz").await.status });
        // The first place is taken as soon as the server says something on it.
        let mut first = first;
        first.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = [0; 12];
        let took = first.read_exact(&mut answer).await;
        assert!(took.is_ok() && &answer == b"HTTP/1.1 200" && !second.is_finished());
        drop(first);
        assert_eq!(second.await.unwrap(), 200);
        server.end().await;
    });
}

#[test]
fn large_bodies_wait_for_each_other_and_small_ones_do_not() {
    block_on(async {
        let limits = Limits { body_bytes: 1_000, large_bodies: 1, ..Limits::default() };
        let server = run(limited(limits)).await;
        let head =
            "POST /api/v1/notifications HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
        let mut first = server.client.connect().await;
        let half = format!("{head}Content-Length: 4000\r\n\r\n{}", " ".repeat(2_000));
        first.write_all(half.as_bytes()).await.unwrap();
        let client = server.client;
        let second = tokio::spawn(async move {
            client.send("POST", "/api/v1/notifications", &" ".repeat(2_000)).await.status
        });
        let small = server.client.send("POST", "/api/v1/notifications", r#"{"type":"RFP_SEND"}"#).await;
        assert_eq!(small.status, 201);
        // Either may have come first; when one has gone, the other is answered.
        drop(first);
        assert_eq!(second.await.unwrap(), 400);
        server.end().await;
    });
}

#[test]
fn who_does_not_read_is_cut() {
    block_on(async {
        let limits = Limits { connections: 1, request: Duration::from_millis(200), ..Limits::default() };
        let server = run(limited(limits)).await;
        let mut deaf = server.client.connect().await;
        // More in answers than sockets hold.
        let request = "GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(500);
        deaf.write_all(request.as_bytes()).await.unwrap();
        // The only place is free again, although the first connection is open on this side.
        assert_eq!(server.client.get("/healthz").await.status, 200);
        drop(deaf);
        server.end().await;
    });
}

#[test]
fn listeners_beyond_the_limit_are_refused_and_all_end_with_the_server() {
    block_on(async {
        let server = run(limited(Limits { listeners: 1, ..Limits::default() })).await;
        let mut listener = server.client.connect().await;
        listener.write_all(b"GET /api/v1/records HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut told = Vec::new();
        while !told.ends_with(b": listening\n\n\r\n") {
            assert_ne!(listener.read_buf(&mut told).await.unwrap(), 0, "{}", String::from_utf8_lossy(&told));
        }
        assert!(String::from_utf8_lossy(&told).contains("text/event-stream"));
        let second = server.client.get("/api/v1/records").await;
        assert_eq!((second.status, second.problem().as_str()), (503, "too-many-listeners"));
        server.end().await;
        let mut rest = Vec::new();
        listener.read_to_end(&mut rest).await.unwrap();
    });
}

#[test]
fn an_idle_connection_does_not_hold_up_the_end() {
    block_on(async {
        let server = run(settings()).await;
        let mut idle = server.client.connect().await;
        idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = [0; 12];
        idle.read_exact(&mut answer).await.unwrap();
        server.end().await;
    });
}
