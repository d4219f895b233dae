//! Keywords with a choice: decided where it is known which branch holds, otherwise made into alternatives.

use serde_json::{Map, Value};

use super::facts::Facts;
use super::{Compiler, Conjunction, Given};
use crate::schema::error::PackError;
use crate::schema::files::{Located, Place};
use crate::schema::plan::Node;

/// After so many undecided choices within one value, the next ones take their first branch that works:
/// alternatives multiply.
const MAX_OPEN: usize = 5;

/// A keyword with a choice.
#[derive(Clone, Debug)]
pub(super) struct Site<'a> {
    /// Where the keyword stands.
    pub(super) key: Place,
    /// The schema that it stands in.
    pub(super) schema: Located<'a>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Any,
    One,
    If,
    Not,
    /// A schema that holds when the member is there.
    Dependent(&'static str, String),
    /// Members that must be there when the member is.
    Needs(String, Vec<String>),
}

/// A way to satisfy a site: schemas and demands to add, and whether the site must be checked afterwards.
#[derive(Clone, Debug, Default)]
struct Branch<'a> {
    schemas: Vec<Located<'a>>,
    given: Vec<Given>,
    check: bool,
}

impl<'a> Branch<'a> {
    fn of(schemas: Vec<Located<'a>>) -> Self {
        Self { schemas, ..Self::default() }
    }
}

impl<'a> Compiler<'a> {
    /// Notes the choices among the keywords of `schema`.
    pub(super) fn sites(&self, schema: &Located<'a>, members: &'a Map<String, Value>, facts: &mut Facts<'a>) {
        let mut add = |place: Place, kind: Kind| {
            facts.choices.push(Site { key: place, schema: schema.clone(), kind });
        };
        for (keyword, kind) in
            [("if", Kind::If), ("oneOf", Kind::One), ("anyOf", Kind::Any), ("not", Kind::Not)]
        {
            if members.contains_key(keyword) {
                add(schema.place.child(keyword), kind);
            }
        }
        for keyword in ["dependencies", "dependentRequired", "dependentSchemas"] {
            let Some(Value::Object(entries)) = members.get(keyword) else { continue };
            for (name, entry) in entries {
                let place = schema.place.child(keyword).child(name);
                let needs = match entry {
                    Value::Array(names) => {
                        names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
                    }
                    // Draft 3 had single names, and draft-4 files still do.
                    Value::String(name) => vec![name.clone()],
                    _ => {
                        add(place, Kind::Dependent(keyword, name.clone()));
                        continue;
                    }
                };
                add(place, Kind::Needs(name.clone(), needs));
            }
        }
    }

    /// Decides what can be decided, until nothing more can; `None` where a contradiction is found.
    pub(super) fn settle(&self, conjunction: &mut Conjunction<'a>) -> Result<Option<Facts<'a>>, PackError> {
        loop {
            let mut facts = self.facts(conjunction)?;
            if facts.never {
                return Ok(None);
            }
            if facts.allowed.is_some() {
                // Each value is judged against the whole schema: nothing is left to decide.
                return Ok(Some(facts));
            }
            // What is known grows with each decision, but what was known before stays true: one pass may take several.
            let before = conjunction.decided.len();
            for site in &facts.choices {
                let mut branches = self.branches(conjunction, &facts, site)?;
                match branches.len() {
                    0 => return Ok(None),
                    1 if !branches[0].check => take(conjunction, site, branches.swap_remove(0)),
                    _ => {}
                }
            }
            if conjunction.decided.len() > before {
                continue;
            }
            // A choice that cannot be turned into demands is left to a check.
            let mut open = Vec::new();
            for site in std::mem::take(&mut facts.choices) {
                let branches = self.branches(conjunction, &facts, &site)?;
                let plain =
                    branches.len() == 1 && branches[0].schemas.is_empty() && branches[0].given.is_empty();
                if branches.iter().any(|branch| branch.check) {
                    facts.checks.insert(site.schema.place.clone(), site.schema.clone());
                }
                if !plain {
                    open.push(site);
                }
            }
            // Checks of choices that were decided earlier stay.
            facts.choices = open;
            return Ok(Some(facts));
        }
    }

    /// The node for a conjunction whose first open choice is `site`.
    pub(super) fn alternatives(
        &mut self,
        conjunction: &Conjunction<'a>,
        facts: &Facts<'a>,
        site: &Site<'a>,
    ) -> Result<Option<Node>, PackError> {
        let first_only = conjunction.open >= MAX_OPEN;
        let mut among = Vec::new();
        for branch in self.branches(conjunction, facts, site)? {
            let mut wider = conjunction.clone();
            take(&mut wider, site, branch);
            wider.open += 1;
            if let Some(node) = self.node(wider)? {
                among.push(node);
                if first_only {
                    break;
                }
            }
        }
        if among.is_empty() {
            return Ok(None);
        }
        let node = Node::Choice(among.into_boxed_slice());
        // The checks hold for the value as a whole, whichever branch it took.
        self.checked(node, facts).map(Some)
    }

    /// The ways to satisfy `site` that are not known to fail. A single empty one: it holds already.
    fn branches(
        &self,
        conjunction: &Conjunction<'a>,
        facts: &Facts<'a>,
        site: &Site<'a>,
    ) -> Result<Vec<Branch<'a>>, PackError> {
        let decide = |schema: &Located<'a>| self.decide(schema, conjunction, facts, 0);
        match &site.kind {
            Kind::Any => {
                let mut branches = Vec::new();
                for schema in self.children(&site.schema, "anyOf") {
                    match decide(&schema)? {
                        Some(true) => return Ok(vec![Branch::default()]),
                        Some(false) => {}
                        None => branches.push(Branch::of(vec![schema])),
                    }
                }
                Ok(branches)
            }
            Kind::One => self.exclusive(conjunction, facts, site),
            Kind::If => self.conditional(conjunction, facts, site),
            Kind::Not => self.negated(conjunction, facts, site),
            Kind::Dependent(keyword, name) => {
                let schema = self.child(&site.schema, &[keyword, name]);
                let mut with = Branch::of(schema.into_iter().collect());
                if facts.required.contains(name) {
                    return Ok(vec![with]);
                }
                let without = Branch { given: vec![Given::Forbid(name.clone())], ..Branch::default() };
                if facts.forbidden.contains(name) {
                    return Ok(vec![without]);
                }
                with.given.push(Given::Require(name.clone()));
                Ok(vec![without, with])
            }
            Kind::Needs(name, needs) => {
                let given: Vec<Given> = needs.iter().map(|needed| Given::Require(needed.clone())).collect();
                let forbid = Branch { given: vec![Given::Forbid(name.clone())], ..Branch::default() };
                if facts.forbidden.contains(name) {
                    return Ok(vec![forbid]);
                }
                if facts.required.contains(name) {
                    return Ok(vec![Branch { given, ..Branch::default() }]);
                }
                if needs.iter().any(|needed| facts.forbidden.contains(needed)) {
                    return Ok(vec![forbid]);
                }
                // The object's plan keeps such pairs together.
                Ok(vec![Branch { check: true, ..Branch::default() }])
            }
        }
    }

