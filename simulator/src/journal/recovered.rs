//! What a journal holds when it is opened: all that a simulator needs to go on.

use std::collections::BTreeMap;

use bytes::Bytes;
use pns_engine::{
    DeliveryId, EventType, NotificationId, SavedDelivery, SavedSubscription, SavedWindow, Snapshot,
    Subscription, SubscriptionId, SupplierId, Timestamp, WindowId,
};
use rusqlite::{Connection, Row};

use super::apply::Progress;
use super::change::{KeptWindow, WindowPurpose};
use super::column::{duration, event_type, supplier, timestamp};
use super::error::JournalError;

/// Everything but what has ended.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Recovered {
    /// The journal is new.
    pub fresh: bool,
    /// The latest instant in it.
    pub latest: Timestamp,
    /// Attempts that a stop cut off, over the journal's life: each may have made a duplicate.
    pub possible_duplicates: u64,
    /// The greatest id of a subscription that ever was; 0 if none was.
    pub last_subscription: SubscriptionId,
    /// The greatest id of a notification that ever was.
    pub last_notification: Option<NotificationId>,
    /// The greatest id of a delivery that ever was.
    pub last_delivery: Option<DeliveryId>,
    /// The greatest id of a window that ever was; 0 if none was.
    pub last_window: WindowId,
    /// The greatest id of a fault that ever was; 0 if none was.
    pub last_fault: u64,
    /// The caller's settings.
    pub meta: BTreeMap<String, String>,
    /// Subscriptions, by id.
    pub subscriptions: Vec<KeptSubscription>,
    /// Windows that are not over, by id.
    pub windows: Vec<KeptWindow>,
    /// Faults that are not over, by id.
    pub faults: Vec<KeptFault>,
    /// Deliveries that are not delivered, by id.
    pub deliveries: Vec<SavedDelivery>,
    /// Their notifications, by id.
    pub notifications: Vec<KeptNotification>,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSubscription {
    /// Which.
    pub id: SubscriptionId,
    /// The caller's text (JSON).
    pub settings: String,
    /// When the rate limit in force was set.
    pub limit_set: Timestamp,
    /// When an attempt started last.
    pub last_start: Option<Timestamp>,
}

/// A fault that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFault {
    /// Which.
    pub id: u64,
    /// The caller's text (JSON).
    pub spec: String,
}

/// A notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptNotification {
    /// Which.
    pub id: NotificationId,
    /// What happened.
    pub event_type: EventType,
    /// The supplier concerned.
    pub supplier: Option<SupplierId>,
    /// When it was published.
    pub published: Timestamp,
    /// The time that its body carries, fixed at the first attempt.
    pub stamp: Option<Timestamp>,
    /// What makes its body differ from the generated one: the caller's text (JSON).
    pub recipe: Option<Box<str>>,
    /// The body itself, where it is not generated.
    pub raw: Option<Bytes>,
    /// What was done to make it: the caller's text (JSON).
    pub act: Option<Box<str>>,
}

impl Recovered {
    /// What [`pns_engine::Sender::recover`] needs. Takes the deliveries and leaves all else; `settings` are
    /// those of the subscriptions, read from their texts.
    #[must_use]
    pub fn take_snapshot(&mut self, settings: &BTreeMap<SubscriptionId, Subscription>) -> Snapshot {
        let subscriptions = self.subscriptions.iter().filter_map(|kept| {
            Some(SavedSubscription {
                id: kept.id,
                settings: Box::new(settings.get(&kept.id)?.clone()),
                limit_set: kept.limit_set,
                last_start: kept.last_start,
            })
        });
        let windows = self.windows.iter().map(|kept| {
            let KeptWindow { id, subscription, from, until, open, .. } = *kept;
            SavedWindow { id, subscription, from, until, open }
        });
        Snapshot {
            now: self.latest,
            last_notification: self.last_notification,
            last_delivery: self.last_delivery,
            subscriptions: subscriptions.collect(),
            windows: windows.collect(),
            deliveries: std::mem::take(&mut self.deliveries),
        }
    }

