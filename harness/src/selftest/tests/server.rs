//! Bugs that show in TLS, between connections, and between requests.

use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::super::Running;
use super::client::Outcome::{Closed, Nothing, Status};
use super::client::{Client, body, connect, notification, once, post, request, start, tls, until};

/// A connection that stays silent.
async fn silent(running: &Running) -> TcpStream {
    TcpStream::connect(running.addr()).await.unwrap()
}

/// Whether a notification on a new connection is acknowledged soon.
async fn accepts(running: &Running) -> bool {
    let soon = std::time::Duration::from_millis(400);
    let trial = async {
        let Ok(stream) = connect(running, tls(&[b"http/1.1"])).await else { return false };
        Client::on(stream).ask(&notification("x", "RFP_SEND")).await == Status(200)
    };
    tokio::time::timeout(soon, trial).await.unwrap_or(false)
}

#[tokio::test]
async fn one_silent_peer_stops_everybody() {
    for (name, goes_on) in
        [("handshake-stall-blocks-accept", false), ("serves-one-connection", false), ("plain", true)]
    {
        let running = start(name).await;
        let _silent = silent(&running).await;
        let _other = silent(&running).await;
        assert_eq!(accepts(&running).await, goes_on, "{name}");
        running.shutdown().await;
    }
}

#[tokio::test]
async fn silent_peers_use_up_the_workers() {
    let running = start("idle-connections-use-up-workers").await;
    let mut silent = Vec::new();
    for _ in 0..12 {
        silent.push(Client::connect(&running).await);
    }
    assert!(!accepts(&running).await);
    drop(silent);
    until(std::time::Duration::from_secs(10), async || accepts(&running).await).await;
}

#[tokio::test]
async fn a_failed_handshake_ends_the_server() {
    let running = start("failed-handshake-ends-server").await;
    silent(&running).await.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    until(std::time::Duration::from_secs(10), async || TcpStream::connect(running.addr()).await.is_err())
        .await;
}

#[tokio::test]
async fn plain_http_is_acknowledged() {
    for (name, served) in [("plain-http-acknowledged", true), ("plain", false)] {
        let running = start(name).await;
        let mut tcp = silent(&running).await;
        tcp.write_all(&notification("a", "RFP_SEND")).await.unwrap();
        let outcome = Client::on(tcp).outcome_or_junk().await;
        assert_eq!(outcome, served, "{name}");
    }
}

impl Client<TcpStream> {
    async fn outcome_or_junk(&mut self) -> bool {
        self.answer().await.is_some_and(|(head, _)| head.starts_with("HTTP/1.1 200"))
    }
}

#[tokio::test]
async fn a_resumed_session_is_reset() {
    for (name, second) in
        [("resumed-session-reset", Closed), ("plain", Status(200)), ("no-resumption", Status(200))]
    {
        let running = start(name).await;
        let config = tls(&[b"http/1.1"]);
        for expected in [Status(200), second] {
            let mut client = Client::on(connect(&running, Arc::clone(&config)).await.unwrap());
            assert_eq!(client.ask(&notification("a", "RFP_SEND")).await, expected, "{name}");
            let resumed = client.stream.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed);
            assert!(!resumed || name != "no-resumption");
        }
    }
}

#[tokio::test]
async fn a_hello_in_two_packets_is_refused() {
    let running = start("hello-in-one-read").await;
    let mut tcp = silent(&running).await;
    tcp.set_nodelay(true).unwrap();
    // A record of 512 bytes is announced, and one comes.
    tcp.write_all(&[22, 3, 1, 2, 0, 1]).await.unwrap();
    assert!(Client::on(tcp).answer().await.is_none());
}

#[tokio::test]
async fn http2_is_spoken_where_it_is_offered() {
    let offer: &[&[u8]] = &[b"h2", b"http/1.1"];
    let h2 = |name: &'static str| async move {
        let running = start(name).await;
        let stream = connect(&running, tls(offer)).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()), "{name}");
        let executor = hyper_util::rt::TokioExecutor::new();
        let io = hyper_util::rt::TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.ok()?;
        let connection = tokio::spawn(connection);
        let mut statuses = Vec::new();
        for _ in 0..2 {
            let uri = running.url();
            let request = hyper::Request::post(uri)
                .header("authorization", format!("api_key {}", super::client::KEY))
                .header("content-type", "application/json")
                .body(http_body_util::Full::new(bytes::Bytes::from(body("a", "RFP_SEND").to_string())))
                .unwrap();
            statuses.push(sender.send_request(request).await.ok()?.status().as_u16());
        }
        connection.abort();
        Some(statuses)
    };
    assert_eq!(h2("http2").await, Some(vec![200, 200]));
    assert_eq!(h2("http2-second-stream-500").await, Some(vec![200, 500]));
    assert_eq!(h2("http2-agreed-and-not-spoken").await, None);
}

