//! The simulator as a service, over real HTTPS: what receivers see of it, through crashes and stops.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

mod killed;
mod pulled;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use pns_engine::{DeliveryId, EventType, Happened, SubscriptionId};
use pns_simulator::journal::JournalError;
use pns_simulator::service::model::{
    AttemptOutcome, NotificationSpec, PageRequest, PublishOptions, SubscriptionSpec,
};
use pns_simulator::service::{Data, Heard, ServiceError, Simulator, StartError, Stopped};
use pns_simulator::transport::{Settings, Trust};
use pns_test_support::{Authority, Peer, Validity, server_config};
use serde_json::json;
use tokio::sync::Notify;

/// Longer than any test needs: only a simulator that hangs takes it.
const PATIENCE: Duration = Duration::from_secs(120);
const KEY: &str = "0123456789abcdef";

/// What a receiver got, and how it answers.
#[derive(Default)]
struct Log {
    /// How often each body came, whole and with the right key.
    bodies: Mutex<BTreeMap<Bytes, usize>>,
    requests: AtomicUsize,
    /// While set, nothing is answered.
    silent: AtomicBool,
    /// Of so many requests every last one is answered 503; 0: none is.
    failing: AtomicUsize,
    came: Notify,
    speaks: Notify,
}

impl Log {
    fn counts(&self) -> Vec<usize> {
        self.bodies.lock().unwrap().values().copied().collect()
    }

    fn speak(&self) {
        self.silent.store(false, Ordering::SeqCst);
        self.speaks.notify_waiters();
    }

    /// Waits until so many requests came.
    async fn requests(&self, count: usize) {
        loop {
            let came = self.came.notified();
            if self.requests.load(Ordering::SeqCst) >= count {
                return;
            }
            came.await;
        }
    }

    async fn answer(
        self: Arc<Self>,
        request: hyper::Request<Incoming>,
    ) -> Result<hyper::Response<Empty<Bytes>>, hyper::Error> {
        let authorized =
            request.headers().get("authorization").is_some_and(|value| *value == format!("api_key {KEY}"));
        let body = request.into_body().collect().await?.to_bytes();
        let nth = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        let failing = self.failing.load(Ordering::SeqCst);
        let failed = failing > 0 && nth.is_multiple_of(failing);
        if authorized && !failed {
            *self.bodies.lock().unwrap().entry(body).or_default() += 1;
        }
        self.came.notify_waiters();
        loop {
            let speaks = self.speaks.notified();
            if !self.silent.load(Ordering::SeqCst) {
                break;
            }
            speaks.await;
        }
        let mut response = hyper::Response::new(Empty::new());
        if failed {
            *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
        }
        Ok(response)
    }
}

struct Receiver {
    peer: Peer,
    log: Arc<Log>,
    settings: Settings,
}

impl Receiver {
    async fn start() -> Self {
        let authority = Authority::new();
        let config = server_config(authority.issue(&["localhost"], Validity::Now));
        let log = Arc::new(Log::default());
        let heard = Arc::clone(&log);
        let peer = Peer::tls(config, move |stream| {
            let heard = Arc::clone(&heard);
            async move {
                let service = service_fn(move |request| Arc::clone(&heard).answer(request));
                // A connection ends as the sender likes.
                let _ended = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            }
        })
        .await;
        let settings = Settings { trust: Trust::Bundle(authority.pem.into_bytes()), ..Settings::default() };
        Self { peer, log, settings }
    }

    /// Starts on a folder, as soon as the simulator before has let go of it.
    async fn simulator(&self, dir: &Path) -> Simulator {
        loop {
            let builder = Simulator::builder().transport(self.settings.clone()).seed(7);
            match builder.data(Data::Dir(dir.to_owned())).start().await {
                Err(StartError::Journal(JournalError::Locked { .. })) => tokio::task::yield_now().await,
                started => return started.unwrap(),
            }
        }
    }

