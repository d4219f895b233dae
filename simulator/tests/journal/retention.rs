//! What has ended goes by age and size, the file stays bounded, and a full disk is waited out.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use pns_engine::{DeliveryId, NotificationId, Timestamp};
use pns_simulator::journal::{
    Change, DeliveryFilter, Journal, JournalError, KeptExchange, Options, Page, Retained, Retention,
};

use crate::support::{at, block_on, deliver, publish, queue, subscribe, write};

fn retain(journal: &Journal, retention: &Retention) -> Retained {
    for _ in 0..10_000 {
        let retained = block_on(journal.retain(retention.clone())).unwrap();
        if !retained.more {
            return retained;
        }
    }
    panic!("retention makes no end");
}

/// As `deliver`, with an exchange of a common size.
fn deliver_with_exchange(id: u64) -> Vec<Change> {
    let mut changes = deliver(id);
    if let Some(Change::AttemptEnded { exchange, .. }) = changes.last_mut() {
        *exchange = Some(KeptExchange { facts: "f".repeat(400), response_body: "ok".into() });
    }
    changes
}

#[test]
fn what_ended_before_an_instant_goes_and_all_else_stays() {
    let journal = Journal::ephemeral(Options::default()).unwrap().0;
    write(&journal, (1..=10).flat_map(deliver).collect());
    write(&journal, publish(11));
    // Nobody saw this one.
    write(&journal, publish(12).into_iter().take(1).collect());
    // Of this one another delivery is pending.
    let Change::DeliveryQueued { subscription, event_type, origin, at: queued, .. } =
        queue(7, crate::support::S)
    else {
        panic!("a delivery")
    };
    let (delivery, notification) = (DeliveryId(12), NotificationId(3));
    let late =
        Change::DeliveryQueued { delivery, notification, subscription, event_type, origin, at: queued };
    write(&journal, vec![late]);
    let age = |second| Retention { ended_before: Some(at(second)), ..Retention::default() };
    assert_eq!(retain(&journal, &age(6)).deliveries, 5);
    let reader = journal.reader();
    let listing = reader.deliveries(&DeliveryFilter::default(), &Page::default()).unwrap();
    let ids: Vec<u64> = listing.items.iter().map(|delivery| delivery.id.0).collect();
    assert_eq!(ids, [6, 7, 8, 9, 10, 11, 12]);
    let there = |id| reader.notification(NotificationId(id)).unwrap().is_some();
    assert_eq!([1, 3, 6, 12].map(there), [false, true, true, true]);
    assert!(reader.attempts(DeliveryId(1), &Page::default()).unwrap().items.is_empty());
    let missing = reader.missing(pns_engine::SubscriptionId(9), at(0), &Page::default()).unwrap();
    assert!(!missing.items.iter().any(|n| n.id.0 == 3), "what was removed of it may have been the one");
    retain(&journal, &age(1_000));
    assert!(!there(12), "it went though it had no delivery to go with");
    assert!(there(11), "pending");
}

#[test]
fn what_later_ones_build_on_stays_without_its_deliveries_until_it_is_spared_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), Options::default()).unwrap();
    write(&journal, vec![subscribe()]);
    for id in 1..=4 {
        write(&journal, deliver(id));
    }
    let spared = |ids: &[u64]| Arc::new(ids.iter().copied().map(NotificationId).collect());
    let old = |spared| Retention { ended_before: Some(at(1_000)), spared, ..Retention::default() };
    assert_eq!(retain(&journal, &old(spared(&[1, 3]))).deliveries, 4);
    let reader = journal.reader();
    let there = || [1, 2, 3, 4].map(|id| reader.notification(NotificationId(id)).unwrap().is_some());
    assert_eq!(there(), [true, false, true, false]);
    let missing = reader.missing(pns_engine::SubscriptionId(9), at(0), &Page::default()).unwrap();
    assert!(missing.items.is_empty(), "they were delivered, though no delivery is left to tell");
    retain(&journal, &old(spared(&[3])));
    assert_eq!(there(), [false, false, true, false]);
    let small = Retention { size_max: Some(1), ..old(spared(&[3])) };
    retain(&journal, &small);
    assert_eq!(there(), [false; 4], "size goes first");
}

