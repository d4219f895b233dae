//! A run of property checks: a suite per family, a test case per property.

use quick_junit::{Property, TestCase, TestCaseStatus, TestSuite};

use super::super::collect::CollectedScenario;
use super::super::standing::Standing;
use super::describe::{describe, found};
use super::{Writer, error, failure, skipped};
use crate::event::CheckResult;

impl Writer<'_> {
    pub(super) fn family(&self, family: &str, properties: &[&CollectedScenario]) -> TestSuite {
        let mut suite = TestSuite::new(self.text(&format!("pns.check.{family}")));
        self.add_properties(&mut suite);
        suite.set_time(properties.iter().filter_map(|one| one.finished.as_ref()).map(|one| one.wall).sum());
        suite.add_test_cases(properties.iter().map(|property| self.property(property)));
        suite
    }

    fn property(&self, property: &CollectedScenario) -> TestCase {
        let mut case = TestCase::new(self.text(property.name()), self.status(property));
        case.set_classname(self.text(&format!("pns.check.{}", property.theme())));
        if let Some(location) = &property.started.location {
            case.extra.insert("file".into(), self.text(&location.file).as_ref().into());
            case.extra.insert("line".into(), location.line.max(1).to_string().into());
        }
        case.add_property(Property::new("check", self.text(&property.started.id)));
        case.add_property(Property::new("title", self.text(&property.started.title)));
        case.add_property(Property::new("clause", property.started.clause.name()));
        let Some(finished) = &property.finished else { return case };
        case.set_time(finished.wall);
        if let Some(check) = finished.checks.first() {
            case.add_property(Property::new("strength", check.strength.name()));
        }
        case.add_property(Property::new("cases", finished.cases.to_string()));
        case.add_property(Property::new("requests", finished.attempts.to_string()));
        let broken = broken(property);
        if let Some(times) = broken.iter().find_map(|check| check.failure.as_ref()?.reproduced) {
            let times = format!("{} of {}", times.failed, times.tried);
            case.add_property(Property::new("reproduced", times));
        }
        case
    }

    fn status(&self, property: &CollectedScenario) -> TestCaseStatus {
        let reason = self.text(property.reason().unwrap_or_default());
        let broken = broken(property);
        let what = broken.first().map(|check| self.text(&found(check)).into_owned()).unwrap_or_default();
        let standing = property.standing();
        match standing {
            Standing::Passed => TestCaseStatus::success(),
            Standing::Warned => skipped(&format!("not red here: {what}")),
            Standing::ExpectedFailure => skipped(&format!("{}: {reason}", standing.remark())),
            Standing::Skipped => skipped(&reason),
            Standing::UnexpectedPass => {
                failure("unexpected-pass", &format!("{}: {reason}", standing.remark()))
            }
            Standing::Inconclusive => error("inconclusive", &reason),
            Standing::Error => error("harness", &reason),
            Standing::Unfinished => error("unfinished", standing.remark()),
            Standing::Failed => {
                let mut status = failure(&self.text(&property.started.id), &what);
                let texts: Vec<String> =
                    broken.iter().map(|check| describe(self.run, property, check)).collect();
                status.set_description(self.text(&texts.join("\n\n")));
                status
            }
        }
    }
}

fn broken(property: &CollectedScenario) -> Vec<&CheckResult> {
    let checks = property.finished.iter().flat_map(|finished| &finished.checks);
    checks.filter(|check| check.verdict.is_broken()).collect()
}
