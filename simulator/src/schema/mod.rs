//! Schema packs: what a notification's body looks like, as data.
//!
//! A [`Pack`] is a handful of JSON Schema files and a manifest that maps roles (event type, id, supplier …) to
//! places in the body. It is compiled once per event type into a plan, from which bodies are written straight
//! to bytes: a body is a function of its [`Key`] (seed, sequence, publish time) and of nothing else, so bodies
//! need not be stored.
//!
//! The built-in packs are *reconstructed*: Cvent's own schema files are for its customers only. They compile
//! to exact plans, which the tests hold to thousands of validated bodies. The body of a user's pack
//! ([`Pack::load`]) is validated before it is returned, and what cannot be generated is an error that names
//! file and JSON pointer, never an invalid body.

mod compile;
mod draws;
mod error;
mod files;
mod format;
mod manifest;
mod overrides;
mod pack;
mod pattern;
mod place;
mod plan;
mod validate;
mod write;

pub use error::{GenerateError, PackError};
pub use files::{MAX_FILE_BYTES, MAX_FILES};
pub use manifest::{Mark, Roles};
pub use overrides::{OverrideError, Overrides};
pub use pack::{Key, MAX_BODY_BYTES, Pack};
pub use validate::Violation;
