use proptest::prelude::*;

use super::*;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn all(schedule: &Schedule) -> Vec<u64> {
    (0..schedule.count()).map(|n| nanos(schedule.due(n).unwrap())).collect()
}

#[test]
fn constant_arrivals_do_not_drift() {
    let schedule = Schedule::new(Shape::Constant(rate("3/s")), secs(86_400)).unwrap();
    assert_eq!(schedule.count(), 259_200);
    assert_eq!(schedule.due(0), Some(Duration::ZERO));
    assert_eq!(schedule.due(1), Some(Duration::from_nanos(333_333_333)));
    assert_eq!(schedule.due(259_197), Some(secs(86_399)));
    assert_eq!(schedule.due(259_200), None);
}

#[test]
fn what_is_due_at_the_very_end_belongs_to_the_next_run() {
    let schedule = Schedule::new(Shape::Constant(rate("2/s")), secs(1)).unwrap();
    assert_eq!(all(&schedule), [0, 500_000_000]);
    let longer = Schedule::new(Shape::Constant(rate("2/s")), Duration::from_nanos(1_000_000_001)).unwrap();
    assert_eq!(all(&longer), [0, 500_000_000, 1_000_000_000]);
}

#[test]
fn a_ramp_reaches_its_area() {
    let shape = Shape::Ramp { from: rate("100/s"), to: rate("200/s") };
    assert_eq!(Schedule::new(shape, secs(10)).unwrap().count(), 1_500);
    // From nothing, n arrivals take the root of n: 2 t²/2 … in one second each up to 2/s.
    let shape = Shape::Ramp { from: Rate::ZERO, to: rate("8/s") };
    assert_eq!(
        all(&Schedule::new(shape, secs(4)).unwrap())[..5],
        [0, 1_000_000_000, 1_414_213_562, 1_732_050_807, 2_000_000_000]
    );
    let down = Shape::Ramp { from: rate("8/s"), to: Rate::ZERO };
    assert_eq!(Schedule::new(down, secs(4)).unwrap().count(), 16);
}

#[test]
fn bursts_come_at_once_or_spread_out() {
    let at_once = Shape::Burst { base: Rate::ZERO, size: 3, every: secs(2), over: Duration::ZERO };
    let schedule = Schedule::new(at_once, secs(5)).unwrap();
    assert_eq!(
        all(&schedule).iter().map(|ns| ns / 1_000_000_000).collect::<Vec<_>>(),
        [0, 0, 0, 2, 2, 2, 4, 4, 4]
    );
    let spread = Shape::Burst { base: Rate::ZERO, size: 4, every: secs(2), over: secs(1) };
    let schedule = Schedule::new(spread, secs(4)).unwrap();
    assert_eq!(
        all(&schedule).iter().map(|ns| ns / 1_000_000).collect::<Vec<_>>(),
        [0, 250, 500, 750, 2_000, 2_250, 2_500, 2_750]
    );
    let on_top = Shape::Burst { base: rate("2/s"), size: 5, every: secs(10), over: Duration::ZERO };
    assert_eq!(Schedule::new(on_top, secs(20)).unwrap().count(), 50);
}

#[test]
fn a_sine_has_its_mean_over_whole_periods() {
    let shape = Shape::Sine { mean: rate("1000/s"), amplitude: rate("1000/s"), period: secs(10) };
    let schedule = Schedule::new(shape, secs(30)).unwrap();
    assert_eq!(schedule.count(), 30_000);
    let in_first_half = all(&schedule).iter().filter(|ns| **ns < 5_000_000_000).count();
    // 1000 · (5 + 10/π), with the arrival at 0.
    assert_eq!(in_first_half, 8_184);
}

#[test]
fn a_long_run_at_full_rate_stays_within_its_integers() {
    let fastest = rate("10000000/s");
    for shape in [
        Shape::Constant(fastest),
        Shape::Ramp { from: Rate::new(u32::MAX, secs(430)).unwrap(), to: fastest },
        Shape::Sine { mean: fastest, amplitude: fastest, period: SPAN_MAX },
        Shape::Burst {
            base: fastest,
            size: BURST_MAX,
            every: Duration::from_micros(10),
            over: Duration::ZERO,
        },
        Shape::Burst { base: fastest, size: BURST_MAX, every: SPAN_MAX, over: SPAN_MAX },
    ] {
        let schedule = Schedule::new(shape, SPAN_MAX).unwrap();
        assert!(schedule.due(schedule.count() - 1).unwrap() < SPAN_MAX, "{shape:?}");
        assert!(schedule.due(schedule.count() / 2).is_some());
    }
}

#[test]
fn contradictions_are_refused() {
    let refused = |shape, span| Schedule::new(shape, span).is_err();
    assert!(refused(Shape::Constant(rate("1/s")), Duration::ZERO));
    assert!(refused(Shape::Constant(rate("1/s")), SPAN_MAX + secs(1)));
    assert!(refused(Shape::Constant(Rate::ZERO), secs(1)));
    assert!(refused(Shape::Sine { mean: rate("1/s"), amplitude: rate("2/s"), period: secs(1) }, secs(1)));
    assert!(refused(Shape::Burst { base: rate("1/s"), size: 1, every: secs(1), over: secs(2) }, secs(1)));
    assert!(refused(Shape::Burst { base: rate("1/s"), size: 0, every: secs(1), over: secs(1) }, secs(1)));
}

