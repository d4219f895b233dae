//! Users' packs: any schema of drafts 4 to 2020-12, over several files, and what cannot be done says where.

mod random;

use std::path::Path;

use pns_engine::{EventType, SupplierId, Timestamp};
use pns_simulator::schema::{Key, Pack, PackError};
use serde_json::{Value, json};
use tempfile::TempDir;

fn folder(files: &[(&str, Value)]) -> TempDir {
    let dir = TempDir::new().expect("a temporary folder");
    for (path, content) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("inside the folder")).expect("a folder");
        std::fs::write(path, content.to_string()).expect("a file");
    }
    dir
}

fn load(files: &[(&str, Value)]) -> Result<Pack, PackError> {
    Pack::load(folder(files).path())
}

fn error(files: &[(&str, Value)]) -> String {
    load(files).expect_err("the pack cannot be used").to_string()
}

fn bodies(pack: &Pack, event_type: EventType, count: u64) -> Vec<Value> {
    let body = |sequence| {
        let mut body = Vec::new();
        let key = Key { seed: 3, sequence, published: Timestamp::from_millis(1_478_001_600_000) };
        pack.generate(event_type, key, &mut body).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(pack.validate(&body), Ok(event_type));
        serde_json::from_slice(&body).expect("JSON")
    };
    (0..count).map(body).collect()
}

/// A body of one event type with a field `x` of the given schema.
fn around(schema: &Value, uri: &str, definitions: &str) -> Value {
    let shared = json!({ "type": "string", "minLength": 2, "maxLength": 6 });
    let mut root = json!({
        "$schema": uri,
        "type": "object",
        "required": ["eventType", "x"],
        "properties": { "eventType": { "enum": ["RFP_SEND"] }, "x": schema },
    });
    root[definitions] = json!({ "shared": shared });
    root
}

#[test]
fn a_draft_4_pack_over_several_files_with_refs() {
    let root = json!({
        "$schema": "http://json-schema.org/draft-04/schema#",
        "id": "http://example.com/pns/publicRfpEvent.json",
        "oneOf": [
            { "$ref": "#/definitions/send" },
            { "$ref": "#/definitions/cancel%20event" },
            { "$ref": "venue.json#venue" },
        ],
        "definitions": {
            "send": {
                "type": "object",
                "required": ["eventType", "rfpId", "supplierId", "rooms", "timestamp"],
                "additionalProperties": false,
                "properties": {
                    "eventType": { "enum": ["RFP_SEND", "RFP_FORWARD"] },
                    "rfpId": { "$ref": "common/ids.json#/definitions/uuid" },
                    "supplierId": { "$ref": "common/ids.json#/definitions/uuid" },
                    "timestamp": { "type": "string", "format": "date-time" },
                    "rooms": { "type": "integer", "minimum": 0, "exclusiveMinimum": true, "maximum": 3 },
                    "rate": { "type": "number", "minimum": 1, "maximum": 2, "exclusiveMaximum": true },
                },
            },
            "cancel event": {
                "type": "object",
                "required": ["eventType", "reason"],
                "properties": {
                    "eventType": { "enum": ["PLANNER_CANCEL"] },
                    "reason": { "type": "string", "pattern": "^[A-Z]{3,8}(_[A-Z]{2})?$" },
                },
            },
        },
    });
    let ids = json!({
        "$schema": "http://json-schema.org/draft-04/schema#",
        "definitions": { "uuid": { "type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" } },
    });
    let venue = json!({
        "$schema": "http://json-schema.org/draft-04/schema#",
        "definitions": { "venue": {
            "id": "#venue",
            "type": "object",
            "required": ["eventType"],
            "properties": { "eventType": { "enum": ["VENUE_VISIBILITY_CHANGED"] } },
        } },
    });
    // Without the id the references are relative to the files; with it, to the id.
    let mut local = root.clone();
    local.as_object_mut().expect("an object").shift_remove("id");
    let files = [("PNS/publicRfpEvent.json", local), ("PNS/common/ids.json", ids), ("PNS/venue.json", venue)];
    let pack = load(&files).unwrap_or_else(|error| panic!("{error}"));
    let types: Vec<_> = pack.event_types().iter().collect();
    let expected = [
        EventType::RfpSend,
        EventType::RfpForward,
        EventType::PlannerCancel,
        EventType::VenueVisibilityChanged,
    ];
    assert_eq!(types, expected);
    for body in bodies(&pack, EventType::RfpSend, 200) {
        assert!((1..=3).contains(&body["rooms"].as_i64().expect("an integer")), "{body}");
        assert_eq!(body["timestamp"], "2016-11-01T12:00:00.000Z");
        assert!(pack.supplier(body.to_string().as_bytes()).is_some_and(|id| id != SupplierId(0)));
    }
    bodies(&pack, EventType::PlannerCancel, 200);
    let mistake = json!({ "eventType": "RFP_SEND", "rooms": 0 }).to_string();
    let violations = pack.validate(mistake.as_bytes()).expect_err("fields are missing");
    assert!(violations.iter().any(|v| v.text == "`rfpId` is missing"), "{violations:?}");

    let text = error(&[("publicRfpEvent.json", root)]);
    assert!(text.contains("publicRfpEvent.json#/oneOf/2") && text.contains("venue.json#venue"), "{text}");
}

