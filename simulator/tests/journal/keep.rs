//! What was written is there after the journal was closed and opened again.

use std::collections::BTreeMap;
use std::time::Duration;

use pns_engine::{
    AbandonCause, DeliveryId, FailureReason, NotificationId, Outcome, Sender, Subscription, SubscriptionId,
    Timestamp, WindowId,
};
use pns_simulator::journal::{Change, Journal, JournalError, KeptWindow, Options, WindowPurpose};

use crate::support::{S, at, block_on, deliver, end, publish, queue, start, subscribe, write};

const REFUSED: Outcome = Outcome::Failed(FailureReason::Refused);

fn window(id: u32, until: Timestamp) -> KeptWindow {
    let (from, purpose) = (at(5), WindowPurpose::Pause);
    KeptWindow { id: WindowId(id), subscription: S, from, until, open: true, purpose, ended: None }
}

#[test]
fn what_was_committed_is_recovered() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, recovered) = Journal::open(dir.path(), Options::default()).unwrap();
    assert!(recovered.fresh);
    write(&journal, vec![subscribe(), Change::MetaPut { key: "seed".into(), value: "7".into() }]);
    write(&journal, deliver(1));
    for id in 2..=4 {
        write(&journal, publish(id));
    }
    write(&journal, vec![start(2, 1, 10), start(3, 1, 11)]);
    write(&journal, vec![end(2, 1, 12, REFUSED)]);
    write(&journal, vec![Change::WindowPut(window(1, Timestamp::MAX)), Change::WindowPut(window(2, at(9)))]);
    write(&journal, vec![Change::WindowEnded { id: WindowId(2), at: at(9) }]);
    let fault = |id| Change::FaultPut { id, spec: "{}".into() };
    write(&journal, vec![fault(1), fault(2), Change::FaultEnded { id: 2, at: at(13) }]);
    drop(journal);

    let (_journal, mut recovered) = Journal::open(dir.path(), Options::default()).unwrap();
    assert!(!recovered.fresh);
    assert_eq!(recovered.latest, at(13));
    assert_eq!(recovered.meta, BTreeMap::from([("seed".to_owned(), "7".to_owned())]));
    assert_eq!(recovered.last_notification, Some(NotificationId(4)));
    assert_eq!((recovered.last_window, recovered.last_fault), (WindowId(2), 2));
    assert_eq!(recovered.windows, [window(1, Timestamp::MAX)]);
    assert_eq!(recovered.faults.len(), 1);
    let stamps: Vec<_> = recovered.notifications.iter().map(|n| (n.id.0, n.stamp)).collect();
    assert_eq!(stamps, [(2, Some(at(10))), (3, Some(at(11))), (4, None)], "pending ones only");
    let snapshot = recovered.take_snapshot(&BTreeMap::from([(S, Subscription::default())]));
    assert_eq!(snapshot.subscriptions[0].last_start, Some(at(11)));
    let pending: Vec<_> = snapshot.deliveries.iter().map(|d| (d.id.0, d.attempts, d.delay, d.due)).collect();
    let zero = Duration::ZERO;
    assert_eq!(
        pending,
        [(2, 1, Duration::from_secs(30), Some(at(42))), (3, 1, zero, None), (4, 0, zero, Some(at(4)))]
    );
    let sender = Sender::recover(1, snapshot, at(100));
    assert_eq!(sender.pending(), 3);
}

#[test]
fn ids_are_not_given_again_when_their_rows_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), Options::default()).unwrap();
    write(&journal, vec![subscribe(), Change::SubscriptionRemoved { id: S }]);
    drop(journal);
    let (_journal, recovered) = Journal::open(dir.path(), Options::default()).unwrap();
    assert_eq!((recovered.subscriptions.len(), recovered.last_subscription), (0, SubscriptionId(1)));
}

#[test]
fn attempts_cut_off_by_a_stop_are_counted_over_all_starts() {
    let dir = tempfile::tempdir().unwrap();
    for number in 1..=2 {
        let (journal, recovered) = Journal::open(dir.path(), Options::default()).unwrap();
        if recovered.fresh {
            write(&journal, vec![subscribe()]);
            write(&journal, publish(1));
        }
        write(&journal, vec![start(1, number, 10 * u64::from(number))]);
        let stopped = Outcome::Failed(FailureReason::SenderStopped);
        write(&journal, vec![end(1, number, 10 * u64::from(number) + 1, stopped)]);
    }
    let (_journal, recovered) = Journal::open(dir.path(), Options::default()).unwrap();
    assert_eq!(recovered.possible_duplicates, 2);
}

#[test]
fn a_write_is_committed_as_a_whole_or_not_at_all_and_nothing_follows_one_that_fails() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), Options::default()).unwrap();
    write(&journal, publish(1));
    let unknown =
        Change::DeliveryAbandoned { delivery: DeliveryId(9), cause: AbandonCause::AttemptCap, at: at(3) };
    let failed = block_on(async { journal.write(vec![queue(2, S), unknown]).await.await });
    assert!(matches!(&failed, Err(JournalError::OutOfStep { what }) if what.contains("d9")), "{failed:?}");
    assert_eq!(block_on(async { journal.write(publish(3)).await.await }), failed);
    assert_eq!(journal.health(), failed);
    drop(journal);
    let (_journal, recovered) = Journal::open(dir.path(), Options::default()).unwrap();
    assert_eq!(recovered.deliveries.len(), 1);
}

#[test]
fn a_closed_journal_can_be_opened_while_a_clone_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), Options::default()).unwrap();
    let unawaited = block_on(journal.write(publish(1)));
    block_on(journal.close()).unwrap();
    block_on(unawaited).unwrap();
    let (_again, recovered) = Journal::open(dir.path(), Options::default()).unwrap();
    assert_eq!(recovered.deliveries.len(), 1);
    assert_eq!(block_on(async { journal.write(publish(2)).await.await }), Err(JournalError::Closed));
}
