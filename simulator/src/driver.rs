//! The async edge: connects the pure [`Sender`] with a [`Clock`] and a [`Transport`], and holds no policy.
//!
//! It does what the sender says, hands back answers, and moves or awaits time. In the virtual gear it awaits
//! every attempt in flight before time moves, and hands answers back in a fixed order, so that equal seeds give
//! equal records whatever the receiver's speed.
//!
//! Where records must be kept before anything leaves, starts are held ([`Driver::hold_starts`]) until their owner
//! releases them.

mod restart;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pns_engine::{
    Command, CommandError, DeliveryId, Outcome, Record, Sender, SubscriptionId, Timestamp, Transmit,
};
use tokio::task::JoinSet;

use crate::clock::{Clock, Gear};
use crate::endpoint::Endpoint;
use crate::fault::FaultPlan;
use crate::secret::ApiKey;
use crate::transport::{Exchange, Request, Transport};

/// Where and how a subscription's notifications are sent.
#[derive(Clone, Debug)]
pub struct Route {
    /// The receiver.
    pub endpoint: Arc<Endpoint>,
    /// The key agreed on, if authentication is enabled.
    pub api_key: Option<ApiKey>,
    /// Further headers that the user asks for.
    pub headers: Arc<Vec<(http::HeaderName, http::HeaderValue)>>,
    /// Limit on the connection; `None`: the transport's.
    pub connect_timeout: Option<Duration>,
    /// Limit on the acknowledgement; `None`: the transport's.
    pub ack_timeout: Option<Duration>,
}

/// Writes bodies. Asked at every attempt; must return the same bytes for the same notification.
pub trait Bodies {
    /// The body of `attempt`'s notification. `stamp` is the time it should carry if this is its first attempt.
    fn body(&mut self, attempt: &Transmit, stamp: Timestamp) -> Bytes;
}

/// What the driver saw, in order.
#[derive(Debug)]
pub enum Observation {
    /// The sender recorded it.
    Record(Record),
    /// An attempt is held until it is released; the record of its start follows. Seen only where starts are held.
    Start {
        /// Which attempt.
        attempt: Transmit,
    },
    /// An attempt's exchange ended; its outcome's record follows.
    Exchange {
        /// Which attempt.
        attempt: Transmit,
        /// When it started.
        started: Timestamp,
        /// All that was seen of it.
        exchange: Box<Exchange>,
        /// The sender's verdict.
        outcome: Outcome,
    },
}

/// What a [`Driver::turn`] ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Something happened: take the observations.
    Progress,
    /// The horizon is reached and nothing more is due before it.
    Horizon,
    /// Time stands still until starts that are held are released.
    Held,
}

/// When an attempt that the sender starts is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Starts {
    AtOnce,
    /// When its owner releases it.
    OnRelease,
    /// Never: the sender is not asked for more.
    Stopped,
}

/// Drives one sender.
#[derive(Debug)]
pub struct Driver<T, B> {
    sender: Sender,
    clock: Clock,
    transport: T,
    bodies: B,
    faults: FaultPlan,
    routes: BTreeMap<SubscriptionId, Route>,
    starts: Starts,
    /// Attempts that the sender has started and that wait for their release, oldest first.
    held: VecDeque<Start>,
    /// How many have been held so far, over all.
    held_count: u64,
    in_flight: JoinSet<Ended>,
    /// Attempts that ended in real time but end later in PNS time, by that time.
    ended: BTreeMap<(Timestamp, DeliveryId), Ended>,
    observations: VecDeque<Observation>,
}

#[derive(Debug)]
struct Start {
    attempt: Transmit,
    started: Timestamp,
    request: Request,
}

#[derive(Debug)]
struct Ended {
    attempt: Transmit,
    started: Timestamp,
    exchange: Exchange,
}

impl<T: Transport, B: Bodies> Driver<T, B> {
    /// A driver of a new sender. `seed` places the jitter.
    pub fn new(seed: u64, clock: Clock, transport: T, bodies: B) -> Self {
        Self::of(Sender::new(seed), clock, transport, bodies)
    }

