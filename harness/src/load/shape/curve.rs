//! The integral of a rate over time, and its inverse.
//!
//! The integral is told in 2^-40 of an arrival, rounded down. That is finer than a nanosecond at every rate from one
//! in twenty minutes upwards, and a microsecond where a rate passes through nothing; all intermediate results fit 128 bits, because counts have 32, spans 52 bits.

use super::super::rate::Rate;
use super::{BURST_MAX, SPAN_MAX, Shape, ShapeError, nanos};

/// Bits after the point of a number of arrivals.
const FRACTION: u32 = 40;

/// A shape that has been checked, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Curve {
    Constant(Rate),
    Ramp { from: Rate, to: Rate, span: u64 },
    Burst { base: Rate, size: u32, every: u64, over: u64 },
    Sine { mean: Rate, amplitude: Rate, period: u64 },
}

impl Curve {
    pub(super) fn new(shape: Shape, span: u64) -> Result<Self, ShapeError> {
        match shape {
            Shape::Constant(rate) => Ok(Self::Constant(rate)),
            Shape::Ramp { from, to } => Ok(Self::Ramp { from, to, span }),
            Shape::Burst { base, size, every, over } => {
                if every.is_zero() || every > SPAN_MAX {
                    return Err(ShapeError::new("bursts come at most 30 days apart, and not all at once"));
                }
                if over > every {
                    return Err(ShapeError::new("a burst is over before the next begins"));
                }
                if size == 0 || size > BURST_MAX {
                    return Err(ShapeError::new(format!("a burst has from 1 to {BURST_MAX} arrivals")));
                }
                Ok(Self::Burst { base, size, every: nanos(every), over: nanos(over) })
            }
            Shape::Sine { mean, amplitude, period } => {
                if period.is_zero() || period > SPAN_MAX {
                    return Err(ShapeError::new("a period lasts longer than no time and at most 30 days"));
                }
                if !amplitude.at_most(mean) {
                    return Err(ShapeError::new(
                        "the amplitude is at most the mean: no rate is below nothing",
                    ));
                }
                Ok(Self::Sine { mean, amplitude, period: nanos(period) })
            }
        }
    }

    /// How many arrivals are due before `span` is over.
    pub(super) fn count(&self, span: u64) -> u64 {
        let count = match self {
            Self::Constant(rate) => {
                (u128::from(span) * u128::from(rate.count())).div_ceil(u128::from(rate.per_ns()))
            }
            _ => self.arrived(span).div_ceil(1 << FRACTION),
        };
        u64::try_from(count).expect("the greatest rate over the longest span is a few 10^13")
    }

    /// When arrival `n` of those before `span` is due.
    pub(super) fn due(&self, n: u64, span: u64) -> u64 {
        match self {
            Self::Constant(rate) => {
                let due = u128::from(n) * u128::from(rate.per_ns()) / u128::from(rate.count());
                u64::try_from(due).expect("before the end of the span")
            }
            // From a rate of nothing, the first is due at once; its integral is too small to be told at first.
            Self::Ramp { .. } if n == 0 => 0,
            _ => self.settle(u128::from(n) << FRACTION, self.near(n as f64), span),
        }
    }

