//! A whole run in memory, for the formats that are written at its end.

use super::standing::Standing;
use crate::event::{Event, RunFinished, RunStarted, ScenarioFinished, ScenarioStarted, Strength, Subject};

/// What a run told.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// Its circumstances.
    pub started: Option<RunStarted>,
    /// The scenarios, in the order in which they began.
    pub scenarios: Vec<CollectedScenario>,
    /// Its end.
    pub finished: Option<RunFinished>,
}

/// One scenario of a run.
#[derive(Clone, Debug)]
pub struct CollectedScenario {
    /// How it began.
    pub started: ScenarioStarted,
    /// How it ended; `None` when the run ended first.
    pub finished: Option<ScenarioFinished>,
}

impl CollectedScenario {
    /// How it stands in the end.
    pub fn standing(&self) -> Standing {
        Standing::of(self.finished.as_ref())
    }

    /// Its theme, or its family: what its id says before the name.
    pub fn theme(&self) -> &str {
        split_id(&self.started.id).0
    }

    /// Its name without the theme.
    pub fn name(&self) -> &str {
        split_id(&self.started.id).1
    }

    /// Why it stands as it does, where there is a reason.
    pub fn reason(&self) -> Option<&str> {
        self.finished.as_ref().and_then(|finished| finished.verdict.reason())
    }
}

/// A scenario's theme, or a property's family, and its name.
pub(super) fn split_id(id: &str) -> (&str, &str) {
    id.rsplit_once('/').unwrap_or(("scenarios", id))
}

impl Collected {
    /// What the run is made of.
    pub fn subject(&self) -> Subject {
        self.started.as_ref().map_or(Subject::Scenarios, |run| run.subject)
    }

    /// The least strength that turns it red.
    pub fn fail_on(&self) -> Strength {
        self.started.as_ref().map_or(Strength::Should, |run| run.fail_on)
    }

    /// The themes, or the families, in the order in which the first of each began.
    pub fn themes(&self) -> Vec<(&str, Vec<&CollectedScenario>)> {
        let mut themes: Vec<(&str, Vec<&CollectedScenario>)> = Vec::new();
        for scenario in &self.scenarios {
            match themes.iter_mut().find(|(theme, _)| *theme == scenario.theme()) {
                Some((_, scenarios)) => scenarios.push(scenario),
                None => themes.push((scenario.theme(), vec![scenario])),
            }
        }
        themes
    }

    /// Takes notice of one event.
    pub fn handle(&mut self, event: &Event) {
        match event {
            Event::RunStarted(started) => self.started = Some(started.clone()),
            Event::ScenarioStarted(started) => {
                self.scenarios.push(CollectedScenario { started: started.clone(), finished: None });
            }
            Event::ScenarioFinished(finished) => {
                let scenario = self.scenarios.iter_mut().rfind(|scenario| scenario.started.id == finished.id);
                if let Some(scenario) = scenario {
                    scenario.finished = Some(finished.clone());
                }
            }
            Event::RunFinished(finished) => self.finished = Some(finished.clone()),
            Event::ScenarioProgress(_) | Event::CheckFinished { .. } => {}
        }
    }
}
