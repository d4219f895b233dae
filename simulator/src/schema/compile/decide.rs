//! Whether a schema is known to hold, or to fail, for every value of a conjunction.

use std::sync::Arc;

use jsonschema::{Draft, Validator};
use serde_json::Value;

use super::facts::{Facts, first_token};
use super::{Compiler, Conjunction, Given};
use crate::schema::error::PackError;
use crate::schema::files::Located;

/// How far a condition is followed into the value.
const MAX_DEPTH: usize = 12;

/// The keywords that demand nothing.
const ANNOTATIONS: [&str; 15] = [
    "$schema",
    "$id",
    "id",
    "$comment",
    "$defs",
    "definitions",
    "$anchor",
    "$dynamicAnchor",
    "$vocabulary",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
];

/// Both must hold.
fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

impl<'a> Compiler<'a> {
    /// Whether `schema` holds for every value of `conjunction` (`true`), for none (`false`), or neither is known.
    pub(super) fn decide(
        &self,
        schema: &Located<'a>,
        conjunction: &Conjunction<'a>,
        facts: &Facts<'a>,
        depth: usize,
    ) -> Result<Option<bool>, PackError> {
        if depth > MAX_DEPTH {
            return Ok(None);
        }
        let members = match schema.schema {
            Value::Bool(holds) => return Ok(Some(*holds)),
            Value::Object(members) => members,
            _ => return Ok(Some(false)),
        };
        if let Some(Value::String(reference)) = members.get("$ref") {
            let target = self.documents.resolve(reference, schema)?;
            let there = self.decide(&target, conjunction, facts, depth + 1)?;
            if schema.draft <= Draft::Draft7 || there == Some(false) {
                return Ok(there);
            }
            return Ok(and(there, self.decide_members(schema, conjunction, facts, depth)?));
        }
        self.decide_members(schema, conjunction, facts, depth)
    }

    /// The validator of `root` for one event type: without the branches that are for others, whose messages
    /// would bury the one that matters. `None` where the root has no such branches.
    pub(in crate::schema) fn specialised(
        &self,
        root: &Located<'a>,
        wire_name: &str,
    ) -> Result<Option<Arc<Validator>>, PackError> {
        let conjunction = self.whole_body(root, wire_name);
        let facts = self.facts(&conjunction)?;
        let mut schema = root.schema.clone();
        let mut changed = false;
        for keyword in ["oneOf", "anyOf"] {
            let mut kept = Vec::new();
            let branches = self.children(root, keyword);
            for branch in &branches {
                let alone =
                    Conjunction { schemas: vec![root.clone(), branch.clone()], ..conjunction.clone() };
                if self.decide(branch, &conjunction, &facts, 0)? != Some(false) && !self.facts(&alone)?.never
                {
                    kept.push(branch.schema.clone());
                }
            }
            if kept.is_empty() || kept.len() == branches.len() {
                continue;
            }
            changed = true;
            let Some(members) = schema.as_object_mut() else { continue };
            if kept.len() > 1 {
                members.insert(keyword.to_owned(), Value::Array(kept));
                continue;
            }
            members.remove(keyword);
            if let Value::Array(all) = members.entry("allOf").or_insert_with(|| Value::Array(Vec::new())) {
                all.extend(kept);
            }
        }
        if !changed {
            return Ok(None);
        }
        // A reference into the branches would miss its target: then the whole schema judges.
        Ok(self.judge.build(&schema, root.draft, Some(&root.base)).ok())
    }

