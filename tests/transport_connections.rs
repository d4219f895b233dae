//! Connections: which address, how many, how long they are kept, and how they end.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pns_engine::{Answer, FailureReason, TlsFailure};
use pns_simulator::endpoint::Endpoint;
use pns_simulator::transport::{
    Exchange, HttpsTransport, PlainHttp, PoolLimits, Request, ResolveOverride, Resolver, Settings,
    SettingsError, Timeouts, Transport, Trust,
};
use pns_test_support::{Authority, Peer, Validity, read_request, server_config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Barrier, mpsc};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const ACKNOWLEDGED: Answer = Answer::Status { code: 200, retry_after: None };
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn settings(authority: &Authority, peers: &[&Peer]) -> Settings {
    let at = |peer: &&Peer| ResolveOverride {
        host: "localhost".into(),
        port: peer.address().port(),
        addresses: vec![HERE],
    };
    Settings {
        trust: Trust::Bundle(authority.pem.clone().into_bytes()),
        resolver: Resolver::OverridesOnly,
        resolve: peers.iter().map(at).collect(),
        ..Settings::default()
    }
}

fn endpoint(url: &str) -> Arc<Endpoint> {
    Arc::new(Endpoint::parse(url).unwrap())
}

fn request(url: &str) -> Request {
    Request::new(endpoint(url), Bytes::from_static(b"{}"))
}

/// An HTTPS peer that answers every request on a connection with `answer`, and tells what it heard.
async fn answering(authority: &Authority, answer: &'static [u8]) -> (Peer, mpsc::UnboundedReceiver<String>) {
    let (tell, heard) = mpsc::unbounded_channel();
    let config = server_config(authority.issue(&["localhost"], Validity::Now));
    let peer = Peer::tls(config, move |mut stream| {
        let tell = tell.clone();
        async move {
            loop {
                let mut read = Vec::new();
                if read_request(&mut stream, &mut read).await.is_err() || read.is_empty() {
                    return;
                }
                // The test may be over.
                let _told = tell.send(String::from_utf8(read).unwrap());
                stream.write_all(answer).await.unwrap();
            }
        }
    })
    .await;
    (peer, heard)
}

#[tokio::test]
async fn a_probe_carries_neither_key_nor_body_nor_follows_a_redirect() {
    let authority = Authority::new();
    let redirect = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
    let (peer, mut heard) = answering(&authority, redirect).await;
    let transport = HttpsTransport::new(settings(&authority, &[&peer])).unwrap();
    let exchange = transport.get(endpoint(&format!("{}/processed?id=1", peer.https()))).await;
    assert_eq!(exchange.answer, Answer::Status { code: 302, retry_after: None }, "{exchange:?}");
    let port = peer.address().port();
    let expected = format!(
        "GET /processed?id=1 HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: {}\r\nAccept: */*\r\n\r\n",
        Settings::USER_AGENT
    );
    assert_eq!(heard.recv().await.unwrap(), expected);
    assert!(heard.try_recv().is_err(), "the redirect was followed");
}

#[tokio::test]
async fn a_probe_may_be_plain_http_where_a_notification_may_not() {
    let peer = Peer::tcp(|mut stream| async move {
        read_request(&mut stream, &mut Vec::new()).await.unwrap();
        stream.write_all(OK).await.unwrap();
    })
    .await;
    let transport = HttpsTransport::new(settings(&Authority::new(), &[&peer])).unwrap();
    let insecure = FailureReason::InsecureEndpoint;
    let exchange = transport.attempt(request(&peer.http())).await;
    assert_eq!(exchange.answer, Answer::NoResponse(insecure));
    assert_eq!(transport.connect(&endpoint(&peer.http())).await.unwrap_err().0, insecure);
    assert_eq!(peer.accepted(), 0);
    let exchange = transport.get(endpoint(&peer.http())).await;
    assert_eq!((exchange.answer, exchange.response.unwrap().body), (ACKNOWLEDGED, "ok".into()));
}

#[tokio::test]
async fn connecting_keeps_the_connection_for_the_first_attempt() {
    let authority = Authority::new();
    let (peer, mut heard) = answering(&authority, OK).await;
    let transport = HttpsTransport::new(settings(&authority, &[&peer])).unwrap();
    let url = peer.https();
    transport.connect(&endpoint(&url)).await.unwrap();
    assert!(heard.try_recv().is_err(), "connecting sent a request");
    let exchange = transport.attempt(request(&url)).await;
    assert_eq!((exchange.answer, exchange.reused), (ACKNOWLEDGED, true), "{exchange:?}");
    assert_eq!(exchange.timings.tls, None);
    assert_eq!(peer.accepted(), 1);
}

