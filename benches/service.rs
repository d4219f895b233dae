//! The simulator as a service: how many notifications become durable, and how many are delivered over TLS, a second.
//!
//! `cargo bench --bench service` prints a line for each figure; `-- publish`, `deliver` or `restart` measures one
//! of them, and `--count N` says over how many notifications. It measures whole runs, once: medians of millions of
//! repetitions say nothing about a queue that grows. The receiver is hyper's server on a thread of its own, which
//! acknowledges everything and does nothing else.
//!
//! `-- hold --rate R --seconds S` publishes at a steady rate to a receiver that fails one first attempt in five and
//! is slow for one subscription in ten, and tells how late retries start.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use pns_engine::{Deferrals, EventType, Happened, rng};
use pns_simulator::clock::{Stopwatch, pause};
use pns_simulator::service::model::{NotificationSpec, PublishOptions, SubscriptionSpec};
use pns_simulator::service::{Data, Heard, Numbered, Records, Simulator};
use pns_simulator::transport::{PoolLimits, Settings, Trust};
use pns_test_support::{Authority, Peer, Validity, server_config};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// Longer than any of it takes.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// A receiver on a thread of its own.
struct Receiver {
    url: String,
    settings: Settings,
    _runtime: std::thread::JoinHandle<()>,
}

/// How the receiver behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manners {
    /// Acknowledges.
    Good,
    /// Fails one first attempt in five, and is slow at paths whose number ends in 9.
    Bad,
}

/// The first attempts that failed, by a hash of their bodies.
type Failed = Arc<Mutex<BTreeSet<u64>>>;

async fn answer(
    request: hyper::Request<Incoming>,
    manners: Manners,
    failed: Failed,
) -> Result<hyper::Response<Empty<Bytes>>, hyper::Error> {
    let slow = manners == Manners::Bad && request.uri().path().ends_with('9');
    let body = request.into_body().collect().await?.to_bytes();
    let mut response = hyper::Response::new(Empty::new());
    if manners == Manners::Good {
        return Ok(response);
    }
    let hash = body.iter().fold(0_u64, |hash, byte| rng::mix(hash ^ u64::from(*byte)));
    if hash.is_multiple_of(5) && failed.lock().expect("nobody panics with it").insert(hash) {
        *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
    }
    if slow {
        pause(Duration::from_millis(200)).await;
    }
    Ok(response)
}

impl Receiver {
    fn start(manners: Manners) -> Self {
        let failed = Failed::default();
        let authority = Authority::new();
        let config = server_config(authority.issue(&["127.0.0.1", "localhost"], Validity::Now));
        let (tell, told) = std::sync::mpsc::channel();
        let runtime = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
            runtime.block_on(async move {
                let peer = Peer::tls(config, move |stream| {
                    let failed = Arc::clone(&failed);
                    let service = service_fn(move |request| answer(request, manners, Arc::clone(&failed)));
                    async move {
                        let mut builder = http1::Builder::new();
                        builder.timer(TokioTimer::new());
                        // A connection ends as the sender likes.
                        let _ended = builder.serve_connection(TokioIo::new(stream), service).await;
                    }
                })
                .await;
                tell.send(peer.https()).expect("the bench waits for it");
                std::future::pending::<()>().await;
            });
        });
        let url = told.recv().expect("the receiver starts");
        // As many connections are kept as there are attempts at once.
        let pool = PoolLimits { idle_per_origin: 256, ..PoolLimits::default() };
        let trust = Trust::Bundle(authority.pem.into_bytes());
        let settings = Settings { trust, pool, ..Settings::default() };
        Self { url, settings, _runtime: runtime }
    }

    /// Subscriptions that all deliver here.
    async fn subscribe(&self, simulator: &Simulator, count: usize, concurrency: u32) {
        for number in 0..count {
            let json = serde_json::json!({
                "endpoint": format!("{}/{number}", self.url),
                "events": [EventType::ALL[number % EventType::ALL.len()].to_string()],
                "concurrency": concurrency,
                "retry": { "first": "2s" },
                "api_key": "0123456789abcdef",
            });
            let spec: SubscriptionSpec = serde_json::from_value(json).expect("well-formed");
            simulator.create_subscription(spec).await.expect("it fits");
        }
    }
}

