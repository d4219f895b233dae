//! A client that writes bytes as they are, and reads no more than it must.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pns_simulator::clock::Stopwatch;
use pns_simulator::secret::ApiKey;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::{Running, named};
use crate::receiver::Identity;

/// Nothing here takes longer than this unless it hangs.
const SOON: Duration = Duration::from_secs(20);

/// So long without an answer means that none comes.
const SILENCE: Duration = Duration::from_millis(400);

pub(super) const KEY: &str = "k3y-0123456789abcdef";

fn identity() -> &'static Identity {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    IDENTITY.get_or_init(|| Identity::generate().unwrap())
}

/// Starts the specimen of that name, with a key.
pub(super) async fn start(name: &str) -> Running {
    let specimen = named(name).unwrap_or_else(|| panic!("no specimen `{name}`"));
    Running::start(specimen, Some(ApiKey::new(KEY).unwrap()), identity(), None).await.unwrap()
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Status(u16),
    /// The connection ended.
    Closed,
    /// Silence.
    Nothing,
}

/// A body of that id and type.
pub(super) fn body(event_id: &str, event_type: &str) -> Value {
    json!({
        "eventId": event_id,
        "eventType": event_type,
        "eventCategory": "RFP",
        "eventTimestamp": jiff_now(),
        "rfpId": "1cf38a51-a822-45f3-9b53-8f85fe401082",
        "supplierId": "7d3213b2-7857-4fc1-a2c7-38ac89b32dae",
    })
}

fn jiff_now() -> String {
    let now = i128::from(pns_simulator::clock::real_now().as_nanos());
    format!("{:.3}", jiff::Timestamp::from_nanosecond(now).unwrap())
}

/// A whole request with that body and the right key.
pub(super) fn post(body: impl AsRef<[u8]>) -> Vec<u8> {
    request("POST /pns HTTP/1.1", &[], body)
}

pub(super) fn notification(event_id: &str, event_type: &str) -> Vec<u8> {
    post(body(event_id, event_type).to_string())
}

