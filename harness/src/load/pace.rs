//! Where the next arrival comes from: at its due time, or as soon as somebody is free to send it.
//!
//! Due times are kept by a thread that sleeps until the next one: the timer of the asynchronous runtime ticks in whole
//! milliseconds, the machine's own in a twentieth of that. What is due goes to a bounded queue, from which free
//! senders take it; the one that was busy last is woken first, so that no more connections are made than the load
//! needs.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use pns_simulator::clock::Stopwatch;

use super::record::{Filed, NotSent, Recorder};
use super::segment::Segment;
use super::shape::Schedule;

/// Arrivals that are closer than this are released together.
const QUANTUM: Duration = Duration::from_micros(100);

/// The most that are released together.
const BATCH_MAX: usize = 256;

/// How often it is looked whether a limited release may go on.
const HELD_BACK: Duration = Duration::from_millis(1);

/// How much of a limit may be caught up with at once: what a machine oversleeps would be lost to the rate otherwise.
const CATCH_UP: Duration = Duration::from_millis(5);

/// An arrival that may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// Its number in this round, from 0.
    pub(super) k: u64,
    /// When it was due.
    pub(super) due: Duration,
    /// When it was released.
    pub(super) released: Duration,
}

/// Where arrivals come from.
#[derive(Debug)]
pub(super) enum Source {
    /// From the clock.
    Paced(Queue),
    /// From the senders themselves.
    Pulled(Pull),
}

impl Source {
    /// Under which time what comes of them is shown.
    pub(super) fn filed(&self) -> Filed {
        match self {
            Self::Pulled(Pull { due: PullDue::AtStart, .. }) => Filed::Ended,
            Self::Paced(_) | Self::Pulled(_) => Filed::Due,
        }
    }

    /// How many were released, or dropped, so far.
    pub(super) fn released(&self) -> u64 {
        match self {
            Self::Paced(queue) => queue.released.load(Ordering::Relaxed),
            Self::Pulled(pull) => pull.released.load(Ordering::Relaxed),
        }
    }

    /// How many were dropped because too many waited.
    pub(super) fn dropped(&self) -> u64 {
        match self {
            Self::Paced(queue) => queue.dropped.load(Ordering::Relaxed),
            Self::Pulled(_) => 0,
        }
    }

    /// Releases nothing more.
    pub(super) fn stop(&self) {
        match self {
            Self::Paced(queue) => queue.stopped.store(true, Ordering::Relaxed),
            Self::Pulled(pull) => pull.stopped.store(true, Ordering::Relaxed),
        }
    }

    /// Takes back what still waits.
    pub(super) fn discard(&self) -> VecDeque<Due> {
        match self {
            Self::Paced(queue) => std::mem::take(&mut queue.state().waiting),
            Self::Pulled(_) => VecDeque::new(),
        }
    }
}

/// Arrivals that are taken as soon as somebody is free.
#[derive(Debug)]
pub(super) struct Pull {
    /// When they count as due.
    pub(super) due: PullDue,
    /// How many there are; `None`: without end.
    pub(super) count: Option<u64>,
    /// When no more is begun.
    pub(super) until: Option<Duration>,
    released: AtomicU64,
    stopped: AtomicBool,
}

/// When a pulled arrival counts as due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PullDue {
    /// All at the start of the round.
    AtStart,
    /// When it is taken.
    WhenTaken,
}

impl Pull {
    pub(super) fn new(due: PullDue, count: Option<u64>, until: Option<Duration>) -> Self {
        Self { due, count, until, released: AtomicU64::new(0), stopped: AtomicBool::new(false) }
    }

