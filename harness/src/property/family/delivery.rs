//! `delivery`: what comes of a sender that never gives up. Duplicates, any order, old notifications, bursts. Only
//! acknowledgements are looked at; [`effects`](super::effects) looks at what the receiver did.

use serde_json::{Map, Value, json};

use super::super::case::Case;
use super::super::draw;
use super::super::kinds::{Cases, Need, Property};
use super::super::setting::Setting;
use crate::clause::Clause;
use crate::event::Strength;
use proptest::strategy::{BoxedStrategy, Strategy as _};

/// The family, in the order in which it is tried.
pub(in crate::property) const ALL: &[Property] = &[
    DUPLICATE,
    DUPLICATE_LATER,
    DUPLICATE_AT_ONCE,
    DUPLICATED_OFTEN,
    ORDER_REVERSED,
    ORDER_SHUFFLED,
    LIFECYCLES,
    EVENT_OF_UNKNOWN_RFP,
    SAME_RFP_MANY_EVENTS,
    MIXED_SHAPES,
    RETRY_AFTER_CONNECTION_FAILURES,
    RETRY_AFTER_RESETS,
    RETRY_AFTER_CUT_BODY,
    RETRY_AFTER_SLOW_BODY,
    RIGHT_KEY_AFTER_WRONG,
    OLD_AFTER_DOWNTIME,
    FLUSH_AFTER_DOWNTIME,
    BURST,
    GENERATED_SCHEDULE,
];

/// Why every receiver of PNS meets duplicates.
const AT_LEAST_ONCE: &str = "PNS sends again whatever it got no acknowledgement for, and an acknowledgement can be lost after the \
     notification was processed. The sender cannot know, so the same notification comes again; a receiver that \
     refuses the second one is sent it for ever.";

/// How a duplicate is answered.
const ACKNOWLEDGE_DUPLICATES: &str = "Remember the ids of notifications that were handled, with a unique index, in the transaction of the effect. \
     When an id is there already, do nothing and answer 200 as before: not 409, not 500 from the violated index.";

/// What every case of this family ends with.
fn all_delivered() -> Value {
    json!([{ "delivered": "all" }])
}

/// `emit` steps, then time until all is delivered.
fn until_delivered(mut steps: Vec<Value>) -> Value {
    steps.push(json!({ "until": "delivered" }));
    Value::from(steps)
}

/// A step that plans a failure for the notification saved as `it`.
pub(super) fn planned(fault: Value) -> Value {
    Value::Object(Map::from_iter([("fault".to_owned(), fault), ("of".to_owned(), json!("it"))]))
}

/// One notification, a failure on its way, and delivery at the next attempt.
fn with_fault(setting: &Setting, label: &str, fault: Value, failures: u32) -> Option<Case> {
    let event = setting.event_types().next()?.wire_name();
    let steps = vec![json!({ "emit": event, "save": "it" }), planned(fault)];
    let expect = json!([{ "delivered": "all" }, { "attempts": { "of": "it", "exactly": failures + 1 } }]);
    Some(Case::new(label, until_delivered(steps)).subscription(json!({ "events": "all" })).expect(expect))
}

const DUPLICATE: Property = Property {
    id: "delivery/duplicate",
    title: "a notification whose acknowledgement was lost is acknowledged again",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["duplicates", "smoke"],
    needs: &[],
    does: "Sends a notification, lets the receiver answer, pretends that the answer was lost, and sends the same bytes \
           again.",
    why: AT_LEAST_ONCE,
    mend: ACKNOWLEDGE_DUPLICATES,
    cases: Cases::Fixed(|setting| with_fault(setting, "", json!({ "ack_lost": 1 }), 1).into_iter().collect()),
};

const DUPLICATE_LATER: Property = Property {
    id: "delivery/duplicate-later",
    title: "a notification that comes again after others is acknowledged again",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["duplicates"],
    needs: &[],
    does: "Sends a notification, then five others, then the first once more, byte for byte.",
    why: "Intervals between attempts grow, so that a repeat may come hours after the first, with many notifications \
          in between. A receiver that remembers only the last id, or only for a minute, takes it for new or refuses it.",
    mend: ACKNOWLEDGE_DUPLICATES,
    cases: Cases::Fixed(|_| {
        let steps = json!([
            { "request": {}, "save": "first" },
            { "request": {}, "times": 5 },
            { "request": { "same": "first" }, "title": "the first one again is acknowledged" },
        ]);
        vec![Case::new("", steps)]
    }),
};

