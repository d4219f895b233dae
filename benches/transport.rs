//! Attempts over real loopback sockets to a hyper receiver in the same process, on two threads.
//!
//! `cargo bench --bench transport` measures one attempt on a kept-alive connection, one with a connection and a
//! handshake of its own, and 64 at once on kept-alive connections.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use pns_engine::Answer;
use pns_simulator::endpoint::Endpoint;
use pns_simulator::secret::ApiKey;
use pns_simulator::transport::{
    HttpsTransport, PoolLimits, Request, ResolveOverride, Resolver, Settings, Transport, Trust,
};
use pns_test_support::{Authority, Peer, Validity, server_config};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const AT_ONCE: usize = 64;
/// About the size of a notification.
const BODY: &[u8] = &[b'x'; 300];

/// Reads the request and acknowledges it.
async fn acknowledge(
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Empty<Bytes>>, hyper::Error> {
    request.into_body().collect().await?;
    Ok(hyper::Response::new(Empty::new()))
}

struct World {
    runtime: Runtime,
    peer: Peer,
    settings: Settings,
    request: Request,
}

impl World {
    fn new() -> Self {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime can be built");
        let authority = Authority::new();
        let config = server_config(authority.issue(&["localhost"], Validity::Now));
        let peer = runtime.block_on(Peer::tls(config, |stream| async move {
            // A connection ends as the sender likes.
            let served =
                http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(acknowledge));
            let _ended: Result<(), hyper::Error> = served.await;
        }));
        let addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
        let settings = Settings {
            trust: Trust::Bundle(authority.pem.into_bytes()),
            resolver: Resolver::OverridesOnly,
            resolve: vec![ResolveOverride {
                host: "localhost".into(),
                port: peer.address().port(),
                addresses,
            }],
            ..Settings::default()
        };
        let endpoint = Endpoint::parse(&format!("{}/push", peer.https())).expect("well-formed");
        let mut request = Request::new(Arc::new(endpoint), Bytes::from_static(BODY));
        request.api_key = Some(ApiKey::new("0123456789abcdef").expect("visible ASCII"));
        Self { runtime, peer, settings, request }
    }

    fn transport(&self, pool: PoolLimits) -> HttpsTransport {
        HttpsTransport::new(Settings { pool, ..self.settings.clone() }).expect("the settings hold")
    }
}

async fn attempt(transport: HttpsTransport, request: Request) -> bool {
    let exchange = transport.attempt(request).await;
    assert!(matches!(exchange.answer, Answer::Status { code: 200, .. }), "{exchange:?}");
    exchange.reused
}

fn rates(criterion: &mut Criterion) {
    let world = World::new();
    let mut group = criterion.benchmark_group("transport");
    group.throughput(Throughput::Elements(1));
    let kept = world.transport(PoolLimits::default());
    group.bench_function("one attempt, kept alive", |bencher| {
        bencher.to_async(&world.runtime).iter(|| attempt(kept.clone(), world.request.clone()));
    });
    let fresh = world.transport(PoolLimits { idle_per_origin: 0, ..PoolLimits::default() });
    group.bench_function("one attempt, new connection", |bencher| {
        bencher.to_async(&world.runtime).iter(|| async {
            assert!(!attempt(fresh.clone(), world.request.clone()).await);
        });
    });
    group.throughput(Throughput::Elements(AT_ONCE as u64));
    group.bench_function("64 attempts at once, kept alive", |bencher| {
        bencher.to_async(&world.runtime).iter(|| async {
            let mut attempts = JoinSet::new();
            for _ in 0..AT_ONCE {
                attempts.spawn(attempt(kept.clone(), world.request.clone()));
            }
            attempts.join_all().await
        });
    });
    group.finish();
    assert!(world.peer.accepted() > 0);
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    rates(&mut criterion);
    criterion.final_summary();
}
