//! Failures injected inside the sender, so that no proxy and no change to the receiver is needed.
//!
//! A [`Injection`] changes one attempt. The transport carries it out; which attempt gets which is planned by
//! [`FaultPlan`], a pure value.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pns_engine::{NotificationId, SubscriptionId, Timestamp, Transmit};

/// What is done to one attempt instead of, or beside, sending it as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Injection {
    /// As if nothing listened. Nothing is sent.
    Refuse,
    /// As if no connection came about within the connect timeout. Nothing is sent.
    ConnectTimeout,
    /// As if the host name did not resolve. Nothing is sent.
    NameResolution,
    /// The connection is reset (TCP RST) after the request's head, before its body.
    ResetBeforeBody,
    /// The connection is reset (TCP RST) after the whole request, before the answer is read.
    ResetAfterBody,
    /// Half of the announced body is sent, then the connection is closed.
    CutBody,
    /// The body is sent in pieces spread over this span of real time; otherwise as usual.
    SlowBody(Duration),
    /// The whole request is sent and the receiver's answer awaited; the answer never reaches the sender,
    /// which sees an acknowledgement timeout.
    AckLost,
    /// The whole request is sent and answered; the sender sees this status instead.
    Answer(u16),
    /// The request is sent a second time, on another connection, while the first is under way. The first's
    /// answer counts.
    Duplicate,
    /// `Authorization: api_key` with another key of the same length.
    WrongKey,
    /// No `Authorization` header.
    NoKey,
    /// Headers added to the request, as an intermediary might.
    ExtraHeaders(Vec<(String, String)>),
}

/// Which attempts get which injection. Pure: asked once for each attempt, in the order of their starts.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    /// By number: those planned first come first.
    faults: BTreeMap<u32, Fault>,
    last: u32,
    /// Those that were used, or have ended, since [`FaultPlan::take_changed`].
    changed: BTreeSet<u32>,
}

/// One planned failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What to do wrong.
    pub injection: Injection,
    /// For how long.
    pub extent: Extent,
    /// Only attempts of this subscription; `None`: of all.
    pub subscription: Option<SubscriptionId>,
    /// Only attempts of these notifications; `None`: of all.
    pub notifications: Option<BTreeSet<NotificationId>>,
}

/// How long a fault lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// For so many attempts.
    Attempts(u32),
    /// For attempts that start before this instant of PNS time.
    Until(Timestamp),
}

impl FaultPlan {
    /// Plans a fault and gives its number. Of several that fit an attempt, the one planned first is carried out.
    pub fn plan(&mut self, fault: Fault) -> u32 {
        self.last += 1;
        self.faults.insert(self.last, fault);
        self.last
    }

    /// Plans a fault again under the number that it had; new ones get greater numbers.
    pub fn plan_again(&mut self, number: u32, fault: Fault) {
        self.last = self.last.max(number);
        self.faults.insert(number, fault);
    }

    /// Numbers new faults after `number` at least.
    pub fn number_after(&mut self, number: u32) {
        self.last = self.last.max(number);
    }

    /// The faults planned, as far as they are not used up, by number.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Fault)> {
        self.faults.iter().map(|(number, fault)| (*number, fault))
    }

    /// One fault, unless it is used up.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Fault> {
        self.faults.get(&number)
    }

    /// Forgets one fault, and that it was used.
    pub fn remove(&mut self, number: u32) -> Option<Fault> {
        self.changed.remove(&number);
        self.faults.remove(&number)
    }

    /// Forgets the faults planned for one subscription; `None`: all faults.
    pub fn clear(&mut self, subscription: Option<SubscriptionId>) {
        self.faults.retain(|_, fault| subscription.is_some() && fault.subscription != subscription);
    }

    /// The numbers of the faults that attempts have used, or that have ended, since this was last asked.
    pub fn take_changed(&mut self) -> BTreeSet<u32> {
        std::mem::take(&mut self.changed)
    }

    /// What to do to the attempt that starts now, counting it against its fault.
    pub fn injection_for(&mut self, attempt: &Transmit, now: Timestamp) -> Option<Injection> {
        if self.faults.is_empty() {
            return None;
        }
        let Self { faults, changed, .. } = self;
        faults.retain(|number, fault| {
            let lasts = match fault.extent {
                Extent::Attempts(left) => left > 0,
                Extent::Until(end) => now < end,
            };
            if !lasts {
                changed.insert(*number);
            }
            lasts
        });
        let (number, fault) = faults.iter_mut().find(|(_, fault)| fault.fits(attempt))?;
        if let Extent::Attempts(left) = &mut fault.extent {
            *left -= 1;
            changed.insert(*number);
        }
        Some(fault.injection.clone())
    }
}

