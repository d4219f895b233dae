//! The embedded receiver over real sockets, with a client of its own: hyper over tokio-rustls, nothing of the sender's.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use pns_harness::receiver::{
    Answered, Certificate, ClientCertificate, Counted, Disposition, Effect, FailFirst, HttpVersions,
    Identity, Limits, Memory, Protocol, RateLimit, Reaction, Receiver, Script, Settings, Tls, TlsVersions,
};
use pns_simulator::clock::Stopwatch;
use pns_simulator::secret::ApiKey;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Nothing here takes longer than this unless it hangs.
const SOON: Duration = Duration::from_secs(10);

fn identity() -> &'static Identity {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    IDENTITY.get_or_init(|| Identity::generate().unwrap())
}

async fn start(settings: Settings) -> Receiver {
    Receiver::start(settings, identity()).await.unwrap()
}

async fn scripted(sequence: Vec<Reaction>) -> Receiver {
    start(Settings { script: Script::of(sequence), ..Settings::default() }).await
}

async fn tls(addr: SocketAddr, alpn: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(identity().ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let tcp = TcpStream::connect(addr).await?;
    tcp.set_nodelay(true)?;
    let name = ServerName::from(addr.ip());
    timeout(SOON, TlsConnector::from(Arc::new(config)).connect(name, tcp)).await.expect("the handshake hangs")
}

type Whole = Response<Bytes>;

async fn exchange(receiver: &Receiver, request: Request<Full<Bytes>>) -> Result<Whole, hyper::Error> {
    let stream = tls(receiver.addr(), &[b"http/1.1"]).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let _connection = tokio::spawn(connection);
    whole(timeout(SOON, sender.send_request(request)).await.expect("no answer")?).await
}

async fn whole(response: Response<hyper::body::Incoming>) -> Result<Whole, hyper::Error> {
    let (parts, body) = response.into_parts();
    Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
}

fn post(event_id: &str) -> Request<Full<Bytes>> {
    post_body(json!({"eventId": event_id, "eventType": "RFP_SEND", "new": [1]}).to_string())
}

fn post_body(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post("/pns")
        .header("host", "localhost")
        .header("content-type", "application/json; charset=utf-8")
        .body(Full::new(body.into()))
        .unwrap()
}

fn with(mut request: Request<Full<Bytes>>, name: &'static str, value: &str) -> Request<Full<Bytes>> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

async fn send(receiver: &Receiver, event_id: &str) -> Whole {
    exchange(receiver, post(event_id)).await.unwrap()
}

async fn inspect(receiver: &Receiver, path: &str) -> (StatusCode, Value) {
    let request = Request::get(path).header("host", "localhost").body(Full::default()).unwrap();
    let response = exchange(receiver, request).await.unwrap();
    (response.status(), serde_json::from_slice(response.body()).unwrap())
}

fn header<'a>(response: &'a Whole, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_notification_is_processed_once_and_duplicates_are_acknowledged() {
    let receiver = start(Settings::default()).await;
    assert_eq!(receiver.url(), format!("https://{}/pns", receiver.addr()));
    for status in ["processed", "duplicate", "duplicate"] {
        let response = send(&receiver, "a").await;
        assert_eq!(response.status(), 200);
        assert_eq!(serde_json::from_slice::<Value>(response.body()).unwrap(), json!({ "status": status }));
    }
    let (status, event) = inspect(&receiver, "/inspect/a").await;
    assert_eq!(status, 200);
    assert_eq!((&event["eventId"], &event["eventType"]), (&json!("a"), &json!("RFP_SEND")));
    assert_eq!((&event["received"], &event["processed"]), (&json!(3), &json!(1)));
    assert!(event["firstReceivedAt"].is_string());
    assert_eq!(event["attempts"][1]["disposition"], "duplicate");
    assert_eq!(event["attempts"][1]["answered"], json!({"status": 200}));
    assert_eq!(inspect(&receiver, "/inspect/b").await.0, 404);
    let (_, all) = inspect(&receiver, "/inspect").await;
    assert_eq!(all["eventIds"], json!(["a"]));
    assert_eq!(all["totals"]["processed"], 1);
    assert_eq!(inspect(&receiver, "/healthz").await.0, 200);
    let totals = receiver.shutdown().await;
    assert_eq!((totals.received, totals.duplicates), (3, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_concurrent_duplicates_one_is_processed() {
    let receiver = Arc::new(start(Settings::default()).await);
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let receiver = Arc::clone(&receiver);
        senders.spawn(async move { send(&receiver, "same").await.status() });
    }
    assert!(senders.join_all().await.into_iter().all(|status| status == 200));
    let totals = receiver.totals();
    assert_eq!((totals.received, totals.processed, totals.duplicates), (32, 1, 31));
}

#[tokio::test]
async fn the_key_is_demanded_exactly() {
    let key = ApiKey::new("secret-key").unwrap();
    let receiver = start(Settings { api_key: Some(key), ..Settings::default() }).await;
    for (value, status) in [
        (Some("api_key secret-key"), 200),
        (Some("API_KEY secret-key"), 200),
        (None, 401),
        (Some("api_key"), 401),
        (Some("api_key secret-kez"), 401),
        (Some("api_key secret-key2"), 401),
        (Some("api_key Secret-key"), 401),
        (Some("Bearer secret-key"), 401),
        (Some("secret-key"), 401),
    ] {
        let request = value.map_or_else(|| post("a"), |value| with(post("a"), "authorization", value));
        let response = exchange(&receiver, request).await.unwrap();
        assert_eq!(response.status(), status, "{value:?}");
        assert_eq!(header(&response, "www-authenticate"), (status == 401).then_some("api_key"));
    }
    let received = receiver.received();
    assert_eq!(received[0].disposition, Disposition::Processed);
    assert_eq!(received[4].disposition, Disposition::Refused);
    assert!(!format!("{received:?}").contains("secret-key"), "the key is in the records");
    assert!(received[0].headers.contains(&("authorization".to_owned(), "api_key ***".to_owned())));
}

#[tokio::test]
async fn what_is_no_notification_is_refused() {
    let limits = Limits { body_max: 1_000, ..Limits::default() };
    let receiver = start(Settings { limits, ..Settings::default() }).await;
    let known = r#"{"eventId":"x","eventType":"RFP_SEND"}"#;
    for (request, status) in [
        (post_body("{"), 400),
        (post_body(""), 400),
        (post_body("[]"), 422),
        (post_body(r#"{"eventId":"x"}"#), 422),
        (post_body(r#"{"eventId":"x","eventType":"RFP_EATEN"}"#), 422),
        (post_body(r#"{"eventType":"RFP_SEND"}"#), 422),
        (post_body(r#"{"eventId":"","eventType":"RFP_SEND"}"#), 422),
        (post_body("x".repeat(1_001)), 413),
        (with(post_body(known), "content-type", "text/plain"), 415),
        (with(post_body(known), "content-type", "APPLICATION/JSON"), 200),
    ] {
        let shown = format!("{request:?}");
        let response = exchange(&receiver, request).await.unwrap();
        assert_eq!(response.status(), status, "{shown}");
        if status != 200 {
            let problem: Value = serde_json::from_slice(response.body()).unwrap();
            assert_eq!(problem["status"], status);
            assert!(problem["detail"].is_string());
        }
    }
    assert_eq!((receiver.totals().refused, receiver.totals().processed), (9, 1));
    let request = Request::put("/pns").header("host", "localhost").body(Full::default()).unwrap();
    let response = exchange(&receiver, request).await.unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "allow")), (405, Some("POST")));
}

#[tokio::test]
async fn other_paths_are_taken_only_without_a_path_of_ones_own() {
    let receiver = start(Settings { path: Some("/hook".to_owned()), ..Settings::default() }).await;
    assert!(receiver.url().ends_with("/hook"));
    assert_eq!(send(&receiver, "a").await.status(), 404);
    let mut request = post("a");
    *request.uri_mut() = "/hook?x=1".parse().unwrap();
    assert_eq!(exchange(&receiver, request).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_script_is_used_up_and_then_all_is_well() {
    let receiver = scripted(vec![
        Reaction::status(500),
        Reaction::status_retry_after(503, Duration::from_millis(29_001)),
        Reaction::redirect("https://127.0.0.1:1/"),
        Reaction::status(204).with_effect(Effect::Ignore),
        Reaction::CORRECT,
        Reaction::status(202).with_effect(Effect::ProcessAgain),
    ])
    .await;
    let mut seen = Vec::new();
    for _ in 0..7 {
        let response = send(&receiver, "a").await;
        let extra = header(&response, "retry-after").or(header(&response, "location")).map(str::to_owned);
        seen.push((response.status().as_u16(), extra));
    }
    let plain = |status| (status, None);
    let location = "https://127.0.0.1:1/".to_owned();
    let expected = [
        plain(500),
        (503, Some("30".to_owned())),
        (307, Some(location)),
        plain(204),
        plain(200),
        plain(202),
        plain(200),
    ];
    assert_eq!(seen, expected);
    let (_, event) = inspect(&receiver, "/inspect/a").await;
    assert_eq!((&event["received"], &event["processed"]), (&json!(7), &json!(2)));
}

#[tokio::test]
async fn the_first_of_each_notification_fail_if_so_counted() {
    let counted = Counted::ByNotification;
    let fail_first = Some(FailFirst { attempts: 1, with: Reaction::status(503), counted });
    let script = Script { fail_first, ..Script::default() };
    let receiver = start(Settings { script, ..Settings::default() }).await;
    let mut statuses = Vec::new();
    for event_id in ["a", "b", "a", "b"] {
        statuses.push(send(&receiver, event_id).await.status().as_u16());
    }
    assert_eq!(statuses, [503, 503, 200, 200]);
}

#[tokio::test]
async fn too_fast_is_429_with_the_time_to_wait() {
    // One a second: the second POST follows within milliseconds unless the machine stands still.
    let one = std::num::NonZeroU32::MIN;
    let script = Script { rate_limit: Some(RateLimit { per_second: one, burst: one }), ..Script::default() };
    let receiver = start(Settings { script, ..Settings::default() }).await;
    assert_eq!(send(&receiver, "a").await.status(), 200);
    let response = send(&receiver, "b").await;
    assert_eq!((response.status().as_u16(), header(&response, "retry-after")), (429, Some("1")));
}

/// Sends a notification over a stream and returns what comes until the end, and how it ends.
async fn raw(receiver: &Receiver) -> (Vec<u8>, std::io::Result<usize>) {
    let mut stream = tls(receiver.addr(), &[b"http/1.1"]).await.unwrap();
    let body = r#"{"eventId":"a","eventType":"RFP_SEND"}"#;
    let request = format!(
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let end = timeout(SOON, stream.read_to_end(&mut bytes)).await.expect("the connection does not end");
    (bytes, end)
}

#[tokio::test]
async fn connections_end_as_scripted() {
    let receiver = scripted(vec![
        Reaction::RESET,
        Reaction::PROCESS_THEN_RESET,
        Reaction::CLOSE,
        Reaction::MALFORMED,
        Reaction::CUT,
    ])
    .await;
    for _ in 0..2 {
        let (bytes, end) = raw(&receiver).await;
        assert_eq!(bytes, b"");
        assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    }
    let (bytes, end) = raw(&receiver).await;
    assert_eq!((bytes.as_slice(), end.unwrap()), (&b""[..], 0));
    let (bytes, end) = raw(&receiver).await;
    assert!(end.is_ok() && !bytes.is_empty() && !bytes.starts_with(b"HTTP"), "{bytes:?}");
    let (bytes, end) = raw(&receiver).await;
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(end.is_ok() && head.starts_with("HTTP/1.1 200 OK"), "{text}");
    let announced = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert!(!body.is_empty() && body.len() < announced.parse::<usize>().unwrap(), "{text}");

    let received = receiver.received();
    let answers: Vec<_> = received.iter().map(|received| received.answered.to_string()).collect();
    assert_eq!(answers, ["reset", "reset", "close", "malformed", "cut"]);
    let (_, event) = inspect(&receiver, "/inspect/a").await;
    assert_eq!((&event["received"], &event["processed"]), (&json!(5), &json!(1)));
    assert_eq!(received[1].disposition, Disposition::Processed);
}

#[tokio::test]
async fn a_hang_lasts_to_its_limit() {
    let limits = Limits { hang_time: Duration::from_millis(50), ..Limits::default() };
    let script = Script::of(vec![Reaction::HANG, Reaction::HANG_BEFORE_READING, Reaction::PROCESS_THEN_HANG]);
    let receiver = start(Settings { limits, script, ..Settings::default() }).await;
    for _ in 0..3 {
        // A connection closed with a body unread may end in a reset; that nothing was answered is what counts.
        assert_eq!(raw(&receiver).await.0, b"");
    }
    let answers: Vec<_> = receiver.received().into_iter().map(|received| received.answered).collect();
    assert_eq!(answers, ["hang", "hang-before-reading", "hang"].map(Answered::None));
    assert_eq!(receiver.totals().processed, 1);
}

#[tokio::test]
async fn a_hang_does_not_outlast_the_receiver() {
    let receiver = scripted(vec![Reaction::HANG]).await;
    let mut observer = receiver.observe();
    let stopwatch = Stopwatch::start();
    tokio::select! {
        _ = raw(&receiver) => panic!("it was answered"),
        received = observer.recv() => assert_eq!(received.unwrap().answered, Answered::None("hang")),
    }
    receiver.shutdown().await;
    assert!(stopwatch.elapsed() < SOON);
}

#[tokio::test]
async fn a_slow_answer_is_slow_and_its_effect_is_not() {
    let receiver = scripted(vec![Reaction::CORRECT.after(Duration::from_millis(80))]).await;
    let stopwatch = Stopwatch::start();
    let mut observer = receiver.observe();
    let (response, early) = tokio::join!(send(&receiver, "a"), async {
        observer.recv().await.unwrap();
        receiver.totals().processed
    });
    assert_eq!((response.status().as_u16(), early), (200, 1));
    assert!(stopwatch.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn http2_is_spoken_when_both_sides_offer_it() {
    let receiver = scripted(vec![Reaction::CORRECT, Reaction::CUT, Reaction::MALFORMED]).await;
    for (failing, answered) in [(false, "200"), (true, "cut"), (true, "malformed")] {
        let stream = tls(receiver.addr(), &[b"h2", b"http/1.1"]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        let _connection = tokio::spawn(connection);
        let mut request = post("a");
        *request.uri_mut() = receiver.url().parse().unwrap();
        request.headers_mut().remove("host");
        let result = match timeout(SOON, sender.send_request(request)).await.expect("no answer") {
            Ok(response) => timeout(SOON, whole(response)).await.expect("no end"),
            Err(error) => Err(error),
        };
        assert_eq!(result.is_err(), failing, "{result:?}");
        let last = receiver.received().pop().unwrap();
        assert_eq!((last.version.as_str(), last.answered.to_string().as_str()), ("HTTP/2.0", answered));
    }
    let one = start(Settings { http: HttpVersions::Http1Only, ..Settings::default() }).await;
    assert!(tls(one.addr(), &[b"h2"]).await.is_err());
}

#[tokio::test]
async fn broken_certificates_are_broken_in_the_way_asked_for() {
    use rustls::CertificateError::{
        ExpiredContext, NotValidForNameContext, NotValidYetContext, UnknownIssuer,
    };
    for certificate in [
        Certificate::Good,
        Certificate::Expired,
        Certificate::NotYetValid,
        Certificate::WrongHost,
        Certificate::UnknownIssuer,
    ] {
        let protocol = Protocol::Https(Tls { certificate, ..Tls::default() });
        let receiver = start(Settings { protocol, ..Settings::default() }).await;
        let error = match tls(receiver.addr(), &[]).await {
            Ok(_) => None,
            Err(error) => Some(error.get_ref().unwrap().downcast_ref::<rustls::Error>().unwrap().clone()),
        };
        let fits = match (&error, certificate) {
            (None, Certificate::Good) => true,
            (Some(rustls::Error::InvalidCertificate(error)), certificate) => matches!(
                (error, certificate),
                (ExpiredContext { .. }, Certificate::Expired)
                    | (NotValidYetContext { .. }, Certificate::NotYetValid)
                    | (NotValidForNameContext { .. }, Certificate::WrongHost)
                    | (UnknownIssuer, Certificate::UnknownIssuer)
            ),
            _ => false,
        };
        assert!(fits, "{certificate:?}: {error:?}");
    }
}

#[tokio::test]
async fn tls_versions_and_client_certificates_are_demanded() {
    for (versions, expected) in [
        (TlsVersions::Tls12Only, rustls::ProtocolVersion::TLSv1_2),
        (TlsVersions::Tls13Only, rustls::ProtocolVersion::TLSv1_3),
    ] {
        let protocol = Protocol::Https(Tls { versions, ..Tls::default() });
        let receiver = start(Settings { protocol, ..Settings::default() }).await;
        let stream = tls(receiver.addr(), &[]).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(expected));
    }
    let client_certificate = ClientCertificate::Demanded;
    let protocol = Protocol::Https(Tls { client_certificate, ..Tls::default() });
    let receiver = start(Settings { protocol, ..Settings::default() }).await;
    // Under TLS 1.3 the refusal shows on the first read.
    let mut stream = tls(receiver.addr(), &[]).await.unwrap();
    let error = timeout(SOON, stream.read_u8()).await.expect("no refusal").unwrap_err();
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
}

#[tokio::test]
async fn plain_http_is_served_if_asked_for_and_a_port_mix_up_is_no_tls() {
    let receiver = start(Settings { protocol: Protocol::Http, ..Settings::default() }).await;
    assert!(receiver.url().starts_with("http://"));
    let stream = TcpStream::connect(receiver.addr()).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let _connection = tokio::spawn(connection);
    assert_eq!(sender.send_request(post("a")).await.unwrap().status(), 200);

    let receiver = start(Settings { protocol: Protocol::NotTls, ..Settings::default() }).await;
    let error = tls(receiver.addr(), &[]).await.unwrap_err();
    let error = error.get_ref().unwrap().downcast_ref::<rustls::Error>().unwrap();
    assert!(matches!(error, rustls::Error::InvalidMessage(_)), "{error:?}");
}

#[tokio::test]
async fn the_port_closes_and_opens_again() {
    let receiver = start(Settings::default()).await;
    assert_eq!(send(&receiver, "a").await.status(), 200);
    receiver.refuse().await;
    let error = TcpStream::connect(receiver.addr()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    receiver.accept().await.unwrap();
    assert_eq!(send(&receiver, "a").await.status(), 200);
    assert_eq!(receiver.totals().duplicates, 1);
    let addr = receiver.addr();
    receiver.shutdown().await;
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_dropped_receiver_closes_its_connections() {
    let receiver = start(Settings::default()).await;
    let mut stream = tls(receiver.addr(), &[]).await.unwrap();
    drop(receiver);
    // Whether the end is orderly is of no concern; that it comes is.
    let _end = timeout(SOON, stream.read_u8()).await.expect("the connection outlives the receiver");
}

#[tokio::test]
async fn memory_is_bounded_and_says_what_it_lost() {
    let memory = Memory { requests_max: 2, body_max: 10, events_max: 2, ..Memory::default() };
    let receiver = start(Settings { memory, ..Settings::default() }).await;
    for event_id in ["a", "b", "c"] {
        send(&receiver, event_id).await;
    }
    let received = receiver.received();
    assert_eq!(received.iter().map(|received| received.sequence).collect::<Vec<_>>(), [2, 3]);
    assert!(received.iter().all(|received| received.body.len() == 10 && received.body_len > 10));
    let totals = receiver.totals();
    assert_eq!((totals.requests_dropped, totals.events_forgotten), (1, 1));
    assert_eq!(inspect(&receiver, "/inspect/a").await.0, 404);
    assert_eq!(inspect(&receiver, "/inspect/c").await.0, 200);
}

#[tokio::test]
async fn an_unfinished_body_is_not_waited_for_for_ever() {
    let limits = Limits { body_time: Duration::from_millis(50), ..Limits::default() };
    let receiver = start(Settings { limits, ..Settings::default() }).await;
    let mut stream = tls(receiver.addr(), &[]).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = vec![0; 12];
    timeout(SOON, stream.read_exact(&mut bytes)).await.expect("no answer").unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), "HTTP/1.1 408");
}
