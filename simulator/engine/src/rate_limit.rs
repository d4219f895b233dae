//! How fast attempts may start: the generic cell rate algorithm, in exact integers.
//!
//! *Documented*: PNS can be configured not to send faster than the client accepts. Unit and default are
//! unknown: *settings* (default: no limit). Within any span `T`, at most `rate × T + burst` attempts start.

use core::num::NonZeroU32;
use core::time::Duration;

use crate::blockage::Blockage;
use crate::time::{Timestamp, nanos};

/// At most `count` attempts per `per`, with `burst` at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    count: NonZeroU32,
    per: Duration,
    burst: NonZeroU32,
}

/// Settings that are no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateLimitError {
    /// The period is zero.
    #[error("the period is zero")]
    ZeroPeriod,
    /// More than one attempt per nanosecond, the engine's resolution.
    #[error("faster than one attempt per nanosecond")]
    TooFast,
    /// A burst so large that its span does not fit the time type.
    #[error("the burst spans more than 500 years")]
    BurstTooLong,
}

impl RateLimit {
    /// At most `count` attempts per `per`; `burst` may start at the same instant (1: evenly spaced).
    ///
    /// # Errors
    /// When the rate cannot be told in whole nanoseconds; see [`RateLimitError`].
    pub fn new(count: NonZeroU32, per: Duration, burst: NonZeroU32) -> Result<Self, RateLimitError> {
        if per.is_zero() {
            return Err(RateLimitError::ZeroPeriod);
        }
        let limit = Self { count, per, burst };
        if nanos(per) < u64::from(count.get()) {
            return Err(RateLimitError::TooFast);
        }
        if limit.interval().checked_mul(u64::from(burst.get())).is_none() {
            return Err(RateLimitError::BurstTooLong);
        }
        Ok(limit)
    }

    /// Attempts per period.
    #[must_use]
    pub const fn count(&self) -> NonZeroU32 {
        self.count
    }

    /// The period.
    #[must_use]
    pub const fn per(&self) -> Duration {
        self.per
    }

    /// How many may start at one instant.
    #[must_use]
    pub const fn burst(&self) -> NonZeroU32 {
        self.burst
    }

    /// Nanoseconds between evenly spaced starts, rounded up so that the limit is never exceeded.
    pub(crate) fn interval(&self) -> u64 {
        nanos(self.per).div_ceil(u64::from(self.count.get()))
    }

    /// Nanoseconds in which a whole burst is earned.
    fn whole(&self) -> u64 {
        self.interval() * u64::from(self.burst.get())
    }
}

/// What one subscription's starts have used up of its limit: the theoretical arrival time of the next evenly
/// spaced start, and what the limit kept waiting.
///
/// **When the limit changes.** What the starts of the past have used up stays used up, in attempts; and the
/// new limit counts as though the last start before the change had used up its whole burst. So a span that
/// covers changes sees no more starts than each rate allows for its own part, plus the greatest burst; and
/// the new limit alone holds in every span that begins at the last start before the change, or later. Setting
/// the limit that is set already changes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meter {
    theoretical: u64,
    last_start: Option<Timestamp>,
    /// When the limit in force was set.
    limit_set: Timestamp,
    limited: Blockage,
}

impl Meter {
    /// The meter of a subscription whose limit was set at `limit_set`.
    pub(crate) fn new(limit_set: Timestamp) -> Self {
        Self { limit_set, ..Self::default() }
    }

    /// A meter of which no more is known than the latest start. It counts as though all that could be used up
    /// was: no start and no change of the limit leaves more than the whole burst.
    pub(crate) fn after_stop(
        limit: Option<&RateLimit>,
        limit_set: Timestamp,
        last_start: Option<Timestamp>,
    ) -> Self {
        let theoretical = match (limit, last_start) {
            (Some(limit), Some(last)) => last.max(limit_set).as_nanos().saturating_add(limit.whole()),
            _ => 0,
        };
        Self { theoretical, last_start, limit_set, limited: Blockage::default() }
    }

    /// What must be kept so that the limit holds across a stop: when it was set, and the latest start.
    pub(crate) fn kept(&self) -> (Timestamp, Option<Timestamp>) {
        (self.limit_set, self.last_start)
    }

    /// The sender has recovered at `now`: what the limit kept waiting before is forgotten.
    pub(crate) fn recover(&mut self, limit: Option<&RateLimit>, now: Timestamp) {
        self.limited = Blockage::default();
        self.note_limited(limit, now);
    }

    /// The first instant at which an attempt may start.
    pub(crate) fn free_at(&self, limit: Option<&RateLimit>) -> Timestamp {
        let Some(limit) = limit else { return Timestamp::EPOCH };
        let tolerance = limit.interval() * (u64::from(limit.burst().get()) - 1);
        Timestamp::from_nanos(self.theoretical.saturating_sub(tolerance))
    }

