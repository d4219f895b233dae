//! Bugs in what is demanded of the fields of a notification.

use pns_engine::EventType;
use serde_json::Value;

use crate::selftest::Specimen;
use crate::selftest::message::{Reply, internal_error, refuse};
use crate::selftest::service;
use crate::selftest::state::Note;

/// The fields of the pack `cvent-2016-11`.
const KNOWN: [&str; 13] = [
    "eventId",
    "eventType",
    "eventCategory",
    "eventTimestamp",
    "rfpId",
    "supplierId",
    "reason",
    "forwarderInfo",
    "attachmentIds",
    "messageDetails",
    "venueId",
    "venueDetails",
    "venue",
];

pub(super) const ALL: &[Specimen] = &[
    Specimen::bug(
        "unknown-field-500",
        &["accepts/unknown-fields", "accepts/unknown-field-names"],
        "Jackson's FAIL_ON_UNKNOWN_PROPERTIES, which is on by default, answered as 500",
        |plan| plan.validate = |value, body| unless(internal_error, unknown_field(value), value, body),
    ),
    Specimen::bug(
        "unknown-field-400",
        &["accepts/unknown-fields", "accepts/unknown-field-names"],
        "`additionalProperties: false`, or Go's DisallowUnknownFields: what broke receivers in November 2016",
        |plan| plan.validate = |value, body| unless(bad_request, unknown_field(value), value, body),
    ),
    Specimen::bug(
        "unknown-nested-field-400",
        &["accepts/unknown-nested-fields"],
        "the same, for the objects inside only: the outermost one was mended in a hurry",
        |plan| {
            plan.validate = |value, body| {
                let known =
                    ["messageId", "subject", "body", "forwarderSupplierId", "forwarderName", "active"];
                let inner = ["messageDetails", "forwarderInfo", "venueDetails"].map(|name| value.get(name));
                let unknown = inner
                    .iter()
                    .filter_map(|inner| inner.and_then(Value::as_object))
                    .any(|inner| inner.keys().any(|key| !known.contains(&key.as_str())));
                unless(bad_request, unknown, value, body)
            };
        },
    ),
    Specimen::bug(
        "dollar-field-500",
        &["accepts/unknown-field-names"],
        "the notification is stored as it is in MongoDB, where names must not begin with `$` or hold a dot",
        |plan| {
            plan.validate = |value, body| {
                unless(
                    internal_error,
                    any_name(value, |n| n.starts_with('$') || n.contains('.')),
                    value,
                    body,
                )
            };
        },
    ),
    Specimen::bug(
        "proto-field-500",
        &["accepts/unknown-field-names"],
        "a deep merge in JavaScript that assigns `__proto__`, or a library that refuses the whole body for it",
        |plan| {
            plan.validate =
                |value, body| unless(internal_error, any_name(value, |n| n == "__proto__"), value, body);
        },
    ),
    Specimen::bug(
        "empty-field-name-500",
        &["accepts/unknown-field-names"],
        "a JSON library that turns objects into XML or properties: an empty name is none there",
        |plan| {
            plan.validate = |value, body| unless(internal_error, any_name(value, str::is_empty), value, body);
        },
    ),
    Specimen::bug(
        "supplier-demanded",
        &["accepts/planner-cancel-without-supplier", "accepts/every-event-type"],
        "`body.getSupplierId().toString()`: PLANNER_CANCEL has none, and NullPointerException is 500",
        |plan| {
            plan.validate = |value, body| {
                let without = value.get("supplierId").is_none() && value.get("rfpId").is_some();
                unless(internal_error, without, value, body)
            };
        },
    ),
    Specimen::bug(
        "rfp-demanded",
        &["accepts/venue-event", "accepts/every-event-type"],
        "every notification is filed under its RFP: VENUE_VISIBILITY_CHANGED has none",
        |plan| {
            plan.validate = |value, body| unless(internal_error, value.get("rfpId").is_none(), value, body);
        },
    ),
    Specimen::bug(
        "venue-type-unknown",
        &["accepts/venue-event", "accepts/every-event-type"],
        "an enum made from `rfpEventType.json` alone: 32 types",
        |plan| {
            plan.validate =
                |value, body| unless(bad_request, is_type(value, "VENUE_VISIBILITY_CHANGED"), value, body);
        },
    ),
    Specimen::bug(
        "message-types-unknown",
        &["accepts/every-event-type", "delivery/lifecycles", "delivery/order-shuffled"],
        "an enum typed in by hand, from which three names are missing",
        |plan| plan.validate = |value, body| unless(bad_request, type_starts(value, "MESSAGE_"), value, body),
    ),
    Specimen::bug(
        "type-column-too-short",
        &["accepts/every-event-type"],
        "`event_type VARCHAR(32)`: three names are longer, and the insert fails",
        |plan| {
            plan.validate = |value, body| {
                let long = value.get("eventType").and_then(Value::as_str).is_some_and(|name| name.len() > 32);
                unless(internal_error, long && is_documented(value), value, body)
            };
        },
    ),
    Specimen::bug(
        "inactive-venue-refused",
        &["accepts/venue-active-both-ways"],
        "`if (!body.venueDetails.active) return res.status(400)`: false taken for missing",
        |plan| {
            plan.validate = |value, body| {
                let inactive = value.pointer("/venueDetails/active") == Some(&Value::Bool(false));
                unless(bad_request, inactive, value, body)
            };
        },
    ),
    Specimen::bug(
        "category-venue-refused",
        &["accepts/venue-event", "accepts/since-november-2016"],
        "an enum made from the first notifications that came with the new field: all of them said `RFP`",
        |plan| {
            plan.validate = |value, body| {
                let other = value.get("eventCategory").is_some_and(|category| category != "RFP");
                unless(bad_request, other, value, body)
            };
        },
    ),
    Specimen::bug(
        "category-demanded",
        &["accepts/before-november-2016", "delivery/mixed-shapes"],
        "`required: [eventCategory]`: a notification queued before the change is refused",
        |plan| {
            plan.validate =
                |value, body| unless(bad_request, value.get("eventCategory").is_none(), value, body);
        },
    ),
    Specimen::bug(
        "one-attachment-only",
        &["accepts/many-attachments"],
        "`attachmentIds[0]` and a check that there is no second",
        |plan| plan.validate = |value, body| unless(bad_request, attachments(value) > 1, value, body),
    ),
    Specimen::bug(
        "single-attachment-500",
        &["accepts/one-attachment"],
        "a list of one that some mapper has turned into the element (XML-minded JSON bindings)",
        |plan| plan.validate = |value, body| unless(internal_error, attachments(value) == 1, value, body),
    ),
    Specimen::bug(
        "hundred-attachments-500",
        &["accepts/many-attachments"],
        "ids joined into one column, or one SQL statement with a parameter each: a limit that nobody knew",
        |plan| plan.validate = |value, body| unless(internal_error, attachments(value) > 150, value, body),
    ),
    Specimen::bug(
        "unknown-reason-500",
        &["accepts/unknown-reason"],
        "`Reason.valueOf(text)`: IllegalArgumentException for a value that was added later",
        |plan| {
            plan.validate = |value, body| {
                let reason = value.get("reason").and_then(Value::as_str);
                let known = |reason| KNOWN_REASONS.split(' ').any(|known| known == reason);
                unless(internal_error, reason.is_some_and(|reason| !known(reason)), value, body)
            };
        },
    ),
    Specimen::bug(
        "upper-case-ids-refused",
        &["accepts/ids-upper-case"],
        "`^[0-9a-f]{8}-…$` without the flag for case",
        |plan| plan.validate = |value, body| unless(bad_request, has_upper_case_id(value), value, body),
    ),
    Specimen::bug(
        "version-4-ids-only",
        &["accepts/ids-any-version"],
        "a pattern copied from a page on UUIDs, with the `4` in the third group",
        |plan| {
            plan.validate = |value, body| {
                let other = ids(value).any(|id| id.len() == 36 && id.as_bytes()[14] != b'4');
                unless(bad_request, other, value, body)
            };
        },
    ),
    Specimen::bug(
        "milliseconds-demanded",
        &["accepts/timestamp-without-fraction", "accepts/timestamp-nanoseconds"],
        "`DateTimeFormatter.ofPattern(\"yyyy-MM-dd'T'HH:mm:ss.SSS'Z'\")`",
        |plan| {
            plan.validate = |value, body| {
                unless(bad_request, timestamp(value).is_some_and(|text| text.len() != 24), value, body)
            };
        },
    ),
    Specimen::bug(
        "offset-500",
        &["accepts/timestamp-offset"],
        "`strptime(text, '%Y-%m-%dT%H:%M:%S.%fZ')`: ValueError for `+00:00`",
        |plan| {
            plan.validate = |value, body| {
                unless(internal_error, timestamp(value).is_some_and(|text| !text.ends_with('Z')), value, body)
            };
        },
    ),
    Specimen::bug(
        "leap-day-500",
        &["accepts/timestamp-leap-day"],
        "a date put together from parts, with 28 days in February",
        |plan| {
            plan.validate = |value, body| {
                unless(
                    internal_error,
                    timestamp(value).is_some_and(|text| text.contains("-02-29")),
                    value,
                    body,
                )
            };
        },
    ),
    Specimen::bug(
        "empty-text-refused",
        &["accepts/text-empty"],
        "`if (!message.body)`: an empty text taken for a missing one",
        |plan| {
            plan.validate =
                |value, body| unless(bad_request, super::text_anywhere(value, str::is_empty), value, body);
        },
    ),
    Specimen::bug(
        "long-text-500",
        &["accepts/text-long"],
        "`body VARCHAR(4000)`: `Data too long for column`",
        |plan| {
            plan.validate = |value, body| {
                unless(internal_error, super::text_anywhere(value, |text| text.len() > 4_000), value, body)
            };
        },
    ),
    Specimen::bug(
        "missing-event-type-500",
        &["rejects/missing-event-type", "rejects/empty-object"],
        "`body[\"eventType\"]`: KeyError",
        |plan| plan.validate = |value, body| unless(internal_error, lacks(value, "eventType"), value, body),
    ),
    Specimen::bug(
        "missing-event-id-500",
        &["rejects/missing-event-id", "rejects/empty-object"],
        "a NOT NULL column, and no check before it",
        |plan| plan.validate = |value, body| unless(internal_error, lacks(value, "eventId"), value, body),
    ),
    Specimen::bug(
        "wrong-type-500",
        &["rejects/event-type-of-wrong-type", "rejects/fields-of-wrong-type"],
        "`body.eventType.startsWith(…)`: TypeError for a number",
        |plan| {
            plan.validate = |value, body| {
                let wrong = ["eventType", "eventId", "rfpId", "supplierId", "reason"]
                    .iter()
                    .filter_map(|name| value.get(name))
                    .any(|member| !member.is_string() && !member.is_null());
                unless(internal_error, wrong, value, body)
            };
        },
    ),
    Specimen::bug(
        "unknown-event-type-500",
        &["rejects/unknown-event-type"],
        "`EventType.valueOf(text)`: IllegalArgumentException, as 500",
        |plan| {
            plan.validate = |value, body| {
                let unknown = value.get("eventType").is_some_and(Value::is_string) && !is_documented(value);
                unless(internal_error, unknown, value, body)
            };
        },
    ),
    Specimen::bug(
        "null-fields-500",
        &["rejects/null-fields"],
        "a presence check by `containsKey`, and then NullPointerException",
        |plan| {
            plan.validate = |value, body| {
                let null = value.as_object().is_some_and(|members| members.values().any(Value::is_null));
                unless(internal_error, null, value, body)
            };
        },
    ),
    Specimen::bug(
        "ids-not-uuids-500",
        &["rejects/ids-not-uuids"],
        "`UUID.fromString(text)`: IllegalArgumentException, or PostgreSQL's `invalid input syntax for type uuid`",
        |plan| {
            plan.validate =
                |value, body| unless(internal_error, ids(value).any(|id| !is_uuid(id)), value, body);
        },
    ),
    Specimen::bug(
        "attachments-not-an-array-500",
        &["rejects/attachments-not-an-array"],
        "`for id in body[\"attachmentIds\"]` over a number or an object",
        |plan| {
            plan.validate = |value, body| {
                let wrong = value.get("attachmentIds").is_some_and(|ids| !ids.is_array());
                unless(internal_error, wrong, value, body)
            };
        },
    ),
    Specimen::bug(
        "impossible-dates-500",
        &["rejects/impossible-dates"],
        "DateTimeParseException, not among the exceptions that become 400",
        |plan| {
            plan.validate = |value, body| {
                let wrong = timestamp(value).is_some_and(|text| text.parse::<jiff::Timestamp>().is_err());
                unless(internal_error, wrong, value, body)
            };
        },
    ),
];

