//! How fast attempts may start: the generic cell rate algorithm, in exact integers.
//!
//! *Documented*: PNS can be configured not to send faster than the client accepts. Unit and default are
//! unknown: *settings* (default: no limit). Within any span `T`, at most `rate × T + burst` attempts start.

use core::num::NonZeroU32;
use core::time::Duration;

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
}

/// The meter of one subscription: the theoretical arrival time of the next evenly spaced start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meter {
    theoretical: u64,
}

impl Meter {
    /// The first instant at which an attempt may start.
    pub(crate) fn free_at(self, limit: &RateLimit) -> Timestamp {
        let tolerance = limit.interval() * (u64::from(limit.burst().get()) - 1);
        Timestamp::from_nanos(self.theoretical.saturating_sub(tolerance))
    }

    /// Counts a start at `now`.
    pub(crate) fn count(&mut self, limit: &RateLimit, now: Timestamp) {
        debug_assert!(self.free_at(limit) <= now, "a start before the rate limit allows it");
        self.theoretical = self.theoretical.max(now.as_nanos()).saturating_add(limit.interval());
    }
}
