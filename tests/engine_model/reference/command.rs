//! Commands: what they put on record, and which are refused.

use pns_engine::{
    AbandonCause, Command, CommandError, DeliveryId, EventType, Happened, NotificationId, Origin, RateLimit,
    Subscription, SubscriptionId, SupplierId, SupplierScope, Supplierless, Timestamp, Transmit,
};

use super::{Known, Model, Pace, Pending, Window};

type Published = (NotificationId, EventType);

impl Model {
    pub(crate) fn command(&mut self, command: Command) -> Result<(), CommandError> {
        match command {
            Command::AddSubscription { id, subscription } => self.add(id, *subscription)?,
            Command::ChangeSubscription { id, subscription } => {
                let at = self.known(id)?;
                self.record(Happened::SubscriptionChanged { subscription: id });
                let limit = self.subscriptions[at].settings.rate_limit;
                if limit != subscription.rate_limit {
                    self.limit(id, subscription.rate_limit)?;
                }
                self.subscriptions[at].settings = *subscription;
            }
            Command::RemoveSubscription { id } => self.remove(id)?,
            Command::Publish { id, event_type, supplier } => self.publish((id, event_type), supplier)?,
            Command::Redeliver { notification, event_type, subscription } => {
                self.known(subscription)?;
                if Some(notification) > self.last_notification {
                    return Err(CommandError::NoSuchNotification(notification));
                }
                self.queue((notification, event_type), subscription, Origin::Redelivery);
            }
            Command::AnnounceWindow { id, subscription, from, until } => {
                self.known(subscription)?;
                if self.windows.iter().any(|w| w.id == id) {
                    return Err(CommandError::WindowExists(id));
                }
                if until <= from || until <= self.now {
                    return Err(CommandError::EmptyWindow);
                }
                self.windows.push(Window { id, subscription, from, until, open: false });
                self.record(Happened::WindowAnnounced { window: id, subscription, from, until });
            }
            Command::ExtendWindow { id, until } => {
                let now = self.now;
                let window = self.windows.iter_mut().find(|w| w.id == id);
                let window = window.ok_or(CommandError::NoSuchWindow(id))?;
                if until <= window.from || until < now {
                    return Err(CommandError::EmptyWindow);
                }
                window.until = until;
                self.record(Happened::WindowExtended { window: id, until });
            }
            Command::CancelWindow { id } => {
                let at =
                    self.windows.iter().position(|w| w.id == id).ok_or(CommandError::NoSuchWindow(id))?;
                self.record(Happened::WindowCancelled { window: id });
                self.close(at);
            }
            Command::SetRateLimit { subscription, rate_limit } => self.limit(subscription, rate_limit)?,
        }
        self.stand_in_line();
        self.advance(self.now);
        Ok(())
    }

    fn add(&mut self, id: SubscriptionId, settings: Subscription) -> Result<(), CommandError> {
        if self.subscriptions.iter().any(|s| s.id == id) {
            return Err(CommandError::SubscriptionExists(id));
        }
        self.record(Happened::SubscriptionAdded { subscription: id });
        self.record(Happened::RateLimitSet { subscription: id, rate_limit: settings.rate_limit });
        let (pace, flush_until, retry_is_next, place) = (Pace::default(), Timestamp::EPOCH, false, None);
        let (removed, limit_set) = (false, self.now);
        let known = Known { id, settings, removed, pace, limit_set, flush_until, retry_is_next, place };
        self.subscriptions.push(known);
        self.subscriptions.sort_by_key(|s| s.id);
        Ok(())
    }

    fn limit(&mut self, id: SubscriptionId, rate_limit: Option<RateLimit>) -> Result<(), CommandError> {
        let at = self.known(id)?;
        let Known { settings, pace, limit_set, .. } = &mut self.subscriptions[at];
        if settings.rate_limit != rate_limit {
            pace.change(settings.rate_limit.as_ref(), rate_limit.as_ref(), self.now);
            *limit_set = self.now;
        }
        settings.rate_limit = rate_limit;
        self.record(Happened::RateLimitSet { subscription: id, rate_limit });
        Ok(())
    }

    fn remove(&mut self, id: SubscriptionId) -> Result<(), CommandError> {
        let at = self.known(id)?;
        self.record(Happened::SubscriptionRemoved { subscription: id });
        self.subscriptions[at].removed = true;
        self.windows.sort_by_key(|w| w.id);
        while let Some(at) = self.windows.iter().position(|w| w.subscription == id) {
            self.record(Happened::WindowCancelled { window: self.windows[at].id });
            self.close(at);
        }
        let mut abandoned: Vec<Pending> = self.of(id).filter(|d| !d.in_flight).copied().collect();
        abandoned.sort_by_key(|d| (d.failed, d.due, d.id));
        self.deliveries.retain(|d| d.attempt.subscription != id || d.in_flight);
        for Pending { id: delivery, .. } in abandoned {
            let cause = AbandonCause::SubscriptionRemoved;
            self.record(Happened::DeliveryAbandoned { delivery, cause });
        }
        Ok(())
    }

    fn publish(&mut self, what: Published, supplier: Option<SupplierId>) -> Result<(), CommandError> {
        let (id, event_type) = what;
        if let Some(last) = self.last_notification.filter(|last| id <= *last) {
            return Err(CommandError::NotificationOutOfOrder { id, last });
        }
        if event_type.names_supplier() != supplier.is_some() {
            return Err(CommandError::SupplierMismatch(event_type));
        }
        self.last_notification = Some(id);
        self.published.insert(id, event_type);
        self.record(Happened::NotificationPublished { notification: id, event_type, supplier });
        for s in self.subscriptions.clone() {
            let copies = match (&s.settings.suppliers, supplier) {
                (SupplierScope::Only(ids), Some(supplier)) => usize::from(ids.contains(&supplier)),
                (SupplierScope::Only(ids), None) if s.settings.supplierless != Supplierless::Once => {
                    ids.len()
                }
                _ => 1,
            };
            let subscribed = s.settings.events.contains(event_type) && !s.removed;
            for _ in (0..copies).filter(|_| subscribed) {
                self.queue(what, s.id, Origin::Publication);
            }
        }
        Ok(())
    }

    fn queue(&mut self, what: Published, subscription: SubscriptionId, origin: Origin) {
        let (notification, event_type) = what;
        self.last_delivery += 1;
        let (delivery, published) = (DeliveryId(self.last_delivery), self.now);
        let attempt = Transmit { delivery, subscription, notification, event_type, number: 1, published };
        self.deliveries.push(Pending::new(attempt, published, false, 0));
        self.record(Happened::DeliveryQueued { delivery, notification, subscription, origin });
    }
}
