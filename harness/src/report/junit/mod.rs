//! The report for CI servers: JUnit XML. A suite per scenario, a test case per check; of a run of property
//! checks, a suite per family and a test case per property.
//!
//! What the receiver broke is a `failure`, what the harness could not do is an `error`, what did not apply is
//! `skipped`. A scenario without a check of its own (skipped whole, or failed before any) is one test case, so
//! that it is not passed over in silence. What could not be decided is an `error`: a CI server knows no third
//! verdict, and must not show it green.

mod checks;
mod describe;

use std::borrow::Cow;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::Collected;
use super::collect::CollectedScenario;
use super::text::pns_span;
use super::verdict::headline;
use crate::event::{
    CheckResult, CheckVerdict, RunEnd, RunFinished, RunStarted, ScenarioVerdict, Strength, Subject, Target,
};
use crate::redact::Redactor;
use describe::{describe, found};

/// The whole document.
pub fn render(run: &Collected, redactor: &Redactor) -> String {
    let writer = Writer { redactor, run: run.started.as_ref() };
    let mut report = Report::new("pns");
    if let Some(finished) = &run.finished {
        report.set_time(finished.wall);
    }
    match run.subject() {
        Subject::Scenarios => {
            report.add_test_suites(run.scenarios.iter().map(|scenario| writer.suite(scenario)));
        }
        Subject::Checks => {
            let themes = run.themes();
            report.add_test_suites(themes.iter().map(|(family, checks)| writer.family(family, checks)));
        }
    }
    report.add_test_suites(run.finished.as_ref().and_then(|finished| writer.ended(run.subject(), finished)));
    report.to_string().expect("quick-junit drops what XML cannot carry, and writes to memory")
}

struct Writer<'a> {
    redactor: &'a Redactor,
    run: Option<&'a RunStarted>,
}

impl Writer<'_> {
    /// Every text of the document passes here. What XML cannot carry is dropped by `quick_junit`.
    fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.redactor.redact(text)
    }

    /// The circumstances of the run, which every suite names.
    fn add_properties(&self, suite: &mut TestSuite) {
        for (name, value) in self.run.iter().flat_map(|run| properties(run)) {
            suite.add_property(Property::new(name, self.text(&value)));
        }
    }

    /// A suite of its own for a run that ended before its time: without it, a CI server may take what is not there for
    /// what passed.
    fn ended(&self, subject: Subject, finished: &RunFinished) -> Option<TestSuite> {
        let kind = match &finished.end {
            RunEnd::Unreachable(_) => "inconclusive",
            RunEnd::Failed(_) => "harness",
            RunEnd::Interrupted(_) => "interrupted",
            RunEnd::Complete | RunEnd::StoppedEarly(_) => return None,
        };
        let headline = headline(subject, finished);
        let remark = headline.remark.map(|remark| format!(": {remark}")).unwrap_or_default();
        let mut suite = TestSuite::new("pns.run");
        self.add_properties(&mut suite);
        let status = error(kind, &self.text(&format!("{}{remark}", headline.text)));
        let mut case = TestCase::new("the run came to its end", status);
        case.set_classname("pns.run");
        suite.add_test_case(case);
        Some(suite)
    }

    fn suite(&self, scenario: &CollectedScenario) -> TestSuite {
        let mut suite = TestSuite::new(self.text(&scenario.started.id));
        self.add_properties(&mut suite);
        suite.add_property(Property::new("title", self.text(&scenario.started.title)));
        suite.add_property(Property::new("clause", scenario.started.clause.name()));
        let Some(finished) = &scenario.finished else {
            suite.add_test_case(self.whole(scenario, error("unfinished", "the run ended before it did")));
            return suite;
        };
        suite.set_time(finished.wall);
        suite.add_property(Property::new("pns-time", pns_span(finished.pns_time)));
        if let Some(pulls) = finished.pulls {
            suite.add_property(Property::new("pulls", pulls.to_string()));
        }
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
        status.set_description(self.text(&describe(self.run, scenario, check)));
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
