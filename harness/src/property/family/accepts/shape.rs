//! The event types, and which fields they have.

use pns_engine::EventType;
use proptest::strategy::Strategy as _;
use serde_json::{Value, json};

use super::super::super::case::Case;
use super::super::super::draw;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::super::bodies::{accepted, laid_over};
use crate::clause::Clause;
use crate::event::Strength;

/// Event types and their fields.
pub(super) const ALL: &[Property] = &[
    EVERY_EVENT_TYPE,
    PLANNER_CANCEL_WITHOUT_SUPPLIER,
    VENUE_EVENT,
    VENUE_ACTIVE_BOTH_WAYS,
    ONE_ATTACHMENT,
    MANY_ATTACHMENTS,
    BEFORE_NOVEMBER_2016,
    SINCE_NOVEMBER_2016,
    GENERATED,
];

/// A generated notification as it is.
fn as_generated(label: impl Into<String>, event_type: EventType) -> Case {
    Case::request(label, json!({ "event": event_type.wire_name() }), accepted())
}

const EVERY_EVENT_TYPE: Property = Property {
    id: "accepts/every-event-type",
    title: "a notification of every event type is acknowledged",
    clause: Clause::EventTypes,
    strength: Strength::Must,
    tags: &["shape", "smoke"],
    needs: &[],
    does: "Sends one generated notification of each of the event types that the schema pack has.",
    why: "Cvent's page lists 33 event types and asks that an endpoint accept its schema. An enumeration that was typed \
          in by hand and lacks a name, a column too short for the longest one, or a handler that is missing turns every \
          notification of that type into an error, and PNS sends it again and again.",
    mend: "Take the names from rfpEventType.json and venueEventType.json rather than from memory, make the column at \
           least 64 characters long, and give the dispatcher a default branch that stores what it has no handler for. \
           If your subscription is for fewer types and you refuse the others on purpose, record it with \
           `--except accepts/every-event-type=REASON`.",
    cases: Cases::Fixed(|setting| {
        setting.event_types().map(|event_type| as_generated(event_type.wire_name(), event_type)).collect()
    }),
};

const PLANNER_CANCEL_WITHOUT_SUPPLIER: Property = Property {
    id: "accepts/planner-cancel-without-supplier",
    title: "PLANNER_CANCEL, which names no supplier, is acknowledged",
    clause: Clause::EventTypes,
    strength: Strength::Must,
    tags: &["shape"],
    needs: &[],
    does: "Sends a PLANNER_CANCEL, whose only additional field in Cvent's table is the reason.",
    why: "PLANNER_CANCEL is the one RFP event for which Cvent's table lists no supplierId. Code that was written from the \
          other 31 calls a method on the missing supplier, answers 500, and the cancellation of a whole event never \
          arrives.",
    mend: "Make supplierId optional in the type that the body is read into (Optional, nullable, pointer, `?.`), and \
           apply a PLANNER_CANCEL to every supplier of the RFP that you know.",
    cases: Cases::Fixed(|setting| {
        let event_type = setting.first_of(&[EventType::PlannerCancel]);
        event_type.map(|event_type| as_generated("", event_type)).into_iter().collect()
    }),
};

const VENUE_EVENT: Property = Property {
    id: "accepts/venue-event",
    title: "VENUE_VISIBILITY_CHANGED, which belongs to no RFP, is acknowledged",
    clause: Clause::EventTypes,
    strength: Strength::Must,
    tags: &["shape"],
    needs: &[],
    does: "Sends a VENUE_VISIBILITY_CHANGED, the one event type of Cvent's second list.",
    why: "The 33rd event type stands in a schema file of its own, venueEventType.json, and is about a venue instead of an \
          RFP. An enumeration made from rfpEventType.json alone does not know it, and code that files every \
          notification under its RFP fails on it.",
    mend: "Read both schema files into the enumeration, and decide by the event type which of the ids is required \
           instead of demanding the RFP's from all.",
    cases: Cases::Fixed(|setting| {
        let event_type = setting.first_of(&[EventType::VenueVisibilityChanged]);
        event_type.map(|event_type| as_generated("", event_type)).into_iter().collect()
    }),
};

