//! Steps: one verb each.

use std::collections::BTreeMap;
use std::time::Duration;

use pns_engine::EventType;
use pns_simulator::service::model::Course;

use super::super::document;
use super::super::model::{
    Action, Condition, Downtime, Emit, EmitOrder, Emitted, Goal, Probe, Step, Template, Validity, Which,
    WindowStart,
};
use super::super::reader::{Fields, Reader};
use super::super::units;
use super::super::yaml::{Node, Value, shorten};
use super::{Applies, MAX_EMITTED, MAX_STEPS, condition, fault, pull, request, subscription};

const VERBS: [&str; 14] = [
    "emit",
    "fault",
    "downtime",
    "extend",
    "cancel",
    "rate_limit",
    "change",
    "advance",
    "until",
    "restart",
    "probe",
    "request",
    "pull_fault",
    "pushed_back",
];

/// Which verbs a sibling key belongs to.
const SIBLINGS: [(&str, &[&str]); 19] = [
    ("count", &["emit"]),
    ("with", &["emit"]),
    ("save", &["emit", "request", "pushed_back"]),
    ("valid", &["emit"]),
    ("order", &["emit"]),
    ("rfp", &["emit"]),
    ("for", &["fault"]),
    ("of", &["fault", "pushed_back"]),
    ("on", &["fault", "rate_limit", "change"]),
    ("within", &["until", "request", "pushed_back"]),
    ("copies", &["request"]),
    ("alike", &["request"]),
    ("times", &["request"]),
    ("pause", &["request"]),
    ("answer", &["request"]),
    ("then_closed", &["request"]),
    ("or_skip", &["request"]),
    ("body_without", &["request"]),
    ("title", &["request"]),
];

/// The steps, included ones first, and those of `finally`.
pub(super) fn all(reader: &mut Reader<'_>, fields: &Fields<'_>, included: &[Node]) -> (Vec<Step>, Vec<Step>) {
    let own = fields.get("steps");
    if own.is_none() && included.is_empty() {
        reader.required(fields, "steps", |_, _| Some(()));
    }
    let finally = fields.get("finally");
    for node in own.into_iter().chain(finally) {
        if let Value::List(items) = &node.value {
            items.iter().for_each(|item| note_saved(reader, item));
        }
    }
    included.iter().for_each(|item| note_saved(reader, item));
    let mut steps: Vec<Step> = included.iter().filter_map(|node| step(reader, node)).collect();
    if let Some(node) = own {
        steps.extend(steps_of(reader, node));
        if steps.len() > MAX_STEPS {
            let message = format!("{} steps, the limit is {MAX_STEPS}", steps.len());
            reader.error::<()>(node.span, message);
        }
    }
    let finally = finally.map(|node| steps_of(reader, node)).unwrap_or_default();
    (steps, finally)
}

fn steps_of(reader: &mut Reader<'_>, node: &Node) -> Vec<Step> {
    reader.list(node, MAX_STEPS, step).unwrap_or_default()
}

/// A fault may name notifications, and an RFP, that are published after it.
fn note_saved(reader: &mut Reader<'_>, step: &Node) {
    if let Some(Node { value: Value::Text(name), .. }) = step.get("rfp") {
        reader.scope.rfps.insert(name.clone());
    }
    if ["emit", "request", "pushed_back"].iter().any(|verb| step.get(verb).is_some())
        && let Some(Node { value: Value::Text(name), .. }) = step.get("save")
    {
        reader.scope.saved.insert(name.clone());
    }
}

/// `None` also for a step that `when` excludes.
fn step(reader: &mut Reader<'_>, node: &Node) -> Option<Step> {
    let fields = reader.fields::<document::Step>(node, "a step")?;
    let verb = reader.exactly_one(&fields, &VERBS, "a step")?;
    reader.only_with(&fields, &verb.key, &SIBLINGS);
    let when = reader.optional(&fields, "when", condition);
    let value = &verb.node;
    let action = match verb.key.as_str() {
        "emit" => emit(reader, &fields, value).map(Action::Emit),
        "fault" => fault::fault(reader, &fields, value),
        "downtime" => downtime(reader, value).map(Action::Downtime),
        "extend" => extend(reader, value),
        "cancel" => reader.window(value).map(Action::Cancel),
        "rate_limit" => {
            let on = reader.the_subscription(&fields);
            let limit = reader.rate_limit_or_none(value);
            on.zip(limit).map(|(on, limit)| Action::RateLimit { on, limit })
        }
        "change" => {
            let on = reader.the_subscription(&fields);
            let to = subscription::change(reader, value);
            on.zip(to).map(|(on, to)| Action::Change { on, to: Box::new(to) })
        }
        "advance" => reader.span(value).map(Action::Advance),
        "until" => {
            let within = reader.optional(&fields, "within", Reader::lasting_span);
            goal(reader, value).map(|goal| Action::Until { goal, within })
        }
        "restart" => reader.span(value).map(Action::Restart),
        "pull_fault" => pull::fault(reader, value),
        "pushed_back" => pull::pushed_back(reader, &fields, value).map(Action::PushedBack),
        "request" => request::request(reader, &fields, value).map(Box::new).map(Action::Request),
        _ => probe(reader, value).map(Action::Probe),
    }?;
    let place = reader.sources.place(verb.key_span);
    match when {
        Some(Applies::Never) => None,
        Some(Applies::If(when)) => Some(Step { place, when, action }),
        None => Some(Step { place, when: Condition::default(), action }),
    }
}

