//! The schedule of a finding drawn: each delivery a line over PNS time, each attempt a mark with shape and colour.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::text::{count, offset, wall};
use super::write::Page;
use crate::event::{AttemptLine, DeliveryState, DeliveryTimeline};
use pns_simulator::axis::Axis;

/// Of one finding.
const DELIVERIES_MAX: usize = 12;
/// Drawn of one delivery, from its end: marks would lie on each other.
const ATTEMPTS_MAX: usize = 60;

const WIDTH: f64 = 1_000.0;
/// Names stand left of it.
const PLOT_FROM: f64 = 210.0;
/// How it ended stands right of it.
const PLOT_TO: f64 = 860.0;
const AXIS_HEIGHT: f64 = 34.0;
const LANE_HEIGHT: f64 = 56.0;

pub(super) fn write_all(page: &mut Page<'_>, deliveries: &[DeliveryTimeline], left_out: usize) {
    if deliveries.is_empty() {
        return;
    }
    let shown = &deliveries[..deliveries.len().min(DELIVERIES_MAX)];
    let left_out = left_out + deliveries.len() - shown.len();
    page.leaf("h4", &[], "The schedule, in PNS time");
    let axis = Axis::new(shown.iter().flat_map(instants), PLOT_FROM, PLOT_TO);
    page.element("figure", &[("class", "timeline")], |page| {
        page.element("div", &[("class", "scroll"), ("tabindex", "0")], |page| drawing(page, &axis, shown));
        page.element("figcaption", &[], |page| {
            legend(page, shown);
            if !axis.is_true {
                page.leaf("p", &[], "Long gaps are drawn shorter than they are.");
            }
        });
    });
    for delivery in shown {
        page.element("details", &[], |page| table(page, delivery));
    }
    if left_out > 0 {
        let more = format!("{} not shown.", count(left_out as u64, "more delivery"));
        page.leaf("p", &[("class", "cut")], &more);
    }
}

fn attempts(delivery: &DeliveryTimeline) -> &[AttemptLine] {
    &delivery.attempts[delivery.attempts.len().saturating_sub(ATTEMPTS_MAX)..]
}

fn instants(delivery: &DeliveryTimeline) -> Vec<Duration> {
    let mut instants = vec![delivery.published];
    instants.extend(attempts(delivery).iter().map(|attempt| attempt.offset));
    match delivery.state {
        DeliveryState::Delivered(at) | DeliveryState::Abandoned(at) => instants.push(at),
        DeliveryState::Pending => {}
    }
    instants
}

/// What a mark stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Acknowledged,
    Status,
    NoAnswer,
    InFlight,
    Fault,
    Waited,
}

impl Mark {
    const fn class(self) -> &'static str {
        match self {
            Self::Acknowledged => "m-ack",
            Self::Status => "m-status",
            Self::NoAnswer => "m-none",
            Self::InFlight => "m-open",
            Self::Fault => "m-fault",
            Self::Waited => "m-wait",
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Status => "answered, but not acknowledged",
            Self::NoAnswer => "no answer",
            Self::InFlight => "not answered yet",
            Self::Fault => "a fault was injected",
            Self::Waited => "held: downtime, rate limit or concurrency",
        }
    }

    fn of(attempt: &AttemptLine) -> Self {
        match (attempt.acknowledged, attempt.reason.as_str(), attempt.status) {
            (true, _, _) => Self::Acknowledged,
            (false, "in-flight", _) => Self::InFlight,
            (false, _, Some(_)) => Self::Status,
            (false, _, None) => Self::NoAnswer,
        }
    }

    /// Draws it around (`x`, `y`).
    fn draw(self, page: &mut Page<'_>, x: f64, y: f64) {
        let (class, circle) = (self.class(), |page: &mut Page<'_>, class: &'static str, radius: &str| {
            let attributes = [("class", class), ("cx", &*number(x)), ("cy", &*number(y)), ("r", radius)];
            page.element("circle", &attributes, |_| {});
        });
        let path = |page: &mut Page<'_>, steps: &str| {
            let d = format!("M{} {}{steps}", number(x), number(y));
            page.element("path", &[("class", class), ("d", &d)], |_| {});
        };
        match self {
            Self::Acknowledged | Self::InFlight => circle(page, class, "7"),
            Self::Fault => circle(page, class, "12"),
            Self::Status => path(page, "m0 -9 l9 9 l-9 9 l-9 -9 z"),
            Self::NoAnswer => path(page, "m-7 -7 l14 14 m0 -14 l-14 14"),
            Self::Waited => path(page, "m-14 0 h28"),
        }
    }
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

