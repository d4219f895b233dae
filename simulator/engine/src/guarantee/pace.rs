//! Guarantees about when, how fast and how many at once.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use super::{Finding, Findings, Guarantee, Run};
use crate::rate_limit::RateLimit;
use crate::record::Happened;
use crate::time::{Timestamp, nanos};

/// [`Guarantee::NothingInDowntime`], judged from what was announced, not from when the sender says that it
/// opened and closed windows.
#[must_use]
pub fn nothing_in_downtime(run: &Run<'_>) -> Vec<Finding> {
    let mut findings = Findings::of(Guarantee::NothingInDowntime);
    let mut windows = BTreeMap::new();
    for record in run.records {
        let at = record.at;
        match record.event {
            Happened::WindowAnnounced { window, subscription, from, until } => {
                windows.insert(window, (subscription, from, until));
            }
            Happened::WindowExtended { window, until } => {
                if let Some(window) = windows.get_mut(&window) {
                    window.2 = until;
                }
            }
            Happened::WindowCancelled { window } => {
                windows.remove(&window);
            }
            // A window over by the present instant can hold nothing any more; one closed too early still can.
            Happened::WindowClosed { .. } => windows.retain(|_, (_, _, until)| at < *until),
            Happened::AttemptStarted { delivery, number, .. } => {
                let subscription = run.whose.get(&delivery);
                for (window, (whose, from, until)) in &windows {
                    if Some(whose) == subscription && *from <= at && at < *until {
                        findings.push(at, delivery, format!("attempt {number} started in window {window}"));
                    }
                }
            }
            _ => {}
        }
    }
    findings.1
}

/// [`Guarantee::WithinRateLimit`]: a limit holds in every span that begins at the last start before it was
/// set, or later. Judged by a leaky bucket in exact integers.
#[must_use]
pub fn within_rate_limit(run: &Run<'_>) -> Vec<Finding> {
    /// The bucket: `level` in units of one attempt × `per` nanoseconds, as it was at `last`.
    #[derive(Default)]
    struct Bucket {
        limit: Option<RateLimit>,
        level: u128,
        last: Option<Timestamp>,
    }
    let mut findings = Findings::of(Guarantee::WithinRateLimit);
    let mut buckets: BTreeMap<_, Bucket> = BTreeMap::new();
    for record in run.records {
        let at = record.at;
        match record.event {
            Happened::SubscriptionAdded { subscription } => {
                buckets.insert(subscription, Bucket::default());
            }
            Happened::RateLimitSet { subscription, rate_limit } => {
                let bucket = buckets.entry(subscription).or_default();
                if bucket.limit != rate_limit {
                    bucket.limit = rate_limit;
                    let started = rate_limit.filter(|_| bucket.last.is_some());
                    bucket.level = started.map_or(0, |limit| u128::from(nanos(limit.per())));
                }
            }
            Happened::AttemptStarted { delivery, number, .. } => {
                let Some(bucket) = run.whose.get(&delivery).and_then(|s| buckets.get_mut(s)) else {
                    continue;
                };
                if let Some(limit) = bucket.limit {
                    let per = u128::from(nanos(limit.per()));
                    let span = bucket.last.map_or(0, |last| u128::from(nanos(at.since(last))));
                    let drained = span * u128::from(limit.count().get());
                    bucket.level = bucket.level.saturating_sub(drained) + per;
                    if bucket.level > u128::from(limit.burst().get()) * per {
                        let text = format!(
                            "attempt {number} starts faster than {} per {:?} with a burst of {}",
                            limit.count(),
                            limit.per(),
                            limit.burst()
                        );
                        findings.push(at, delivery, text);
                    }
                }
                bucket.last = Some(at);
            }
            _ => {}
        }
    }
    findings.1
}

/// [`Guarantee::ConcurrencyBounded`].
#[must_use]
pub fn concurrency_bounded(run: &Run<'_>) -> Vec<Finding> {
    let mut findings = Findings::of(Guarantee::ConcurrencyBounded);
    let mut in_flight: BTreeMap<_, u32> = BTreeMap::new();
    for record in run.records {
        match record.event {
            Happened::AttemptStarted { delivery, .. } => {
                let Some(subscription) = run.whose.get(&delivery) else { continue };
                let count = in_flight.entry(*subscription).or_default();
                *count += 1;
                let bound = run.settings.get(subscription).map(|s| s.concurrency.get());
                if let Some(bound) = bound.filter(|bound| *count > *bound) {
                    let text = format!("{count} attempts in flight where {bound} are the bound");
                    findings.push(record.at, delivery, text);
                }
            }
            Happened::AttemptAcknowledged { delivery, .. } | Happened::AttemptFailed { delivery, .. } => {
                if let Some(count) = run.whose.get(&delivery).and_then(|s| in_flight.get_mut(s)) {
                    *count = count.saturating_sub(1);
                }
            }
            _ => {}
        }
    }
    findings.1
}
