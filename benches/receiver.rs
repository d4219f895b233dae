//! How fast a receiver acknowledges: yours, or the embedded one.
//!
//! ```sh
//! cargo bench --bench receiver                      # the embedded receiver, in this process
//! PNS_TARGET=https://localhost:8443/pns PNS_API_KEY=… PNS_CACERT=dev-ca.pem cargo bench --bench receiver
//! ```
//!
//! Every request is a valid notification that the receiver has not seen before. What is not acknowledged ends the
//! benchmark: a fast refusal is no speed. Criterion compares with the last run, and with any that was kept by
//! `-- --save-baseline NAME`; `docs/load.md` shows how a team watches its receiver with it.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput};
use pns_engine::{Answer, EventType};
use pns_harness::receiver::{self, Identity, Receiver};
use pns_simulator::clock::real_now;
use pns_simulator::endpoint::Endpoint;
use pns_simulator::schema::{Key, Pack};
use pns_simulator::secret::ApiKey;
use pns_simulator::transport::{HttpsTransport, PlainHttp, PoolLimits, Request, Settings, Transport, Trust};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// Notifications of a burst.
const BURST: usize = 100;
/// Most connections at once in a burst: a sender without a limit has no more.
const BURST_AT_ONCE: usize = 16;
/// How many are on the way at once when throughput is measured.
const AT_ONCE: [usize; 3] = [1, 8, 64];
/// Notifications of each sample of throughput.
const SAMPLE: usize = 256;

/// Whether connections are used again.
#[derive(Clone, Copy)]
enum Connections {
    Kept,
    Fresh,
}

/// A receiver, and what it takes to reach it.
struct World {
    runtime: Runtime,
    settings: Settings,
    request: Request,
    pack: Arc<Pack>,
    /// Ids depend on it: a receiver remembers those of earlier runs.
    seed: u64,
    sequence: AtomicU64,
    _embedded: Option<Receiver>,
}

impl World {
    fn new() -> Self {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime can be built");
        let key = variable("PNS_API_KEY").map(|key| ApiKey::new(&key).expect("PNS_API_KEY is a key"));
        let (endpoint, key, settings, embedded) = match variable("PNS_TARGET") {
            Some(target) => {
                let trust = match variable("PNS_CACERT") {
                    Some(file) => Trust::Bundle(std::fs::read(&file).expect("PNS_CACERT can be read")),
                    None => Trust::Platform,
                };
                let plain_http = match variable("PNS_ALLOW_HTTP").as_deref() {
                    Some("true" | "1") => PlainHttp::Permitted,
                    _ => PlainHttp::Refused,
                };
                let endpoint = Endpoint::parse(&target).expect("PNS_TARGET is an address");
                (endpoint, key, Settings { trust, plain_http, ..Settings::default() }, None)
            }
            None => {
                let identity = Identity::generate().expect("certificates can be made");
                let receiver = receiver::Settings { api_key: key.clone(), ..receiver::Settings::default() };
                let started = runtime.block_on(Receiver::start(receiver, &identity));
                let receiver = started.expect("a port is free");
                let trust = Trust::Bundle(identity.ca_pem().into());
                let endpoint = Endpoint::parse(&receiver.url()).expect("its own address");
                (endpoint, key, Settings { trust, ..Settings::default() }, Some(receiver))
            }
        };
        let mut request = Request::new(Arc::new(endpoint), Bytes::new());
        request.api_key = key;
        Self {
            runtime,
            settings,
            request,
            pack: Pack::builtin(Pack::BUILTIN[0]).expect("the first built-in pack is built in"),
            seed: real_now().as_nanos(),
            sequence: AtomicU64::new(0),
            _embedded: embedded,
        }
    }

    fn transport(&self, connections: Connections) -> HttpsTransport {
        let pool = match connections {
            Connections::Kept => PoolLimits::default(),
            Connections::Fresh => PoolLimits { idle_per_origin: 0, ..PoolLimits::default() },
        };
        HttpsTransport::new(Settings { pool, ..self.settings.clone() }).expect("the settings hold")
    }

    /// The next notification.
    fn next(&self) -> Request {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let key = Key { seed: self.seed, sequence, published: real_now() };
        let mut body = Vec::with_capacity(512);
        self.pack.generate(EventType::RfpSend, key, &mut body).expect("the built-in pack has every type");
        Request { body: body.into(), ..self.request.clone() }
    }

    /// Sends so many, so many at once, until all are acknowledged.
    async fn send(&self, transport: &HttpsTransport, count: usize, at_once: usize) {
        let mut under_way = JoinSet::new();
        for _ in 0..count {
            if under_way.len() == at_once {
                under_way.join_next().await.expect("one is under way").expect("no attempt panics");
            }
            under_way.spawn(acknowledged(transport.clone(), self.next()));
        }
        under_way.join_all().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench has no command line of its own")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

async fn acknowledged(transport: HttpsTransport, request: Request) {
    let exchange = transport.attempt(request).await;
    let is_acknowledged = matches!(exchange.answer, Answer::Status { code: 200..300, .. });
    assert!(is_acknowledged, "not acknowledged: {:?} {:?}", exchange.answer, exchange.detail);
    black_box(exchange);
}

fn rates(criterion: &mut Criterion, world: &World) {
    for (name, connections) in [("kept", Connections::Kept), ("fresh", Connections::Fresh)] {
        let transport = world.transport(connections);
        let mut group = criterion.benchmark_group(format!("receiver, {name} connections"));
        group.throughput(Throughput::Elements(1));
        group.bench_function("one acknowledgement", |bencher| {
            bencher.to_async(&world.runtime).iter(|| world.send(&transport, 1, 1));
        });
        group.sample_size(20);
        group.throughput(Throughput::Elements(BURST as u64));
        group.bench_function("a burst of 100", |bencher| {
            bencher.to_async(&world.runtime).iter(|| world.send(&transport, BURST, BURST_AT_ONCE));
        });
        group.sample_size(10);
        group.throughput(Throughput::Elements(SAMPLE as u64));
        for at_once in AT_ONCE {
            group.bench_function(BenchmarkId::new("at once", at_once), |bencher| {
                bencher.to_async(&world.runtime).iter(|| world.send(&transport, SAMPLE, at_once));
            });
        }
        group.finish();
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let world = World::new();
    rates(&mut criterion, &world);
    criterion.final_summary();
}
