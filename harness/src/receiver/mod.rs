//! The embedded receiver: an HTTPS endpoint for PNS notifications that behaves as it should, or as scripted.
//!
//! It is the default target of `pns run`, the command `pns receiver`, and its own probe: `GET /inspect/{eventId}` tells
//! what became of a notification. Correct behaviour: checks the key, accepts every documented event type with any
//! further fields, processes each event id once, acknowledges duplicates, and answers at once. A [`Script`] makes it
//! misbehave at the level of HTTP, [`Tls`] and [`Protocol`] below that.
//!
//! Everything is bounded ([`Limits`], [`Memory`]), and no task outlives its [`Receiver`].

mod command;
mod connection;
mod identity;
mod inspect;
mod integration;
mod journal;
mod judge;
mod player;
mod pull_args;
mod reaction;
mod respond;
mod script;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pns_simulator::clock::Stopwatch;
use pns_simulator::secret::ApiKey;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;

pub use command::{ReceiverArgs, run};
pub use identity::{Certificate, ClientCertificate, Identity, IdentityError, Tls, TlsVersions};
pub use integration::{Pulling, Pulls};
pub use journal::{Answered, Disposition, Memory, Received, Totals};
pub use judge::EventTypes;
pub use reaction::{Answer, Counted, Effect, FailFirst, RateLimit, Reaction, Script, StatusAnswer};
pub use script::ScriptError;

pub(crate) use connection::Streams;
use connection::{Acceptor, Ask};
use integration::Integration;
use journal::Journal;
use player::Player;

/// Where notifications go unless [`Settings::path`] says otherwise.
pub const DEFAULT_PATH: &str = "/pns";

/// How many received requests a slow observer may lag behind before it misses some.
const OBSERVED_MAX: usize = 1_024;

/// What a receiver is to be.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Default 127.0.0.1 and a free port.
    pub listen: SocketAddr,
    /// What is spoken below HTTP.
    pub protocol: Protocol,
    /// Which HTTP versions are offered.
    pub http: HttpVersions,
    /// The path at which notifications are taken. `None`: any path but `/inspect` and `/healthz`.
    pub path: Option<String>,
    /// The key agreed with the sender. `None`: the `Authorization` header is not looked at.
    pub api_key: Option<ApiKey>,
    /// Where the event id stands: a JSON pointer.
    pub event_id: String,
    /// Where the event type stands: a JSON pointer.
    pub event_type: String,
    /// Which event types are notifications.
    pub event_types: EventTypes,
    /// What is done with each POST.
    pub script: Script,
    /// Bounds on connections and waits.
    pub limits: Limits,
    /// Bounds on what is remembered.
    pub memory: Memory,
    /// Whether and how it pulls what a notification is about. Default: not at all.
    pub pulling: Option<Pulling>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            protocol: Protocol::Https(Tls::default()),
            http: HttpVersions::Both,
            path: None,
            api_key: None,
            event_id: "/eventId".to_owned(),
            event_type: "/eventType".to_owned(),
            event_types: EventTypes::Documented,
            script: Script::default(),
            limits: Limits::default(),
            memory: Memory::default(),
            pulling: None,
        }
    }
}

/// What is spoken below HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP over TLS, as PNS demands.
    Https(Tls),
    /// Plain HTTP, to which PNS sends nothing.
    Http,
    /// The address says `https`, and plain HTTP errors are all that comes: a port mix-up.
    NotTls,
}

/// Which HTTP versions are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpVersions {
    /// HTTP/2 and HTTP/1.1, as ALPN decides; HTTP/1.1 alone without TLS.
    Both,
    /// HTTP/1.1 alone.
    Http1Only,
}

/// Bounds on connections and waits. All waits are real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; more wait to be accepted. Default 1,024, the usual bound on a process's open files.
    pub connections_max: usize,
    /// Bytes of a body, beyond which the answer is 413. Default 1 MiB: notifications are some 500 bytes.
    pub body_max: usize,
    /// Bytes of a request's head. Default 64 KiB, eight times what most servers take.
    pub head_max: usize,
    /// How long the TLS handshake and each request head may take. Default 30 s.
    pub head_time: Duration,
    /// How long a body may take. Default 60 s.
    pub body_time: Duration,
    /// How long [`Answer::Hang`] hangs. Default 10 minutes, longer than any sensible acknowledgement timeout.
    pub hang_time: Duration,
    /// How long [`Receiver::shutdown`] waits for answers under way. Default 200 ms: hung ones never come.
    pub shutdown_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 1_024,
            body_max: 1024 * 1024,
            head_max: 64 * 1024,
            head_time: Duration::from_secs(30),
            body_time: Duration::from_secs(60),
            hang_time: Duration::from_secs(600),
            shutdown_time: Duration::from_millis(200),
        }
    }
}

