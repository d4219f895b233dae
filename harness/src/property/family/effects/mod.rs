//! `effects`: what the receiver really did with what it acknowledged. Only with a probe.

mod same_state;

use serde_json::{Map, Value, json};

use super::super::case::Case;
use super::super::kinds::{Cases, Need, Property};
use super::super::setting::Setting;
use crate::clause::Clause;
use crate::event::Strength;

/// The family, in the order in which it is tried.
pub(in crate::property) const ALL: &[&[Property]] = &[SINGLE, same_state::ALL];

/// Those that know the right effect.
const SINGLE: &[Property] = &[
    PROCESSED_ONCE,
    EVERY_EVENT_TYPE,
    TYPE_KEPT,
    DUPLICATE_AFTER_LOST_ACKNOWLEDGEMENT,
    DUPLICATE_LATER,
    DUPLICATE_AT_ONCE,
    DUPLICATED_OFTEN,
    DIFFERENT_IDS_KEPT_APART,
    SAME_RFP_KEPT_APART,
    REFUSED_KEY_HAS_NO_EFFECT,
    JUNK_HAS_NO_EFFECT,
    CUT_BODY_HAS_NO_EFFECT,
    RESET_AFTER_REQUEST_ONCE,
    BURST_NOT_LOST,
    CONCURRENT_TYPES_KEPT_APART,
    FLUSH_AFTER_DOWNTIME_NOT_LOST,
];

/// Why effects are asked for at all.
const ACKNOWLEDGED_IS_GONE: &str = "An acknowledgement tells the sender that it may forget the notification. What the receiver loses after that \
     is lost for good, and nobody notices: the sender's log says delivered.";

const STORE_FIRST: &str = "Store the notification, durably and together with its effect or its place in a queue, before answering 2xx; \
     answer 5xx when that fails, and PNS sends it again.";

const ONCE_BY_ID: &str = "Remember the ids of notifications that were handled, with a unique index, in the transaction of the effect; \
     when the id is there already, do nothing and acknowledge.";

/// Every notification that the case saved as `it` took effect once.
fn once() -> Value {
    json!([{ "delivered": "all" }, { "received": { "of": "it", "processed": 1 } }])
}

/// Emitted notifications saved as `it`, what else happens, and delivery.
fn delivered(label: &str, emit: Value, more: &[Value], concurrency: u32) -> Case {
    let mut emit = emit;
    emit["save"] = json!("it");
    let mut steps = vec![emit];
    steps.extend_from_slice(more);
    steps.push(json!({ "until": "delivered" }));
    Case::new(label, Value::from(steps))
        .subscription(json!({ "events": "all", "concurrency": concurrency }))
        .expect(once())
}

/// The type that plain notifications have here.
fn plain(setting: &Setting) -> Option<&'static str> {
    setting.event_types().next().map(pns_engine::EventType::wire_name)
}

fn with_fault(setting: &Setting, label: &str, fault: Value) -> Option<Case> {
    let fault = json!({ "fault": fault, "of": "it" });
    Some(delivered(label, json!({ "emit": plain(setting)? }), &[fault], 4))
}

const PROCESSED_ONCE: Property = Property {
    id: "effects/processed-once",
    title: "a plain notification takes effect, once and in time",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["smoke"],
    needs: &[Need::Probe, Need::EventId],
    does: "Sends ten plain notifications and asks for each how often it took effect.",
    why: ACKNOWLEDGED_IS_GONE,
    mend: STORE_FIRST,
    cases: Cases::Fixed(|setting| {
        plain(setting)
            .map(|event| delivered("", json!({ "emit": event, "count": 10 }), &[], 1))
            .into_iter()
            .collect()
    }),
};

const EVERY_EVENT_TYPE: Property = Property {
    id: "effects/every-event-type",
    title: "a notification of every type takes effect, once",
    clause: Clause::EventTypes,
    strength: Strength::Should,
    tags: &["shape"],
    needs: &[Need::Probe, Need::EventId],
    does: "Sends one notification of each of the event types and asks for each how often it took effect.",
    why: "A handler that is missing for a type is often found only in a log: the endpoint acknowledges, and the \
          dispatcher behind it drops what it does not know.",
    mend: "Let the dispatcher fail loudly on a type without a handler, and ask Cvent to be subscribed to the types \
           that are handled; `--except effects/every-event-type=REASON` records that the others are dropped on purpose.",
    cases: Cases::Fixed(|_| vec![delivered("", json!({ "emit": "all" }), &[], 1)]),
};

