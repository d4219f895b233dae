//! How far a run has come, on standard error, where somebody watches.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::super::text::{count, noun, pns_span, printable, wall};
use crate::event::{Event, ScenarioProgress, Subject};

/// The time on display is in seconds.
const TICK: Duration = Duration::from_millis(500);

/// A progress bar, or nothing.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    subject: Subject,
}

impl Progress {
    /// Shows nothing: no terminal, `CI` set, or `--no-progress`.
    pub fn hidden() -> Self {
        Self { bar: ProgressBar::hidden(), subject: Subject::Scenarios }
    }

    /// Draws on standard error.
    pub fn on_stderr() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{elapsed:>3} [{bar:12}] {pos}/{len} {prefix}  {wide_msg}");
        bar.set_style(style.expect("the template is well-formed").progress_chars("=> "));
        // A receiver that does not answer must not look like a harness that hangs.
        bar.enable_steady_tick(TICK);
        Self { bar, subject: Subject::Scenarios }
    }

    pub(super) fn handle(&mut self, event: &Event) {
        match event {
            Event::RunStarted(run) => {
                self.subject = run.subject;
                self.bar.set_length(run.scenarios as u64);
                self.bar.set_prefix(format!("{}s", noun(run.subject)));
                if run.subject == Subject::Checks {
                    self.bar.set_message("first, a plain valid notification");
                }
            }
            Event::ScenarioStarted(scenario) if self.subject == Subject::Checks => {
                self.bar.set_message(printable(&scenario.id).into_owned());
            }
            Event::ScenarioProgress(progress) => self.bar.set_message(message(self.subject, progress)),
            Event::ScenarioFinished(_) => self.bar.inc(1),
            Event::ScenarioStarted(_) | Event::CheckFinished { .. } | Event::RunFinished(_) => {}
        }
    }

    /// Takes the bar away while `write` writes to the same terminal.
    pub(super) fn suspend<R>(&self, write: impl FnOnce() -> R) -> R {
        self.bar.suspend(write)
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// What is going on, on one line; where that is cut, its end can be spared.
fn message(subject: Subject, progress: &ScenarioProgress) -> String {
    let doing = progress.doing.iter().map(|doing| format!("{doing}: "));
    let mut parts = vec![doing.collect::<String>() + &progress.id];
    match subject {
        Subject::Scenarios => {
            parts.push(format!("{} of PNS time", pns_span(progress.pns_time)));
            parts.push(count(progress.attempts, "attempt"));
            parts.push(format!("{} pending", progress.pending));
        }
        Subject::Checks => {
            parts.push(count(progress.attempts, "request"));
            parts.push(wall(progress.wall));
        }
    }
    let line = parts.join(", ");
    printable(&line).replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_is_going_on() {
        let mut progress = ScenarioProgress {
            id: "accepts/unknown-fields".to_owned(),
            pns_time: Duration::from_secs(90),
            attempts: 61,
            pending: 2,
            wall: Duration::from_millis(812),
            doing: Some("case 12 of 25".to_owned()),
        };
        let told = message(Subject::Checks, &progress);
        assert_eq!(told, "case 12 of 25: accepts/unknown-fields, 61 requests, 0.81 s");
        progress.doing = None;
        let told = message(Subject::Scenarios, &progress);
        assert_eq!(told, "accepts/unknown-fields, 1m 30s of PNS time, 61 attempts, 2 pending");
    }
}
