//! Connections kept for reuse, per origin, the latest used first.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Version;
use hyper::client::conn::{http1, http2};
use tokio::sync::oneshot;

use super::payload::Payload;
use super::settings::PoolLimits;
use super::stopwatch::Stopwatch;
use super::tls::ClientCertificateAsked;
use super::wire::Progress;

/// An established connection. Dropping the last of it lets its driver say goodbye and end.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) protocol: Protocol,
    pub(super) remote: SocketAddr,
    pub(super) asked: Arc<ClientCertificateAsked>,
    pub(super) progress: Arc<Progress>,
    pub(super) alive: Arc<oneshot::Sender<()>>,
}

/// The two HTTP versions: the first takes one request at a time, the second many.
#[derive(Debug)]
pub(super) enum Protocol {
    Http1(http1::SendRequest<Payload>),
    Http2(http2::SendRequest<Payload>),
}

impl Connection {
    fn is_usable(&self) -> bool {
        match &self.protocol {
            Protocol::Http1(sender) => !sender.is_closed(),
            Protocol::Http2(sender) => !sender.is_closed(),
        }
    }

    pub(super) fn version(&self) -> Version {
        match self.protocol {
            Protocol::Http1(_) => Version::HTTP_11,
            Protocol::Http2(_) => Version::HTTP_2,
        }
    }

    /// A second handle on an HTTP/2 connection.
    pub(super) fn share(&self) -> Option<Self> {
        let Protocol::Http2(sender) = &self.protocol else { return None };
        Some(Self {
            protocol: Protocol::Http2(sender.clone()),
            remote: self.remote,
            asked: Arc::clone(&self.asked),
            progress: Arc::default(),
            alive: Arc::clone(&self.alive),
        })
    }
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Stopwatch,
}

/// The idle connections, and the shared ones.
#[derive(Debug)]
pub(super) struct Pool {
    limits: PoolLimits,
    idle: Mutex<Shelves>,
}

#[derive(Debug, Default)]
struct Shelves {
    by_origin: BTreeMap<String, Vec<Idle>>,
    total: usize,
}

impl Pool {
    pub(super) fn new(limits: PoolLimits) -> Self {
        Self { limits, idle: Mutex::default() }
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        // Nothing panics while the lock is held, and a shelf is whole between any two statements.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection to `origin` used last, if one is usable.
    pub(super) fn take(&self, origin: &str) -> Option<Connection> {
        let mut shelves = self.shelves();
        let Shelves { by_origin, total } = &mut *shelves;
        let shelf = by_origin.get_mut(origin)?;
        while let Some(idle) = shelf.pop() {
            let fresh = idle.since.elapsed() < self.limits.idle_for && idle.connection.is_usable();
            let shared = if fresh { idle.connection.share() } else { None };
            match shared {
                Some(shared) => {
                    shelf.push(Idle { connection: idle.connection, since: Stopwatch::start() });
                    return Some(shared);
                }
                None => *total = total.saturating_sub(1),
            }
            if fresh {
                return Some(idle.connection);
            }
        }
        by_origin.remove(origin);
        None
    }

    /// Closes what is idle.
    pub(super) fn clear(&self) {
        *self.shelves() = Shelves::default();
    }

    /// Keeps a connection whose exchange is over, or a new one that can be shared.
    pub(super) fn put(&self, origin: &str, connection: Connection) {
        let limits = self.limits;
        let mut shelves = self.shelves();
        if shelves.total >= limits.idle_total {
            // Connections that outlived their time elsewhere make room.
            shelves.sweep(&limits);
        }
        if shelves.total >= limits.idle_total {
            return;
        }
        let shelf = match shelves.by_origin.get_mut(origin) {
            Some(shelf) => shelf,
            None => shelves.by_origin.entry(origin.to_owned()).or_default(),
        };
        // A shared connection stays on its shelf while it is in use.
        let kept = shelf.iter().any(|idle| Arc::ptr_eq(&idle.connection.alive, &connection.alive));
        if !kept && shelf.len() < limits.idle_per_origin {
            shelf.push(Idle { connection, since: Stopwatch::start() });
            shelves.total += 1;
        }
    }
}

impl Shelves {
    fn sweep(&mut self, limits: &PoolLimits) {
        for shelf in self.by_origin.values_mut() {
            shelf.retain(|idle| idle.since.elapsed() < limits.idle_for && idle.connection.is_usable());
        }
        self.by_origin.retain(|_, shelf| !shelf.is_empty());
        self.total = self.by_origin.values().map(Vec::len).sum();
    }
}
