//! The top of the page: the verdict, the counts, the circumstances, and what weakens the verdict.

use super::super::Collected;
use super::super::collect::CollectedScenario;
use super::super::coverage::Coverage;
use super::super::standing::{Finding, Standing};
use super::super::text::{count, instant, noun, pns_span, target, wall};
use super::super::verdict::{Headline, Tone, headline};
use super::copyable;
use super::write::Page;
use crate::clause::Clause;
use crate::event::{Note, RunStarted, Subject};
use crate::exit::Exit;

/// The verdict; of a broken receiver, with the number of what it broke.
pub(super) fn headline_of(run: &Collected) -> Headline {
    let Some(finished) = &run.finished else {
        return Headline { tone: Tone::Unsure, text: "the run did not end".to_owned(), remark: None };
    };
    let mut headline = headline(run.subject(), finished);
    let failed = run.scenarios.iter().filter(|one| one.standing() == Standing::Failed).count() as u64;
    if Exit::of_run(&finished.totals, &finished.end) == Exit::Broken {
        headline.text = match run.subject() {
            _ if failed == 0 => "what is expected to fail passes".to_owned(),
            Subject::Checks => format!("the receiver broke {}", count(failed, "check")),
            Subject::Scenarios => format!("the receiver failed {}", count(failed, "scenario")),
        };
    }
    headline
}

/// The verdict in its colour, with its sign, so that colour is never the only one.
pub(crate) fn banner(page: &mut Page<'_>, tone: Tone, text: &str, below: impl FnOnce(&mut Page<'_>)) {
    let (tone, sign) = match tone {
        Tone::Good => ("verdict good", "✓"),
        Tone::Bad => ("verdict bad", "✗"),
        Tone::Unsure => ("verdict unsure", "?"),
    };
    page.element("header", &[("class", tone)], |page| {
        page.element("h1", &[], |page| {
            page.leaf("span", &[("class", "sign"), ("aria-hidden", "true")], sign);
            page.text(" ");
            page.text(&capitalised(text));
        });
        below(page);
    });
}

pub(super) fn write(page: &mut Page<'_>, run: &Collected, findings: &[Finding<'_>]) {
    let headline = headline_of(run);
    banner(page, headline.tone, &headline.text, |page| {
        if let Some(run) = &run.started {
            page.element("p", &[("class", "target")], |page| {
                page.leaf("code", &[], target(&run.target));
                page.text(&format!(" judged by pns {}", run.version));
            });
        }
        if let Some(remark) = &headline.remark {
            page.prose("p", &[("class", "remark")], &capitalised(remark));
        }
        counts(page, run);
    });
    page.element("section", &[("class", "run"), ("aria-label", "The run")], |page| {
        page.element("div", &[("class", "columns")], |page| {
            page.element("div", &[("class", "card")], |page| facts(page, run));
            page.element("div", &[("class", "card")], |page| bear_in_mind(page, run));
        });
        contents(page, run.subject(), findings);
    });
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A number for each standing that occurs, and a bar of their shares.
fn counts(page: &mut Page<'_>, run: &Collected) {
    let standings: Vec<Standing> = run.scenarios.iter().map(CollectedScenario::standing).collect();
    let total = standings.len();
    let numbers =
        Standing::ALL.map(|standing| (standing, standings.iter().filter(|one| **one == standing).count()));
    page.element("ul", &[("class", "counts")], |page| {
        for (standing, number) in numbers.iter().filter(|(_, number)| *number > 0) {
            page.element("li", &[("class", class(*standing))], |page| {
                page.leaf("b", &[], &number.to_string());
                page.text(&format!(" {}", standing.label()));
            });
        }
    });
    if total == 0 {
        return;
    }
    let attributes = [
        ("class", "bar"),
        ("viewBox", "0 0 1000 10"),
        ("preserveAspectRatio", "none"),
        ("aria-hidden", "true"),
    ];
    page.element("svg", &attributes, |page| {
        let mut x = 0;
        for (standing, number) in numbers.iter().filter(|(_, number)| *number > 0) {
            let end = x + number;
            let (from, to) = (x * 1_000 / total, end * 1_000 / total);
            x = end;
            page.element(
                "rect",
                &[
                    ("class", class(*standing)),
                    ("x", &from.to_string()),
                    ("width", &(to - from).to_string()),
                    ("height", "10"),
                ],
                |_| {},
            );
        }
    });
}

pub(super) const fn class(standing: Standing) -> &'static str {
    match standing {
        Standing::Passed => "passed",
        Standing::Failed | Standing::UnexpectedPass | Standing::Error => "failed",
        Standing::Warned => "warned",
        Standing::Inconclusive | Standing::Unfinished => "unsure",
        Standing::ExpectedFailure => "expected",
        Standing::Skipped => "skipped",
    }
}

