//! `pns explain`: what a check or a clause is about, and how a receiver is mended.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use pns_engine::guarantee::Guarantee;

use super::{Failure, did_you_mean};
use crate::check::{self, CheckKind};
use crate::clause::Clause;
use crate::event::Strength;
use crate::exit::Exit;
use crate::property::{Family, Property, document, registry};
use crate::report::text::{table, wrap};

const WIDTH: usize = 90;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A check, as reports name it, a family of checks, or a clause; none: a list of all
    #[arg(value_name = "CHECK|CLAUSE")]
    topic: Option<String>,
    /// Print all properties that `pns check` tries as a Markdown document
    #[arg(long, conflicts_with = "topic")]
    markdown: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let text = match &args.topic {
        None if args.markdown => document::markdown(),
        None => overview(),
        Some(topic) => explain(topic)?,
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(Exit::Held)
}

fn explain(topic: &str) -> Result<String, Failure> {
    if let Some(kind) = CheckKind::find(topic) {
        return Ok(of_check(kind));
    }
    if let Ok(clause) = topic.parse() {
        return Ok(of_clause(clause));
    }
    if let Some(property) = registry::find(topic) {
        return Ok(of_property(property));
    }
    if let Ok(family) = topic.parse::<Family>() {
        return Ok(of_family(family));
    }
    if let Some(guarantee) = Guarantee::ALL.into_iter().find(|guarantee| guarantee.id() == topic) {
        return Ok(of_guarantee(guarantee));
    }
    let known = topics();
    let failure = Failure::usage(anyhow::anyhow!("no check and no clause is called `{topic}`"));
    Err(match did_you_mean(topic, known) {
        Some(likely) => failure.help(format!("did you mean `{likely}`?")),
        None => failure.help("`pns explain` lists them all"),
    })
}

fn overview() -> String {
    let mut text = String::from("Clauses of Cvent’s page on PNS:\n");
    section(
        &mut text,
        Clause::ALL.iter().map(|clause| vec![clause.name().to_owned(), clause.heading().to_owned()]),
    );
    let row =
        |kind: &CheckKind| vec![kind.id.to_owned(), kind.strength.name().to_owned(), kind.title.to_owned()];
    text.push_str("\nProperties that `pns check` tries, by family (`pns explain FAMILY` lists them):\n");
    let family = |family: Family| {
        let count = registry::all().iter().filter(|property| property.family() == family).count();
        vec![family.name().to_owned(), count.to_string(), family.title().to_owned()]
    };
    section(&mut text, Family::ALL.into_iter().map(family));
    text.push_str("\nChecks of scenario files:\n");
    section(&mut text, check::ALL.iter().map(row));
    text.push_str("\nGuarantees of the sender, checked in every scenario:\n");
    let row = |guarantee: Guarantee| vec![guarantee.id().to_owned(), guarantee.description().to_owned()];
    section(&mut text, Guarantee::ALL.into_iter().map(row));
    text.push_str("\n`pns explain NAME` tells more.\n");
    text
}

fn section(text: &mut String, rows: impl Iterator<Item = Vec<String>>) {
    for line in table(&rows.collect::<Vec<_>>()) {
        writeln!(text, "  {line}").expect("a String takes everything");
    }
}

fn of_family(family: Family) -> String {
    let mut text = format!("{}: {}\n\n", family.name(), family.title());
    let of_family = registry::all().iter().filter(|property| property.family() == family);
    let row = |property: &&Property| {
        vec![property.id.to_owned(), property.strength.name().to_owned(), property.title.to_owned()]
    };
    section(&mut text, of_family.map(row));
    text.push_str("\n`pns explain ID` tells more of one.\n");
    text
}

fn of_property(property: &Property) -> String {
    let mut text = format!("{}: {}\n", property.id, property.title);
    paragraph(&mut text, "Strength", strength(property.strength));
    paragraph(&mut text, "What is done", property.does);
    paragraph(&mut text, "Why it matters", property.why);
    paragraph(&mut text, "How a receiver is mended", property.mend);
    let needs: Vec<&str> = property.needs.iter().map(|need| document::needed(*need)).collect();
    if !needs.is_empty() {
        paragraph(&mut text, "Needs", &needs.join(", "));
    }
    if !property.tags.is_empty() {
        paragraph(&mut text, "Tags", &property.tags.join(", "));
    }
    quote(&mut text, property.clause);
    text
}

