//! Listens, with a certificate.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::service::service_fn;
use rustls::ServerConfig;
use tokio::sync::watch;

use super::counterpart::Counterpart;
use super::pulled::Pulled;
use super::settings::{PullError, PullSettings, PullTls};
use crate::authority::{Authority, Validity, names};
use crate::listener::{self, CertificateError, Listener};

/// The pull API, listening and not yet answering.
#[derive(Debug)]
pub struct PullServer {
    listener: Listener,
    settings: PullSettings,
    ca_pem: Option<String>,
}

impl PullServer {
    /// Listens.
    ///
    /// # Errors
    /// When the settings would let anybody in or contradict themselves, the certificate cannot be used, or the address
    /// cannot be had.
    pub async fn bind(settings: PullSettings) -> Result<Self, PullError> {
        settings.check()?;
        let address = settings.listen;
        let (tls, ca_pem) = match &settings.tls {
            PullTls::Files(files) => (files.server()?, None),
            PullTls::Made(further) => made(further, address)?,
        };
        let listen = |source| PullError::Listen { address, source };
        let listener = Listener::bind(address, Some(tls)).await.map_err(listen)?;
        Ok(Self { listener, settings, ca_pem })
    }

    /// The address, with the port that the system chose where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The base of all paths, as callers on this machine write it.
    #[must_use]
    pub fn url(&self) -> String {
        self.listener.url()
    }

    /// What callers must trust, if the certificate was made at the start.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Answers for `counterpart` until `stop` is ready; then takes no more connections, and lets requests in progress
    /// end, for at most [`PullLimits::grace`](super::PullLimits::grace).
    pub async fn serve<C: Counterpart>(self, counterpart: C, stop: impl Future<Output = ()>) {
        let bounds = self.settings.limits.bounds();
        counterpart.log().begin();
        let pulled = Arc::new(Pulled::new(counterpart, self.settings));
        let service = service_fn(move |request: http::Request<Incoming>| {
            let pulled = Arc::clone(&pulled);
            async move { Ok::<_, Infallible>(pulled.answer(request).await) }
        });
        let (stopping, _) = watch::channel(false);
        self.listener.serve(service, bounds, stopping, stop).await;
    }
}

/// A certificate for this machine's names, the address and `further` names; and what callers must trust.
fn made(
    further: &[String],
    address: SocketAddr,
) -> Result<(Arc<ServerConfig>, Option<String>), CertificateError> {
    let mut all = names(further);
    let ip = address.ip();
    if !ip.is_unspecified() && !all.contains(&ip.to_string()) {
        all.push(ip.to_string());
    }
    let authority = Authority::new("pns pull API's own authority")?;
    let (certificate, key) = authority.issue("pns pull API", all, Validity::Now)?;
    Ok((listener::server(vec![certificate], key)?, Some(authority.pem())))
}
