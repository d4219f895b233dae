//! Takes connections and answers requests on them, within limits, until told to stop: what the servers of this crate share.
//!
//! HTTP/1.1 only: no caller of these servers needs more. Every wait is bounded, and so is what a connection may hold.

mod certificate;
mod patient;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::HttpService;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub(crate) use certificate::server;
pub use certificate::{CertificateError, TlsFiles};
use patient::Patient;

use crate::clock;

/// After an error of `accept`, such as too many open files: time for some to be closed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections, and how long each may make others wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Connections at once; more wait until one ends.
    pub(crate) connections: usize,
    /// For TLS, and again for the head of each request, also while a kept connection is idle.
    pub(crate) head: Duration,
    /// The head of a request, in bytes.
    pub(crate) head_bytes: usize,
    /// For the caller to take a part of the answer.
    pub(crate) patience: Duration,
    /// How long connections may take to end when the server is told to stop.
    pub(crate) grace: Duration,
}

/// A socket that listens and takes nothing yet.
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Listens on `address`; without `tls`, for plain HTTP.
    ///
    /// # Errors
    /// The address is taken, not this machine's, or not permitted.
    pub(crate) async fn bind(address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address, tls: tls.map(TlsAcceptor::from) })
    }

    /// The address, with the port that the system chose where 0 was asked for.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as callers on this machine write it.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Answers by `service` until `stop` is ready; then takes no more connections, says so by `stopping`, and lets
    /// requests in progress end, for at most [`Bounds::grace`].
    pub(crate) async fn serve<S, B>(
        self,
        service: S,
        bounds: Bounds,
        stopping: watch::Sender<bool>,
        stop: impl Future<Output = ()>,
    ) where
        S: HttpService<Incoming, ResBody = B> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let places = Arc::new(Semaphore::new(bounds.connections));
        let mut connections = JoinSet::new();
        tokio::pin!(stop);
        loop {
            let accepted = async {
                // Who waits for a place waits in the system's queue, which is bounded too.
                let place = Arc::clone(&places).acquire_owned().await.expect("it is never closed");
                (place, self.socket.accept().await)
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
                service: service.clone(),
                tls: self.tls.clone(),
                bounds,
                stopping: stopping.subscribe(),
            };
            connections.spawn(async move {
                connection.run(stream).await;
                drop(place);
            });
        }
        drop(self.socket);
        stopping.send_replace(true);
        let ended = async { while connections.join_next().await.is_some() {} };
        // Connections that take longer are cut when the set is dropped.
        let _ = tokio::time::timeout(bounds.grace, ended).await;
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What one connection needs.
struct Connection<S> {
    service: S,
    tls: Option<TlsAcceptor>,
    bounds: Bounds,
    stopping: watch::Receiver<bool>,
}

impl<S, B> Connection<S>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    async fn run(self, stream: TcpStream) {
        // Answers are small and whole: waiting to join them helps nobody.
        let _ = stream.set_nodelay(true);
        match self.tls.clone() {
            None => self.answer(stream).await,
            Some(tls) => {
                if let Ok(Ok(stream)) = tokio::time::timeout(self.bounds.head, tls.accept(stream)).await {
                    self.answer(stream).await;
                }
            }
        }
    }

    async fn answer(mut self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let stream = Patient::new(stream, self.bounds.patience);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.bounds.head)
            .max_buf_size(self.bounds.head_bytes)
            .serve_connection(TokioIo::new(stream), self.service);
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
