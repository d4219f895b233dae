//! What was not decided, and then everything by theme or family.

use super::super::Collected;
use super::super::collect::CollectedScenario;
use super::super::standing::Standing;
use super::super::text::{count, noun, pns_span, wall};
use super::top::{class, sign};
use super::write::Page;
use crate::event::{CheckResult, CheckVerdict, Subject};

/// Checks of one scenario that are listed.
const CHECKS_MAX: usize = 200;

/// Scenarios and properties that somebody has to look at although no finding tells of them.
pub(super) fn undecided(page: &mut Page<'_>, run: &Collected) {
    let of_note = |standing: Standing| {
        matches!(
            standing,
            Standing::Error | Standing::UnexpectedPass | Standing::Inconclusive | Standing::Unfinished
        )
    };
    let mut undecided: Vec<_> = run.scenarios.iter().filter(|one| of_note(one.standing())).collect();
    undecided.sort_by_key(|one| one.standing());
    if undecided.is_empty() {
        return;
    }
    page.element("section", &[("id", "undecided")], |page| {
        page.leaf("h2", &[], "Not decided, or not as expected");
        page.element("ul", &[("class", "card plain")], |page| {
            for scenario in undecided {
                page.element("li", &[], |page| {
                    standing(page, scenario.standing());
                    page.text(" ");
                    page.leaf("code", &[], &scenario.started.id);
                    page.text(" ");
                    page.text(&scenario.started.title);
                    reason(page, scenario);
                });
            }
        });
    });
}

fn standing(page: &mut Page<'_>, standing: Standing) {
    page.element("span", &[("class", class(standing))], |page| {
        page.leaf("span", &[("aria-hidden", "true")], sign(standing));
        page.text(" ");
        page.leaf("b", &[], standing.label());
    });
}

fn reason(page: &mut Page<'_>, scenario: &CollectedScenario) {
    let Some(reason) = scenario.reason() else { return };
    let standing = scenario.standing();
    // An expectation needs to be told with its reason; the other verdicts have been.
    let text = match standing {
        Standing::UnexpectedPass | Standing::ExpectedFailure => format!("{}: {reason}", standing.remark()),
        _ => reason.to_owned(),
    };
    page.leaf("p", &[("class", "place")], &text);
}

/// Every scenario or property, folded by theme or family; folded out where something is amiss.
pub(super) fn everything(page: &mut Page<'_>, run: &Collected) {
    if run.scenarios.is_empty() {
        return;
    }
    let subject = run.subject();
    page.element("section", &[("id", "all")], |page| {
        page.leaf("h2", &[], if subject == Subject::Checks { "All checks" } else { "All scenarios" });
        for (theme, scenarios) in run.themes() {
            page.element("details", &[("class", "card family")], |page| {
                page.element("summary", &[], |page| family(page, subject, theme, &scenarios));
                page.element("div", &[("class", "scroll"), ("tabindex", "0")], |page| {
                    page.element("table", &[], |page| {
                        heading(page, subject);
                        page.element("tbody", &[], |page| {
                            scenarios.iter().for_each(|scenario| row(page, subject, scenario));
                        });
                    });
                });
            });
        }
    });
}

fn family(page: &mut Page<'_>, subject: Subject, theme: &str, scenarios: &[&CollectedScenario]) {
    page.leaf("b", &[], theme);
    page.text(&format!(" {}", count(scenarios.len() as u64, noun(subject))));
    for one in Standing::ALL {
        let number = scenarios.iter().filter(|scenario| scenario.standing() == one).count();
        if number > 0 {
            page.text(" ");
            page.leaf("span", &[("class", class(one))], &format!("{} {number} {}", sign(one), one.label()));
        }
    }
}

fn heading(page: &mut Page<'_>, subject: Subject) {
    let columns = match subject {
        Subject::Checks => ["Verdict", "Check", "Cases", "Requests", "Took"],
        Subject::Scenarios => ["Verdict", "Scenario", "PNS time", "Attempts", "Took"],
    };
    page.element("thead", &[], |page| {
        page.element("tr", &[], |page| {
            columns.into_iter().for_each(|column| page.leaf("th", &[("scope", "col")], column));
        });
    });
}

fn row(page: &mut Page<'_>, subject: Subject, scenario: &CollectedScenario) {
    page.element("tr", &[], |page| {
        page.element("td", &[], |page| standing(page, scenario.standing()));
        page.element("td", &[], |page| {
            page.text(&scenario.started.title);
            page.text(" ");
            page.leaf("code", &[], scenario.name());
            reason(page, scenario);
            let checks: &[CheckResult] = scenario.finished.as_ref().map_or(&[], |finished| &finished.checks);
            // A property that holds needs no more words than its title.
            if subject == Subject::Scenarios && !checks.is_empty() {
                page.element("details", &[], |page| list(page, checks));
            }
            if let Some(pulls) = scenario.finished.as_ref().and_then(|finished| finished.pulls) {
                page.leaf("p", &[("class", "place")], &format!("notifications: {pulls}"));
            }
            for note in scenario.finished.iter().flat_map(|finished| &finished.notes) {
                page.leaf("p", &[("class", "place")], note);
            }
        });
        let finished = scenario.finished.as_ref();
        let first = finished.map(|finished| match subject {
            Subject::Checks => finished.cases.to_string(),
            Subject::Scenarios => pns_span(finished.pns_time),
        });
        let attempts = finished.map(|finished| finished.attempts.to_string());
        let took = finished.map(|finished| wall(finished.wall));
        for cell in [first, attempts, took] {
            page.leaf("td", &[("class", "number")], &cell.unwrap_or_default());
        }
    });
}

fn list(page: &mut Page<'_>, checks: &[CheckResult]) {
    page.leaf("summary", &[], &count(checks.len() as u64, "check"));
    page.element("ul", &[("class", "plain")], |page| {
        for check in checks.iter().take(CHECKS_MAX) {
            let (class, sign) = match &check.verdict {
                CheckVerdict::Passed => ("passed", "✓"),
                CheckVerdict::Failed => ("failed", "✗"),
                CheckVerdict::Warned => ("warned", "!"),
                CheckVerdict::Skipped(_) => ("skipped", "–"),
                CheckVerdict::Inconclusive(_) => ("unsure", "?"),
                CheckVerdict::Error(_) => ("failed", "⚠"),
            };
            page.element("li", &[], |page| {
                page.leaf("span", &[("class", class)], &format!("{sign} {}", check.verdict.name()));
                page.text(&format!(" {}", check.title));
                if let Some(reason) = check.verdict.reason() {
                    page.text(&format!(": {reason}"));
                }
            });
        }
        if let Some(left @ 1..) = checks.len().checked_sub(CHECKS_MAX) {
            page.leaf("li", &[("class", "cut")], &format!("and {left} more"));
        }
    });
}
