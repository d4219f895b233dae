//! What a conjunction says, keyword by keyword.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Draft;
use serde_json::{Map, Value};

use super::choice::Site;
use super::{Compiler, Conjunction, Given};
use crate::schema::error::PackError;
use crate::schema::files::{Located, Place};

/// The types of JSON, in the order in which a plan offers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
    Null,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::Object, Self::Array, Self::String, Self::Integer, Self::Number, Self::Boolean, Self::Null];

    /// Whether `value` may be of this kind. A whole number is both an integer and a number.
    fn holds(self, value: &Value) -> bool {
        match self {
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::String => value.is_string(),
            Self::Integer | Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Null => value.is_null(),
        }
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "object" => Self::Object,
            "array" => Self::Array,
            "string" => Self::String,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "null" => Self::Null,
            _ => return None,
        })
    }
}

/// The flattened keywords of a conjunction.
#[derive(Clone, Debug)]
pub(super) struct Facts<'a> {
    kinds: BTreeSet<Kind>,
    typed: bool,
    /// Types that some keyword speaks of.
    hinted: BTreeSet<Kind>,
    /// The values of `enum` and `const`, where there are any.
    pub(super) allowed: Option<Vec<Value>>,
    pub(super) examples: Vec<Value>,
    pub(super) length: (usize, usize),
    pub(super) patterns: Vec<(String, Located<'a>)>,
    pub(super) formats: Vec<String>,
    pub(super) minimum: Vec<(Value, bool)>,
    pub(super) maximum: Vec<(Value, bool)>,
    pub(super) multiples: Vec<Value>,
    /// Every schema of the conjunction that is an object, `$ref` and `allOf` followed.
    pub(super) parts: Vec<Located<'a>>,
    pub(super) required: BTreeSet<String>,
    pub(super) forbidden: BTreeSet<String>,
    pub(super) members: (usize, usize),
    pub(super) elements: (usize, usize),
    pub(super) unique: bool,
    pub(super) choices: Vec<Site<'a>>,
    /// Schemas that the shape of a plan does not promise.
    pub(super) checks: BTreeMap<Place, Located<'a>>,
    /// A schema says `false`.
    pub(super) never: bool,
}

impl<'a> Facts<'a> {
    fn new() -> Self {
        Self {
            kinds: Kind::ALL.into(),
            typed: false,
            hinted: BTreeSet::new(),
            allowed: None,
            examples: Vec::new(),
            length: (0, usize::MAX),
            patterns: Vec::new(),
            formats: Vec::new(),
            minimum: Vec::new(),
            maximum: Vec::new(),
            multiples: Vec::new(),
            parts: Vec::new(),
            required: BTreeSet::new(),
            forbidden: BTreeSet::new(),
            members: (0, usize::MAX),
            elements: (0, usize::MAX),
            unique: false,
            choices: Vec::new(),
            checks: BTreeMap::new(),
            never: false,
        }
    }

    /// The types worth writing: those named, else those that keywords speak of, else plain texts.
    pub(super) fn kinds(&self) -> Vec<Kind> {
        let mut kinds: BTreeSet<Kind> = self.kinds.clone();
        if !self.typed && !self.hinted.is_empty() {
            kinds.retain(|kind| self.hinted.contains(kind));
        } else if !self.typed {
            kinds.retain(|kind| matches!(kind, Kind::String | Kind::Integer | Kind::Boolean));
        }
        if kinds.contains(&Kind::Number) {
            kinds.remove(&Kind::Integer);
        }
        kinds.into_iter().collect()
    }

    /// Whether the value can only be of the kind of `value`, or cannot be of it.
    pub(super) fn may_be(&self, names: &[&str]) -> Option<bool> {
        let wanted: BTreeSet<Kind> = names.iter().filter_map(|name| Kind::named(name)).collect();
        let widened =
            |kind: &Kind| wanted.contains(kind) || *kind == Kind::Integer && wanted.contains(&Kind::Number);
        if self.kinds.iter().all(widened) {
            return Some(true);
        }
        let fits = |kind: &Kind| widened(kind) || *kind == Kind::Number && wanted.contains(&Kind::Integer);
        if self.kinds.iter().any(fits) { None } else { Some(false) }
    }