    /// Counts a start at `now`, and tells whether the limit had kept waiting what was due at `due`.
    pub(crate) fn count(&mut self, limit: Option<&RateLimit>, due: Timestamp, now: Timestamp) -> bool {
        let free_at = self.free_at(limit);
        assert!(free_at <= now, "invariant: nothing starts before the rate limit allows it");
        self.limited.end(free_at);
        let deferred = self.limited.deferred(due);
        self.last_start = Some(now);
        if let Some(limit) = limit {
            self.theoretical = self.theoretical.max(now.as_nanos()).saturating_add(limit.interval());
            self.note_limited(Some(limit), now);
        }
        deferred
    }

    /// Goes over from limit `old` to limit `new` at `now`.
    pub(crate) fn change(&mut self, old: Option<&RateLimit>, new: Option<&RateLimit>, now: Timestamp) {
        if old == new {
            return;
        }
        self.limited.end(self.free_at(old).min(now));
        self.limit_set = now;
        self.theoretical = match (self.last_start, new) {
            (Some(last_start), Some(new)) => {
                let whole = new.whole();
                let used = old.map_or(0, |old| {
                    let used = u128::from(self.theoretical.saturating_sub(now.as_nanos()));
                    let used = (used * u128::from(new.interval())).div_ceil(u128::from(old.interval()));
                    u64::try_from(used).unwrap_or(u64::MAX).min(whole)
                });
                let carried = now.as_nanos().saturating_add(used);
                carried.max(last_start.as_nanos().saturating_add(whole))
            }
            _ => 0,
        };
        self.note_limited(new, now);
    }

    fn note_limited(&mut self, limit: Option<&RateLimit>, now: Timestamp) {
        if self.free_at(limit) > now {
            self.limited.begin(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn limit(count: u32, per_ms: u64, burst: u32) -> RateLimit {
        let positive = |n| NonZeroU32::new(n).expect("positive");
        RateLimit::new(positive(count), Duration::from_millis(per_ms), positive(burst)).expect("a rate")
    }

    #[test]
    fn a_burst_starts_at_once_and_the_rest_evenly() {
        let limit = limit(10, 1_000, 3);
        let mut meter = Meter::default();
        for start in [5_000, 5_000, 5_000, 5_100, 5_200, 5_300] {
            assert!(meter.free_at(Some(&limit)) <= ms(start));
            meter.count(Some(&limit), ms(start), ms(start));
        }
        assert_eq!(meter.free_at(Some(&limit)), ms(5_400));
    }

    #[test]
    fn an_interval_that_is_no_whole_nanosecond_is_rounded_up() {
        assert_eq!(limit(3, 1_000, 1).interval(), 333_333_334);
    }

    #[test]
    fn deferral_is_told_of_what_was_due_while_the_limit_stood_in_the_way() {
        let limit = limit(1, 1_000, 1);
        let mut meter = Meter::default();
        assert!(!meter.count(Some(&limit), ms(0), ms(0)));
        assert!(meter.count(Some(&limit), ms(0), ms(1_000)));
        assert!(!meter.count(Some(&limit), ms(2_000), ms(2_500)), "late for another reason");
    }

    #[test]
    fn a_tighter_limit_holds_from_the_last_start_before_it() {
        let (fast, slow) = (limit(100, 1_000, 1), limit(1, 1_000, 1));
        let mut meter = Meter::default();
        meter.count(Some(&fast), ms(0), ms(0));
        meter.change(Some(&fast), Some(&slow), ms(5));
        assert_eq!(meter.free_at(Some(&slow)), ms(1_000));
    }

    #[test]
    fn a_looser_limit_does_not_forgive_what_the_old_one_counted() {
        let (slow, fast) = (limit(1, 3_600_000, 1), limit(10, 1_000, 1));
        let mut meter = Meter::default();
        meter.count(Some(&slow), ms(0), ms(0));
        meter.change(Some(&slow), Some(&fast), ms(1_000));
        let free_at = meter.free_at(Some(&fast));
        assert!(free_at > ms(1_099) && free_at <= ms(1_100), "{free_at:?}");
    }

    #[test]
    fn a_limit_after_none_starts_with_its_burst_used_up_by_the_last_start() {
        let limit = limit(1, 1_000, 5);
        let mut meter = Meter::default();
        meter.count(None, ms(0), ms(0));
        meter.change(None, Some(&limit), ms(10));
        assert_eq!(meter.free_at(Some(&limit)), ms(1_000));
        let mut idle = Meter::default();
        idle.change(None, Some(&limit), ms(10));
        assert_eq!(idle.free_at(Some(&limit)), ms(0), "nothing was used up");
    }

    #[test]
    fn the_same_limit_again_changes_nothing() {
        let limit = limit(1, 1_000, 5);
        let mut meter = Meter::default();
        meter.count(Some(&limit), ms(0), ms(0));
        meter.change(Some(&limit), Some(&limit), ms(1));
        assert_eq!(meter.free_at(Some(&limit)), ms(0));
    }
}
