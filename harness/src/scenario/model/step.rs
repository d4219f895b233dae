//! The steps of a scenario.

use std::collections::BTreeMap;
use std::time::Duration;

use pns_engine::{EventType, RateLimit};
use pns_simulator::service::model::Course;

use super::{Change, Condition, Place, PullFault, PushedBack, Request, Template};

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
    /// Lets the sender crash, and recover after so much PNS time.
    Restart(Duration),
    /// Reads from the receiver what it did.
    Probe(Probe),
    /// Makes requests by bytes, outside the sender.
    Request(Box<Request>),
    /// Lets calls of the pull API go wrong.
    PullFault(Box<PullFault>),
    /// Ends all that goes wrong with the pull API.
    ClearPullFaults,
    /// Waits until an act of the receiver's has published an event.
    PushedBack(PushedBack),
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
    /// The name of the RFP and the supplier that they are about; `None`: each is about its own.
    pub rfp: Option<String>,
}

/// What is published.
#[derive(Clone, Debug, PartialEq)]
pub enum Emitted {
    /// Generated bodies of these types, in this order.
    Types(Vec<EventType>),
    /// A life-like course of one RFP.
    Lifecycle(Course),
    /// Exactly these bytes.
    Raw {
        /// The body.
        bytes: Template,
        /// The type as which it is routed.
        event_type: EventType,
    },
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
