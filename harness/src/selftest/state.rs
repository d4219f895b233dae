//! What a specimen remembers, and what its connections share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pns_engine::EventType;
use pns_simulator::clock::Stopwatch;
use pns_simulator::pull::Paths;
use pns_simulator::schema::Pack;
use pns_simulator::secret::ApiKey;
use pns_simulator::world::{Call, Places, RfpId, Said};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::message::Reply;
use super::plan::{Later, Plan};
use crate::puller::{NoAccess, PullAccess, Puller, path_of};

/// Event ids remembered; more are acknowledged and forgotten. Ten times what a whole `pns check` sends.
const EVENTS_MAX: usize = 200_000;

/// Effects remembered of one event: enough to tell any number of duplicates from one.
const EFFECTS_MAX: usize = 10_000;

/// What a specimen makes of a notification that is in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) event_id: String,
    pub(super) event_type: String,
    pub(super) rfp_id: Option<String>,
    pub(super) timestamp: Option<String>,
    /// The RFP that it is about.
    pub(super) rfp: Option<RfpId>,
    /// The call of the pull API that it leads to.
    pub(super) call: Option<Call>,
}

/// Where the built-in schema packs have ids.
static PLACES: LazyLock<Places> = LazyLock::new(|| {
    let pack = Pack::builtin(Pack::BUILTIN[0]).expect("the first built-in pack is built in");
    Places::from(pack.roles())
});

impl Note {
    /// Reads an object that has the two fields no receiver can do without.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let event_type = text("eventType")?;
        let said = event_type
            .parse()
            .ok()
            .and_then(|event_type: EventType| Said::read(&PLACES, event_type, value.to_string().as_bytes()));
        Some(Self {
            event_id: text("eventId").filter(|id| (1..=256).contains(&id.len()))?,
            event_type,
            rfp_id: text("rfpId"),
            timestamp: text("eventTimestamp"),
            rfp: said.as_ref().and_then(|said| said.rfp),
            call: said.as_ref().and_then(Call::after),
        })
    }
}

#[derive(Clone, Debug, Default)]
struct Event {
    event_type: String,
    received: u64,
    /// When each effect shows, in time since the start.
    effects: Vec<Duration>,
}

/// What is remembered. The public fields are there for the bugs that need them.
#[derive(Debug, Default)]
pub(super) struct State {
    events: BTreeMap<String, Event>,
    /// Requests begun.
    pub(super) requests: u64,
    /// Requests under way.
    pub(super) in_flight: usize,
    /// Requests that broke off.
    pub(super) broken: u64,
    /// Answers of 4xx and 5xx given.
    pub(super) refused: u64,
    /// Answers of 401 and 403 given.
    pub(super) unauthorized: u64,
    /// Places taken for ever.
    pub(super) places_leaked: usize,
    /// Event ids after which was pulled.
    pub(super) followed: BTreeSet<String>,
    /// Keys of a deduplication other than by event id.
    pub(super) seen: BTreeSet<String>,
    /// What a careless program keeps of its present request outside of it.
    pub(super) present: Option<Note>,
    pub(super) present_reply: Option<Reply>,
    /// Notifications acknowledged and not yet stored.
    pub(super) queue: Vec<Note>,
    /// The present second, and the requests in it.
    pub(super) second: (u64, u32),
    /// When a worker will be done with what it has.
    pub(super) done_at: Vec<Duration>,
}

impl State {
    pub(super) fn receive(&mut self, note: &Note) {
        if let Some(event) = self.event(note) {
            event.received += 1;
        }
    }

    /// Whether the event has had its effect, or will have.
    pub(super) fn has_processed(&self, event_id: &str) -> bool {
        self.events.get(event_id).is_some_and(|event| !event.effects.is_empty())
    }

    /// Lets the notification take effect, once more if it has.
    pub(super) fn process(&mut self, note: &Note, shows: Duration) {
        if let Some(event) = self.event(note)
            && event.effects.len() < EFFECTS_MAX
        {
            event.effects.push(shows);
            event.event_type.clone_from(&note.event_type);
        }
    }

    fn event(&mut self, note: &Note) -> Option<&mut Event> {
        if self.events.len() >= EVENTS_MAX && !self.events.contains_key(&note.event_id) {
            return None;
        }
        let event = self.events.entry(note.event_id.clone()).or_default();
        if event.event_type.is_empty() {
            event.event_type.clone_from(&note.event_type);
        }
        Some(event)
    }

    /// What the probe tells of an event.
    pub(super) fn inspect(&self, event_id: &str, now: Duration) -> Option<Value> {
        let event = self.events.get(event_id)?;
        let processed = event.effects.iter().filter(|shows| **shows <= now).count();
        Some(serde_json::json!({
            "eventId": event_id,
            "eventType": event.event_type,
            "received": event.received,
            "processed": processed,
        }))
    }

    pub(super) fn note_reply(&mut self, reply: &Reply) {
        let Some(status) = reply.status() else { return };
        self.refused += u64::from(status >= 400);
        self.unauthorized += u64::from(status == 401 || status == 403);
    }
}

/// What the connections of one server share.
pub(super) struct Shared {
    pub(super) plan: Plan,
    pub(super) key: Option<ApiKey>,
    pub(super) uptime: Stopwatch,
    /// Counts crashes; the acceptor obeys.
    pub(super) crashes: watch::Sender<u32>,
    /// What it pulls with; `None`: it has no pull side.
    pub(super) client: Option<Client>,
    state: Mutex<State>,
    /// Pulls under way, which end with the server.
    pulls: Mutex<JoinSet<()>>,
}

/// A specimen's way to the pull API.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) puller: Puller,
    paths: Arc<Paths>,
}

impl Client {
    /// A client of the API at `access`.
    ///
    /// # Errors
    /// When it cannot be called at all.
    pub(super) fn of(access: &PullAccess) -> Result<Self, NoAccess> {
        let puller = Puller::known(access)?;
        Ok(Self { puller, paths: Arc::new(Paths::default()) })
    }

    /// Where a call is made.
    pub(super) fn path(&self, call: &Call) -> String {
        path_of(&self.paths, call)
    }

    /// Makes a call, with patience.
    pub(super) async fn pull(&self, call: &Call) {
        self.puller.get_patiently(&self.path(call)).await;
    }
}

impl Shared {
    pub(super) fn new(plan: Plan, key: Option<ApiKey>, client: Option<Client>) -> Self {
        Self {
            client,
            pulls: Mutex::default(),
            plan,
            key,
            uptime: Stopwatch::start(),
            crashes: watch::channel(0).0,
            state: Mutex::new(State::default()),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does it beside all else, for as long as the server runs.
    pub(super) fn spawn(&self, work: Later<()>) {
        let mut pulls = self.pulls.lock().unwrap_or_else(PoisonError::into_inner);
        while pulls.try_join_next().is_some() {}
        pulls.spawn(work);
    }

    /// How many of those go on.
    pub(super) fn pulls_under_way(&self) -> usize {
        let mut pulls = self.pulls.lock().unwrap_or_else(PoisonError::into_inner);
        while pulls.try_join_next().is_some() {}
        pulls.len()
    }

    /// Lets the effect take place now.
    pub(super) fn process(&self, note: &Note) {
        self.state().process(note, self.uptime.elapsed());
    }
}