const DUPLICATE_AT_ONCE: Property = Property {
    id: "delivery/duplicate-at-once",
    title: "copies of a notification that arrive at the same time are all acknowledged",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["duplicates", "concurrency"],
    needs: &[],
    does: "Sends the same bytes four times at once, each on a connection of its own.",
    why: "An attempt that timed out may still be under way inside the receiver when the next one arrives, and behind a \
          load balancer the two meet in different processes. Look-up and insertion then race: one of the two fails on \
          a unique index or a lock, and answers 500.",
    mend: "Let the database decide which comes first (insert on conflict do nothing, or a unique index whose violation \
           is caught), and acknowledge the loser of the race as well.",
    cases: Cases::Fixed(|_| vec![Case::new("", json!([{ "request": {}, "copies": 4, "alike": true }]))]),
};

const DUPLICATED_OFTEN: Property = Property {
    id: "delivery/duplicated-often",
    title: "the twentieth repeat of a notification is acknowledged like the first",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["duplicates"],
    needs: &[],
    does: "Loses the acknowledgement of one notification twenty times in a row; its attempts spread over days of PNS \
           time.",
    why: "PNS never gives up, so that a receiver behind a proxy that swallows answers sees the same notification for \
          days. One that counts repeats and turns hostile, or keeps state for each, breaks then.",
    mend: ACKNOWLEDGE_DUPLICATES,
    cases: Cases::Fixed(|setting| {
        with_fault(setting, "", json!({ "ack_lost": 20 }), 20).into_iter().collect()
    }),
};

/// A life-like course of one RFP.
fn course(course: &str, order: &str) -> Case {
    let steps = vec![json!({ "emit": { "lifecycle": course }, "order": order, "save": "course" })];
    Case::new(course, until_delivered(steps))
        .subscription(json!({ "events": "all", "concurrency": 1 }))
        .expect(json!([{ "delivered": "all" }, { "attempts": { "of": "course", "exactly": 1 } }]))
}

/// The courses that scenario files know.
const COURSES: [&str; 6] = ["submit", "award", "decline", "turn-down", "withdraw", "cancel"];

const ORDER_REVERSED: Property = Property {
    id: "delivery/order-reversed",
    title: "the events of an RFP are acknowledged in reversed order",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["order"],
    needs: &[],
    does: "Sends the life-like course of an RFP from its end to its beginning: the award before the RFP itself.",
    why: "Cvent promises no order, and retries make their own: a notification that failed once comes after those that \
          did not. A receiver whose state machine refuses what comes too early is sent it again for ever, or answers \
          500 for the RFP that it does not know yet.",
    mend: "Treat a notification as the hint that something changed, and pull the present state from Cvent's API; or \
           store what comes too early and work it off later. Acknowledge it in both cases.",
    cases: Cases::Fixed(|_| ["award", "decline", "withdraw"].map(|one| course(one, "reversed")).to_vec()),
};

const ORDER_SHUFFLED: Property = Property {
    id: "delivery/order-shuffled",
    title: "the events of an RFP are acknowledged in any order",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["order"],
    needs: &[],
    does: "Sends three life-like courses of an RFP, each shuffled by the seed.",
    why: "Retries and several connections shuffle notifications. What a receiver accepts in one order it must accept \
          in any, since it alone cannot bring them back into another.",
    mend: "Let no notification depend on another having come before: pull the present state instead.",
    cases: Cases::Fixed(|_| ["award", "turn-down", "cancel"].map(|one| course(one, "shuffled")).to_vec()),
};

const LIFECYCLES: Property = Property {
    id: "delivery/lifecycles",
    title: "life-like courses of an RFP are acknowledged",
    clause: Clause::EventTypes,
    strength: Strength::Should,
    tags: &["order"],
    needs: &[],
    does: "Sends six courses of an RFP from RFP_SEND to submission, award, decline, turn-down, withdrawal and \
           cancellation, in their order.",
    why: "Single events may work where a course fails: the second event of an RFP meets the state that the first left.",
    mend: "Look at the first event that was refused, and at what the receiver had stored by then.",
    cases: Cases::Fixed(|_| COURSES.map(|one| course(one, "published")).to_vec()),
};

