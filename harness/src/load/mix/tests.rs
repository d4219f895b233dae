use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn plan(mix: &str, redelivered: &str) -> Plan {
    Plan::new(mix.parse::<Mix>().unwrap(), redelivered.parse().unwrap()).unwrap()
}

fn counted(types: impl IntoIterator<Item = EventType>) -> BTreeMap<usize, u64> {
    let mut counts = BTreeMap::new();
    types.into_iter().for_each(|event_type| *counts.entry(event_type.index()).or_default() += 1);
    counts
}

#[test]
fn the_default_has_every_type_equally_often() {
    let mix = "equal".parse::<Mix>().unwrap();
    assert_eq!(mix.types(), EventTypeSet::ALL);
    let counts = counted((0..3_300).map(|n| mix.event_type(n)));
    assert!(counts.len() == 33 && counts.values().all(|count| *count == 100));
}

#[test]
fn types_are_spread_evenly() {
    let mix = "RFP_SEND=3, RFP_FORWARD=1".parse::<Mix>().unwrap();
    let types: Vec<_> = (0..8).map(|n| mix.event_type(n).wire_name()).collect();
    assert_eq!(
        types,
        [
            "RFP_SEND",
            "RFP_SEND",
            "RFP_FORWARD",
            "RFP_SEND",
            "RFP_SEND",
            "RFP_SEND",
            "RFP_FORWARD",
            "RFP_SEND"
        ]
    );
}

#[test]
fn a_mix_is_shown_as_it_is_read() {
    for text in ["equal", "lifecycle", "RFP_SEND=60,PLANNER_CANCEL=5"] {
        let mix = text.parse::<Mix>().unwrap();
        assert_eq!(mix.to_string(), text);
        assert_eq!(mix.to_string().parse::<Mix>(), Ok(mix));
    }
    assert_eq!("RFP_SEND".parse::<Mix>().unwrap().types().iter().collect::<Vec<_>>(), [EventType::RfpSend]);
}

#[test]
fn what_is_no_mix_is_refused() {
    let error = |text: &str| text.parse::<Mix>().unwrap_err();
    assert_eq!(error("rfp_send=1"), MixError::NoType("rfp_send".to_owned()));
    assert_eq!(error("RFP_SEND=1.5"), MixError::NoWeight("1.5".to_owned()));
    assert_eq!(error("RFP_SEND=1,RFP_SEND=2"), MixError::Twice(EventType::RfpSend));
    assert_eq!(error("RFP_SEND=0"), MixError::Nothing);
    assert_eq!(error(""), MixError::Nothing);
    assert_eq!(error("RFP_SEND=100000,RFP_FORWARD=1"), MixError::TooFine(100_001));
    assert!("RFP_SEND=4000000000,RFP_FORWARD=2000000000".parse::<Mix>().is_ok(), "two to one");
    assert_eq!(Mix::equal(EventTypeSet::default()), None);
}

#[test]
fn courses_are_played_in_order_and_from_their_beginning() {
    let mix = Mix::lifecycle();
    let mut courses: BTreeMap<u64, Vec<EventType>> = BTreeMap::new();
    let mut last = BTreeMap::new();
    for n in 0..40_000 {
        let course = mix.course(n).unwrap();
        courses.entry(course).or_default().push(mix.event_type(n));
        if let Some(before) = last.insert(course, n) {
            assert_eq!(n - before, 32, "the others come between");
        }
    }
    let under_way = courses.keys().rev().take(32).copied().collect::<Vec<_>>();
    for (course, events) in &courses {
        assert_eq!(events[0], EventType::RfpSend, "course {course}");
        assert!(under_way.contains(course) || events.len() >= 7, "course {course} is whole: {events:?}");
    }
    assert!(courses.len() > 1_000);
    // Numbers are given without a gap that grows: one in each lane, then the next in each lane.
    assert!(*courses.keys().last().unwrap() < 40_000 / 7);
}

#[test]
fn a_course_is_one_of_the_scenarios_courses() {
    use pns_simulator::service::model::Course::{self, *};
    let known: Vec<_> = [Submit, Award, Decline, TurnDown, Withdraw, Cancel].map(Course::events).into();
    let mix = Mix::lifecycle();
    let mut course = Vec::new();
    for step in 0..500 {
        let n = step * 32 + 5;
        course.push(mix.event_type(n));
        if mix.course(n) != mix.course(n + 32) {
            assert!(known.contains(&course), "{course:?}");
            course.clear();
        }
    }
}

#[test]
fn duplicates_repeat_what_was_sent_before() {
    let plan = plan("equal", "2%");
    let mut sent = BTreeMap::new();
    let mut repeated = 0;
    for n in 0..10_000 {
        let arrival = plan.arrival(n);
        match arrival.delivery {
            Delivery::First => {
                assert_eq!(arrival.notification, sent.len() as u64, "numbered without a gap");
                sent.insert(arrival.notification, arrival.event_type);
            }
            Delivery::Repeated => {
                assert_eq!(sent.get(&arrival.notification), Some(&arrival.event_type));
                repeated += 1;
            }
        }
    }
    assert_eq!(repeated, 200);
}

#[test]
fn none_and_half_are_the_bounds_of_duplicates() {
    assert!((0..1_000).all(|n| plan("equal", "0%").arrival(n).delivery == Delivery::First));
    let half = plan("RFP_SEND", "50%");
    let sequence: Vec<_> = (0..6).map(|n| half.arrival(n).notification).collect();
    assert_eq!(sequence, [0, 0, 1, 1, 2, 1], "half way back, while there are few");
    assert!(Plan::new(Mix::lifecycle(), "50.1%".parse().unwrap()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shares_are_exact_in_any_window(weights in proptest::collection::vec(0_u32..40, 1..6), start in 0_u64..10_000) {
        let named: Vec<_> = EventType::ALL.into_iter().zip(weights.iter().copied()).collect();
        let Ok(mix) = Mix::weighted(&named) else { return Ok(()) };
        let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        let counts = counted((start..start + sum).map(|n| mix.event_type(n)));
        for (event_type, weight) in named {
            prop_assert_eq!(counts.get(&event_type.index()).copied().unwrap_or_default(), u64::from(weight));
        }
    }

    #[test]
    fn the_share_of_duplicates_is_exact(parts in 0..=Share::WHOLE / 2, n in 1_u64..3_000) {
        let plan = Plan::new(Mix::lifecycle(), Share::from_parts(parts)).unwrap();
        let repeated = (0..n).filter(|n| plan.arrival(*n).delivery == Delivery::Repeated).count();
        prop_assert_eq!(repeated as u64, n * parts / Share::WHOLE);
        prop_assert_eq!(repeated as u64, plan.repeated_before(n));
        for n in 0..n {
            let arrival = plan.arrival(n);
            let first = plan.arrival(arrival.first);
            prop_assert_eq!((first.notification, first.delivery), (arrival.notification, Delivery::First));
            prop_assert_eq!(arrival.first == n, arrival.delivery == Delivery::First);
            prop_assert!(arrival.first <= n);
        }
    }
}
