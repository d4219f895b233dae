//! What cannot be used as a journal is told apart, and left as it is.

use std::fs;
use std::path::Path;

use pns_simulator::journal::{Journal, JournalError, Options, check};

use crate::support::{block_on, deliver, publish, subscribe, write};

const DATABASE: &str = "journal.sqlite3";

fn open(dir: &Path) -> Result<(), JournalError> {
    Journal::open(dir, Options::default()).map(drop)
}

/// A journal with something in it, closed.
fn filled() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), Options::default()).unwrap();
    write(&journal, vec![subscribe()]);
    let many = (1..200).flat_map(deliver).chain((200..400).flat_map(publish)).collect();
    write(&journal, many);
    block_on(journal.close()).unwrap();
    dir
}

/// Opens what must be refused, and must be the same afterwards.
#[track_caller]
fn refused(dir: &Path) -> JournalError {
    let before = fs::read(dir.join(DATABASE)).unwrap();
    let error = open(dir).unwrap_err();
    assert!(fs::read(dir.join(DATABASE)).unwrap() == before, "{error}: the file was changed");
    error
}

#[test]
fn a_folder_of_something_else() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    assert!(matches!(open(dir.path()), Err(JournalError::NotAJournal { .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was added");
    assert!(matches!(check(dir.path()), Err(JournalError::NoJournal { .. })));
}

#[test]
fn a_journal_in_use() {
    let dir = filled();
    let (_journal, _) = Journal::open(dir.path(), Options::default()).unwrap();
    let error = refused(dir.path());
    let pid = Some(std::process::id());
    assert_eq!(error, JournalError::Locked { dir: dir.path().display().to_string(), pid });
    let report = check(dir.path()).unwrap();
    assert!(report.in_use && report.findings.is_empty(), "{report:?}");
    assert_eq!((report.pending, report.ended, report.attempts), (200, 199, 199));
}

#[test]
fn a_journal_of_a_later_version() {
    let dir = filled();
    let database = rusqlite::Connection::open(dir.path().join(DATABASE)).unwrap();
    database.pragma_update(None, "user_version", 3).unwrap();
    drop(database);
    assert_eq!(refused(dir.path()), JournalError::WrittenByNewer { version: 3, known: 2 });
    assert_eq!(check(dir.path()), Err(JournalError::WrittenByNewer { version: 3, known: 2 }));
}

#[test]
fn a_database_of_another_program() {
    let dir = tempfile::tempdir().unwrap();
    let database = rusqlite::Connection::open(dir.path().join(DATABASE)).unwrap();
    database.execute_batch("CREATE TABLE theirs (id)").unwrap();
    drop(database);
    assert!(matches!(refused(dir.path()), JournalError::Damaged { .. }));
}

#[test]
fn a_file_that_is_no_database() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(DATABASE), "no database\n".repeat(1_000)).unwrap();
    assert!(matches!(refused(dir.path()), JournalError::Damaged { .. }));
    assert_eq!(check(dir.path()).unwrap().findings.len(), 1);
}

#[test]
fn a_file_that_was_cut_off() {
    let dir = filled();
    let path = dir.path().join(DATABASE);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = refused(dir.path());
    assert!(matches!(&error, JournalError::Damaged { what } if what.contains("bytes")), "{error}");
    assert!(error.help().unwrap().contains("pns store check"));
    assert_eq!(check(dir.path()).unwrap().findings.len(), 1);
}

#[test]
fn a_page_that_was_overwritten_is_found() {
    let dir = filled();
    let path = dir.path().join(DATABASE);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle..middle + 4_096].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    assert!(!check(dir.path()).unwrap().findings.is_empty());
    assert!(
        matches!(refused(dir.path()), JournalError::Damaged { .. }),
        "before anything is written into it"
    );
}

#[test]
fn rows_that_do_not_agree_are_found() {
    let dir = filled();
    assert_eq!(check(dir.path()).unwrap().findings, [""; 0]);
    let database = rusqlite::Connection::open(dir.path().join(DATABASE)).unwrap();
    database
        .execute_batch("DELETE FROM notification WHERE id = 3; DELETE FROM attempt WHERE delivery = 4")
        .unwrap();
    drop(database);
    let findings = check(dir.path()).unwrap().findings;
    assert_eq!(
        findings,
        [
            "1 deliveries without their notification",
            "1 deliveries with more or fewer attempts than they count",
            "1 deliveries that count as delivered without an acknowledgement",
        ]
    );
}

#[test]
#[cfg(unix)]
fn folder_and_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data");
    let (journal, _) = Journal::open(&dir, Options::default()).unwrap();
    write(&journal, vec![subscribe()]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}
