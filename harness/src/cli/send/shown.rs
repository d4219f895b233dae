//! How requests and their outcomes are shown.

use std::collections::BTreeSet;

use http::HeaderMap;
use pns_engine::{EventType, FailureReason};
use pns_simulator::advice::{self, Voice};
use pns_simulator::endpoint::Endpoint;
use pns_simulator::transport::Exchange;

use super::Outcome;
use super::body::Body;
use crate::redact::REDACTED;
use crate::report::style::{DIM, GREEN, RED, paint};
use crate::report::text::{printable, wall, wrap};

const WIDTH: usize = 100;
/// Of a receiver's own words so many characters are shown.
const ANSWER_CHARACTERS_MAX: usize = 300;

/// A request's head as HTTP/1.1 writes it, without the key.
pub(super) fn head(endpoint: &Endpoint, headers: &HeaderMap) -> String {
    let mut text = format!("POST {} HTTP/1.1\n", endpoint.path_and_query());
    for (name, value) in headers {
        let value = if value.is_sensitive() {
            format!("api_key {REDACTED}").into()
        } else {
            String::from_utf8_lossy(value.as_bytes())
        };
        text.push_str(&format!("{}: {value}\n", title_case(name.as_str())));
    }
    text
}

/// `Content-Type`: header names as they are usually written.
fn title_case(name: &str) -> String {
    let mut at_start = true;
    name.chars()
        .map(|letter| {
            let shown = if at_start { letter.to_ascii_uppercase() } else { letter };
            at_start = letter == '-';
            shown
        })
        .collect()
}

/// Lines about notifications that were sent, as they come.
pub(super) struct Rows {
    width: usize,
    /// Advice is given once for each reason.
    advised: BTreeSet<FailureReason>,
}

impl Rows {
    pub(super) fn new(events: &[EventType]) -> Self {
        let width = events.iter().map(|event_type| event_type.wire_name().len()).max().unwrap_or(0);
        Self { width, advised: BTreeSet::new() }
    }

    /// The line of one notification; below it, what its failure means.
    pub(super) fn row(&mut self, body: &Body, exchange: &Exchange, outcome: Outcome) -> String {
        let (verdict, came) = match outcome {
            Outcome::Acknowledged => {
                let status = exchange.response.as_ref().map(|response| response.status.as_u16().to_string());
                (paint(GREEN, "acknowledged"), status.unwrap_or_default())
            }
            Outcome::NotAcknowledged(FailureReason::Status(code)) => {
                (paint(RED, "not acknowledged"), code.to_string())
            }
            Outcome::NotAcknowledged(reason) => (paint(RED, "not acknowledged"), reason.to_string()),
            Outcome::Unreachable(reason) => (paint(RED, "unreachable"), reason.to_string()),
        };
        let mut text = format!(
            "{:width$}  {}  {verdict}  {came}  {}\n",
            body.event_type,
            printable(body.event_id.as_deref().unwrap_or("no event id")),
            paint(DIM, &wall(exchange.timings.total)),
            width = self.width,
        );
        if let Outcome::NotAcknowledged(reason) | Outcome::Unreachable(reason) = outcome
            && self.advised.insert(reason)
        {
            explain(&mut text, exchange, reason);
        }
        text
    }
}

/// What a failure means, and what was said.
fn explain(text: &mut String, exchange: &Exchange, reason: FailureReason) {
    let mut paragraph = |said: &str| {
        for line in wrap(said, WIDTH) {
            text.push_str(&format!("    {line}\n"));
        }
    };
    paragraph(&advice::meaning(reason, Voice::CommandLine));
    if let Some(detail) = &exchange.detail {
        paragraph(&format!("in the system's words: {}", printable(detail)));
    }
    let answer = exchange.response.as_ref().map(|response| String::from_utf8_lossy(&response.body));
    if let Some(answer) = answer.filter(|answer| !answer.trim().is_empty()) {
        let start: String = answer.chars().take(ANSWER_CHARACTERS_MAX).collect();
        let more = if start.len() < answer.len() { " …" } else { "" };
        paragraph(&format!("the receiver said: {}{more}", printable(start.trim())));
    }
}
