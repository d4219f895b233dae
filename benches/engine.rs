//! The engine alone, in virtual time: attempts a second, and bytes a pending delivery.
//!
//! `cargo bench --bench engine` measures the rates; `cargo bench --bench engine -- memory` prints what a million
//! pending deliveries cost the whole process, read from `/proc/self/status`.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use pns_engine::{
    Answer, Command, EventType, FailureReason, NotificationId, Sender, Subscription, SubscriptionId,
    SupplierId, Timestamp,
};

const PENDING: u64 = 1_000_000;
const BATCH: u64 = 10_000;
const START: Timestamp = Timestamp::from_millis(1_000_000);
const OK: Answer = Answer::Status { code: 200, retry_after: None };
const REFUSED: Answer = Answer::NoResponse(FailureReason::Refused);

/// A sender and the PNS time it has reached.
struct World {
    sender: Sender,
    now: Timestamp,
    published: u64,
}

impl World {
    fn new(subscriptions: u32) -> Self {
        let mut sender = Sender::new(7);
        for id in 0..subscriptions {
            let subscription =
                Subscription { concurrency: NonZeroU32::new(64).expect("64"), ..Default::default() };
            let command =
                Command::AddSubscription { id: SubscriptionId(id), subscription: Box::new(subscription) };
            sender.handle_command(command, START).expect("new");
        }
        Self { sender, now: START, published: 0 }
    }

    fn publish(&mut self) {
        self.published += 1;
        let id = NotificationId(self.published);
        let supplier = Some(SupplierId(1));
        let command = Command::Publish { id, event_type: EventType::RfpSend, supplier };
        self.sender.handle_command(command, self.now).expect("rises");
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(record) = self.sender.poll_record() {
            black_box(record);
        }
    }

    /// Makes up to `attempts` attempts, 64 at once, time jumping to whatever is next; gives how many it made.
    fn attempt(&mut self, attempts: u64, answer: Answer) -> u64 {
        let mut made = 0;
        let mut in_flight = Vec::with_capacity(64);
        while made < attempts {
            while in_flight.len() < 64
                && let Some(transmit) = self.sender.poll_transmit(self.now)
            {
                in_flight.push(transmit.delivery);
            }
            if in_flight.is_empty() {
                let Some((at, _)) = self.sender.poll_timeout() else { break };
                self.now = at;
            }
            made += in_flight.len() as u64;
            for delivery in in_flight.drain(..) {
                self.sender.handle_answer(delivery, answer, self.now).expect("in flight");
            }
            self.now = self.now + Duration::from_micros(1);
            self.drain();
        }
        made
    }

    /// A receiver that has failed `PENDING` deliveries once each.
    fn failing(subscriptions: u32) -> Self {
        let mut world = Self::new(subscriptions);
        while (world.sender.pending() as u64) < PENDING {
            world.publish();
        }
        world.attempt(PENDING, REFUSED);
        world
    }
}

fn rates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(BATCH)).sample_size(30);
    group.bench_function("attempts, acknowledged at once", |bencher| {
        bencher.iter_batched_ref(
            || World::new(1),
            |world| {
                for _ in 0..BATCH {
                    world.publish();
                    assert_eq!(world.attempt(1, OK), 1);
                }
            },
            BatchSize::PerIteration,
        );
    });
    for subscriptions in [1, 100] {
        let mut world = World::failing(subscriptions);
        group.bench_function(
            format!("attempts, failing, 1 million pending, {subscriptions} receivers"),
            |b| {
                b.iter(|| world.attempt(BATCH, REFUSED));
            },
        );
    }
    group.finish();
}

/// Kilobytes of one line of `/proc/self/status`.
fn kilobytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells its memory there");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("there is such a line");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number of kB")
}

#[expect(clippy::print_stdout, reason = "a measurement is for reading")]
fn memory() {
    let before = kilobytes("VmHWM");
    let mut world = World::new(1);
    while world.published < PENDING {
        world.publish();
    }
    let (first, held) = (kilobytes("VmHWM"), kilobytes("VmRSS"));
    println!("first attempts: peak {first} kB, {} bytes a delivery held", (held - before) * 1024 / PENDING);
    world.attempt(PENDING, REFUSED);
    let (peak, held) = (kilobytes("VmHWM"), kilobytes("VmRSS"));
    println!("retries: peak {peak} kB, {} bytes a delivery at the peak", (peak - before) * 1024 / PENDING);
    println!("retries: {} bytes a delivery held", (held - before) * 1024 / PENDING);
}

fn main() {
    if std::env::args().any(|argument| argument == "memory") {
        return memory();
    }
    let mut criterion = Criterion::default().configure_from_args();
    rates(&mut criterion);
    criterion.final_summary();
}
