//! A checked scenario: what the runner executes. Names are resolved, units read, rows expanded, includes inlined.
//!
//! Everything here is immutable data and knows nothing of the runner. Only a [`Template`] is still open: it
//! names things that exist once the scenario runs, such as the target's address or a saved notification's id.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use pns_engine::{
    Backoff, EventType, EventTypeSet, FailingDelivery, FailureReason, Outcome, RateLimit, RetryAfter,
    Supplierless,
};

use crate::clause::Clause;

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
}

impl Condition {
    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, embedded: bool, probe: bool, api_key: bool) -> bool {
        self.embedded.is_none_or(|wanted| wanted == embedded)
            && self.probe.is_none_or(|wanted| wanted == probe)
            && self.api_key.is_none_or(|wanted| wanted == api_key)
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
/// Names known while running: `target`, `probe_url`, `uuid` (a fresh one from the seed at each use), variables
/// of [`Scenario::vars`], `NAME.field` for a field of the saved notification's body, and what a probe saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Template(pub serde_json::Value);

/// A subscription and how its endpoint is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    /// Its name in the file.
    pub name: String,
    /// The event types.
    pub events: EventTypeSet,
    /// The suppliers, each a template that gives a UUID; `None`: all.
    pub suppliers: Option<Vec<Template>>,
    /// How often it hears of an event that names no supplier.
    pub supplierless: Supplierless,
    /// The intervals between attempts.
    pub backoff: Backoff,
    /// Whether `Retry-After` lengthens a delay.
    pub retry_after: RetryAfter,
    /// Gives up after so many attempts; `None`, the default, is what Cvent documents.
    pub attempt_cap: Option<NonZeroU32>,
    /// Which statuses acknowledge.
    pub acknowledge: Vec<RangeInclusive<u16>>,
    /// How long to wait for an answer; `None`: the run's setting.
    pub ack_timeout: Option<Duration>,
    /// How long to wait for a connection; `None`: the run's setting.
    pub connect_timeout: Option<Duration>,
    /// How fast attempts may start.
    pub rate_limit: Option<RateLimit>,
    /// How many attempts may be in flight.
    pub concurrency: NonZeroU32,
    /// Whether a failing delivery holds back the others.
    pub failing_delivery: FailingDelivery,
    /// Which Authorization header is sent.
    pub auth: Auth,
    /// Another endpoint than the target.
    pub endpoint: Option<Template>,
    /// Appended to the target's path.
    pub path: Option<Template>,
}

/// Which Authorization header is sent.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Auth {
    /// What `--api-key` says: the key, or no header without one.
    #[default]
    Target,
    /// No header.
    None,
    /// This key.
    Key(Template),
}

/// A change to a running subscription: `Some` replaces.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Change {
    /// The event types.
    pub events: Option<EventTypeSet>,
    /// The suppliers; `Some(None)`: all.
    pub suppliers: Option<Option<Vec<Template>>>,
    /// The intervals between attempts.
    pub backoff: Option<Backoff>,
    /// Whether `Retry-After` lengthens a delay.
    pub retry_after: Option<RetryAfter>,
    /// Which statuses acknowledge.
    pub acknowledge: Option<Vec<RangeInclusive<u16>>>,
    /// How many attempts may be in flight.
    pub concurrency: Option<NonZeroU32>,
    /// The Authorization header.
    pub auth: Option<Auth>,
}

/// The embedded receiver's settings and script.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Receiver {
    /// Reactions to the first requests, one each.
    pub script: Vec<Reaction>,
    /// The reaction to all further requests. Default: correct.
    pub then: Reaction,
    /// The key it demands.
    pub api_key: ReceiverKey,
    /// Its TLS.
    pub tls: ReceiverTls,
    /// At most this rate; beyond it answers 429.
    pub rate_limit: Option<RateLimit>,
}

/// The key that the embedded receiver demands.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum ReceiverKey {
    /// The run's.
    #[default]
    Run,
    /// None: it does not look at the Authorization header.
    None,
    /// This one.
    Key(String),
}

/// What the embedded receiver does with one request.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Reaction {
    /// Checks, stores and acknowledges as a good receiver does.
    #[default]
    Correct,
    /// Answers with a status.
    Status {
        /// The code.
        code: u16,
        /// `Retry-After`.
        retry_after: Option<Duration>,
        /// The body.
        body: Option<String>,
        /// More headers.
        headers: Vec<(String, String)>,
    },
    /// Waits in real time, then reacts.
    Delay(Duration, Box<Reaction>),
    /// Reads the request and never answers.
    Hang,
    /// Never reads the request.
    HangBeforeReading,
    /// Resets the connection.
    Reset,
    /// Closes the connection in order.
    Close,
    /// Answers with bytes that are no HTTP.
    Malformed,
    /// Announces a longer answer than it sends.
    CutResponse,
    /// Answers 307 to this location.
    Redirect(Template),
    /// Processes the notification, then resets the connection.
    ProcessThenReset,
    /// Processes the notification and never answers.
    ProcessThenHang,
    /// The first `times` requests of each notification get `with`; later ones are correct.
    FailFirst {
        /// How many.
        times: u32,
        /// What they get.
        with: Box<Reaction>,
    },
}

/// TLS of the embedded receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ReceiverTls {
    /// The certificate it shows.
    pub certificate: Certificate,
    /// The versions it speaks.
    pub versions: TlsVersions,
    /// Whether it demands a client certificate.
    pub demand_client_certificate: bool,
}

/// The certificate that the embedded receiver shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Certificate {
    #[default]
    Good,
    Expired,
    NotYetValid,
    WrongHost,
    UnknownIssuer,
}