async fn start(dir: &Path, receiver: &Receiver) -> Simulator {
    let builder = Simulator::builder().data(Data::Dir(dir.to_owned())).transport(receiver.settings.clone());
    builder.start().await.expect("it starts")
}

/// Publishes `count` notifications of the first `types` types in batches, by some callers at once.
async fn publish(simulator: &Simulator, count: usize, batch: usize, callers: usize, types: usize) {
    let mut tasks = JoinSet::new();
    let batches = Arc::new(std::sync::atomic::AtomicUsize::new(count.div_ceil(batch)));
    for _ in 0..callers {
        let (simulator, batches) = (simulator.clone(), Arc::clone(&batches));
        tasks.spawn(async move {
            use std::sync::atomic::Ordering::Relaxed;
            while batches.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                let all = (0..batch).map(|n| NotificationSpec::new(EventType::ALL[n % types])).collect();
                simulator.publish(all, PublishOptions::default()).await.expect("it is taken");
            }
        });
    }
    tasks.join_all().await;
}

fn say(what: &str, count: usize, watch: Stopwatch) {
    let seconds = watch.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let rate = count as f64 / seconds;
    writeln!(io::stdout(), "{what}: {count} in {seconds:.2} s, {rate:.0}/s").expect("stdout takes it");
}

fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0) / 1_024
}

async fn publishing(receiver: &Receiver, count: usize) {
    for (batch, callers) in [(1, 1), (1, 64), (100, 4), (1_000, 4)] {
        let dir = tempfile::tempdir().expect("a folder");
        let simulator = start(dir.path(), receiver).await;
        receiver.subscribe(&simulator, 1, 4).await;
        simulator.pause(None).await.expect("it pauses");
        let count = if callers * batch == 1 { count / 10 } else { count };
        let watch = Stopwatch::start();
        publish(&simulator, count, batch, callers, 1).await;
        say(&format!("durable publishes, {callers} callers, batches of {batch}"), count, watch);
        simulator.shutdown(PATIENCE).await;
    }
}

async fn delivering(receiver: &Receiver, count: usize) {
    for (subscriptions, concurrency) in [(1, 32), (8, 16), (32, 4)] {
        let dir = tempfile::tempdir().expect("a folder");
        let simulator = start(dir.path(), receiver).await;
        receiver.subscribe(&simulator, subscriptions, concurrency).await;
        let watch = Stopwatch::start();
        publish(&simulator, count, 100.min(count), 4, subscriptions).await;
        simulator.when_idle(PATIENCE).await.expect("all is delivered");
        let what = format!("published and delivered, {subscriptions} subscriptions, {concurrency} at once");
        say(&what, count, watch);
        let metrics = simulator.metrics().await.expect("it runs");
        assert_eq!(metrics.delivered as usize, count, "nothing is lost");
        simulator.shutdown(PATIENCE).await;
    }
}

async fn restarting(receiver: &Receiver, count: usize) {
    let dir = tempfile::tempdir().expect("a folder");
    let simulator = start(dir.path(), receiver).await;
    receiver.subscribe(&simulator, 33, 4).await;
    simulator.pause(None).await.expect("it pauses");
    let watch = Stopwatch::start();
    publish(&simulator, count, 1_000.min(count), 4, 33).await;
    say("queued while paused", count, watch);
    writeln!(io::stdout(), "resident: {} MB", resident_mb()).expect("stdout takes it");
    simulator.shutdown(PATIENCE).await;
    drop(simulator);
    let watch = Stopwatch::start();
    let simulator = start(dir.path(), receiver).await;
    say("restarted with that queue", count, watch);
    writeln!(io::stdout(), "resident: {} MB", resident_mb()).expect("stdout takes it");
    let backlog = simulator.backlog(None).await.expect("it runs");
    assert_eq!(backlog.held as usize, count, "{backlog:?}");
    simulator.shutdown(PATIENCE).await;
}

