//! Deliveries and their attempts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pull::FollowedView;
use super::scalar::{EventName, Instant, Span};

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// Its next attempt is due later, or is next in turn.
    Waiting,
    /// A downtime window or a pause holds it.
    Held,
    /// An attempt is in flight.
    InFlight,
    /// Acknowledged.
    Delivered,
    /// Given up: by an attempt cap, or with its subscription.
    Abandoned,
}

/// Which deliveries are wanted: those to which all of it applies.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeliveryFilter {
    /// In this state.
    pub state: Option<DeliveryState>,
    /// Of this event type.
    #[serde(rename = "type")]
    pub event_type: Option<EventName>,
    /// To this subscription.
    pub subscription: Option<u32>,
    /// Of this notification.
    pub notification: Option<u64>,
    /// Published at this instant or later.
    pub from: Option<Instant>,
    /// Published before this instant.
    pub until: Option<Instant>,
    /// `true`: not delivered, and failed at least once; `false`: all others.
    pub failing: Option<bool>,
}

/// A notification on its way to a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DeliveryView {
    /// Its number.
    pub id: u64,
    /// The notification's id.
    pub notification: u64,
    /// The event type.
    #[serde(rename = "type")]
    pub event_type: EventName,
    /// The subscription's id.
    pub subscription: u32,
    /// What made it.
    pub origin: OriginWord,
    /// Where it stands.
    pub state: DeliveryState,
    /// When its notification was published.
    pub published_at: Instant,
    /// Attempts that were started.
    pub attempts: u32,
    /// When its next attempt is due; `null`: there is none, or PNS time ends before it.
    pub due_at: Option<Instant>,
    /// When it was delivered or given up.
    pub ended_at: Option<Instant>,
    /// Why the last attempt failed, as `connect-timeout` or `status`; `null`: none failed.
    pub last_failure: Option<String>,
    /// Whether the receiver may have got it more often than it acknowledged: an answer was lost.
    pub possible_duplicate: bool,
}

/// What made a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OriginWord {
    /// Its notification was published.
    Publication,
    /// A replay.
    Redelivery,
}

/// A delivery and all of its attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DeliveryDetail {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: DeliveryView,
    /// Its attempts, the first first. Of very many, the last thousand.
    pub history: Vec<AttemptView>,
    /// What was pulled after its first attempt; `null`: there was none, nothing is to be pulled, or no
    /// pull API runs.
    pub followed: Option<FollowedView>,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AttemptView {
    /// 1 for the first.
    pub number: u32,
    /// When it was due.
    pub due_at: Instant,
    /// When it started, in PNS time.
    pub started_at: Instant,
    /// When it ended, in PNS time; `null`: it is in flight.
    pub ended_at: Option<Instant>,
    /// What came of it.
    pub outcome: AttemptOutcome,
    /// The status that came back.
    pub status: Option<u16>,
    /// Why it failed, as `connect-timeout` or `status`.
    pub reason: Option<String>,
    /// The underlying error in its own words.
    pub detail: Option<String>,
    /// What was done wrong on purpose.
    pub fault: Option<String>,
    /// The delay until the next attempt; `null`: there is no next.
    pub next_delay: Option<Span>,
    /// What made it start later than it was due.
    pub deferrals: Vec<Deferral>,
    /// The request.
    pub request: Option<RequestView>,
    /// The response, as far as one was read.
    pub response: Option<ResponseView>,
    /// Real time spent.
    pub timings: Option<TimingsView>,
    /// Whether the connection had been used before.
    pub connection: Option<ConnectionUse>,
    /// The receiver's address and port.
    pub remote: Option<String>,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptOutcome {
    /// It is in flight.
    InFlight,
    /// Acknowledged.
    Acknowledged,
    /// Failed.
    Failed,
}

/// What made an attempt start later than it was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Deferral {
    /// A downtime window or a pause.
    Downtime,
    /// The rate limit.
    RateLimit,
    /// All concurrent attempts were taken.
    Concurrency,
    /// Another delivery of the subscription was failing, and it holds back the others.
    HeldBack,
}

impl Deferral {
    /// Those of `deferrals`.
    #[must_use]
    pub fn of(deferrals: pns_engine::Deferrals) -> Vec<Self> {
        [
            (deferrals.downtime, Self::Downtime),
            (deferrals.rate_limit, Self::RateLimit),
            (deferrals.concurrency, Self::Concurrency),
            (deferrals.held_back, Self::HeldBack),
        ]
        .into_iter()
        .filter_map(|(is, deferral)| is.then_some(deferral))
        .collect()
    }
}

/// A request as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestView {
    /// Its headers in order; secrets are shown as `***`.
    pub headers: Vec<HeaderText>,
}

/// A response as far as it was read and kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResponseView {
    /// The status.
    pub status: u16,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    /// Its headers in order, the first 8 KiB; secrets are shown as `***`.
    pub headers: Vec<HeaderText>,
    /// Its body as text, the first 4 KiB.
    pub body: String,
    /// Whether there was more of the body.
    pub truncated: bool,
}

/// A header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeaderText {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Real time spent in each phase, in milliseconds; `null` where the phase did not take place or did not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimingsView {
    /// Host name to addresses.
    pub resolve_ms: Option<u64>,
    /// TCP connection.
    pub connect_ms: Option<u64>,
    /// TLS handshake.
    pub tls_ms: Option<u64>,
    /// From the first byte written to the end of the response.
    pub acknowledge_ms: Option<u64>,
    /// The whole attempt.
    pub total_ms: u64,
}

/// Whether a connection had been used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionUse {
    /// A new one.
    New,
    /// A kept-alive one.
    Reused,
}
