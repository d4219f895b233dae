//! `pulls`: what the receiver reads after a notification, by the access log of a pull API beside the run. Only with
//! `--pull-listen`.
//!
//! Which call follows which event is inferred, and nobody is bound to make one: what concerns calls alone is advice. That
//! a notification is acknowledged whatever the pull API does is not.

use pns_engine::EventType;
use serde_json::{Value, json};

use super::super::case::Case;
use super::super::kinds::{Cases, Need, Property};
use super::super::setting::Setting;
use crate::clause::Clause;
use crate::event::Strength;

/// The family, in the order in which it is tried.
pub(in crate::property) const ALL: &[Property] = &[
    AFTER_RFP_SEND,
    AFTER_EVERY_EVENT_TYPE,
    AFTER_LATER_EVENTS,
    ONCE,
    AFTER_BURST,
    ACKNOWLEDGES_WHILE_FAILING,
    AGAIN_AFTER_FAILURE,
    BACKS_OFF,
    // The last, since a worker that does one thing after the other is held up by it.
    ACKNOWLEDGES_WHILE_SLOW,
];

/// How a pull is done.
const ACKNOWLEDGE_THEN_PULL: &str = "Store the notification, answer 2xx, and let a worker pull: what it fetches, and how often it has to ask, is \
     nothing that the sender waits for.";

/// Cases about an RFP: none where the schema pack does not say where its id stands.
fn about_rfp(setting: &Setting, cases: Vec<Case>) -> Vec<Case> {
    let has_place = setting.pack.roles().rfp_id.is_some();
    if has_place && setting.pack.event_types().contains(EventType::RfpSend) { cases } else { Vec::new() }
}

/// `steps` under a subscription to everything.
fn case(label: &str, steps: Value, expect: Value) -> Case {
    Case::new(label, steps).subscription(json!({ "events": "all" })).expect(expect)
}

const AFTER_RFP_SEND: Property = Property {
    id: "pulls/after-rfp-send",
    title: "the RFP is pulled after RFP_SEND",
    clause: Clause::EventTypes,
    strength: Strength::Advice,
    tags: &["smoke"],
    needs: &[Need::Pull],
    does: "Sends an RFP_SEND, and looks for five seconds whether the RFP is read by the API.",
    why: "A notification says which RFP it is about and little more: dates, rooms and contacts are in the RFP. That it is \
          read next is inferred from Cvent's push-pull model.",
    mend: "Look at the receiver's log for the call: the address of the pull API, the key, and whether its certificate is \
           trusted. A receiver that does not pull at all is judged without `--pull-listen`.",
    cases: Cases::Fixed(|setting| {
        let steps = json!([{ "emit": "RFP_SEND", "save": "sent" }, { "until": "delivered" }]);
        about_rfp(setting, vec![case("", steps, json!([{ "pulled": "sent" }]))])
    }),
};

const AFTER_EVERY_EVENT_TYPE: Property = Property {
    id: "pulls/after-every-event-type",
    title: "what changed is pulled after every type of event",
    clause: Clause::EventTypes,
    strength: Strength::Advice,
    tags: &["types"],
    needs: &[Need::Pull],
    does: "Sends one event of every type, each about an RFP of its own, and looks for the call that it leads to. A call \
           that returns more counts as well: all responses instead of one, a response instead of a part of it. \
           VENUE_VISIBILITY_CHANGED tells all by itself, and no call is looked for.",
    why: "Reading the RFP after an event about a response shows nothing new: the state of a response is in the response. \
          Cvent documents the call for RESPONSE_SUBMIT_PROPOSAL; for the others it is inferred.",
    mend: "Choose the call by the event type; docs/scenario-format.md has the table. For types that are of no use to the \
           receiver, `--except pulls/after-every-event-type=REASON` records that they are not followed on purpose.",
    cases: Cases::Fixed(|setting| {
        let leads = |one: &EventType| *one != EventType::VenueVisibilityChanged;
        let types: Vec<&str> = setting.event_types().filter(leads).map(EventType::wire_name).collect();
        let steps = json!([{ "emit": types, "save": "events" }, { "until": "delivered" }]);
        about_rfp(setting, vec![case("", steps, json!([{ "pulled": { "of": "events", "within": "10s" } }]))])
    }),
};

