//! Tries the checks on specimens: every bug must be caught by the checks that it names, and nothing may turn red on a
//! correct receiver, however unusual.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use pns_simulator::clock::{Gear, Stopwatch};
use pns_simulator::endpoint::Endpoint;
use pns_simulator::schema::Pack;
use pns_simulator::secret::ApiKey;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};

use super::{Kind, Need, Running, Specimen};
use crate::event::{CheckVerdict, Event, RunEnd, Strength, Target};
use crate::property::{self, CheckSettings, Property, registry};
use crate::receiver::Identity;
use crate::runner::SharedPull;
use crate::settings::{Connection, Filter, HttpVersion, PlainHttp, Probe, RunSettings, StopAfter, Trust};

/// The key of all specimens. No secret: it opens nothing but receivers inside this process.
const KEY: &str = "Specimen-Key-7f3a";
/// Specimens that hang are waited for so long; what is slow and in time answers sooner.
const ACK_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an effect may take; the unusual one takes two seconds, the bug seven.
const EFFECT_WITHIN: Duration = Duration::from_secs(3);

/// What is tried on which specimens.
#[derive(Clone, Debug)]
pub struct SelftestSettings {
    /// Places everything that is drawn.
    pub seed: u64,
    /// The specimens.
    pub specimens: Vec<&'static Specimen>,
    /// Specimens at the same time.
    pub jobs: NonZeroUsize,
    /// Cases drawn for a property that draws them.
    pub max_examples: u32,
    /// What is tried on a specimen with a bug.
    pub on_bugs: OnBugs,
}

/// What is tried on a specimen with a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBugs {
    /// The properties that must catch it.
    Named,
    /// All, to see which others catch it too.
    All,
}

/// What trying the checks on one specimen came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has a bug, and all that should catch it did.
    Caught,
    /// It has a bug, and these did not catch it.
    Missed(Vec<&'static str>),
    /// It is correct, and nothing turned red.
    Clean,
    /// It is correct, and these turned red: for each, what was found.
    FalseAlarm(Vec<(String, String)>),
    /// It could not be tried, for this reason.
    Untried(String),
}

impl Verdict {
    /// Whether it is as it must be.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Caught | Self::Clean)
    }
}

/// A specimen and what came of it.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Which.
    pub specimen: &'static Specimen,
    /// What it came to.
    pub verdict: Verdict,
    /// The properties that were broken on it, red or not.
    pub broken: BTreeSet<String>,
    /// Properties that were decided.
    pub decided: u64,
    /// Real time that it took, other trials at the same time.
    pub took: Duration,
    /// That it was tried a second time, alone, and this came of it.
    pub alone: bool,
}

/// Tries all, so many at a time, and tells `done` of each when it ends; gives them back in their order. A bug that was
/// missed in the crowd is tried once more alone: some show only where a processor is free in time, as a piece that must
/// be read before the next one comes. A false alarm stands.
///
/// # Errors
/// When the specimens' certificates cannot be made, or a trial panics.
pub async fn run(settings: SelftestSettings, done: &mut dyn FnMut(&Tried)) -> Result<Vec<Tried>, String> {
    let identity = Arc::new(Identity::generate().map_err(|error| error.to_string())?);
    let shared = Arc::new(settings);
    let mut tried = in_lanes(&shared, &identity, done).await?;
    let is_missed = |tried: &&mut Tried| matches!(tried.verdict, Verdict::Missed(_) | Verdict::Untried(_));
    for missed in tried.iter_mut().filter(is_missed) {
        let specimens = vec![missed.specimen];
        let alone = SelftestSettings { specimens, jobs: NonZeroUsize::MIN, ..(*shared).clone() };
        let again = in_lanes(&Arc::new(alone), &identity, &mut |_| {}).await?;
        *missed = again
            .into_iter()
            .map(|tried| Tried { alone: true, ..tried })
            .next()
            .ok_or("nothing was tried")?;
        done(missed);
    }
    Ok(tried)
}

