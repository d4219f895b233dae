//! Looking a journal over without changing it.

use std::path::Path;

use rusqlite::Connection;

use super::error::JournalError;
use super::{folder, read, schema};

/// Damaged places that are told; a broken file has many alike.
const FINDINGS_MAX: usize = 100;

/// What a journal must hold to, as queries that count what does not.
const INVARIANTS: [(&str, &str); 8] = [
    (
        "deliveries without their notification",
        "SELECT count(*) FROM delivery WHERE notification NOT IN (SELECT id FROM notification)",
    ),
    (
        "deliveries that wait for a subscription that is not there",
        "SELECT count(*) FROM delivery WHERE ended IS NULL AND due IS NOT NULL \
         AND subscription NOT IN (SELECT id FROM subscription)",
    ),
    (
        "deliveries with more or fewer attempts than they count",
        "SELECT count(*) FROM delivery WHERE attempts <> \
         (SELECT count(*) FROM attempt WHERE attempt.delivery = delivery.id)",
    ),
    (
        "attempts without their delivery",
        "SELECT count(*) FROM attempt WHERE delivery NOT IN (SELECT id FROM delivery)",
    ),
    (
        "deliveries in flight whose attempt has ended",
        "SELECT count(*) FROM delivery WHERE ended IS NULL AND due IS NULL AND NOT EXISTS (SELECT 1 \
         FROM attempt WHERE delivery = delivery.id AND number = attempts AND attempt.ended IS NULL)",
    ),
    (
        "deliveries that wait while an attempt is in flight",
        "SELECT count(*) FROM delivery JOIN attempt ON attempt.delivery = delivery.id \
         AND number = attempts WHERE delivery.due IS NOT NULL AND attempt.ended IS NULL",
    ),
    (
        "deliveries that count as delivered without an acknowledgement",
        "SELECT count(*) FROM delivery WHERE ended IS NOT NULL AND abandoned IS NULL AND NOT EXISTS (SELECT 1 \
         FROM attempt WHERE delivery = delivery.id AND number = attempts AND status IS NOT NULL \
         AND failure IS NULL)",
    ),
    (
        "ids beyond the greatest that was given",
        "SELECT count(*) FROM progress WHERE last_delivery < (SELECT coalesce(max(id), 0) FROM delivery) \
         OR last_notification < (SELECT coalesce(max(id), 0) FROM notification) \
         OR last_subscription < (SELECT coalesce(max(id), 0) FROM subscription)",
    ),
];

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CheckReport {
    /// Somebody has it open: it may have changed since.
    pub in_use: bool,
    /// The process that has it open, or had it last.
    pub pid: Option<u32>,
    /// The journal's format.
    pub version: i64,
    /// Subscriptions.
    pub subscriptions: u64,
    /// Notifications.
    pub notifications: u64,
    /// Deliveries that are pending.
    pub pending: u64,
    /// Deliveries that have ended.
    pub ended: u64,
    /// Attempts.
    pub attempts: u64,
    /// What is wrong, a sentence fragment each. Empty: nothing is.
    pub findings: Vec<String>,
}

/// Looks over the journal in `dir`, which may be in use. Reads all of it.
///
/// # Errors
/// When it cannot be looked at: there is none, or a later version wrote it, or the operating system refuses.
/// What is wrong inside is a finding and no error.
pub fn check(dir: &Path) -> Result<CheckReport, JournalError> {
    let database = dir.join(folder::DATABASE);
    if !database.exists() {
        return Err(JournalError::NoJournal { dir: dir.display().to_string() });
    }
    let mut report =
        CheckReport { in_use: folder::is_held(dir), pid: folder::holder(dir), ..CheckReport::default() };
    match folder::check_length(dir).and_then(|()| look(&read::open(&database)?, &mut report)) {
        Ok(()) => {}
        Err(JournalError::Damaged { what }) => report.findings.push(what),
        Err(error) => return Err(error),
    }
    Ok(report)
}

fn look(connection: &Connection, report: &mut CheckReport) -> Result<(), JournalError> {
    report.version = schema::version(connection)?;
    let mut pages = connection.prepare(&format!("PRAGMA integrity_check({FINDINGS_MAX})"))?;
    for finding in pages.query_map([], |row| row.get::<_, String>(0))? {
        let finding = finding?;
        if finding != "ok" {
            report.findings.push(finding);
        }
    }
    let count = |sql| connection.query_row(sql, [], |row| row.get::<_, u64>(0));
    report.subscriptions = count("SELECT count(*) FROM subscription")?;
    report.notifications = count("SELECT count(*) FROM notification")?;
    report.pending = count("SELECT count(*) FROM delivery WHERE ended IS NULL")?;
    report.ended = count("SELECT count(*) FROM delivery WHERE +ended IS NOT NULL")?;
    report.attempts = count("SELECT count(*) FROM attempt")?;
    for (what, sql) in INVARIANTS {
        let number = count(sql)?;
        if number > 0 {
            report.findings.push(format!("{number} {what}"));
        }
    }
    Ok(())
}
