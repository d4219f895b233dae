//! Load runs over real sockets: what comes back is counted and classed exactly, whatever the machine's speed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::io;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pns_engine::Timestamp;
use pns_harness::load::document::format::Document;
use pns_harness::load::search::{Limits, SearchSettings};
use pns_harness::load::settings::{AfterAnswer, Connections, Model, Open, Resumption};
use pns_harness::load::verdict::Thresholds;
use pns_harness::load::{LoadSettings, Plan, Schedule, Segment, Shape, Share, Snapshot, run};
use pns_harness::settings::{Connection, HttpVersion, PlainHttp, Trust};
use pns_simulator::schema::Pack;
use pns_simulator::secret::ApiKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What a scripted receiver does with a request.
#[derive(Clone, Debug)]
enum Reply {
    /// Writes this, and keeps the connection.
    Keep(&'static str),
    /// Writes this, and closes it.
    Close(&'static str),
    /// Closes it with a reset.
    Reset,
    /// Writes this once the test says so, and keeps the connection.
    Later(&'static str),
    /// Says nothing for as long as the client listens.
    Never,
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// A receiver over plain HTTP that answers its `n`th request, over all connections, as a function says.
struct Scripted {
    url: String,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    go_on: watch::Sender<bool>,
    count: watch::Receiver<usize>,
}

impl Scripted {
    async fn start(reply: fn(usize) -> Reply) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/pns", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (go_on, going_on) = watch::channel(false);
        let (counted, count) = watch::channel(0);
        let counted = Arc::new(counted);
        let all = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (seen, going_on, counted) = (Arc::clone(&all), going_on.clone(), Arc::clone(&counted));
                tokio::spawn(serve(tcp, reply, seen, going_on, counted));
            }
        });
        Self { url, seen, go_on, count }
    }

    fn requests(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().clone()
    }

    fn bodies(&self) -> Vec<String> {
        let body = |request: Vec<u8>| {
            let text = String::from_utf8(request).unwrap();
            text.split_once("\r\n\r\n").unwrap().1.to_owned()
        };
        let mut bodies: Vec<String> = self.requests().into_iter().map(body).collect();
        bodies.sort_unstable();
        bodies
    }
}

async fn serve(
    mut tcp: TcpStream,
    reply: fn(usize) -> Reply,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    mut going_on: watch::Receiver<bool>,
    counted: Arc<watch::Sender<usize>>,
) -> io::Result<()> {
    loop {
        let Some(request) = read_request(&mut tcp).await? else { return Ok(()) };
        let n = {
            let mut seen = seen.lock().unwrap();
            seen.push(request);
            counted.send_replace(seen.len());
            seen.len() - 1
        };
        match reply(n) {
            Reply::Keep(text) => tcp.write_all(text.as_bytes()).await?,
            Reply::Close(text) => {
                tcp.write_all(text.as_bytes()).await?;
                return tcp.shutdown().await;
            }
            Reply::Reset => return socket2::SockRef::from(&tcp).set_linger(Some(Duration::ZERO)),
            Reply::Later(text) => {
                going_on.wait_for(|going_on| *going_on).await.map(drop).map_err(io::Error::other)?;
                tcp.write_all(text.as_bytes()).await?;
            }
            Reply::Never => {
                let _closed = tcp.read(&mut [0; 1]).await?;
                return Ok(());
            }
        }
    }
}

async fn read_request(tcp: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
            if body.len() >= length.parse().unwrap() {
                return Ok(Some(bytes));
            }
        }
        if tcp.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
}

fn settings(target: Option<&str>, model: Model) -> LoadSettings {
    LoadSettings {
        connection: Connection {
            target: target.map(|url| url.parse().unwrap()),
            api_key: Some(ApiKey::new("s3cret-key").unwrap()),
            api_key_file: None,
            trust: Trust::Platform,
            plain_http: PlainHttp::Permitted,
            http_version: HttpVersion::Http1,
            resolve: Vec::new(),
            headers: vec![("x-test".parse().unwrap(), "yes".parse().unwrap())],
            connect_timeout: Duration::from_secs(30),
            ack_timeout: Duration::from_secs(30),
        },
        connections: Connections {
            most: NonZeroUsize::new(4).unwrap(),
            after_answer: AfterAnswer::Kept,
            resumption: Resumption::Resumed,
            backlog: NonZeroUsize::new(10_000).unwrap(),
        },
        model,
        plan: Plan::new("equal".parse().unwrap(), Share::NONE).unwrap(),
        segment: Segment::WHOLE,
        start_at: None,
        seed: 7,
        schema_pack: None,
        thresholds: Thresholds::default(),
        rules: Vec::new(),
    }
}