#[tokio::test]
async fn connecting_fails_as_an_attempt_does() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (unknown, _heard) = answering(&theirs, OK).await;
    let other = server_config(ours.issue(&["other.example"], Validity::Now));
    let other = Peer::tls(other, |_| async {}).await;
    let closing = Peer::tcp(|_| async {}).await;
    let hanging = Peer::tcp(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let mut settings = settings(&ours, &[&unknown, &other, &closing, &hanging]);
    settings.timeouts.tls = Duration::from_millis(100);
    let transport = HttpsTransport::new(Settings { plain_http: PlainHttp::Permitted, ..settings }).unwrap();
    // A listener that is gone leaves a port at which nothing listens.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (url, reason) in [
        (unknown.https(), FailureReason::Tls(TlsFailure::UnknownIssuer)),
        (other.https(), FailureReason::Tls(TlsFailure::WrongHost)),
        (hanging.https(), FailureReason::Tls(TlsFailure::HandshakeTimeout)),
        (format!("https://{gone}"), FailureReason::Refused),
        ("https://nowhere.invalid".into(), FailureReason::NameResolution),
    ] {
        let exchange = transport.attempt(request(&url)).await;
        assert_eq!(exchange.answer, Answer::NoResponse(reason), "{url}");
        let (connected, detail) = transport.connect(&endpoint(&url)).await.unwrap_err();
        assert_eq!((connected, Some(detail)), (reason, exchange.detail), "{url}");
    }
    // Whether the end shows as a close or as a reset depends on what was read: it ends the handshake either way.
    let closed = transport.connect(&endpoint(&closing.https())).await.unwrap_err().0;
    assert_eq!(closed, FailureReason::Tls(TlsFailure::HandshakeClosed));
}