fn drawing(page: &mut Page<'_>, axis: &Axis, deliveries: &[DeliveryTimeline]) {
    let height = AXIS_HEIGHT + LANE_HEIGHT * deliveries.len() as f64;
    let view = format!("0 0 {WIDTH} {height}");
    let label = format!("Attempts of {} over PNS time", count(deliveries.len() as u64, "delivery"));
    page.element("svg", &[("viewBox", &view), ("role", "img"), ("aria-label", &label)], |page| {
        scale(page, axis, height);
        for (index, delivery) in deliveries.iter().enumerate() {
            lane(page, axis, delivery, AXIS_HEIGHT + LANE_HEIGHT * (index as f64 + 0.5));
        }
    });
}

fn scale(page: &mut Page<'_>, axis: &Axis, height: f64) {
    let mut before: Option<(Duration, String)> = None;
    for (instant, x) in axis.ticks(70.0) {
        line(page, "tick", (x, 22.0), (x, height));
        let whole = offset(instant);
        // Days leave no room for the second that differs: then what came since tells more.
        let label = match &before {
            Some((earlier, label)) if *label == whole => format!("…{}", offset(instant - *earlier)),
            _ => whole.clone(),
        };
        text(page, "t-mid", (x, 16.0), &label);
        before = Some((instant, whole));
    }
}

fn line(page: &mut Page<'_>, class: &'static str, from: (f64, f64), to: (f64, f64)) {
    let attributes = [
        ("class", class),
        ("x1", &*number(from.0)),
        ("y1", &*number(from.1)),
        ("x2", &*number(to.0)),
        ("y2", &*number(to.1)),
    ];
    page.element("line", &attributes, |_| {});
}

fn text(page: &mut Page<'_>, class: &'static str, at: (f64, f64), text: &str) {
    page.leaf("text", &[("class", class), ("x", &number(at.0)), ("y", &number(at.1))], text);
}

fn lane(page: &mut Page<'_>, axis: &Axis, delivery: &DeliveryTimeline, y: f64) {
    let attempts = attempts(delivery);
    let name = delivery.name.as_deref().unwrap_or(&delivery.delivery);
    text(page, "t-name", (0.0, y - 3.0), &shortened(name, 22));
    text(page, "t-dim", (0.0, y + 13.0), &shortened(&delivery.event_type, 21));
    let from = axis.place(delivery.published);
    let to = instants(delivery).into_iter().max().map_or(from, |at| axis.place(at));
    line(page, "lane", (from, y), (to, y));
    line(page, "birth", (from, y - 8.0), (from, y + 8.0));
    waits(page, axis, delivery, y);
    let mut label_from = f64::NEG_INFINITY;
    for attempt in attempts {
        let x = axis.place(attempt.offset);
        page.element("g", &[], |page| {
            page.leaf("title", &[], &sentence(attempt));
            Mark::of(attempt).draw(page, x, y);
            if attempt.fault.is_some() {
                Mark::Fault.draw(page, x, y);
            }
        });
        if let Some(status) = attempt.status.filter(|_| x - label_from > 26.0) {
            text(page, "t-code", (x, y - 15.0), &status.to_string());
            label_from = x;
        }
    }
    let (class, end) = match delivery.state {
        DeliveryState::Delivered(_) => ("t-good", "delivered"),
        DeliveryState::Pending => ("t-bad", "not delivered"),
        DeliveryState::Abandoned(_) => ("t-bad", "given up"),
    };
    text(page, class, (PLOT_TO + 22.0, y + 5.0), end);
}

/// What held attempts back, and attempts that are not listed, between the marks.
fn waits(page: &mut Page<'_>, axis: &Axis, delivery: &DeliveryTimeline, y: f64) {
    let attempts = attempts(delivery);
    let mut before = delivery.published;
    for (index, attempt) in attempts.iter().enumerate() {
        let (from, to) = (axis.place(before), axis.place(attempt.offset));
        if !attempt.deferrals.is_empty() && to > from {
            page.element("g", &[], |page| {
                page.leaf("title", &[], &format!("held: {}", attempt.deferrals.join(", ")));
                line(page, "m-wait", (from + 4.0, y), (to - 4.0, y));
            });
        }
        let gap = delivery.attempts_left_out.filter(|gap| gap.after == index);
        if let Some(gap) = gap.filter(|_| attempts.len() == delivery.attempts.len()) {
            text(page, "t-mid", (from.midpoint(to), y - 6.0), &format!("… {} more …", gap.count));
        }
        before = attempt.offset;
    }
}

fn shortened(text: &str, width: usize) -> String {
    super::super::text::cut(text, width).replace('\n', " ")
}

