//! The tables, and how a database comes to have them.
//!
//! Instants and spans are nanoseconds; what lies beyond April 2262 counts as for ever, and time itself does
//! not come to it ([`crate::clock::LAST`]). Event types are
//! places in [`pns_engine::EventType::ALL`], the order of Cvent's page.
//!
//! A delivery's state is in its columns: `ended` is NULL while it is pending, and `due` is NULL while an attempt
//! is in flight. One index on `ended` serves both the start (pending ones, by id) and retention (ended ones, by
//! age), and an attempt's start and failure do not touch it.

use rusqlite::Connection;

use super::error::JournalError;

/// `PNSJ`: says that a database is a journal.
const APPLICATION_ID: i64 = 0x504e_534a;

/// The format that this program writes.
pub(super) const VERSION: i64 = 2;

const TABLES: &str = "
CREATE TABLE progress (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    latest INTEGER NOT NULL,
    last_subscription INTEGER NOT NULL,
    last_notification INTEGER NOT NULL,
    last_delivery INTEGER NOT NULL,
    last_window INTEGER NOT NULL,
    last_fault INTEGER NOT NULL,
    possible_duplicates INTEGER NOT NULL
) STRICT;
INSERT INTO progress VALUES (1, 0, 0, 0, 0, 0, 0, 0);
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE subscription (
    id INTEGER PRIMARY KEY,
    settings TEXT NOT NULL,
    limit_set INTEGER NOT NULL,
    last_start INTEGER
) STRICT;
CREATE TABLE notification (
    id INTEGER PRIMARY KEY,
    event_type INTEGER NOT NULL,
    supplier BLOB,
    published INTEGER NOT NULL,
    stamp INTEGER,
    recipe TEXT,
    raw BLOB,
    unseen INTEGER NOT NULL,
    pruned INTEGER NOT NULL DEFAULT 0,
    act TEXT
) STRICT;
CREATE INDEX notification_unseen ON notification (published) WHERE unseen = 1;
CREATE INDEX notification_pruned ON notification (published) WHERE pruned = 1;
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY,
    notification INTEGER NOT NULL,
    subscription INTEGER NOT NULL,
    event_type INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    published INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    delay INTEGER NOT NULL DEFAULT 0,
    due INTEGER,
    failed INTEGER,
    ended INTEGER,
    abandoned INTEGER
) STRICT;
CREATE INDEX delivery_ended ON delivery (ended);
CREATE INDEX delivery_subscription ON delivery (subscription);
CREATE INDEX delivery_notification ON delivery (notification);
CREATE TABLE attempt (
    delivery INTEGER NOT NULL,
    number INTEGER NOT NULL,
    due INTEGER NOT NULL,
    started INTEGER NOT NULL,
    deferrals INTEGER NOT NULL,
    ended INTEGER,
    status INTEGER,
    failure TEXT,
    delay INTEGER,
    exchange TEXT,
    response_body BLOB,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE window (
    id INTEGER PRIMARY KEY,
    subscription INTEGER NOT NULL,
    starts INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    open INTEGER NOT NULL,
    pause INTEGER NOT NULL,
    ended INTEGER
) STRICT;
CREATE INDEX window_ended ON window (ended);
CREATE TABLE fault (id INTEGER PRIMARY KEY, spec TEXT NOT NULL, ended INTEGER) STRICT;
CREATE INDEX fault_ended ON fault (ended);
CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    answer TEXT NOT NULL,
    kept INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_kept ON idempotency (kept);
";

/// What a database was before it was prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Empty.
    Nothing,
    /// A journal of this format, which is not later than ours.
    Version(i64),
}

/// Makes the tables in an empty database, or tells in which format they are there.
pub(super) fn prepare(connection: &mut Connection) -> Result<Found, JournalError> {
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        // Effective in an empty database only, and before it is in WAL mode.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        let transaction = connection.transaction()?;
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
        return Ok(Found::Nothing);
    }
    version(connection).map(Found::Version)
}

/// The format of a journal.
///
/// # Errors
/// When the database is another program's, or a later version's.
pub(super) fn version(connection: &Connection) -> Result<i64, JournalError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if pragma("application_id")? != APPLICATION_ID {
        return Err(JournalError::Damaged { what: "it is the database of another program".to_owned() });
    }
    let version = pragma("user_version")?;
    if version > VERSION {
        return Err(JournalError::WrittenByNewer { version, known: VERSION });
    }
    Ok(version)
}

/// Format 2 knows what was done through the pull API to make a notification, and keeps notifications on which later
/// ones build longer than their deliveries.
const TO_2: &str = "ALTER TABLE notification ADD COLUMN act TEXT;
CREATE INDEX notification_pruned ON notification (published) WHERE pruned = 1;";

/// Brings a journal of an older format to the present one, step by step: all of it or nothing.
pub(super) fn migrate(connection: &mut Connection, version: i64) -> Result<(), JournalError> {
    let steps: &[&str] = match version {
        VERSION => return Ok(()),
        1 => &[TO_2],
        other => {
            return Err(JournalError::Damaged { what: format!("it has the unknown format {other}") });
        }
    };
    let transaction = connection.transaction()?;
    for step in steps {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}
