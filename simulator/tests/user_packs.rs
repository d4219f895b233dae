//! Users' packs: any schema of drafts 4 to 2020-12, over several files, and what cannot be done says where.

use std::path::Path;

use pns_engine::{EventType, SupplierId, Timestamp};
use pns_simulator::schema::{Key, Pack, PackError};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
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

/// Schemas in the spelling of 2020-12 that some value satisfies.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (0..5_u32, 0..30_u32)
            .prop_map(|(min, more)| json!({ "type": "string", "minLength": min, "maxLength": min + more })),
        prop::sample::select(vec![
            "date-time",
            "date",
            "time",
            "uuid",
            "email",
            "uri",
            "uri-reference",
            "hostname",
            "ipv4",
            "ipv6",
            "regex",
            "json-pointer",
            "relative-json-pointer",
            "uri-template",
            "duration",
            "something-own",
        ])
        .prop_map(|format| json!({ "type": "string", "format": format })),
        prop::sample::select(vec![
            r"^\d{3}-\w+$",
            "^(yes|no)$",
            "[a-c]{2}",
            r"^[^\s,;]+$",
            r"^\S+@\S+$",
            "^#[0-9A-F]{6}$",
            "^$|^x+$",
            ".",
        ])
        .prop_map(|pattern| json!({ "type": "string", "pattern": pattern })),
        (0..20_u32).prop_map(
            |min| json!({ "type": "string", "pattern": "^[a-z ]*$", "minLength": min, "maxLength": min + 3 })
        ),
        (-1_000..1_000_i64, 0..50_i64)
            .prop_map(|(min, span)| json!({ "type": "integer", "minimum": min, "maximum": min + span })),
        (-100..100_i64, 1..9_i64).prop_map(
            |(min, step)| json!({ "type": "integer", "exclusiveMinimum": min, "multipleOf": step })
        ),
        (-50..50_i64)
            .prop_map(|max| json!({ "type": "number", "exclusiveMaximum": max, "multipleOf": 0.25 })),
        (-5.0..5.0_f64)
            .prop_map(|min| json!({ "type": "number", "minimum": min, "exclusiveMaximum": min + 0.001 })),
        Just(json!({ "type": "number", "minimum": -1e300, "maximum": 0.1234567890123456 })),
        Just(json!({ "type": "number", "exclusiveMinimum": 1e-30, "maximum": 1e-9 })),
        Just(json!({ "type": "number", "multipleOf": 0.01, "minimum": 0, "maximum": 5 })),
        prop::sample::select(vec!["boolean", "null", "string", "integer", "number", "object", "array"])
            .prop_map(|kind| json!({ "type": kind })),
        Just(json!({ "type": ["string", "null"], "maxLength": 4 })),
        Just(json!({ "enum": ["a", 1, null, true, { "b": [2] }, "naïve"] })),
        Just(json!({ "enum": ["a", "bb", "ccc"], "minLength": 2 })),
        Just(json!({ "const": { "a": 1.5 } })),
        Just(json!({ "$ref": "#/$defs/shared" })),
        Just(json!({ "$ref": "#/$defs/shared", "maxLength": 4 })),
        Just(json!({})),
        Just(json!(true)),
        Just(json!({ "type": "string", "not": { "const": "" }, "minLength": 1 })),
        Just(json!({ "type": "string", "examples": ["one", "two", "three", "four"], "maxLength": 4 })),
        Just(json!({ "type": ["integer", "string"], "not": { "type": "string" } })),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let many = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            (inner.clone(), 0..4_u32, 0..3_u32).prop_map(|(items, min, more)| {
                json!({ "type": "array", "items": items, "minItems": min, "maxItems": min + more })
            }),
            many.clone().prop_map(|items| json!({ "type": "array", "minItems": items.len(), "prefixItems": items, "items": false })),
            inner.clone().prop_map(|items| json!({ "type": "array", "prefixItems": [items], "items": { "type": "integer" } })),
            Just(json!({ "type": "array", "uniqueItems": true, "items": { "type": "integer" }, "minItems": 3 })),
            Just(json!({ "type": "array", "items": { "type": "integer" }, "contains": { "minimum": 5000 }, "minItems": 2 })),
            (many.clone(), any::<bool>(), 0..4_usize).prop_map(|(schemas, closed, needed)| {
                let names = ["alpha", "beta/ß", "gamma~", "d e"];
                let properties: Map<String, Value> =
                    names.iter().zip(&schemas).map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
                let required: Vec<&str> = names.iter().take(needed.min(schemas.len())).copied().collect();
                let mut schema = json!({ "type": "object", "properties": properties });
                if !required.is_empty() {
                    schema["required"] = json!(required);
                }
                if closed {
                    schema["additionalProperties"] = json!(false);
                } else {
                    schema["minProperties"] = json!(3);
                }
                schema
            }),
            inner.clone().prop_map(|schema| json!({
                "type": "object", "patternProperties": { "^x-[a-z]{2}$": schema }, "additionalProperties": false, "minProperties": 2,
            })),
            inner.clone().prop_map(|schema| json!({
                "type": "object", "additionalProperties": schema, "propertyNames": { "pattern": "^k[0-9]+$" }, "minProperties": 1,
            })),
            inner.clone().prop_map(|schema| json!({
                "type": "object", "properties": { "a": schema, "b": true, "c": { "type": "integer" } },
                "dependentRequired": { "a": ["b"], "b": ["c"] }, "maxProperties": 3,
            })),
            inner.clone().prop_map(|schema| json!({
                "type": "object", "properties": { "a": { "type": "integer" } },
                "dependentSchemas": { "a": { "required": ["b"], "properties": { "b": schema } } },
            })),
            many.clone().prop_map(|branches| json!({ "anyOf": branches })),
            inner.clone().prop_map(|schema| json!({ "allOf": [schema, {}] })),
            inner.clone().prop_map(|schema| json!({ "oneOf": [
                { "type": "object", "required": ["p"], "properties": { "p": schema, "t": { "const": 1 } } },
                { "type": "object", "required": ["q"], "properties": { "q": { "type": "string" } } },
                { "type": "null" },
            ] })),
            inner.prop_map(|schema| json!({
                "type": "object", "required": ["kind"],
                "properties": { "kind": { "enum": ["a", "b"] }, "v": schema },
                "if": { "properties": { "kind": { "const": "a" } } },
                "then": { "required": ["v"] },
                "else": { "properties": { "v": false } },
            })),
        ]
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Draft {
    D4,
    D6,
    D7,
    D2019,
    D2020,
}

