//! What a run tells while it goes: the one type that feeds every report.
//!
//! Events are owned data without formats: a report decides how they look, and none of them knows the runner.
//! Texts in here may still hold a secret; they leave only through [`crate::redact`].
//!
//! Order of a run: [`Event::RunStarted`], then scenarios, then [`Event::RunFinished`]. With several jobs the
//! events of different scenarios interleave; those of one scenario stay in order.

mod check;
mod totals;

use std::time::Duration;

use pns_engine::Timestamp;
use pns_simulator::clock::Gear;

pub use check::{CheckFailure, CheckResult, CheckVerdict, Reproduced, ScenarioText, Strength, WireExchange};
pub use totals::{Counts, Totals};

use crate::clause::Clause;

/// One thing that happened in a run.
#[derive(Clone, Debug)]
pub enum Event {
    /// The scenarios are parsed and selected, and the target is ready.
    RunStarted(RunStarted),
    /// A scenario began.
    ScenarioStarted(ScenarioStarted),
    /// A scenario is under way. For progress only: reports of record ignore it.
    ScenarioProgress(ScenarioProgress),
    /// A check was decided. Comes again, in order, in [`ScenarioFinished::checks`].
    CheckFinished {
        /// [`ScenarioStarted::id`].
        scenario: String,
        /// The check.
        check: CheckResult,
    },
    /// A scenario ended.
    ScenarioFinished(ScenarioFinished),
    /// All scenarios ended, or the run was interrupted. Always the last event.
    RunFinished(RunFinished),
}

/// The circumstances of a run: all that is needed to make it again.
#[derive(Clone, Debug)]
pub struct RunStarted {
    /// Version of `pns`.
    pub version: String,
    /// Places everything that is drawn.
    pub seed: u64,
    /// What is judged.
    pub target: Target,
    /// How PNS time moves.
    pub gear: Gear,
    /// PNS time at the start of every scenario.
    pub epoch: Timestamp,
    /// Scenarios selected.
    pub scenarios: usize,
    /// Scenarios found but not selected by the filters.
    pub filtered_out: usize,
    /// What the reader must know to judge the verdicts.
    pub notes: Vec<Note>,
    /// The most requests that scenarios may make by their own limits; about how many checks make if all hold.
    pub request_budget: u64,
    /// What [`Event::ScenarioStarted`] stands for.
    pub subject: Subject,
    /// The least strength of a check that turns the run red when it does not hold.
    pub fail_on: Strength,
}

/// What a run is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Scenario files: `pns run`, `pns replay`.
    Scenarios,
    /// Property checks, each told as a scenario of its own with the id `family/name`: `pns check`.
    Checks,
}

/// What a run judges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The receiver that `pns` brings along.
    Embedded,
    /// The receiver at this address, as it was given.
    Endpoint(String),
}

/// A circumstance that weakens what the verdicts say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// `--insecure`: the receiver's certificate is not verified; Cvent's sender would.
    TlsNotVerified,
    /// `--allow-http`, and the target is plain HTTP: PNS would send nothing at all.
    PlainHttp,
    /// No probe: verdicts rest on acknowledgements, not on what the receiver did with a notification.
    AcknowledgementsOnly,
    /// No API key: notifications carry no authorization header, and the checks that need a key are skipped.
    NoApiKey,
    /// A gear that makes the named checks unsound, with the reason.
    Unsound {
        /// Why.
        reason: String,
    },
    /// No probe: the family `effects` is skipped.
    EffectsNotChecked,
    /// No pull API: the family `pulls` is skipped.
    PullsNotChecked,
    /// The machine has no trusted roots; the bundled ones are used.
    BundledRoots,
    /// Anything else worth a line.
    Other(String),
}

/// A scenario began.
#[derive(Clone, Debug)]
pub struct ScenarioStarted {
    /// `theme/name`, or `theme/name[row]`: unique in a run.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Where its title stands; `None`: it is no file's.
    pub location: Option<Location>,
    /// The statement of the PNS page on which it rests.
    pub clause: Clause,
}

/// A place in a scenario file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// As it was given.
    pub file: String,
    /// From 1.
    pub line: u32,
}

