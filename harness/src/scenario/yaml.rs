//! YAML text to a tree of [`Node`]s that know their place: the only file that knows the YAML library.
//!
//! A typed serde target would stop at the first error. The tree lets the check find all errors of a file.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::source::{Sources, Span};

/// Largest scenario file. Beyond it a file is data, not a scenario.
pub const MAX_FILE_BYTES: usize = 1 << 20;
/// Deepest nesting; bounds recursion. The YAML library takes some 35 KiB of stack for a level in a debug build, and
/// threads have 2 MiB.
pub const MAX_DEPTH: usize = 32;
/// Most values in one file, aliases expanded.
pub const MAX_NODES: usize = 50_000;
/// Most uses of anchors (`*name`) in one file.
pub const MAX_ALIASES: usize = 1_000;

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One `key: value`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Span,
    pub(super) node: Node,
}

/// A text that is no YAML of use.
#[derive(Debug)]
pub(super) struct YamlError {
    pub(super) span: Span,
    pub(super) message: String,
}

impl Node {
    /// The value of a map's key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node),
            _ => None,
        }
    }

    /// What it is, for "found …".
    pub(super) fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(value) => format!("the boolean `{value}`"),
            Value::Number(number) => format!("the number `{number}`"),
            Value::Text(text) => format!("the text `{}`", shorten(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
        }
    }

    pub(super) fn json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => number.clone().into(),
            Value::Text(text) => text.clone().into(),
            Value::List(items) => items.iter().map(Self::json).collect(),
            Value::Map(entries) => {
                entries.iter().map(|entry| (entry.key.clone(), entry.node.json())).collect()
            }
        }
    }
}

/// At most 60 characters of a text, on one line.
pub(super) fn shorten(text: &str) -> String {
    let line: String =
        text.chars().take(60).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect();
    if text.chars().nth(60).is_some() { format!("{line}…") } else { line }
}

/// Reads the text of file `file`, which [`Sources`] holds.
pub(super) fn read(sources: &Sources, file: usize) -> Result<Node, Box<YamlError>> {
    let text = sources.text(file);
    let whole = Span { file, start: 0, end: text.len().min(1) };
    if text.len() > MAX_FILE_BYTES {
        let message = format!("the file has {} bytes, the limit is {MAX_FILE_BYTES}", text.len());
        return Err(Box::new(YamlError { span: whole, message }));
    }
    let raw: Spanned<Raw> = serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| Box::new(yaml_error(&error, text, whole)))?;
    Ok(raw.into_node(text, file))
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_aliases: MAX_ALIASES,
            max_documents: 1,
        },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

fn yaml_error(error: &serde_saphyr::Error, text: &str, whole: Span) -> YamlError {
    let span = error.location().map_or(whole, |location| located(&location, text, whole.file));
    let rendered = error.without_snippet().to_string();
    // The place is shown by the diagnostic; the library repeats it in words.
    let message = rendered.split(" at line ").next().unwrap_or(&rendered).trim();
    let first = message.lines().next().unwrap_or(message);
    if first.starts_with("duplicate mapping key") {
        let key = text.get(span.start..span.end).unwrap_or_default();
        return YamlError { span, message: format!("the key `{}` stands twice in one map", shorten(key)) };
    }
    if first.contains("budget") || first.contains("limit") {
        let message = format!(
            "beyond a limit: depth {MAX_DEPTH}, {MAX_NODES} values with aliases expanded, {MAX_ALIASES} aliases, \
             one document"
        );
        return YamlError { span, message };
    }
    YamlError { span, message: format!("not readable as YAML: {first}") }
}

fn located(location: &serde_saphyr::Location, text: &str, file: usize) -> Span {
    let as_index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let span = location.span();
    let start = match span.byte_offset() {
        Some(offset) => as_index(offset),
        None => text.char_indices().nth(as_index(span.offset())).map_or(text.len(), |(at, _)| at),
    };
    let length = as_index(span.byte_len().unwrap_or(1)).max(1);
    let start = start.min(text.len());
    let end = start.saturating_add(length).min(text.len());
    // A caret under the first line is enough: values over many lines would bury the message.
    let bytes = &text.as_bytes()[start..end];
    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(end, |at| start + at.max(1)).min(end);
    Span { file, start, end }
}

enum Raw {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

trait IntoNode {
    fn into_node(self, text: &str, file: usize) -> Node;
}

impl IntoNode for Spanned<Raw> {
    fn into_node(self, text: &str, file: usize) -> Node {
        let mut span = located(&self.referenced, text, file);
        let value = match self.value {
            Raw::Null => Value::Null,
            Raw::Bool(value) => Value::Bool(value),
            Raw::Number(number) => Value::Number(number),
            Raw::Text(text) => Value::Text(text),
            Raw::List(items) => {
                Value::List(items.into_iter().map(|item| item.into_node(text, file)).collect())
            }
            Raw::Map(entries) => Value::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| Entry {
                        key_span: located(&key.referenced, text, file),
                        key: key.value,
                        node: value.into_node(text, file),
                    })
                    .collect(),
            ),
        };
        if let Value::Map(entries) = &value
            && let Some(first) = entries.first()
        {
            span = first.key_span;
        }
        Node { span, value }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has, too")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Raw, E> {
        serde_json::Number::from_f64(value)
            .map(Raw::Number)
            .ok_or_else(|| E::custom(format!("`{value}` is no number that JSON has")))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}
