//! The journal: durable writes a second, and how long a start with a million pending deliveries takes.
//!
//! `cargo bench --bench journal` measures the rates; `cargo bench --bench journal -- start` prints the time and the
//! memory of a start. The journals are in the folder for temporary files: figures of a RAM disk say little.

use std::num::NonZeroU32;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use pns_engine::{
    Deferrals, DeliveryId, EventType, FailureReason, NotificationId, Origin, Outcome, Sender, Subscription,
    SubscriptionId, SupplierId, Timestamp,
};
use pns_simulator::clock::Stopwatch;
use pns_simulator::journal::{
    Change, DeliveryFilter, DeliveryState, Durability, Journal, KeptExchange, Options, Page, Published,
};
use tempfile::TempDir;

const PENDING: u64 = 1_000_000;
const SUBSCRIPTIONS: u32 = 1_000;
const BATCH: u64 = 10_000;
const AT: Timestamp = Timestamp::from_millis(1_764_000_000_000);

fn open(dir: &TempDir, durability: Durability) -> Journal {
    Journal::open(dir.path(), Options { durability, size_limit: None }).expect("a new folder").0
}

fn subscription(id: u64) -> SubscriptionId {
    SubscriptionId(u32::try_from(id % u64::from(SUBSCRIPTIONS)).expect("a remainder of it"))
}

fn publish(id: u64) -> [Change; 2] {
    let (notification, event_type) = (NotificationId(id), EventType::RfpSend);
    let supplier = Some(SupplierId(id.into()));
    let published =
        Published { id: notification, event_type, supplier, at: AT, recipe: None, raw: None, act: None };
    let delivery = DeliveryId(id);
    let (subscription, origin) = (subscription(id), Origin::Publication);
    [
        Change::NotificationPublished(published),
        Change::DeliveryQueued { delivery, notification, subscription, event_type, origin, at: AT },
    ]
}

fn start(id: u64) -> Change {
    Change::AttemptStarted {
        delivery: DeliveryId(id),
        subscription: subscription(id),
        notification: NotificationId(id),
        number: 1,
        at: AT,
        due: AT,
        deferrals: Deferrals::default(),
        stamp: Some(AT),
    }
}

/// With an exchange of a common size.
fn end(id: u64, outcome: Outcome) -> Change {
    Change::AttemptEnded {
        delivery: DeliveryId(id),
        number: 1,
        at: AT,
        outcome,
        next: matches!(outcome, Outcome::Failed(_)).then_some(Duration::from_secs(30)),
        exchange: Some(KeptExchange { facts: "f".repeat(400), response_body: "ok".into() }),
    }
}

/// Writes `lives`, each a list of writes that are awaited one after the other, so many at once.
async fn write_all(journal: &Journal, lives: Vec<Vec<Vec<Change>>>, at_once: usize) {
    let mut waiting = lives.into_iter();
    let mut running = tokio::task::JoinSet::new();
    loop {
        while running.len() < at_once
            && let Some(life) = waiting.next()
        {
            let journal = journal.clone();
            running.spawn(async move {
                for changes in life {
                    journal.write(changes).await.await.expect("room on the disk");
                }
            });
        }
        let Some(done) = running.join_next().await else { return };
        done.expect("no panic");
    }
}

fn rates(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut group = criterion.benchmark_group("journal");
    group.sample_size(10);
    for (name, durability) in [("process", Durability::Process), ("power", Durability::Power)] {
        for at_once in [1, 64, 1_024] {
            let (dir, mut id) = (TempDir::new().expect("a folder"), 0);
            let journal = open(&dir, durability);
            let number = if at_once == 1 { BATCH / 10 } else { BATCH };
            let mut lives = |whole: bool| {
                let lives = (0..number).map(|_| {
                    id += 1;
                    let mut life = vec![publish(id).to_vec()];
                    if whole {
                        life.extend([vec![start(id)], vec![end(id, Outcome::Acknowledged(200))]]);
                    }
                    life
                });
                lives.collect::<Vec<_>>()
            };
            group.throughput(Throughput::Elements(number));
            for (what, whole) in [("publishes", false), ("deliveries", true)] {
                group.bench_function(format!("{what}, {name}, {at_once} at once"), |bencher| {
                    bencher.iter_batched(
                        || lives(whole),
                        |lives| runtime.block_on(write_all(&journal, lives, at_once)),
                        BatchSize::PerIteration,
                    );
                });
            }
        }
    }
    group.finish();
}

/// Half of the deliveries have failed once.
async fn fill(journal: &Journal) {
    let put = |id| Change::SubscriptionPut { id: SubscriptionId(id), settings: "{}".into(), limit_set: AT };
    journal.write((0..SUBSCRIPTIONS).map(put).collect()).await.await.expect("room on the disk");
    for first in (1..=PENDING).step_by(1_000) {
        let mut changes = Vec::new();
        for id in first..first + 1_000 {
            changes.extend(publish(id));
            if id % 2 == 0 {
                changes.extend([start(id), end(id, Outcome::Failed(FailureReason::Refused))]);
            }
        }
        journal.write(changes).await.await.expect("room on the disk");
    }
}

/// Kilobytes of one line of `/proc/self/status`.
fn kilobytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells its memory there");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("there is such a line");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number of kB")
}

#[expect(clippy::print_stdout, reason = "a measurement is for reading")]
fn restart() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let dir = TempDir::new().expect("a folder");
    let watch = Stopwatch::start();
    let journal = open(&dir, Durability::Process);
    runtime.block_on(fill(&journal));
    runtime.block_on(journal.close()).expect("room on the disk");
    drop(journal);
    let bytes = std::fs::metadata(dir.path().join("journal.sqlite3")).expect("it is there").len();
    println!("filled in {:?}, {} bytes a delivery on disk", watch.elapsed(), bytes / PENDING);
    let (watch, before) = (Stopwatch::start(), kilobytes("VmRSS"));
    let (journal, mut recovered) = Journal::open(dir.path(), Options::default()).expect("as it was closed");
    println!("opened and read in {:?}", watch.elapsed());
    let concurrency = NonZeroU32::new(64).expect("64");
    let settings = |id| (SubscriptionId(id), Subscription { concurrency, ..Subscription::default() });
    let snapshot = recovered.take_snapshot(&(0..SUBSCRIPTIONS).map(settings).collect());
    let sender = Sender::recover(1, snapshot, AT);
    assert_eq!(sender.pending() as u64, PENDING);
    println!("a sender goes on after {:?}, peak {} kB more", watch.elapsed(), kilobytes("VmHWM") - before);
    let reader = journal.reader();
    let page = Page { after: Some(PENDING / 2), limit: 1_000, ..Page::default() };
    let mut filter = DeliveryFilter { state: Some(DeliveryState::Waiting), ..DeliveryFilter::default() };
    for (name, subscription) in [("all", None), ("one subscription's", Some(subscription(4)))] {
        filter.subscription = subscription;
        let watch = Stopwatch::start();
        let rows = reader.deliveries(&filter, &page).expect("it reads").items.len();
        println!("a page of {rows} of {name} that wait in {:?}", watch.elapsed());
    }
}

fn main() {
    if std::env::args().any(|argument| argument == "start") {
        return restart();
    }
    let mut criterion = Criterion::default().configure_from_args();
    rates(&mut criterion);
    criterion.final_summary();
}
