//! How a subscription does, for whoever looks at it.

use std::time::Duration;

use pns_engine::{DeliveryId, FailureReason};

use super::scalar::Instant;
use super::subscription_view::SubscriptionView;

/// A subscription and what came of its attempts since the service started.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The subscription.
    pub subscription: SubscriptionView,
    /// Attempts that were acknowledged.
    pub acknowledged: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// The latest outcomes, the oldest first, at most [`Standing::LATEST_MAX`]: whether each was acknowledged.
    pub latest: Vec<bool>,
    /// The failure that came last.
    pub last_failure: Option<LastFailure>,
    /// For how much PNS time what is due longest has been due.
    pub oldest_past_due: Duration,
    /// Attempts that started within the last ten seconds of PNS time, for each second.
    pub rate: f64,
}

impl Standing {
    /// How many outcomes are remembered.
    pub const LATEST_MAX: usize = 64;
}

/// The failure that came last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastFailure {
    /// When, in PNS time.
    pub at: Instant,
    /// Of which delivery.
    pub delivery: DeliveryId,
    /// Why.
    pub reason: FailureReason,
}
