//! The page of a load run: the verdict, what was asked and measured, what weakens it, and the plots.

mod plot;
mod plots;
mod scale;

use super::words;
use crate::load::document::Document;
use crate::load::document::format::{Search, Step};
use crate::load::verdict::Outcome;
use crate::redact::Redactor;
use crate::report::html::write::Page;
use crate::report::html::{banner, document as page_of, footer};

pub(super) fn render(document: &Document, redactor: &Redactor) -> String {
    let headline = words::headline(document);
    let title = format!("pns load: {} – {}", headline.text, words::target(&document.settings));
    page_of(redactor, &title, include_str!("html/load.css"), |page| {
        top(page, document);
        page.element("main", &[], |page| {
            if let Some(search) = &document.search {
                searched(page, search);
            }
            latency(page, document);
            over_time(page, document);
            outcomes(page, document);
        });
        footer(page, &document.version);
    })
}

fn top(page: &mut Page<'_>, document: &Document) {
    let headline = words::headline(document);
    banner(page, headline.tone, &headline.text, |page| {
        page.element("p", &[("class", "target")], |page| {
            page.leaf("code", &[], words::target(&document.settings));
            page.text(&format!(" loaded by pns {} from {}", document.version, document.started));
        });
        if let Some(remark) = headline.remark {
            page.prose("p", &[("class", "remark")], &capitalised(&remark));
        }
        let totals = &document.totals;
        let p99 = words::micros(document.latency.p99_us);
        let share = words::percent(totals.acknowledged, totals.arrivals);
        page.element("ul", &[("class", "counts")], |page| {
            for (figure, what) in [
                (share.as_str(), "accepted"),
                (&words::rate(totals.rate_per_second), "acknowledged"),
                (&words::micros(document.latency.p50_us), "p50"),
                (&p99, "p99"),
                (&words::micros(document.latency.max_us), "max"),
            ] {
                page.element("li", &[], |page| {
                    page.leaf("b", &[], figure);
                    page.text(&format!(" {what}"));
                });
            }
        });
    });
    page.element("section", &[("class", "run"), ("aria-label", "The run")], |page| {
        page.element("div", &[("class", "columns")], |page| {
            page.element("div", &[("class", "card")], |page| facts(page, "Asked", &words::asked(document)));
            page.element("div", &[("class", "card")], |page| {
                let confirms =
                    if document.search.is_some() { "Measured by the confirming run" } else { "Measured" };
                facts(page, confirms, &words::measured(document));
            });
            page.element("div", &[("class", "card whole")], |page| bear_in_mind(page, document));
        });
        verdicts(page, document);
    });
}

fn facts(page: &mut Page<'_>, title: &str, facts: &[(&str, String)]) {
    page.leaf("h2", &[], title);
    page.element("dl", &[("class", "facts")], |page| {
        for (name, value) in facts {
            page.element("div", &[], |page| {
                page.leaf("dt", &[], &capitalised(name));
                page.leaf("dd", &[], value);
            });
        }
    });
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn bear_in_mind(page: &mut Page<'_>, document: &Document) {
    page.leaf("h2", &[], "What to bear in mind");
    let notes = words::notes(document);
    page.element("ul", &[("class", "notes")], |page| {
        for note in &notes {
            page.prose("li", &[("class", if note.is_loud { "loud" } else { "note" })], &capitalised(&note.text));
        }
        let held = "Latency counts from the moment a notification was due, so a receiver that stalls cannot hide it.";
        page.prose("li", &[], held);
    });
}

/// A table with figures to the right of its first column.
fn table(page: &mut Page<'_>, head: &[&str], body: impl FnOnce(&mut Page<'_>)) {
    page.element("div", &[("class", "scroll")], |page| {
        page.element("table", &[("class", "figures")], |page| {
            page.element("thead", &[], |page| {
                page.element("tr", &[], |page| {
                    head.iter().for_each(|name| page.leaf("th", &[("scope", "col")], name));
                });
            });
            page.element("tbody", &[], body);
        });
    });
}

fn row(page: &mut Page<'_>, class: &'static str, cells: &[String]) {
    page.element("tr", &[("class", class)], |page| {
        cells.iter().for_each(|cell| page.leaf("td", &[], cell));
    });
}

