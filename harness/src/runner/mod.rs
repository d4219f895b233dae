//! Runs scenarios, one world each, and tells what happens as [`Event`]s.

mod answered;
mod bodies;
mod carry;
mod effects;
mod exchanges;
mod expect;
mod inspect;
mod names;
mod phrase;
mod play;
mod player;
mod probe;
mod pulls;
mod rate;
mod reactions;
mod request;
mod step;
mod subscribe;
mod target;
mod timeline;
mod uuid;
mod verdict;
mod wired;
mod words;
mod world;

use std::sync::Arc;
use std::time::Duration;

use pns_engine::FailureReason;
use pns_simulator::clock::{self, Gear, Stopwatch, pause};
use pns_simulator::schema::Pack;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::event::{
    Event, Note, RunEnd, RunFinished, RunStarted, ScenarioFinished, ScenarioVerdict, Strength, Subject,
    Target as TargetName, Totals,
};
use crate::interrupt;
use crate::scenario::Scenario;
use crate::settings::{PlainHttp, RunSettings, StopAfter, Trust};
use target::Ground;
pub(crate) use uuid::uuid;

pub(crate) use play::location;
pub(crate) use player::{Player, flags};
pub use pulls::SharedPull;
pub(crate) use target::{transport, transport_settings, trust};

/// Events that may wait for the reports: a report slower than the run holds the run back.
const EVENTS_WAITING_MAX: usize = 1_024;

/// Between two looks at a target that is not up yet.
const TARGET_POLL: Duration = Duration::from_millis(200);

/// A run that could not begin: a schema pack or a certificate that cannot be used. Ready to be printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RunError(String);

/// Runs `scenarios`, selected by `settings` from those found already, and tells `sink` all that happens.
/// `filtered_out` is how many were found and not selected.
///
/// # Errors
/// When a setting turns out to be of no use, before anything is sent or told.
pub async fn run(
    settings: RunSettings,
    scenarios: Vec<Arc<Scenario>>,
    filtered_out: usize,
    sink: &mut dyn FnMut(&Event),
) -> Result<RunFinished, RunError> {
    let wall = Stopwatch::start();
    let ground = Ground::prepare(&settings).map_err(RunError)?;
    let own_pack = settings.schema_pack.as_deref().map(Pack::load).transpose();
    let own_pack = own_pack.map_err(|error| RunError(with_causes(&error)))?.map(Arc::new);
    sink(&Event::RunStarted(started(&settings, &ground, &scenarios, filtered_out)));
    let stop = settings.stop;
    let mut tally = Tally::default();
    let end = match preflight(settings.wait_for_target, &ground).await {
        Err(reason) => RunEnd::Unreachable(reason),
        Ok(()) => {
            let stage = Arc::new(play::Stage { settings, ground, own_pack });
            play_all(&stage, scenarios, stop, &mut tally, sink).await
        }
    };
    let finished = RunFinished { totals: tally.totals, wall: wall.elapsed(), pns_time: tally.pns_time, end };
    sink(&Event::RunFinished(finished.clone()));
    Ok(finished)
}

/// An error and what lies behind it, in one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text.push_str(&format!(": {deeper}"));
        cause = deeper.source();
    }
    text
}

#[derive(Debug, Default)]
struct Tally {
    totals: Totals,
    pns_time: Duration,
}

impl Tally {
    fn count(&mut self, finished: &ScenarioFinished) {
        self.totals.count(finished);
        self.pns_time += finished.pns_time;
    }

    fn is_enough(&self, stop: StopAfter) -> bool {
        match stop {
            StopAfter::Nothing => false,
            StopAfter::Failures(most) => self.totals.scenarios.failed >= most.get(),
        }
    }
}

/// Runs the scenarios, so many at a time, in order of their start.
async fn play_all(
    stage: &Arc<play::Stage>,
    scenarios: Vec<Arc<Scenario>>,
    stop: StopAfter,
    tally: &mut Tally,
    sink: &mut dyn FnMut(&Event),
) -> RunEnd {
    let (sender, mut events) = mpsc::channel(EVENTS_WAITING_MAX);
    let mut waiting = scenarios.into_iter();
    let mut at_work: JoinSet<()> = JoinSet::new();
    let interrupt = interrupt::asked_for();
    tokio::pin!(interrupt);
    loop {
        while at_work.len() < stage.settings.jobs.get() && !tally.is_enough(stop) {
            let Some(next) = waiting.next() else { break };
            let (stage, sender) = (Arc::clone(stage), sender.clone());
            at_work.spawn(async move { stage.play(&next, &sender).await });
        }
        tokio::select! {
            biased;
            Some(event) = events.recv() => deliver(&event, tally, sink),
            _ = &mut interrupt => return RunEnd::Interrupted(waiting.len() + at_work.len()),
            ended = at_work.join_next() => match ended {
                Some(Ok(())) => {}
                Some(Err(error)) => return RunEnd::Failed(format!("a scenario panicked: {error}")),
                None => break,
            },
        }
    }
    while let Ok(event) = events.try_recv() {
        deliver(&event, tally, sink);
    }
    match waiting.len() {
        0 => RunEnd::Complete,
        left => RunEnd::StoppedEarly(left),
    }
}