impl Draft {
    fn uri(self) -> &'static str {
        match self {
            Self::D4 => "http://json-schema.org/draft-04/schema#",
            Self::D6 => "http://json-schema.org/draft-06/schema#",
            Self::D7 => "http://json-schema.org/draft-07/schema#",
            Self::D2019 => "https://json-schema.org/draft/2019-09/schema",
            Self::D2020 => "https://json-schema.org/draft/2020-12/schema",
        }
    }

    /// The same schema as this draft spells it.
    fn spell(self, schema: &Value) -> Value {
        let members = match schema {
            Value::Bool(true) if self == Self::D4 => return json!({}),
            Value::Bool(false) if self == Self::D4 => return json!({ "not": {} }),
            Value::Object(members) => members,
            other => return other.clone(),
        };
        let mut spelt = Map::new();
        let tuple = members.contains_key("prefixItems") && self < Self::D2020;
        for (keyword, value) in members {
            match keyword.as_str() {
                "enum" | "examples" | "required" | "type" | "uniqueItems" => {
                    spelt.insert(keyword.clone(), value.clone());
                }
                "const" if self == Self::D4 => {
                    spelt.insert("enum".to_owned(), json!([value]));
                }
                "const" => {
                    spelt.insert(keyword.clone(), value.clone());
                }
                "exclusiveMinimum" | "exclusiveMaximum" if self == Self::D4 => {
                    spelt.insert(keyword.replace("exclusiveM", "m"), value.clone());
                    spelt.insert(keyword.clone(), json!(true));
                }
                "prefixItems" if tuple => {
                    spelt.insert("items".to_owned(), self.list(value));
                }
                "items" if tuple => {
                    let closed = if value == &json!(false) { value.clone() } else { self.spell(value) };
                    spelt.insert("additionalItems".to_owned(), closed);
                }
                "additionalProperties" if value.is_boolean() => {
                    spelt.insert(keyword.clone(), value.clone());
                }
                "dependentRequired" if self < Self::D2019 => {
                    spelt.insert("dependencies".to_owned(), value.clone());
                }
                "dependentSchemas" if self < Self::D2019 => {
                    spelt.insert("dependencies".to_owned(), self.map(value));
                }
                "properties" | "patternProperties" | "dependentSchemas" => {
                    spelt.insert(keyword.clone(), self.map(value));
                }
                "if" | "then" | "else" if self < Self::D7 => {}
                "contains" if self == Self::D4 => {}
                "propertyNames" if self == Self::D4 => {}
                "$ref" => {
                    let target = value.as_str().expect("a text");
                    let target = if self < Self::D2019 {
                        target.replace("$defs", "definitions")
                    } else {
                        target.into()
                    };
                    spelt.insert(keyword.clone(), json!(target));
                }
                "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                    spelt.insert(keyword.clone(), self.list(value));
                }
                _ => {
                    spelt.insert(keyword.clone(), self.spell(value));
                }
            }
        }
        Value::Object(spelt)
    }

    fn list(self, value: &Value) -> Value {
        value.as_array().expect("a list").iter().map(|schema| self.spell(schema)).collect()
    }

    fn map(self, value: &Value) -> Value {
        let members = value.as_object().expect("an object").iter();
        Value::Object(members.map(|(name, schema)| (name.clone(), self.spell(schema))).collect())
    }
}

