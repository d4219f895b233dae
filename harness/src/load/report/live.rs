//! A run while it goes on, on standard error: a view that is drawn anew on a terminal, a line every few seconds
//! elsewhere.

use std::fmt;
use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::words;
use crate::load::search::{Attempt, Purpose};
use crate::load::snapshot::{Snapshot, Stage};
use crate::report::text::wall;

/// How many columns the plot has; when it is full, two become one.
const COLUMNS: usize = 48;

/// The eighths of a cell.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How often a line is written where nothing can be drawn anew.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows a run.
pub struct Live {
    place: Place,
    rate: Plot,
    p99: Plot,
}

enum Place {
    Nowhere,
    Terminal(ProgressBar),
    Lines { out: Box<dyn Write>, stage: String, since: Duration },
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("rate", &self.rate).finish_non_exhaustive()
    }
}

impl Live {
    /// Shows nothing.
    #[must_use]
    pub fn hidden() -> Self {
        Self::at(Place::Nowhere)
    }

    /// Draws on standard error, a terminal.
    #[must_use]
    pub fn on_stderr() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style =
            ProgressStyle::with_template("{prefix} [{bar:24}] {msg}").expect("the template is well-formed");
        bar.set_style(style.progress_chars("=> "));
        Self::at(Place::Terminal(bar))
    }

    /// Writes lines.
    #[must_use]
    pub fn lines(out: Box<dyn Write>) -> Self {
        Self::at(Place::Lines { out, stage: String::new(), since: Duration::ZERO })
    }

    const fn at(place: Place) -> Self {
        Self { place, rate: Plot::new(Joined::Mean), p99: Plot::new(Joined::Most) }
    }

    /// Shows the run as it is now.
    pub fn show(&mut self, now: &Snapshot) {
        let seconds = now.recent_span.as_secs_f64();
        if seconds > 0.0 && !matches!(now.stage, Stage::Waiting(_) | Stage::Ceiling) {
            self.rate.push(now.recent.acknowledged as f64 / seconds);
            self.p99.push(now.recent_latency.quantile(0.99).map_or(0.0, |span| span.as_secs_f64()));
        }
        match &mut self.place {
            Place::Nowhere => {}
            Place::Terminal(bar) => {
                let (done, all) = progress(now);
                bar.set_length(all);
                bar.set_position(done);
                bar.set_prefix(stage(now));
                let second =
                    format!("\n  rate {}\n  p99  {}", self.rate.row(rate), self.p99.row(seconds_as_text));
                bar.set_message(format!("{}\n  {}{second}", clock(now), figures(now)));
            }
            Place::Lines { out, stage: told, since } => {
                let stage = stage(now);
                *since += now.recent_span;
                if *told != stage || *since >= LINE_EVERY {
                    // Where nobody reads it, there is nobody to tell.
                    let _ = writeln!(out, "{stage} {}: {}", clock(now), figures(now));
                    (*told, *since) = (stage, Duration::ZERO);
                }
            }
        }
    }

    /// Takes the view away.
    pub fn finish(&self) {
        if let Place::Terminal(bar) = &self.place {
            bar.finish_and_clear();
        }
    }
}

/// What is being done.
fn stage(now: &Snapshot) -> String {
    match now.stage {
        Stage::Waiting(_) => "waiting for the start".to_owned(),
        Stage::Ceiling => "measuring the generator's own ceiling".to_owned(),
        Stage::Run => "sending".to_owned(),
        Stage::Step(step) => {
            let what = match step.purpose {
                Purpose::Look => "trying",
                Purpose::Confirm => "confirming",
            };
            let again = if step.attempt == Attempt::Second { " again" } else { "" };
            format!("{what} {}{again}", step.rate)
        }
        Stage::Drain { held, limit: None } => format!("releasing {held} held"),
        Stage::Drain { held, limit: Some(limit) } => format!("releasing {held} held, {limit} at most"),
    }
}

/// How much is done, of how much.
fn progress(now: &Snapshot) -> (u64, u64) {
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    match (now.stage, now.span) {
        (Stage::Drain { held, .. }, _) => (now.total.ended(), held),
        (_, Some(span)) => (millis(now.elapsed.min(span)), millis(span)),
        (_, None) => (0, 1),
    }
}