    fn types(&mut self, value: &Value) {
        let names: Vec<&str> = match value {
            Value::String(name) => vec![name],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ => return,
        };
        let mut wanted: BTreeSet<Kind> = names.iter().filter_map(|name| Kind::named(name)).collect();
        if wanted.contains(&Kind::Number) {
            wanted.insert(Kind::Integer);
        }
        self.typed = true;
        self.kinds.retain(|kind| wanted.contains(kind));
    }

    fn values(&mut self, values: &[Value]) {
        let kept = match self.allowed.take() {
            Some(before) => before.into_iter().filter(|value| values.contains(value)).collect(),
            None => values.to_vec(),
        };
        self.kinds.retain(|kind| kept.iter().any(|value| kind.holds(value)));
        self.allowed = Some(kept);
    }

    fn given(&mut self, given: &Given) {
        match given {
            Given::Text(pointer, text) if pointer.is_empty() => self.values(&[Value::String(text.clone())]),
            Given::Text(pointer, _) => {
                self.typed = true;
                self.kinds.retain(|kind| *kind == Kind::Object);
                self.required.insert(first_token(pointer).0);
            }
            Given::Require(name) => {
                self.required.insert(name.clone());
            }
            Given::Forbid(name) => {
                self.forbidden.insert(name.clone());
            }
        }
    }
}

/// The first token of a pointer, unescaped, and the rest.
pub(super) fn first_token(pointer: &str) -> (String, &str) {
    let inner = pointer.strip_prefix('/').unwrap_or(pointer);
    let (token, rest) = inner.split_at(inner.find('/').unwrap_or(inner.len()));
    (token.replace("~1", "/").replace("~0", "~"), rest)
}

impl<'a> Compiler<'a> {
    /// Reads all of `conjunction`, following `$ref` and `allOf`.
    pub(super) fn facts(&self, conjunction: &Conjunction<'a>) -> Result<Facts<'a>, PackError> {
        let mut facts = Facts::new();
        for given in &conjunction.given {
            facts.given(given);
        }
        let mut seen = BTreeSet::new();
        let mut pending: Vec<Located<'a>> = conjunction.schemas.iter().rev().cloned().collect();
        while let Some(schema) = pending.pop() {
            if !seen.insert(schema.place.clone()) {
                continue;
            }
            match schema.schema {
                Value::Bool(true) => {}
                Value::Object(members) => {
                    let mut wider = self.references(&schema, members)?;
                    let replaced = schema.draft <= Draft::Draft7 && members.contains_key("$ref");
                    if !replaced {
                        self.keywords(&schema, members, &mut facts)?;
                        wider.extend(self.children(&schema, "allOf"));
                    }
                    pending.extend(wider.into_iter().rev());
                }
                _ => facts.never = true,
            }
        }
        facts.choices.retain(|site| !conjunction.decided.contains(&site.key));
        let (min, max) = (facts.length, facts.members);
        facts.never |=
            facts.kinds.is_empty() || min.0 > min.1 && facts.kinds() == [Kind::String] || max.0 > max.1;
        facts.never |= facts.required.iter().any(|name| facts.forbidden.contains(name))
            && facts.kinds() == [Kind::Object];
        Ok(facts)
    }

    fn references(
        &self,
        schema: &Located<'a>,
        members: &Map<String, Value>,
    ) -> Result<Vec<Located<'a>>, PackError> {
        let mut found = Vec::new();
        for keyword in ["$ref", "$dynamicRef", "$recursiveRef"] {
            if let Some(Value::String(reference)) = members.get(keyword) {
                // The target may be rebound at run time; then the schema at hand is checked as a whole.
                found.push(self.documents.resolve(reference, schema)?);
            }
        }
        Ok(found)
    }

