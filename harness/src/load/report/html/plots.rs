//! The plots of a load run.

use std::time::Duration;

use super::super::words;
use super::plot::{ACROSS, Plot, Side, Told, path, text, up};
use super::scale::Scale;
use crate::load::document::Document;
use crate::load::document::format::{Search, Series, Slot, Step};
use crate::load::record::{Fine, Latencies};
use crate::report::html::write::Page;

const HEIGHT: f64 = 300.0;
/// Of the plot of rates beneath that of latencies.
const LOW_HEIGHT: f64 = 200.0;

/// How many points the curve of a distribution has.
const POINTS: u32 = 240;

/// The finest percentile that is drawn: one in ten million.
const NINES_MAX: f64 = 7.0;

/// Latencies by percentile: the further right, the rarer. A stall shows as a step that lasts.
pub(super) fn distribution(page: &mut Page<'_>, document: &Document) {
    let [latency, service] = [&document.latency, &document.service]
        .map(|one| Latencies::<Fine>::decode(&one.histogram).unwrap_or_default());
    let (Some(low), Some(high)) = (service.min().min(latency.min()), latency.max()) else {
        page.prose("p", &[("class", "muted")], "Nothing was acknowledged: there are no latencies.");
        return;
    };
    let nines = (latency.count().max(2) as f64).log10().min(NINES_MAX);
    let x = Scale::linear(0.0, nines, ACROSS);
    let y = Scale::log(micros(low).max(1.0), micros(high), up(HEIGHT));
    let plot = Plot::new(x, y, HEIGHT);
    let curve = |of: &Latencies<Fine>| -> Vec<(f64, Option<f64>)> {
        let at = |n| nines * f64::from(n) / f64::from(POINTS);
        (0..=POINTS).map(|n| (at(n), of.quantile(share(at(n))).map(micros))).collect()
    };
    let told = Told {
        label: "Latency by percentile",
        caption: "Each step to the right is ten times rarer. Where the lines part, notifications waited before they \
                  were sent, mostly for a free connection: the time of service alone hides that.",
        legend: &[
            ("l-latency", "latency, from due to the end of the acknowledgement"),
            ("l-service", "service, from the start of the request"),
        ],
    };
    plot.draw(page, &told, |page| {
        plot.rows(page, &plot.y.ticks(8), span_name);
        let marks =
            [(0.0, "0%"), (0.301, "p50"), (1.0, "p90"), (2.0, "p99"), (3.0, "p99.9"), (4.0, "p99.99")];
        let finer = [(5.0, "p99.999"), (6.0, "p99.9999"), (7.0, "p99.99999")];
        let marks = marks.into_iter().chain(finer).filter(|(at, _)| *at <= nines + 0.001);
        plot.columns(page, &marks.map(|(at, name)| (at, name.to_owned())).collect::<Vec<_>>());
        plot.line(page, "l-service", curve(&service).into_iter());
        plot.line(page, "l-latency", curve(&latency).into_iter());
    });
}

/// The share that lies below so many nines.
fn share(nines: f64) -> f64 {
    1.0 - 10_f64.powf(-nines)
}

/// Percentiles over time.
pub(super) fn latency_over_time(page: &mut Page<'_>, series: &Series) {
    let figures = || series.slots.iter().flat_map(|slot| [slot.p50_us, slot.p99_us, slot.max_us]).flatten();
    let (Some(low), Some(high)) = (figures().min(), figures().max()) else { return };
    let y = Scale::log((low as f64).max(1.0), high as f64, up(HEIGHT));
    let plot = Plot::new(time(series), y, HEIGHT);
    let told = Told {
        label: "Latency over time",
        caption: "Latency of the notifications that were due at that time.",
        legend: &[("l-max", "max"), ("l-p99", "p99"), ("l-p50", "p50")],
    };
    plot.draw(page, &told, |page| {
        plot.rows(page, &plot.y.ticks(8), span_name);
        plot.columns(page, &seconds(&plot.x));
        let mut line = |class, of: fn(&Slot) -> Option<u64>| {
            plot.line(page, class, points(series, |slot| of(slot).map(|span| span as f64)));
        };
        line("l-max", |slot| slot.max_us);
        line("l-p99", |slot| slot.p99_us);
        line("l-p50", |slot| slot.p50_us);
    });
}

