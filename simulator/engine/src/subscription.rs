//! Who receives what, under which policies.
//!
//! That a subscription has event types and integrated suppliers is *documented*; every policy beyond it is a
//! *setting* whose default is this project's choice.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::num::NonZeroU32;
use core::ops::RangeInclusive;

use crate::backoff::Backoff;
use crate::event_type::{EventType, EventTypeSet};
use crate::id::SupplierId;
use crate::rate_limit::RateLimit;

/// One integration's subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The event types it receives. Default: RFP_SEND and RFP_FORWARD (*documented*).
    pub events: EventTypeSet,
    /// The integrated suppliers whose objects it sees.
    pub suppliers: SupplierScope,
    /// How often it hears of an event that names no supplier.
    pub supplierless: Supplierless,
    /// The intervals between attempts.
    pub backoff: Backoff,
    /// Which statuses acknowledge.
    pub acknowledgement: AcknowledgementPolicy,
    /// How fast attempts may start; `None`: no limit.
    pub rate_limit: Option<RateLimit>,
    /// How many attempts may be in flight at once.
    pub concurrency: NonZeroU32,
    /// Whether a failing delivery holds back the others.
    pub failing_delivery: FailingDelivery,
    /// Whether `Retry-After` lengthens a delay.
    pub retry_after: RetryAfter,
    /// Gives a delivery up after so many attempts. `None`, the default, is what Cvent documents: until
    /// delivered. A cap is reported as a deviation.
    pub attempt_cap: Option<NonZeroU32>,
}

impl Subscription {
    /// 4 attempts in flight at once. A *setting*: Cvent publishes no figure.
    pub const DEFAULT_CONCURRENCY: NonZeroU32 = NonZeroU32::new(4).expect("not zero");

    /// Whether an event of `event_type` about `supplier` is for this subscription.
    ///
    /// An event that names no supplier is for every subscription to its type.
    #[must_use]
    pub fn sees(&self, event_type: EventType, supplier: Option<SupplierId>) -> bool {
        self.events.contains(event_type)
            && match (&self.suppliers, supplier) {
                (SupplierScope::All, _) | (SupplierScope::Only(_), None) => true,
                (SupplierScope::Only(suppliers), Some(supplier)) => suppliers.contains(&supplier),
            }
    }
}

impl Default for Subscription {
    fn default() -> Self {
        Self {
            events: EventTypeSet::DEFAULT_SUBSCRIPTION,
            suppliers: SupplierScope::All,
            supplierless: Supplierless::Once,
            backoff: Backoff::DEFAULT,
            acknowledgement: AcknowledgementPolicy::default(),
            rate_limit: None,
            concurrency: Self::DEFAULT_CONCURRENCY,
            failing_delivery: FailingDelivery::DelaysOnlyItself,
            retry_after: RetryAfter::Ignored,
            attempt_cap: None,
        }
    }
}

/// The integrated suppliers of a subscription. *Documented*: it receives events "for any object visible to
/// your integrated suppliers".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SupplierScope {
    /// Every supplier: for tests that do not care.
    All,
    /// These only.
    Only(BTreeSet<SupplierId>),
}

/// How many deliveries an event without a supplier (PLANNER_CANCEL) makes for one subscription. *Unknown*,
/// so a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supplierless {
    /// One.
    Once,
    /// One for each integrated supplier; one where the scope is [`SupplierScope::All`].
    PerSupplier,
}

/// Whether a delivery that failed holds back the others of its subscription. *Unknown*, so a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailingDelivery {
    /// The others go on.
    DelaysOnlyItself,
    /// From its first failure until it is delivered, the oldest failing delivery of the subscription is the
    /// only one that starts; those already in flight end as they may. With a concurrency of 1 this is strict
    /// order. The flush after downtime keeps this order too.
    HoldsBackOthers,
}

/// What a `Retry-After` in a failed answer does. *Unknown*, so a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// Nothing.
    Ignored,
    /// The delay is the longer of schedule and hint; a hint beyond the schedule's bound counts as that bound.
    Honoured,
}

/// Which HTTP statuses are a "successful acknowledgement". The page does not say; default any 2xx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcknowledgementPolicy {
    ranges: Vec<RangeInclusive<u16>>,
}

impl AcknowledgementPolicy {
    /// Exactly the statuses in `ranges`.
    #[must_use]
    pub fn only(ranges: Vec<RangeInclusive<u16>>) -> Self {
        Self { ranges }
    }

    /// Whether `status` acknowledges.
    #[must_use]
    pub fn acknowledges(&self, status: u16) -> bool {
        self.ranges.iter().any(|range| range.contains(&status))
    }
}

impl Default for AcknowledgementPolicy {
    fn default() -> Self {
        Self { ranges: alloc::vec![200..=299] }
    }
}
