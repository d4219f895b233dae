//! Values out of [`Node`]s, with every error noted. `None` means that an error has been noted.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use pns_engine::{EventType, RateLimit};

use super::diagnostic::{Diagnostic, alternatives, nearest};
use super::document::{self, Keys};
use super::model::Template;
use super::source::{Sources, Span};
use super::template;
use super::units;
use super::yaml::{Entry, Node, Value, shorten};

/// Most errors that are kept of one load; more would not be read.
const MAX_DIAGNOSTICS: usize = 200;

/// The check in progress: what is known, and what was found wrong.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) sources: &'a Sources,
    pub(super) problems: &'a mut Vec<Diagnostic>,
    /// Names that a template may use once the scenario runs: variables, saved notifications, captures.
    pub(super) runtime_names: BTreeSet<String>,
    /// Variables of constant value, which have been put in already: for `when`.
    pub(super) constants: BTreeMap<String, serde_json::Value>,
    pub(super) scope: Scope,
    /// Whether a template may hold the API key.
    key: KeyUse,
}

/// Whether a template may hold the API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyUse {
    Forbidden,
    Permitted,
}

/// Names that steps and expectations may refer to.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Saved notifications, of the whole scenario.
    pub(super) saved: BTreeSet<String>,
    /// RFPs named by an `emit`, of the whole scenario.
    pub(super) rfps: BTreeSet<String>,
    /// Saved windows, so far.
    pub(super) windows: BTreeSet<String>,
    pub(super) subscriptions: Vec<String>,
}

/// A map's entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'n> {
    pub(super) span: Span,
    pub(super) entries: &'n [Entry],
    /// A key was unknown: what seems to be missing may be what it was meant to be.
    pub(super) misspelt: bool,
}

impl<'n> Fields<'n> {
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    pub(super) fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(sources: &'a Sources, problems: &'a mut Vec<Diagnostic>) -> Self {
        Self {
            sources,
            problems,
            runtime_names: BTreeSet::new(),
            constants: BTreeMap::new(),
            scope: Scope::default(),
            key: KeyUse::Forbidden,
        }
    }

