//! What happened, past tense: the ledger's raw material, and the only thing guarantees look at.

use core::time::Duration;

use crate::event_type::EventType;
use crate::id::{DeliveryId, NotificationId, SubscriptionId, SupplierId, WindowId};
use crate::outcome::FailureReason;
use crate::rate_limit::RateLimit;
use crate::time::Timestamp;

/// One thing that happened at one instant of PNS time. Records of a run are ordered as they happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Happened,
}

/// The kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the ids and instants that their types say")]
pub enum Happened {
    /// A subscription began.
    SubscriptionAdded { subscription: SubscriptionId },
    /// A subscription's settings were replaced.
    SubscriptionChanged { subscription: SubscriptionId },
    /// A subscription ended.
    SubscriptionRemoved { subscription: SubscriptionId },
    /// A subscription's rate limit changed, or began with its subscription.
    RateLimitSet { subscription: SubscriptionId, rate_limit: Option<RateLimit> },
    /// A notification was published. The deliveries it makes follow at once; none, if nobody sees it.
    NotificationPublished {
        notification: NotificationId,
        event_type: EventType,
        supplier: Option<SupplierId>,
    },
    /// A delivery began to wait for its first attempt.
    DeliveryQueued {
        delivery: DeliveryId,
        notification: NotificationId,
        subscription: SubscriptionId,
        origin: Origin,
    },
    /// An attempt (1, 2, …) started. It had been due at `due`; `deferrals` tell what made it wait beyond.
    AttemptStarted { delivery: DeliveryId, number: u32, due: Timestamp, deferrals: Deferrals },
    /// An attempt was acknowledged: the delivery is Delivered.
    AttemptAcknowledged { delivery: DeliveryId, number: u32, status: u16 },
    /// An attempt failed. `delay` is the interval until the next falls due; `None`: there is no next.
    AttemptFailed { delivery: DeliveryId, number: u32, reason: FailureReason, delay: Option<Duration> },
    /// A delivery was given up: an attempt cap, or the end of its subscription. Never by itself.
    DeliveryAbandoned { delivery: DeliveryId, cause: AbandonCause },
    /// A downtime window was announced.
    WindowAnnounced { window: WindowId, subscription: SubscriptionId, from: Timestamp, until: Timestamp },
    /// A downtime window's end was moved.
    WindowExtended { window: WindowId, until: Timestamp },
    /// A downtime window was cancelled.
    WindowCancelled { window: WindowId },
    /// A downtime window began.
    WindowOpened { window: WindowId },
    /// A downtime window is over.
    WindowClosed { window: WindowId },
    /// The sender had stopped and goes on from here. The attempts that were in flight follow as failed.
    SenderRecovered,
}

/// What made a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The publication of its notification.
    Publication,
    /// A command to deliver a notification once more.
    Redelivery,
}

/// Why a delivery was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbandonCause {
    /// The subscription's attempt cap: a deviation from Cvent's page.
    AttemptCap,
    /// The subscription was removed.
    SubscriptionRemoved,
}

/// What made an attempt start later than it was due. Being deferred costs no attempt and lengthens no delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Deferrals {
    /// A downtime window held it.
    pub downtime: bool,
    /// The rate limit held it.
    pub rate_limit: bool,
    /// All concurrent attempts were taken.
    pub concurrency: bool,
    /// Another delivery of the subscription was failing, and it holds back the others.
    pub held_back: bool,
    /// It was due before the sender had recovered from a stop. What else made it wait until then is forgotten.
    pub sender_stopped: bool,
}
