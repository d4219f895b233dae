//! A run of property checks on one receiver: baseline, properties one after the other, health in between.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use pns_simulator::clock::{Gear, Stopwatch};

use super::baseline::{self, Health, Recovery};
use super::case::Case;
use super::kinds::{Cases, Property};
use super::setting::Setting;
use super::trial::{Broken, SHRINKING_MAX, Spent, Trial, Tried};
use crate::event::{
    CheckFailure, CheckResult, CheckVerdict, Event, Note, RunEnd, RunFinished, RunStarted, ScenarioFinished,
    ScenarioProgress, ScenarioStarted, ScenarioText, ScenarioVerdict, Strength, Subject, Target, Totals,
};
use crate::interrupt;
use crate::redact::Redactor;
use crate::report::text::{count, wall};
use crate::runner::{Player, RunError, flags};
use crate::settings::{RunSettings, StopAfter};

/// Everything that affects the outcome of `pns check`.
#[derive(Clone, Debug)]
pub struct CheckSettings {
    /// The receiver and how it is reached, the probe, the seed, the schema pack, when to stop. It names a target.
    pub run: RunSettings,
    /// What the target is told as.
    pub target: Target,
    /// What is tried, in this order.
    pub properties: Vec<&'static Property>,
    /// How many cases are drawn for a property that draws them.
    pub max_examples: u32,
    /// Begins no property after this wall time.
    pub max_time: Option<Duration>,
    /// The least strength that turns the run red.
    pub fail_on: Strength,
    /// Properties that are expected to fail, with the reason.
    pub exceptions: BTreeMap<String, String>,
    /// Where failures are saved as scenario files.
    pub save_failures: Option<PathBuf>,
    /// Flags beside those of the connection that make the same run again, each with a space before it.
    pub repeat_flags: String,
}

/// Tries the properties of `settings` and tells `sink` all that happens.
///
/// # Errors
/// When a setting turns out to be of no use, before anything is sent or told.
pub async fn run(settings: CheckSettings, sink: &mut dyn FnMut(&Event)) -> Result<RunFinished, RunError> {
    let wall = Stopwatch::start();
    let player = Player::prepare(settings.run.clone())?;
    let setting = Setting::of(&settings.run, &player);
    let mut checks = Checks {
        settings: &settings,
        player: &player,
        setting,
        wall,
        sink,
        totals: Totals::default(),
        pns_time: Duration::ZERO,
    };
    let started = checks.started();
    (checks.sink)(&Event::RunStarted(started));
    let interrupted = checks.settings.properties.len();
    let end = tokio::select! {
        biased;
        () = interrupt::asked_for() => None,
        end = checks.all() => Some(end),
    };
    let Checks { sink, totals, pns_time, .. } = checks;
    let decided = usize::try_from(totals.scenarios.total()).unwrap_or(usize::MAX);
    let end = end.unwrap_or(RunEnd::Interrupted(interrupted.saturating_sub(decided)));
    let finished = RunFinished { totals, wall: wall.elapsed(), pns_time, end };
    sink(&Event::RunFinished(finished.clone()));
    Ok(finished)
}

/// A run under way.
struct Checks<'a> {
    settings: &'a CheckSettings,
    player: &'a Player,
    setting: Setting,
    wall: Stopwatch,
    sink: &'a mut dyn FnMut(&Event),
    totals: Totals,
    pns_time: Duration,
}

