//! The pull side of a run: the world that is pulled from, and what was done through it.
//!
//! The server's tasks and the scenario share a [`PullSide`]. An act is planned, noted in the world and accepted at once,
//! so that a receiver that reads again sees it; its notifications are published by the scenario between two steps, so
//! that PNS time does not depend on how fast the receiver is.

mod acts;
mod claim;
mod serve;
mod steps;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pns_engine::{EventType, NotificationId, SupplierId, Timestamp};
use pns_simulator::clock::{Clock, Gear};
use pns_simulator::pull::{ActError, Counterpart};
use pns_simulator::schema::{Key, Overrides, Pack};
use pns_simulator::service::model::NotificationSpec;
use pns_simulator::world::{
    self as pulled, Act, PullFaults, PullLog, RfpId, Said, Seen, SharedWorld, Viewer, WorldSettings,
};
use serde_json::Value;
use tokio::sync::Notify;

use super::bodies::Recipe;

pub(super) use acts::Beside;
pub(super) use claim::{Await, calls, pulled, tally};
pub(crate) use serve::Serving;
pub use serve::SharedPull;
pub(super) use serve::embedded;
pub(super) use steps::{clear_faults, plan_fault, pushed_back};

/// Notifications of acts that wait to be published; more acts are refused.
const WAITING_MAX: usize = 10_000;
/// Where the numbers begin by which the world knows what acts have made: the sender's own never come so far.
const ACTED_FROM: u64 = 1 << 62;

/// The world, the log and the faults of a pull API, and what was done through it. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct PullSide {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    world: SharedWorld,
    log: PullLog,
    faults: PullFaults,
    present: Mutex<Present>,
    acted: Notify,
}

/// The scenario that is being played.
#[derive(Debug)]
struct Present {
    clock: Option<Clock>,
    now: Timestamp,
    pack: Arc<Pack>,
    seed: u64,
    /// Keeps the notifications of one scenario apart from those of others.
    scenarios: u64,
    acts: u64,
    waiting: VecDeque<Made>,
}

/// A notification that an act has made.
#[derive(Clone, Debug)]
pub(super) struct Made {
    /// Its type.
    pub event_type: EventType,
    /// The supplier that it names.
    pub supplier: Option<SupplierId>,
    /// The RFP that it is about.
    pub rfp: RfpId,
    /// How to make its body.
    pub recipe: Recipe,
}

impl PullSide {
    /// A world in which nothing has happened. `seed` draws what bodies do not say.
    pub(crate) fn new(seed: u64, pack: &Arc<Pack>) -> Self {
        // With every RFP forwardable and open to other dates, a receiver can try all calls on any of them.
        let settings = WorldSettings {
            forwardable_percent: 100,
            supplier_dates_percent: 100,
            ..WorldSettings::default()
        };
        let present = Present {
            clock: None,
            now: Timestamp::EPOCH,
            pack: Arc::clone(pack),
            seed,
            scenarios: 0,
            acts: 0,
            waiting: VecDeque::new(),
        };
        let shared = Shared {
            world: SharedWorld::new(pulled::World::new(seed, pack.roles(), settings)),
            log: PullLog::default(),
            faults: PullFaults::default(),
            present: Mutex::new(present),
            acted: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.shared.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A scenario begins: what an earlier one has planned or left over is over.
    pub(super) fn begin(&self, clock: &Clock, pack: &Arc<Pack>, seed: u64) {
        self.shared.faults.clear(None);
        let mut present = self.present();
        present.clock = Some(clock.clone());
        present.now = clock.now();
        present.pack = Arc::clone(pack);
        present.seed = seed;
        present.scenarios += 1;
        present.waiting.clear();
    }

    /// PNS time has come to `now`.
    pub(super) fn set_now(&self, now: Timestamp) {
        self.present().now = now;
    }

    /// A notification was published.
    pub(super) fn observe(&self, at: Timestamp, id: NotificationId, event_type: EventType, body: &[u8]) {
        let notification = NotificationId((self.present().scenarios << 32) | id.0);
        let seen = Seen { at, notification, event_type, body, act: None };
        self.shared.world.write(|world| world.observe(seen));
    }

    /// What a body says.
    pub(super) fn said(&self, event_type: EventType, body: &[u8]) -> Option<Said> {
        self.shared.world.read(|world| world.said(event_type, body))
    }

    /// The access log.
    pub(super) fn log(&self) -> &PullLog {
        &self.shared.log
    }

    /// The oldest notification that an act has made and that is not published yet.
    pub(super) fn next_made(&self) -> Option<Made> {
        self.present().waiting.pop_front()
    }

    /// Waits until an act has made more.
    pub(super) async fn acted(&self) {
        self.shared.acted.notified().await;
    }

    fn accept(&self, act: &Act, viewer: &Viewer) -> Result<(), ActError> {
        let mut present = self.present();
        let now = present.time();
        let planned = self.shared.world.read(|world| world.plan(act, viewer, now))?;
        if present.waiting.len() + planned.len() > WAITING_MAX {
            return Err(ActError::Unavailable("too many acts wait for the scenario's next step".to_owned()));
        }
        let mut made = Vec::with_capacity(planned.len());
        for spec in planned {
            made.push(present.make(act, spec).map_err(ActError::Unavailable)?);
        }
        for (notification, body, made) in made {
            let event_type = made.event_type;
            let seen = Seen { at: now, notification, event_type, body: &body, act: Some(act) };
            self.shared.world.write(|world| world.observe(seen));
            present.waiting.push_back(made);
        }
        drop(present);
        self.shared.acted.notify_one();
        Ok(())
    }
}

impl Present {
    fn time(&self) -> Timestamp {
        match &self.clock {
            Some(clock) if clock.gear() != Gear::Virtual => clock.now(),
            _ => self.now,
        }
    }

    /// A notification with the body by which the world knows it. The one that is sent later says the same, and has an
    /// event id and a time of its own.
    fn make(&mut self, act: &Act, spec: NotificationSpec) -> Result<(NotificationId, Vec<u8>, Made), String> {
        self.acts += 1;
        let id = NotificationId(ACTED_FROM + self.acts);
        let event_type = spec.event_type.0;
        let supplier = event_type.names_supplier().then(|| spec.supplier.map_or(act.supplier(), |one| one.0));
        let mut overrides = Overrides::new();
        let roles = self.pack.roles();
        if let Some(place) = &roles.rfp_id {
            overrides.insert(place.clone(), Value::String(act.rfp().to_string()));
        }
        if let (Some(place), Some(supplier)) = (&roles.supplier_id, supplier) {
            overrides.insert(place.clone(), Value::String(supplier.to_string()));
        }
        overrides.extend(spec.overrides.unwrap_or_default());
        let key = Key { seed: self.seed, sequence: id.0, published: self.time() };
        let body = self.pack.generate_with(event_type, key, &overrides).map_err(|error| error.to_string())?;
        let recipe = Recipe::Generated { event_type, overrides: Arc::new(overrides) };
        Ok((id, body, Made { event_type, supplier, rfp: act.rfp(), recipe }))
    }
}

impl Counterpart for PullSide {
    fn world(&self) -> &SharedWorld {
        &self.shared.world
    }

    fn log(&self) -> &PullLog {
        &self.shared.log
    }

    fn faults(&self) -> &PullFaults {
        &self.shared.faults
    }

    async fn now(&self) -> Timestamp {
        self.present().time()
    }

    async fn act(&self, act: Act, viewer: Viewer) -> Result<(), ActError> {
        self.accept(&act, &viewer)
    }
}
