//! The report for people: verdicts on standard output while the run goes, failures in full, a summary.
//!
//! Scenarios are told in the order in which they began, whatever the number of jobs, so that two runs can be
//! compared line by line. Colours are written always; the stream it is given strips them where nobody sees them.

mod exchange;
mod failure;
mod lines;
mod progress;
mod summary;

use std::collections::VecDeque;
use std::io::{self, Write};

pub use progress::Progress;

use super::collect::split_id;
use super::style::{BOLD, DIM, paint};
use super::text::{count, printable};
use super::{ReportError, Reporter};
use crate::event::{Event, ScenarioFinished, ScenarioStarted, ScenarioVerdict, Strength, Subject};
use summary::Summary;

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A line per scenario; everything about failures.
    Verdicts,
    /// A line per check as well.
    Checks,
}

/// Writes the report for people.
#[derive(Debug)]
pub struct Human<W> {
    out: W,
    progress: Progress,
    detail: Detail,
    /// Begun, and not yet told: the first of them may still be running.
    open: VecDeque<(ScenarioStarted, Option<ScenarioFinished>)>,
    subject: Subject,
    fail_on: Strength,
    theme: Option<String>,
    /// A failure told in full ends with an empty line of its own.
    spaced: bool,
    /// Property checks skipped in a row for one reason, which is told once.
    skipped: Vec<(ScenarioStarted, ScenarioFinished)>,
    summary: Summary,
}

impl<W: Write> Human<W> {
    /// Tells on `out`, and shows on `progress` how far the run has come.
    pub fn new(out: W, progress: Progress, detail: Detail) -> Self {
        Self {
            out,
            progress,
            detail,
            open: VecDeque::new(),
            subject: Subject::Scenarios,
            fail_on: Strength::Should,
            theme: None,
            spaced: false,
            skipped: Vec::new(),
            summary: Summary::default(),
        }
    }

    /// What it wrote to.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn tell(&mut self, event: &Event) -> io::Result<()> {
        self.progress.handle(event);
        match event {
            Event::RunStarted(run) => {
                (self.subject, self.fail_on) = (run.subject, run.fail_on);
                self.summary.run_started(run);
                self.progress.suspend(|| lines::head(&mut self.out, run))
            }
            Event::ScenarioStarted(scenario) => {
                self.open.push_back((scenario.clone(), None));
                Ok(())
            }
            Event::ScenarioFinished(scenario) => {
                let open = self.open.iter_mut().find(|(started, _)| started.id == scenario.id);
                if let Some((_, finished)) = open {
                    *finished = Some(scenario.clone());
                }
                self.tell_finished()
            }
            Event::RunFinished(run) => {
                self.tell_interrupted()?;
                self.tell_skipped()?;
                self.progress.finish();
                if !self.spaced {
                    writeln!(self.out)?;
                }
                self.summary.write(&mut self.out, run)?;
                self.out.flush()
            }
            Event::ScenarioProgress(_) | Event::CheckFinished { .. } => Ok(()),
        }
    }

    fn tell_finished(&mut self) -> io::Result<()> {
        while let Some((_, Some(_))) = self.open.front() {
            let Some((started, Some(finished))) = self.open.pop_front() else { break };
            self.tell_scenario(&started, &finished)?;
        }
        Ok(())
    }

    /// After an interruption a scenario that never ended must not hide those after it that did.
    fn tell_interrupted(&mut self) -> io::Result<()> {
        for (started, finished) in std::mem::take(&mut self.open) {
            if let Some(finished) = finished {
                self.tell_scenario(&started, &finished)?;
            }
        }
        Ok(())
    }

    fn tell_scenario(&mut self, started: &ScenarioStarted, finished: &ScenarioFinished) -> io::Result<()> {
        self.summary.scenario(started, finished);
        if !self.belongs_to_skipped(started, finished) {
            self.tell_skipped()?;
        }
        let is_skipped = matches!(finished.verdict, ScenarioVerdict::Skipped(_));
        if is_skipped && self.subject == Subject::Checks && self.detail == Detail::Verdicts {
            self.skipped.push((started.clone(), finished.clone()));
            return Ok(());
        }
        self.write_scenario(started, finished)
    }

    /// Whether what is told next is skipped like what is held back: of the same family, for the same reason.
    fn belongs_to_skipped(&self, started: &ScenarioStarted, finished: &ScenarioFinished) -> bool {
        self.skipped.last().is_some_and(|(before, skipped)| {
            split_id(&before.id).0 == split_id(&started.id).0 && skipped.verdict == finished.verdict
        })
    }

    /// Tells what is held back: by itself, or many as one.
    fn tell_skipped(&mut self) -> io::Result<()> {
        let skipped = std::mem::take(&mut self.skipped);
        match &skipped[..] {
            [] => Ok(()),
            [(started, finished)] => self.write_scenario(started, finished),
            [(started, finished), ..] => {
                let id = format!("{}/{}", split_id(&started.id).0, count(skipped.len() as u64, "check"));
                let finished = ScenarioFinished { checks: Vec::new(), ..finished.clone() };
                self.write_scenario(&ScenarioStarted { id, ..started.clone() }, &finished)
            }
        }
    }

    fn write_scenario(&mut self, started: &ScenarioStarted, finished: &ScenarioFinished) -> io::Result<()> {
        let theme = split_id(&started.id).0.to_owned();
        let new_theme = self.theme.as_ref() != Some(&theme);
        let spaced = self.spaced;
        // A failure that is expected is told in full on demand only.
        let in_full =
            self.detail == Detail::Checks || !matches!(finished.verdict, ScenarioVerdict::ExpectedFailure(_));
        let Self { out, progress, detail, subject, fail_on, .. } = self;
        progress.suspend(|| {
            if new_theme {
                let gap = if spaced { "" } else { "\n" };
                writeln!(out, "{gap}{}", paint(BOLD, &printable(&theme)))?;
            }
            lines::verdict(out, *subject, *detail, started, finished)?;
            for check in &finished.checks {
                lines::check(out, started, check, *detail)?;
            }
            for note in &finished.notes {
                writeln!(out, "        {}", paint(DIM, &format!("note: {}", printable(note))))?;
            }
            if in_full { failure::write_all(out, *subject, *fail_on, started, finished) } else { Ok(()) }
        })?;
        self.spaced = in_full && finished.checks.iter().any(|check| check.verdict.is_broken());
        self.theme = Some(theme);
        Ok(())
    }
}

impl<W: Write> Reporter for Human<W> {
    fn handle(&mut self, event: &Event) -> Result<(), ReportError> {
        self.tell(event).map_err(ReportError::Stdout)
    }
}
