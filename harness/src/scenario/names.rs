//! Names that refer to something in the scenario: subscriptions, saved notifications, saved windows.

use super::diagnostic::{alternatives, nearest};
use super::model::Which;
use super::reader::{Fields, Reader};
use super::yaml::{Node, Value, shorten};

impl Reader<'_> {
    /// One of `known`, or an error that lists what is.
    fn known(&mut self, node: &Node, what: &str, known: &[String]) -> Option<String> {
        let name = self.text(node)?;
        if known.contains(&name) {
            return Some(name);
        }
        let names = || known.iter().map(String::as_str);
        let mut problem =
            self.at(node.span, format!("no {what} is named `{}`", shorten(&name)), "unknown name");
        problem.help = Some(match nearest(&name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => format!("no {what} has a name here: give it one"),
            None => format!("known are {}", alternatives(names())),
        });
        self.note(problem);
        None
    }

    pub(super) fn subscription(&mut self, node: &Node) -> Option<String> {
        let known = self.scope.subscriptions.clone();
        self.known(node, "subscription", &known)
    }

    /// `on:`, which may be left out where there is only one.
    pub(super) fn the_subscription(&mut self, fields: &Fields<'_>) -> Option<String> {
        if let Some(node) = fields.get("on") {
            return self.subscription(node);
        }
        if let [only] = &self.scope.subscriptions[..] {
            return Some(only.clone());
        }
        let known = alternatives(self.scope.subscriptions.iter().map(String::as_str));
        let problem = self
            .at(fields.span, "which subscription is meant?", "needs `on`")
            .help(format!("add `on:` with {known}"));
        self.note(problem);
        None
    }

    /// A name under which an `emit` saves.
    pub(super) fn saved(&mut self, node: &Node) -> Option<String> {
        let known: Vec<String> = self.scope.saved.iter().cloned().collect();
        self.known(node, "saved notification", &known)
    }

    /// A name that the `rfp` of an `emit` gives.
    pub(super) fn rfp(&mut self, node: &Node) -> Option<String> {
        let known: Vec<String> = self.scope.rfps.iter().cloned().collect();
        self.known(node, "RFP", &known)
    }

    /// A name under which an earlier `downtime` saves.
    pub(super) fn window(&mut self, node: &Node) -> Option<String> {
        let known: Vec<String> = self.scope.windows.iter().cloned().collect();
        self.known(node, "saved downtime window", &known)
    }

    /// `all`, a name, or names.
    pub(super) fn which(&mut self, node: &Node) -> Option<Which> {
        match &node.value {
            Value::Text(word) if word == "all" => Some(Which::All),
            Value::List(items) if items.is_empty() => self.error(node.span, "the list of names is empty"),
            _ => {
                let names = self.one_or_many(node, Self::saved);
                (!names.is_empty()).then_some(Which::Saved(names))
            }
        }
    }

    /// `of:` or `on:`; both left out means all.
    pub(super) fn of(&mut self, fields: &Fields<'_>) -> Option<Which> {
        if let (Some(of), Some(on)) = (fields.entry("of"), fields.entry("on")) {
            let mut problem = self.at(on.key_span, "`of` and `on` exclude each other", "the second");
            problem.related = Some((self.sources.place(of.key_span), "the first".to_owned()));
            self.note(problem);
            return None;
        }
        if let Some(on) = fields.get("on") {
            return self.subscription(on).map(Which::On);
        }
        match fields.get("of") {
            Some(node) => self.which(node),
            None => Some(Which::All),
        }
    }

    /// Notes siblings that stand beside another verb than theirs.
    pub(super) fn only_with(&mut self, fields: &Fields<'_>, verb: &str, siblings: &[(&str, &[&str])]) {
        for (key, verbs) in siblings {
            let Some(entry) = fields.entry(key) else { continue };
            if *key == verb || verbs.contains(&verb) {
                continue;
            }
            let belongs = alternatives(verbs.iter().copied());
            let problem = self.at(
                entry.key_span,
                format!("`{key}` means nothing with `{verb}`"),
                format!("belongs to {belongs}"),
            );
            self.note(problem);
        }
    }
}
