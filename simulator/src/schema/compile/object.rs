//! Objects: which members there may be, and what each must be.

use std::collections::BTreeSet;

use serde_json::Value;

use super::decide::below;
use super::facts::Facts;
use super::{Compiler, Conjunction};
use crate::schema::draws::Draws;
use crate::schema::error::PackError;
use crate::schema::files::Located;
use crate::schema::pattern::Pattern;
use crate::schema::plan::{Member, Node, Object};

/// Members beyond those that the schema names, where it asks for a least number.
const MAX_EXTRA: usize = 256;

impl<'a> Compiler<'a> {
    pub(super) fn object(
        &mut self,
        conjunction: &Conjunction<'a>,
        facts: &Facts<'a>,
    ) -> Result<Option<Node>, PackError> {
        let mut members = Vec::new();
        let mut seen = BTreeSet::new();
        for name in self.names(facts) {
            if !seen.insert(name.clone()) {
                continue;
            }
            let required = facts.required.contains(&name);
            match self.member(conjunction, facts, &name, required)? {
                Some(member) => members.push(member),
                None if required => return Ok(None),
                None => {}
            }
        }
        self.extras(conjunction, facts, &mut members, &mut seen)?;
        if members.len() < facts.members.0 || facts.required.len() > facts.members.1 {
            return Ok(None);
        }
        self.needs(conjunction, facts, &mut members)?;
        Ok(Some(Node::Object(Box::new(Object { members, min: facts.members.0, max: facts.members.1 }))))
    }

    /// The names in the order of the schema: properties, then what only `required` or dependencies name.
    fn names(&self, facts: &Facts<'a>) -> Vec<String> {
        let mut names = Vec::new();
        for part in &facts.parts {
            if let Some(Value::Object(properties)) = part.schema.get("properties") {
                names.extend(properties.keys().cloned());
            }
        }
        names.extend(facts.required.iter().cloned());
        for (_, needed) in self.pairs(facts) {
            names.push(needed);
        }
        names
    }

    fn member(
        &mut self,
        conjunction: &Conjunction<'a>,
        facts: &Facts<'a>,
        name: &str,
        required: bool,
    ) -> Result<Option<Member>, PackError> {
        if facts.forbidden.contains(name) {
            return Ok(None);
        }
        for part in &facts.parts {
            if let Some(names) = self.child(part, &["propertyNames"])
                && !self.validator(&names)?.is_valid(&Value::String(name.to_owned()))
            {
                return Ok(None);
            }
        }
        let inner = Conjunction {
            schemas: self.member_schemas(facts, name)?,
            given: below(conjunction, name),
            decided: BTreeSet::new(),
            path: conjunction.path.as_ref().map(|path| format!("{path}/{}", escape(name))),
            open: 0,
        };
        let Some(node) = self.node(inner)? else { return Ok(None) };
        let mut key = serde_json::to_vec(name).expect("a text is written");
        key.push(b':');
        Ok(Some(Member { name: name.to_owned(), key: key.into(), node, required, needs: Vec::new() }))
    }

    /// All schemas that apply to the member `name`.
    fn member_schemas(&mut self, facts: &Facts<'a>, name: &str) -> Result<Vec<Located<'a>>, PackError> {
        let mut schemas = Vec::new();
        for part in &facts.parts {
            let before = schemas.len();
            schemas.extend(self.child(part, &["properties", name]));
            if let Some(Value::Object(patterns)) = part.schema.get("patternProperties") {
                for pattern in patterns.keys() {
                    if self.matches(pattern, name, part)? {
                        schemas.extend(self.child(part, &["patternProperties", pattern]));
                    }
                }
            }
            if schemas.len() == before {
                schemas.extend(self.child(part, &["additionalProperties"]));
            }
        }
        Ok(schemas)
    }

    /// Adds members that the schema does not name: one for each pattern of names, and as many as are missing.
    fn extras(
        &mut self,
        conjunction: &Conjunction<'a>,
        facts: &Facts<'a>,
        members: &mut Vec<Member>,
        seen: &mut BTreeSet<String>,
    ) -> Result<(), PackError> {
        let wanted = facts.members.0.min(MAX_EXTRA);
        let mut draws = Draws::new(0, 0, 0);
        let mut candidates: Vec<String> = Vec::new();
        for part in &facts.parts {
            if let Some(Value::Object(patterns)) = part.schema.get("patternProperties") {
                for pattern in patterns.keys() {
                    if let Ok(pattern) = Pattern::compile(pattern, 8) {
                        candidates.extend((0..=wanted).map(|_| pattern.text(&mut draws)));
                    }
                }
            }
        }
        let patterned = candidates.len();
        if members.len() < wanted {
            candidates.extend((1..=wanted).map(|number| format!("field{number}")));
            for part in &facts.parts {
                if let Some(names) = self.child(part, &["propertyNames"]) {
                    candidates.extend(self.sample_names(&names, 4 * wanted + 4)?);
                }
            }
        }
        for (index, name) in candidates.into_iter().enumerate() {
            let enough = members.len() >= wanted;
            if enough && (index >= patterned || members.len() >= wanted + 2) || !seen.insert(name.clone()) {
                continue;
            }
            let closed = facts.parts.iter().any(|part| part.schema.get("unevaluatedProperties").is_some());
            if index >= patterned && closed {
                continue;
            }
            if let Some(member) = self.member(conjunction, facts, &name, false)? {
                members.push(member);
            }
        }
        Ok(())
    }

    /// Names that a `propertyNames` allows.
    fn sample_names(&mut self, schema: &Located<'a>, count: usize) -> Result<Vec<String>, PackError> {
        let Some(Value::String(pattern)) = schema.schema.get("pattern") else {
            let values = schema.schema.get("enum").and_then(Value::as_array);
            return Ok(values.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect());
        };
        let pattern =
            Pattern::compile(pattern, 8).map_err(|text| self.documents.unsupported(&schema.place, &text))?;
        let mut draws = Draws::new(0, 1, 0);
        Ok((0..count).map(|_| pattern.text(&mut draws)).collect())
    }

    /// Turns `dependentRequired` into places.
    fn needs(
        &mut self,
        conjunction: &Conjunction<'a>,
        facts: &Facts<'a>,
        members: &mut Vec<Member>,
    ) -> Result<(), PackError> {
        let _ = conjunction;
        let place = |members: &[Member], name: &str| members.iter().position(|member| member.name == name);
        loop {
            let mut impossible = None;
            for (name, needed) in self.pairs(facts) {
                let Some(at) = place(members, &name) else { continue };
                match place(members, &needed) {
                    Some(needed) if !members[at].needs.contains(&needed) => members[at].needs.push(needed),
                    Some(_) => {}
                    None => impossible = Some(at),
                }
            }
            let Some(at) = impossible else { return Ok(()) };
            // What it needs cannot be there, so it cannot either; the others' places move.
            members.remove(at);
            for member in members.iter_mut() {
                member.needs.clear();
            }
        }
    }

    /// All (name, needed name) pairs of `dependentRequired` and of the list form of `dependencies`.
    fn pairs(&self, facts: &Facts<'a>) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for part in &facts.parts {
            for keyword in ["dependencies", "dependentRequired"] {
                let Some(Value::Object(entries)) = part.schema.get(keyword) else { continue };
                for (name, entry) in entries {
                    let needed: Vec<&str> = match entry {
                        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
                        Value::String(needed) => vec![needed],
                        _ => continue,
                    };
                    pairs.extend(needed.into_iter().map(|needed| (name.clone(), needed.to_owned())));
                }
            }
        }
        pairs
    }
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
