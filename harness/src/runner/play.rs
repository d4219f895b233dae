//! One scenario from its first step to its verdict.

use std::sync::Arc;

use pns_engine::guarantee;
use pns_simulator::clock::Clock;
use pns_simulator::schema::Pack;
use serde_json::Value;
use tokio::sync::mpsc;

use super::answered::Goes;
use super::expect::{self, Holds};
use super::pulls::{self, Await};
use super::step::{self, StepEnd};
use super::target::Ground;
use super::verdict::{Checks, Failure};
use super::world::World;
use super::{not_run, scenario_seed, subscribe};
use crate::curl::quote as shell;
use crate::event::{
    Event, Location, PullCount, ScenarioFinished, ScenarioProgress, ScenarioStarted, ScenarioVerdict,
};
use crate::scenario::Scenario;
use crate::scenario::model::{self, Place, Requirement, Step};
use crate::settings::{Connection, HttpVersion, PlainHttp, RunSettings};

/// What all scenarios of a run share.
#[derive(Debug)]
pub(super) struct Stage {
    /// What was asked for.
    pub settings: RunSettings,
    /// What is judged.
    pub ground: Ground,
    /// The user's schema pack, in place of what scenarios name.
    pub own_pack: Option<Arc<Pack>>,
}

/// Why a claim is not judged that a pressed receiver upset.
const ASKED_FOR_LESS: &str =
    "not judged: the receiver asked to be sent less (429, or 503 with Retry-After), as it may";

/// The way from a scenario to the reports. A report that is gone ends nothing.
pub(super) type Events = mpsc::Sender<Event>;

impl Stage {
    /// Runs one scenario and tells of it.
    pub(super) async fn play(&self, scenario: &Scenario, events: &Events) {
        let location = location(&scenario.place);
        tell(
            events,
            Event::ScenarioStarted(ScenarioStarted {
                id: scenario.id.clone(),
                title: scenario.title.clone(),
                location: Some(location),
                clause: scenario.clause,
            }),
        )
        .await;
        let finished = match self.reason_to_skip(scenario) {
            Some(reason) => not_run(&scenario.id, ScenarioVerdict::Skipped(reason)),
            None => {
                let seed = scenario_seed(self.settings.seed, &scenario.id);
                self.play_seeded(scenario, seed, Some(events)).await
            }
        };
        tell(events, Event::ScenarioFinished(finished)).await;
    }

    /// Runs one scenario with a seed of its own, whether or not it applies here, and tells how far it has come.
    pub(super) async fn play_seeded(
        &self,
        scenario: &Scenario,
        seed: u64,
        events: Option<&Events>,
    ) -> ScenarioFinished {
        match self.world(scenario, seed).await {
            Ok(world) => self.play_in(world, scenario, events).await,
            Err(reason) => not_run(&scenario.id, ScenarioVerdict::Error(reason)),
        }
    }

    pub(super) fn reason_to_skip(&self, scenario: &Scenario) -> Option<String> {
        let there = self.circumstances();
        let missing = |requirement: &Requirement| match requirement {
            Requirement::Embedded => (!there.embedded).then_some("it needs the embedded receiver"),
            Requirement::Probe => (!there.probe).then_some("it needs a probe: `--probe URL`"),
            Requirement::ApiKey => (!there.api_key).then_some("it needs a key: `--api-key KEY`"),
            Requirement::HttpsOnly => (self.settings.connection.plain_http == PlainHttp::Permitted)
                .then_some("`--allow-http` lifts the rule that it checks"),
            Requirement::Pull => (!there.pull).then_some("it needs a pull API: `--pull-listen ADDRESS`"),
        };
        if let Some(reason) = scenario.requires.iter().find_map(missing) {
            return Some(reason.to_owned());
        }
        if scenario.receiver.is_some() && !there.embedded {
            return Some("it scripts the embedded receiver, and the target is another".to_owned());
        }
        (!scenario.when.holds(there)).then(|| "its `when` does not hold here".to_owned())
    }

    async fn world(&self, scenario: &Scenario, seed: u64) -> Result<World, String> {
        let pack = match &self.own_pack {
            Some(pack) => Arc::clone(pack),
            None => {
                let name = scenario.pack.name();
                Pack::builtin(name).ok_or_else(|| format!("there is no schema pack `{name}`"))?
            }
        };
        let clock = Clock::start(self.settings.gear, self.settings.epoch);
        let (beside, pulling) = match &self.settings.pull {
            Some(shared) => (Some(shared.beside(&clock, &pack, seed)), None),
            None if self.ground.is_embedded() => {
                pulls::embedded(scenario, &clock, &pack, seed).await?.unzip()
            }
            None => (None, None),
        };
        let (target, receiver) = self.ground.target(scenario, &pack, pulling.flatten()).await?;
        Ok(World::new(scenario, seed, pack, clock, target, receiver, beside))
    }

