//! Searches against simulated receivers with a known limit.

use std::collections::VecDeque;

use pns_engine::rng::draw;

use super::*;
use crate::load::record::{Class, Filed, Sample};
use crate::load::shape::{Schedule, Shape};
use crate::load::spacing::{Spacing, Start};

/// A receiver that does `capacity` a second.
#[derive(Clone, Copy)]
struct Receiver {
    capacity: u64,
    /// What it does with more.
    excess: Excess,
    /// Whether it pauses now and then, and sometimes breaks for no reason.
    noisy: bool,
    /// By how much one send in fifty may be later than due, in microseconds: the generator's doing.
    jitter_us: u64,
    seed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Excess {
    /// Each waits for those before it.
    Queues,
    /// Each is answered 429 when it would wait for longer than so many milliseconds.
    RefusesAfter(u64),
}

const BASE: Duration = Duration::from_millis(20);

impl Receiver {
    fn play(&self, step: Step, number: u64) -> StepResult {
        let schedule = Schedule::new(Shape::Constant(step.rate), step.span).unwrap();
        let mut recorder = Recorder::default();
        let service = Duration::from_secs(1) / u32::try_from(self.capacity).unwrap();
        let mut free_at = Duration::ZERO;
        let mut pauses = self.pauses(step.span, number);
        let spacing = Spacing::default();
        for n in 0..schedule.count() {
            let due = schedule.due(n).unwrap();
            while let Some((start, length)) = pauses.front().copied().filter(|(start, _)| *start <= due) {
                free_at = free_at.max(start + length);
                pauses.pop_front();
            }
            let drawn = draw(self.seed, number, n + 10_000);
            let late = if drawn.is_multiple_of(50) { drawn / 50 % (self.jitter_us + 1) } else { 0 };
            let started = due + Duration::from_micros(late);
            let bunched = spacing.bunched(Start { due, at: started, connects: false });
            let waits = free_at.saturating_sub(started);
            let (ended, class) = match self.excess {
                Excess::RefusesAfter(millis) if waits > Duration::from_millis(millis) => {
                    (started + BASE, Class::SlowDown(429))
                }
                _ => {
                    free_at = free_at.max(started) + service;
                    (free_at + BASE, Class::Acknowledged)
                }
            };
            recorder.record(
                &Sample { due, released: started, started, ended, bunched, filed: Filed::Due, class },
                String::new,
            );
        }
        StepResult::of(&recorder)
    }

