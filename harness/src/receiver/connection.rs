//! Connections: accepting, TLS, HTTP, and the ways in which a connection ends other than by HTTP.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use pns_simulator::clock;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::respond::{Exchange, respond};
use super::{Protocol, Shared};

/// How long the peer may take to close its side, so that what was written last is not overtaken by a reset.
const LINGER_TIME: Duration = Duration::from_secs(1);

/// How long a response that is to be cut may take to reach the wire.
const CUT_TIME: Duration = Duration::from_millis(50);

/// HTTP/2 has no head timeout: a peer that does not answer a ping within this time is gone.
const PING_TIME: Duration = Duration::from_secs(30);

/// hyper does not work with less.
const HEAD_MAX_LEAST: usize = 8_192;

/// Streams at once on one HTTP/2 connection: hyper's own default, stated.
const STREAMS_MAX: u32 = 200;

/// What a response in plain HTTP to a TLS handshake looks like, as common servers send it.
const PLAIN_ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 31\r\n\
    connection: close\r\n\r\nthis port speaks plain HTTP 1.1";

/// Bytes that are neither an HTTP/1 response nor an HTTP/2 frame that fits.
const GARBAGE: &[u8] = b"\x00\xff\xfe\xfd this is no HTTP \x00\xff\r\n\r\n";

/// How a connection ends other than by HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Reset,
    Close,
    Malformed,
    Cut,
}

/// What the acceptor is asked for.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Listen again on the same port.
    Accept(oneshot::Sender<io::Result<()>>),
    /// Close the port and every connection.
    Refuse(oneshot::Sender<io::Result<()>>),
}

/// Accepts connections, and owns the tasks that serve them.
pub(crate) struct Acceptor {
    shared: Arc<Shared>,
    listener: Option<TcpListener>,
    addr: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    connections: JoinSet<()>,
    stopping: watch::Sender<bool>,
}

impl Acceptor {
    pub(crate) fn new(
        shared: Arc<Shared>,
        listener: TcpListener,
        addr: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
    ) -> Self {
        let stopping = watch::channel(false).0;
        Self { shared, listener: Some(listener), addr, tls, connections: JoinSet::new(), stopping }
    }

    /// Serves until nobody can ask for anything any more.
    pub(crate) async fn run(mut self, mut asks: mpsc::Receiver<Ask>) {
        loop {
            let room = self.connections.len() < self.shared.settings.limits.connections_max;
            tokio::select! {
                ask = asks.recv() => match ask {
                    Some(ask) => self.obey(ask).await,
                    None => break,
                },
                Some(_ended) = self.connections.join_next() => {}
                accepted = accept(self.listener.as_ref()), if room => match accepted {
                    Ok(stream) => self.serve(stream),
                    // Mostly too many open files, which passes as connections end.
                    Err(_) => clock::pause(Duration::from_millis(10)).await,
                },
            }
        }
        self.stop().await;
    }

    async fn obey(&mut self, ask: Ask) {
        // One who has stopped waiting for the answer does not need it.
        match ask {
            Ask::Refuse(done) => {
                self.listener = None;
                self.connections.shutdown().await;
                let _unheard = done.send(Ok(()));
            }
            Ask::Accept(done) => {
                let result = match self.listener {
                    Some(_) => Ok(()),
                    None => TcpListener::bind(self.addr).await.map(|bound| self.listener = Some(bound)),
                };
                let _unheard = done.send(result);
            }
        }
    }

    async fn stop(&mut self) {
        self.listener = None;
        self.stopping.send_replace(true);
        let ended = async { while self.connections.join_next().await.is_some() {} };
        if timeout(self.shared.settings.limits.shutdown_time, ended).await.is_err() {
            self.connections.shutdown().await;
        }
    }

    fn serve(&mut self, stream: TcpStream) {
        let shared = Arc::clone(&self.shared);
        let tls = self.tls.clone();
        let stopping = self.stopping.subscribe();
        self.connections.spawn(async move {
            // A connection that breaks is the sender's to notice; nothing here depends on it.
            let _broken = serve_connection(shared, stream, tls, stopping).await;
        });
    }
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => Ok(listener.accept().await?.0),
        None => std::future::pending().await,
    }
}

