//! One finding: what it is, what it means, how to see it again.

use super::super::standing::Finding;
use super::super::text::{count, offset, reproduced};
use super::write::Page;
use super::{clipped, copyable, exchange, timeline};
use crate::event::{CheckFailure, CheckResult, ScenarioText, Strength, Subject};

/// A scenario file of this size is none that a person reads.
const SCENARIO_BYTES_MAX: usize = 32 << 10;
/// A command with a body that is longer cannot be pasted into every shell anyway.
const CURL_BYTES_MAX: usize = 16 << 10;

pub(super) fn write(page: &mut Page<'_>, subject: Subject, index: usize, finding: &Finding<'_>) {
    let Finding { check, red, .. } = finding;
    let nothing = CheckFailure::default();
    let failure = check.failure.as_deref().unwrap_or(&nothing);
    let class = if *red { "finding card failed" } else { "finding card warned" };
    page.element("article", &[("class", class), ("id", &format!("finding-{}", index + 1))], |page| {
        head(page, subject, finding, failure);
        page.element("div", &[("class", "pair")], |page| {
            side(page, "wanted", "Expected", &failure.expected);
            side(page, "got", "Found", &failure.found);
        });
        if !failure.explanation.is_empty() {
            page.leaf("h4", &[], "What it means, and how to mend it");
            page.prose("p", &[("class", "meaning")], &failure.explanation);
        }
        quote(page, check);
        exchange::write_all(page, &failure.exchanges);
        timeline::write_all(page, &failure.deliveries, failure.deliveries_left_out);
        again(page, subject, finding, failure);
    });
}

fn head(page: &mut Page<'_>, subject: Subject, finding: &Finding<'_>, failure: &CheckFailure) {
    let Finding { scenario, check, red } = finding;
    let (title, under) = match subject {
        Subject::Checks => (&scenario.started.title, &check.title),
        Subject::Scenarios => (&check.title, &scenario.started.title),
    };
    page.element("h3", &[], |page| {
        let sign = if *red { "✗" } else { "!" };
        page.leaf("span", &[("class", "sign"), ("aria-hidden", "true")], sign);
        page.text(" ");
        page.text(title);
    });
    page.element("p", &[("class", "pills")], |page| {
        page.leaf("code", &[], &scenario.started.id);
        page.text(" ");
        page.leaf(
            "span",
            &[("class", "pill strong"), ("title", strength(check.strength))],
            check.strength.name(),
        );
        if let Some(times) = failure.reproduced {
            let class = if times.is_certain() { "pill" } else { "pill flaky" };
            page.text(" ");
            page.leaf("span", &[("class", class)], &reproduced(times));
        }
        if !*red {
            page.text(" ");
            page.leaf("span", &[("class", "pill")], "not red in this run");
        }
    });
    if title != under {
        page.leaf("p", &[("class", "under")], under);
    }
    if let Some(place) = check.location.as_ref().or(scenario.started.location.as_ref()) {
        let place = format!("{}:{}, PNS time {}", place.file, place.line, offset(check.pns_time));
        page.leaf("p", &[("class", "place")], &place);
    }
}

const fn strength(strength: Strength) -> &'static str {
    match strength {
        Strength::Must => "Cvent’s page says so",
        Strength::Should => "follows from Cvent’s page, or from HTTP",
        Strength::Advice => "good to have, and never red",
    }
}

fn side(page: &mut Page<'_>, class: &'static str, label: &str, text: &str) {
    page.element("div", &[("class", class)], |page| {
        page.leaf("span", &[("class", "label")], label);
        page.leaf("p", &[], text);
    });
}

fn quote(page: &mut Page<'_>, check: &CheckResult) {
    page.element("blockquote", &[], |page| {
        page.leaf("p", &[], &format!("“{}”", check.clause.sentence()));
        page.leaf("footer", &[], &format!("Cvent’s page on PNS, {}", check.clause.heading()));
    });
}

/// How to see it again.
fn again(page: &mut Page<'_>, subject: Subject, finding: &Finding<'_>, failure: &CheckFailure) {
    let Finding { scenario, check, .. } = finding;
    page.leaf("h4", &[], "See it again");
    if !failure.repeat.is_empty() {
        copyable(page, "repeat", &failure.repeat);
    }
    if let Some(scenario) = &failure.scenario {
        scenario_file(page, scenario);
    }
    if let Some(curl) = &failure.curl {
        page.element("details", &[], |page| {
            page.leaf("summary", &[], "The same request by hand, with curl");
            let (curl, cut) = clipped(curl, CURL_BYTES_MAX);
            copyable(page, "curl", curl);
            cut_note(page, cut);
        });
    }
    let topic = match subject {
        Subject::Checks => &scenario.started.id,
        Subject::Scenarios => &check.id,
    };
    copyable(page, "more on this check", &format!("pns explain {topic}"));
}

fn scenario_file(page: &mut Page<'_>, scenario: &ScenarioText) {
    page.element("details", &[], |page| {
        page.element("summary", &[], |page| {
            page.text("The scenario file that shows it");
            if scenario.shrunk_by > 0 {
                page.text(&format!(", the simplest of {} tried", count(scenario.shrunk_by, "case")));
            }
        });
        if let Some(path) = &scenario.saved {
            copyable(page, "saved as", path);
        }
        let (text, cut) = clipped(&scenario.text, SCENARIO_BYTES_MAX);
        copyable(page, "file", text);
        cut_note(page, cut);
    });
}

fn cut_note(page: &mut Page<'_>, cut: Option<String>) {
    if let Some(cut) = cut {
        page.leaf("p", &[("class", "cut")], &cut);
    }
}
