//! One scenario's world: its sender, its receiver, the names it has given, and the ledger of what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pns_engine::{Answer, Command, DeliveryId, NotificationId, Outcome, SubscriptionId, Timestamp, WindowId};
use pns_simulator::clock::{Clock, Stopwatch, pause};
use pns_simulator::driver::{Driver, Turn};
use pns_simulator::schema::Pack;
use pns_simulator::secret::ApiKey;
use pns_simulator::transport::HttpsTransport;

use super::bodies::{Recipe, ScenarioBodies};
use super::names::Names;
use super::pulls::Beside;
use super::target::Target;
use super::wired::Wired;
use crate::ledger::Ledger;
use crate::receiver::Receiver;
use crate::scenario::model::{Limits, Scenario};

/// How many failures in a row of one delivery, none of them planned by the scenario, are believed: a receiver that
/// answered wrong so often will not mend by being asked for thirty days of PNS time. Five acknowledgement
/// timeouts of ten seconds still fit the default limit on wall time.
pub(super) const UNPLANNED_FAILURES_MAX: u32 = 5;

/// Real time given to a receiver that asks to be sent less (429, 503), at most. Virtual time would otherwise
/// bring the next attempt a few microseconds later, which no sender does.
const RESPITE_MAX: Duration = Duration::from_secs(2);
const RESPITE_FIRST: Duration = Duration::from_millis(50);

/// Everything that one scenario has going.
#[derive(Debug)]
pub(super) struct World {
    /// The sender at work.
    pub driver: Driver<HttpsTransport, ScenarioBodies>,
    /// What happened.
    pub ledger: Ledger,
    /// Where notifications go.
    pub target: Arc<Target>,
    /// The embedded receiver, if it is the target.
    pub receiver: Option<Receiver>,
    /// The settings of each subscription, as the sender has them now.
    pub subscriptions: BTreeMap<SubscriptionId, pns_engine::Subscription>,
    /// What its requests by bytes leave behind.
    pub wired: Wired,
    /// What is pulled from, and what was done through it; `None`: no pull API runs.
    pub pulls: Option<Beside>,
    changed_keys: BTreeSet<SubscriptionId>,
    pub(super) names: Names,
    seed: u64,
    started: Timestamp,
    wall: Stopwatch,
    limits: Limits,
    next_notification: u64,
    next_window: u32,
    pub(super) uuids_drawn: u64,
    unplanned: BTreeMap<DeliveryId, u32>,
    respite: Option<Duration>,
}

/// Whether a receiver that keeps failing, without the scenario's doing, is waited for to the horizon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Up to [`UNPLANNED_FAILURES_MAX`] failures in a row: where a delivery is wanted.
    UntilHopeless,
    /// Always: where failures may be what is wanted.
    Endless,
}

/// Why letting time pass ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// The goal is reached.
    Goal,
    /// The horizon is reached first.
    Horizon,
    /// A delivery failed [`UNPLANNED_FAILURES_MAX`] times in a row without being told to.
    Hopeless(DeliveryId),
    /// A limit of the scenario is reached.
    Limit(LimitReached),
}

/// A limit of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitReached {
    /// `limits.attempts`.
    Attempts(u64),
    /// `limits.wall`.
    Wall(Duration),
}

impl World {
    /// A world in which nothing has happened yet. `seed` is the scenario's own.
    pub(super) fn new(
        scenario: &Scenario,
        seed: u64,
        pack: Arc<Pack>,
        clock: Clock,
        target: Arc<Target>,
        receiver: Option<Receiver>,
        pulls: Option<Beside>,
    ) -> Self {
        let started = clock.now();
        let bodies = ScenarioBodies::new(pack, seed);
        Self {
            driver: Driver::new(seed, clock, target.transport.clone(), bodies),
            ledger: Ledger::default(),
            receiver,
            subscriptions: BTreeMap::new(),
            wired: Wired::new(&target),
            pulls,
            target,
            changed_keys: BTreeSet::new(),
            names: Names::default(),
            seed,
            started,
            wall: Stopwatch::start(),
            limits: scenario.limits,
            next_notification: 1,
            next_window: 1,
            uuids_drawn: 0,
            unplanned: BTreeMap::new(),
            respite: None,
        }
    }

    /// Carries out a command of the sender.
    ///
    /// # Errors
    /// The sender's refusal, in words.
    pub(super) fn command(&mut self, command: Command) -> Result<(), String> {
        let result = self.driver.command(command).map_err(|refusal| refusal.to_string());
        self.observe();
        result
    }