async fn in_lanes(
    shared: &Arc<SelftestSettings>,
    identity: &Arc<Identity>,
    done: &mut dyn FnMut(&Tried),
) -> Result<Vec<Tried>, String> {
    // All checks take longer than a few: the correct ones first, so that none of them is the last to end.
    let mut in_order = shared.specimens.clone();
    in_order.sort_by_key(|specimen| matches!(specimen.kind, Kind::Bug { .. }));
    let waiting: Waiting = Arc::new(Mutex::new(in_order.into()));
    let processors = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let lanes = processors.min(shared.jobs);
    // No larger than what is tried, so that a lane never waits for the table.
    let (ended, mut to_tell) = mpsc::channel(shared.specimens.len().max(1));
    for number in 0..lanes.get() {
        let jobs = shared.jobs.get() / lanes + usize::from(number < shared.jobs.get() % lanes);
        let lane = Lane {
            waiting: Arc::clone(&waiting),
            settings: Arc::clone(shared),
            identity: Arc::clone(identity),
            ended: ended.clone(),
        };
        let runtime = Handle::current();
        // Strategies do not go from thread to thread: a trial stays on the thread of its lane.
        thread::spawn(move || runtime.block_on(LocalSet::new().run_until(lane.run(jobs))));
    }
    drop(ended);
    let mut tried: BTreeMap<&str, Tried> = BTreeMap::new();
    while let Some(ended) = to_tell.recv().await {
        done(&ended);
        tried.insert(ended.specimen.name, ended);
    }
    let named = |specimen: &&'static Specimen| {
        tried.remove(specimen.name).ok_or_else(|| format!("the trial of `{}` panicked", specimen.name))
    };
    shared.specimens.iter().map(named).collect()
}

type Waiting = Arc<Mutex<VecDeque<&'static Specimen>>>;

/// A thread's share of the trials.
struct Lane {
    waiting: Waiting,
    settings: Arc<SelftestSettings>,
    identity: Arc<Identity>,
    ended: mpsc::Sender<Tried>,
}

impl Lane {
    /// Tries what waits, so many at a time, until nothing does.
    async fn run(self, jobs: usize) {
        let mut at_work: JoinSet<Tried> = JoinSet::new();
        loop {
            while at_work.len() < jobs {
                let next = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some(specimen) = next else { break };
                let (settings, identity) = (Arc::clone(&self.settings), Arc::clone(&self.identity));
                at_work.spawn_local(async move {
                    let watch = Stopwatch::start();
                    let tried = one(specimen, &settings, &identity).await;
                    Tried { took: watch.elapsed(), ..tried }
                });
            }
            match at_work.join_next().await {
                None => break,
                // One that panicked is missed in the end.
                Some(Err(_)) => {}
                Some(Ok(tried)) => {
                    // The receiver leaves only when everything does.
                    let _gone = self.ended.send(tried).await;
                }
            }
        }
    }
}

async fn one(specimen: &'static Specimen, settings: &SelftestSettings, identity: &Identity) -> Tried {
    let mut seen = Seen::default();
    let tried = match (specimen.kind, settings.on_bugs) {
        (Kind::Bug { caught_by, .. }, OnBugs::Named) => {
            each_alone(specimen, caught_by, settings, identity, &mut seen).await
        }
        _ => on_one(specimen, registry::all().to_vec(), settings, identity, &mut seen).await,
    };
    match tried {
        Ok(end) => seen.judged(specimen, &end),
        Err(reason) => untried(specimen, reason),
    }
}

fn untried(specimen: &'static Specimen, reason: String) -> Tried {
    let verdict = Verdict::Untried(reason);
    Tried { specimen, verdict, broken: BTreeSet::new(), decided: 0, took: Duration::ZERO, alone: false }
}

