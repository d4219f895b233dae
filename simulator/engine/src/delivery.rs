//! One notification on its way to one subscription.
//!
//! A delivery lives in exactly one place: a subscription's queue (Waiting or Held) or the sender's map of
//! attempts in flight. It moves between them whole, so that there is no table of deliveries beside the queues
//! and no index that could dangle; delivered, it is gone from memory.

use core::num::NonZeroU32;

use crate::event_type::EventType;
use crate::id::{NotificationId, SubscriptionId};
use crate::time::Timestamp;

/// What is remembered of a delivery that is not Delivered. Its id, and its due time if it has failed, are the
/// keys under which it waits. A million of them wait in one sender, hence no field that can be derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// What is delivered.
    pub(crate) notification: NotificationId,
    /// When it was queued; the first attempt is due then.
    pub(crate) published: Timestamp,
    /// The delay after the latest failure in nanoseconds, 0 before the first: no later one is shorter.
    pub(crate) delay: u64,
    /// Attempts started so far.
    pub(crate) attempts: u32,
    /// The notification's type.
    pub(crate) event_type: EventType,
}

const _: () = assert!(size_of::<Delivery>() <= 32, "a pending delivery must stay small");

impl Delivery {
    /// A delivery that begins to wait for its first attempt.
    pub(crate) fn new(notification: NotificationId, event_type: EventType, published: Timestamp) -> Self {
        Self { notification, published, delay: 0, attempts: 0, event_type }
    }

    /// Failures so far, after an attempt failed: each attempt before and including it did.
    pub(crate) fn failures(&self) -> NonZeroU32 {
        NonZeroU32::new(self.attempts).expect("a delivery that failed was attempted")
    }
}

/// A delivery with an attempt in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InFlight {
    /// To whom.
    pub(crate) subscription: SubscriptionId,
    /// What.
    pub(crate) delivery: Delivery,
}