    /// Publishes one notification, and lets the world that is pulled from know of it.
    ///
    /// # Errors
    /// The sender's refusal, in words.
    pub(super) fn publish(
        &mut self,
        event_type: pns_engine::EventType,
        supplier: Option<pns_engine::SupplierId>,
        recipe: Recipe,
    ) -> Result<NotificationId, String> {
        let id = self.publish_known(event_type, supplier, recipe)?;
        if let (Some(beside), Some(body)) = (&self.pulls, self.sent_body(id)) {
            beside.side.observe(self.driver.now(), id, event_type, &body);
        }
        Ok(id)
    }

    /// Lets the world that is pulled from know of what is sent outside the sender, if it is a notification.
    pub(super) fn note_sent(&self, id: NotificationId, body: &[u8]) {
        if let Some(beside) = &self.pulls
            && let Some(event_type) = self.driver.bodies_ref().pack().event_type(body)
        {
            beside.side.observe(self.driver.now(), id, event_type, body);
        }
    }

    /// As [`World::publish`], where the world that is pulled from knows already.
    ///
    /// # Errors
    /// The sender's refusal, in words.
    pub(super) fn publish_known(
        &mut self,
        event_type: pns_engine::EventType,
        supplier: Option<pns_engine::SupplierId>,
        recipe: Recipe,
    ) -> Result<NotificationId, String> {
        let id = self.fresh_notification();
        self.driver.bodies().keep(id, recipe);
        self.command(Command::Publish { id, event_type, supplier })?;
        Ok(id)
    }

    /// The id that the next notification will have.
    pub(super) fn upcoming_notification(&self) -> NotificationId {
        NotificationId(self.next_notification)
    }

    /// An id for a notification that the sender will not see.
    pub(super) fn fresh_notification(&mut self) -> NotificationId {
        let id = self.upcoming_notification();
        self.next_notification += 1;
        id
    }

    /// Requests made so far, by the sender and by bytes.
    pub(super) fn requests_made(&self) -> u64 {
        self.ledger.attempts() as u64 + self.wired.made
    }

    /// Attempts of what the scenario has published or saved. A receiver may do what it likes through the pull API, and
    /// what comes back of it is no part of what the scenario counts.
    pub(super) fn attempts_asked_for(&self) -> u64 {
        self.ledger.attempts_but_of(&self.unasked()) as u64
    }

    /// A limit of the scenario that is reached.
    pub(super) fn limit_reached(&self) -> Option<LimitReached> {
        if self.attempts_asked_for() + self.wired.made >= self.limits.attempts {
            return Some(LimitReached::Attempts(self.limits.attempts));
        }
        (self.wall.elapsed() >= self.limits.wall).then_some(LimitReached::Wall(self.limits.wall))
    }

    /// A fresh id for a downtime window.
    pub(super) fn fresh_window(&mut self) -> WindowId {
        let id = WindowId(self.next_window);
        self.next_window += 1;
        id
    }

    /// Lets PNS time pass until `goal` holds, at most for `span`.
    pub(super) async fn pass_until(
        &mut self,
        span: Duration,
        patience: Patience,
        mut goal: impl FnMut(&Ledger) -> bool,
    ) -> Passed {
        let horizon = (self.driver.now() + span).min(self.started + self.limits.pns_time.max(span));
        loop {
            if goal(&self.ledger) {
                return Passed::Goal;
            }
            if let (Patience::UntilHopeless, Some(hopeless)) = (patience, self.hopeless()) {
                return Passed::Hopeless(hopeless);
            }
            if self.attempts_asked_for() >= self.limits.attempts {
                return Passed::Limit(LimitReached::Attempts(self.limits.attempts));
            }
            let left = self.limits.wall.saturating_sub(self.wall.elapsed());
            let Ok(turn) = tokio::time::timeout(left, self.driver.turn(horizon)).await else {
                return Passed::Limit(LimitReached::Wall(self.limits.wall));
            };
            self.observe();
            if turn == Turn::Horizon {
                return if goal(&self.ledger) { Passed::Goal } else { Passed::Horizon };
            }
            if let Some(respite) = self.respite.take() {
                pause(respite.min(left)).await;
            }
        }
    }

