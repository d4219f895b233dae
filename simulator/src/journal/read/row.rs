//! Deliveries and attempts as they are kept.

use std::time::Duration;

use bytes::Bytes;
use pns_engine::{
    AbandonCause, Deferrals, DeliveryId, EventType, NotificationId, Origin, Outcome, SubscriptionId,
    Timestamp,
};
use rusqlite::Row;

use super::DeliveryState;
use crate::journal::column::{
    cause_of, deferrals_of, duration, event_type, origin_of, outcome_of, timestamp,
};

/// A delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptDelivery {
    /// Which.
    pub id: DeliveryId,
    /// Of what.
    pub notification: NotificationId,
    /// To whom.
    pub subscription: SubscriptionId,
    /// The notification's type.
    pub event_type: EventType,
    /// What made it.
    pub origin: Origin,
    /// When it was queued.
    pub published: Timestamp,
    /// Attempts started so far.
    pub attempts: u32,
    /// The delay after the latest failure; zero before the first.
    pub delay: Duration,
    /// When the next attempt is due, if it waits.
    pub due: Option<Timestamp>,
    /// When an attempt failed last.
    pub failed: Option<Timestamp>,
    /// When it was delivered or given up.
    pub ended: Option<Timestamp>,
    /// Why it was given up.
    pub abandoned: Option<AbandonCause>,
}

impl KeptDelivery {
    /// The state that it is in.
    #[must_use]
    pub fn state(&self) -> DeliveryState {
        match (self.ended, self.abandoned, self.due) {
            (None, _, Some(_)) => DeliveryState::Waiting,
            (None, _, None) => DeliveryState::InFlight,
            (Some(_), None, _) => DeliveryState::Delivered,
            (Some(_), Some(_), _) => DeliveryState::Abandoned,
        }
    }
}

/// An attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAttempt {
    /// 1 at the first attempt.
    pub number: u32,
    /// When it was due.
    pub due: Timestamp,
    /// When it started.
    pub started: Timestamp,
    /// What made it wait.
    pub deferrals: Deferrals,
    /// How it ended; `None`: it is in flight.
    pub end: Option<AttemptEnd>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptEnd {
    /// When.
    pub at: Timestamp,
    /// The verdict.
    pub outcome: Outcome,
    /// The delay until the next attempt.
    pub delay: Option<Duration>,
    /// What was kept of the exchange: the caller's text (JSON).
    pub exchange: Option<String>,
    /// The beginning of the response's body.
    pub response_body: Bytes,
}

pub(super) const DELIVERY: &str = "id, notification, subscription, event_type, origin, published, attempts, \
                                   delay, due, failed, ended, abandoned";

pub(super) fn delivery(row: &Row<'_>) -> rusqlite::Result<KeptDelivery> {
    let instant = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(timestamp));
    Ok(KeptDelivery {
        id: DeliveryId(row.get(0)?),
        notification: NotificationId(row.get(1)?),
        subscription: SubscriptionId(row.get(2)?),
        event_type: event_type(row.get(3)?)?,
        origin: origin_of(row.get(4)?),
        published: timestamp(row.get(5)?),
        attempts: row.get(6)?,
        delay: duration(row.get(7)?),
        due: instant(8)?,
        failed: instant(9)?,
        ended: instant(10)?,
        abandoned: row.get::<_, Option<i64>>(11)?.map(cause_of),
    })
}

pub(super) const ATTEMPT: &str =
    "number, due, started, deferrals, ended, status, failure, delay, exchange, response_body";

pub(super) fn attempt(row: &Row<'_>) -> rusqlite::Result<KeptAttempt> {
    let end = match row.get::<_, Option<i64>>(4)? {
        None => None,
        Some(at) => Some(AttemptEnd {
            at: timestamp(at),
            outcome: outcome_of(row.get(5)?, row.get::<_, Option<String>>(6)?.as_deref())?,
            delay: row.get::<_, Option<i64>>(7)?.map(duration),
            exchange: row.get(8)?,
            response_body: row.get::<_, Option<Vec<u8>>>(9)?.unwrap_or_default().into(),
        }),
    };
    Ok(KeptAttempt {
        number: row.get(0)?,
        due: timestamp(row.get(1)?),
        started: timestamp(row.get(2)?),
        deferrals: deferrals_of(row.get(3)?),
        end,
    })
}
