//! Counts of a run, by verdict.

use super::{CheckResult, CheckVerdict, ScenarioFinished, ScenarioVerdict, Strength};

/// Counts of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Scenarios by verdict.
    pub scenarios: Counts,
    /// Checks by verdict.
    pub checks: Counts,
    /// Attempts started.
    pub attempts: u64,
    /// Deliveries made.
    pub deliveries: u64,
}

/// Counts by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Held; an expected failure among them.
    pub passed: u64,
    /// Did not hold; an unexpected pass among them.
    pub failed: u64,
    /// Did not hold, and are not red in this run: advice, or below `--fail-on`.
    pub warned: u64,
    /// Did not apply.
    pub skipped: u64,
    /// Could not be decided.
    pub inconclusive: u64,
    /// The harness failed.
    pub errors: u64,
}

impl Counts {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.passed + self.failed + self.warned + self.skipped + self.inconclusive + self.errors
    }

    /// Adds other counts to these.
    pub fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.warned += other.warned;
        self.skipped += other.skipped;
        self.inconclusive += other.inconclusive;
        self.errors += other.errors;
    }

    /// Counts one check. A failed check of strength [`Strength::Advice`] is not red.
    pub fn count_check(&mut self, check: &CheckResult) {
        match &check.verdict {
            CheckVerdict::Failed if check.strength == Strength::Advice => self.warned += 1,
            CheckVerdict::Warned => self.warned += 1,
            CheckVerdict::Passed => self.passed += 1,
            CheckVerdict::Failed => self.failed += 1,
            CheckVerdict::Skipped(_) => self.skipped += 1,
            CheckVerdict::Inconclusive(_) => self.inconclusive += 1,
            CheckVerdict::Error(_) => self.errors += 1,
        }
    }

    /// Counts one scenario.
    pub fn count_scenario(&mut self, verdict: &ScenarioVerdict) {
        match verdict {
            ScenarioVerdict::Passed | ScenarioVerdict::ExpectedFailure(_) => self.passed += 1,
            ScenarioVerdict::Failed | ScenarioVerdict::UnexpectedPass(_) => self.failed += 1,
            ScenarioVerdict::Skipped(_) => self.skipped += 1,
            ScenarioVerdict::Inconclusive(_) => self.inconclusive += 1,
            ScenarioVerdict::Error(_) => self.errors += 1,
        }
    }
}

impl Totals {
    /// Adds one scenario and its checks. What failed as expected counts as passed.
    pub fn count(&mut self, scenario: &ScenarioFinished) {
        self.scenarios.count_scenario(&scenario.verdict);
        let mut checks = Counts::default();
        scenario.checks.iter().for_each(|check| checks.count_check(check));
        if matches!(scenario.verdict, ScenarioVerdict::ExpectedFailure(_)) {
            checks.passed += std::mem::take(&mut checks.failed);
        }
        self.checks.add(&checks);
        self.attempts += scenario.attempts;
        self.deliveries += scenario.deliveries;
    }
}
