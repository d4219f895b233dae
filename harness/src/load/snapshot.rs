//! What a run looks like while it goes on: for a live view, about four times a second.

use std::time::Duration;

use super::rate::Rate;
use super::record::{Coarse, Latencies};
use super::search::Step;

/// How often a run is shown.
pub const EVERY: Duration = Duration::from_millis(250);

/// A run at one moment. Each stage counts from its own start.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What is being done.
    pub stage: Stage,
    /// Since the stage began.
    pub elapsed: Duration,
    /// How long the stage's arrivals last; `None`: until all are answered.
    pub span: Option<Duration>,
    /// Counts since the stage began.
    pub total: Counts,
    /// Counts since the snapshot before.
    pub recent: Counts,
    /// How long ago that was.
    pub recent_span: Duration,
    /// Latency of all that were acknowledged since the stage began.
    pub latency: Latencies<Coarse>,
    /// Latency of those acknowledged since the snapshot before.
    pub recent_latency: Latencies<Coarse>,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    /// Nothing: the start is agreed on, and still to come in so long.
    Waiting(Duration),
    /// The generator's own ceiling is measured, against a receiver in this process that does nothing.
    Ceiling,
    /// The run as it was asked for.
    Run,
    /// A step of the search for the highest rate.
    Step(Step),
    /// Held notifications are released, under this limit if there is one.
    Drain {
        /// How many were held.
        held: u64,
        /// The limit.
        limit: Option<Rate>,
    },
}

/// How many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Released to be sent, or not sent.
    pub due: u64,
    /// Acknowledged.
    pub acknowledged: u64,
    /// Answered by "slow down".
    pub slowed: u64,
    /// Failed otherwise.
    pub failed: u64,
    /// No request was made of it.
    pub not_sent: u64,
}

impl Counts {
    /// All that are over.
    #[must_use]
    pub const fn ended(&self) -> u64 {
        self.acknowledged + self.slowed + self.failed + self.not_sent
    }

    /// Those that wait for a connection, or for an answer.
    #[must_use]
    pub const fn pending(&self) -> u64 {
        self.due.saturating_sub(self.ended())
    }

    /// The share of those that are over that was acknowledged, from 0 to 1; `None` of none.
    #[must_use]
    pub fn acceptance(&self) -> Option<f64> {
        let ended = self.ended();
        (ended > 0).then(|| self.acknowledged as f64 / ended as f64)
    }

    pub(super) const fn add(&mut self, other: &Self) {
        self.due += other.due;
        self.acknowledged += other.acknowledged;
        self.slowed += other.slowed;
        self.failed += other.failed;
        self.not_sent += other.not_sent;
    }
}