/// What was due, and what came of it, over time.
pub(super) fn rate_over_time(page: &mut Page<'_>, series: &Series) {
    let width = (series.width_ms as f64 / 1_000.0).max(0.001);
    let due = |slot: &Slot| slot.acknowledged + slot.slowed + slot.failed + slot.not_sent;
    let most = series.slots.iter().map(|slot| due(slot).max(slot.answers)).max().unwrap_or(0) as f64 / width;
    if most <= 0.0 {
        return;
    }
    let plot = Plot::new(time(series), Scale::linear(0.0, most * 1.05, up(LOW_HEIGHT)), LOW_HEIGHT);
    let told = Told {
        label: "Rate over time",
        caption: "Where acknowledgements stay below what was due, the receiver falls behind; above it, it catches up.",
        legend: &[
            ("l-due", "due"),
            ("l-answers", "acknowledged"),
            ("l-slowed", "asked to slow down"),
            ("l-failed", "failed or not sent"),
        ],
    };
    plot.draw(page, &told, |page| {
        plot.rows(page, &plot.y.ticks(4), words::rate);
        plot.columns(page, &seconds(&plot.x));
        let some = |count: u64| (count > 0).then(|| count as f64 / width);
        plot.line(page, "l-due", points(series, |slot| Some(due(slot) as f64 / width)));
        plot.line(page, "l-answers", points(series, |slot| Some(slot.answers as f64 / width)));
        plot.line(page, "l-slowed", points(series, |slot| some(slot.slowed)));
        plot.line(page, "l-failed", points(series, |slot| some(slot.failed + slot.not_sent)));
    });
}

/// The rates of a search, with what each showed; where they stop holding is the knee.
pub(super) fn steps(page: &mut Page<'_>, search: &Search) {
    if search.steps.is_empty() {
        return;
    }
    let spans = || search.steps.iter().filter_map(|step| step.p99_us).chain([search.p99_us]);
    let (fastest, slowest) = (spans().min().unwrap_or(1), spans().max().unwrap_or(1));
    // What was acknowledged not at all stands above everything.
    let y = Scale::log((fastest as f64).max(1.0), slowest as f64 * 1.5, up(HEIGHT));
    let plot = Plot::new(rates(search), y, HEIGHT);
    let told = Told {
        label: "Rates that were tried, and their p99",
        caption: "Dots held, crosses did not; a ring is the run that confirmed. Beyond the highest rate that holds is \
                  the knee: there latency rises, or acceptance falls.",
        legend: &[("l-knee", "the highest rate that holds"), ("l-advised", "the rate to ask Cvent for")],
    };
    plot.draw(page, &told, |page| {
        plot.rows(page, &plot.y.ticks(8), span_name);
        plot.level(page, "l-limit", search.p99_us as f64, "p99 allowed");
        marked(page, &plot, search, words::rate, |step| step.p99_us.map_or(f64::MAX, |span| span as f64));
    });
    let plot = Plot::new(rates(search), Scale::linear(0.0, 1.08, up(LOW_HEIGHT)), LOW_HEIGHT);
    let told = Told {
        label: "Rates that were tried, and what was accepted of them",
        caption: "The share that was acknowledged at each rate.",
        legend: &[],
    };
    plot.draw(page, &told, |page| {
        plot.rows(page, &[0.0, 0.5, 1.0], |share| format!("{:.0}%", share * 100.0));
        let share = |step: &Step| step.acknowledged as f64 / step.arrivals.max(1) as f64;
        // Their names stand in the plot above.
        marked(page, &plot, search, |_| String::new(), share);
    });
}

