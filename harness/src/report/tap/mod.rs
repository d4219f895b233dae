//! The report for TAP consumers: TAP version 14, with YAML diagnostics.
//!
//! A point per check of a scenario, or per property check. What must not turn a consumer red although it did
//! not hold (an expected failure, advice, what is below `--fail-on`) is `not ok` with `# TODO`, which TAP defines
//! for exactly that. What could not be decided is a plain `not ok`, because TAP has no third verdict. A run that
//! ended before its time, or decided nothing, bails out.

mod diagnostics;

use super::Collected;
use super::collect::CollectedScenario;
use super::standing::{Standing, is_red};
use super::text::{printable, target};
use crate::event::{CheckResult, CheckVerdict, RunEnd, RunStarted, Strength, Subject};
use crate::redact::Redactor;
use diagnostics::Diagnostics;

/// The whole document.
pub fn render(run: &Collected, redactor: &Redactor) -> String {
    let mut lines = vec!["TAP version 14".to_owned()];
    if let Some(started) = &run.started {
        lines.push(format!("# {}", circumstances(started, redactor)));
        lines.extend(started.notes.iter().map(|note| format!("# {}", line(&note.to_string(), redactor))));
    }
    let points: Vec<Point> = run.scenarios.iter().flat_map(|scenario| points(run, scenario)).collect();
    let bail_out = bail_out(run, points.len());
    // A consumer that has seen all points of a plan takes no notice of what follows.
    if bail_out.is_none() {
        lines.push(format!("1..{}", points.len()));
    }
    for (index, point) in points.iter().enumerate() {
        point.write(&mut lines, index + 1, redactor);
    }
    lines.extend(bail_out.map(|why| format!("Bail out! {}", line(&why, redactor))));
    lines.push(String::new());
    lines.join("\n")
}

fn circumstances(run: &RunStarted, redactor: &Redactor) -> String {
    let target = line(target(&run.target), redactor);
    format!("pns {} judges {target}, {} time, seed {}", run.version, run.gear, run.seed)
}

/// One test point.
struct Point {
    ok: bool,
    description: String,
    /// `SKIP` or `TODO`, and why.
    directive: Option<(&'static str, String)>,
    diagnostics: Diagnostics,
}

impl Point {
    fn write(&self, lines: &mut Vec<String>, number: usize, redactor: &Redactor) {
        let ok = if self.ok { "ok" } else { "not ok" };
        let description = escaped(&line(&self.description, redactor));
        let directive = self
            .directive
            .as_ref()
            .map_or_else(String::new, |(word, why)| format!(" # {word} {}", escaped(&line(why, redactor))));
        lines.push(format!("{ok} {number} - {description}{directive}"));
        lines.extend(self.diagnostics.lines(redactor));
    }
}

fn points(run: &Collected, scenario: &CollectedScenario) -> Vec<Point> {
    match run.subject() {
        Subject::Checks => vec![whole(scenario)],
        Subject::Scenarios => of_scenario(scenario, run.fail_on()),
    }
}

/// A scenario's checks, and what the scenario as a whole adds to them.
fn of_scenario(scenario: &CollectedScenario, fail_on: Strength) -> Vec<Point> {
    let checks = scenario.finished.iter().flat_map(|finished| &finished.checks);
    let expected = (scenario.standing() == Standing::ExpectedFailure).then(|| scenario.reason()).flatten();
    let mut points: Vec<Point> = checks.map(|check| of_check(scenario, check, expected, fail_on)).collect();
    let adds_to_them = match scenario.standing() {
        Standing::Passed | Standing::Warned | Standing::Failed | Standing::ExpectedFailure => {
            points.is_empty()
        }
        Standing::Error
        | Standing::UnexpectedPass
        | Standing::Inconclusive
        | Standing::Unfinished
        | Standing::Skipped => true,
    };
    if adds_to_them {
        points.push(whole(scenario));
    }
    points
}

fn of_check(
    scenario: &CollectedScenario,
    check: &CheckResult,
    expected: Option<&str>,
    fail_on: Strength,
) -> Point {
    let todo = |why: &str| Some(("TODO", why.to_owned()));
    let (ok, directive) = match &check.verdict {
        CheckVerdict::Passed => (true, None),
        CheckVerdict::Skipped(why) => (true, Some(("SKIP", why.clone()))),
        CheckVerdict::Failed | CheckVerdict::Warned if expected.is_some() => {
            (false, todo(expected.unwrap_or_default()))
        }
        CheckVerdict::Failed | CheckVerdict::Warned if !is_red(check, fail_on) => {
            (false, todo("not red in this run"))
        }
        CheckVerdict::Failed | CheckVerdict::Warned => (false, None),
        CheckVerdict::Inconclusive(_) | CheckVerdict::Error(_) => (false, None),
    };
    let diagnostics = if ok { Diagnostics::default() } else { Diagnostics::of_check(scenario, check) };
    Point { ok, description: format!("{}: {}", scenario.started.id, check.title), directive, diagnostics }
}

/// A scenario, or a property check, as one point.
fn whole(scenario: &CollectedScenario) -> Point {
    let standing = scenario.standing();
    let reason = || scenario.reason().unwrap_or_default().to_owned();
    let directive = match standing {
        Standing::Skipped => Some(("SKIP", reason())),
        Standing::ExpectedFailure => Some(("TODO", reason())),
        Standing::Warned => Some(("TODO", standing.remark().to_owned())),
        Standing::Passed
        | Standing::Failed
        | Standing::UnexpectedPass
        | Standing::Inconclusive
        | Standing::Error
        | Standing::Unfinished => None,
    };
    Point {
        ok: matches!(standing, Standing::Passed | Standing::Skipped),
        description: format!("{}: {}", scenario.started.id, scenario.started.title),
        directive,
        diagnostics: match standing {
            Standing::Skipped => Diagnostics::default(),
            _ => Diagnostics::of_scenario(scenario),
        },
    }
}

fn bail_out(run: &Collected, points: usize) -> Option<String> {
    match run.finished.as_ref().map(|finished| &finished.end) {
        None => Some("the run did not end".to_owned()),
        Some(RunEnd::Interrupted(_)) => Some("interrupted".to_owned()),
        Some(RunEnd::Unreachable(why)) => Some(why.clone()),
        Some(RunEnd::Failed(why)) => Some(format!("the harness failed: {why}")),
        // TAP takes an empty plan for success.
        Some(RunEnd::Complete | RunEnd::StoppedEarly(_)) => {
            (points == 0).then(|| "nothing was selected".to_owned())
        }
    }
}

/// `text` as one line without secrets.
fn line(text: &str, redactor: &Redactor) -> String {
    printable(&redactor.redact(text)).replace(['\n', '\t'], " ")
}

/// `#` begins a directive, and a backslash escapes.
fn escaped(line: &str) -> String {
    line.replace('\\', "\\\\").replace('#', "\\#")
}