    fn decide_members(
        &self,
        schema: &Located<'a>,
        conjunction: &Conjunction<'a>,
        facts: &Facts<'a>,
        depth: usize,
    ) -> Result<Option<bool>, PackError> {
        let Some(members) = schema.schema.as_object() else { return Ok(None) };
        let object = facts.may_be(&["object"]);
        let mut holds = Some(true);
        for (keyword, value) in members {
            let each = match keyword.as_str() {
                "$ref" => Some(true),
                "enum" => among(facts, value.as_array().map_or(&[], Vec::as_slice)),
                "const" => among(facts, std::slice::from_ref(value)),
                "type" => match value {
                    Value::String(name) => facts.may_be(&[name]),
                    Value::Array(names) => {
                        facts.may_be(&names.iter().filter_map(Value::as_str).collect::<Vec<_>>())
                    }
                    _ => None,
                },
                "required" => {
                    let mut all = Some(true);
                    for name in value.as_array().into_iter().flatten().filter_map(Value::as_str) {
                        let there = match (facts.required.contains(name), object) {
                            (true, _) | (_, Some(false)) => Some(true),
                            _ if facts.forbidden.contains(name) && object == Some(true) => Some(false),
                            _ => None,
                        };
                        all = and(all, there);
                    }
                    all
                }
                "properties" => self.decide_properties(schema, conjunction, facts, depth)?,
                "allOf" | "anyOf" | "oneOf" => {
                    let mut known = Vec::new();
                    for inner in self.children(schema, keyword) {
                        known.push(self.decide(&inner, conjunction, facts, depth + 1)?);
                    }
                    combine(keyword, &known)
                }
                "not" => match self.child(schema, &["not"]) {
                    Some(inner) => self.decide(&inner, conjunction, facts, depth + 1)?.map(|holds| !holds),
                    None => None,
                },
                known if ANNOTATIONS.contains(&known) => Some(true),
                _ => None,
            };
            holds = and(holds, each);
            if holds == Some(false) {
                break;
            }
        }
        Ok(holds)
    }

    fn decide_properties(
        &self,
        schema: &Located<'a>,
        conjunction: &Conjunction<'a>,
        facts: &Facts<'a>,
        depth: usize,
    ) -> Result<Option<bool>, PackError> {
        let Some(Value::Object(properties)) = schema.schema.get("properties") else { return Ok(None) };
        let object = facts.may_be(&["object"]);
        if object == Some(false) {
            return Ok(Some(true));
        }
        let mut holds = Some(true);
        for name in properties.keys() {
            let Some(inner) = self.child(schema, &["properties", name]) else { continue };
            if facts.forbidden.contains(name) {
                continue;
            }
            let below = Conjunction {
                schemas: self.named_schemas(facts, name),
                given: below(conjunction, name),
                decided: Default::default(),
                path: None,
                open: 0,
            };
            let known = self.facts(&below)?;
            let each = if known.never {
                // The member cannot be there, so what is said of it holds.
                Some(true)
            } else {
                match self.decide(&inner, &below, &known, depth + 1)? {
                    Some(false) if !facts.required.contains(name) || object.is_none() => None,
                    known => known,
                }
            };
            holds = and(holds, each);
        }
        Ok(holds)
    }

    /// The schemas under `properties` for the member `name`, without patterns: enough to know its values.
    fn named_schemas(&self, facts: &Facts<'a>, name: &str) -> Vec<Located<'a>> {
        facts.parts.iter().filter_map(|part| self.child(part, &["properties", name])).collect()
    }
}

/// What is demanded of the member `name`.
pub(super) fn below(conjunction: &Conjunction<'_>, name: &str) -> std::collections::BTreeSet<Given> {
    let inner = |given: &Given| match given {
        Given::Text(pointer, text) if !pointer.is_empty() => {
            let (token, rest) = first_token(pointer);
            (token == name).then(|| Given::Text(rest.to_owned(), text.clone()))
        }
        _ => None,
    };
    conjunction.given.iter().filter_map(inner).collect()
}

/// Whether the value is one of `values`.
fn among(facts: &Facts<'_>, values: &[Value]) -> Option<bool> {
    let known = facts.allowed.as_ref()?;
    let inside = known.iter().filter(|value| values.contains(value)).count();
    match inside {
        0 => Some(false),
        all if all == known.len() => Some(true),
        _ => None,
    }
}

fn combine(keyword: &str, known: &[Option<bool>]) -> Option<bool> {
    let sure = known.iter().filter(|known| **known == Some(true)).count();
    let open = known.iter().filter(|known| known.is_none()).count();
    match (keyword, sure, open) {
        ("allOf", _, _) => known.iter().copied().fold(Some(true), and),
        ("anyOf", 1.., _) | ("oneOf", 1, 0) => Some(true),
        (_, 0, 0) | ("oneOf", 2.., _) => Some(false),
        _ => None,
    }
}
