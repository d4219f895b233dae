//! The end of the report: what it all came to, what was checked, and what was not.

use std::io::{self, Write};
use std::path::Path;

use super::super::coverage::Coverage;
use super::super::standing::Standing;
use super::super::text::{count, noun, pns_span, printable, wall, wrap};
use super::super::verdict::{Tone, counts, headline, with_warnings};
use crate::clause::Clause;
use crate::curl::quote;
use crate::event::{Counts, RunFinished, RunStarted, ScenarioFinished, ScenarioStarted, Subject};
use crate::report::style::{DIM, GREEN, RED, YELLOW, paint};

/// Fits a terminal of 100 columns.
const WIDTH: usize = 96;

/// What the summary remembers of the run.
#[derive(Debug, Default)]
pub(super) struct Summary {
    run: Option<RunStarted>,
    /// Ids and titles of what somebody has to look at.
    told: Vec<(Standing, String, String)>,
    coverage: Coverage,
    cases: u64,
    /// Where failures were saved.
    saved: Vec<String>,
}

impl Summary {
    pub(super) fn run_started(&mut self, run: &RunStarted) {
        self.run = Some(run.clone());
    }

    pub(super) fn scenario(&mut self, started: &ScenarioStarted, finished: &ScenarioFinished) {
        let standing = Standing::of(Some(finished));
        let told = match standing {
            Standing::Failed | Standing::UnexpectedPass | Standing::Error | Standing::Inconclusive => true,
            Standing::Warned => self.subject() == Subject::Checks,
            Standing::Passed | Standing::Skipped | Standing::ExpectedFailure | Standing::Unfinished => false,
        };
        if told {
            self.told.push((standing, started.id.clone(), started.title.clone()));
        }
        self.cases += finished.cases;
        let failures = finished.checks.iter().filter_map(|check| check.failure.as_deref());
        self.saved.extend(failures.filter_map(|failure| failure.scenario.as_ref()?.saved.clone()));
        self.coverage.add(finished);
    }

    fn subject(&self) -> Subject {
        self.run.as_ref().map_or(Subject::Scenarios, |run| run.subject)
    }

    pub(super) fn write(&self, out: &mut impl Write, run: &RunFinished) -> io::Result<()> {
        for (standing, id, title) in &self.told {
            let style = if *standing == Standing::Warned { YELLOW } else { RED };
            let word = paint(style, &format!("{:>5}", standing.word()));
            writeln!(out, "{word}  {}  {}", printable(id), printable(title))?;
        }
        if !self.told.is_empty() {
            writeln!(out)?;
        }
        verdict(out, self.subject(), run)?;
        let seed = self.run.as_ref().map_or(0, |run| run.seed);
        let times = format!("{} of PNS time in {}, seed {seed}", pns_span(run.pns_time), wall(run.wall));
        let attempts = run.totals.attempts;
        match self.subject() {
            Subject::Scenarios => {
                writeln!(out, "  scenarios  {}", counts(&run.totals.scenarios))?;
                writeln!(out, "  checks     {}", counts(&run.totals.checks))?;
                let deliveries = count(run.totals.deliveries, "delivery");
                writeln!(out, "  sent       {} of {deliveries}, {times}", count(attempts, "attempt"))?;
            }
            Subject::Checks => {
                writeln!(out, "  checks     {}", counts(&self.properties(run)))?;
                // Whether the receiver accepts anything is asked before, and not counted.
                if self.cases > 0 {
                    let cases = count(self.cases, "case");
                    writeln!(out, "  sent       {} in {cases}, {times}", count(attempts, "request"))?;
                }
                self.saved(out)?;
            }
        }
        self.coverage(out)
    }

    fn saved(&self, out: &mut impl Write) -> io::Result<()> {
        let Some(first) = self.saved.first() else { return Ok(()) };
        let folder = Path::new(first).parent().map(Path::to_string_lossy).unwrap_or_default();
        let failures = count(self.saved.len() as u64, "failure");
        let replay = format!("pns replay {}", quote(&printable(&folder)));
        writeln!(out, "  saved      {failures}: `{replay}`, with the flags of this run, tells when mended")
    }

    fn properties(&self, run: &RunFinished) -> Counts {
        let warned = self.told.iter().filter(|(standing, ..)| *standing == Standing::Warned).count();
        with_warnings(&run.totals.scenarios, warned as u64)
    }

    fn coverage(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "  checked    {}", names(&self.coverage.clauses()))?;
        let left = match self.subject() {
            Subject::Scenarios => clauses(&self.coverage.clauses_left()),
            Subject::Checks => self.coverage.families_left().join(", "),
        };
        if !left.is_empty() {
            writeln!(out, "  {}", paint(YELLOW, &format!("not checked: {}", printable(&left))))?;
        }
        for gap in self.coverage.gaps(self.subject()) {
            writeln!(out, "  {}", paint(DIM, &format!("not checked: {}", printable(&gap))))?;
        }
        let filtered_out = self.run.as_ref().map_or(0, |run| run.filtered_out);
        if filtered_out > 0 {
            let line = format!("not selected: {}", count(filtered_out as u64, noun(self.subject())));
            writeln!(out, "  {}", paint(DIM, &line))?;
        }
        Ok(())
    }
}

fn verdict(out: &mut impl Write, subject: Subject, run: &RunFinished) -> io::Result<()> {
    let headline = headline(subject, run);
    let style = match headline.tone {
        Tone::Good => GREEN,
        Tone::Bad => RED,
        Tone::Unsure => YELLOW,
    };
    writeln!(out, "{}", paint(style, &headline.text))?;
    for line in wrap(&printable(&headline.remark.unwrap_or_default()), WIDTH) {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

fn names(names: &[Clause]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { clauses(names) }
}

fn clauses(clauses: &[Clause]) -> String {
    clauses.iter().map(|clause| clause.name()).collect::<Vec<_>>().join(", ")
}