impl Checks<'_> {
    fn started(&self) -> RunStarted {
        let settings = self.settings;
        let budget: u64 = settings.properties.iter().map(|property| self.cost(property)).sum();
        let mut notes = self.player.notes();
        notes.retain(|note| !matches!(note, Note::AcknowledgementsOnly));
        if settings.run.probe.is_none() {
            notes.push(Note::EffectsNotChecked);
        }
        if settings.run.pull.is_none() {
            notes.push(Note::PullsNotChecked);
        }
        notes.push(Note::Other(format!(
            "a failure is tried 3 times, and shrunk by at most {SHRINKING_MAX} more cases; the largest body is 2 MiB, \
             the deepest nesting 1,500 levels, the longest stall 3 s"
        )));
        RunStarted {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: settings.run.seed,
            target: settings.target.clone(),
            gear: Gear::Virtual,
            epoch: self.setting.started,
            scenarios: settings.properties.len(),
            filtered_out: super::registry::all().len() - settings.properties.len(),
            notes,
            request_budget: budget + 2 * settings.properties.len() as u64,
            subject: Subject::Checks,
            fail_on: settings.fail_on,
        }
    }

    /// About how many requests a property makes when it holds.
    fn cost(&self, property: &Property) -> u64 {
        match property.cases {
            _ if property.needs.iter().any(|need| self.is_lacking_for_sure(*need)) => 0,
            Cases::Fixed(make) => make(&self.setting).iter().map(Case::cost).sum(),
            // A schedule has eight notifications at most, most of them with a failure or two.
            Cases::Drawn(_) => u64::from(self.settings.max_examples) * 8,
        }
    }

    /// Before the baseline some things are not known yet.
    fn is_lacking_for_sure(&self, need: super::kinds::Need) -> bool {
        use super::kinds::Need;
        !matches!(need, Need::KeyIsChecked | Need::Http2) && self.setting.lacks(need).is_some()
    }

    async fn all(&mut self) -> RunEnd {
        if let Err(reason) = self.player.wait_for_target(self.settings.run.wait_for_target).await {
            return RunEnd::Unreachable(reason);
        }
        if let Err(reason) = baseline::learn(self.player, &mut self.setting).await {
            return RunEnd::Unreachable(reason);
        }
        let total = self.settings.properties.len();
        for (index, property) in self.settings.properties.iter().enumerate() {
            let is_late = self.settings.max_time.is_some_and(|most| self.wall.elapsed() >= most);
            let is_enough = match self.settings.run.stop {
                StopAfter::Nothing => false,
                StopAfter::Failures(most) => self.totals.scenarios.failed >= most.get(),
            };
            if is_late || is_enough {
                return RunEnd::StoppedEarly(total - index);
            }
            if let Err(reason) = self.one(property).await {
                let left = (total - index - 1) as u64;
                let not_run =
                    if left > 0 { format!("; {} not run", count(left, "check")) } else { String::new() };
                return RunEnd::Unreachable(reason + &not_run);
            }
        }
        RunEnd::Complete
    }

    /// Tries one property and tells of it.
    ///
    /// # Errors
    /// When the receiver stopped accepting and did not come back: nothing more can be judged.
    async fn one(&mut self, property: &'static Property) -> Result<(), String> {
        (self.sink)(&Event::ScenarioStarted(ScenarioStarted {
            id: property.id.to_owned(),
            title: property.title.to_owned(),
            location: None,
            clause: property.clause,
        }));
        let watch = Stopwatch::start();
        let mut spent = Spent::default();
        let lacking = property.needs.iter().find_map(|need| self.setting.lacks(*need));
        let mut gone = None;
        let tried = match lacking {
            Some(reason) => Tried::Skipped(reason.to_owned()),
            None => {
                let tried = self.try_it(property, watch, &mut spent).await;
                self.look_after(property, tried, watch, &mut spent, &mut gone).await
            }
        };
        let finished = self.finished(property, tried, spent, watch.elapsed());
        self.totals.count(&finished);
        self.pns_time += finished.pns_time;
        (self.sink)(&Event::ScenarioFinished(finished));
        gone.map_or(Ok(()), Err)
    }

    async fn try_it(&mut self, property: &'static Property, watch: Stopwatch, spent: &mut Spent) -> Tried {
        let sink = &mut self.sink;
        let mut progress = |doing: String, spent: Spent| {
            sink(&Event::ScenarioProgress(ScenarioProgress {
                id: property.id.to_owned(),
                pns_time: spent.pns_time,
                attempts: spent.requests,
                pending: 0,
                wall: watch.elapsed(),
                doing: Some(doing),
            }));
        };
        let mut trial = Trial {
            player: self.player,
            setting: &self.setting,
            property,
            max_examples: self.settings.max_examples,
            progress: &mut progress,
            spent: *spent,
            controls: Vec::new(),
        };
        let tried = trial.run().await;
        *spent = trial.spent;
        tried
    }

    /// Sees to it that the receiver still accepts; that it does not is this property's finding.
    async fn look_after(
        &mut self,
        property: &'static Property,
        tried: Tried,
        watch: Stopwatch,
        spent: &mut Spent,
        gone: &mut Option<String>,
    ) -> Tried {
        let found = match baseline::health(self.player, &self.setting).await {
            Health::Accepts => return tried,
            Health::Pressed => {
                // As it may: it is given time, and nothing is made of it.
                baseline::recovery(self.player, &self.setting).await;
                return tried;
            }
            Health::Refuses(found) => found,
        };
        let told = match baseline::recovery(self.player, &self.setting).await {
            Recovery::Never => {
                *gone = Some(format!(
                    "after `{}` the receiver did not accept a plain valid notification any more ({found}), and did \
                     not recover",
                    property.id
                ));
                format!("{found}; it did not recover")
            }
            Recovery::After(time) => {
                format!("{found}; it accepted again after {}", wall(time))
            }
        };
        if let Tried::Broken(mut broken) = tried {
            broken.afterwards = Some(told);
            return Tried::Broken(broken);
        }
        let mut broken = stopped(property, &self.setting, told);
        if gone.is_none() {
            // Once more, to tell what it does from what happened to it by chance.
            let _ = self.try_it(property, watch, spent).await;
            broken.reproduced.tried += 1;
            if matches!(baseline::health(self.player, &self.setting).await, Health::Refuses(_)) {
                broken.reproduced.failed += 1;
                baseline::recovery(self.player, &self.setting).await;
            }
        }
        Tried::Broken(Box::new(broken))
    }

    fn finished(
        &self,
        property: &'static Property,
        tried: Tried,
        spent: Spent,
        wall: Duration,
    ) -> ScenarioFinished {
        let is_red = property.strength >= self.settings.fail_on;
        let exception = self.settings.exceptions.get(property.id);
        let (verdict, check, failure) = match tried {
            Tried::Held => match exception {
                Some(why) => (ScenarioVerdict::UnexpectedPass(why.clone()), CheckVerdict::Passed, None),
                None => (ScenarioVerdict::Passed, CheckVerdict::Passed, None),
            },
            Tried::Broken(broken) => {
                let check = if is_red { CheckVerdict::Failed } else { CheckVerdict::Warned };
                let verdict = match exception {
                    Some(why) => ScenarioVerdict::ExpectedFailure(why.clone()),
                    None if is_red => ScenarioVerdict::Failed,
                    None => ScenarioVerdict::Passed,
                };
                (verdict, check, Some(Box::new(self.failure(property, &broken))))
            }
            Tried::Undecided(why) => {
                (ScenarioVerdict::Inconclusive(why.clone()), CheckVerdict::Inconclusive(why), None)
            }
            Tried::Skipped(why) => (ScenarioVerdict::Skipped(why.clone()), CheckVerdict::Skipped(why), None),
            Tried::Error(why) => (ScenarioVerdict::Error(why.clone()), CheckVerdict::Error(why), None),
        };
        let result = CheckResult {
            id: property.id.to_owned(),
            title: property.title.to_owned(),
            clause: property.clause,
            strength: property.strength,
            verdict: check,
            location: None,
            pns_time: spent.pns_time,
            failure,
        };
        ScenarioFinished {
            id: property.id.to_owned(),
            verdict,
            checks: vec![result],
            pns_time: spent.pns_time,
            wall,
            attempts: spent.requests,
            deliveries: spent.deliveries,
            cases: spent.cases,
            notes: Vec::new(),
            pulls: spent.pulls,
        }
    }

    fn failure(&self, property: &Property, broken: &Broken) -> CheckFailure {
        let redactor = Redactor::new(self.setting.api_key.as_ref());
        let (id, seed) = (property.id, self.settings.run.seed);
        let version = env!("CARGO_PKG_VERSION");
        let head = format!("# {id}, seed {seed}, pns {version}: `pns explain {id}` tells more of it.\n");
        let text = redactor.redact(&(head + &broken.case.text(property))).into_owned();
        let saved = self.settings.save_failures.as_ref().map(|folder| {
            let name = format!("{}-{seed}.yaml", id.replace('/', "-"));
            let path = folder.join(name);
            match std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, &text)) {
                Ok(()) => path.display().to_string(),
                Err(error) => format!("(could not be saved as `{}`: {error})", path.display()),
            }
        });
        let inner = broken.check.failure.as_deref().cloned().unwrap_or_default();
        CheckFailure {
            found: found(&inner.found, broken),
            explanation: property.mend.to_owned(),
            repeat: self.repeat(property),
            reproduced: Some(broken.reproduced),
            scenario: Some(ScenarioText { text, saved, shrunk_by: broken.shrunk_by }),
            ..inner
        }
    }

    /// The one command that tries this property again with this seed.
    fn repeat(&self, property: &Property) -> String {
        let run = &self.settings.run;
        let reached = match self.settings.target {
            Target::Embedded => String::new(),
            Target::Endpoint(_) => flags(&run.connection),
        };
        format!("pns check {} --seed {}{reached}{}", property.id, run.seed, self.settings.repeat_flags)
    }
}

