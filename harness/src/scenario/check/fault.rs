//! Failures injected inside the sender.

use super::super::document;
use super::super::model::{Action, Fault, FaultExtent, FaultKind, Template};
use super::super::reader::{Fields, Reader};
use super::super::source::Span;
use super::super::yaml::{Node, Value};

const KINDS: [&str; 12] = [
    "refuse",
    "connect_timeout",
    "name_resolution",
    "reset",
    "cut_body",
    "slow_body",
    "ack_lost",
    "answer",
    "duplicate",
    "wrong_key",
    "no_key",
    "extra_headers",
];

/// `fault:` of the step `step`, with its `for`, `on` and `of`.
pub(super) fn fault(reader: &mut Reader<'_>, step: &Fields<'_>, node: &Node) -> Option<Action> {
    let on = reader.optional(step, "on", Reader::subscription);
    let of = reader.optional(step, "of", Reader::saved);
    let span = reader.optional(step, "for", Reader::lasting_span);
    if matches!(&node.value, Value::Text(word) if word == "clear") {
        for key in ["for", "of"] {
            if let Some(entry) = step.entry(key) {
                reader.error::<()>(entry.key_span, format!("`{key}` means nothing with `fault: clear`"));
            }
        }
        return Some(Action::ClearFaults { on });
    }
    let (kind, times) = match &node.value {
        Value::Map(_) => with_details(reader, node)?,
        _ => (word(reader, node)?, None),
    };
    let extent = match (times, step.entry("for")) {
        (Some((_, times_span)), Some(entry)) => {
            let mut problem =
                reader.at(entry.key_span, "a fault lasts for a count or for a span", "the span");
            problem.related = Some((reader.sources.place(times_span), "the count".to_owned()));
            problem.help = Some("leave one of them out, as in `fault: refuse` with `for: 2h`".to_owned());
            reader.note(problem);
            return None;
        }
        (None, Some(_)) => FaultExtent::For(span?),
        (Some((times, _)), None) => FaultExtent::Times(times),
        (None, None) => FaultExtent::Times(1),
    };
    Some(Action::Fault(Fault { kind, extent, on, of }))
}

/// `fault: refuse`: once, or for a span.
fn word(reader: &mut Reader<'_>, node: &Node) -> Option<FaultKind> {
    reader.choice(
        node,
        &[
            ("refuse", FaultKind::Refuse),
            ("connect_timeout", FaultKind::ConnectTimeout),
            ("name_resolution", FaultKind::NameResolution),
            ("reset", FaultKind::ResetAfterBody),
            ("cut_body", FaultKind::CutBody),
            ("ack_lost", FaultKind::AckLost),
            ("duplicate", FaultKind::Duplicate),
            ("wrong_key", FaultKind::WrongKey),
            ("no_key", FaultKind::NoKey),
            ("clear", FaultKind::Refuse),
        ],
    )
}

type Times = Option<(u32, Span)>;

fn with_details(reader: &mut Reader<'_>, node: &Node) -> Option<(FaultKind, Times)> {
    let fields = reader.fields::<document::FaultMap>(node, "a fault")?;
    let entry = reader.exactly_one(&fields, &KINDS, "a fault")?;
    let value = &entry.node;
    let kind = match entry.key.as_str() {
        "reset" if matches!(value.value, Value::Map(_)) => return reset(reader, value),
        "slow_body" => return slow_body(reader, value),
        "answer" => return answer(reader, value),
        "extra_headers" => return extra_headers(reader, value),
        "refuse" => FaultKind::Refuse,
        "connect_timeout" => FaultKind::ConnectTimeout,
        "name_resolution" => FaultKind::NameResolution,
        "reset" => FaultKind::ResetAfterBody,
        "cut_body" => FaultKind::CutBody,
        "ack_lost" => FaultKind::AckLost,
        "duplicate" => FaultKind::Duplicate,
        "wrong_key" => FaultKind::WrongKey,
        _ => FaultKind::NoKey,
    };
    Some((kind, count(reader, value)?))
}

/// A count, or `true`: once, or as long as the step's `for` says.
fn count(reader: &mut Reader<'_>, node: &Node) -> Option<Times> {
    match node.value {
        Value::Bool(true) => Some(None),
        Value::Number(_) => reader.times(node).map(|times| Some((times, node.span))),
        _ => reader.mismatch(node, "a number of attempts, or `true` beside `for`"),
    }
}

/// `times:` of a fault's map; with none, the step's `for` may say how long.
fn times(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Times> {
    match fields.get("times") {
        None => Some(None),
        Some(node) => reader.times(node).map(|times| Some((times, node.span))),
    }
}

fn reset(reader: &mut Reader<'_>, node: &Node) -> Option<(FaultKind, Times)> {
    let fields = reader.fields::<document::Reset>(node, "a reset")?;
    let kind = match fields.get("when") {
        None => FaultKind::ResetAfterBody,
        Some(node) => reader.choice(
            node,
            &[("before-body", FaultKind::ResetBeforeBody), ("after-body", FaultKind::ResetAfterBody)],
        )?,
    };
    Some((kind, times(reader, &fields)?))
}

fn slow_body(reader: &mut Reader<'_>, node: &Node) -> Option<(FaultKind, Times)> {
    let fields = reader.fields::<document::SlowBody>(node, "a slow body")?;
    let over = reader.required(&fields, "over", Reader::lasting_span);
    let times = times(reader, &fields)?;
    Some((FaultKind::SlowBody(over?), times))
}

fn answer(reader: &mut Reader<'_>, node: &Node) -> Option<(FaultKind, Times)> {
    let fields = reader.fields::<document::Answer>(node, "an answer")?;
    let status = reader.required(&fields, "status", Reader::status);
    let times = times(reader, &fields)?;
    Some((FaultKind::Answer(status?), times))
}

fn extra_headers(reader: &mut Reader<'_>, node: &Node) -> Option<(FaultKind, Times)> {
    let fields = reader.fields::<document::ExtraHeaders>(node, "headers in addition")?;
    let headers = reader.required(&fields, "headers", |reader, node| {
        let map = reader.map(node, "names and texts")?;
        let mut headers: Vec<(String, Template)> = Vec::new();
        for entry in map.entries {
            if http::HeaderName::from_bytes(entry.key.as_bytes()).is_err() {
                reader.error::<()>(entry.key_span, "not the name of an HTTP header");
            }
            headers.extend(reader.text_template(&entry.node).map(|value| (entry.key.clone(), value)));
        }
        Some(headers)
    });
    let times = times(reader, &fields)?;
    Some((FaultKind::ExtraHeaders(headers?), times))
}