/// So many arrivals, a millisecond apart.
fn open(count: u64) -> Model {
    let rate = "1000/s".parse().unwrap();
    let schedule = Schedule::new(Shape::Constant(rate), Duration::from_millis(count)).unwrap();
    assert_eq!(schedule.count(), count);
    Model::Open(Open { schedule: Arc::new(schedule), shape: "constant".to_owned(), rate: Some(rate) })
}

async fn play(settings: &LoadSettings) -> Document {
    let mut snapshots = Vec::new();
    let mut show = |snapshot: &Snapshot| snapshots.push(snapshot.clone());
    let document = run(settings, std::future::pending(), &mut show).await.unwrap();
    let last = snapshots.last().expect("at least the end is shown");
    if document.search.is_none() {
        let totals = &document.totals;
        assert_eq!((last.total.ended(), last.total.due), (totals.arrivals, totals.arrivals));
        assert_eq!(last.total.acknowledged, totals.acknowledged);
        assert_eq!(last.latency.count(), totals.acknowledged);
    }
    document.recorder().expect("the counts of a document agree");
    document
}

fn classes(document: &Document) -> BTreeMap<&str, u64> {
    document.outcomes.iter().map(|outcome| (outcome.class.as_str(), outcome.count)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_answer_acknowledges() {
    let scripted = Scripted::start(|n| match n % 8 {
        0 => Reply::Keep(OK),
        1 => Reply::Keep("HTTP/1.1 204 No Content\r\n\r\n"),
        2 => Reply::Keep("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n"),
        3 => Reply::Close("HTTP/1.1 200 OK\r\n\r\nuntil the end"),
        4 => Reply::Keep("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 X\r\nContent-Length: 2\r\n\r\n{}"),
        5 => Reply::Close("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n!"),
        6 => Reply::Close("HTTP/1.0 200 OK\r\n\r\n"),
        // Unasked bytes end a connection, but not the run.
        _ => Reply::Keep("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 408 X\r\n\r\n"),
    })
    .await;
    let document = play(&settings(Some(&scripted.url), open(80))).await;
    assert_eq!((document.totals.acknowledged, document.totals.arrivals), (80, 80), "{:?}", document.outcomes);
    assert!(document.complete);
    assert!(document.connections.opened >= 40 && document.connections.reused > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_a_valid_notification_of_its_own() {
    let scripted = Scripted::start(|_| Reply::Keep(OK)).await;
    let document = play(&settings(Some(&scripted.url), open(66))).await;
    assert_eq!(document.totals.acknowledged, 66);
    let pack = Pack::builtin(Pack::BUILTIN[0]).unwrap();
    let mut types = BTreeMap::new();
    for request in scripted.requests() {
        let text = String::from_utf8(request).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /pns HTTP/1.1\r\nHost: 127.0.0.1:"), "{head}");
        for line in ["Authorization: api_key s3cret-key", "Content-Type: application/json", "X-Test: yes"] {
            assert_eq!(head.lines().filter(|other| *other == line).count(), 1, "{head}");
        }
        *types.entry(pack.validate(body.as_bytes()).unwrap()).or_insert(0) += 1;
    }
    assert_eq!(types.len(), 33);
    assert!(types.values().all(|count| *count == 2));
    let mut bodies = scripted.bodies();
    bodies.dedup();
    assert_eq!(bodies.len(), 66);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_classed_and_shown_without_secrets() {
    let scripted = Scripted::start(|n| match n % 9 {
        0 => Reply::Keep("HTTP/1.1 500 X\r\nContent-Length: 14\r\n\r\nkey s3cret-key"),
        1 => Reply::Keep("HTTP/1.1 429 X\r\nContent-Length: 0\r\n\r\n"),
        2 => Reply::Keep("HTTP/1.1 503 X\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"),
        3 => Reply::Keep("HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        4 => Reply::Keep("no HTTP at all\r\n\r\n"),
        5 => Reply::Reset,
        6 => Reply::Close(""),
        7 => Reply::Close("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\ncut"),
        _ => Reply::Keep("HTTP/1.1 302 X\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
    })
    .await;
    // One at a time, so that each request meets its own reply.
    let mut settings = settings(Some(&scripted.url), open(90));
    settings.connections.most = NonZeroUsize::MIN;
    let document = play(&settings).await;
    let expected = [
        ("status-500", 10),
        ("slow-down-429", 10),
        ("slow-down-503", 10),
        ("status-503", 10),
        ("malformed-response", 10),
        ("reset", 10),
        ("closed-before-response", 20),
        ("status-302", 10),
    ];
    assert_eq!(classes(&document), BTreeMap::from(expected));
    assert_eq!((document.totals.slowed, document.totals.failed), (20, 70));
    let example = |class: &str| {
        let outcome = document.outcomes.iter().find(|outcome| outcome.class == class).unwrap();
        outcome.example.clone().unwrap()
    };
    assert_eq!(
        (example("status-500").due_ns, example("status-500").text.as_str()),
        (0, "status 500: key ***")
    );
    assert_eq!(example("slow-down-503").text, "status 503, Retry-After 1s: no body");
    assert!(example("malformed-response").text.contains("kept-alive"), "{:?}", document.outcomes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_not_there_refuses() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let document = play(&settings(Some(&url), open(20))).await;
    assert_eq!(classes(&document), BTreeMap::from([("refused", 20)]));
    assert_eq!(document.connections.opened, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_says_nothing_is_given_up() {
    let scripted = Scripted::start(|_| Reply::Never).await;
    let mut settings = settings(Some(&scripted.url), open(8));
    settings.connection.ack_timeout = Duration::from_millis(20);
    let document = play(&settings).await;
    assert_eq!(classes(&document), BTreeMap::from([("acknowledgement-timeout", 8)]));
}

/// Plays `settings`, and lets the receiver go on once all `count` arrivals were released.
async fn play_stalled(scripted: &Scripted, settings: &LoadSettings, count: u64) -> Document {
    let mut go_on = |snapshot: &Snapshot| {
        scripted.go_on.send_replace(snapshot.total.due == count);
    };
    run(settings, std::future::pending(), &mut go_on).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_shows_in_the_latency_of_those_that_waited() {
    let scripted = Scripted::start(|n| if n == 0 { Reply::Later(OK) } else { Reply::Keep(OK) }).await;
    let mut settings = settings(Some(&scripted.url), open(100));
    settings.connections.most = NonZeroUsize::MIN;
    let document = play_stalled(&scripted, &settings, 100).await;
    assert_eq!(document.totals.acknowledged, 100);
    assert!(document.latency.p50_us > document.service.p50_us);
    assert!(document.latency.min_us.unwrap() > document.service.min_us.unwrap());
    assert!(document.totals.late_for_connection > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_exceeds_the_backlog_is_not_sent_and_told() {
    let scripted = Scripted::start(|n| if n == 0 { Reply::Later(OK) } else { Reply::Keep(OK) }).await;
    let mut settings = settings(Some(&scripted.url), open(100));
    settings.connections.most = NonZeroUsize::MIN;
    settings.connections.backlog = NonZeroUsize::new(5).unwrap();
    let document = play_stalled(&scripted, &settings, 100).await;
    let totals = &document.totals;
    assert_eq!((totals.arrivals, totals.acknowledged + totals.not_sent), (100, 100));
    assert!(totals.sent <= 7 && document.not_sent[0].why == "backlog-full", "{totals:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_add_up_to_the_whole() {
    let redelivered = Plan::new("lifecycle".parse().unwrap(), "10%".parse().unwrap()).unwrap();
    let segment = |url: &str, text: &str| LoadSettings {
        segment: Segment::parse(text, None).unwrap(),
        start_at: Some(Timestamp::from_millis(1_764_000_000_000)),
        plan: redelivered.clone(),
        ..settings(Some(url), open(100))
    };
    let whole = Scripted::start(|_| Reply::Keep(OK)).await;
    assert_eq!(play(&segment(&whole.url, "1/1")).await.totals.acknowledged, 100);
    let parts = Scripted::start(|_| Reply::Keep(OK)).await;
    let mut documents = Vec::new();
    for text in ["1/3", "2/3", "3/3"] {
        documents.push(play(&segment(&parts.url, text)).await);
    }
    assert_eq!(parts.bodies(), whole.bodies());
    let merged = Document::merge(&documents).unwrap();
    assert_eq!((merged.totals.arrivals, merged.totals.acknowledged), (100, 100));
    let mut bodies = whole.bodies();
    bodies.dedup();
    assert_eq!(bodies.len(), 90, "a tenth was sent twice, byte for byte");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_tells_what_it_measured() {
    let scripted = Scripted::start(|n| if n < 10 { Reply::Keep(OK) } else { Reply::Never }).await;
    let settings = settings(Some(&scripted.url), open(60_000));
    let mut count = scripted.count.clone();
    let stop = async move {
        count.wait_for(|count| *count == 14).await.unwrap();
    };
    let document = run(&settings, stop, &mut |_| ()).await.unwrap();
    assert!(!document.complete);
    assert_eq!((document.totals.acknowledged, document.totals.sent), (10, 10));
    assert!(
        document.notes.iter().any(|note| note.contains("4 requests were under way")),
        "{:?}",
        document.notes
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn held_notifications_are_released_at_once_or_under_a_limit() {
    let scripted = Scripted::start(|_| Reply::Keep(OK)).await;
    let held = NonZeroU64::new(50).unwrap();
    for (limit, text) in [(None, None), (Some("2000/s".parse().unwrap()), Some("2000/s"))] {
        let document = play(&settings(Some(&scripted.url), Model::Drain { held, limit })).await;
        let drain = document.drain.unwrap();
        assert_eq!((document.totals.acknowledged, drain.held), (50, 50));
        assert_eq!(drain.rate_limit.as_deref(), text);
        assert_eq!(drain.rate_limit_held.is_some(), limit.is_some());
        let caught_up = drain.caught_up_us.unwrap();
        assert!(caught_up >= if limit.is_some() { 49 * 500 } else { 1 });
    }
    let mut bodies = scripted.bodies();
    bodies.dedup();
    assert!(bodies.len() > 50, "each downtime has its own times");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_receiver_is_reached_over_tls_in_all_ways() {
    let closed = Model::Closed { span: Duration::from_millis(200) };
    let base = settings(None, closed);
    let document = play(&base).await;
    assert!(document.totals.acknowledged > 0 && document.outcomes.is_empty(), "{:?}", document.outcomes);
    assert!(document.connections.opened <= 4 && document.connections.reused > 0);
    assert_eq!(document.totals.sent, document.connections.opened + document.connections.reused);

    let mut http2 = base.clone();
    http2.connection.http_version = HttpVersion::Http2IfOffered;
    let document = play(&http2).await;
    assert!(document.totals.acknowledged > 0 && document.outcomes.is_empty(), "{:?}", document.outcomes);
    assert!(document.connections.opened <= 4 && document.connections.reused > 0);

    let mut fresh = LoadSettings { model: open(40), ..base };
    fresh.connections.after_answer = AfterAnswer::Closed;
    let document = play(&fresh).await;
    assert_eq!((document.connections.opened, document.connections.reused), (40, 0));
    assert!(document.connections.resumed > 0, "{:?}", document.connections);

    fresh.connections.resumption = Resumption::Whole;
    let document = play(&fresh).await;
    assert_eq!((document.connections.opened, document.connections.resumed), (40, 0));
    assert_eq!(document.totals.acknowledged, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_ends_where_the_receiver_refuses_and_measures_the_generator_too() {
    let scripted = Scripted::start(|_| Reply::Keep("HTTP/1.1 429 X\r\nContent-Length: 0\r\n\r\n")).await;
    let search = SearchSettings {
        limits: Limits { accept: "99.9%".parse().unwrap(), p99: Duration::from_secs(1) },
        start: "4/s".parse().unwrap(),
        ceiling: None,
        span: Duration::from_millis(20),
        confirm: Duration::from_millis(20),
    };
    let mut settings = settings(Some(&scripted.url), Model::FindMax(search));
    settings.thresholds.min_rate = Some("1/s".parse().unwrap());
    let document = play(&settings).await;
    let found = document.search.unwrap();
    assert!(found.is_of_receiver && found.max_per_second.is_none(), "{found:?}");
    assert!(found.reason.contains("429") && found.steps.len() == 6, "{found:?}");
    assert!(document.generator_ceiling_per_second.unwrap() > 0.0);
    assert_eq!(document.verdicts[0].outcome, "unknown");
}

#[tokio::test]
async fn what_cannot_be_run_is_refused() {
    let refused = async |settings: &LoadSettings| {
        run(settings, std::future::pending(), &mut |_| ()).await.unwrap_err().to_string()
    };
    let mut plain = settings(Some("http://127.0.0.1:1/"), open(1));
    plain.connection.plain_http = PlainHttp::Refused;
    assert!(refused(&plain).await.contains("plain HTTP"));
    let drain = Model::Drain { held: NonZeroU64::MIN, limit: None };
    let segment = Segment::parse("1/2", None).unwrap();
    let alone = LoadSettings { segment, ..settings(Some("https://127.0.0.1:1/"), drain) };
    assert!(refused(&alone).await.contains("one machine alone"));
}
