//! A sound run that is doctored so that it breaks one promise: its guarantee must find that.

use std::collections::BTreeMap;
use std::time::Duration;

use pns_engine::guarantee::{Guarantee, check_all};
use pns_engine::{
    Answer, DeliveryId as Id, EventTypeSet, FailureReason, Happened, RateLimit, Record, Subscription,
    SubscriptionId, Timestamp,
};

use crate::World;
use crate::steps::{Step, positive};

/// A run in which every guarantee has something to judge: downtime, a limit, a retry.
fn sound() -> (Vec<Record>, BTreeMap<SubscriptionId, Subscription>) {
    let subscription = Subscription {
        rate_limit: RateLimit::new(positive(1), Duration::from_secs(1), positive(1)).ok(),
        concurrency: positive(1),
        ..Subscription::default()
    };
    let mut world = World::new(1, std::slice::from_ref(&subscription));
    let refused = Answer::NoResponse(FailureReason::Refused);
    for step in [
        Step::Publish { event: 0, supplier: 1 },
        Step::Poll { count: 1 },
        Step::Answer { pick: 0, answer: refused },
        Step::Window { subscription: 0, from: 1_000, length: 60_000 },
        Step::Pass { millis: 2_000 },
        Step::Publish { event: 0, supplier: 1 },
        Step::Poll { count: 9 },
    ] {
        world.step(step);
    }
    world.heal();
    (world.records, BTreeMap::from([(SubscriptionId(0), subscription)]))
}

#[track_caller]
fn doctored(guarantee: Guarantee, doctor: impl FnOnce(&mut Vec<Record>, &mut Subscription)) {
    let (mut records, mut settings) = sound();
    assert_eq!(check_all(&records, &settings), [], "sound before it is doctored");
    doctor(&mut records, settings.get_mut(&SubscriptionId(0)).expect("there"));
    let findings = check_all(&records, &settings);
    assert!(findings.iter().any(|f| f.guarantee == guarantee), "{guarantee:?} is blind: {findings:#?}");
}

/// The place of the `nth` start.
fn start(records: &[Record], nth: usize) -> usize {
    let mut starts =
        records.iter().enumerate().filter(|(_, r)| matches!(r.event, Happened::AttemptStarted { .. }));
    starts.nth(nth).expect("so many starts").0
}

#[test]
fn no_guarantee_is_blind() {
    doctored(Guarantee::NothingLost, |records, _| {
        records.retain(|r| !matches!(r.event, Happened::DeliveryQueued { delivery: Id(2), .. }));
    });
    doctored(Guarantee::NothingLost, |records, _| {
        for record in records {
            if let Happened::AttemptFailed { delay, .. } = &mut record.event {
                *delay = None;
            }
        }
    });
    doctored(Guarantee::AttemptsConsecutive, |records, _| {
        let again = records[start(records, 0)];
        records.insert(start(records, 0), again);
    });
    doctored(Guarantee::AttemptsConsecutive, |records, _| {
        let at = records[start(records, 0)].at;
        records.insert(start(records, 0) + 1, Record { at, event: Happened::SenderRecovered });
    });
    doctored(Guarantee::IntervalsNeverShrink, |records, _| {
        for record in records {
            if let Happened::AttemptFailed { delay, .. } = &mut record.event {
                *delay = delay.map(|delay| delay * 9);
            }
        }
    });
    doctored(Guarantee::OnlySubscribed, |_, settings| settings.events = EventTypeSet::default());
    doctored(Guarantee::NothingInDowntime, |records, _| {
        for record in records {
            if let Happened::WindowAnnounced { until, .. } = &mut record.event {
                *until = Timestamp::MAX;
            }
        }
    });
    doctored(Guarantee::WithinRateLimit, |records, _| {
        let (first, second) = (start(records, 1), start(records, 2));
        records[second].at = records[first].at;
    });
    doctored(Guarantee::ConcurrencyBounded, |records, _| {
        records.retain(|r| !matches!(r.event, Happened::AttemptAcknowledged { .. }));
    });
    doctored(Guarantee::FlushOldestFirst, |records, _| {
        let (first, second) = (start(records, 1), start(records, 2));
        let event = records[first].event;
        records[first].event = records[second].event;
        records[second].event = event;
    });
}

#[test]
fn a_starved_first_attempt_is_found() {
    let mut world = World::new(1, &[Subscription::default()]);
    let refused = Answer::NoResponse(FailureReason::Refused);
    for step in [
        Step::Publish { event: 0, supplier: 1 },
        Step::Publish { event: 0, supplier: 1 },
        Step::Poll { count: 2 },
        Step::Answer { pick: 0, answer: refused },
        Step::Answer { pick: 0, answer: refused },
        Step::Pass { millis: 40_000 },
        Step::Publish { event: 0, supplier: 1 },
    ] {
        world.step(step);
    }
    world.heal();
    let settings = BTreeMap::from([(SubscriptionId(0), Subscription::default())]);
    assert_eq!(check_all(&world.records, &settings), []);
    let first = (2..=4)
        .map(|nth| start(&world.records, nth))
        .find(|at| matches!(world.records[*at].event, Happened::AttemptStarted { delivery: Id(3), .. }));
    let starved = world.records.remove(first.expect("the third delivery starts"));
    world.records.insert(start(&world.records, 3) + 1, starved);
    let findings = check_all(&world.records, &settings);
    assert!(findings.iter().any(|f| f.guarantee == Guarantee::NoStarvation), "{findings:#?}");
}
