//! What a load run tells people: while it goes, at its end, and as a page with plots.
//!
//! All three read [`Document`], which is what programs read as well: no report knows more than another.

mod html;
mod human;
pub mod live;
mod words;

pub use human::write;

use super::document::Document;
use crate::redact::Redactor;

/// The page: without scripts, and without anything from elsewhere.
#[must_use]
pub fn page(document: &Document, redactor: &Redactor) -> String {
    html::render(document, redactor)
}

#[cfg(test)]
mod tests;
