use pns_engine::FailureReason;
use proptest::prelude::*;

use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn sample(due: u64, latency: u64, class: Class) -> Sample {
    Sample {
        due: ms(due),
        released: ms(due),
        started: ms(due),
        ended: ms(due + latency),
        bunched: false,
        filed: Filed::Due,
        class,
    }
}

fn recorded(samples: &[Sample]) -> Recorder {
    let mut recorder = Recorder::default();
    for sample in samples {
        recorder.record(sample, || format!("{} due at {:?}", sample.class, sample.due));
    }
    recorder
}

#[test]
fn latency_runs_from_the_due_time() {
    let recorder = recorded(&[Sample {
        due: ms(100),
        released: ms(100),
        started: ms(1_100),
        ended: ms(1_105),
        bunched: false,
        filed: Filed::Due,
        class: Class::Acknowledged,
    }]);
    let about = |latencies: &Latencies<Fine>| latencies.max().unwrap().as_millis();
    assert_eq!(about(&recorder.latency), 1_005);
    assert_eq!(about(&recorder.service), 5);
    assert_eq!(about(&recorder.lateness), 1_000);
    assert_eq!(recorder.late, Late { by_generator: 0, for_connection: 1 });
    let slots = recorder.series.slots();
    assert_eq!((slots[1].acknowledged, slots[1].answers), (1, 0), "due in the second slot");
    assert_eq!((slots[11].acknowledged, slots[11].answers), (0, 1), "answered in the twelfth");
}

#[test]
fn who_made_a_send_late_is_told_apart() {
    let late = |released, started| {
        let class = Class::Acknowledged;
        recorded(&[Sample {
            due: ms(0),
            released: ms(released),
            started: ms(started),
            ended: ms(99),
            bunched: false,
            filed: Filed::Due,
            class,
        }])
        .late
    };
    assert_eq!(late(0, 10), Late::default(), "within the tolerance");
    assert_eq!(late(11, 11), Late { by_generator: 1, for_connection: 0 });
    assert_eq!(late(10, 11), Late { by_generator: 0, for_connection: 1 });
}

#[test]
fn outcomes_are_counted_by_class_with_the_first_example() {
    let status = Class::Failed(FailureReason::Status(500));
    let mut recorder = recorded(&[
        sample(10, 5, Class::Acknowledged),
        sample(20, 500, status),
        sample(15, 900, status),
        sample(30, 5, Class::SlowDown(429)),
    ]);
    recorder.record_not_sent(ms(40), NotSent::BacklogFull);
    assert_eq!((recorder.sent(), recorder.arrivals()), (4, 5));
    assert_eq!((recorder.acknowledged, recorder.slowed(), recorder.failed()), (1, 1, 2));
    assert_eq!(recorder.others[&status].example.as_ref().unwrap().text, "status-500 due at 15ms");
    assert_eq!(recorder.latency.count(), 1, "a refusal is no acknowledgement, however fast");
    assert_eq!(recorder.lateness.count(), 4);
    let slot = &recorder.series.slots()[0];
    assert_eq!(
        (slot.arrivals(), slot.acknowledged, slot.slowed, slot.failed, slot.not_sent),
        (5, 1, 1, 2, 1)
    );
}

#[test]
fn an_example_is_bounded_and_asked_for_once() {
    let class = Class::Failed(FailureReason::Reset);
    let mut recorder = Recorder::default();
    recorder.record(&sample(0, 1, class), || "x".repeat(5_000));
    recorder.record(&sample(1, 1, class), || unreachable!("there is one already"));
    assert_eq!(recorder.others[&class].example.as_ref().unwrap().text.len(), EXAMPLE_MAX);
}

#[test]
fn a_long_run_has_wider_slots_and_not_more() {
    let mut recorder = Recorder::default();
    for minute in 0..24 * 60 {
        recorder.record(&sample(minute * 60_000, 5, Class::Acknowledged), String::new);
    }
    let series = &recorder.series;
    assert!(series.slots().len() <= SLOTS_MAX && series.slots().len() > SLOTS_MAX / 2);
    assert_eq!(series.width(), ms(204_800));
    assert_eq!(series.slots().iter().map(|slot| slot.acknowledged).sum::<u64>(), 24 * 60);
    assert!(Series::from_slots(series.width(), series.slots().to_vec()).is_some());
    assert!(
        Series::from_slots(ms(300), Vec::new()).is_none() && Series::from_slots(ms(0), Vec::new()).is_none()
    );
}

#[test]
fn the_rate_is_that_of_answers_while_arrivals_are_due() {
    let steady = |latency: u64| (0..1_000).map(move |n| sample(n * 10, latency, Class::Acknowledged));
    let rate = |samples: Vec<Sample>| recorded(&samples).rate();
    let near = |rate: f64, expected: f64| (rate / expected - 1.0).abs() < 0.012;
    assert!(near(rate(steady(5).collect()), 100.0));
    assert!(near(rate(steady(1_500).collect()), 100.0), "latency is no loss of rate");
    let straggler = sample(9_990, 30_000, Class::Acknowledged);
    assert!(near(rate(steady(5).chain([straggler]).collect()), 100.0));
    // Sent 100 a second, it does 50 a second, and the rest after the end.
    let behind = (0..1_000).map(|n| sample(n * 10, n * 10 + 20, Class::Acknowledged)).collect();
    assert!(near(rate(behind), 50.0));
    // Due all at once: 200 in ten seconds.
    let drained = (0..200).map(|n| sample(0, (n + 1) * 50, Class::Acknowledged)).collect();
    assert!(near(rate(drained), 20.0));
    assert_eq!(rate(Vec::new()), 0.0);
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let class = prop_oneof![
        4 => Just(Class::Acknowledged),
        1 => Just(Class::SlowDown(503)),
        1 => Just(Class::Failed(FailureReason::Status(500))),
        1 => Just(Class::Failed(FailureReason::Reset)),
    ];
    let sample = (0_u64..200_000, 0_u64..50, 0_u64..50, 1_u64..2_000, class).prop_map(
        |(due, released, started, ended, class)| Sample {
            due: ms(due),
            released: ms(due + released),
            started: ms(due + released + started),
            ended: ms(due + released + started + ended),
            bunched: false,
            filed: Filed::Due,
            class,
        },
    );
    proptest::collection::vec(sample, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parts_merge_into_exactly_the_whole(samples in samples(), parts in 1_usize..5) {
        let whole = recorded(&samples);
        let mut merged = Recorder::default();
        for part in (0..parts).rev() {
            let share: Vec<_> = samples.iter().copied().skip(part).step_by(parts).collect();
            merged.merge(&recorded(&share));
        }
        prop_assert_eq!(&merged, &whole);
        prop_assert_eq!(whole.arrivals(), samples.len() as u64);
        let slots = whole.series.slots().iter();
        prop_assert_eq!(slots.map(Slot::arrivals).sum::<u64>(), samples.len() as u64);
    }
}
