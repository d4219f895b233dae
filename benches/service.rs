//! The simulator as a service: how many notifications become durable, and how many are delivered over TLS, a second.
//!
//! `cargo bench --bench service` prints a line for each figure; `-- publish`, `deliver` or `restart` measures one
//! of them, and `--count N` says over how many notifications. It measures whole runs, once: medians of millions of
//! repetitions say nothing about a queue that grows. The receiver is hyper's server on a thread of its own, which
//! acknowledges everything and does nothing else.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use pns_engine::EventType;
use pns_simulator::clock::Stopwatch;
use pns_simulator::service::model::{NotificationSpec, PublishOptions, SubscriptionSpec};
use pns_simulator::service::{Data, Simulator};
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

async fn acknowledge(
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Empty<Bytes>>, hyper::Error> {
    request.into_body().collect().await?;
    Ok(hyper::Response::new(Empty::new()))
}

impl Receiver {
    fn start() -> Self {
        let authority = Authority::new();
        let config = server_config(authority.issue(&["127.0.0.1", "localhost"], Validity::Now));
        let (tell, told) = std::sync::mpsc::channel();
        let runtime = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
            runtime.block_on(async move {
                let peer = Peer::tls(config, |stream| async move {
                    let mut builder = http1::Builder::new();
                    builder.timer(TokioTimer::new());
                    // A connection ends as the sender likes.
                    let _ended =
                        builder.serve_connection(TokioIo::new(stream), service_fn(acknowledge)).await;
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

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let place = arguments.iter().position(|argument| argument == "--count");
    let count = place.and_then(|place| arguments.get(place + 1)?.parse().ok()).unwrap_or(20_000);
    let wanted = |name: &str| {
        let named = ["publish", "deliver", "restart"].iter().any(|name| arguments.iter().any(|a| a == name));
        !named || arguments.iter().any(|argument| argument == name)
    };
    let receiver = Receiver::start();
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
    });
}