/// How far a scenario has come.
#[derive(Clone, Debug)]
pub struct ScenarioProgress {
    /// [`ScenarioStarted::id`].
    pub id: String,
    /// PNS time since the scenario's start.
    pub pns_time: Duration,
    /// Attempts started.
    pub attempts: u64,
    /// Deliveries not yet delivered.
    pub pending: u64,
    /// Wall time since the scenario's start.
    pub wall: Duration,
    /// What is being done, in a few words: "case 12 of 25", "shrinking, 40 cases left".
    pub doing: Option<String>,
}

/// A scenario ended.
#[derive(Clone, Debug)]
pub struct ScenarioFinished {
    /// [`ScenarioStarted::id`].
    pub id: String,
    /// What it came to.
    pub verdict: ScenarioVerdict,
    /// Its checks, in order.
    pub checks: Vec<CheckResult>,
    /// PNS time that passed.
    pub pns_time: Duration,
    /// Wall time that passed.
    pub wall: Duration,
    /// Attempts started.
    pub attempts: u64,
    /// Deliveries made.
    pub deliveries: u64,
    /// Cases played: 1 for a scenario, as many as were drawn for a property check.
    pub cases: u64,
    /// Remarks for the reader: a probe that was skipped, an attempt cap (a deviation from Cvent's page) …
    pub notes: Vec<String>,
    /// How notifications were followed by pulls; `None`: the scenario has no pull side.
    pub pulls: Option<PullCount>,
}

impl ScenarioFinished {
    /// The claim that does not hold, be it red or advice.
    pub(crate) fn broken(&self) -> Option<&CheckResult> {
        let is_claim = |check: &&CheckResult| match check.verdict {
            CheckVerdict::Failed => true,
            // Advice that stands in no scenario is no claim.
            CheckVerdict::Warned => check.location.is_some(),
            _ => false,
        };
        self.checks.iter().find(is_claim)
    }
}

/// How the notifications of a scenario were followed by pulls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PullCount {
    /// Acknowledged notifications that lead to a call of the pull API (inferred which).
    pub leading: u64,
    /// Of these, those that were followed by that call, answered 200.
    pub pulled: u64,
    /// Calls beyond what the notifications explain.
    pub surplus: u64,
}

impl PullCount {
    /// The two of several cases together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            leading: self.leading + other.leading,
            pulled: self.pulled + other.pulled,
            surplus: self.surplus + other.surplus,
        }
    }
}

impl std::fmt::Display for PullCount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} pulled after", self.pulled, self.leading)?;
        match self.surplus {
            0 => Ok(()),
            surplus => write!(f, ", {surplus} pulled again"),
        }
    }
}

/// What a scenario came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScenarioVerdict {
    /// Every check held.
    Passed,
    /// A check did not hold.
    Failed,
    /// It does not apply here, for this reason.
    Skipped(String),
    /// It could not be decided, for this reason: the target is unreachable, a probe did not answer.
    Inconclusive(String),
    /// The harness itself failed, in this way. Says nothing of the receiver.
    Error(String),
    /// It failed, as the file says it does, for this reason.
    ExpectedFailure(String),
    /// It passed, although the file says that it fails for this reason. Counts as a failure.
    UnexpectedPass(String),
}

/// What happened to one delivery.
#[derive(Clone, Debug)]
pub struct DeliveryTimeline {
    /// The engine's name for it, as `d7`.
    pub delivery: String,
    /// The name under which the scenario saved its notification.
    pub name: Option<String>,
    /// As `RFP_SEND`.
    pub event_type: String,
    /// The notification's id in its body, if it has one.
    pub event_id: Option<String>,
    /// The subscription's name.
    pub subscription: String,
    /// When the notification was published, since the scenario's start.
    pub published: Duration,
    /// How it stands at the end.
    pub state: DeliveryState,
    /// Its attempts, in order.
    pub attempts: Vec<AttemptLine>,
    /// Attempts between the first and the last ones that are not listed, and after which index they would stand.
    pub attempts_left_out: Option<LeftOut>,
}

/// A gap in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// How many are missing.
    pub count: usize,
    /// How many stand before the gap.
    pub after: usize,
}

/// How a delivery stands when its scenario ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// Acknowledged at this offset.
    Delivered(Duration),
    /// Not yet; another attempt would have followed.
    Pending,
    /// Given up, at this offset: an attempt cap, or the end of its subscription.
    Abandoned(Duration),
}

