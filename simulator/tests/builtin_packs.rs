//! The built-in packs: every generated body validates, every broken rule is seen.

use pns_engine::{AdditionalField, Category, EventType, Timestamp};
use pns_simulator::schema::{Key, Pack};
use serde_json::{Map, Value, json};

/// 2016-11-01T12:00:00.123Z.
const PUBLISHED: Timestamp = Timestamp::from_millis(1_478_001_600_123);
const UUID: &str = "6f1c9d3e-2b4a-4c5d-8e6f-7a8b9c0d1e2f";

fn packs() -> impl Iterator<Item = std::sync::Arc<Pack>> {
    Pack::BUILTIN.into_iter().map(|name| Pack::builtin(name).expect("it is built in"))
}

fn body(pack: &Pack, event_type: EventType, sequence: u64) -> Vec<u8> {
    let mut body = Vec::new();
    let key = Key { seed: 7, sequence, published: PUBLISHED };
    pack.generate(event_type, key, &mut body).expect("all types are in the built-in packs");
    body
}

fn value(pack: &Pack, event_type: EventType, sequence: u64) -> Map<String, Value> {
    serde_json::from_slice(&body(pack, event_type, sequence)).expect("a body is a JSON object")
}

/// The fields that Cvent's page and this project's choice give a type: written from the facts, not from the schema.
fn fields(pack: &Pack, event_type: EventType) -> Vec<&'static str> {
    let mut fields = vec!["eventId", "eventType"];
    if pack.name() == "cvent-2016-11" {
        fields.push("eventCategory");
    }
    fields.push("eventTimestamp");
    if event_type.category() == Category::Rfp {
        fields.push("rfpId");
    }
    for field in [
        (AdditionalField::Supplier, vec!["supplierId"]),
        (AdditionalField::Reason, vec!["reason"]),
        (AdditionalField::ForwarderInfo, vec!["forwarderInfo"]),
        (AdditionalField::AttachmentIds, vec!["attachmentIds"]),
        (AdditionalField::MessageDetails, vec!["messageDetails"]),
        (AdditionalField::Venue, vec!["venueId", "venueDetails"]),
    ] {
        if event_type.additional_fields().contains(&field.0) {
            fields.extend(field.1);
        }
    }
    fields
}

fn foreign() -> Vec<(&'static str, Value)> {
    vec![
        ("rfpId", json!(UUID)),
        ("supplierId", json!(UUID)),
        ("reason", json!("OTHER")),
        ("forwarderInfo", json!({ "forwarderSupplierId": UUID, "forwarderName": "x" })),
        ("attachmentIds", json!([UUID])),
        ("messageDetails", json!({ "messageId": UUID, "subject": "s", "body": "b" })),
        ("venueId", json!(UUID)),
        ("venueDetails", json!({ "active": true })),
        ("eventCategory", json!("RFP")),
        ("somethingElse", json!(1)),
    ]
}

fn refused(pack: &Pack, body: &Map<String, Value>, why: &str) {
    let bytes = serde_json::to_vec(body).expect("a body is written");
    let violations = pack.validate(&bytes).expect_err(why);
    assert!(!violations.is_empty(), "{why}");
}

#[test]
fn thousands_of_bodies_of_every_type_validate_and_have_exactly_their_fields() {
    for pack in packs() {
        assert_eq!(pack.event_types().iter().count(), 33);
        for event_type in EventType::ALL {
            for sequence in 0..1_000 {
                let body = body(&pack, event_type, sequence);
                assert_eq!(pack.validate(&body), Ok(event_type), "{}", String::from_utf8_lossy(&body));
            }
            let value = value(&pack, event_type, 0);
            assert_eq!(value.keys().collect::<Vec<_>>(), fields(&pack, event_type), "{event_type}");
        }
    }
}

#[test]
fn a_body_without_one_of_its_fields_is_refused() {
    for pack in packs() {
        for event_type in EventType::ALL {
            let whole = value(&pack, event_type, 1);
            for field in fields(&pack, event_type) {
                let mut mutant = whole.clone();
                mutant.shift_remove(field);
                refused(&pack, &mutant, &format!("{event_type} without {field}"));
            }
        }
    }
}

#[test]
fn a_body_with_a_field_of_another_type_is_refused() {
    for pack in packs() {
        for event_type in EventType::ALL {
            let whole = value(&pack, event_type, 2);
            let own = fields(&pack, event_type);
            for (field, content) in foreign() {
                if !own.contains(&field) {
                    let mut mutant = whole.clone();
                    mutant.insert(field.to_owned(), content);
                    refused(&pack, &mutant, &format!("{event_type} with {field}"));
                }
            }
        }
    }
}

#[test]
fn wrong_types_values_and_formats_are_refused() {
    let wrong = [json!(null), json!(7), json!(""), json!([]), json!({}), json!("nonsense"), json!(true)];
    for pack in packs() {
        for event_type in EventType::ALL {
            let whole = value(&pack, event_type, 3);
            for field in whole.keys() {
                for content in &wrong {
                    let mut mutant = whole.clone();
                    mutant.insert(field.clone(), content.clone());
                    refused(&pack, &mutant, &format!("{event_type} with {field} = {content}"));
                }
            }
        }
    }
}