    /// The last instant before `span` at which no more than `target` had arrived. `guess` only saves work: what is
    /// decided is decided in integers.
    fn settle(&self, target: u128, guess: f64, span: u64) -> u64 {
        // A float out of range, or no number, becomes a bound.
        let guess = (guess as u64).min(span - 1);
        let (mut low, mut high) = (0, span);
        let mut step = 1;
        if self.arrived(guess) <= target {
            low = guess;
            while step < span - low {
                if self.arrived(low + step) > target {
                    high = low + step;
                    break;
                }
                low += step;
                step *= 2;
            }
        } else {
            high = guess;
            while step < high {
                if self.arrived(high - step) <= target {
                    low = high - step;
                    break;
                }
                high -= step;
                step *= 2;
            }
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.arrived(middle) <= target {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    /// How many arrived before the instant `t`, in 2^-40.
    fn arrived(&self, t: u64) -> u128 {
        match *self {
            Self::Constant(rate) => steady(rate, t),
            Self::Ramp { from, to, span } => {
                // The rate is a mixture of both ends: `u = t²/2span` of the time is spent at `to`, the rest at `from`.
                let at_to = ((u128::from(t) * u128::from(t)) << 16) / (2 * u128::from(span));
                let at_from = (u128::from(t) << 16) - at_to;
                weighted(from, at_from) + weighted(to, at_to)
            }
            Self::Burst { base, size, every, over } => {
                let size = u128::from(size);
                let bursts = if over == 0 {
                    (size * u128::from(t.div_ceil(every))) << FRACTION
                } else {
                    let begun = u128::from((t % every).min(over));
                    ((size * u128::from(t / every)) << FRACTION)
                        + ((size * begun) << FRACTION) / u128::from(over)
                };
                steady(base, t) + bursts
            }
            Self::Sine { mean, amplitude, period } => {
                steady(mean, t) + weighted(amplitude, excess(t % period, period))
            }
        }
    }

    /// About when arrival `n` is due.
    fn near(&self, n: f64) -> f64 {
        let per_ns = |rate: Rate| f64::from(rate.count()) / rate.per_ns() as f64;
        match *self {
            Self::Constant(rate) => n / per_ns(rate),
            Self::Ramp { from, to, span } => {
                let (from, to) = (per_ns(from), per_ns(to));
                let slope = (to - from) / span as f64;
                2.0 * n / (from + (from * from + 2.0 * slope * n).max(0.0).sqrt())
            }
            Self::Burst { base, size, every, over } => {
                let (base, size, every, over) = (per_ns(base), f64::from(size), every as f64, over as f64);
                let each = base * every + size;
                let bursts = (n / each).floor();
                let rest = n - bursts * each;
                let in_burst = base * over + size;
                let within =
                    if rest < in_burst { rest / in_burst * over } else { over + (rest - in_burst) / base };
                bursts * every + within
            }
            Self::Sine { mean, amplitude, period } => {
                let (mean, amplitude, period) = (per_ns(mean), per_ns(amplitude), period as f64);
                let periods = (n / (mean * period)).floor();
                periods * period + near_sine(n - periods * mean * period, mean, amplitude, period)
            }
        }
    }
}

/// Arrivals at `rate` in `t` nanoseconds, in 2^-40.
fn steady(rate: Rate, t: u64) -> u128 {
    ((u128::from(rate.count()) * u128::from(t)) << FRACTION) / u128::from(rate.per_ns())
}

/// Arrivals at `rate` in a time told in 2^-16 nanoseconds.
fn weighted(rate: Rate, time: u128) -> u128 {
    ((u128::from(rate.count()) * time) << (FRACTION - 16)) / u128::from(rate.per_ns())
}

/// The integral of `sin(2πt / period)` up to `t < period`, in 2^-16 nanoseconds: `period/π · sin²(πt/period)`.
fn excess(t: u64, period: u64) -> u128 {
    const ONE_OVER_PI: u128 = 22_936_644_556_890_634; // 2^56 / π
    let half = sine(t.min(period - t), period);
    let squared = (half * half) >> 62;
    let height = (u128::from(period) * squared) >> (62 - 16);
    (height * ONE_OVER_PI) >> 56
}

/// `sin(πt / period)` for `2t ≤ period`, in 2^-62, by its Taylor series in integers: a library's sine differs from
/// machine to machine.
fn sine(t: u64, period: u64) -> u128 {
    const PI: u128 = 3_622_009_729_038_561_421; // 2^60 · π
    const ONE: u128 = 1 << 62;
    let x = ((u128::from(t) << 64) / u128::from(period) * PI) >> 62;
    let square = (x * x) >> 62;
    // x · (1 − x²/2·3 · (1 − x²/4·5 · (…))): thirteen terms leave less than 2^-62.
    let mut sum = ONE;
    for k in (1..=12_u128).rev() {
        sum = ONE - ((square * sum) >> 62) / (2 * k * (2 * k + 1));
    }
    (x * sum) >> 62
}

/// Newton's method, kept within brackets.
fn near_sine(n: f64, mean: f64, amplitude: f64, period: f64) -> f64 {
    let turn = std::f64::consts::TAU / period;
    let (mut low, mut high) = (0.0, period);
    let mut t = n / mean;
    for _ in 0..8 {
        let arrived = mean * t + amplitude / turn * (1.0 - (turn * t).cos());
        if arrived > n {
            high = t;
        } else {
            low = t;
        }
        t -= (arrived - n) / (mean + amplitude * (turn * t).sin());
        if !(low..=high).contains(&t) {
            t = f64::midpoint(low, high);
        }
    }
    t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_integer_sine_is_the_sine() {
        for t in 0..=500_u64 {
            let exact = (std::f64::consts::PI * t as f64 / 1_000.0).sin();
            let found = sine(t, 1_000) as f64 / (1_u64 << 62) as f64;
            assert!((exact - found).abs() < 1e-15, "{t}: {found} for {exact}");
        }
    }

    #[test]
    fn the_constants_are_what_they_say() {
        let one_over_pi = 22_936_644_556_890_634_f64 / (1_u64 << 56) as f64;
        assert!((one_over_pi * std::f64::consts::PI - 1.0).abs() < 1e-15);
        let pi = 3_622_009_729_038_561_421_f64 / (1_u64 << 60) as f64;
        assert!((pi - std::f64::consts::PI).abs() < 1e-15);
    }
}
