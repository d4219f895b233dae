//! Objects that are no notifications: fields that are missing, unknown or of the wrong type.

use pns_engine::EventType;
use proptest::strategy::Strategy as _;
use serde_json::{Map, Value, json};

use super::super::super::case::Case;
use super::super::super::draw;
use super::super::super::kinds::{Cases, Need, Property};
use super::super::super::setting::{Setting, escape};
use super::super::bodies::{in_order, laid_over, plain};
use super::INTERNAL_ERROR;
use crate::clause::Clause;
use crate::event::Strength;

/// Objects that are no notifications.
pub(super) const ALL: &[Property] = &[
    MISSING_EVENT_TYPE,
    EVENT_TYPE_OF_WRONG_TYPE,
    UNKNOWN_EVENT_TYPE,
    MISSING_EVENT_ID,
    MISSING_FIELDS,
    NULL_FIELDS,
    IDS_NOT_UUIDS,
    ATTACHMENTS_NOT_AN_ARRAY,
    IMPOSSIBLE_DATES,
    FIELDS_OF_WRONG_TYPE,
];

const VALIDATE_FIRST: &str = "Validate before the first use (a class with required and optional members, a JSON Schema, \
     Pydantic, zod, Bean Validation), turn what it throws into 400 or 422, and let nothing else into the handler.";

/// A notification of that type without some of its members.
fn without(label: impl Into<String>, event_type: EventType, places: &[&str]) -> Case {
    Case::request(label, json!({ "event": event_type.wire_name(), "without": places }), in_order())
}

/// A plain notification with each of these values in one place.
fn at_place(setting: &Setting, place: &str, values: &[(&str, Value)]) -> Vec<Case> {
    let Some(event_type) = plain(setting) else { return Vec::new() };
    let case =
        |(label, value): &(&str, Value)| laid_over(*label, event_type, json!({ place: value }), in_order());
    values.iter().map(case).collect()
}

const MISSING_EVENT_TYPE: Property = Property {
    id: "rejects/missing-event-type",
    title: "a notification without an event type is answered in order",
    clause: Clause::EventTypes,
    strength: Strength::Should,
    tags: &["shape"],
    needs: &[],
    does: "Sends a notification that is complete but for its event type.",
    why: INTERNAL_ERROR,
    mend: VALIDATE_FIRST,
    cases: Cases::Fixed(|setting| {
        let place = &setting.pack.roles().event_type;
        plain(setting).map(|event_type| without("", event_type, &[place])).into_iter().collect()
    }),
};

const EVENT_TYPE_OF_WRONG_TYPE: Property = Property {
    id: "rejects/event-type-of-wrong-type",
    title: "an event type that is no text is answered in order",
    clause: Clause::EventTypes,
    strength: Strength::Should,
    tags: &["shape"],
    needs: &[],
    does: "Sends notifications whose event type is null, a number, true, a list or an object.",
    why: "The first thing that code does with an event type is to compare it, or to look it up. `startsWith` on a number \
          and a list as a key of a dictionary throw before any validation.",
    mend: VALIDATE_FIRST,
    cases: Cases::Fixed(|setting| {
        let values = [
            ("null", Value::Null),
            ("a number", json!(7)),
            ("true", json!(true)),
            ("a list", json!(["RFP_SEND"])),
            ("an object", json!({ "name": "RFP_SEND" })),
        ];
        at_place(setting, &setting.pack.roles().event_type, &values)
    }),
};

const UNKNOWN_EVENT_TYPE: Property = Property {
    id: "rejects/unknown-event-type",
    title: "an event type that is none is answered in order",
    clause: Clause::EventTypes,
    strength: Strength::Should,
    tags: &["shape", "security"],
    needs: &[],
    does: "Sends notifications with event types that Cvent's page does not list: a new one, one in lower case, an empty \
           one, one of 5,000 letters, and names that every JavaScript object has.",
    why: "Cvent's page speaks of additional event types in the future. A receiver may refuse what it does not know, or \
          acknowledge it and drop it; `EventType.valueOf` that throws into 500, or a table of handlers that finds \
          `constructor` and calls it, is neither.",
    mend: "Look the type up in a closed list with a default branch (a Map, not a plain object, in JavaScript), and decide \
           whether unknown ones are refused with 422 or acknowledged and logged: what is refused is sent again.",
    cases: Cases::Fixed(|setting| {
        let long = "RFP_".repeat(1_250);
        let values = [
            ("a new one", json!("RFP_ARCHIVED")),
            ("in lower case", json!("rfp_send")),
            ("with a space behind it", json!("RFP_SEND ")),
            ("the beginning of one", json!("RFP")),
            ("an empty one", json!("")),
            ("5,000 letters", json!(long)),
            ("`constructor`", json!("constructor")),
            ("`__proto__`", json!("__proto__")),
            ("a path", json!("../RFP_SEND")),
        ];
        at_place(setting, &setting.pack.roles().event_type, &values)
    }),
};