    /// A subscription that delivers here, as callers of the API write it.
    fn json(&self) -> serde_json::Value {
        json!({
            "endpoint": format!("{}/pns", self.peer.https()),
            "api_key": KEY,
            "retry": { "first": "20ms", "max": "20ms" },
        })
    }

    fn spec(&self) -> SubscriptionSpec {
        serde_json::from_value(self.json()).unwrap()
    }
}

fn rfps(count: usize) -> Vec<NotificationSpec> {
    vec![NotificationSpec::new(EventType::RfpSend); count]
}

#[tokio::test]
async fn every_notification_arrives_once_with_its_key() {
    let receiver = Receiver::start().await;
    let simulator = Simulator::builder().transport(receiver.settings.clone()).start().await.unwrap();
    simulator.create_subscription(receiver.spec()).await.unwrap();
    receiver.log.failing.store(3, Ordering::SeqCst);
    simulator.publish(rfps(90), PublishOptions::default()).await.unwrap();
    simulator.when_idle(PATIENCE).await.unwrap();
    assert_eq!(receiver.log.counts(), vec![1; 90]);
    let metrics = simulator.metrics().await.unwrap();
    let attempts: u64 = metrics.attempts.iter().map(|attempt| attempt.count).sum();
    assert_eq!(attempts as usize, receiver.log.requests.load(Ordering::SeqCst));
    assert_eq!(metrics.connections_new + metrics.connections_reused, attempts);
    assert!(metrics.connections_reused > 0);
    let delivery = simulator.delivery(DeliveryId(1)).await.unwrap();
    let last = delivery.history.last().unwrap();
    assert_eq!((last.outcome, last.status), (AttemptOutcome::Acknowledged, Some(200)));
    let headers = &last.request.as_ref().unwrap().headers;
    let shown = headers.iter().find(|header| header.name == "authorization").unwrap();
    assert_eq!(shown.value, "***");
}

#[tokio::test]
async fn a_dead_endpoint_with_a_long_queue_delays_no_other() {
    let receiver = Receiver::start().await;
    // It takes connections, and says nothing on them.
    let dead = Peer::tcp(|stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let simulator = Simulator::builder().transport(receiver.settings.clone()).start().await.unwrap();
    let mut to_dead = receiver.spec();
    to_dead.endpoint = dead.https();
    let to_dead = simulator.create_subscription(to_dead).await.unwrap();
    simulator.publish(rfps(5_000), PublishOptions::default()).await.unwrap();
    let healthy = simulator.create_subscription(receiver.spec()).await.unwrap();
    let mut records = simulator.records(None);
    simulator.publish(rfps(300), PublishOptions::default()).await.unwrap();
    let mut delivered = 0;
    while delivered < 300 {
        let Some(Heard::Record(numbered)) = records.next().await else { panic!("nothing is missed") };
        delivered += usize::from(matches!(numbered.record.event, Happened::AttemptAcknowledged { .. }));
    }
    assert_eq!(receiver.log.counts(), vec![1; 300]);
    let backlog = simulator.backlog(Some(SubscriptionId(to_dead.id))).await.unwrap();
    assert_eq!((backlog.total(), backlog.in_flight), (5_300, 4));
    assert_eq!(simulator.backlog(Some(SubscriptionId(healthy.id))).await.unwrap().total(), 0);
}

#[tokio::test]
async fn what_a_crash_cut_off_is_made_again_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.log.silent.store(true, Ordering::SeqCst);
    let before = receiver.simulator(folder.path()).await;
    before.create_subscription(receiver.spec()).await.unwrap();
    before.publish(rfps(10), PublishOptions::default()).await.unwrap();
    // Four are at the receiver, the others wait for them.
    receiver.log.requests(4).await;
    drop(before);
    receiver.log.speak();

    let after = receiver.simulator(folder.path()).await;
    assert_eq!(after.status().await.unwrap().possible_duplicates, 4);
    after.when_idle(PATIENCE).await.unwrap();
    let mut counts = receiver.log.counts();
    counts.sort_unstable();
    assert_eq!(counts, [1, 1, 1, 1, 1, 1, 2, 2, 2, 2], "the same bytes again, and nothing else twice");
    let cut = after.delivery(DeliveryId(1)).await.unwrap();
    assert_eq!(cut.delivery.last_failure.as_deref(), Some("sender-stopped"));
    assert!(cut.delivery.possible_duplicate);
    assert_eq!(cut.delivery.attempts, 2);
    assert!(!after.delivery(DeliveryId(9)).await.unwrap().delivery.possible_duplicate);
}

