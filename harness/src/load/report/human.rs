//! The report for people, on a terminal or in a log.

use std::io::{self, Write};

use super::words;
use crate::load::document::Document;
use crate::load::document::format::{Search, Step};
use crate::load::verdict::Outcome;
use crate::report::style::{BOLD, DIM, GREEN, RED, YELLOW, paint};
use crate::report::text::{printable, table, wrap};
use crate::report::verdict::Tone;

/// What is wrapped fits a terminal of 100 columns.
const WIDTH: usize = 90;

/// As wide as the longest name of a fact.
const NAME_WIDTH: usize = 9;

/// Tells the whole run.
///
/// # Errors
/// When `out` takes no more.
pub fn write(out: &mut impl Write, document: &Document) -> io::Result<()> {
    let target = printable(words::target(&document.settings));
    let program = paint(BOLD, &format!("pns {}", document.version));
    writeln!(out, "{program} loads {}, from {}", paint(BOLD, &target), document.started)?;
    facts(out, &words::asked(document))?;
    for note in words::notes(document) {
        let (style, word) = if note.is_loud { (YELLOW, "warning") } else { (DIM, "note") };
        for (index, line) in wrap(&printable(&note.text), WIDTH).into_iter().enumerate() {
            let before = if index == 0 { paint(style, word) + ": " } else { "  ".to_owned() };
            writeln!(out, "{before}{line}")?;
        }
    }
    if let Some(search) = &document.search {
        writeln!(out)?;
        steps(out, search)?;
        writeln!(out, "\nThe run that confirmed it:")?;
    } else {
        writeln!(out)?;
    }
    facts(out, &words::measured(document))?;
    writeln!(out)?;
    latencies(out, document)?;
    outcomes(out, document)?;
    verdicts(out, document)?;
    conclusion(out, document)
}

fn facts(out: &mut impl Write, facts: &[(&str, String)]) -> io::Result<()> {
    for (name, value) in facts {
        let name = paint(DIM, &format!("{name:<NAME_WIDTH$}"));
        told(out, &format!("  {name}  "), value)?;
    }
    Ok(())
}

/// A text, wrapped, with what stands before its first line.
fn told(out: &mut impl Write, before: &str, text: &str) -> io::Result<()> {
    for (index, line) in wrap(&printable(text), WIDTH).into_iter().enumerate() {
        let indent = " ".repeat(NAME_WIDTH + 4);
        writeln!(out, "{}{line}", if index == 0 { before } else { &indent })?;
    }
    Ok(())
}

fn latencies(out: &mut impl Write, document: &Document) -> io::Result<()> {
    let row = |name: &str, of, what: &str| {
        let figures = words::quantiles(of).map(|(_, span)| format!("{:>9}", words::micros(span)));
        let mut row = vec![format!("  {name}")];
        row.extend(figures);
        row.push(what.to_owned());
        row
    };
    let mut head = vec![String::new()];
    head.extend(words::quantiles(&document.latency).map(|(name, _)| format!("{name:>9}")));
    let rows = [
        head,
        row("latency", &document.latency, "due to acknowledged"),
        row("service", &document.service, "started to acknowledged"),
        row("lateness", &document.lateness, "due to started"),
    ];
    for (index, line) in table(&rows).into_iter().enumerate() {
        writeln!(out, "{}", if index == 0 { paint(DIM, &line) } else { line })?;
    }
    Ok(())
}

fn outcomes(out: &mut impl Write, document: &Document) -> io::Result<()> {
    if document.outcomes.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nNot acknowledged, by what came instead, with the first of each:")?;
    for outcome in &document.outcomes {
        let asks = outcome.class.starts_with("slow-down");
        let class = paint(if asks { YELLOW } else { RED }, &outcome.class);
        let remark = if asks { "  the receiver asks to be sent less" } else { "" };
        writeln!(out, "  {:>9}  {class}{remark}", outcome.count)?;
        if let Some(example) = &outcome.example {
            let at = words::micros(Some(example.due_ns / 1_000));
            told(out, &" ".repeat(NAME_WIDTH + 4), &format!("at {at}: {}", example.text))?;
        }
    }
    Ok(())
}

fn steps(out: &mut impl Write, search: &Search) -> io::Result<()> {
    writeln!(
        out,
        "A rate holds when at least {} is acknowledged and p99 is at most {}:",
        search.accept,
        words::micros(Some(search.p99_us))
    )?;
    let head = ["rate", "for", "accepted", "p99", "slowed", ""];
    let mut rows = vec![head.iter().map(|name| format!("{name:>9}")).collect::<Vec<_>>()];
    rows.extend(search.steps.iter().map(step));
    for (index, line) in table(&rows).into_iter().enumerate() {
        match index.checked_sub(1).map(|index| &search.steps[index]) {
            None => writeln!(out, "{}", paint(DIM, &line))?,
            Some(step) if step.broke.is_some() => writeln!(out, "{}", paint(RED, &line))?,
            Some(_) => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

fn step(step: &Step) -> Vec<String> {
    let mut remark = words::broke(step.broke.as_deref()).to_owned();
    if step.again {
        remark.push_str(", tried again");
    }
    if step.confirms {
        remark.push_str(" (confirming)");
    }
    [
        words::rate(step.rate_per_second),
        words::wall_ms(step.span_ms),
        words::percent(step.acknowledged, step.arrivals),
        words::micros(step.p99_us),
        step.slowed.to_string(),
    ]
    .iter()
    .map(|cell| format!("{cell:>9}"))
    .chain([remark])
    .collect()
}

fn verdicts(out: &mut impl Write, document: &Document) -> io::Result<()> {
    if !document.verdicts.is_empty() {
        writeln!(out)?;
    }
    for verdict in &document.verdicts {
        let (style, word) = match verdict.outcome.as_str() {
            held if held == Outcome::Held.name() => (GREEN, "HELD"),
            held if held == Outcome::HeldWithinNoise.name() => (GREEN, "NOISE"),
            broke if broke == Outcome::Broke.name() => (RED, "BROKE"),
            _ => (YELLOW, "?"),
        };
        writeln!(out, "{}  {}", paint(style, &format!("{word:>5}")), verdict.demanded)?;
        for line in wrap(&printable(&verdict.found), WIDTH) {
            writeln!(out, "       found {line}")?;
        }
    }
    Ok(())
}

fn conclusion(out: &mut impl Write, document: &Document) -> io::Result<()> {
    let headline = words::headline(document);
    let style = match headline.tone {
        Tone::Good => GREEN,
        Tone::Bad => RED,
        Tone::Unsure => YELLOW,
    };
    writeln!(out, "\n{}", paint(style, &headline.text))?;
    let Some(search) = &document.search else { return Ok(()) };
    if let Some(remark) = &headline.remark {
        writeln!(out, "{}", paint(BOLD, remark))?;
        told(out, &format!("  {}  ", paint(DIM, "margin   ")), &search.margin)?;
    }
    told(out, &format!("  {}  ", paint(DIM, "why      ")), &search.reason)
}
