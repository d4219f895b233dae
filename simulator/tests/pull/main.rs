//! The pull API over real TLS: who is answered, what is refused, what goes wrong on purpose, and what is written down.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

mod client;
mod faulty;
mod guarded;
mod limited;
mod lived;
mod routed;
mod tokens;

use std::future::Future;
use std::sync::{Arc, Mutex};

use pns_engine::Timestamp;
use pns_simulator::pull::{
    Access, ActError, Counterpart, PullClient, PullKey, PullServer, PullSettings, Secret,
};
use pns_simulator::schema::Pack;
use pns_simulator::world::{Act, Pull, PullFaults, PullLog, SharedWorld, Viewer, World, WorldSettings};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use client::Client;

/// When it is.
const NOW: Timestamp = Timestamp::from_millis(1_764_000_000_000);
/// An RFP that nobody knows, and a supplier.
const RFP: &str = "0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01";
const SUPPLIER: &str = "5a4c1f6e-9d7b-4e1e-8a55-6f8f1f0e2b02";

/// A world in which nothing has happened, and what is done to it.
#[derive(Clone)]
struct Quiet {
    world: SharedWorld,
    log: PullLog,
    faults: PullFaults,
    done: Arc<Mutex<Vec<Act>>>,
    /// How acts end.
    ends: Arc<Mutex<Result<(), ActError>>>,
}

impl Quiet {
    fn new() -> Self {
        let pack = Pack::builtin("cvent-2016-11").unwrap();
        Self {
            world: SharedWorld::new(World::new(7, pack.roles(), WorldSettings::default())),
            log: PullLog::default(),
            faults: PullFaults::default(),
            done: Arc::default(),
            ends: Arc::new(Mutex::new(Ok(()))),
        }
    }
}

impl Counterpart for Quiet {
    fn world(&self) -> &SharedWorld {
        &self.world
    }

    fn log(&self) -> &PullLog {
        &self.log
    }

    fn faults(&self) -> &PullFaults {
        &self.faults
    }

    async fn now(&self) -> Timestamp {
        NOW
    }

    async fn act(&self, act: Act, _: Viewer) -> Result<(), ActError> {
        self.done.lock().unwrap().push(act);
        self.ends.lock().unwrap().clone()
    }
}

/// A server that answers until it is stopped.
struct Running {
    client: Client,
    quiet: Quiet,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

/// A server for `counterpart`, how to stop it, and its end.
async fn serve(
    settings: PullSettings,
    counterpart: impl Counterpart,
) -> (Client, oneshot::Sender<()>, JoinHandle<()>) {
    let server = PullServer::bind(settings).await.unwrap();
    let client = Client::new(server.address(), server.ca_pem().unwrap());
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(server.serve(counterpart, async {
        let _ = stopped.await;
    }));
    (client, stop, ended)
}

impl Running {
    async fn start(settings: PullSettings) -> Self {
        let quiet = Quiet::new();
        let (client, stop, ended) = serve(settings, quiet.clone()).await;
        Self { client, quiet, stop, ended }
    }

    /// The latest line of the log.
    fn logged(&self) -> Pull {
        self.quiet.log.since(self.quiet.log.latest() - 1, 1).remove(0)
    }

    /// Stops the server and waits for its end.
    async fn end(self) {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap();
    }
}

/// On a free port of the loopback address, open to everybody on this machine.
fn open() -> PullSettings {
    PullSettings { listen: ([127, 0, 0, 1], 0).into(), ..PullSettings::default() }
}

/// The same, for whom this key or client is known.
fn known(keys: Vec<PullKey>, clients: Vec<PullClient>) -> PullSettings {
    PullSettings { keys, clients, ..open() }
}

fn key(name: &str, secret: &str) -> PullKey {
    PullKey { secret: Secret::new(secret).unwrap(), access: Access::full(name) }
}

fn oauth(name: &str, id: &str, secret: &str) -> PullClient {
    let secret = Secret::new(secret).unwrap();
    PullClient { id: id.to_owned(), secret, scopes: None, access: Access::full(name) }
}

/// With a runtime of its own.
fn block_on<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}
