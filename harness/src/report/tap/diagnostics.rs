//! The YAML under a test point.
//!
//! Every text is a double-quoted scalar and several lines are a list of such, so that nothing a receiver says
//! can be taken for YAML, or for the end of the block.

use super::super::collect::CollectedScenario;
use super::super::text::offset;
use crate::event::{CheckFailure, CheckResult, DeliveryTimeline, WireExchange};
use crate::redact::Redactor;

/// Of one failure.
const EXCHANGES_MAX: usize = 4;
/// Of a request, a response or a scenario file.
const LINES_MAX: usize = 60;

/// Lines of a YAML block, each with its depth.
#[derive(Debug, Default)]
pub(super) struct Diagnostics(Vec<(usize, Line)>);

#[derive(Debug)]
enum Line {
    /// `key:`, with lines of greater depth below.
    Open(&'static str),
    /// `key: "text"`.
    Text(&'static str, String),
    /// `key: 7`.
    Number(&'static str, u64),
    /// `key: true`.
    Flag(&'static str, bool),
    /// `- "text"`.
    Item(String),
    /// `-`, with lines of greater depth below.
    Entry,
}

impl Diagnostics {
    pub(super) fn of_check(scenario: &CollectedScenario, check: &CheckResult) -> Self {
        let mut block = Self::default();
        block.check(0, scenario, check);
        block
    }

    pub(super) fn of_scenario(scenario: &CollectedScenario) -> Self {
        let mut block = Self::default();
        let Some(finished) = &scenario.finished else { return block };
        block.text(0, "verdict", scenario.standing().remark());
        if let Some(reason) = scenario.reason() {
            block.text(0, "reason", reason);
        }
        block.number(0, "cases", finished.cases);
        block.number(0, "requests", finished.attempts);
        block.number(0, "duration_ms", u64::try_from(finished.wall.as_millis()).unwrap_or(u64::MAX));
        let mut broken = finished.checks.iter().filter(|check| check.verdict.is_broken()).peekable();
        if let Some(check) = broken.next_if(|check| check.id == scenario.started.id) {
            block.circumstances(0, scenario, check);
        }
        if broken.peek().is_some() {
            block.push(0, Line::Open("broken"));
        }
        for check in broken {
            block.push(1, Line::Entry);
            block.check(2, scenario, check);
        }
        block
    }

    fn check(&mut self, depth: usize, scenario: &CollectedScenario, check: &CheckResult) {
        self.text(depth, "check", &check.id);
        self.text(depth, "title", &check.title);
        self.text(depth, "verdict", check.verdict.name());
        if let Some(reason) = check.verdict.reason() {
            self.text(depth, "reason", reason);
        }
        self.circumstances(depth, scenario, check);
    }

    fn circumstances(&mut self, depth: usize, scenario: &CollectedScenario, check: &CheckResult) {
        self.text(depth, "strength", check.strength.name());
        self.text(depth, "clause", check.clause.name());
        if let Some(place) = check.location.as_ref().or(scenario.started.location.as_ref()) {
            self.text(depth, "file", &place.file);
            self.number(depth, "line", u64::from(place.line));
        }
        if let Some(failure) = &check.failure {
            self.failure(depth, failure);
        }
    }

    fn failure(&mut self, depth: usize, failure: &CheckFailure) {
        self.text(depth, "expected", &failure.expected);
        self.text(depth, "found", &failure.found);
        if let Some(times) = failure.reproduced {
            self.push(depth, Line::Open("reproduced"));
            self.number(depth + 1, "failed", u64::from(times.failed));
            self.number(depth + 1, "tried", u64::from(times.tried));
        }
        self.texts(depth, "meaning", &failure.explanation);
        let left_out = failure.exchanges.len().saturating_sub(EXCHANGES_MAX);
        if left_out > 0 {
            self.number(depth, "exchanges_left_out", left_out as u64);
        }
        if !failure.exchanges.is_empty() {
            self.push(depth, Line::Open("exchanges"));
        }
        for exchange in failure.exchanges.iter().skip(left_out) {
            self.push(depth + 1, Line::Entry);
            self.exchange(depth + 2, exchange);
        }
        if !failure.deliveries.is_empty() {
            self.push(depth, Line::Open("deliveries"));
        }
        for delivery in &failure.deliveries {
            self.push(depth + 1, Line::Entry);
            self.delivery(depth + 2, delivery);
        }
        if let Some(scenario) = &failure.scenario {
            match &scenario.saved {
                Some(path) => self.text(depth, "scenario_file", path),
                None => self.texts(depth, "scenario", &scenario.text),
            }
        }
        if let Some(curl) = &failure.curl {
            self.text(depth, "curl", curl);
        }
        self.text(depth, "repeat", &failure.repeat);
    }

    fn exchange(&mut self, depth: usize, exchange: &WireExchange) {
        self.text(depth, "label", &exchange.label);
        self.text(depth, "connection", &exchange.connection);
        self.text(depth, "outcome", &exchange.outcome);
        self.push(depth, Line::Flag("fits", exchange.fits));
        self.texts(depth, "request", &exchange.request);
        self.texts(depth, "response", exchange.response.as_deref().unwrap_or_default());
    }

    fn delivery(&mut self, depth: usize, delivery: &DeliveryTimeline) {
        self.text(depth, "delivery", &delivery.delivery);
        self.text(depth, "event_type", &delivery.event_type);
        let attempts = delivery.attempts.iter().map(|attempt| {
            format!("attempt {} {} {}", attempt.number, offset(attempt.offset), attempt.outcome)
        });
        self.texts(depth, "attempts", &attempts.collect::<Vec<_>>().join("\n"));
    }

    fn push(&mut self, depth: usize, line: Line) {
        self.0.push((depth, line));
    }

    fn number(&mut self, depth: usize, key: &'static str, number: u64) {
        self.push(depth, Line::Number(key, number));
    }

    fn text(&mut self, depth: usize, key: &'static str, text: &str) {
        if !text.is_empty() {
            self.push(depth, Line::Text(key, text.to_owned()));
        }
    }

    fn texts(&mut self, depth: usize, key: &'static str, text: &str) {
        let total = text.lines().count();
        if total <= 1 {
            return self.text(depth, key, text.trim_end());
        }
        self.push(depth, Line::Open(key));
        for line in text.lines().take(LINES_MAX) {
            self.push(depth + 1, Line::Item(line.to_owned()));
        }
        if total > LINES_MAX {
            self.push(depth + 1, Line::Item(format!("… {} more lines", total - LINES_MAX)));
        }
    }

    pub(super) fn lines(&self, redactor: &Redactor) -> Vec<String> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let mut lines = vec!["  ---".to_owned()];
        lines.extend(self.0.iter().map(|(depth, line)| {
            let indent = "  ".repeat(depth + 1);
            match line {
                Line::Open(key) => format!("{indent}{key}:"),
                Line::Text(key, text) => format!("{indent}{key}: {}", quoted(&redactor.redact(text))),
                Line::Number(key, number) => format!("{indent}{key}: {number}"),
                Line::Flag(key, flag) => format!("{indent}{key}: {flag}"),
                Line::Item(text) => format!("{indent}- {}", quoted(&redactor.redact(text))),
                Line::Entry => format!("{indent}-"),
            }
        }));
        lines.push("  ...".to_owned());
        lines
    }
}

/// `text` as a double-quoted scalar: a JSON string, and what YAML calls unprintable escaped as well.
fn quoted(text: &str) -> String {
    let json = serde_json::to_string(text).expect("a string is always JSON");
    let unprintable = |c: char| {
        matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    if !json.contains(unprintable) {
        return json;
    }
    let escape = |c: char| if unprintable(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    json.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_yaml_cannot_show_is_escaped() {
        assert_eq!(quoted("a\"\\\n...\u{85}\u{2028}\u{feff}ü✓😀"), r#""a\"\\\n...\u0085\u2028\ufeffü✓😀""#);
    }
}
