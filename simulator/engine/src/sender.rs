//! The sender: commands and answers in, attempts and records out.
//!
//! Time is what the caller says it is, made monotone: an instant earlier than the latest one seen counts as
//! that one. Every call first lets time pass to its instant, so windows open and close at their own instants
//! and in order, whether or not anybody woke the sender at them.

mod command;
mod downtime;
mod recover;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::time::Duration;

use crate::command::{Command, CommandError};
use crate::delivery::{Delivery, InFlight};
use crate::event_type::EventType;
use crate::id::{DeliveryId, NotificationId, SubscriptionId, WindowId};
use crate::outbox::Outbox;
use crate::outcome::{Answer, FailureReason, Outcome};
use crate::record::{AbandonCause, Happened, Record};
use crate::rng;
use crate::schedule::Schedule;
use crate::subscription::RetryAfter;
use crate::time::{Timestamp, nanos};

use self::downtime::Boundary;

/// The PNS sender, as a pure state machine.
#[derive(Debug)]
pub struct Sender {
    seed: u64,
    /// The latest instant seen.
    now: Timestamp,
    /// When it recovered from a stop; the epoch if it never had to.
    recovered: Timestamp,
    outboxes: BTreeMap<SubscriptionId, Outbox>,
    schedule: Schedule,
    in_flight: BTreeMap<DeliveryId, InFlight>,
    /// Whose each window is that is not over.
    windows: BTreeMap<WindowId, SubscriptionId>,
    boundaries: BTreeSet<Boundary>,
    records: VecDeque<Record>,
    last_notification: Option<NotificationId>,
    last_delivery: DeliveryId,
    pending: usize,
}

/// An attempt to be made now: what the driver needs to write the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The delivery that this is an attempt of.
    pub delivery: DeliveryId,
    /// Its subscription.
    pub subscription: SubscriptionId,
    /// Its notification.
    pub notification: NotificationId,
    /// The notification's event type.
    pub event_type: EventType,
    /// 1 at the first attempt.
    pub number: u32,
    /// When the delivery was queued: when its notification was published or, for a redelivery, when that was
    /// asked for. The publisher knows when the notification itself was published.
    pub published: Timestamp,
}

/// Why the sender wants to be polled at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakeReason {
    /// A first attempt is due.
    FirstAttemptDue(SubscriptionId),
    /// A retry is due.
    RetryDue(SubscriptionId),
    /// A deferred attempt is allowed by the rate limit.
    RateLimitFree(SubscriptionId),
    /// A downtime window begins.
    WindowOpens(WindowId),
    /// A downtime window ends.
    WindowCloses(WindowId),
}

/// An answer came for a delivery that has no attempt in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("delivery {0} has no attempt in flight")]
pub struct NotInFlight(pub DeliveryId);

/// How many deliveries of a subscription are in each state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Due later.
    pub waiting: usize,
    /// Due, and held by a downtime window.
    pub held: usize,
    /// Due, and not held by a window: next in turn.
    pub ready: usize,
    /// With an attempt in flight.
    pub in_flight: usize,
}