/// The TLS versions that the embedded receiver speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub enum TlsVersions {
    #[default]
    Both,
    Tls12,
    Tls13,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Where it stands.
    pub place: Place,
    /// Skipped unless this holds.
    pub when: Condition,
    /// What is done.
    pub action: Action,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Publishes notifications.
    Emit(Emit),
    /// Injects failures inside the sender.
    Fault(Fault),
    /// Ends all injected failures, of one subscription or of all.
    ClearFaults {
        /// Its name; `None`: all.
        on: Option<String>,
    },
    /// Announces a downtime window.
    Downtime(Downtime),
    /// Moves the end of a window.
    Extend {
        /// Its saved name.
        window: String,
        /// The new end, counted from now.
        to: Duration,
    },
    /// Cancels a window by its saved name.
    Cancel(String),
    /// Changes the rate limit; `None` lifts it.
    RateLimit {
        /// The subscription.
        on: String,
        /// The limit.
        limit: Option<RateLimit>,
    },
    /// Changes a subscription.
    Change {
        /// The subscription.
        on: String,
        /// Its new settings.
        to: Box<Change>,
    },
    /// Lets PNS time pass.
    Advance(Duration),
    /// Lets PNS time pass until something holds.
    Until {
        /// What to wait for.
        goal: Goal,
        /// The longest wait, in PNS time; `None`: the scenario's limit.
        within: Option<Duration>,
    },
    /// Reads from the receiver what it did.
    Probe(Probe),
}

/// Notifications to publish.
#[derive(Clone, Debug, PartialEq)]
pub struct Emit {
    /// What.
    pub what: Emitted,
    /// How many times the whole of `what`; at least 1.
    pub count: u32,
    /// Members laid over the generated body (RFC 7396 merge, but `null` is kept as a value).
    pub with: Option<Template>,
    /// The name under which to find them.
    pub save: Option<String>,
    /// Whether the schema pack must accept the body.
    pub validity: Validity,
    /// The order in which they are published.
    pub order: EmitOrder,
}

/// What is published.
#[derive(Clone, Debug, PartialEq)]
pub enum Emitted {
    /// Generated bodies of these types, in this order.
    Types(Vec<EventType>),
    /// A life-like course of one RFP.
    Lifecycle(Lifecycle),
    /// Exactly these bytes.
    Raw {
        /// The body.
        bytes: Template,
        /// The type as which it is routed.
        event_type: EventType,
    },
}

/// How a life-like course of one RFP ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Lifecycle {
    Submit,
    Award,
    Decline,
    TurnDown,
    Withdraw,
    Cancel,
}

/// Whether the schema pack must accept an emitted body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Validity {
    /// It must; otherwise the scenario itself is wrong.
    #[default]
    Valid,
    /// It need not.
    MayBeInvalid,
}

/// The order of publishing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum EmitOrder {
    /// As written.
    #[default]
    Published,
    /// The other way round.
    Reversed,
    /// Shuffled by the seed.
    Shuffled,
}

/// A failure injected inside the sender.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// To how many attempts.
    pub extent: FaultExtent,
    /// Only attempts of this subscription.
    pub on: Option<String>,
    /// Only attempts of these notifications.
    pub of: Option<String>,
}

/// To how many attempts a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultExtent {
    /// The next so many.
    Times(u32),
    /// All that start within this span of PNS time from now.
    For(Duration),
}

/// What happens to an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    /// As if nothing listened.
    Refuse,
    /// As if no connection came about.
    ConnectTimeout,
    /// As if the name did not resolve.
    NameResolution,
    /// Reset after the head.
    ResetBeforeBody,
    /// Reset after the whole request.
    ResetAfterBody,
    /// Half the body, then closed.
    CutBody,
    /// The body spread over this span of real time.
    SlowBody(Duration),
    /// The answer does not reach the sender.
    AckLost,
    /// The sender sees this status instead of the receiver's.
    Answer(u16),
    /// Sent twice at once.
    Duplicate,
    /// Another key.
    WrongKey,
    /// No Authorization header.
    NoKey,
    /// More headers.
    ExtraHeaders(Vec<(String, Template)>),
}

/// A downtime window.
#[derive(Clone, Debug, PartialEq)]
pub struct Downtime {
    /// The subscription.
    pub on: String,
    /// Its beginning.
    pub from: WindowStart,
    /// Its length; `None`: open until `extend` or `cancel`.
    pub span: Option<Duration>,
    /// The name under which to find it.
    pub save: Option<String>,
}

/// The beginning of a window, counted from the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowStart {
    /// Now.
    Now,
    /// Later.
    In(Duration),
    /// Earlier: announced late.
    Ago(Duration),
}

/// What `until` waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Goal {
    /// These are delivered.
    Delivered(Which),
    /// So many attempts started since the beginning.
    Attempted(u32),
    /// Each of these failed so many times.
    Failed {
        /// Which.
        of: Which,
        /// How often.
        times: u32,
    },
}

/// A choice of notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All that the scenario emitted.
    All,
    /// Those saved under these names.
    Saved(Vec<String>),
    /// The deliveries to the subscription of this name.
    On(String),
}

/// A question to the receiver, repeated until the answer fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The address.
    pub get: Template,
    /// The wanted status.
    pub status: u16,
    /// Wanted values by JSON path (`$.a.b[0]`).
    pub json: BTreeMap<String, Template>,
    /// How long to repeat it, in real time.
    pub within: Duration,
    /// Values to save as variables, by name: a JSON path.
    pub save: BTreeMap<String, String>,
}

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
    },
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
