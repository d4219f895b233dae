//! Each failure reason, from a real peer that fails that way.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pns_engine::{Answer, FailureReason, TlsFailure};
use pns_simulator::endpoint::Endpoint;
use pns_simulator::transport::{
    Exchange, HttpsTransport, PlainHttp, Request, ResolveOverride, Resolver, Settings, Transport, Trust,
};
use pns_test_support::{Peer, read_request};
use socket2::{Domain, SockRef, Socket, Type};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const SHORT: Duration = Duration::from_millis(100);

/// Settings that never ask a name server: `localhost` is 127.0.0.1.
fn settings(port: u16) -> Settings {
    let addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    Settings {
        plain_http: PlainHttp::Permitted,
        trust: Trust::Unverified,
        resolver: Resolver::OverridesOnly,
        resolve: vec![ResolveOverride { host: "localhost".into(), port, addresses }],
        ..Settings::default()
    }
}

fn request(url: &str) -> Request {
    Request::new(Arc::new(Endpoint::parse(url).unwrap()), Bytes::from_static(b"{\"eventId\":1}"))
}

async fn attempt(settings: Settings, request: Request) -> Exchange {
    HttpsTransport::new(settings).unwrap().attempt(request).await
}

fn reason(exchange: &Exchange) -> FailureReason {
    match exchange.answer {
        Answer::NoResponse(reason) => reason,
        Answer::Status { code, .. } => panic!("answered {code}: {exchange:?}"),
    }
}

/// A plain peer that reads the request and then says `answer` and closes.
async fn says(answer: &'static [u8]) -> Peer {
    Peer::tcp(move |mut stream| async move {
        read_request(&mut stream, &mut Vec::new()).await.unwrap();
        stream.write_all(answer).await.unwrap();
    })
    .await
}

async fn heard(answer: &'static [u8]) -> Exchange {
    let peer = says(answer).await;
    attempt(settings(peer.address().port()), request(&peer.http())).await
}

#[tokio::test]
async fn a_name_without_an_address() {
    let exchange = attempt(settings(1), request("https://nowhere.invalid/")).await;
    assert_eq!(reason(&exchange), FailureReason::NameResolution);
}

#[tokio::test]
async fn nothing_listens() {
    let free = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    free.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let port = free.local_addr().unwrap().as_socket().unwrap().port();
    let exchange = attempt(settings(port), request(&format!("https://localhost:{port}/"))).await;
    assert_eq!(reason(&exchange), FailureReason::Refused);
}

#[tokio::test]
async fn no_route() {
    let exchange = attempt(settings(1), request("https://255.255.255.255/")).await;
    assert_eq!(reason(&exchange), FailureReason::Unreachable);
}

#[tokio::test]
async fn a_full_backlog() {
    let full = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    full.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    full.listen(0).unwrap();
    let address = full.local_addr().unwrap().as_socket().unwrap();
    let mut held = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(SHORT, TcpStream::connect(address)).await {
        held.push(stream);
        assert!(held.len() < 64, "the backlog does not fill");
    }
    let mut request = request(&format!("https://localhost:{}/", address.port()));
    request.connect_timeout = Some(SHORT);
    let exchange = attempt(settings(address.port()), request).await;
    assert_eq!(reason(&exchange), FailureReason::ConnectTimeout);
    assert_eq!(exchange.waited, Some(SHORT));
}

#[tokio::test]
async fn plain_http_is_refused_unsent() {
    let peer = says(b"HTTP/1.1 200 OK\r\n\r\n").await;
    let refused = Settings { plain_http: PlainHttp::Refused, ..settings(peer.address().port()) };
    let exchange = attempt(refused, request(&peer.http())).await;
    assert_eq!(reason(&exchange), FailureReason::InsecureEndpoint);
    assert_eq!(peer.accepted(), 0);
}

