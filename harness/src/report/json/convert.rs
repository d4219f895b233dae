//! From events to the format.

use std::time::Duration;

use super::format as f;
use crate::event::{
    AttemptLine, CheckFailure, CheckResult, Counts, DeliveryState, DeliveryTimeline, Location, PullCount,
    Reproduced, RunEnd, RunFinished, Strength, Subject, Target, Totals, WireExchange,
};
use crate::exit::Exit;
use crate::report::Collected;
use crate::report::collect::CollectedScenario;
use crate::report::standing::Standing;
use crate::report::text::instant;

pub(super) fn report(run: &Collected) -> f::Report {
    let started = run.started.as_ref();
    let unfinished = RunFinished {
        totals: Totals::default(),
        wall: Duration::ZERO,
        pns_time: Duration::ZERO,
        end: RunEnd::Failed("the run did not end".to_owned()),
    };
    let finished = run.finished.as_ref().unwrap_or(&unfinished);
    f::Report {
        format: f::Format::V1,
        version: started.map_or_else(|| env!("CARGO_PKG_VERSION").to_owned(), |run| run.version.clone()),
        seed: started.map_or(0, |run| run.seed),
        target: match started.map(|run| &run.target) {
            Some(Target::Endpoint(url)) => f::Target::Endpoint { url: url.clone() },
            Some(Target::Embedded) | None => f::Target::Embedded,
        },
        subject: match run.subject() {
            Subject::Scenarios => f::Subject::Scenarios,
            Subject::Checks => f::Subject::Checks,
        },
        fail_on: started.map_or(Strength::Should, |run| run.fail_on).name().to_owned(),
        clock: started.map_or_else(|| "virtual".to_owned(), |run| run.gear.to_string()),
        epoch: instant(started.map(|run| run.epoch).unwrap_or_default()),
        end: end(&finished.end),
        exit_code: Exit::of_run(&finished.totals, &finished.end).code(),
        notes: started.map_or(&[][..], |run| &run.notes).iter().map(note).collect(),
        filtered_out: started.map_or(0, |run| run.filtered_out),
        totals: f::Totals {
            scenarios: counts(&finished.totals.scenarios),
            checks: counts(&finished.totals.checks),
            attempts: finished.totals.attempts,
            deliveries: finished.totals.deliveries,
        },
        wall_us: micros(finished.wall),
        pns_time_ms: millis(finished.pns_time),
        scenarios: run.scenarios.iter().map(scenario).collect(),
    }
}

fn end(end: &RunEnd) -> f::End {
    let (kind, not_run, reason) = match end {
        RunEnd::Complete => (f::EndKind::Complete, 0, None),
        RunEnd::StoppedEarly(left) => (f::EndKind::StoppedEarly, *left, None),
        RunEnd::Interrupted(left) => (f::EndKind::Interrupted, *left, None),
        RunEnd::Unreachable(why) => (f::EndKind::Unreachable, 0, Some(why.clone())),
        RunEnd::Failed(why) => (f::EndKind::Failed, 0, Some(why.clone())),
    };
    f::End { kind, not_run, reason }
}

fn note(note: &crate::event::Note) -> f::Note {
    f::Note { kind: note.name().to_owned(), text: note.to_string() }
}

fn counts(counts: &Counts) -> f::Counts {
    let Counts { passed, failed, warned, skipped, inconclusive, errors } = *counts;
    f::Counts { passed, failed, warned, skipped, inconclusive, errors }
}

fn scenario(collected: &CollectedScenario) -> f::Scenario {
    let CollectedScenario { started, finished } = collected;
    let verdict = finished.as_ref().map(|finished| &finished.verdict);
    f::Scenario {
        id: started.id.clone(),
        title: started.title.clone(),
        location: started.location.as_ref().map(location),
        clause: started.clause.to_string(),
        verdict: verdict.map_or("unfinished", |verdict| verdict.name()).to_owned(),
        reason: verdict.and_then(|verdict| verdict.reason()).map(str::to_owned),
        warned: collected.standing() == Standing::Warned,
        checks: finished.iter().flat_map(|finished| &finished.checks).map(check).collect(),
        notes: finished.as_ref().map_or_else(Vec::new, |finished| finished.notes.clone()),
        pns_time_ms: finished.as_ref().map_or(0, |finished| millis(finished.pns_time)),
        wall_us: finished.as_ref().map_or(0, |finished| micros(finished.wall)),
        attempts: finished.as_ref().map_or(0, |finished| finished.attempts),
        deliveries: finished.as_ref().map_or(0, |finished| finished.deliveries),
        cases: finished.as_ref().map_or(0, |finished| finished.cases),
        pulls: finished.as_ref().and_then(|finished| finished.pulls).map(pulls),
    }
}

