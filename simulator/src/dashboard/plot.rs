//! Places in the pictures that pages draw: plain SVG with classes, since no inline style is allowed.

use std::time::Duration;

use pns_engine::Timestamp;

use super::series::{Counts, INTERVALS};
use super::words;
use crate::axis::Axis;
use crate::service::model::{AttemptOutcome, AttemptView, Instant, WindowKind, WindowState, WindowView};

/// A wait that is a smaller part of a gap between attempts is not worth drawing: a tenth.
const LATE_SHARE: u32 = 10;

/// The last minutes: columns of attempts, and a line of what was published.
#[derive(Clone, Debug)]
pub(super) struct Minutes {
    pub(super) bars: Vec<Bar>,
    /// The line's points.
    pub(super) published: String,
    /// What the top means.
    pub(super) top: u64,
    pub(super) totals: Counts,
}

/// A column, or a part of one.
#[derive(Clone, Debug)]
pub(super) struct Bar {
    pub(super) class: &'static str,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Minutes {
    pub(super) const WIDTH: f64 = 600.0;
    pub(super) const HEIGHT: f64 = 100.0;

    pub(super) fn of(all: &[Counts; INTERVALS]) -> Self {
        let most = all.iter().map(|counts| counts.published.max(counts.acknowledged + counts.failed)).max();
        let top = round_up(most.unwrap_or_default());
        let step = Self::WIDTH / INTERVALS as f64;
        let height = |count: u64| figure(count) / figure(top) * Self::HEIGHT;
        let mut bars = Vec::new();
        let mut published = String::new();
        let mut totals = Counts::default();
        for (place, counts) in all.iter().enumerate() {
            let x = step * place as f64;
            let (good, bad) = (height(counts.acknowledged), height(counts.failed));
            let bar = |class, y, height| Bar { class, x: x + 1.0, y, width: step - 2.0, height };
            if counts.acknowledged > 0 {
                bars.push(bar("good", Self::HEIGHT - good, good));
            }
            if counts.failed > 0 {
                bars.push(bar("bad", Self::HEIGHT - good - bad, bad));
            }
            let y = Self::HEIGHT - height(counts.published);
            published.push_str(&format!("{x:.1},{y:.2} {:.1},{y:.2} ", x + step));
            totals.published += counts.published;
            totals.acknowledged += counts.acknowledged;
            totals.failed += counts.failed;
        }
        Self { bars, published, top, totals }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
fn figure(count: u64) -> f64 {
    count as f64
}

/// The next of 1, 2, 5, 10, 20, 50, …
fn round_up(count: u64) -> u64 {
    let mut unit: u64 = 1;
    loop {
        for step in [1, 2, 5] {
            let round = unit.saturating_mul(step);
            if round >= count {
                return round;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// The attempts of a delivery over PNS time.
#[derive(Clone, Debug)]
pub(super) struct Attempts {
    pub(super) marks: Vec<Mark>,
    /// Spans in which nothing was sent on purpose: from and to.
    pub(super) waits: Vec<(f64, f64)>,
    pub(super) ticks: Vec<(f64, String)>,
    pub(super) from: f64,
    pub(super) to: f64,
    /// Where the next attempt is due.
    pub(super) due: Option<f64>,
    pub(super) is_true: bool,
    /// Attempts before those that are shown.
    pub(super) left_out: usize,
}

/// An attempt's mark.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) x: f64,
    /// `good`, `bad`, `none` or `open`.
    pub(super) class: &'static str,
    /// What stands above it.
    pub(super) label: String,
    /// Where the label goes, so that the border cuts nothing off.
    pub(super) anchor: &'static str,
    pub(super) sentence: String,
}

impl Attempts {
    pub(super) const WIDTH: f64 = 1_000.0;
    /// More would not be told apart.
    const SHOWN_MAX: usize = 40;
    const FROM: f64 = 24.0;
    const TO: f64 = 950.0;

    pub(super) fn of(published: Instant, history: &[AttemptView], due: Option<Instant>) -> Self {
        let left_out = history.len().saturating_sub(Self::SHOWN_MAX);
        let shown = &history[left_out..];
        let start = shown.first().filter(|_| left_out > 0).map_or(published.0, |first| first.started_at.0);
        let offset = |at: Instant| at.0.since(start);
        let instants = shown.iter().map(|attempt| offset(attempt.started_at)).chain([Duration::ZERO]);
        let axis = Axis::new(instants.chain(due.map(offset)), Self::FROM, Self::TO);
        let marks = shown.iter().map(|attempt| mark(attempt, axis.place(offset(attempt.started_at))));
        let is_late = |before: &AttemptView, attempt: &AttemptView| {
            let gap = attempt.started_at.0.since(before.started_at.0);
            let late = attempt.started_at.0.since(attempt.due_at.0);
            !attempt.deferrals.is_empty() && late * LATE_SHARE > gap
        };
        let waits = shown.windows(2).filter(|pair| is_late(&pair[0], &pair[1]));
        let waits = waits
            .map(|pair| (axis.place(offset(pair[0].started_at)), axis.place(offset(pair[1].started_at))));
        let last =
            shown.last().map(|attempt| offset(attempt.started_at)).into_iter().chain(due.map(offset)).max();
        Self {
            marks: marks.collect(),
            waits: waits.collect(),
            ticks: axis.ticks(92.0).into_iter().map(|(at, x)| (x, tick(at))).collect(),
            from: Self::FROM,
            to: last.map_or(Self::FROM, |last| axis.place(last)),
            due: due.map(|due| axis.place(offset(due))),
            is_true: axis.is_true,
            left_out,
        }
    }
}

fn tick(at: Duration) -> String {
    if at.is_zero() { "0".to_owned() } else { format!("+{}", words::about(at)) }
}

fn mark(attempt: &AttemptView, x: f64) -> Mark {
    let (class, label) = match (attempt.outcome, attempt.status) {
        (AttemptOutcome::InFlight, _) => ("open", "…".to_owned()),
        (AttemptOutcome::Acknowledged, status) => {
            ("good", status.map_or_else(String::new, |it| it.to_string()))
        }
        (AttemptOutcome::Failed, Some(status)) => ("bad", status.to_string()),
        (AttemptOutcome::Failed, None) => {
            ("none", attempt.reason.clone().map_or_else(String::new, |it| words::spaced(&it)))
        }
    };
    let sentence = format!("Attempt {} at {}: {label}", attempt.number, attempt.started_at);
    let anchor = anchor(&label, x);
    Mark { x, class, label, anchor, sentence }
}

/// Where a label at `x` goes so that it stays within the picture.
fn anchor(label: &str, x: f64) -> &'static str {
    // Letters of 12 units are about 7 wide.
    let half = label.chars().count() as f64 * 3.5;
    match x {
        x if x - half < 0.0 => "start",
        x if x + half > Attempts::WIDTH => "end",
        _ => "middle",
    }
}

/// Downtime windows on a line. Places along it are hundredths, so that text is as large as everywhere.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    pub(super) bars: Vec<WindowBar>,
    /// How many are not drawn.
    pub(super) more: u64,
    pub(super) height: f64,
    pub(super) now: Tick,
    /// The first and the last instant, where they are not now.
    pub(super) ends: Vec<Tick>,
    pub(super) sentence: String,
}

/// A window.
#[derive(Clone, Debug)]
pub(super) struct WindowBar {
    pub(super) class: &'static str,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) sentence: String,
}

/// An instant on the line.
#[derive(Clone, Debug)]
pub(super) struct Tick {
    pub(super) x: f64,
    pub(super) label: String,
    /// Where its text goes, so that it is not cut off.
    pub(super) anchor: &'static str,
}

impl Tick {
    fn of(at: Timestamp, x: f64, now: Timestamp) -> Self {
        let anchor = match x {
            ..35.0 => "start",
            65.0.. => "end",
            _ => "middle",
        };
        Self { x, label: words::short(Instant(at), Instant(now)), anchor }
    }
}

impl Windows {
    /// More would be a wall.
    const SHOWN_MAX: usize = 12;
    const LANE: f64 = 22.0;
    const FROM: f64 = 1.0;
    const TO: f64 = 99.0;

    /// Open windows first, then by their start. `None`: there is nothing to draw.
    pub(super) fn of(windows: &[WindowView], now: Timestamp) -> Option<Self> {
        let mut shown: Vec<&WindowView> = windows.iter().collect();
        shown.sort_by_key(|window| (window.state != WindowState::Open, window.from.0, window.id));
        let more = shown.len().saturating_sub(Self::SHOWN_MAX) as u64;
        shown.truncate(Self::SHOWN_MAX);
        let first = shown.iter().map(|window| window.from.0).min()?.min(now);
        let end = shown.iter().filter_map(|window| window.until.map(|until| until.0)).max();
        let end = end.into_iter().chain(shown.iter().map(|window| window.from.0)).chain([now]).max()?;
        let span = end.since(first).max(Duration::from_secs(60));
        // Some room behind the last end, in which open windows go on.
        let whole = span.as_secs_f64() * 1.15;
        let place =
            |at: Timestamp| Self::FROM + at.since(first).as_secs_f64() / whole * (Self::TO - Self::FROM);
        let bars = shown.iter().enumerate().map(|(lane, window)| {
            let x = place(window.from.0);
            let end = window.until.map_or(Self::TO, |until| place(until.0));
            let until = window
                .until
                .map_or_else(|| "until it is cancelled".to_owned(), |until| format!("until {until}"));
            let class = match (window.kind, window.state) {
                (WindowKind::Pause, _) => "pause",
                (WindowKind::Downtime, WindowState::Announced) => "announced",
                (WindowKind::Downtime, WindowState::Open) => "open",
            };
            WindowBar {
                class,
                x,
                y: 6.0 + Self::LANE * lane as f64,
                width: (end - x).max(0.4),
                sentence: format!("{class} from {} {until}", window.from),
            }
        });
        let ends = [first, end].into_iter().filter(|at| *at != now);
        Some(Self {
            bars: bars.collect(),
            more,
            height: 12.0 + Self::LANE * shown.len() as f64,
            now: Tick::of(now, place(now), now),
            ends: ends.map(|at| Tick::of(at, place(at), now)).collect(),
            sentence: format!("Windows over PNS time, from {} to {}", Instant(first), Instant(end)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_on_the_ground_and_under_the_top() {
        let mut all = [Counts::default(); INTERVALS];
        all[3] = Counts { published: 7, acknowledged: 20, failed: 17 };
        let plot = Minutes::of(&all);
        assert_eq!((plot.top, plot.bars.len()), (50, 2));
        assert!(plot.bars.iter().all(|bar| bar.y >= 0.0 && bar.y + bar.height <= Minutes::HEIGHT + 0.001));
        assert_eq!(Minutes::of(&[Counts::default(); INTERVALS]).top, 1);
    }

    #[test]
    fn tops_are_round() {
        for (count, round) in [(0, 1), (1, 1), (3, 5), (11, 20), (100, 100), (101, 200)] {
            assert_eq!(round_up(count), round);
        }
        assert_eq!(round_up(u64::MAX), u64::MAX);
    }

    #[test]
    fn labels_are_not_cut_off_at_the_borders() {
        let anchors = [24.0, 500.0, 950.0].map(|x| anchor("acknowledgement timeout", x));
        assert_eq!(anchors, ["start", "middle", "end"]);
        assert_eq!([24.0, 950.0].map(|x| anchor("503", x)), ["middle", "middle"]);
    }

    #[test]
    fn a_window_lies_between_its_ends() {
        let at = |seconds: u64| Instant(Timestamp::from_millis(seconds * 1_000));
        let window = |from, until: Option<u64>, state| WindowView {
            id: 1,
            subscription: 1,
            kind: WindowKind::Downtime,
            state,
            from: at(from),
            until: until.map(at),
        };
        let windows = [window(100, Some(200), WindowState::Open), window(400, None, WindowState::Announced)];
        let drawn = Windows::of(&windows, at(150).0).unwrap();
        assert!(drawn.bars[0].x < drawn.now.x && drawn.now.x < drawn.bars[0].x + drawn.bars[0].width);
        assert!(
            drawn.bars[1].x > drawn.now.x && drawn.bars[1].x + drawn.bars[1].width <= Windows::TO + 0.001
        );
        assert!(Windows::of(&[], at(0).0).is_none());
        assert_eq!((drawn.ends.len(), drawn.ends[0].anchor, drawn.ends[1].anchor), (2, "start", "end"));
        // What is open is drawn whatever its number, and of the others the next.
        let mut many: Vec<_> =
            (0..20).map(|place| window(1_000 - place, Some(2_000), WindowState::Announced)).collect();
        many.push(window(100, None, WindowState::Open));
        let drawn = Windows::of(&many, at(150).0).unwrap();
        assert_eq!((drawn.bars.len(), drawn.more, drawn.bars[0].class), (12, 9, "open"));
        assert!(drawn.bars[1].sentence.contains(&at(981).to_string()), "{}", drawn.bars[1].sentence);
    }
}
