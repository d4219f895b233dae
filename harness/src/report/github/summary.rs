//! The step summary: the verdict, the counts, the findings, and what was not checked.

use super::super::Collected;
use super::super::collect::CollectedScenario;
use super::super::coverage::Coverage;
use super::super::standing::{Finding, Standing, findings};
use super::super::text::{count, noun, pns_span, reproduced, target, wall};
use super::super::verdict::{Tone, headline};
use super::markdown::Markdown;
use crate::event::{CheckFailure, Subject, WireExchange};
use crate::redact::Redactor;

/// GitHub takes 1 MiB of a step and drops a summary that is longer; other commands may write to it too.
const BYTES_MAX: usize = 400_000;
/// Told in full; the rest is a table.
const IN_FULL_MAX: usize = 20;
/// Characters of a request, a response or a scenario file.
const TEXT_MAX: usize = 3_000;

/// The whole summary.
pub fn summary(run: &Collected, redactor: &Redactor) -> String {
    let mut page = Markdown::new(redactor);
    top(&mut page, run);
    counts(&mut page, run);
    let findings = findings(run);
    for (index, finding) in findings.iter().enumerate() {
        if index == IN_FULL_MAX || page.len() > BYTES_MAX {
            page.markup("\nMore was found:\n\n");
            findings[index..].iter().for_each(|finding| short(&mut page, finding));
            break;
        }
        of_finding(&mut page, run.subject(), finding);
    }
    undecided(&mut page, run);
    not_checked(&mut page, run);
    page.finish()
}

fn top(page: &mut Markdown<'_>, run: &Collected) {
    let finished = run.finished.as_ref();
    let (sign, text, remark) = match finished.map(|finished| headline(run.subject(), finished)) {
        Some(headline) => {
            let sign = match headline.tone {
                Tone::Good => "✅ ",
                Tone::Bad => "❌ ",
                Tone::Unsure => "⚠️ ",
            };
            (sign, headline.text, headline.remark)
        }
        None => ("⚠️ ", "the run did not end".to_owned(), None),
    };
    page.markup("## ").markup(sign).markup("pns: ").text(&text).markup("\n\n");
    if let Some(remark) = remark {
        page.text(&remark).markup("\n\n");
    }
    let Some(run) = &run.started else { return };
    let times = finished
        .map(|finished| format!(", {} of PNS time in {}", pns_span(finished.pns_time), wall(finished.wall)))
        .unwrap_or_default();
    let program = format!(" judged by pns {}, seed {}{times}", run.version, run.seed);
    page.markup("**").text(target(&run.target)).markup("**").text(&program).markup("\n\n");
}

fn counts(page: &mut Markdown<'_>, run: &Collected) {
    let standings: Vec<Standing> = run.scenarios.iter().map(CollectedScenario::standing).collect();
    let told = Standing::ALL.into_iter().filter_map(|standing| {
        let number = standings.iter().filter(|one| **one == standing).count();
        (number > 0).then(|| format!("{number} {}", standing.label()))
    });
    let told: Vec<String> = told.collect();
    let total = count(standings.len() as u64, noun(run.subject()));
    let told = if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) };
    page.text(&format!("{total}{told}")).markup("\n\n");
}

fn short(page: &mut Markdown<'_>, finding: &Finding<'_>) {
    if page.len() > 2 * BYTES_MAX {
        return;
    }
    page.markup("- ").text(&finding.scenario.started.id).markup(": ").text(&finding.check.title).markup("\n");
}

fn of_finding(page: &mut Markdown<'_>, subject: Subject, finding: &Finding<'_>) {
    let Finding { scenario, check, red } = finding;
    let nothing = CheckFailure::default();
    let failure = check.failure.as_deref().unwrap_or(&nothing);
    page.markup(if *red { "### ❌ " } else { "### ⚠️ " }).text(&scenario.started.title).markup("\n\n");
    page.markup("**").text(&scenario.started.id).markup("** · ").text(check.strength.name());
    if let Some(times) = failure.reproduced {
        page.markup(" · ").text(&reproduced(times));
    }
    page.markup("\n\n");
    if check.title != scenario.started.title {
        page.text(&check.title).markup("\n\n");
    }
    page.markup("| | |\n|---|---|\n| expected | ").text(&failure.expected);
    page.markup(" |\n| found | ").text(&failure.found).markup(" |\n\n");
    page.text(&failure.explanation).markup("\n\n");
    page.markup("> ").text(check.clause.sentence()).markup("\n>\n> — Cvent’s page, ");
    page.text(check.clause.heading()).markup("\n\n");
    if let Some(exchange) = failure.exchanges.last() {
        of_exchange(page, exchange);
    }
    if let Some(scenario) = &failure.scenario {
        let markup = "<details><summary>Scenario file that shows it</summary>\n";
        page.markup(markup).code(&clipped(&scenario.text)).markup("</details>\n\n");
    }
    if !failure.repeat.is_empty() {
        page.markup("Repeat:\n").code(&failure.repeat);
    }
    if subject == Subject::Checks {
        page.markup("More on this check:\n").code(&format!("pns explain {}", scenario.started.id));
    }
}

fn of_exchange(page: &mut Markdown<'_>, exchange: &WireExchange) {
    page.markup("<details><summary>Request and response</summary>\n\n");
    page.text(&exchange.label).markup(", ").text(&exchange.connection).markup(": ").text(&exchange.outcome);
    page.markup("\n").code(&clipped(&exchange.request));
    page.code(&clipped(exchange.response.as_deref().unwrap_or("(nothing came back)")));
    page.markup("</details>\n\n");
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(TEXT_MAX) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}\n… cut here", &text[..at]),
    }
}

fn undecided(page: &mut Markdown<'_>, run: &Collected) {
    let undecided: Vec<&CollectedScenario> =
        run.scenarios.iter().filter(|scenario| is_undecided(scenario.standing())).collect();
    if undecided.is_empty() {
        return;
    }
    page.markup("### Not decided, or not as expected\n\n");
    for scenario in undecided.iter().take(2 * IN_FULL_MAX) {
        let standing = scenario.standing();
        page.markup("- **").text(standing.word()).markup("** ").text(&scenario.started.id);
        page.markup(": ").text(standing.remark());
        if let Some(reason) = scenario.reason() {
            page.markup(": ").text(reason);
        }
        page.markup("\n");
    }
    if let Some(left @ 1..) = undecided.len().checked_sub(2 * IN_FULL_MAX) {
        page.markup("- ").text(&format!("and {left} more")).markup("\n");
    }
    page.markup("\n");
}

fn is_undecided(standing: Standing) -> bool {
    matches!(
        standing,
        Standing::Error | Standing::UnexpectedPass | Standing::Inconclusive | Standing::Unfinished
    )
}

fn not_checked(page: &mut Markdown<'_>, run: &Collected) {
    let coverage = Coverage::of(run);
    let mut lines: Vec<String> =
        run.started.iter().flat_map(|run| &run.notes).map(ToString::to_string).collect();
    lines.extend(coverage.gaps(run.subject()).into_iter().map(|gap| format!("not checked: {gap}")));
    if lines.is_empty() {
        return;
    }
    page.markup("### What to bear in mind\n\n");
    for line in &lines {
        page.markup("- ").text(line).markup("\n");
    }
    page.markup("\n");
}