#[test]
fn conditions_on_the_event_type_are_decided_at_load() {
    let pack = load(&[("event.json", json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "required": ["eventType"],
        "properties": {
            "eventType": { "enum": ["RFP_SEND", "PLANNER_CANCEL", "RFP_VIEWED"] },
            "detail": { "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] },
        },
        "allOf": [
            {
                "if": { "properties": { "eventType": { "const": "PLANNER_CANCEL" } } },
                "then": { "not": { "required": ["detail"] } },
                "else": { "required": ["detail"] },
            },
            {
                "if": { "properties": { "eventType": { "not": { "const": "RFP_VIEWED" } } } },
                "else": { "properties": { "detail": { "properties": { "n": { "minimum": 5, "maximum": 6 } } } } },
            },
        ],
    }))])
    .unwrap_or_else(|error| panic!("{error}"));
    assert!(bodies(&pack, EventType::PlannerCancel, 50).iter().all(|body| body.get("detail").is_none()));
    assert!(bodies(&pack, EventType::RfpSend, 50).iter().all(|body| body["detail"]["n"].is_i64()));
    let seen = bodies(&pack, EventType::RfpViewed, 50);
    assert!(seen.iter().all(|body| (5..=6).contains(&body["detail"]["n"].as_i64().unwrap_or(0))));
}

#[test]
fn a_manifest_names_the_roles() {
    let schema = json!({
        "type": "object",
        "required": ["head"],
        "properties": { "head": {
            "type": "object",
            "required": ["kind", "at", "who"],
            "properties": {
                "kind": { "enum": ["RFP_SEND"] },
                "at": { "type": "integer" },
                "who": { "type": "string", "format": "uuid" },
            },
        } },
    });
    let manifest = json!({
        "name": "ours",
        "schema": "a.json",
        "roles": { "eventType": "/head/kind", "publishedAt": "/head/at", "supplierId": "/head/who" },
    });
    let pack =
        load(&[("a.json", schema.clone()), ("manifest.json", manifest)]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(pack.name(), "ours");
    for body in bodies(&pack, EventType::RfpSend, 20) {
        assert_eq!(body["head"]["at"], 1_478_001_600_000_u64);
        assert!(pack.supplier(body.to_string().as_bytes()).is_some());
    }
    let text = error(&[("a.json", schema)]);
    assert!(text.contains("no field is called `eventType`") && text.contains("\"roles\""), "{text}");
}

#[test]
fn recursive_schemas_end() {
    let pack = load(&[(
        "event.json",
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "required": ["eventType", "tree"],
            "properties": { "eventType": { "const": "RFP_SEND" }, "tree": { "$ref": "#/$defs/tree" } },
            "$defs": { "tree": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": { "type": "string" },
                    "left": { "$ref": "#/$defs/tree" },
                    "children": { "type": "array", "items": { "$ref": "#/$defs/tree" }, "maxItems": 3 },
                },
                "additionalProperties": false,
            } },
        }),
    )])
    .unwrap_or_else(|error| panic!("{error}"));
    let deepest = bodies(&pack, EventType::RfpSend, 100).iter().map(|body| body.to_string().len()).max();
    assert!(deepest.is_some_and(|length| length > 100), "{deepest:?}");
    // One that never ends has no body at all.
    let text = error(&[(
        "event.json",
        json!({
            "type": "object",
            "required": ["eventType", "me"],
            "properties": { "eventType": { "const": "RFP_SEND" }, "me": { "$ref": "#/$defs/me" } },
            "$defs": { "me": { "type": "object", "required": ["me"], "properties": { "me": { "$ref": "#/$defs/me" } } } },
        }),
    )]);
    assert!(text.starts_with("event.json#"), "{text}");
}

#[test]
fn what_cannot_be_done_names_file_and_pointer() {
    let event = |x: Value| around(&x, "https://json-schema.org/draft/2020-12/schema", "$defs");
    let cases = [
        (event(json!({ "type": "string", "pattern": "^(?!a)(?=b)c$" })), "e.json#/properties/x"),
        (
            event(json!({ "$ref": "#/$defs/none" })),
            "e.json#/properties/x: `$ref` to `#/$defs/none` finds nothing",
        ),
        (event(json!({ "$ref": "https://example.com/a.json" })), "e.json#/properties/x"),
        (event(json!({ "minimum": "no number" })), "e.json#/properties/x"),
        (event(json!({ "type": "integer", "minimum": 5, "maximum": 4 })), "e.json#"),
        (
            event(
                json!({ "type": "array", "uniqueItems": true, "minItems": 3, "items": { "type": "boolean" } }),
            ),
            "e.json#",
        ),
        (json!({ "$schema": "http://json-schema.org/draft-03/schema#" }), "e.json: `$schema` is"),
        (json!({ "$schema": "https://example.com/own" }), "e.json: `$schema` is `https://example.com/own`"),
        (json!([1]), ""),
    ];
    for (schema, expected) in cases {
        let text = error(&[("e.json", schema)]);
        assert!(text.starts_with(expected), "{text} does not start with {expected}");
    }
    assert!(Pack::load(Path::new("/nonexistent/pack")).is_err());
    let empty = TempDir::new().expect("a folder");
    assert!(matches!(Pack::load(empty.path()), Err(PackError::NoFiles { .. })));
    std::fs::write(empty.path().join("a.json"), "{").expect("a file");
    assert!(Pack::load(empty.path()).expect_err("no JSON").to_string().starts_with("a.json: "));
}