#[test]
fn the_file_stays_bounded_however_much_is_delivered() {
    const SIZE_MAX: u64 = 2 << 20;
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), Options::default()).unwrap();
    write(&journal, vec![subscribe()]);
    write(&journal, publish(1));
    let mut largest = 0;
    for batch in 0..20 {
        let first = 2 + batch * 1_000;
        write(&journal, (first..first + 1_000).flat_map(deliver_with_exchange).collect());
        let retention = Retention { size_max: Some(SIZE_MAX), ..Retention::default() };
        let retained = retain(&journal, &retention);
        assert!(retained.used <= SIZE_MAX, "{retained:?}");
        largest = largest.max(retained.size);
    }
    assert!(largest <= SIZE_MAX + (4 << 20), "{largest}");
    block_on(journal.close()).unwrap();
    let size = std::fs::metadata(dir.path().join("journal.sqlite3")).unwrap().len();
    assert!(size <= SIZE_MAX + (4 << 20), "{size}");
    let (_journal, recovered) = Journal::open(dir.path(), Options::default()).unwrap();
    assert_eq!(recovered.deliveries.len(), 1, "what is pending stays");
    assert_eq!(recovered.last_delivery, Some(DeliveryId(20_001)));
}

#[test]
fn idempotency_keys_go_by_age_and_number() {
    let journal = Journal::ephemeral(Options::default()).unwrap().0;
    let keep = |n: u64| Change::IdempotencyKept {
        key: n.to_string(),
        fingerprint: "f".into(),
        answer: "a".into(),
        at: at(n),
    };
    write(&journal, (1..=10).map(keep).collect());
    retain(&journal, &Retention { keys_before: Some(at(4)), ..Retention::default() });
    retain(&journal, &Retention { keys_max: Some(5), ..Retention::default() });
    let there = |n: u64| journal.reader().answer(&n.to_string()).unwrap().is_some();
    assert_eq!((1..=10).filter(|n| there(*n)).collect::<Vec<_>>(), [6, 7, 8, 9, 10]);
}

#[test]
fn a_full_disk_is_waited_out_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { size_limit: Some(400 << 10), ..Options::default() };
    let (journal, _) = Journal::open(dir.path(), options).unwrap();
    let mut id = 0;
    let mut waiting = loop {
        id += 1;
        assert!(id < 100_000, "the limit does not hold");
        let mut ticket = block_on(journal.write(deliver_with_exchange(id)));
        let mut done = false;
        while !done && journal.health().is_ok() {
            done = Pin::new(&mut ticket).poll(&mut Context::from_waker(Waker::noop())).is_ready();
        }
        if !done {
            break vec![ticket];
        }
    };
    assert!(matches!(journal.health(), Err(JournalError::DiskFull { .. })), "{:?}", journal.health());
    for _ in 0..1_000 {
        id += 1;
        waiting.push(block_on(journal.write(deliver_with_exchange(id))));
    }
    let all = Retention { ended_before: Some(Timestamp::MAX), ..Retention::default() };
    for mut ticket in waiting {
        // What waits is more than there is room for at once: room is made until all of it was there.
        block_on(async {
            loop {
                tokio::select! {
                    biased;
                    done = &mut ticket => break done.unwrap(),
                    retained = journal.retain(all.clone()) => { retained.unwrap(); }
                }
            }
        });
    }
    assert_eq!(journal.health(), Ok(()));
    drop(journal);
    let (_journal, recovered) = Journal::open(dir.path(), Options::default()).unwrap();
    assert_eq!(recovered.last_delivery, Some(DeliveryId(id)));
}
