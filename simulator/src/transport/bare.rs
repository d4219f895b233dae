//! The transport's parts for requests that are written by hand: the same addresses, trust and limits, without its
//! HTTP. What is written on such a connection is up to the caller, who also sees to it that every wait is bounded.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use pns_engine::FailureReason;
use rustls::{ClientConfig, SupportedProtocolVersion};
use tokio::net::TcpStream;

use super::failure::Failure;
use super::https::HttpsTransport;
use super::settings::Timeouts;
use super::{Timings, dial, retry_after, stopwatch, trust};
use crate::endpoint::Endpoint;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct BareError {
    /// The class that an attempt would have met.
    pub reason: FailureReason,
    /// The underlying error's own words.
    pub detail: String,
}

impl From<Failure> for BareError {
    fn from(failure: Failure) -> Self {
        Self { reason: failure.reason, detail: failure.detail }
    }
}

impl BareError {
    /// What a failed TLS handshake means.
    #[must_use]
    pub fn handshake(error: &io::Error) -> Self {
        Failure::handshake(error, false).into()
    }

    /// What an error of the HTTP library means.
    #[must_use]
    pub fn exchange(error: &hyper::Error) -> Self {
        Failure::exchange(error, false).into()
    }

    /// What an error while writing or reading on an established connection means.
    #[must_use]
    pub fn stream(error: &io::Error) -> Self {
        Failure::stream(error, false).into()
    }
}

/// Which versions of TLS are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum TlsOffer {
    /// 1.3 and 1.2, as attempts do.
    #[default]
    Both,
    /// TLS 1.2 alone.
    Tls12,
    /// TLS 1.3 alone.
    Tls13,
}

impl TlsOffer {
    fn versions(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Both => rustls::ALL_VERSIONS.to_vec(),
            Self::Tls12 => vec![&rustls::version::TLS12],
            Self::Tls13 => vec![&rustls::version::TLS13],
        }
    }
}

impl HttpsTransport {
    /// A TCP connection to `endpoint`, with the addresses and limits of an attempt, and the peer's address. Counts
    /// as no attempt, and is never pooled.
    ///
    /// # Errors
    /// The failure that an attempt would have met; also where notifications to plain HTTP are refused.
    pub async fn open_tcp(&self, endpoint: &Endpoint) -> Result<(TcpStream, SocketAddr), BareError> {
        let shared = &*self.shared;
        if shared.refuses(endpoint) {
            let detail = "nothing was sent".to_owned();
            return Err(BareError { reason: FailureReason::InsecureEndpoint, detail });
        }
        let settings = &shared.settings;
        dial::tcp(endpoint, settings, settings.timeouts.connect, &mut Timings::default())
            .await
            .map_err(|error| error.failure.into())
    }

    /// TLS settings with the transport's trust that offer `versions` and, by ALPN, `protocols`. To be changed
    /// further by the caller; sessions are resumed among the connections that share them.
    ///
    /// # Panics
    /// Never: the provider has all versions, as the transport's own settings have shown.
    #[must_use]
    pub fn tls_config(&self, versions: TlsOffer, protocols: &[&[u8]]) -> ClientConfig {
        trust::client_config(Arc::clone(&self.shared.verifier), &versions.versions(), protocols)
            .expect("the provider has all versions")
    }

    /// The bounds of the transport's waits.
    #[must_use]
    pub fn timeouts(&self) -> Timeouts {
        self.shared.settings.timeouts
    }

    /// The wait that a response's `Retry-After` asks for, if it has one that can be read.
    #[must_use]
    pub fn retry_after(headers: &http::HeaderMap) -> Option<std::time::Duration> {
        retry_after::read(headers, stopwatch::unix_now())
    }
}
