//! Whether thresholds held, and whether a difference from a baseline is more than noise.
//!
//! A figure of a run is told with its noise: how far the same figure lies apart between parts of the run, as the
//! median absolute deviation, which one odd part does not move. The parts are a tenth of the run each; a whole run is
//! steadier than its tenths, so the noise is told too great rather than too small, and a build does not fail for it.

mod figure;
mod rule;

use std::time::Duration;

use super::rate::Rate;
use super::record::Recorder;
use super::search::{Bound, Finding, GENERATOR_LATE_MAX};
use super::share::Share;
pub use figure::{Figure, Figures};
pub use rule::{Direction, Metric, Rule, RuleError};

/// Rates are told to about this share of themselves: a run that is sent its least rate must not fail for a slot's edge.
const RATE_TOLERANCE: f64 = 0.01;

/// What a run must reach. `None`: anything will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Thresholds {
    /// At least this share is acknowledged.
    pub accept: Option<Share>,
    /// Half of the acknowledgements come within this.
    pub p50: Option<Duration>,
    /// 99 % of them.
    pub p99: Option<Duration>,
    /// All of them.
    pub max: Option<Duration>,
    /// At least so many are acknowledged a second, within 1 %; of a search, so many is the maximum.
    pub min_rate: Option<Rate>,
}

/// One judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What was demanded: `p99 ≤ 1 s`.
    pub demanded: String,
    /// What was found.
    pub found: String,
    /// Whether it held.
    pub outcome: Outcome,
}

impl Claim {
    /// What broke by somebody else's doing is not known.
    fn excuse(&mut self, why: &str) {
        if self.outcome == Outcome::Broke {
            self.outcome = Outcome::Unknown;
            self.found.push_str(&format!(": {why}"));
        }
    }
}

/// Whether a claim held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did.
    Held,
    /// It did only because what lies within the noise does not count.
    HeldWithinNoise,
    /// It did not.
    Broke,
    /// There is nothing to judge it by.
    Unknown,
}

impl Outcome {
    /// A stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::HeldWithinNoise => "held-within-noise",
            Self::Broke => "broke",
            Self::Unknown => "unknown",
        }
    }
}

impl Thresholds {
    /// Judges a run; `rate` is the rate that counts for `min_rate`.
    ///
    /// A generator that did not keep to its schedule proves nothing against the receiver: what breaks then, and would
    /// not break by the time of service alone, is not known.
    #[must_use]
    pub fn judge(&self, recorder: &Recorder, rate: Option<f64>) -> Vec<Claim> {
        let is_late = is_late(recorder);
        let mut claims = Vec::new();
        if let Some(accept) = self.accept {
            let (part, whole) = (recorder.acknowledged, recorder.arrivals());
            claims.push(Claim {
                demanded: format!("acceptance ≥ {accept}"),
                found: format!("{} ({part} of {whole})", percent(part, whole)),
                outcome: judged((whole > 0).then(|| accept.reached_by(part, whole))),
            });
        }
        let (latency, service) = (&recorder.latency, &recorder.service);
        for (name, limit, [found, served]) in [
            ("p50", self.p50, [latency.quantile(0.5), service.quantile(0.5)]),
            ("p99", self.p99, [latency.quantile(0.99), service.quantile(0.99)]),
            ("max", self.max, [latency.max(), service.max()]),
        ] {
            let Some(limit) = limit else { continue };
            // A cell of the histogram is told by its upper end; within it, nobody knows.
            let holds = |span: Duration| span <= limit.mul_f64(1.001);
            let mut claim = Claim {
                demanded: format!("{name} ≤ {limit:?}"),
                found: found
                    .map_or_else(|| "nothing was acknowledged".to_owned(), |found| format!("{found:?}")),
                outcome: judged(found.map(holds)),
            };
            if is_late && served.is_some_and(holds) {
                claim.excuse(LATE);
            }
            claims.push(claim);
        }
        if let Some(min_rate) = self.min_rate {
            let mut claim = Claim {
                demanded: format!("rate ≥ {min_rate}"),
                found: rate.map_or_else(|| "no rate was found".to_owned(), |rate| format!("{rate:.1}/s")),
                outcome: judged(rate.map(|rate| rate >= min_rate.per_second() * (1.0 - RATE_TOLERANCE))),
            };
            if is_late {
                claim.excuse(LATE);
            }
            claims.push(claim);
        }
        claims
    }

    /// Judges the run that confirmed what a search found. A maximum that is the generator's says nothing against the
    /// receiver.
    #[must_use]
    pub fn judge_search(&self, recorder: &Recorder, finding: &Finding) -> Vec<Claim> {
        let mut claims = self.judge(recorder, finding.max.map(Rate::per_second));
        if let (Some(_), Bound::Generator { .. }, Some(claim)) =
            (self.min_rate, finding.bound, claims.last_mut())
        {
            claim.excuse("the generator was the limit, not the receiver");
        }
        claims
    }
}

/// Why a claim is excused.
const LATE: &str = "the generator did not keep to its schedule";

/// Whether so many requests were late by the generator's doing that latencies and rates are its as well.
fn is_late(recorder: &Recorder) -> bool {
    let late = recorder.late.by_generator;
    late > 0 && GENERATOR_LATE_MAX.reached_by(late, recorder.sent())
}

fn judged(held: Option<bool>) -> Outcome {
    match held {
        Some(true) => Outcome::Held,
        Some(false) => Outcome::Broke,
        None => Outcome::Unknown,
    }
}

/// Rounded down, so that 99.99 % is not told as all.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "nothing was due".to_owned();
    }
    let thousandths = u128::from(part) * 100_000 / u128::from(whole);
    format!("{}.{:03}%", thousandths / 1_000, thousandths % 1_000)
}

/// Judges the difference of `now` from `before` by each rule. As with thresholds, what the generator's lateness explains
/// is not known.
#[must_use]
pub fn compare(rules: &[Rule], before: &Figures, now: &Figures) -> Vec<Claim> {
    let judge = |rule: &Rule| {
        let metric = rule.metric;
        let mut claim = rule.judge(before.of(metric), now.of(metric));
        if now
            .excuses(metric, |value| before.of(metric).is_some_and(|before| rule.allows(before.value, value)))
        {
            claim.excuse(LATE);
        }
        claim
    };
    rules.iter().map(judge).collect()
}

#[cfg(test)]
mod tests;
