//! Reading while the writer writes: lists in pages, and single rows.
//!
//! A list is in the order of ids, which never change, and a page begins after the id with which the one before
//! ended: whatever is written or removed in between, no row is seen twice, and none that stays is missed.
//! Every call reads from the disk and may block; in async code it belongs on a thread for blocking work.

mod row;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pns_engine::{DeliveryId, EventType, NotificationId, SubscriptionId, Timestamp, WindowId};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params_from_iter};

use super::change::KeptWindow;
use super::column::{instant, number};
use super::error::JournalError;
use super::recovered::{KeptNotification, notification, window};

pub use row::{AttemptEnd, KeptAttempt, KeptDelivery};

/// The most rows of one page.
pub const PAGE_MAX: usize = 1_000;
/// Connections that are kept for the next call.
const IDLE_MAX: usize = 4;

/// Reads a journal. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Reader {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    database: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

/// What state a delivery is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It waits for an attempt.
    Waiting,
    /// An attempt has started and not ended.
    InFlight,
    /// Acknowledged.
    Delivered,
    /// Given up.
    Abandoned,
}

/// Which deliveries. The default is all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct DeliveryFilter {
    /// Those in this state.
    pub state: Option<DeliveryState>,
    /// Those that are pending and have failed before.
    pub failing: bool,
    /// Those of this event type.
    pub event_type: Option<EventType>,
    /// Those to this subscription.
    pub subscription: Option<SubscriptionId>,
    /// Those of this notification.
    pub notification: Option<NotificationId>,
    /// Those queued at this instant or later.
    pub published_from: Option<Timestamp>,
    /// Those queued before this instant.
    pub published_until: Option<Timestamp>,
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// What comes after this id, in the list's order; `None`: the list's beginning.
    pub after: Option<u64>,
    /// At most so many rows; [`PAGE_MAX`] at most.
    pub limit: usize,
    /// By rising or falling id.
    pub order: Order,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Order {
    /// The oldest first.
    #[default]
    Rising,
    /// The newest first.
    Falling,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins: [`Page::after`]. `None`: this was the last one.
    pub next: Option<u64>,
}

/// How many deliveries are in each state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    /// Waiting.
    pub waiting: u64,
    /// In flight.
    pub in_flight: u64,
    /// Of those two, failed before.
    pub failing: u64,
    /// Delivered, and not removed by retention.
    pub delivered: u64,
    /// Given up, and not removed by retention.
    pub abandoned: u64,
}

/// What a request with an idempotency key was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Tells that request from others.
    pub fingerprint: String,
    /// The answer: the caller's text (JSON).
    pub answer: String,
}

impl Default for Page {
    fn default() -> Self {
        Self { after: None, limit: 100, order: Order::Rising }
    }
}

impl Page {
    fn limit(&self) -> usize {
        self.limit.clamp(1, PAGE_MAX)
    }

    /// The condition on `id`, the order and the limit; one row more than wanted tells whether more follow.
    fn sql(&self, id: &str) -> (String, String) {
        let (sign, direction) = match self.order {
            Order::Rising => (">", "ASC"),
            Order::Falling => ("<", "DESC"),
        };
        let after = self.after.map_or_else(|| "TRUE".to_owned(), |after| format!("{id} {sign} {after}"));
        (after, format!("ORDER BY {id} {direction} LIMIT {}", self.limit() + 1))
    }

    fn cut<T>(&self, mut items: Vec<T>, id: impl Fn(&T) -> u64) -> Listing<T> {
        let more = items.len() > self.limit();
        items.truncate(self.limit());
        let next = items.last().map(id).filter(|_| more);
        Listing { items, next }
    }
}

impl Reader {
    pub(super) fn new(database: PathBuf) -> Self {
        Self { pool: Arc::new(Pool { database, idle: Mutex::new(Vec::new()) }) }
    }

