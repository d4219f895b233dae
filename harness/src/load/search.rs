//! Which rate to try next, until the highest that holds is known.
//!
//! The rate is doubled until it breaks, then the gap between what held and what broke is halved down to 2 %, then
//! what is left is confirmed by a longer run. A step that breaks is tried once more before it is believed, since one
//! pause proves nothing; a step that holds is believed until the confirmation says otherwise.
//!
//! The generator must not be mistaken for the receiver: nothing above a share of its own ceiling is tried, and when
//! it could not keep to its own schedule, that is what is found.

mod finding;

use std::time::Duration;

use super::rate::Rate;
use super::record::Recorder;
use super::share::Share;
use super::trend;
pub use finding::{Bound, Finding};

/// The share of the generator's ceiling up to which a receiver's maximum is named.
pub const OF_CEILING: f64 = 0.7;

/// A receiver whose latency grows by more than this in a second is falling behind: it does at least 1 % less than it
/// is sent.
pub const DRIFT_MAX: f64 = 0.01;

/// The generator kept to its schedule when no more than this share of the sends was late by its own doing.
pub(super) const GENERATOR_LATE_MAX: Share = Share::percent(1);

/// Latency was found to grow, by its medians, when no more than this share of the sends was late.
const DRIFT_LATE_MAX: Share = Share::percent(20);

/// A rate holds only when no more than this share was refused for the generator's unevenness.
const BUNCHED_MAX: Share = Share::percent(5);

/// Two rates closer than one in so many are not told apart.
pub const RESOLUTION: u64 = 50;

/// The lowest rate that is tried, in thousandths of an arrival a second.
const FLOOR: u64 = 1_000;

/// How often what a confirmation refused is lowered before it is given up: by 2, 4, 8 … per cent.
const LOWERED_MAX: u32 = 6;

/// What a rate must fulfil to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The share of arrivals that is acknowledged.
    pub accept: Share,
    /// The latency that 99 % stay below.
    pub p99: Duration,
}

/// What a search starts from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchSettings {
    /// What a rate must fulfil.
    pub limits: Limits,
    /// The first rate.
    pub start: Rate,
    /// How many a second the generator manages against a receiver that does nothing; `None`: not known.
    pub ceiling: Option<f64>,
    /// How long each rate is tried.
    pub span: Duration,
    /// How long the rate that was found is confirmed.
    pub confirm: Duration,
}

/// A rate to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The rate.
    pub rate: Rate,
    /// For how long.
    pub span: Duration,
    /// What for.
    pub purpose: Purpose,
    /// Whether it broke before.
    pub attempt: Attempt,
}

/// What a step is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To find where it breaks.
    Look,
    /// To make sure that what was found holds for longer.
    Confirm,
}

/// Whether a rate is tried for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It is.
    First,
    /// It broke once: was that chance?
    Second,
}

/// What a step showed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepResult {
    /// What was due.
    pub arrivals: u64,
    /// What was acknowledged of it.
    pub acknowledged: u64,
    /// To what the receiver answered "slow down".
    pub slowed: u64,
    /// Of these, requests that had gone out closer to others than they were due. Not counted against the receiver.
    pub bunched: u64,
    /// The latency that 99 % of the acknowledged stayed below.
    pub p99: Option<Duration>,
    /// The same from when a request started, without the wait for the generator.
    pub served_p99: Option<Duration>,
    /// By how many seconds latency grew in a second, at the least; `None`: too short to say.
    pub drift: Option<f64>,
    /// Sends that were late by the generator's doing.
    pub late_by_generator: u64,
}

impl StepResult {
    /// What a step's recorder shows.
    #[must_use]
    pub fn of(recorder: &Recorder) -> Self {
        Self {
            arrivals: recorder.arrivals(),
            acknowledged: recorder.acknowledged,
            slowed: recorder.slowed(),
            bunched: recorder.bunched,
            p99: recorder.latency.quantile(0.99),
            served_p99: recorder.service.quantile(0.99),
            drift: trend::drift(&recorder.series),
            late_by_generator: recorder.late.by_generator,
        }
    }

