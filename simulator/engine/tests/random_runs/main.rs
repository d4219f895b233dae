//! Random runs: commands, answers and time drawn at random, held to every guarantee; then the receivers heal
//! and everything must be delivered within a bound computed from the settings. A run that breaks a promise is
//! printed as the sender's seed and the calls made of it, by which it can be repeated without this test.
//! Now and then the sender is thrown away, and another made of the records and the settings alone; and at every
//! step what the records tell is compared with what the sender knows.

mod blind;
mod steps;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use pns_engine::guarantee::check_all;
use pns_engine::{
    Answer, Backoff, Command, DeliveryId, EventType, Happened, NotificationId, Record, Sender, Snapshot,
    Subscription, SubscriptionId, SupplierId, Timestamp, WindowId,
};
use proptest::prelude::*;

use steps::{Step, settings, steps};

const START: Timestamp = Timestamp::from_millis(1_000_000);

/// A call of the sender, as it was made.
#[derive(Clone, Debug)]
#[expect(dead_code, reason = "the fields are read by Debug, when a run is described")]
enum Call {
    Command(Command),
    Answer(DeliveryId, Answer),
    PollTransmit,
    Recover,
}

struct World {
    seed: u64,
    sender: Sender,
    now: Timestamp,
    /// Every call and its instant: see the `Display` of a world.
    calls: Vec<(Timestamp, Call)>,
    /// The settings in force, as a journal would keep them beside the records.
    settings: BTreeMap<SubscriptionId, Subscription>,
    /// All backoffs that a subscription has had.
    backoffs: Vec<(SubscriptionId, Backoff)>,
    records: Vec<Record>,
    in_flight: Vec<DeliveryId>,
    published: u64,
    windows: u32,
}

impl World {
    fn new(seed: u64, subscriptions: &[Subscription]) -> Self {
        let mut world = Self {
            seed,
            sender: Sender::new(seed),
            now: START,
            calls: Vec::new(),
            settings: BTreeMap::new(),
            backoffs: Vec::new(),
            records: Vec::new(),
            in_flight: Vec::new(),
            published: 0,
            windows: 0,
        };
        for (id, subscription) in (0..).map(SubscriptionId).zip(subscriptions) {
            let subscription = Box::new(subscription.clone());
            world.command(Command::AddSubscription { id, subscription });
        }
        world
    }

    /// A refused command is part of the run: it must change nothing.
    fn command(&mut self, command: Command) {
        self.calls.push((self.now, Call::Command(command.clone())));
        let accepted = self.sender.handle_command(command.clone(), self.now).is_ok();
        match command {
            Command::AddSubscription { id, subscription }
            | Command::ChangeSubscription { id, subscription }
                if accepted =>
            {
                self.backoffs.push((id, subscription.backoff));
                self.settings.insert(id, *subscription);
            }
            _ => {}
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Publish { event, supplier } => {
                let event_type = EventType::ALL[event];
                self.published += 1;
                let supplier = event_type.names_supplier().then_some(SupplierId(supplier));
                self.command(Command::Publish { id: NotificationId(self.published), event_type, supplier });
            }
            Step::Redeliver { back, subscription } => {
                let id = NotificationId(self.published.saturating_sub(back));
                let published = self.records.iter().find_map(|record| match record.event {
                    Happened::NotificationPublished { notification, event_type, .. }
                        if notification == id =>
                    {
                        Some(event_type)
                    }
                    _ => None,
                });
                if let Some(event_type) = published {
                    let subscription = SubscriptionId(subscription);
                    self.command(Command::Redeliver { notification: id, event_type, subscription });
                }
            }
            Step::Window { subscription, from, length } => {
                let from = Timestamp::from_millis(self.now.as_millis().saturating_add_signed(from));
                let id = WindowId(self.windows);
                self.windows += 1;
                let until = from + Duration::from_millis(length);
                let subscription = SubscriptionId(subscription);
                self.command(Command::AnnounceWindow { id, subscription, from, until });
            }
            Step::Extend { window, by } => {
                let until = self.now + Duration::from_millis(by);
                self.command(Command::ExtendWindow { id: WindowId(window), until });
            }
            Step::Cancel { window } => self.command(Command::CancelWindow { id: WindowId(window) }),
            Step::Limit { subscription, limit } => self.command(Command::SetRateLimit {
                subscription: SubscriptionId(subscription),
                rate_limit: limit,
            }),
            Step::Change { subscription, settings } => self.command(Command::ChangeSubscription {
                id: SubscriptionId(subscription),
                subscription: Box::new(settings),
            }),
            Step::Remove { subscription } => {
                self.command(Command::RemoveSubscription { id: SubscriptionId(subscription) });
            }
            Step::Answer { pick, answer } => self.answer(pick, answer),
            Step::Pass { millis } => self.now = self.now + Duration::from_millis(millis),
            Step::Poll { count } => self.poll(count),
            Step::Crash { millis } => self.crash(millis),
        }
        self.drain();
        self.compare_snapshots();
    }

    /// Nothing survives but the records, the settings and the seed.
    fn crash(&mut self, millis: u64) {
        self.drain();
        self.now = self.now + Duration::from_millis(millis);
        self.calls.push((self.now, Call::Recover));
        let kept = Snapshot::of_records(&self.records, &self.settings);
        self.sender = Sender::recover(self.seed, kept, self.now);
        self.in_flight.clear();
        assert_eq!(self.sender.snapshot().now, self.now, "it goes on at the present instant");
    }

