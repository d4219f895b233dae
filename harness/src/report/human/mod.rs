//! The report for people: verdicts on standard output while the run goes, failures in full, a summary.
//!
//! Scenarios are told in the order in which they began, whatever the number of jobs, so that two runs can be
//! compared line by line. Colours are written always; the stream it is given strips them where nobody sees them.

mod failure;
mod progress;
mod summary;

use std::collections::VecDeque;
use std::io::{self, Write};

pub use progress::Progress;

use super::style::{BOLD, DIM, GREEN, RED, YELLOW, paint};
use super::text::{count, instant, pns_span, printable, wall};
use super::{ReportError, Reporter};
use crate::event::{
    CheckResult, CheckVerdict, Event, Note, RunStarted, ScenarioFinished, ScenarioStarted, ScenarioVerdict,
    Strength, Target,
};
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
    theme: Option<String>,
    /// A failure told in full ends with an empty line of its own.
    spaced: bool,
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
            theme: None,
            spaced: false,
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
                self.summary.run_started(run);
                self.progress.suspend(|| head(&mut self.out, run))
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
                self.progress.finish();
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
        let theme = theme_of(&started.id).to_owned();
        let new_theme = self.theme.as_ref() != Some(&theme);
        let spaced = self.spaced;
        // A failure that is expected is told in full on demand only.
        let in_full =
            self.detail == Detail::Checks || !matches!(finished.verdict, ScenarioVerdict::ExpectedFailure(_));
        let Self { out, progress, detail, .. } = self;
        progress.suspend(|| {
            if new_theme {
                let gap = if spaced { "" } else { "\n" };
                writeln!(out, "{gap}{}", paint(BOLD, &theme))?;
            }
            verdict_line(out, started, finished)?;
            for check in &finished.checks {
                check_line(out, check, *detail)?;
            }
            for note in &finished.notes {
                writeln!(out, "        {}", paint(DIM, &format!("note: {}", printable(note))))?;
            }
            if in_full { failure::write_all(out, started, finished) } else { Ok(()) }
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

fn head(out: &mut impl Write, run: &RunStarted) -> io::Result<()> {
    let target = match &run.target {
        Target::Embedded => "the embedded receiver".to_owned(),
        Target::Endpoint(url) => printable(url).into_owned(),
    };
    writeln!(out, "{} judges {}", paint(BOLD, &format!("pns {}", run.version)), paint(BOLD, &target))?;
    writeln!(
        out,
        "{}, {} time from {}, seed {}, at most {}",
        count(run.scenarios as u64, "scenario"),
        run.gear,
        instant(run.epoch),
        run.seed,
        count(run.request_budget, "request"),
    )?;
    for note in &run.notes {
        let loud = matches!(note, Note::TlsNotVerified | Note::PlainHttp | Note::Unsound { .. });
        let (style, word) = if loud { (YELLOW, "warning") } else { (DIM, "note") };
        writeln!(out, "{}: {}", paint(style, word), printable(&note.to_string()))?;
    }
    Ok(())
}

/// The folder of a scenario.
fn theme_of(id: &str) -> &str {
    id.rsplit_once('/').map_or("scenarios", |(theme, _)| theme)
}

fn verdict_line(
    out: &mut impl Write,
    started: &ScenarioStarted,
    finished: &ScenarioFinished,
) -> io::Result<()> {
    let (style, word) = match &finished.verdict {
        ScenarioVerdict::Passed => (GREEN, "PASS"),
        ScenarioVerdict::ExpectedFailure(_) => (GREEN, "XFAIL"),
        ScenarioVerdict::Failed => (RED, "FAIL"),
        ScenarioVerdict::UnexpectedPass(_) => (RED, "XPASS"),
        ScenarioVerdict::Skipped(_) => (DIM, "SKIP"),
        ScenarioVerdict::Inconclusive(_) => (YELLOW, "INCON"),
        ScenarioVerdict::Error(_) => (RED, "ERROR"),
    };
    let word = paint(style, &format!("{word:>5}"));
    let title = printable(&started.title);
    if let ScenarioVerdict::Skipped(reason) = &finished.verdict {
        return writeln!(out, "{word}  {}", paint(DIM, &format!("{title}: {}", printable(reason))));
    }
    let spent = format!(
        "{} of PNS time in {}, {}",
        pns_span(finished.pns_time),
        wall(finished.wall),
        count(finished.attempts, "attempt")
    );
    writeln!(out, "{word}  {title}  {}", paint(DIM, &spent))?;
    match &finished.verdict {
        ScenarioVerdict::Passed | ScenarioVerdict::Failed | ScenarioVerdict::Skipped(_) => Ok(()),
        ScenarioVerdict::ExpectedFailure(why) => explain(out, "fails, as it is expected to", why),
        ScenarioVerdict::UnexpectedPass(why) => explain(out, "passes, but is expected to fail", why),
        ScenarioVerdict::Inconclusive(why) => explain(out, "not decided", why),
        ScenarioVerdict::Error(why) => explain(out, "the harness failed", why),
    }
}

fn explain(out: &mut impl Write, what: &str, why: &str) -> io::Result<()> {
    writeln!(out, "       {what}: {}", printable(why))
}

/// Checks that held are told on demand; those that did not are told in full by [`failure`].
fn check_line(out: &mut impl Write, check: &CheckResult, detail: Detail) -> io::Result<()> {
    let title = printable(&check.title);
    match (&check.verdict, detail) {
        (CheckVerdict::Passed, Detail::Checks) => {
            writeln!(out, "        {} {title}  {}", paint(GREEN, "✓"), paint(DIM, &check.id))
        }
        (CheckVerdict::Skipped(reason), _) => {
            let line = format!("- {title}: {}", printable(reason));
            writeln!(out, "        {}", paint(DIM, &line))
        }
        (CheckVerdict::Inconclusive(reason), _) => {
            writeln!(out, "        {} {title}: {}", paint(YELLOW, "?"), printable(reason))
        }
        (CheckVerdict::Error(reason), _) => {
            writeln!(out, "        {} {title}: the harness failed: {}", paint(RED, "!"), printable(reason))
        }
        (CheckVerdict::Passed, Detail::Verdicts) | (CheckVerdict::Failed | CheckVerdict::Warned, _) => Ok(()),
    }
}

/// Red, unless it is advice.
fn mark(strength: Strength) -> String {
    match strength {
        Strength::Advice => paint(YELLOW, "!"),
        Strength::Should | Strength::Must => paint(RED, "✗"),
    }
}