const EVENT_OF_UNKNOWN_RFP: Property = Property {
    id: "delivery/event-of-unknown-rfp",
    title: "an event about an RFP never heard of is acknowledged",
    clause: Clause::Subscription,
    strength: Strength::Should,
    tags: &["order"],
    needs: &[],
    does: "Sends events about RFPs for which no RFP_SEND ever came, each about another.",
    why: "A subscription begins in the middle of things: RFPs are under way that were sent before it, and RFP_SEND \
          may simply come later. Answering 404 or 500 makes PNS send the same event again and again.",
    mend: "Acknowledge it, and pull the RFP from Cvent's API when it is needed; a foreign key on a table of RFPs is \
           the usual culprit.",
    cases: Cases::Fixed(|setting| {
        let wanted = [
            "PLANNER_CANCEL",
            "PLANNER_AWARD_SUPPLIER",
            "RESPONSE_SUBMIT_PROPOSAL",
            "UPDATE_PROPOSAL_DETAILS",
            "MESSAGE_PLANNER_TO_SUPPLIER",
        ];
        let known = |name: &&str| setting.event_types().any(|one| one.wire_name() == *name);
        let case = |name| Case::request(name, json!({ "event": name }), json!(["2xx"]));
        wanted.into_iter().filter(known).map(case).collect()
    }),
};

const SAME_RFP_MANY_EVENTS: Property = Property {
    id: "delivery/same-rfp-many-events",
    title: "many events about the same RFP are acknowledged, one by one and at once",
    clause: Clause::EventTypes,
    strength: Strength::Should,
    tags: &["order", "concurrency"],
    needs: &[],
    does: "Sends one event of every type about one and the same RFP, first one after the other, then eight at once.",
    why: "Events about one RFP come in quick succession, and often at once: they lock the same row, and a receiver \
          that identifies notifications by the RFP's id takes all but the first for duplicates.",
    mend: "Identify a notification by its own id; keep transactions on the RFP's row short, or retry them inside on a \
           deadlock.",
    cases: Cases::Fixed(|setting| {
        let Some(place) = setting.pack.roles().rfp_id.clone() else { return Vec::new() };
        let has_rfp = |one: &pns_engine::EventType| *one != pns_engine::EventType::VenueVisibilityChanged;
        let types: Vec<&str> =
            setting.event_types().filter(has_rfp).map(pns_engine::EventType::wire_name).collect();
        let at = |label: &str, concurrency: u32| {
            let steps =
                vec![json!({ "emit": types, "with": { (place.clone()): "{{rfp}}" }, "save": "events" })];
            Case::new(label, until_delivered(steps))
                .vars(json!({ "rfp": "{{uuid}}" }))
                .subscription(json!({ "events": "all", "concurrency": concurrency }))
                .expect(json!([{ "delivered": "all" }, { "attempts": { "of": "events", "exactly": 1 } }]))
        };
        vec![at("one by one", 1), at("eight at once", 8)]
    }),
};

const MIXED_SHAPES: Property = Property {
    id: "delivery/mixed-shapes",
    title: "notifications of the older and the newer shape are acknowledged by turns",
    clause: Clause::November2016,
    strength: Strength::Must,
    tags: &["shape"],
    needs: &[],
    does: "Sends ten notifications, every other one without the field that stands for the one added in November 2016.",
    why: "Cvent calls the field that it added a non-breaking change. A receiver that adapts itself to the first shape \
          that it sees, or caches a parser for it, breaks on the other.",
    mend: "Make every field that Cvent does not promise optional, in the parser as well as in the table behind it.",
    cases: Cases::Fixed(|setting| {
        let has_category = setting
            .event_types()
            .next()
            .and_then(|one| setting.body(one, 0))
            .is_some_and(|body| body.contains_key("eventCategory"));
        if !has_category {
            return Vec::new();
        }
        let pair = [json!({ "request": {} }), json!({ "request": { "without": ["eventCategory"] } })];
        vec![Case::new("", pair.into_iter().cycle().take(10).collect())]
    }),
};

