//! Why a pack cannot be used, or no body be made.

use pns_engine::EventType;

use super::manifest;
use super::overrides::OverrideError;
use super::pack::BODY_TRIES;

/// A pack that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// A file or folder that cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The path on this machine.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// No schema files.
    #[error("no `.json` files in `{dir}`")]
    NoFiles {
        /// The folder.
        dir: String,
    },
    /// A file that is no schema.
    #[error("{file}: {text}")]
    File {
        /// The path inside the pack.
        file: String,
        /// What is wrong.
        text: String,
    },
    /// A place in a schema that is wrong, or that no body can be generated from.
    #[error("{file}#{pointer}: {text}")]
    Schema {
        /// The path inside the pack.
        file: String,
        /// The JSON pointer inside the file.
        pointer: String,
        /// What is wrong.
        text: String,
    },
    /// References between files that do not hold together.
    #[error("the references between the schema files do not hold together: {text}")]
    References {
        /// What is wrong.
        text: String,
    },
    /// Roles that are neither given nor found.
    #[error("{text}; a `manifest.json` beside the schema files says so, for example:\n{}", manifest::EXAMPLE)]
    Roles {
        /// What is missing.
        text: String,
    },
}

/// Why no body was generated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The pack has no such event type.
    #[error("the schema pack `{pack}` has no {event_type}")]
    NoSuchType {
        /// The pack's name.
        pack: String,
        /// The event type asked for.
        event_type: EventType,
    },
    /// Every body that was tried is invalid.
    #[error(
        "no valid {event_type} was found in {BODY_TRIES} tries; the last failed at {file}#{pointer}: {text}"
    )]
    NoValidBody {
        /// The event type asked for.
        event_type: EventType,
        /// The schema file that the last try failed at.
        file: String,
        /// The JSON pointer of the keyword that it failed at.
        pointer: String,
        /// How it failed.
        text: String,
    },
    /// An override that does not fit the body's shape.
    #[error("override {0}")]
    Override(#[from] OverrideError),
}
