//! `{{name}}` in texts: constant variables are put in before the check, the others when the scenario runs.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::model::Template;
use super::yaml::{Entry, MAX_DEPTH, Node, Value};

/// Names that every running scenario knows.
pub(super) const BUILT_IN: [&str; 4] = ["target", "probe_url", "uuid", "now"];
/// The key agreed on, known in the few places of a `request` that may hold it.
pub(super) const API_KEY: &str = "api_key";
/// What can be had of the key besides itself: `{{api_key.cut}}` and the like.
pub(super) const API_KEY_FORMS: [&str; 3] = ["cut", "swapped", "base64"];
/// Longest text that substitution may make.
pub const MAX_TEXT_BYTES: usize = 64 << 10;
/// Most bytes, over all rows of a file, that substitution may make; ends doubling chains of variables.
pub const MAX_EXPANSION_BYTES: usize = 16 << 20;

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    Literal(&'t str),
    /// `name` or `name.field`.
    Variable(&'t str),
}

/// Splits a text at its variables.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, &'static str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        if open > 0 {
            pieces.push(Piece::Literal(&rest[..open]));
        }
        let inside = &rest[open + 2..];
        let close = inside.find("}}").ok_or("`{{` without `}}`")?;
        let path = inside[..close].trim();
        let mut segments = path.split('.');
        let name = segments.next().unwrap_or_default();
        if !is_name(name) || !segments.all(|s| is_name(s) || is_index(s)) {
            return Err("between `{{` and `}}` stands a name, or `NAME.field`");
        }
        pieces.push(Piece::Variable(path));
        rest = &inside[close + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    Ok(pieces)
}

/// Whether a text can be a variable's name.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn is_index(text: &str) -> bool {
    !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Why a template could not be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// No value under that name.
    #[error("no value for `{0}`")]
    Unknown(String),
    /// The text is no template.
    #[error("not a template: {0}")]
    Malformed(&'static str),
    /// The text would become too long.
    #[error("the text is longer than the limit of {MAX_TEXT_BYTES} bytes")]
    TooLong,
}

impl Template {
    /// Fills in the variables. `value` gives the value of `name` or `name.field`; a text that is one variable
    /// and nothing else takes the value's JSON type.
    ///
    /// # Errors
    /// When `value` knows no such name, or a text becomes too long.
    pub fn fill(&self, value: &mut dyn FnMut(&str) -> Option<Json>) -> Result<Json, FillError> {
        fill(&self.0, value)
    }

    /// As [`Template::fill`], for a text: numbers and the like are written as JSON.
    ///
    /// # Errors
    /// As [`Template::fill`].
    pub fn fill_text(&self, value: &mut dyn FnMut(&str) -> Option<Json>) -> Result<String, FillError> {
        self.fill(value).map(|json| plain_text(&json))
    }
}

fn fill(json: &Json, value: &mut dyn FnMut(&str) -> Option<Json>) -> Result<Json, FillError> {
    Ok(match json {
        Json::String(text) => return fill_string(text, value),
        Json::Array(items) => items.iter().map(|item| fill(item, value)).collect::<Result<_, _>>()?,
        Json::Object(members) => Json::Object(
            members
                .iter()
                .map(|(key, member)| fill(member, value).map(|member| (key.clone(), member)))
                .collect::<Result<_, _>>()?,
        ),
        other => other.clone(),
    })
}

fn fill_string(text: &str, value: &mut dyn FnMut(&str) -> Option<Json>) -> Result<Json, FillError> {
    let mut look_up = |path: &str| value(path).ok_or_else(|| FillError::Unknown(path.to_owned()));
    if !text.contains("{{") {
        return Ok(text.into());
    }
    let pieces = pieces(text).map_err(FillError::Malformed)?;
    if let [Piece::Variable(path)] = pieces[..] {
        return look_up(path);
    }
    let mut filled = String::new();
    for piece in pieces {
        match piece {
            Piece::Literal(literal) => filled.push_str(literal),
            Piece::Variable(path) => filled.push_str(&plain_text(&look_up(path)?)),
        }
        if filled.len() > MAX_TEXT_BYTES {
            return Err(FillError::TooLong);
        }
    }
    Ok(filled.into())
}

