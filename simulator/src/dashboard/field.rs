//! A field of a form, with its label, its hint and what is wrong with it.

use askama::Template;
use askama::filters::HtmlSafe;

use super::form::{self, Form, Wrong};
use crate::service::model::InvalidField;

/// A field; it writes itself.
#[derive(Clone, Debug, Template)]
#[template(path = "field.html")]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) hint: String,
    pub(super) value: String,
    pub(super) kind: Kind,
    pub(super) error: Option<String>,
    /// What stands in it while it is empty.
    pub(super) placeholder: String,
    /// Whether it is as wide as the form.
    pub(super) is_wide: bool,
    pub(super) is_required: bool,
    /// What its ids end in, where a page has two forms with such a field.
    pub(super) suffix: &'static str,
}

/// How a field looks.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Text,
    /// What is not shown while it is written.
    Secret,
    /// The service's token, which is asked for first and which a browser may keep.
    Token,
    /// Some lines.
    Area(u8),
    /// One of these.
    Select(Vec<Choice>),
    /// Some of these.
    Checks(Vec<Choice>),
    /// Yes or no.
    Check,
}

/// Something to choose.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) is_chosen: bool,
}

impl HtmlSafe for Field {}

impl Field {
    pub(super) fn new(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            hint: String::new(),
            value: String::new(),
            kind: Kind::Text,
            error: None,
            placeholder: String::new(),
            is_wide: false,
            is_required: false,
            suffix: "",
        }
    }

    /// The part of its ids that is its own.
    pub(super) fn id(&self) -> String {
        let plain = |char: char| if char.is_ascii_alphanumeric() || char == '_' { char } else { '-' };
        let id: String = self.name.chars().map(plain).collect();
        if self.suffix.is_empty() { id } else { format!("{id}-{}", self.suffix) }
    }

    /// What describes it, for who does not see it.
    pub(super) fn described_by(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("h-{}", self.id()));
        let error = self.error.as_ref().map(|_| format!("e-{}", self.id()));
        error.into_iter().chain(hint).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    pub(super) fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    pub(super) fn placeholder(mut self, placeholder: impl Into<String>) -> Self {
        self.placeholder = placeholder.into();
        self
    }

    pub(super) fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    pub(super) fn wide(mut self) -> Self {
        self.is_wide = true;
        self
    }

    pub(super) fn suffixed(mut self, suffix: &'static str) -> Self {
        self.suffix = suffix;
        self
    }

    pub(super) fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// One of `choices`: value and label.
    pub(super) fn one_of(self, choices: &[(&str, &str)]) -> Self {
        let choices = choices.iter().map(|(value, label)| Choice {
            value: (*value).to_owned(),
            label: (*label).to_owned(),
            is_chosen: *value == self.value,
        });
        let choices = choices.collect();
        self.kind(Kind::Select(choices))
    }

    /// As it was sent.
    pub(super) fn filled(mut self, form: &Form) -> Self {
        match &mut self.kind {
            Kind::Text | Kind::Area(_) if form.has(&self.name) => {
                form.raw(&self.name).clone_into(&mut self.value);
            }
            // What is secret is not sent back.
            Kind::Text | Kind::Area(_) | Kind::Secret | Kind::Token => {}
            Kind::Check => self.value = form.get(&self.name).to_owned(),
            Kind::Select(choices) => {
                if form.has(&self.name) {
                    form.get(&self.name).clone_into(&mut self.value);
                    choices.iter_mut().for_each(|choice| choice.is_chosen = choice.value == self.value);
                }
            }
            Kind::Checks(choices) => {
                let sent: Vec<&str> = form.all(&self.name).collect();
                choices
                    .iter_mut()
                    .for_each(|choice| choice.is_chosen = sent.contains(&choice.value.as_str()));
            }
        }
        self
    }
}

/// The field `headers` as an object; a line that is no header is told, not made one.
pub(super) fn headers(form: &Form) -> Result<serde_json::Value, InvalidField> {
    let text = form.get("headers");
    match text.lines().map(str::trim).find(|line| !line.is_empty() && !line.contains(':')) {
        Some(line) => Err(InvalidField::new(
            "headers",
            format_args!("expected `Name: value` in each line, not `{line}`"),
        )),
        None => Ok(form::headers(text)),
    }
}

/// A reason why a form was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// The field that it stands at: the part of its ids, and its label.
    pub(super) at: Option<(String, String)>,
    pub(super) why: String,
}

impl Told {
    /// One that stands at no field.
    pub(super) fn of_all(why: impl Into<String>) -> Self {
        Self { at: None, why: why.into() }
    }
}

/// Gives each error to its field, and tells all of them: first what no field of the form can show.
pub(super) fn give_errors<'a>(fields: impl IntoIterator<Item = &'a mut Field>, wrong: &Wrong) -> Vec<Told> {
    let mut fields: Vec<&mut Field> = fields.into_iter().collect();
    let mut left: Vec<String> = wrong.whole.iter().cloned().collect();
    for (name, why) in &wrong.errors {
        // Of `headers.x-a` the field `headers` is told, of `rate_limit` its first.
        let fits = |field: &Field| {
            let within = |outer: &str, inner: &str| {
                inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            match name.as_str() {
                "" => 0,
                name if name == field.name => 3,
                name if within(&field.name, name) => 2,
                name if within(name, &field.name) => 1,
                _ => 0,
            }
        };
        let best = fields.iter().map(|field| fits(field)).max().unwrap_or_default();
        match fields.iter_mut().find(|field| best > 0 && fits(field) == best) {
            Some(field) => {
                let before = field.error.take().map(|before| format!("{before}; ")).unwrap_or_default();
                field.error = Some(format!("{before}{why}"));
            }
            None if name.is_empty() => left.push(why.clone()),
            None => left.push(format!("{name}: {why}")),
        }
    }
    let left = left.into_iter().map(Told::of_all);
    let at_fields = fields.iter().filter_map(|field| {
        let why = field.error.clone()?;
        Some(Told { at: Some((field.id(), field.label.clone())), why })
    });
    left.chain(at_fields).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_stands_at_its_field() {
        let mut fields =
            [Field::new("headers", "H"), Field::new("rate_limit.rate", "R"), Field::new("retry.max", "M")];
        let errors = ["headers.x-a", "rate_limit", "retry.max", "retry.first", ""];
        let errors = errors.into_iter().map(|name| (name.to_owned(), format!("at {name}"))).collect();
        let wrong = Wrong { errors, ..Wrong::default() };
        let all = give_errors(&mut fields, &wrong);
        let (at_fields, left): (Vec<_>, Vec<_>) = all.into_iter().partition(|told| told.at.is_some());
        let left: Vec<_> = left.iter().map(|told| told.why.as_str()).collect();
        assert_eq!(left, ["retry.first: at retry.first", "at "]);
        let places: Vec<_> = at_fields.into_iter().filter_map(|told| told.at).collect();
        let expected = [("headers", "H"), ("rate_limit-rate", "R"), ("retry-max", "M")];
        assert_eq!(places, expected.map(|(id, label)| (id.to_owned(), label.to_owned())));
        let told: Vec<_> = fields.iter().map(|field| field.error.as_deref().unwrap()).collect();
        assert_eq!(told, ["at headers.x-a", "at rate_limit", "at retry.max"]);
    }
}