fn clock(now: &Snapshot) -> String {
    let elapsed = format!("{:.0} s", now.elapsed.as_secs_f64());
    match now.span {
        Some(span) => {
            format!("{elapsed} of {}", words::wall_ms(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
        }
        None => elapsed,
    }
}

/// The counts and percentiles on one line.
fn figures(now: &Snapshot) -> String {
    if let Stage::Waiting(left) = now.stage {
        return format!("{:.0} s left", left.as_secs_f64().ceil());
    }
    let seconds = now.recent_span.as_secs_f64();
    let per_second = if seconds > 0.0 { now.recent.acknowledged as f64 / seconds } else { 0.0 };
    let total = &now.total;
    let mut parts = vec![rate(per_second)];
    if total.ended() > 0 {
        parts.push(format!("{} accepted", words::percent(total.acknowledged, total.ended())));
    }
    for (name, quantile) in [("p50", 0.5), ("p99", 0.99)] {
        if let Some(span) = now.latency.quantile(quantile) {
            parts.push(format!("{name} {}", wall(span)));
        }
    }
    if let Some(max) = now.latency.max() {
        parts.push(format!("max {}", wall(max)));
    }
    for (count, what) in [
        (total.pending(), "pending"),
        (total.slowed, "slowed down"),
        (total.failed, "failed"),
        (total.not_sent, "not sent"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    parts.join(", ")
}

fn rate(per_second: f64) -> String {
    words::rate(per_second)
}

fn seconds_as_text(seconds: f64) -> String {
    wall(Duration::from_secs_f64(seconds.max(0.0)))
}

/// One figure over the whole run so far, in few columns.
#[derive(Debug)]
struct Plot {
    columns: Vec<f64>,
    joined: Joined,
    /// How many values a column stands for.
    each: u32,
    /// The values of the last column, which is not full yet.
    open: Vec<f64>,
}

/// What stands for several values.
#[derive(Clone, Copy, Debug)]
enum Joined {
    /// Their mean.
    Mean,
    /// The greatest: a peak must not vanish.
    Most,
}

impl Joined {
    fn of(self, values: &[f64]) -> f64 {
        match self {
            Self::Mean => values.iter().sum::<f64>() / values.len().max(1) as f64,
            Self::Most => values.iter().copied().fold(0.0, f64::max),
        }
    }
}

impl Plot {
    const fn new(joined: Joined) -> Self {
        Self { columns: Vec::new(), joined, each: 1, open: Vec::new() }
    }

    fn push(&mut self, value: f64) {
        self.open.push(value);
        if self.open.len() < self.each as usize {
            return;
        }
        self.columns.push(self.joined.of(&self.open));
        self.open.clear();
        if self.columns.len() == COLUMNS {
            self.columns = self.columns.chunks(2).map(|pair| self.joined.of(pair)).collect();
            self.each *= 2;
        }
    }

    /// Bars up to the greatest value, which is named.
    fn row(&self, name: impl Fn(f64) -> String) -> String {
        let most = Joined::Most.of(&self.columns);
        if most <= 0.0 {
            return String::new();
        }
        let bar = |value: &f64| BARS[((value / most * 7.0).round() as usize).min(7)];
        format!("{}  up to {}", self.columns.iter().map(bar).collect::<String>(), name(most))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::load::record::Latencies;
    use crate::load::snapshot::{Counts, EVERY};

    fn snapshot(stage: Stage, elapsed_ms: u64) -> Snapshot {
        let mut latency = Latencies::new();
        latency.record(Duration::from_millis(4));
        let counts = Counts { due: 110, acknowledged: 99, slowed: 0, failed: 1, not_sent: 0 };
        Snapshot {
            stage,
            elapsed: Duration::from_millis(elapsed_ms),
            span: Some(Duration::from_secs(30)),
            total: counts,
            recent: counts,
            recent_span: EVERY,
            recent_latency: latency.clone(),
            latency,
        }
    }

    /// What was written, to be read by a test.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn without_a_terminal_there_is_a_line_every_few_seconds_and_for_each_stage() {
        let out = Shared::default();
        let mut live = Live::lines(Box::new(out.clone()));
        for n in 0..48 {
            live.show(&snapshot(Stage::Run, n * 250));
        }
        live.show(&snapshot(Stage::Drain { held: 200, limit: None }, 0));
        for left in [3_200, 2_900] {
            let waiting = Stage::Waiting(Duration::from_millis(left));
            live.show(&Snapshot { recent_span: Duration::ZERO, span: None, ..snapshot(waiting, 0) });
        }
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert_eq!(lines[4], "waiting for the start 0 s: 4 s left");
        assert_eq!(
            lines[1],
            "sending 5 s of 30 s: 396/s, 99% accepted, p50 4.0 ms, p99 4.0 ms, max 4.0 ms, 10 pending, 1 failed"
        );
        assert!(lines[3].starts_with("releasing 200 held 0 s"), "{text}");
    }

    #[test]
    fn a_plot_keeps_the_whole_run_in_few_columns_and_its_peaks() {
        let (mut mean, mut most) = (Plot::new(Joined::Mean), Plot::new(Joined::Most));
        for n in 0..10_000 {
            let value = if n == 5_000 { 100.0 } else { 1.0 };
            mean.push(value);
            most.push(value);
        }
        let row = most.row(rate);
        assert!(most.columns.len() < COLUMNS && row.ends_with("up to 100/s"), "{row}");
        assert_eq!(row.chars().filter(|c| *c == '█').count(), 1);
        assert!(mean.columns.iter().all(|value| *value < 2.0));
        assert_eq!(Plot::new(Joined::Most).row(rate), "");
    }
}