const RETRY_AFTER_CONNECTION_FAILURES: Property = Property {
    id: "delivery/retry-after-connection-failures",
    title: "a notification that could not be sent at first is acknowledged at a later attempt",
    clause: Clause::DeliveryFailure,
    strength: Strength::Must,
    tags: &["retry", "smoke"],
    needs: &[],
    does: "Lets four attempts fail before anything is sent, refused and timed out, and delivers the fifth.",
    why: "This is the plainest case of the clause: the receiver was away, and is sent the notification when it is back.",
    mend: "The attempt that was not acknowledged carries an ordinary notification: look at the receiver's log for it.",
    cases: Cases::Fixed(|setting| {
        let refused = with_fault(setting, "refused", json!({ "refuse": 4 }), 4);
        let timed_out = with_fault(setting, "timed out", json!({ "connect_timeout": 4 }), 4);
        refused.into_iter().chain(timed_out).collect()
    }),
};

const RETRY_AFTER_RESETS: Property = Property {
    id: "delivery/retry-after-resets",
    title: "a notification whose connection was reset is acknowledged at the next attempt",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["retry", "connections"],
    needs: &[],
    does: "Resets the connection after the head, and after the whole request; then sends the same notification again.",
    why: "Networks break in the middle. A receiver that stored half a request, or holds a lock for it, refuses the \
          whole one.",
    mend: "Begin the transaction after the whole body was read, and roll it back when the answer cannot be written.",
    cases: Cases::Fixed(|setting| {
        let reset = |when: &str| json!({ "reset": { "when": when, "times": 2 } });
        let before = with_fault(setting, "before the body", reset("before-body"), 2);
        let after = with_fault(setting, "after the body", reset("after-body"), 2);
        before.into_iter().chain(after).collect()
    }),
};

const RETRY_AFTER_CUT_BODY: Property = Property {
    id: "delivery/retry-after-cut-body",
    title: "a notification whose body broke off is acknowledged when it comes whole",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["retry", "connections"],
    needs: &[],
    does: "Closes the connection after half of the announced body, twice; then sends the notification whole.",
    why: "The half body was never acknowledged, so that the sender comes again. A receiver that remembers the id of \
          what it could not read takes the whole one for a duplicate, or refuses it.",
    mend: "Remember an id only together with its effect.",
    cases: Cases::Fixed(|setting| with_fault(setting, "", json!({ "cut_body": 2 }), 2).into_iter().collect()),
};

const RETRY_AFTER_SLOW_BODY: Property = Property {
    id: "delivery/retry-after-slow-body",
    title: "a notification whose body takes a second to arrive is acknowledged",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["slow", "connections"],
    needs: &[],
    does: "Writes the body in pieces over one second.",
    why: "Between Cvent and the receiver lie networks and proxies. A receiver that gives a body a few hundred \
          milliseconds refuses good notifications on a bad day.",
    mend: "Give a request some ten seconds to arrive: `client_body_timeout` in nginx, `MinRequestBodyDataRate` in \
           Kestrel, `connectionTimeout` in Tomcat.",
    cases: Cases::Fixed(|setting| {
        with_fault(setting, "", json!({ "slow_body": { "over": "1s" } }), 0).into_iter().collect()
    }),
};

const RIGHT_KEY_AFTER_WRONG: Property = Property {
    id: "delivery/right-key-after-wrong",
    title: "a notification refused for its key is acknowledged when it comes with the right one",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["retry", "security"],
    needs: &[Need::ApiKey, Need::KeyIsChecked],
    does: "Sends a notification twice with a wrong key, then with the right one, as after a change of keys.",
    why: "When a key is changed on one side first, notifications are refused for a while and come again later. A \
          receiver that remembers refused ids, or locks the sender out, loses them.",
    mend: "Check the key before anything else, and leave no trace of what was refused but a line in the log.",
    cases: Cases::Fixed(|setting| {
        with_fault(setting, "", json!({ "wrong_key": 2 }), 2).into_iter().collect()
    }),
};

