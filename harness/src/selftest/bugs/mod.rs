//! Receivers with one bug each, by the stage that has it.

mod auth;
mod connection;
mod effects;
mod fields;
mod http;
mod json;
mod tls;

use super::Specimen;

/// The bugs, a list for each stage.
pub(super) const ALL: &[&[Specimen]] =
    &[tls::ALL, connection::ALL, http::ALL, auth::ALL, json::ALL, fields::ALL, effects::ALL];
