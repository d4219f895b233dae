//! What is written: one change of rows each.

use bytes::Bytes;
use pns_engine::{
    AbandonCause, Deferrals, DeliveryId, EventType, NotificationId, Origin, Outcome, SubscriptionId,
    SupplierId, Timestamp, WindowId,
};
use std::time::Duration;

/// One change. Those of one [`super::Journal::write`] are committed together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the ids and instants that their names and types say")]
pub enum Change {
    /// A subscription began or its settings changed. `settings` is the caller's text (JSON) and `limit_set`
    /// the instant at which the rate limit in it was set: see [`pns_engine::SavedSubscription`].
    SubscriptionPut { id: SubscriptionId, settings: String, limit_set: Timestamp },
    /// A subscription ended. Its deliveries that wait are abandoned by changes of their own.
    SubscriptionRemoved { id: SubscriptionId },
    /// A notification was published. The deliveries that it makes follow in the same write, at once.
    NotificationPublished(Published),
    /// A delivery began to wait.
    DeliveryQueued {
        delivery: DeliveryId,
        notification: NotificationId,
        subscription: SubscriptionId,
        event_type: EventType,
        origin: Origin,
        at: Timestamp,
    },
    /// An attempt starts, once this is committed. `stamp` is the time that the notification's body carries; the
    /// first one that is written stays.
    AttemptStarted {
        delivery: DeliveryId,
        subscription: SubscriptionId,
        notification: NotificationId,
        number: u32,
        at: Timestamp,
        due: Timestamp,
        deferrals: Deferrals,
        stamp: Option<Timestamp>,
    },
    /// An attempt ended. Acknowledged, the delivery has ended too; failed, it waits for `next`, or is
    /// abandoned by a change of its own.
    AttemptEnded {
        delivery: DeliveryId,
        number: u32,
        at: Timestamp,
        outcome: Outcome,
        /// The delay until the next attempt falls due.
        next: Option<Duration>,
        exchange: Option<KeptExchange>,
    },
    /// A delivery was given up.
    DeliveryAbandoned { delivery: DeliveryId, cause: AbandonCause, at: Timestamp },
    /// A downtime window was announced, opened or moved.
    WindowPut(KeptWindow),
    /// A downtime window is over or was cancelled.
    WindowEnded { id: WindowId, at: Timestamp },
    /// A fault was planned, or has less left to do. `spec` is the caller's text (JSON).
    FaultPut { id: u64, spec: String },
    /// A fault has nothing left to do or was cleared.
    FaultEnded { id: u64, at: Timestamp },
    /// What a request with an idempotency key was answered. `fingerprint` tells that request from others.
    IdempotencyKept { key: String, fingerprint: String, answer: String, at: Timestamp },
    /// A setting of the caller's: the seed, the gear of the clock.
    MetaPut { key: String, value: String },
    /// Such a setting is no more.
    MetaRemoved { key: String },
}

/// A notification as it was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Which.
    pub id: NotificationId,
    /// What happened.
    pub event_type: EventType,
    /// The supplier concerned.
    pub supplier: Option<SupplierId>,
    /// When.
    pub at: Timestamp,
    /// What makes its body differ from the generated one: the caller's text (JSON).
    pub recipe: Option<String>,
    /// The body itself, where it is not generated.
    pub raw: Option<Bytes>,
    /// What was done to make it: the caller's text (JSON).
    pub act: Option<String>,
}

/// What is kept of an exchange. Secrets are redacted by the caller.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct KeptExchange {
    /// Heads, timing and the connection: the caller's text (JSON).
    pub facts: String,
    /// The beginning of the response's body.
    pub response_body: Bytes,
}

/// A downtime window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptWindow {
    /// Which.
    pub id: WindowId,
    /// Whose.
    pub subscription: SubscriptionId,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// Whether it has begun.
    pub open: bool,
    /// What it is for.
    pub purpose: WindowPurpose,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// What a window is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowPurpose {
    /// Downtime, announced.
    Downtime,
    /// A pause until somebody resumes.
    Pause,
}

impl Change {
    /// What it takes of the writer's queue: rows, or kibibytes if those are more.
    pub(super) fn weight(&self) -> usize {
        let bytes = match self {
            Self::SubscriptionPut { settings: text, .. }
            | Self::FaultPut { spec: text, .. }
            | Self::MetaPut { value: text, .. } => text.len(),
            Self::NotificationPublished(published) => {
                published.recipe.as_ref().map_or(0, String::len)
                    + published.raw.as_ref().map_or(0, Bytes::len)
                    + published.act.as_ref().map_or(0, String::len)
            }
            Self::AttemptEnded { exchange: Some(exchange), .. } => {
                exchange.facts.len() + exchange.response_body.len()
            }
            Self::IdempotencyKept { key, answer, .. } => key.len() + answer.len(),
            _ => 0,
        };
        1 + bytes / 1_024
    }
}