const AFTER_LATER_EVENTS: Property = Property {
    id: "pulls/after-later-events",
    title: "a thing that was pulled is pulled again when it has changed",
    clause: Clause::EventTypes,
    strength: Strength::Advice,
    tags: &["order"],
    needs: &[Need::Pull],
    does: "Sends two events about one response, the second after the first was pulled, and looks for a call after each.",
    why: "A receiver that remembers the RFP as read, or takes the second event for a duplicate of the first, shows an old \
          state for ever.",
    mend: "Remember notifications by their own ids, and pull after each. One pull after several events that came together \
           is enough, since it returns the latest state.",
    cases: Cases::Fixed(|setting| {
        let Some(first) = setting.first_of(&[EventType::ResponseSubmitProposal]) else { return Vec::new() };
        let Some(then) = setting.first_of(&[EventType::PlannerAwardSupplier]) else { return Vec::new() };
        let steps = json!([
            { "emit": first.wire_name(), "rfp": "booking", "save": "first" },
            { "until": "delivered" },
            // A worker has read the first by then; if it has not, one call serves both.
            { "pause": "1s", "request": { "event": "RFP_VIEWED" } },
            { "emit": then.wire_name(), "rfp": "booking", "save": "then" },
            { "until": "delivered" },
        ]);
        about_rfp(setting, vec![case("", steps, json!([{ "pulled": "first" }, { "pulled": "then" }]))])
    }),
};

const ONCE: Property = Property {
    id: "pulls/once",
    title: "a notification is pulled after once",
    clause: Clause::EventTypes,
    strength: Strength::Advice,
    tags: &["duplicates"],
    needs: &[Need::Pull],
    does: "Sends an RFP_SEND, and another whose acknowledgement is lost, so that it comes twice; then counts for a \
           second how often the RFP is read with success. A receiver that does not pull is not judged.",
    why: "Calls count against the limits of the API, and notifications come in bursts. A call that failed and is made \
          again is no second one.",
    mend: "Pull once for each event id: let the same record that tells duplicates apart start the pull.",
    cases: Cases::Fixed(|setting| {
        let expect = || json!([{ "pulled": { "of": "sent", "within": "1s", "at_most": 1 } }]);
        let plain = json!([{ "emit": "RFP_SEND", "save": "sent" }, { "until": "delivered" }]);
        let again = json!([
            { "emit": "RFP_SEND", "save": "sent" },
            { "fault": { "ack_lost": 1 }, "of": "sent" },
            { "until": "delivered" },
        ]);
        let cases = vec![case("", plain, expect()), case("a duplicate", again, expect())];
        about_rfp(setting, cases)
    }),
};

const AFTER_BURST: Property = Property {
    id: "pulls/after-burst",
    title: "each of fifty notifications that come at once is pulled after",
    clause: Clause::RateLimiting,
    strength: Strength::Advice,
    tags: &["load"],
    needs: &[Need::Pull],
    does: "Publishes fifty RFP_SEND about fifty RFPs at once, sends them eight at a time, and looks for fifteen seconds for \
           the calls.",
    why: "A planner who sends an RFP to fifty venues makes fifty notifications. A worker with a short queue drops what does \
          not fit, and it was acknowledged.",
    mend: "Keep what is to be pulled where the notification is kept, not in a queue in memory.",
    cases: Cases::Fixed(|setting| {
        let steps = json!([{ "emit": "RFP_SEND", "count": 50, "save": "burst" }, { "until": "delivered" }]);
        let burst = Case::new("", steps)
            .subscription(json!({ "events": "all", "concurrency": 8 }))
            .expect(json!([{ "pulled": { "of": "burst", "within": "15s" } }]));
        about_rfp(setting, vec![burst])
    }),
};

/// A notification while the pull API fails in this way: it is acknowledged at its first attempt.
fn acknowledged(label: &str, fault: &Value, ack_timeout: &str) -> Case {
    let steps = json!([
        { "pull_fault": fault },
        { "emit": "RFP_SEND", "rfp": "booking", "save": "sent" },
        { "until": "delivered" },
    ]);
    Case::new(label, steps)
        .subscription(json!({ "events": "all", "ack_timeout": ack_timeout, "retry": { "first": "1m" } }))
        .expect(json!([{ "delivered": "sent" }, { "attempts": { "of": "sent", "exactly": 1 } }]))
}