/// All of an attempt in one sentence, for who points at its mark.
fn sentence(attempt: &AttemptLine) -> String {
    let mut text = format!("attempt {} at {}: {}", attempt.number, offset(attempt.offset), attempt.outcome);
    if let Some(status) = attempt.status.filter(|_| attempt.acknowledged) {
        text.push_str(&format!(" with {status}"));
    }
    if let Some(latency) = attempt.latency {
        text.push_str(&format!(" in {}", wall(latency)));
    }
    if let Some(fault) = &attempt.fault {
        text.push_str(&format!("; injected: {fault}"));
    }
    if !attempt.deferrals.is_empty() {
        text.push_str(&format!("; held: {}", attempt.deferrals.join(", ")));
    }
    text
}

/// The marks that occur, and what they stand for.
fn legend(page: &mut Page<'_>, deliveries: &[DeliveryTimeline]) {
    let mut marks = BTreeSet::new();
    for attempt in deliveries.iter().flat_map(attempts) {
        marks.insert(Mark::of(attempt));
        marks.extend(attempt.fault.as_ref().map(|_| Mark::Fault));
        marks.extend(attempt.deferrals.first().map(|_| Mark::Waited));
    }
    page.element("ul", &[("class", "legend")], |page| {
        for mark in marks {
            page.element("li", &[], |page| {
                page.element("svg", &[("viewBox", "0 0 32 32"), ("aria-hidden", "true")], |page| {
                    mark.draw(page, 16.0, 16.0);
                });
                page.text(mark.meaning());
            });
        }
    });
}

/// The same in words, for those who do not see the drawing or want the details.
fn table(page: &mut Page<'_>, delivery: &DeliveryTimeline) {
    let state = match delivery.state {
        DeliveryState::Delivered(at) => format!("delivered {}", offset(at)),
        DeliveryState::Pending => "not delivered".to_owned(),
        DeliveryState::Abandoned(at) => format!("given up {}", offset(at)),
    };
    let name = delivery.name.as_ref().map(|name| format!("“{name}” ")).unwrap_or_default();
    let DeliveryTimeline { delivery: id, event_type, subscription, .. } = delivery;
    let published = offset(delivery.published);
    let summary =
        format!("Delivery {id} {name}{event_type} to “{subscription}”, published {published}, {state}");
    page.leaf("summary", &[], &summary);
    if let Some(event_id) = &delivery.event_id {
        page.leaf("p", &[("class", "place")], &format!("eventId {event_id}"));
    }
    page.element("div", &[("class", "scroll"), ("tabindex", "0")], |page| {
        page.element("table", &[], |page| {
            page.element("thead", &[], |page| {
                page.element("tr", &[], |page| {
                    for heading in ["Attempt", "PNS time", "Outcome", "Took", "Remarks"] {
                        page.leaf("th", &[("scope", "col")], heading);
                    }
                });
            });
            page.element("tbody", &[], |page| rows(page, delivery));
        });
    });
    answer(page, delivery);
}

fn rows(page: &mut Page<'_>, delivery: &DeliveryTimeline) {
    for (index, attempt) in delivery.attempts.iter().enumerate() {
        if let Some(gap) = delivery.attempts_left_out.filter(|gap| gap.after == index) {
            page.element("tr", &[], |page| {
                page.leaf(
                    "td",
                    &[("colspan", "5")],
                    &format!("… {} …", count(gap.count as u64, "more attempt")),
                );
            });
        }
        let outcome = match attempt.status {
            Some(status) if attempt.acknowledged => format!("{} {status}", attempt.outcome),
            _ => attempt.outcome.clone(),
        };
        let mut remarks: Vec<String> =
            attempt.deferrals.iter().map(|cause| format!("held: {cause}")).collect();
        remarks.extend(attempt.fault.as_ref().map(|fault| format!("injected: {fault}")));
        remarks.extend(attempt.detail.clone());
        page.element("tr", &[], |page| {
            page.leaf("td", &[], &attempt.number.to_string());
            page.leaf("td", &[], &offset(attempt.offset));
            page.leaf("td", &[], &outcome);
            page.leaf("td", &[], &attempt.latency.map(wall).unwrap_or_default());
            page.leaf("td", &[], &remarks.join(", "));
        });
    }
}

/// What the receiver said to the last attempt that it did not acknowledge.
fn answer(page: &mut Page<'_>, delivery: &DeliveryTimeline) {
    let last = delivery.attempts.iter().rfind(|attempt| !attempt.acknowledged).or(delivery.attempts.last());
    let Some((last, response)) = last.and_then(|last| Some((last, last.response.as_ref()?))) else { return };
    page.leaf("span", &[("class", "label")], &format!("Answer to attempt {}", last.number));
    let more = if response.truncated { "\n…" } else { "" };
    page.element("pre", &[("tabindex", "0")], |page| {
        page.text(&format!("{}\n\n{}{more}", response.head, response.body));
    });
}
