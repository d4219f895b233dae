//! The pull side: what goes wrong with it, what came back through it, and claims on it.

use std::time::Duration;

use super::super::document;
use super::super::model::{
    Action, Bound, CallKind, FaultExtent, PullFault, PullFaultKind, PullTopic, Pulled, PushedBack,
};
use super::super::reader::{Fields, Reader};
use super::super::yaml::{Node, Value};

/// As long as the probe waits: long enough for a receiver that works off a queue, short enough for a test.
const PATIENCE: Duration = Duration::from_secs(5);
/// What the pull API takes: longer than any client waits.
const SLOW_MAX: Duration = Duration::from_secs(600);

/// `pull_fault:`, a map or the word `clear`.
pub(super) fn fault(reader: &mut Reader<'_>, node: &Node) -> Option<Action> {
    if !matches!(node.value, Value::Map(_)) {
        return reader.choice(node, &[("clear", Action::ClearPullFaults)]);
    }
    let fields = reader.fields::<document::PullFaultMap>(node, "a failure of the pull API")?;
    let kinds = ["slow", "answer", "stale", "no_consent"];
    let entry = reader.exactly_one(&fields, &kinds, "a failure of the pull API")?;
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
    let supplier = reader.optional(&fields, "supplier", Reader::text_template);
    let extent = extent(reader, &fields)?;
    Some(Action::PullFault(Box::new(PullFault { kind: kind?, of, rfp, supplier, extent })))
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
    let event_type = reader.event_type(node);
    let of = reader.optional(step, "of", Reader::saved);
    let within = reader.optional(step, "within", Reader::lasting_span).unwrap_or(PATIENCE);
    let save = reader.optional(step, "save", Reader::name);
    if let Some(name) = &save {
        reader.runtime_names.insert(name.clone());
    }
    Some(PushedBack { event_type: event_type?, of, within, save })
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
