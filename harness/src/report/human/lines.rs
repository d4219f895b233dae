//! Lines of the report for people: its head, a line per scenario or property, a line per check.

use std::io::{self, Write};

use super::super::collect::split_id;
use super::super::standing::{Standing, is_red};
use super::super::style::{BOLD, DIM, GREEN, RED, YELLOW, paint};
use super::super::text::{count, instant, noun, pns_span, printable, target, wall, wrap};
use super::Detail;
use crate::event::{
    CheckResult, CheckVerdict, Note, RunStarted, ScenarioFinished, ScenarioStarted, Strength, Subject,
};

/// As wide as the names of all but a few property checks; the line then fits a terminal of 80 columns.
const NAME_WIDTH: usize = 36;
/// What stands under a verdict fits a terminal of 100 columns.
const WIDTH: usize = 90;

pub(super) fn head(out: &mut impl Write, run: &RunStarted) -> io::Result<()> {
    let program = paint(BOLD, &format!("pns {}", run.version));
    writeln!(out, "{program} judges {}", paint(BOLD, &printable(target(&run.target))))?;
    let requests = count(run.request_budget, "request");
    let budget = match run.subject {
        Subject::Scenarios => format!("at most {requests}"),
        // Trying a failure again and shrinking it makes more.
        Subject::Checks => format!("about {requests} if all holds"),
    };
    writeln!(
        out,
        "{}, {} time from {}, seed {}, {budget}",
        count(run.scenarios as u64, noun(run.subject)),
        run.gear,
        instant(run.epoch),
        run.seed,
    )?;
    for note in &run.notes {
        let loud = matches!(note, Note::TlsNotVerified | Note::PlainHttp | Note::Unsound { .. });
        let (style, word) = if loud { (YELLOW, "warning") } else { (DIM, "note") };
        for (index, line) in wrap(&printable(&note.to_string()), WIDTH).into_iter().enumerate() {
            let before = if index == 0 { paint(style, word) + ": " } else { "  ".to_owned() };
            writeln!(out, "{before}{line}")?;
        }
    }
    Ok(())
}

pub(super) fn verdict(
    out: &mut impl Write,
    subject: Subject,
    detail: Detail,
    started: &ScenarioStarted,
    finished: &ScenarioFinished,
) -> io::Result<()> {
    let standing = Standing::of(Some(finished));
    let word = paint(style(standing), &format!("{:>5}", standing.word()));
    match subject {
        Subject::Scenarios => scenario(out, &word, standing, started, finished),
        Subject::Checks => property(out, &word, standing, detail, started, finished),
    }
}

fn style(standing: Standing) -> anstyle::Style {
    match standing {
        Standing::Passed | Standing::ExpectedFailure => GREEN,
        Standing::Failed | Standing::UnexpectedPass | Standing::Error => RED,
        Standing::Warned | Standing::Inconclusive | Standing::Unfinished => YELLOW,
        Standing::Skipped => DIM,
    }
}

fn scenario(
    out: &mut impl Write,
    word: &str,
    standing: Standing,
    started: &ScenarioStarted,
    finished: &ScenarioFinished,
) -> io::Result<()> {
    let title = printable(&started.title);
    let reason = finished.verdict.reason();
    if let (Standing::Skipped, Some(reason)) = (standing, reason) {
        return writeln!(out, "{word}  {}", paint(DIM, &format!("{title}: {}", printable(reason))));
    }
    let pulls = finished.pulls.map_or_else(String::new, |pulls| format!(", {pulls}"));
    let spent = format!(
        "{} of PNS time in {}, {}{pulls}",
        pns_span(finished.pns_time),
        wall(finished.wall),
        count(finished.attempts, "attempt")
    );
    writeln!(out, "{word}  {title}  {}", paint(DIM, &spent))?;
    match reason {
        Some(reason) => writeln!(out, "       {}: {}", standing.remark(), printable(reason)),
        None => Ok(()),
    }
}

/// Its name, as `pns explain` takes it after the family, and what it cost. What it says stands under it where
/// there is more to tell than that it held.
fn property(
    out: &mut impl Write,
    word: &str,
    standing: Standing,
    detail: Detail,
    started: &ScenarioStarted,
    finished: &ScenarioFinished,
) -> io::Result<()> {
    let name = printable(split_id(&started.id).1);
    let reason = finished.verdict.reason();
    if let (Standing::Skipped, Some(reason)) = (standing, reason) {
        let line = format!("{name:<NAME_WIDTH$}  {}", printable(reason));
        return writeln!(out, "{word}  {}", paint(DIM, line.trim_end()));
    }
    let cases = count(finished.cases, "case");
    let requests = count(finished.attempts, "request");
    let spent = format!("{cases:>9}  {requests:>14}  {:>8}", wall(finished.wall));
    writeln!(out, "{word}  {name:<NAME_WIDTH$}  {}", paint(DIM, &spent))?;
    let told_below = finished.checks.iter().any(|check| check.verdict.is_broken());
    if !told_below && (standing != Standing::Passed || detail == Detail::Checks) {
        for line in wrap(&printable(&started.title), WIDTH) {
            writeln!(out, "       {line}")?;
        }
    }
    let reason = reason.map(|reason| format!("{}: {reason}", standing.remark())).unwrap_or_default();
    for line in wrap(&printable(&reason), WIDTH) {
        writeln!(out, "       {line}")?;
    }
    Ok(())
}

/// Checks that held are told on demand; those that did not are told in full by [`super::failure`].
pub(super) fn check(
    out: &mut impl Write,
    started: &ScenarioStarted,
    check: &CheckResult,
    detail: Detail,
) -> io::Result<()> {
    // A property that is its own only check has been told.
    if check.id == started.id {
        return Ok(());
    }
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

/// Before a check that did not hold.
pub(super) fn mark(check: &CheckResult, fail_on: Strength) -> String {
    if is_red(check, fail_on) { paint(RED, "✗") } else { paint(YELLOW, "!") }
}
