//! Opens connections: the transport's addresses and trust, TLS as a [`Below`] says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pns_simulator::endpoint::Endpoint;
use pns_simulator::transport::{BareError, HttpsTransport, Narrow, Stream, Timeouts};
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind, ProtocolVersion};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::shape::{Alpn, Below, NameIndication, Sessions, Tls, Version};

/// Between the first piece of a handshake and the others: longer than a receiver at work takes to read.
const AFTER_FIRST_FRAGMENT: Duration = Duration::from_millis(50);

/// Opens connections to one endpoint. Clones share TLS sessions.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    transport: HttpsTransport,
    endpoint: Arc<Endpoint>,
    configs: Arc<Mutex<Configs>>,
}

/// TLS settings by their shape.
type Configs = BTreeMap<(Tls, Offered), Arc<ClientConfig>>;

/// The HTTP that is offered by ALPN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Offered {
    Http1,
    Http2,
}

/// A connection to the endpoint.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(super) stream: Stream,
    /// What lies below HTTP, in words: "TLS 1.3 resumed", "plain HTTP".
    pub(super) below: String,
    /// Requests answered on it.
    pub(super) uses: u32,
    /// Whether `h2` was agreed on.
    pub(super) is_http2: bool,
    /// Whether it never carries HTTP: bytes in place of a handshake.
    pub(super) is_raw: bool,
}

impl Connection {
    /// "new connection, TLS 1.3, HTTP/1.1"; `name`: of a connection that is kept.
    pub(crate) fn words(&self, name: Option<&str>, version: Version) -> String {
        let which = match (name, self.uses) {
            (None, _) => "new connection".to_owned(),
            (Some(name), 0) => format!("new connection `{name}`"),
            (Some(name), uses) => format!("connection `{name}`, request {} on it", uses + 1),
        };
        format!("{which}, {}, {}", self.below, version.name())
    }

    /// The TCP connection, for options.
    pub(crate) fn tcp(&self) -> &TcpStream {
        self.stream.tcp()
    }

    /// Whether HTTP/2 was agreed on.
    pub(crate) fn is_http2(&self) -> bool {
        self.is_http2
    }

    /// Whether TLS 1.3 is spoken: there the client is done with the handshake first.
    pub(crate) fn is_tls13(&self) -> bool {
        match &self.stream {
            Stream::Plain(_) => false,
            Stream::Tls(tls) => tls.get_ref().1.protocol_version() == Some(ProtocolVersion::TLSv1_3),
        }
    }
}

impl Client {
    /// A client of `endpoint` with the trust and the limits of `transport`.
    pub(crate) fn new(transport: HttpsTransport, endpoint: Arc<Endpoint>) -> Self {
        Self { transport, endpoint, configs: Arc::default() }
    }

    /// Where it connects.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The bounds of waits below HTTP.
    pub(crate) fn timeouts(&self) -> Timeouts {
        self.transport.timeouts()
    }

    /// A TCP connection without anything on it.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn connect(&self) -> Result<Connection, BareError> {
        let (tcp, _) = self.transport.open_tcp(&self.endpoint).await?;
        Ok(plain(tcp, "TCP alone"))
    }

    /// A connection on which HTTP can be written.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn open(&self, below: &Below, version: Version) -> Result<Connection, BareError> {
        let (tcp, _) = self.transport.open_tcp(&self.endpoint).await?;
        match below {
            Below::Tls(tls) if self.endpoint.is_secure() => self.secure(tcp, *tls, version).await,
            Below::Tls(_) | Below::Plain => Ok(plain(tcp, "plain HTTP")),
            Below::Raw(_) => Ok(Connection { is_raw: true, ..plain(tcp, "bytes in place of TLS") }),
        }
    }

    async fn secure(&self, tcp: TcpStream, tls: Tls, version: Version) -> Result<Connection, BareError> {
        let offered = if version == Version::Http2 { Offered::Http2 } else { Offered::Http1 };
        let config = self.config(tls, offered);
        let name = ServerName::try_from(self.endpoint.host().to_owned()).map_err(|error| BareError {
            reason: pns_engine::FailureReason::Tls(pns_engine::TlsFailure::WrongHost),
            detail: error.to_string(),
        })?;
        let tcp = match tls.fragments {
            Some(most) => Narrow::in_pieces(tcp, most, AFTER_FIRST_FRAGMENT),
            None => Narrow::from(tcp),
        };
        let handshake = TlsConnector::from(config).connect(name, tcp);
        let mut stream = match timeout(self.timeouts().tls, handshake).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(BareError::handshake(&error)),
            Err(_) => {
                return Err(BareError {
                    reason: pns_engine::FailureReason::Tls(pns_engine::TlsFailure::HandshakeTimeout),
                    detail: format!("not done within {:?}", self.timeouts().tls),
                });
            }
        };
        stream.get_mut().0.widen();
        let session = stream.get_ref().1;
        let is_http2 = session.alpn_protocol() == Some(b"h2");
        let below = tls_words(session.protocol_version(), session.handshake_kind());
        Ok(Connection { stream: Stream::Tls(Box::new(stream)), below, uses: 0, is_http2, is_raw: false })
    }

    /// The TLS settings of that shape, made once: sessions are resumed among the connections that share them.
    fn config(&self, tls: Tls, offered: Offered) -> Arc<ClientConfig> {
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(configs.entry((tls, offered)).or_insert_with(|| {
            let protocols: &[&[u8]] = match (tls.alpn, offered) {
                (Alpn::None, _) => &[],
                (Alpn::Http, Offered::Http1) => &[b"http/1.1"],
                (Alpn::Http, Offered::Http2) => &[b"h2"],
            };
            let mut config = self.transport.tls_config(tls.offer, protocols);
            config.enable_sni = tls.name == NameIndication::Sent;
            config.max_fragment_size = tls.record;
            if tls.sessions == Sessions::Fresh {
                config.resumption = Resumption::disabled();
            }
            Arc::new(config)
        }))
    }
}

fn plain(tcp: TcpStream, words: &str) -> Connection {
    let below = words.to_owned();
    Connection { stream: Stream::Plain(tcp), below, uses: 0, is_http2: false, is_raw: false }
}

fn tls_words(version: Option<ProtocolVersion>, kind: Option<HandshakeKind>) -> String {
    let version = match version {
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        _ => "TLS",
    };
    let resumed = if kind == Some(HandshakeKind::Resumed) { " resumed" } else { "" };
    format!("{version}{resumed}")
}
