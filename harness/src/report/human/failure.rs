//! A check that did not hold, so that a newcomer sees what happened, what it means, and how to see it again.

use std::io::{self, Write};

use super::super::text::{count, offset, printable, reproduced, table, wall, wrap};
use super::exchange;
use super::lines::mark;
use crate::event::{
    AttemptLine, CheckFailure, CheckResult, DeliveryState, DeliveryTimeline, ScenarioFinished,
    ScenarioStarted, Strength, Subject,
};
use crate::report::style::{BOLD, DIM, RED, YELLOW, paint};

/// Fits a terminal of 100 columns with the indent.
const WIDTH: usize = 90;
/// Of a receiver's answer: enough for an error's text, too little for a whole HTML page.
const ANSWER_LINES_MAX: usize = 8;

pub(super) fn write_all(
    out: &mut impl Write,
    subject: Subject,
    fail_on: Strength,
    started: &ScenarioStarted,
    finished: &ScenarioFinished,
) -> io::Result<()> {
    let nothing = CheckFailure::default();
    let mut repeat = None;
    for check in &finished.checks {
        if !check.verdict.is_broken() {
            continue;
        }
        let failure = check.failure.as_deref().unwrap_or(&nothing);
        head(out, fail_on, started, check, failure)?;
        exchange::write_all(out, &failure.exchanges)?;
        for delivery in &failure.deliveries {
            timeline(out, delivery)?;
        }
        if failure.deliveries_left_out > 0 {
            writeln!(out, "\n      and {} more deliveries", failure.deliveries_left_out)?;
        }
        meaning(out, failure)?;
        repeat = Some(&failure.repeat).filter(|repeat| !repeat.is_empty()).or(repeat);
    }
    let told = finished.checks.iter().any(|check| check.verdict.is_broken());
    if subject == Subject::Checks && told {
        foot(out, "explain", &format!("pns explain {}", started.id))?;
    }
    if let Some(repeat) = repeat {
        foot(out, "repeat", repeat)?;
    }
    if told { writeln!(out) } else { Ok(()) }
}

fn head(
    out: &mut impl Write,
    fail_on: Strength,
    started: &ScenarioStarted,
    check: &CheckResult,
    failure: &CheckFailure,
) -> io::Result<()> {
    let title = paint(BOLD, &printable(&check.title));
    let kind = format!("{}, {}", check.id, check.strength.name());
    writeln!(out, "\n    {} {title}  {}", mark(check, fail_on), paint(DIM, &kind))?;
    if let Some(place) = check.location.as_ref().or(started.location.as_ref()) {
        let place =
            format!("--> {}:{}, PNS time {}", printable(&place.file), place.line, offset(check.pns_time));
        writeln!(out, "      {}", paint(DIM, &place))?;
    }
    labelled(out, "expected", &failure.expected)?;
    labelled(out, "found", &failure.found)?;
    if let Some(times) = failure.reproduced {
        let style = if times.is_certain() { BOLD } else { YELLOW };
        writeln!(out, "      {}", paint(style, &reproduced(times)))?;
    }
    let quote = format!("“{}”", check.clause.sentence());
    for line in wrap(&format!("Cvent’s page, {}: {quote}", check.clause.heading()), WIDTH) {
        writeln!(out, "      {}", paint(DIM, &line))?;
    }
    Ok(())
}

fn labelled(out: &mut impl Write, label: &str, text: &str) -> io::Result<()> {
    // What is short stays as it is: spaces in it may matter.
    let fits = |line: &str| line.chars().count() <= WIDTH;
    let text = printable(text);
    let lines =
        text.lines().flat_map(|line| if fits(line) { vec![line.to_owned()] } else { wrap(line, WIDTH - 10) });
    for (index, line) in lines.enumerate() {
        let label = if index == 0 { label } else { "" };
        writeln!(out, "      {label:<8}  {line}")?;
    }
    Ok(())
}