fn emit(reader: &mut Reader<'_>, step: &Fields<'_>, node: &Node) -> Option<Emit> {
    let what = emitted(reader, node);
    let count = reader.optional(step, "count", Reader::times).unwrap_or(1);
    let with = reader.optional(step, "with", |reader, node| {
        reader.map(node, "members of the body")?;
        reader.template(node)
    });
    let save = reader.optional(step, "save", Reader::name);
    let valid = reader.optional(step, "valid", Reader::flag).unwrap_or(true);
    let order = reader.optional(step, "order", |reader, node| {
        reader.choice(
            node,
            &[
                ("published", EmitOrder::Published),
                ("reversed", EmitOrder::Reversed),
                ("shuffled", EmitOrder::Shuffled),
            ],
        )
    });
    let rfp = reader.optional(step, "rfp", Reader::name);
    if let Some(name) = &save {
        reader.runtime_names.insert(name.clone());
    }
    let what = what?;
    if let (Some(entry), Some(why)) = (step.entry("rfp"), about_no_rfp(&what)) {
        return reader.error(entry.key_span, why);
    }
    let each = match &what {
        Emitted::Types(types) => types.len(),
        Emitted::Lifecycle(_) => EventType::ALL.len(),
        Emitted::Raw { .. } => 1,
    };
    if usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(each) > MAX_EMITTED {
        let message = format!("{count} × {each} notifications, the limit of one `emit` is {MAX_EMITTED}");
        let span = step.get("count").map_or(node.span, |node| node.span);
        return reader.error(span, message);
    }
    if matches!(what, Emitted::Raw { .. })
        && let Some(entry) = step.entry("with")
    {
        return reader.error(entry.key_span, "`with` changes a generated body, and `raw` has none");
    }
    let validity = if valid { Validity::Valid } else { Validity::MayBeInvalid };
    Some(Emit { what, count, with, save, validity, order: order.unwrap_or_default(), rfp })
}

/// Why what is emitted cannot be about an RFP that the scenario names.
fn about_no_rfp(what: &Emitted) -> Option<&'static str> {
    match what {
        Emitted::Raw { .. } => Some("`rfp` is written into a generated body, and `raw` has none"),
        Emitted::Types(types) if types.iter().all(|one| *one == EventType::VenueVisibilityChanged) => {
            Some("VENUE_VISIBILITY_CHANGED is about a venue, not about an RFP")
        }
        Emitted::Types(_) | Emitted::Lifecycle(_) => None,
    }
}

fn emitted(reader: &mut Reader<'_>, node: &Node) -> Option<Emitted> {
    match &node.value {
        Value::Text(word) if word == "all" => Some(Emitted::Types(EventType::ALL.to_vec())),
        Value::List(_) => {
            let types = reader.list(node, MAX_EMITTED, Reader::event_type)?;
            if types.is_empty() {
                // Either errors were noted for the items, or there are none.
                return matches!(&node.value, Value::List(items) if items.is_empty())
                    .then(|| reader.error(node.span, "the list of event types is empty"))
                    .flatten();
            }
            Some(Emitted::Types(types))
        }
        Value::Map(_) => emitted_map(reader, node),
        _ => reader.event_type(node).map(|event_type| Emitted::Types(vec![event_type])),
    }
}

fn emitted_map(reader: &mut Reader<'_>, node: &Node) -> Option<Emitted> {
    let fields = reader.fields::<document::EmitMap>(node, "what is emitted")?;
    let kind = reader.exactly_one(&fields, &["lifecycle", "raw"], "what is emitted")?;
    reader.only_with(&fields, &kind.key, &[("type", &["raw"])]);
    if kind.key == "raw" {
        let bytes = reader.text_template(&kind.node);
        let event_type = reader.required(&fields, "type", Reader::event_type);
        return Some(Emitted::Raw { bytes: bytes?, event_type: event_type? });
    }
    let lifecycle = reader.choice(
        &kind.node,
        &[
            ("submit", Course::Submit),
            ("award", Course::Award),
            ("cancel", Course::Cancel),
            ("turn-down", Course::TurnDown),
            ("withdraw", Course::Withdraw),
            ("decline", Course::Decline),
        ],
    );
    lifecycle.map(Emitted::Lifecycle)
}

