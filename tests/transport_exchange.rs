//! Whole exchanges: what goes over the wire, what comes back, how connections are reused, and injections.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use pns_engine::{Answer, FailureReason};
use pns_simulator::endpoint::Endpoint;
use pns_simulator::fault::Injection;
use pns_simulator::secret::ApiKey;
use pns_simulator::transport::{
    Http2, HttpsTransport, Request, ResolveOverride, Resolver, ScriptedTransport, Settings, Transport, Trust,
};
use pns_test_support::{Authority, Peer, Validity, read_request, server_config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use wiremock::matchers::{header, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

const BODY: &[u8] = b"{\"eventType\":\"RFP_SEND\"}";

fn settings(authority: &Authority, port: u16) -> Settings {
    let addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    Settings {
        trust: Trust::Bundle(authority.pem.clone().into_bytes()),
        resolver: Resolver::OverridesOnly,
        resolve: vec![ResolveOverride { host: "localhost".into(), port, addresses }],
        ..Settings::default()
    }
}

fn request(peer: &Peer, injection: Option<Injection>) -> Request {
    let endpoint = Endpoint::parse(&format!("{}/push?t=1", peer.https())).unwrap();
    let api_key = Some(ApiKey::new("key-123").unwrap());
    Request { api_key, injection, ..Request::new(Arc::new(endpoint), Bytes::from_static(BODY)) }
}

/// What one connection brought, and how it ended.
#[derive(Debug)]
struct Heard {
    text: String,
    reset: bool,
}

/// An HTTPS peer that answers every whole request with `answer` and tells what it heard.
async fn peer(answer: &'static str) -> (Peer, HttpsTransport, mpsc::UnboundedReceiver<Heard>) {
    let authority = Authority::new();
    let (tell, heard) = mpsc::unbounded_channel();
    let config = server_config(authority.issue(&["localhost"], Validity::Now));
    let peer = Peer::tls(config, move |mut stream| {
        let tell = tell.clone();
        async move {
            // The kernel tells of a reset once: to the read or to the write, whichever comes first.
            let is_reset = |error: &std::io::Error| {
                matches!(error.kind(), std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe)
            };
            loop {
                let mut read = Vec::new();
                let mut result = read_request(&mut stream, &mut read).await;
                let text = String::from_utf8(read).unwrap();
                if text.ends_with(std::str::from_utf8(BODY).unwrap()) {
                    let _told = tell.send(Heard { text, reset: false });
                    result = stream.write_all(answer.as_bytes()).await;
                    if result.is_ok() {
                        result = stream.flush().await;
                    }
                    if result.is_ok() {
                        continue;
                    }
                    let reset = result.as_ref().is_err_and(is_reset);
                    let _told = tell.send(Heard { text: String::new(), reset });
                    return;
                }
                let reset = result.as_ref().is_err_and(is_reset);
                if !text.is_empty() || reset {
                    // The test may be over.
                    let _told = tell.send(Heard { text, reset });
                }
                return;
            }
        }
    })
    .await;
    let transport = HttpsTransport::new(settings(&authority, peer.address().port())).unwrap();
    (peer, transport, heard)
}

/// What the peer heard next; it must come soon.
async fn next(heard: &mut mpsc::UnboundedReceiver<Heard>) -> Heard {
    let heard = tokio::time::timeout(Duration::from_secs(5), heard.recv()).await;
    heard.expect("the peer hears something within 5 s").expect("the peer lives")
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const ACKNOWLEDGED: Answer = Answer::Status { code: 200, retry_after: None };

#[tokio::test]
async fn the_request_on_the_wire() {
    let (peer, transport, mut heard) = peer(OK).await;
    let exchange = transport.attempt(request(&peer, None)).await;
    assert_eq!(exchange.answer, ACKNOWLEDGED, "{exchange:?}");
    let port = peer.address().port();
    let expected = format!(
        "POST /push?t=1 HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: {}\r\nAccept: */*\r\n\
         Authorization: api_key key-123\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n{}",
        Settings::USER_AGENT,
        std::str::from_utf8(BODY).unwrap()
    );
    assert_eq!(next(&mut heard).await.text, expected);
    assert!(exchange.request_headers["authorization"].is_sensitive());
    assert_eq!(exchange.response.unwrap().body, "ok");
    let without = Request { api_key: None, ..request(&peer, None) };
    transport.attempt(without).await;
    assert!(!next(&mut heard).await.text.to_ascii_lowercase().contains("authorization"));
}

#[tokio::test]
async fn a_connection_is_reused_until_the_receiver_closes_it() {
    let (alive, transport, _heard) = peer(OK).await;
    for index in 0..5 {
        let exchange = transport.attempt(request(&alive, None)).await;
        assert_eq!((exchange.answer, exchange.reused), (ACKNOWLEDGED, index > 0), "{exchange:?}");
    }
    assert_eq!(alive.accepted(), 1);
    let (closing, transport, _heard) = peer("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
    for _ in 0..3 {
        let exchange = transport.attempt(request(&closing, None)).await;
        assert_eq!(exchange.answer, Answer::Status { code: 204, retry_after: None });
        assert!(!exchange.reused);
    }
    assert_eq!(closing.accepted(), 3);
}

#[tokio::test]
async fn a_connection_closed_while_idle_costs_no_attempt() {
    let authority = Authority::new();
    let config = server_config(authority.issue(&["localhost"], Validity::Now));
    let (closed, mut is_closed) = mpsc::unbounded_channel();
    let peer = Peer::tls(config, move |mut stream| {
        let closed = closed.clone();
        async move {
            read_request(&mut stream, &mut Vec::new()).await.unwrap();
            stream.write_all(OK.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            // The sender's own end tells that it saw ours.
            let _end = stream.read_to_end(&mut Vec::new()).await;
            closed.send(()).unwrap();
        }
    })
    .await;
    let transport = HttpsTransport::new(settings(&authority, peer.address().port())).unwrap();
    for _ in 0..3 {
        let exchange = transport.attempt(request(&peer, None)).await;
        assert_eq!((exchange.answer, exchange.reused), (ACKNOWLEDGED, false), "{exchange:?}");
        is_closed.recv().await.unwrap();
    }
}

#[tokio::test]
async fn answers_of_all_shapes() {
    for (answer, code, body) in [
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 OK\r\nContent-Length: 0\r\n\r\n",
            201,
            "",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            200,
            "abcde",
        ),
        ("HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 307, ""),
        ("HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops", 500, "oops"),
    ] {
        let (peer, transport, _heard) = peer(answer).await;
        let exchange = transport.attempt(request(&peer, None)).await;
        assert_eq!(exchange.answer, Answer::Status { code, retry_after: None });
        assert_eq!(exchange.response.unwrap().body, body);
        assert_eq!(peer.accepted(), 1);
    }
    let (peer, transport, _heard) =
        peer("HTTP/1.1 429 X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n").await;
    let retry_after = Some(Duration::from_secs(7));
    assert_eq!(
        transport.attempt(request(&peer, None)).await.answer,
        Answer::Status { code: 429, retry_after }
    );
}

#[tokio::test]
async fn a_large_body_is_read_to_the_limit() {
    let server = MockServer::start().await;
    let body = vec![b'x'; 300_000];
    Mock::given(method("POST"))
        .and(header("authorization", "api_key key-123"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(body))
        .expect(2)
        .mount(&server)
        .await;
    let authority = Authority::new();
    let config = server_config(authority.issue(&["localhost"], Validity::Now));
    let front = Peer::front(config, *server.address()).await;
    let transport = HttpsTransport::new(settings(&authority, front.address().port())).unwrap();
    for _ in 0..2 {
        let exchange = transport.attempt(request(&front, None)).await;
        assert_eq!((exchange.answer, exchange.reused), (ACKNOWLEDGED, false));
        let response = exchange.response.unwrap();
        assert_eq!((response.body.len(), response.truncated), (65_536, true));
    }
}

#[tokio::test]
async fn injections_that_send_nothing() {
    let (peer, transport, _heard) = peer(OK).await;
    for (injection, reason, waits) in [
        (Injection::Refuse, FailureReason::Refused, false),
        (Injection::ConnectTimeout, FailureReason::ConnectTimeout, true),
        (Injection::NameResolution, FailureReason::NameResolution, false),
    ] {
        let exchange = transport.attempt(request(&peer, Some(injection.clone()))).await;
        assert_eq!(exchange.answer, Answer::NoResponse(reason));
        assert_eq!(exchange.waited.is_some(), waits);
        assert_eq!(exchange.injection, Some(injection));
    }
    assert_eq!(peer.accepted(), 0);
}

#[tokio::test]
async fn injections_that_break_the_request_off() {
    let (peer, transport, mut heard) = peer(OK).await;
    let body = std::str::from_utf8(BODY).unwrap();

    let exchange = transport.attempt(request(&peer, Some(Injection::ResetBeforeBody))).await;
    assert_eq!(exchange.answer, Answer::NoResponse(FailureReason::Reset));
    let seen = next(&mut heard).await;
    assert!(seen.reset && seen.text.ends_with("Content-Length: 24\r\n\r\n"), "{seen:?}");

    let exchange = transport.attempt(request(&peer, Some(Injection::ResetAfterBody))).await;
    assert_eq!(exchange.answer, Answer::NoResponse(FailureReason::Reset));
    assert!(next(&mut heard).await.text.ends_with(body));
    let after = next(&mut heard).await;
    assert!(after.reset && after.text.is_empty(), "{after:?}");

    let exchange = transport.attempt(request(&peer, Some(Injection::CutBody))).await;
    assert_eq!(exchange.answer, Answer::NoResponse(FailureReason::ClosedBeforeResponse));
    let seen = next(&mut heard).await;
    assert!(!seen.reset && seen.text.ends_with(&format!("\r\n\r\n{}", &body[..12])), "{seen:?}");
}

#[tokio::test]
async fn injections_that_change_answer_or_headers() {
    let (peer, transport, mut heard) = peer(OK).await;
    let ack_timeout = Some(Duration::from_secs(9));
    let lost = Request { ack_timeout, ..request(&peer, Some(Injection::AckLost)) };
    let exchange = transport.attempt(lost).await;
    assert_eq!(exchange.answer, Answer::NoResponse(FailureReason::AcknowledgementTimeout));
    assert_eq!(exchange.waited, ack_timeout);
    assert_eq!(exchange.response.unwrap().status, 200);
    next(&mut heard).await;

    let exchange = transport.attempt(request(&peer, Some(Injection::Answer(503)))).await;
    assert_eq!(exchange.answer, Answer::Status { code: 503, retry_after: None });
    next(&mut heard).await;

    transport.attempt(request(&peer, Some(Injection::WrongKey))).await;
    let seen = next(&mut heard).await.text;
    assert!(seen.contains("\r\nAuthorization: api_key ") && !seen.contains("key-123"), "{seen}");

    transport.attempt(request(&peer, Some(Injection::NoKey))).await;
    assert!(!next(&mut heard).await.text.contains("Authorization"));

    let extra = Injection::ExtraHeaders(vec![("x-forwarded-for".into(), "10.0.0.1".into())]);
    transport.attempt(request(&peer, Some(extra))).await;
    assert!(next(&mut heard).await.text.contains("\r\nX-Forwarded-For: 10.0.0.1\r\n"));

    let odd = [("x y", "1"), ("x-line", "a\r\nb"), ("content-length", "7"), ("x-fine", "2")];
    let extra = odd.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let exchange = transport.attempt(request(&peer, Some(Injection::ExtraHeaders(extra.to_vec())))).await;
    let seen = next(&mut heard).await.text;
    assert!(seen.contains("\r\nX-Fine: 2\r\n") && seen.contains("\r\nContent-Length: 24\r\n"), "{seen}");
    let detail = exchange.detail.unwrap();
    assert!(detail.ends_with("`x y`, `x-line`, `content-length`"), "{detail}");
}

#[tokio::test]
async fn a_slow_body_takes_its_time_and_arrives_whole() {
    let (peer, transport, mut heard) = peer(OK).await;
    let span = Duration::from_millis(200);
    let exchange = transport.attempt(request(&peer, Some(Injection::SlowBody(span)))).await;
    assert_eq!(exchange.answer, ACKNOWLEDGED, "{exchange:?}");
    // 24 bytes go in pieces of three: eight of the ten steps.
    assert!(exchange.timings.total >= span * 8 / 10);
    assert!(next(&mut heard).await.text.ends_with(std::str::from_utf8(BODY).unwrap()));
}

#[tokio::test]
async fn a_duplicate_is_under_way_beside_the_first() {
    let authority = Authority::new();
    let config = server_config(authority.issue(&["localhost"], Validity::Now));
    let barrier = Arc::new(tokio::sync::Barrier::new(2));
    let peer = Peer::tls(config, move |mut stream| {
        let barrier = Arc::clone(&barrier);
        async move {
            read_request(&mut stream, &mut Vec::new()).await.unwrap();
            // Only two requests at once get past this.
            barrier.wait().await;
            stream.write_all(OK.as_bytes()).await.unwrap();
        }
    })
    .await;
    let transport = HttpsTransport::new(settings(&authority, peer.address().port())).unwrap();
    let exchange = transport.attempt(request(&peer, Some(Injection::Duplicate))).await;
    assert_eq!((exchange.answer, exchange.duplicate), (ACKNOWLEDGED, Some(ACKNOWLEDGED)));
    assert_eq!(peer.accepted(), 2);
}

#[tokio::test]
async fn http2_is_spoken_where_both_want_it() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(202)).expect(11).mount(&server).await;
    let authority = Authority::new();
    let mut config = server_config(authority.issue(&["localhost"], Validity::Now));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let front = Peer::front(config, *server.address()).await;
    let settings = Settings { http2: Http2::Offered, ..settings(&authority, front.address().port()) };
    let transport = HttpsTransport::new(settings).unwrap();
    let first = transport.attempt(request(&front, None)).await;
    assert_eq!(first.answer, Answer::Status { code: 202, retry_after: None }, "{first:?}");
    assert_eq!(first.response.unwrap().version, http::Version::HTTP_2);
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let (transport, request) = (transport.clone(), request(&front, None));
            tokio::spawn(async move { transport.attempt(request).await })
        })
        .collect();
    for task in tasks {
        let exchange = task.await.unwrap();
        assert_eq!(
            (exchange.answer, exchange.reused),
            (Answer::Status { code: 202, retry_after: None }, true)
        );
    }
    assert_eq!(front.accepted(), 1);
}

/// What holds for any transport whose receiver answers 200 to all.
async fn contract(transport: &impl Transport, peer: &Peer) {
    let lost = Answer::NoResponse(FailureReason::AcknowledgementTimeout);
    let reset = Answer::NoResponse(FailureReason::Reset);
    for (injection, answer, waits) in [
        (None, ACKNOWLEDGED, false),
        (Some(Injection::Refuse), Answer::NoResponse(FailureReason::Refused), false),
        (Some(Injection::ConnectTimeout), Answer::NoResponse(FailureReason::ConnectTimeout), true),
        (Some(Injection::NameResolution), Answer::NoResponse(FailureReason::NameResolution), false),
        (Some(Injection::ResetBeforeBody), reset, false),
        (Some(Injection::ResetAfterBody), reset, false),
        (Some(Injection::CutBody), Answer::NoResponse(FailureReason::ClosedBeforeResponse), false),
        (Some(Injection::AckLost), lost, true),
        (Some(Injection::Answer(429)), Answer::Status { code: 429, retry_after: None }, false),
        (Some(Injection::Duplicate), ACKNOWLEDGED, false),
        (Some(Injection::NoKey), ACKNOWLEDGED, false),
    ] {
        let exchange = transport.attempt(request(peer, injection.clone())).await;
        assert_eq!(exchange.answer, answer, "{injection:?}");
        assert_eq!(exchange.waited.is_some(), waits, "{injection:?}");
        let copied = injection == Some(Injection::Duplicate);
        assert_eq!(exchange.duplicate, copied.then_some(ACKNOWLEDGED));
        let keyed = injection != Some(Injection::NoKey);
        assert_eq!(exchange.request_headers.contains_key("authorization"), keyed);
        assert_eq!(exchange.injection, injection);
    }
}

#[tokio::test]
async fn one_contract_holds_for_both_transports() {
    let (peer, https, _heard) = peer(OK).await;
    contract(&https, &peer).await;
    let scripted = ScriptedTransport::with_answers([]);
    contract(&scripted, &peer).await;
    // One plain, three broken off, one lost, one replaced, two copies, one without key.
    assert_eq!(scripted.requests().len(), 9);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let scripted = ScriptedTransport::new(move |index, _| {
        log.lock().unwrap().push(index);
        Answer::Status { code: 500, retry_after: None }
    });
    scripted.attempt(request(&peer, None)).await;
    // What is broken off is not answered, and takes no number of the script.
    scripted.attempt(request(&peer, Some(Injection::CutBody))).await;
    scripted.attempt(request(&peer, None)).await;
    assert_eq!(*seen.lock().unwrap(), [0, 1]);
    let injections: Vec<_> = scripted.requests().into_iter().map(|request| request.injection).collect();
    assert_eq!(injections, [None, Some(Injection::CutBody), None]);
}
