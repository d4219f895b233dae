//! The end of the report: what it all came to, what was checked, and what was not.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::super::text::{count, pns_span, printable, wall};
use crate::clause::Clause;
use crate::event::{
    CheckVerdict, Counts, RunEnd, RunFinished, RunStarted, ScenarioFinished, ScenarioStarted, ScenarioVerdict,
};
use crate::exit::Exit;
use crate::report::style::{BOLD, DIM, GREEN, RED, YELLOW, paint};

/// What the summary remembers of the run.
#[derive(Debug, Default)]
pub(super) struct Summary {
    seed: u64,
    filtered_out: usize,
    failed: Vec<(String, String, &'static str)>,
    decided: BTreeSet<Clause>,
    /// Why scenarios were skipped or not decided, and how many.
    not_checked: BTreeMap<String, u64>,
}

impl Summary {
    pub(super) fn run_started(&mut self, run: &RunStarted) {
        self.seed = run.seed;
        self.filtered_out = run.filtered_out;
    }

    pub(super) fn scenario(&mut self, started: &ScenarioStarted, finished: &ScenarioFinished) {
        let word = match &finished.verdict {
            ScenarioVerdict::Failed => Some("FAIL"),
            ScenarioVerdict::UnexpectedPass(_) => Some("XPASS"),
            ScenarioVerdict::Error(_) => Some("ERROR"),
            ScenarioVerdict::Inconclusive(_) => Some("INCON"),
            ScenarioVerdict::Passed | ScenarioVerdict::Skipped(_) | ScenarioVerdict::ExpectedFailure(_) => {
                None
            }
        };
        if let Some(word) = word {
            self.failed.push((started.id.clone(), started.title.clone(), word));
        }
        if let ScenarioVerdict::Skipped(reason) | ScenarioVerdict::Inconclusive(reason) = &finished.verdict {
            *self.not_checked.entry(format!("scenario: {reason}")).or_default() += 1;
        }
        for check in &finished.checks {
            match &check.verdict {
                CheckVerdict::Passed | CheckVerdict::Failed | CheckVerdict::Warned => {
                    self.decided.insert(check.clause);
                }
                CheckVerdict::Skipped(reason) | CheckVerdict::Inconclusive(reason) => {
                    *self.not_checked.entry(format!("check: {reason}")).or_default() += 1;
                }
                CheckVerdict::Error(_) => {}
            }
        }
    }

    pub(super) fn write(&self, out: &mut impl Write, run: &RunFinished) -> io::Result<()> {
        writeln!(out)?;
        for (id, title, word) in &self.failed {
            writeln!(out, "{}  {}  {}", paint(RED, &format!("{word:>5}")), printable(id), printable(title))?;
        }
        if !self.failed.is_empty() {
            writeln!(out)?;
        }
        verdict(out, run)?;
        writeln!(out, "  scenarios  {}", counts(&run.totals.scenarios))?;
        writeln!(out, "  checks     {}", counts(&run.totals.checks))?;
        writeln!(
            out,
            "  sent       {} of {}, {} of PNS time in {}, seed {}",
            count(run.totals.attempts, "attempt"),
            count(run.totals.deliveries, "delivery"),
            pns_span(run.pns_time),
            wall(run.wall),
            self.seed,
        )?;
        self.coverage(out)
    }

    fn coverage(&self, out: &mut impl Write) -> io::Result<()> {
        let (checked, not): (Vec<Clause>, Vec<Clause>) =
            Clause::ALL.into_iter().partition(|clause| self.decided.contains(clause));
        writeln!(out, "  checked    {}", names(&checked))?;
        if !not.is_empty() {
            writeln!(out, "  {}", paint(YELLOW, &format!("not checked: {}", names(&not))))?;
        }
        for (reason, number) in &self.not_checked {
            let (what, reason) = reason.split_once(": ").unwrap_or(("scenario", reason));
            let line = format!("not checked: {}: {}", count(*number, what), printable(reason));
            writeln!(out, "  {}", paint(DIM, &line))?;
        }
        if self.filtered_out > 0 {
            let line = format!("not selected: {}", count(self.filtered_out as u64, "scenario"));
            writeln!(out, "  {}", paint(DIM, &line))?;
        }
        Ok(())
    }
}

fn verdict(out: &mut impl Write, run: &RunFinished) -> io::Result<()> {
    let (style, text) = match Exit::of_run(&run.totals, &run.end) {
        Exit::Held => (GREEN, "everything that was checked held"),
        Exit::Broken => (RED, "the receiver broke a check"),
        Exit::Inconclusive if run.totals.scenarios.total() == 0 => (YELLOW, "inconclusive: no scenario ran"),
        Exit::Inconclusive => (YELLOW, "inconclusive"),
        Exit::Harness | Exit::Usage => (RED, "the harness itself failed: no verdict on the receiver"),
        Exit::Interrupted => (YELLOW, "interrupted: the report is partial"),
    };
    writeln!(out, "{}", paint(style, text))?;
    match &run.end {
        RunEnd::Complete => Ok(()),
        RunEnd::StoppedEarly(left) | RunEnd::Interrupted(left) => {
            writeln!(out, "  {} not run", paint(BOLD, &count(*left as u64, "scenario")))
        }
        RunEnd::Unreachable(why) => writeln!(out, "  the target did not come up: {}", printable(why)),
        RunEnd::Failed(why) => writeln!(out, "  {}", printable(why)),
    }
}

fn counts(counts: &Counts) -> String {
    let parts = [
        (counts.passed, "passed"),
        (counts.failed, "failed"),
        (counts.warned, "not red"),
        (counts.inconclusive, "inconclusive"),
        (counts.errors, "in error"),
        (counts.skipped, "skipped"),
    ];
    let parts = parts.iter().enumerate().filter(|(index, (number, _))| *index == 0 || *number > 0);
    parts.map(|(_, (number, word))| format!("{number} {word}")).collect::<Vec<_>>().join(", ")
}

fn names(clauses: &[Clause]) -> String {
    if clauses.is_empty() {
        return "nothing".to_owned();
    }
    clauses.iter().map(|clause| clause.name()).collect::<Vec<_>>().join(", ")
}
