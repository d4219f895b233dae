//! Lifecycles that take their time: an event now and then, as PNS time goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pns_engine::{NotificationId, SupplierId, Timestamp};

use super::Keeper;
use super::publish::{Publication, Together};
use crate::clock::LAST;
use crate::journal::Change;
use crate::service::error::ServiceError;
use crate::service::model::{
    EventName, Idempotency, Instant, LifecycleSpec, LifecycleView, Span, SupplierText,
};
use crate::service::stored::{self, Unreadable};
use crate::world::RfpId;

/// Under which keys the journal keeps them, each followed by its number.
const KEY_PREFIX: &str = "lifecycle:";
/// Lifecycles that may be under way: each keeps up to 64 KiB of overrides.
const UNDER_WAY_MAX: usize = 1_000;
/// A step that was refused, because the queue is full, is tried again after so much PNS time.
const REFUSED_FOR: Duration = Duration::from_secs(1);

/// The lifecycles that have steps to come, and which step is next.
#[derive(Debug, Default)]
pub(super) struct Lifecycles {
    /// By the number of the notification that began each.
    under_way: BTreeMap<u64, UnderWay>,
    due: BTreeSet<(Timestamp, u64)>,
}

/// One lifecycle that has steps to come.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct UnderWay {
    pub(in super::super) spec: LifecycleSpec,
    /// Steps that are published.
    pub(in super::super) done: usize,
    /// When the next is published.
    pub(in super::super) next_at: Timestamp,
}

impl UnderWay {
    fn every(&self) -> Duration {
        self.spec.every.map_or(Duration::ZERO, |Span(every)| every)
    }
}

impl Lifecycles {
    /// Reads back what the journal kept.
    ///
    /// # Errors
    /// When one does not read back.
    pub(super) fn recover(meta: &BTreeMap<String, String>) -> Result<Self, Unreadable> {
        let mut lifecycles = Self::default();
        let kept = meta.range(KEY_PREFIX.to_owned()..).take_while(|(key, _)| key.starts_with(KEY_PREFIX));
        for (key, text) in kept {
            let id = key[KEY_PREFIX.len()..].parse();
            let id = id.map_err(|_| Unreadable::Text(format!("the lifecycle `{key}`")))?;
            lifecycles.put(id, stored::lifecycle_from_text(text)?);
        }
        Ok(lifecycles)
    }

    /// When the next step of any is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    fn put(&mut self, id: u64, one: UnderWay) {
        self.due.insert((one.next_at, id));
        if let Some(before) = self.under_way.insert(id, one) {
            self.forget_due(id, before.next_at);
        }
    }

    /// Its moment before, unless that is its moment now.
    fn forget_due(&mut self, id: u64, before: Timestamp) {
        if self.under_way.get(&id).is_none_or(|now| now.next_at != before) {
            self.due.remove(&(before, id));
        }
    }

    fn remove(&mut self, id: u64) -> Option<UnderWay> {
        let ended = self.under_way.remove(&id)?;
        self.due.remove(&(ended.next_at, id));
        Some(ended)
    }
}

impl Keeper {
    /// Publishes a lifecycle's first event; the others follow, each after a span of PNS time.
    pub(in super::super) fn begin_lifecycle(
        &mut self,
        mut spec: LifecycleSpec,
        idempotency: Option<&Idempotency>,
    ) -> Result<Publication, ServiceError> {
        if self.lifecycles.under_way.len() >= UNDER_WAY_MAX {
            let why = format!("{UNDER_WAY_MAX} lifecycles are under way, which is the limit");
            return Err(ServiceError::Conflict(why));
        }
        let every = spec.check()?;
        if spec.rfp.is_none() && self.packs.own().roles().rfp_id.is_some() {
            spec.rfp = Some(RfpId::drawn(self.seed, NotificationId(self.last_notification.0 + 1)));
        }
        let steps = spec.notifications();
        let publication = self.publish(&steps[..1], idempotency, &Together::Nothing)?;
        if let Publication::New(published) = &publication
            && let (Some(first), Some(every)) = (published.notifications.first(), every)
        {
            let next_at = self.driver.now() + every;
            self.keep_lifecycle(first.id, UnderWay { spec, done: 1, next_at });
        }
        Ok(publication)
    }

