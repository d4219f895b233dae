//! Figures for `/metrics`, at one moment. Labels are bounded: states, outcomes and reasons, never ids or addresses.

use std::time::Duration;

use super::status::BacklogView;

/// All figures.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct MetricsSnapshot {
    /// Subscriptions.
    pub subscriptions: u64,
    /// Deliveries that are not delivered, by state.
    pub backlog: BacklogView,
    /// How long the delivery that is due longest has been due; zero: none is.
    pub oldest_past_due: Duration,
    /// Notifications published since the start.
    pub published: u64,
    /// Deliveries delivered since the start.
    pub delivered: u64,
    /// Deliveries given up since the start.
    pub abandoned: u64,
    /// Deliveries that a receiver may have got twice because the service was stopped during an attempt.
    pub possible_duplicates: u64,
    /// Attempts ended since the start, by what came of them.
    pub attempts: Vec<AttemptCount>,
    /// From the first byte written to the end of an acknowledging response.
    pub acknowledgement: LatencyHistogram,
    /// Attempts on a new connection since the start.
    pub connections_new: u64,
    /// Attempts on a kept-alive connection since the start.
    pub connections_reused: u64,
    /// Requests to the pull API since the start, by call and status.
    pub pulls: Vec<PullCount>,
    /// Transactions committed to the journal since the start.
    pub journal_commits: u64,
    /// Bytes of the journal's files.
    pub journal_bytes: u64,
}

/// How many pulls were answered alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullCount {
    /// The word for the call, or `other`.
    pub call: &'static str,
    /// The status.
    pub status: u16,
    /// How many.
    pub count: u64,
}

/// How many attempts came to one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptCount {
    /// `acknowledged`, or the reason's name as `connect-timeout`.
    pub outcome: &'static str,
    /// How many.
    pub count: u64,
}

/// Latencies by fixed bounds.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct LatencyHistogram {
    /// How many took at most so many seconds and longer than the bound before; the last bound is infinite.
    pub buckets: Vec<(f64, u64)>,
    /// All of them together, in seconds.
    pub sum: f64,
}

impl LatencyHistogram {
    /// Bounds from a fast receiver on the same machine to the default timeout, in seconds.
    pub const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0];
}