#[tokio::test]
async fn second_requests_on_a_connection() {
    let bad = post("{");
    let good = notification("a", "RFP_SEND");
    for (name, first, second, expected) in [
        ("plain", &bad, &good, Status(200)),
        ("second-request-reset", &good, &good, Closed),
        ("second-request-unanswered", &good, &good, Nothing),
        ("closes-announced", &good, &good, Closed),
        ("closes-silently", &good, &good, Closed),
        ("refusal-poisons-connection", &bad, &good, Status(400)),
    ] {
        let running = start(name).await;
        let mut client = Client::connect(&running).await;
        client.ask(first).await;
        client.send(second).await;
        assert_eq!(client.brief_outcome().await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_key_checked_once() {
    let without = request("POST /pns HTTP/1.1", &["Authorization:"], body("b", "RFP_SEND").to_string());
    for (name, second) in [("key-checked-once-per-connection", Status(200)), ("plain", Status(401))] {
        let running = start(name).await;
        let mut client = Client::connect(&running).await;
        assert_eq!(client.ask(&notification("a", "RFP_SEND")).await, Status(200));
        assert_eq!(client.ask(&without).await, second, "{name}");
    }
    let running = start("unread-body-taken-for-request").await;
    let mut client = Client::connect(&running).await;
    assert_eq!(client.ask(&without).await, Status(401));
    assert_eq!(client.ask(&notification("a", "RFP_SEND")).await, Status(400));
}

#[tokio::test]
async fn pipelined_requests() {
    let two = [notification("a", "RFP_SEND"), notification("b", "RFP_SEND")].concat();
    for (name, second) in [("plain", Status(200)), ("pipelined-request-lost", Nothing)] {
        let running = start(name).await;
        let mut client = Client::connect(&running).await;
        assert_eq!(client.ask(&two).await, Status(200));
        assert_eq!(client.brief_outcome().await, second, "{name}");
    }
}

#[tokio::test]
async fn close_is_obeyed_or_not() {
    let closing = request("POST /pns HTTP/1.1", &["Connection: close"], body("a", "RFP_SEND").to_string());
    for (name, then) in [("plain", Closed), ("connection-close-ignored", Nothing)] {
        let running = start(name).await;
        let mut client = Client::connect(&running).await;
        assert_eq!(client.ask(&closing).await, Status(200));
        assert_eq!(client.brief_outcome().await, then, "{name}");
    }
}

#[tokio::test]
async fn refusals_poison_the_server() {
    for (name, refusals, status) in [("refusal-poisons-server", 1, 500), ("refusals-ban-sender", 3, 403)] {
        let running = start(name).await;
        for _ in 0..refusals {
            assert_eq!(once(&running, &post("{")).await, Status(400));
        }
        assert_eq!(once(&running, &notification("a", "RFP_SEND")).await, Status(status), "{name}");
    }
}

/// Sends half a request and leaves.
async fn break_off(running: &Running) {
    let mut client = Client::connect(running).await;
    let whole = notification("a", "RFP_SEND");
    client.send(&whole[..whole.len() / 2]).await;
    client.stream.shutdown().await.unwrap();
    client.rest().await;
}

#[tokio::test]
async fn broken_requests_use_up_the_workers() {
    let running = start("broken-requests-use-up-workers").await;
    for _ in 0..39 {
        break_off(&running).await;
    }
    assert!(accepts(&running).await);
    break_off(&running).await;
    assert!(!accepts(&running).await);
}

#[tokio::test]
async fn a_broken_request_ends_the_server() {
    let running = start("broken-request-ends-server").await;
    break_off(&running).await;
    until(std::time::Duration::from_secs(10), async || TcpStream::connect(running.addr()).await.is_err())
        .await;
    let running = start("broken-request-restarts-server").await;
    break_off(&running).await;
    until(std::time::Duration::from_secs(10), async || TcpStream::connect(running.addr()).await.is_err())
        .await;
    until(std::time::Duration::from_secs(10), async || accepts(&running).await).await;
}

#[tokio::test]
async fn one_read_is_all_there_is() {
    let whole = notification("a", "RFP_SEND");
    let head = whole.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    for (name, cut, expected) in [
        ("plain", head / 2, Status(200)),
        ("plain", head + 50, Status(200)),
        ("head-in-one-read", head / 2, Status(400)),
        ("body-in-one-read", head + 50, Status(400)),
        ("body-within-300-ms", head + 50, Status(408)),
        ("head-within-300-ms", head / 2, Status(408)),
    ] {
        let running = start(name).await;
        let mut client = Client::connect(&running).await;
        client.send(&whole[..cut]).await;
        // A careless receiver answers by now; a correct one waits for the rest.
        let early = client.brief_outcome().await;
        client.send(&whole[cut..]).await;
        let outcome = if early == Nothing { client.outcome().await } else { early };
        assert_eq!(outcome, expected, "{name}");
    }
}

#[tokio::test]
async fn a_dropped_server_closes_its_port() {
    let running = start("plain").await;
    let addr = running.addr();
    let mut client = Client::connect(&running).await;
    assert_eq!(client.ask(&notification("a", "RFP_SEND")).await, Status(200));
    running.shutdown().await;
    assert!(TcpStream::connect(addr).await.is_err());
    assert_eq!(client.outcome().await, Closed);
}
