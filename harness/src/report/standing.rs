//! How a scenario, or a property check, stands in the end: what reports give a word, a shape and a colour.

use super::collect::{Collected, CollectedScenario};
use crate::event::{CheckResult, CheckVerdict, ScenarioFinished, ScenarioVerdict, Strength};

/// How a scenario, or a property check, stands in the end. The worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The harness failed at it.
    Error,
    /// A check did not hold.
    Failed,
    /// It holds, although it is expected not to.
    UnexpectedPass,
    /// It could not be decided.
    Inconclusive,
    /// The run ended first.
    Unfinished,
    /// What did not hold is not red in this run.
    Warned,
    /// It failed, as it is expected to.
    ExpectedFailure,
    /// It does not apply.
    Skipped,
    /// It held.
    Passed,
}

impl Standing {
    /// All, the worst first.
    pub const ALL: [Self; 9] = [
        Self::Error,
        Self::Failed,
        Self::UnexpectedPass,
        Self::Inconclusive,
        Self::Unfinished,
        Self::Warned,
        Self::ExpectedFailure,
        Self::Skipped,
        Self::Passed,
    ];

    /// Where `scenario` stands; `None`: it never ended.
    pub fn of(scenario: Option<&ScenarioFinished>) -> Self {
        let Some(scenario) = scenario else { return Self::Unfinished };
        match &scenario.verdict {
            ScenarioVerdict::Passed if scenario.checks.iter().any(|check| check.verdict.is_broken()) => {
                Self::Warned
            }
            ScenarioVerdict::Passed => Self::Passed,
            ScenarioVerdict::Failed => Self::Failed,
            ScenarioVerdict::Skipped(_) => Self::Skipped,
            ScenarioVerdict::Inconclusive(_) => Self::Inconclusive,
            ScenarioVerdict::Error(_) => Self::Error,
            ScenarioVerdict::ExpectedFailure(_) => Self::ExpectedFailure,
            ScenarioVerdict::UnexpectedPass(_) => Self::UnexpectedPass,
        }
    }

    /// At most five letters, for a column.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "PASS",
            Self::Warned => "WARN",
            Self::Failed => "FAIL",
            Self::ExpectedFailure => "XFAIL",
            Self::UnexpectedPass => "XPASS",
            Self::Skipped => "SKIP",
            Self::Inconclusive => "INCON",
            Self::Error => "ERROR",
            Self::Unfinished => "UNRUN",
        }
    }

    /// As a word after a number: "3 passed".
    pub const fn label(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::UnexpectedPass => "passed unexpectedly",
            Self::Error => "in error",
            Self::Warned => "with warnings",
            Self::Inconclusive => "not decided",
            Self::Unfinished => "not finished",
            Self::ExpectedFailure => "failed as expected",
            Self::Skipped => "skipped",
        }
    }

    /// What stands before the reason, where there is one.
    pub const fn remark(self) -> &'static str {
        match self {
            Self::ExpectedFailure => "fails, as it is expected to",
            Self::UnexpectedPass => "passes, but is expected to fail",
            Self::Inconclusive => "not decided",
            Self::Error => "the harness failed",
            Self::Skipped => "skipped",
            Self::Unfinished => "the run ended before it did",
            Self::Passed => "passed",
            Self::Warned => "not red in this run",
            Self::Failed => "failed",
        }
    }
}

/// A check that did not hold, with the scenario to which it belongs.
#[derive(Clone, Copy, Debug)]
pub struct Finding<'a> {
    /// The scenario, or the property check.
    pub scenario: &'a CollectedScenario,
    /// The check.
    pub check: &'a CheckResult,
    /// Whether it turns the run red.
    pub red: bool,
}

/// What was found against the receiver, the worst first; what fails as expected is not among it.
pub fn findings(run: &Collected) -> Vec<Finding<'_>> {
    let fail_on = run.fail_on();
    let mut found: Vec<Finding<'_>> =
        run.scenarios.iter().flat_map(|scenario| of_scenario(scenario, fail_on)).collect();
    found.sort_by_key(|finding| {
        let reproduced = finding.check.failure.as_ref().and_then(|failure| failure.reproduced);
        let flaky = reproduced.is_some_and(|reproduced| !reproduced.is_certain());
        (!finding.red, std::cmp::Reverse(finding.check.strength), flaky)
    });
    found
}

fn of_scenario(scenario: &CollectedScenario, fail_on: Strength) -> Vec<Finding<'_>> {
    let Some(finished) = &scenario.finished else { return Vec::new() };
    if matches!(finished.verdict, ScenarioVerdict::ExpectedFailure(_)) {
        return Vec::new();
    }
    let broken = finished.checks.iter().filter(|check| check.verdict.is_broken());
    broken.map(|check| Finding { scenario, check, red: is_red(check, fail_on) }).collect()
}

/// Whether a check that does not hold turns red a run in which this strength does.
pub fn is_red(check: &CheckResult, fail_on: Strength) -> bool {
    check.verdict == CheckVerdict::Failed && check.strength >= fail_on
}