    /// A driver of `sender`, which may have a past. Its subscriptions are to be routed before the first turn.
    pub fn of(sender: Sender, clock: Clock, transport: T, bodies: B) -> Self {
        let mut driver = Self {
            sender,
            clock,
            transport,
            bodies,
            faults: FaultPlan::default(),
            routes: BTreeMap::new(),
            starts: Starts::AtOnce,
            held: VecDeque::new(),
            held_count: 0,
            in_flight: JoinSet::new(),
            ended: BTreeMap::new(),
            observations: VecDeque::new(),
        };
        driver.take_records();
        driver
    }

    /// From now on every start is observed first, and made when [`Driver::release`] says so. A turn then ends as
    /// soon as there is anything to observe.
    pub fn hold_starts(&mut self) {
        self.starts = Starts::OnRelease;
    }

    /// How many starts have been held so far. All of them have been observed, once the observations are drained.
    pub fn held_count(&self) -> u64 {
        self.held_count
    }

    /// Makes the attempts that are among the first `count` held since the driver began.
    pub fn release(&mut self, count: u64) {
        while !self.held.is_empty() && self.held_count - (self.held.len() as u64) < count {
            if let Some(start) = self.held.pop_front() {
                self.make(start);
            }
        }
    }

    /// From now on the sender is not asked for attempts. Those held are still to be released.
    pub fn stop_starts(&mut self) {
        self.starts = Starts::Stopped;
    }

    /// Attempts that have started and are not handed back to the sender.
    pub fn in_flight(&self) -> usize {
        self.held.len() + self.in_flight.len() + self.ended.len()
    }

    /// When something happens next by itself, as far as is known; `None`: nothing will.
    pub fn next_due(&self) -> Option<Timestamp> {
        let next_wake = self.sender.poll_timeout().map(|(instant, _)| instant);
        let next_end = self.ended.keys().next().map(|(instant, _)| *instant);
        [next_wake, next_end].into_iter().flatten().min()
    }

    /// How time moves.
    pub fn gear(&self) -> Gear {
        self.clock.gear()
    }

    /// Changes how time moves from now on.
    pub fn set_gear(&mut self, gear: Gear) {
        self.clock.set_gear(gear);
    }

    /// The present PNS time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The time in a body that is published and attempted now.
    pub fn stamp(&self) -> Timestamp {
        self.clock.stamp(self.clock.now())
    }

    /// Adds a subscription, or changes its route. The sender learns of it by its own command.
    pub fn route(&mut self, subscription: SubscriptionId, route: Route) {
        self.routes.insert(subscription, route);
    }

    /// Where a subscription's notifications are sent.
    pub fn route_of(&self, subscription: SubscriptionId) -> Option<&Route> {
        self.routes.get(&subscription)
    }

    /// Forgets where a subscription's notifications were sent. It sends nothing any more.
    pub fn forget_route(&mut self, subscription: SubscriptionId) {
        self.routes.remove(&subscription);
    }

    /// Changes the key that a subscription's notifications carry from now on.
    pub fn change_key(&mut self, subscription: SubscriptionId, api_key: Option<ApiKey>) {
        if let Some(route) = self.routes.get_mut(&subscription) {
            route.api_key = api_key;
        }
    }

    /// The faults planned, to plan more.
    pub fn faults(&mut self) -> &mut FaultPlan {
        &mut self.faults
    }

    /// What writes the bodies, to tell it of new notifications.
    pub fn bodies(&mut self) -> &mut B {
        &mut self.bodies
    }

    /// What writes the bodies, to look at.
    pub fn bodies_ref(&self) -> &B {
        &self.bodies
    }

    /// The sender, to look at.
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Carries out `command` now.
    ///
    /// # Errors
    /// As [`Sender::handle_command`].
    pub fn command(&mut self, command: Command) -> Result<(), CommandError> {
        let result = self.sender.handle_command(command, self.clock.now());
        self.take_records();
        result
    }

    /// The oldest observation not yet taken. Drain after every command and turn.
    pub fn poll_observation(&mut self) -> Option<Observation> {
        self.observations.pop_front()
    }

