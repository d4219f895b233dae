//! Tries one property: plays its cases, tries a failure again, and shrinks it on the living receiver.

use std::time::Duration;

use pns_engine::rng;
use pns_simulator::clock::Stopwatch;
use proptest::strategy::{BoxedStrategy, Strategy as _, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::case::Case;
use super::kinds::{Cases, Property};
use super::setting::Setting;
use crate::event::{CheckResult, CheckVerdict, PullCount, Reproduced, ScenarioFinished, ScenarioVerdict};
use crate::runner::Player;
use crate::scenario::{self, Scenario, Style};

/// How often a failure is tried in all before it is told: enough to tell a flaky one, cheap enough to do always.
const TRIES: u32 = 3;
/// Simpler cases that are tried to shrink a failure.
pub(super) const SHRINKING_MAX: u64 = 80;
/// Wall time for shrinking: a receiver that hangs costs a whole acknowledgement timeout each time.
const SHRINKING_TIME: Duration = Duration::from_secs(15);
/// Wall time after which a property that has failed plays no more of its cases.
const FAILING_TIME: Duration = Duration::from_secs(10);

/// What trying a property came to.
#[derive(Debug)]
pub(super) enum Tried {
    /// Every case held.
    Held,
    /// A case did not.
    Broken(Box<Broken>),
    /// A case could not be decided, for this reason, and none was broken.
    Undecided(String),
    /// There is nothing to try it with, for this reason.
    Skipped(String),
    /// The harness failed, in this way.
    Error(String),
}

/// A case that did not hold.
#[derive(Debug)]
pub(super) struct Broken {
    /// The smallest one found.
    pub case: Case,
    /// What came of it when it was last played and failed.
    pub check: CheckResult,
    /// How often it failed of how many times.
    pub reproduced: Reproduced,
    /// Simpler cases tried.
    pub shrunk_by: u64,
    /// Which of the property's cases failed in the same way, by their labels, where it has several.
    pub labels: Vec<String>,
    /// Which failed in another way.
    pub others: Vec<String>,
    /// Cases that were not played any more.
    pub left: usize,
    /// That the receiver stopped accepting, and whether it recovered.
    pub afterwards: Option<String>,
}

impl Broken {
    /// A case that failed for the first time.
    pub(super) fn of(case: Case, check: CheckResult) -> Self {
        let labels = Some(case.label.clone()).filter(|label| !label.is_empty()).into_iter().collect();
        let reproduced = Reproduced { failed: 1, tried: 1 };
        let others = Vec::new();
        Self { case, check, reproduced, shrunk_by: 0, labels, others, left: 0, afterwards: None }
    }

    /// Another case that failed.
    fn join(&mut self, case: &Case, check: &CheckResult) {
        let found = |check: &CheckResult| check.failure.as_ref().map(|failure| failure.found.clone());
        let is_alike = found(&self.check) == found(check);
        let labels = if is_alike { &mut self.labels } else { &mut self.others };
        labels.push(case.label.clone());
    }
}

/// What a property's cases cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    /// Cases played.
    pub cases: u64,
    /// Requests made.
    pub requests: u64,
    /// Deliveries made.
    pub deliveries: u64,
    /// PNS time that passed.
    pub pns_time: Duration,
    /// How notifications were followed by pulls, where a case has a pull side.
    pub pulls: Option<PullCount>,
}

/// One case played.
enum Played {
    Held,
    Broken(Box<CheckResult>),
    /// It failed, and so does a plain notification of its type: that is another property's finding.
    LeftOut(String),
    Undecided(String),
    Skipped(String),
    Error(String),
}

/// Tries one property.
pub(super) struct Trial<'a> {
    /// Plays scenarios against the receiver.
    pub player: &'a Player,
    /// What is known of it.
    pub setting: &'a Setting,
    /// What is tried.
    pub property: &'static Property,
    /// How many cases are drawn of a strategy.
    pub max_examples: u32,
    /// Told of what is being done, and of the requests made so far.
    pub progress: &'a mut dyn FnMut(String, Spent),
    /// What it cost so far.
    pub spent: Spent,
    /// Controls that were played, each with whether it failed as well.
    pub controls: Vec<(Case, bool)>,
}