fn deliver(event: &Event, tally: &mut Tally, sink: &mut dyn FnMut(&Event)) {
    if let Event::ScenarioFinished(finished) = event {
        tally.count(finished);
    }
    sink(event);
}

/// Finds out whether the target takes connections, before eighty scenarios say so one by one.
async fn preflight(wait: Option<Duration>, ground: &Ground) -> Result<(), String> {
    let Ground::Endpoint(target) = ground else { return Ok(()) };
    let endpoint = &target.endpoint;
    let patience = wait.unwrap_or_default();
    let waited = Stopwatch::start();
    loop {
        let Err((reason, detail)) = target.transport.connect(endpoint).await else { return Ok(()) };
        let may_come_up = !matches!(reason, FailureReason::Tls(_));
        if !may_come_up || waited.elapsed() >= patience {
            let advice = pns_simulator::advice::meaning(reason, pns_simulator::advice::Voice::CommandLine);
            return Err(format!("the target did not come up: {reason} ({detail}); {advice}"));
        }
        pause(TARGET_POLL).await;
    }
}

fn started(
    settings: &RunSettings,
    ground: &Ground,
    scenarios: &[Arc<Scenario>],
    filtered_out: usize,
) -> RunStarted {
    RunStarted {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: settings.seed,
        target: match ground {
            Ground::Embedded { .. } => TargetName::Embedded,
            Ground::Endpoint(target) => TargetName::Endpoint(target.endpoint.to_string()),
        },
        gear: settings.gear,
        epoch: settings.epoch.unwrap_or_else(clock::real_now),
        scenarios: scenarios.len(),
        filtered_out,
        notes: notes(settings, ground),
        request_budget: scenarios.iter().map(|scenario| scenario.limits.attempts).sum(),
        subject: Subject::Scenarios,
        fail_on: Strength::Should,
    }
}

fn notes(settings: &RunSettings, ground: &Ground) -> Vec<Note> {
    let mut notes = Vec::new();
    if let Ground::Endpoint(target) = ground {
        if settings.connection.trust == Trust::Nobody {
            notes.push(Note::TlsNotVerified);
        }
        if !target.endpoint.is_secure() && settings.connection.plain_http == PlainHttp::Permitted {
            notes.push(Note::PlainHttp);
        }
        if target.api_key.is_none() {
            notes.push(Note::NoApiKey);
        }
        if target.probe.is_none() {
            notes.push(Note::AcknowledgementsOnly);
        }
        // That nothing is verified has its own note.
        if settings.connection.trust == Trust::Platform {
            notes.extend(target.transport.notes().iter().cloned().map(Note::Other));
        }
    }
    if settings.gear != Gear::Virtual {
        notes.push(Note::Unsound {
            reason: "in a real or scaled gear the receiver's answers take PNS time, so that expectations of exact \
                     instants (`starts: { at }`, `delivered_within: 0s`) may fail without anybody's fault"
                .to_owned(),
        });
    }
    notes
}

/// The seed of one scenario: its own, so that running it alone gives the same run.
fn scenario_seed(seed: u64, id: &str) -> u64 {
    pns_engine::rng::draw(seed, hash_of(id), 0)
}

/// FNV-1a: small, stable, and good enough to tell names apart.
pub(crate) fn hash_of(id: &str) -> u64 {
    id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A scenario that did not run, told as finished.
pub(crate) fn not_run(id: &str, verdict: ScenarioVerdict) -> ScenarioFinished {
    ScenarioFinished {
        id: id.to_owned(),
        verdict,
        checks: Vec::new(),
        pns_time: Duration::ZERO,
        wall: Duration::ZERO,
        attempts: 0,
        deliveries: 0,
        cases: 0,
        notes: Vec::new(),
        pulls: None,
    }
}