/// One attempt, as a line of a table.
#[derive(Clone, Debug)]
pub struct AttemptLine {
    /// 1, 2, …
    pub number: u32,
    /// PNS time at its start.
    pub at: Timestamp,
    /// The same since the scenario's start.
    pub offset: Duration,
    /// Whether it was acknowledged.
    pub acknowledged: bool,
    /// What came of it: "acknowledged", "the connection was refused".
    pub outcome: String,
    /// `pns_engine::FailureReason::name`, or `acknowledged`, or `in-flight`.
    pub reason: String,
    /// The status that came back, if one did.
    pub status: Option<u16>,
    /// How long the receiver took, in real time.
    pub latency: Option<Duration>,
    /// What made it start later than due: "downtime", "rate limit", "concurrency", "held back".
    pub deferrals: Vec<String>,
    /// What was done wrong on purpose: "ack lost".
    pub fault: Option<String>,
    /// What the receiver answered.
    pub response: Option<ResponseExcerpt>,
    /// The underlying error's own words.
    pub detail: Option<String>,
}

/// The beginning of a receiver's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseExcerpt {
    /// Status line and headers, a line each.
    pub head: String,
    /// The body's beginning; bytes that are no UTF-8 are replaced.
    pub body: String,
    /// Whether the body goes on.
    pub truncated: bool,
}

/// The end of a run.
#[derive(Clone, Debug)]
pub struct RunFinished {
    /// What it all came to.
    pub totals: Totals,
    /// Wall time of the run.
    pub wall: Duration,
    /// PNS time of all scenarios together.
    pub pns_time: Duration,
    /// Whether it was ended early.
    pub end: RunEnd,
}

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Everything selected was run.
    Complete,
    /// `--max-failures` or `--fail-fast`; so many scenarios were not run.
    StoppedEarly(usize),
    /// The user interrupted it; so many scenarios were not run.
    Interrupted(usize),
    /// Nothing more could be judged: the target never came up within `--wait-for-target`, accepts nothing, or is
    /// gone. Why, and what to do.
    Unreachable(String),
    /// The harness failed beyond one scenario, in this way.
    Failed(String),
}

impl ScenarioVerdict {
    /// A stable kebab-case name for reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped(_) => "skipped",
            Self::Inconclusive(_) => "inconclusive",
            Self::Error(_) => "error",
            Self::ExpectedFailure(_) => "expected-failure",
            Self::UnexpectedPass(_) => "unexpected-pass",
        }
    }

    /// The reason that goes with it.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Passed | Self::Failed => None,
            Self::Skipped(reason)
            | Self::Inconclusive(reason)
            | Self::Error(reason)
            | Self::ExpectedFailure(reason)
            | Self::UnexpectedPass(reason) => Some(reason),
        }
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TlsNotVerified => {
                "the receiver's certificate is NOT verified (--insecure): a real sender would verify it"
            }
            Self::PlainHttp => "the target is plain HTTP (--allow-http): PNS would not send to it at all",
            Self::AcknowledgementsOnly => {
                "acknowledgements only: without --probe nothing is known of what the receiver did afterwards"
            }
            Self::NoApiKey => {
                "no API key: notifications carry no authorization header, checks of the key are skipped"
            }
            Self::EffectsNotChecked => {
                "effects are not checked: without --probe nothing is known of what the receiver did with a \
                 notification that it acknowledged"
            }
            Self::PullsNotChecked => {
                "pulls are not checked: without --pull-listen nothing is known of what the receiver reads after a \
                 notification"
            }
            Self::BundledRoots => {
                "this machine has no trusted certificate authorities: the bundled ones are used"
            }
            Self::Unsound { reason } => return write!(f, "some checks are not sound here: {reason}"),
            Self::Other(text) => text,
        })
    }
}

impl Note {
    /// A stable kebab-case name for reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TlsNotVerified => "tls-not-verified",
            Self::PlainHttp => "plain-http",
            Self::AcknowledgementsOnly => "acknowledgements-only",
            Self::NoApiKey => "no-api-key",
            Self::EffectsNotChecked => "effects-not-checked",
            Self::PullsNotChecked => "pulls-not-checked",
            Self::BundledRoots => "bundled-roots",
            Self::Unsound { .. } => "unsound-checks",
            Self::Other(_) => "other",
        }
    }
}
