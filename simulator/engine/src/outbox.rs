//! One subscription at work: its settings, what waits for it, and what stands in the way of a start.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use crate::blockage::Blockage;
use crate::id::{DeliveryId, SubscriptionId, WindowId};
use crate::queue::{Queue, Turn};
use crate::rate_limit::{Meter, RateLimit};
use crate::record::Deferrals;
use crate::schedule::Place;
use crate::sender::WakeReason;
use crate::subscription::Subscription;
use crate::time::Timestamp;

/// The state of one subscription.
#[derive(Debug)]
pub(crate) struct Outbox {
    pub(crate) settings: Box<Subscription>,
    pub(crate) queue: Queue,
    /// Windows that are not over.
    pub(crate) windows: BTreeMap<WindowId, Window>,
    /// How many of them are open.
    pub(crate) windows_open: usize,
    pub(crate) in_flight: u32,
    /// Removed: kept until the last attempt in flight is answered.
    pub(crate) removed: bool,
    pub(crate) meter: Meter,
    pub(crate) downtime: Blockage,
    pub(crate) full: Blockage,
    pub(crate) hold: Hold,
    pub(crate) place: Option<Place>,
}

/// A downtime window that is not over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) open: bool,
}

impl Window {
    /// Whether `now` lies in it.
    pub(crate) fn covers(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

/// Spans in which a failing delivery held back the others.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hold {
    holder: Option<(DeliveryId, Timestamp)>,
    /// The latest span's end, and who held: it was not held back itself then, but perhaps in the span before.
    last: Option<DeliveryId>,
    until: Timestamp,
    until_before: Timestamp,
}

impl Hold {
    /// Notes who holds back the others from `now` on.
    pub(crate) fn note(&mut self, holder: Option<DeliveryId>, now: Timestamp) {
        if self.holder.map(|(id, _)| id) == holder {
            return;
        }
        if let Some((id, since)) = self.holder
            && now > since
        {
            if self.last != Some(id) {
                self.until_before = self.until;
            }
            self.last = Some(id);
            self.until = now;
        }
        self.holder = holder.map(|id| (id, now));
    }

    /// Whether delivery `id`, due at `due`, was held back by another.
    fn deferred(&self, id: DeliveryId, due: Timestamp) -> bool {
        let until = if self.last == Some(id) { self.until_before } else { self.until };
        until > due
    }
}

impl Outbox {
    /// A subscription that begins, or goes on after a stop, with what `meter` has counted.
    pub(crate) fn new(settings: Box<Subscription>, meter: Meter) -> Self {
        let mut outbox = Self {
            settings,
            queue: Queue::default(),
            windows: BTreeMap::new(),
            windows_open: 0,
            in_flight: 0,
            removed: false,
            meter,
            downtime: Blockage::default(),
            full: Blockage::default(),
            hold: Hold::default(),
            place: None,
        };
        if outbox.settings.failing_delivery == crate::FailingDelivery::HoldsBackOthers {
            outbox.queue.make_strict(core::iter::empty());
        }
        outbox
    }

    /// When the next attempt may start, as far as is known now, and why then.
    pub(crate) fn next_start(&self, id: SubscriptionId) -> Option<(Timestamp, WakeReason)> {
        if self.removed || self.windows_open > 0 || self.is_full() {
            return None;
        }
        let (due, turn) = self.queue.next_due()?;
        let free_at = self.meter.free_at(self.limit());
        Some(if free_at > due {
            (free_at, WakeReason::RateLimitFree(id))
        } else {
            (
                due,
                if turn == Turn::First { WakeReason::FirstAttemptDue(id) } else { WakeReason::RetryDue(id) },
            )
        })
    }

    /// The rate limit in force.
    pub(crate) fn limit(&self) -> Option<&RateLimit> {
        self.settings.rate_limit.as_ref()
    }

    /// Changes the rate limit. Tells whether that was a change.
    pub(crate) fn set_limit(&mut self, limit: Option<RateLimit>, now: Timestamp) -> bool {
        let old = self.settings.rate_limit;
        self.meter.change(old.as_ref(), limit.as_ref(), now);
        self.settings.rate_limit = limit;
        old != limit
    }

    fn is_full(&self) -> bool {
        self.in_flight >= self.settings.concurrency.get()
    }

    /// To be called after attempts in flight, their bound, or the failing deliveries have changed.
    pub(crate) fn note_obstacles(&mut self, now: Timestamp) {
        self.full.set(self.is_full(), now);
        self.hold.note(self.queue.holder(), now);
    }

    /// Counts a start at `now` of what was due at `due`, and tells what had made it wait. `recovered` is when
    /// the sender did, if it ever had to.
    pub(crate) fn count_start(
        &mut self,
        id: DeliveryId,
        due: Timestamp,
        now: Timestamp,
        recovered: Timestamp,
    ) -> Deferrals {
        assert!(self.windows_open == 0, "invariant: nothing starts in a downtime window");
        assert!(!self.is_full(), "invariant: no more attempts in flight than the concurrency");
        assert!(due <= now, "invariant: nothing starts before it is due");
        let rate_limit = self.meter.count(self.settings.rate_limit.as_ref(), due, now);
        self.in_flight += 1;
        let deferrals = Deferrals {
            downtime: self.downtime.deferred(due),
            rate_limit,
            concurrency: self.full.deferred(due),
            held_back: self.hold.deferred(id, due),
            sender_stopped: due < recovered,
        };
        self.note_obstacles(now);
        deferrals
    }

    /// The sender has recovered at `now`: what made deliveries wait before is forgotten, and what has fallen
    /// due by now goes out oldest first, as after downtime.
    pub(crate) fn recover(&mut self, now: Timestamp) {
        self.downtime = Blockage::default();
        if self.windows_open > 0 {
            self.downtime.begin(now);
        }
        self.full = Blockage::default();
        self.hold = Hold::default();
        self.place = None;
        self.meter.recover(self.settings.rate_limit.as_ref(), now);
        self.queue.flush(now);
    }

    /// A window has opened at `now`.
    pub(crate) fn count_opened(&mut self, now: Timestamp) {
        self.windows_open += 1;
        self.downtime.begin(now);
    }

    /// An open window is over at `now`; with the last of them downtime ends.
    pub(crate) fn count_closed(&mut self, now: Timestamp) {
        assert!(self.windows_open > 0, "invariant: only an open window closes");
        self.windows_open -= 1;
        if self.windows_open == 0 {
            self.downtime.end(now);
            self.queue.flush(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(second: u64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    #[test]
    fn a_delivery_is_held_back_by_others_and_never_by_itself() {
        let (a, b) = (DeliveryId(1), DeliveryId(2));
        let mut hold = Hold::default();
        for (holder, second) in [(Some(a), 0), (None, 10), (Some(a), 20), (None, 30)] {
            hold.note(holder, at(second));
        }
        assert!(!hold.deferred(a, at(5)), "it held twice, and nobody else did");
        assert!(hold.deferred(b, at(5)));
        hold.note(Some(b), at(40));
        hold.note(None, at(50));
        assert!(hold.deferred(a, at(5)));
        assert!(hold.deferred(b, at(5)), "by the other one, until 30");
        assert!(!hold.deferred(b, at(30)));
    }
}