    fn keep_lifecycle(&mut self, id: u64, one: UnderWay) {
        let change = Change::MetaPut { key: key(id), value: stored::lifecycle_to_text(&one) };
        self.batch.changes.push(change);
        self.lifecycles.put(id, one);
    }

    /// Publishes the steps that are due. Tells whether there were any.
    pub(super) fn take_lifecycle_steps(&mut self) -> bool {
        let now = self.driver.now();
        let mut any = false;
        while let Some((at, id)) = self.lifecycles.due.first().copied().filter(|(at, _)| *at <= now) {
            any = true;
            let Some(one) = self.lifecycles.under_way.get(&id).cloned() else {
                self.lifecycles.due.remove(&(at, id));
                continue;
            };
            self.take_step(id, one, now);
        }
        any
    }

    fn take_step(&mut self, id: u64, one: UnderWay, now: Timestamp) {
        let steps = one.spec.notifications();
        let Some(step) = steps.get(one.done..=one.done) else {
            self.forget_lifecycle(id);
            return;
        };
        match self.publish(step, None, &Together::Nothing) {
            Ok(_) if one.done + 1 == steps.len() => {
                self.forget_lifecycle(id);
            }
            // From when it was due, so that the spans stay even; but what a standstill kept back is not made up for.
            Ok(_) => {
                let on_time = one.next_at + one.every();
                let next_at = if on_time > now { on_time } else { now + one.every() };
                self.keep_lifecycle(id, UnderWay { done: one.done + 1, next_at, ..one });
            }
            Err(ServiceError::QueueFull { .. }) => {
                self.keep_lifecycle(id, UnderWay { next_at: now + REFUSED_FOR, ..one });
            }
            // Its pack or its settings no longer allow it, and will not later.
            Err(_) => {
                self.forget_lifecycle(id);
            }
        }
    }

    fn forget_lifecycle(&mut self, id: u64) -> bool {
        let known = self.lifecycles.remove(id).is_some();
        if known {
            self.batch.changes.push(Change::MetaRemoved { key: key(id) });
        }
        known
    }

    /// Ends the lifecycles of an RFP that its supplier turned down: the rest of them would not happen.
    pub(super) fn end_lifecycles_of(&mut self, rfp: RfpId, supplier: SupplierId) {
        let own = SupplierText(self.supplier);
        let of_it = |one: &UnderWay| {
            one.spec.rfp == Some(rfp) && one.spec.supplier.unwrap_or(own) == SupplierText(supplier)
        };
        let all = self.lifecycles.under_way.iter();
        let ended: Vec<u64> = all.filter(|(_, one)| of_it(one)).map(|(id, _)| *id).collect();
        for id in ended {
            self.forget_lifecycle(id);
        }
    }

    /// The lifecycles that have steps to come.
    pub(in super::super) fn lifecycles(&self) -> Vec<LifecycleView> {
        let view = |(id, one): (&u64, &UnderWay)| {
            let events = one.spec.course.events();
            let left = events.get(one.done..).unwrap_or_default();
            let next = *left.first()?;
            Some(LifecycleView {
                id: *id,
                course: one.spec.course,
                supplier: one.spec.supplier,
                rfp: one.spec.rfp,
                every: Span(one.every()),
                published: one.done as u64,
                left: left.len() as u64,
                next: EventName(next),
                next_at: Some(one.next_at).filter(|at| *at <= LAST).map(Instant),
            })
        };
        self.lifecycles.under_way.iter().filter_map(view).collect()
    }

    /// Ends a lifecycle: what it published stays.
    pub(in super::super) fn end_lifecycle(&mut self, id: u64) -> Result<(), ServiceError> {
        let known = self.forget_lifecycle(id);
        known.then_some(()).ok_or(ServiceError::NotFound { what: "lifecycle", id })
    }
}

fn key(id: u64) -> String {
    format!("{KEY_PREFIX}{id}")
}