/// A shape for each, so that colour is never the only sign.
pub(super) const fn sign(standing: Standing) -> &'static str {
    match standing {
        Standing::Passed => "✓",
        Standing::Failed | Standing::UnexpectedPass => "✗",
        Standing::Error => "⚠",
        Standing::Warned => "!",
        Standing::Inconclusive | Standing::Unfinished => "?",
        Standing::ExpectedFailure => "≈",
        Standing::Skipped => "–",
    }
}

fn facts(page: &mut Page<'_>, run: &Collected) {
    page.leaf("h2", &[], "The run");
    let mut facts: Vec<(&str, String)> = Vec::new();
    if let Some(started) = &run.started {
        facts.push(("Clock", format!("{}, from {}", started.gear, instant(started.epoch))));
        if started.subject == Subject::Checks {
            facts.push(("Red from", format!("strength “{}” on", started.fail_on.name())));
        }
    }
    if let Some(finished) = &run.finished {
        let cases: u64 =
            run.scenarios.iter().filter_map(|one| one.finished.as_ref()).map(|one| one.cases).sum();
        let sent = finished.totals.attempts;
        facts.push((
            "Sent",
            match run.subject() {
                Subject::Checks => format!("{} in {}", count(sent, "request"), count(cases, "case")),
                Subject::Scenarios => {
                    let deliveries = count(finished.totals.deliveries, "delivery");
                    format!("{} of {deliveries}", count(sent, "attempt"))
                }
            },
        ));
        facts.push((
            "Time",
            format!("{} for {} of PNS time", wall(finished.wall), pns_span(finished.pns_time)),
        ));
    }
    page.element("dl", &[("class", "facts")], |page| {
        for (name, value) in &facts {
            page.element("div", &[], |page| {
                page.leaf("dt", &[], name);
                page.leaf("dd", &[], value);
            });
        }
    });
    if let Some(started) = &run.started {
        page.leaf("p", &[], "The same run again is the same command with");
        copyable(page, "seed", &format!("--seed {}", started.seed));
    }
}

/// What the verdict does not say.
fn bear_in_mind(page: &mut Page<'_>, run: &Collected) {
    page.leaf("h2", &[], "What to bear in mind");
    let coverage = Coverage::of(run);
    let subject = run.subject();
    page.element("ul", &[("class", "notes")], |page| {
        for note in run.started.iter().flat_map(|run| &run.notes) {
            page.prose("li", &[("class", if is_loud(note) { "loud" } else { "note" })], &note.to_string());
        }
        let left = match subject {
            Subject::Checks => coverage.families_left().join(", "),
            Subject::Scenarios => clauses(&coverage.clauses_left()),
        };
        if !left.is_empty() {
            let what = if subject == Subject::Checks { "families" } else { "clauses of Cvent’s page" };
            page.prose("li", &[], &format!("nothing was decided of these {what}: {left}"));
        }
        for gap in coverage.gaps(subject) {
            page.prose("li", &[], &format!("not checked: {gap}"));
        }
        if let Some(RunStarted { filtered_out: left @ 1.., .. }) = &run.started {
            page.prose("li", &[], &format!("{} not selected", count(*left as u64, noun(subject))));
        }
        let nothing_left = coverage.gaps(subject).is_empty()
            && left.is_empty()
            && run.started.as_ref().is_none_or(|run| run.notes.is_empty() && run.filtered_out == 0);
        if nothing_left {
            page.prose("li", &[], "Nothing was left out.");
        }
    });
}

fn is_loud(note: &Note) -> bool {
    matches!(note, Note::TlsNotVerified | Note::PlainHttp | Note::Unsound { .. })
}

fn clauses(clauses: &[Clause]) -> String {
    clauses.iter().map(|clause| clause.name()).collect::<Vec<_>>().join(", ")
}

/// A way to each finding; pointless before few.
fn contents(page: &mut Page<'_>, subject: Subject, findings: &[Finding<'_>]) {
    if findings.len() < 2 {
        return;
    }
    page.element("nav", &[("class", "card"), ("aria-label", "Findings")], |page| {
        page.leaf("h2", &[], &count(findings.len() as u64, "finding"));
        page.element("ol", &[], |page| {
            for (index, finding) in findings.iter().enumerate().take(super::FINDINGS_MAX) {
                let title = match subject {
                    Subject::Checks => &finding.scenario.started.title,
                    Subject::Scenarios => &finding.check.title,
                };
                page.element("li", &[("class", if finding.red { "failed" } else { "warned" })], |page| {
                    page.leaf("a", &[("href", &format!("#finding-{}", index + 1))], title);
                    page.text(" ");
                    page.leaf("code", &[], &finding.scenario.started.id);
                    page.text(" ");
                    page.leaf("span", &[("class", "pill")], finding.check.strength.name());
                });
            }
        });
    });
}
