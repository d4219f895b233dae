//! Lists with filters, in pages that stay put while others write.

use pns_engine::{
    AbandonCause, Deferrals, DeliveryId, EventType, FailureReason, NotificationId, Outcome, SubscriptionId,
};
use pns_simulator::journal::{
    Change, Counts, DeliveryFilter, DeliveryState, Journal, KeptDelivery, Order, Page, Reader,
};

use crate::support::{S, at, deliver, end, ephemeral, publish, queue, start, subscribe, write};

const REFUSED: Outcome = Outcome::Failed(FailureReason::Refused);
const OTHER: SubscriptionId = SubscriptionId(2);

/// 1 delivered, 2 failed and waiting, 3 in flight, 4 given up, 5 waiting, and 5 for another as number 6.
fn one_of_each() -> Journal {
    let journal = ephemeral();
    write(&journal, vec![subscribe()]);
    write(&journal, deliver(1));
    write(&journal, (2..=5).flat_map(publish).collect());
    write(&journal, vec![start(2, 1, 20), end(2, 1, 21, REFUSED), start(3, 1, 22), start(4, 1, 23)]);
    let abandoned =
        Change::DeliveryAbandoned { delivery: DeliveryId(4), cause: AbandonCause::AttemptCap, at: at(24) };
    let Change::AttemptEnded { delivery, number, at, outcome, exchange, .. } = end(4, 1, 24, REFUSED) else {
        panic!("an end");
    };
    let last = Change::AttemptEnded { delivery, number, at, outcome, next: None, exchange };
    write(&journal, vec![last, abandoned]);
    let Change::DeliveryQueued { notification, event_type, origin, at, .. } = queue(5, OTHER) else {
        panic!("a delivery");
    };
    let delivery = DeliveryId(6);
    let other =
        Change::DeliveryQueued { delivery, subscription: OTHER, notification, event_type, origin, at };
    write(&journal, vec![other]);
    journal
}

fn ids(reader: &Reader, filter: DeliveryFilter) -> Vec<u64> {
    let listing = reader.deliveries(&filter, &Page::default()).unwrap();
    assert_eq!(listing.next, None);
    listing.items.iter().map(|delivery: &KeptDelivery| delivery.id.0).collect()
}

#[test]
fn filters_let_through_what_they_say() {
    let journal = one_of_each();
    let reader = journal.reader();
    let all = DeliveryFilter::default();
    let state = |state| DeliveryFilter { state: Some(state), ..all };
    assert_eq!(ids(&reader, all), [1, 2, 3, 4, 5, 6]);
    assert_eq!(ids(&reader, state(DeliveryState::Waiting)), [2, 5, 6]);
    assert_eq!(ids(&reader, state(DeliveryState::InFlight)), [3]);
    assert_eq!(ids(&reader, state(DeliveryState::Delivered)), [1]);
    assert_eq!(ids(&reader, state(DeliveryState::Abandoned)), [4]);
    assert_eq!(ids(&reader, DeliveryFilter { failing: true, ..all }), [2]);
    assert_eq!(ids(&reader, DeliveryFilter { subscription: Some(OTHER), ..all }), [6]);
    assert_eq!(ids(&reader, DeliveryFilter { notification: Some(NotificationId(5)), ..all }), [5, 6]);
    assert_eq!(ids(&reader, DeliveryFilter { event_type: Some(EventType::RfpViewed), ..all }), [0_u64; 0]);
    let span = DeliveryFilter { published_from: Some(at(2)), published_until: Some(at(4)), ..all };
    assert_eq!(ids(&reader, span), [2, 3]);
    assert_eq!(ids(&reader, DeliveryFilter { published_from: Some(at(9)), ..all }), [0_u64; 0]);
    assert_eq!(
        reader.counts().unwrap(),
        Counts { waiting: 3, in_flight: 1, failing: 1, delivered: 1, abandoned: 1 }
    );
    for delivery in reader.deliveries(&all, &Page::default()).unwrap().items {
        assert_eq!(reader.delivery(delivery.id).unwrap(), Some(delivery));
        let listed = ids(&reader, state(delivery.state()));
        assert!(listed.contains(&delivery.id.0), "{delivery:?}");
    }
}

#[test]
fn what_failed_and_what_is_missing() {
    let journal = one_of_each();
    let reader = journal.reader();
    let failed = |since| {
        let listing = reader.failed_since(at(since), &Page::default()).unwrap();
        listing.items.iter().map(|delivery| delivery.id.0).collect::<Vec<_>>()
    };
    assert_eq!(failed(0), [4], "2 is on its way");
    assert_eq!(failed(22), [4]);
    assert_eq!(failed(25), [0_u64; 0]);
    let missing = |subscription, since| {
        let listing = reader.missing(subscription, at(since), &Page::default()).unwrap();
        listing.items.iter().map(|notification| notification.id.0).collect::<Vec<_>>()
    };
    assert_eq!(missing(S, 0), [4], "given up");
    assert_eq!(missing(OTHER, 0), [1, 2, 3, 4]);
    assert_eq!(missing(OTHER, 3), [3, 4]);
}

#[test]
fn attempts_are_kept_as_they_were_written() {
    let journal = one_of_each();
    let reader = journal.reader();
    let attempt = |delivery| {
        let mut listing = reader.attempts(DeliveryId(delivery), &Page::default()).unwrap();
        assert_eq!(listing.items.len(), 1);
        listing.items.remove(0)
    };
    let (failed, in_flight) = (attempt(2), attempt(3));
    assert_eq!((failed.number, failed.due, failed.started), (1, at(2), at(20)));
    assert_eq!(failed.deferrals, Deferrals { downtime: true, ..Deferrals::default() });
    let end = failed.end.unwrap();
    assert_eq!((end.at, end.outcome, end.exchange.as_deref()), (at(21), REFUSED, Some("{}")));
    assert_eq!(&end.response_body[..], b"no");
    assert_eq!(in_flight.end, None);
    for reason in FailureReason::WITHOUT_STATUS.into_iter().chain([FailureReason::Status(503)]) {
        let journal = ephemeral();
        write(&journal, publish(1));
        write(&journal, vec![start(1, 1, 2), self::end(1, 1, 3, Outcome::Failed(reason))]);
        let attempts = journal.reader().attempts(DeliveryId(1), &Page::default()).unwrap();
        assert_eq!(attempts.items[0].end.as_ref().unwrap().outcome, Outcome::Failed(reason));
    }
}

#[test]
fn pages_stay_put_while_others_write() {
    let journal = ephemeral();
    write(&journal, (1..=25).flat_map(publish).collect());
    let reader = journal.reader();
    for order in [Order::Rising, Order::Falling] {
        let (mut seen, mut after) = (Vec::new(), None);
        for round in 0.. {
            let page = Page { after, limit: 7, order };
            let listing = reader.deliveries(&DeliveryFilter::default(), &page).unwrap();
            assert!(listing.items.len() <= 7);
            seen.extend(listing.items.iter().map(|delivery| delivery.id.0).filter(|id| *id <= 25));
            after = listing.next;
            if after.is_none() {
                break;
            }
            // New ones come, old ones change.
            let newest = 100 + round + if order == Order::Rising { 0 } else { 50 };
            write(&journal, publish(newest));
            if order == Order::Rising {
                write(&journal, vec![start(round + 1, 1, 200)]);
            }
        }
        if order == Order::Falling {
            seen.reverse();
        }
        assert_eq!(seen, (1..=25).collect::<Vec<_>>(), "{order:?}");
    }
}
