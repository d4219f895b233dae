//! A checked scenario: what the runner executes. Names are resolved, units read, rows expanded, includes inlined.
//!
//! Everything here is immutable data and knows nothing of the runner. Only a [`Template`] is still open: it
//! names things that exist once the scenario runs, such as the target's address or a saved notification's id.

mod claim;
mod pull;
mod receiver;
mod request;
mod step;
mod subscription;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clause::Clause;

pub use claim::{
    Bound, Claim, DeferredBy, Expectation, ExpectedOutcome, FirstAttemptOrder, HeaderClaim, Intervals,
    Pulled, ReceivedType, Starts,
};
pub use pull::{CallKind, PullFault, PullFaultKind, PullTopic, PushedBack};
pub use receiver::{Certificate, Reaction, Receiver, ReceiverKey, ReceiverTls, TlsVersions};
pub use request::{AnswerKind, Answers, Course, Request, RequestAuth, RequestBody, RequestTarget};
pub use step::{
    Action, Downtime, Emit, EmitOrder, Emitted, Fault, FaultExtent, FaultKind, Goal, Probe, Step, Validity,
    Which, WindowStart,
};
pub use subscription::{Auth, Change, Subscription};

/// The subscription that a scenario has when it names none.
pub const DEFAULT_SUBSCRIPTION: &str = "default";

/// Where something stands in a scenario file. Displays as `file:line:column`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's path as it was given.
    pub file: Arc<str>,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
    /// First byte in the file.
    pub start: usize,
    /// One beyond the last byte.
    pub end: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One scenario, or one row of a scenario with `each`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The file's path below its root without the ending (`auth/key-sent`); rows add `[row]`.
    pub id: String,
    /// The title.
    pub title: String,
    /// Which statement of the PNS page it rests on.
    pub clause: Clause,
    /// Why it matters, for a newcomer.
    pub why: Option<String>,
    /// Labels to select by.
    pub tags: BTreeSet<String>,
    /// What must be there; otherwise the scenario is skipped with a note.
    pub requires: BTreeSet<Requirement>,
    /// Under which circumstances it applies.
    pub when: Condition,
    /// The schema pack that writes the bodies.
    pub pack: Pack,
    /// Variables whose value holds a template, in the order in which they may refer to each other. Those of
    /// constant value have been substituted everywhere already.
    pub vars: Vec<(String, Template)>,
    /// At least one.
    pub subscriptions: Vec<Subscription>,
    /// How the embedded receiver behaves; with another target such a scenario is skipped with a note.
    pub receiver: Option<Receiver>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// What is done at the end, also after a failure.
    pub finally: Vec<Step>,
    /// What must hold. Each becomes a check of the report.
    pub expect: Vec<Expectation>,
    /// The scenario is expected to fail, for this reason; passing turns it red.
    pub expect_fail: Option<String>,
    /// When to give up.
    pub limits: Limits,
    /// Where the file's title stands.
    pub place: Place,
}

impl Scenario {
    /// Whether anything in it asks for a pull API beside the run.
    #[must_use]
    pub fn wants_pull(&self) -> bool {
        let step = |step: &Step| matches!(step.action, Action::PullFault(_) | Action::PushedBack(_));
        let claim = |one: &Expectation| matches!(one.claim, Claim::Pulled(_) | Claim::Calls(..));
        let receiver = |one: &Receiver| one.pulls.is_some() || one.turns_down;
        self.requires.contains(&Requirement::Pull)
            || self.steps.iter().chain(&self.finally).any(step)
            || self.expect.iter().any(claim)
            || self.receiver.as_ref().is_some_and(receiver)
    }
}

/// What a scenario cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Requirement {
    /// The embedded receiver is the target.
    Embedded,
    /// The target offers a probe.
    Probe,
    /// An API key is configured.
    ApiKey,
    /// Plain HTTP is refused, as PNS refuses it.
    HttpsOnly,
    /// A pull API runs beside the run.
    Pull,
}

/// Circumstances known at the start of a run. `None`: does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Condition {
    /// Whether the embedded receiver is the target.
    pub embedded: Option<bool>,
    /// Whether the target offers a probe.
    pub probe: Option<bool>,
    /// Whether an API key is configured.
    pub api_key: Option<bool>,
    /// Whether a pull API runs beside the run.
    pub pull: Option<bool>,
}

/// What is there at the start of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Circumstances {
    /// The embedded receiver is the target.
    pub embedded: bool,
    /// The target offers a probe.
    pub probe: bool,
    /// An API key is configured.
    pub api_key: bool,
    /// A pull API runs beside the run.
    pub pull: bool,
}

impl Condition {
    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, there: Circumstances) -> bool {
        self.embedded.is_none_or(|wanted| wanted == there.embedded)
            && self.probe.is_none_or(|wanted| wanted == there.probe)
            && self.api_key.is_none_or(|wanted| wanted == there.api_key)
            && self.pull.is_none_or(|wanted| wanted == there.pull)
    }
}

/// A shipped schema pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Pack {
    /// `cvent-2016-11`: the shape since November 2016.
    #[default]
    Cvent2016,
    /// `cvent-2015`: the shape before.
    Cvent2015,
}

impl Pack {
    /// The pack's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cvent2016 => "cvent-2016-11",
            Self::Cvent2015 => "cvent-2015",
        }
    }
}

/// JSON in which strings may hold `{{name}}`, to be filled in by [`Template::fill`].
///
/// Names known while running: `target`, `probe_url`, `uuid` (a fresh one from the seed at each use), `api_key` (in the
/// few places of a request that may hold it), variables
/// of [`Scenario::vars`], `NAME.field` for a field of the saved notification's body, and what a probe saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Template(pub serde_json::Value);

/// When a run of the scenario is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// PNS time. Default 30 days.
    pub pns_time: Duration,
    /// Attempts. Default 10,000.
    pub attempts: u64,
    /// Wall time. Default 60 s.
    pub wall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { pns_time: Duration::from_secs(30 * 86_400), attempts: 10_000, wall: Duration::from_secs(60) }
    }
}
