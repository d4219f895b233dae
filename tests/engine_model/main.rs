//! The engine against a model that is too simple to be wrong in the same way (`reference`): random commands,
//! answers and time, and after every step equal records, equal verdicts, the same backlog and wake-up. Now and
//! then the engine is thrown away and another made of the records alone and the settings. Each run ends with healthy receivers, to which everything is delivered, step by step like the rest.
//!
//! `PROPTEST_CASES` sets the number of runs. A run that fails is printed as its transitions, shortened.

mod reference;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use pns_engine::{
    Answer, Backoff, Command, CommandError, DeliveryId, EventType, EventTypeSet, Factor, FailingDelivery,
    FailureReason, Jitter, NotInFlight, NotificationId, Outcome, RateLimit, Record, RetryAfter, Sender,
    Snapshot, Subscription, SubscriptionId, SupplierId, SupplierScope, Supplierless, Timestamp, Transmit,
    WindowId,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use reference::Model;

const START: Timestamp = Timestamp::from_millis(1_000_000);
const OK: Answer = Answer::Status { code: 200, retry_after: None };

/// One thing that a caller does to a sender.
#[derive(Clone, Debug)]
enum Step {
    Command(Command),
    Answer(DeliveryId, Answer),
    /// Asks for so many attempts.
    Poll(usize),
    /// Time goes on, and the sender learns of it now or with the next step.
    Pass(Duration, Told),
    /// Time goes on to the instant that the sender asked for.
    Wake,
    /// The sender is gone. After a while another goes on, with the records and settings that were kept.
    Crash(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Now,
    Later,
}

/// What came of a step, apart from its records.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reply {
    Done(Result<(), CommandError>),
    Verdict(Result<Outcome, NotInFlight>),
    Started(Vec<Transmit>),
    Passed,
}

/// The model, the caller's clock, and what the last step should have led to.
#[derive(Clone, Debug)]
struct Expected {
    model: Model,
    clock: Timestamp,
    reply: Reply,
}

impl Expected {
    fn new(seed: u64) -> Self {
        let model = Model { seed, now: START, ..Model::default() };
        Self { model, clock: START, reply: Reply::Passed }
    }

    fn step(&mut self, step: &Step) {
        self.model.records.clear();
        match step {
            Step::Pass(by, _) | Step::Crash(by) => self.clock = self.clock + *by,
            Step::Wake => self.clock = self.model.timeout().map_or(self.clock, |at| at.max(self.clock)),
            Step::Command(_) | Step::Answer(..) | Step::Poll(_) => {}
        }
        if !matches!(step, Step::Pass(_, Told::Later)) {
            self.model.advance(self.clock);
        }
        self.reply = match step {
            Step::Command(command) => Reply::Done(self.model.command(command.clone())),
            Step::Answer(delivery, answer) => {
                Reply::Verdict(self.model.answer(*delivery, *answer).ok_or(NotInFlight(*delivery)))
            }
            Step::Poll(count) => Reply::Started((0..*count).map_while(|_| self.model.start()).collect()),
            Step::Pass(..) | Step::Wake => Reply::Passed,
            Step::Crash(_) => {
                self.model.recover();
                Reply::Passed
            }
        };
    }
}

fn positive(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).expect("positive")
}

/// One of them often, so that a limit is set again.
fn limits() -> impl Strategy<Value = Option<RateLimit>> {
    let limit = prop_oneof![2 => Just((2, 1_000, 2)), 3 => (1..7u32, 1..5_000u64, 1..4u32)];
    let limit = limit.prop_map(|(count, per, burst)| {
        RateLimit::new(positive(count), Duration::from_millis(per), positive(burst)).expect("a rate")
    });
    proptest::option::weighted(0.7, limit)
}

fn settings() -> impl Strategy<Value = Box<Subscription>> {
    let jitter = prop_oneof![2 => Just(0), 1 => 1..200u32];
    let backoff =
        (1..2_000u64, 1_000..4_000u32, 1..20u32, jitter).prop_map(|(first, factor, times, jitter)| {
            let (first, jitter) = (Duration::from_millis(first), Jitter::from_percent(jitter));
            let factor = Factor::from_thousandths(factor).expect("at least 1");
            Backoff::new(first, factor, first * times, jitter.expect("at most 1000")).expect("rises")
        });
    let suppliers = prop_oneof![
        2 => Just(SupplierScope::All),
        1 => prop::collection::btree_set((0..3u128).prop_map(SupplierId), 0..3).prop_map(SupplierScope::Only)
    ];
    let cap = proptest::option::weighted(0.2, (1..4u32).prop_map(positive));
    let choices = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), cap);
    (suppliers, backoff, limits(), 1..4u32, choices).prop_map(
        |(suppliers, backoff, rate_limit, concurrency, (all, each, strict, honoured, attempt_cap))| {
            Box::new(Subscription {
                events: if all {
                    EventType::ALL.into_iter().collect()
                } else {
                    EventTypeSet::DEFAULT_SUBSCRIPTION
                },
                suppliers,
                supplierless: if each { Supplierless::PerSupplier } else { Supplierless::Once },
                backoff,
                rate_limit,
                concurrency: positive(concurrency),
                failing_delivery: [FailingDelivery::DelaysOnlyItself, FailingDelivery::HoldsBackOthers]
                    [usize::from(strict)],
                retry_after: [RetryAfter::Ignored, RetryAfter::Honoured][usize::from(honoured)],
                attempt_cap,
                ..Subscription::default()
            })
        },
    )
}

