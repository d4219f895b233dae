//! A journal of an earlier format goes on in the present one.

use std::path::Path;

use pns_engine::{EventType, NotificationId, SupplierId};
use pns_simulator::journal::{Change, Journal, JournalError, Options, Published, check};

use crate::support::{at, block_on, write};

/// What the program wrote before format 2, as SQL.
const VERSION_1: &str = include_str!("version-1.sql");

fn version_1(dir: &Path) -> rusqlite::Connection {
    let database = rusqlite::Connection::open(dir.join("journal.sqlite3")).unwrap();
    database.execute_batch(VERSION_1).unwrap();
    database.pragma_update(None, "application_id", 0x504e_534a).unwrap();
    database.pragma_update(None, "user_version", 1).unwrap();
    database.pragma_update(None, "journal_mode", "WAL").unwrap();
    database
}

#[test]
fn a_journal_of_format_1_goes_on_and_keeps_acts_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    drop(version_1(dir.path()));
    assert_eq!(check(dir.path()).unwrap().version, 1);
    let (journal, recovered) = Journal::open(dir.path(), Options::default()).unwrap();
    assert!(!recovered.fresh);
    assert_eq!((recovered.subscriptions.len(), recovered.deliveries.len()), (2, 20));
    assert_eq!(recovered.last_notification, Some(NotificationId(19)));
    assert!(recovered.notifications.iter().all(|kept| kept.act.is_none()));
    let recipe = recovered.notifications[1].recipe.as_deref().unwrap();
    assert!(recipe.contains("11111111-2222-4333-8444-555555555555"), "{recipe}");
    let published = Published {
        id: NotificationId(20),
        event_type: EventType::ResponseTurnDown,
        supplier: Some(SupplierId(7)),
        at: at(0),
        recipe: None,
        raw: None,
        act: Some("{}".to_owned()),
    };
    write(&journal, vec![Change::NotificationPublished(published)]);
    block_on(journal.close()).unwrap();
    let report = check(dir.path()).unwrap();
    assert_eq!((report.version, report.findings.len(), report.notifications), (2, 0, 20));

    let (journal, _) = Journal::open(dir.path(), Options::default()).unwrap();
    let kept = journal.reader().notification(NotificationId(20)).unwrap().unwrap();
    assert_eq!(kept.act.as_deref(), Some("{}"));
    let mut latest = Vec::new();
    journal.reader().latest_notifications(3, |kept| latest.push(kept.id.0)).unwrap();
    assert_eq!(latest, [18, 19, 20]);
}

#[test]
fn a_damaged_journal_of_format_1_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    drop(version_1(dir.path()));
    let path = dir.path().join("journal.sqlite3");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle..middle + 4_096].fill(0xa5);
    std::fs::write(&path, &bytes).unwrap();
    let opened = Journal::open(dir.path(), Options::default());
    assert!(matches!(opened, Err(JournalError::Damaged { .. })), "{opened:?}");
    assert!(std::fs::read(&path).unwrap() == bytes, "nothing was migrated");
}
