//! What stands inside a `failure`: all that somebody needs who sees nothing but the CI server.

use super::super::collect::CollectedScenario;
use super::super::text::{offset, reproduced, wall};
use crate::event::{CheckFailure, CheckResult, RunStarted, Subject, WireExchange};

/// Of one failure; a CI server shows them on one page, and some keep them for years.
const EXCHANGES_MAX: usize = 4;

/// What was expected and what was found.
pub(super) fn found(check: &CheckResult) -> String {
    match &check.failure {
        Some(failure) => format!("expected {}, found {}", failure.expected, failure.found),
        None => format!("did not hold: {}", check.title),
    }
}

pub(super) fn describe(
    run: Option<&RunStarted>,
    scenario: &CollectedScenario,
    check: &CheckResult,
) -> String {
    let is_property = run.is_some_and(|run| run.subject == Subject::Checks);
    let mut lines = Vec::new();
    if is_property {
        lines.push(check.title.clone());
        lines.push(found(check));
    }
    if let Some(place) = check.location.as_ref().or(scenario.started.location.as_ref()) {
        lines.push(format!("{}:{}, PNS time {}", place.file, place.line, offset(check.pns_time)));
    }
    lines.push(format!("Cvent's page, {}: {}", check.clause.heading(), check.clause.sentence()));
    if let Some(failure) = &check.failure {
        of_failure(&mut lines, failure);
    }
    if is_property {
        lines.push(format!("more on this check: pns explain {}", scenario.started.id));
    }
    if let Some(failure) = &check.failure {
        lines.push(format!("repeat: {}", failure.repeat));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

fn of_failure(lines: &mut Vec<String>, failure: &CheckFailure) {
    lines.extend(failure.reproduced.map(reproduced));
    let left_out = failure.exchanges.len().saturating_sub(EXCHANGES_MAX);
    if left_out > 0 {
        lines.push(format!("{left_out} requests before these are left out"));
    }
    failure.exchanges.iter().skip(left_out).for_each(|exchange| of_exchange(lines, exchange));
    for delivery in &failure.deliveries {
        lines.push(format!("delivery {} {}:", delivery.delivery, delivery.event_type));
        lines.extend(delivery.attempts.iter().map(|attempt| {
            format!("  attempt {} {} {}", attempt.number, offset(attempt.offset), attempt.outcome)
        }));
    }
    lines.push(failure.explanation.clone());
    if let Some(scenario) = &failure.scenario {
        match &scenario.saved {
            Some(path) => lines.push(format!("scenario file: {path}")),
            None => lines.push(format!("scenario file:\n{}", scenario.text.trim_end())),
        }
    }
    lines.extend(failure.curl.iter().map(|curl| format!("the same by hand: {curl}")));
}

fn of_exchange(lines: &mut Vec<String>, exchange: &WireExchange) {
    let took = exchange.latency.map(|latency| format!(" in {}", wall(latency))).unwrap_or_default();
    lines.push(format!("{}, {}: {}{took}", exchange.label, exchange.connection, exchange.outcome));
    lines.extend(exchange.request.lines().map(|line| format!("  > {line}")));
    lines.extend(exchange.response.iter().flat_map(|text| text.lines()).map(|line| format!("  < {line}")));
}
