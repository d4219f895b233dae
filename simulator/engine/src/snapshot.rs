//! What must be kept of a sender so that another can go on in its place after a crash.
//!
//! It is no more than its [`Record`]s and the subscriptions' settings tell ([`Snapshot::of_records`]), so
//! whoever keeps those, in whatever form, has all that [`crate::Sender::recover`] needs.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use crate::event_type::EventType;
use crate::id::{DeliveryId, NotificationId, SubscriptionId, WindowId};
use crate::record::{Happened, Record};
use crate::subscription::Subscription;
use crate::time::Timestamp;

/// A sender at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// The latest instant seen: that of the last record, or later.
    pub now: Timestamp,
    /// The greatest id published.
    pub last_notification: Option<NotificationId>,
    /// The greatest id queued.
    pub last_delivery: Option<DeliveryId>,
    /// Subscriptions that go on.
    pub subscriptions: Vec<SavedSubscription>,
    /// Windows that are not over.
    pub windows: Vec<SavedWindow>,
    /// Deliveries that are not Delivered.
    pub deliveries: Vec<SavedDelivery>,
}

/// A subscription that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedSubscription {
    /// Which.
    pub id: SubscriptionId,
    /// Its settings, with the rate limit in force.
    pub settings: Box<Subscription>,
    /// When that rate limit was set; a limit set anew to what it was does not count.
    pub limit_set: Timestamp,
    /// When an attempt started last.
    pub last_start: Option<Timestamp>,
}

/// A downtime window that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavedWindow {
    /// Which.
    pub id: WindowId,
    /// Whose.
    pub subscription: SubscriptionId,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// Whether it is on record that it began.
    pub open: bool,
}

/// A delivery that is not Delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavedDelivery {
    /// Which.
    pub id: DeliveryId,
    /// To whom. Where that subscription does not go on, the delivery's attempt was in flight when it ended.
    pub subscription: SubscriptionId,
    /// What.
    pub notification: NotificationId,
    /// The notification's type.
    pub event_type: EventType,
    /// When it was queued.
    pub published: Timestamp,
    /// Attempts started so far.
    pub attempts: u32,
    /// The delay after the latest failure; zero before the first.
    pub delay: Duration,
    /// When the next attempt is due; `None`: one is in flight.
    pub due: Option<Timestamp>,
}

impl Snapshot {
    /// What the records of a run from its beginning tell. `settings` are those in force at its end; their
    /// rate limits may be out of date. A subscription that is missing there does not go on.
    #[must_use]
    pub fn of_records(records: &[Record], settings: &BTreeMap<SubscriptionId, Subscription>) -> Self {
        let mut tale = Tale::default();
        for record in records {
            tale.follow(*record, settings);
        }
        Self {
            subscriptions: tale.subscriptions.into_values().collect(),
            windows: tale.windows.into_values().collect(),
            deliveries: tale.deliveries.into_values().collect(),
            ..tale.rest
        }
    }
}

/// A snapshot in the making.
#[derive(Default)]
struct Tale {
    types: BTreeMap<NotificationId, EventType>,
    subscriptions: BTreeMap<SubscriptionId, SavedSubscription>,
    windows: BTreeMap<WindowId, SavedWindow>,
    deliveries: BTreeMap<DeliveryId, SavedDelivery>,
    rest: Snapshot,
}

impl Tale {
    fn follow(&mut self, record: Record, settings: &BTreeMap<SubscriptionId, Subscription>) {
        let Record { at, event } = record;
        self.rest.now = at;
        match event {
            Happened::SubscriptionAdded { subscription: id } => {
                if let Some(settings) = settings.get(&id) {
                    let settings = Box::new(Subscription { rate_limit: None, ..settings.clone() });
                    let saved = SavedSubscription { id, settings, limit_set: at, last_start: None };
                    self.subscriptions.insert(id, saved);
                }
            }
            Happened::SubscriptionRemoved { subscription } => {
                self.subscriptions.remove(&subscription);
            }
            Happened::RateLimitSet { subscription, rate_limit } => {
                if let Some(saved) = self.subscriptions.get_mut(&subscription)
                    && saved.settings.rate_limit != rate_limit
                {
                    saved.settings.rate_limit = rate_limit;
                    saved.limit_set = at;
                }
            }
            Happened::NotificationPublished { notification, event_type, .. } => {
                self.types.insert(notification, event_type);
                self.rest.last_notification = Some(notification);
            }
            Happened::WindowAnnounced { window: id, subscription, from, until } => {
                self.windows.insert(id, SavedWindow { id, subscription, from, until, open: false });
            }
            Happened::WindowExtended { window, until } => {
                self.windows.entry(window).and_modify(|window| window.until = until);
            }
            Happened::WindowOpened { window } => {
                self.windows.entry(window).and_modify(|window| window.open = true);
            }
            Happened::WindowCancelled { window } | Happened::WindowClosed { window } => {
                self.windows.remove(&window);
            }
            Happened::SubscriptionChanged { .. } | Happened::SenderRecovered => {}
            _ => self.follow_delivery(record),
        }
    }

    fn follow_delivery(&mut self, Record { at, event }: Record) {
        match event {
            Happened::DeliveryQueued { delivery: id, notification, subscription, .. } => {
                self.rest.last_delivery = Some(id);
                if let Some(event_type) = self.types.get(&notification).copied() {
                    let (published, attempts, delay, due) = (at, 0, Duration::ZERO, Some(at));
                    let saved = SavedDelivery {
                        id,
                        subscription,
                        notification,
                        event_type,
                        published,
                        attempts,
                        delay,
                        due,
                    };
                    self.deliveries.insert(id, saved);
                }
            }
            Happened::AttemptStarted { delivery, number, .. } => {
                if let Some(saved) = self.deliveries.get_mut(&delivery) {
                    (saved.attempts, saved.due) = (number, None);
                    if let Some(subscription) = self.subscriptions.get_mut(&saved.subscription) {
                        subscription.last_start = Some(at);
                    }
                }
            }
            Happened::AttemptFailed { delivery, delay: Some(delay), .. } => {
                if let Some(saved) = self.deliveries.get_mut(&delivery) {
                    (saved.delay, saved.due) = (delay, Some(at + delay));
                }
            }
            Happened::AttemptAcknowledged { delivery, .. } | Happened::DeliveryAbandoned { delivery, .. } => {
                self.deliveries.remove(&delivery);
            }
            _ => {}
        }
    }
}