fn plain_text(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Puts constants into trees.
#[derive(Debug)]
pub(super) struct Substitution {
    constants: BTreeMap<String, Node>,
    bytes_left: usize,
}

/// The expansion would exceed a limit.
#[derive(Debug)]
pub(super) struct TooLarge;

impl Substitution {
    pub(super) fn new(bytes_left: usize) -> Self {
        Self { constants: BTreeMap::new(), bytes_left }
    }

    pub(super) fn bytes_left(&self) -> usize {
        self.bytes_left
    }

    /// Takes a constant, unless it nests too deeply: constants may hold constants.
    pub(super) fn define(&mut self, name: &str, node: Node) -> Result<(), TooLarge> {
        if is_deeper_than(&node, MAX_DEPTH) {
            return Err(TooLarge);
        }
        self.constants.insert(name.to_owned(), node);
        Ok(())
    }

    /// The tree with all constants put in. Other variables stay, for the check to judge. Values keep the
    /// place at which they are used.
    pub(super) fn apply(&mut self, node: &Node) -> Result<Node, TooLarge> {
        let value = match &node.value {
            Value::Text(text) if text.contains("{{") => self.text(node, text)?,
            Value::List(items) => {
                Value::List(items.iter().map(|item| self.apply(item)).collect::<Result<_, _>>()?)
            }
            Value::Map(entries) => {
                Value::Map(entries.iter().map(|entry| self.entry(entry)).collect::<Result<_, _>>()?)
            }
            other => other.clone(),
        };
        self.spend(1)?;
        Ok(Node { span: node.span, value })
    }

    /// Keys may be variables, too, as in `{ "{{fault}}": 3 }`.
    fn entry(&mut self, entry: &Entry) -> Result<Entry, TooLarge> {
        let mut key = entry.key.clone();
        if key.contains("{{") {
            let text = Value::Text(key.clone());
            let substituted = self.apply(&Node { span: entry.key_span, value: text })?;
            key = plain_text(&substituted.json());
        }
        Ok(Entry { key, key_span: entry.key_span, node: self.apply(&entry.node)? })
    }

    fn text(&mut self, node: &Node, text: &str) -> Result<Value, TooLarge> {
        // A malformed text is left as it is: the check notes it.
        let Ok(pieces) = pieces(text) else { return Ok(node.value.clone()) };
        if let [Piece::Variable(path)] = pieces[..] {
            let Some(constant) = self.constant(path) else { return Ok(node.value.clone()) };
            let value = moved(constant, node).value;
            self.spend(weight(&value))?;
            return Ok(value);
        }
        let mut put_in = String::new();
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => put_in.push_str(literal),
                Piece::Variable(path) => match self.constant(path) {
                    Some(constant) => put_in.push_str(&plain_text(&constant.json())),
                    None => {
                        put_in.push_str("{{");
                        put_in.push_str(path);
                        put_in.push_str("}}");
                    }
                },
            }
            if put_in.len() > MAX_TEXT_BYTES {
                return Err(TooLarge);
            }
        }
        self.spend(put_in.len())?;
        Ok(Value::Text(put_in))
    }

    fn constant(&self, path: &str) -> Option<&Node> {
        let mut segments = path.split('.');
        let mut node = self.constants.get(segments.next()?)?;
        for segment in segments {
            node = match &node.value {
                Value::List(items) => items.get(segment.parse::<usize>().ok()?)?,
                _ => node.get(segment)?,
            };
        }
        Some(node)
    }

    fn spend(&mut self, bytes: usize) -> Result<(), TooLarge> {
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(TooLarge)?;
        Ok(())
    }
}

fn is_deeper_than(node: &Node, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return true };
    match &node.value {
        Value::List(items) => items.iter().any(|item| is_deeper_than(item, below)),
        Value::Map(entries) => entries.iter().any(|entry| is_deeper_than(&entry.node, below)),
        _ => false,
    }
}

/// A rough size in bytes, for the expansion limit.
fn weight(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.iter().map(|item| 8 + weight(&item.value)).sum(),
        Value::Map(entries) => entries.iter().map(|e| 8 + e.key.len() + weight(&e.node.value)).sum(),
        _ => 8,
    }
}

/// A constant's tree at the place where it is used: errors in it are errors of that use.
fn moved(constant: &Node, to: &Node) -> Node {
    let value = match &constant.value {
        Value::List(items) => Value::List(items.iter().map(|item| moved(item, to)).collect()),
        Value::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|entry| Entry {
                    key: entry.key.clone(),
                    key_span: to.span,
                    node: moved(&entry.node, to),
                })
                .collect(),
        ),
        other => other.clone(),
    };
    Node { span: to.span, value }
}

/// Whether any text of the tree still holds a variable.
pub(super) fn is_open(node: &Node) -> bool {
    match &node.value {
        Value::Text(text) => text.contains("{{"),
        Value::List(items) => items.iter().any(is_open),
        Value::Map(entries) => entries.iter().any(|entry| is_open(&entry.node)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_one_variable_takes_the_values_type() {
        let template = Template(serde_json::json!({ "a": "{{n}}", "b": "n is {{ n }}!" }));
        let filled = template.fill(&mut |name| (name == "n").then(|| 7.into()));
        assert_eq!(filled, Ok(serde_json::json!({ "a": 7, "b": "n is 7!" })));
    }

    #[test]
    fn braces_must_close_and_hold_a_name() {
        assert!(pieces("{{a").is_err());
        assert!(pieces("{{}}").is_err());
        assert!(pieces("{{a b}}").is_err());
        assert_eq!(
            pieces("x{{a.b.0}}y"),
            Ok(vec![Piece::Literal("x"), Piece::Variable("a.b.0"), Piece::Literal("y")])
        );
    }

    #[test]
    fn an_unknown_name_is_an_error_when_filled() {
        let template = Template("{{nobody}}".into());
        assert_eq!(template.fill(&mut |_| None), Err(FillError::Unknown("nobody".into())));
    }
}
