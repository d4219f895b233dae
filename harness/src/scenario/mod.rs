//! Scenario files: from text to checked [`Scenario`]s, with every error of a file at once.
//!
//! The text becomes a tree that knows its places; the check resolves it into the model; what is wrong becomes
//! a [`Diagnostic`]. Nothing here runs a scenario, and no input makes it panic.

mod check;
mod diagnostic;
pub mod document;
mod load;
pub mod model;
mod names;
mod reader;
mod source;
mod template;
mod yaml;

#[cfg(test)]
mod tests;

pub use check::{MAX_EMITTED, MAX_EXPECTATIONS, MAX_ROWS, MAX_STEPS};
pub use diagnostic::{Diagnostic, Style};
pub use document::json_schema;
pub use load::{LoadResult, MAX_INCLUDE_DEPTH, lint, load, parse, shipped};
pub use model::Scenario;
pub(crate) use pns_simulator::units;
pub use pns_simulator::units::MAX_SPAN;
pub use source::{SourceFile, Sources};
pub use template::{FillError, MAX_EXPANSION_BYTES, MAX_TEXT_BYTES};
pub use yaml::{MAX_ALIASES, MAX_DEPTH, MAX_FILE_BYTES, MAX_NODES};

/// A YAML text as JSON, as the files' reader understands it.
#[cfg(test)]
pub(crate) fn read_yaml(text: &str) -> Result<serde_json::Value, String> {
    let mut sources = Sources::default();
    let file = sources.add("test", text);
    yaml::read(&sources, file).map(|node| node.json()).map_err(|error| error.message)
}