/// The documented reasons, of all event types together.
const KNOWN_REASONS: &str = "BOOKED_ANOTHER_VENUE_OR_DESTINATION CLIENT_BOOKED_DIRECTLY EVENT_CANCELLED EVENT_POSTPONED OTHER \
    REQUIREMENTS_CHANGED EPIDEMIC_OR_PANDEMIC MEDICAL_EMERGENCY NATURAL_DISASTER \
    POLITICAL_OR_CIVIL_UNREST DID_NOT_MEET_REQUIREMENTS FOOD_AND_BEVERAGE_MINIMUM_TOO_HIGH \
    INCOMPLETE_RFP LATE_RESPONSE MEETING_ROOM_RENTAL_TOO_HIGH MEETING_SPACE_CEILING_HEIGHT \
    PREFERRED_OR_ALTERNATE_DATES_UNAVAILABLE PROPERTY_AMENITIES_OR_SERVICES PROPERTY_LOCATION \
    RENOVATIONS SELECTED_OTHER_CITY SELECTED_OTHER_HOTEL_OR_VENUE SIZE_OF_MEETING_SPACE \
    SLEEPING_ROOM_RATE_TOO_HIGH SUITE_AVAILABILITY TOO_SPACE_INTENSIVE ROOMS_TO_SPACE_RATIO LOW_BUDGET \
    NO_FOOD_AND_BEVERAGE MEETING_SPACE_UNAVAILABLE DATES_OR_PATTERN SLEEPING_ROOMS_UNAVAILABLE \
    COMPETITOR_CONTRACT_AGREEMENT REQUESTED_ROOM_RATE_TOO_LOW FOOD_AND_BEVERAGE_TOO_LOW VENUE_TOO_SMALL \
    VENUE_PERMANENTLY_CLOSED VENUE_TEMPORARILY_CLOSED DECISION_DATE_PASSED \
    MEETING_SPACE_NO_LONGER_AVAILABLE SLEEPING_ROOMS_NO_LONGER_AVAILABLE";

