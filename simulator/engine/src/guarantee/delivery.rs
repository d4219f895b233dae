//! Guarantees about the life of each delivery.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;

use super::{Finding, Findings, Guarantee, Run};
use crate::event_type::EventType;
use crate::id::{DeliveryId, NotificationId, SubscriptionId, SupplierId};
use crate::outcome::FailureReason;
use crate::record::{AbandonCause, Happened, Origin};
use crate::subscription::{SupplierScope, Supplierless};

/// [`Guarantee::NothingLost`].
#[must_use]
pub fn nothing_lost(run: &Run<'_>) -> Vec<Finding> {
    let mut findings = Findings::of(Guarantee::NothingLost);
    let mut live = BTreeSet::new();
    let mut removed = BTreeSet::new();
    let mut stopped = BTreeMap::new();
    for (index, record) in run.records.iter().enumerate() {
        let at = record.at;
        match record.event {
            Happened::SubscriptionAdded { subscription } => {
                live.insert(subscription);
                removed.remove(&subscription);
            }
            Happened::SubscriptionRemoved { subscription } => {
                live.remove(&subscription);
                removed.insert(subscription);
            }
            Happened::NotificationPublished { notification, event_type, supplier } => {
                let published = (notification, event_type, supplier);
                expect_deliveries(run, index, &live, published, &mut findings);
            }
            Happened::AttemptFailed { delivery, delay: None, .. } => {
                stopped.insert(delivery, at);
            }
            Happened::DeliveryAbandoned { delivery, cause } => {
                stopped.remove(&delivery);
                let capped = run.settings_of(delivery).is_none_or(|s| s.attempt_cap.is_some());
                let ended = run.whose.get(&delivery).is_none_or(|s| removed.contains(s));
                match cause {
                    AbandonCause::AttemptCap if !capped => {
                        findings.push(at, delivery, "given up by an attempt cap that was not set");
                    }
                    AbandonCause::SubscriptionRemoved if !ended => {
                        findings.push(at, delivery, "given up although its subscription goes on");
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    for (delivery, at) in stopped {
        findings.push(at, delivery, "no next attempt falls due, and it was not given up on the record");
    }
    findings.1
}

/// Everyone whose settings are known and who sees the notification must have its deliveries at once.
fn expect_deliveries(
    run: &Run<'_>,
    index: usize,
    live: &BTreeSet<SubscriptionId>,
    (published, event_type, supplier): (NotificationId, EventType, Option<SupplierId>),
    findings: &mut Findings,
) {
    let mut queued: BTreeMap<SubscriptionId, usize> = BTreeMap::new();
    for record in &run.records[index + 1..] {
        match record.event {
            Happened::DeliveryQueued { notification, subscription, origin: Origin::Publication, .. }
                if notification == published =>
            {
                *queued.entry(subscription).or_default() += 1;
            }
            _ => break,
        }
    }
    for subscription in live {
        let Some(settings) = run.settings.get(subscription) else { continue };
        if !settings.sees(event_type, supplier) {
            continue;
        }
        let wanted = match (settings.supplierless, &settings.suppliers) {
            (Supplierless::PerSupplier, SupplierScope::Only(all)) if supplier.is_none() => all.len(),
            _ => 1,
        };
        if queued.get(subscription).copied().unwrap_or(0) != wanted {
            let text = format!("{published} ({event_type}) was not queued {wanted} × for {subscription}");
            findings.push(run.records[index].at, None, text);
        }
    }
}

/// [`Guarantee::AttemptsConsecutive`].
#[must_use]
pub fn attempts_consecutive(run: &Run<'_>) -> Vec<Finding> {
    /// Attempts so far, whether one is in flight, and whether the delivery has ended.
    #[derive(Default)]
    struct Life {
        attempts: u32,
        in_flight: bool,
        ended: bool,
    }
    let mut findings = Findings::of(Guarantee::AttemptsConsecutive);
    let mut lives: BTreeMap<_, Life> = BTreeMap::new();
    for (index, record) in run.records.iter().enumerate() {
        let at = record.at;
        match record.event {
            Happened::SenderRecovered => {
                let cut_off = lives.iter().filter(|(_, life)| life.in_flight).map(|(id, _)| *id);
                expect_cut_off(run, index, cut_off.collect(), &mut findings);
            }
            Happened::DeliveryQueued { delivery, .. } => {
                let twice = lives.insert(delivery, Life::default()).is_some();
                twice.then(|| findings.push(at, delivery, "queued twice under one id"));
            }
            Happened::AttemptStarted { delivery, number, .. } => {
                let Some(life) = lives.get_mut(&delivery) else {
                    findings.push(at, delivery, "an attempt of a delivery that was never queued");
                    continue;
                };
                if life.ended || life.in_flight {
                    let state = if life.ended { "the delivery had ended" } else { "another was in flight" };
                    findings.push(at, delivery, format!("attempt {number} started although {state}"));
                }
                if number != life.attempts + 1 {
                    let text = format!("attempt {number} follows attempt {}", life.attempts);
                    findings.push(at, delivery, text);
                }
                life.attempts = number;
                life.in_flight = true;
            }
            Happened::AttemptAcknowledged { delivery, number, .. }
            | Happened::AttemptFailed { delivery, number, .. } => {
                let life = lives.entry(delivery).or_default();
                if !life.in_flight || life.attempts != number {
                    findings.push(
                        at,
                        delivery,
                        format!("an answer to attempt {number}, which is not in flight"),
                    );
                }
                life.in_flight = false;
                life.ended |= matches!(record.event, Happened::AttemptAcknowledged { .. });
            }
            Happened::DeliveryAbandoned { delivery, .. } => {
                let life = lives.entry(delivery).or_default();
                if life.ended {
                    findings.push(at, delivery, "given up after it had ended");
                }
                life.ended = true;
            }
            _ => {}
        }
    }
    findings.1
}

/// What was in flight when the sender stopped must fail for that as soon as it has recovered.
fn expect_cut_off(run: &Run<'_>, index: usize, mut cut_off: BTreeSet<DeliveryId>, findings: &mut Findings) {
    for record in &run.records[index + 1..] {
        match record.event {
            Happened::AttemptFailed { delivery, reason: FailureReason::SenderStopped, .. } => {
                cut_off.remove(&delivery);
            }
            Happened::DeliveryAbandoned { .. } => {}
            _ => break,
        }
    }
    for delivery in cut_off {
        let text = "its attempt was in flight when the sender stopped, and did not fail for that";
        findings.push(run.records[index].at, delivery, text);
    }
}

/// [`Guarantee::IntervalsNeverShrink`].
#[must_use]
pub fn intervals_never_shrink(run: &Run<'_>) -> Vec<Finding> {
    let mut findings = Findings::of(Guarantee::IntervalsNeverShrink);
    let mut waits = BTreeMap::new();
    for record in run.records {
        let at = record.at;
        match record.event {
            Happened::DeliveryQueued { delivery, .. } => {
                waits.insert(delivery, (core::time::Duration::ZERO, at));
            }
            Happened::AttemptFailed { delivery, number, delay: Some(delay), .. } => {
                let before = waits.insert(delivery, (delay, at + delay)).map(|(delay, _)| delay);
                if let Some(before) = before.filter(|before| delay < *before) {
                    let text =
                        format!("the delay after attempt {number} is {delay:?}, after {before:?} before");
                    findings.push(at, delivery, text);
                }
            }
            Happened::AttemptStarted { delivery, number, due, .. } => {
                let promised = waits.get(&delivery).map_or(due, |(_, due)| *due);
                if at < promised || due != promised {
                    let text =
                        format!("attempt {number} started as due at {due:?}, but is due at {promised:?}");
                    findings.push(at, delivery, text);
                }
            }
            _ => {}
        }
    }
    findings.1
}

/// [`Guarantee::OnlySubscribed`]. Redeliveries are asked for by name and not judged.
#[must_use]
pub fn only_subscribed(run: &Run<'_>) -> Vec<Finding> {
    let mut findings = Findings::of(Guarantee::OnlySubscribed);
    let mut published = None;
    for record in run.records {
        match record.event {
            Happened::NotificationPublished { notification, event_type, supplier } => {
                // Its deliveries follow at once: nothing else needs to be remembered.
                published = Some((notification, event_type, supplier));
            }
            Happened::DeliveryQueued {
                delivery,
                notification,
                subscription,
                origin: Origin::Publication,
            } => {
                let Some((_, event_type, supplier)) = published.filter(|(id, ..)| *id == notification) else {
                    findings.push(
                        record.at,
                        delivery,
                        format!("{notification} was not published just before"),
                    );
                    continue;
                };
                if run.settings.get(&subscription).is_some_and(|s| !s.sees(event_type, supplier)) {
                    findings.push(
                        record.at,
                        delivery,
                        format!("{subscription} does not see this {event_type}"),
                    );
                }
            }
            _ => {}
        }
    }
    findings.1
}
