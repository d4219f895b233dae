//! Forms: from fields to the JSON that the control API reads, so that there is one reader and one wording.

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Dashboard;
use super::page::Refusal;
use crate::control::extract::{collect, parse};
use crate::control::problem::{Kind, Problem};

/// The field that shows that a form is ours.
pub(super) const FORGERY_FIELD: &str = "csrf";
/// More fields than any form has: 33 event types, and a body's members.
const FIELDS_MAX: usize = 512;

/// The fields of a form, or of a query.
#[derive(Clone, Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `a=b&c=d`.
    pub(super) fn of(text: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(text).take(FIELDS_MAX);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// A field as it was sent; what is not there is empty.
    pub(super) fn raw(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// A field without the space around it.
    pub(super) fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// All values of a field.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.trim())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }
}

/// A form that was sent, and is ours.
impl FromRequest<Dashboard> for Form {
    type Rejection = Refusal;

    async fn from_request(request: Request, dashboard: &Dashboard) -> Result<Self, Refusal> {
        let said = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = said.and_then(|said| said.split(';').next()).unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Refusal::no_form());
        }
        let control = &dashboard.shared.control;
        let most = control.limits.body_bytes;
        let (body, _) = collect(request, most, most, &control.large_bodies).await?;
        let form = Self::of(&body);
        if !dashboard.shared.forgery.is(form.raw(FORGERY_FIELD)) {
            return Err(Refusal::foreign_form());
        }
        Ok(form)
    }
}

/// The query.
#[derive(Clone, Debug)]
pub(super) struct Query(pub(super) Form);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(Form::of(parts.uri.query().unwrap_or_default().as_bytes())))
    }
}

/// The number in the path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Id(pub(super) u64);

impl Id {
    /// An id beyond 32 bits was never given.
    pub(super) fn small(self) -> Result<u32, Refusal> {
        u32::try_from(self.0).map_err(|_| Refusal::nothing(&format!("there is no {}", self.0)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let id = params.ok().and_then(|params| params.iter().next().and_then(|(_, text)| text.parse().ok()));
        id.map(Self).ok_or_else(|| Refusal::nothing("the address ends in no number"))
    }
}

/// An object that grows out of a form.
#[derive(Clone, Debug, Default)]
pub(super) struct Json(Map<String, Value>);

impl Json {
    /// Sets a member; a dot leads into an object.
    pub(super) fn set(&mut self, path: &str, value: impl Into<Value>) {
        let mut members = &mut self.0;
        let mut names = path.split('.').peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                members.insert(name.to_owned(), value.into());
                return;
            }
            let inner = members.entry(name).or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            let Value::Object(inner) = inner else { return };
            members = inner;
        }
    }

    /// Sets a member, unless the text is empty.
    pub(super) fn text(&mut self, path: &str, text: &str) {
        if !text.is_empty() {
            self.set(path, text);
        }
    }

    /// Sets a member to the number that the text is; what is none stays a text, and its reader says so.
    pub(super) fn number(&mut self, path: &str, text: &str) {
        if !text.is_empty() {
            self.set(path, number(text));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its members, each by itself.
    pub(super) fn members(&self) -> impl Iterator<Item = Self> {
        self.0.iter().map(|(name, value)| Self([(name.clone(), value.clone())].into_iter().collect()))
    }

    /// The model's type, read as the control API reads it.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, Wrong> {
        let text = Value::Object(self.0).to_string();
        Ok(parse(text.as_bytes())?)
    }
}

/// A text as the number that it is, or as it is.
pub(super) fn number(text: &str) -> Value {
    let whole = text.parse::<u64>().ok().map(Value::from);
    let real = || text.parse::<f64>().ok().filter(|real| real.is_finite()).map(Value::from);
    whole.or_else(real).unwrap_or_else(|| Value::from(text))
}

/// Whether a value says nothing.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Words with space or commas between them.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| char == ',' || char.is_whitespace()).filter(|word| !word.is_empty())
}

/// `Name: value` in lines, as an object.
pub(super) fn headers(text: &str) -> Value {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let pairs = lines.map(|line| match line.split_once(':') {
        Some((name, value)) => (name.trim().to_owned(), Value::from(value.trim())),
        None => (line.to_owned(), Value::from("")),
    });
    Value::Object(pairs.collect())
}

/// What is wrong with what a form says.
#[derive(Clone, Debug, Default)]
pub(super) struct Wrong {
    /// Field and reason.
    pub(super) errors: Vec<(String, String)>,
    /// What is no field's fault.
    pub(super) whole: Option<String>,
    /// The status of the answer.
    pub(super) status: http::StatusCode,
}

impl<E: Into<Problem>> From<E> for Wrong {
    fn from(error: E) -> Self {
        let Problem { kind, detail, errors } = error.into();
        let (_, status, title) = kind.facts();
        let errors: Vec<_> = errors.into_iter().map(|error| (error.field, error.detail)).collect();
        let help = kind.help().map(|help| format!(" ({help})")).unwrap_or_default();
        let whole = errors.is_empty().then(|| match kind {
            Kind::Conflict | Kind::Malformed | Kind::NotFound => detail,
            _ => format!("{title}: {detail}{help}"),
        });
        Self { errors, whole, status }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dot_leads_into_an_object() {
        let mut json = Json::default();
        json.text("retry.first", "30s");
        json.number("retry.factor", "1.5");
        json.number("concurrency", "4x");
        json.text("name", "");
        assert_eq!(
            Value::Object(json.0),
            json!({ "retry": { "first": "30s", "factor": 1.5 }, "concurrency": "4x" })
        );
    }

    #[test]
    fn lines_become_headers() {
        assert_eq!(headers("X-A: b: c\r\n\r\n lonely"), json!({ "X-A": "b: c", "lonely": "" }));
    }

    #[test]
    fn a_form_has_a_bounded_number_of_fields() {
        assert_eq!(Form::of("a=1&".repeat(10_000).as_bytes()).0.len(), FIELDS_MAX);
        let form = Form::of(b"a=+1+&b=%3Cb%3E&a=2");
        assert_eq!((form.get("a"), form.raw("a"), form.get("b"), form.get("c")), ("1", " 1 ", "<b>", ""));
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "2"]);
    }
}
