//! Strategies over a schema pack: valid bodies, valid ones with more in them, nearly valid ones, texts, schedules.
//!
//! What a strategy draws stands in the case in so many words, so that a saved case does not depend on the seed. Only
//! ids and times are left to the scenario: a receiver must meet each notification as a new one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pns_engine::EventType;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::case::Case;
use super::setting::{Setting, escape};

/// The deepest value that is drawn for a field that nobody knows.
const DEPTH: u32 = 3;
/// About how many values there are in it.
const VALUES: u32 = 12;

/// Any text, without what the scenario format would take for a variable, and without U+0000, which has a property
/// of its own. Shrinks towards the empty text and plain letters.
pub(super) fn text(longest: usize) -> impl Strategy<Value = String> + use<> {
    let piece = prop_oneof![
        6 => any::<char>().prop_map(String::from),
        3 => "[ -~]".prop_map(String::from),
        1 => select(vec!["é", "ß", "日本", "😀", "👩‍👩‍👧", "\u{301}", "\u{202e}", "\u{feff}", "\\", "\"", "\n", "</b>", "'; --"])
            .prop_map(str::to_owned),
    ];
    vec(piece, 1..=longest).prop_map(|pieces| {
        let text = pieces.concat().replace("{{", "{ {").replace('\0', " ");
        if text.trim().is_empty() { "x".to_owned() } else { text }
    })
}

/// Any JSON value of a modest size. Its texts are plain: those beyond ASCII have properties of their own, which would
/// be blamed on the member otherwise.
pub(super) fn json_value() -> impl Strategy<Value = Value> + use<> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1.0e6..1.0e6_f64).prop_map(Value::from),
        "[ -~&&[^{}]]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(DEPTH, VALUES, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map("[a-zA-Z][a-zA-Z0-9_]{0,9}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// One of the pack's event types. Shrinks towards the first, `RFP_SEND`.
pub(super) fn event_type(setting: &Setting) -> impl Strategy<Value = EventType> + use<> {
    select(setting.event_types().collect::<Vec<_>>())
}

/// A valid body as the pack makes it: its type, and all members but those that must be fresh. Shrinks by leaving
/// members to the scenario, one by one.
pub(super) fn valid(setting: &Setting) -> impl Strategy<Value = (EventType, Map<String, Value>)> + use<> {
    let shared = Arc::new(setting.clone());
    // A member that is kept stands in the case; one that is not is made anew when the case is played.
    (event_type(setting), any::<u32>(), vec(any::<bool>(), 12)).prop_map(
        move |(event_type, sequence, keep)| {
            let mut members = shared.body(event_type, u64::from(sequence)).unwrap_or_default();
            for place in shared.fresh_places() {
                members.shift_remove(place.trim_start_matches('/'));
            }
            members.shift_remove(shared.pack.roles().event_type.trim_start_matches('/'));
            let mut keep = keep.into_iter().chain(std::iter::repeat(true));
            members.retain(|_, _| keep.next().unwrap_or(true));
            (event_type, members)
        },
    )
}

/// A valid body and some members that no schema knows. Its own texts are plain: others have properties of their own.
pub(super) fn with_extras(
    setting: &Setting,
) -> impl Strategy<Value = (EventType, Map<String, Value>)> + use<> {
    let known = setting.event_types().filter_map(|one| setting.body(one, 0)).flatten().map(|(name, _)| name);
    let known: BTreeSet<String> = known.collect();
    let plain = |one: EventType| {
        let texts = setting.free_texts(one).into_iter().map(|place| (place, json!("Plain text.")));
        (one, texts.collect())
    };
    let texts: BTreeMap<EventType, Vec<(String, Value)>> = setting.event_types().map(plain).collect();
    (event_type(setting), btree_map("[a-z][a-zA-Z0-9_]{2,14}", json_value(), 1..5)).prop_map(
        move |(event_type, extras)| {
            let is_new = |name: &String| !known.contains(name);
            let extras = extras.into_iter().filter(|(name, _)| is_new(name));
            let extras = extras.map(|(name, value)| (format!("/{}", escape(&name)), value));
            (event_type, texts[&event_type].iter().cloned().chain(extras).collect())
        },
    )
}

/// A body that the pack rejects, one small step from a valid one: its type, what is laid over it, what is removed.
pub(super) fn nearly_valid(
    setting: &Setting,
) -> impl Strategy<Value = (EventType, Map<String, Value>, Vec<String>)> + use<> {
    let wrong = prop_oneof![
        Just(Value::Null),
        Just(json!(0)),
        Just(json!(-1)),
        Just(json!(1.5e300)),
        Just(json!(true)),
        Just(json!("")),
        Just(json!(" ")),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[[]]])),
        Just(json!({ "id": 7 })),
        text(6).prop_map(Value::from),
    ];
    let shared = Arc::new(setting.clone());
    let change = (any::<prop::sample::Index>(), prop::option::weighted(0.8, wrong));
    (event_type(setting), vec(change, 1..3)).prop_filter_map("still valid", move |(event_type, changes)| {
        let body = shared.body(event_type, 0)?;
        let fresh = shared.fresh_places();
        let names: Vec<&String> = body.keys().filter(|name| !fresh.contains(&format!("/{name}"))).collect();
        let (mut laid_over, mut removed) = (Map::new(), Vec::new());
        let mut changed = body.clone();
        for (index, value) in changes {
            let name = *index.get(&names);
            match value {
                Some(value) => {
                    changed.insert(name.clone(), value.clone());
                    laid_over.insert(name.clone(), value);
                }
                None => {
                    changed.shift_remove(name);
                    laid_over.shift_remove(name);
                    removed.push(name.clone());
                }
            }
        }
        let is_invalid = shared.pack.validate(Value::Object(changed).to_string().as_bytes()).is_err();
        is_invalid.then_some((event_type, laid_over, removed))
    })
}