    /// The deliveries that `filter` lets through.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn deliveries(
        &self,
        filter: &DeliveryFilter,
        page: &Page,
    ) -> Result<Listing<KeptDelivery>, JournalError> {
        self.with(|connection| {
            let (after, tail) = page.sql("id");
            let mut conditions = vec![after];
            let mut values: Vec<Value> = Vec::new();
            filter.conditions(connection, &mut conditions, &mut values)?;
            let columns = row::DELIVERY;
            let sql = format!("SELECT {columns} FROM delivery WHERE {} {tail}", conditions.join(" AND "));
            let items = list(connection, &sql, values, row::delivery)?;
            Ok(page.cut(items, |delivery| delivery.id.0))
        })
    }

    /// One delivery.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn delivery(&self, id: DeliveryId) -> Result<Option<KeptDelivery>, JournalError> {
        self.with(|connection| {
            let sql = format!("SELECT {} FROM delivery WHERE id = ?1", row::DELIVERY);
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_row([number(id.0)], row::delivery).optional()?)
        })
    }

    /// The attempts of a delivery, by number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn attempts(&self, delivery: DeliveryId, page: &Page) -> Result<Listing<KeptAttempt>, JournalError> {
        self.with(|connection| {
            let (after, tail) = page.sql("number");
            let sql = format!("SELECT {} FROM attempt WHERE delivery = ?1 AND {after} {tail}", row::ATTEMPT);
            let items = list(connection, &sql, vec![number(delivery.0).into()], row::attempt)?;
            Ok(page.cut(items, |attempt| attempt.number.into()))
        })
    }

    /// One notification.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn notification(&self, id: NotificationId) -> Result<Option<KeptNotification>, JournalError> {
        self.with(|connection| {
            let sql = format!("SELECT {NOTIFICATION} FROM notification WHERE id = ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_row([number(id.0)], notification).optional()?)
        })
    }

    /// Hands over the latest notifications, at most `count` of them, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn latest_notifications(
        &self,
        count: usize,
        mut each: impl FnMut(KeptNotification),
    ) -> Result<(), JournalError> {
        self.with(|connection| {
            let first =
                "SELECT coalesce(min(id), 0) FROM (SELECT id FROM notification ORDER BY id DESC LIMIT ?1)";
            let sql = format!("SELECT {NOTIFICATION} FROM notification WHERE id >= ({first}) ORDER BY id");
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query([i64::try_from(count).unwrap_or(i64::MAX)])?;
            while let Some(row) = rows.next()? {
                each(notification(row)?);
            }
            Ok(())
        })
    }

    /// Deliveries that were given up at `since` or later: for each notification and subscription the one that was
    /// given up last. Left out are those whose notification is on its way to the subscription by another delivery,
    /// or was acknowledged since. What is delivered again and given up again comes last, so that a limit does not
    /// keep others from their turn.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn failed_since(&self, since: Timestamp, page: &Page) -> Result<Listing<KeptDelivery>, JournalError> {
        self.with(|connection| {
            let (after, tail) = page.sql("id");
            let columns = row::DELIVERY;
            let sql = format!(
                "SELECT {columns} FROM delivery WHERE {after} AND ended >= ?1 AND abandoned IS NOT NULL \
                 AND NOT EXISTS (SELECT 1 FROM delivery AS other \
                 WHERE other.notification = delivery.notification \
                 AND +other.subscription = delivery.subscription AND (other.ended IS NULL \
                 OR (other.abandoned IS NULL AND other.ended >= delivery.ended) \
                 OR (other.abandoned IS NOT NULL \
                 AND (other.ended, other.id) > (delivery.ended, delivery.id)))) {tail}"
            );
            let items = list(connection, &sql, vec![instant(since).into()], row::delivery)?;
            Ok(page.cut(items, |delivery| delivery.id.0))
        })
    }

    /// Notifications published at `since` or later of which `subscription` has no delivery, or only such as
    /// were given up. Whether they are for it at all, its settings tell. Those of which retention has removed
    /// deliveries are left out, since what was removed may have been the one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn missing(
        &self,
        subscription: SubscriptionId,
        since: Timestamp,
        page: &Page,
    ) -> Result<Listing<KeptNotification>, JournalError> {
        self.with(|connection| {
            let (after, tail) = page.sql("id");
            let sql = format!(
                "SELECT {NOTIFICATION} FROM notification WHERE {after} AND id >= ?1 AND pruned = 0 \
                 AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.notification = notification.id \
                 AND +delivery.subscription = ?2 AND delivery.abandoned IS NULL) {tail}"
            );
            let first = first_published(connection, "notification", since)?;
            let values = vec![first.into(), i64::from(subscription.0).into()];
            Ok(page.cut(list(connection, &sql, values, notification)?, |notification| notification.id.0))
        })
    }

    /// Downtime windows, those that are over too, until retention removes them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn windows(&self, page: &Page) -> Result<Listing<KeptWindow>, JournalError> {
        self.with(|connection| {
            let (after, tail) = page.sql("id");
            let columns = "id, subscription, starts, ends, open, pause, ended";
            let sql = format!("SELECT {columns} FROM window WHERE {after} {tail}");
            Ok(page.cut(list(connection, &sql, Vec::new(), window)?, |window| window.id.0.into()))
        })
    }

    /// One downtime window, also if it is over.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn window(&self, id: WindowId) -> Result<Option<KeptWindow>, JournalError> {
        let after = u64::from(id.0).checked_sub(1);
        let listing = self.windows(&Page { after, limit: 1, order: Order::Rising })?;
        Ok(listing.items.into_iter().find(|window| window.id == id))
    }

    /// What the request with this idempotency key was answered, if there was one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn answer(&self, key: &str) -> Result<Option<KeptAnswer>, JournalError> {
        self.with(|connection| {
            let sql = "SELECT fingerprint, answer FROM idempotency WHERE key = ?1";
            let read = |row: &Row<'_>| Ok(KeptAnswer { fingerprint: row.get(0)?, answer: row.get(1)? });
            Ok(connection.prepare_cached(sql)?.query_row([key], read).optional()?)
        })
    }

    /// How many deliveries are in each state. Walks all of them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn counts(&self) -> Result<Counts, JournalError> {
        self.with(|connection| {
            let sql = "SELECT count(due), count(*) - count(due), count(failed) FROM delivery \
                       WHERE ended IS NULL";
            let (waiting, in_flight, failing) =
                connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let sql = "SELECT count(*) - count(abandoned), count(abandoned) FROM delivery \
                       WHERE +ended IS NOT NULL";
            let (delivered, abandoned) =
                connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(Counts { waiting, in_flight, failing, delivered, abandoned })
        })
    }

    /// Runs `read` with a connection of its own.
    fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, JournalError>) -> Result<T, JournalError> {
        let idle = self.pool.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open(&self.pool.database)?,
        };
        let found = read(&connection)?;
        let mut idle = self.pool.idle();
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
        Ok(found)
    }

    /// Closes the connections that nobody uses.
    pub(super) fn close_idle(&self) {
        self.pool.idle().clear();
    }
}