    pub(super) fn load(
        connection: &Connection,
        fresh: bool,
        progress: Progress,
    ) -> Result<Self, JournalError> {
        let id = |value: i64| u64::try_from(value).unwrap_or(0);
        let small = |value: i64| u32::try_from(value).unwrap_or(0);
        Ok(Self {
            fresh,
            latest: timestamp(progress.latest),
            possible_duplicates: id(progress.possible_duplicates),
            last_subscription: SubscriptionId(small(progress.last_subscription)),
            last_notification: Some(NotificationId(id(progress.last_notification))).filter(|id| id.0 > 0),
            last_delivery: Some(DeliveryId(id(progress.last_delivery))).filter(|id| id.0 > 0),
            last_window: WindowId(small(progress.last_window)),
            last_fault: id(progress.last_fault),
            meta: all(connection, "SELECT key, value FROM meta", |row| Ok((row.get(0)?, row.get(1)?)))?
                .into_iter()
                .collect(),
            subscriptions: all(connection, SUBSCRIPTIONS, subscription)?,
            windows: all(connection, WINDOWS, window)?,
            faults: all(connection, FAULTS, |row| Ok(KeptFault { id: row.get(0)?, spec: row.get(1)? }))?,
            deliveries: all(connection, PENDING, pending)?,
            notifications: all(connection, PENDING_NOTIFICATIONS, notification)?,
        })
    }
}

const SUBSCRIPTIONS: &str = "SELECT id, settings, limit_set, last_start FROM subscription ORDER BY id";
const WINDOWS: &str = "SELECT id, subscription, starts, ends, open, pause, ended FROM window \
                       WHERE ended IS NULL ORDER BY id";
const FAULTS: &str = "SELECT id, spec FROM fault WHERE ended IS NULL ORDER BY id";
const PENDING: &str = "SELECT id, subscription, notification, event_type, published, attempts, delay, due \
                       FROM delivery WHERE ended IS NULL ORDER BY id";
const PENDING_NOTIFICATIONS: &str = "\
    SELECT id, event_type, supplier, published, stamp, recipe, raw, act FROM notification \
    WHERE id IN (SELECT notification FROM delivery WHERE ended IS NULL) ORDER BY id";

fn all<T>(
    connection: &Connection,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, JournalError> {
    Ok(connection.prepare(sql)?.query_map([], read)?.collect::<Result<_, _>>()?)
}

fn subscription(row: &Row<'_>) -> rusqlite::Result<KeptSubscription> {
    Ok(KeptSubscription {
        id: SubscriptionId(row.get(0)?),
        settings: row.get(1)?,
        limit_set: timestamp(row.get(2)?),
        last_start: row.get::<_, Option<i64>>(3)?.map(timestamp),
    })
}

pub(super) fn window(row: &Row<'_>) -> rusqlite::Result<KeptWindow> {
    Ok(KeptWindow {
        id: WindowId(row.get(0)?),
        subscription: SubscriptionId(row.get(1)?),
        from: timestamp(row.get(2)?),
        until: timestamp(row.get(3)?),
        open: row.get(4)?,
        purpose: if row.get(5)? { WindowPurpose::Pause } else { WindowPurpose::Downtime },
        ended: row.get::<_, Option<i64>>(6)?.map(timestamp),
    })
}

fn pending(row: &Row<'_>) -> rusqlite::Result<SavedDelivery> {
    Ok(SavedDelivery {
        id: DeliveryId(row.get(0)?),
        subscription: SubscriptionId(row.get(1)?),
        notification: NotificationId(row.get(2)?),
        event_type: event_type(row.get(3)?)?,
        published: timestamp(row.get(4)?),
        attempts: row.get(5)?,
        delay: duration(row.get(6)?),
        due: row.get::<_, Option<i64>>(7)?.map(timestamp),
    })
}

/// From `id, event_type, supplier, published, stamp, recipe, raw, act`.
pub(super) fn notification(row: &Row<'_>) -> rusqlite::Result<KeptNotification> {
    Ok(KeptNotification {
        id: NotificationId(row.get(0)?),
        event_type: event_type(row.get(1)?)?,
        supplier: supplier(row.get(2)?)?,
        published: timestamp(row.get(3)?),
        stamp: row.get::<_, Option<i64>>(4)?.map(timestamp),
        recipe: row.get(5)?,
        raw: row.get::<_, Option<Vec<u8>>>(6)?.map(Bytes::from),
        act: row.get(7)?,
    })
}
