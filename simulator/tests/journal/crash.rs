//! The process is killed while it writes: what was committed is there, whole, and nothing else is harmed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use pns_simulator::journal::{Journal, Options, check};

use crate::support::{deliver, publish, subscribe, write};

/// Makes a run of this test binary the one that is killed. Its value is the journal's folder.
const FOLDER: &str = "PNS_TEST_JOURNAL_TO_WRITE";
const ROUNDS: u64 = 6;

/// Not a test by itself: writes until it is killed, and says what is committed.
#[test]
#[expect(clippy::disallowed_methods, reason = "a child process is told what to do by its environment")]
fn writes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(FOLDER) else { return };
    let (journal, recovered) = Journal::open(Path::new(&dir), Options::default()).unwrap();
    if recovered.fresh {
        write(&journal, vec![subscribe()]);
    }
    let mut out = std::io::stdout().lock();
    for id in recovered.last_delivery.map_or(0, |last| last.0) + 1.. {
        let changes = if id % 3 == 0 { publish(id) } else { deliver(id) };
        write(&journal, changes);
        writeln!(out, "\ncommitted {id}").unwrap();
    }
}

#[test]
fn what_was_committed_survives_kill_9_and_nothing_is_torn() {
    let dir = tempfile::tempdir().unwrap();
    let mut committed = 0;
    for round in 1..=ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::writes_until_it_is_killed", "--nocapture"])
            .env(FOLDER, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.map_while(Result::ok) {
            if let Some(id) = line.strip_prefix("committed ") {
                let id: u64 = id.parse().unwrap();
                assert!(id > committed, "{id} follows {committed}");
                committed = id;
                if id.is_multiple_of(37 * round) {
                    // What the child still said before it died is read on.
                    child.kill().unwrap();
                }
            }
        }
        child.wait().unwrap();

        let report = check(dir.path()).unwrap();
        assert_eq!((report.findings.as_slice(), report.in_use), (&[] as &[String], false));
        let (_journal, recovered) = Journal::open(dir.path(), Options::default()).unwrap();
        let last = recovered.last_delivery.unwrap().0;
        assert!(last == committed || last == committed + 1, "{last} is there, {committed} was committed");
        let waiting: Vec<u64> = recovered.deliveries.iter().map(|delivery| delivery.id.0).collect();
        let expected: Vec<u64> = (1..=last).filter(|id| id % 3 == 0).collect();
        assert_eq!(waiting, expected);
        committed = last;
    }
}
