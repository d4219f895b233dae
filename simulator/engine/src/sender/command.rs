//! Commands carried out: subscriptions begin, change and end; notifications become deliveries.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Sender;
use crate::command::{Command, CommandError};
use crate::delivery::Delivery;
use crate::event_type::EventType;
use crate::id::{DeliveryId, NotificationId, SubscriptionId, SupplierId, WindowId};
use crate::limits;
use crate::outbox::Outbox;
use crate::rate_limit::{Meter, RateLimit};
use crate::record::{AbandonCause, Happened, Origin};
use crate::subscription::{FailingDelivery, Subscription, SupplierScope, Supplierless};

impl Sender {
    pub(super) fn carry_out(&mut self, command: Command) -> Result<(), CommandError> {
        match command {
            Command::AddSubscription { id, subscription } => self.add_subscription(id, subscription),
            Command::ChangeSubscription { id, subscription } => self.change_subscription(id, subscription),
            Command::RemoveSubscription { id } => self.remove_subscription(id),
            Command::Publish { id, event_type, supplier } => self.publish(id, event_type, supplier),
            Command::Redeliver { notification, event_type, subscription } => {
                self.redeliver(notification, event_type, subscription)
            }
            Command::AnnounceWindow { id, subscription, from, until } => {
                self.announce_window(id, subscription, from, until)
            }
            Command::ExtendWindow { id, until } => self.extend_window(id, until),
            Command::CancelWindow { id } => self.cancel_window(id),
            Command::SetRateLimit { subscription, rate_limit } => {
                self.set_rate_limit(subscription, rate_limit)
            }
        }
    }

    fn add_subscription(
        &mut self,
        id: SubscriptionId,
        subscription: Box<Subscription>,
    ) -> Result<(), CommandError> {
        if self.outboxes.contains_key(&id) {
            return Err(CommandError::SubscriptionExists(id));
        }
        if self.outboxes.len() >= limits::SUBSCRIPTIONS_MAX {
            return Err(CommandError::LimitReached("subscriptions"));
        }
        let rate_limit = subscription.rate_limit;
        self.outboxes.insert(id, Outbox::new(subscription, Meter::new(self.now)));
        self.record(Happened::SubscriptionAdded { subscription: id });
        self.record(Happened::RateLimitSet { subscription: id, rate_limit });
        Ok(())
    }

    fn change_subscription(
        &mut self,
        id: SubscriptionId,
        subscription: Box<Subscription>,
    ) -> Result<(), CommandError> {
        let now = self.now;
        self.known(id)?;
        let outbox = self.outboxes.get_mut(&id).expect("known");
        let rate_limit = subscription.rate_limit;
        let limit_changed = outbox.set_limit(rate_limit, now);
        outbox.settings = subscription;
        let strict = outbox.settings.failing_delivery == FailingDelivery::HoldsBackOthers;
        if strict && !outbox.queue.is_strict() {
            // Only those in flight that have failed before are failing deliveries.
            let retried = self
                .in_flight
                .iter()
                .filter(|(_, flight)| flight.subscription == id && flight.delivery.attempts > 1)
                .map(|(delivery, _)| *delivery);
            outbox.queue.make_strict(retried);
        } else if !strict {
            outbox.queue.make_loose();
        }
        self.record(Happened::SubscriptionChanged { subscription: id });
        if limit_changed {
            self.record(Happened::RateLimitSet { subscription: id, rate_limit });
        }
        self.settle(id);
        Ok(())
    }

    fn remove_subscription(&mut self, id: SubscriptionId) -> Result<(), CommandError> {
        let outbox = self.known(id)?;
        let windows: Vec<WindowId> = outbox.windows.keys().copied().collect();
        self.record(Happened::SubscriptionRemoved { subscription: id });
        for window in windows {
            self.cancel_window(window)?;
        }
        let outbox = self.known(id)?;
        outbox.removed = true;
        let abandoned: Vec<DeliveryId> = outbox.queue.drain().collect();
        self.pending -= abandoned.len();
        for delivery in abandoned {
            let cause = AbandonCause::SubscriptionRemoved;
            self.record(Happened::DeliveryAbandoned { delivery, cause });
        }
        self.settle(id);
        Ok(())
    }

