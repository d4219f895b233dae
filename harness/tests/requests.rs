//! Requests by bytes over real sockets: against the embedded receiver, and against peers that misbehave in one way each.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pns_harness::event::{CheckFailure, CheckResult, CheckVerdict, Event, ScenarioFinished, ScenarioVerdict};
use pns_harness::settings::{
    Connection, Filter, HttpVersion, PlainHttp, Probe, ProbeBy, RunSettings, StopAfter, Trust,
};
use pns_harness::{runner, scenario};
use pns_simulator::clock::Gear;
use pns_simulator::secret::ApiKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const KEY: &str = "k3y-of-the-tests";

fn settings(target: Option<&str>) -> RunSettings {
    RunSettings {
        paths: Vec::new(),
        filter: Filter::default(),
        connection: Connection {
            target: target.map(|address| address.parse().unwrap()),
            api_key: Some(ApiKey::new(KEY).unwrap()),
            api_key_file: None,
            trust: Trust::Platform,
            plain_http: PlainHttp::Permitted,
            http_version: HttpVersion::Http1,
            resolve: Vec::new(),
            headers: vec![("x-team".parse().unwrap(), "blue".parse().unwrap())],
            connect_timeout: Duration::from_secs(5),
            ack_timeout: Duration::from_secs(5),
        },
        probe: None,
        gear: Gear::Virtual,
        seed: 1,
        epoch: None,
        schema_pack: None,
        jobs: NonZeroUsize::MIN,
        stop: StopAfter::Nothing,
        wait_for_target: None,
        variables: BTreeMap::new(),
        pull: None,
    }
}

async fn play(settings: RunSettings, steps: &str) -> ScenarioFinished {
    let text = format!("scenario: T\nclause: endpoint-schema\n{steps}\n");
    let parsed = scenario::parse("t.yaml", &text).into_scenarios(scenario::Style::Plain).unwrap();
    let mut finished = None;
    let mut sink = |event: &Event| {
        if let Event::ScenarioFinished(scenario) = event {
            finished = Some(scenario.clone());
        }
    };
    let scenarios = parsed.into_iter().map(Arc::new).collect();
    runner::run(settings, scenarios, 0, &mut sink).await.unwrap();
    finished.expect("the scenario ran")
}

async fn embedded(steps: &str) -> ScenarioFinished {
    play(settings(None), steps).await
}

fn answers(finished: &ScenarioFinished) -> Vec<&CheckResult> {
    finished.checks.iter().filter(|check| check.id == "answer").collect()
}

fn failure(finished: &ScenarioFinished) -> &CheckFailure {
    let failed = finished.checks.iter().find_map(|check| check.failure.as_deref());
    failed.unwrap_or_else(|| panic!("nothing failed: {finished:#?}"))
}

fn held(finished: &ScenarioFinished) {
    assert_eq!(finished.verdict, ScenarioVerdict::Passed, "{:#?}", finished.checks);
}

/// A peer of plain HTTP that serves each connection by a closure, which gets the connection's number.
async fn peer<F>(serve: impl Fn(TcpStream, usize) -> F + Send + Sync + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = AtomicUsize::new(0);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            tokio::spawn(serve(stream, count.fetch_add(1, Ordering::SeqCst)));
        }
    });
    format!("http://{address}/pns")
}

/// Reads one request with `Content-Length`; `None`: the connection ended.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        if let Some(head) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&read).into_owned();
            let length = text.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            if read.len() >= head + 4 + length.map_or(0, |digits| digits.parse().unwrap()) {
                return Some(text);
            }
        }
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
}

