//! Collects a scenario's checks and sums them up.

use std::time::Duration;

use pns_engine::DeliveryId;
use pns_engine::guarantee::Finding;
use pns_simulator::advice::{self, Voice};

use super::play::location;
use super::timeline::timelines;
use super::world::World;
use super::{exchanges, expect, words};
use crate::check::CheckKind;
use crate::curl;
use crate::event::{
    CheckFailure, CheckResult, CheckVerdict, Location, PullCount, ScenarioVerdict, Strength, WireExchange,
};
use crate::scenario::Scenario;
use crate::scenario::model::Place;
use crate::settings::Connection;

/// The checks of one scenario, in order.
#[derive(Debug)]
pub(super) struct Checks<'a> {
    /// What was decided so far.
    pub results: Vec<CheckResult>,
    scenario: &'a Scenario,
    repeat: String,
}

/// How a check was broken.
#[derive(Debug)]
pub(super) struct Failure {
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// The deliveries that show it.
    pub deliveries: Vec<DeliveryId>,
    /// The requests by bytes that show it, the telling one last.
    pub exchanges: Vec<WireExchange>,
    /// What it means; `None`: what the deliveries, or the kind of check, say.
    pub meaning: Option<String>,
}

impl Failure {
    /// One that deliveries show.
    pub(super) fn of(expected: String, found: String, deliveries: Vec<DeliveryId>) -> Self {
        Self { expected, found, deliveries, exchanges: Vec::new(), meaning: None }
    }
}

impl<'a> Checks<'a> {
    /// None yet. `repeat` is the command that runs the scenario again.
    pub(super) fn new(scenario: &'a Scenario, repeat: String) -> Self {
        Self { results: Vec::new(), scenario, repeat }
    }

    /// A check that held.
    pub(super) fn passed(&mut self, world: &World, id: &str, title: String, place: &Place) {
        self.add(world.elapsed(), id, title, CheckVerdict::Passed, Some(location(place)), None);
    }

    /// A check that does not apply, for `reason`.
    pub(super) fn skipped(&mut self, world: &World, id: &str, title: String, reason: String, place: &Place) {
        self.add(world.elapsed(), id, title, CheckVerdict::Skipped(reason), Some(location(place)), None);
    }

    /// A check that could not be decided, for `reason`.
    pub(super) fn undecided(
        &mut self,
        world: &World,
        id: &str,
        title: String,
        reason: String,
        place: &Place,
    ) {
        self.add(world.elapsed(), id, title, CheckVerdict::Inconclusive(reason), Some(location(place)), None);
    }

    /// A check that did not hold. One that is advice does not turn the scenario red.
    pub(super) fn failed(&mut self, world: &World, id: &str, title: String, failure: Failure, place: &Place) {
        let (shown, deliveries_left_out) = timelines(world, &failure.deliveries);
        let reason = expect::last_failure(world, &failure.deliveries);
        let told = CheckFailure {
            expected: failure.expected,
            found: failure.found,
            explanation: match (failure.meaning, reason, CheckKind::find(id)) {
                (Some(meaning), _, _) => meaning,
                (None, Some(reason), _) => advice::meaning(reason, Voice::CommandLine),
                (None, None, Some(kind)) => kind.mend.to_owned(),
                (None, None, None) => String::new(),
            },
            curl: failure.deliveries.first().and_then(|id| curl(world, *id)),
            deliveries: shown,
            deliveries_left_out,
            repeat: self.repeat.clone(),
            exchanges: failure.exchanges,
            ..CheckFailure::default()
        };
        let at = world.offset(expect::decided_at(world, &failure.deliveries));
        let is_advice = CheckKind::find(id).is_some_and(|kind| kind.strength == Strength::Advice);
        let verdict = if is_advice { CheckVerdict::Warned } else { CheckVerdict::Failed };
        self.add(at, id, title, verdict, Some(location(place)), Some(Box::new(told)));
    }