/// A request with the usual headers, but for those whose names are among `fields`; an empty value leaves one out.
pub(super) fn request(line: &str, fields: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let authorization = format!("Authorization: api_key {KEY}");
    let length = format!("Content-Length: {}", body.len());
    let usual = [
        "Host: localhost",
        "User-Agent: test",
        "Accept: */*",
        &authorization,
        "Content-Type: application/json",
        &length,
    ];
    let name = |field: &str| field.split(':').next().unwrap().to_lowercase();
    let mut head = format!("{line}\r\n");
    for field in usual.iter().filter(|usual| !fields.iter().any(|field| name(field) == name(usual))) {
        head.push_str(&format!("{field}\r\n"));
    }
    for field in fields.iter().filter(|field| !field.ends_with(':')) {
        head.push_str(&format!("{field}\r\n"));
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

pub(super) fn tls(alpn: &[&[u8]]) -> Arc<ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(identity().ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}

pub(super) async fn connect(
    running: &Running,
    config: Arc<ClientConfig>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(running.addr()).await?;
    tcp.set_nodelay(true)?;
    let name = ServerName::from(running.addr().ip());
    TlsConnector::from(config).connect(name, tcp).await
}

/// A connection, and what was read of it.
pub(super) struct Client<S = TlsStream<TcpStream>> {
    pub(super) stream: S,
    buffer: Vec<u8>,
}

impl Client {
    pub(super) async fn connect(running: &Running) -> Self {
        let stream = timeout(SOON, connect(running, tls(&[b"http/1.1"]))).await.expect("the handshake hangs");
        Self::on(stream.unwrap())
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        // The peer may have left: what comes back tells.
        let _gone = self.stream.write_all(bytes).await;
        let _gone = self.stream.flush().await;
    }

    /// Sends, and tells what comes back.
    pub(super) async fn ask(&mut self, bytes: &[u8]) -> Outcome {
        self.send(bytes).await;
        self.outcome().await
    }
}

impl<S: AsyncRead + Unpin> Client<S> {
    pub(super) fn on(stream: S) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// The next final answer, waited for as long as it takes.
    pub(super) async fn outcome(&mut self) -> Outcome {
        timeout(SOON, self.answer()).await.map_or(Outcome::Nothing, |answer| status(answer.as_ref()))
    }

    /// The next final answer, if it comes soon.
    pub(super) async fn brief_outcome(&mut self) -> Outcome {
        timeout(SILENCE, self.answer()).await.map_or(Outcome::Nothing, |answer| status(answer.as_ref()))
    }

    /// Head and body of the next final answer; `None` if the connection ends before.
    pub(super) async fn answer(&mut self) -> Option<(String, Vec<u8>)> {
        loop {
            let end = loop {
                if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                    break at + 4;
                }
                self.fill().await?;
            };
            let head = String::from_utf8(self.buffer.drain(..end).collect()).unwrap();
            if head.starts_with("HTTP/1.1 1") {
                continue;
            }
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
            let length: usize = length.unwrap_or(0);
            while self.buffer.len() < length {
                self.fill().await?;
            }
            return Some((head, self.buffer.drain(..length).collect()));
        }
    }

    /// What comes until the connection ends.
    pub(super) async fn rest(&mut self) -> Vec<u8> {
        timeout(SOON, async { while self.fill().await.is_some() {} })
            .await
            .expect("the connection does not end");
        std::mem::take(&mut self.buffer)
    }

    async fn fill(&mut self) -> Option<()> {
        let mut bytes = [0; 4_096];
        match self.stream.read(&mut bytes).await {
            Ok(count) if count > 0 => {
                self.buffer.extend_from_slice(&bytes[..count]);
                Some(())
            }
            _ => None,
        }
    }
}

fn status(answer: Option<&(String, Vec<u8>)>) -> Outcome {
    match answer {
        Some((head, _)) => Outcome::Status(head.split(' ').nth(1).unwrap().parse().unwrap()),
        None => Outcome::Closed,
    }
}

/// One request on a fresh connection.
pub(super) async fn once(running: &Running, bytes: &[u8]) -> Outcome {
    Client::connect(running).await.ask(bytes).await
}

/// The probe's answer; `None` for 404.
pub(super) async fn inspect(running: &Running, event_id: &str) -> Option<Value> {
    let mut client = Client::connect(running).await;
    client.send(&request(&format!("GET /inspect/{event_id} HTTP/1.1"), &[], "")).await;
    let (head, mut body) = client.answer().await.unwrap();
    if head.lines().any(|line| {
        line.to_lowercase().starts_with("transfer-encoding")
            || !head.to_lowercase().contains("content-length")
    }) {
        // Framed otherwise: the JSON is what is between the braces, chunk lines left out.
        client.send(b"").await;
        body = unframed(&mut client, &head).await;
    }
    head.starts_with("HTTP/1.1 200").then(|| serde_json::from_slice(&body).unwrap())
}

async fn unframed(client: &mut Client, head: &str) -> Vec<u8> {
    if !head.to_lowercase().contains("transfer-encoding") {
        return client.rest().await;
    }
    while !client.buffer.ends_with(b"\r\n0\r\n\r\n") {
        client.fill().await.unwrap();
    }
    let text = String::from_utf8(std::mem::take(&mut client.buffer)).unwrap();
    text.split("\r\n").skip(1).step_by(2).collect::<String>().into_bytes()
}

pub(super) async fn processed(running: &Running, event_id: &str) -> Option<u64> {
    inspect(running, event_id).await?.get("processed")?.as_u64()
}

/// Asks again until it is so, and no longer than `limit`.
pub(super) async fn until(limit: Duration, mut holds: impl AsyncFnMut() -> bool) {
    let watch = Stopwatch::start();
    while !holds().await {
        assert!(watch.elapsed() < limit, "it does not come about");
    }
}

/// Waits until the event has had its effect, once.
pub(super) async fn eventually_processed(running: &Running, event_id: &str) {
    let watch = Stopwatch::start();
    while processed(running, event_id).await != Some(1) {
        assert!(watch.elapsed() < SOON, "{event_id} has no effect");
    }
}
