//! From a tree to [`Scenario`]s: includes are inlined, variables put in, rows expanded, all errors noted.

mod expect;
mod fault;
mod pull;
mod receiver;
mod request;
mod step;
mod subscription;
mod wire;

use std::collections::BTreeSet;

use pns_engine::EventType;

use super::diagnostic::{Diagnostic, nearest};
use super::document;
use super::model::{Condition, Limits, Pack, Requirement, Scenario, Template};
use super::reader::{Fields, Reader, Scope};
use super::source::{Sources, Span};
use super::template::{self, MAX_EXPANSION_BYTES, Substitution};
use super::yaml::{Entry, Node, Value};
use crate::clause::Clause;

/// Most rows of `each`.
pub const MAX_ROWS: usize = 1_000;
/// Most steps of a scenario, included ones counted.
pub const MAX_STEPS: usize = 1_000;
/// Most expectations of a scenario.
pub const MAX_EXPECTATIONS: usize = 1_000;
/// Most notifications that one `emit` publishes.
pub const MAX_EMITTED: usize = 100_000;

/// What included fragments bring, theirs first.
#[derive(Debug, Default)]
pub(super) struct Included {
    pub(super) vars: Vec<Entry>,
    pub(super) steps: Vec<Node>,
}

/// All scenarios of a file: one, or one for each row. Errors are noted in `problems`; a scenario with errors
/// is left out.
pub(super) fn scenarios(
    sources: &Sources,
    problems: &mut Vec<Diagnostic>,
    root: &Node,
    included: &Included,
    id: &str,
) -> Vec<Scenario> {
    let mut reader = Reader::new(sources, problems);
    let before = reader.problems.len();
    let Some(fields) = reader.fields::<document::Scenario>(root, "a scenario") else { return Vec::new() };
    let Some(rows) = rows(&mut reader, &fields) else { return Vec::new() };
    let mut scenarios = Vec::new();
    let mut bytes_left = MAX_EXPANSION_BYTES;
    for row in &rows {
        let mut substitution = Substitution::new(bytes_left);
        if let Some(scenario) = instance(&mut reader, &fields, included, row, id, &mut substitution) {
            scenarios.extend(scenario);
        }
        bytes_left = substitution.bytes_left();
        if bytes_left == 0 {
            break;
        }
    }
    if reader.problems.len() > before { Vec::new() } else { scenarios }
}

/// One row of `each`.
struct Row {
    /// What stands in brackets behind the id; `None`: the scenario has no rows.
    label: Option<String>,
    vars: Vec<Entry>,
}

