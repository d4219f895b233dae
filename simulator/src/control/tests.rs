//! The OpenAPI document agrees with the routes, with itself, and with what is checked in.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::extract::parse;
use super::openapi::{document, document_text};
use super::operations::operations;
use super::problem::{Kind, Problem};
use crate::service::model::{BatchSpec, SubscriptionSpec};

const CHECKED_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");

#[test]
fn the_document_is_checked_in() {
    let checked_in = std::fs::read_to_string(Path::new(CHECKED_IN)).expect("docs/openapi.json is there");
    let told = "run `cargo test -p pns-simulator --lib -- --ignored publish_the_openapi_document`";
    assert!(checked_in == document_text(), "docs/openapi.json is not the document: {told}");
}

/// After a change of the API: `cargo test -p pns-simulator --lib -- --ignored publish_the_openapi_document`.
#[test]
#[ignore = "writes docs/openapi.json"]
fn publish_the_openapi_document() {
    std::fs::write(CHECKED_IN, document_text()).unwrap();
}

#[test]
fn every_operation_is_in_the_document_once_and_has_its_own_id() {
    let document = document();
    let all = operations();
    let ids: BTreeSet<&str> = all.iter().map(|operation| operation.id).collect();
    assert_eq!(ids.len(), all.len());
    let described: usize =
        document["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(described, all.len(), "one path has one method twice");
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_referred_to() {
    let document = document();
    let mut referred = BTreeSet::new();
    references(&document, &mut referred);
    let known: BTreeSet<&str> =
        document["components"]["schemas"].as_object().unwrap().keys().map(String::as_str).collect();
    let referred: BTreeSet<&str> =
        referred.iter().map(|reference| reference.strip_prefix("#/components/schemas/").unwrap()).collect();
    assert_eq!(referred.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new());
    // What a record is, no operation refers to: it is the data of an event.
    let unused: Vec<_> = known.difference(&referred).copied().collect();
    assert_eq!(unused, ["RecordView"]);
}

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(reference) if name == "$ref" => _ = found.insert(reference),
                    _ => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

fn problem(result: Result<impl std::fmt::Debug, Problem>) -> (Kind, Value) {
    let problem = result.unwrap_err();
    (problem.kind(), serde_json::to_value(problem.body()).unwrap())
}

#[test]
fn a_wrong_body_is_told_by_its_field() {
    let (kind, body) =
        problem(parse::<SubscriptionSpec>(br#"{"endpoint":"https://h","retry":{"first":"1"}}"#));
    assert_eq!(kind, Kind::Invalid);
    assert_eq!(body["errors"][0]["field"], "retry.first");
    assert_eq!(body["detail"], "retry.first: expected a span such as `30s` or `1h30m`: `1` has no unit");
    let (_, body) = problem(parse::<BatchSpec>(br#"{"notifications":[{"type":"RFP_SEND"},{"type":"RFP"}]}"#));
    assert_eq!(body["errors"][0]["field"], "notifications[1].type");
    let (_, body) = problem(parse::<SubscriptionSpec>(br#"{"endpont":"https://h"}"#));
    assert!(body["detail"].as_str().unwrap().contains("unknown field `endpont`"), "{body}");
    for malformed in [&b""[..], b"{", b"nonsense", b"{} {}", b"\xff"] {
        let (kind, _) = problem(parse::<serde_json::Map<String, Value>>(malformed));
        assert_eq!(kind, Kind::Malformed, "{malformed:?}");
    }
}

#[test]
fn an_api_key_is_not_told_back() {
    let (_, body) = problem(parse::<SubscriptionSpec>(br#"{"endpoint":"https://h","api_key":"s3cret k3y"}"#));
    assert!(!body.to_string().contains("s3cret"), "{body}");
    let (_, body) = problem(parse::<SubscriptionSpec>(br#"{"endpoint":"https://h","api_key":["s3cret"]}"#));
    assert!(!body.to_string().contains("s3cret"), "{body}");
}

#[test]
fn no_object_has_a_member_twice() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut members: Vec<&str> = required.iter().filter_map(Value::as_str).collect();
        let count = members.len();
        members.sort_unstable();
        members.dedup();
        assert_eq!(members.len(), count, "{name} is flattened over a member of the same name");
    }
}
