//! HTTPS by hand, with a rustls client that trusts what the server says it is.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where to send, and whom to trust.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    tls: TlsConnector,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The values of a header.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(said, _)| said.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers(name).first().copied().unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The message of an error, in the one form that all have.
    pub(crate) fn message(&self) -> String {
        let body = self.json();
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["message", "errors"], "{body}");
        body["message"].as_str().unwrap().to_owned()
    }

    /// The causes of an error.
    pub(crate) fn errors(&self) -> Vec<String> {
        self.message();
        serde_json::from_value(self.json()["errors"].clone()).unwrap()
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr, ca_pem: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { address, tls: TlsConnector::from(Arc::new(config)) }
    }

    pub(crate) async fn connect(&self) -> TlsStream<TcpStream> {
        self.connect_as("localhost").await.unwrap()
    }

    pub(crate) async fn connect_as(&self, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        self.tls.connect(ServerName::try_from(name.to_owned()).unwrap(), stream).await
    }

    /// A call with the headers of `head`, one a line, and a JSON body if there is one.
    pub(crate) async fn call(&self, request: &str, head: &str, body: &str) -> Answer {
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\n" };
        self.send(request, &format!("{kind}{head}"), body).await
    }

    /// A request with exactly these headers beside those of a connection.
    pub(crate) async fn send(&self, request: &str, head: &str, body: &str) -> Answer {
        let head: String = head.lines().map(|line| format!("{line}\r\n")).collect();
        let length = body.len();
        let text = format!(
            "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{head}\r\n{body}"
        );
        exchange(self.connect().await, text.as_bytes()).await
    }

    /// A request for a token.
    pub(crate) async fn token(&self, head: &str, form: &str) -> Answer {
        let head = format!("Content-Type: application/x-www-form-urlencoded\n{head}");
        self.send("POST /oauth2/token", &head, form).await
    }
}

/// Sends `request` and reads until the peer closes.
pub(crate) async fn exchange(mut stream: TlsStream<TcpStream>, request: &[u8]) -> Answer {
    // A peer that refuses a body closes when more of it comes.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a whole head");
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: answer[end + 4..].to_vec() }
}