const MISSING_EVENT_ID: Property = Property {
    id: "rejects/missing-event-id",
    title: "a notification without an id is answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["shape", "ids"],
    needs: &[Need::EventId],
    does: "Sends a notification that is complete but for the id that the schema pack gives it, and one whose id is null.",
    why: "The id is what duplicates are told by. Without it a column that is NOT NULL refuses the row with an internal \
          error, or all notifications without an id count as duplicates of the first.",
    mend: VALIDATE_FIRST,
    cases: Cases::Fixed(|setting| {
        let (Some(event_type), Some(place)) = (plain(setting), &setting.pack.roles().event_id) else {
            return Vec::new();
        };
        let null = json!({ place: null });
        vec![without("missing", event_type, &[place]), laid_over("null", event_type, null, in_order())]
    }),
};

/// The members of bodies beside the event type, each with the first event type that has it.
fn members(setting: &Setting) -> Vec<(EventType, String)> {
    let mut found: Vec<(EventType, String)> = Vec::new();
    for event_type in setting.event_types() {
        for name in setting.body(event_type, 0).unwrap_or_default().into_iter().map(|(name, _)| name) {
            let is_new = found.iter().all(|(_, known)| *known != name);
            if is_new && format!("/{}", escape(&name)) != setting.pack.roles().event_type {
                found.push((event_type, name));
            }
        }
    }
    found
}

const MISSING_FIELDS: Property = Property {
    id: "rejects/missing-fields",
    title: "a notification that lacks a field is answered in order",
    clause: Clause::EventTypes,
    strength: Strength::Should,
    tags: &["shape"],
    needs: &[],
    does: "Sends notifications that are complete but for one field, each field of the schema pack in its turn, and one \
           that has nothing but its event type.",
    why: "Which fields are required, Cvent's page does not say for all. A field that was always there in examples is used \
          without a look, and its absence is found as a NullPointerException in the log of the night on which it came.",
    mend: VALIDATE_FIRST,
    cases: Cases::Fixed(|setting| {
        let without_one = |(event_type, name): (EventType, String)| {
            let label = format!("{name} of {}", event_type.wire_name());
            without(label, event_type, &[&format!("/{}", escape(&name))])
        };
        let members = members(setting);
        let names = members.iter().map(|(_, name)| format!("/{}", escape(name))).collect::<Vec<_>>();
        let alone = plain(setting).map(|event_type| {
            let body = setting.body(event_type, 0).map(Value::Object).unwrap_or_default();
            let names: Vec<&str> =
                names.iter().map(String::as_str).filter(|name| body.pointer(name).is_some()).collect();
            without("all but the event type", event_type, &names)
        });
        members.into_iter().map(without_one).chain(alone).collect()
    }),
};

const NULL_FIELDS: Property = Property {
    id: "rejects/null-fields",
    title: "null in the place of a value is answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["shape"],
    needs: &[],
    does: "Sends notifications in which one field is null, each field of the schema pack in its turn.",
    why: "Many writers of JSON put null for what they have no value for, and a field that is there but null passes every \
          test for presence (`containsKey`, `in`, `hasOwnProperty`). What uses it afterwards throws.",
    mend: "Treat null like a missing field; test for a value (`!= null`, `is not None`, `isset`) and not for the name.",
    cases: Cases::Fixed(|setting| {
        let null = |(event_type, name): (EventType, String)| {
            let label = format!("{name} of {}", event_type.wire_name());
            laid_over(label, event_type, json!({ format!("/{}", escape(&name)): null }), in_order())
        };
        members(setting).into_iter().map(null).collect()
    }),
};

const IDS_NOT_UUIDS: Property = Property {
    id: "rejects/ids-not-uuids",
    title: "ids that are no UUIDs are answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["ids", "security"],
    needs: &[],
    does: "Sends notifications whose ids, one at a time, are empty, a word, a text of 36 letters, 5,000 letters, or a path.",
    why: "`UUID.fromString`, `Guid.Parse` and a column of type uuid throw on what is none. An id that goes into an address \
          or a file name as it came leads out of the folder, or to another resource, when it holds `../`.",
    mend: "Parse ids where they come in (Guid.TryParse, `uuid.UUID` in a try, a pattern), answer 400 or 422 when that \
           fails, and use the parsed value from there on.",
    cases: Cases::Fixed(|setting| {
        let roles = setting.pack.roles();
        let values = [
            ("empty", json!("")),
            ("a word", json!("unknown")),
            ("36 letters", json!("zzzzzzzz-zzzz-4zzz-8zzz-zzzzzzzzzzzz")),
            ("5,000 letters", json!("a".repeat(5_000))),
            ("a path", json!("../../admin")),
        ];
        let body = plain(setting).and_then(|event_type| setting.body(event_type, 0)).map(Value::Object);
        let mut cases = Vec::new();
        let named =
            [("event id", &roles.event_id), ("RFP id", &roles.rfp_id), ("supplier id", &roles.supplier_id)];
        for (name, place) in named {
            let Some(place) = place else { continue };
            if body.as_ref().and_then(|body| body.pointer(place)).is_some() {
                let labelled = values.clone().map(|(label, value)| (format!("{name}: {label}"), value));
                for (label, value) in &labelled {
                    cases.extend(at_place(setting, place, &[(label, value.clone())]));
                }
            }
        }
        cases
    }),
};