fn bad_request() -> Reply {
    refuse(400, "cannot use this")
}

/// Accepts a notification unless the flaw is there.
fn unless(reply: fn() -> Reply, flaw: bool, value: &Value, body: &[u8]) -> Result<Note, Reply> {
    if flaw { Err(reply()) } else { service::validate(value, body) }
}

fn unknown_field(value: &Value) -> bool {
    value.as_object().is_some_and(|members| members.keys().any(|key| !KNOWN.contains(&key.as_str())))
}

fn any_name(value: &Value, wanted: fn(&str) -> bool) -> bool {
    match value {
        Value::Object(members) => {
            members.iter().any(|(name, member)| wanted(name) || any_name(member, wanted))
        }
        Value::Array(items) => items.iter().any(|item| any_name(item, wanted)),
        _ => false,
    }
}

fn is_type(value: &Value, event_type: &str) -> bool {
    value.get("eventType").and_then(Value::as_str) == Some(event_type)
}

fn type_starts(value: &Value, start: &str) -> bool {
    value.get("eventType").and_then(Value::as_str).is_some_and(|name| name.starts_with(start))
}

fn is_documented(value: &Value) -> bool {
    value.get("eventType").and_then(Value::as_str).is_some_and(|name| name.parse::<EventType>().is_ok())
}

fn attachments(value: &Value) -> usize {
    value.get("attachmentIds").and_then(Value::as_array).map_or(0, Vec::len)
}

fn timestamp(value: &Value) -> Option<&str> {
    value.get("eventTimestamp").and_then(Value::as_str)
}

fn ids(value: &Value) -> impl Iterator<Item = &str> {
    ["eventId", "rfpId", "supplierId", "venueId"].into_iter().filter_map(|name| value.get(name)?.as_str())
}

fn has_upper_case_id(value: &Value) -> bool {
    ids(value).any(|id| id.bytes().any(|byte| byte.is_ascii_uppercase()))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn lacks(value: &Value, name: &str) -> bool {
    value.is_object() && value.get(name).is_none()
}