fn draft() -> impl Strategy<Value = Draft> {
    prop::sample::select(vec![Draft::D4, Draft::D6, Draft::D7, Draft::D2019, Draft::D2020])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// A schema that can be satisfied is, in every draft, and another validator object agrees.
    #[test]
    fn bodies_of_any_schema_validate(schema in schema(), draft in draft(), seed: u64) {
        let definitions = if draft < Draft::D2019 { "definitions" } else { "$defs" };
        let root = around(&draft.spell(&schema), draft.uri(), definitions);
        let pack = match load(&[("event.json", root.clone())]) {
            Ok(pack) => pack,
            Err(error) => return Err(TestCaseError::fail(format!("{root}\n{error}"))),
        };
        let judge = jsonschema::options().should_validate_formats(true).build(&root).expect("a schema");
        for sequence in 0..20 {
            let key = Key { seed, sequence, published: Timestamp::from_millis(1_478_001_600_000) };
            let (mut body, mut again) = (Vec::new(), Vec::new());
            pack.generate(EventType::RfpSend, key, &mut body).map_err(|e| TestCaseError::fail(e.to_string()))?;
            pack.generate(EventType::RfpSend, key, &mut again).map_err(|e| TestCaseError::fail(e.to_string()))?;
            prop_assert_eq!(&body, &again);
            let value: Value = serde_json::from_slice(&body).expect("JSON");
            prop_assert!(judge.is_valid(&value), "{} for {}", value, root);
            prop_assert_eq!(pack.validate(&body), Ok(EventType::RfpSend));
        }
    }

    /// Whatever stands in a file: an answer, and no panic.
    #[test]
    fn conflicting_schemas_are_an_error_or_satisfied(a in schema(), b in schema(), keyword in prop::sample::select(vec!["allOf", "oneOf", "anyOf"])) {
        let both = json!({ keyword: [a, { "not": b.clone() }, b] });
        let root = around(&both, Draft::D2020.uri(), "$defs");
        match load(&[("event.json", root)]) {
            Ok(pack) => {
                bodies(&pack, EventType::RfpSend, 3);
            }
            Err(error) => prop_assert!(error.to_string().starts_with("event.json#"), "{}", error),
        }
    }
}