#[test]
fn details_are_held_to_their_rules() {
    let mutants = [
        (EventType::RfpForward, "/forwarderInfo", json!({ "forwarderName": null })),
        (EventType::RfpForward, "/forwarderInfo/forwarderSupplierId", json!("6F1C9D3E")),
        (EventType::RfpForward, "/forwarderInfo/forwarderName", json!("")),
        (EventType::ResponseAddAttachment, "/attachmentIds/0", json!("x")),
        (EventType::MessagePlannerToSupplier, "/messageDetails/subject", json!(null)),
        (EventType::MessagePlannerToSupplier, "/messageDetails/extra", json!(1)),
        (EventType::VenueVisibilityChanged, "/venueDetails/active", json!("true")),
        (EventType::RfpSend, "/eventTimestamp", json!("2016-11-01T12:00:00Z")),
        (EventType::RfpSend, "/eventTimestamp", json!("2016-13-01T12:00:00.000Z")),
        (EventType::RfpSend, "/eventType", json!("RESPONSESUBMIT_PROPOSAL_OUTSIDE_CVENT")),
        // A reason of another type's list.
        (EventType::PlannerCancel, "/reason", json!("TOO_SPACE_INTENSIVE")),
        (EventType::PlannerDeclineSupplier, "/reason", json!("LOW_BUDGET")),
        (EventType::ResponseTurnDown, "/reason", json!("CLIENT_BOOKED_DIRECTLY")),
        (EventType::ResponseWithdraw, "/reason", json!("SELECTED_OTHER_CITY")),
    ];
    for pack in packs() {
        for (event_type, pointer, content) in &mutants {
            let key = Key { seed: 1, sequence: 4, published: PUBLISHED };
            let overrides = Map::from_iter([((*pointer).to_owned(), content.clone())]);
            let body = pack.generate_with(*event_type, key, &overrides).expect("the place is there");
            pack.validate(&body).expect_err(pointer);
        }
    }
    let new = Pack::builtin("cvent-2016-11").expect("built in");
    let venue_as_rfp = Map::from_iter([("eventCategory".to_owned(), json!("RFP"))]);
    let key = Key { seed: 1, sequence: 4, published: PUBLISHED };
    let body = new.generate_with(EventType::VenueVisibilityChanged, key, &venue_as_rfp).expect("a body");
    new.validate(&body).expect_err("a venue event of category RFP");
}

#[test]
fn violations_say_in_plain_words_what_is_wrong() {
    let pack = Pack::builtin("cvent-2016-11").expect("built in");
    let mut cancel = value(&pack, EventType::PlannerCancel, 5);
    cancel.insert("supplierId".to_owned(), json!(UUID));
    cancel.shift_remove("rfpId");
    let violations = pack.validate(&serde_json::to_vec(&cancel).expect("written")).expect_err("two mistakes");
    let texts: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["`rfpId` is missing", "/supplierId: does not belong in PLANNER_CANCEL"]);
    assert_eq!(pack.validate(b"{").expect_err("no JSON").len(), 1);
    assert_eq!(pack.validate(b"[]").expect_err("no object").len(), 1);
}

#[test]
fn equal_keys_make_equal_bodies_and_the_time_changes_nothing_else() {
    for pack in packs() {
        for event_type in EventType::ALL {
            assert_eq!(body(&pack, event_type, 9), body(&pack, event_type, 9));
            assert_ne!(body(&pack, event_type, 9), body(&pack, event_type, 10));
            let mut later = Vec::new();
            let key = Key { seed: 7, sequence: 9, published: Timestamp::from_millis(1_500_000_000_000) };
            pack.generate(event_type, key, &mut later).expect("a body");
            let later = String::from_utf8(later).expect("UTF-8");
            let now = String::from_utf8(body(&pack, event_type, 9)).expect("UTF-8");
            assert_eq!(later.replace("2017-07-14T02:40:00.000Z", "2016-11-01T12:00:00.123Z"), now);
        }
    }
}

#[test]
fn ids_are_new_in_every_body_and_lower_case_version_4() {
    let pack = Pack::builtin("cvent-2016-11").expect("built in");
    let mut seen = std::collections::BTreeSet::new();
    for sequence in 0..10_000 {
        let body = body(&pack, EventType::RfpSend, sequence);
        let id = pack.event_id(&body).expect("an id");
        assert_eq!((&id[14..15], id.to_lowercase()), ("4", id.clone()));
        assert!("89ab".contains(&id[19..20]));
        assert!(seen.insert(id));
    }
}

#[test]
fn roles_are_read_from_any_body() {
    let pack = Pack::builtin("cvent-2015").expect("built in");
    let key = Key { seed: 0, sequence: 0, published: PUBLISHED };
    let overrides = Map::from_iter([("supplierId".to_owned(), json!(UUID)), ("x".to_owned(), json!([1]))]);
    let body = pack.generate_with(EventType::RfpViewed, key, &overrides).expect("a body");
    assert_eq!(pack.supplier(&body).map(|id| id.to_string()).as_deref(), Some(UUID));
    assert_eq!(pack.event_type(&body), Some(EventType::RfpViewed));
    assert_eq!(pack.supplier(b"no JSON"), None);
    assert_eq!(pack.supplier(br#"{"supplierId":"none"}"#), None);
    let keys: Map<String, Value> = serde_json::from_slice(&body).expect("an object");
    let order: Vec<_> = keys.keys().map(String::as_str).collect();
    assert_eq!(order, ["eventId", "eventType", "eventTimestamp", "rfpId", "supplierId", "x"]);
}

/// A seed printed in an old report must repeat its bodies: these bytes never change.
#[test]
fn golden_bodies() {
    let mut golden = include_str!("golden/bodies.txt").lines();
    for pack in packs() {
        for event_type in EventType::ALL {
            let key = Key { seed: 42, sequence: event_type.index() as u64, published: PUBLISHED };
            let mut body = Vec::new();
            pack.generate(event_type, key, &mut body).expect("a body");
            assert_eq!(Some(String::from_utf8(body).expect("UTF-8").as_str()), golden.next());
        }
    }
    assert_eq!(golden.next(), None);
}