impl Trial<'_> {
    /// Tries it. No wait inside is longer than the scenarios' own limits.
    pub(super) async fn run(&mut self) -> Tried {
        match self.property.cases {
            Cases::Fixed(make) => self.fixed(make(self.setting)).await,
            Cases::Drawn(make) => match make(self.setting) {
                Some(strategy) => self.drawn(&strategy).await,
                None => Tried::Skipped("the schema pack has nothing to try it with".to_owned()),
            },
        }
    }

    async fn fixed(&mut self, cases: Vec<Case>) -> Tried {
        if cases.is_empty() {
            return Tried::Skipped("the schema pack has nothing to try it with".to_owned());
        }
        let total = cases.len();
        let watch = Stopwatch::start();
        let mut first: Option<Box<Broken>> = None;
        let mut other = None;
        let (mut has_held, mut left_out) = (false, None);
        for (index, case) in cases.into_iter().enumerate() {
            if let Some(broken) = &mut first
                && watch.elapsed() > FAILING_TIME
            {
                broken.left = total - index;
                break;
            }
            self.tell(format!("case {} of {total}", index + 1));
            match self.play_controlled(&case).await {
                Played::Held => has_held = true,
                Played::LeftOut(why) => left_out = Some(Tried::Skipped(why)),
                Played::Broken(check) => match &mut first {
                    Some(broken) => broken.join(&case, &check),
                    None => first = Some(Box::new(Broken::of(case, *check))),
                },
                Played::Undecided(why) => other = Some(other.unwrap_or(Tried::Undecided(why))),
                Played::Skipped(why) => other = Some(other.unwrap_or(Tried::Skipped(why))),
                Played::Error(why) => return Tried::Error(why),
            }
        }
        let Some(mut broken) = first else {
            return other.or(left_out.filter(|_| !has_held)).unwrap_or(Tried::Held);
        };
        self.again(&mut broken).await;
        Tried::Broken(broken)
    }

    async fn drawn(&mut self, strategy: &BoxedStrategy<Case>) -> Tried {
        let mut runner = self.runner();
        let mut undecided = None;
        let (mut has_held, mut left_out) = (false, None);
        for index in 0..self.max_examples {
            let Ok(mut tree) = strategy.new_tree(&mut runner) else {
                return Tried::Skipped("the schema pack leaves too little to draw from".to_owned());
            };
            let case = tree.current();
            self.tell(format!("case {} of {}", index + 1, self.max_examples));
            match self.play_controlled(&case).await {
                Played::Held => has_held = true,
                Played::LeftOut(why) => left_out = Some(Tried::Skipped(why)),
                Played::Broken(check) => return self.shrunk(&mut *tree, case, *check).await,
                Played::Undecided(why) => undecided = Some(undecided.unwrap_or(Tried::Undecided(why))),
                Played::Skipped(why) => return Tried::Skipped(why),
                Played::Error(why) => return Tried::Error(why),
            }
        }
        undecided.or(left_out.filter(|_| !has_held)).unwrap_or(Tried::Held)
    }

    /// Tries the failure again, then looks for a simpler case that fails as well, within the budget.
    async fn shrunk(
        &mut self,
        tree: &mut dyn ValueTree<Value = Case>,
        case: Case,
        check: CheckResult,
    ) -> Tried {
        let mut broken = Broken::of(case, check);
        self.again(&mut broken).await;
        // What comes and goes would be shrunk by chance.
        if !broken.reproduced.is_certain() {
            return Tried::Broken(Box::new(broken));
        }
        let watch = Stopwatch::start();
        let mut goes_on = tree.simplify();
        while goes_on && broken.shrunk_by < SHRINKING_MAX && watch.elapsed() < SHRINKING_TIME {
            broken.shrunk_by += 1;
            self.tell(format!("shrinking, case {}", broken.shrunk_by));
            let case = tree.current();
            goes_on = match self.play_controlled(&case).await {
                Played::Broken(check) => {
                    (broken.case, broken.check) = (case, *check);
                    tree.simplify()
                }
                _ => tree.complicate(),
            };
        }
        Tried::Broken(Box::new(broken))
    }

    /// Plays a case that failed again, and keeps what it last failed with.
    async fn again(&mut self, broken: &mut Broken) {
        while broken.reproduced.tried < TRIES {
            self.tell(format!("trying a failure again, {} of {TRIES}", broken.reproduced.tried + 1));
            broken.reproduced.tried += 1;
            if let Played::Broken(check) = self.play(&broken.case).await {
                broken.reproduced.failed += 1;
                broken.check = *check;
            }
        }
    }

    /// Plays one case, and one that fails once more with nothing changed: what a plain notification of its type meets,
    /// too, says nothing of the change.
    async fn play_controlled(&mut self, case: &Case) -> Played {
        let played = self.play(case).await;
        let (Played::Broken(_), Some(control)) = (&played, case.control()) else { return played };
        let is_broken = match self.controls.iter().find(|(known, _)| *known == control) {
            Some((_, is_broken)) => *is_broken,
            None => {
                let is_broken = matches!(self.play(&control).await, Played::Broken(_));
                self.controls.push((control.clone(), is_broken));
                is_broken
            }
        };
        if is_broken {
            let why = format!("{} fares no better: see `accepts/every-event-type`", control.label);
            return Played::LeftOut(why);
        }
        played
    }

    /// Plays one case as the scenario file that it is. Every play has ids of its own.
    async fn play(&mut self, case: &Case) -> Played {
        let scenario = match parse(case, self.property) {
            Ok(scenario) => scenario,
            Err(rendered) => return Played::Error(format!("a case is no scenario: {rendered}")),
        };
        self.spent.cases += 1;
        let seed = self.seed(self.spent.cases);
        let finished = self.player.play(&scenario, seed).await;
        self.spent.requests += finished.attempts;
        self.spent.deliveries += finished.deliveries;
        self.spent.pns_time += finished.pns_time;
        if let Some(count) = finished.pulls {
            self.spent.pulls = Some(self.spent.pulls.unwrap_or_default().and(count));
        }
        judged(finished)
    }

    /// Places the ids of one play. A receiver remembers ids, also those of an earlier run with the same seed, so the
    /// run's start goes into them, though not into the choice of cases.
    fn seed(&self, index: u64) -> u64 {
        let seed = rng::draw(self.setting.seed, stream(self.property.id), index);
        seed ^ self.setting.started.as_nanos()
    }

    /// Draws by the run's seed and the property's id, so that a property tried alone draws the same.
    fn runner(&self) -> TestRunner {
        let mut seed = [0; 32];
        for (index, bytes) in seed.chunks_exact_mut(8).enumerate() {
            bytes.copy_from_slice(
                &rng::draw(self.setting.seed, !stream(self.property.id), index as u64).to_le_bytes(),
            );
        }
        TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
    }

    fn tell(&mut self, doing: String) {
        (self.progress)(doing, self.spent);
    }
}