/// The rates along the bottom: by their ratios, unless they lie close together.
fn rates(search: &Search) -> Scale {
    let rates = || search.steps.iter().map(|step| step.rate_per_second).chain(search.advised_per_second);
    let (low, high) = (rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max));
    if high < low * 5.0 { Scale::linear(0.0, high * 1.05, ACROSS) } else { Scale::log(low, high, ACROSS) }
}

/// The steps, the maximum and what is advised, which have names.
fn marked(
    page: &mut Page<'_>,
    plot: &Plot,
    search: &Search,
    name: impl Fn(f64) -> String,
    height: impl Fn(&Step) -> f64,
) {
    let ticks = plot.x.ticks(8).into_iter().map(|tick| (tick, words::rate(tick)));
    plot.columns(page, &ticks.collect::<Vec<_>>());
    if let Some(advised) = search.advised_per_second {
        plot.upright(page, "l-advised", advised, &name(advised), Side::Left);
    }
    if let Some(max) = search.max_per_second {
        plot.upright(page, "l-knee", max, &name(max), Side::Right);
    }
    search.steps.iter().for_each(|step| mark(page, plot, step, height(step)));
}

fn mark(page: &mut Page<'_>, plot: &Plot, step: &Step, height: f64) {
    let x = plot.x.place(step.rate_per_second);
    let y = plot.y.place(height);
    page.element("g", &[], |page| {
        let told = format!(
            "{}: {}, {} accepted, p99 {}",
            words::rate(step.rate_per_second),
            words::broke(step.broke.as_deref()),
            words::percent(step.acknowledged, step.arrivals),
            words::micros(step.p99_us)
        );
        page.leaf("title", &[], &told);
        if step.broke.is_some() {
            let (left, right, top, bottom) = (x - 5.0, x + 5.0, y - 5.0, y + 5.0);
            let d = format!(
                "M{left:.1} {top:.1}L{right:.1} {bottom:.1}M{left:.1} {bottom:.1}L{right:.1} {top:.1}"
            );
            path(page, "m-none", &d);
        } else {
            let radius = if step.confirms { "9" } else { "5.5" };
            let class = if step.confirms { "m-confirm" } else { "m-ack" };
            let (x, y) = (format!("{x:.1}"), format!("{y:.1}"));
            page.element("circle", &[("class", class), ("cx", &x), ("cy", &y), ("r", radius)], |_| {});
        }
        if step.p99_us.is_none() {
            text(page, "t-code", x, y + 22.0, "none");
        }
    });
}

/// The time of a series, along the bottom.
fn time(series: &Series) -> Scale {
    let span = series.slots.len() as f64 * series.width_ms as f64 / 1_000.0;
    Scale::linear(0.0, span, ACROSS)
}

fn seconds(x: &Scale) -> Vec<(f64, String)> {
    let named = |tick: f64| {
        let name = match tick < 60.0 {
            true => format!("{tick:.1}").trim_end_matches(".0").to_owned() + " s",
            false => words::wall_ms((tick * 1_000.0).round() as u64),
        };
        (tick, name)
    };
    x.ticks(9).into_iter().map(named).collect()
}

/// A figure of each slot, in the middle of its time.
fn points<'s>(
    series: &'s Series,
    figure: impl Fn(&Slot) -> Option<f64> + 's,
) -> impl Iterator<Item = (f64, Option<f64>)> + 's {
    let width = series.width_ms as f64 / 1_000.0;
    series.slots.iter().enumerate().map(move |(index, slot)| ((index as f64 + 0.5) * width, figure(slot)))
}

fn micros(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}

/// A round span: `500 µs`, `20 ms`, `1 s`.
fn span_name(micros: f64) -> String {
    if micros < 999.0 {
        format!("{micros:.0} µs")
    } else if micros < 999_000.0 {
        format!("{:.0} ms", micros / 1e3)
    } else {
        format!("{:.0} s", micros / 1e6)
    }
}
