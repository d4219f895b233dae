//! Arrays: what stands at each place, and what must stand somewhere.

use std::collections::BTreeSet;

use jsonschema::Draft;
use serde_json::Value;

use super::facts::Facts;
use super::{Compiler, Conjunction};
use crate::schema::error::PackError;
use crate::schema::files::Located;
use crate::schema::plan::{Array, Contained, Node};

/// The longest list of places that have schemas of their own.
const MAX_PREFIX: usize = 256;

impl<'a> Compiler<'a> {
    pub(super) fn array(
        &mut self,
        _conjunction: &Conjunction<'a>,
        facts: &Facts<'a>,
    ) -> Result<Option<Node>, PackError> {
        let (min, mut max) = facts.elements;
        if min > max {
            return Ok(None);
        }
        let listed = facts.parts.iter().map(|part| prefix_length(part)).max().unwrap_or(0).min(MAX_PREFIX);
        let mut prefix = Vec::new();
        for index in 0..listed.min(max) {
            match self.element(facts, index, None)? {
                Some(node) => prefix.push(node),
                None => {
                    max = index;
                    break;
                }
            }
        }
        let rest = if max > prefix.len() { self.element(facts, listed, None)? } else { None };
        if rest.is_none() {
            max = max.min(prefix.len());
        }
        if min > max {
            return Ok(None);
        }
        let mut contains = Vec::new();
        for part in &facts.parts {
            let count =
                part.schema.get("minContains").and_then(Value::as_f64).map_or(1, |count| count as usize);
            if let Some(wanted) = self.child(part, &["contains"])
                && count > 0
            {
                let Some(node) = self.element(facts, listed, Some(&wanted))? else { continue };
                contains.push(Contained { node, count });
            }
        }
        Ok(Some(Node::Array(Box::new(Array { prefix, rest, contains, min, max, unique: facts.unique }))))
    }

    fn element(
        &mut self,
        facts: &Facts<'a>,
        index: usize,
        also: Option<&Located<'a>>,
    ) -> Result<Option<usize>, PackError> {
        let mut schemas: Vec<Located<'a>> = also.cloned().into_iter().collect();
        for part in &facts.parts {
            schemas.extend(self.element_schema(part, index));
        }
        self.node(Conjunction {
            schemas,
            given: BTreeSet::new(),
            decided: BTreeSet::new(),
            path: None,
            open: 0,
        })
    }

    fn element_schema(&self, part: &Located<'a>, index: usize) -> Option<Located<'a>> {
        let place = index.to_string();
        if part.draft >= Draft::Draft202012 {
            return match part.schema.get("prefixItems") {
                Some(Value::Array(items)) if index < items.len() => {
                    self.child(part, &["prefixItems", &place])
                }
                _ => self.child(part, &["items"]),
            };
        }
        match part.schema.get("items") {
            Some(Value::Array(items)) if index < items.len() => self.child(part, &["items", &place]),
            Some(Value::Array(_)) => self.child(part, &["additionalItems"]),
            Some(_) => self.child(part, &["items"]),
            None => None,
        }
    }
}

fn prefix_length(part: &Located<'_>) -> usize {
    let keyword = if part.draft >= Draft::Draft202012 { "prefixItems" } else { "items" };
    part.schema.get(keyword).and_then(Value::as_array).map_or(0, Vec::len)
}