/// One notification of a schedule, and what goes wrong on its way.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    event_type: EventType,
    fault: Option<(&'static str, u32)>,
    /// PNS time that passes before it is published, in minutes.
    after: u32,
    /// Whether it is about the same RFP as the one before.
    same_rfp: bool,
}

/// A schedule: notifications with failures, pauses, perhaps a downtime, in any order.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    planned: Vec<Planned>,
    /// How long a downtime lasts that covers the first notifications, in hours.
    downtime: Option<u32>,
    concurrency: u32,
}

/// Failures that reach the receiver, or do not; by which a correct receiver is not upset.
const FAULTS: [&str; 6] = ["ack_lost", "duplicate", "refuse", "cut_body", "connect_timeout", "reset"];

/// Schedules of up to eight notifications. Shrinks towards one plain notification.
pub(super) fn schedule(setting: &Setting) -> impl Strategy<Value = Schedule> + use<> {
    let fault = prop::option::weighted(0.5, (select(FAULTS.to_vec()), 1..4_u32));
    let planned = (event_type(setting), fault, prop_oneof![3 => Just(0), 1 => 1..600_u32], any::<bool>())
        .prop_map(|(event_type, fault, after, same_rfp)| Planned { event_type, fault, after, same_rfp });
    (vec(planned, 1..=8), prop::option::weighted(0.3, 1..72_u32), 1..9_u32)
        .prop_map(|(planned, downtime, concurrency)| Schedule { planned, downtime, concurrency })
}

impl Schedule {
    /// The steps of a scenario that plays it, and the names under which its notifications are saved.
    pub(super) fn steps(&self, setting: &Setting) -> (Vec<Value>, Vec<String>) {
        let rfp = setting.pack.roles().rfp_id.clone();
        let (mut steps, mut names) = (Vec::new(), Vec::new());
        if let Some(hours) = self.downtime {
            steps.push(json!({ "downtime": { "for": format!("{hours}h") } }));
        }
        for (index, planned) in self.planned.iter().enumerate() {
            let name = format!("n{}", index + 1);
            if planned.after > 0 {
                steps.push(json!({ "advance": format!("{}m", planned.after) }));
            }
            let mut emit = json!({ "emit": planned.event_type.wire_name() });
            let has_rfp = |one: &Planned| one.event_type != EventType::VenueVisibilityChanged;
            let before = index.checked_sub(1).map(|before| &self.planned[before]);
            if let (Some(place), Some(before), true) = (&rfp, before, planned.same_rfp)
                && has_rfp(planned)
                && has_rfp(before)
            {
                let field = place.trim_start_matches('/').replace('/', ".");
                let with = Map::from_iter([(place.clone(), json!(format!("{{{{n{index}.{field}}}}}")))]);
                emit["with"] = Value::Object(with);
            }
            emit["save"] = json!(name);
            steps.push(emit);
            // Before any time passes, and so before its first attempt.
            if let Some((fault, times)) = planned.fault {
                let fault = Map::from_iter([(fault.to_owned(), json!(times))]);
                steps.push(json!({ "fault": fault, "of": name }));
            }
            names.push(name);
        }
        steps.push(json!({ "until": "delivered" }));
        (steps, names)
    }

    /// The settings of its subscription.
    pub(super) fn subscription(&self) -> Value {
        json!({ "events": "all", "concurrency": self.concurrency })
    }

    /// As a case with what must hold at its end.
    pub(super) fn case(&self, setting: &Setting, expect: impl FnOnce(&[String]) -> Value) -> Case {
        let (steps, names) = self.steps(setting);
        Case::new("", Value::from(steps)).subscription(self.subscription()).expect(expect(&names))
    }
}

#[cfg(test)]
mod tests {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use super::super::setting::tests::everything;
    use super::*;

    fn draw<S: Strategy>(strategy: &S, runner: &mut TestRunner) -> S::Value {
        strategy.new_tree(runner).unwrap().current()
    }

    #[test]
    fn valid_bodies_are_valid_and_nearly_valid_ones_are_not() {
        let setting = everything();
        let mut runner = TestRunner::deterministic();
        let (valid, nearly) = (valid(&setting), nearly_valid(&setting));
        for _ in 0..200 {
            let (event_type, members) = draw(&valid, &mut runner);
            let mut body = setting.body(event_type, 9).unwrap();
            body.extend(members);
            assert_eq!(setting.pack.validate(Value::Object(body).to_string().as_bytes()), Ok(event_type));
            let (event_type, members, removed) = draw(&nearly, &mut runner);
            let mut body = setting.body(event_type, 0).unwrap();
            body.extend(members);
            removed.iter().for_each(|name| drop(body.shift_remove(name)));
            assert!(setting.pack.validate(Value::Object(body).to_string().as_bytes()).is_err());
        }
    }

    #[test]
    fn a_schedule_shrinks_to_one_plain_notification() {
        let setting = everything();
        let mut tree = schedule(&setting).new_tree(&mut TestRunner::deterministic()).unwrap();
        while tree.simplify() {}
        let (steps, names) = tree.current().steps(&setting);
        assert_eq!(steps, [json!({ "emit": "RFP_SEND", "save": "n1" }), json!({ "until": "delivered" })]);
        assert_eq!(names, ["n1"]);
    }

    #[test]
    fn no_text_holds_a_variable_of_the_scenario_format() {
        let mut runner = TestRunner::deterministic();
        for _ in 0..2_000 {
            let text = draw(&text(20), &mut runner);
            assert!(!text.contains("{{") && !text.contains('\0') && !text.is_empty());
        }
    }
}