fn rows(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Vec<Row>> {
    let Some(node) = fields.get("each") else {
        return Some(vec![Row { label: None, vars: Vec::new() }]);
    };
    let sets: Vec<Vec<Entry>> = match &node.value {
        Value::Map(entries) => all_event_types(reader, node, entries)?,
        _ => reader.list(node, MAX_ROWS, |reader, item| {
            reader.map(item, "a row of variables").map(|row| row.entries.to_vec())
        })?,
    };
    if sets.is_empty() {
        return reader.error(node.span, "`each` has no row: the scenario would never run");
    }
    let mut seen = BTreeSet::new();
    let mut rows = Vec::new();
    for (index, vars) in sets.into_iter().enumerate() {
        let label = Some(row_label(&vars, index)).filter(|label| seen.insert(label.clone()));
        let label = label.unwrap_or_else(|| format!("row {}", index + 1));
        rows.push(Row { label: Some(label), vars });
    }
    Some(rows)
}

/// `{ NAME: all-event-types }`.
fn all_event_types(reader: &mut Reader<'_>, node: &Node, entries: &[Entry]) -> Option<Vec<Vec<Entry>>> {
    let [entry] = entries else {
        return reader.mismatch(node, "a list of rows, or `{ NAME: all-event-types }`");
    };
    reader.choice(&entry.node, &[("all-event-types", ())])?;
    let row = |event_type: EventType| {
        let value = Value::Text(event_type.wire_name().to_owned());
        vec![Entry { node: Node { span: entry.node.span, value }, ..entry.clone() }]
    };
    Some(EventType::ALL.into_iter().map(row).collect())
}

/// The scalar values of a row, short enough to be typed.
fn row_label(vars: &[Entry], index: usize) -> String {
    let words: Vec<String> = vars
        .iter()
        .filter_map(|entry| match &entry.node.value {
            Value::Text(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            _ => None,
        })
        .collect();
    let label = words.join(",");
    let typable = |c: char| c.is_ascii_alphanumeric() || "-_.,".contains(c);
    if label.is_empty() || label.len() > 60 || !label.chars().all(typable) {
        format!("row {}", index + 1)
    } else {
        label
    }
}

/// The scenario of one row. `Some(None)`: its `when` excludes the row.
fn instance(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    included: &Included,
    row: &Row,
    id: &str,
    substitution: &mut Substitution,
) -> Option<Option<Scenario>> {
    reader.runtime_names.clear();
    reader.constants.clear();
    reader.scope = Scope::default();
    let vars = variables(reader, fields, included, row, substitution)?;
    let mut values = Vec::new();
    for entry in fields.entries {
        if ["vars", "each", "include"].contains(&entry.key.as_str()) {
            continue;
        }
        let node = substituted(reader, substitution, &entry.node)?;
        values.push(Entry { node, ..entry.clone() });
    }
    let mut steps = Vec::new();
    for step in &included.steps {
        steps.push(substituted(reader, substitution, step)?);
    }
    let fields = Fields { entries: &values, ..*fields };
    let id = row.label.as_ref().map_or_else(|| id.to_owned(), |label| format!("{id}[{label}]"));
    resolved(reader, &fields, &steps, vars, id)
}

fn substituted(reader: &mut Reader<'_>, substitution: &mut Substitution, node: &Node) -> Option<Node> {
    match substitution.apply(node) {
        Ok(node) => Some(node),
        Err(template::TooLarge) => too_large(reader, node.span),
    }
}

fn too_large<T>(reader: &mut Reader<'_>, span: Span) -> Option<T> {
    let message = format!(
        "variables expand beyond a limit: {} bytes for a text, {MAX_EXPANSION_BYTES} for a file, depth {}",
        template::MAX_TEXT_BYTES,
        super::yaml::MAX_DEPTH,
    );
    reader.error(span, message)
}

/// Defines the row's variables, then the others; returns those that stay open until the run.
fn variables(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    included: &Included,
    row: &Row,
    substitution: &mut Substitution,
) -> Option<Vec<(String, Template)>> {
    let own = fields.get("vars").and_then(|node| reader.map(node, "variables"));
    let own = own.map_or(&[][..], |own| own.entries);
    let overridden = |name: &str| own.iter().chain(&row.vars).any(|entry| entry.key == name);
    let included = included.vars.iter().filter(|entry| !overridden(&entry.key));
    let own = own.iter().filter(|entry| row.vars.iter().all(|other| other.key != entry.key));
    let mut open = Vec::new();
    for entry in row.vars.iter().chain(included).chain(own) {
        if !variable_name(reader, entry) {
            continue;
        }
        let node = substituted(reader, substitution, &entry.node)?;
        if template::is_open(&node) {
            if let Some(value) = reader.template(&node) {
                open.push((entry.key.clone(), value));
            }
            // Known all the same, so that each use of it is no further error.
            reader.runtime_names.insert(entry.key.clone());
        } else {
            reader.constants.insert(entry.key.clone(), node.json());
            if substitution.define(&entry.key, node).is_err() {
                return too_large(reader, entry.key_span);
            }
        }
    }
    Some(open)
}

fn variable_name(reader: &mut Reader<'_>, entry: &Entry) -> bool {
    if !template::is_name(&entry.key) {
        let message = format!("`{}` is no name of a variable", super::yaml::shorten(&entry.key));
        let problem = reader
            .at(entry.key_span, message, "not a name")
            .help("names are 1 to 64 letters, digits, `-` and `_`, and begin with a letter");
        reader.note(problem);
        return false;
    }
    if template::BUILT_IN.contains(&entry.key.as_str()) || entry.key == template::API_KEY {
        reader.error::<()>(entry.key_span, format!("the variable `{}` is built in", entry.key));
        return false;
    }
    true
}

fn resolved(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    included_steps: &[Node],
    vars: Vec<(String, Template)>,
    id: String,
) -> Option<Option<Scenario>> {
    let title = reader.required(fields, "scenario", Reader::text);
    let clause = reader.required(fields, "clause", clause);
    let why = reader.optional(fields, "why", Reader::text);
    let tags = fields.get("tags").map(|node| reader.one_or_many(node, Reader::text)).unwrap_or_default();
    let requires = fields.get("requires").map(|node| reader.one_or_many(node, requirement));
    let when = reader.optional(fields, "when", condition);
    let pack = reader.optional(fields, "pack", pack).unwrap_or_default();
    let subscriptions = subscription::all(reader, fields);
    let receiver = reader.optional(fields, "receiver", receiver::receiver);
    let (steps, finally) = step::all(reader, fields, included_steps);
    let expect = expect::all(reader, fields);
    let expect_fail = reader.optional(fields, "expect_fail", Reader::text);
    let limits = reader.optional(fields, "limits", limits).unwrap_or_default();
    let place = reader.sources.place(fields.get("scenario").map_or(fields.span, |node| node.span));
    if when == Some(Applies::Never) {
        return Some(None);
    }
    Some(Some(Scenario {
        id,
        title: title?,
        clause: clause?,
        why,
        tags: tags.into_iter().collect(),
        requires: requires.unwrap_or_default().into_iter().collect(),
        when: when.map_or_else(Condition::default, Applies::condition),
        pack,
        vars,
        subscriptions,
        receiver,
        steps,
        finally,
        expect,
        expect_fail,
        limits,
        place,
    }))
}

fn clause(reader: &mut Reader<'_>, node: &Node) -> Option<Clause> {
    reader.choice(node, &Clause::ALL.map(|clause| (clause.name(), clause)))
}

fn requirement(reader: &mut Reader<'_>, node: &Node) -> Option<Requirement> {
    reader.choice(
        node,
        &[
            ("embedded", Requirement::Embedded),
            ("probe", Requirement::Probe),
            ("api_key", Requirement::ApiKey),
            ("https_only", Requirement::HttpsOnly),
            ("pull", Requirement::Pull),
        ],
    )
}

fn pack(reader: &mut Reader<'_>, node: &Node) -> Option<Pack> {
    reader.choice(node, &[("cvent-2016-11", Pack::Cvent2016), ("cvent-2015", Pack::Cvent2015)])
}

/// What is left of a `when` once variables are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Applies {
    Never,
    If(Condition),
}

impl Applies {
    pub(super) fn condition(self) -> Condition {
        match self {
            Self::Never => Condition::default(),
            Self::If(condition) => condition,
        }
    }
}

pub(super) fn condition(reader: &mut Reader<'_>, node: &Node) -> Option<Applies> {
    let fields = reader.fields::<document::When>(node, "a condition")?;
    let condition = Condition {
        embedded: reader.optional(&fields, "embedded", Reader::flag),
        probe: reader.optional(&fields, "probe", Reader::flag),
        api_key: reader.optional(&fields, "api_key", Reader::flag),
        pull: reader.optional(&fields, "pull", Reader::flag),
    };
    let Some(vars) = fields.get("vars") else { return Some(Applies::If(condition)) };
    let vars = reader.map(vars, "variables with the values they must have")?;
    let mut applies = true;
    for entry in vars.entries {
        let Some(actual) = reader.constants.get(&entry.key).cloned() else {
            unknown_constant(reader, entry);
            continue;
        };
        let wanted = reader.one_or_many(&entry.node, |_, node| Some(node.json()));
        applies &= wanted.contains(&actual);
    }
    Some(if applies { Applies::If(condition) } else { Applies::Never })
}

fn unknown_constant(reader: &mut Reader<'_>, entry: &Entry) {
    let message = format!("`{}` is no variable of constant value", super::yaml::shorten(&entry.key));
    let mut problem = reader.at(entry.key_span, message, "not known before the run");
    let near = nearest(&entry.key, reader.constants.keys().map(String::as_str));
    problem.help = near.map(|name| format!("did you mean `{name}`?"));
    reader.note(problem);
}

fn limits(reader: &mut Reader<'_>, node: &Node) -> Option<Limits> {
    let fields = reader.fields::<document::Limits>(node, "limits")?;
    let default = Limits::default();
    Some(Limits {
        pns_time: reader.optional(&fields, "pns_time", Reader::lasting_span).unwrap_or(default.pns_time),
        attempts: reader
            .optional(&fields, "attempts", |reader, node| reader.number(node, 1, 10_000_000))
            .unwrap_or(default.attempts),
        wall: reader.optional(&fields, "wall", Reader::lasting_span).unwrap_or(default.wall),
    })
}
