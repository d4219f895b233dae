//! Notifications that were held for a downtime, and are then released: all at once, or under a limit.

use std::num::NonZeroU64;
use std::time::Duration;

use super::document::format;
use super::rate::Rate;
use super::record::Recorder;
use super::shape::{Schedule, Shape, ShapeError};

/// How long the downtime was that the bodies tell of: they are up to so old when they are released.
pub(super) const WINDOW: Duration = Duration::from_secs(3_600);

/// How much earlier than the limit allows a request may start before the limit counts as broken: what a network and a
/// busy machine move a send by.
const JITTER: Duration = Duration::from_millis(10);

/// The due times of `held` notifications under `limit`.
pub(super) fn schedule(held: NonZeroU64, limit: Rate) -> Result<Schedule, ShapeError> {
    // Rounded down, and more than the last one's due time: so exactly `held` are due within it.
    let span = u128::from(held.get()) * u128::from(limit.per_ns()) / u128::from(limit.count().max(1));
    let span = Duration::from_nanos(u64::try_from(span).unwrap_or(u64::MAX));
    Schedule::new(Shape::Constant(limit), span)
}

/// The time between two requests under `limit`.
pub(super) fn spacing(limit: Rate) -> Duration {
    Duration::from_nanos(limit.per_ns().div_ceil(u64::from(limit.count().max(1))))
}

/// Measures how many requests started at once, beyond what a limit lets through in the time: a leaky bucket. In any
/// span, no more started than the limit allows and this many.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    per_second: f64,
    level: f64,
    last: Duration,
    peak: f64,
}

impl Meter {
    pub(super) fn new(limit: Rate) -> Self {
        Self { per_second: limit.per_second(), level: 0.0, last: Duration::ZERO, peak: 0.0 }
    }

    /// A request started.
    pub(super) fn start(&mut self, at: Duration) {
        let since = at.saturating_sub(self.last).as_secs_f64();
        self.level = (self.level - since * self.per_second).max(0.0) + 1.0;
        self.last = self.last.max(at);
        self.peak = self.peak.max(self.level);
    }

    /// Whether the limit held: one at a time, and what jitter moves together.
    pub(super) fn held(&self) -> bool {
        self.peak <= 2.0 + self.per_second * JITTER.as_secs_f64()
    }
}

/// What a drain showed.
pub(super) fn told(
    held: NonZeroU64,
    limit: Option<Rate>,
    recorder: &Recorder,
    meter: Option<&Meter>,
) -> format::Drain {
    let all = recorder.acknowledged == held.get();
    let micros = u64::try_from(recorder.last_end.as_micros()).unwrap_or(u64::MAX);
    format::Drain {
        held: held.get(),
        caught_up_us: all.then_some(micros),
        rate_limit: limit.map(|limit| limit.to_string()),
        rate_limit_held: meter.map(Meter::held),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_those_that_were_held_are_due() {
        for limit in ["1/s", "3/s", "7/10s", "999/s", "1000000/s", "9999999/s"] {
            let limit: Rate = limit.parse().unwrap();
            for held in [1, 2, 3, 10, 49_999] {
                let schedule = schedule(NonZeroU64::new(held).unwrap(), limit).unwrap();
                assert_eq!(schedule.count(), held, "{limit}");
            }
        }
    }

    #[test]
    fn a_limit_is_broken_by_what_comes_too_close_together() {
        let limit: Rate = "100/s".parse().unwrap();
        let mut even = Meter::new(limit);
        (0..1_000).for_each(|k| even.start(Duration::from_millis(10 * k)));
        assert!(even.held());
        let mut pairs = Meter::new(limit);
        (0..1_000).for_each(|k| pairs.start(Duration::from_millis(20 * (k / 2))));
        assert!(pairs.held(), "a pair is jitter");
        let mut bunch = Meter::new(limit);
        (0..1_000).for_each(|k| bunch.start(Duration::from_millis(100 * (k / 10))));
        assert!(!bunch.held());
        let mut fast = Meter::new(limit);
        (0..1_000).for_each(|k| fast.start(Duration::from_millis(9 * k)));
        assert!(!fast.held());
    }
}
