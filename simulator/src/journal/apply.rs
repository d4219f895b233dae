//! Changes carried out on the rows.

use std::collections::BTreeMap;

use pns_engine::{FailureReason, Origin, Outcome, SubscriptionId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::change::{Change, KeptWindow, Published, WindowPurpose};
use super::column::{cause, deferrals, instant, number, origin, outcome, span};
use super::error::JournalError;

/// The greatest ids and the latest instant, which must outlive the rows that they were in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Progress {
    pub(super) latest: i64,
    pub(super) last_subscription: i64,
    pub(super) last_notification: i64,
    pub(super) last_delivery: i64,
    pub(super) last_window: i64,
    pub(super) last_fault: i64,
    pub(super) possible_duplicates: i64,
}

impl Progress {
    pub(super) fn load(connection: &Connection) -> Result<Self, JournalError> {
        let sql = "SELECT latest, last_subscription, last_notification, last_delivery, last_window, \
                   last_fault, possible_duplicates FROM progress";
        let found = connection.query_row(sql, [], Self::read).optional()?;
        found.ok_or_else(|| JournalError::Damaged { what: "the table `progress` is empty".to_owned() })
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            latest: row.get(0)?,
            last_subscription: row.get(1)?,
            last_notification: row.get(2)?,
            last_delivery: row.get(3)?,
            last_window: row.get(4)?,
            last_fault: row.get(5)?,
            possible_duplicates: row.get(6)?,
        })
    }

    fn save(&self, connection: &Connection) -> Result<(), JournalError> {
        let sql = "UPDATE progress SET latest = ?1, last_subscription = ?2, last_notification = ?3, \
                   last_delivery = ?4, last_window = ?5, last_fault = ?6, possible_duplicates = ?7";
        run(
            connection,
            sql,
            params![
                self.latest,
                self.last_subscription,
                self.last_notification,
                self.last_delivery,
                self.last_window,
                self.last_fault,
                self.possible_duplicates
            ],
        )
    }

    fn saw(&mut self, at: Timestamp) {
        self.latest = self.latest.max(instant(at));
    }
}

/// The changes of one transaction being carried out.
pub(super) struct Application<'a> {
    connection: &'a Connection,
    progress: Progress,
    /// Written once at the end, however many attempts of a subscription start.
    last_starts: BTreeMap<SubscriptionId, Timestamp>,
}

impl<'a> Application<'a> {
    pub(super) fn new(connection: &'a Connection, progress: Progress) -> Self {
        Self { connection, progress, last_starts: BTreeMap::new() }
    }

    /// Writes what is written once a transaction.
    pub(super) fn finish(self, before: Progress) -> Result<Progress, JournalError> {
        for (id, at) in &self.last_starts {
            let sql = "UPDATE subscription SET last_start = ?2 WHERE id = ?1";
            run(self.connection, sql, params![id.0, instant(*at)])?;
        }
        if self.progress != before {
            self.progress.save(self.connection)?;
        }
        Ok(self.progress)
    }

