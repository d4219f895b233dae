//! Where the pull API listens, whom it answers, and how much it takes.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::StatusCode;
use rustls::pki_types::ServerName;

use super::access::{self, AccessError, PullClient, PullKey};
use super::paths::{PathError, Paths};
use crate::listener::{Bounds, CertificateError, TlsFiles};

/// Where the pull API listens and whom it answers.
#[derive(Clone, Debug)]
pub struct PullSettings {
    /// The address. One beyond this machine needs a key or a client.
    pub listen: SocketAddr,
    /// The certificate to show.
    pub tls: PullTls,
    /// The keys that are known.
    pub keys: Vec<PullKey>,
    /// The OAuth clients that are known. Without keys and clients anybody on this machine is answered.
    pub clients: Vec<PullClient>,
    /// Which path means which call.
    pub paths: Paths,
    /// How long a token lives. Cvent's page on these calls does not say; default one hour.
    pub token_lifetime: Duration,
    /// How a turn-down is answered that breaks a documented validation: the status is not documented. Default 422, as
    /// for proposals.
    pub turn_down_refused: StatusCode,
    /// How much it takes.
    pub limits: PullLimits,
}

impl PullSettings {
    /// The port where none is given: unassigned, and beside the control API's.
    pub const PORT_DEFAULT: u16 = 7_768;
    /// The longest life of a token.
    pub const TOKEN_LIFETIME_MAX: Duration = Duration::from_secs(30 * 86_400);
}

impl Default for PullSettings {
    /// The loopback address, a certificate made at the start, and anybody answered.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], Self::PORT_DEFAULT)),
            tls: PullTls::default(),
            keys: Vec::new(),
            clients: Vec::new(),
            paths: Paths::default(),
            token_lifetime: Duration::from_secs(3_600),
            turn_down_refused: StatusCode::UNPROCESSABLE_ENTITY,
            limits: PullLimits::default(),
        }
    }
}

/// The certificate that the pull API shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PullTls {
    /// One that is made at the start, with an authority of its own, for this machine's names, the address, and further
    /// names.
    Made(Vec<String>),
    /// One that is there.
    Files(TlsFiles),
}

impl Default for PullTls {
    fn default() -> Self {
        Self::Made(Vec::new())
    }
}

/// How much the pull API takes.
#[derive(Clone, Copy, Debug)]
pub struct PullLimits {
    /// Connections at once; more wait until one ends. Default 256.
    pub connections: usize,
    /// For TLS, and again for the head of each request, also while a kept connection is idle. Default 10 s.
    pub head: Duration,
    /// For a body to come, for an act to be carried out, and for the caller to take a part of the answer. Default 30 s.
    /// Beside it a fault may hold an answer back.
    pub request: Duration,
    /// The head of a request, in bytes. Default 32 KiB.
    pub head_bytes: usize,
    /// The body of a request, in bytes. Default 1 MiB.
    pub body_bytes: usize,
    /// The body of a request for a token, in bytes. Default 16 KiB.
    pub token_bytes: usize,
    /// Tokens in use; beyond them the oldest ends early. Default 10,000.
    pub tokens: usize,
    /// How long connections may take to end when the server is told to stop. Default 5 s.
    pub grace: Duration,
}

impl Default for PullLimits {
    fn default() -> Self {
        Self {
            connections: 256,
            head: Duration::from_secs(10),
            request: Duration::from_secs(30),
            head_bytes: 32 << 10,
            body_bytes: 1 << 20,
            token_bytes: 16 << 10,
            tokens: 10_000,
            grace: Duration::from_secs(5),
        }
    }
}

impl PullLimits {
    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            connections: self.connections,
            head: self.head,
            head_bytes: self.head_bytes,
            patience: self.request,
            grace: self.grace,
        }
    }
}

/// Why the pull API does not listen.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// Anybody could use it.
    #[error("`{0}` can be reached from other machines, and there is neither a key nor a client")]
    AccessNeeded(SocketAddr),
    /// Keys or clients cannot be told apart, or used.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A path means two calls.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Tokens that nobody could use, or that would outlive all else.
    #[error("a token lives from 1s to 30d")]
    TokenLifetime,
    /// No status of a refusal.
    #[error("a refused turn-down is answered with a status from 400 to 499, not `{0}`")]
    TurnDownRefused(StatusCode),
    /// Nobody could reach the server by it.
    #[error("`{0}` is neither a host name nor an address")]
    Name(String),
    /// The certificate cannot be shown.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The address is taken, not this machine's, or not permitted.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
}

impl PullSettings {
    /// Whether anybody is answered.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.keys.is_empty() && self.clients.is_empty()
    }

    /// Refuses what would let anybody in, and what nobody could use.
    pub(super) fn check(&self) -> Result<(), PullError> {
        if self.is_open() && !self.listen.ip().to_canonical().is_loopback() {
            return Err(PullError::AccessNeeded(self.listen));
        }
        if self.token_lifetime < Duration::from_secs(1) || self.token_lifetime > Self::TOKEN_LIFETIME_MAX {
            return Err(PullError::TokenLifetime);
        }
        if !self.turn_down_refused.is_client_error() {
            return Err(PullError::TurnDownRefused(self.turn_down_refused));
        }
        if let PullTls::Made(names) = &self.tls {
            let wrong = |name: &&String| ServerName::try_from(name.as_str()).is_err();
            if let Some(name) = names.iter().find(wrong) {
                return Err(PullError::Name(name.clone()));
            }
        }
        access::check(&self.keys, &self.clients)?;
        Ok(self.paths.check()?)
    }
}
