//! `pns serve` killed again and again at random moments, as by `kill -9`, while it publishes to failing and to slow
//! receivers; afterwards its deliveries are reconciled with what the receivers saw.
//!
//! `cargo test` does some rounds; `tests/crash.sh 300` does more, with a release build. The seed is printed.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]
#![expect(clippy::print_stderr, reason = "the seed of a failure, and the figures of a long run")]

mod api;
mod reconcile;
mod served;
mod watched;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use pns_engine::rng;
use pns_harness::receiver::{Counted, FailFirst, Identity, Reaction, Script};
use serde_json::json;

use served::{Accepted, Served};
use watched::Watched;

/// Rounds of `cargo test`.
const ROUNDS: u64 = 12;
/// Most notifications of one call.
const BATCH_MAX: u64 = 12;
/// Most calls of a round: what is published must be delivered in the end, and the slow receiver takes 1,600 a second.
const CALLS_MAX: u64 = 25;
/// When a round ends, at the earliest and the latest, in milliseconds from when the process serves.
const ROUND_MS: std::ops::Range<u64> = 5..400;

/// How many rounds, and with which seed: set by `tests/crash.sh`.
#[expect(clippy::disallowed_methods, reason = "the script and the test have no other way to speak")]
fn asked(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

#[test]
fn nothing_accepted_is_lost_by_kills_and_duplicates_are_explained() {
    let rounds = asked("PNS_CRASH_ROUNDS", ROUNDS);
    let seed = asked("PNS_CRASH_SEED", pns_simulator::clock::real_now().as_nanos());
    eprintln!("{rounds} rounds, PNS_CRASH_SEED={seed}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let identity = Identity::generate().unwrap();
    let failing = FailFirst { attempts: 1, with: Reaction::status(503), counted: Counted::ByNotification };
    let scripts = [
        ("failing", Script { fail_first: Some(failing), ..Script::default() }),
        ("slow", Script::always(Reaction { delay: Duration::from_millis(10), ..Reaction::CORRECT })),
    ];
    let receivers: Vec<(&str, Watched)> = scripts
        .into_iter()
        .map(|(name, script)| (name, runtime.block_on(Watched::start(script, &identity))))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), identity.ca_pem()).unwrap();
    subscribe(folder.path(), &receivers);

    let mut accepted = Accepted::default();
    for round in 0..rounds {
        let mut served = Served::start(folder.path());
        let (stop, stopped) = mpsc::channel::<()>();
        let address = served.address;
        let publisher = thread::spawn(move || publish(address, seed, round, &stopped));
        let span = ROUND_MS.start + rng::draw(seed, 1, round) % (ROUND_MS.end - ROUND_MS.start);
        // Nothing is awaited: the moment is random.
        let (_never, moment) = mpsc::channel::<()>();
        assert_eq!(moment.recv_timeout(Duration::from_millis(span)), Err(RecvTimeoutError::Timeout));
        served.kill();
        drop(stop);
        accepted.join(publisher.join().unwrap());
    }
    let served = Served::start(folder.path());
    served.until_idle(Duration::from_secs(120));
    let seen: BTreeMap<&str, Arc<watched::Log>> =
        receivers.iter().map(|(name, receiver)| (*name, receiver.log())).collect();
    let summary = reconcile::reconcile(&served, &accepted, &seen);
    eprintln!("{summary}");
    served.stop();
}

/// A subscription for each receiver, in the settings file that every start reads.
fn subscribe(folder: &std::path::Path, receivers: &[(&str, Watched)]) {
    let tables: Vec<String> = receivers
        .iter()
        .map(|(name, receiver)| {
            format!(
                "[[serve.subscription]]\nname = \"{name}\"\nendpoint = \"{}\"\nevents = \"all\"\nconcurrency = 16\n\
                 retry = {{ first = \"40ms\", factor = 1.5, max = \"200ms\" }}\n",
                receiver.url()
            )
        })
        .collect();
    std::fs::write(folder.join("pns.toml"), tables.join("\n")).unwrap();
}

/// Publishes until told to stop, or the process is gone. The event ids are the caller's own.
fn publish(address: std::net::SocketAddr, seed: u64, round: u64, stopped: &mpsc::Receiver<()>) -> Accepted {
    let mut accepted = Accepted::default();
    for call in 0..CALLS_MAX {
        if stopped.try_recv() == Err(mpsc::TryRecvError::Disconnected) {
            break;
        }
        let count = 1 + rng::draw(seed, 2 + round, call) % BATCH_MAX;
        let events: Vec<String> = (0..count)
            .map(|n| format!("{:08x}-{round:04x}-4000-8000-{call:08x}{n:04x}", seed & 0xffff_ffff))
            .collect();
        let notifications: Vec<_> = events
            .iter()
            .map(|event| json!({ "type": "RFP_SEND", "overrides": { "eventId": event } }))
            .collect();
        let body = json!({ "notifications": notifications });
        match api::call(address, "POST", "/api/v1/notifications/batch", Some(&body)) {
            Ok((201, published)) => accepted.take(events, &published),
            Ok((503, _)) => accepted.refused += count,
            Ok((status, problem)) => panic!("{status}: {problem}"),
            // Killed: whether it was accepted before that, nobody was told.
            Err(_) => {
                accepted.unsure += count;
                break;
            }
        }
    }
    accepted
}