/// A peer that answers every request on a connection with the same bytes.
async fn says(answer: &'static str) -> String {
    peer(move |mut stream, _| async move {
        while request(&mut stream).await.is_some() {
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    })
    .await
}

/// What a plain request to a peer that says so comes to.
async fn to(answer: &'static str, beside: &str) -> ScenarioFinished {
    let address = says(answer).await;
    play(settings(Some(&address)), &format!("steps:\n- request: {{}}\n  within: 300ms\n{beside}")).await
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn answers_that_http_allows_are_taken() {
    for answer in [
        OK,
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 None\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nX-T: 1\r\n\r\n",
    ] {
        held(&to(answer, "").await);
    }
}

#[tokio::test]
async fn answers_that_are_none_are_told_with_what_came() {
    for (answer, reason) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "7 bytes before the end"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more", "9 bytes came right after"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok", "both"),
        ("hello\r\n", "does not begin with `HTTP/`"),
        ("HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "LF instead of CRLF"),
    ] {
        let finished = to(answer, "").await;
        let failure = failure(&finished);
        assert!(failure.found.contains(reason), "{answer}: {}", failure.found);
        let [exchange] = &failure.exchanges[..] else { panic!("one exchange: {failure:#?}") };
        assert!(!exchange.fits && exchange.response.is_some(), "{exchange:#?}");
        held(&to(answer, "  answer: malformed\n").await);
    }
}

#[tokio::test]
async fn a_connection_that_ends_or_falls_silent_without_an_answer_is_told_apart() {
    let closes = peer(|mut stream, _| async move {
        request(&mut stream).await;
    })
    .await;
    let finished = play(settings(Some(&closes)), "steps: [{request: {}}]").await;
    assert_eq!(failure(&finished).found, "closed without an answer");
    held(&play(settings(Some(&closes)), "steps: [{request: {}, answer: closed}]").await);
    let silent = to("", "").await;
    assert_eq!(failure(&silent).found, "no answer within 300ms");
    assert_eq!(failure(&silent).exchanges[0].response, None);
    held(&to("", "  answer: [none, closed]\n").await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let accepted = tokio::spawn(async move { listener.accept().await.map(drop) });
    // The preflight takes the only connection that is accepted.
    let finished = play(settings(Some(&address)), "steps: [{request: {}, answer: [refused, closed]}]").await;
    accepted.await.unwrap().unwrap();
    held(&finished);
}

#[tokio::test]
async fn what_is_sent_is_what_the_report_shows_without_the_key() {
    let finished = to("HTTP/1.1 401 No\r\nX-Echo: k3y-of-the-tests\r\nContent-Length: 0\r\n\r\n", "").await;
    let failure = failure(&finished);
    assert_eq!((failure.expected.as_str(), failure.found.as_str()), ("2xx", "status 401"));
    let exchange = &failure.exchanges[0];
    for line in
        ["POST /pns HTTP/1.1\n", "\nAuthorization: api_key ***\n", "\nX-Team: blue\n", "\n\n{\"eventId\""]
    {
        assert!(exchange.request.contains(line), "{line}: {}", exchange.request);
    }
    assert_eq!(exchange.response.as_deref(), Some("HTTP/1.1 401 No\nX-Echo: ***\nContent-Length: 0"));
    assert_eq!(exchange.connection, "new connection, plain HTTP, HTTP/1.1");
    assert!(exchange.latency.is_some() && failure.explanation.contains("authorization"));
    assert!(!format!("{finished:?}").contains(KEY));
}

#[tokio::test]
async fn no_form_of_the_key_reaches_an_event() {
    let address = says("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n").await;
    for auth in ["wrong", "{text: \"api_key {{api_key.cut}}\"}", "{text: \"Basic {{api_key.base64}}\"}"] {
        let steps = format!("steps: [{{request: {{auth: {auth}, headers: [\"X-K: {{{{api_key}}}}\"]}}}}]");
        let finished = play(settings(Some(&address)), &steps).await;
        let shown = format!("{finished:?}");
        assert!(shown.contains("X-K: ***"), "{shown}");
        // The wrong key is made of the right one.
        for form in [KEY, &KEY[..KEY.len() - 1], "azN5LW9mLXRoZS10ZXN0cw", "l4z_pg_uif_uftut"] {
            assert!(!shown.contains(form), "{form}: {shown}");
        }
    }
    let echo = says("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\nk3y-of-the-tests").await;
    let steps = "steps: [{request: {}, body_without: [\"{{api_key}}\"]}]";
    let finished = play(settings(Some(&echo)), steps).await;
    assert_eq!(failure(&finished).found, "status 200, and the answer holds the API key");
}

#[tokio::test]
async fn a_kept_connection_is_used_again_and_replaced_when_the_receiver_closed_it() {
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    let address = peer(move |mut stream, _| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            // Closes without saying so, as it may: each connection carries two answers.
            for _ in 0..2 {
                if request(&mut stream).await.is_none() || stream.write_all(OK.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    })
    .await;
    let finished = play(settings(Some(&address)), "steps: [{request: {on: a}, times: 4, pause: 50ms}]").await;
    held(&finished);
    assert_eq!(finished.attempts, 4);
    // One more is the preflight's.
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_receiver_that_asks_for_less_is_given_time() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let address = peer(move |mut stream, _| {
        let count = Arc::clone(&count);
        async move {
            while request(&mut stream).await.is_some() {
                let answer = match count.fetch_add(1, Ordering::SeqCst) {
                    0 => "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n",
                    1 => "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
                    _ => OK,
                };
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    })
    .await;
    held(&play(settings(Some(&address)), "steps: [{request: {}}]").await);
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    // Without Retry-After a 503 is a failure, and a 429 that is wanted is what was wanted.
    let broken = to("HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n", "").await;
    assert_eq!(failure(&broken).found, "status 503");
    held(&to("HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", "  answer: 429\n").await);
}

#[tokio::test]
async fn then_closed_is_seen_either_way() {
    let stays = to(OK, "  then_closed: true\n").await;
    assert!(failure(&stays).found.contains("stayed open for 300ms"), "{:#?}", failure(&stays));
    held(&embedded("steps: [{request: {headers: [\"Connection: close\"]}, then_closed: true}]").await);
}

#[tokio::test]
async fn a_body_waits_for_leave() {
    let address = peer(|mut stream, _| async move {
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                return;
            }
        }
        assert!(String::from_utf8_lossy(&read).contains("Expect: 100-continue"));
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
        let mut body = [0; 1];
        assert_eq!(stream.read(&mut body).await.unwrap(), 1);
        stream.write_all(OK.as_bytes()).await.unwrap();
        let _rest = stream.read_to_end(&mut read).await;
    })
    .await;
    held(&play(settings(Some(&address)), "steps: [{request: {expect_continue: true}}]").await);
}

#[tokio::test]
async fn the_embedded_receiver_takes_every_shape() {
    let finished = embedded(
        "steps:\n- request: {pad: 70000, write: {pieces: 50}}\n\
         - request: {with: {extra: [1, {}]}, without: [eventCategory, /extra/0], event: RFP_VIEWED}\n  save: a\n\
         - request: {same: a, target: absolute}\n- request: {http: 1.0}\n  then_closed: true\n\
         - request: {prefix: \"\\r\\n\", leave_out: [user-agent, Accept]}\n\
         - request: {expect_continue: true, write: {pieces: bytes, of: head}}\n\
         - request: {framing: {chunk_lines: [zz]}}\n  answer: [4xx, closed]\n\
         - request: {method: GET, framing: none, body_hex: \"\"}\n  answer: 4xx\n\
         - request: {body_hex: \"ff fe\"}\n  answer: 4xx\n\
         - request: {}\n  copies: 20\n  alike: true\n  save: many\n\
         - request: {http: \"2\"}\n  copies: 3\n  save: streams\n\
         expect:\n- received: {of: [a, many, streams], processed: 1, type: sent}\n\
         - same_effects: {of: streams, as: streams}\n- received: {of: many, times: 20}",
    )
    .await;
    held(&finished);
    assert_eq!((answers(&finished).len(), finished.attempts), (11, 32));
}

#[tokio::test]
async fn sessions_are_resumed_and_told() {
    let resumed = "steps:\n- request: {tls: {resume: true}}\n  times: 2\n\
                   - request: {tls: {resume: true, version: tls12}}\n- request: {tls: {resume: true}}\n  answer: 500";
    let finished = embedded(resumed).await;
    let exchanges = &failure(&finished).exchanges;
    let connections: Vec<&str> = exchanges.iter().map(|exchange| exchange.connection.as_str()).collect();
    assert_eq!(
        connections,
        [
            "new connection, TLS 1.3, HTTP/1.1",
            "new connection, TLS 1.3 resumed, HTTP/1.1",
            "new connection, TLS 1.2, HTTP/1.1",
            "new connection, TLS 1.3 resumed, HTTP/1.1",
        ]
    );
    assert_eq!(exchanges.iter().filter(|exchange| exchange.fits).count(), 3);
}

#[tokio::test]
async fn what_is_broken_off_leaves_the_receiver_at_work() {
    for after in ["connect", "handshake", "half-head", "head", "half-body", "body"] {
        for then in ["close", "reset", "wait"] {
            let steps = format!(
                "steps:\n- request: {{stop: {{after: {after}, then: {then}}}}}\n  copies: 3\n- request: {{}}"
            );
            held(&embedded(&steps).await);
        }
    }
    held(
        &embedded("steps: [{request: {stop: {after: half-body, then: wait}}, answer: none, within: 50ms}]")
            .await,
    );
}

#[tokio::test]
async fn without_what_it_needs_a_request_is_skipped_and_not_failed() {
    let mut without_key = settings(Some(&says(OK).await));
    without_key.connection.api_key = None;
    let steps = "steps:\n- request: {auth: wrong}\n- request: {headers: [\"X: {{api_key}}\"]}\n\
                 - request: {http: \"2\"}\n- request: {tls: {version: tls12}}\n\
                 - request: {}\n  body_without: [\"{{api_key}}\", gone]";
    let finished = play(without_key, steps).await;
    held(&finished);
    let skipped = |check: &&&CheckResult| matches!(check.verdict, CheckVerdict::Skipped(_));
    assert_eq!(answers(&finished).iter().filter(skipped).count(), 4, "{finished:#?}");
}

#[tokio::test]
async fn limits_end_a_step_undecided() {
    let finished = embedded("limits: {attempts: 3}\nsteps: [{request: {}, times: 10}]").await;
    assert!(matches!(finished.verdict, ScenarioVerdict::Inconclusive(_)), "{:?}", finished.verdict);
    assert_eq!(finished.attempts, 3);
}

#[tokio::test]
async fn a_probe_command_counts_effects() {
    let folder = tempfile::tempdir().unwrap();
    let effects = folder.path().join("effects");
    std::fs::write(&effects, "").unwrap();
    let path = effects.clone();
    let address = peer(move |mut stream, _| {
        let path = path.clone();
        async move {
            while let Some(text) = request(&mut stream).await {
                let body: serde_json::Value =
                    serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap_or_default()).unwrap();
                let line = format!("{}\n", body["eventId"].as_str().unwrap());
                // Every delivery takes effect: duplicates are not noticed.
                let before = std::fs::read_to_string(&path).unwrap();
                std::fs::write(&path, before + &line).unwrap();
                stream.write_all(OK.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    let mut settings = settings(Some(&address));
    let how = ProbeBy::Command(format!("grep -c {{eventId}} {} || true", effects.display()));
    settings.probe = Some(Probe { how, ..Probe::http("https://localhost") });
    let once = "steps: [{request: {}, save: a}]\nexpect: [{received: {of: a, processed: 1}}]";
    held(&play(settings.clone(), once).await);
    settings.seed = 2;
    let twice = "steps:\n- request: {}\n  save: a\n- request: {same: a}\n  save: b\n\
                 expect: [{received: {of: a, processed: 1}}]";
    let finished = play(settings, twice).await;
    let failure = failure(&finished);
    assert!(failure.found.contains('2'), "{}", failure.found);
    assert_eq!(failure.exchanges.len(), 2, "the requests that led to it");
}
