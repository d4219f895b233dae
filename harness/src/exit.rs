//! Exit codes: public, documented, one meaning each, decided here and nowhere else.
//!
//! Where several apply, the one that says most against trusting the run wins: interrupted, then a failure of
//! the harness, then a broken check, then inconclusive. A run in which nothing was decided is never a success.

use std::process::ExitCode;

use crate::event::{RunEnd, Totals};
use crate::load::document::Document;
use crate::load::verdict::Outcome;

/// How `pns` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything that was decided held, and something was decided.
    Held,
    /// The target is unreachable, a probe is missing, or nothing was selected: no verdict.
    Inconclusive,
    /// The receiver broke a check.
    Broken,
    /// Usage, settings, or a scenario file that does not parse. Nothing was sent.
    Usage,
    /// The harness itself failed; says nothing of the receiver.
    Harness,
    /// Ended by the user.
    Interrupted,
}

/// What `--help` says of them.
pub const HELP: &str = "\
Exit codes:
  0    everything that was checked held
  1    the receiver broke a check, or did not reach a threshold
  2    usage, settings, or a scenario file that does not parse
  3    inconclusive: target unreachable, probe missing, nothing selected
  4    the harness itself failed
  130  interrupted";

impl Exit {
    /// The number for the shell.
    pub const fn code(self) -> u8 {
        match self {
            Self::Held => 0,
            Self::Broken => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::Harness => 4,
            Self::Interrupted => 130,
        }
    }

    /// What a load run comes to. Without demands, that something was acknowledged is all that can be said.
    pub fn of_load(run: &Document) -> Self {
        let any = |outcome: Outcome| run.verdicts.iter().any(|one| one.outcome == outcome.name());
        let answers = |class: &str| class.starts_with("status-") || class.starts_with("slow-down-");
        let answered = run.totals.acknowledged > 0 || run.outcomes.iter().any(|one| answers(&one.class));
        let searched = run.search.as_ref();
        let found_none = searched.is_some_and(|search| search.max_per_second.is_none());
        let is_of_receiver = searched.is_none_or(|search| search.is_of_receiver);
        // That the receiver takes this or more decides something only where a least rate is demanded.
        let demands_rate = run.verdicts.iter().any(|one| one.demanded.starts_with("rate"));
        // Where no share is demanded, that some were refused says neither good nor bad of when it would have caught up.
        let undrained =
            run.verdicts.is_empty() && run.drain.as_ref().is_some_and(|drain| drain.caught_up_us.is_none());
        if !run.complete {
            Self::Interrupted
        } else if !answered || run.lacks_segments() {
            Self::Inconclusive
        } else if any(Outcome::Broke) || found_none && is_of_receiver {
            Self::Broken
        } else if undrained
            || any(Outcome::Unknown)
            || run.totals.acknowledged == 0
            || !is_of_receiver && !demands_rate
        {
            Self::Inconclusive
        } else {
            Self::Held
        }
    }

    /// What a run that came to an end comes to.
    pub fn of_run(totals: &Totals, end: &RunEnd) -> Self {
        let Totals { scenarios, checks, .. } = totals;
        match end {
            RunEnd::Interrupted(_) => return Self::Interrupted,
            RunEnd::Failed(_) => return Self::Harness,
            RunEnd::Complete | RunEnd::StoppedEarly(_) | RunEnd::Unreachable(_) => {}
        }
        if scenarios.errors > 0 || checks.errors > 0 {
            Self::Harness
        } else if scenarios.failed > 0 {
            Self::Broken
        } else if scenarios.inconclusive > 0
            || scenarios.passed == 0
            || checks.passed + checks.warned == 0
            || matches!(end, RunEnd::Unreachable(_))
        {
            Self::Inconclusive
        } else {
            Self::Held
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Counts;

    fn exit(end: &RunEnd, scenarios: Counts, checks: Counts) -> u8 {
        let totals = Totals { scenarios, checks, attempts: 0, deliveries: 0 };
        Exit::of_run(&totals, end).code()
    }

    #[test]
    fn each_code_has_one_meaning_and_the_graver_wins() {
        let none = Counts::default();
        let held = Counts { passed: 3, skipped: 1, ..none };
        let broken = Counts { failed: 1, inconclusive: 1, ..held };
        let undecided = Counts { inconclusive: 1, ..held };
        let ours = Counts { errors: 1, ..broken };
        assert_eq!(exit(&RunEnd::Complete, held, held), 0);
        assert_eq!(exit(&RunEnd::Complete, broken, broken), 1);
        assert_eq!(exit(&RunEnd::StoppedEarly(4), broken, broken), 1);
        assert_eq!(exit(&RunEnd::Complete, undecided, undecided), 3);
        assert_eq!(exit(&RunEnd::Complete, ours, broken), 4);
        assert_eq!(exit(&RunEnd::Complete, broken, ours), 4);
        assert_eq!(exit(&RunEnd::Failed("bug".to_owned()), held, held), 4);
        assert_eq!(exit(&RunEnd::Interrupted(2), ours, ours), 130);
    }

    #[test]
    fn nothing_decided_is_never_a_success() {
        let none = Counts::default();
        let skipped = Counts { skipped: 9, ..none };
        assert_eq!(exit(&RunEnd::Complete, none, none), 3);
        assert_eq!(exit(&RunEnd::Complete, skipped, skipped), 3);
        assert_eq!(
            exit(&RunEnd::Complete, Counts { passed: 1, ..none }, none),
            3,
            "a scenario without a check"
        );
        assert_eq!(exit(&RunEnd::Unreachable("refused".to_owned()), none, none), 3);
    }
}