    /// Carries out `change`. `next` is what follows in the same write.
    pub(super) fn apply(&mut self, change: &Change, next: Option<&Change>) -> Result<(), JournalError> {
        match change {
            Change::SubscriptionPut { id, settings, limit_set } => {
                self.progress.last_subscription = self.progress.last_subscription.max(i64::from(id.0));
                self.progress.saw(*limit_set);
                let sql = "INSERT INTO subscription (id, settings, limit_set) VALUES (?1, ?2, ?3) \
                           ON CONFLICT (id) DO UPDATE SET settings = ?2, limit_set = ?3";
                self.run(sql, params![id.0, settings, instant(*limit_set)])
            }
            Change::SubscriptionRemoved { id } => {
                self.run_once(change, "DELETE FROM subscription WHERE id = ?1", params![id.0])
            }
            Change::NotificationPublished(published) => {
                let seen = matches!(next, Some(Change::DeliveryQueued { notification, .. })
                    if *notification == published.id);
                self.publish(published, seen)
            }
            Change::DeliveryQueued { .. }
            | Change::AttemptStarted { .. }
            | Change::AttemptEnded { .. }
            | Change::DeliveryAbandoned { .. } => self.deliver(change),
            Change::WindowPut(window) => self.put_window(window),
            Change::WindowEnded { id, at } => {
                self.progress.saw(*at);
                let sql = "UPDATE window SET ended = ?2, open = 0 WHERE id = ?1 AND ended IS NULL";
                self.run_once(change, sql, params![id.0, instant(*at)])
            }
            Change::FaultPut { id, spec } => {
                self.progress.last_fault = self.progress.last_fault.max(number(*id));
                let sql = "INSERT INTO fault (id, spec) VALUES (?1, ?2) \
                           ON CONFLICT (id) DO UPDATE SET spec = ?2";
                self.run(sql, params![number(*id), spec])
            }
            Change::FaultEnded { id, at } => {
                self.progress.saw(*at);
                let sql = "UPDATE fault SET ended = ?2 WHERE id = ?1 AND ended IS NULL";
                self.run_once(change, sql, params![number(*id), instant(*at)])
            }
            Change::IdempotencyKept { key, fingerprint, answer, at } => {
                let sql = "INSERT OR REPLACE INTO idempotency VALUES (?1, ?2, ?3, ?4)";
                self.run(sql, params![key, fingerprint, answer, instant(*at)])
            }
            Change::MetaPut { key, value } => {
                self.run("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", params![key, value])
            }
            Change::MetaRemoved { key } => self.run("DELETE FROM meta WHERE key = ?1", params![key]),
        }
    }

    /// One that nobody saw is marked: it has no delivery with which it could go.
    fn publish(&mut self, published: &Published, seen: bool) -> Result<(), JournalError> {
        let Published { id, event_type, supplier, at, recipe, raw, act } = published;
        self.progress.last_notification = self.progress.last_notification.max(number(id.0));
        self.progress.saw(*at);
        let sql = "INSERT INTO notification (id, event_type, supplier, published, recipe, raw, unseen, act) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let supplier = supplier.map(|supplier| supplier.0.to_be_bytes());
        let (place, raw) = (event_type.index(), raw.as_deref());
        self.run(sql, params![number(id.0), place, supplier, instant(*at), recipe, raw, !seen, act])
    }