fn timeline(out: &mut impl Write, delivery: &DeliveryTimeline) -> io::Result<()> {
    let name = match &delivery.name {
        Some(name) => format!("`{}` ", printable(name)),
        None => String::new(),
    };
    let state = match delivery.state {
        DeliveryState::Delivered(at) => format!("delivered {}", offset(at)),
        DeliveryState::Pending => "not delivered".to_owned(),
        DeliveryState::Abandoned(at) => format!("given up {}", offset(at)),
    };
    writeln!(
        out,
        "\n      delivery {} {name}{} to `{}`, published {}, {state}",
        delivery.delivery,
        printable(&delivery.event_type),
        printable(&delivery.subscription),
        offset(delivery.published),
    )?;
    if let Some(id) = &delivery.event_id {
        writeln!(out, "      {}", paint(DIM, &format!("eventId {}", printable(id))))?;
    }
    if delivery.attempts.is_empty() {
        return writeln!(out, "        no attempt was made");
    }
    let mut rows = vec![columns()];
    rows.extend(delivery.attempts.iter().map(row));
    let mut lines = table(&rows).into_iter();
    writeln!(out, "        {}", paint(DIM, &lines.next().unwrap_or_default()))?;
    for (index, line) in lines.enumerate() {
        if let Some(gap) = delivery.attempts_left_out.filter(|gap| gap.after == index) {
            writeln!(out, "        … {} …", count(gap.count as u64, "more attempt"))?;
        }
        writeln!(out, "        {line}")?;
    }
    answer(out, &delivery.attempts)
}

fn columns() -> Vec<String> {
    ["attempt", "PNS time", "outcome", "latency", "remarks"].map(str::to_owned).to_vec()
}

fn row(attempt: &AttemptLine) -> Vec<String> {
    let outcome = match attempt.status {
        Some(status) if attempt.acknowledged => format!("{} {status}", attempt.outcome),
        _ => attempt.outcome.clone(),
    };
    let mut remarks: Vec<String> = attempt.deferrals.iter().map(|cause| format!("waited: {cause}")).collect();
    remarks.extend(attempt.fault.as_ref().map(|fault| format!("injected: {fault}")));
    vec![
        attempt.number.to_string(),
        offset(attempt.offset),
        printable(&outcome).into_owned(),
        attempt.latency.map(wall).unwrap_or_default(),
        printable(&remarks.join(", ")).into_owned(),
    ]
}

/// What the receiver said last; where it said nothing, the underlying error's words.
fn answer(out: &mut impl Write, attempts: &[AttemptLine]) -> io::Result<()> {
    let Some(last) = attempts.iter().rfind(|attempt| !attempt.acknowledged).or(attempts.last()) else {
        return Ok(());
    };
    if let Some(detail) = &last.detail {
        writeln!(out, "      attempt {}: {}", last.number, printable(detail))?;
    }
    let Some(response) = &last.response else { return Ok(()) };
    writeln!(out, "      the receiver’s answer to attempt {}:", last.number)?;
    let head = printable(&response.head);
    let body = printable(&response.body);
    let lines: Vec<&str> = head.lines().chain(body.lines()).collect();
    for line in lines.iter().take(ANSWER_LINES_MAX) {
        writeln!(out, "      {} {line}", paint(RED, "|"))?;
    }
    if lines.len() > ANSWER_LINES_MAX || response.truncated {
        writeln!(out, "      {} …", paint(RED, "|"))?;
    }
    Ok(())
}

/// The scenario file that shows it, for a property check.
fn scenario(out: &mut impl Write, failure: &CheckFailure) -> io::Result<()> {
    let Some(scenario) = &failure.scenario else { return Ok(()) };
    let shrunk = match scenario.shrunk_by {
        0 => String::new(),
        tried => format!(" (the simplest of {} tried)", count(tried, "case")),
    };
    let place = scenario.saved.as_deref().unwrap_or("`--save-failures DIR` writes it");
    foot(out, "scenario", &format!("{place}{shrunk}"))
}

fn meaning(out: &mut impl Write, failure: &CheckFailure) -> io::Result<()> {
    if !failure.explanation.is_empty() {
        writeln!(out)?;
        for line in wrap(&printable(&failure.explanation), WIDTH) {
            writeln!(out, "      {line}")?;
        }
    }
    writeln!(out)?;
    scenario(out, failure)?;
    match &failure.curl {
        Some(curl) => foot(out, "by hand", curl),
        None => Ok(()),
    }
}

/// What to do next: a line that can be copied.
fn foot(out: &mut impl Write, label: &str, text: &str) -> io::Result<()> {
    writeln!(out, "      {}  {}", paint(BOLD, &format!("{label:<8}")), printable(text))
}
