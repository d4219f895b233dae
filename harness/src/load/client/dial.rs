//! New connections, with the transport's addresses and trust.

use std::sync::Arc;

use pns_engine::{FailureReason, TlsFailure};
use pns_simulator::clock::Stopwatch;
use pns_simulator::endpoint::Endpoint;
use pns_simulator::transport::{
    BareError, HttpsTransport, Narrow, ResponseLimits, Stream, Timeouts, TlsOffer,
};
use rustls::client::Resumption as Sessions;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::http1::Http1;
use super::http2::Http2;
use crate::load::settings::Resumption;
use crate::settings::HttpVersion;

/// Opens connections to one endpoint. Clones share TLS sessions.
#[derive(Clone, Debug)]
pub(crate) struct Dialler {
    transport: HttpsTransport,
    endpoint: Arc<Endpoint>,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    timeouts: Timeouts,
    limits: ResponseLimits,
}

/// A connection, and what was agreed on.
#[derive(Debug)]
pub(super) struct Dialled {
    pub(super) connection: Connection,
    /// Whether a TLS session was resumed.
    pub(super) resumed: bool,
}

/// A connection, by its version of HTTP.
#[derive(Debug)]
pub(super) enum Connection {
    Http1(Box<Http1>),
    Http2(Box<Http2>),
}

impl Dialler {
    /// # Errors
    /// When the endpoint's host can have no certificate.
    pub(crate) fn new(
        transport: HttpsTransport,
        endpoint: Arc<Endpoint>,
        resumption: Resumption,
        version: HttpVersion,
    ) -> Result<Self, BareError> {
        let tls = if endpoint.is_secure() {
            let protocols: &[&[u8]] = match version {
                HttpVersion::Http1 => &[b"http/1.1"],
                HttpVersion::Http2IfOffered => &[b"h2", b"http/1.1"],
            };
            let mut config: ClientConfig = transport.tls_config(TlsOffer::Both, protocols);
            if resumption == Resumption::Whole {
                config.resumption = Sessions::disabled();
            }
            let name = ServerName::try_from(endpoint.host().to_owned()).map_err(|error| BareError {
                reason: FailureReason::Tls(TlsFailure::WrongHost),
                detail: error.to_string(),
            })?;
            Some((Arc::new(config), name))
        } else {
            None
        };
        let timeouts = transport.timeouts();
        Ok(Self { transport, endpoint, tls, timeouts, limits: ResponseLimits::default() })
    }

    /// A new connection, its name looked up anew. Limits of later waits are told by `watch`.
    pub(super) async fn dial(&self, watch: Stopwatch) -> Result<Dialled, BareError> {
        let (tcp, _) = self.transport.open_tcp(&self.endpoint).await?;
        let Some((config, name)) = &self.tls else {
            let http = Http1::new(Stream::Plain(tcp), watch, self.timeouts, self.limits);
            return Ok(Dialled { connection: Connection::Http1(Box::new(http)), resumed: false });
        };
        let handshake = TlsConnector::from(Arc::clone(config)).connect(name.clone(), Narrow::from(tcp));
        let stream = match timeout(self.timeouts.tls, handshake).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(BareError::handshake(&error)),
            Err(_) => {
                return Err(BareError {
                    reason: FailureReason::Tls(TlsFailure::HandshakeTimeout),
                    detail: format!("not done within {:?}", self.timeouts.tls),
                });
            }
        };
        let session = stream.get_ref().1;
        let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
        let is_http2 = session.alpn_protocol() == Some(b"h2");
        let stream = Stream::Tls(Box::new(stream));
        let connection = if is_http2 {
            Connection::Http2(Box::new(Http2::new(stream, self.timeouts, self.limits).await?))
        } else {
            Connection::Http1(Box::new(Http1::new(stream, watch, self.timeouts, self.limits)))
        };
        Ok(Dialled { connection, resumed })
    }
}
