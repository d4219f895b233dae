//! The properties, one file a family.

pub(super) mod accepts;
pub(super) mod auth;
pub(super) mod delivery;
pub(super) mod effects;
pub(super) mod http;
pub(super) mod rejects;
pub(super) mod tls;
