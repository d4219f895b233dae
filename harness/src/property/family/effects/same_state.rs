//! Pairs that must end in the same state, and schedules that are drawn: neither needs to know what an effect is.

use proptest::strategy::{BoxedStrategy, Strategy as _};
use serde_json::{Value, json};

use super::super::super::case::Case;
use super::super::super::draw;
use super::super::super::kinds::{Cases, Need, Property};
use super::super::super::setting::Setting;
use super::ONCE_BY_ID;
use crate::clause::Clause;
use crate::event::Strength;

/// Pairs and drawn schedules.
pub(super) const ALL: &[Property] =
    &[SAME_STATE_DUPLICATED, SAME_STATE_PERMUTED, SAME_STATE_DELAYED, GENERATED_SCHEDULE];

/// The types that metamorphic pairs are made of: few enough to be quick, different enough to tell.
const COURSE: [&str; 4] = ["RFP_SEND", "RFP_VIEWED", "RESPONSE_CREATE_PROPOSAL", "RESPONSE_SUBMIT_PROPOSAL"];

/// Two runs of the same events, about an RFP each: one plain, the other changed. Both must end in the same state.
fn pair(setting: &Setting, other: &[Value], concurrency: u32) -> Vec<Case> {
    let known: Vec<&str> =
        COURSE.into_iter().filter(|name| setting.event_types().any(|one| one.wire_name() == *name)).collect();
    if known.is_empty() {
        return Vec::new();
    }
    let place = setting.pack.roles().rfp_id.clone();
    let emit = |name: &str, mut step: Value| {
        step["emit"] = json!(known);
        step["save"] = json!(name);
        if let Some(place) = &place {
            step["with"] = json!({ place.as_str(): format!("{{{{rfp-{name}}}}}") });
        }
        step
    };
    let mut steps = vec![emit("plain", json!({})), json!({ "until": "delivered" })];
    for step in other {
        let is_emit = step.get("emit").is_some();
        steps.push(if is_emit { emit("other", step.clone()) } else { step.clone() });
    }
    steps.push(json!({ "until": "delivered" }));
    let expect = json!([{ "delivered": "all" }, { "same_effects": { "of": "other", "as": "plain" } }]);
    let subscription = json!({ "events": "all", "concurrency": concurrency });
    let rfps = json!({ "rfp-plain": "{{uuid}}", "rfp-other": "{{uuid}}" });
    vec![Case::new("", Value::from(steps)).vars(rfps).subscription(subscription).expect(expect)]
}

const SAME_STATE_DUPLICATED: Property = Property {
    id: "effects/same-state-duplicated",
    title: "events that come twice lead to the same state as events that come once",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["duplicates", "metamorphic"],
    needs: &[Need::Probe, Need::EventId],
    does: "Sends the same course of events twice, about two RFPs: once plainly, once with every acknowledgement lost; \
           and compares what the receiver says of the two.",
    why: "This needs no knowledge of what a right effect is: whatever it is, it must be the same.",
    mend: ONCE_BY_ID,
    cases: Cases::Fixed(|setting| {
        pair(setting, &[json!({ "emit": [] }), json!({ "fault": { "ack_lost": 4 }, "of": "other" })], 1)
    }),
};

const SAME_STATE_PERMUTED: Property = Property {
    id: "effects/same-state-permuted",
    title: "events that come in another order lead to the same state",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["order", "metamorphic"],
    needs: &[Need::Probe, Need::EventId],
    does: "Sends the same course of events twice, about two RFPs: once in order, once reversed; and compares what the \
           receiver says of the two.",
    why: "No order is promised, and retries make their own. A receiver that drops what comes too early, after \
          acknowledging it, ends in another state.",
    mend: "Store what comes too early, or pull the present state from Cvent's API whenever a notification comes.",
    cases: Cases::Fixed(|setting| pair(setting, &[json!({ "emit": [], "order": "reversed" })], 1)),
};

const SAME_STATE_DELAYED: Property = Property {
    id: "effects/same-state-delayed",
    title: "events that a downtime delayed lead to the same state",
    clause: Clause::Downtime,
    strength: Strength::Should,
    tags: &["downtime", "age", "metamorphic"],
    needs: &[Need::Probe, Need::EventId],
    does: "Sends the same course of events twice, about two RFPs: once at once, once after a downtime of three days; \
           and compares what the receiver says of the two.",
    why: "Old events that are acknowledged and then dropped as out of date lose what happened during a maintenance.",
    mend: "Do not judge by age: the present state, pulled from Cvent's API, is right whenever it is pulled.",
    cases: Cases::Fixed(|setting| {
        pair(setting, &[json!({ "downtime": { "for": "3d" } }), json!({ "emit": [] })], 4)
    }),
};

const GENERATED_SCHEDULE: Property = Property {
    id: "effects/generated-schedule",
    title: "whatever happens on the way, every notification takes effect once",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["generated", "duplicates", "order"],
    needs: &[Need::Probe, Need::EventId],
    does: "Draws schedules of up to eight notifications with lost acknowledgements, duplicates, refused and broken \
           connections, pauses and downtimes, plays each, asks how often each notification took effect, and shrinks a \
           schedule that fails to its least.",
    why: "Effects are lost and doubled by combinations that nobody writes down.",
    mend: "The saved scenario is the shortest schedule that fails: play it with `pns run` beside the receiver's log.",
    cases: Cases::Drawn(generated_schedules),
};

fn generated_schedules(setting: &Setting) -> Option<BoxedStrategy<Case>> {
    setting.event_types().next()?;
    let shared = setting.clone();
    let expect =
        |names: &[String]| json!([{ "delivered": "all" }, { "received": { "of": names, "processed": 1 } }]);
    Some(draw::schedule(setting).prop_map(move |drawn| drawn.case(&shared, expect)).boxed())
}
