//! Requests by bytes.

use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use pns_engine::EventType;

use super::super::document;
use super::super::model::{
    AnswerKind, Answers, Course, Request, RequestAuth, RequestBody, RequestTarget, Template,
};
use super::super::reader::{Fields, Reader};
use super::super::yaml::{Node, Value, shorten};
use super::wire;
use crate::wire::plan::{STALL_MAX, stop_words};
use crate::wire::shape::{Below, Stop, StopAfter, Then, Version};

/// Largest body with its padding, in bytes: four times what common servers take, some thousand times a notification.
const BODY_MAX: u64 = 4 << 20;
/// Most repetitions: enough for an endurance check, few enough for a minute.
const TIMES_MAX: u64 = 10_000;
/// Most requests at once: below the usual limit of open files.
const COPIES_MAX: u64 = 256;
/// Most header lines: ten times what common servers take.
const HEADERS_MAX: usize = 1_000;
/// Most texts, names or kinds in one list.
const LISTED_MAX: usize = 100;

/// The keys of `request` that choose the body: at most one of them.
const BODIES: [&str; 3] = ["body", "body_hex", "same"];
/// The keys of `request` that belong to a generated body.
const GENERATED: [&str; 3] = ["event", "with", "without"];
/// The keys that shape bytes, which HTTP/2 has none of.
const HTTP1_ONLY: [&str; 6] = ["framing", "prefix", "suffix", "write", "stop", "expect_continue"];

/// `request`, with the keys beside it.
pub(super) fn request(reader: &mut Reader<'_>, step: &Fields<'_>, node: &Node) -> Option<Request> {
    let fields = reader.fields::<document::Request>(node, "a request")?;
    let before = reader.problems.len();
    let body = body(reader, &fields);
    let framing = reader.optional(&fields, "framing", wire::framing).unwrap_or_default();
    let stop = reader.optional(&fields, "stop", wire::stop);
    let below = reader.optional(&fields, "tls", wire::below).unwrap_or_default();
    let version = reader.optional(&fields, "http", version).unwrap_or_default();
    let list = |reader: &mut Reader<'_>, key: &str, read: Read| {
        fields.get(key).map(|node| texts(reader, node, HEADERS_MAX, read)).unwrap_or_default()
    };
    let headers = list(reader, "headers", header_line);
    let request = Request {
        pad: reader
            .optional(&fields, "pad", |reader, node| reader.number(node, 0, BODY_MAX))
            .map_or(0, whole),
        method: reader.optional(&fields, "method", method).unwrap_or_else(|| "POST".to_owned()),
        target: reader.optional(&fields, "target", target).unwrap_or(RequestTarget::Endpoint),
        version,
        headers,
        leave_out: fields
            .get("leave_out")
            .map(|node| reader.one_or_many(node, Reader::text))
            .unwrap_or_default(),
        // A key does not belong on a line that anybody can read.
        auth: reader.optional(&fields, "auth", auth).unwrap_or(match below {
            Below::Plain => RequestAuth::None,
            Below::Tls(_) | Below::Raw(_) => RequestAuth::Target,
        }),
        framing,
        prefix: reader.optional(&fields, "prefix", Reader::text_template),
        suffix: reader.optional(&fields, "suffix", Reader::text_template),
        writing: reader.optional(&fields, "write", wire::writing),
        stop,
        expect_continue: reader.optional(&fields, "expect_continue", Reader::flag).unwrap_or(false),
        on: reader.optional(&fields, "on", Reader::name),
        below,
        course: course(reader, step, stop),
        body: body?,
    };
    fits_together(reader, step, &fields, &request);
    if let Some(name) = &request.course.save {
        reader.runtime_names.insert(name.clone());
    }
    (reader.problems.len() == before).then_some(request)
}