const TYPE_KEPT: Property = Property {
    id: "effects/type-kept",
    title: "a notification takes the effect of its own type",
    clause: Clause::EventTypes,
    strength: Strength::Should,
    tags: &["shape"],
    needs: &[Need::Probe, Need::ProbeType, Need::EventId],
    does: "Sends one notification of each type and asks under which type each took effect.",
    why: "Types are near each other: PLANNER_CANCEL and PLANNER_CANCEL_SUPPLIER, RESPONSE_WITHDRAW and its retract. A \
          prefix match or a default branch gives a notification the effect of another.",
    mend: "Compare the whole name of the type, and give the default branch an error.",
    cases: Cases::Fixed(|_| {
        let expect =
            json!([{ "delivered": "all" }, { "received": { "of": "it", "processed": 1, "type": "sent" } }]);
        vec![delivered("", json!({ "emit": "all" }), &[], 1).expect(expect)]
    }),
};

const DUPLICATE_AFTER_LOST_ACKNOWLEDGEMENT: Property = Property {
    id: "effects/duplicate-after-lost-acknowledgement",
    title: "a notification sent again because its acknowledgement was lost takes effect once",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["duplicates", "smoke"],
    needs: &[Need::Probe, Need::EventId],
    does: "Lets the receiver process and answer, loses the answer, sends the same notification again, and asks how \
           often it took effect.",
    why: "Nothing tells the sender that the notification was processed, so that it comes again: two bookings, two \
          mails, two proposals.",
    mend: ONCE_BY_ID,
    cases: Cases::Fixed(|setting| with_fault(setting, "", json!({ "ack_lost": 1 })).into_iter().collect()),
};

const DUPLICATE_LATER: Property = Property {
    id: "effects/duplicate-later",
    title: "a notification that comes again after others takes effect once",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["duplicates"],
    needs: &[Need::Probe, Need::EventId],
    does: "Sends a notification, then twenty others, then the first once more, and asks how often the first took \
           effect.",
    why: "A receiver that remembers only the last few ids, in memory or in a cache that evicts, processes a late repeat \
          as new; intervals between attempts grow to hours.",
    mend: ONCE_BY_ID,
    cases: Cases::Fixed(|_| {
        let steps = json!([
            { "request": {}, "save": "it" },
            { "request": {}, "times": 20 },
            { "request": { "same": "it" } },
        ]);
        vec![Case::new("", steps).expect(json!([{ "received": { "of": "it", "processed": 1 } }]))]
    }),
};

const DUPLICATE_AT_ONCE: Property = Property {
    id: "effects/duplicate-at-once",
    title: "copies of a notification that arrive at the same time take effect once",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["duplicates", "concurrency"],
    needs: &[Need::Probe, Need::EventId],
    does: "Sends the same bytes eight times at once, each on a connection of its own, five times over with other \
           notifications, and asks how often each took effect.",
    why: "Looking an id up and storing it afterwards leaves a gap in which the other copy passes. It shows only when \
          two arrive within milliseconds, as an attempt that timed out and its repeat do.",
    mend: "Make look-up and insertion one step: a unique index and `INSERT … ON CONFLICT DO NOTHING`, or a lock for the \
           id that all processes share.",
    cases: Cases::Fixed(|_| {
        let copies = |name: &str| json!({ "request": {}, "copies": 8, "alike": true, "save": name });
        let names = ["a", "b", "c", "d", "e"];
        let steps = Value::from(names.map(copies).to_vec());
        vec![Case::new("", steps).expect(json!([{ "received": { "of": names, "processed": 1 } }]))]
    }),
};

const DUPLICATED_OFTEN: Property = Property {
    id: "effects/duplicated-often",
    title: "a notification that comes twenty times takes effect once",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["duplicates"],
    needs: &[Need::Probe, Need::EventId],
    does: "Loses the acknowledgement of one notification twenty times in a row and asks how often it took effect.",
    why: "Behind a proxy that swallows answers the same notification comes for days.",
    mend: ONCE_BY_ID,
    cases: Cases::Fixed(|setting| with_fault(setting, "", json!({ "ack_lost": 20 })).into_iter().collect()),
};

/// Ids that agree in all but their last, or their first, character. Fixed by the seed: that a receiver has seen them
/// before changes nothing, since each takes effect once in all.
fn near_ids(seed: u64) -> [String; 3] {
    let draw = |index| pns_engine::rng::draw(seed, 0x6e65_6172, index);
    let (high, low) = (draw(0), draw(1));
    let middle = format!(
        "{:07x}-{:04x}-4{:03x}-8{:03x}-{:011x}",
        high >> 36,
        (high >> 16) & 0xffff,
        high & 0xfff,
        (low >> 52) & 0xfff,
        low & 0xfff_ffff_ffff
    );
    [format!("a{middle}a"), format!("a{middle}b"), format!("b{middle}a")]
}

