//! The pull side: what goes wrong with it, what came back through it, and claims on it.

use std::time::Duration;

use pns_engine::{EventType, SupplierId};

use super::super::document;
use super::super::model::{
    Action, Bound, CallKind, FaultExtent, PullFault, PullFaultKind, PullTopic, Pulled, PushedBack, Template,
};
use super::super::reader::{Fields, Reader};
use super::super::yaml::{Entry, Node, Value};

/// As long as the probe waits: long enough for a receiver that works off a queue, short enough for a test.
const PATIENCE: Duration = Duration::from_secs(5);
/// What acts come back as: a turn-down, a forward, an update of a proposal and a new one.
const FROM_ACTS: [EventType; 4] = [
    EventType::ResponseTurnDown,
    EventType::RfpForward,
    EventType::UpdateProposalDetails,
    EventType::ResponseCreateProposal,
];
/// What the pull API takes: longer than any client waits.
const SLOW_MAX: Duration = Duration::from_secs(600);

/// `pull_fault:`, a map or the word `clear`.
pub(super) fn fault(reader: &mut Reader<'_>, node: &Node) -> Option<Action> {
    if !matches!(node.value, Value::Map(_)) {
        return reader.choice(node, &[("clear", Action::ClearPullFaults)]);
    }
    let fields = reader.fields::<document::PullFaultMap>(node, "a failure of the pull API")?;
    let kinds = ["slow", "answer", "stale", "no_consent"];
    let entry = one_kind(reader, &fields, &kinds)?;
    reader.only_with(&fields, &entry.key, &[("retry_after", &["answer"])]);
    let retry_after = reader.optional(&fields, "retry_after", Reader::span);
    let kind = match entry.key.as_str() {
        "slow" => slow(reader, &entry.node).map(PullFaultKind::Slow),
        "answer" => answer(reader, &entry.node).map(|status| PullFaultKind::Answer { status, retry_after }),
        "stale" => reader.lasting_span(&entry.node).map(PullFaultKind::Stale),
        _ => match reader.flag(&entry.node)? {
            true => Some(PullFaultKind::NoConsent),
            false => reader.error(entry.node.span, "`no_consent: false` lets nothing go wrong"),
        },
    };
    let call = |reader: &mut Reader<'_>, node: &Node| {
        reader.choice(node, &CallKind::ALL.map(|kind| (kind.word(), kind)))
    };
    let of = fields.get("of").map(|node| reader.one_or_many(node, call)).unwrap_or_default();
    let rfp = reader.optional(&fields, "rfp", Reader::rfp);
    let supplier = reader.optional(&fields, "supplier", supplier);
    let extent = extent(reader, &fields)?;
    Some(Action::PullFault(Box::new(PullFault { kind: kind?, of, rfp, supplier, extent })))
}

/// The kind of failure. Unlike elsewhere the others cannot stand in an item of their own within the step.
fn one_kind<'n>(reader: &mut Reader<'_>, fields: &Fields<'n>, kinds: &[&str]) -> Option<&'n Entry> {
    let before = reader.problems.len();
    let entry = reader.exactly_one(fields, kinds, "a failure of the pull API");
    for problem in &mut reader.problems[before..] {
        if problem.related.is_some() {
            problem.help =
                Some("leave one of them out, or plan two: a step `pull_fault` for each".to_owned());
        }
    }
    entry
}

/// A supplier. What is filled in when the scenario runs is looked at then.
fn supplier(reader: &mut Reader<'_>, node: &Node) -> Option<Template> {
    let template = reader.text_template(node)?;
    if let Value::Text(text) = &node.value
        && !text.contains("{{")
        && text.parse::<SupplierId>().is_err()
    {
        return reader.error(node.span, "a supplier is named by its UUID");
    }
    Some(template)
}

fn slow(reader: &mut Reader<'_>, node: &Node) -> Option<Duration> {
    let span = reader.lasting_span(node)?;
    if span > SLOW_MAX {
        return reader.error(node.span, "the pull API holds an answer back for at most 10m of real time");
    }
    Some(span)
}

/// A status that tells of a failure: any other would be an answer that says nothing.
fn answer(reader: &mut Reader<'_>, node: &Node) -> Option<u16> {
    let status = reader.status(node)?;
    if status < 400 {
        return reader.error(node.span, "a failure is answered with a status from 400 to 599");
    }
    Some(status)
}

fn extent(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<FaultExtent> {
    match (fields.entry("times"), fields.entry("for")) {
        (Some(times), Some(span)) => {
            let mut problem =
                reader.at(span.key_span, "a failure lasts for a count or for a span", "the span");
            problem.related = Some((reader.sources.place(times.key_span), "the count".to_owned()));
            problem.help = Some("leave one of them out".to_owned());
            reader.note(problem);
            None
        }
        (_, Some(span)) => reader.lasting_span(&span.node).map(FaultExtent::For),
        (Some(times), None) => reader.times(&times.node).map(FaultExtent::Times),
        (None, None) => Some(FaultExtent::Times(1)),
    }
}

/// `pushed_back:` of the step `step`, with its `of`, `within` and `save`.
pub(super) fn pushed_back(reader: &mut Reader<'_>, step: &Fields<'_>, node: &Node) -> Option<PushedBack> {
    let event_type = reader.event_type(node).and_then(|event_type| acted(reader, node, event_type));
    let of = reader.optional(step, "of", Reader::saved);
    let within = reader.optional(step, "within", Reader::lasting_span).unwrap_or(PATIENCE);
    let save = reader.optional(step, "save", Reader::name);
    if let Some(name) = &save {
        reader.runtime_names.insert(name.clone());
    }
    Some(PushedBack { event_type: event_type?, of, within, save })
}

/// The events that acts lead to, and no other: what does not come back is not waited for.
fn acted(reader: &mut Reader<'_>, node: &Node, event_type: EventType) -> Option<EventType> {
    if FROM_ACTS.contains(&event_type) {
        return Some(event_type);
    }
    let known = FROM_ACTS.map(EventType::wire_name);
    let message = format!("no act of a receiver's leads to {}", event_type.wire_name());
    let mut problem = reader.at(node.span, message, "it would never come");
    problem.help = Some(format!("acts lead to {}", known.join(", ")));
    reader.note(problem);
    None
}

/// `pulled:`, names or a map.
pub(super) fn pulled(reader: &mut Reader<'_>, node: &Node) -> Option<Pulled> {
    if !matches!(node.value, Value::Map(_)) {
        return reader.which(node).map(|of| Pulled { of, within: PATIENCE, call: None, times: None });
    }
    let fields = reader.fields::<document::Pulled>(node, "a claim on pulls")?;
    let of = reader.of(&fields);
    let within = reader.optional(&fields, "within", Reader::lasting_span).unwrap_or(PATIENCE);
    let call = reader.optional(&fields, "call", |reader, node| reader.choice(node, &PullTopic::names()));
    let number = |reader: &mut Reader<'_>, node: &Node| reader.number(node, 0, 1_000_000);
    let exactly = reader.optional(&fields, "times", number);
    let most = reader.optional(&fields, "at_most", number);
    if let (Some(times), Some(most)) = (fields.entry("times"), fields.entry("at_most")) {
        let mut problem = reader.at(most.key_span, "`times` and `at_most` exclude each other", "the second");
        problem.related = Some((reader.sources.place(times.key_span), "the first".to_owned()));
        reader.note(problem);
    }
    let times = exactly.map(Bound::Exactly).or(most.map(Bound::AtMost));
    of.map(|of| Pulled { of, within, call, times })
}