    async fn play_in(
        &self,
        mut world: World,
        scenario: &Scenario,
        events: Option<&Events>,
    ) -> ScenarioFinished {
        let mut checks = Checks::new(scenario, self.repeat_command(scenario));
        let trouble = match self.prepare(&mut world, scenario) {
            Ok(()) => self.go_through(&mut world, scenario, &mut checks, events).await,
            Err(reason) => Some(reason),
        };
        for step in &scenario.finally {
            // What tidies up must not hide what came before.
            let _ = step::carry_out(&mut world, step).await;
        }
        let pulls = pulls_of(&world, scenario, trouble.is_none(), &mut checks).await;
        checks.guarantees(&world, &guarantee::check_all(world.ledger.records(), &world.subscriptions));
        let mut notes = Vec::new();
        if world.subscriptions.values().any(|subscription| subscription.attempt_cap.is_some()) {
            notes.push(
                "an attempt cap is set: a deviation from Cvent's page, by which PNS never gives up"
                    .to_owned(),
            );
        }
        let verdict = match trouble {
            Some(reason) => ScenarioVerdict::Error(reason),
            None => checks.verdict(scenario.expect_fail.as_deref()),
        };
        // Before the receiver ends, which waits for answers under way.
        world.wired.close();
        if let Some(receiver) = world.receiver.take() {
            receiver.shutdown().await;
        }
        ScenarioFinished {
            id: scenario.id.clone(),
            verdict,
            checks: checks.results,
            pns_time: world.elapsed(),
            wall: world.wall(),
            attempts: world.requests_made(),
            deliveries: world.ledger.deliveries().count() as u64,
            cases: 1,
            notes,
            pulls,
        }
    }

    fn prepare(&self, world: &mut World, scenario: &Scenario) -> Result<(), String> {
        for (name, value) in &self.settings.variables {
            world.set(name, Value::String(value.clone()));
        }
        for (name, template) in &scenario.vars {
            if !self.settings.variables.contains_key(name) {
                let value = world.fill(template)?;
                world.set(name, value);
            }
        }
        subscribe::start(world, &scenario.subscriptions)
    }

    /// Takes the steps, then judges the claims. Gives back why the scenario could not be played to its end.
    async fn go_through(
        &self,
        world: &mut World,
        scenario: &Scenario,
        checks: &mut Checks<'_>,
        events: Option<&Events>,
    ) -> Option<String> {
        let mut missed = None;
        for step in scenario.steps.iter().filter(|step| self.applies(step.when)) {
            match step::carry_out(world, step).await {
                Err(reason) => return Some(format!("{}: {reason}", step.place)),
                Ok(StepEnd::Done) => {}
                Ok(StepEnd::Reached(waited)) => checks.passed(world, waited.check, waited.title, &step.place),
                Ok(StepEnd::Answered(answered)) => {
                    if answered.tell(world, checks, &step.place) == Goes::NoFurther {
                        missed = Some(step);
                    }
                }
                Ok(StepEnd::Skipped(waited, reason)) => {
                    checks.skipped(world, waited.check, waited.title, reason, &step.place);
                }
                Ok(StepEnd::Missed(waited, miss)) => {
                    let mut deliveries = world.deliveries(&miss.concerned);
                    if deliveries.iter().any(|id| !world.is_delivered(*id)) {
                        deliveries.retain(|id| !world.is_delivered(*id));
                    }
                    let failure = Failure::of(waited.title.clone(), miss.found, deliveries);
                    let title = waited.title;
                    if miss.undecided {
                        checks.undecided(world, waited.check, title, failure.found, &step.place);
                    } else {
                        checks.failed(world, waited.check, title, failure, &step.place);
                    }
                    missed = Some(step);
                }
            }
            if let Err(reason) = world.publish_acts() {
                return Some(format!("{}: {reason}", step.place));
            }
            self.tell_progress(world, scenario, events).await;
            if missed.is_some() {
                break;
            }
        }
        self.judge(world, scenario, missed, checks).await
    }

    async fn judge(
        &self,
        world: &mut World,
        scenario: &Scenario,
        missed: Option<&Step>,
        checks: &mut Checks<'_>,
    ) -> Option<String> {
        for expectation in &scenario.expect {
            let place = &expectation.place;
            if !self.applies(expectation.when) {
                continue;
            }
            let judged = match expect::judge(world, &expectation.claim).await {
                Ok(judged) => judged,
                Err(reason) => return Some(format!("{place}: {reason}")),
            };
            match (judged.holds, missed) {
                // One cause is told once: what follows from a wait in vain is not judged again.
                (Holds::No { .. }, Some(step)) => {
                    let word = if matches!(step.action, model::Action::Request(_)) {
                        "did not get its answer"
                    } else {
                        "waited in vain"
                    };
                    let reason = format!("not judged: the step at {} {word}", step.place);
                    checks.skipped(world, judged.check, judged.title, reason, place);
                }
                (Holds::Yes, _) => checks.passed(world, judged.check, judged.title, place),
                (Holds::Unknown(reason), _) => {
                    checks.skipped(world, judged.check, judged.title, reason, place);
                }
                (Holds::No { deliveries, .. }, None) if expect::asked_for_less(world, &deliveries) => {
                    checks.undecided(world, judged.check, judged.title, ASKED_FOR_LESS.to_owned(), place);
                }
                (Holds::No { expected, found, deliveries }, None) => {
                    let failure =
                        Failure { exchanges: world.wired.told(), ..Failure::of(expected, found, deliveries) };
                    checks.failed(world, judged.check, judged.title, failure, place);
                }
            }
        }
        None
    }