/// A running receiver. Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct Receiver {
    shared: Arc<Shared>,
    addr: SocketAddr,
    asks: Option<mpsc::Sender<Ask>>,
    acceptor: Option<JoinHandle<()>>,
}

/// What connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) journal: Mutex<Journal>,
    pub(crate) player: Mutex<Player>,
    pub(crate) observers: broadcast::Sender<Received>,
    pub(crate) uptime: Stopwatch,
    pub(crate) integration: Option<Integration>,
}

impl Shared {
    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn player(&self) -> MutexGuard<'_, Player> {
        self.player.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Receiver {
    /// Binds the address and begins to accept, on the current tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be bound, `identity` cannot show the certificate asked for, or the pull API is none.
    pub async fn start(settings: Settings, identity: &Identity) -> io::Result<Self> {
        let http2 = settings.http == HttpVersions::Both;
        let tls = match settings.protocol {
            Protocol::Https(tls) => Some(identity.server_config(tls, http2).map_err(io::Error::other)?),
            Protocol::Http | Protocol::NotTls => None,
        };
        let integration = settings.pulling.clone().map(Integration::start).transpose();
        let integration = integration.map_err(io::Error::other)?;
        let listener = TcpListener::bind(settings.listen).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            journal: Mutex::new(Journal::new(settings.memory)),
            player: Mutex::new(Player::new(settings.script.clone())),
            observers: broadcast::channel(OBSERVED_MAX).0,
            uptime: Stopwatch::start(),
            integration,
            settings,
        });
        let acceptor = Acceptor::new(Arc::clone(&shared), listener, addr, tls);
        let (asks, asked) = mpsc::channel(1);
        let acceptor = tokio::spawn(acceptor.run(asked));
        Ok(Self { shared, addr, asks: Some(asks), acceptor: Some(acceptor) })
    }

    /// The address bound, with its real port.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where to send notifications, as `https://127.0.0.1:40123/pns`.
    #[must_use]
    pub fn url(&self) -> String {
        let path = self.shared.settings.path.as_deref().unwrap_or(DEFAULT_PATH);
        format!("{}{path}", self.origin())
    }

    /// Where to ask what became of a notification: a template that ends with `/inspect/{eventId}`.
    #[must_use]
    pub fn inspect_url(&self) -> String {
        format!("{}/inspect/{{eventId}}", self.origin())
    }

    fn origin(&self) -> String {
        let scheme = match self.shared.settings.protocol {
            Protocol::Https(_) | Protocol::NotTls => "https",
            Protocol::Http => "http",
        };
        if self.addr.ip().is_unspecified() {
            format!("{scheme}://localhost:{}", self.addr.port())
        } else {
            format!("{scheme}://{}", self.addr)
        }
    }

    /// The POSTs received so far that are still kept, the oldest first.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.journal().requests()
    }

    /// Totals since the start.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.shared.journal().totals()
    }

    /// Each POST received from now on. One who lags more than 1,024 behind misses some and is told how many.
    #[must_use]
    pub fn observe(&self) -> broadcast::Receiver<Received> {
        self.shared.observers.subscribe()
    }

    /// Replaces the script; the new one begins at its beginning.
    pub fn play(&self, script: Script) {
        *self.shared.player() = Player::new(script);
    }

    /// Closes the port and every connection: until [`Receiver::accept`], connections are refused.
    pub async fn refuse(&self) {
        // The acceptor cannot fail at closing, and if it is gone then so is the port.
        let _closed = self.ask(Ask::Refuse).await;
    }

    /// Opens the same port again after [`Receiver::refuse`].
    ///
    /// # Errors
    /// When another process has taken the port.
    pub async fn accept(&self) -> io::Result<()> {
        self.ask(Ask::Accept).await
    }

    async fn ask(&self, ask: fn(oneshot::Sender<io::Result<()>>) -> Ask) -> io::Result<()> {
        let gone = || io::Error::other("the receiver has stopped");
        let (done, answer) = oneshot::channel();
        self.asks.as_ref().ok_or_else(gone)?.send(ask(done)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Closes the port, lets answers under way finish for [`Limits::shutdown_time`], and closes the rest.
    pub async fn shutdown(mut self) -> Totals {
        self.asks = None;
        if let Some(acceptor) = self.acceptor.as_mut() {
            // The task ends by itself within the limit; a panic in it has been printed and leaves nothing to do.
            let _ended = acceptor.await;
        }
        self.totals()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(acceptor) = &self.acceptor {
            acceptor.abort();
        }
    }
}
