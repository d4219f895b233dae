//! Judges what came back to requests by bytes.

use std::time::Duration;

use pns_engine::FailureReason;
use pns_simulator::advice::{self, Voice};

use super::verdict::{Checks, Failure};
use super::words;
use super::world::World;
use crate::event::WireExchange;
use crate::scenario::model::{AnswerKind, Answers, Place, Request};
use crate::wire::{Ending, Outcome};

/// The check's kind.
const CHECK: &str = "answer";

/// A `request` step, judged.
#[derive(Debug)]
pub(super) struct Answered {
    /// What the check says.
    pub title: String,
    /// What it came to.
    pub verdict: Verdict,
}

/// What a `request` step came to.
#[derive(Debug)]
pub(super) enum Verdict {
    /// All that came back was wanted.
    Held,
    /// Something was not.
    Broken(Box<Broken>),
    /// The receiver asked to be sent less, or a limit was reached.
    Undecided(String),
    /// It cannot be asked here.
    Skipped(String),
    /// What follows supposes another answer, for this reason; the answer itself is in order.
    Moot(String),
}

/// An answer that was not wanted.
#[derive(Debug)]
pub(super) struct Broken {
    /// What was wanted.
    pub expected: String,
    /// What came.
    pub found: String,
    /// What it means, if the answer's kind says.
    pub meaning: Option<String>,
    /// The exchanges, the telling one last.
    pub exchanges: Vec<WireExchange>,
}

/// Whether a scenario takes its next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goes {
    On,
    NoFurther,
}

impl Answered {
    /// Adds the check.
    pub(super) fn tell(self, world: &World, checks: &mut Checks<'_>, place: &Place) -> Goes {
        let title = self.title;
        match self.verdict {
            Verdict::Held => {
                checks.passed(world, CHECK, title, place);
                Goes::On
            }
            Verdict::Skipped(reason) => {
                checks.skipped(world, CHECK, title, reason, place);
                Goes::On
            }
            Verdict::Moot(reason) => {
                checks.skipped(world, CHECK, title, reason, place);
                Goes::NoFurther
            }
            Verdict::Undecided(reason) => {
                checks.undecided(world, CHECK, title, reason, place);
                Goes::NoFurther
            }
            Verdict::Broken(broken) => {
                let Broken { expected, found, meaning, exchanges } = *broken;
                let failure = Failure { exchanges, meaning, ..Failure::of(expected, found, Vec::new()) };
                checks.failed(world, CHECK, title, failure, place);
                Goes::NoFurther
            }
        }
    }
}

/// What is wanted of each answer of a step.
#[derive(Debug)]
pub(super) struct Wanted {
    answers: Answers,
    closed: bool,
    without: Vec<Unwanted>,
    within: Duration,
}

/// A text that an answer must not hold.
#[derive(Debug)]
pub(super) struct Unwanted {
    /// The text.
    pub text: String,
    /// The same for reports.
    pub shown: String,
}

impl Wanted {
    /// What `request` wants, with its texts filled in.
    pub(super) fn of(request: &Request, without: Vec<Unwanted>, within: Duration) -> Self {
        let course = &request.course;
        let answers = course.answer.clone().unwrap_or_else(|| match request.stop {
            None => Answers::Only(vec![AnswerKind::Class(2)]),
            // Whatever a receiver makes of half a request, it should speak HTTP.
            Some(_) => Answers::Not(vec![AnswerKind::Malformed, AnswerKind::Refused]),
        });
        Self { answers, closed: course.then_closed, without, within }
    }

    /// In words: "2xx, then the connection is closed".
    pub(super) fn words(&self) -> String {
        let mut text = self.answers.to_string();
        if self.closed {
            text.push_str(", then the connection is closed");
        }
        let shown: Vec<String> = self.without.iter().map(|one| one.shown.clone()).collect();
        if !shown.is_empty() {
            text.push_str(&format!(", without {}", words::list(shown)));
        }
        text
    }

    /// What is wrong with an outcome, in words; `None`: nothing.
    pub(super) fn wrong(&self, outcome: &Outcome) -> Option<String> {
        let ending = &outcome.ending;
        if !fits(&self.answers, ending) {
            return Some(ending.to_string());
        }
        if self.closed && matches!(ending, Ending::Status(_)) && outcome.closed_after == Some(false) {
            return Some(format!(
                "{ending}, and the connection stayed open for {}",
                words::span(self.within)
            ));
        }
        let holds = |text: &str| {
            let text = text.as_bytes();
            !text.is_empty() && outcome.received.windows(text.len()).any(|window| window == text)
        };
        let unwanted = self.without.iter().find(|one| holds(&one.text))?;
        Some(format!("{ending}, and the answer holds {}", unwanted.shown))
    }

    /// What a wrong answer means, where its kind says so by itself.
    pub(super) fn meaning(&self, outcome: &Outcome) -> Option<String> {
        let wants_success = fits(&self.answers, &Ending::Status(200));
        match &outcome.ending {
            Ending::Status(code) if wants_success && !fits(&self.answers, &outcome.ending) => {
                Some(advice::meaning(FailureReason::Status(*code), Voice::CommandLine))
            }
            Ending::Malformed(_) => {
                Some(advice::meaning(FailureReason::MalformedResponse, Voice::CommandLine))
            }
            Ending::Closed(_) if wants_success => {
                Some(advice::meaning(FailureReason::ClosedBeforeResponse, Voice::CommandLine))
            }
            Ending::Silent(_) if wants_success => {
                Some(advice::meaning(FailureReason::AcknowledgementTimeout, Voice::CommandLine))
            }
            _ => None,
        }
    }
}

fn fits(answers: &Answers, ending: &Ending) -> bool {
    let is = |kind: &AnswerKind| match (kind, ending) {
        (AnswerKind::Status(wanted), Ending::Status(code)) => wanted == code,
        (AnswerKind::Class(hundred), Ending::Status(code)) => *hundred == code / 100,
        (AnswerKind::Any, Ending::Status(_))
        | (AnswerKind::Closed, Ending::Closed(_))
        | (AnswerKind::None, Ending::Silent(_))
        | (AnswerKind::Malformed, Ending::Malformed(_))
        | (AnswerKind::Refused, Ending::Unconnected(_)) => true,
        _ => false,
    };
    match answers {
        // Nothing was waited for.
        _ if *ending == Ending::BrokenOff => true,
        Answers::Only(kinds) => kinds.iter().any(is),
        Answers::Not(kinds) => !kinds.iter().any(is),
    }
}