/// Reads the client's hello, then says `bytes`, then closes in order.
async fn answers_hello(bytes: &'static [u8]) -> Exchange {
    let peer = Peer::tcp(move |mut stream| async move {
        let mut hello = [0; 5];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut hello).await.unwrap();
        let mut rest = vec![0; usize::from(u16::from_be_bytes([hello[3], hello[4]]))];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut rest).await.unwrap();
        stream.write_all(bytes).await.unwrap();
    })
    .await;
    attempt(settings(peer.address().port()), request(&peer.https())).await
}

#[tokio::test]
async fn handshakes_that_end() {
    let tls = |exchange: Exchange| reason(&exchange);
    // Fatal alerts: protocol_version (70), handshake_failure (40).
    let version = FailureReason::Tls(TlsFailure::VersionOrCipher);
    assert_eq!(tls(answers_hello(&[21, 3, 3, 0, 2, 2, 70]).await), version);
    assert_eq!(tls(answers_hello(&[21, 3, 3, 0, 2, 2, 40]).await), version);
    assert_eq!(tls(answers_hello(b"").await), FailureReason::Tls(TlsFailure::HandshakeClosed));
    let not_tls = answers_hello(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    assert_eq!(tls(not_tls), FailureReason::Tls(TlsFailure::NotTls));
}

#[tokio::test]
async fn a_handshake_that_hangs() {
    let peer = Peer::tcp(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let mut settings = settings(peer.address().port());
    settings.timeouts.tls = SHORT;
    let exchange = attempt(settings, request(&peer.https())).await;
    assert_eq!(reason(&exchange), FailureReason::Tls(TlsFailure::HandshakeTimeout));
    assert_eq!(exchange.waited, Some(SHORT));
}

#[tokio::test]
async fn a_reset_after_the_request() {
    let peer = Peer::tcp(|mut stream| async move {
        read_request(&mut stream, &mut Vec::new()).await.unwrap();
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    })
    .await;
    let exchange = attempt(settings(peer.address().port()), request(&peer.http())).await;
    assert_eq!(reason(&exchange), FailureReason::Reset);
}

#[tokio::test]
async fn a_close_before_a_whole_response() {
    for answer in
        [&b""[..], b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"]
    {
        assert_eq!(reason(&heard(answer).await), FailureReason::ClosedBeforeResponse, "{answer:?}");
    }
}

#[tokio::test]
async fn answers_that_are_not_http() {
    for answer in [
        &b"hello there\r\n\r\n"[..],
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
    ] {
        assert_eq!(reason(&heard(answer).await), FailureReason::MalformedResponse, "{answer:?}");
    }
}

#[tokio::test]
async fn a_head_without_end() {
    let peer = Peer::tcp(|mut stream| async move {
        read_request(&mut stream, &mut Vec::new()).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
        while stream.write_all(b"X-Filler: 0123456789012345678901234567890123456789\r\n").await.is_ok() {}
    })
    .await;
    let exchange = attempt(settings(peer.address().port()), request(&peer.http())).await;
    assert_eq!(reason(&exchange), FailureReason::MalformedResponse);
}

#[tokio::test]
async fn a_receiver_that_does_not_read() {
    let peer = Peer::tcp(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let mut settings = settings(peer.address().port());
    settings.timeouts.send = SHORT;
    let body = Bytes::from(vec![b'x'; 32 << 20]);
    let request = Request { body, ..request(&peer.http()) };
    let exchange = attempt(settings, request).await;
    assert_eq!(reason(&exchange), FailureReason::SendTimeout);
    assert_eq!(exchange.waited, Some(SHORT));
}

#[tokio::test]
async fn a_receiver_that_hangs() {
    for answer in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"] {
        let peer = Peer::tcp(move |mut stream| async move {
            read_request(&mut stream, &mut Vec::new()).await.unwrap();
            stream.write_all(answer).await.unwrap();
            std::future::pending::<()>().await;
        })
        .await;
        let request = Request { ack_timeout: Some(SHORT), ..request(&peer.http()) };
        let exchange = attempt(settings(peer.address().port()), request).await;
        assert_eq!(reason(&exchange), FailureReason::AcknowledgementTimeout);
        assert_eq!(exchange.waited, Some(SHORT));
        assert_eq!(exchange.response.is_some(), !answer.is_empty());
    }
}
