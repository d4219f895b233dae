use pns_engine::rng::draw;

use super::*;
use crate::load::record::{Class, Filed, NotSent, Sample};
use crate::load::search::Why;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A run of twenty seconds with a request each 10 ms; `latency` by the request's number, in microseconds.
fn run(latency: impl Fn(u64) -> u64) -> Recorder {
    let mut recorder = Recorder::default();
    for n in 0..2_000 {
        let due = ms(n * 10);
        let ended = due + Duration::from_micros(latency(n));
        let sample = Sample {
            due,
            released: due,
            started: due,
            ended,
            bunched: false,
            filed: Filed::Due,
            class: Class::Acknowledged,
        };
        recorder.record(&sample, String::new);
    }
    recorder
}

fn rules(texts: &[&str]) -> Vec<Rule> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn outcomes(claims: &[Claim]) -> Vec<Outcome> {
    claims.iter().map(|claim| claim.outcome).collect()
}

#[test]
fn thresholds_hold_or_break_one_by_one() {
    let mut recorder = run(|n| if n % 50 == 0 { 80_000 } else { 10_000 });
    recorder.record_not_sent(ms(1), NotSent::BacklogFull);
    let thresholds = Thresholds {
        accept: Some("99.9%".parse().unwrap()),
        p50: Some(ms(10)),
        p99: Some(ms(79)),
        max: Some(ms(80)),
        min_rate: Some("102/s".parse().unwrap()),
    };
    let claims = thresholds.judge(&recorder, Some(recorder.rate()));
    use Outcome::{Broke, Held};
    assert_eq!(outcomes(&claims), [Held, Held, Broke, Held, Broke]);
    assert_eq!(claims[0].demanded, "acceptance ≥ 99.9%");
    assert_eq!(claims[0].found, "99.950% (2000 of 2001)");
    assert_eq!(claims[2].demanded, "p99 ≤ 79ms");
    assert_eq!(claims[4].demanded, "rate ≥ 102/s");
    assert!(Thresholds::default().judge(&recorder, None).is_empty());
}

/// A run in which the generator sends each request 50 ms late; the receiver takes `service` for it.
fn late(service: u64) -> Recorder {
    let mut recorder = Recorder::default();
    for n in 0..1_000 {
        let due = ms(n * 10);
        let started = due + ms(50);
        let ended = started + ms(service);
        let sample = Sample {
            due,
            released: started,
            started,
            ended,
            bunched: false,
            filed: Filed::Due,
            class: Class::Acknowledged,
        };
        recorder.record(&sample, String::new);
    }
    recorder
}

#[test]
fn the_generators_lateness_is_not_held_against_the_receiver() {
    let thresholds =
        Thresholds { p99: Some(ms(40)), min_rate: Some("200/s".parse().unwrap()), ..Thresholds::default() };
    use Outcome::{Broke, Unknown};
    let claims = thresholds.judge(&late(1), Some(100.0));
    assert_eq!(outcomes(&claims), [Unknown, Unknown]);
    assert!(claims[0].found.ends_with(": the generator did not keep to its schedule"), "{claims:?}");
    assert_eq!(outcomes(&thresholds.judge(&late(45), None)), [Broke, Unknown], "slow without the wait too");
}

#[test]
fn a_maximum_of_the_generator_is_not_held_against_the_receiver() {
    let thresholds = Thresholds { min_rate: Some("200/s".parse().unwrap()), ..Thresholds::default() };
    let found = |bound| Finding { max: Some("100/s".parse().unwrap()), bound, advised: None };
    let judged = |bound| outcomes(&thresholds.judge_search(&run(|_| 1_000), &found(bound)));
    assert_eq!(judged(Bound::Receiver(Why::P99)), [Outcome::Broke]);
    assert_eq!(judged(Bound::Generator { ceiling: Some(140.0) }), [Outcome::Unknown]);
}

