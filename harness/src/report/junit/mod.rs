//! The report for CI servers: JUnit XML. A suite per scenario, a test case per check.
//!
//! What the receiver broke is a `failure`, what the harness could not do is an `error`, what did not apply is
//! `skipped`. A scenario without a check of its own (skipped whole, or failed before any) is one test case, so
//! that it is not passed over in silence. What could not be decided is an `error`: a CI server knows no third
//! verdict, and must not show it green.

use std::borrow::Cow;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::Collected;
use super::collect::CollectedScenario;
use super::text::{offset, pns_span};
use crate::event::{CheckResult, CheckVerdict, RunStarted, ScenarioVerdict, Strength, Target};
use crate::redact::Redactor;

/// The whole document.
pub fn render(run: &Collected, redactor: &Redactor) -> String {
    let writer = Writer { redactor };
    let mut report = Report::new("pns");
    if let Some(finished) = &run.finished {
        report.set_time(finished.wall);
    }
    report.add_test_suites(run.scenarios.iter().map(|scenario| writer.suite(run.started.as_ref(), scenario)));
    report.to_string().expect("quick-junit drops what XML cannot carry, and writes to memory")
}

struct Writer<'a> {
    redactor: &'a Redactor,
}

impl Writer<'_> {
    /// Every text of the document passes here. What XML cannot carry is dropped by `quick_junit`.
    fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.redactor.redact(text)
    }

    fn suite(&self, run: Option<&RunStarted>, scenario: &CollectedScenario) -> TestSuite {
        let mut suite = TestSuite::new(self.text(&scenario.started.id));
        if let Some(run) = run {
            for (name, value) in properties(run) {
                suite.add_property(Property::new(name, self.text(&value)));
            }
        }
        suite.add_property(Property::new("title", self.text(&scenario.started.title)));
        suite.add_property(Property::new("clause", scenario.started.clause.name()));
        let Some(finished) = &scenario.finished else {
            suite.add_test_case(self.whole(scenario, error("unfinished", "the run ended before it did")));
            return suite;
        };
        suite.set_time(finished.wall);
        suite.add_property(Property::new("pns-time", pns_span(finished.pns_time)));
        // A failure that is expected must not turn the build red; its checks are told as skipped.
        let expected = match &finished.verdict {
            ScenarioVerdict::ExpectedFailure(reason) => Some(reason.as_str()),
            _ => None,
        };
        suite.add_test_cases(finished.checks.iter().map(|check| self.case(scenario, check, expected)));
        if let Some(status) = self.scenario_status(&finished.verdict, finished.checks.is_empty()) {
            suite.add_test_case(self.whole(scenario, status));
        }
        suite
    }

    fn whole(&self, scenario: &CollectedScenario, status: TestCaseStatus) -> TestCase {
        let mut case = TestCase::new(self.text(&scenario.started.title), status);
        case.set_classname(self.text(&scenario.started.id));
        case
    }

    /// What the scenario as a whole adds to its checks.
    fn scenario_status(&self, verdict: &ScenarioVerdict, no_checks: bool) -> Option<TestCaseStatus> {
        Some(match verdict {
            ScenarioVerdict::Passed | ScenarioVerdict::ExpectedFailure(_) if no_checks => {
                TestCaseStatus::success()
            }
            ScenarioVerdict::Failed if no_checks => failure("failed", "the scenario failed"),
            ScenarioVerdict::Passed | ScenarioVerdict::Failed | ScenarioVerdict::ExpectedFailure(_) => {
                return None;
            }
            ScenarioVerdict::UnexpectedPass(reason) => {
                let reason = self.text(reason);
                failure("unexpected-pass", &format!("passes, but is expected to fail: {reason}"))
            }
            ScenarioVerdict::Skipped(reason) => skipped(&self.text(reason)),
            ScenarioVerdict::Inconclusive(reason) => error("inconclusive", &self.text(reason)),
            ScenarioVerdict::Error(reason) => error("harness", &self.text(reason)),
        })
    }

    fn case(&self, scenario: &CollectedScenario, check: &CheckResult, expected: Option<&str>) -> TestCase {
        let status = match (&check.verdict, expected) {
            (CheckVerdict::Passed, _) => TestCaseStatus::success(),
            (CheckVerdict::Failed, Some(reason)) => {
                skipped(&format!("fails, as it is expected to: {}", self.text(reason)))
            }
            (CheckVerdict::Warned, _) => skipped(&format!("not red here: {}", self.text(&found(check)))),
            (CheckVerdict::Failed, None) if check.strength == Strength::Advice => {
                skipped(&format!("advice: {}", self.text(&found(check))))
            }
            (CheckVerdict::Failed, None) => self.failure(scenario, check),
            (CheckVerdict::Skipped(reason), _) => skipped(&self.text(reason)),
            (CheckVerdict::Inconclusive(reason), _) => error("inconclusive", &self.text(reason)),
            (CheckVerdict::Error(reason), _) => error("harness", &self.text(reason)),
        };
        let mut case = TestCase::new(self.text(&check.title), status);
        case.set_classname(self.text(&scenario.started.id));
        if let Some(location) = check.location.as_ref().or(scenario.started.location.as_ref()) {
            case.extra.insert("file".into(), self.text(&location.file).as_ref().into());
            case.extra.insert("line".into(), location.line.max(1).to_string().into());
        }
        case.add_property(Property::new("check", self.text(&check.id)));
        case.add_property(Property::new("clause", check.clause.name()));
        case.add_property(Property::new("strength", check.strength.name()));
        case
    }

    fn failure(&self, scenario: &CollectedScenario, check: &CheckResult) -> TestCaseStatus {
        let mut status = failure(&self.text(&check.id), &self.text(&found(check)));
        status.set_description(self.text(&describe(scenario, check)));
        status
    }
}

fn properties(run: &RunStarted) -> [(&'static str, String); 4] {
    let target = match &run.target {
        Target::Embedded => "embedded".to_owned(),
        Target::Endpoint(url) => url.clone(),
    };
    [
        ("version", run.version.clone()),
        ("seed", run.seed.to_string()),
        ("target", target),
        ("clock", run.gear.to_string()),
    ]
}

fn found(check: &CheckResult) -> String {
    match &check.failure {
        Some(failure) => format!("expected {}, found {}", failure.expected, failure.found),
        None => format!("did not hold: {}", check.title),
    }
}

fn describe(scenario: &CollectedScenario, check: &CheckResult) -> String {
    let place = check.location.as_ref().or(scenario.started.location.as_ref());
    let mut lines = vec![
        place.map_or_else(String::new, |place| {
            format!("{}:{}, PNS time {}", place.file, place.line, offset(check.pns_time))
        }),
        format!("Cvent's page, {}: {}", check.clause.heading(), check.clause.sentence()),
    ];
    if let Some(failure) = &check.failure {
        for delivery in &failure.deliveries {
            lines.push(format!("delivery {} {}:", delivery.delivery, delivery.event_type));
            lines.extend(delivery.attempts.iter().map(|attempt| {
                format!("  attempt {} {} {}", attempt.number, offset(attempt.offset), attempt.outcome)
            }));
        }
        lines.push(failure.explanation.clone());
        lines.extend(failure.curl.iter().map(|curl| format!("the same by hand: {curl}")));
        lines.push(format!("repeat: {}", failure.repeat));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

fn failure(kind: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(kind).set_message(message);
    status
}

fn error(kind: &str, message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type(kind).set_message(message);
    status
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message);
    status
}
