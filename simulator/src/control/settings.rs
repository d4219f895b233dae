//! Where the control API listens, whom it answers, and how much it takes.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::token::BearerToken;

/// Where the control API listens and whom it answers.
#[derive(Clone, Debug)]
pub struct ControlSettings {
    /// The address. One beyond this machine needs a token.
    pub listen: SocketAddr,
    /// What callers must show; `None`: nothing, which only a loopback address may ask.
    pub token: Option<BearerToken>,
    /// The certificate; `None`: plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Host names under which callers may reach it, beside `localhost` and addresses: without port, in lower case.
    pub hosts: Vec<String>,
    /// How much it takes.
    pub limits: Limits,
}

impl ControlSettings {
    /// The port where none is given: unassigned, and free on most machines.
    pub const PORT_DEFAULT: u16 = 7_767;
}

impl Default for ControlSettings {
    /// Plain HTTP on the loopback address, without a token.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], Self::PORT_DEFAULT)),
            token: None,
            tls: None,
            hosts: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// A certificate chain and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain in PEM, the server's own certificate first.
    pub certificate: PathBuf,
    /// Its private key in PEM.
    pub key: PathBuf,
}

/// How much the control API takes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; more wait until one ends. Default 256.
    pub connections: usize,
    /// Listeners to records at once, each of which holds a connection. Default 64.
    pub listeners: usize,
    /// For TLS, and again for the head of each request, also while a kept connection is idle. Default 10 s.
    pub head: Duration,
    /// For a request to come and to be carried out, and again for the caller to take a part of the answer. Default 30 s.
    pub request: Duration,
    /// For advancing virtual time, which lasts as long as the receivers take. Default 10 min.
    pub advance: Duration,
    /// The head of a request, in bytes. Default 32 KiB.
    pub head_bytes: usize,
    /// The body of a request that publishes, in bytes. Default 16 MiB.
    pub publish_bytes: usize,
    /// The body of another request, in bytes. Default 256 KiB.
    pub body_bytes: usize,
    /// Requests that publish, with bodies larger than others may have, at once; more wait. Default 8: with what is made
    /// of them, some hundred megabytes.
    pub large_bodies: usize,
    /// How long connections may take to end when the server is told to stop. Default 5 s.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            listeners: 64,
            head: Duration::from_secs(10),
            request: Duration::from_secs(30),
            advance: Duration::from_secs(600),
            head_bytes: 32 << 10,
            publish_bytes: 16 << 20,
            body_bytes: 256 << 10,
            large_bodies: 8,
            grace: Duration::from_secs(5),
        }
    }
}

/// Why the control API does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Anybody could use it.
    #[error("`{0}` can be reached from other machines, and there is no token")]
    TokenNeeded(SocketAddr),
    /// A certificate or key cannot be read.
    #[error("cannot read `{}` as PEM", .path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was wrong with it.
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key are no pair, or unusable.
    #[error("the certificate and its key do not make a TLS server")]
    Tls(#[from] rustls::Error),
    /// The address is taken, not this machine's, or not permitted.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
}

impl ControlSettings {
    /// Refuses what would let anybody in.
    pub(super) fn check(&self) -> Result<(), ControlError> {
        if self.token.is_none() && !self.listen.ip().to_canonical().is_loopback() {
            return Err(ControlError::TokenNeeded(self.listen));
        }
        Ok(())
    }
}

impl TlsFiles {
    /// The TLS server that they make. HTTP/1.1 only: no caller of this API needs more.
    pub(super) fn server(&self) -> Result<Arc<ServerConfig>, ControlError> {
        let pem = |path: &Path| {
            let path = path.to_owned();
            move |source| ControlError::Pem { path, source }
        };
        let chain: Vec<_> = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect)
            .map_err(pem(&self.certificate))?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(pem(&self.key))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
