//! Judging bodies, and saying in plain words what is wrong with them.

use std::fmt;
use std::sync::Arc;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, Registry, ValidationError, Validator};
use serde_json::{Value, json};

use super::error::PackError;
use super::files::{Documents, Located};

/// The most violations that one body is told.
const MAX_VIOLATIONS: usize = 20;

/// One way in which a body does not fit its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where in the body, as a JSON pointer; empty for the whole.
    pub pointer: String,
    /// What is wrong there.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            f.write_str(&self.text)
        } else {
            write!(f, "{}: {}", self.pointer, self.text)
        }
    }
}

/// Makes validators for any schema of a pack.
#[derive(Debug)]
pub(super) struct Judge {
    registry: Registry<'static>,
}

impl Judge {
    /// A judge over all files of a pack.
    pub(super) fn new(documents: &Documents) -> Result<Self, PackError> {
        let broken = |error: jsonschema::ReferencingError| PackError::References { text: error.to_string() };
        let mut builder = Registry::new().retrieve_known_draft_meta_schemas(false);
        for document in documents.iter() {
            builder = builder.add(&document.uri, document.root.clone()).map_err(broken)?;
        }
        Ok(Self { registry: builder.prepare().map_err(broken)? })
    }

    /// The validator of the schema at `located`.
    pub(super) fn validator(
        &self,
        documents: &Documents,
        located: &Located<'_>,
    ) -> Result<Arc<Validator>, PackError> {
        let reference = json!({ "$ref": documents.uri_of(&located.place) });
        self.build(&reference, located.draft, None)
            .map_err(|text| documents.unsupported(&located.place, &text))
    }

    /// The validator of a schema that stands in for the file at `uri`.
    pub(super) fn build(
        &self,
        schema: &Value,
        draft: Draft,
        uri: Option<&str>,
    ) -> Result<Arc<Validator>, String> {
        let mut options = jsonschema::options()
            .with_draft(draft)
            .with_registry(&self.registry)
            .offline()
            .should_validate_formats(true);
        if let Some(uri) = uri {
            options = options.with_base_uri(uri);
        }
        options.build(schema).map(Arc::new).map_err(|error| error.to_string())
    }
}

/// What `validator` finds wrong in `body`. `event_type` is named where a field does not belong.
pub(super) fn violations(validator: &Validator, body: &Value, event_type: &str) -> Vec<Violation> {
    let mut found: Vec<Violation> = Vec::new();
    for error in validator.iter_errors(body).take(MAX_VIOLATIONS) {
        let violation =
            Violation { pointer: error.instance_path().as_str().to_owned(), text: words(&error, event_type) };
        if !found.contains(&violation) {
            found.push(violation);
        }
    }
    found
}

fn words(error: &ValidationError<'_>, event_type: &str) -> String {
    let value = || shortened(error.instance());
    match error.kind() {
        ValidationErrorKind::FalseSchema => format!("does not belong in {event_type}"),
        ValidationErrorKind::Required { property } => {
            format!("`{}` is missing", property.as_str().unwrap_or_default())
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            format!("`{}` is not in the schema", unexpected.join("`, `"))
        }
        ValidationErrorKind::Enum { options } => {
            format!("`{}` is none of the values allowed: {}", value(), shortened(options))
        }
        ValidationErrorKind::Constant { expected_value } => {
            format!("`{}` should be `{}`", value(), shortened(expected_value))
        }
        ValidationErrorKind::Format { format } => format!("`{}` is not in the format `{format}`", value()),
        ValidationErrorKind::Pattern { pattern } => format!("`{}` does not match `{pattern}`", value()),
        _ => shortened_text(&error.to_string()),
    }
}

fn shortened(value: &Value) -> String {
    shortened_text(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// Bodies may be long: an error text quotes their beginning.
fn shortened_text(text: &str) -> String {
    const MAX_CHARACTERS: usize = 240;
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