impl Pool {
    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DeliveryFilter {
    /// A plus before a column keeps SQLite from an index whose order is not that of ids.
    fn conditions(
        &self,
        connection: &Connection,
        conditions: &mut Vec<String>,
        values: &mut Vec<Value>,
    ) -> Result<(), JournalError> {
        conditions.extend(self.state.map(|state| {
            let condition = match state {
                DeliveryState::Waiting => "ended IS NULL AND due IS NOT NULL",
                DeliveryState::InFlight => "ended IS NULL AND due IS NULL",
                DeliveryState::Delivered => "+ended IS NOT NULL AND abandoned IS NULL",
                DeliveryState::Abandoned => "+ended IS NOT NULL AND abandoned IS NOT NULL",
            };
            condition.to_owned()
        }));
        if self.failing {
            conditions.push("ended IS NULL AND failed IS NOT NULL".to_owned());
        }
        let mut equal = |column: &str, value: Option<i64>| {
            if let Some(value) = value {
                values.push(value.into());
                conditions.push(format!("{column} = ?{}", values.len()));
            }
        };
        equal("event_type", self.event_type.map(|event_type| number(event_type.index() as u64)));
        equal("subscription", self.subscription.map(|id| id.0.into()));
        equal("notification", self.notification.map(|id| number(id.0)));
        if let Some(from) = self.published_from {
            conditions.push(format!("id >= {}", first_published(connection, "delivery", from)?));
        }
        if let Some(until) = self.published_until {
            conditions.push(format!("id < {}", first_published(connection, "delivery", until)?));
        }
        Ok(())
    }
}

const NOTIFICATION: &str = "id, event_type, supplier, published, stamp, recipe, raw, act";

/// The first id that was published at `at` or later, or one beyond all. Instants rise with ids, so it is found
/// by halving, without an index on them.
fn first_published(connection: &Connection, table: &str, at: Timestamp) -> Result<i64, JournalError> {
    let bounds = format!("SELECT coalesce(min(id), 0), coalesce(max(id), 0) + 1 FROM {table}");
    let (mut low, mut high): (i64, i64) =
        connection.query_row(&bounds, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let next = format!("SELECT id, published FROM {table} WHERE id >= ?1 ORDER BY id LIMIT 1");
    let mut next = connection.prepare_cached(&next)?;
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, i64)> =
            next.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match found {
            Some((id, published)) if published < instant(at) => low = id + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

fn list<T>(
    connection: &Connection,
    sql: &str,
    values: Vec<Value>,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, JournalError> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_map(params_from_iter(values), read)?.collect::<Result<_, _>>()?)
}

/// A connection that cannot write.
pub(super) fn open(database: &std::path::Path) -> Result<Connection, JournalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}