    /// Notes an error, once: the rows of a scenario share their text.
    pub(super) fn note(&mut self, problem: Diagnostic) {
        if self.problems.len() < MAX_DIAGNOSTICS && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    pub(super) fn at(&self, span: Span, message: impl Into<String>, label: impl Into<String>) -> Diagnostic {
        Diagnostic {
            place: Some(self.sources.place(span)),
            label: label.into(),
            ..Diagnostic::about_files(message.into())
        }
    }

    pub(super) fn error<T>(&mut self, span: Span, message: impl Into<String>) -> Option<T> {
        let problem = self.at(span, message, "");
        self.note(problem);
        None
    }

    /// "expected …, found …".
    pub(super) fn mismatch<T>(&mut self, node: &Node, expected: &str) -> Option<T> {
        if let Value::Text(text) = &node.value
            && text.contains("{{")
        {
            return self.open_template(node, text, expected);
        }
        let message = format!("expected {expected}, found {}", node.describe());
        let problem = self.at(node.span, message, format!("expected {expected}"));
        self.note(problem);
        None
    }

    /// A variable stands where a value is needed before the run.
    fn open_template<T>(&mut self, node: &Node, text: &str, expected: &str) -> Option<T> {
        if !self.template_names(node.span, text) {
            return None;
        }
        let message = format!("`{}` is only known when the scenario runs", shorten(text));
        let problem = self
            .at(node.span, message, format!("expected {expected}"))
            .help("use a literal, a variable of constant value, or a variable of `each`");
        self.note(problem);
        None
    }

    pub(super) fn fields<'n, K: Keys>(&mut self, node: &'n Node, what: &str) -> Option<Fields<'n>> {
        let mut fields = self.map(node, what)?;
        for entry in fields.entries {
            if K::KEYS.contains(&entry.key.as_str()) {
                continue;
            }
            fields.misspelt = true;
            let mut problem = self.at(
                entry.key_span,
                format!("unknown key `{}` in {what}", shorten(&entry.key)),
                "not a key of this map",
            );
            problem.help = Some(match nearest(&entry.key, K::KEYS.iter().copied()) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("the keys are {}", alternatives(K::KEYS.iter().copied())),
            });
            self.note(problem);
        }
        Some(fields)
    }

    /// A map with any keys.
    pub(super) fn map<'n>(&mut self, node: &'n Node, what: &str) -> Option<Fields<'n>> {
        match &node.value {
            Value::Map(entries) => Some(Fields { span: node.span, entries, misspelt: false }),
            _ => self.mismatch(node, &format!("{what} (a map)")),
        }
    }

    /// An optional field. An error in it is noted and gives `None`, too.
    pub(super) fn optional<'n, T>(
        &mut self,
        fields: &Fields<'n>,
        key: &str,
        read: impl FnOnce(&mut Self, &'n Node) -> Option<T>,
    ) -> Option<T> {
        fields.get(key).and_then(|node| read(self, node))
    }

    pub(super) fn required<'n, T>(
        &mut self,
        fields: &Fields<'n>,
        key: &str,
        read: impl FnOnce(&mut Self, &'n Node) -> Option<T>,
    ) -> Option<T> {
        match fields.get(key) {
            Some(node) => read(self, node),
            None if fields.misspelt => None,
            None => {
                let message = format!("the key `{key}` is missing");
                let problem = self.at(fields.span, message, format!("needs `{key}`"));
                self.note(problem);
                None
            }
        }
    }

    /// The one of `verbs` that stands in the map.
    pub(super) fn exactly_one<'n>(
        &mut self,
        fields: &Fields<'n>,
        verbs: &[&str],
        what: &str,
    ) -> Option<&'n Entry> {
        let mut found = fields.entries.iter().filter(|entry| verbs.contains(&entry.key.as_str()));
        let Some(first) = found.next() else {
            if fields.misspelt {
                return None;
            }
            let list = alternatives(verbs.iter().copied());
            let problem = self
                .at(fields.span, format!("{what} says nothing to do or check"), "no such key here")
                .help(format!("exactly one of {list} must stand in {what}"));
            self.note(problem);
            return None;
        };
        for second in found {
            let mut problem = self.at(
                second.key_span,
                format!("`{}` and `{}` in one map: {what} has exactly one", first.key, second.key),
                "the second",
            );
            problem.related = Some((self.sources.place(first.key_span), "the first".to_owned()));
            problem.help =
                Some(format!("put `{}` into an item of its own (`- {}: …`)", second.key, second.key));
            self.note(problem);
        }
        Some(first)
    }

    pub(super) fn text(&mut self, node: &Node) -> Option<String> {
        match &node.value {
            Value::Text(text) if !text.contains("{{") => Some(text.clone()),
            _ => self.mismatch(node, "a text"),
        }
    }

    /// A name: what can stand in `{{name}}`.
    pub(super) fn name(&mut self, node: &Node) -> Option<String> {
        let text = self.text(node)?;
        if template::is_name(&text) {
            return Some(text);
        }
        let problem = self
            .at(node.span, format!("`{}` is no name", shorten(&text)), "not a name")
            .help("names are 1 to 64 letters, digits, `-` and `_`, and begin with a letter");
        self.note(problem);
        None
    }

    pub(super) fn flag(&mut self, node: &Node) -> Option<bool> {
        match node.value {
            Value::Bool(value) => Some(value),
            _ => self.mismatch(node, "`true` or `false`"),
        }
    }

    pub(super) fn number(&mut self, node: &Node, least: u64, most: u64) -> Option<u64> {
        let expected = format!("a whole number from {least} to {most}");
        match &node.value {
            Value::Number(number) => match number.as_u64() {
                Some(number) if (least..=most).contains(&number) => Some(number),
                _ => self.mismatch(node, &expected),
            },
            _ => self.mismatch(node, &expected),
        }
    }

    /// A number of times, at least 1.
    pub(super) fn times(&mut self, node: &Node) -> Option<u32> {
        self.number(node, 1, 1_000_000).and_then(|number| u32::try_from(number).ok())
    }

    pub(super) fn positive(&mut self, node: &Node) -> Option<NonZeroU32> {
        self.times(node).and_then(NonZeroU32::new)
    }

    pub(super) fn status(&mut self, node: &Node) -> Option<u16> {
        self.number(node, 100, 599).and_then(|number| u16::try_from(number).ok())
    }

    pub(super) fn span(&mut self, node: &Node) -> Option<Duration> {
        const EXPECTED: &str = "a duration with its unit, such as `10s`";
        match &node.value {
            Value::Number(number) => {
                let message = format!("expected {EXPECTED}, found the number `{number}`");
                let help = format!("write `{number}s`, `{number}m` or `{number}h`: durations carry units");
                let problem = self.at(node.span, message, "a number without unit").help(help);
                self.note(problem);
                None
            }
            Value::Text(text) if !text.contains("{{") => match units::duration(text) {
                Ok(span) => Some(span),
                Err(why) => {
                    let message = format!("`{}` is no duration: {why}", shorten(text));
                    let problem = self
                        .at(node.span, message, format!("expected {EXPECTED}"))
                        .help("units are `ms`, `s`, `m`, `h` and `d`, as in `250ms` or `1h30m`");
                    self.note(problem);
                    None
                }
            },
            _ => self.mismatch(node, EXPECTED),
        }
    }

    /// A span that is not zero.
    pub(super) fn lasting_span(&mut self, node: &Node) -> Option<Duration> {
        match self.span(node)? {
            Duration::ZERO => self.error(node.span, "the span is zero"),
            span => Some(span),
        }
    }

    pub(super) fn rate(&mut self, node: &Node, burst: NonZeroU32) -> Option<RateLimit> {
        const EXPECTED: &str = "a rate such as `10/s`";
        let Value::Text(text) = &node.value else { return self.mismatch(node, EXPECTED) };
        if text.contains("{{") {
            return self.mismatch(node, EXPECTED);
        }
        let limit = units::rate(text)
            .and_then(|(count, per)| RateLimit::new(count, per, burst).map_err(|error| error.to_string()));
        limit.map_or_else(
            |why| {
                let message = format!("`{}` is no rate: {why}", shorten(text));
                let problem = self
                    .at(node.span, message, format!("expected {EXPECTED}"))
                    .help("rates are `10/s`, `100/m` or `3/10s`");
                self.note(problem);
                None
            },
            Some,
        )
    }

    /// `{ rate, burst }`.
    pub(super) fn rate_limit(&mut self, node: &Node) -> Option<RateLimit> {
        let fields = self.fields::<document::RateLimit>(node, "a rate limit")?;
        let burst = self.optional(&fields, "burst", Self::positive).unwrap_or(NonZeroU32::MIN);
        self.required(&fields, "rate", |reader, node| reader.rate(node, burst))
    }

    /// `{ rate, burst }`, or `none`.
    pub(super) fn rate_limit_or_none(&mut self, node: &Node) -> Option<Option<RateLimit>> {
        match &node.value {
            Value::Text(text) if text == "none" => Some(None),
            Value::Text(_) => self.mismatch(node, "`none` or `{ rate: 10/s }`"),
            _ => self.rate_limit(node).map(Some),
        }
    }

    /// One of a few words.
    pub(super) fn choice<T: Clone>(&mut self, node: &Node, choices: &[(&str, T)]) -> Option<T> {
        let names = || choices.iter().map(|(name, _)| *name);
        let expected = alternatives(names());
        let Value::Text(text) = &node.value else { return self.mismatch(node, &expected) };
        if text.contains("{{") {
            return self.mismatch(node, &expected);
        }
        if let Some((_, value)) = choices.iter().find(|(name, _)| name == text) {
            return Some(value.clone());
        }
        let mut problem =
            self.at(node.span, format!("expected {expected}, found `{}`", shorten(text)), "unknown word");
        problem.help = nearest(text, names()).map(|name| format!("did you mean `{name}`?"));
        self.note(problem);
        None
    }

    pub(super) fn event_type(&mut self, node: &Node) -> Option<EventType> {
        const EXPECTED: &str = "an event type such as `RFP_SEND`";
        let Value::Text(text) = &node.value else { return self.mismatch(node, EXPECTED) };
        if text.contains("{{") {
            return self.mismatch(node, EXPECTED);
        }
        if let Ok(event_type) = text.parse() {
            return Some(event_type);
        }
        let message = format!("`{}` is not one of the 33 event types", shorten(text));
        let mut problem = self.at(node.span, message, "unknown event type");
        problem.help = nearest(text, EventType::ALL.iter().map(|event| event.wire_name()))
            .map(|name| format!("did you mean `{name}`?"));
        self.note(problem);
        None
    }

    /// A list, or one item without the brackets. Wrong items are noted and left out.
    pub(super) fn one_or_many<'n, T>(
        &mut self,
        node: &'n Node,
        mut read: impl FnMut(&mut Self, &'n Node) -> Option<T>,
    ) -> Vec<T> {
        match &node.value {
            Value::List(items) => items.iter().filter_map(|item| read(self, item)).collect(),
            _ => read(self, node).into_iter().collect(),
        }
    }

    pub(super) fn list<'n, T>(
        &mut self,
        node: &'n Node,
        most: usize,
        mut read: impl FnMut(&mut Self, &'n Node) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::List(items) = &node.value else { return self.mismatch(node, "a list") };
        if items.len() > most {
            let message = format!("{} items, the limit is {most}", items.len());
            return self.error(node.span, message);
        }
        Some(items.iter().filter_map(|item| read(self, item)).collect())
    }

    pub(super) fn template(&mut self, node: &Node) -> Option<Template> {
        self.check_template(node).then(|| Template(node.json()))
    }

    /// A template that is one text.
    pub(super) fn text_template(&mut self, node: &Node) -> Option<Template> {
        match &node.value {
            Value::Text(_) => self.template(node),
            _ => self.mismatch(node, "a text"),
        }
    }

    /// A text in which `{{api_key}}` may stand.
    pub(super) fn text_with_key(&mut self, node: &Node) -> Option<Template> {
        self.key = KeyUse::Permitted;
        let text = self.text_template(node);
        self.key = KeyUse::Forbidden;
        text
    }

    /// Names and texts.
    pub(super) fn texts(&mut self, node: &Node) -> Option<Vec<(String, String)>> {
        let fields = self.map(node, "names and texts")?;
        let read = fields.entries.iter();
        Some(read.filter_map(|e| self.text(&e.node).map(|text| (e.key.clone(), text))).collect())
    }

    /// Notes every wrong name in the tree, not only the first.
    fn check_template(&mut self, node: &Node) -> bool {
        let mut fine = true;
        match &node.value {
            Value::Text(text) => fine = self.template_names(node.span, text),
            Value::List(items) => {
                for item in items {
                    fine &= self.check_template(item);
                }
            }
            Value::Map(entries) => {
                for entry in entries {
                    fine &= self.check_template(&entry.node);
                }
            }
            _ => {}
        }
        fine
    }

    /// Whether `api_key`, or a form of it, may stand here.
    fn key_name(&mut self, span: Span, path: &str) -> bool {
        let form = path.split_once('.').map(|(_, form)| form);
        let problem = if self.key == KeyUse::Forbidden {
            self.at(span, "`api_key` is known only within a `request`", "not known here").help(
                "it may stand in `headers`, `auth`, `target` and `body_without`, so that it never reaches a report",
            )
        } else if form.is_some_and(|form| !template::API_KEY_FORMS.contains(&form)) {
            let forms = template::API_KEY_FORMS.map(|form| format!("api_key.{form}"));
            self.at(span, format!("unknown variable `{}`", shorten(path)), "not known here")
                .help(format!("known are `api_key`, {}", alternatives(forms.iter().map(String::as_str))))
        } else {
            return true;
        };
        self.note(problem);
        false
    }

    fn template_names(&mut self, span: Span, text: &str) -> bool {
        let pieces = match template::pieces(text) {
            Ok(pieces) => pieces,
            Err(why) => {
                self.error::<()>(span, format!("`{}`: {why}", shorten(text)));
                return false;
            }
        };
        let mut fine = true;
        for piece in pieces {
            let template::Piece::Variable(path) = piece else { continue };
            let name = path.split('.').next().unwrap_or(path);
            if name == template::API_KEY && !self.runtime_names.contains(name) {
                fine &= self.key_name(span, path);
                continue;
            }
            if template::BUILT_IN.contains(&name) || self.runtime_names.contains(name) {
                continue;
            }
            fine = false;
            let mut problem =
                self.at(span, format!("unknown variable `{}`", shorten(name)), "not known here");
            let known =
                self.runtime_names.iter().map(String::as_str).chain(template::BUILT_IN.iter().copied());
            problem.help = Some(match nearest(name, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are {}", alternatives(known)),
            });
            self.note(problem);
        }
        fine
    }
}
