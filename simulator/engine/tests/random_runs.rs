//! Random runs: commands, answers and time drawn at random, held to every guarantee; then the receivers heal
//! and everything must be delivered within a bound computed from the settings. A run that breaks a promise is
//! printed as the sender's seed and the calls made of it, by which it can be repeated without this test.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use pns_engine::guarantee::{Guarantee, check_all};
use pns_engine::{
    Answer, Backoff, Command, DeliveryId, DeliveryId as Id, EventType, EventTypeSet, Factor, FailingDelivery,
    FailureReason, Happened, Jitter, NotificationId, RateLimit, Record, RetryAfter, Sender, Subscription,
    SubscriptionId, SupplierId, SupplierScope, Supplierless, Timestamp, WindowId,
};
use proptest::prelude::*;

const START: Timestamp = Timestamp::from_millis(1_000_000);

#[derive(Clone, Debug)]
enum Step {
    Publish { event: usize, supplier: u128 },
    Redeliver { back: u64, subscription: u32 },
    Window { subscription: u32, from: i64, length: u64 },
    Extend { window: u32, by: u64 },
    Cancel { window: u32 },
    Limit { subscription: u32, limit: Option<RateLimit> },
    Change { subscription: u32, settings: Subscription },
    Remove { subscription: u32 },
    Answer { pick: usize, answer: Answer },
    Pass { millis: u64 },
    Poll { count: usize },
}

fn positive(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).expect("positive")
}

fn limits() -> impl Strategy<Value = Option<RateLimit>> {
    proptest::option::of((1..20u32, 1..5_000u64, 1..5u32).prop_map(|(count, per, burst)| {
        RateLimit::new(positive(count), Duration::from_millis(per), positive(burst)).expect("a rate")
    }))
}

fn settings() -> impl Strategy<Value = Subscription> {
    let backoffs =
        (1..2_000u64, 1_000..4_000u32, 1..20u64, 0..200u32).prop_map(|(first, factor, times, jitter)| {
            let first = Duration::from_millis(first);
            let max = first * u32::try_from(times).expect("small");
            let factor = Factor::from_thousandths(factor).expect("at least 1");
            Backoff::new(first, factor, max, Jitter::from_percent(jitter).expect("at most 1000"))
                .expect("rises")
        });
    let suppliers = prop_oneof![
        Just(SupplierScope::All),
        prop::collection::btree_set(0..3u128, 0..3)
            .prop_map(|ids| SupplierScope::Only(ids.into_iter().map(SupplierId).collect()))
    ];
    let choices = (any::<bool>(), any::<bool>(), any::<bool>(), proptest::option::of(1..6u32));
    (prop::collection::vec(0..33usize, 10..33), suppliers, backoffs, limits(), 1..4u32, choices).prop_map(
        |(events, suppliers, backoff, rate_limit, concurrency, (each, strict, honoured, cap))| Subscription {
            events: events.into_iter().map(|i| EventType::ALL[i]).collect::<EventTypeSet>(),
            suppliers,
            supplierless: if each { Supplierless::PerSupplier } else { Supplierless::Once },
            backoff,
            rate_limit,
            concurrency: positive(concurrency),
            failing_delivery: if strict {
                FailingDelivery::HoldsBackOthers
            } else {
                FailingDelivery::DelaysOnlyItself
            },
            retry_after: if honoured { RetryAfter::Honoured } else { RetryAfter::Ignored },
            attempt_cap: cap.map(positive),
            ..Subscription::default()
        },
    )
}

fn answers() -> impl Strategy<Value = Answer> {
    prop_oneof![
        2 => Just(Answer::Status { code: 200, retry_after: None }),
        1 => (0..30_000u64).prop_map(|wait| Answer::Status {
            code: 503,
            retry_after: Some(Duration::from_millis(wait)),
        }),
        2 => Just(Answer::NoResponse(FailureReason::Refused)),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0..33usize, 0..4u128).prop_map(|(event, supplier)| Step::Publish { event, supplier }),
        1 => (0..5u64, 0..3u32).prop_map(|(back, subscription)| Step::Redeliver { back, subscription }),
        2 => (0..3u32, -5_000..5_000i64, 1..8_000u64)
            .prop_map(|(subscription, from, length)| Step::Window { subscription, from, length }),
        1 => (0..12u32, 0..4_000u64).prop_map(|(window, by)| Step::Extend { window, by }),
        1 => (0..12u32).prop_map(|window| Step::Cancel { window }),
        1 => (0..3u32, limits()).prop_map(|(subscription, limit)| Step::Limit { subscription, limit }),
        1 => (0..3u32, settings())
            .prop_map(|(subscription, settings)| Step::Change { subscription, settings }),
        1 => (0..40u32).prop_map(|subscription| Step::Remove { subscription }),
        12 => (any::<usize>(), answers()).prop_map(|(pick, answer)| Step::Answer { pick, answer }),
        8 => (0..3_000u64).prop_map(|millis| Step::Pass { millis }),
        12 => (1..8usize).prop_map(|count| Step::Poll { count }),
    ];
    prop::collection::vec(step, 1..150)
}

/// A call of the sender, as it was made.
#[derive(Clone, Debug)]
#[expect(dead_code, reason = "the fields are read by Debug, when a run is described")]
enum Call {
    Command(Command),
    Answer(DeliveryId, Answer),
    PollTransmit,
}

