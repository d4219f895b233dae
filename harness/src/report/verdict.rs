//! What a whole run came to, in the words of every report.

use super::text::{count, noun};
use crate::event::{Counts, RunEnd, RunFinished, Subject};
use crate::exit::Exit;

/// How a verdict is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// All held.
    Good,
    /// Something is broken.
    Bad,
    /// It is not known.
    Unsure,
}

/// The verdict on a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headline {
    /// Its colour.
    pub tone: Tone,
    /// The verdict.
    pub text: String,
    /// What else is to be said of the run's end.
    pub remark: Option<String>,
}

/// The verdict on a run that ended in this way.
pub fn headline(subject: Subject, run: &RunFinished) -> Headline {
    let (tone, text) = match Exit::of_run(&run.totals, &run.end) {
        Exit::Held if run.totals.checks.warned > 0 => {
            let but_for = count(run.totals.checks.warned, "check");
            (Tone::Good, format!("everything that was checked held, but for {but_for} not red in this run"))
        }
        Exit::Held => (Tone::Good, "everything that was checked held".to_owned()),
        // A scenario that holds against expectation breaks no check.
        Exit::Broken if run.totals.checks.failed == 0 => {
            (Tone::Bad, "what is expected to fail passes".to_owned())
        }
        Exit::Broken => (Tone::Bad, "the receiver broke a check".to_owned()),
        Exit::Inconclusive if run.totals.scenarios.total() == 0 => {
            (Tone::Unsure, format!("inconclusive: no {} ran", noun(subject)))
        }
        Exit::Inconclusive => (Tone::Unsure, "inconclusive".to_owned()),
        Exit::Harness | Exit::Usage => {
            (Tone::Bad, "the harness itself failed: no verdict on the receiver".to_owned())
        }
        Exit::Interrupted => (Tone::Unsure, "interrupted: the report is partial".to_owned()),
    };
    let remark = match &run.end {
        RunEnd::Complete => None,
        RunEnd::StoppedEarly(left) | RunEnd::Interrupted(left) => {
            Some(format!("{} not run", count(*left as u64, noun(subject))))
        }
        RunEnd::Unreachable(why) => Some(why.clone()),
        RunEnd::Failed(why) => Some(why.clone()),
    };
    Headline { tone, text, remark }
}

/// "5 passed, 1 failed".
pub fn counts(counts: &Counts) -> String {
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

/// The counts of scenarios, or of property checks, in which `warned` of those that passed stand apart.
pub fn with_warnings(counts: &Counts, warned: u64) -> Counts {
    Counts { passed: counts.passed.saturating_sub(warned), warned: counts.warned + warned, ..*counts }
}
