//! Guarantees about which of several due deliveries starts first. A subscription in which a failing delivery
//! holds back the others keeps another order, and is not judged.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;

use super::{Finding, Findings, Guarantee, Run};
use crate::id::{DeliveryId, SubscriptionId, WindowId};
use crate::record::{Happened, Record};
use crate::subscription::FailingDelivery;
use crate::time::Timestamp;

/// What waits at one subscription, as the records tell it.
#[derive(Default)]
struct Line {
    firsts: BTreeSet<(Timestamp, DeliveryId)>,
    retries: BTreeSet<(Timestamp, DeliveryId)>,
    open: BTreeSet<WindowId>,
    /// The end of the latest downtime.
    flush_until: Option<Timestamp>,
    /// The start before, if it was a retry: since when first attempts must have waited to be passed over.
    retried_at: Option<Timestamp>,
}

/// The lines of all subscriptions whose order is judged.
struct Lines<'a> {
    run: &'a Run<'a>,
    lines: BTreeMap<SubscriptionId, Line>,
    whose: BTreeMap<WindowId, SubscriptionId>,
}

impl<'a> Lines<'a> {
    fn new(run: &'a Run<'a>) -> Self {
        Self { run, lines: BTreeMap::new(), whose: BTreeMap::new() }
    }

    fn line(&mut self, delivery: DeliveryId) -> Option<&mut Line> {
        let settings = self.run.settings_of(delivery)?;
        if settings.failing_delivery != FailingDelivery::DelaysOnlyItself {
            return None;
        }
        Some(self.lines.entry(*self.run.whose.get(&delivery)?).or_default())
    }

    /// Takes in one record; starts are to be judged before.
    fn follow(&mut self, record: &Record) {
        match record.event {
            Happened::DeliveryQueued { delivery, .. } => {
                if let Some(line) = self.line(delivery) {
                    line.firsts.insert((record.at, delivery));
                }
            }
            Happened::AttemptFailed { delivery, delay: Some(delay), .. } => {
                if let Some(line) = self.line(delivery) {
                    line.retries.insert((record.at + delay, delivery));
                }
            }
            Happened::AttemptStarted { delivery, number, due, .. } => {
                if let Some(line) = self.line(delivery) {
                    line.firsts.remove(&(due, delivery));
                    line.retries.remove(&(due, delivery));
                    line.retried_at = (number > 1).then_some(record.at);
                }
            }
            Happened::SubscriptionRemoved { subscription } => {
                self.lines.remove(&subscription);
            }
            Happened::SenderRecovered => {
                // As after downtime; and whose turn it was is forgotten.
                for line in self.lines.values_mut() {
                    line.flush_until = Some(record.at);
                    line.retried_at = None;
                }
            }
            Happened::WindowAnnounced { window, subscription, .. } => {
                self.whose.insert(window, subscription);
            }
            Happened::WindowOpened { window } => {
                if let Some(subscription) = self.whose.get(&window) {
                    self.lines.entry(*subscription).or_default().open.insert(window);
                }
            }
            Happened::WindowClosed { window } => {
                let line = self.whose.remove(&window).and_then(|s| self.lines.get_mut(&s));
                if let Some(line) = line {
                    line.open.remove(&window);
                    if line.open.is_empty() {
                        line.flush_until = Some(record.at);
                    }
                }
            }
            _ => {}
        }
    }
}

/// [`Guarantee::FlushOldestFirst`].
#[must_use]
pub fn flush_oldest_first(run: &Run<'_>) -> Vec<Finding> {
    let mut findings = Findings::of(Guarantee::FlushOldestFirst);
    let mut lines = Lines::new(run);
    for record in run.records {
        if let Happened::AttemptStarted { delivery, number, due, .. } = record.event
            && let Some(line) = lines.line(delivery)
            && let Some(flush_until) = line.flush_until
        {
            let oldest = [line.firsts.first(), line.retries.first()].into_iter().flatten().min();
            if let Some((older, other)) = oldest
                && *older <= flush_until
                && *older < due
            {
                let text = format!("attempt {number}, due at {due:?}, goes before {other}, due at {older:?}");
                findings.push(record.at, delivery, text);
            }
        }
        lines.follow(record);
    }
    findings.1
}

/// [`Guarantee::NoStarvation`].
#[must_use]
pub fn no_starvation(run: &Run<'_>) -> Vec<Finding> {
    let mut findings = Findings::of(Guarantee::NoStarvation);
    let mut lines = Lines::new(run);
    for record in run.records {
        if let Happened::AttemptStarted { delivery, number, due, .. } = record.event
            && number > 1
            && let Some(line) = lines.line(delivery)
            && let Some(retried_at) = line.retried_at
            // The flush after downtime goes by age.
            && line.flush_until.is_none_or(|flush_until| due > flush_until)
            && let Some((_, waiting)) = line.firsts.first().filter(|(due, _)| *due <= retried_at)
        {
            let text = format!("a second retry in a row starts while {waiting} waits for its first attempt");
            findings.push(record.at, delivery, text);
        }
        lines.follow(record);
    }
    findings.1
}
