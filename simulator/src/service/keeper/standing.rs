//! What came of each subscription's attempts since the start: counted, not kept. The journal has the attempts.

use std::collections::VecDeque;
use std::time::Duration;

use pns_engine::{DeliveryId, Outcome, SubscriptionId, Timestamp};

use super::Keeper;
use crate::service::error::ServiceError;
use crate::service::model::{Instant, LastFailure, Page, PageRequest, Standing};

/// The seconds of PNS time over which a rate is taken.
const RATE_SECONDS: u64 = 10;

/// The counts of one subscription.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    acknowledged: u64,
    failed: u64,
    latest: VecDeque<bool>,
    last_failure: Option<LastFailure>,
    /// Starts by second of PNS time: the latest seconds that had any.
    starts: VecDeque<(u64, u32)>,
}

impl Tally {
    fn start(&mut self, now: Timestamp) {
        let second = seconds(now);
        match self.starts.back_mut() {
            Some((last, count)) if *last == second => *count += 1,
            _ => self.starts.push_back((second, 1)),
        }
        while self.starts.front().is_some_and(|(first, _)| first + RATE_SECONDS < second) {
            self.starts.pop_front();
        }
    }

    fn end(&mut self, delivery: DeliveryId, outcome: Outcome, now: Timestamp) {
        match outcome {
            Outcome::Acknowledged(_) => self.acknowledged += 1,
            Outcome::Failed(reason) => {
                self.failed += 1;
                self.last_failure = Some(LastFailure { at: Instant(now), delivery, reason });
            }
        }
        if self.latest.len() == Standing::LATEST_MAX {
            self.latest.pop_front();
        }
        self.latest.push_back(matches!(outcome, Outcome::Acknowledged(_)));
    }

    fn rate(&self, now: Timestamp) -> f64 {
        let second = seconds(now);
        let recent = self.starts.iter().filter(|(at, _)| at + RATE_SECONDS > second);
        let count: u32 = recent.map(|(_, count)| count).sum();
        f64::from(count) / f64::from(u32::try_from(RATE_SECONDS).unwrap_or(u32::MAX))
    }
}

fn seconds(at: Timestamp) -> u64 {
    at.as_nanos() / 1_000_000_000
}

impl Keeper {
    /// An attempt starts.
    pub(super) fn count_start(&mut self, subscription: SubscriptionId) {
        let now = self.driver.now();
        // One that was removed has nobody who looks at it.
        if let Some(kept) = self.subscriptions.get_mut(&subscription) {
            kept.tally.start(now);
        }
    }

    /// An attempt ended.
    pub(super) fn count_end(&mut self, subscription: SubscriptionId, delivery: DeliveryId, outcome: Outcome) {
        let now = self.driver.now();
        if let Some(kept) = self.subscriptions.get_mut(&subscription) {
            kept.tally.end(delivery, outcome, now);
        }
    }

    /// How one subscription does.
    pub(in super::super) fn standing(&self, id: SubscriptionId) -> Result<Standing, ServiceError> {
        let subscription = self.subscription(id)?;
        let now = self.driver.now();
        let due = self.driver.sender().oldest_due_of(id);
        let kept = self.subscriptions.get(&id).map(|kept| &kept.tally);
        let tally = kept.cloned().unwrap_or_default();
        Ok(Standing {
            subscription,
            acknowledged: tally.acknowledged,
            failed: tally.failed,
            last_failure: tally.last_failure,
            oldest_past_due: due.map_or(Duration::ZERO, |due| now.since(due)),
            rate: tally.rate(now),
            latest: tally.latest.into(),
        })
    }

    /// How the subscriptions do, by id, a page of them.
    pub(in super::super) fn standings(&self, page: &PageRequest) -> Result<Page<Standing>, ServiceError> {
        let Page { items, next } = self.subscriptions(page)?;
        let standings = items.iter().map(|one| self.standing(SubscriptionId(one.id)));
        Ok(Page { items: standings.collect::<Result<_, _>>()?, next })
    }
}
