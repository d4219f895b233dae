//! Requests made by bytes and what came back, one below the other: a terminal is too narrow for both.

use std::io::{self, Write};

use super::super::text::{count, printable, wall};
use crate::event::WireExchange;
use crate::report::style::{DIM, GREEN, RED, paint};

/// Fits a terminal of 100 columns with the indent and the mark.
const WIDTH: usize = 90;
/// Before what is left of a line that did not fit.
const INDENT: &str = "  ";
/// Of each direction: a head and the body of a notification.
const LINES_MAX: usize = 20;
/// Told in full; more would bury them. The telling one stands last, so the earlier ones go.
const IN_FULL_MAX: usize = 3;
/// Told as a line each, before those.
const LINES_BEFORE_MAX: usize = 5;

pub(super) fn write_all(out: &mut impl Write, exchanges: &[WireExchange]) -> io::Result<()> {
    let Some(last) = exchanges.len().checked_sub(1) else { return Ok(()) };
    writeln!(out)?;
    let shown_from = exchanges.len().saturating_sub(IN_FULL_MAX + LINES_BEFORE_MAX);
    if shown_from > 0 {
        writeln!(out, "      … {} before …", count(shown_from as u64, "request"))?;
    }
    let in_full_from = exchanges.len().saturating_sub(IN_FULL_MAX);
    for (index, exchange) in exchanges.iter().enumerate().skip(shown_from) {
        let in_full = index == last || (index >= in_full_from && !exchange.fits);
        line(out, exchange)?;
        if in_full {
            block(out, exchange)?;
        }
    }
    Ok(())
}

fn line(out: &mut impl Write, exchange: &WireExchange) -> io::Result<()> {
    let mark = if exchange.fits { paint(GREEN, "✓") } else { paint(RED, "✗") };
    let took = exchange.latency.map(|latency| format!(" in {}", wall(latency))).unwrap_or_default();
    let WireExchange { label, outcome, connection, .. } = exchange;
    let dim = if connection.is_empty() { String::new() } else { format!("  {connection}") };
    writeln!(
        out,
        "      {mark} {}: {}{took}{}",
        one_line(label),
        one_line(outcome),
        paint(DIM, &one_line(&dim))
    )
}

fn one_line(text: &str) -> String {
    printable(text).replace('\n', " ")
}

fn block(out: &mut impl Write, exchange: &WireExchange) -> io::Result<()> {
    side(out, ">", &exchange.request)?;
    match &exchange.response {
        Some(response) => side(out, "<", response),
        None => writeln!(out, "        {} {}", paint(DIM, "<"), paint(DIM, "(nothing)")),
    }
}

/// Long lines are broken, not cut: what a receiver cannot take often stands at the end of a body.
fn side(out: &mut impl Write, mark: &str, text: &str) -> io::Result<()> {
    let text = printable(text);
    let total: usize = text.lines().map(|line| broken(line).len()).sum();
    for line in text.lines().flat_map(broken).take(LINES_MAX) {
        let line = format!("{} {line}", paint(DIM, mark));
        writeln!(out, "        {}", line.trim_end())?;
    }
    if total > LINES_MAX {
        let more = format!("{mark} … {} more", count((total - LINES_MAX) as u64, "line"));
        writeln!(out, "        {}", paint(DIM, &more))?;
    }
    Ok(())
}

/// `line` in pieces that fit; the pieces after the first are indented.
fn broken(line: &str) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    let Some((first, rest)) = characters.split_at_checked(WIDTH) else { return vec![line.to_owned()] };
    let rest = rest.chunks(WIDTH - INDENT.len()).map(|piece| INDENT.to_owned() + &String::from_iter(piece));
    std::iter::once(String::from_iter(first)).chain(rest).collect()
}