fn pulls(count: PullCount) -> f::Pulls {
    let PullCount { leading, pulled, surplus } = count;
    f::Pulls { leading, pulled, surplus }
}

fn location(location: &Location) -> f::Location {
    f::Location { file: location.file.clone(), line: location.line }
}

fn check(check: &CheckResult) -> f::Check {
    f::Check {
        id: check.id.clone(),
        title: check.title.clone(),
        clause: check.clause.to_string(),
        strength: check.strength.name().to_owned(),
        verdict: check.verdict.name().to_owned(),
        reason: check.verdict.reason().map(str::to_owned),
        location: check.location.as_ref().map(location),
        pns_time_ms: millis(check.pns_time),
        failure: check.failure.as_deref().map(failure),
    }
}

fn failure(failure: &CheckFailure) -> f::Failure {
    f::Failure {
        expected: failure.expected.clone(),
        found: failure.found.clone(),
        explanation: failure.explanation.clone(),
        deliveries: failure.deliveries.iter().map(delivery).collect(),
        deliveries_left_out: failure.deliveries_left_out,
        curl: failure.curl.clone(),
        repeat: failure.repeat.clone(),
        exchanges: failure.exchanges.iter().map(exchange).collect(),
        reproduced: failure.reproduced.map(|Reproduced { failed, tried }| f::Reproduced { failed, tried }),
        scenario: failure.scenario.as_ref().map(|scenario| f::ScenarioText {
            text: scenario.text.clone(),
            saved: scenario.saved.clone(),
            shrunk_by: scenario.shrunk_by,
        }),
    }
}

fn exchange(exchange: &WireExchange) -> f::Exchange {
    f::Exchange {
        label: exchange.label.clone(),
        request: exchange.request.clone(),
        response: exchange.response.clone(),
        outcome: exchange.outcome.clone(),
        fits: exchange.fits,
        connection: exchange.connection.clone(),
        latency_us: exchange.latency.map(micros),
    }
}

fn delivery(delivery: &DeliveryTimeline) -> f::Delivery {
    let (state, ended) = match delivery.state {
        DeliveryState::Delivered(at) => ("delivered", Some(at)),
        DeliveryState::Pending => ("pending", None),
        DeliveryState::Abandoned(at) => ("abandoned", Some(at)),
    };
    f::Delivery {
        id: delivery.delivery.clone(),
        name: delivery.name.clone(),
        event_type: delivery.event_type.clone(),
        event_id: delivery.event_id.clone(),
        subscription: delivery.subscription.clone(),
        published_ms: millis(delivery.published),
        state: state.to_owned(),
        ended_ms: ended.map(millis),
        attempts: delivery.attempts.iter().map(attempt).collect(),
        attempts_left_out: delivery.attempts_left_out.map_or(0, |gap| gap.count),
    }
}

fn attempt(attempt: &AttemptLine) -> f::Attempt {
    f::Attempt {
        number: attempt.number,
        at: instant(attempt.at),
        offset_ms: millis(attempt.offset),
        acknowledged: attempt.acknowledged,
        reason: attempt.reason.clone(),
        outcome: attempt.outcome.clone(),
        status: attempt.status,
        latency_us: attempt.latency.map(micros),
        deferrals: attempt.deferrals.clone(),
        fault: attempt.fault.clone(),
        response: attempt.response.as_ref().map(|response| f::Response {
            head: response.head.clone(),
            body: response.body.clone(),
            truncated: response.truncated,
        }),
        detail: attempt.detail.clone(),
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