    /// Why the rate does not hold, if it does not: the reason that explains most.
    ///
    /// A generator that was late is an excuse, not a reason: latency counts from due, so a rate that holds in spite of
    /// it holds, and on a busy machine hardly any would otherwise.
    #[must_use]
    pub fn broke(&self, limits: &Limits) -> Option<Why> {
        let judged = self.arrivals.saturating_sub(self.bunched);
        let lost = judged.saturating_sub(self.acknowledged);
        let slowed = self.slowed.saturating_sub(self.bunched);
        let why = if !limits.accept.reached_by(self.acknowledged, judged) {
            if slowed * 2 >= lost { Why::SlowDown } else { Why::Acceptance }
        } else if judged == 0 && self.was_uneven() {
            Why::Generator
        } else if self.p99.is_none_or(|p99| p99 > limits.p99) {
            Why::P99
        } else if self.drift.is_some_and(|drift| drift > DRIFT_MAX) {
            Why::FallsBehind
        } else if self.was_uneven() {
            return Some(Why::Generator);
        } else {
            return None;
        };
        Some(if self.excuses(why, limits) { Why::Generator } else { why })
    }
}

impl StepResult {
    /// Whether so much was late by the generator's doing that it may be the reason.
    fn excuses(&self, why: Why, limits: &Limits) -> bool {
        let beyond = |most: Share| {
            self.late_by_generator > 0 && most.reached_by(self.late_by_generator, self.arrivals)
        };
        match why {
            // What took too long from its start on did so without the wait.
            Why::P99 => {
                beyond(GENERATOR_LATE_MAX) && self.served_p99.is_none_or(|served| served <= limits.p99)
            }
            // A median does not move by a few that are late.
            Why::FallsBehind => beyond(DRIFT_LATE_MAX),
            Why::SlowDown | Why::Acceptance | Why::Generator => beyond(GENERATOR_LATE_MAX),
        }
    }

    /// Whether so much was uneven that nothing can be said of the receiver.
    fn was_uneven(&self) -> bool {
        self.bunched > 0 && BUNCHED_MAX.reached_by(self.bunched, self.arrivals)
    }
}

/// Why a rate does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The receiver asks to be sent less: its own limit, kept in order.
    SlowDown,
    /// Too few were acknowledged.
    Acceptance,
    /// Acknowledgements took too long.
    P99,
    /// They took longer and longer.
    FallsBehind,
    /// The generator did not keep to its schedule; nothing is known of the receiver.
    Generator,
}

/// A step that was tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tried {
    /// What was tried.
    pub step: Step,
    /// What it showed.
    pub result: StepResult,
    /// Why it did not hold; `None`: it held.
    pub broke: Option<Why>,
}

/// Looks for the highest rate that holds.
#[derive(Clone, Debug)]
pub struct Search {
    settings: SearchSettings,
    /// The highest rate that is tried, in thousandths a second.
    cap: u64,
    pending: Option<Step>,
    looked: Bracket,
    confirmed: Bracket,
    lowered: u32,
    tried: Vec<Tried>,
    finding: Option<Finding>,
}

/// What is known of the highest rate: it is at least `good` and below `bad`, in thousandths a second.
#[derive(Clone, Copy, Debug, Default)]
struct Bracket {
    good: Option<u64>,
    bad: Option<(u64, Why)>,
}

impl Search {
    /// A search that has tried nothing yet.
    #[must_use]
    pub fn new(settings: SearchSettings) -> Self {
        let greatest = u64::from(u32::MAX);
        let ceiling = settings.ceiling.map(|ceiling| (ceiling * OF_CEILING * 1_000.0) as u64);
        let cap = ceiling.unwrap_or(greatest).clamp(FLOOR, greatest);
        let start = ((settings.start.per_second() * 1_000.0) as u64).clamp(FLOOR, cap);
        let mut search = Self {
            settings,
            cap,
            pending: None,
            looked: Bracket::default(),
            confirmed: Bracket::default(),
            lowered: 0,
            tried: Vec::new(),
            finding: None,
        };
        search.plan(start, Purpose::Look);
        search
    }

