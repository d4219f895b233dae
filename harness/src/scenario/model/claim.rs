//! What must hold at a scenario's end.

use std::fmt;
use std::time::Duration;

use pns_engine::{FailureReason, Outcome, RateLimit};

use super::{Condition, Place, PullTopic, Template, Which};

/// One expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// Where it stands.
    pub place: Place,
    /// Skipped unless this holds.
    pub when: Condition,
    /// What must hold.
    pub claim: Claim,
}

/// What must hold at the end.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// Each of these is delivered; `None`: none at all is.
    Delivered(Option<Which>),
    /// None of these is delivered.
    Undelivered(Which),
    /// Attempts of each.
    Attempts(Which, Bound),
    /// Intervals between consecutive attempts of each.
    Intervals(Which, Intervals),
    /// The outcomes of the attempts of each.
    Outcomes(Which, Vec<ExpectedOutcome>),
    /// When attempts start.
    Starts(Which, Starts),
    /// The order of first attempts.
    Order(Vec<String>, FirstAttemptOrder),
    /// In every span, no more attempts than this allows.
    Rate(RateLimit),
    /// How many deliveries each notification makes.
    Deliveries(Which, Bound),
    /// Each is delivered within this span of PNS time after it was published.
    DeliveredWithin(Which, Duration),
    /// An attempt of each was deferred by this.
    Deferred(Which, DeferredBy),
    /// Attempts over all.
    Requests(Bound),
    /// A header of every attempt.
    Header(Which, String, HeaderClaim),
    /// What the embedded receiver, or the probe, saw of each.
    Received {
        /// Which.
        of: Which,
        /// How many requests came in.
        times: Option<u32>,
        /// How often it took effect.
        processed: Option<u32>,
        /// Whether its event type is looked at.
        event_type: ReceivedType,
    },
    /// The receiver pulled what each is about.
    Pulled(Pulled),
    /// Calls of the pull API about the RFPs of these, however answered, within this span of real time after the
    /// acknowledgement.
    Calls(Which, Duration, Bound),
    /// The effects of the first set are those of the second: sorted event types and how often each took effect.
    SameEffects(Vec<String>, Vec<String>),
}

/// A claim on pulls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// After which notifications.
    pub of: Which,
    /// The longest real time from the acknowledgement to the pull.
    pub within: Duration,
    /// The call; `None`: the one that the event type leads to.
    pub call: Option<PullTopic>,
    /// So many answers 200 when `within` is over; `None`: at least one, at any moment before.
    pub times: Option<Bound>,
}

/// Whether the event type that a receiver tells is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceivedType {
    /// It is not.
    Any,
    /// It must be that of the notification.
    Sent,
}

/// A bound on a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Bound {
    Exactly(u64),
    AtLeast(u64),
    AtMost(u64),
}

impl Bound {
    /// Whether `number` is within.
    #[must_use]
    pub const fn allows(self, number: u64) -> bool {
        match self {
            Self::Exactly(wanted) => number == wanted,
            Self::AtLeast(least) => number >= least,
            Self::AtMost(most) => number <= most,
        }
    }
}

/// A claim on the intervals between attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intervals {
    /// Exactly these, all of them.
    Are(Vec<Duration>),
    /// These are the first ones.
    Begin(Vec<Duration>),
    /// Each at least as long as the one listed for it.
    AtLeast(Vec<Duration>),
    /// None is shorter than the one before.
    NeverShrink,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedOutcome {
    /// Acknowledged, whatever the status.
    Acknowledged,
    /// A status that does not acknowledge.
    Status(u16),
    /// Any status of this hundred that does not acknowledge: 4 for `4xx`.
    StatusClass(u16),
    /// A failure, by `pns_engine::FailureReason::name`.
    Failure(&'static str),
}

impl ExpectedOutcome {
    /// Whether `outcome` is what was expected.
    #[must_use]
    pub fn fits(&self, outcome: Outcome) -> bool {
        match (self, outcome) {
            (Self::Acknowledged, Outcome::Acknowledged(_)) => true,
            (Self::Status(wanted), Outcome::Failed(FailureReason::Status(code))) => *wanted == code,
            (Self::StatusClass(hundred), Outcome::Failed(FailureReason::Status(code))) => {
                *hundred == code / 100
            }
            (Self::Failure(name), Outcome::Failed(reason)) => *name == reason.name(),
            _ => false,
        }
    }
}

impl fmt::Display for ExpectedOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acknowledged => f.write_str("acknowledged"),
            Self::Status(code) => code.fmt(f),
            Self::StatusClass(hundred) => write!(f, "{hundred}xx"),
            Self::Failure(name) => f.write_str(name),
        }
    }
}

/// A claim on the starts of attempts, as offsets of PNS time from the scenario's start.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Starts {
    /// No attempt starts earlier.
    pub not_before: Option<Duration>,
    /// No attempt starts later.
    pub not_after: Option<Duration>,
    /// Attempts start exactly at these offsets.
    pub at: Option<Vec<Duration>>,
    /// No attempt starts from the first offset on and before the second.
    pub none_between: Option<(Duration, Duration)>,
    /// No attempt starts while this saved window is open.
    pub outside: Option<String>,
}

/// The order in which first attempts start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum FirstAttemptOrder {
    Published,
    Reversed,
}

/// What defers an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum DeferredBy {
    Downtime,
    RateLimit,
    Concurrency,
}

/// A claim on a header that was sent.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum HeaderClaim {
    Present,
    Absent,
    Is(Template),
}
