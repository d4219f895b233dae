//! From what the driver saw to what the journal is told.

use pns_engine::{Happened, Outcome, Record, SubscriptionId, Transmit};

use super::Keeper;
use crate::driver::Observation;
use crate::journal::{Change, KeptExchange, KeptWindow, WindowPurpose};
use crate::service::counters::Counters;
use crate::service::model::WindowKind;
use crate::service::stored;

/// What is known of an attempt whose record follows.
#[derive(Default)]
pub(super) struct Foresight {
    starting: Option<Transmit>,
    ended: Option<(Transmit, KeptExchange)>,
}

impl Keeper {
    /// Takes all that the driver saw into the batch.
    pub(super) fn observe(&mut self) {
        while let Some(observation) = self.driver.poll_observation() {
            match observation {
                Observation::Start { attempt } => {
                    self.count_start(attempt.subscription);
                    self.foresight.starting = Some(attempt);
                }
                Observation::Exchange { attempt, exchange, outcome, .. } => {
                    self.counters.count_attempt(outcome, &exchange);
                    self.count_end(attempt.subscription, attempt.delivery, outcome);
                    let kept = stored::kept_exchange(&exchange, self.driver.route_of(attempt.subscription));
                    self.foresight.ended = Some((attempt, kept));
                }
                Observation::Record(record) => {
                    self.chronicle(record);
                    self.batch.records.push(record);
                }
            }
        }
        self.keep_faults();
    }

    fn chronicle(&mut self, record: Record) {
        let Record { at, event } = record;
        let change = match event {
            Happened::RateLimitSet { subscription, .. } => {
                if let Some(kept) = self.subscriptions.get_mut(&subscription) {
                    kept.limit_set = at;
                }
                return;
            }
            Happened::DeliveryQueued { delivery, notification, subscription, origin } => {
                let event_type = self.queueing;
                Change::DeliveryQueued { delivery, notification, subscription, event_type, origin, at }
            }
            Happened::WindowAnnounced { window, .. }
            | Happened::WindowExtended { window, .. }
            | Happened::WindowOpened { window }
            | Happened::WindowCancelled { window }
            | Happened::WindowClosed { window } => return self.chronicle_window(window, record),
            // Whoever commanded these writes them down with what only it knows.
            Happened::SubscriptionAdded { .. }
            | Happened::SubscriptionChanged { .. }
            | Happened::SubscriptionRemoved { .. }
            | Happened::NotificationPublished { .. }
            | Happened::SenderRecovered => return,
            Happened::AttemptStarted { .. }
            | Happened::AttemptAcknowledged { .. }
            | Happened::AttemptFailed { .. }
            | Happened::DeliveryAbandoned { .. } => return self.chronicle_attempt(record),
        };
        self.batch.changes.push(change);
    }

    fn chronicle_attempt(&mut self, Record { at, event }: Record) {
        let (delivery, number, outcome, next) = match event {
            Happened::AttemptStarted { delivery, number, due, deferrals } => {
                let starting = self.foresight.starting.take();
                let starting = starting.expect("invariant: a start is told of before its record");
                let Transmit { subscription, notification, .. } = starting;
                let stamp = self.driver.bodies_ref().stamp(notification).filter(|_| number == 1);
                self.batch.changes.push(Change::AttemptStarted {
                    delivery,
                    subscription,
                    notification,
                    number,
                    at,
                    due,
                    deferrals,
                    stamp,
                });
                return;
            }
            Happened::DeliveryAbandoned { delivery, cause } => {
                Counters::count(&self.counters.abandoned);
                self.batch.changes.push(Change::DeliveryAbandoned { delivery, cause, at });
                return;
            }
            Happened::AttemptAcknowledged { delivery, number, status } => {
                Counters::count(&self.counters.delivered);
                (delivery, number, Outcome::Acknowledged(status), None)
            }
            Happened::AttemptFailed { delivery, number, reason, delay } => {
                (delivery, number, Outcome::Failed(reason), delay)
            }
            _ => return,
        };
        let ended = self.foresight.ended.take().filter(|(attempt, _)| attempt.delivery == delivery);
        if next.is_none()
            && let Some((attempt, _)) = &ended
        {
            self.driver.bodies().end(attempt.notification);
            self.forget_ended(attempt.subscription);
        }
        let exchange = ended.map(|(_, exchange)| exchange);
        self.batch.changes.push(Change::AttemptEnded { delivery, number, at, outcome, next, exchange });
    }

    /// Forgets the route of a subscription that ended before its last attempt did.
    fn forget_ended(&mut self, subscription: SubscriptionId) {
        if !self.subscriptions.contains_key(&subscription) && !self.driver.sender().is_busy(subscription) {
            self.driver.forget_route(subscription);
            self.driver.bodies().forget_packs(subscription);
        }
    }

    fn chronicle_window(&mut self, id: pns_engine::WindowId, Record { at, event }: Record) {
        let Some(window) = self.windows.get_mut(&id) else { return };
        match event {
            Happened::WindowExtended { until, .. } => window.until = until,
            Happened::WindowOpened { .. } => window.open = true,
            // An open one is closed by the record that follows.
            Happened::WindowCancelled { .. } if window.open => return,
            Happened::WindowCancelled { .. } | Happened::WindowClosed { .. } => {
                let subscription = window.subscription;
                self.windows.remove(&id);
                if let Some(kept) = self.subscriptions.get_mut(&subscription)
                    && kept.pause == Some(id)
                {
                    kept.pause = None;
                }
                self.batch.changes.push(Change::WindowEnded { id, at });
                return;
            }
            _ => {}
        }
        let purpose = match window.kind {
            WindowKind::Downtime => WindowPurpose::Downtime,
            WindowKind::Pause => WindowPurpose::Pause,
        };
        let super::windows::Window { subscription, from, until, open, .. } = *window;
        let kept = KeptWindow { id, subscription, from, until, open, purpose, ended: None };
        self.batch.changes.push(Change::WindowPut(kept));
    }
}
