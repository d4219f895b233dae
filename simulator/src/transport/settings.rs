//! What the transport is told before its first attempt. All of it is *settings*: Cvent publishes none of
//! these figures.

use std::net::IpAddr;
use std::time::Duration;

use super::exchange::Waits;

/// How [`super::HttpsTransport`] connects, writes and waits.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which certificates are accepted.
    pub trust: Trust,
    /// Whether HTTP/2 is offered.
    pub http2: Http2,
    /// Whether `http://` endpoints are sent to.
    pub plain_http: PlainHttp,
    /// The bound of every wait.
    pub timeouts: Timeouts,
    /// The bounds of what is read.
    pub limits: ResponseLimits,
    /// The bounds of the connections kept.
    pub pool: PoolLimits,
    /// Addresses for host and port, in place of a lookup, as curl's `--resolve`.
    pub resolve: Vec<ResolveOverride>,
    /// Where other host names are looked up.
    pub resolver: Resolver,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// The `Content-Type` header.
    pub content_type: String,
}

impl Settings {
    /// What `User-Agent` says by default: that this is not Cvent.
    pub const USER_AGENT: &str = concat!("pns/", env!("CARGO_PKG_VERSION"), " (PNS simulator; not Cvent)");

    /// Refuses what no attempt could be made with.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let Timeouts { resolve, connect, tls, send, acknowledgement } = self.timeouts;
        for (name, span) in [
            ("resolve", resolve),
            ("connect", connect),
            ("TLS", tls),
            ("send", send),
            ("acknowledgement", acknowledgement),
        ] {
            if span.is_zero() {
                return Err(SettingsError::ZeroTimeout(name));
            }
        }
        if self.limits.head_bytes < ResponseLimits::HEAD_BYTES_MIN {
            return Err(SettingsError::HeadLimit(self.limits.head_bytes));
        }
        Ok(())
    }

    /// The waits of an attempt that asks for none of its own.
    pub(super) fn waits(&self) -> Waits {
        let Timeouts { connect, send, acknowledgement, .. } = self.timeouts;
        Waits { connect, send, acknowledgement }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            trust: Trust::Platform,
            http2: Http2::Never,
            plain_http: PlainHttp::Refused,
            timeouts: Timeouts::default(),
            limits: ResponseLimits::default(),
            pool: PoolLimits::default(),
            resolve: Vec::new(),
            resolver: Resolver::System,
            user_agent: Self::USER_AGENT.into(),
            content_type: "application/json".into(),
        }
    }
}

/// Which certificates are accepted.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Those that the platform trusts; where it has no roots, those of the `webpki-roots` crate, with a note.
    Platform,
    /// Those that this PEM bundle vouches for, *instead of* the platform's, as curl's `--cacert`.
    Bundle(Vec<u8>),
    /// Any, without verification, as curl's `-k`.
    Unverified,
}

/// Whether HTTP/2 is offered by ALPN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http2 {
    /// HTTP/1.1 only.
    Never,
    /// HTTP/2 where the receiver chooses it.
    Offered,
}

/// What is done with an `http://` endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainHttp {
    /// Nothing is sent, as PNS does. *Documented.*
    Refused,
    /// It is sent to, which PNS would not do.
    Permitted,
}

/// Where host names are looked up that no [`ResolveOverride`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolver {
    /// By the system.
    System,
    /// Nowhere: only overrides and IP addresses resolve. For machines that must not ask a name server.
    OverridesOnly,
}

/// An address for a host and port, in place of a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveOverride {
    /// The host name, in lower case.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The addresses, tried in order.
    pub addresses: Vec<IpAddr>,
}

/// The longest wait in each phase of an attempt.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For the host name's addresses. Default 5 s.
    pub resolve: Duration,
    /// For a TCP connection, over all addresses. Default 10 s.
    pub connect: Duration,
    /// For the TLS handshake. Default 10 s.
    pub tls: Duration,
    /// Until the receiver took the request's last byte. Default 30 s.
    pub send: Duration,
    /// From the request's last byte to the end of the response. Default 30 s.
    pub acknowledgement: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(5),
            connect: Duration::from_secs(10),
            tls: Duration::from_secs(10),
            send: Duration::from_secs(30),
            acknowledgement: Duration::from_secs(30),
        }
    }
}

/// How much of a response is read.
#[derive(Clone, Copy, Debug)]
pub struct ResponseLimits {
    /// The head, in bytes: a larger one is malformed. At least [`ResponseLimits::HEAD_BYTES_MIN`]. Default 64 KiB.
    pub head_bytes: usize,
    /// Header fields: more are malformed. Default 100.
    pub headers: usize,
    /// The body, in bytes: the rest is not read, the status stands, and the connection is given up. Default 64 KiB.
    pub body_bytes: usize,
}

impl ResponseLimits {
    /// The smallest head limit that the HTTP library takes.
    pub const HEAD_BYTES_MIN: usize = 8_192;
}

impl Default for ResponseLimits {
    fn default() -> Self {
        Self { head_bytes: 65_536, headers: 100, body_bytes: 65_536 }
    }
}

/// How many connections are kept for reuse, and how long.
#[derive(Clone, Copy, Debug)]
pub struct PoolLimits {
    /// Idle connections to one origin; more are closed. 0: none is reused. Default 64.
    pub idle_per_origin: usize,
    /// Idle connections altogether. Default 1024, a common limit of open files.
    pub idle_total: usize,
    /// How long a connection stays idle before it is closed rather than reused. Default 30 s.
    pub idle_for: Duration,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self { idle_per_origin: 64, idle_total: 1_024, idle_for: Duration::from_secs(30) }
    }
}

/// Settings that no transport can be made of.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The bundle is not PEM.
    #[error("the certificate bundle is not well-formed PEM: {0}")]
    BundleNotPem(String),
    /// The bundle holds no certificate.
    #[error("the certificate bundle holds no certificate (`-----BEGIN CERTIFICATE-----`)")]
    BundleEmpty,
    /// A certificate of the bundle cannot be an authority.
    #[error("certificate {position} of the bundle cannot be used: {cause}")]
    BundleCertificate {
        /// 1 for the first.
        position: usize,
        /// The TLS library's words.
        cause: String,
    },
    /// A header's value has characters that cannot be sent.
    #[error("`{0}` cannot be sent as a header's value")]
    HeaderValue(String),
    /// A wait of zero.
    #[error("the {0} timeout is zero")]
    ZeroTimeout(&'static str),
    /// A head limit below what the HTTP library takes.
    #[error("the limit of the response's head is {0} bytes: at least 8192 are needed")]
    HeadLimit(usize),
    /// The TLS library refused its configuration.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}