    fn exclusive(
        &self,
        conjunction: &Conjunction<'a>,
        facts: &Facts<'a>,
        site: &Site<'a>,
    ) -> Result<Vec<Branch<'a>>, PackError> {
        let mut sure = 0;
        let mut branches = Vec::new();
        for schema in self.children(&site.schema, "oneOf") {
            match self.decide(&schema, conjunction, facts, 0)? {
                Some(true) => {
                    sure += 1;
                    branches.push(Branch::default());
                }
                Some(false) => {}
                None => branches.push(Branch::of(vec![schema])),
            }
        }
        if sure > 1 {
            return Ok(Vec::new());
        }
        // That the others fail is seen afterwards.
        let several = branches.len() > 1;
        branches.iter_mut().for_each(|branch| branch.check = several);
        Ok(branches)
    }

    fn conditional(
        &self,
        conjunction: &Conjunction<'a>,
        facts: &Facts<'a>,
        site: &Site<'a>,
    ) -> Result<Vec<Branch<'a>>, PackError> {
        let Some(condition) = self.child(&site.schema, &["if"]) else { return Ok(vec![Branch::default()]) };
        let then = self.child(&site.schema, &["then"]);
        let otherwise = self.child(&site.schema, &["else"]);
        Ok(match self.decide(&condition, conjunction, facts, 0)? {
            Some(true) => vec![Branch::of(then.into_iter().collect())],
            Some(false) => vec![Branch::of(otherwise.into_iter().collect())],
            None => {
                let holds = Branch::of([Some(condition), then].into_iter().flatten().collect());
                let mut fails = Branch::of(otherwise.into_iter().collect());
                fails.check = true;
                vec![holds, fails]
            }
        })
    }

    fn negated(
        &self,
        conjunction: &Conjunction<'a>,
        facts: &Facts<'a>,
        site: &Site<'a>,
    ) -> Result<Vec<Branch<'a>>, PackError> {
        let Some(inner) = self.child(&site.schema, &["not"]) else { return Ok(vec![Branch::default()]) };
        match self.decide(&inner, conjunction, facts, 0)? {
            Some(true) => return Ok(Vec::new()),
            Some(false) => return Ok(vec![Branch::default()]),
            None => {}
        }
        let members = inner.schema.as_object();
        let only = |keyword: &str| members.filter(|members| members.len() == 1)?.get(keyword);
        if let Some(Value::Array(names)) = only("required") {
            let open = names.iter().filter_map(Value::as_str).filter(|name| !facts.required.contains(*name));
            let forbid =
                |name: &str| Branch { given: vec![Given::Forbid(name.to_owned())], ..Branch::default() };
            return Ok(open.map(forbid).collect());
        }
        Ok(vec![Branch { check: true, ..Branch::default() }])
    }
}

fn take<'a>(conjunction: &mut Conjunction<'a>, site: &Site<'a>, branch: Branch<'a>) {
    conjunction.decided.insert(site.key.clone());
    conjunction.schemas.extend(branch.schemas);
    conjunction.given.extend(branch.given);
}
