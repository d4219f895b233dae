//! Scenario files: from text to a checked [`Scenario`], with every error of a file at once.

pub mod model;

pub use model::Scenario;
