//! The sender: commands and answers in, attempts and records out.

use crate::command::{Command, CommandError};
use crate::event_type::EventType;
use crate::id::{DeliveryId, NotificationId, SubscriptionId, WindowId};
use crate::outcome::{Answer, Outcome};
use crate::record::Record;
use crate::time::Timestamp;

/// The PNS sender, as a pure state machine.
#[derive(Debug)]
pub struct Sender {}

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
    /// When the notification was published.
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
    pub fn new(_seed: u64) -> Self {
        unimplemented!()
    }

    /// Carries out `command` at `now`. Poll for transmits and records afterwards.
    ///
    /// # Errors
    /// When the command does not fit the state; nothing is changed then.
    pub fn handle_command(&mut self, _command: Command, _now: Timestamp) -> Result<(), CommandError> {
        unimplemented!()
    }

    /// Takes the answer to the attempt in flight of `delivery`, and returns what policy makes of it.
    ///
    /// # Errors
    /// When that delivery has no attempt in flight.
    pub fn handle_answer(
        &mut self,
        _delivery: DeliveryId,
        _answer: Answer,
        _now: Timestamp,
    ) -> Result<Outcome, NotInFlight> {
        unimplemented!()
    }

    /// Lets time pass to `now`: windows open and close. Poll for transmits and records afterwards.
    pub fn handle_timeout(&mut self, _now: Timestamp) {
        unimplemented!()
    }

    /// The next attempt to start at `now`. Poll until `None`; after that again when
    /// [`Sender::poll_timeout`] says, and after every command and answer.
    pub fn poll_transmit(&mut self, _now: Timestamp) -> Option<Transmit> {
        unimplemented!()
    }

    /// The next instant at which something may happen by itself, and why. `None`: nothing will without a
    /// command or an answer. Poll again after anything else was called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Timestamp, WakeReason)> {
        unimplemented!()
    }

    /// The oldest record not yet taken. Drain after every other call: records wait in memory.
    pub fn poll_record(&mut self) -> Option<Record> {
        unimplemented!()
    }

    /// Deliveries not yet Delivered, over all subscriptions.
    #[must_use]
    pub fn pending(&self) -> usize {
        unimplemented!()
    }

    /// The backlog of one subscription at `now`; `None` if there is no such subscription.
    #[must_use]
    pub fn backlog(&self, _subscription: SubscriptionId, _now: Timestamp) -> Option<Backlog> {
        unimplemented!()
    }
}
