//! The properties, one file or folder a family.

pub(super) mod accepts;
pub(super) mod auth;
mod bodies;
pub(super) mod delivery;
pub(super) mod effects;
pub(super) mod http;
pub(super) mod pulls;
pub(super) mod rejects;
pub(super) mod tls;