fn verdicts(page: &mut Page<'_>, document: &Document) {
    if document.verdicts.is_empty() {
        return;
    }
    page.element("div", &[("class", "card demands")], |page| {
        page.leaf("h2", &[], "What was demanded");
        table(page, &["", "Demanded", "Found"], |page| {
            for verdict in &document.verdicts {
                let (class, sign) = match verdict.outcome.as_str() {
                    held if held == Outcome::Held.name() => ("passed", "✓ held"),
                    held if held == Outcome::HeldWithinNoise.name() => ("passed", "≈ held, within noise"),
                    broke if broke == Outcome::Broke.name() => ("failed", "✗ broke"),
                    _ => ("unsure", "? not known"),
                };
                page.element("tr", &[], |page| {
                    page.leaf("td", &[("class", class)], sign);
                    page.leaf("td", &[], &verdict.demanded);
                    page.leaf("td", &[], &verdict.found);
                });
            }
        });
    });
}

fn searched(page: &mut Page<'_>, search: &Search) {
    page.element("section", &[("id", "rates")], |page| {
        page.leaf("h2", &[], "Rates that were tried");
        page.element("div", &[("class", "card")], |page| {
            let limits = format!(
                "A rate holds when at least {} is acknowledged, p99 is at most {}, and latency does not grow for as \
                 long as the load lasts.",
                search.accept,
                words::micros(Some(search.p99_us))
            );
            page.prose("p", &[], &limits);
            plots::steps(page, search);
            page.prose("p", &[], &format!("Why not more: {}.", search.reason));
            if search.advised_per_second.is_some() {
                page.prose("p", &[], &format!("The margin: {}.", search.margin));
            }
            page.element("details", &[], |page| {
                page.leaf("summary", &[], "The steps as a table");
                let head = ["Rate", "For", "Accepted", "p99", "Slowed", "What came of it"];
                table(page, &head, |page| search.steps.iter().for_each(|one| step(page, one)));
            });
        });
    });
}

fn step(page: &mut Page<'_>, step: &Step) {
    let mut what = words::broke(step.broke.as_deref()).to_owned();
    if step.again {
        what.push_str(", tried again");
    }
    if step.confirms {
        what.push_str(", confirming");
    }
    let cells = [
        words::rate(step.rate_per_second),
        words::wall_ms(step.span_ms),
        words::percent(step.acknowledged, step.arrivals),
        words::micros(step.p99_us),
        step.slowed.to_string(),
        what,
    ];
    row(page, if step.broke.is_some() { "broke" } else { "" }, &cells);
}

fn latency(page: &mut Page<'_>, document: &Document) {
    page.element("section", &[("id", "latency")], |page| {
        page.leaf("h2", &[], "Latency");
        page.element("div", &[("class", "card")], |page| {
            plots::distribution(page, document);
            let named = words::quantiles(&document.latency);
            let mut head = vec![""];
            head.extend(named.iter().map(|(name, _)| *name));
            head.push("What it is");
            table(page, &head, |page| {
                for (name, of, what) in [
                    ("Latency", &document.latency, "from due to the end of the acknowledgement"),
                    ("Service", &document.service, "from its start to the end of the acknowledgement"),
                    ("Lateness", &document.lateness, "from due to its start, of all that were sent"),
                ] {
                    let mut cells = vec![name.to_owned()];
                    cells.extend(words::quantiles(of).map(|(_, span)| words::micros(span)));
                    cells.push(what.to_owned());
                    row(page, "", &cells);
                }
            });
        });
    });
}

fn over_time(page: &mut Page<'_>, document: &Document) {
    if document.series.slots.len() < 2 {
        return;
    }
    page.element("section", &[("id", "time")], |page| {
        page.leaf("h2", &[], "Over time");
        page.element("div", &[("class", "card")], |page| {
            plots::latency_over_time(page, &document.series);
            plots::rate_over_time(page, &document.series);
        });
    });
}

fn outcomes(page: &mut Page<'_>, document: &Document) {
    if document.outcomes.is_empty() {
        return;
    }
    page.element("section", &[("id", "outcomes")], |page| {
        page.leaf("h2", &[], "What was not acknowledged");
        page.element("div", &[("class", "card")], |page| {
            table(page, &["What came instead", "How often", "Due at", "The first"], |page| {
                for outcome in &document.outcomes {
                    let example = outcome.example.as_ref();
                    page.element("tr", &[], |page| {
                        page.element("td", &[], |page| page.leaf("code", &[], &outcome.class));
                        page.leaf("td", &[], &outcome.count.to_string());
                        let at = words::micros(example.map(|one| one.due_ns / 1_000));
                        page.leaf("td", &[], &at);
                        page.leaf("td", &[], example.map_or("", |one| one.text.as_str()));
                    });
                }
            });
        });
    });
}
