//! The increasing intervals between attempts of one delivery.
//!
//! *Documented*: retries go on "at increasing intervals between attempts" until delivered. First interval,
//! factor, ceiling and jitter are *settings*; Cvent publishes none of them.

use core::num::NonZeroU32;
use core::time::Duration;

use crate::time::nanos;

/// How long to wait after each failed attempt.
///
/// The delay after failure *n* is `first × factor^(n-1)`, at most `max`, lengthened by jitter. Delays of one
/// delivery never shrink, whatever the jitter draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    factor: Factor,
    max: Duration,
    jitter: Jitter,
}

/// What multiplies the delay after each failure, in thousandths: at least 1.000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Factor(NonZeroU32);

impl Factor {
    /// Twofold: the default.
    pub const TWO: Self = Self(NonZeroU32::new(2_000).expect("not zero"));

    /// A factor of `thousandths` / 1000. `None` below 1.000, by which delays would shrink.
    #[must_use]
    pub const fn from_thousandths(thousandths: u32) -> Option<Self> {
        match NonZeroU32::new(thousandths) {
            Some(value) if value.get() >= 1_000 => Some(Self(value)),
            _ => None,
        }
    }

    /// The factor in thousandths.
    #[must_use]
    pub const fn thousandths(self) -> u32 {
        self.0.get()
    }
}

/// By how much a delay may be lengthened at random, in per cent of itself. Jitter never shortens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Jitter {
    percent: u32,
}

impl Jitter {
    /// Delays exactly as computed: the default.
    pub const NONE: Self = Self { percent: 0 };

    /// Up to `percent` longer. `None` above 1000, where the setting would hide the schedule.
    #[must_use]
    pub const fn from_percent(percent: u32) -> Option<Self> {
        if percent <= 1_000 { Some(Self { percent }) } else { None }
    }

    /// The bound in per cent.
    #[must_use]
    pub const fn percent(self) -> u32 {
        self.percent
    }
}

/// Settings that are no increasing schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackoffError {
    /// A first delay of zero: retries would spin.
    #[error("the first delay is zero")]
    ZeroFirst,
    /// The ceiling lies below the first delay.
    #[error("the ceiling is below the first delay")]
    MaxBelowFirst,
}

impl Backoff {
    /// 30 s, twofold, at most 4 h, no jitter. A *setting*: Cvent's schedule is unknown.
    pub const DEFAULT: Self = Self {
        first: Duration::from_secs(30),
        factor: Factor::TWO,
        max: Duration::from_secs(4 * 3_600),
        jitter: Jitter::NONE,
    };

    /// A schedule from its settings.
    ///
    /// # Errors
    /// When `first` is zero or `max` is shorter than `first`.
    pub fn new(first: Duration, factor: Factor, max: Duration, jitter: Jitter) -> Result<Self, BackoffError> {
        if first.is_zero() {
            return Err(BackoffError::ZeroFirst);
        }
        if max < first {
            return Err(BackoffError::MaxBelowFirst);
        }
        Ok(Self { first, factor, max, jitter })
    }

    /// The delay after the first failure, before jitter.
    #[must_use]
    pub const fn first(&self) -> Duration {
        self.first
    }

    /// What multiplies the delay after each failure.
    #[must_use]
    pub const fn factor(&self) -> Factor {
        self.factor
    }

    /// The ceiling, before jitter.
    #[must_use]
    pub const fn max(&self) -> Duration {
        self.max
    }

    /// How much a delay may be lengthened at random.
    #[must_use]
    pub const fn jitter(&self) -> Jitter {
        self.jitter
    }

    /// No delay is longer than this: the ceiling plus its whole jitter.
    #[must_use]
    pub fn bound(&self) -> Duration {
        Duration::from_nanos(self.lengthen(nanos(self.max), u64::MAX))
    }

    /// The delay after a failure, in nanoseconds.
    ///
    /// `previous` is the delay chosen after the failure before (0 at the first), which this one never
    /// undercuts; `draw` is a random number that places the jitter between none (0) and whole (`u64::MAX`).
    pub(crate) fn delay_after(&self, failures: NonZeroU32, previous: u64, draw: u64) -> u64 {
        self.lengthen(self.unjittered(failures), draw).max(previous)
    }

    fn unjittered(&self, failures: NonZeroU32) -> u64 {
        let max = nanos(self.max);
        let mut delay = nanos(self.first);
        for _ in 1..failures.get() {
            if delay >= max || self.factor.thousandths() == 1_000 {
                break;
            }
            let grown = u128::from(delay) * u128::from(self.factor.thousandths()) / 1_000;
            // A span of a few nanoseconds times 1.001 would stand still for ever.
            delay = u64::try_from(grown).unwrap_or(u64::MAX).max(delay.saturating_add(1));
        }
        delay.min(max)
    }

    fn lengthen(&self, delay: u64, draw: u64) -> u64 {
        let whole = u128::from(delay) * u128::from(self.jitter.percent) / 100;
        let part = (whole * u128::from(draw)) / u128::from(u64::MAX);
        u64::try_from(u128::from(delay) + part).unwrap_or(u64::MAX)
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::DEFAULT
    }
}
