//! Accepts connections, within the limits, until told to stop.

use std::future::Future;
use std::net::SocketAddr;

use hyper_util::service::TowerToHyperService;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::handlers::Control;
use super::operations;
use super::settings::{ControlError, ControlSettings, Limits};
use crate::dashboard::Dashboard;
use crate::listener::{Bounds, Listener};
use crate::service::Simulator;

/// The control API, listening and not yet answering.
#[derive(Debug)]
pub struct ControlServer {
    listener: Listener,
    settings: ControlSettings,
}

impl ControlServer {
    /// Listens.
    ///
    /// # Errors
    /// When the settings would let anybody in, the certificate cannot be used, or the address cannot be had.
    pub async fn bind(settings: ControlSettings) -> Result<Self, ControlError> {
        settings.check()?;
        let tls = settings.tls.as_ref().map(super::TlsFiles::server).transpose()?;
        let address = settings.listen;
        let listen = |source| ControlError::Listen { address, source };
        let listener = Listener::bind(address, tls).await.map_err(listen)?;
        Ok(Self { listener, settings })
    }

    /// The address, with the port that the system chose where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The address as callers on this machine write it.
    #[must_use]
    pub fn url(&self) -> String {
        self.listener.url()
    }

    /// Answers for `simulator` until `stop` is ready; then takes no more connections, ends listeners to records, and
    /// lets requests in progress end, for at most [`Limits::grace`]. The simulator goes on.
    pub async fn serve(self, simulator: Simulator, stop: impl Future<Output = ()>) {
        let (stopping, is_stopping) = watch::channel(false);
        let address = self.address();
        let secure = self.listener.url().starts_with("https");
        let control = Control::new(simulator, &self.settings, address, is_stopping);
        let dashboard = Dashboard::new(&control, secure, address);
        // Ends with the set, whatever ends this.
        let mut watching = JoinSet::new();
        watching.spawn(dashboard.watch());
        let routes = TowerToHyperService::new(operations::router(control, dashboard.router()));
        self.listener.serve(routes, self.settings.limits.bounds(), stopping, stop).await;
    }
}

impl Limits {
    fn bounds(&self) -> Bounds {
        Bounds {
            connections: self.connections,
            head: self.head,
            head_bytes: self.head_bytes,
            patience: self.request,
            grace: self.grace,
        }
    }
}
