//! The access log of the pull side: the latest pulls in a ring.
//!
//! The only part of this folder that knows of waiting: a reader may wait for more.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pns_engine::Timestamp;
use tokio::sync::watch;

use super::call::{Asked, Call, CallKind};
use crate::service::model::{Order, Page, PageRequest};

/// Pulls that are kept.
const RING_PULLS: usize = 100_000;
/// Bytes of a path that are kept.
const PATH_MAX: usize = 512;

/// One request to the pull API, answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Pull {
    /// Its place in the log; [`PullLog::push`] gives it.
    pub number: u64,
    /// When it came, in PNS time.
    pub at: Timestamp,
    /// When it came, in real time.
    pub real: Timestamp,
    /// The method.
    pub method: Arc<str>,
    /// The path, without a query.
    pub path: Arc<str>,
    /// What it was about, as far as it could be read.
    pub asked: Option<Asked>,
    /// What was asked for; none for a call that acts, and for what is no call.
    pub call: Option<Call>,
    /// Whether it was to change something.
    pub act: bool,
    /// How it was answered.
    pub status: u16,
    /// The name of the key or client that asked; empty when nobody known did. Never a secret.
    pub who: Arc<str>,
    /// The fault that it met.
    pub fault: Option<u32>,
    /// From the request to the answer, in real time.
    pub took: Duration,
}

impl Pull {
    /// Which call it was.
    #[must_use]
    pub fn kind(&self) -> Option<CallKind> {
        self.asked.map(|asked| asked.kind).or_else(|| self.call.map(|call| call.kind()))
    }