const DIFFERENT_IDS_KEPT_APART: Property = Property {
    id: "effects/different-ids-kept-apart",
    title: "notifications whose ids differ in one character all take effect",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["ids", "duplicates"],
    needs: &[Need::Probe, Need::EventId],
    does: "Sends three notifications whose ids differ only in the last and in the first character, and asks for each \
           how often it took effect.",
    why: "An id cut to the length of a column, turned into a number, or hashed to a few bits makes different \
          notifications look like duplicates: one of them is acknowledged and dropped.",
    mend: "Store ids whole: 36 characters, or the database's own UUID type.",
    cases: Cases::Fixed(|setting| {
        let (Some(place), Some(event)) = (setting.pack.roles().event_id.clone(), plain(setting)) else {
            return Vec::new();
        };
        let names = ["last-a", "last-b", "first-b"];
        let emit = |(name, id): (&str, String)| json!({ "emit": event, "with": Map::from_iter([(place.clone(), json!(id))]), "save": name });
        let mut steps: Vec<Value> = names.into_iter().zip(near_ids(setting.seed)).map(emit).collect();
        steps.push(json!({ "until": "delivered" }));
        let expect = json!([{ "received": { "of": names, "processed": 1 } }]);
        vec![Case::new("", Value::from(steps)).subscription(json!({ "events": "all" })).expect(expect)]
    }),
};

const SAME_RFP_KEPT_APART: Property = Property {
    id: "effects/same-rfp-kept-apart",
    title: "different events about one RFP all take effect",
    clause: Clause::EventTypes,
    strength: Strength::Should,
    tags: &["ids", "duplicates"],
    needs: &[Need::Probe, Need::EventId],
    does: "Sends a life-like course of one RFP and asks for each of its events how often it took effect.",
    why: "A receiver that recognises duplicates by the RFP's id, or by RFP and type, drops the second message, the \
          second attachment, the second change of a proposal.",
    mend: "Identify a notification by its own id.",
    cases: Cases::Fixed(|setting| {
        let course = delivered("", json!({ "emit": { "lifecycle": "award" } }), &[], 1);
        let Some(place) = setting.pack.roles().rfp_id.clone() else { return vec![course] };
        let with = Map::from_iter([(place, json!("{{rfp}}"))]);
        let message = json!({ "emit": "MESSAGE_PLANNER_TO_SUPPLIER", "count": 3, "with": with });
        let messages = delivered("three messages", message, &[], 1).vars(json!({ "rfp": "{{uuid}}" }));
        vec![course, messages]
    }),
};

const REFUSED_KEY_HAS_NO_EFFECT: Property = Property {
    id: "effects/refused-key-has-no-effect",
    title: "a notification refused for its key takes no effect",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["security"],
    needs: &[Need::Probe, Need::EventId, Need::ApiKey, Need::KeyIsChecked],
    does: "Sends notifications with a wrong key and without any, which are refused, and asks whether they took effect.",
    why: "A refusal that is written after the work was begun refuses nothing: whoever knows the address writes into \
          the receiver's data.",
    mend: "Check the key in a filter before the body is read.",
    cases: Cases::Fixed(|_| {
        let case = |label: &str, auth: &str| {
            let steps = json!([{ "request": { "auth": auth }, "answer": ["4xx", "closed"], "save": "it" }]);
            Case::new(label, steps).expect(json!([{ "received": { "of": "it", "processed": 0 } }]))
        };
        vec![case("a wrong key", "wrong"), case("no key", "none")]
    }),
};

const JUNK_HAS_NO_EFFECT: Property = Property {
    id: "effects/junk-has-no-effect",
    title: "what was refused as no notification takes no effect",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["junk"],
    needs: &[Need::Probe, Need::EventId],
    does: "Sends a body with an id of its own and an event type that does not exist; where it is refused, asks whether it \
           took effect. A receiver that acknowledges it may do with it what it likes.",
    why: "Stored first and looked at afterwards: the sender is told that it failed, and the data say that it did not.",
    mend: "Validate before the transaction begins, or roll it back when validation fails.",
    cases: Cases::Fixed(|setting| {
        let place = setting.pack.roles().event_type.clone();
        let request = json!({ "with": { place: "NO_SUCH_EVENT" } });
        let steps = json!([{ "request": request, "answer": "4xx", "or_skip": true, "save": "it" }]);
        vec![Case::new("", steps).expect(json!([{ "received": { "of": "it", "processed": 0 } }]))]
    }),
};