const ATTACHMENTS_NOT_AN_ARRAY: Property = Property {
    id: "rejects/attachments-not-an-array",
    title: "attachment ids that are no list of ids are answered in order",
    clause: Clause::EventTypes,
    strength: Strength::Should,
    tags: &["shape"],
    needs: &[],
    does: "Sends attachment events whose attachmentIds are a text, a number, an object, an empty list, or a list of \
           numbers, nulls or lists.",
    why: "Cvent's table writes attachmentIds[]. A loop over a text gives its letters, over an object its names, over a \
          number an exception; each of them is an internal error or, worse, a row for each letter.",
    mend: VALIDATE_FIRST,
    cases: Cases::Fixed(|setting| {
        let known = [EventType::ResponseAddAttachment, EventType::ResponseDeleteAttachment];
        let event_type = setting.first_of(&known);
        let has_list = |event_type: &EventType| {
            let body = setting.body(*event_type, 0);
            body.is_some_and(|body| body.get("attachmentIds").is_some_and(Value::is_array))
        };
        let Some(event_type) = event_type.filter(has_list) else { return Vec::new() };
        let values = [
            ("a text", json!("3f2504e0-4f89-41d3-9a0c-0305e82c3301")),
            ("a number", json!(7)),
            ("an object", json!({ "0": "3f2504e0-4f89-41d3-9a0c-0305e82c3301" })),
            ("an empty list", json!([])),
            ("numbers", json!([1, 2])),
            ("nulls", json!([null])),
            ("lists", json!([["3f2504e0-4f89-41d3-9a0c-0305e82c3301"]])),
        ];
        let case = |(label, value): (&str, Value)| {
            laid_over(label, event_type, json!({ "/attachmentIds": value }), in_order())
        };
        values.map(case).into()
    }),
};

const IMPOSSIBLE_DATES: Property = Property {
    id: "rejects/impossible-dates",
    title: "times that do not exist are answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["dates"],
    needs: &[],
    does: "Sends notifications whose time is 30 February, the 13th month, 25 o'clock, the year 0, a leap second, a word, \
           empty, a number or a list.",
    why: "DateTimeParseException and its kin are often not among the exceptions that become 400, and JavaScript's \
          `Invalid Date` throws only when it is written again, far from where it was read.",
    mend: "Parse times where the body is validated and answer 400 or 422 when that fails; or keep the text and go on \
           without a time.",
    cases: Cases::Fixed(|setting| {
        let Some(place) = setting.pack.roles().published_at.clone() else { return Vec::new() };
        let values = [
            ("30 February", json!("2026-02-30T12:00:00.000Z")),
            ("the 13th month", json!("2026-13-01T12:00:00.000Z")),
            ("25 o'clock", json!("2026-01-01T25:00:00.000Z")),
            ("the year 0", json!("0000-00-00T00:00:00.000Z")),
            ("a year of six digits", json!("+275760-09-13T00:00:00.001Z")),
            ("a leap second", json!("2016-12-31T23:59:60.000Z")),
            ("a word", json!("yesterday")),
            ("empty", json!("")),
            ("a number", json!(1_767_323_045_678_i64)),
            ("a list", json!([2026, 1, 2])),
        ];
        at_place(setting, &place, &values)
    }),
};

const FIELDS_OF_WRONG_TYPE: Property = Property {
    id: "rejects/fields-of-wrong-type",
    title: "notifications that are nearly valid are answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["shape", "drawn"],
    needs: &[],
    does: "Draws notifications that are one or two steps from valid ones: a number, a list or nothing where a text should \
           be, a field that is missing.",
    why: INTERNAL_ERROR,
    mend: VALIDATE_FIRST,
    cases: Cases::Drawn(|setting| {
        plain(setting)?;
        let pointer = |name: &String| format!("/{}", escape(name));
        let case = move |(event_type, laid_over, removed): (EventType, Map<String, Value>, Vec<String>)| {
            let mut request = json!({ "event": event_type.wire_name() });
            if !laid_over.is_empty() {
                let with = laid_over.iter().map(|(name, value)| (pointer(name), value.clone())).collect();
                request["with"] = Value::Object(with);
            }
            if !removed.is_empty() {
                request["without"] = removed.iter().map(pointer).collect();
            }
            Case::request("", request, in_order())
        };
        Some(draw::nearly_valid(setting).prop_map(case).boxed())
    }),
};
