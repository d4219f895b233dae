//! A running specimen: the port, TLS, and the tasks that serve connections.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pns_simulator::clock;
use pns_simulator::secret::ApiKey;
use rustls::{HandshakeKind, ServerConfig};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::plan::{Alpn, Crash, Failed, Handshake, Hello, Plain, Plan, Resumption};
use super::state::{Client, Shared};
use super::wire::Reader;
use super::{Specimen, connection, http2, service};
use crate::puller::PullAccess;
use crate::receiver::{Identity, Tls};

/// How long a handshake may take, where it is bounded: as long as common servers wait.
const HANDSHAKE_TIME: Duration = Duration::from_secs(30);

/// A client's first message is looked at up to here: the largest TLS record.
const HELLO_MAX: usize = 16 * 1024 + 5;

/// The first byte of a TLS handshake.
const TLS_HANDSHAKE: u8 = 22;

/// TLS sessions remembered for resumption.
const SESSIONS_MAX: usize = 256;

/// A specimen that takes requests. Dropping it closes the port and every connection.
pub struct Running {
    addr: SocketAddr,
    stopping: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Running {
    /// Binds a free port on 127.0.0.1 and begins to accept, on the current tokio runtime. With a key the specimen
    /// demands it, as far as its bug lets it. With `pull` it pulls what notifications are about.
    ///
    /// # Errors
    /// When no port can be bound, `identity` makes no TLS server, or the pull API is none.
    pub async fn start(
        specimen: &Specimen,
        api_key: Option<ApiKey>,
        identity: &Identity,
        pull: Option<&PullAccess>,
    ) -> io::Result<Self> {
        let plan = specimen.plan();
        let client = pull.map(Client::of).transpose().map_err(io::Error::other)?;
        let config = server_config(&plan, identity)?;
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let addr = listener.local_addr()?;
        let (stopping, stopped) = watch::channel(false);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let server = Server { shared: Arc::new(Shared::new(plan, api_key, client)), addr, acceptor };
        let server = tokio::spawn(server.run(listener, stopped));
        Ok(Self { addr, stopping, server })
    }

    /// The address bound, with its real port.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where to send notifications.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}{}", self.addr, service::PATH)
    }

    /// Where to ask what became of a notification: a template that ends with `/inspect/{eventId}`.
    #[must_use]
    pub fn probe_template(&self) -> String {
        format!("https://{}/inspect/{{eventId}}", self.addr)
    }

    /// Closes the port and every connection, and returns when all is closed.
    pub async fn shutdown(mut self) {
        self.stopping.send_replace(true);
        // A panic in there has been printed and leaves nothing to close.
        let _ended = (&mut self.server).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn server_config(plan: &Plan, identity: &Identity) -> io::Result<ServerConfig> {
    let tls = Tls { versions: plan.tls.versions, ..Tls::default() };
    let http2 = plan.tls.alpn != Alpn::Http1;
    let config = identity.server_config(tls, http2).map_err(io::Error::other)?;
    let mut config = ServerConfig::clone(&config);
    // Not the one that receivers of this process share: a specimen remembers only its own sessions.
    config.session_storage = rustls::server::ServerSessionMemoryCache::new(SESSIONS_MAX);
    if plan.tls.resumption == Resumption::NotOffered {
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(config)
}

struct Server {
    shared: Arc<Shared>,
    addr: SocketAddr,
    acceptor: TlsAcceptor,
}

impl Server {
    /// Serves until it is stopped, and goes on after a crash if it is that kind.
    async fn run(self, listener: TcpListener, mut stopped: watch::Receiver<bool>) {
        let mut listener = Some(listener);
        while let Some(open) = listener.take() {
            tokio::select! {
                () = self.serve(open) => {}
                _ = stopped.wait_for(|stopped| *stopped) => return,
            }
            let Crash::RestartsAfter(span) = self.shared.plan.crash else { break };
            tokio::select! {
                () = clock::pause(span) => {}
                _ = stopped.wait_for(|stopped| *stopped) => return,
            }
            // Another process may have taken the port: then it stays down.
            listener = TcpListener::bind(self.addr).await.ok();
        }
    }

    /// Serves until it crashes. Connections end with it.
    async fn serve(&self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        let mut crashes = self.shared.crashes.subscribe();
        loop {
            let taken = connections.len() + self.shared.state().places_leaked;
            let room = taken < self.shared.plan.connection.at_once;
            tokio::select! {
                _ = crashes.changed() => break,
                Some(_ended) = connections.join_next() => {}
                accepted = listener.accept(), if room => match accepted {
                    Ok((stream, _peer)) => self.welcome(stream, &mut connections).await,
                    // Mostly too many open files, which passes as connections end.
                    Err(_) => clock::pause(Duration::from_millis(10)).await,
                },
            }
        }
        drop(listener);
        connections.shutdown().await;
    }

    async fn welcome(&self, stream: TcpStream, connections: &mut JoinSet<()>) {
        let shared = Arc::clone(&self.shared);
        let acceptor = self.acceptor.clone();
        if shared.plan.tls.handshake == Handshake::InAcceptLoop {
            // The careless loop waits here; only the stop of the whole server ends that.
            if let Ok(stream) = acceptor.accept(stream).await {
                connections.spawn(async move {
                    let _broken = serve_http(shared, stream).await;
                });
            }
            return;
        }
        connections.spawn(async move {
            // A connection that breaks is the sender's to notice.
            let _broken = serve_connection(shared, acceptor, stream).await;
        });
    }
}

async fn serve_connection(shared: Arc<Shared>, acceptor: TlsAcceptor, stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let tls = shared.plan.tls;
    if tls.plain == Plain::Served && first_byte(&stream).await? != TLS_HANDSHAKE {
        return connection::serve(&shared, stream).await;
    }
    if tls.hello == Hello::OneRead && !hello_is_whole(&stream).await? {
        return Reader::new(stream).reset();
    }
    match timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => serve_http(shared, stream).await,
        _ if tls.failed == Failed::Crash => {
            shared.crashes.send_modify(|crashes| *crashes += 1);
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn serve_http(shared: Arc<Shared>, mut stream: TlsStream<TcpStream>) -> io::Result<()> {
    let session = stream.get_ref().1;
    let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
    let http2 = session.alpn_protocol() == Some(b"h2");
    if resumed && shared.plan.tls.resumption == Resumption::Breaks {
        stream.flush().await?;
        return Reader::new(stream).reset();
    }
    if http2 && shared.plan.tls.alpn != Alpn::BothButSpeaksHttp1 {
        return http2::serve(shared, stream).await;
    }
    connection::serve(&shared, stream).await
}

async fn first_byte(stream: &TcpStream) -> io::Result<u8> {
    let mut byte = [0];
    let count = timeout(HANDSHAKE_TIME, stream.peek(&mut byte)).await??;
    if count == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(byte[0]) }
}

/// Whether the first TLS record is there after one read.
async fn hello_is_whole(stream: &TcpStream) -> io::Result<bool> {
    let mut bytes = vec![0; HELLO_MAX];
    let count = timeout(HANDSHAKE_TIME, stream.peek(&mut bytes)).await??;
    let announced = usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
    Ok(count >= 5 && count >= announced + 5)
}
