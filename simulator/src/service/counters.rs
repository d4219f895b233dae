//! What is counted since the start, for `/metrics`. Counting waits for nobody.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pns_engine::Outcome;

use super::model::{AttemptCount, LatencyHistogram};
use crate::transport::Exchange;

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) published: AtomicU64,
    pub(super) delivered: AtomicU64,
    pub(super) abandoned: AtomicU64,
    /// Over all starts: the journal's count and what came since.
    pub(super) possible_duplicates: AtomicU64,
    /// As of the latest look for what may go.
    pub(super) journal_bytes: AtomicU64,
    acknowledged: AtomicU64,
    /// By reason: there are two dozen.
    failed: Mutex<BTreeMap<&'static str, u64>>,
    new_connections: AtomicU64,
    reused_connections: AtomicU64,
    /// One for each of [`LatencyHistogram::BOUNDS`], and one beyond.
    latencies: [AtomicU64; LatencyHistogram::BOUNDS.len() + 1],
    latency_micros: AtomicU64,
}

impl Counters {
    /// One more.
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Relaxed);
    }

    /// An attempt ended.
    pub(super) fn count_attempt(&self, outcome: Outcome, exchange: &Exchange) {
        match outcome {
            Outcome::Acknowledged(_) => {
                Self::count(&self.acknowledged);
                if let Some(span) = exchange.timings.acknowledge {
                    self.count_latency(span);
                }
            }
            Outcome::Failed(reason) => self.count_failure(reason.name()),
        }
        if exchange.remote.is_some() {
            Self::count(if exchange.reused { &self.reused_connections } else { &self.new_connections });
        }
    }

    /// An attempt failed.
    pub(super) fn count_failure(&self, reason: &'static str) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }

    fn count_latency(&self, span: Duration) {
        let seconds = span.as_secs_f64();
        let place = LatencyHistogram::BOUNDS.partition_point(|bound| *bound < seconds);
        Self::count(&self.latencies[place]);
        self.latency_micros.fetch_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Attempts by what came of them.
    pub(super) fn attempts(&self) -> Vec<AttemptCount> {
        let acknowledged = AttemptCount { outcome: "acknowledged", count: self.acknowledged.load(Relaxed) };
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = failed.iter().map(|(outcome, count)| AttemptCount { outcome, count: *count });
        std::iter::once(acknowledged).chain(failed).collect()
    }

    /// How long acknowledgements took.
    pub(super) fn latencies(&self) -> LatencyHistogram {
        let bounds = LatencyHistogram::BOUNDS.into_iter().chain([f64::INFINITY]);
        let counts = self.latencies.iter().map(|count| count.load(Relaxed));
        let sum = Duration::from_micros(self.latency_micros.load(Relaxed)).as_secs_f64();
        LatencyHistogram { buckets: bounds.zip(counts).collect(), sum }
    }

    /// Attempts on new and on kept-alive connections.
    pub(super) fn connections(&self) -> (u64, u64) {
        (self.new_connections.load(Relaxed), self.reused_connections.load(Relaxed))
    }
}