async fn serve_connection(
    shared: Arc<Shared>,
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let head_time = shared.settings.limits.head_time;
    let (wire, http2) = match tls {
        Some(config) => {
            let stream = timeout(head_time, TlsAcceptor::from(config).accept(stream)).await??;
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            (Wire::new(Stream::Tls(Box::new(stream))), http2)
        }
        None => (Wire::new(Stream::Plain(stream)), false),
    };
    if shared.settings.protocol == Protocol::NotTls {
        return answer_plainly(wire, head_time).await;
    }
    let ending = serve_http(shared, wire.clone(), http2, stopping).await;
    end(wire, ending).await
}

/// Serves HTTP until the peer leaves, or until a reaction ends the connection in its own way.
async fn serve_http(
    shared: Arc<Shared>,
    wire: Wire,
    http2: bool,
    mut stopping: watch::Receiver<bool>,
) -> Ending {
    let limits = shared.settings.limits;
    let (ending, mut endings) = mpsc::channel(1);
    let exchange = Arc::new(Exchange { shared, ending, stopping: stopping.clone() });
    let service = service_fn(move |request| respond(Arc::clone(&exchange), request));
    let builder = auto::Builder::new(Streams::default());
    let mut builder = if http2 { builder.http2_only() } else { builder.http1_only() };
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(limits.head_max.max(HEAD_MAX_LEAST))
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.head_max).unwrap_or(u32::MAX))
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(PING_TIME)
        .keep_alive_timeout(PING_TIME);
    let connection = builder.serve_connection(TokioIo::new(wire), service);
    tokio::pin!(connection);
    let mut draining = false;
    loop {
        tokio::select! {
            biased;
            _served = connection.as_mut() => return Ending::Close,
            Some(ending) = endings.recv() => {
                if ending == Ending::Cut {
                    // The head and the half of the body are on their way through hyper's buffers.
                    let _timeout = timeout(CUT_TIME, connection.as_mut()).await;
                }
                return ending;
            }
            () = stopped(&mut stopping), if !draining => {
                connection.as_mut().graceful_shutdown();
                draining = true;
            }
        }
    }
}

/// Returns when the receiver stops, or is gone.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _gone = stopping.wait_for(|stopping| *stopping).await;
}

async fn end(wire: Wire, ending: Ending) -> io::Result<()> {
    match ending {
        Ending::Reset => {
            // Closing a socket that lingers for no time sends a reset in place of an orderly end.
            let stream = wire.stream();
            socket2::SockRef::from(stream.tcp()).set_linger(Some(Duration::ZERO))
        }
        Ending::Close | Ending::Cut => close(wire).await,
        Ending::Malformed => {
            let mut wire = wire;
            wire.write_all(GARBAGE).await?;
            close(wire).await
        }
    }
}

/// Closes for writing, then waits briefly for the peer to do the same.
async fn close(mut wire: Wire) -> io::Result<()> {
    let closing = async {
        wire.shutdown().await?;
        let mut rest = [0; 4_096];
        while wire.read(&mut rest).await? > 0 {}
        Ok(())
    };
    timeout(LINGER_TIME, closing).await.unwrap_or(Ok(()))
}

async fn answer_plainly(mut wire: Wire, head_time: Duration) -> io::Result<()> {
    let mut hello = [0; 16_384];
    let _read = timeout(head_time, wire.read(&mut hello)).await??;
    wire.write_all(PLAIN_ANSWER).await?;
    close(wire).await
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

/// A stream that hyper uses and that can still be written to, or reset, when hyper is done with it. The lock is
/// never held over an await and never contended: one task polls at a time.
#[derive(Clone, Debug)]
struct Wire(Arc<Mutex<Stream>>);

impl Wire {
    fn new(stream: Stream) -> Self {
        Self(Arc::new(Mutex::new(stream)))
    }

    fn stream(&self) -> MutexGuard<'_, Stream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self.stream() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut *self.stream() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self.stream() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self.stream() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// The tasks of one HTTP/2 connection's streams: they end with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streams(Arc<Mutex<JoinSet<()>>>);

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future + Send + 'static,
{
    fn execute(&self, stream: F) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            stream.await;
        });
    }
}