    /// A short pause in every second or two, and in one step of six a long one.
    fn pauses(&self, span: Duration, number: u64) -> VecDeque<(Duration, Duration)> {
        if !self.noisy {
            return VecDeque::new();
        }
        let random = |stream| draw(self.seed, number, stream);
        let mut pauses: Vec<_> = (0..span.as_secs())
            .filter(|second| random(*second).is_multiple_of(2))
            .map(|second| (Duration::from_millis(second * 1_000 + random(second + 1_000) % 900), BASE * 3))
            .collect();
        if random(2_000).is_multiple_of(6) {
            pauses.push((span / 2, Duration::from_secs(3)));
        }
        pauses.sort_unstable();
        pauses.into()
    }
}

fn settings() -> SearchSettings {
    SearchSettings {
        limits: Limits { accept: "99.9%".parse().unwrap(), p99: Duration::from_secs(1) },
        start: "20/s".parse().unwrap(),
        ceiling: None,
        span: Duration::from_secs(10),
        confirm: Duration::from_secs(30),
    }
}

fn run(settings: SearchSettings, mut play: impl FnMut(Step, u64) -> StepResult) -> Search {
    let mut search = Search::new(settings);
    let mut number = 0;
    while let Some(step) = search.next() {
        search.observe(play(step, number));
        number += 1;
        assert!(number < 100, "a search ends");
    }
    search
}

fn found(search: &Search) -> f64 {
    search.finding().unwrap().max.map_or(0.0, Rate::per_second)
}

fn within_5_percent(search: &Search, capacity: u64) -> bool {
    (found(search) / capacity as f64 - 1.0).abs() <= 0.05
}

#[test]
fn a_receiver_that_queues_is_found_out_by_its_growing_latency() {
    for capacity in [7, 133, 400] {
        let receiver = Receiver { capacity, excess: Excess::Queues, noisy: false, jitter_us: 0, seed: 0 };
        let search = run(settings(), |step, number| receiver.play(step, number));
        assert!(within_5_percent(&search, capacity), "{} for {capacity}", found(&search));
        let Bound::Receiver(why) = search.finding().unwrap().bound else { panic!("not the generator") };
        assert!(matches!(why, Why::FallsBehind | Why::P99), "{why:?}");
    }
}

#[test]
fn a_receiver_that_asks_for_less_is_taken_at_its_word() {
    let receiver =
        Receiver { capacity: 250, excess: Excess::RefusesAfter(10), noisy: false, jitter_us: 0, seed: 0 };
    let search = run(settings(), |step, number| receiver.play(step, number));
    assert!(within_5_percent(&search, 250), "{}", found(&search));
    assert_eq!(search.finding().unwrap().bound, Bound::Receiver(Why::SlowDown));
}

#[test]
fn what_the_generator_sends_too_close_together_is_not_held_against_a_receiver_without_tolerance() {
    for seed in 0..5 {
        let excess = Excess::RefusesAfter(0);
        let receiver = Receiver { capacity: 400, excess, noisy: false, jitter_us: 900, seed };
        let search = run(settings(), |step, number| receiver.play(step, number));
        assert!(within_5_percent(&search, 400), "{} with seed {seed}", found(&search));
        assert!(search.tried().iter().any(|tried| tried.result.bunched > 0));
        assert_eq!(search.finding().unwrap().bound, Bound::Receiver(Why::SlowDown));
    }
}

#[test]
fn a_generator_that_bunches_much_is_what_is_found() {
    let uneven = StepResult { arrivals: 1_000, slowed: 60, bunched: 60, ..result(940) };
    assert_eq!(uneven.broke(&settings().limits), Some(Why::Generator));
    let little = StepResult { slowed: 40, bunched: 40, ..result(960) };
    assert_eq!(little.broke(&settings().limits), None);
}

#[test]
fn lateness_excuses_only_what_it_can_explain() {
    let limits = settings().limits;
    let late =
        |late_by_generator| StepResult { late_by_generator, p99: Some(limits.p99 * 2), ..result(1_000) };
    assert_eq!(late(0).broke(&limits), Some(Why::P99));
    assert_eq!(late(50).broke(&limits), Some(Why::Generator));
    let slow_by_itself = StepResult { served_p99: Some(limits.p99 * 2), ..late(50) };
    assert_eq!(slow_by_itself.broke(&limits), Some(Why::P99));
    let behind = |late_by_generator| StepResult { late_by_generator, drift: Some(0.5), ..result(1_000) };
    assert_eq!(behind(50).broke(&limits), Some(Why::FallsBehind));
    assert_eq!(behind(300).broke(&limits), Some(Why::Generator));
}

#[test]
fn noise_does_not_change_what_is_found() {
    for seed in 0..5 {
        for excess in [Excess::Queues, Excess::RefusesAfter(200)] {
            let receiver = Receiver { capacity: 200, excess, noisy: true, jitter_us: 0, seed };
            let mut settings = settings();
            // The pauses cost a receiver that refuses a few at once.
            settings.limits.accept = "99%".parse().unwrap();
            let search = run(settings, |step, number| receiver.play(step, number));
            assert!(within_5_percent(&search, 200), "{} with seed {seed}", found(&search));
        }
    }
}

const fn result(acknowledged: u64) -> StepResult {
    StepResult {
        arrivals: 1_000,
        acknowledged,
        slowed: 0,
        bunched: 0,
        p99: Some(BASE),
        served_p99: Some(BASE),
        drift: Some(0.0),
        late_by_generator: 0,
    }
}

#[test]
fn what_breaks_is_tried_again_before_it_is_believed() {
    let mut search = Search::new(settings());
    let first = search.next().unwrap();
    search.observe(result(0));
    assert_eq!(search.next(), Some(Step { attempt: Attempt::Second, ..first }));
    search.observe(result(1_000));
    let second = search.next().unwrap();
    assert_eq!((second.rate.per_second(), second.attempt), (40.0, Attempt::First));
}

#[test]
fn nothing_is_named_above_the_share_of_the_ceiling() {
    let settings = SearchSettings { ceiling: Some(1_000.0), ..settings() };
    let search = run(settings, |_, _| result(1_000));
    let finding = search.finding().unwrap();
    assert_eq!(finding.max.unwrap().to_string(), "700/s");
    assert_eq!(finding.bound, Bound::Generator { ceiling: Some(1_000.0) });
    assert!(search.tried().iter().all(|tried| tried.step.rate.per_second() <= 700.0));
    assert!(finding.reason().contains("this or more"));
}

#[test]
fn a_generator_that_is_late_is_not_taken_for_the_receiver() {
    let search = run(settings(), |step, _| {
        let (late_by_generator, p99) = match step.rate.per_second() > 300.0 {
            true => (100, Some(Duration::from_secs(2))),
            // Late, and within the limits all the same.
            false => (20, Some(BASE)),
        };
        StepResult { late_by_generator, p99, ..result(1_000) }
    });
    assert_eq!(search.finding().unwrap().bound, Bound::Generator { ceiling: None });
    assert!(found(&search) <= 300.0 && found(&search) > 290.0);
}

#[test]
fn what_one_attempt_shows_of_the_receiver_is_not_lost_by_a_late_second() {
    let search = run(settings(), |step, _| match step.rate.per_second() > 300.0 {
        true if step.attempt == Attempt::Second => StepResult { late_by_generator: 100, ..result(900) },
        true => StepResult { slowed: 100, ..result(900) },
        false => result(1_000),
    });
    assert_eq!(search.finding().unwrap().bound, Bound::Receiver(Why::SlowDown));
}

#[test]
fn a_receiver_that_takes_nothing_has_no_maximum() {
    let search = run(settings(), |_, _| result(0));
    let finding = search.finding().unwrap();
    assert_eq!((finding.max, finding.advised), (None, None));
    assert_eq!(finding.bound, Bound::Receiver(Why::Acceptance));
}

#[test]
fn what_does_not_hold_for_longer_is_lowered_until_it_does() {
    // 500/s hold for a while, 400/s for good.
    let search = run(settings(), |step, _| {
        let holds = if step.purpose == Purpose::Confirm { 400.0 } else { 500.0 };
        result(if step.rate.per_second() <= holds { 1_000 } else { 900 })
    });
    assert!(found(&search) <= 400.0 && found(&search) > 390.0, "{}", found(&search));
}

#[test]
fn the_reason_told_is_the_one_that_explains_most() {
    let limits = settings().limits;
    let broke = |result: StepResult| result.broke(&limits);
    assert_eq!(broke(result(1_000)), None);
    assert_eq!(broke(result(999)), None);
    assert_eq!(broke(result(998)), Some(Why::Acceptance));
    assert_eq!(broke(StepResult { slowed: 60, ..result(900) }), Some(Why::SlowDown));
    assert_eq!(broke(StepResult { slowed: 40, ..result(900) }), Some(Why::Acceptance));
    assert_eq!(
        broke(StepResult { p99: Some(Duration::from_millis(1_001)), ..result(1_000) }),
        Some(Why::P99)
    );
    assert_eq!(broke(StepResult { drift: Some(0.011), ..result(1_000) }), Some(Why::FallsBehind));
    assert_eq!(broke(StepResult { late_by_generator: 10, ..result(0) }), Some(Why::Generator));
    assert_eq!(broke(StepResult { late_by_generator: 9, ..result(0) }), Some(Why::Acceptance));
    assert_eq!(broke(StepResult { late_by_generator: 1_000, ..result(1_000) }), None);
}
