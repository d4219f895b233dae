//! Going on after a crash: a sender made of what was kept of another.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Sender;
use super::downtime::Boundary;
use crate::delivery::{Delivery, InFlight};
use crate::id::{DeliveryId, SubscriptionId};
use crate::outbox::{Outbox, Window};
use crate::outcome::{Answer, FailureReason};
use crate::rate_limit::Meter;
use crate::record::{AbandonCause, Happened};
use crate::schedule::Schedule;
use crate::snapshot::{SavedDelivery, SavedSubscription, SavedWindow, Snapshot};
use crate::time::{Timestamp, nanos};

impl Sender {
    /// What must be kept of this sender so that another can go on in its place. Walks all that is pending.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let going_on = || self.outboxes.iter().filter(|(_, outbox)| !outbox.removed);
        let subscriptions = going_on().map(|(id, outbox)| {
            let (limit_set, last_start) = outbox.meter.kept();
            SavedSubscription { id: *id, settings: outbox.settings.clone(), limit_set, last_start }
        });
        let windows = self.windows.iter().filter_map(|(id, subscription)| {
            let Window { from, until, open } = *self.outboxes.get(subscription)?.windows.get(id)?;
            Some(SavedWindow { id: *id, subscription: *subscription, from, until, open })
        });
        let waiting = self.outboxes.iter().flat_map(|(subscription, outbox)| {
            outbox.queue.iter().map(|(id, due, delivery)| saved(id, *subscription, Some(due), delivery))
        });
        let in_flight = self.in_flight.iter();
        let in_flight = in_flight.map(|(id, flight)| saved(*id, flight.subscription, None, &flight.delivery));
        let mut deliveries: Vec<SavedDelivery> = waiting.chain(in_flight).collect();
        deliveries.sort_unstable_by_key(|delivery| delivery.id);
        Snapshot {
            now: self.now,
            last_notification: self.last_notification,
            last_delivery: Some(self.last_delivery).filter(|last| *last > DeliveryId(0)),
            subscriptions: subscriptions.collect(),
            windows: windows.collect(),
            deliveries,
        }
    }

    /// A sender that goes on at `now` in the place of one that stopped, with the seed of that one.
    ///
    /// An attempt that was in flight has failed now, with [`FailureReason::SenderStopped`]: it counts, and the
    /// next delay follows from it as from any failure, so the receiver may get that notification twice. What
    /// has fallen due by now goes out oldest first, as after downtime. Windows open and close at their own
    /// instants, also those that did so while no sender ran. A rate limit counts as though its burst was used
    /// up by the latest start, or when the limit was set if that is later.
    ///
    /// Nothing in a snapshot makes this fail: a delivery whose subscription does not go on is abandoned, one
    /// in flight that was never attempted waits for its first attempt, and a window of nobody is forgotten.
    #[must_use]
    pub fn recover(seed: u64, snapshot: Snapshot, now: Timestamp) -> Self {
        let mut sender = Self {
            now: snapshot.now,
            last_notification: snapshot.last_notification,
            last_delivery: snapshot.last_delivery.unwrap_or(DeliveryId(0)),
            ..Self::new(seed)
        };
        for SavedSubscription { id, settings, limit_set, last_start } in snapshot.subscriptions {
            let meter = Meter::after_stop(settings.rate_limit.as_ref(), limit_set, last_start);
            sender.outboxes.insert(id, Outbox::new(settings, meter));
        }
        for window in snapshot.windows {
            sender.take_up_window(window);
        }
        let mut deliveries = snapshot.deliveries;
        deliveries.sort_unstable_by_key(|delivery| delivery.id);
        let orphans: Vec<DeliveryId> =
            deliveries.into_iter().filter_map(|delivery| sender.take_up_delivery(delivery)).collect();
        sender.advance(now);
        sender.recovered = sender.now;
        sender.record(Happened::SenderRecovered);
        for delivery in orphans {
            let cause = AbandonCause::SubscriptionRemoved;
            sender.record(Happened::DeliveryAbandoned { delivery, cause });
        }
        sender.line_up();
        sender.fail_in_flight();
        sender
    }

    fn take_up_window(&mut self, SavedWindow { id, subscription, from, until, open }: SavedWindow) {
        let now = self.now;
        let Some(outbox) = self.outboxes.get_mut(&subscription) else { return };
        let window = Window { from, until, open };
        outbox.windows.insert(id, window);
        if open {
            outbox.count_opened(now);
        }
        self.windows.insert(id, subscription);
        self.boundaries.extend(Boundary::next(id, &window));
    }

    /// Gives back the delivery that waits for a subscription which does not go on.
    fn take_up_delivery(&mut self, saved: SavedDelivery) -> Option<DeliveryId> {
        let SavedDelivery { id, subscription, notification, event_type, published, attempts, delay, due } =
            saved;
        let delivery = Delivery { notification, published, delay: nanos(delay), attempts, event_type };
        self.last_delivery = self.last_delivery.max(id);
        let waits = due.is_some() || attempts == 0;
        if waits && self.known(subscription).is_err() {
            return Some(id);
        }
        let outbox = self.outboxes.entry(subscription).or_insert_with(|| {
            // It ended while this attempt was in flight; its settings no longer matter.
            let mut outbox = Outbox::new(Box::default(), Meter::default());
            outbox.removed = true;
            outbox
        });
        match due {
            _ if attempts == 0 => outbox.queue.push_first(id, delivery),
            Some(due) => outbox.queue.push_retry(id, due, delivery),
            None => {
                outbox.in_flight += 1;
                if attempts > 1 {
                    outbox.queue.note_in_flight(id);
                }
                self.in_flight.insert(id, InFlight { subscription, delivery });
            }
        }
        self.pending += 1;
        None
    }

    /// Gives every subscription its place in the schedule as though nothing had stood in line before.
    fn line_up(&mut self) {
        self.schedule = Schedule::default();
        let now = self.now;
        self.outboxes.values_mut().for_each(|outbox| outbox.recover(now));
        let all: Vec<SubscriptionId> = self.outboxes.keys().copied().collect();
        all.into_iter().for_each(|id| self.settle(id));
    }

    fn fail_in_flight(&mut self) {
        let in_flight: Vec<DeliveryId> = self.in_flight.keys().copied().collect();
        for delivery in in_flight {
            let stopped = Answer::NoResponse(FailureReason::SenderStopped);
            self.handle_answer(delivery, stopped, self.now).expect("it is in flight");
        }
    }
}

fn saved(
    id: DeliveryId,
    subscription: SubscriptionId,
    due: Option<Timestamp>,
    delivery: &Delivery,
) -> SavedDelivery {
    let Delivery { notification, published, delay, attempts, event_type } = *delivery;
    let delay = core::time::Duration::from_nanos(delay);
    SavedDelivery { id, subscription, notification, event_type, published, attempts, delay, due }
}
