//! A whole run in memory, for the formats that are written at its end.

use crate::event::{Event, RunFinished, RunStarted, ScenarioFinished, ScenarioStarted};

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

impl Collected {
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
