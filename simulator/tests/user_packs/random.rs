//! Random schemas of every draft: their bodies validate, by another validator object too.

use pns_engine::{EventType, Timestamp};
use pns_simulator::schema::Key;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{around, bodies, load};

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