impl Sender {
    /// A sender without subscriptions. `seed` places the jitter.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            now: Timestamp::EPOCH,
            recovered: Timestamp::EPOCH,
            outboxes: BTreeMap::new(),
            schedule: Schedule::default(),
            in_flight: BTreeMap::new(),
            windows: BTreeMap::new(),
            boundaries: BTreeSet::new(),
            records: VecDeque::new(),
            last_notification: None,
            last_delivery: DeliveryId(0),
            pending: 0,
        }
    }

    /// What places the jitter. [`Sender::recover`] needs it again.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Carries out `command` at `now`. Poll for transmits and records afterwards.
    ///
    /// # Errors
    /// When the command does not fit the state; nothing is changed then, but that time has passed.
    pub fn handle_command(&mut self, command: Command, now: Timestamp) -> Result<(), CommandError> {
        self.advance(now);
        self.carry_out(command)
    }

    /// Takes the answer to the attempt in flight of `delivery`, and returns what policy makes of it.
    ///
    /// # Errors
    /// When that delivery has no attempt in flight.
    pub fn handle_answer(
        &mut self,
        delivery: DeliveryId,
        answer: Answer,
        now: Timestamp,
    ) -> Result<Outcome, NotInFlight> {
        self.advance(now);
        let InFlight { subscription, delivery: facts } =
            self.in_flight.remove(&delivery).ok_or(NotInFlight(delivery))?;
        let outbox =
            self.outboxes.get_mut(&subscription).expect("attempts in flight keep their subscription");
        outbox.in_flight -= 1;
        let (outcome, hint) = match answer {
            Answer::Status { code, .. } if outbox.settings.acknowledgement.acknowledges(code) => {
                (Outcome::Acknowledged(code), None)
            }
            Answer::Status { code, retry_after } => {
                (Outcome::Failed(FailureReason::Status(code)), retry_after)
            }
            Answer::NoResponse(reason) => (Outcome::Failed(reason), None),
        };
        match outcome {
            Outcome::Acknowledged(status) => {
                outbox.queue.end(delivery);
                self.pending -= 1;
                self.record(Happened::AttemptAcknowledged { delivery, number: facts.attempts, status });
            }
            Outcome::Failed(reason) => self.fail(subscription, delivery, facts, reason, hint),
        }
        self.settle(subscription);
        Ok(outcome)
    }

    /// Lets time pass to `now`: windows open and close. Poll for transmits and records afterwards.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.advance(now);
    }

    /// The next attempt to start at `now`. Poll until `None`; after that again when
    /// [`Sender::poll_timeout`] says, and after every command and answer.
    ///
    /// Subscriptions that may start something at the same instant take turns.
    pub fn poll_transmit(&mut self, now: Timestamp) -> Option<Transmit> {
        self.advance(now);
        let (at, subscription) = self.schedule.first()?;
        if at > self.now {
            return None;
        }
        let outbox = self.outboxes.get_mut(&subscription).expect("only known subscriptions have a place");
        let taken =
            outbox.queue.take(self.now).expect("invariant: a place in line means that something is due");
        let deferrals = outbox.count_start(taken.id, taken.due, self.now, self.recovered);
        let mut delivery = taken.delivery;
        delivery.attempts = delivery.attempts.checked_add(1).expect("4 milliard attempts take for ever");
        self.schedule.leave(subscription, &mut outbox.place);
        let wanted = outbox.next_start(subscription);
        self.schedule.set(subscription, &mut outbox.place, wanted, self.now);
        self.in_flight.insert(taken.id, InFlight { subscription, delivery });
        let number = delivery.attempts;
        self.record(Happened::AttemptStarted { delivery: taken.id, number, due: taken.due, deferrals });
        Some(Transmit {
            delivery: taken.id,
            subscription,
            notification: delivery.notification,
            event_type: delivery.event_type,
            number,
            published: delivery.published,
        })
    }

    /// The next instant at which something may happen by itself, and why. `None`: nothing will without a
    /// command or an answer. Poll again after anything else was called.
    ///
    /// Once [`Sender::poll_transmit`] has said `None` at an instant, this is later than that instant.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Timestamp, WakeReason)> {
        let boundary = self.boundaries.first().map(Boundary::wake);
        let start = self.schedule.first().map(|(at, subscription)| {
            let place = self.outboxes.get(&subscription).and_then(|outbox| outbox.place);
            (at, place.expect("only known subscriptions have a place").reason)
        });
        match (boundary, start) {
            (Some(boundary), Some(start)) => Some(if start.0 < boundary.0 { start } else { boundary }),
            (boundary, start) => boundary.or(start),
        }
    }

    /// The oldest record not yet taken. Drain after every other call: records wait in memory.
    pub fn poll_record(&mut self) -> Option<Record> {
        self.records.pop_front()
    }

    /// Deliveries not yet Delivered, over all subscriptions.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending
    }

    /// The backlog of one subscription at `now`; `None` if there is no such subscription. Walks the retries
    /// that are due: meant for people, not for every attempt.
    #[must_use]
    pub fn backlog(&self, subscription: SubscriptionId, now: Timestamp) -> Option<Backlog> {
        let outbox = self.outboxes.get(&subscription).filter(|outbox| !outbox.removed)?;
        let now = now.max(self.now);
        let due = outbox.queue.due(now);
        let held = outbox.windows.values().any(|window| window.covers(now));
        Some(Backlog {
            waiting: outbox.queue.len() - due,
            held: if held { due } else { 0 },
            ready: if held { 0 } else { due },
            in_flight: outbox.in_flight as usize,
        })
    }

    /// When what has been due longest fell due, or falls due. Walks the subscriptions: meant for people.
    #[must_use]
    pub fn oldest_due(&self) -> Option<Timestamp> {
        self.outboxes.values().filter_map(|outbox| outbox.queue.oldest_due()).min()
    }

    /// When the delivery of one subscription that is due longest was due, or will be; `None`: none waits.
    #[must_use]
    pub fn oldest_due_of(&self, subscription: SubscriptionId) -> Option<Timestamp> {
        self.outboxes.get(&subscription)?.queue.oldest_due()
    }

    /// The notifications of the deliveries that wait for an attempt to one subscription.
    pub fn waiting(&self, subscription: SubscriptionId) -> impl Iterator<Item = NotificationId> {
        let outbox = self.outboxes.get(&subscription);
        outbox
            .into_iter()
            .flat_map(|outbox| outbox.queue.iter().map(|(_, _, delivery)| delivery.notification))
    }

    /// Whether a subscription goes on, or has attempts in flight after its end.
    #[must_use]
    pub fn is_busy(&self, subscription: SubscriptionId) -> bool {
        self.outboxes.contains_key(&subscription)
    }

    /// An attempt failed: the delivery waits for the next, unless there is to be none.
    fn fail(
        &mut self,
        subscription: SubscriptionId,
        delivery: DeliveryId,
        mut facts: Delivery,
        reason: FailureReason,
        hint: Option<Duration>,
    ) {
        let outbox =
            self.outboxes.get_mut(&subscription).expect("attempts in flight keep their subscription");
        let number = facts.attempts;
        let capped = outbox.settings.attempt_cap.is_some_and(|cap| number >= cap.get());
        if outbox.removed || capped {
            let cause =
                if outbox.removed { AbandonCause::SubscriptionRemoved } else { AbandonCause::AttemptCap };
            outbox.queue.end(delivery);
            self.pending -= 1;
            self.record(Happened::AttemptFailed { delivery, number, reason, delay: None });
            self.record(Happened::DeliveryAbandoned { delivery, cause });
            return;
        }
        let backoff = &outbox.settings.backoff;
        let draw = rng::draw(self.seed, delivery.0, u64::from(number));
        let mut delay = backoff.delay_after(facts.failures(), facts.delay, draw);
        if let (RetryAfter::Honoured, Some(hint)) = (outbox.settings.retry_after, hint) {
            delay = delay.max(nanos(hint.min(backoff.bound())));
        }
        assert!(delay >= facts.delay, "invariant: intervals between attempts never shrink");
        facts.delay = delay;
        let delay = Duration::from_nanos(delay);
        outbox.queue.push_retry(delivery, self.now + delay, facts);
        self.record(Happened::AttemptFailed { delivery, number, reason, delay: Some(delay) });
    }

    /// Brings a subscription's obstacles and its place in the schedule up to date after a change, and lets a
    /// removed one go when its last attempt is answered.
    fn settle(&mut self, subscription: SubscriptionId) {
        let Some(outbox) = self.outboxes.get_mut(&subscription) else { return };
        outbox.note_obstacles(self.now);
        let wanted = outbox.next_start(subscription);
        self.schedule.set(subscription, &mut outbox.place, wanted, self.now);
        if outbox.removed && outbox.in_flight == 0 {
            assert!(outbox.queue.len() == 0, "invariant: a removed subscription has nothing waiting");
            self.outboxes.remove(&subscription);
        }
    }

    fn record(&mut self, event: Happened) {
        self.records.push_back(Record { at: self.now, event });
    }
}
