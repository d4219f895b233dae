//! The result of a run as JSON: versioned, with a published schema (`docs/load.schema.json`), read back to be merged
//! and to be compared with.
//!
//! Spans are whole numbers with their unit in the name. What is read may come from anywhere: it is checked, and one
//! document cannot take more memory than another.

mod convert;
pub mod format;
mod merge;

pub use format::Document;
pub use merge::MergeError;

use super::segment::Segment;
use crate::redact::Redactor;

/// A text that is no document, or one that cannot be believed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No JSON, or not of this format.
    #[error("not a result of `pns load`: {0}")]
    Json(#[from] serde_json::Error),
    /// A field does not make sense.
    #[error("`{field}`: {text}")]
    Field {
        /// Which.
        field: &'static str,
        /// Why.
        text: String,
    },
}

impl Document {
    /// Reads a document, and checks that it can be believed.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read(text: &str) -> Result<Self, ReadError> {
        let document: Self = serde_json::from_str(text)?;
        document.recorder()?;
        Ok(document)
    }

    /// Whether this is of several segments of a run, and not of all.
    #[must_use]
    pub fn lacks_segments(&self) -> bool {
        let of = self.segments.first().and_then(|text| Segment::parse(text, None).ok()).map(Segment::of);
        let held = self.segments.len() as u64;
        held > 1 && of.is_some_and(|of| held < of)
    }

    /// The document as text, without secrets, with a line feed at its end.
    #[must_use]
    pub fn render(&self, redactor: &Redactor) -> String {
        let mut document = self.clone();
        document.redact(redactor);
        let mut text = serde_json::to_string_pretty(&document).expect("the document's types are all JSON");
        text.push('\n');
        text
    }

    /// Takes secrets out of every text that did not come from here. Histograms and names are left alone: they are read
    /// back.
    fn redact(&mut self, redactor: &Redactor) {
        let examples = self.outcomes.iter_mut().filter_map(|outcome| outcome.example.as_mut());
        examples.for_each(|example| redactor.scrub(&mut example.text));
        self.settings.target.iter_mut().for_each(|target| redactor.scrub(target));
        redactor.scrub(&mut self.settings.schema_pack);
        self.notes.iter_mut().for_each(|note| redactor.scrub(note));
    }
}

/// The JSON Schema (2020-12) of the document, as published.
#[must_use]
pub fn schema() -> String {
    let schema = schemars::schema_for!(Document);
    let mut text = serde_json::to_string_pretty(&schema).expect("a JSON Schema is JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
