//! Fields and values that nobody announced.

use pns_engine::EventType;
use proptest::strategy::Strategy as _;
use serde_json::{Value, json};

use super::super::super::case::Case;
use super::super::super::draw;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::{Setting, escape};
use super::super::bodies::{accepted, in_order, is_reconstructed, laid_over, plain};
use crate::clause::Clause;
use crate::event::Strength;

/// Fields and values that nobody announced.
pub(super) const ALL: &[Property] =
    &[UNKNOWN_FIELDS, UNKNOWN_NESTED_FIELDS, UNKNOWN_FIELD_NAMES, UNKNOWN_REASON];

const IGNORE_UNKNOWN: &str = "Ignore what you do not know: Jackson `FAIL_ON_UNKNOWN_PROPERTIES=false`, System.Text.Json \
     `JsonUnmappedMemberHandling.Skip`, no DisallowUnknownFields in Go, `extra=\"ignore\"` in Pydantic, no \
     `additionalProperties: false` in a schema that guards the endpoint.";

const UNKNOWN_FIELDS: Property = Property {
    id: "accepts/unknown-fields",
    title: "fields that the receiver does not know are ignored",
    clause: Clause::November2016,
    strength: Strength::Must,
    tags: &["json", "shape", "drawn"],
    needs: &[],
    does: "Draws valid notifications with one to four more members at the top, of any name and any JSON value.",
    why: "Cvent's page calls a new field a non-breaking change: endpoints are not required to be updated for it and \
          should continue to receive. One that validates strictly, or binds the body to a class that knows all fields, \
          refuses every notification from the day on which Cvent adds the next one.",
    mend: IGNORE_UNKNOWN,
    cases: Cases::Drawn(|setting| {
        plain(setting)?;
        let case = |(event_type, extras): (EventType, serde_json::Map<String, Value>)| {
            laid_over("", event_type, Value::Object(extras), accepted())
        };
        Some(draw::with_extras(setting).prop_map(case).boxed())
    }),
};

const UNKNOWN_NESTED_FIELDS: Property = Property {
    id: "accepts/unknown-nested-fields",
    title: "unknown fields inside of known objects are ignored as well",
    clause: Clause::November2016,
    strength: Strength::Should,
    tags: &["json", "shape"],
    needs: &[],
    does: "Adds a text, and an object, to each of the objects that notifications hold.",
    why: "Cvent's page documents one field that was added at no place in particular. Leniency is often set for the \
          outermost class alone: an annotation on it does not reach the classes of its members.",
    mend: "Set the leniency on the parser (ObjectMapper, JsonSerializerOptions, a common base model), not on single \
           classes.",
    cases: Cases::Fixed(|setting| {
        let added = [
            ("a text", "addedLater", json!("x")),
            ("an object", "addedLater", json!({ "kind": "x", "levels": [1, 2] })),
        ];
        let case = |(event_type, place): (EventType, String)| {
            added.clone().map(|(label, name, value)| {
                let with = json!({ format!("/{}/{name}", escape(&place)): value });
                laid_over(format!("{label} in {place}"), event_type, with, accepted())
            })
        };
        objects(setting).into_iter().flat_map(case).collect()
    }),
};

/// The names of objects inside of bodies, each with the first event type that has it.
fn objects(setting: &Setting) -> Vec<(EventType, String)> {
    let mut found: Vec<(EventType, String)> = Vec::new();
    for event_type in setting.event_types() {
        for (name, member) in setting.body(event_type, 0).unwrap_or_default() {
            if member.is_object() && found.iter().all(|(_, known)| *known != name) {
                found.push((event_type, name));
            }
        }
    }
    found
}