    pub(super) fn children(&self, schema: &Located<'a>, keyword: &str) -> Vec<Located<'a>> {
        self.documents.children(schema, keyword)
    }

    pub(super) fn child(&self, schema: &Located<'a>, tokens: &[&str]) -> Option<Located<'a>> {
        self.documents.child(schema, tokens)
    }

    fn keywords(
        &self,
        schema: &Located<'a>,
        members: &'a Map<String, Value>,
        facts: &mut Facts<'a>,
    ) -> Result<(), PackError> {
        facts.parts.push(schema.clone());
        for (keyword, value) in members {
            if let Some(kind) = spoken_of(keyword) {
                facts.hinted.insert(kind);
            }
            let count = || value.as_f64().map(|count| count as usize);
            match keyword.as_str() {
                "type" => facts.types(value),
                "enum" => facts.values(value.as_array().map_or(&[], Vec::as_slice)),
                "const" if schema.draft > Draft::Draft4 => facts.values(std::slice::from_ref(value)),
                "examples" => facts.examples.extend(value.as_array().into_iter().flatten().cloned()),
                "minLength" => facts.length.0 = facts.length.0.max(count().unwrap_or(0)),
                "maxLength" => facts.length.1 = facts.length.1.min(count().unwrap_or(usize::MAX)),
                "minProperties" => facts.members.0 = facts.members.0.max(count().unwrap_or(0)),
                "maxProperties" => facts.members.1 = facts.members.1.min(count().unwrap_or(usize::MAX)),
                "minItems" => facts.elements.0 = facts.elements.0.max(count().unwrap_or(0)),
                "maxItems" => facts.elements.1 = facts.elements.1.min(count().unwrap_or(usize::MAX)),
                "uniqueItems" => facts.unique |= value == &Value::Bool(true),
                "required" => {
                    let names = value.as_array().into_iter().flatten().filter_map(Value::as_str);
                    facts.required.extend(names.map(str::to_owned));
                }
                "pattern" => facts.patterns.extend(value.as_str().map(|p| (p.to_owned(), schema.clone()))),
                "format" => facts.formats.extend(value.as_str().map(str::to_owned)),
                "multipleOf" => facts.multiples.push(value.clone()),
                "minimum" => {
                    let strict = members.get("exclusiveMinimum") == Some(&Value::Bool(true));
                    facts.minimum.push((value.clone(), strict));
                }
                "maximum" => {
                    let strict = members.get("exclusiveMaximum") == Some(&Value::Bool(true));
                    facts.maximum.push((value.clone(), strict));
                }
                "exclusiveMinimum" if value.is_number() => facts.minimum.push((value.clone(), true)),
                "exclusiveMaximum" if value.is_number() => facts.maximum.push((value.clone(), true)),
                "unevaluatedProperties" | "unevaluatedItems" | "contains" | "maxContains" | "$dynamicRef" => {
                    facts.checks.insert(schema.place.clone(), schema.clone());
                }
                _ => {}
            }
        }
        self.sites(schema, members, facts);
        Ok(())
    }
}

/// The type that a keyword is about.
fn spoken_of(keyword: &str) -> Option<Kind> {
    Some(match keyword {
        "properties"
        | "patternProperties"
        | "additionalProperties"
        | "required"
        | "minProperties"
        | "maxProperties"
        | "propertyNames"
        | "dependencies"
        | "dependentRequired"
        | "dependentSchemas"
        | "unevaluatedProperties" => Kind::Object,
        "items" | "prefixItems" | "additionalItems" | "minItems" | "maxItems" | "uniqueItems"
        | "contains" | "unevaluatedItems" => Kind::Array,
        "minLength" | "maxLength" | "pattern" | "format" | "contentEncoding" | "contentMediaType" => {
            Kind::String
        }
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => Kind::Number,
        _ => return None,
    })
}
