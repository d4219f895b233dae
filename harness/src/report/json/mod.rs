//! The report for programs: one JSON document, versioned, with a published schema (`docs/report.schema.json`).
//!
//! Its types are its own, so that the format changes only when somebody means it. Within `pns-report/1` fields
//! are only added. Spans are whole numbers with their unit in the name; instants are RFC 3339 in UTC.

mod convert;
pub mod format;

use serde_json::Value;

use super::Collected;
use crate::redact::Redactor;

/// The whole document, with a line feed at its end.
pub fn render(run: &Collected, redactor: &Redactor) -> String {
    let report = convert::report(run);
    let mut value = serde_json::to_value(&report).expect("the report's types are all JSON");
    scrub(&mut value, redactor);
    let mut text = serde_json::to_string_pretty(&value).expect("a JSON value is always JSON");
    text.push('\n');
    text
}

/// The JSON Schema (2020-12) of the document, as published.
pub fn schema() -> String {
    let schema = schemars::schema_for!(format::Report);
    let mut text = serde_json::to_string_pretty(&schema).expect("a JSON Schema is JSON");
    text.push('\n');
    text
}

/// Takes secrets out of every string, and leaves the names of fields alone.
fn scrub(value: &mut Value, redactor: &Redactor) {
    match value {
        Value::String(text) => redactor.scrub(text),
        Value::Array(items) => items.iter_mut().for_each(|item| scrub(item, redactor)),
        Value::Object(members) => members.values_mut().for_each(|member| scrub(member, redactor)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