/// Names on which frameworks stumble, a value for each, and what may come back.
fn odd_names() -> [(&'static str, &'static str, Value, Value); 13] {
    // Fastify and others refuse these on purpose, to protect what is behind them: that is in order.
    let defended = in_order;
    [
        ("an empty name", "", json!("x"), accepted()),
        ("`__proto__`", "__proto__", json!({ "isAdmin": true }), defended()),
        ("`constructor`", "constructor", json!({ "prototype": { "isAdmin": true } }), defended()),
        ("`hasOwnProperty`", "hasOwnProperty", json!("x"), accepted()),
        ("`toString`", "toString", json!(1), accepted()),
        ("`$type`", "$type", json!("x"), accepted()),
        ("`@class`", "@class", json!("x"), accepted()),
        ("`id`", "id", json!(1), accepted()),
        ("`_id`", "_id", json!("x"), accepted()),
        ("a dot", "links.self", json!("x"), accepted()),
        ("spaces", "further notes", json!("x"), accepted()),
        ("letters beyond ASCII", "größe", json!(1), accepted()),
        ("an emoji", "🏨", json!("x"), accepted()),
    ]
}

const UNKNOWN_FIELD_NAMES: Property = Property {
    id: "accepts/unknown-field-names",
    title: "unknown fields are ignored whatever their names",
    clause: Clause::November2016,
    strength: Strength::Should,
    tags: &["json", "shape", "security"],
    needs: &[],
    does: "Adds one member of a name that means something to some framework: `__proto__`, `$type`, `@class`, `id`, an \
           empty one, one with a dot, an emoji. `__proto__` and `constructor` may be refused, as a defence, by a 4xx.",
    why: "A member's name is any text (RFC 8259, section 4). Names that a deep merge, a polymorphic deserializer, a mass \
          assignment or a document store takes for its own turn an unknown field into an exception, a second `id`, or a \
          way in for an attacker.",
    mend: "Copy the fields that you need into an object of your own instead of storing or merging the body as it is; no \
           default typing in Jackson, no TypeNameHandling in Json.NET, explicit fields in place of mass assignment, \
           Map or Object.create(null) for what comes from outside in JavaScript.",
    cases: Cases::Fixed(|setting| {
        let Some(event_type) = plain(setting) else { return Vec::new() };
        let body = setting.body(event_type, 0).unwrap_or_default();
        let names = odd_names().into_iter().filter(|(_, name, _, _)| !body.contains_key(*name));
        let case = |(label, name, value, answer): (&str, &str, Value, Value)| {
            laid_over(label, event_type, json!({ format!("/{}", escape(name)): value }), answer)
        };
        names.map(case).collect()
    }),
};

const UNKNOWN_REASON: Property = Property {
    id: "accepts/unknown-reason",
    title: "a reason that the receiver does not know is acknowledged",
    clause: Clause::EventTypes,
    strength: Strength::Should,
    tags: &["shape"],
    needs: &[],
    does: "Sends each of the event types that have a reason with one that stands in no list.",
    why: "Cvent's page names the field and lists no values for it. Enumerations of reasons are copied from examples; the \
          first value that is not among them (a new kind of emergency, say) makes `Reason.valueOf` throw, and the \
          cancellation is retried for ever instead of being handled.",
    mend: "Keep the reason as text, or give the enumeration an UNKNOWN member that is the default \
           (READ_UNKNOWN_ENUM_VALUES_USING_DEFAULT_VALUE in Jackson) and keep the text beside it.",
    cases: Cases::Fixed(|setting| {
        let Some(place) = setting.pack.roles().reason.clone() else { return Vec::new() };
        let value = json!("SOMETHING_THAT_NOBODY_FORESAW");
        let has_reason = |event_type: &EventType| {
            let body = setting.body(*event_type, 0).map(Value::Object);
            body.is_some_and(|body| body.pointer(&place).is_some_and(Value::is_string))
                && (is_reconstructed(setting) || setting.allows(*event_type, &place, &value))
        };
        let case = |event_type: EventType| -> Case {
            laid_over(event_type.wire_name(), event_type, json!({ &place: value }), accepted())
        };
        setting.event_types().filter(has_reason).map(case).collect()
    }),
};