    /// Lets the next thing happen, no later than `horizon` of PNS time.
    ///
    /// Cancel-safe: a turn that is dropped has lost nothing, and the next goes on where it was.
    pub async fn turn(&mut self, horizon: Timestamp) -> Turn {
        loop {
            self.pass_time();
            self.start_attempts();
            // In the virtual gear what is in flight ends together, so that its order is fixed.
            let together =
                self.clock.gear() == Gear::Virtual && !(self.in_flight.is_empty() && self.held.is_empty());
            if !together && self.hand_back_ended() {
                return Turn::Progress;
            }
            if self.starts != Starts::AtOnce && !self.observations.is_empty() {
                return Turn::Progress;
            }
            if together {
                if self.in_flight.is_empty() {
                    return Turn::Held;
                }
                while let Some(ended) = self.in_flight.join_next().await {
                    self.file(ended);
                }
                continue;
            }
            if self.clock.now() >= horizon && self.in_flight.is_empty() && self.held.is_empty() {
                return Turn::Horizon;
            }
            if let Some(turn) = self.await_next(horizon).await {
                return turn;
            }
        }
    }

    /// Jumps or waits to the next due moment; in real gears an attempt may end first.
    async fn await_next(&mut self, horizon: Timestamp) -> Option<Turn> {
        let next = match self.starts {
            // What is due stays due.
            Starts::Stopped => self.ended.keys().next().map(|(instant, _)| *instant),
            Starts::AtOnce | Starts::OnRelease => self.next_due(),
        };
        let next = next.map_or(horizon, |next| next.min(horizon));
        if self.clock.gear() == Gear::Virtual {
            self.clock.jump_to(next);
            return None;
        }
        if next >= horizon && self.clock.now() >= horizon {
            return Some(if self.held.is_empty() { Turn::Horizon } else { Turn::Held });
        }
        tokio::select! {
            biased;
            Some(ended) = self.in_flight.join_next() => {
                self.file(ended);
                while let Some(ended) = self.in_flight.try_join_next() {
                    self.file(ended);
                }
            }
            () = self.clock.wait_until(next) => {}
        }
        None
    }

    fn pass_time(&mut self) {
        self.sender.handle_timeout(self.clock.now());
        self.take_records();
    }

    fn start_attempts(&mut self) {
        if self.starts == Starts::Stopped {
            return;
        }
        let now = self.clock.now();
        while let Some(attempt) = self.sender.poll_transmit(now) {
            if self.starts == Starts::OnRelease {
                self.observations.push_back(Observation::Start { attempt });
            }
            self.take_records();
            let route =
                self.routes.get(&attempt.subscription).expect("a subscription is routed before it sends");
            let body = self.bodies.body(&attempt, self.clock.stamp(attempt.published));
            let request = Request {
                api_key: route.api_key.clone(),
                headers: Arc::clone(&route.headers),
                injection: self.faults.injection_for(&attempt, now),
                connect_timeout: route.connect_timeout,
                ack_timeout: route.ack_timeout,
                ..Request::new(Arc::clone(&route.endpoint), body)
            };
            let start = Start { attempt, started: now, request };
            if self.starts == Starts::OnRelease {
                self.held.push_back(start);
                self.held_count += 1;
            } else {
                self.make(start);
            }
        }
        self.take_records();
    }

    fn make(&mut self, Start { attempt, started, request }: Start) {
        let transport = self.transport.clone();
        self.in_flight
            .spawn(async move { Ended { attempt, started, exchange: transport.attempt(request).await } });
    }

    /// Notes when in PNS time an attempt that ended really has ended.
    fn file(&mut self, ended: Result<Ended, tokio::task::JoinError>) {
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(error) => unreachable!("only dropping the driver cancels an attempt: {error}"),
        };
        let now = self.clock.now();
        let at = match (self.clock.gear(), ended.exchange.waited) {
            (Gear::Virtual, Some(waited)) => ended.started + waited,
            (_, Some(waited)) if ended.exchange.injection.is_some() => ended.started + waited,
            _ => now,
        };
        self.ended.insert((at.max(now), ended.attempt.delivery), ended);
    }

    /// Tells the sender of every attempt that has ended by now.
    fn hand_back_ended(&mut self) -> bool {
        let now = self.clock.now();
        let mut progress = false;
        while let Some(entry) = self.ended.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let Ended { attempt, started, exchange } = entry.remove();
            let outcome = self
                .sender
                .handle_answer(attempt.delivery, exchange.answer, now)
                .expect("an attempt that was transmitted is in flight until answered");
            let exchange = Box::new(exchange);
            self.observations.push_back(Observation::Exchange { attempt, started, exchange, outcome });
            self.take_records();
            progress = true;
        }
        progress
    }

    fn take_records(&mut self) {
        while let Some(record) = self.sender.poll_record() {
            self.observations.push_back(Observation::Record(record));
        }
    }
}
