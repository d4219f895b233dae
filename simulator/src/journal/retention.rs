//! What has ended is removed by age and size, a little at a time, so that writers hardly wait and the file does
//! not grow for ever. What is pending always stays.

use std::collections::BTreeSet;
use std::sync::Arc;

use pns_engine::{NotificationId, Timestamp};
use rusqlite::{Connection, TransactionBehavior, params};

use super::column::instant;
use super::error::JournalError;

/// Rows that one step removes of each kind.
const STEP: i64 = 1_000;
/// Pages that are given back to the file system in one step.
const GIVEN_BACK: i64 = 4_096;
/// Free pages that are kept for what is written next.
const FREE_KEPT: i64 = 1_024;

/// What may go. The default is nothing.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Retention {
    /// Deliveries with their attempts, windows and faults that ended before this instant, and notifications
    /// that nobody saw.
    pub ended_before: Option<Timestamp>,
    /// Notifications that stay although they are old, without their deliveries: later ones build on them. Size goes
    /// before that.
    pub spared: Arc<BTreeSet<NotificationId>>,
    /// The oldest deliveries that have ended, while the rows take more bytes than this.
    pub size_max: Option<u64>,
    /// Idempotency keys kept before this instant.
    pub keys_before: Option<Timestamp>,
    /// The oldest idempotency keys beyond so many.
    pub keys_max: Option<u64>,
}

/// What one step of retention did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Retained {
    /// Deliveries removed.
    pub deliveries: u64,
    /// Bytes that rows take now.
    pub used: u64,
    /// Bytes of the database.
    pub size: u64,
    /// Another step would find more to remove.
    pub more: bool,
}

/// One step.
pub(super) fn step(connection: &mut Connection, retention: &Retention) -> Result<Retained, JournalError> {
    let (used, _) = sizes(connection)?;
    let too_large = retention.size_max.is_some_and(|max| used > max);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = if too_large { Some(i64::MAX) } else { retention.ended_before.map(instant) };
    let nothing = BTreeSet::new();
    let spared = if too_large { &nothing } else { &*retention.spared };
    let (mut deliveries, mut others) = (0, 0);
    if let Some(before) = before {
        deliveries = remove_deliveries(&transaction, before, spared)?;
        others += remove_unseen(&transaction, before, spared)?;
        others += remove_pruned(&transaction, before, spared)?;
    }
    if let Some(before) = retention.ended_before.map(instant) {
        for table in ["window", "fault"] {
            let sql = format!(
                "DELETE FROM {table} WHERE id IN \
                 (SELECT id FROM {table} WHERE ended < ?1 ORDER BY ended LIMIT ?2)"
            );
            others += transaction.execute(&sql, params![before, STEP])?;
        }
    }
    others += remove_keys(&transaction, retention)?;
    transaction.commit()?;
    give_back(connection)?;
    let (used, size) = sizes(connection)?;
    let removed = deliveries + others > 0;
    let more = if too_large { removed } else { deliveries.max(others) >= STEP as usize };
    let still_too_large = retention.size_max.is_some_and(|max| used > max);
    Ok(Retained { deliveries: deliveries as u64, used, size, more: more || (still_too_large && removed) })
}

