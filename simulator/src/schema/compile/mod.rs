//! From schemas to plans.
//!
//! The unit of compilation is a [`Conjunction`]: schemas that must all hold for one value. `$ref` and `allOf`
//! only widen it; keywords with a choice (`anyOf`, `oneOf`, `if`, `not`, `dependencies`) are decided where the
//! event type decides them, and become alternatives where not. What a plan cannot promise by its shape is left
//! to checks on the part that was written.

mod array;
mod choice;
mod decide;
mod facts;
mod object;
mod scalar;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jsonschema::Validator;
use serde_json::Value;

use self::facts::Facts;
use super::error::PackError;
use super::files::{Documents, Located, Place};
use super::manifest::Roles;
use super::plan::{Node, NodeId, Plans};
use super::validate::Judge;

/// The most nodes of one pack's plans: beyond it the schema's choices multiply without end.
const MAX_NODES: usize = 100_000;
/// How deep schemas may be compiled within each other.
const MAX_NESTING: usize = 96;

/// Schemas that must all hold for one value.
#[derive(Clone, Debug)]
pub(super) struct Conjunction<'a> {
    pub(super) schemas: Vec<Located<'a>>,
    /// What is demanded beside the schemas.
    pub(super) given: BTreeSet<Given>,
    /// Choices that were decided; the branch taken is among `schemas`.
    pub(super) decided: BTreeSet<Place>,
    /// Where in the body the value is, while a role may still be there or below.
    pub(super) path: Option<String>,
    /// How many choices were left open on the way here within this value.
    pub(super) open: usize,
}

/// A demand beside the schemas.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Given {
    /// The text at this pointer below.
    Text(String, String),
    /// The object has this member.
    Require(String),
    /// The object does not have this member.
    Forbid(String),
}

type Key = (BTreeSet<Place>, BTreeSet<Given>, BTreeSet<Place>, Option<String>);

