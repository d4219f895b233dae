//! The last minutes in numbers: what was published, acknowledged and failed, in short intervals of real time.
//!
//! Fed from the service's records, and bounded: an interval has three counts, whatever happens in it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pns_engine::Happened;

use crate::clock::real_now;
use crate::service::{Heard, Records};

/// An interval in seconds.
pub(super) const INTERVAL_SECONDS: u64 = 10;
/// Intervals that are kept: ten minutes.
pub(super) const INTERVALS: usize = 60;

/// What happened in one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) published: u64,
    pub(super) acknowledged: u64,
    pub(super) failed: u64,
}

/// The intervals that had something in them.
#[derive(Debug, Default)]
pub(super) struct Series(Mutex<VecDeque<(u64, Counts)>>);

impl Series {
    /// Counts what is told, until there is no more.
    pub(super) async fn follow(&self, mut records: Records) {
        while let Some(heard) = records.next().await {
            // What was missed cannot be counted: the listener was behind 65,536 records.
            if let Heard::Record(numbered) = heard {
                self.count(real_now().as_millis() / 1_000 / INTERVAL_SECONDS, numbered.record.event);
            }
        }
    }

    fn count(&self, interval: u64, event: Happened) {
        let add: fn(&mut Counts) = match event {
            Happened::NotificationPublished { .. } => |counts| counts.published += 1,
            Happened::AttemptAcknowledged { .. } => |counts| counts.acknowledged += 1,
            Happened::AttemptFailed { .. } => |counts| counts.failed += 1,
            _ => return,
        };
        let mut kept = self.kept();
        match kept.back_mut() {
            // A clock that was set back counts in the latest interval.
            Some((last, counts)) if *last >= interval => return add(counts),
            _ => {}
        }
        let mut counts = Counts::default();
        add(&mut counts);
        kept.push_back((interval, counts));
        if kept.len() > INTERVALS {
            kept.pop_front();
        }
    }

    /// The last intervals, the oldest first, the present one last.
    pub(super) fn last(&self) -> [Counts; INTERVALS] {
        self.until(real_now().as_millis() / 1_000 / INTERVAL_SECONDS)
    }

    fn until(&self, present: u64) -> [Counts; INTERVALS] {
        let mut all = [Counts::default(); INTERVALS];
        for (interval, counts) in self.kept().iter() {
            let age = usize::try_from(present.saturating_sub(*interval)).unwrap_or(usize::MAX);
            if age < INTERVALS {
                all[INTERVALS - 1 - age] = *counts;
            }
        }
        all
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(u64, Counts)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use pns_engine::{DeliveryId, FailureReason};

    use super::*;

    #[test]
    fn each_interval_has_its_own_counts_and_old_ones_go() {
        let series = Series::default();
        let failed = Happened::AttemptFailed {
            delivery: DeliveryId(1),
            number: 1,
            reason: FailureReason::Refused,
            delay: None,
        };
        let acknowledged = Happened::AttemptAcknowledged { delivery: DeliveryId(1), number: 2, status: 200 };
        series.count(100, failed);
        series.count(100, Happened::SenderRecovered);
        series.count(103, acknowledged);
        series.count(102, acknowledged);
        let last = series.until(104);
        assert_eq!(last[INTERVALS - 5], Counts { failed: 1, ..Counts::default() });
        assert_eq!(last[INTERVALS - 2], Counts { acknowledged: 2, ..Counts::default() });
        assert_eq!(last[INTERVALS - 1], Counts::default());
        for interval in 200..400 {
            series.count(interval, failed);
        }
        assert_eq!(series.kept().len(), INTERVALS);
        assert!(series.until(399).iter().all(|counts| counts.failed == 1));
        assert!(series.until(1_000).iter().all(|counts| *counts == Counts::default()));
    }
}