    fn deliver(&mut self, change: &Change) -> Result<(), JournalError> {
        match change {
            Change::DeliveryQueued { delivery, notification, subscription, event_type, origin: from, at } => {
                self.progress.last_delivery = self.progress.last_delivery.max(number(delivery.0));
                self.progress.saw(*at);
                let sql = "INSERT INTO delivery \
                           (id, notification, subscription, event_type, origin, published, due) \
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)";
                let (id, notification) = (number(delivery.0), number(notification.0));
                let place = event_type.index();
                self.run(sql, params![id, notification, subscription.0, place, origin(*from), instant(*at)])?;
                if *from == Origin::Redelivery {
                    let sql = "UPDATE notification SET unseen = 0 WHERE id = ?1 AND unseen = 1";
                    self.run(sql, params![notification])?;
                }
                Ok(())
            }
            Change::AttemptStarted { .. } => self.start(change),
            Change::AttemptEnded { .. } => self.end(change),
            Change::DeliveryAbandoned { delivery, cause: why, at } => {
                self.progress.saw(*at);
                let sql = "UPDATE delivery SET ended = ?2, abandoned = ?3, due = NULL \
                           WHERE id = ?1 AND ended IS NULL";
                self.run_once(change, sql, params![number(delivery.0), instant(*at), cause(*why)])
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, change: &Change) -> Result<(), JournalError> {
        let Change::AttemptStarted {
            delivery,
            subscription,
            notification,
            number: nth,
            at,
            due,
            deferrals: waited,
            stamp,
        } = change
        else {
            return Ok(());
        };
        self.progress.saw(*at);
        self.last_starts.insert(*subscription, *at);
        let id = number(delivery.0);
        let sql = "UPDATE delivery SET attempts = ?2, due = NULL \
                   WHERE id = ?1 AND ended IS NULL AND attempts = ?2 - 1";
        self.run_once(change, sql, params![id, nth])?;
        let sql =
            "INSERT INTO attempt (delivery, number, due, started, deferrals) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.run(sql, params![id, nth, instant(*due), instant(*at), deferrals(*waited)])?;
        if let Some(stamp) = stamp {
            let sql = "UPDATE notification SET stamp = ?2 WHERE id = ?1 AND stamp IS NULL";
            self.run(sql, params![number(notification.0), instant(*stamp)])?;
        }
        Ok(())
    }

    fn end(&mut self, change: &Change) -> Result<(), JournalError> {
        let Change::AttemptEnded { delivery, number: nth, at, outcome: verdict, next, exchange } = change
        else {
            return Ok(());
        };
        self.progress.saw(*at);
        let id = number(delivery.0);
        let (status, failure) = outcome(*verdict);
        if *verdict == Outcome::Failed(FailureReason::SenderStopped) {
            self.progress.possible_duplicates += 1;
        }
        let sql = "UPDATE attempt SET ended = ?3, status = ?4, failure = ?5, delay = ?6, exchange = ?7, \
                   response_body = ?8 WHERE delivery = ?1 AND number = ?2 AND ended IS NULL";
        let facts = exchange.as_ref().map(|exchange| exchange.facts.as_str());
        let body = exchange.as_ref().map(|exchange| &*exchange.response_body);
        let delay = next.map(span);
        self.run_once(change, sql, params![id, nth, instant(*at), status, failure, delay, facts, body])?;
        match (verdict, next) {
            (Outcome::Acknowledged(_), _) => {
                let sql = "UPDATE delivery SET ended = ?2 WHERE id = ?1 AND ended IS NULL";
                self.run_once(change, sql, params![id, instant(*at)])
            }
            (Outcome::Failed(_), Some(next)) => {
                let sql = "UPDATE delivery SET failed = ?2, delay = ?3, due = ?4 \
                           WHERE id = ?1 AND ended IS NULL";
                self.run_once(change, sql, params![id, instant(*at), span(*next), instant(*at + *next)])
            }
            (Outcome::Failed(_), None) => {
                let sql = "UPDATE delivery SET failed = ?2 WHERE id = ?1 AND ended IS NULL";
                self.run_once(change, sql, params![id, instant(*at)])
            }
        }
    }

    fn put_window(&mut self, window: &KeptWindow) -> Result<(), JournalError> {
        let KeptWindow { id, subscription, from, until, open, purpose, ended } = *window;
        self.progress.last_window = self.progress.last_window.max(i64::from(id.0));
        let sql = "INSERT INTO window VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET \
                   subscription = ?2, starts = ?3, ends = ?4, open = ?5, pause = ?6, ended = ?7";
        let pause = purpose == WindowPurpose::Pause;
        let (from, until, ended) = (instant(from), instant(until), ended.map(instant));
        self.run(sql, params![id.0, subscription.0, from, until, open, pause, ended])
    }

    fn run(&self, sql: &str, values: impl Params) -> Result<(), JournalError> {
        run(self.connection, sql, values)
    }

    /// Runs what must change exactly one row: anything else means that `change` is out of step.
    fn run_once(&self, change: &Change, sql: &str, values: impl Params) -> Result<(), JournalError> {
        match self.connection.prepare_cached(sql)?.execute(values)? {
            1 => Ok(()),
            _ => Err(JournalError::OutOfStep { what: name(change) }),
        }
    }
}

fn run(connection: &Connection, sql: &str, values: impl Params) -> Result<(), JournalError> {
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// The change by its kind and ids, without what may be secret in it.
fn name(change: &Change) -> String {
    match change {
        Change::SubscriptionRemoved { id } => format!("the end of subscription {id}"),
        Change::WindowEnded { id, .. } => format!("the end of window {id}"),
        Change::FaultEnded { id, .. } => format!("the end of fault {id}"),
        Change::AttemptStarted { delivery, number, .. } => {
            format!("the start of attempt {number} of {delivery}")
        }
        Change::AttemptEnded { delivery, number, .. } => format!("the end of attempt {number} of {delivery}"),
        Change::DeliveryAbandoned { delivery, .. } => format!("the end of delivery {delivery}"),
        _ => "a new row".to_owned(),
    }
}
