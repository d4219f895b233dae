//! `[[serve.subscription]]` of `pns.toml`: subscriptions as the control API takes them, checked with their places.

use std::collections::BTreeSet;
use std::path::Path;

use pns_simulator::service::model::{KeyText, SubscriptionSpec};
use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::super::args::key_from;
use super::super::config::Source;
use super::super::{Failure, did_you_mean};
use crate::scenario::{Diagnostic, Sources};

/// The key of a file in place of the key itself, which does not belong into a settings file.
const KEY_FILE: &str = "api_key_file";

/// A subscription of the settings file.
#[derive(Debug)]
pub(super) struct Declared {
    /// By which a later start finds it again.
    pub(super) name: String,
    /// What it is.
    pub(super) spec: SubscriptionSpec,
}

/// The subscriptions of a settings file; none, if it has none.
///
/// # Errors
/// All that is wrong with them, with the places in the file.
pub(super) fn declared(source: &Source) -> Result<Vec<Declared>, Failure> {
    let sources = Sources::of(&source.path.display().to_string(), &source.text);
    let mut reader = Reader { source, sources, found: Vec::new(), names: BTreeSet::new() };
    let Ok(table) = DeTable::parse(&source.text) else { return Ok(Vec::new()) };
    let list = table.get_ref().get("serve").and_then(|serve| serve.get_ref().get("subscription"));
    let mut all = Vec::new();
    match list.map(Spanned::get_ref) {
        None => {}
        Some(DeValue::Array(entries)) => {
            all.extend(entries.iter().filter_map(|entry| reader.subscription(entry)));
        }
        Some(_) => {
            let span = list.map_or(0..0, Spanned::span);
            reader.wrong(span, "expected tables", "subscriptions are written as `[[serve.subscription]]`");
        }
    }
    if reader.found.is_empty() { Ok(all) } else { Err(Failure::rendered(reader.rendered())) }
}

struct Reader<'a> {
    source: &'a Source,
    sources: Sources,
    found: Vec<Diagnostic>,
    names: BTreeSet<String>,
}

impl Reader<'_> {
    fn subscription(&mut self, entry: &Spanned<DeValue<'_>>) -> Option<Declared> {
        let before = self.found.len();
        let DeValue::Table(table) = entry.get_ref() else {
            self.wrong(
                entry.span(),
                "expected a table",
                "write `[[serve.subscription]]` and its settings below",
            );
            return None;
        };
        self.keys(table);
        let mut table = table.clone();
        let key = table.remove(KEY_FILE).and_then(|file| self.key(&file));
        if self.found.len() > before {
            return None;
        }
        let whole = Spanned::new(entry.span(), DeValue::Table(table));
        let mut spec = match SubscriptionSpec::deserialize(ValueDeserializer::from(whole)) {
            Ok(spec) => spec,
            Err(error) => {
                self.wrong(error.span().unwrap_or(entry.span()), error.message(), "");
                return None;
            }
        };
        spec.api_key = key;
        if let Err(invalid) = spec.resolve() {
            let span = find(entry, &invalid.field).unwrap_or(entry.span());
            self.wrong(span, &invalid.why, "");
            return None;
        }
        let Some(name) = spec.name.clone() else {
            self.wrong(entry.span(), "it has no name", "`name = \"…\"`: by it the next start finds it again");
            return None;
        };
        if !self.names.insert(name.clone()) {
            let span = find(entry, "name").unwrap_or(entry.span());
            self.wrong(span, &format!("there is a `{name}` above already"), "");
            return None;
        }
        Some(Declared { name, spec })
    }

    /// All keys that a subscription does not have.
    fn keys(&mut self, table: &DeTable<'_>) {
        let known = known();
        for key in table.keys() {
            let name = key.get_ref();
            if name == "api_key" {
                let help = "keep keys out of settings files: `api_key_file = \"…\"`";
                self.wrong(key.span(), "a key does not belong here", help);
            } else if name != KEY_FILE && !known.iter().any(|known| known == name) {
                let near = did_you_mean(name, known.iter().map(String::as_str).chain([KEY_FILE]));
                let help = near.map(|near| format!("did you mean `{near}`?"));
                self.wrong(key.span(), "no setting of a subscription", &help.unwrap_or_default());
            }
        }
    }

    fn key(&mut self, file: &Spanned<DeValue<'_>>) -> Option<KeyText> {
        let Some(name) = file.get_ref().as_str() else {
            self.wrong(file.span(), "expected the name of a file", "");
            return None;
        };
        let folder = self.source.path.parent().unwrap_or(Path::new(""));
        match key_from(&folder.join(name)) {
            Ok(key) => Some(KeyText(key)),
            Err(failure) => {
                self.wrong(file.span(), &failure.text(), "");
                None
            }
        }
    }

    fn wrong(&mut self, span: std::ops::Range<usize>, what: &str, help: &str) {
        self.found.push(Diagnostic {
            message: "a subscription of the settings file cannot be used".to_owned(),
            place: Some(self.sources.place_of(span)),
            label: what.to_owned(),
            related: None,
            help: (!help.is_empty()).then(|| help.to_owned()),
        });
    }

    fn rendered(&self) -> String {
        let style = super::super::color::style_of_stderr();
        self.found.iter().map(|one| one.render(&self.sources, style) + "\n").collect()
    }
}

/// The settings that a subscription has, by the schema of the control API.
fn known() -> Vec<String> {
    let schema = schemars::schema_for!(SubscriptionSpec);
    let properties = schema.get("properties").and_then(|properties| properties.as_object());
    properties.map(|properties| properties.keys().cloned().collect()).unwrap_or_default()
}

/// Where the value of `field` (`retry.first`, `events[3]`) stands.
fn find(entry: &Spanned<DeValue<'_>>, field: &str) -> Option<std::ops::Range<usize>> {
    let mut at = entry;
    for token in field.split(['.', '[']).filter(|token| !token.is_empty()) {
        at = match token.strip_suffix(']').and_then(|index| index.parse::<usize>().ok()) {
            Some(index) => at.get_ref().get(index)?,
            None => at.get_ref().get(token)?,
        };
    }
    Some(at.span())
}