#[test]
fn nothing_is_judged_by_nothing() {
    let thresholds = Thresholds {
        accept: Some(Share::NONE),
        p99: Some(ms(1)),
        min_rate: Some("1/s".parse().unwrap()),
        ..Thresholds::default()
    };
    let claims = thresholds.judge(&Recorder::default(), None);
    assert!(claims.iter().all(|claim| claim.outcome == Outcome::Unknown), "{claims:?}");
}

#[test]
fn acceptance_is_never_rounded_up_to_all() {
    assert_eq!(percent(999_999, 1_000_000), "99.999%");
    assert_eq!(percent(9_999_999, 10_000_000), "99.999%");
    assert_eq!(percent(3, 3), "100.000%");
}

#[test]
fn rules_are_read_and_written() {
    for text in ["rate<-5%", "p99>+20%", "p99.9>+0.5%", "accept<-0.01%", "max>+200%"] {
        assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
    }
    assert_eq!(" rate < -5% ".trim().parse::<Rule>(), "rate<-5%".parse());
    for wrong in [
        "",
        "rate",
        "rate<5%",
        "rate>-5%",
        "p99<+5%",
        "p98>+5%",
        "rate<-100%",
        "rate<-x%",
        "rate<-5",
        "rate<-%",
    ] {
        assert!(wrong.parse::<Rule>().is_err(), "{wrong}");
    }
}

#[test]
fn a_steady_run_that_got_slower_fails() {
    let before = Figures::of_run(&run(|_| 10_000));
    let now = Figures::of_run(&run(|_| 13_000));
    let claims = compare(&rules(&["p99>+20%", "p50>+40%", "rate<-5%"]), &before, &now);
    assert_eq!(outcomes(&claims), [Outcome::Broke, Outcome::Held, Outcome::Held]);
    assert_eq!(claims[0].demanded, "not p99>+20% of the baseline");
    assert!(claims[0].found.contains("+30."), "{}", claims[0].found);
}

#[test]
fn a_change_that_the_generators_lateness_explains_is_unknown() {
    let before = Figures::of_run(&run(|_| 10_000));
    // 50 ms late and served within 10: slower by the generator's doing. Served within 45: slower all the same.
    let judged = |service| {
        let now = Figures::of_run(&late(service));
        outcomes(&compare(&rules(&["p99>+20%", "rate<-5%", "accept<-1%"]), &before, &now))
    };
    assert_eq!(judged(10), [Outcome::Unknown, Outcome::Held, Outcome::Held]);
    assert_eq!(judged(45), [Outcome::Broke, Outcome::Held, Outcome::Held]);
}

#[test]
fn what_noise_explains_does_not_fail() {
    // Latency wanders between 5 and 15 ms from second to second.
    let noisy = |seed| Figures::of_run(&run(move |n| 5_000 + draw(seed, n / 100, 0) % 10_000));
    let rules = rules(&["p50>+5%"]);
    for seed in 0..20 {
        let claims = compare(&rules, &noisy(seed), &noisy(seed + 100));
        assert_ne!(claims[0].outcome, Outcome::Broke, "{}", claims[0].found);
    }
    // Three times slower is no noise.
    let slower = Figures::of_run(&run(|n| 3 * (5_000 + draw(1, n / 100, 0) % 10_000)));
    assert_eq!(compare(&rules, &noisy(1), &slower)[0].outcome, Outcome::Broke);
}

#[test]
fn the_maximum_of_a_search_is_compared_within_its_resolution() {
    let figures = |max| Figures::default().with_max_rate(Some(max), 0.02);
    let rules = rules(&["rate<-1%"]);
    assert_eq!(compare(&rules, &figures(1_000.0), &figures(980.0))[0].outcome, Outcome::HeldWithinNoise);
    assert_eq!(compare(&rules, &figures(1_000.0), &figures(960.0))[0].outcome, Outcome::Broke);
    assert_eq!(compare(&rules, &figures(1_000.0), &figures(1_100.0))[0].outcome, Outcome::Held);
    let missing = compare(&rules, &figures(1_000.0), &Figures::default());
    assert_eq!(missing[0].outcome, Outcome::Unknown);
    assert_eq!(missing[0].found, "this run has no rate");
}