const CUT_BODY_HAS_NO_EFFECT: Property = Property {
    id: "effects/cut-body-has-no-effect-before-retry",
    title: "a body that broke off takes no effect, and the whole one takes effect once",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["connections"],
    needs: &[Need::Probe, Need::EventId],
    does: "Closes the connection after half of the announced body, twice, then sends the notification whole, and asks \
           how often it took effect.",
    why: "A parser that is content with what has come takes half a notification for a whole one; and an id remembered \
          from the half makes the whole one look like a duplicate.",
    mend: "Work on a body only when all of its announced length has come; remember an id only with its effect.",
    cases: Cases::Fixed(|setting| with_fault(setting, "", json!({ "cut_body": 2 })).into_iter().collect()),
};

const RESET_AFTER_REQUEST_ONCE: Property = Property {
    id: "effects/reset-after-request-once",
    title: "a notification whose connection was reset before the answer takes effect once in all",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["duplicates", "connections"],
    needs: &[Need::Probe, Need::EventId],
    does: "Sends the whole request and resets the connection before the answer is read, twice, then sends it again, \
           and asks how often it took effect.",
    why: "The receiver may be at work already when the connection breaks. Whether that work is undone or kept, the \
          repeat must lead to one effect in all.",
    mend: ONCE_BY_ID,
    cases: Cases::Fixed(|setting| with_fault(setting, "", json!({ "reset": 2 })).into_iter().collect()),
};

const BURST_NOT_LOST: Property = Property {
    id: "effects/burst-not-lost",
    title: "every notification of a burst takes effect, once",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["load", "concurrency"],
    needs: &[Need::Probe, Need::EventId],
    does: "Sends a hundred notifications, sixteen at a time, and asks for each how often it took effect.",
    why: "A queue in memory that is full drops what does not fit, after it was acknowledged; a batch that fails takes \
          all its notifications with it.",
    mend: STORE_FIRST,
    cases: Cases::Fixed(|setting| {
        plain(setting)
            .map(|event| delivered("", json!({ "emit": event, "count": 100 }), &[], 16))
            .into_iter()
            .collect()
    }),
};

const CONCURRENT_TYPES_KEPT_APART: Property = Property {
    id: "effects/concurrent-types-kept-apart",
    title: "notifications that arrive at the same time do not mix",
    clause: Clause::EventTypes,
    strength: Strength::Should,
    tags: &["concurrency"],
    needs: &[Need::Probe, Need::ProbeType, Need::EventId],
    does: "Sends notifications of all types, sixteen at a time, and asks for each how often, and under which type, it \
           took effect.",
    why: "State that requests share (a field of a servlet, a module's variable, a buffer that is used again) lets one \
          notification take the effect of another.",
    mend: "Keep what belongs to a request in local variables.",
    cases: Cases::Fixed(|_| {
        let expect =
            json!([{ "delivered": "all" }, { "received": { "of": "it", "processed": 1, "type": "sent" } }]);
        vec![delivered("", json!({ "emit": "all", "count": 3, "order": "shuffled" }), &[], 16).expect(expect)]
    }),
};

const FLUSH_AFTER_DOWNTIME_NOT_LOST: Property = Property {
    id: "effects/flush-after-downtime-not-lost",
    title: "every notification held during a downtime takes effect, once",
    clause: Clause::Downtime,
    strength: Strength::Must,
    tags: &["downtime", "age"],
    needs: &[Need::Probe, Need::EventId],
    does: "Holds forty notifications for a downtime of two days, sends them as fast as they are answered, and asks for \
           each how often it took effect.",
    why: "Delivery of any and all queued notifications occurs when the system comes back online: what happened during \
          the maintenance must not be lost after it.",
    mend: STORE_FIRST,
    cases: Cases::Fixed(|setting| {
        let Some(event) = plain(setting) else { return Vec::new() };
        let steps = json!([
            { "downtime": { "for": "2d" } },
            { "emit": event, "count": 40, "save": "it" },
            { "until": "delivered" },
        ]);
        vec![Case::new("", steps).subscription(json!({ "events": "all", "concurrency": 8 })).expect(once())]
    }),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_ids_are_uuids_that_differ_in_one_character() {
        let [a, b, c] = near_ids(7);
        for id in [&a, &b, &c] {
            assert!(id.parse::<pns_engine::SupplierId>().is_ok(), "{id}");
        }
        let differing = |x: &str, y: &str| x.bytes().zip(y.bytes()).filter(|(x, y)| x != y).count();
        assert_eq!((differing(&a, &b), differing(&a, &c)), (1, 1));
    }
}