/// Publishes `rate` a second for so many seconds, and tells how late retries start that nothing holds back.
async fn holding(receiver: &Receiver, rate: usize, seconds: usize) {
    const TICK: Duration = Duration::from_millis(20);
    const SUBSCRIPTIONS: usize = 20;
    let dir = tempfile::tempdir().expect("a folder");
    let simulator = start(dir.path(), receiver).await;
    receiver.subscribe(&simulator, SUBSCRIPTIONS, 32).await;
    let lateness = tokio::spawn(lateness(simulator.records(None)));
    let watch = Stopwatch::start();
    let (mut published, count) = (0, rate * seconds);
    let mut callers = JoinSet::new();
    while published < count {
        let due = (watch.elapsed().as_millis() as usize * rate / 1_000).min(count);
        if due > published {
            let types = (published..due).map(|n| EventType::ALL[n % SUBSCRIPTIONS]);
            let batch: Vec<_> = types.map(NotificationSpec::new).collect();
            published = due;
            let simulator = simulator.clone();
            callers.spawn(async move {
                simulator.publish(batch, PublishOptions::default()).await.expect("it is taken");
            });
        }
        pause(TICK).await;
    }
    callers.join_all().await;
    say("published at a steady rate", count, watch);
    simulator.when_idle(PATIENCE).await.expect("all is delivered");
    say("and delivered, with every first failure's retry", count, watch);
    let metrics = simulator.metrics().await.expect("it runs");
    assert_eq!(metrics.delivered as usize, count, "nothing is lost");
    simulator.shutdown(PATIENCE).await;
    let mut late = lateness.await.expect("it ends with the simulator");
    late.sort_unstable();
    let at = |share: usize| late.get(late.len() * share / 1_000).or(late.last()).copied().unwrap_or_default();
    let (half, most, all) = (at(500), at(990), at(1_000));
    writeln!(io::stdout(), "{} retries late by: p50 {half:?}, p99 {most:?}, at most {all:?}", late.len())
        .expect("stdout takes it");
}

/// How late each retry started that had nothing in its way.
async fn lateness(mut records: Records) -> Vec<Duration> {
    let mut late = Vec::new();
    while let Some(heard) = records.next().await {
        match heard {
            Heard::Record(Numbered { record, .. }) => {
                if let Happened::AttemptStarted { number: 2.., due, deferrals, .. } = record.event
                    && deferrals == Deferrals::default()
                {
                    late.push(record.at.since(due));
                }
            }
            Heard::Missed { .. } => {
                writeln!(io::stdout(), "some records were missed").expect("stdout takes it");
            }
        }
    }
    late
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)?.parse::<usize>().ok()
    };
    let count = number("--count").unwrap_or(20_000);
    let holds = arguments.iter().any(|argument| argument == "hold");
    let wanted = |name: &str| {
        let named = ["publish", "deliver", "restart"].iter().any(|name| arguments.iter().any(|a| a == name));
        !named && !holds || arguments.iter().any(|argument| argument == name)
    };
    let receiver = Receiver::start(if holds { Manners::Bad } else { Manners::Good });
    let runtime: Runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime can be built");
    runtime.block_on(async {
        if wanted("publish") {
            publishing(&receiver, count).await;
        }
        if wanted("deliver") {
            delivering(&receiver, count).await;
        }
        if wanted("restart") {
            restarting(&receiver, count).await;
        }
        if holds {
            let rate = number("--rate").unwrap_or(1_000);
            holding(&receiver, rate, number("--seconds").unwrap_or(60)).await;
        }
    });
}
