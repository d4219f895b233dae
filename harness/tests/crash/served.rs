//! A `pns serve` in a process of its own, and what it accepted.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use pns_simulator::clock::Stopwatch;
use serde_json::Value;

use super::api;

/// A running process, killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Served {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Served {
    /// Starts it on the folder's data, and waits until it serves.
    pub(crate) fn start(folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pns"));
        command.current_dir(folder).env_clear().args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--cacert",
            "ca.pem",
        ]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("it says where it serves").unwrap();
        let address = first.rsplit("http://").next().unwrap().parse().unwrap();
        // What else it says must not block it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// As `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The answer to a GET.
    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = api::call(self.address, "GET", path, None).unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Waits until nothing is pending.
    pub(crate) fn until_idle(&self, patience: Duration) {
        let watch = Stopwatch::start();
        let (_never, pause) = mpsc::channel::<()>();
        loop {
            let backlog = self.get("/api/v1/status")["backlog"].clone();
            if backlog.as_object().unwrap().values().all(|count| count == 0) {
                return;
            }
            assert!(watch.elapsed() < patience, "still pending: {backlog}");
            let _elapsed = pause.recv_timeout(Duration::from_millis(50));
        }
    }

    /// Ends it in good order.
    pub(crate) fn stop(mut self) {
        let ended = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(ended.success());
        assert!(self.child.wait().unwrap().success(), "it ends in good order");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the process said that it had accepted.
#[derive(Debug, Default)]
pub(crate) struct Accepted {
    /// Notification ids by event id.
    pub(crate) notifications: BTreeMap<String, u64>,
    /// Notifications of calls whose answer was lost.
    pub(crate) unsure: u64,
    /// Notifications that were refused.
    pub(crate) refused: u64,
}

impl Accepted {
    /// Those of one call.
    pub(crate) fn take(&mut self, events: Vec<String>, published: &Value) {
        let ids =
            published["notifications"].as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap());
        self.notifications.extend(events.into_iter().zip(ids));
    }

    /// Those of another round.
    pub(crate) fn join(&mut self, other: Self) {
        self.notifications.extend(other.notifications);
        self.unsure += other.unsure;
        self.refused += other.refused;
    }
}