struct World {
    seed: u64,
    sender: Sender,
    now: Timestamp,
    /// Every call and its instant: see the `Display` of a world.
    calls: Vec<(Timestamp, Call)>,
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
                self.command(Command::Redeliver {
                    notification: NotificationId(self.published.saturating_sub(back)),
                    event_type: EventType::RfpSend,
                    subscription: SubscriptionId(subscription),
                });
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
        }
        self.drain();
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

/// A run in which every guarantee has something to judge: downtime, a limit, a retry.
fn sound() -> (Vec<Record>, BTreeMap<SubscriptionId, Subscription>) {
    let subscription = Subscription {
        rate_limit: RateLimit::new(positive(1), Duration::from_secs(1), positive(1)).ok(),
        concurrency: positive(1),
        ..Subscription::default()
    };
    let mut world = World::new(1, std::slice::from_ref(&subscription));
    let refused = Answer::NoResponse(FailureReason::Refused);
    for step in [
        Step::Publish { event: 0, supplier: 1 },
        Step::Poll { count: 1 },
        Step::Answer { pick: 0, answer: refused },
        Step::Window { subscription: 0, from: 1_000, length: 60_000 },
        Step::Pass { millis: 2_000 },
        Step::Publish { event: 0, supplier: 1 },
        Step::Poll { count: 9 },
    ] {
        world.step(step);
    }
    world.heal();
    (world.records, BTreeMap::from([(SubscriptionId(0), subscription)]))
}

#[track_caller]
fn doctored(guarantee: Guarantee, doctor: impl FnOnce(&mut Vec<Record>, &mut Subscription)) {
    let (mut records, mut settings) = sound();
    assert_eq!(check_all(&records, &settings), [], "sound before it is doctored");
    doctor(&mut records, settings.get_mut(&SubscriptionId(0)).expect("there"));
    let findings = check_all(&records, &settings);
    assert!(findings.iter().any(|f| f.guarantee == guarantee), "{guarantee:?} is blind: {findings:#?}");
}

/// The place of the `nth` start.
fn start(records: &[Record], nth: usize) -> usize {
    let mut starts =
        records.iter().enumerate().filter(|(_, r)| matches!(r.event, Happened::AttemptStarted { .. }));
    starts.nth(nth).expect("so many starts").0
}

#[test]
fn no_guarantee_is_blind() {
    doctored(Guarantee::NothingLost, |records, _| {
        records.retain(|r| !matches!(r.event, Happened::DeliveryQueued { delivery: Id(2), .. }));
    });
    doctored(Guarantee::NothingLost, |records, _| {
        for record in records {
            if let Happened::AttemptFailed { delay, .. } = &mut record.event {
                *delay = None;
            }
        }
    });
    doctored(Guarantee::AttemptsConsecutive, |records, _| {
        let again = records[start(records, 0)];
        records.insert(start(records, 0), again);
    });
    doctored(Guarantee::IntervalsNeverShrink, |records, _| {
        for record in records {
            if let Happened::AttemptFailed { delay, .. } = &mut record.event {
                *delay = delay.map(|delay| delay * 9);
            }
        }
    });
    doctored(Guarantee::OnlySubscribed, |_, settings| settings.events = EventTypeSet::default());
    doctored(Guarantee::NothingInDowntime, |records, _| {
        for record in records {
            if let Happened::WindowAnnounced { until, .. } = &mut record.event {
                *until = Timestamp::MAX;
            }
        }
    });
    doctored(Guarantee::WithinRateLimit, |records, _| {
        let (first, second) = (start(records, 1), start(records, 2));
        records[second].at = records[first].at;
    });
    doctored(Guarantee::ConcurrencyBounded, |records, _| {
        records.retain(|r| !matches!(r.event, Happened::AttemptAcknowledged { .. }));
    });
    doctored(Guarantee::FlushOldestFirst, |records, _| {
        let (first, second) = (start(records, 1), start(records, 2));
        let event = records[first].event;
        records[first].event = records[second].event;
        records[second].event = event;
    });
}

#[test]
fn a_starved_first_attempt_is_found() {
    let mut world = World::new(1, &[Subscription::default()]);
    let refused = Answer::NoResponse(FailureReason::Refused);
    for step in [
        Step::Publish { event: 0, supplier: 1 },
        Step::Publish { event: 0, supplier: 1 },
        Step::Poll { count: 2 },
        Step::Answer { pick: 0, answer: refused },
        Step::Answer { pick: 0, answer: refused },
        Step::Pass { millis: 40_000 },
        Step::Publish { event: 0, supplier: 1 },
    ] {
        world.step(step);
    }
    world.heal();
    let settings = BTreeMap::from([(SubscriptionId(0), Subscription::default())]);
    assert_eq!(check_all(&world.records, &settings), []);
    let first = (2..=4)
        .map(|nth| start(&world.records, nth))
        .find(|at| matches!(world.records[*at].event, Happened::AttemptStarted { delivery: Id(3), .. }));
    let starved = world.records.remove(first.expect("the third delivery starts"));
    world.records.insert(start(&world.records, 3) + 1, starved);
    let findings = check_all(&world.records, &settings);
    assert!(findings.iter().any(|f| f.guarantee == Guarantee::NoStarvation), "{findings:#?}");
}
