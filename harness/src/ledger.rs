//! What a run's records and exchanges add up to: every notification, delivery and attempt.
//!
//! The ledger only files what the driver observed. Expectations and reports read it; guarantees look at the
//! records alone, which it keeps in order.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use pns_engine::{
    AbandonCause, Deferrals, DeliveryId, EventType, Happened, NotificationId, Outcome, Record,
    SubscriptionId, SupplierId, Timestamp,
};
use pns_simulator::driver::Observation;
use pns_simulator::transport::Exchange;

/// All that happened in one scenario.
#[derive(Debug, Default)]
pub struct Ledger {
    records: Vec<Record>,
    notifications: BTreeMap<NotificationId, Notification>,
    deliveries: BTreeMap<DeliveryId, Delivery>,
    attempts: usize,
}

/// One notification published.
#[derive(Debug)]
pub struct Notification {
    /// When.
    pub published: Timestamp,
    /// What happened.
    pub event_type: EventType,
    /// The supplier concerned, if the event names one.
    pub supplier: Option<SupplierId>,
    /// Its deliveries, in the order of their making. Empty: no subscription sees it.
    pub deliveries: Vec<DeliveryId>,
}

/// One notification on its way to one subscription.
#[derive(Debug)]
pub struct Delivery {
    /// Its notification.
    pub notification: NotificationId,
    /// Its subscription.
    pub subscription: SubscriptionId,
    /// When it began to wait.
    pub queued: Timestamp,
    /// Its attempts, in order.
    pub attempts: Vec<Attempt>,
    /// How it ended, if it did.
    pub end: Option<End>,
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was acknowledged.
    Delivered(Timestamp),
    /// It was given up.
    Abandoned(Timestamp, AbandonCause),
}

/// One attempt.
#[derive(Debug)]
pub struct Attempt {
    /// 1, 2, …
    pub number: u32,
    /// When it had fallen due.
    pub due: Timestamp,
    /// When it started.
    pub started: Timestamp,
    /// What made it start later than due.
    pub deferrals: Deferrals,
    /// When it ended, what came of it, and all that was seen; `None` while in flight.
    pub end: Option<AttemptEnd>,
}

/// The end of an attempt.
#[derive(Debug)]
pub struct AttemptEnd {
    /// When.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
    /// The interval until the next attempt falls due; `None`: there is no next.
    pub delay: Option<Duration>,
    /// All that was seen of it.
    pub exchange: Box<Exchange>,
}

impl Ledger {
    /// Files one observation.
    pub fn file(&mut self, observation: Observation) {
        match observation {
            Observation::Record(record) => {
                self.records.push(record);
                self.file_record(record);
            }
            Observation::Exchange { attempt, exchange, outcome, started } => {
                let end = AttemptEnd { at: started, outcome, delay: None, exchange };
                self.attempt_mut(attempt.delivery, attempt.number).end = Some(end);
            }
            // Its record says the same.
            Observation::Start { .. } => {}
        }
    }

    fn file_record(&mut self, Record { at, event }: Record) {
        match event {
            Happened::NotificationPublished { notification, event_type, supplier } => {
                let filed = Notification { published: at, event_type, supplier, deliveries: Vec::new() };
                self.notifications.insert(notification, filed);
            }
            Happened::DeliveryQueued { delivery, notification, subscription, .. } => {
                let published = self.notifications.get_mut(&notification).expect("published before queued");
                published.deliveries.push(delivery);
                let filed =
                    Delivery { notification, subscription, queued: at, attempts: Vec::new(), end: None };
                self.deliveries.insert(delivery, filed);
            }
            Happened::AttemptStarted { delivery, number, due, deferrals } => {
                let attempt = Attempt { number, due, started: at, deferrals, end: None };
                self.delivery_mut(delivery).attempts.push(attempt);
                self.attempts += 1;
            }
            Happened::AttemptAcknowledged { delivery, number, .. } => {
                self.delivery_mut(delivery).end = Some(End::Delivered(at));
                self.end_mut(delivery, number).at = at;
            }
            Happened::AttemptFailed { delivery, number, delay, .. } => {
                let end = self.end_mut(delivery, number);
                end.at = at;
                end.delay = delay;
            }
            Happened::DeliveryAbandoned { delivery, cause } => {
                self.delivery_mut(delivery).end = Some(End::Abandoned(at, cause));
            }
            _ => {}
        }
    }

    fn delivery_mut(&mut self, delivery: DeliveryId) -> &mut Delivery {
        self.deliveries.get_mut(&delivery).expect("a delivery is queued before anything else happens to it")
    }

    fn attempt_mut(&mut self, delivery: DeliveryId, number: u32) -> &mut Attempt {
        let attempts = &mut self.delivery_mut(delivery).attempts;
        attempts
            .iter_mut()
            .rfind(|attempt| attempt.number == number)
            .expect("an attempt starts before it ends")
    }

    fn end_mut(&mut self, delivery: DeliveryId, number: u32) -> &mut AttemptEnd {
        self.attempt_mut(delivery, number).end.as_mut().expect("the exchange is observed before its record")
    }

    /// The records, in the order in which they happened.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Attempts started, over all deliveries.
    pub fn attempts(&self) -> usize {
        self.attempts
    }

    /// Attempts started of all notifications but these.
    pub fn attempts_but_of(&self, left_out: &BTreeSet<NotificationId>) -> usize {
        let of =
            |id: &NotificationId| self.deliveries_of(*id).map(|(_, one)| one.attempts.len()).sum::<usize>();
        self.attempts - left_out.iter().map(of).sum::<usize>()
    }

    /// All notifications, in the order of their publication.
    pub fn notifications(&self) -> impl Iterator<Item = (NotificationId, &Notification)> {
        self.notifications.iter().map(|(id, notification)| (*id, notification))
    }

    /// One notification.
    pub fn notification(&self, id: NotificationId) -> Option<&Notification> {
        self.notifications.get(&id)
    }

    /// All deliveries, in the order of their making.
    pub fn deliveries(&self) -> impl Iterator<Item = (DeliveryId, &Delivery)> {
        self.deliveries.iter().map(|(id, delivery)| (*id, delivery))
    }

    /// One delivery.
    pub fn delivery(&self, id: DeliveryId) -> Option<&Delivery> {
        self.deliveries.get(&id)
    }

    /// The deliveries of one notification, in the order of their making.
    pub fn deliveries_of(&self, id: NotificationId) -> impl Iterator<Item = (DeliveryId, &Delivery)> {
        let of = self.notifications.get(&id).map_or(&[][..], |notification| &notification.deliveries);
        of.iter().map(|delivery| (*delivery, &self.deliveries[delivery]))
    }
}

impl Delivery {
    /// Whether it was acknowledged.
    pub fn is_delivered(&self) -> bool {
        matches!(self.end, Some(End::Delivered(_)))
    }

    /// When it was acknowledged.
    pub fn delivered_at(&self) -> Option<Timestamp> {
        match self.end {
            Some(End::Delivered(at)) => Some(at),
            _ => None,
        }
    }

    /// Attempts that failed.
    pub fn failures(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.failed()).count()
    }
}

impl Attempt {
    /// Whether it ended without an acknowledgement.
    pub fn failed(&self) -> bool {
        matches!(&self.end, Some(AttemptEnd { outcome: Outcome::Failed(_), .. }))
    }
}

/// The bodies that were sent, kept for reports and curl lines.
pub type SentBodies = BTreeMap<NotificationId, Bytes>;