    /// What the records tell must be what the sender knows.
    fn compare_snapshots(&self) {
        let kept = Snapshot::of_records(&self.records, &self.settings);
        // Time may have passed without a record.
        let known = Snapshot { now: kept.now, ..self.sender.snapshot() };
        assert_eq!(kept, known, "\n{self}");
    }

    fn answer(&mut self, pick: usize, answer: Answer) {
        if !self.in_flight.is_empty() {
            let delivery = self.in_flight.swap_remove(pick % self.in_flight.len());
            self.calls.push((self.now, Call::Answer(delivery, answer)));
            self.sender.handle_answer(delivery, answer, self.now).expect("in flight");
            assert!(self.sender.handle_answer(delivery, answer, self.now).is_err(), "answered twice");
        }
    }

    fn poll(&mut self, count: usize) {
        for _ in 0..count {
            self.calls.push((self.now, Call::PollTransmit));
            let Some(transmit) = self.sender.poll_transmit(self.now) else {
                let next = self.sender.poll_timeout().map(|(at, _)| at);
                assert!(
                    next.is_none_or(|at| at > self.now),
                    "livelock: woken at {next:?}, now {:?}",
                    self.now
                );
                return;
            };
            self.in_flight.push(transmit.delivery);
        }
    }

    fn drain(&mut self) {
        while let Some(record) = self.sender.poll_record() {
            self.records.push(record);
        }
    }

    /// Within this time from now all is delivered, if every attempt from now on is acknowledged at once.
    ///
    /// * What waits for a retry falls due within the longest delay that any settings of its subscription so far
    ///   allow: a delivery keeps the delay that it has when the settings change.
    /// * No window outlasts the latest end that was ever announced, whatever came of that window later.
    /// * When all is due and no window is left, only the rate limit spaces the starts: one interval for each
    ///   delivery, after at most the whole burst that starts before now have used up. Concurrency and a failing
    ///   delivery keep nothing waiting, for no attempt stays in flight and none fails.
    ///
    /// Subscriptions do not wait for each other, so the slowest of them sets the bound.
    fn liveness_bound(&self) -> Duration {
        let ends = self.records.iter().map(|record| match record.event {
            Happened::WindowAnnounced { until, .. } | Happened::WindowExtended { until, .. } => until,
            _ => START,
        });
        let downtime = ends.max().map_or(Duration::ZERO, |end| end.since(self.now));
        let of = |id: SubscriptionId| {
            let backlog = self.sender.backlog(id, self.now)?;
            let delays = self.backoffs.iter().filter(|(whose, _)| *whose == id).map(|(_, b)| b.bound());
            let limit = self.records.iter().rev().find_map(|record| match record.event {
                Happened::RateLimitSet { subscription, rate_limit } if subscription == id => Some(rate_limit),
                _ => None,
            });
            let flush = limit.flatten().map_or(Duration::ZERO, |limit| {
                let interval = limit.per().as_nanos().div_ceil(u128::from(limit.count().get()));
                let starts = u128::from(limit.burst().get())
                    + (backlog.waiting + backlog.held + backlog.ready + backlog.in_flight) as u128;
                Duration::from_nanos(u64::try_from(interval * starts).expect("a few minutes"))
            });
            Some(downtime.max(delays.max()?) + flush)
        };
        (0..3).map(SubscriptionId).filter_map(of).max().unwrap_or(Duration::ZERO)
    }

    /// The receivers are healthy: acknowledges everything until nothing is left. Gives the time it took.
    fn heal(&mut self) -> Duration {
        let healed = self.now;
        for _ in 0..1_000_000 {
            self.poll(usize::MAX);
            let ok = Answer::Status { code: 200, retry_after: None };
            while !self.in_flight.is_empty() {
                self.answer(0, ok);
            }
            self.drain();
            if self.sender.pending() == 0 {
                return self.now.since(healed);
            }
            self.poll(1);
            if !self.in_flight.is_empty() {
                continue;
            }
            let (at, _) = self.sender.poll_timeout().expect("something is pending, so something will happen");
            self.now = at;
        }
        panic!("a million polls and {} deliveries are still pending", self.sender.pending());
    }
}

/// All that a run depends on, so that it can be repeated by hand whatever draws random runs by then: the seed,
/// and each call of the sender with its instant.
impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Sender::new({}), then:", self.seed)?;
        self.calls.iter().try_for_each(|(at, call)| writeln!(f, "{at:?} {call:?}"))
    }
}

/// Every guarantee, and equal inputs giving equal records.
fn judge(world: &World, subscriptions: &[Subscription]) {
    let settings: BTreeMap<_, _> = (0..).map(SubscriptionId).zip(subscriptions.iter().cloned()).collect();
    let findings = check_all(&world.records, &settings);
    assert!(findings.is_empty(), "{findings:#?}\n{world}");
    assert!(world.records.is_sorted_by_key(|record| record.at), "records are ordered as they happened");
}

proptest! {
    // A failure is kept as its calls, not as a seed that later generators read otherwise.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_runs_keep_every_guarantee_and_end_delivered(
        seed: u64,
        subscriptions in prop::collection::vec(settings(), 1..4),
        steps in steps(),
    ) {
        let mut world = World::new(seed, &subscriptions);
        let mut again = World::new(seed, &subscriptions);
        for step in steps.iter().cloned() {
            world.step(step);
        }
        let bound = world.liveness_bound();
        let took = world.heal();
        prop_assert!(took <= bound, "delivered after {:?}, and not within {:?}\n{}", took, bound, world);
        judge(&world, &subscriptions);

        for step in steps {
            again.step(step);
        }
        again.heal();
        prop_assert_eq!(&world.records, &again.records);
    }
}