/// Compiles the schemas of one pack.
#[derive(Debug)]
pub(super) struct Compiler<'a> {
    pub(super) documents: &'a Documents,
    pub(super) judge: &'a Judge,
    roles: &'a Roles,
    pub(super) plans: Plans,
    known: BTreeMap<Key, Option<NodeId>>,
    validators: BTreeMap<Place, Arc<Validator>>,
    patterns: BTreeMap<String, Arc<Validator>>,
    nesting: usize,
    /// The last text that was looked for in vain: the likely reason where no body is left at all.
    pub(super) refusal: Option<PackError>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(documents: &'a Documents, judge: &'a Judge, roles: &'a Roles) -> Self {
        Self {
            documents,
            judge,
            roles,
            plans: Plans::default(),
            known: BTreeMap::new(),
            validators: BTreeMap::new(),
            patterns: BTreeMap::new(),
            nesting: 0,
            refusal: None,
        }
    }

    /// The plan of a body whose event type is `wire_name`; `None` where the schema has no such body.
    pub(super) fn body(&mut self, root: &Located<'a>, wire_name: &str) -> Result<Option<NodeId>, PackError> {
        self.node(self.whole_body(root, wire_name))
    }

    fn whole_body(&self, root: &Located<'a>, wire_name: &str) -> Conjunction<'a> {
        Conjunction {
            schemas: vec![root.clone()],
            given: BTreeSet::from([Given::Text(self.roles.event_type.clone(), wire_name.to_owned())]),
            decided: BTreeSet::new(),
            path: Some(String::new()),
            open: 0,
        }
    }

    /// The node of a value for which all of `conjunction` holds; `None` where nothing can.
    pub(super) fn node(&mut self, mut conjunction: Conjunction<'a>) -> Result<Option<NodeId>, PackError> {
        conjunction.path = conjunction.path.filter(|path| {
            self.roles.iter().any(|(_, role)| {
                role.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        });
        let places = conjunction.schemas.iter().map(|schema| schema.place.clone()).collect();
        let key = (places, conjunction.given.clone(), conjunction.decided.clone(), conjunction.path.clone());
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        if self.plans.nodes.len() >= MAX_NODES {
            return Err(
                self.fail(&conjunction, "the choices of the schema multiply beyond what can be planned")
            );
        }
        if self.nesting >= MAX_NESTING {
            return Err(self.fail(&conjunction, "schemas nest too deep"));
        }
        // A recursive schema finds its own node here; until it is filled it never ends.
        let id = self.add(Node::Never);
        self.known.insert(key.clone(), Some(id));
        self.nesting += 1;
        let compiled = self.fill(conjunction);
        self.nesting -= 1;
        match compiled? {
            Some(node) => self.plans.nodes[id] = node,
            None => {
                self.known.insert(key.clone(), None);
            }
        }
        Ok(self.known[&key])
    }

    fn fill(&mut self, mut conjunction: Conjunction<'a>) -> Result<Option<Node>, PackError> {
        let Some(facts) = self.settle(&mut conjunction)? else { return Ok(None) };
        if let Some(stamp) = self.published(&conjunction, &facts)? {
            return Ok(Some(Node::Published(stamp)));
        }
        if let Some(values) = &facts.allowed {
            let mut texts = Vec::new();
            for value in values {
                if self.admits(&conjunction, value)? {
                    texts.push(value.to_string().into_bytes().into_boxed_slice());
                }
            }
            return Ok(match texts.len() {
                0 => None,
                1 => Some(Node::Literal(texts.swap_remove(0))),
                _ => Some(Node::Pick(texts.into_boxed_slice())),
            });
        }
        let examples = self.examples(&conjunction, &facts)?;
        if !examples.is_empty() {
            return Ok(Some(Node::Pick(examples)));
        }
        if let Some(site) = facts.choices.first() {
            return self.alternatives(&conjunction, &facts, site);
        }
        self.typed(&conjunction, &facts)
    }

    /// Example texts that fit. Examples of objects and arrays are left: their fields are wanted anew each time.
    fn examples(
        &mut self,
        conjunction: &Conjunction<'a>,
        facts: &Facts<'a>,
    ) -> Result<Box<[Box<[u8]>]>, PackError> {
        let mut texts = Vec::new();
        for example in &facts.examples {
            if !example.is_object() && !example.is_array() && self.admits(conjunction, example)? {
                texts.push(example.to_string().into_bytes().into_boxed_slice());
            }
        }
        // One or two examples are an illustration, not a vocabulary.
        const VOCABULARY: usize = 3;
        Ok(if texts.len() >= VOCABULARY { texts.into_boxed_slice() } else { Box::default() })
    }

    /// One node for each type that the value may have.
    fn typed(&mut self, conjunction: &Conjunction<'a>, facts: &Facts<'a>) -> Result<Option<Node>, PackError> {
        let mut nodes = Vec::new();
        for kind in facts.kinds() {
            let node = match kind {
                facts::Kind::Null => Some(Node::Literal((*b"null").into())),
                facts::Kind::Boolean => Some(Node::Boolean),
                facts::Kind::Number | facts::Kind::Integer => self.number(facts, kind),
                facts::Kind::String => self.string(conjunction, facts)?,
                facts::Kind::Array => self.array(conjunction, facts)?,
                facts::Kind::Object => self.object(conjunction, facts)?,
            };
            if let Some(node) = node {
                nodes.push(node);
            }
        }
        let node = match nodes.len() {
            0 => return Ok(None),
            1 => nodes.swap_remove(0),
            _ => {
                let among = nodes.into_iter().map(|node| self.add(node)).collect();
                Node::Choice(among)
            }
        };
        self.checked(node, facts).map(Some)
    }

    /// Wraps `node` in the checks that its shape does not promise.
    fn checked(&mut self, node: Node, facts: &Facts<'a>) -> Result<Node, PackError> {
        let mut checks = Vec::new();
        for schema in facts.checks.values() {
            checks.push(self.validator(schema)?);
        }
        if checks.is_empty() {
            return Ok(node);
        }
        let inner = self.add(node);
        Ok(Node::Checked { inner, checks: checks.into_boxed_slice() })
    }

    /// Whether `value` fits all of `conjunction`, exactly.
    pub(super) fn admits(&mut self, conjunction: &Conjunction<'a>, value: &Value) -> Result<bool, PackError> {
        for given in &conjunction.given {
            let holds = match given {
                Given::Text(pointer, text) => value.pointer(pointer).and_then(Value::as_str) == Some(text),
                Given::Require(name) => value.as_object().is_none_or(|members| members.contains_key(name)),
                Given::Forbid(name) => value.get(name).is_none(),
            };
            if !holds {
                return Ok(false);
            }
        }
        for schema in &conjunction.schemas {
            if !self.validator(schema)?.is_valid(value) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn validator(&mut self, schema: &Located<'a>) -> Result<Arc<Validator>, PackError> {
        if let Some(known) = self.validators.get(&schema.place) {
            return Ok(Arc::clone(known));
        }
        let validator = self.judge.validator(self.documents, schema)?;
        self.validators.insert(schema.place.clone(), Arc::clone(&validator));
        Ok(validator)
    }

    /// Whether `pattern` matches `text`, as the validator sees it.
    pub(super) fn matches(&mut self, pattern: &str, text: &str, at: &Located<'a>) -> Result<bool, PackError> {
        if !self.patterns.contains_key(pattern) {
            let schema = serde_json::json!({ "pattern": pattern });
            let validator = self
                .judge
                .build(&schema, at.draft, None)
                .map_err(|error| self.documents.unsupported(&at.place, &error))?;
            self.patterns.insert(pattern.to_owned(), validator);
        }
        Ok(self.patterns[pattern].is_valid(&Value::String(text.to_owned())))
    }

    pub(super) fn add(&mut self, node: Node) -> NodeId {
        self.plans.nodes.push(node);
        self.plans.nodes.len() - 1
    }

    pub(super) fn fail(&self, conjunction: &Conjunction<'a>, text: &str) -> PackError {
        match conjunction.schemas.last() {
            Some(schema) => self.documents.unsupported(&schema.place, text),
            None => PackError::References { text: text.to_owned() },
        }
    }

    pub(super) fn is_publication(&self, path: Option<&str>) -> bool {
        path.is_some_and(|path| self.roles.published_at.as_deref() == Some(path))
    }
}
