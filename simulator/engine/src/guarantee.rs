//! What the sender promises, as functions over [`Record`]s alone.
//!
//! Nothing here knows how the [`crate::Sender`] works: a guarantee is judged from what was recorded, so the
//! same functions hold the engine to its rules in tests and audit the ledger of every run. They never cry
//! wolf: where a ledger does not tell which settings were in force (a subscription that was changed, or an id
//! used twice), what depends on those settings is not judged.

mod delivery;
mod order;
mod pace;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use crate::id::{DeliveryId, SubscriptionId};
use crate::record::{Happened, Record};
use crate::subscription::Subscription;
use crate::time::Timestamp;

pub use delivery::{attempts_consecutive, intervals_never_shrink, nothing_lost, only_subscribed};
pub use order::{flush_oldest_first, no_starvation};
pub use pace::{concurrency_bounded, nothing_in_downtime, within_rate_limit};

/// A promised property of every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guarantee {
    /// Every notification becomes a delivery for everyone who sees it, and every delivery goes on until it is
    /// delivered, unless an attempt cap or the end of its subscription ends it on the record.
    NothingLost,
    /// Attempts of one delivery are numbered 1, 2, … and never overlap.
    AttemptsConsecutive,
    /// Delays of one delivery never shrink, and no retry starts before its delay is over.
    IntervalsNeverShrink,
    /// A subscription gets only its event types, only for its suppliers.
    OnlySubscribed,
    /// Nothing starts in a downtime window.
    NothingInDowntime,
    /// Within any span T at most rate × T + burst attempts start.
    WithinRateLimit,
    /// No more attempts in flight than the subscription's concurrency.
    ConcurrencyBounded,
    /// What fell due by the end of a downtime goes out oldest due first.
    FlushOldestFirst,
    /// A first attempt that is due does not wait for two retries in a row.
    NoStarvation,
}

impl Guarantee {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::NothingLost,
        Self::AttemptsConsecutive,
        Self::IntervalsNeverShrink,
        Self::OnlySubscribed,
        Self::NothingInDowntime,
        Self::WithinRateLimit,
        Self::ConcurrencyBounded,
        Self::FlushOldestFirst,
        Self::NoStarvation,
    ];

    /// A stable kebab-case name for reports.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::NothingLost => "nothing-lost",
            Self::AttemptsConsecutive => "attempts-consecutive",
            Self::IntervalsNeverShrink => "intervals-never-shrink",
            Self::OnlySubscribed => "only-subscribed",
            Self::NothingInDowntime => "nothing-in-downtime",
            Self::WithinRateLimit => "within-rate-limit",
            Self::ConcurrencyBounded => "concurrency-bounded",
            Self::FlushOldestFirst => "flush-oldest-first",
            Self::NoStarvation => "no-starvation",
        }
    }

    /// The statement of Cvent's page that it rests on, as scenario files name it; `None` for what is this
    /// project's own promise.
    #[must_use]
    pub const fn clause(self) -> Option<&'static str> {
        match self {
            Self::NothingLost | Self::IntervalsNeverShrink => Some("delivery-failure"),
            Self::OnlySubscribed => Some("subscription"),
            Self::NothingInDowntime | Self::FlushOldestFirst => Some("downtime"),
            Self::WithinRateLimit => Some("rate-limiting"),
            Self::AttemptsConsecutive | Self::ConcurrencyBounded | Self::NoStarvation => None,
        }
    }

    /// What is promised, in a sentence.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::NothingLost => "every subscribed notification is retried until it is delivered",
            Self::AttemptsConsecutive => "attempts of a delivery are numbered 1, 2, … and never overlap",
            Self::IntervalsNeverShrink => "the intervals between attempts of a delivery never shrink",
            Self::OnlySubscribed => "a subscription gets only its event types, only for its suppliers",
            Self::NothingInDowntime => "nothing starts in a downtime window",
            Self::WithinRateLimit => "no span sees more starts than the rate limit allows",
            Self::ConcurrencyBounded => "no more attempts are in flight than the subscription's bound",
            Self::FlushOldestFirst => "after downtime what is due goes out oldest first",
            Self::NoStarvation => "a due first attempt does not wait for two retries in a row",
        }
    }
}

/// A guarantee broken: a bug of the sender, never of a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub guarantee: Guarantee,
    /// When.
    pub at: Timestamp,
    /// The delivery concerned, if it is one.
    pub delivery: Option<DeliveryId>,
    /// What is wrong, as a sentence fragment.
    pub text: String,
}

/// Holds `records`, a run from its beginning, to all guarantees. `subscriptions` are the settings; of one that
/// is missing there only what needs no settings is judged.
#[must_use]
pub fn check_all(records: &[Record], subscriptions: &BTreeMap<SubscriptionId, Subscription>) -> Vec<Finding> {
    let run = Run::new(records, subscriptions);
    let mut findings = Vec::new();
    for check in [
        nothing_lost,
        attempts_consecutive,
        intervals_never_shrink,
        only_subscribed,
        nothing_in_downtime,
        within_rate_limit,
        concurrency_bounded,
        flush_oldest_first,
        no_starvation,
    ] {
        findings.append(&mut check(&run));
    }
    findings
}

/// The records of a run, with what every guarantee looks up.
#[derive(Debug)]
pub struct Run<'a> {
    records: &'a [Record],
    /// Settings that were in force all the time.
    settings: BTreeMap<SubscriptionId, &'a Subscription>,
    whose: BTreeMap<DeliveryId, SubscriptionId>,
}

impl<'a> Run<'a> {
    /// Prepares `records` for the guarantees.
    #[must_use]
    pub fn new(records: &'a [Record], subscriptions: &'a BTreeMap<SubscriptionId, Subscription>) -> Self {
        let mut settings: BTreeMap<_, _> = subscriptions.iter().map(|(id, s)| (*id, s)).collect();
        let mut added = BTreeSet::new();
        let mut whose = BTreeMap::new();
        for record in records {
            match record.event {
                Happened::SubscriptionAdded { subscription } if !added.insert(subscription) => {
                    settings.remove(&subscription);
                }
                Happened::SubscriptionChanged { subscription } => {
                    settings.remove(&subscription);
                }
                Happened::DeliveryQueued { delivery, subscription, .. } => {
                    whose.insert(delivery, subscription);
                }
                _ => {}
            }
        }
        Self { records, settings, whose }
    }

    fn settings_of(&self, delivery: DeliveryId) -> Option<&'a Subscription> {
        self.settings.get(self.whose.get(&delivery)?).copied()
    }
}

/// Findings of one guarantee as they are made.
struct Findings(Guarantee, Vec<Finding>);

impl Findings {
    fn of(guarantee: Guarantee) -> Self {
        Self(guarantee, Vec::new())
    }

    fn push(&mut self, at: Timestamp, delivery: impl Into<Option<DeliveryId>>, text: impl Into<String>) {
        self.1.push(Finding { guarantee: self.0, at, delivery: delivery.into(), text: text.into() });
    }
}