    fn applies(&self, when: model::Condition) -> bool {
        when.holds(self.circumstances())
    }

    fn circumstances(&self) -> model::Circumstances {
        model::Circumstances {
            embedded: self.ground.is_embedded(),
            probe: self.ground.has_probe(),
            api_key: self.ground.has_api_key(),
            pull: self.ground.is_embedded() || self.settings.pull.is_some(),
        }
    }

    async fn tell_progress(&self, world: &World, scenario: &Scenario, events: Option<&Events>) {
        let Some(events) = events else { return };
        let progress = ScenarioProgress {
            id: scenario.id.clone(),
            pns_time: world.elapsed(),
            attempts: world.requests_made(),
            pending: world.driver.sender().pending() as u64,
            wall: world.wall(),
            doing: None,
        };
        tell(events, Event::ScenarioProgress(progress)).await;
    }

    /// The one command that runs this scenario again with its seed.
    fn repeat_command(&self, scenario: &Scenario) -> String {
        let mut command = format!("pns run --seed {}", self.settings.seed);
        let mut add = |text: String| {
            command.push(' ');
            command.push_str(&text);
        };
        if let Some(epoch) = self.settings.epoch {
            add(format!("--epoch {}", crate::report::text::instant(epoch)));
        }
        connection_flags(&self.settings.connection, &mut add);
        if self.settings.gear != pns_simulator::clock::Gear::Virtual {
            add(format!("--clock {}", self.settings.gear));
        }
        if let Some(pack) = &self.settings.schema_pack {
            add(format!("--schema-pack {}", shell(&pack.display().to_string())));
        }
        if let Some(probe) = &self.settings.probe {
            add(probe.flags().trim_start().to_owned());
        }
        if let Some(pull) = &self.settings.pull {
            add(pull.flags().trim_start().to_owned());
        }
        for (name, value) in &self.settings.variables {
            add(format!("--variable {}", shell(&format!("{name}={value}"))));
        }
        add(format!("--name {}", shell(&scenario.id)));
        for path in &self.settings.paths {
            add(shell(&path.display().to_string()));
        }
        command
    }
}

/// How notifications were followed by pulls, where a claim asks for it, and what is advised.
async fn pulls_of(
    world: &World,
    scenario: &Scenario,
    went_through: bool,
    checks: &mut Checks<'_>,
) -> Option<PullCount> {
    let is_judged = scenario.expect.iter().any(|one| matches!(one.claim, model::Claim::Pulled(_)));
    // What a scripted receiver does, or a failing pull API makes of it, says nothing of the receiver; and what a claim
    // has told already is not told again.
    let is_upset = |step: &Step| matches!(step.action, model::Action::PullFault(_));
    let is_told =
        checks.results.iter().any(|check| check.id.starts_with("pulled") && check.verdict.is_broken());
    let is_calm =
        went_through && scenario.receiver.is_none() && !scenario.steps.iter().any(is_upset) && !is_told;
    if !is_judged {
        return None;
    }
    let count = pulls::tally(world, if is_calm { Await::Yes } else { Await::No }).await?;
    if is_calm {
        checks.pulls(world, count);
    }
    Some(count)
}

/// The flags that make this connection again. Headers are left out: they may hold secrets.
pub(super) fn connection_flags(connection: &Connection, add: &mut impl FnMut(String)) {
    if let Some(target) = &connection.target {
        add(format!("--target {}", shell(&target.url())));
    }
    match &connection.trust {
        crate::settings::Trust::File(path) => {
            add(format!("--cacert {}", shell(&path.display().to_string())));
        }
        crate::settings::Trust::Nobody => add("--insecure".to_owned()),
        crate::settings::Trust::Platform | crate::settings::Trust::Pem(_) => {}
    }
    if connection.target.is_some() && connection.api_key.is_some() {
        add(match &connection.api_key_file {
            Some(path) => format!("--api-key-file {}", shell(&path.display().to_string())),
            None => "--api-key \"$PNS_API_KEY\"".to_owned(),
        });
    }
    if connection.plain_http == PlainHttp::Permitted {
        add("--allow-http".to_owned());
    }
    if connection.http_version == HttpVersion::Http2IfOffered {
        add("--http2".to_owned());
    }
    for resolve in &connection.resolve {
        add(format!("--resolve {}", shell(&resolve.to_string())));
    }
    for (flag, span, usual) in [
        ("--connect-timeout", connection.connect_timeout, Connection::CONNECT_TIMEOUT),
        ("--ack-timeout", connection.ack_timeout, Connection::ACK_TIMEOUT),
    ] {
        if span != usual {
            add(format!("{flag} {}ms", span.as_millis()));
        }
    }
}

pub(crate) fn location(place: &Place) -> Location {
    Location { file: place.file.to_string(), line: place.line }
}

async fn tell(events: &Events, event: Event) {
    // The receiving end lives as long as the run; after an interruption nobody listens any more.
    let _ = events.send(event).await;
}
