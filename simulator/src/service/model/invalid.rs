//! What is wrong with a request, and where.

use std::fmt;

/// A value that cannot be used, by the field that holds it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{why}", place(.field))]
pub struct InvalidField {
    /// Where, as `retry.first` or `notifications[3].type`; empty: the whole.
    pub field: String,
    /// What is wrong with it, as a fragment of a sentence.
    pub why: String,
}

/// What stands before an error of `field`: of the whole, nothing.
fn place(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!("{field}: ") }
}

impl InvalidField {
    /// `field` is wrong because of `why`.
    pub fn new(field: impl Into<String>, why: impl fmt::Display) -> Self {
        Self { field: field.into(), why: why.to_string() }
    }

    /// The same fault of something that stands inside `outer`.
    #[must_use]
    pub fn inside(self, outer: &str) -> Self {
        let field = match self.field.as_str() {
            "" => outer.to_owned(),
            inner => format!("{outer}.{inner}"),
        };
        Self { field, ..self }
    }
}
