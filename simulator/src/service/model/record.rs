//! What happened, as it is told to those who listen.

use pns_engine::{AbandonCause, Happened, Origin, Record};
use schemars::JsonSchema;
use serde::Serialize;

use super::delivery::{Deferral, OriginWord};
use super::pace::RateLimitSpec;
use super::scalar::{EventName, Instant, Span, SupplierText};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RecordView {
    /// Its number. Numbers rise by one, and over a restart by more.
    pub sequence: u64,
    /// When, in PNS time.
    pub at: Instant,
    /// What.
    #[serde(flatten)]
    pub event: RecordEvent,
}

/// The kinds of records.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "as the engine's `Happened`, whose names and fields these are")]
pub enum RecordEvent {
    SubscriptionAdded {
        subscription: u32,
    },
    SubscriptionChanged {
        subscription: u32,
    },
    SubscriptionRemoved {
        subscription: u32,
    },
    RateLimitSet {
        subscription: u32,
        rate_limit: Option<RateLimitSpec>,
    },
    NotificationPublished {
        notification: u64,
        #[serde(rename = "type")]
        event_type: EventName,
        supplier: Option<SupplierText>,
    },
    DeliveryQueued {
        delivery: u64,
        notification: u64,
        subscription: u32,
        origin: OriginWord,
    },
    AttemptStarted {
        delivery: u64,
        number: u32,
        due_at: Instant,
        deferrals: Vec<Deferral>,
    },
    AttemptAcknowledged {
        delivery: u64,
        number: u32,
        status: u16,
    },
    AttemptFailed {
        delivery: u64,
        number: u32,
        reason: &'static str,
        status: Option<u16>,
        next_delay: Option<Span>,
    },
    DeliveryAbandoned {
        delivery: u64,
        cause: &'static str,
    },
    WindowAnnounced {
        window: u32,
        subscription: u32,
        from: Instant,
        until: Option<Instant>,
    },
    WindowExtended {
        window: u32,
        until: Option<Instant>,
    },
    WindowCancelled {
        window: u32,
    },
    WindowOpened {
        window: u32,
    },
    WindowClosed {
        window: u32,
    },
    SenderRecovered,
}

impl RecordView {
    /// How `record` is told.
    #[must_use]
    pub fn of(sequence: u64, record: &Record) -> Self {
        Self { sequence, at: Instant(record.at), event: RecordEvent::of(record.event) }
    }
}

impl RecordEvent {
    fn of(event: Happened) -> Self {
        match event {
            Happened::SubscriptionAdded { subscription } => {
                Self::SubscriptionAdded { subscription: subscription.0 }
            }
            Happened::SubscriptionChanged { subscription } => {
                Self::SubscriptionChanged { subscription: subscription.0 }
            }
            Happened::SubscriptionRemoved { subscription } => {
                Self::SubscriptionRemoved { subscription: subscription.0 }
            }
            Happened::RateLimitSet { subscription, rate_limit } => {
                Self::RateLimitSet { subscription: subscription.0, rate_limit: rate_limit.map(Into::into) }
            }
            Happened::NotificationPublished { notification, event_type, supplier } => {
                Self::NotificationPublished {
                    notification: notification.0,
                    event_type: EventName(event_type),
                    supplier: supplier.map(SupplierText),
                }
            }
            Happened::WindowAnnounced { window, subscription, from, until } => Self::WindowAnnounced {
                window: window.0,
                subscription: subscription.0,
                from: Instant(from),
                until: Instant::unless_open(until),
            },
            Happened::WindowExtended { window, until } => {
                Self::WindowExtended { window: window.0, until: Instant::unless_open(until) }
            }
            Happened::WindowCancelled { window } => Self::WindowCancelled { window: window.0 },
            Happened::WindowOpened { window } => Self::WindowOpened { window: window.0 },
            Happened::WindowClosed { window } => Self::WindowClosed { window: window.0 },
            Happened::SenderRecovered => Self::SenderRecovered,
            other => Self::of_delivery(other),
        }
    }

    fn of_delivery(event: Happened) -> Self {
        match event {
            Happened::DeliveryQueued { delivery, notification, subscription, origin } => {
                Self::DeliveryQueued {
                    delivery: delivery.0,
                    notification: notification.0,
                    subscription: subscription.0,
                    origin: origin.into(),
                }
            }
            Happened::AttemptStarted { delivery, number, due, deferrals } => Self::AttemptStarted {
                delivery: delivery.0,
                number,
                due_at: Instant(due),
                deferrals: Deferral::of(deferrals),
            },
            Happened::AttemptAcknowledged { delivery, number, status } => {
                Self::AttemptAcknowledged { delivery: delivery.0, number, status }
            }
            Happened::AttemptFailed { delivery, number, reason, delay } => Self::AttemptFailed {
                delivery: delivery.0,
                number,
                reason: reason.name(),
                status: match reason {
                    pns_engine::FailureReason::Status(status) => Some(status),
                    _ => None,
                },
                next_delay: delay.map(Span),
            },
            Happened::DeliveryAbandoned { delivery, cause } => Self::DeliveryAbandoned {
                delivery: delivery.0,
                cause: match cause {
                    AbandonCause::AttemptCap => "attempt-cap",
                    AbandonCause::SubscriptionRemoved => "subscription-removed",
                },
            },
            other => unreachable!("told by `of`: {other:?}"),
        }
    }
}

impl Instant {
    /// A window's end; `None` for an open one.
    #[must_use]
    pub fn unless_open(until: pns_engine::Timestamp) -> Option<Self> {
        (until != pns_engine::Timestamp::MAX).then_some(Self(until))
    }
}

impl From<Origin> for OriginWord {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Publication => Self::Publication,
            Origin::Redelivery => Self::Redelivery,
        }
    }
}