#[test]
fn shapes_are_read() {
    let read = |text| Shape::parse(text, rate("100/s"));
    assert_eq!(read("constant"), Ok(Shape::Constant(rate("100/s"))));
    assert_eq!(read("ramp"), Ok(Shape::Ramp { from: Rate::ZERO, to: rate("100/s") }));
    assert_eq!(read("ramp:to=5/s"), Ok(Shape::Ramp { from: rate("100/s"), to: rate("5/s") }));
    assert_eq!(read("ramp:from=5/s"), Ok(Shape::Ramp { from: rate("5/s"), to: rate("100/s") }));
    let burst = Shape::Burst { base: rate("100/s"), size: 50, every: secs(10), over: Duration::ZERO };
    assert_eq!(read("burst:size=50, every=10s"), Ok(burst));
    let sine = Shape::Sine { mean: rate("100/s"), amplitude: rate("50/s"), period: secs(60) };
    assert_eq!(read("sine:amplitude=50/s,period=1m"), Ok(sine));
    for (text, error) in [
        ("square", "`square` is no shape; there are constant, ramp, burst, sine and trace"),
        ("burst:size=5", "`burst` needs `every=`"),
        ("burst:size=x,every=1s", "`size=x` is no number of arrivals"),
        ("constant:rate=5/s", "`constant` has no `rate`"),
        ("ramp:from", "`from` in `ramp` is not of the form `key=value`"),
        ("ramp:from=1/s,from=2/s", "`ramp` has `from` twice"),
        ("sine:amplitude=1/s,period=5", "`period=5` is no time: `5` has no unit"),
    ] {
        assert_eq!(read(text).map_err(|error| error.to_string()), Err(error.to_owned()));
    }
}

/// Any shape, with rates from one in ten seconds to a thousand a second.
fn shapes() -> impl Strategy<Value = Shape> {
    let rates = || {
        (0_u32..2_000, 1_u64..20_000).prop_map(|(count, ms)| {
            Rate::new(count, Duration::from_millis(ms.max(u64::from(count)))).unwrap()
        })
    };
    let spans = || (1_u64..5_000).prop_map(Duration::from_millis);
    prop_oneof![
        rates().prop_map(Shape::Constant),
        (rates(), rates()).prop_map(|(from, to)| Shape::Ramp { from, to }),
        (rates(), 1_u32..200, spans(), 0_u32..=4).prop_map(|(base, size, every, quarters)| Shape::Burst {
            base,
            size,
            every,
            over: every * quarters / 4
        }),
        (rates(), rates(), spans()).prop_map(|(a, b, period)| {
            let (amplitude, mean) = if a.at_most(b) { (a, b) } else { (b, a) };
            Shape::Sine { mean, amplitude, period }
        }),
    ]
}

/// The rate at `t` seconds, and what arrives at once at the start of each period; by the definition, in floats.
fn rate_at(shape: Shape, span: f64, t: f64) -> f64 {
    match shape {
        Shape::Constant(rate) => rate.per_second(),
        Shape::Ramp { from, to } => from.per_second() + (to.per_second() - from.per_second()) * t / span,
        Shape::Burst { base, size, every, over } => {
            let in_burst = t % every.as_secs_f64() < over.as_secs_f64();
            base.per_second() + if in_burst { f64::from(size) / over.as_secs_f64() } else { 0.0 }
        }
        Shape::Sine { mean, amplitude, period } => {
            let turns = t / period.as_secs_f64() * std::f64::consts::TAU;
            mean.per_second() + amplitude.per_second() * turns.sin()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn due_times_never_decrease_and_end_before_the_span(shape in shapes(), ms in 1_u64..8_000) {
        let span = Duration::from_millis(ms);
        if let Ok(schedule) = Schedule::new(shape, span) {
            let due = all(&schedule);
            prop_assert!(due.is_sorted());
            prop_assert!(due.iter().all(|due| *due < nanos(span)));
            prop_assert_eq!(schedule.due(schedule.count()), None);
        }
    }

    #[test]
    fn due_times_agree_with_a_brute_force_integral(shape in shapes(), ms in 1_u32..4_000) {
        let span = Duration::from_millis(u64::from(ms));
        let Ok(schedule) = Schedule::new(shape, span) else { return Ok(()) };
        let due = all(&schedule);
        // All edges of bursts lie at whole quarters of a millisecond; the midpoint rule is exact between them.
        let step = 0.000_25;
        let at_once = |quarter: u32| match shape {
            Shape::Burst { size, every, over, .. } if over.is_zero() => {
                u128::from(size) * (u128::from(quarter) * 250).div_ceil(every.as_micros())
            }
            _ => 0,
        };
        // The rule errs by less than this where the rate is curved.
        let slack = if matches!(shape, Shape::Sine { .. }) { 0.3 } else { 1e-6 };
        let mut integral = 0.0;
        for quarter in 1..=ms * 4 {
            integral += rate_at(shape, span.as_secs_f64(), (f64::from(quarter) - 0.5) * step) * step;
            let arrived = integral + at_once(quarter) as f64;
            let found = due.partition_point(|due| *due < u64::from(quarter) * 250_000) as f64;
            let rounded_up = arrived - slack..=arrived + 1.0 + slack;
            prop_assert!(rounded_up.contains(&found), "{} before quarter {}: {}", found, quarter, arrived);
        }
    }
}