fn answers() -> impl Strategy<Value = Answer> {
    let busy = |code| {
        proptest::option::of(0..30_000u64)
            .prop_map(move |wait| Answer::Status { code, retry_after: wait.map(Duration::from_millis) })
    };
    prop_oneof![
        2 => Just(OK),
        1 => Just(Answer::Status { code: 299, retry_after: None }),
        2 => select(vec![199, 300, 401, 429, 503]).prop_flat_map(busy),
        2 => select(vec![FailureReason::Refused, FailureReason::AcknowledgementTimeout])
            .prop_map(Answer::NoResponse),
    ]
}

/// Commands about three subscriptions and five windows, so that ids are often taken, unknown or free again.
fn commands(state: &Expected) -> impl Strategy<Value = Command> + use<> {
    let (now, last) = (state.clock, state.model.last_notification.map_or(0, |last| last.0));
    let known: Vec<_> = state.model.subscriptions.iter().map(|s| s.id).chain([SubscriptionId(0)]).collect();
    let subscription = || prop_oneof![3 => select(known.clone()), 1 => (0..3u32).prop_map(SubscriptionId)];
    let announced: Vec<_> = state.model.windows.iter().map(|w| w.id).chain([WindowId(0)]).collect();
    let window = || prop_oneof![3 => select(announced.clone()), 1 => (0..5u32).prop_map(WindowId)];
    let supplier = || proptest::option::weighted(0.95, (0..3u128).prop_map(SupplierId));
    let event = prop_oneof![
        8 => Just(EventType::RfpSend),
        1 => Just(EventType::PlannerCancel),
        1 => select(EventType::ALL.to_vec())
    ];
    let published = (event, supplier(), 0..20u64).prop_map(move |(event_type, supplier, slip)| {
        let supplier = supplier.filter(|_| event_type.names_supplier());
        Command::Publish { id: NotificationId(last + u64::from(slip > 0)), event_type, supplier }
    });
    let types = state.model.published.clone();
    let redelivered = (1..last + 2, subscription()).prop_map(move |(id, subscription)| Command::Redeliver {
        notification: NotificationId(id),
        event_type: types.get(&NotificationId(id)).copied().unwrap_or(EventType::RfpForward),
        subscription,
    });
    // Whole half seconds and the present instant, so that windows meet.
    let instant = || {
        let near = move |by| Timestamp::from_millis((now.as_millis() / 500 * 500).saturating_add_signed(by));
        prop_oneof![1 => Just(now), 6 => (-8..8i64).prop_map(move |by| near(by * 500))]
    };
    let announced = ((0..5u32).prop_map(WindowId), subscription(), instant(), 0..16u64, 0..20u32).prop_map(
        |(id, subscription, from, halves, endless)| {
            let until =
                if endless == 0 { Timestamp::MAX } else { from + Duration::from_millis(halves * 500) };
            Command::AnnounceWindow { id, subscription, from, until }
        },
    );
    let moved = (window(), instant()).prop_map(|(id, until)| Command::ExtendWindow { id, until });
    prop_oneof![
        20 => published,
        2 => redelivered,
        3 => (subscription(), settings())
            .prop_map(|(id, subscription)| Command::AddSubscription { id, subscription }),
        2 => (subscription(), settings())
            .prop_map(|(id, subscription)| Command::ChangeSubscription { id, subscription }),
        1 => subscription().prop_map(|id| Command::RemoveSubscription { id }),
        4 => announced,
        if state.model.windows.is_empty() { 1 } else { 12 } => moved,
        1 => window().prop_map(|id| Command::CancelWindow { id }),
        2 => (subscription(), limits())
            .prop_map(|(subscription, rate_limit)| Command::SetRateLimit { subscription, rate_limit }),
    ]
}

impl ReferenceStateMachine for Expected {
    type State = Self;
    type Transition = Step;

