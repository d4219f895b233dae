//! The deliveries of one subscription that wait for an attempt, and the order in which they start.
//!
//! First attempts wait in the order of publishing, retries in the order of their due times. Which of the two
//! goes first when both are due:
//! * after a downtime window whatever had fallen due by its end, oldest due first (the flush);
//! * otherwise by turns, so that a heap of retries cannot starve what is new, nor the reverse;
//! * where a failing delivery holds back the others, the oldest failing one and nothing else.

use alloc::collections::{BTreeMap, VecDeque};

use crate::delivery::Delivery;
use crate::id::DeliveryId;
use crate::time::Timestamp;

/// First attempts and retries of one subscription.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    firsts: VecDeque<(DeliveryId, Delivery)>,
    retries: BTreeMap<(Timestamp, DeliveryId), Delivery>,
    /// Kept in strict order only: see [`Strict`].
    strict: Option<Strict>,
    /// The end of the latest downtime: what fell due by then goes out oldest first.
    flush_until: Timestamp,
    turn: Turn,
}

/// The failing deliveries by age, waiting or in flight, for a subscription in which the oldest of them holds
/// back all others. The value is the due time, `None` while in flight.
type Strict = BTreeMap<DeliveryId, Option<Timestamp>>;

/// Whether a start is a first attempt or a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Turn {
    /// A first attempt.
    #[default]
    First,
    /// A retry.
    Retry,
}

/// A delivery taken from the queue to be started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) id: DeliveryId,
    pub(crate) due: Timestamp,
    pub(crate) delivery: Delivery,
}

impl Queue {
    /// Deliveries that wait.
    pub(crate) fn len(&self) -> usize {
        self.firsts.len() + self.retries.len()
    }

    /// Deliveries that wait and have fallen due by `now`. Walks the retries that are due.
    pub(crate) fn due(&self, now: Timestamp) -> usize {
        self.firsts.len() + self.retries.range(..=(now, DeliveryId(u64::MAX))).count()
    }

    /// Queues a first attempt, due at once.
    pub(crate) fn push_first(&mut self, id: DeliveryId, delivery: Delivery) {
        self.firsts.push_back((id, delivery));
    }

    /// Queues a retry.
    pub(crate) fn push_retry(&mut self, id: DeliveryId, due: Timestamp, delivery: Delivery) {
        if let Some(strict) = &mut self.strict {
            strict.insert(id, Some(due));
        }
        self.retries.insert((due, id), delivery);
    }

    /// A retry is in flight that was not taken from this queue.
    pub(crate) fn note_in_flight(&mut self, id: DeliveryId) {
        if let Some(strict) = &mut self.strict {
            strict.insert(id, None);
        }
    }

    /// A delivery in flight has ended, delivered or abandoned.
    pub(crate) fn end(&mut self, id: DeliveryId) {
        if let Some(strict) = &mut self.strict {
            strict.remove(&id);
        }
    }

    /// The failing delivery that holds back all others, in strict order.
    pub(crate) fn holder(&self) -> Option<DeliveryId> {
        self.strict.as_ref()?.first_key_value().map(|(id, _)| *id)
    }

    /// Whether the subscription keeps strict order.
    pub(crate) fn is_strict(&self) -> bool {
        self.strict.is_some()
    }

    /// Goes over to strict order; `in_flight` are the subscription's deliveries whose retry is in flight.
    pub(crate) fn make_strict(&mut self, in_flight: impl Iterator<Item = DeliveryId>) {
        let waiting = self.retries.keys().map(|(due, id)| (*id, Some(*due)));
        self.strict = Some(waiting.chain(in_flight.map(|id| (id, None))).collect());
    }

    /// Leaves strict order.
    pub(crate) fn make_loose(&mut self) {
        self.strict = None;
    }

    /// Downtime ended at `end`: what has fallen due by then goes out oldest first.
    pub(crate) fn flush(&mut self, end: Timestamp) {
        self.flush_until = self.flush_until.max(end);
    }

    /// When the next delivery falls due, and of which kind it is. `None`: nothing will start by time alone.
    pub(crate) fn next_due(&self) -> Option<(Timestamp, Turn)> {
        if let Some((_, due)) = self.strict.as_ref().and_then(BTreeMap::first_key_value) {
            return due.map(|due| (due, Turn::Retry));
        }
        let first = self.firsts.front().map(|(_, delivery)| (delivery.published, Turn::First));
        let retry = self.retries.first_key_value().map(|((due, _), _)| (*due, Turn::Retry));
        match (first, retry) {
            (Some(first), Some(retry)) => Some(if retry.0 < first.0 { retry } else { first }),
            (first, retry) => first.or(retry),
        }
    }

    /// When what waits longest fell due, or falls due, whatever holds it back.
    pub(crate) fn oldest_due(&self) -> Option<Timestamp> {
        let first = self.firsts.front().map(|(_, delivery)| delivery.published);
        let retry = self.retries.first_key_value().map(|((due, _), _)| *due);
        [first, retry].into_iter().flatten().min()
    }