/// What was found, in which of the property's cases, and what it did to the receiver.
fn found(found: &str, broken: &Broken) -> String {
    let mut text = found.to_owned();
    if !broken.labels.is_empty() {
        text.push_str(&format!("\nin: {}", listed(&broken.labels)));
    }
    if !broken.others.is_empty() {
        text.push_str(&format!("\nit failed in another way in: {}", listed(&broken.others)));
    }
    if broken.left > 0 {
        text.push_str(&format!("\n{} not tried", count(broken.left as u64, "more case")));
    }
    if let Some(afterwards) = &broken.afterwards {
        text.push_str(&format!("\nafterwards, a plain valid notification was not accepted: {afterwards}"));
    }
    text
}

/// The first of them: more would hide the finding behind a list.
fn listed(labels: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = labels.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if labels.len() > SHOWN {
        text.push_str(&format!(" and {} more", labels.len() - SHOWN));
    }
    text
}

/// The finding that the receiver stopped accepting after a property's cases.
fn stopped(property: &'static Property, setting: &Setting, found: String) -> Broken {
    let mut cases = match property.cases {
        Cases::Fixed(make) => make(setting),
        Cases::Drawn(_) => Vec::new(),
    };
    // Which of several cases did it is not known: the first stands for them, with the question afterwards.
    let first = if cases.is_empty() { None } else { Some(cases.swap_remove(0)) };
    let case = first.unwrap_or_else(|| Case::new("", serde_json::json!([]))).then(baseline::afterwards());
    let failure = CheckFailure {
        expected: "afterwards, a plain valid notification is accepted".to_owned(),
        found,
        ..CheckFailure::default()
    };
    let check = CheckResult {
        id: property.id.to_owned(),
        title: property.title.to_owned(),
        clause: property.clause,
        strength: property.strength,
        verdict: CheckVerdict::Failed,
        location: None,
        pns_time: Duration::ZERO,
        failure: Some(Box::new(failure)),
    };
    Broken { labels: Vec::new(), ..Broken::of(case, check) }
}