/// Removes the oldest deliveries that ended before an instant, their attempts, and the notifications of which
/// no delivery is left, unless they are spared.
fn remove_deliveries(
    connection: &Connection,
    before: i64,
    spared: &BTreeSet<NotificationId>,
) -> Result<usize, JournalError> {
    let sql = "SELECT id, notification FROM delivery WHERE ended < ?1 ORDER BY ended LIMIT ?2";
    let mut oldest = connection.prepare_cached(sql)?;
    let rows = oldest.query_map(params![before, STEP], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows = rows.collect::<Result<Vec<(i64, i64)>, _>>()?;
    let mut attempts = connection.prepare_cached("DELETE FROM attempt WHERE delivery = ?1")?;
    let mut delivery = connection.prepare_cached("DELETE FROM delivery WHERE id = ?1")?;
    let mut pruned = connection.prepare_cached("UPDATE notification SET pruned = 1 WHERE id = ?1")?;
    let sql = "DELETE FROM notification WHERE id = ?1 \
               AND NOT EXISTS (SELECT 1 FROM delivery WHERE notification = ?1)";
    let mut whole = connection.prepare_cached(sql)?;
    for (id, notification) in &rows {
        attempts.execute([id])?;
        delivery.execute([id])?;
        if is_spared(spared, *notification) || whole.execute([notification])? == 0 {
            pruned.execute([notification])?;
        }
    }
    Ok(rows.len())
}

fn is_spared(spared: &BTreeSet<NotificationId>, id: i64) -> bool {
    u64::try_from(id).is_ok_and(|id| spared.contains(&NotificationId(id)))
}

/// Removes the oldest notifications that nobody saw. Those that are spared are from now on as others of which no
/// delivery is left.
fn remove_unseen(
    connection: &Connection,
    before: i64,
    spared: &BTreeSet<NotificationId>,
) -> Result<usize, JournalError> {
    let sql = "SELECT id FROM notification WHERE unseen = 1 AND published < ?1 ORDER BY published LIMIT ?2";
    let mut oldest = connection.prepare_cached(sql)?;
    let rows = oldest.query_map(params![before, STEP], |row| row.get(0))?;
    let mut remove = connection.prepare_cached("DELETE FROM notification WHERE id = ?1")?;
    let sql = "UPDATE notification SET unseen = 0, pruned = 1 WHERE id = ?1";
    let mut keep = connection.prepare_cached(sql)?;
    let rows = rows.collect::<Result<Vec<i64>, _>>()?;
    for id in &rows {
        if is_spared(spared, *id) {
            keep.execute([id])?
        } else {
            remove.execute([id])?
        };
    }
    Ok(rows.len())
}

/// Removes the oldest notifications of which no delivery is left and that are spared no more.
fn remove_pruned(
    connection: &Connection,
    before: i64,
    spared: &BTreeSet<NotificationId>,
) -> Result<usize, JournalError> {
    let sql = "SELECT id FROM notification WHERE pruned = 1 AND published < ?1 \
               AND NOT EXISTS (SELECT 1 FROM delivery WHERE notification = notification.id) ORDER BY published";
    let mut oldest = connection.prepare_cached(sql)?;
    let mut rows = oldest.query(params![before])?;
    let mut old = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        if !is_spared(spared, id) {
            old.push(id);
        }
        if old.len() as i64 == STEP {
            break;
        }
    }
    drop(rows);
    let mut remove = connection.prepare_cached("DELETE FROM notification WHERE id = ?1")?;
    for id in &old {
        remove.execute([id])?;
    }
    Ok(old.len())
}

fn remove_keys(connection: &Connection, retention: &Retention) -> Result<usize, JournalError> {
    let sql = "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE kept < ?1 \
               ORDER BY kept LIMIT ?2)";
    let mut removed = 0;
    if let Some(before) = retention.keys_before.map(instant) {
        removed += connection.prepare_cached(sql)?.execute(params![before, STEP])?;
    }
    if let Some(max) = retention.keys_max {
        let count: i64 = connection.query_row("SELECT count(*) FROM idempotency", [], |row| row.get(0))?;
        let surplus = count.saturating_sub(i64::try_from(max).unwrap_or(i64::MAX)).clamp(0, STEP);
        removed += connection.prepare_cached(sql)?.execute(params![i64::MAX, surplus])?;
    }
    Ok(removed)
}

/// Lets the file shrink: free pages beyond some go at the next checkpoint.
fn give_back(connection: &Connection) -> Result<(), JournalError> {
    let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    let surplus = (free - FREE_KEPT).min(GIVEN_BACK);
    if surplus > 0 {
        connection.execute_batch(&format!("PRAGMA incremental_vacuum({surplus})"))?;
    }
    Ok(())
}

/// Bytes that rows take, and bytes of the database.
fn sizes(connection: &Connection) -> Result<(u64, u64), JournalError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    let (page, pages, free) = (pragma("page_size")?, pragma("page_count")?, pragma("freelist_count")?);
    Ok((page * pages.saturating_sub(free), page * pages))
}