    fn hopeless(&self) -> Option<DeliveryId> {
        // A scripted receiver fails on purpose, for as long as its script says.
        if self.receiver.as_ref().is_some_and(|_| self.target.is_scripted) {
            return None;
        }
        let is_asked_for = |id: &DeliveryId| {
            self.ledger.delivery(*id).is_none_or(|delivery| !self.is_unasked(delivery.notification))
        };
        let mut failing = self.unplanned.iter().filter(|(_, failures)| **failures >= UNPLANNED_FAILURES_MAX);
        failing.find(|(id, _)| is_asked_for(id)).map(|(id, _)| *id)
    }

    pub(super) fn observe(&mut self) {
        use pns_simulator::driver::Observation;
        if let Some(beside) = &self.pulls {
            beside.side.set_now(self.driver.now());
        }
        while let Some(observation) = self.driver.poll_observation() {
            if let Observation::Exchange { attempt, exchange, outcome, .. } = &observation {
                let stopped = *outcome == Outcome::Failed(pns_engine::FailureReason::SenderStopped);
                self.count_unplanned(attempt.delivery, exchange.injection.is_some() || stopped, *outcome);
                self.consider_respite(attempt.delivery, exchange.answer, *outcome);
                if let (Some(beside), Outcome::Acknowledged(_)) = (&mut self.pulls, outcome) {
                    let began = self.driver.bodies_ref().last_attempt(attempt.notification);
                    let began = began.unwrap_or(Timestamp::EPOCH);
                    beside.acknowledged(attempt.notification, began + exchange.timings.total);
                }
            }
            self.ledger.file(observation);
        }
    }

    fn count_unplanned(&mut self, delivery: DeliveryId, planned: bool, outcome: Outcome) {
        if matches!(outcome, Outcome::Failed(_)) && !planned {
            *self.unplanned.entry(delivery).or_default() += 1;
        } else {
            self.unplanned.remove(&delivery);
        }
    }

    /// A receiver that answers 429 or 503 by itself is given real time, as a real sender's delay would.
    fn consider_respite(&mut self, delivery: DeliveryId, answer: Answer, outcome: Outcome) {
        let Answer::Status { code: 429 | 503, retry_after } = answer else { return };
        let Some(failures) = self.unplanned.get(&delivery) else { return };
        if self.target.is_scripted || !matches!(outcome, Outcome::Failed(_)) {
            return;
        }
        let wanted = retry_after.unwrap_or(RESPITE_FIRST * (1 << failures.min(&5)));
        self.respite = Some(self.respite.unwrap_or_default().max(wanted).min(RESPITE_MAX));
    }

    /// PNS time since the scenario's start.
    pub(super) fn offset(&self, instant: Timestamp) -> Duration {
        instant.since(self.started)
    }

    /// Changes the key that a subscription's notifications carry from now on.
    pub(super) fn change_key(&mut self, subscription: SubscriptionId, api_key: Option<ApiKey>) {
        self.driver.change_key(subscription, api_key);
        self.changed_keys.insert(subscription);
    }

    /// Whether a subscription's key was changed while it ran.
    pub(super) fn has_changed_key(&self, subscription: SubscriptionId) -> bool {
        self.changed_keys.contains(&subscription)
    }

    /// PNS time that has passed.
    pub(super) fn elapsed(&self) -> Duration {
        self.offset(self.driver.now())
    }

    /// Wall time that has passed.
    pub(super) fn wall(&self) -> Duration {
        self.wall.elapsed()
    }

    /// The scenario's limits.
    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// The scenario's own seed.
    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// When the window saved under `name` was open, as offsets; `None` if it was never announced.
    pub(super) fn open_spans(&self, name: &str) -> Option<Vec<(Duration, Duration)>> {
        use pns_engine::Happened::{WindowClosed, WindowOpened};
        let id = self.window(name)?;
        let mut spans = Vec::new();
        for record in self.ledger.records() {
            let at = self.offset(record.at);
            match record.event {
                WindowOpened { window } if window == id => spans.push((at, Duration::MAX)),
                WindowClosed { window } if window == id => {
                    if let Some(last) = spans.last_mut() {
                        last.1 = at;
                    }
                }
                _ => {}
            }
        }
        Some(spans)
    }

    /// The body of a notification as it was first sent, or would be.
    pub(super) fn sent_body(&self, id: NotificationId) -> Option<Bytes> {
        let published =
            self.ledger.notification(id).map_or(self.started, |notification| notification.published);
        self.driver.bodies_ref().sent(id, published)
    }

    /// The event id in a body, where the pack says it stands.
    pub(super) fn event_id(&self, body: &[u8]) -> Option<String> {
        self.driver.bodies_ref().pack().event_id(body)
    }
}