#[tokio::test]
async fn a_graceful_stop_awaits_what_is_in_flight_and_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.log.silent.store(true, Ordering::SeqCst);
    let simulator = receiver.simulator(folder.path()).await;
    simulator.create_subscription(receiver.spec()).await.unwrap();
    simulator.publish(rfps(10), PublishOptions::default()).await.unwrap();
    receiver.log.requests(4).await;
    let stopping = tokio::spawn({
        let simulator = simulator.clone();
        async move { simulator.shutdown(PATIENCE).await }
    });
    // As soon as it stops it takes no more changes, and still tells how it is.
    while simulator.pause(Some(SubscriptionId(99))).await != Err(ServiceError::Stopping) {
        tokio::task::yield_now().await;
    }
    assert_eq!(simulator.backlog(None).await.unwrap().in_flight, 4);
    assert!(!simulator.health().ready);
    receiver.log.speak();
    assert_eq!(stopping.await.unwrap(), Stopped::Clean);
    assert_eq!(receiver.log.counts(), vec![1; 4]);
    assert_eq!(simulator.publish(rfps(1), PublishOptions::default()).await, Err(ServiceError::Stopping));

    let after = receiver.simulator(folder.path()).await;
    after.when_idle(PATIENCE).await.unwrap();
    assert_eq!(receiver.log.counts(), vec![1; 10]);
    assert_eq!(after.status().await.unwrap().possible_duplicates, 0);
}

#[tokio::test]
async fn a_stop_without_grace_cuts_off_and_tells_how_much() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.log.silent.store(true, Ordering::SeqCst);
    let simulator = receiver.simulator(folder.path()).await;
    simulator.create_subscription(receiver.spec()).await.unwrap();
    simulator.publish(rfps(1), PublishOptions::default()).await.unwrap();
    receiver.log.requests(1).await;
    assert_eq!(simulator.shutdown(Duration::ZERO).await, Stopped::Cut(1));
    receiver.log.speak();
    let after = receiver.simulator(folder.path()).await;
    assert_eq!(after.status().await.unwrap().possible_duplicates, 1);
    after.when_idle(PATIENCE).await.unwrap();
    assert_eq!(receiver.log.counts(), [2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_over_many_crashes_and_duplicates_are_counted() {
    const ROUNDS: usize = 12;
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.log.failing.store(4, Ordering::SeqCst);
    let mut accepted = 0;
    for round in 0..ROUNDS {
        let simulator = receiver.simulator(folder.path()).await;
        if round == 0 {
            simulator.create_subscription(receiver.spec()).await.unwrap();
        }
        let came = receiver.log.requests.load(Ordering::SeqCst);
        for _ in 0..round + 3 {
            accepted +=
                simulator.publish(rfps(7), PublishOptions::default()).await.unwrap().notifications.len();
        }
        // Another number of requests each time, so that the crash comes at another place.
        receiver.log.requests(came + 1 + round * 5).await;
        drop(simulator);
    }
    let simulator = receiver.simulator(folder.path()).await;
    simulator.when_idle(PATIENCE).await.unwrap();
    let counts = receiver.log.counts();
    assert_eq!(counts.len(), accepted, "nothing that was accepted is lost, and nothing else was sent");
    let twice: usize = counts.iter().map(|count| count - 1).sum();
    let possible = simulator.status().await.unwrap().possible_duplicates;
    assert!(twice as u64 <= possible, "{twice} came twice, and {possible} were said to be possible");
    let subscriptions = simulator.subscriptions(PageRequest::default()).await.unwrap();
    assert_eq!(subscriptions.items.len(), 1);
}