    /// Whether it was answered as asked.
    #[must_use]
    pub const fn succeeded(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

/// The latest pulls. Clones are the same log.
#[derive(Clone, Debug)]
pub struct PullLog {
    kept: Arc<Mutex<Kept>>,
    /// The number of the latest pull.
    latest: watch::Sender<u64>,
    /// Whether a pull API writes to it.
    begun: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Kept {
    ring: VecDeque<Pull>,
    /// All since the start, by call and status.
    counts: BTreeMap<(Option<CallKind>, u16), u64>,
}

impl Default for PullLog {
    fn default() -> Self {
        Self { kept: Arc::default(), latest: watch::Sender::new(0), begun: Arc::default() }
    }
}

impl PullLog {
    /// A pull API writes to it from now on: that there is no pull means something.
    pub fn begin(&self) {
        self.begun.store(true, Relaxed);
    }

    /// Whether a pull API writes to it.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.begun.load(Relaxed)
    }

    /// Adds a pull, and tells its number: from 1 on, rising by one.
    pub fn push(&self, mut pull: Pull) -> u64 {
        if pull.path.len() > PATH_MAX {
            let end = (0..=PATH_MAX).rev().find(|end| pull.path.is_char_boundary(*end)).unwrap_or(0);
            pull.path = pull.path[..end].into();
        }
        let mut kept = lock(&self.kept);
        let number = *self.latest.borrow() + 1;
        pull.number = number;
        *kept.counts.entry((pull.kind(), pull.status)).or_default() += 1;
        if kept.ring.len() == RING_PULLS {
            kept.ring.pop_front();
        }
        kept.ring.push_back(pull);
        // Told while the ring is locked, so that numbers rise.
        self.latest.send_replace(number);
        number
    }

    /// The pulls after `number`, oldest first, at most `limit` of them.
    #[must_use]
    pub fn since(&self, number: u64, limit: usize) -> Vec<Pull> {
        let kept = lock(&self.kept);
        let first = kept.ring.partition_point(|pull| pull.number <= number);
        kept.ring.range(first..).take(limit).cloned().collect()
    }

    /// Part of those that are kept and fit, by number.
    #[must_use]
    pub fn page(&self, page: &PageRequest, fits: impl Fn(&Pull) -> bool) -> Page<Pull> {
        let kept = lock(&self.kept);
        let (limit, after) = (page.limit(), page.after);
        let mut items: Vec<Pull> = match page.order {
            Order::Ascending => {
                let first = kept.ring.partition_point(|pull| after.is_some_and(|after| pull.number <= after));
                kept.ring.range(first..).filter(|pull| fits(pull)).take(limit + 1).cloned().collect()
            }
            Order::Descending => {
                let end = kept.ring.partition_point(|pull| after.is_none_or(|after| pull.number < after));
                kept.ring.range(..end).rev().filter(|pull| fits(pull)).take(limit + 1).cloned().collect()
            }
        };
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().map(|pull| pull.number).filter(|_| more);
        Page { items, next }
    }

    /// How many pulls there were since the start, by call and status; without a call what was no call.
    #[must_use]
    pub fn counts(&self) -> Vec<(Option<CallKind>, u16, u64)> {
        lock(&self.kept).counts.iter().map(|((kind, status), count)| (*kind, *status, *count)).collect()
    }

    /// All that is kept and fits, oldest first.
    #[must_use]
    pub fn filtered(&self, fits: impl Fn(&Pull) -> bool) -> Vec<Pull> {
        lock(&self.kept).ring.iter().filter(|pull| fits(pull)).cloned().collect()
    }

    /// The number of the latest pull, 0 for none.
    #[must_use]
    pub fn latest(&self) -> u64 {
        *self.latest.borrow()
    }

    /// Waits until there is a pull after `number`. Cancel-safe.
    pub async fn changed(&self, number: u64) {
        // The log itself holds the sender, so the wait does not fail.
        let mut latest = self.latest.subscribe();
        let _latest = latest.wait_for(|latest| *latest > number).await;
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pull(path: &str) -> Pull {
        Pull {
            number: 0,
            at: Timestamp::EPOCH,
            real: Timestamp::EPOCH,
            method: "GET".into(),
            path: path.into(),
            asked: None,
            call: None,
            act: false,
            status: 200,
            who: "".into(),
            fault: None,
            took: Duration::ZERO,
        }
    }

    #[test]
    fn the_latest_pulls_are_kept_and_numbered() {
        let log = PullLog::default();
        for _ in 0..RING_PULLS + 5 {
            log.push(pull("/"));
        }
        assert_eq!(log.latest(), RING_PULLS as u64 + 5);
        assert_eq!(log.since(0, 2).iter().map(|pull| pull.number).collect::<Vec<_>>(), [6, 7]);
        assert_eq!(log.since(log.latest() - 1, 10).len(), 1);
        assert_eq!(log.since(u64::MAX, 10).len(), 0);
        log.push(pull(&"é".repeat(PATH_MAX)));
        assert!(log.since(log.latest() - 1, 1)[0].path.len() <= PATH_MAX);
    }

    #[test]
    fn pages_are_stable_in_both_orders_and_counts_are_of_all() {
        let log = PullLog::default();
        for nth in 0..10 {
            log.push(Pull { status: if nth % 2 == 0 { 200 } else { 404 }, ..pull("/") });
        }
        let found = |pull: &Pull| pull.status == 404;
        for (order, wanted) in [(Order::Ascending, [2, 4, 6, 8, 10]), (Order::Descending, [10, 8, 6, 4, 2])] {
            let (mut told, mut after) = (Vec::new(), None);
            loop {
                let page = log.page(&PageRequest { after, limit: Some(2), order }, found);
                told.extend(page.items.iter().map(|pull| pull.number));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(told, wanted);
        }
        assert_eq!(log.counts(), [(None, 200, 5), (None, 404, 5)]);
    }

    #[tokio::test]
    async fn whoever_waits_is_told_of_the_next() {
        let log = PullLog::default();
        log.push(pull("/"));
        log.changed(0).await;
        let waiting = tokio::spawn({
            let log = log.clone();
            async move { log.changed(1).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        log.push(pull("/"));
        waiting.await.unwrap();
    }
}
