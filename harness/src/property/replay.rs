//! Plays recorded failures again, some times each, and says whether they still fail.

use std::sync::Arc;
use std::time::Duration;

use pns_simulator::clock::Stopwatch;

use super::baseline;
use super::setting::Setting;
use crate::event::{
    Event, Reproduced, RunEnd, RunFinished, RunStarted, ScenarioFinished, ScenarioStarted, ScenarioVerdict,
    Strength, Subject, Target, Totals,
};
use crate::interrupt;
use crate::runner::{Player, RunError, hash_of, location, not_run};
use crate::scenario::Scenario;
use crate::settings::RunSettings;

/// What playing a recorded failure again came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It held every time.
    Fixed,
    /// It failed, so often.
    StillFails(Reproduced),
    /// It could not be decided, for this reason.
    Inconclusive(String),
    /// The harness failed, in this way.
    Error(String),
}

impl Replayed {
    /// The answer, in a word or two.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Fixed => "FIXED",
            Self::StillFails(_) => "STILL FAILS",
            Self::Inconclusive(_) => "INCONCLUSIVE",
            Self::Error(_) => "ERROR",
        }
    }

    /// What else there is to say.
    #[must_use]
    pub fn remark(&self) -> String {
        match self {
            Self::Fixed => String::new(),
            Self::StillFails(Reproduced { failed, tried }) => format!("{failed} of {tried} times"),
            Self::Inconclusive(reason) | Self::Error(reason) => reason.clone(),
        }
    }
}

/// Plays each of `scenarios` `times` times against the target of `settings`, tells `sink` of each the play that
/// failed, or else the last one, and gives back what each came to. Failures were recorded on a receiver that accepts
/// plain valid notifications: where it does not, they say nothing, and none is played.
///
/// # Errors
/// When a setting turns out to be of no use, before anything is sent or told.
pub async fn replay(
    settings: RunSettings,
    scenarios: &[Arc<Scenario>],
    times: u32,
    sink: &mut dyn FnMut(&Event),
) -> Result<(RunFinished, Vec<Replayed>), RunError> {
    let wall = Stopwatch::start();
    let patience = settings.wait_for_target;
    let started = started(&settings, scenarios, times);
    // A receiver remembers the ids of an earlier replay with the same seed.
    let seed = settings.seed ^ started.epoch.as_nanos();
    let player = Player::prepare(settings.clone())?;
    let setting = Setting::of(&settings, &player);
    sink(&Event::RunStarted(RunStarted { notes: player.notes(), ..started }));
    let mut replay = Replay {
        player,
        setting,
        seed,
        times,
        results: Vec::new(),
        totals: Totals::default(),
        pns_time: Duration::ZERO,
    };
    let end = tokio::select! {
        biased;
        () = interrupt::asked_for() => None,
        end = replay.all(scenarios, patience, sink) => Some(end),
    };
    let Replay { mut results, totals, pns_time, .. } = replay;
    let end = end.unwrap_or(RunEnd::Interrupted(scenarios.len() - results.len()));
    results.resize(scenarios.len(), Replayed::Inconclusive("nothing was judged".to_owned()));
    let finished = RunFinished { totals, wall: wall.elapsed(), pns_time, end };
    sink(&Event::RunFinished(finished.clone()));
    Ok((finished, results))
}

/// A replay under way.
struct Replay {
    player: Player,
    setting: Setting,
    seed: u64,
    times: u32,
    /// What came of the first scenarios so far.
    results: Vec<Replayed>,
    totals: Totals,
    pns_time: Duration,
}

impl Replay {
    async fn all(
        &mut self,
        scenarios: &[Arc<Scenario>],
        patience: Option<Duration>,
        sink: &mut dyn FnMut(&Event),
    ) -> RunEnd {
        if let Err(reason) = self.ready(patience).await {
            return RunEnd::Unreachable(reason);
        }
        for scenario in scenarios {
            sink(&Event::ScenarioStarted(ScenarioStarted {
                id: scenario.id.clone(),
                title: scenario.title.clone(),
                location: Some(location(&scenario.place)),
                clause: scenario.clause,
            }));
            let (finished, replayed) = one(&self.player, scenario, self.seed, self.times).await;
            self.totals.count(&finished);
            self.pns_time += finished.pns_time;
            sink(&Event::ScenarioFinished(finished));
            self.results.push(replayed);
        }
        RunEnd::Complete
    }

    /// Waits for the target, and sees to it that it accepts a plain valid notification.
    async fn ready(&self, patience: Option<Duration>) -> Result<(), String> {
        self.player.wait_for_target(patience).await?;
        baseline::accepts(&self.player, &self.setting).await
    }
}

fn started(settings: &RunSettings, scenarios: &[Arc<Scenario>], times: u32) -> RunStarted {
    let limits: u64 = scenarios.iter().map(|scenario| scenario.limits.attempts).sum();
    RunStarted {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: settings.seed,
        target: match &settings.connection.target {
            Some(endpoint) => Target::Endpoint(endpoint.to_string()),
            None => Target::Embedded,
        },
        gear: settings.gear,
        epoch: settings.epoch.unwrap_or_else(pns_simulator::clock::real_now),
        scenarios: scenarios.len(),
        filtered_out: 0,
        notes: Vec::new(),
        request_budget: limits.saturating_mul(u64::from(times)),
        subject: Subject::Scenarios,
        fail_on: Strength::Should,
    }
}

/// Plays one scenario, with ids of their own each time.
async fn one(player: &Player, scenario: &Scenario, seed: u64, times: u32) -> (ScenarioFinished, Replayed) {
    if let Some(reason) = player.reason_to_skip(scenario) {
        let finished = not_run(&scenario.id, ScenarioVerdict::Skipped(reason.clone()));
        return (finished, Replayed::Inconclusive(reason));
    }
    let mut told: Option<ScenarioFinished> = None;
    let (mut reproduced, mut otherwise) = (Reproduced { failed: 0, tried: 0 }, None);
    for index in 0..times {
        let seed = pns_engine::rng::draw(seed, hash_of(&scenario.id), u64::from(index));
        let finished = player.play(scenario, seed).await;
        reproduced.tried += 1;
        match &finished.verdict {
            // A failure that the file expects is one all the same: the question is whether it is mended.
            ScenarioVerdict::Failed | ScenarioVerdict::ExpectedFailure(_) => reproduced.failed += 1,
            // So is a claim that is advice.
            ScenarioVerdict::Passed if finished.broken().is_some() => reproduced.failed += 1,
            ScenarioVerdict::Passed | ScenarioVerdict::UnexpectedPass(_) => {}
            ScenarioVerdict::Skipped(reason) | ScenarioVerdict::Inconclusive(reason) => {
                otherwise = Some(Replayed::Inconclusive(reason.clone()));
            }
            ScenarioVerdict::Error(reason) => otherwise = Some(Replayed::Error(reason.clone())),
        }
        // The failure is what is told, whichever play it was.
        if told.as_ref().is_none_or(|told| told.broken().is_none()) {
            told = Some(finished);
        }
        if matches!(otherwise, Some(Replayed::Error(_))) {
            break;
        }
    }
    let mut told = told.unwrap_or_else(|| not_run(&scenario.id, ScenarioVerdict::Passed));
    if reproduced.failed == 0 {
        return (told, otherwise.unwrap_or(Replayed::Fixed));
    }
    for failure in told.checks.iter_mut().filter_map(|check| check.failure.as_deref_mut()) {
        failure.reproduced = Some(reproduced);
    }
    (told, Replayed::StillFails(reproduced))
}