fn of_check(kind: &CheckKind) -> String {
    let mut text = format!("{}: {}\n", kind.id, kind.title);
    paragraph(&mut text, "Strength", strength(kind.strength));
    quote(&mut text, kind.clause);
    paragraph(&mut text, "When it does not hold", kind.mend);
    paragraph(&mut text, "What a receiver does", kind.clause.advice());
    text
}

fn of_clause(clause: Clause) -> String {
    let mut text = format!("{clause}\n");
    quote(&mut text, clause);
    paragraph(&mut text, "What a receiver does", clause.advice());
    let checks: Vec<&str> =
        check::ALL.iter().filter(|kind| kind.clause == clause).map(|kind| kind.id).collect();
    if !checks.is_empty() {
        paragraph(&mut text, "Checks", &checks.join(", "));
    }
    text
}

fn of_guarantee(guarantee: Guarantee) -> String {
    let mut text = format!("{}: {}\n", guarantee.id(), guarantee.description());
    match clause_of(guarantee) {
        Some(clause) => quote(&mut text, clause),
        None => paragraph(
            &mut text,
            "Rests on",
            "this simulator’s own promise: Cvent’s page does not speak of it",
        ),
    }
    let mend = CheckKind::find("guarantees").expect("the table has it").mend;
    paragraph(&mut text, "When it does not hold", mend);
    text
}

/// The clause on which a guarantee rests; `None` for what is the simulator's own promise.
fn clause_of(guarantee: Guarantee) -> Option<Clause> {
    guarantee.clause().map(|name| name.parse().expect("a test holds the engine's names to ours"))
}

/// Everything that can be explained.
fn topics() -> impl Iterator<Item = &'static str> {
    let checks = check::ALL.iter().map(|kind| kind.id);
    let clauses = Clause::ALL.into_iter().map(Clause::name);
    let properties = registry::all().iter().map(|property| property.id);
    let all = checks.chain(clauses).chain(Guarantee::ALL.into_iter().map(Guarantee::id));
    all.chain(properties).chain(Family::ALL.map(Family::name))
}

fn strength(strength: Strength) -> &'static str {
    match strength {
        Strength::Must => "must: Cvent’s page says so",
        Strength::Should => "should: follows from Cvent’s page, or from HTTP",
        Strength::Advice => "advice: reported, and never red",
    }
}

fn quote(text: &mut String, clause: Clause) {
    let heading = format!("Cvent’s page, “{}”", clause.heading());
    paragraph(text, &heading, &format!("“{}”", clause.sentence()));
}

fn paragraph(text: &mut String, heading: &str, body: &str) {
    writeln!(text, "\n{heading}:").expect("a String takes everything");
    for line in wrap(body, WIDTH) {
        writeln!(text, "  {line}").expect("a String takes everything");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_listed_can_be_explained() {
        for topic in topics() {
            let text = explain(topic).unwrap();
            assert!(text.starts_with(topic), "{text}");
            assert!(text.contains("Cvent’s page") || topic.parse::<Family>().is_ok(), "{text}");
            assert!(topic.contains('/') || overview().contains(topic));
        }
    }

    #[test]
    fn a_misspelt_name_is_guessed() {
        let failure = explain("within-ratelimit").unwrap_err();
        assert_eq!(failure.help.as_deref(), Some("did you mean `within-rate-limit`?"));
        assert_eq!(failure.exit.code(), 2);
    }

    #[test]
    fn a_guarantee_names_a_clause_of_the_page() {
        for guarantee in Guarantee::ALL {
            assert!(guarantee.clause().is_none_or(|name| name.parse::<Clause>().is_ok()), "{guarantee:?}");
        }
    }

    #[test]
    fn quotes_are_the_pages_own_words() {
        let text = of_clause(Clause::RateLimiting);
        assert!(text.contains("at a rate faster than"), "{text}");
    }
}