    /// A run begins with one subscription.
    fn init_state() -> BoxedStrategy<Self> {
        let first = (any::<u64>(), settings()).prop_map(|(seed, subscription)| {
            let mut state = Self::new(seed);
            let id = SubscriptionId(0);
            state.step(&Step::Command(Command::AddSubscription { id, subscription }));
            state
        });
        first.boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Step> {
        let in_flight: Vec<_> = state.model.deliveries.iter().filter(|d| d.in_flight).map(|d| d.id).collect();
        let (picks, none) = (any::<Index>(), in_flight.is_empty());
        let delivery = picks
            .prop_map(move |pick| if none { DeliveryId(1) } else { in_flight[pick.index(in_flight.len())] });
        let told = prop_oneof![Just(Told::Now), Just(Told::Later)];
        let span = prop_oneof![
            2 => 0..9_000_000u64,
            4 => 0..1_500_000_000u64,
            1 => 0..30_000_000_000u64
        ];
        prop_oneof![
            6 => commands(state).prop_map(Step::Command),
            if none { 1 } else { 7 } => (delivery, answers()).prop_map(|(id, answer)| Step::Answer(id, answer)),
            4 => (1..6usize).prop_map(Step::Poll),
            3 => (span, told).prop_map(|(nanos, told)| Step::Pass(Duration::from_nanos(nanos), told)),
            3 => Just(Step::Wake),
            1 => (0..4_000_000_000u64).prop_map(|nanos| Step::Crash(Duration::from_nanos(nanos))),
        ]
        .boxed()
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        state.step(step);
        state
    }
}

/// The engine, its caller's clock, and what the caller keeps.
struct Engine {
    sender: Sender,
    clock: Timestamp,
    seed: u64,
    records: Vec<Record>,
    settings: BTreeMap<SubscriptionId, Subscription>,
}

impl Engine {
    fn step(&mut self, step: &Step) -> Reply {
        let Self { sender, clock, .. } = self;
        match step {
            Step::Command(command) => {
                let done = sender.handle_command(command.clone(), *clock);
                if done.is_ok() {
                    self.keep(command);
                }
                Reply::Done(done)
            }
            Step::Answer(delivery, answer) => {
                Reply::Verdict(sender.handle_answer(*delivery, *answer, *clock))
            }
            Step::Poll(count) => {
                Reply::Started((0..*count).map_while(|_| sender.poll_transmit(*clock)).collect())
            }
            Step::Pass(by, told) => {
                *clock = *clock + *by;
                if *told == Told::Now {
                    sender.handle_timeout(*clock);
                }
                Reply::Passed
            }
            Step::Wake => {
                *clock = sender.poll_timeout().map_or(*clock, |(at, _)| at.max(*clock));
                sender.handle_timeout(*clock);
                Reply::Passed
            }
            Step::Crash(by) => {
                self.clock = self.clock + *by;
                let kept = Snapshot::of_records(&self.records, &self.settings);
                self.sender = Sender::recover(self.seed, kept, self.clock);
                Reply::Passed
            }
        }
    }

    fn keep(&mut self, command: &Command) {
        if let Command::AddSubscription { id, subscription }
        | Command::ChangeSubscription { id, subscription } = command
        {
            self.settings.insert(*id, (**subscription).clone());
        }
    }

    /// Does `step`, which the model has done already, and compares all that can be seen.
    fn agree(&mut self, expected: &Expected, step: &Step) {
        let reply = self.step(step);
        let records: Vec<Record> = std::iter::from_fn(|| self.sender.poll_record()).collect();
        self.records.extend(&records);
        let Expected { model, clock, .. } = expected;
        assert_eq!((&reply, &records), (&expected.reply, &model.records), "after {step:?}");
        assert_eq!(self.clock, *clock, "after {step:?}");
        let wake = self.sender.poll_timeout().map(|(at, _)| at);
        assert_eq!(wake, model.timeout(), "wake-up after {step:?}");
        if matches!((reply, step), (Reply::Started(all), Step::Poll(count)) if all.len() < *count) {
            assert!(wake.is_none_or(|at| at > *clock), "nothing to start, and yet woken at {wake:?}");
        }
        assert_eq!(self.sender.pending(), model.deliveries.len(), "pending after {step:?}");
        for id in (0..4).map(SubscriptionId) {
            let backlog = self.sender.backlog(id, *clock);
            assert_eq!(backlog, model.backlog(id, *clock), "backlog of {id} after {step:?}");
        }
    }
}

impl StateMachineTest for Engine {
    type SystemUnderTest = Self;
    type Reference = Expected;

    fn init_test(expected: &Expected) -> Self {
        let seed = expected.model.seed;
        let (records, settings) = (Vec::new(), BTreeMap::new());
        let mut engine = Self { sender: Sender::new(seed), clock: START, seed, records, settings };
        let subscription = Box::new(expected.model.subscriptions[0].settings.clone());
        let id = SubscriptionId(0);
        engine.agree(expected, &Step::Command(Command::AddSubscription { id, subscription }));
        engine
    }

    fn apply(mut engine: Self, expected: &Expected, step: Step) -> Self {
        engine.agree(expected, &step);
        engine
    }

    /// The receivers heal and endless windows end: all that is left is delivered.
    fn teardown(mut engine: Self, mut expected: Expected) {
        let mut both = |step: &Step| {
            expected.step(step);
            engine.agree(&expected, step);
            expected.clone()
        };
        for id in (0..5).map(WindowId) {
            both(&Step::Command(Command::CancelWindow { id }));
        }
        for _ in 0..10_000 {
            let before = both(&Step::Poll(9));
            if before.model.deliveries.is_empty() {
                return;
            }
            for delivery in before.model.deliveries.iter().filter(|d| d.in_flight) {
                both(&Step::Answer(delivery.id, OK));
            }
            both(&Step::Wake);
        }
        panic!("not delivered after 10000 wake-ups: {:?}", expected.model.deliveries);
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_does_what_the_model_does(sequential 1..120 => Engine);
}