const VENUE_ACTIVE_BOTH_WAYS: Property = Property {
    id: "accepts/venue-active-both-ways",
    title: "a venue event is acknowledged whether the venue is active or not",
    clause: Clause::EventTypes,
    strength: Strength::Must,
    tags: &["shape"],
    needs: &[],
    does: "Sends a VENUE_VISIBILITY_CHANGED twice: with the truth value in it true, and false.",
    why: "Cvent's page says that the details tell whether or not the venue is now active. `if (!details.active)` and its \
          kin take false for missing, so that every venue that is removed is refused and goes on being offered.",
    mend: "Test for presence, not for truth: `=== undefined` in JavaScript, `is None` in Python, isset or \
           array_key_exists in PHP, Boolean instead of boolean in Java, *bool in Go.",
    cases: Cases::Fixed(|setting| venue_active(setting).unwrap_or_default()),
};

fn venue_active(setting: &Setting) -> Option<Vec<Case>> {
    let event_type = setting.first_of(&[EventType::VenueVisibilityChanged])?;
    let place = truth_value(&Value::Object(setting.body(event_type, 0)?), "")?;
    let case = |(label, value): (&str, bool)| {
        laid_over(label, event_type, json!({ &place: value }), accepted()).plain()
    };
    Some([("active", true), ("not active", false)].map(case).into())
}

/// The place of the first truth value in `value`, as a JSON pointer.
fn truth_value(value: &Value, at: &str) -> Option<String> {
    match value {
        Value::Bool(_) => Some(at.to_owned()),
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            truth_value(member, &format!("{at}/{}", super::super::super::setting::escape(name)))
        }),
        _ => None,
    }
}

/// An attachment event and the name that Cvent's page gives its list.
fn attachment_event(setting: &Setting) -> Option<EventType> {
    let known = [EventType::ResponseAddAttachment, EventType::ResponseDeleteAttachment];
    let event_type = setting.first_of(&known)?;
    setting.body(event_type, 0)?.get("attachmentIds")?.is_array().then_some(event_type)
}

/// So many attachment ids, each another.
fn attachment_ids(count: u32) -> Value {
    (0..count).map(|number| format!("3f2504e0-4f89-41d3-9a0c-{number:012x}")).collect()
}

const ONE_ATTACHMENT: Property = Property {
    id: "accepts/one-attachment",
    title: "an attachment event with a single attachment is acknowledged",
    clause: Clause::EventTypes,
    strength: Strength::Must,
    tags: &["shape"],
    needs: &[],
    does: "Sends an attachment event whose list of attachment ids holds one.",
    why: "Cvent's table writes attachmentIds[], a list, and most lists have one element. Bindings that come from XML, or \
          are configured to unwrap single values, turn it into the element itself, and the loop over it fails.",
    mend: "Read attachmentIds as a list whatever its length: no UNWRAP_SINGLE_VALUE_ARRAYS in Jackson, no \
           XML-to-JSON mapper in between.",
    cases: Cases::Fixed(|setting| {
        let case = |event_type| {
            laid_over("", event_type, json!({ "/attachmentIds": attachment_ids(1) }), accepted()).plain()
        };
        attachment_event(setting).map(case).into_iter().collect()
    }),
};

