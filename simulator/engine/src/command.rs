//! What the sender is asked to do. Imperative; [`crate::Record`] tells what came of it.

use alloc::boxed::Box;

use crate::event_type::EventType;
use crate::id::{NotificationId, SubscriptionId, SupplierId, WindowId};
use crate::rate_limit::RateLimit;
use crate::subscription::Subscription;
use crate::time::Timestamp;

/// One request to the [`crate::Sender`]. The caller chooses ids; the engine checks them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Starts a subscription. It sees what is published from now on.
    AddSubscription {
        /// New.
        id: SubscriptionId,
        /// Its settings.
        subscription: Box<Subscription>,
    },
    /// Replaces a subscription's settings. Event types and suppliers apply to notifications published
    /// later; policies apply to every attempt and delay from now on. A delivery never waits less than it did
    /// after its failure before, and one that has reached a lowered attempt cap still gets the attempt that it
    /// waits for.
    ChangeSubscription {
        /// Known.
        id: SubscriptionId,
        /// Its new settings, whole.
        subscription: Box<Subscription>,
    },
    /// Ends a subscription, cancels its windows and abandons its deliveries. Attempts in flight end as they
    /// may: acknowledged, they are delivered. The id is free again when the last of them is answered.
    RemoveSubscription {
        /// Known.
        id: SubscriptionId,
    },
    /// Publishes one notification to every subscription that sees it.
    Publish {
        /// Greater than every id published before.
        id: NotificationId,
        /// What happened.
        event_type: EventType,
        /// The supplier concerned; `None` for PLANNER_CANCEL and venue events.
        supplier: Option<SupplierId>,
    },
    /// Delivers a notification once more to one subscription, as a new delivery (replay, duplicate).
    Redeliver {
        /// Published before.
        notification: NotificationId,
        /// Its event type.
        event_type: EventType,
        /// Known.
        subscription: SubscriptionId,
    },
    /// Announces a downtime window: no attempt starts in `from..until`. One that began before now is in
    /// force at once; one that is over by now is refused.
    AnnounceWindow {
        /// New.
        id: WindowId,
        /// Known.
        subscription: SubscriptionId,
        /// First instant of the window.
        from: Timestamp,
        /// First instant after the window; [`Timestamp::MAX`] for one that is to be ended by
        /// [`Command::CancelWindow`].
        until: Timestamp,
    },
    /// Moves the end of a window that is not over, later or earlier; not before now.
    ExtendWindow {
        /// Known and not over.
        id: WindowId,
        /// The new first instant after it.
        until: Timestamp,
    },
    /// Ends a window at once, or withdraws one that has not begun.
    CancelWindow {
        /// Known and not over.
        id: WindowId,
    },
    /// Changes a subscription's rate limit alone.
    SetRateLimit {
        /// Known.
        subscription: SubscriptionId,
        /// `None`: no limit.
        rate_limit: Option<RateLimit>,
    },
}

/// Why a command was refused. A refused command changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The subscription's id is taken.
    #[error("subscription {0} exists already")]
    SubscriptionExists(SubscriptionId),
    /// No such subscription.
    #[error("there is no subscription {0}")]
    NoSuchSubscription(SubscriptionId),
    /// Notification ids must rise.
    #[error("notification {id} does not follow {last}")]
    NotificationOutOfOrder {
        /// The id refused.
        id: NotificationId,
        /// The greatest published so far.
        last: NotificationId,
    },
    /// The notification was never published.
    #[error("notification {0} was not published")]
    NoSuchNotification(NotificationId),
    /// The event type names a supplier and none was given, or the reverse.
    #[error("{0} {not} name a supplier", not = if .0.names_supplier() { "must" } else { "does not" })]
    SupplierMismatch(EventType),
    /// The window's id is taken.
    #[error("downtime window {0} exists already")]
    WindowExists(WindowId),
    /// No such window, or it is over.
    #[error("there is no downtime window {0} that is not over")]
    NoSuchWindow(WindowId),
    /// The window would end before it begins, or before now.
    #[error("a downtime window must end after it begins and after now")]
    EmptyWindow,
    /// A limit of [`crate::limits`] is reached.
    #[error("limit reached: {0}")]
    LimitReached(&'static str),
}
