//! Receivers with one bug each, by the stage that has it.

mod auth;
mod connection;
mod effects;
mod fields;
mod http;
mod json;
mod pulls;
mod tls;

use serde_json::Value;

use super::Specimen;

/// The bugs, a list for each stage.
pub(super) const ALL: &[&[Specimen]] =
    &[tls::ALL, connection::ALL, http::ALL, auth::ALL, json::ALL, fields::ALL, effects::ALL, pulls::ALL];

/// Whether a text in the value, a name included, is one of these.
fn text_anywhere(value: &Value, wanted: fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => wanted(text),
        Value::Array(items) => items.iter().any(|item| text_anywhere(item, wanted)),
        Value::Object(members) => {
            members.iter().any(|(name, member)| wanted(name) || text_anywhere(member, wanted))
        }
        _ => false,
    }
}