    /// Advice on what was pulled: never turns the scenario red.
    pub(super) fn pulls(&mut self, world: &World, count: PullCount) {
        let one = "notification that leads to a call is followed by it, once";
        let title = format!("each {one}");
        let found = match (count.leading - count.pulled, count.surplus) {
            (0, 0) => {
                return self.add(world.elapsed(), "pulled-once", title, CheckVerdict::Passed, None, None);
            }
            (0, surplus) => {
                let notifications = words::count(count.leading, "notification");
                let explain = if count.leading == 1 { "explains" } else { "explain" };
                format!("{} more than {notifications} {explain}", words::count(surplus, "call"))
            }
            (never, _) => {
                let all = words::count(count.leading, "notification");
                format!("{never} of {all} acknowledged, never pulled after")
            }
        };
        let mend = CheckKind::find("pulled-once").map_or("", |kind| kind.mend);
        let told = CheckFailure {
            expected: title.clone(),
            found,
            explanation: mend.to_owned(),
            repeat: self.repeat.clone(),
            ..CheckFailure::default()
        };
        self.add(world.elapsed(), "pulled-once", title, CheckVerdict::Warned, None, Some(Box::new(told)));
    }

    /// What the sender promised, judged from its records alone. A finding is a defect of `pns`, not of the receiver.
    pub(super) fn guarantees(&mut self, world: &World, findings: &[Finding]) {
        let records = words::count(world.ledger.records().len() as u64, "record");
        let title = format!("the sender kept its guarantees over {records}");
        let verdict = match (findings, exchanges::first_finding(world)) {
            ([], None) => CheckVerdict::Passed,
            ([first, ..], _) => CheckVerdict::Error(format!("{}: {}", first.guarantee.id(), first.text)),
            ([], Some(text)) => CheckVerdict::Error(text),
        };
        self.add(world.elapsed(), "guarantees", title, verdict, None, None);
    }

    fn add(
        &mut self,
        pns_time: Duration,
        id: &str,
        title: String,
        verdict: CheckVerdict,
        location: Option<Location>,
        failure: Option<Box<CheckFailure>>,
    ) {
        let clause = self.scenario.clause;
        let strength = CheckKind::find(id).map_or(Strength::Must, |kind| kind.strength);
        let id = id.to_owned();
        self.results.push(CheckResult { id, title, clause, strength, verdict, location, pns_time, failure });
    }

    /// What the scenario came to.
    pub(super) fn verdict(&self, expect_fail: Option<&str>) -> ScenarioVerdict {
        let reason = |wanted: fn(&CheckVerdict) -> bool| {
            let found = self.results.iter().find(|check| wanted(&check.verdict))?;
            Some(found.verdict.reason().unwrap_or_default().to_owned())
        };
        if let Some(reason) = reason(|verdict| matches!(verdict, CheckVerdict::Error(_))) {
            return ScenarioVerdict::Error(reason);
        }
        let failed = reason(|verdict| matches!(verdict, CheckVerdict::Failed)).is_some();
        match (failed, expect_fail) {
            (true, Some(reason)) => return ScenarioVerdict::ExpectedFailure(reason.to_owned()),
            (true, None) => return ScenarioVerdict::Failed,
            (false, _) => {}
        }
        if let Some(reason) = reason(|verdict| matches!(verdict, CheckVerdict::Inconclusive(_))) {
            return ScenarioVerdict::Inconclusive(reason);
        }
        match expect_fail {
            Some(reason) => ScenarioVerdict::UnexpectedPass(reason.to_owned()),
            None => ScenarioVerdict::Passed,
        }
    }
}

/// A curl command that sends the same notification again.
fn curl(world: &World, id: DeliveryId) -> Option<String> {
    let delivery = world.ledger.delivery(id)?;
    let body = world.sent_body(delivery.notification)?;
    let body = std::str::from_utf8(&body).ok()?;
    let route = world.driver.route_of(delivery.subscription)?;
    // The same subscription's key, not the run's: a scenario may have its own, or none.
    let connection = Connection { api_key: route.api_key.clone(), ..world.target.connection.clone() };
    Some(curl::command(&connection, &route.endpoint, body))
}