type Read = fn(&mut Reader<'_>, &Node) -> Option<Template>;

/// One text or a list of them, with a limit.
fn texts(reader: &mut Reader<'_>, node: &Node, most: usize, read: Read) -> Vec<Template> {
    match &node.value {
        Value::List(_) => reader.list(node, most, read).unwrap_or_default(),
        _ => read(reader, node).into_iter().collect(),
    }
}

fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn body(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<RequestBody> {
    let mut chosen = fields.entries.iter().filter(|entry| BODIES.contains(&entry.key.as_str()));
    let first = chosen.next();
    if let (Some(first), Some(second)) = (first, chosen.next()) {
        let message =
            format!("`{}` and `{}` exclude each other: a request has one body", first.key, second.key);
        let mut problem = reader.at(second.key_span, message, "the second");
        problem.related = Some((reader.sources.place(first.key_span), "the first".to_owned()));
        reader.note(problem);
        return None;
    }
    let Some(first) = first else { return generated(reader, fields) };
    if let Some(other) = fields.entries.iter().find(|entry| GENERATED.contains(&entry.key.as_str())) {
        let message =
            format!("`{}` belongs to a generated body, and `{}` says another", other.key, first.key);
        return reader.error(other.key_span, message);
    }
    match first.key.as_str() {
        "body" => reader.text_template(&first.node).map(RequestBody::Text),
        "body_hex" => bytes(reader, &first.node).map(RequestBody::Bytes),
        _ => reader.saved(&first.node).map(RequestBody::Same),
    }
}

fn generated(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<RequestBody> {
    let event_type = match fields.get("event") {
        Some(node) => reader.event_type(node),
        None => Some(EventType::RfpSend),
    };
    let with = reader.optional(fields, "with", |reader, node| {
        reader.map(node, "members of the body")?;
        reader.template(node)
    });
    let without =
        fields.get("without").map(|node| reader.one_or_many(node, Reader::text)).unwrap_or_default();
    // A name at the top is a pointer of one step.
    let pointer = |name: String| {
        if name.starts_with('/') { name } else { format!("/{}", name.replace('~', "~0").replace('/', "~1")) }
    };
    let without = without.into_iter().map(pointer).collect();
    Some(RequestBody::Generated { event_type: event_type?, with, without })
}

/// Bytes in hexadecimal; spaces between them do not matter.
pub(super) fn bytes(reader: &mut Reader<'_>, node: &Node) -> Option<Bytes> {
    const EXPECTED: &str = "bytes in hexadecimal, such as `\"fffe7b00\"`";
    let text = match &node.value {
        Value::Text(text) if !text.contains("{{") => text,
        // A few digits without quotes are a number to YAML, which would lose zeros before them.
        _ => return reader.mismatch(node, EXPECTED),
    };
    let digits: Option<Vec<u8>> = text
        .bytes()
        .filter(|byte| *byte != b' ')
        .map(|byte| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    match digits {
        Some(digits) if digits.len().is_multiple_of(2) => {
            Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
        }
        _ => reader.mismatch(node, EXPECTED),
    }
}

fn version(reader: &mut Reader<'_>, node: &Node) -> Option<Version> {
    const VERSIONS: [(&str, Version); 3] =
        [("1.1", Version::Http11), ("1.0", Version::Http10), ("2", Version::Http2)];
    // Without quotes they are numbers, and mean the same.
    match &node.value {
        Value::Number(number) if number.as_f64() == Some(1.1) => Some(Version::Http11),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(Version::Http10),
        Value::Number(number) if number.as_f64() == Some(2.0) => Some(Version::Http2),
        Value::Number(_) => reader.mismatch(node, "`1.1`, `1.0` or `2`"),
        _ => reader.choice(node, &VERSIONS),
    }
}

fn method(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let text = reader.text(node)?;
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(text);
    }
    reader.error(node.span, format!("`{}` is no method", shorten(&text)))
}

fn target(reader: &mut Reader<'_>, node: &Node) -> Option<RequestTarget> {
    let text = reader.text_with_key(node)?;
    Some(match text.0.as_str() {
        Some("absolute") => RequestTarget::Absolute,
        _ => RequestTarget::Text(text),
    })
}

fn header_line(reader: &mut Reader<'_>, node: &Node) -> Option<Template> {
    match &node.value {
        Value::Map(_) => {
            let problem = reader
                .at(node.span, "expected a header line, found a map", "expected a text")
                .help("put the line into quotes, as in `\"X-Trace: 1\"`");
            reader.note(problem);
            None
        }
        _ => reader.text_with_key(node),
    }
}

fn auth(reader: &mut Reader<'_>, node: &Node) -> Option<RequestAuth> {
    if !matches!(node.value, Value::Map(_)) {
        let words =
            [("target", RequestAuth::Target), ("none", RequestAuth::None), ("wrong", RequestAuth::Wrong)];
        return reader.choice(node, &words);
    }
    let fields = reader.fields::<document::AuthText>(node, "an authorization")?;
    reader.required(&fields, "text", Reader::text_with_key).map(RequestAuth::Text)
}

fn course(reader: &mut Reader<'_>, step: &Fields<'_>, stop: Option<Stop>) -> Course {
    let count = |reader: &mut Reader<'_>, key: &str, most: u64| {
        let number = reader.optional(step, key, |reader, node| reader.number(node, 1, most));
        number.map_or(1, |number| u32::try_from(number).unwrap_or(u32::MAX))
    };
    let answer = reader.optional(step, "answer", answers);
    if let (Some(entry), Some(stop @ Stop { then: Then::Reset, .. })) = (step.entry("answer"), stop) {
        let message = format!("nothing can come back to a request that is {}", stop_words(stop));
        reader.error::<()>(entry.key_span, message);
    }
    Course {
        copies: count(reader, "copies", COPIES_MAX),
        alike: reader.optional(step, "alike", Reader::flag).unwrap_or(false),
        times: count(reader, "times", TIMES_MAX),
        pause: reader.optional(step, "pause", stall).unwrap_or_default(),
        answer,
        within: reader.optional(step, "within", Reader::lasting_span),
        then_closed: reader.optional(step, "then_closed", Reader::flag).unwrap_or(false),
        or_skip: reader.optional(step, "or_skip", Reader::flag).unwrap_or(false),
        body_without: step
            .get("body_without")
            .map(|node| texts(reader, node, LISTED_MAX, |reader, node| reader.text_with_key(node)))
            .unwrap_or_default(),
        title: reader.optional(step, "title", Reader::text_template),
        save: reader.optional(step, "save", Reader::name),
    }
}

/// A span of real time that is spent doing nothing.
pub(super) fn stall(reader: &mut Reader<'_>, node: &Node) -> Option<Duration> {
    let span = reader.span(node)?;
    if span > STALL_MAX {
        return reader.error(node.span, "the pause is longer than the limit of 30s");
    }
    Some(span)
}

fn answers(reader: &mut Reader<'_>, node: &Node) -> Option<Answers> {
    let kinds = |reader: &mut Reader<'_>, node: &Node| {
        let kinds = reader.one_or_many(node, answer_kind);
        if matches!(&node.value, Value::List(items) if items.is_empty()) {
            return reader.error(node.span, "the list of answers is empty");
        }
        (!kinds.is_empty()).then_some(kinds)
    };
    if !matches!(node.value, Value::Map(_)) {
        return kinds(reader, node).map(Answers::Only);
    }
    let fields = reader.fields::<document::NotAnswers>(node, "what must not come back")?;
    reader.required(&fields, "not", kinds).map(Answers::Not)
}

fn answer_kind(reader: &mut Reader<'_>, node: &Node) -> Option<AnswerKind> {
    let Value::Text(text) = &node.value else { return reader.status(node).map(AnswerKind::Status) };
    let class = text.strip_suffix("xx").and_then(|hundred| hundred.parse().ok());
    if let Some(hundred) = class.filter(|hundred| (2..=5).contains(hundred)) {
        return Some(AnswerKind::Class(hundred));
    }
    if let Some(status) = text.parse().ok().filter(|status| (200..600).contains(status)) {
        return Some(AnswerKind::Status(status));
    }
    let classes = (2..=5).map(|hundred| (["2xx", "3xx", "4xx", "5xx"][hundred - 2], hundred));
    let mut choices: Vec<(&str, AnswerKind)> =
        classes.map(|(name, hundred)| (name, AnswerKind::Class(hundred as u16))).collect();
    choices.extend(AnswerKind::WORDS);
    reader.choice(node, &choices)
}

/// What each key allows by itself may contradict another.
fn fits_together(reader: &mut Reader<'_>, step: &Fields<'_>, fields: &Fields<'_>, request: &Request) {
    if request.version == Version::Http2 {
        for entry in fields.entries.iter().filter(|entry| HTTP1_ONLY.contains(&entry.key.as_str())) {
            reader.error::<()>(
                entry.key_span,
                format!("`{}` shapes bytes of HTTP/1.1, not of HTTP/2", entry.key),
            );
        }
        if !matches!(&request.below, Below::Tls(tls) if tls.alpn == Default::default())
            && let Some(entry) = fields.entry("tls")
        {
            reader.error::<()>(entry.key_span, "HTTP/2 needs TLS and its name in ALPN");
        }
        if let Some(entry) = step.entry("then_closed") {
            reader.error::<()>(entry.key_span, "`then_closed` is about a connection of HTTP/1.1");
        }
    } else if request.course.copies > 1
        && let Some(on) = fields.entry("on")
    {
        let problem = reader
            .at(
                on.key_span,
                "several requests at once do not fit on one connection of HTTP/1.1",
                "one connection",
            )
            .help("write `http: \"2\"` for streams on one connection, or `times` for one after the other");
        reader.note(problem);
    }
    if request.course.copies == 1
        && let Some(entry) = step.entry("alike")
    {
        let problem = reader
            .at(entry.key_span, "`alike` means nothing without several `copies`", "of one")
            .help("say how many, as in `copies: 8`");
        reader.note(problem);
    }
    if let Some(entry) = fields.entry("on")
        && (request.stop.is_some() || matches!(request.below, Below::Raw(_)))
    {
        reader.error::<()>(entry.key_span, "a connection that is broken off is not kept: leave `on` out");
    }
    if let (Some(Stop { after: StopAfter::Connect, .. }), Some(entry)) = (request.stop, fields.entry("tls")) {
        reader
            .error::<()>(entry.key_span, "a request that is broken off after the TCP connection has no TLS");
    }
}

/// A count from 1 that fits memory.
pub(super) fn count(reader: &mut Reader<'_>, node: &Node, most: usize) -> Option<NonZeroUsize> {
    reader.number(node, 1, most as u64).and_then(|number| NonZeroUsize::new(whole(number)))
}