    /// The next arrival, where `now` is the time; `None`: there are no more.
    pub(super) fn take(&self, now: Duration) -> Option<Due> {
        if self.stopped.load(Ordering::Relaxed) || self.until.is_some_and(|until| now >= until) {
            return None;
        }
        let take = |k: u64| self.count.is_none_or(|count| k < count).then_some(k + 1);
        let k = self.released.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
        Some(match self.due {
            PullDue::AtStart => Due { k, due: Duration::ZERO, released: Duration::ZERO },
            PullDue::WhenTaken => Due { k, due: now, released: now },
        })
    }
}

/// Arrivals that are due and wait for somebody to send them.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    most: usize,
    released: AtomicU64,
    dropped: AtomicU64,
    stopped: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Due>,
    /// Senders without work, the last to become so at the end.
    idle: Vec<(usize, Waker)>,
    /// How many of them were woken, and have not come yet.
    woken: usize,
    /// When the last was released.
    ended: Option<Duration>,
}

impl Queue {
    /// An empty one in which at most so many wait.
    pub(super) fn new(most: usize) -> Self {
        Self {
            state: Mutex::default(),
            most,
            released: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    /// The next arrival for `sender`; `None`: there are no more.
    pub(super) async fn take(&self, sender: usize) -> Option<Due> {
        let mut parked = false;
        std::future::poll_fn(|cx| {
            let mut state = self.state();
            if parked {
                // Woken by a release, or by chance.
                let idle = state.idle.len();
                state.idle.retain(|(other, _)| *other != sender);
                state.woken -= usize::from(state.idle.len() == idle && state.woken > 0);
            }
            if let Some(due) = state.waiting.pop_front() {
                return Poll::Ready(Some(due));
            }
            if state.ended.is_some() {
                return Poll::Ready(None);
            }
            parked = true;
            state.idle.push((sender, cx.waker().clone()));
            Poll::Pending
        })
        .await
    }

    /// When the last was released.
    pub(super) fn ended(&self) -> Option<Duration> {
        self.state().ended
    }

    /// Releases a batch: the first of it that find room. The others are the caller's to count.
    fn release<'a>(&self, batch: &'a [Due], wake: &mut Vec<Waker>) -> &'a [Due] {
        let mut state = self.state();
        // Those who are idle take theirs at once.
        let room = (self.most + state.idle.len() + state.woken).saturating_sub(state.waiting.len());
        let (fit, rest) = batch.split_at(batch.len().min(room));
        state.waiting.extend(fit);
        let left = state.idle.len().saturating_sub(fit.len());
        wake.extend(state.idle.drain(left..).rev().map(|(_, waker)| waker));
        state.woken += wake.len();
        drop(state);
        wake.drain(..).for_each(Waker::wake);
        self.released.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.dropped.fetch_add(rest.len() as u64, Ordering::Relaxed);
        rest
    }

    fn end(&self, now: Duration) {
        let mut state = self.state();
        state.ended = Some(now);
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        idle.into_iter().for_each(|(_, waker)| waker.wake());
    }

    fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which arrivals are released, and how.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// When they are due.
    pub(super) schedule: Arc<Schedule>,
    /// Which of the schedule's are in this round.
    pub(super) segment: Segment,
    /// The time between two, and none while others wait: a limit holds for what is sent, not for what is due.
    pub(super) spacing: Option<Duration>,
}

impl Pace {
    /// Releases all to `queue`, and returns what found no room. Ends early when the queue was stopped.
    pub(super) fn keep(&self, queue: &Queue, watch: Stopwatch) -> Recorder {
        let mut recorder = Recorder::default();
        let mut wake = Vec::new();
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut free = Duration::ZERO;
        let count = self.segment.count(self.schedule.count());
        let mut release = |batch: &mut Vec<Due>| {
            for due in queue.release(batch, &mut wake) {
                recorder.record_not_sent(due.due, NotSent::BacklogFull);
            }
            batch.clear();
        };
        for k in 0..count {
            let Some(due) = self.schedule.due(self.segment.nth(k)) else { break };
            let mut released = watch.elapsed();
            if due.max(free) > released || batch.len() == BATCH_MAX {
                release(&mut batch);
                released = wait(queue, watch, due.max(free));
            }
            if let Some(spacing) = self.spacing {
                // Who waits for a connection waits by the receiver's doing, not by ours.
                let few = CATCH_UP.as_nanos() / spacing.as_nanos().max(1);
                while queue.waiting() as u128 > few && !queue.stopped.load(Ordering::Relaxed) {
                    thread::park_timeout(HELD_BACK);
                    released = due;
                }
            }
            if queue.stopped.load(Ordering::Relaxed) {
                break;
            }
            batch.push(Due { k, due, released });
            if let Some(spacing) = self.spacing {
                release(&mut batch);
                free = free.max(watch.elapsed().saturating_sub(CATCH_UP)) + spacing;
            }
        }
        release(&mut batch);
        queue.end(watch.elapsed());
        recorder
    }
}

