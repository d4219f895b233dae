//! How many in which time, exactly.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use crate::scenario::units;

/// So many arrivals in a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    per_ns: u64,
}

/// A rate that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RateError(String);

impl Rate {
    /// The fastest: ten million a second, more than any generator makes.
    pub const MAX_PER_SECOND: u64 = 10_000_000;

    /// `count` in each `per`.
    ///
    /// # Errors
    /// When the span is zero or longer than ten years, or the rate is above [`Rate::MAX_PER_SECOND`].
    pub fn new(count: u32, per: Duration) -> Result<Self, RateError> {
        if per.is_zero() || per > units::MAX_SPAN {
            return Err(RateError("the period is zero, or longer than ten years".to_owned()));
        }
        let per_ns = u64::try_from(per.as_nanos()).expect("ten years are fewer than 2^64 nanoseconds");
        if u128::from(count) * 1_000_000_000 > u128::from(per_ns) * u128::from(Self::MAX_PER_SECOND) {
            return Err(RateError(format!("faster than {} a second", Self::MAX_PER_SECOND)));
        }
        Ok(Self { count, per_ns })
    }

    /// A rate in thousandths of an arrival a second; at most [`Rate::MAX_PER_SECOND`], and never more than fits.
    #[must_use]
    pub fn from_milli(milli: u64) -> Self {
        let milli = u32::try_from(milli).unwrap_or(u32::MAX);
        Self { count: milli, per_ns: 1_000_000_000_000 }
    }

    /// No arrivals at all; of use as the base of a burst, or as an end of a ramp.
    pub const ZERO: Self = Self { count: 0, per_ns: 1_000_000_000 };

    /// How many there are in each [`Rate::per_ns`].
    #[must_use]
    pub const fn count(self) -> u32 {
        self.count
    }

    /// The span in nanoseconds.
    #[must_use]
    pub const fn per_ns(self) -> u64 {
        self.per_ns
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.count == 0
    }

    /// Whether this is no more than `other`, exactly.
    #[must_use]
    pub fn at_most(self, other: Self) -> bool {
        u128::from(self.count) * u128::from(other.per_ns) <= u128::from(other.count) * u128::from(self.per_ns)
    }

    /// Arrivals in a second, for people and for comparisons with what was measured.
    #[must_use]
    pub fn per_second(self) -> f64 {
        f64::from(self.count) * 1e9 / self.per_ns as f64
    }
}

impl FromStr for Rate {
    type Err = RateError;

    /// `2000/s`, `3/10s`, `100/m`; a plain `2000` is 2000 a second.
    fn from_str(text: &str) -> Result<Self, RateError> {
        let text = text.trim();
        if let Ok(count) = text.parse::<NonZeroU32>() {
            return Self::new(count.get(), Duration::from_secs(1));
        }
        let (count, per) = units::rate(text).map_err(RateError)?;
        Self::new(count.get(), per)
    }
}

impl fmt::Display for Rate {
    /// Arrivals a second where that is a whole number, else as it was given.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scaled = u128::from(self.count) * 1_000_000_000;
        let per = u128::from(self.per_ns);
        if scaled.is_multiple_of(per) {
            write!(f, "{}/s", scaled / per)
        } else if self.per_ns == 1_000_000_000_000 {
            let text = format!("{}.{:03}", self.count / 1_000, self.count % 1_000);
            write!(f, "{}/s", text.trim_end_matches('0'))
        } else {
            write!(f, "{}/{:?}", self.count, Duration::from_nanos(self.per_ns))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_written() {
        let shown = |text: &str| text.parse::<Rate>().map(|rate| rate.to_string());
        assert_eq!(shown("2000/s"), Ok("2000/s".to_owned()));
        assert_eq!(shown("2000"), Ok("2000/s".to_owned()));
        assert_eq!(shown("120/m"), Ok("2/s".to_owned()));
        assert_eq!(shown("100/m"), Ok("100/60s".to_owned()));
        assert_eq!(shown("3/10s"), Ok("3/10s".to_owned()));
        assert_eq!(Rate::from_milli(1_250).to_string(), "1.25/s");
        for wrong in ["", "0", "0/s", "x", "-1", "1/0s", "10000001/s", "1.5/s"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_are_compared_exactly() {
        let rate = |text: &str| text.parse::<Rate>().unwrap();
        assert!(rate("1/3s").at_most(rate("20/m")) && rate("20/m").at_most(rate("1/3s")));
        assert!(!rate("21/m").at_most(rate("1/3s")));
        assert!(Rate::ZERO.at_most(rate("1/d")));
    }
}
