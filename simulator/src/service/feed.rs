//! Records for whoever listens: the latest ones in a ring, from which each subscriber takes at its own pace.
//!
//! Nobody is waited for. A subscriber that falls behind the ring is told so, and goes on with the oldest record that
//! is left. Sequence numbers begin at the microsecond of the start, so they rise over restarts too, as long as there
//! is less than one record for each microsecond.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pns_engine::Record;
use tokio::sync::watch;

use crate::clock;

/// Records kept: some seconds at full load, in 8 MB.
const RING_RECORDS: usize = 65_536;
/// Records that a subscriber takes from the ring at a time.
const TAKEN_AT_ONCE: usize = 256;

/// A record with its place in the sequence of all records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Its place. Numbers rise by one, and over restarts by more.
    pub sequence: u64,
    /// What happened.
    pub record: Record,
}

/// What a subscriber to records is given next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The next record.
    Record(Numbered),
    /// Some are gone that the subscriber did not take in time, or that came before the service started; it goes on
    /// at `next`.
    Missed {
        /// The oldest record that can still be had.
        next: u64,
    },
}

/// The side that is told of records.
#[derive(Clone, Debug)]
pub(super) struct Feed {
    ring: Arc<Mutex<Ring>>,
    /// The sequence number that the next record will have.
    next: watch::Sender<u64>,
}

#[derive(Debug)]
struct Ring {
    /// The sequence number of the oldest record in `records`.
    first: u64,
    records: VecDeque<Record>,
    /// No more will come.
    closed: bool,
}

impl Feed {
    /// A feed whose sequence begins now.
    pub(super) fn new() -> Self {
        Self::from(clock::real_now().as_nanos() / 1_000)
    }

    fn from(first: u64) -> Self {
        let ring = Ring { first, records: VecDeque::new(), closed: false };
        Self { ring: Arc::new(Mutex::new(ring)), next: watch::Sender::new(first) }
    }

    /// Tells all subscribers of `records`.
    pub(super) fn tell(&self, records: &[Record]) {
        if records.is_empty() {
            return;
        }
        let mut ring = lock(&self.ring);
        ring.records.extend(records);
        let surplus = ring.records.len().saturating_sub(RING_RECORDS);
        ring.records.drain(..surplus);
        ring.first += surplus as u64;
        let next = ring.first + ring.records.len() as u64;
        drop(ring);
        self.next.send_replace(next);
    }

    /// No more will come: subscribers hear the end when they have taken what there is.
    pub(super) fn close(&self) {
        lock(&self.ring).closed = true;
        self.next.send_modify(|_| {});
    }

    /// A subscription from the record `from` on; `None`: from the next.
    pub(super) fn subscribe(&self, from: Option<u64>) -> Records {
        let changed = self.next.subscribe();
        let next = from.unwrap_or_else(|| *changed.borrow());
        Records { ring: Arc::clone(&self.ring), changed, next, taken: VecDeque::new() }
    }
}

fn lock(ring: &Mutex<Ring>) -> MutexGuard<'_, Ring> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A subscription to records, in their order. Each is told when it is in the journal.
#[derive(Debug)]
pub struct Records {
    ring: Arc<Mutex<Ring>>,
    changed: watch::Receiver<u64>,
    /// The sequence number wanted next.
    next: u64,
    taken: VecDeque<Heard>,
}

impl Records {
    /// The next record; waits for it. `None`: the simulator has stopped. Cancel-safe.
    pub async fn next(&mut self) -> Option<Heard> {
        loop {
            if let Some(heard) = self.taken.pop_front() {
                return Some(heard);
            }
            // Seen before the ring is looked into, so that what comes after that wakes this.
            self.changed.borrow_and_update();
            if self.take() {
                continue;
            }
            if lock(&self.ring).closed || self.changed.changed().await.is_err() {
                return None;
            }
        }
    }

    /// Waits for a record and passes over all that there are by then; `false`: the simulator has stopped. Cancel-safe.
    pub(crate) async fn latest(&mut self) -> bool {
        self.taken.clear();
        let unseen = *self.changed.borrow_and_update() > self.next;
        if !unseen && (lock(&self.ring).closed || self.changed.changed().await.is_err()) {
            return false;
        }
        self.next = *self.changed.borrow_and_update();
        true
    }

    /// Takes what there is; `false`: nothing.
    fn take(&mut self) -> bool {
        let ring = lock(&self.ring);
        let end = ring.first + ring.records.len() as u64;
        // A number from after the end is another store's, or made up: what is kept is told instead.
        if self.next < ring.first || self.next > end {
            self.next = ring.first;
            self.taken.push_back(Heard::Missed { next: ring.first });
        }
        let skipped = usize::try_from(self.next - ring.first).unwrap_or(usize::MAX);
        for record in ring.records.iter().skip(skipped).take(TAKEN_AT_ONCE) {
            self.taken.push_back(Heard::Record(Numbered { sequence: self.next, record: *record }));
            self.next += 1;
        }
        !self.taken.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use pns_engine::{Happened, SubscriptionId, Timestamp};

    use super::*;

    fn record(number: u64) -> Record {
        let event = Happened::SubscriptionAdded { subscription: SubscriptionId(1) };
        Record { at: Timestamp::from_millis(number), event }
    }

    fn heard(number: u64) -> Option<Heard> {
        Some(Heard::Record(Numbered { sequence: number, record: record(number) }))
    }

    #[tokio::test]
    async fn a_subscriber_hears_what_comes_and_the_end() {
        let feed = Feed::from(10);
        let mut records = feed.subscribe(None);
        feed.tell(&[record(10), record(11)]);
        let mut late = feed.subscribe(Some(11));
        assert_eq!(records.next().await, heard(10));
        assert_eq!(records.next().await, heard(11));
        assert_eq!(late.next().await, heard(11));
        feed.close();
        assert_eq!(records.next().await, None);
        drop(feed);
        assert_eq!(late.next().await, None);
    }

    #[tokio::test]
    async fn one_who_was_too_slow_is_told_so_and_goes_on() {
        let feed = Feed::from(0);
        let mut records = feed.subscribe(None);
        let all: Vec<Record> = (0..RING_RECORDS as u64 + 5).map(record).collect();
        feed.tell(&all);
        assert_eq!(records.next().await, Some(Heard::Missed { next: 5 }));
        for number in 5..RING_RECORDS as u64 + 5 {
            assert_eq!(records.next().await, heard(number));
        }
    }

    #[tokio::test]
    async fn a_number_that_is_not_in_the_ring_is_answered_with_the_oldest_that_is() {
        let feed = Feed::from(100);
        feed.tell(&[record(100)]);
        for from in [3, 7_000] {
            let mut records = feed.subscribe(Some(from));
            assert_eq!(records.next().await, Some(Heard::Missed { next: 100 }));
            assert_eq!(records.next().await, heard(100));
        }
    }

    #[tokio::test]
    async fn one_who_keeps_up_misses_nothing() {
        const ALL: u64 = 50_000;
        let feed = Feed::from(0);
        let mut records = feed.subscribe(None);
        let telling = std::thread::spawn(move || {
            for number in 0..ALL {
                feed.tell(&[record(number)]);
            }
            feed.close();
        });
        for number in 0..ALL {
            assert_eq!(records.next().await, heard(number));
        }
        assert_eq!(records.next().await, None);
        telling.join().unwrap();
    }
}