    /// Takes the delivery whose turn it is at `now`, if one is due.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<Taken> {
        if let Some(strict) = &mut self.strict
            && let Some(mut oldest) = strict.first_entry()
        {
            let id = *oldest.key();
            let due = (*oldest.get()).filter(|due| *due <= now)?;
            *oldest.get_mut() = None;
            let delivery = self.retries.remove(&(due, id)).expect("strict order lists what waits");
            return Some(Taken { id, due, delivery });
        }
        let first = self.firsts.front().map(|(id, delivery)| (delivery.published, *id));
        let first = first.filter(|(due, _)| *due <= now);
        let retry = self.retries.first_key_value().map(|(key, _)| *key).filter(|(due, _)| *due <= now);
        let turn = match (first, retry) {
            (None, None) => return None,
            (Some(_), None) => Turn::First,
            (None, Some(_)) => Turn::Retry,
            (Some(first), Some(retry)) if first.min(retry).0 <= self.flush_until => {
                if first < retry {
                    Turn::First
                } else {
                    Turn::Retry
                }
            }
            (Some(_), Some(_)) => self.turn,
        };
        match turn {
            Turn::First => {
                self.turn = Turn::Retry;
                let (id, delivery) = self.firsts.pop_front()?;
                self.give_back();
                Some(Taken { id, due: delivery.published, delivery })
            }
            Turn::Retry => {
                self.turn = Turn::First;
                let ((due, id), delivery) = self.retries.pop_first()?;
                Some(Taken { id, due, delivery })
            }
        }
    }

    /// Gives back memory that a backlog of first attempts took and no longer needs.
    fn give_back(&mut self) {
        const KEPT: usize = 1_024;
        if self.firsts.capacity() > KEPT && self.firsts.len() < self.firsts.capacity() / 4 {
            self.firsts.shrink_to((self.firsts.len() * 2).max(KEPT / 2));
        }
    }

    /// Every delivery that waits, with its due time: first attempts, then retries.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (DeliveryId, Timestamp, &Delivery)> {
        let firsts = self.firsts.iter().map(|(id, delivery)| (*id, delivery.published, delivery));
        firsts.chain(self.retries.iter().map(|((due, id), delivery)| (*id, *due, delivery)))
    }

    /// Empties the queue: first attempts in the order of publishing, then retries in the order of due times.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = DeliveryId> {
        let firsts = core::mem::take(&mut self.firsts);
        let retries = core::mem::take(&mut self.retries);
        if let Some(strict) = &mut self.strict {
            strict.retain(|_, due| due.is_none());
        }
        firsts.into_iter().map(|(id, _)| id).chain(retries.into_keys().map(|(_, id)| id))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::event_type::EventType;
    use crate::id::NotificationId;

    const fn at(second: u64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    fn delivery(published: u64) -> Delivery {
        Delivery::new(NotificationId(1), EventType::RfpSend, at(published))
    }

    fn take_all(queue: &mut Queue, now: u64) -> Vec<u64> {
        core::iter::from_fn(|| queue.take(at(now))).map(|taken| taken.id.0).collect()
    }

    fn three_retries_and_three_firsts() -> Queue {
        let mut queue = Queue::default();
        for (id, published) in [(4, 11), (5, 21), (6, 31)] {
            queue.push_first(DeliveryId(id), delivery(published));
        }
        for (id, due) in [(3, 30), (2, 20), (1, 10)] {
            queue.push_retry(DeliveryId(id), at(due), delivery(0));
        }
        queue
    }

    #[test]
    fn first_attempts_and_retries_alternate() {
        let mut queue = three_retries_and_three_firsts();
        assert_eq!(take_all(&mut queue, 100), [4, 1, 5, 2, 6, 3]);
    }

    #[test]
    fn after_downtime_the_oldest_due_goes_first_and_then_by_turns() {
        let mut queue = three_retries_and_three_firsts();
        queue.flush(at(15));
        assert_eq!(take_all(&mut queue, 100), [1, 4, 2, 5, 3, 6]);
    }

    #[test]
    fn nothing_is_taken_before_it_is_due() {
        let mut queue = Queue::default();
        queue.push_retry(DeliveryId(1), at(10), delivery(0));
        assert_eq!(queue.next_due(), Some((at(10), Turn::Retry)));
        assert_eq!(take_all(&mut queue, 9), []);
        assert_eq!((queue.len(), queue.due(at(9)), queue.due(at(10))), (1, 0, 1));
        assert_eq!(take_all(&mut queue, 10), [1]);
    }

    #[test]
    fn in_strict_order_the_oldest_failing_delivery_holds_back_all_others_until_it_ends() {
        let mut queue = three_retries_and_three_firsts();
        queue.make_strict(core::iter::empty());
        assert_eq!(take_all(&mut queue, 100), [1], "while it is in flight nothing else goes");
        assert_eq!(queue.next_due(), None);
        queue.push_retry(DeliveryId(1), at(200), delivery(0));
        assert_eq!(take_all(&mut queue, 100), []);
        assert_eq!(take_all(&mut queue, 200), [1]);
        for (id, next) in [(1, 2), (2, 3)] {
            queue.end(DeliveryId(id));
            assert_eq!(take_all(&mut queue, 200), [next]);
        }
        queue.end(DeliveryId(3));
        assert_eq!(take_all(&mut queue, 200), [4, 5, 6]);
    }
}
