//! How the service is.

use pns_engine::Backlog;
use schemars::JsonSchema;
use serde::Serialize;

use super::clock::ClockView;

/// Deliveries that are not delivered, by state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct BacklogView {
    /// Due later.
    pub waiting: u64,
    /// Due, and held by a downtime window or a pause.
    pub held: u64,
    /// Due, and next in turn.
    pub ready: u64,
    /// With an attempt in flight.
    pub in_flight: u64,
}

impl BacklogView {
    /// All together.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.waiting + self.held + self.ready + self.in_flight
    }
}

impl From<Backlog> for BacklogView {
    fn from(backlog: Backlog) -> Self {
        let count = |n: usize| n as u64;
        Self {
            waiting: count(backlog.waiting),
            held: count(backlog.held),
            ready: count(backlog.ready),
            in_flight: count(backlog.in_flight),
        }
    }
}

impl std::ops::AddAssign for BacklogView {
    fn add_assign(&mut self, other: Self) {
        self.waiting += other.waiting;
        self.held += other.held;
        self.ready += other.ready;
        self.in_flight += other.in_flight;
    }
}

/// The service at one look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatusView {
    /// The program's version.
    pub version: String,
    /// The service's seed: with a notification's id it makes its body.
    pub seed: u64,
    /// PNS time.
    pub clock: ClockView,
    /// How many subscriptions there are.
    pub subscriptions: u64,
    /// Deliveries that are not delivered, of all subscriptions.
    pub backlog: BacklogView,
    /// Deliveries that a receiver may have got twice because the service was stopped while an attempt was in flight.
    pub possible_duplicates: u64,
    /// Whether work goes on.
    pub health: HealthView,
}

/// Whether the service can do its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HealthView {
    /// Whether it takes notifications and delivers them.
    pub ready: bool,
    /// Why not, as a fragment of a sentence.
    pub reasons: Vec<String>,
}
