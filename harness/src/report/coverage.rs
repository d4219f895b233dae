//! What a run decided, and what it did not: the part of a report that keeps a green one honest.

use std::collections::{BTreeMap, BTreeSet};

use super::collect::{Collected, split_id};
use super::text::{count, noun};
use crate::clause::Clause;
use crate::event::{CheckVerdict, ScenarioFinished, ScenarioVerdict, Subject};

/// What a run decided, and what it did not.
#[derive(Debug, Default)]
pub struct Coverage {
    decided: BTreeSet<Clause>,
    /// Themes or families, and whether anything in them was decided.
    themes: BTreeMap<String, bool>,
    /// Why scenarios were skipped or not decided, and how many.
    scenarios: BTreeMap<String, u64>,
    /// The same of the checks in them.
    checks: BTreeMap<String, u64>,
}

impl Coverage {
    /// That of a whole run.
    pub fn of(run: &Collected) -> Self {
        let mut coverage = Self::default();
        run.scenarios.iter().filter_map(|scenario| scenario.finished.as_ref()).for_each(|finished| {
            coverage.add(finished);
        });
        coverage
    }

    /// Takes notice of one scenario.
    pub fn add(&mut self, finished: &ScenarioFinished) {
        if let ScenarioVerdict::Skipped(reason) | ScenarioVerdict::Inconclusive(reason) = &finished.verdict {
            *self.scenarios.entry(reason.clone()).or_default() += 1;
        }
        let theme = self.themes.entry(split_id(&finished.id).0.to_owned()).or_default();
        for check in &finished.checks {
            // A property that is its own only check has been counted.
            let is_counted = check.id == finished.id;
            match &check.verdict {
                CheckVerdict::Passed | CheckVerdict::Failed | CheckVerdict::Warned => {
                    self.decided.insert(check.clause);
                    *theme = true;
                }
                CheckVerdict::Skipped(reason) | CheckVerdict::Inconclusive(reason) if !is_counted => {
                    *self.checks.entry(reason.clone()).or_default() += 1;
                }
                CheckVerdict::Skipped(_) | CheckVerdict::Inconclusive(_) | CheckVerdict::Error(_) => {}
            }
        }
    }

    /// The clauses on which something was decided.
    pub fn clauses(&self) -> Vec<Clause> {
        Clause::ALL.into_iter().filter(|clause| self.decided.contains(clause)).collect()
    }

    /// The clauses on which nothing was decided.
    pub fn clauses_left(&self) -> Vec<Clause> {
        Clause::ALL.into_iter().filter(|clause| !self.decided.contains(clause)).collect()
    }

    /// The families in which nothing was decided.
    pub fn families_left(&self) -> Vec<&str> {
        self.themes.iter().filter(|(_, decided)| !**decided).map(|(theme, _)| theme.as_str()).collect()
    }

    /// A line for each reason for which something was not checked: "2 checks: no probe".
    pub fn gaps(&self, subject: Subject) -> Vec<String> {
        let line = |(reason, number): (&String, &u64), noun| format!("{}: {reason}", count(*number, noun));
        let scenarios = self.scenarios.iter().map(|gap| line(gap, noun(subject)));
        let checks = self.checks.iter().map(|gap| line(gap, "check"));
        checks.chain(scenarios).collect()
    }
}
