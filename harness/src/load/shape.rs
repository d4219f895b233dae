//! When arrival `n` is due, fixed before the run.
//!
//! A [`Shape`] is a rate over time; its integral is how many arrivals there have been. Arrival `n` (from 0) is due
//! when the integral begins to exceed `n`, told in whole nanoseconds rounded down. The integral is computed from the
//! start of the run each time, in integers, so that nothing drifts and every machine finds the same times.

mod curve;
mod text;
mod trace;

use std::time::Duration;

use super::rate::Rate;
use curve::Curve;
pub use trace::{TRACE_LINES_MAX, TraceError};

/// The longest run: thirty days.
pub const SPAN_MAX: Duration = Duration::from_secs(30 * 86_400);

/// The most arrivals of one burst.
pub const BURST_MAX: u32 = 10_000_000;

/// How the rate changes over a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Not at all.
    Constant(Rate),
    /// In a straight line over the whole run.
    Ramp {
        /// At the start.
        from: Rate,
        /// At the end.
        to: Rate,
    },
    /// A base with bursts on top of it, the first at the start.
    Burst {
        /// Between the bursts, and beneath them.
        base: Rate,
        /// How many more arrive in each burst.
        size: u32,
        /// From the start of one burst to the start of the next.
        every: Duration,
        /// Over which time those of a burst are spread evenly; zero: all at once.
        over: Duration,
    },
    /// Up and down around a mean, beginning at the mean and rising.
    Sine {
        /// The mean.
        mean: Rate,
        /// How far above and below it; at most the mean.
        amplitude: Rate,
        /// From one top to the next.
        period: Duration,
    },
}

/// A shape that cannot be laid out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ShapeError(String);

impl ShapeError {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// The due times of a run.
#[derive(Clone, Debug)]
pub struct Schedule {
    course: Course,
    span: Duration,
    count: u64,
}

#[derive(Clone, Debug)]
enum Course {
    Curve(Curve),
    Times(Box<[u64]>),
}

impl Schedule {
    /// Lays `shape` out over `span`.
    ///
    /// # Errors
    /// When the span is zero or beyond [`SPAN_MAX`], the shape contradicts itself, or nothing would arrive.
    pub fn new(shape: Shape, span: Duration) -> Result<Self, ShapeError> {
        if span.is_zero() || span > SPAN_MAX {
            return Err(ShapeError::new("a run lasts longer than no time and at most 30 days"));
        }
        let span_ns = nanos(span);
        let curve = Curve::new(shape, span_ns)?;
        let count = curve.count(span_ns);
        if count == 0 {
            return Err(ShapeError::new("nothing arrives at all"));
        }
        Ok(Self { course: Course::Curve(curve), span, count })
    }

    /// How many arrivals there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// How long the run lasts: every arrival is due within it.
    #[must_use]
    pub const fn span(&self) -> Duration {
        self.span
    }

    /// When arrival `n` is due, from the start of the run; `None` from [`Schedule::count`] on. Never decreases.
    #[must_use]
    pub fn due(&self, n: u64) -> Option<Duration> {
        if n >= self.count {
            return None;
        }
        let nanos = match &self.course {
            Course::Curve(curve) => curve.due(n, nanos(self.span)),
            Course::Times(times) => times[usize::try_from(n).expect("less than their number")],
        };
        Some(Duration::from_nanos(nanos))
    }

    /// The rate on average.
    #[must_use]
    pub fn mean_rate(&self) -> f64 {
        self.count as f64 / self.span.as_secs_f64().max(1e-9)
    }
}

/// Spans here are bounded by days.
fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