const ACKNOWLEDGES_WHILE_SLOW: Property = Property {
    id: "pulls/acknowledges-while-slow",
    title: "a notification is acknowledged while the pull API is slow",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["slow"],
    needs: &[Need::Pull],
    does: "Lets the pull API take six seconds for its first answer, sends an RFP_SEND, and waits five seconds for the \
           acknowledgement.",
    why: "PNS sends again what is not acknowledged in time. A receiver that pulls first makes the sender wait for Cvent's \
          own API: when that is slow, every notification comes again, and each time is pulled for again.",
    mend: ACKNOWLEDGE_THEN_PULL,
    cases: Cases::Fixed(|setting| {
        let slow = json!({ "slow": "6s", "rfp": "booking", "times": 1 });
        about_rfp(setting, vec![acknowledged("", &slow, "5s")])
    }),
};

const ACKNOWLEDGES_WHILE_FAILING: Property = Property {
    id: "pulls/acknowledges-while-failing",
    title: "a notification is acknowledged while the pull API refuses and fails",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["errors"],
    needs: &[Need::Pull],
    does: "Lets the pull API answer 403, 404, 429, 500 and 503, and sends an RFP_SEND during each.",
    why: "The notification has arrived; that the details cannot be had now is no failure of its delivery. A receiver that \
          passes the status on is sent the same notification for as long as the API fails.",
    mend: ACKNOWLEDGE_THEN_PULL,
    cases: Cases::Fixed(|setting| {
        let one = |status: u16| {
            let fault = json!({ "answer": status, "rfp": "booking", "times": 2 });
            acknowledged(&status.to_string(), &fault, "5s")
        };
        about_rfp(setting, [403, 404, 429, 500, 503].into_iter().map(one).collect())
    }),
};

const AGAIN_AFTER_FAILURE: Property = Property {
    id: "pulls/again-after-failure",
    title: "a pull that was answered 429 or 5xx is made again",
    clause: Clause::EventTypes,
    strength: Strength::Advice,
    tags: &["errors"],
    needs: &[Need::Pull],
    does: "Lets the first call about an RFP be answered 429 with Retry-After, 500 or 503, and looks for fifteen seconds for \
           one that succeeds.",
    why: "The notification was acknowledged and does not come again: what is not pulled now is not known until something \
          else happens to the RFP.",
    mend: "Keep what is to be pulled until it was pulled. Wait as Retry-After says, otherwise longer and longer.",
    cases: Cases::Fixed(|setting| {
        let one = |label: &str, fault: &Value| {
            let steps = json!([
                { "pull_fault": fault },
                { "emit": "RFP_SEND", "rfp": "booking", "save": "sent" },
                { "until": "delivered" },
            ]);
            case(label, steps, json!([{ "pulled": { "of": "sent", "within": "15s" } }]))
        };
        let cases = vec![
            one("429", &json!({ "answer": 429, "retry_after": "1s", "rfp": "booking" })),
            one("500", &json!({ "answer": 500, "rfp": "booking" })),
            one("503", &json!({ "answer": 503, "rfp": "booking" })),
        ];
        about_rfp(setting, cases)
    }),
};

const BACKS_OFF: Property = Property {
    id: "pulls/backs-off",
    title: "calls that are refused are not made again without a pause",
    clause: Clause::EventTypes,
    strength: Strength::Should,
    tags: &["errors", "load"],
    needs: &[Need::Pull],
    does: "Lets every call about an RFP be answered 429 with `Retry-After: 2`, then 503, then 403, and counts the calls of \
           the first second: up to twenty are in order.",
    why: "429 says that calls come too fast (RFC 6585); making them faster is answered with more of it, for all that the \
          integration does. A 403 does not go away by asking.",
    mend: "Wait as Retry-After says, otherwise longer and longer with some jitter, and give up after a while. Do not repeat \
           what was answered 403 or 404.",
    cases: Cases::Fixed(|setting| {
        let one = |label: &str, fault: &Value| {
            let steps = json!([
                { "pull_fault": fault },
                { "emit": "RFP_SEND", "rfp": "booking", "save": "sent" },
                { "until": "delivered" },
            ]);
            case(label, steps, json!([{ "calls": { "of": "sent", "within": "1s", "at_most": 20 } }]))
        };
        let cases = vec![
            one("429", &json!({ "answer": 429, "retry_after": "2s", "rfp": "booking", "for": "1d" })),
            one("503", &json!({ "answer": 503, "rfp": "booking", "for": "1d" })),
            one("403", &json!({ "answer": 403, "rfp": "booking", "for": "1d" })),
        ];
        about_rfp(setting, cases)
    }),
};
