//! Where the control API listens, whom it answers, and how much it takes.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::token::BearerToken;
use crate::listener::{CertificateError, TlsFiles};

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

impl ControlSettings {
    /// Refuses what would let anybody in.
    pub(super) fn check(&self) -> Result<(), ControlError> {
        if self.token.is_none() && !self.listen.ip().to_canonical().is_loopback() {
            return Err(ControlError::TokenNeeded(self.listen));
        }
        Ok(())
    }
}