#[tokio::test]
async fn the_next_address_is_tried_where_the_first_refuses() {
    let authority = Authority::new();
    let (peer, _heard) = answering(&authority, OK).await;
    let nobody = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    let mut settings = settings(&authority, &[&peer]);
    settings.resolve[0].addresses = vec![nobody, HERE];
    let exchange = HttpsTransport::new(settings.clone()).unwrap().attempt(request(&peer.https())).await;
    assert_eq!((exchange.answer, exchange.remote), (ACKNOWLEDGED, Some(peer.address())), "{exchange:?}");
    settings.resolve[0].addresses = vec![nobody, nobody];
    let exchange = HttpsTransport::new(settings).unwrap().attempt(request(&peer.https())).await;
    assert_eq!(exchange.answer, Answer::NoResponse(FailureReason::Refused));
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a test that could not run must say so")]
async fn ipv6() {
    let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await else {
        eprintln!("skipped: this machine has no ::1");
        return;
    };
    let authority = Authority::new();
    let (tell, mut heard) = mpsc::unbounded_channel();
    let config = server_config(authority.issue(&["::1"], Validity::Now));
    let peer = Peer::tls_at(listener, config, move |mut stream| {
        let tell = tell.clone();
        async move {
            let mut read = Vec::new();
            read_request(&mut stream, &mut read).await.unwrap();
            tell.send(String::from_utf8(read).unwrap()).unwrap();
            stream.write_all(OK).await.unwrap();
        }
    });
    let transport = HttpsTransport::new(settings(&authority, &[])).unwrap();
    let authority = format!("[::1]:{}", peer.address().port());
    let exchange = transport.attempt(request(&format!("https://{authority}/"))).await;
    assert_eq!((exchange.answer, exchange.remote), (ACKNOWLEDGED, Some(peer.address())), "{exchange:?}");
    assert!(heard.recv().await.unwrap().contains(&format!("\r\nHost: {authority}\r\n")));
}

/// A peer that answers only when so many requests are there at once.
async fn together(authority: &Authority, count: usize) -> Peer {
    let barrier = Arc::new(Barrier::new(count));
    let config = server_config(authority.issue(&["localhost"], Validity::Now));
    Peer::tls(config, move |mut stream| {
        let barrier = Arc::clone(&barrier);
        async move {
            loop {
                let mut read = Vec::new();
                if read_request(&mut stream, &mut read).await.is_err() || read.is_empty() {
                    return;
                }
                barrier.wait().await;
                stream.write_all(OK).await.unwrap();
            }
        }
    })
    .await
}

async fn attempts(transport: &HttpsTransport, url: &str, count: usize) -> Vec<Exchange> {
    let attempts: Vec<_> = (0..count)
        .map(|_| {
            let (transport, request) = (transport.clone(), request(url));
            tokio::spawn(async move { transport.attempt(request).await })
        })
        .collect();
    let mut exchanges = Vec::new();
    for attempt in attempts {
        let exchange = attempt.await.unwrap();
        assert_eq!(exchange.answer, ACKNOWLEDGED, "{exchange:?}");
        exchanges.push(exchange);
    }
    exchanges
}

#[tokio::test]
async fn no_more_connections_are_kept_for_an_origin_than_allowed() {
    for (idle_per_origin, connections) in [(2, 6), (0, 8), (9, 4)] {
        let authority = Authority::new();
        let peer = together(&authority, 4).await;
        let pool = PoolLimits { idle_per_origin, ..PoolLimits::default() };
        let transport = HttpsTransport::new(Settings { pool, ..settings(&authority, &[&peer]) }).unwrap();
        let first = attempts(&transport, &peer.https(), 4).await;
        assert!(first.iter().all(|exchange| !exchange.reused));
        let second = attempts(&transport, &peer.https(), 4).await;
        assert_eq!(second.iter().filter(|exchange| exchange.reused).count(), idle_per_origin.min(4));
        assert_eq!(peer.accepted(), connections);
    }
}

#[tokio::test]
async fn no_more_connections_are_kept_altogether_than_allowed() {
    let authority = Authority::new();
    let ((one, _), (two, _)) = (answering(&authority, OK).await, answering(&authority, OK).await);
    let pool = PoolLimits { idle_total: 1, ..PoolLimits::default() };
    let transport = HttpsTransport::new(Settings { pool, ..settings(&authority, &[&one, &two]) }).unwrap();
    for _ in 0..3 {
        attempts(&transport, &one.https(), 1).await;
        attempts(&transport, &two.https(), 1).await;
    }
    assert_eq!((one.accepted(), two.accepted()), (1, 3));
}

#[tokio::test]
async fn a_connection_that_its_receiver_closed_makes_room_for_another() {
    let authority = Authority::new();
    let (tell, mut closed) = mpsc::unbounded_channel();
    let config = server_config(authority.issue(&["localhost"], Validity::Now));
    let closing = Peer::tls(config, move |mut stream| {
        let tell = tell.clone();
        async move {
            read_request(&mut stream, &mut Vec::new()).await.unwrap();
            stream.write_all(OK).await.unwrap();
            stream.shutdown().await.unwrap();
            // The sender's own end tells that it saw ours.
            let _end = stream.read_to_end(&mut Vec::new()).await;
            tell.send(()).unwrap();
        }
    })
    .await;
    let (kept, _heard) = answering(&authority, OK).await;
    let pool = PoolLimits { idle_total: 1, ..PoolLimits::default() };
    let transport =
        HttpsTransport::new(Settings { pool, ..settings(&authority, &[&closing, &kept]) }).unwrap();
    attempts(&transport, &closing.https(), 1).await;
    closed.recv().await.unwrap();
    attempts(&transport, &kept.https(), 3).await;
    assert!(attempts(&transport, &kept.https(), 1).await[0].reused);
}

#[tokio::test]
async fn a_connection_idle_for_too_long_is_not_reused() {
    let authority = Authority::new();
    let (peer, _heard) = answering(&authority, OK).await;
    let pool = PoolLimits { idle_for: Duration::ZERO, ..PoolLimits::default() };
    let transport = HttpsTransport::new(Settings { pool, ..settings(&authority, &[&peer]) }).unwrap();
    for _ in 0..3 {
        assert!(!attempts(&transport, &peer.https(), 1).await[0].reused);
    }
    assert_eq!(peer.accepted(), 3);
}

#[tokio::test]
async fn a_failure_on_a_kept_alive_connection_says_so() {
    let authority = Authority::new();
    let config = server_config(authority.issue(&["localhost"], Validity::Now));
    let peer = Peer::tls(config, |mut stream| async move {
        read_request(&mut stream, &mut Vec::new()).await.unwrap();
        stream.write_all(OK).await.unwrap();
        read_request(&mut stream, &mut Vec::new()).await.unwrap();
        stream.shutdown().await.unwrap();
    })
    .await;
    let transport = HttpsTransport::new(settings(&authority, &[&peer])).unwrap();
    attempts(&transport, &peer.https(), 1).await;
    let exchange = transport.attempt(request(&peer.https())).await;
    assert_eq!(exchange.answer, Answer::NoResponse(FailureReason::ClosedBeforeResponse));
    assert!(exchange.reused);
    let detail = exchange.detail.unwrap();
    assert!(detail.ends_with(" (on a kept-alive connection)"), "{detail}");
}

#[test]
fn settings_that_no_transport_can_be_made_of() {
    let refused = |change: fn(&mut Settings)| {
        let mut settings = Settings { trust: Trust::Unverified, ..Settings::default() };
        assert!(HttpsTransport::new(settings.clone()).is_ok());
        change(&mut settings);
        HttpsTransport::new(settings).unwrap_err()
    };
    let zero = |phase: fn(&mut Timeouts) -> &mut Duration| {
        let mut settings = Settings { trust: Trust::Unverified, ..Settings::default() };
        *phase(&mut settings.timeouts) = Duration::ZERO;
        HttpsTransport::new(settings).unwrap_err().to_string()
    };
    assert_eq!(zero(|timeouts| &mut timeouts.resolve), "the resolve timeout is zero");
    assert_eq!(zero(|timeouts| &mut timeouts.connect), "the connect timeout is zero");
    assert_eq!(zero(|timeouts| &mut timeouts.tls), "the TLS timeout is zero");
    assert_eq!(zero(|timeouts| &mut timeouts.send), "the send timeout is zero");
    assert_eq!(zero(|timeouts| &mut timeouts.acknowledgement), "the acknowledgement timeout is zero");
    let head = refused(|settings| settings.limits.head_bytes = 8_191);
    assert!(matches!(head, SettingsError::HeadLimit(8_191)));
    let agent = refused(|settings| settings.user_agent = "a\nb".into());
    assert_eq!(agent.to_string(), r"`a\nb` cannot be sent as a header's value");
    let kind = refused(|settings| settings.content_type = "\u{7f}".into());
    assert!(matches!(kind, SettingsError::HeaderValue(_)));
}
