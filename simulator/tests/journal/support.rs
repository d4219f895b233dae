//! What the tests of the journal write.

use std::time::Duration;

use pns_engine::{
    Deferrals, DeliveryId, EventType, NotificationId, Origin, Outcome, SubscriptionId, SupplierId, Timestamp,
};
use pns_simulator::journal::{Change, Journal, KeptExchange, Options, Published};

pub(crate) const S: SubscriptionId = SubscriptionId(1);

/// `second` seconds after the epoch of the tests.
pub(crate) const fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(1_764_000_000_000 + second * 1_000)
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Writes and awaits the commit.
pub(crate) fn write(journal: &Journal, changes: Vec<Change>) {
    block_on(async { journal.write(changes).await.await }).unwrap();
}

pub(crate) fn ephemeral() -> Journal {
    Journal::ephemeral(Options::default()).unwrap().0
}

pub(crate) fn subscribe() -> Change {
    Change::SubscriptionPut { id: S, settings: r#"{"a":1}"#.to_owned(), limit_set: at(0) }
}

/// Notification `id`, published at second `id`, and a delivery of the same number.
pub(crate) fn publish(id: u64) -> Vec<Change> {
    let event_type = EventType::RfpSend;
    let supplier = Some(SupplierId(7));
    let id = NotificationId(id);
    let published = Published { id, event_type, supplier, at: at(id.0), recipe: None, raw: None, act: None };
    vec![Change::NotificationPublished(published), queue(id.0, S)]
}

pub(crate) fn queue(id: u64, subscription: SubscriptionId) -> Change {
    Change::DeliveryQueued {
        delivery: DeliveryId(id),
        notification: NotificationId(id),
        subscription,
        event_type: EventType::RfpSend,
        origin: Origin::Publication,
        at: at(id),
    }
}

pub(crate) fn start(id: u64, number: u32, second: u64) -> Change {
    Change::AttemptStarted {
        delivery: DeliveryId(id),
        subscription: S,
        notification: NotificationId(id),
        number,
        at: at(second),
        due: at(id),
        deferrals: Deferrals { downtime: true, ..Deferrals::default() },
        stamp: Some(at(second)),
    }
}

pub(crate) fn end(id: u64, number: u32, second: u64, outcome: Outcome) -> Change {
    Change::AttemptEnded {
        delivery: DeliveryId(id),
        number,
        at: at(second),
        outcome,
        next: matches!(outcome, Outcome::Failed(_)).then_some(Duration::from_secs(30)),
        exchange: Some(KeptExchange { facts: "{}".to_owned(), response_body: "no".into() }),
    }
}

/// Publishes and delivers at the first attempt.
pub(crate) fn deliver(id: u64) -> Vec<Change> {
    let mut changes = publish(id);
    changes.extend([start(id, 1, id), end(id, 1, id, Outcome::Acknowledged(200))]);
    changes
}
