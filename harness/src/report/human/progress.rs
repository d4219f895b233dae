//! How far a run has come, on standard error, where somebody watches.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::super::text::{count, pns_span, printable};
use crate::event::Event;

/// A progress bar, or nothing.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Shows nothing: no terminal, `CI` set, or `--no-progress`.
    pub fn hidden() -> Self {
        Self { bar: ProgressBar::hidden() }
    }

    /// Draws on standard error.
    pub fn on_stderr() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} scenarios  {msg}");
        bar.set_style(style.expect("the template is well-formed").progress_chars("=> "));
        Self { bar }
    }

    pub(super) fn handle(&self, event: &Event) {
        match event {
            Event::RunStarted(run) => self.bar.set_length(run.scenarios as u64),
            Event::ScenarioProgress(progress) => self.bar.set_message(format!(
                "{}: {} of PNS time, {}, {} pending",
                printable(&progress.id),
                pns_span(progress.pns_time),
                count(progress.attempts, "attempt"),
                progress.pending,
            )),
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