/// Every property that must catch it has a receiver of its own: it may be the end of one.
async fn each_alone(
    specimen: &'static Specimen,
    ids: &[&'static str],
    settings: &SelftestSettings,
    identity: &Identity,
    seen: &mut Seen,
) -> Result<RunEnd, String> {
    for id in ids {
        let property =
            registry::find(id).ok_or_else(|| format!("it names the check `{id}`, which does not exist"))?;
        on_one(specimen, vec![property], settings, identity, seen).await?;
    }
    Ok(RunEnd::Complete)
}

/// Tries properties on one specimen, one after the other.
async fn on_one(
    specimen: &'static Specimen,
    properties: Vec<&'static Property>,
    settings: &SelftestSettings,
    identity: &Identity,
    seen: &mut Seen,
) -> Result<RunEnd, String> {
    let key = ApiKey::new(KEY).map_err(|error| error.to_string())?;
    let pull = match specimen.needs.contains(&Need::Pull) {
        true => Some(Arc::new(SharedPull::embedded(settings.seed, pack()?).await?)),
        false => None,
    };
    let access = pull.as_ref().map(|shared| shared.access());
    let running = Running::start(specimen, Some(key.clone()), identity, access.as_ref()).await;
    let running = running.map_err(|error| format!("it could not start: {error}"))?;
    let mut checks = checks(properties, settings, &running, key, identity)?;
    checks.run.pull = pull;
    let ended = property::run(checks, &mut |event| seen.take(event)).await;
    running.shutdown().await;
    ended.map(|finished| finished.end).map_err(|error| error.to_string())
}

fn pack() -> Result<Arc<Pack>, String> {
    Pack::builtin(Pack::BUILTIN[0]).ok_or_else(|| "a built-in schema pack is missing".to_owned())
}

fn checks(
    properties: Vec<&'static Property>,
    settings: &SelftestSettings,
    running: &Running,
    key: ApiKey,
    identity: &Identity,
) -> Result<CheckSettings, String> {
    let endpoint = Endpoint::parse(&running.url()).map_err(|error| error.to_string())?;
    let probe = Probe { within: EFFECT_WITHIN, ..Probe::embedded(&running.probe_template()) };
    Ok(CheckSettings {
        run: RunSettings {
            paths: Vec::new(),
            filter: Filter::default(),
            connection: Connection {
                target: Some(endpoint.clone()),
                api_key: Some(key),
                api_key_file: None,
                trust: Trust::Pem(identity.ca_pem().into()),
                plain_http: PlainHttp::Refused,
                http_version: HttpVersion::Http1,
                resolve: Vec::new(),
                headers: Vec::new(),
                connect_timeout: ACK_TIMEOUT,
                ack_timeout: ACK_TIMEOUT,
            },
            probe: Some(probe),
            gear: Gear::Virtual,
            seed: settings.seed,
            epoch: None,
            schema_pack: None,
            jobs: NonZeroUsize::MIN,
            stop: StopAfter::Nothing,
            wait_for_target: None,
            variables: BTreeMap::new(),
            pull: None,
        },
        target: Target::Endpoint(endpoint.to_string()),
        properties,
        max_examples: settings.max_examples,
        max_time: None,
        fail_on: Strength::Should,
        exceptions: BTreeMap::new(),
        save_failures: None,
        repeat_flags: String::new(),
    })
}

/// What was seen of a run of checks on a specimen.
#[derive(Debug, Default)]
struct Seen {
    /// Broken properties, red or not.
    broken: BTreeSet<String>,
    /// Red ones, with what was found.
    red: Vec<(String, String)>,
    /// The harness failed at these.
    errors: Vec<String>,
    decided: u64,
}

impl Seen {
    fn take(&mut self, event: &Event) {
        let Event::ScenarioFinished(finished) = event else { return };
        for check in &finished.checks {
            let found = || check.failure.as_ref().map_or_else(String::new, |failure| failure.found.clone());
            match &check.verdict {
                CheckVerdict::Failed => {
                    self.broken.insert(check.id.clone());
                    self.red.push((check.id.clone(), found()));
                    self.decided += 1;
                }
                CheckVerdict::Warned => {
                    self.broken.insert(check.id.clone());
                    self.decided += 1;
                }
                CheckVerdict::Passed => self.decided += 1,
                CheckVerdict::Error(reason) => self.errors.push(format!("{}: {reason}", check.id)),
                CheckVerdict::Skipped(_) | CheckVerdict::Inconclusive(_) => {}
            }
        }
    }

    fn judged(self, specimen: &'static Specimen, end: &RunEnd) -> Tried {
        let verdict = match (specimen.kind, end) {
            _ if !self.errors.is_empty() => Verdict::Untried(self.errors.join("; ")),
            (Kind::Bug { caught_by, .. }, _) => {
                let missed: Vec<&str> =
                    caught_by.iter().copied().filter(|id| !self.broken.contains(*id)).collect();
                if missed.is_empty() { Verdict::Caught } else { Verdict::Missed(missed) }
            }
            (Kind::Unusual { .. }, _) if !self.red.is_empty() => Verdict::FalseAlarm(self.red),
            (Kind::Unusual { .. }, RunEnd::Complete) => Verdict::Clean,
            (Kind::Unusual { .. }, end) => Verdict::Untried(format!("the run ended early: {end:?}")),
        };
        Tried {
            specimen,
            verdict,
            broken: self.broken,
            decided: self.decided,
            took: Duration::ZERO,
            alone: false,
        }
    }
}