const OLD_AFTER_DOWNTIME: Property = Property {
    id: "delivery/old-after-downtime",
    title: "notifications held for three days of downtime are acknowledged",
    clause: Clause::Downtime,
    strength: Strength::Must,
    tags: &["age", "downtime", "dates"],
    needs: &[],
    does: "Announces a downtime of three days, publishes one notification of every type into it, and delivers them at \
           its end: their times are three days old.",
    why: "Delivery of all queued notifications occurs when the system comes back. A receiver that takes old \
          notifications for replays and refuses them loses all that happened during its own maintenance.",
    mend: "Do not reject by age. Against replays, PNS offers nothing but the key: remember ids instead.",
    cases: Cases::Fixed(|_| {
        let steps = vec![json!({ "downtime": { "for": "3d" } }), json!({ "emit": "all", "save": "held" })];
        let expect = json!([{ "delivered": "all" }, { "attempts": { "of": "held", "exactly": 1 } }]);
        vec![Case::new("", until_delivered(steps)).subscription(json!({ "events": "all" })).expect(expect)]
    }),
};

const FLUSH_AFTER_DOWNTIME: Property = Property {
    id: "delivery/flush-after-downtime",
    title: "fifty notifications that come at once after a downtime are acknowledged",
    clause: Clause::Downtime,
    strength: Strength::Must,
    tags: &["downtime", "load"],
    needs: &[],
    does: "Holds fifty notifications for a downtime of an hour and sends them as fast as they are answered, eight at a \
           time.",
    why: "After a downtime everything that was queued comes at once, to a receiver that has only just started and \
          whose caches are cold. A 429, or a 503 with Retry-After, is in order: it says “slower”, and nothing is lost.",
    mend: "Store and acknowledge first, work afterwards; or ask Cvent for a rate limit.",
    cases: Cases::Fixed(|setting| flood(setting, 50, 8, Some("1h"))),
};

const BURST: Property = Property {
    id: "delivery/burst",
    title: "a burst of a hundred notifications is acknowledged",
    clause: Clause::RateLimiting,
    strength: Strength::Should,
    tags: &["load", "concurrency"],
    needs: &[],
    does: "Publishes a hundred notifications at once and sends them sixteen at a time.",
    why: "Unless a rate limit is agreed with Cvent, nothing holds a burst back: a planner who sends an RFP to a \
          hundred venues makes a hundred notifications. A 429, or a 503 with Retry-After, is in order.",
    mend: "Store and acknowledge first, work afterwards; size the pool of database connections and threads for it; or \
           ask Cvent for a rate limit.",
    cases: Cases::Fixed(|setting| flood(setting, 100, 16, None)),
};

/// Many notifications at once, perhaps held in a downtime first.
fn flood(setting: &Setting, count: u32, concurrency: u32, downtime: Option<&str>) -> Vec<Case> {
    let Some(event) = setting.event_types().next() else { return Vec::new() };
    let held = downtime.map(|span| json!({ "downtime": { "for": span } }));
    let mut steps: Vec<Value> = held.into_iter().collect();
    steps.push(json!({ "emit": event.wire_name(), "count": count, "save": "all-of-them" }));
    let expect = json!([{ "delivered": "all" }, { "attempts": { "of": "all-of-them", "exactly": 1 } }]);
    let subscription = json!({ "events": "all", "concurrency": concurrency });
    vec![Case::new("", until_delivered(steps)).subscription(subscription).expect(expect)]
}

const GENERATED_SCHEDULE: Property = Property {
    id: "delivery/generated-schedule",
    title: "whatever happens on the way, every notification is acknowledged in the end",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["generated", "retry", "order"],
    needs: &[],
    does: "Draws schedules of up to eight notifications with lost acknowledgements, duplicates, refused and broken \
           connections, pauses and downtimes, plays each, and shrinks one that fails to its least.",
    why: "Receivers fail on combinations that nobody writes down: a duplicate during a downtime's flush, an event that \
          overtakes another after a reset.",
    mend: "The saved scenario is the shortest schedule that fails: play it with `pns run` beside the receiver's log.",
    cases: Cases::Drawn(generated_schedules),
};

fn generated_schedules(setting: &Setting) -> Option<BoxedStrategy<Case>> {
    setting.event_types().next()?;
    let shared = setting.clone();
    Some(draw::schedule(setting).prop_map(move |drawn| drawn.case(&shared, |_| all_delivered())).boxed())
}