/// Waits until `until`, unless the queue is stopped, and tells what time it is then.
fn wait(queue: &Queue, watch: Stopwatch, until: Duration) -> Duration {
    loop {
        let now = watch.elapsed();
        if now >= until || queue.stopped.load(Ordering::Relaxed) {
            return now;
        }
        thread::park_timeout((until - now).max(QUANTUM));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::shape::Shape;

    fn due(k: u64) -> Due {
        Due { k, due: Duration::ZERO, released: Duration::ZERO }
    }

    #[tokio::test]
    async fn what_finds_no_room_is_told() {
        let queue = Queue::new(3);
        let all: Vec<Due> = (0..5).map(due).collect();
        assert_eq!(queue.release(&all, &mut Vec::new()), &all[3..]);
        queue.end(Duration::ZERO);
        for k in 0..3 {
            assert_eq!(queue.take(0).await, Some(due(k)));
        }
        assert_eq!(queue.take(0).await, None);
        let source = Source::Paced(queue);
        assert_eq!((source.released(), source.dropped()), (5, 2));
    }

    #[tokio::test]
    async fn those_who_are_woken_make_room_before_they_come() {
        let queue = Queue::new(1);
        let mut senders: Vec<_> = (0..3).map(|sender| Box::pin(queue.take(sender))).collect();
        for sender in &mut senders {
            assert!(std::future::poll_fn(|cx| Poll::Ready(sender.as_mut().poll(cx))).await.is_pending());
        }
        let all: Vec<Due> = (0..5).map(due).collect();
        assert_eq!(queue.release(&all[..3], &mut Vec::new()), &[]);
        assert_eq!(queue.release(&all[3..], &mut Vec::new()), &all[4..]);
        for (k, sender) in (0..).zip(senders) {
            assert_eq!(sender.await, Some(due(k)));
        }
        assert_eq!(queue.state().woken, 0);
        assert_eq!(queue.waiting(), 1);
    }

    #[test]
    fn all_are_released_in_order_and_none_before_it_is_due() {
        let shape = Shape::Constant("10000/s".parse().unwrap());
        let schedule = Arc::new(Schedule::new(shape, Duration::from_millis(50)).unwrap());
        let queue = Queue::new(1_000);
        let pace = Pace { schedule, segment: Segment::WHOLE, spacing: None };
        let dropped = pace.keep(&queue, Stopwatch::start());
        let released = Source::Paced(queue).discard();
        assert_eq!((dropped.arrivals(), released.len()), (0, 500));
        for (k, one) in (0..).zip(released) {
            assert_eq!((one.k, one.due), (k, Duration::from_micros(100 * k)));
            assert!(one.released >= one.due);
        }
    }

    #[test]
    fn a_pull_ends_with_its_count() {
        let pull = Pull::new(PullDue::AtStart, Some(2), None);
        let now = Duration::from_millis(5);
        assert_eq!([pull.take(now), pull.take(now), pull.take(now)], [Some(due(0)), Some(due(1)), None]);
        assert_eq!(Source::Pulled(pull).released(), 2);
    }
}