/// The scenario that a case is.
///
/// # Errors
/// When it is none, which is a fault of the property's; the text says where.
pub(super) fn parse(case: &Case, property: &Property) -> Result<Scenario, String> {
    let text = case.text(property);
    let loaded = scenario::parse(&format!("{}.yaml", property.id), &text);
    let mut scenarios = loaded.into_scenarios(Style::Plain)?;
    scenarios.pop().ok_or_else(|| "no scenario in it".to_owned())
}

fn judged(finished: ScenarioFinished) -> Played {
    // How binding a property is, it says itself: a claim that is advice in a scenario is broken here.
    if finished.verdict == ScenarioVerdict::Passed
        && let Some(broken) = finished.broken()
    {
        return Played::Broken(Box::new(broken.clone()));
    }
    let why = finished.checks.iter().find_map(|check| match &check.verdict {
        CheckVerdict::Skipped(why) if check.id.starts_with("pulled") => Some(why.clone()),
        _ => None,
    });
    if let (ScenarioVerdict::Passed, Some(why)) = (&finished.verdict, why) {
        return Played::Skipped(why);
    }
    match finished.verdict {
        ScenarioVerdict::Passed
        | ScenarioVerdict::ExpectedFailure(_)
        | ScenarioVerdict::UnexpectedPass(_) => Played::Held,
        ScenarioVerdict::Failed => {
            let broken = finished.checks.into_iter().find(|check| check.verdict == CheckVerdict::Failed);
            Played::Broken(Box::new(broken.expect("a scenario fails by a check")))
        }
        ScenarioVerdict::Skipped(why) => Played::Skipped(why),
        ScenarioVerdict::Inconclusive(why) => Played::Undecided(why),
        ScenarioVerdict::Error(why) => Played::Error(why),
    }
}

/// A number of its own for every id.
fn stream(id: &str) -> u64 {
    crate::runner::hash_of(id)
}