const MANY_ATTACHMENTS: Property = Property {
    id: "accepts/many-attachments",
    title: "an attachment event with many attachments is acknowledged",
    clause: Clause::EventTypes,
    strength: Strength::Should,
    tags: &["shape", "size"],
    needs: &[],
    does: "Sends attachment events with 2, 100 and 500 attachment ids; the longest body has 20 kB.",
    why: "Cvent's table writes attachmentIds[] and no bound. `attachmentIds[0]` loses the others without a word, ids \
          joined into one column overflow it, and a statement with a parameter for each id meets the driver's limit.",
    mend: "Store the ids in a table of their own, one row each, inserted in batches.",
    cases: Cases::Fixed(|setting| {
        let Some(event_type) = attachment_event(setting) else { return Vec::new() };
        let is_free = super::super::bodies::is_reconstructed(setting);
        let counts = [2, 100, 500].into_iter();
        let counts = counts
            .filter(|count| is_free || setting.allows(event_type, "/attachmentIds", &attachment_ids(*count)));
        let case = |count| {
            let with = json!({ "/attachmentIds": attachment_ids(count) });
            laid_over(format!("{count} attachments"), event_type, with, accepted()).plain()
        };
        counts.map(case).collect()
    }),
};

/// A plain RFP event and the venue event.
const TWO_KINDS: [EventType; 2] = [EventType::RfpSend, EventType::VenueVisibilityChanged];

fn of_pack(setting: &Setting, pack: &str) -> Vec<Case> {
    let known = TWO_KINDS.into_iter().filter_map(|event_type| setting.first_of(&[event_type]));
    known.map(|event_type| as_generated(event_type.wire_name(), event_type).pack(pack)).collect()
}

const BEFORE_NOVEMBER_2016: Property = Property {
    id: "accepts/before-november-2016",
    title: "the shape before November 2016 is acknowledged, too",
    clause: Clause::November2016,
    strength: Strength::Should,
    tags: &["shape"],
    needs: &[],
    does: "Sends an RFP event and a venue event without the field that stands for the one added in November 2016.",
    why: "Cvent's page calls the field an addition that helps to segment events, and does not say that every notification \
          has it; its name and its values are not public. A receiver that demands a field that it does not need to do \
          its work refuses what it could have handled.",
    mend: "Take the field out of the required ones; where it is missing, derive the segment from the event type.",
    cases: Cases::Fixed(|setting| of_pack(setting, "cvent-2015")),
};

const SINCE_NOVEMBER_2016: Property = Property {
    id: "accepts/since-november-2016",
    title: "the shape since November 2016, with one field more, is acknowledged",
    clause: Clause::November2016,
    strength: Strength::Must,
    tags: &["shape"],
    needs: &[],
    does: "Sends an RFP event and a venue event with the field that stands for the one added in November 2016.",
    why: "Cvent's page announces a new field as a non-breaking change that endpoints built earlier need not be updated \
          for. An endpoint whose parser refuses it stopped receiving on that day.",
    mend: "Ignore fields that you do not know: Jackson `FAIL_ON_UNKNOWN_PROPERTIES=false`, System.Text.Json \
           `JsonUnmappedMemberHandling.Skip`, no DisallowUnknownFields in Go, `extra=\"ignore\"` in Pydantic, no \
           `additionalProperties: false` in a schema that guards the endpoint.",
    cases: Cases::Fixed(|setting| of_pack(setting, "cvent-2016-11")),
};

const GENERATED: Property = Property {
    id: "accepts/generated",
    title: "any valid notification is acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Must,
    tags: &["shape", "drawn"],
    needs: &[],
    does: "Draws notifications of any type from the schema pack: reasons, names, texts, lists of any length.",
    why: "Cvent's page says that the endpoint must be able to accept its schema. What breaks one is often a combination \
          that no example had: the one reason that was added later, a name with an accent, the longest of the types.",
    mend: "Read the saved case: what is left in it after shrinking is what the receiver cannot take.",
    cases: Cases::Drawn(|setting| {
        setting.event_types().next()?;
        let case = |(event_type, members): (EventType, serde_json::Map<String, Value>)| {
            let pointer = |name: &String| format!("/{}", super::super::super::setting::escape(name));
            let with = members.iter().map(|(name, value)| (pointer(name), value.clone())).collect();
            let request = match members.is_empty() {
                true => json!({ "event": event_type.wire_name() }),
                false => json!({ "event": event_type.wire_name(), "with": Value::Object(with) }),
            };
            Case::request("", request, accepted())
        };
        Some(draw::valid(setting).prop_map(case).boxed())
    }),
};