fn downtime(reader: &mut Reader<'_>, node: &Node) -> Option<Downtime> {
    let fields = reader.fields::<document::Downtime>(node, "a downtime window")?;
    let on = reader.the_subscription(&fields);
    let from = match fields.get("from") {
        None => Some(WindowStart::Now),
        Some(node) => window_start(reader, node),
    };
    let save = reader.optional(&fields, "save", Reader::name);
    if let Some(name) = &save {
        reader.scope.windows.insert(name.clone());
    }
    let open = reader.optional(&fields, "open", Reader::flag).unwrap_or(false);
    let span = match (fields.get("for"), open) {
        (Some(span), false) => Some(reader.lasting_span(span)?),
        (None, true) => None,
        _ => {
            let problem = reader
                .at(node.span, "a window has either a length or an open end", "needs one of them")
                .help("write `for: 2h` or `open: true`");
            reader.note(problem);
            return None;
        }
    };
    Some(Downtime { on: on?, from: from?, span, save })
}

fn window_start(reader: &mut Reader<'_>, node: &Node) -> Option<WindowStart> {
    const EXPECTED: &str = "`now`, `in 10m` or `30m ago`";
    let Value::Text(text) = &node.value else { return reader.mismatch(node, EXPECTED) };
    let start = if text == "now" {
        Some(WindowStart::Now)
    } else if let Some(span) = text.strip_prefix("in ") {
        units::duration(span).ok().map(WindowStart::In)
    } else {
        text.strip_suffix(" ago").and_then(|span| units::duration(span).ok()).map(WindowStart::Ago)
    };
    if start.is_none() {
        return reader.mismatch(node, EXPECTED);
    }
    start
}

fn extend(reader: &mut Reader<'_>, node: &Node) -> Option<Action> {
    let fields = reader.fields::<document::Extend>(node, "an extension")?;
    let window = reader.required(&fields, "window", Reader::window);
    let to = reader.required(&fields, "for", Reader::span);
    Some(Action::Extend { window: window?, to: to? })
}

fn goal(reader: &mut Reader<'_>, node: &Node) -> Option<Goal> {
    if !matches!(node.value, Value::Map(_)) {
        return reader.choice(node, &[("delivered", Goal::Delivered(Which::All))]);
    }
    let fields = reader.fields::<document::Goal>(node, "what is waited for")?;
    let goal = reader.exactly_one(&fields, &["delivered", "attempted", "failed"], "what is waited for")?;
    match goal.key.as_str() {
        "delivered" => reader.which(&goal.node).map(Goal::Delivered),
        "attempted" => reader.times(&goal.node).map(Goal::Attempted),
        _ => {
            let fields = reader.fields::<document::FailedGoal>(&goal.node, "failures to wait for")?;
            let of = reader.of(&fields);
            let times = reader.optional(&fields, "times", Reader::times).unwrap_or(1);
            of.map(|of| Goal::Failed { of, times })
        }
    }
}

fn probe(reader: &mut Reader<'_>, node: &Node) -> Option<Probe> {
    /// Long enough for a receiver that works off a queue, short enough for a test.
    const PATIENCE: Duration = Duration::from_secs(5);
    let fields = reader.fields::<document::Probe>(node, "a probe")?;
    let get = reader.required(&fields, "get", Reader::text_template);
    let (status, json) = reader.optional(&fields, "expect", probe_expect).unwrap_or((200, BTreeMap::new()));
    let within = reader.optional(&fields, "within", Reader::lasting_span).unwrap_or(PATIENCE);
    let mut save = BTreeMap::new();
    if let Some(map) =
        reader.optional(&fields, "save", |reader, node| reader.map(node, "names and JSON paths"))
    {
        for entry in map.entries {
            if !super::variable_name(reader, entry) {
                continue;
            }
            reader.runtime_names.insert(entry.key.clone());
            save.extend(json_path(reader, &entry.node).map(|path| (entry.key.clone(), path)));
        }
    }
    Some(Probe { get: get?, status, json, within, save })
}

fn probe_expect(reader: &mut Reader<'_>, node: &Node) -> Option<(u16, BTreeMap<String, Template>)> {
    let fields = reader.fields::<document::ProbeExpect>(node, "the wanted answer")?;
    let status = reader.optional(&fields, "status", Reader::status).unwrap_or(200);
    let mut json = BTreeMap::new();
    if let Some(map) =
        reader.optional(&fields, "json", |reader, node| reader.map(node, "values by JSON path"))
    {
        for entry in map.entries {
            check_path(reader, &entry.key, entry.key_span);
            json.extend(reader.template(&entry.node).map(|value| (entry.key.clone(), value)));
        }
    }
    Some((status, json))
}

fn json_path(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let path = reader.text(node)?;
    check_path(reader, &path, node.span).then_some(path)
}

/// Notes what is no path.
fn check_path(reader: &mut Reader<'_>, path: &str, span: super::Span) -> bool {
    let fine = crate::json_path::is_path(path);
    if !fine {
        let problem = reader
            .at(span, format!("`{}` is no JSON path", shorten(path)), "not a path")
            .help("paths are `$`, then `.name` and `[index]`, as in `$.items[0].id`");
        reader.note(problem);
    }
    fine
}
