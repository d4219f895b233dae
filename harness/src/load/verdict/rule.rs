//! Rules such as `rate<-5%` and `p99>+20%`: what makes a difference from a baseline a failure.

use std::fmt;
use std::str::FromStr;

use super::{Claim, Figure, Outcome};

/// How many standard deviations of a difference count as noise.
const NOISE: f64 = 2.0;

/// A figure that runs are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Acknowledgements a second; of a search, its maximum.
    Rate,
    /// The share that was acknowledged.
    Accept,
    /// The latency that half stay below.
    P50,
    /// 90 %.
    P90,
    /// 99 %.
    P99,
    /// 99.9 %.
    P999,
    /// The longest latency.
    Max,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Rate, Self::Accept, Self::P50, Self::P90, Self::P99, Self::P999, Self::Max];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Accept => "accept",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
            Self::Max => "max",
        }
    }

    pub(super) const fn index(self) -> usize {
        self as usize
    }

    pub(super) const fn quantile(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P90 => 0.9,
            Self::P99 => 0.99,
            Self::P999 => 0.999,
            Self::Rate | Self::Accept | Self::Max => 1.0,
        }
    }

    fn shown(self, value: f64) -> String {
        match self {
            Self::Rate => format!("{value:.1}/s"),
            Self::Accept => format!("{:.3}%", value * 100.0),
            _ => format!("{:.3} ms", value * 1e3),
        }
    }
}

/// The direction in which a change is a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Less is worse: `rate<-5%`.
    Falls,
    /// More is worse: `p99>+20%`.
    Rises,
}

/// A change that fails a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// Of what.
    pub metric: Metric,
    /// Which way.
    pub direction: Direction,
    /// By more than this share of the baseline: 0.05 for 5 %.
    pub share: f64,
}

/// A text that is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no rule such as `rate<-5%` or `p99>+20%`; there are rate, accept, p50, p90, p99, p99.9 and max"
)]
pub struct RuleError(String);

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let wrong = || RuleError(text.to_owned());
        let place = text.find(['<', '>']).ok_or_else(wrong)?;
        let (name, rest) = text.split_at(place);
        let metric = Metric::ALL.into_iter().find(|metric| metric.name() == name.trim()).ok_or_else(wrong)?;
        let (direction, sign) =
            if rest.starts_with('<') { (Direction::Falls, '-') } else { (Direction::Rises, '+') };
        let number = rest[1..].trim().strip_prefix(sign).and_then(|rest| rest.strip_suffix('%'));
        let number = number.filter(|number| number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
        let percent: f64 = number.and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
        // Nothing falls by more than all of it.
        if percent > 1_000_000.0 || direction == Direction::Falls && percent >= 100.0 {
            return Err(wrong());
        }
        Ok(Self { metric, direction, share: percent / 100.0 })
    }
}

impl fmt::Display for Rule {
    /// As it is read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.direction {
            Direction::Falls => "<-",
            Direction::Rises => ">+",
        };
        let percent = format!("{:.6}", self.share * 100.0);
        write!(f, "{}{sign}{}%", self.metric.name(), percent.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl Rule {
    /// The change as a share of what was before, and how far it is for the worse.
    fn change(&self, before: f64, now: f64) -> (f64, f64) {
        let change = (now - before) / before;
        let worse = match self.direction {
            Direction::Falls => -change,
            Direction::Rises => change,
        };
        (change, worse)
    }

    /// Whether the change is one that the rule lets pass, noise aside.
    pub(super) fn allows(&self, before: f64, now: f64) -> bool {
        // A figure that is exactly at its threshold is not beyond it, whatever the last bit says.
        before > 0.0 && self.change(before, now).1 <= self.share + 1e-9
    }

    /// Judges a figure by the baseline's.
    pub(super) fn judge(&self, before: Option<Figure>, now: Option<Figure>) -> Claim {
        let demanded = format!("not {self} of the baseline");
        let (Some(before), Some(now)) = (before, now) else {
            let which = if before.is_none() { "the baseline" } else { "this run" };
            let found = format!("{which} has no {}", self.metric.name());
            return Claim { demanded, found, outcome: Outcome::Unknown };
        };
        if before.value <= 0.0 {
            let found =
                format!("the baseline's {} is 0, of which there are no percentages", self.metric.name());
            return Claim { demanded, found, outcome: Outcome::Unknown };
        }
        let (change, worse) = self.change(before.value, now.value);
        // Each by its own size: what is three times slower also lies three times further apart.
        let noise = NOISE * before.relative().hypot(now.relative());
        let outcome = if self.allows(before.value, now.value) {
            Outcome::Held
        } else if worse <= noise {
            Outcome::HeldWithinNoise
        } else {
            Outcome::Broke
        };
        let mut found = format!(
            "{} after {} ({:+.1}%, noise ±{:.1}%)",
            self.metric.shown(now.value),
            self.metric.shown(before.value),
            change * 100.0,
            noise * 100.0
        );
        if outcome == Outcome::HeldWithinNoise {
            found.push_str(": no more than noise; longer runs tell smaller differences");
        }
        Claim { demanded, found, outcome }
    }
}
