//! Accepts connections, within the limits, until told to stop.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::handlers::Control;
use super::operations;
use super::patient::Patient;
use super::settings::{ControlError, ControlSettings, Limits};
use crate::clock;
use crate::dashboard::Dashboard;
use crate::service::Simulator;

/// After an error of `accept`, such as too many open files: time for some to be closed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The control API, listening and not yet answering.
#[derive(Debug)]
pub struct ControlServer {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptorDebug>,
    settings: ControlSettings,
}

/// `TlsAcceptor` shows its whole configuration; nothing of it is of use.
#[derive(Clone)]
struct TlsAcceptorDebug(TlsAcceptor);

impl std::fmt::Debug for TlsAcceptorDebug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsAcceptor")
    }
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
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let tls = tls.map(|tls| TlsAcceptorDebug(TlsAcceptor::from(tls)));
        Ok(Self { listener, address, tls, settings })
    }

    /// The address, with the port that the system chose where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as callers on this machine write it.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Answers for `simulator` until `stop` is ready; then takes no more connections, ends listeners to records, and
    /// lets requests in progress end, for at most [`Limits::grace`]. The simulator goes on.
    pub async fn serve(self, simulator: Simulator, stop: impl Future<Output = ()>) {
        let (stopping, is_stopping) = watch::channel(false);
        let control = Control::new(simulator, &self.settings, self.address, is_stopping.clone());
        let dashboard = Dashboard::new(&control, self.tls.is_some(), self.address);
        // Ends with the set, whatever ends this.
        let mut watching = JoinSet::new();
        watching.spawn(dashboard.watch());
        let routes = operations::router(control, dashboard.router());
        let places = Arc::new(Semaphore::new(self.settings.limits.connections));
        let mut connections = JoinSet::new();
        tokio::pin!(stop);
        loop {
            let accepted = async {
                // Who waits for a place waits in the system's queue, which is bounded too.
                let place = Arc::clone(&places).acquire_owned().await.expect("it is never closed");
                (place, self.listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                biased;
                () = &mut stop => break,
                Some(_) = connections.join_next() => continue,
                accepted = accepted => accepted,
            };
            let Ok((stream, _)) = accepted else {
                clock::pause(ACCEPT_PAUSE).await;
                continue;
            };
            let connection = Connection {
                routes: routes.clone(),
                tls: self.tls.clone(),
                limits: self.settings.limits,
                stopping: is_stopping.clone(),
            };
            connections.spawn(async move {
                connection.run(stream).await;
                drop(place);
            });
        }
        drop(self.listener);
        stopping.send_replace(true);
        let ended = async { while connections.join_next().await.is_some() {} };
        // Connections that take longer are cut when the set is dropped.
        let _ = tokio::time::timeout(self.settings.limits.grace, ended).await;
    }
}

/// What one connection needs.
struct Connection {
    routes: Router,
    tls: Option<TlsAcceptorDebug>,
    limits: Limits,
    stopping: watch::Receiver<bool>,
}

impl Connection {
    async fn run(self, stream: TcpStream) {
        // Answers are small and whole: waiting to join them helps nobody.
        let _ = stream.set_nodelay(true);
        match self.tls.clone() {
            None => self.answer(stream).await,
            Some(TlsAcceptorDebug(tls)) => {
                if let Ok(Ok(stream)) = tokio::time::timeout(self.limits.head, tls.accept(stream)).await {
                    self.answer(stream).await;
                }
            }
        }
    }

    async fn answer(mut self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let stream = Patient::new(stream, self.limits.request);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .max_buf_size(self.limits.head_bytes)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(self.routes));
        tokio::pin!(connection);
        // How a connection ends is the caller's affair: it closed, reset, or sent what is not HTTP.
        tokio::select! {
            _ = &mut connection => return,
            _ = self.stopping.wait_for(|stopping| *stopping) => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}