    fn set_rate_limit(
        &mut self,
        subscription: SubscriptionId,
        rate_limit: Option<RateLimit>,
    ) -> Result<(), CommandError> {
        let now = self.now;
        self.known(subscription)?.set_limit(rate_limit, now);
        self.record(Happened::RateLimitSet { subscription, rate_limit });
        self.settle(subscription);
        Ok(())
    }

    fn publish(
        &mut self,
        id: NotificationId,
        event_type: EventType,
        supplier: Option<SupplierId>,
    ) -> Result<(), CommandError> {
        if let Some(last) = self.last_notification.filter(|last| id <= *last) {
            return Err(CommandError::NotificationOutOfOrder { id, last });
        }
        if event_type.names_supplier() != supplier.is_some() {
            return Err(CommandError::SupplierMismatch(event_type));
        }
        let audience: Vec<(SubscriptionId, usize)> = self
            .outboxes
            .iter()
            .filter(|(_, outbox)| !outbox.removed && outbox.settings.sees(event_type, supplier))
            .map(|(subscription, outbox)| (*subscription, copies(&outbox.settings, event_type)))
            .collect();
        self.admit(audience.iter().map(|(_, copies)| copies).sum())?;
        self.last_notification = Some(id);
        self.record(Happened::NotificationPublished { notification: id, event_type, supplier });
        for (subscription, copies) in audience {
            for _ in 0..copies {
                self.queue_delivery(subscription, id, event_type, Origin::Publication);
            }
            self.settle(subscription);
        }
        Ok(())
    }

    fn redeliver(
        &mut self,
        notification: NotificationId,
        event_type: EventType,
        subscription: SubscriptionId,
    ) -> Result<(), CommandError> {
        self.known(subscription)?;
        if self.last_notification.is_none_or(|last| notification > last) {
            return Err(CommandError::NoSuchNotification(notification));
        }
        self.admit(1)?;
        self.queue_delivery(subscription, notification, event_type, Origin::Redelivery);
        self.settle(subscription);
        Ok(())
    }

    /// Refuses what would exceed the limit of pending deliveries.
    fn admit(&self, more: usize) -> Result<(), CommandError> {
        if self.pending.saturating_add(more) > limits::PENDING_DELIVERIES_MAX {
            return Err(CommandError::LimitReached("deliveries not yet delivered"));
        }
        Ok(())
    }

    fn queue_delivery(
        &mut self,
        subscription: SubscriptionId,
        notification: NotificationId,
        event_type: EventType,
        origin: Origin,
    ) {
        self.last_delivery.0 += 1;
        let id = self.last_delivery;
        let outbox = self.outboxes.get_mut(&subscription).expect("the caller looked it up");
        outbox.queue.push_first(id, Delivery::new(notification, event_type, self.now));
        self.pending += 1;
        self.record(Happened::DeliveryQueued { delivery: id, notification, subscription, origin });
    }

    /// A subscription that has not been removed.
    pub(super) fn known(&mut self, id: SubscriptionId) -> Result<&mut Outbox, CommandError> {
        let outbox = self.outboxes.get_mut(&id).filter(|outbox| !outbox.removed);
        outbox.ok_or(CommandError::NoSuchSubscription(id))
    }
}

/// How many deliveries one notification makes for a subscription that sees it.
fn copies(subscription: &Subscription, event_type: EventType) -> usize {
    match (subscription.supplierless, &subscription.suppliers) {
        (Supplierless::PerSupplier, SupplierScope::Only(suppliers)) if !event_type.names_supplier() => {
            suppliers.len()
        }
        _ => 1,
    }
}
