//! The control API over real sockets: who is answered, what is refused, and how it ends.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

mod client;
mod guarded;
mod limited;
mod pulling;
mod served;
mod worded;

use std::future::Future;

use pns_simulator::control::{ControlServer, ControlSettings};
use pns_simulator::service::Simulator;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use client::Client;

/// A server that answers until it is stopped.
struct Running {
    client: Client,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Running {
    /// Stops the server and waits for its end.
    async fn end(self) {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap();
    }
}

/// On a free port of the loopback address.
fn settings() -> ControlSettings {
    ControlSettings { listen: ([127, 0, 0, 1], 0).into(), ..ControlSettings::default() }
}

async fn run(settings: ControlSettings) -> Running {
    run_for(settings, Simulator::builder().start().await.unwrap()).await
}

async fn run_for(settings: ControlSettings, simulator: Simulator) -> Running {
    let server = ControlServer::bind(settings).await.unwrap();
    let client = Client { address: server.address() };
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(server.serve(simulator, async {
        let _ = stopped.await;
    }));
    Running { client, stop, ended }
}

/// With a runtime of its own.
fn block_on<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}