impl Fault {
    fn fits(&self, attempt: &Transmit) -> bool {
        self.subscription.is_none_or(|subscription| subscription == attempt.subscription)
            && self.notifications.as_ref().is_none_or(|some| some.contains(&attempt.notification))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pns_engine::{DeliveryId, EventType};

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn attempt(subscription: u32, notification: u64) -> Transmit {
        Transmit {
            delivery: DeliveryId(notification),
            subscription: SubscriptionId(subscription),
            notification: NotificationId(notification),
            event_type: EventType::RfpSend,
            number: 1,
            published: NOW,
        }
    }

    fn fault(injection: Injection, extent: Extent) -> Fault {
        Fault { injection, extent, subscription: None, notifications: None }
    }

    #[test]
    fn a_counted_fault_hits_that_many_attempts_and_the_next_fault_follows() {
        let mut plan = FaultPlan::default();
        plan.plan(fault(Injection::Refuse, Extent::Attempts(2)));
        plan.plan(fault(Injection::AckLost, Extent::Attempts(1)));
        let hits: Vec<_> = (0..4).map(|n| plan.injection_for(&attempt(0, n), NOW)).collect();
        let expected = [Some(Injection::Refuse), Some(Injection::Refuse), Some(Injection::AckLost), None];
        assert_eq!(hits, expected);
    }

    #[test]
    fn a_fault_for_a_span_ends_with_it() {
        let mut plan = FaultPlan::default();
        let end = NOW + Duration::from_secs(60);
        plan.plan(fault(Injection::Refuse, Extent::Until(end)));
        let last = Timestamp::from_nanos(end.as_nanos() - 1);
        assert_eq!(plan.injection_for(&attempt(0, 1), last), Some(Injection::Refuse));
        assert_eq!(plan.injection_for(&attempt(0, 2), end), None);
    }

    #[test]
    fn a_fault_can_be_for_one_subscription_or_for_some_notifications() {
        let mut plan = FaultPlan::default();
        let on_one =
            Fault { subscription: Some(SubscriptionId(1)), ..fault(Injection::NoKey, Extent::Attempts(9)) };
        let of_some = Fault {
            notifications: Some([NotificationId(7)].into()),
            ..fault(Injection::WrongKey, Extent::Attempts(9))
        };
        plan.plan(on_one);
        plan.plan(of_some);
        assert_eq!(plan.injection_for(&attempt(0, 1), NOW), None);
        assert_eq!(plan.injection_for(&attempt(1, 1), NOW), Some(Injection::NoKey));
        assert_eq!(plan.injection_for(&attempt(0, 7), NOW), Some(Injection::WrongKey));
    }

    #[test]
    fn what_is_used_or_over_is_told_once_and_what_is_forgotten_is_not() {
        let mut plan = FaultPlan::default();
        let numbers: Vec<u32> =
            (0..3).map(|_| plan.plan(fault(Injection::Refuse, Extent::Attempts(1)))).collect();
        plan.injection_for(&attempt(0, 1), NOW);
        assert_eq!(plan.take_changed(), [numbers[0]].into());
        plan.injection_for(&attempt(0, 2), NOW);
        assert_eq!(plan.get(numbers[0]), None, "it was used up");
        plan.remove(numbers[1]);
        assert_eq!(plan.take_changed(), [numbers[0]].into());
        plan.plan_again(9, fault(Injection::Refuse, Extent::Attempts(1)));
        assert_eq!(plan.plan(fault(Injection::Refuse, Extent::Attempts(1))), 10);
    }
}
