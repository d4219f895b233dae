//! What is told of one check.

use std::time::Duration;

use super::{DeliveryTimeline, Location};
use crate::clause::Clause;

/// What one check came to.
#[derive(Clone, Debug)]
pub struct CheckResult {
    /// Which kind of check, kebab-case and stable: `attempts`, `delivered`, `probe`. What
    /// `pns explain` takes.
    pub id: String,
    /// What it says, in words: "rfp took exactly 3 attempts".
    pub title: String,
    /// The statement of the PNS page on which it rests.
    pub clause: Clause,
    /// How binding it is.
    pub strength: Strength,
    /// What it came to.
    pub verdict: CheckVerdict,
    /// Where the expectation stands.
    pub location: Option<Location>,
    /// When it was decided, in PNS time since the scenario's start.
    pub pns_time: Duration,
    /// What went wrong, if anything did.
    pub failure: Option<Box<CheckFailure>>,
}

/// How binding a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Good to have: reported, and never red.
    Advice,
    /// Follows from the PNS page, or from HTTP.
    Should,
    /// The PNS page says so.
    Must,
}

/// What one check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckVerdict {
    /// It held.
    Passed,
    /// It did not: see [`CheckResult::failure`].
    Failed,
    /// It did not, and its strength is below what turns this run red. See [`CheckResult::failure`].
    Warned,
    /// It does not apply, for this reason.
    Skipped(String),
    /// It could not be decided, for this reason.
    Inconclusive(String),
    /// The harness failed at it, in this way.
    Error(String),
}

/// All that a reader needs to see what went wrong, and to see it again.
#[derive(Clone, Debug, Default)]
pub struct CheckFailure {
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// What it means and how a receiver is mended, for someone who meets it the first time.
    pub explanation: String,
    /// The deliveries concerned, the telling ones first.
    pub deliveries: Vec<DeliveryTimeline>,
    /// Deliveries concerned beyond those listed.
    pub deliveries_left_out: usize,
    /// A curl command that sends the same notification, the key as `$PNS_API_KEY`.
    pub curl: Option<String>,
    /// The one command that runs this scenario again with its seed.
    pub repeat: String,
    /// Requests made outside the sender's schedule, in order: those that show what went wrong, the telling one last.
    pub exchanges: Vec<WireExchange>,
    /// Whether it happens again; `None`: it was not tried again.
    pub reproduced: Option<Reproduced>,
    /// The smallest scenario file that shows it, for a property check.
    pub scenario: Option<ScenarioText>,
}

/// How often a failure came again when it was tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reproduced {
    /// Times that it failed, the first time among them.
    pub failed: u32,
    /// Times that it was tried.
    pub tried: u32,
}

impl Reproduced {
    /// Whether it failed every time.
    pub const fn is_certain(self) -> bool {
        self.failed == self.tried
    }
}

/// A scenario file that shows a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioText {
    /// The file's text, without secrets.
    pub text: String,
    /// Where it was saved, if it was.
    pub saved: Option<String>,
    /// How many simpler cases were tried to find it; 0: it was not shrunk.
    pub shrunk_by: u64,
}

/// One request made by bytes, outside the sender's schedule, and what came back. Holds no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireExchange {
    /// Which it is: "request 2 of 3, on connection `a`".
    pub label: String,
    /// What was sent: request line, headers and body as they went out, made printable and cut; the key as `***`.
    pub request: String,
    /// What came back, likewise; `None`: nothing.
    pub response: Option<String>,
    /// How it ended: "status 500", "closed without an answer", "no answer within 5 s".
    pub outcome: String,
    /// Whether that is what was wanted.
    pub fits: bool,
    /// "new connection, TLS 1.3, HTTP/1.1".
    pub connection: String,
    /// Real time from the request's last byte to the end of the answer; `None`: there was none.
    pub latency: Option<Duration>,
}

impl CheckVerdict {
    /// A stable kebab-case name for reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Warned => "warned",
            Self::Skipped(_) => "skipped",
            Self::Inconclusive(_) => "inconclusive",
            Self::Error(_) => "error",
        }
    }

    /// Whether the check was decided against the receiver, whatever that does to the run.
    pub const fn is_broken(&self) -> bool {
        matches!(self, Self::Failed | Self::Warned)
    }

    /// The reason that goes with it.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Passed | Self::Failed | Self::Warned => None,
            Self::Skipped(reason) | Self::Inconclusive(reason) | Self::Error(reason) => Some(reason),
        }
    }
}

impl Strength {
    /// As in reports and in `pns explain`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Advice => "advice",
            Self::Should => "should",
            Self::Must => "must",
        }
    }
}