    /// The step to make now; `None` when the search is over.
    #[must_use]
    pub const fn next(&self) -> Option<Step> {
        self.pending
    }

    /// Takes what the step of [`Search::next`] showed.
    pub fn observe(&mut self, result: StepResult) {
        let Some(step) = self.pending.take() else { return };
        let mut broke = result.broke(&self.settings.limits);
        let before = self.tried.last().and_then(|tried| tried.broke);
        self.tried.push(Tried { step, result, broke });
        if broke == Some(Why::Generator) && step.attempt == Attempt::Second {
            // The first attempt at this rate broke as well, and may have shown the receiver's reason.
            broke = before;
        }
        if broke.is_some() && step.attempt == Attempt::First {
            self.pending = Some(Step { attempt: Attempt::Second, ..step });
            return;
        }
        let rate = milli(step.rate);
        let bracket = match step.purpose {
            Purpose::Look => &mut self.looked,
            Purpose::Confirm => &mut self.confirmed,
        };
        match broke {
            None => bracket.good = Some(rate),
            Some(why) => bracket.bad = Some((rate, why)),
        }
        match step.purpose {
            Purpose::Look => self.look(),
            Purpose::Confirm => self.confirm(),
        }
    }

    /// All steps that were tried, in order.
    #[must_use]
    pub fn tried(&self) -> &[Tried] {
        &self.tried
    }

    /// What was found; `None` while the search goes on.
    #[must_use]
    pub const fn finding(&self) -> Option<&Finding> {
        self.finding.as_ref()
    }

    fn look(&mut self) {
        match (self.looked.good, self.looked.bad) {
            (Some(good), None) if good >= self.cap => self.plan(good, Purpose::Confirm),
            (Some(good), None) => self.plan((good * 2).min(self.cap), Purpose::Look),
            (None, Some((bad, why))) if bad <= FLOOR => self.finish(None, why),
            (None, Some((bad, _))) => self.plan((bad / 2).max(FLOOR), Purpose::Look),
            (Some(good), Some((bad, _))) if close(good, bad) => self.plan(good, Purpose::Confirm),
            (Some(good), Some((bad, _))) => self.plan(u64::midpoint(good, bad), Purpose::Look),
            (None, None) => unreachable!("a step has shown one or the other"),
        }
    }

    fn confirm(&mut self) {
        match (self.confirmed.good, self.confirmed.bad) {
            (Some(good), None) => {
                let why = self.looked.bad.map_or(Why::Generator, |(_, why)| why);
                self.finish(Some(good), why);
            }
            (Some(good), Some((bad, why))) if close(good, bad) => self.finish(Some(good), why),
            (Some(good), Some((bad, _))) => self.plan(u64::midpoint(good, bad), Purpose::Confirm),
            (None, Some((bad, why))) if bad <= FLOOR || self.lowered == LOWERED_MAX => self.finish(None, why),
            (None, Some((bad, _))) => {
                self.lowered += 1;
                let lower = bad - (bad << self.lowered) / 100;
                self.plan(lower.max(FLOOR), Purpose::Confirm);
            }
            (None, None) => unreachable!("a step has shown one or the other"),
        }
    }

    fn plan(&mut self, milli: u64, purpose: Purpose) {
        let span = match purpose {
            Purpose::Look => self.settings.span,
            Purpose::Confirm => self.settings.confirm,
        };
        let rate = Rate::from_milli(milli);
        self.pending = Some(Step { rate, span, purpose, attempt: Attempt::First });
    }

    fn finish(&mut self, good: Option<u64>, why: Why) {
        self.finding = Some(Finding::new(good, why, self.settings.ceiling));
    }
}

/// The rates of steps are in thousandths a second.
fn milli(rate: Rate) -> u64 {
    u64::from(rate.count())
}

fn close(good: u64, bad: u64) -> bool {
    bad <= good + (good / RESOLUTION).max(1)
}

#[cfg(test)]
mod tests;
