//! Whether latency grows for as long as a load lasts: the sign of a receiver that is sent more than it can do.
//!
//! A queue hides an overload at first. At 5 % above what it can do, a receiver is only half a second behind after ten
//! seconds; but its latency grows by 50 ms in every second, and that shows at once.

use super::record::Series;

/// With fewer slots than this, nothing is said.
const SLOTS_MIN: usize = 5;

/// How many standard errors of a slope may be noise.
const NOISE: f64 = 2.0;

/// By how many seconds the median latency grows in a second, at the least: the median of the slopes between all pairs
/// of slots (Theil and Sen), which a pause here and there does not move, less what noise around the line explains.
/// Zero where it does not grow; `None` of too short a series.
#[must_use]
pub fn drift(series: &Series) -> Option<f64> {
    let width = series.width().as_secs_f64();
    let slots = (0_u32..).zip(series.slots());
    let points: Vec<(f64, f64)> = slots
        .filter_map(|(index, slot)| {
            Some((f64::from(index) * width, slot.latency.quantile(0.5)?.as_secs_f64()))
        })
        .collect();
    if points.len() < SLOTS_MIN {
        return None;
    }
    let mut slopes = Vec::with_capacity(points.len() * (points.len() - 1) / 2);
    for (index, (t, latency)) in points.iter().enumerate() {
        slopes.extend(points[index + 1..].iter().map(|(later, then)| (then - latency) / (later - t)));
    }
    let slope = median(slopes);
    Some((slope - NOISE * standard_error(&points, slope)).max(0.0))
}

/// How far the slope of a line through points may be off, from how far they lie from it (median absolute deviation).
fn standard_error(points: &[(f64, f64)], slope: f64) -> f64 {
    let rests: Vec<f64> = points.iter().map(|(t, latency)| latency - slope * t).collect();
    let middle = median(rests.clone());
    let sigma = 1.4826 * median(rests.iter().map(|rest| (rest - middle).abs()).collect());
    let n = points.len() as f64;
    let mean = points.iter().map(|(t, _)| t).sum::<f64>() / n;
    let spread = points.iter().map(|(t, _)| (t - mean) * (t - mean)).sum::<f64>();
    sigma / spread.sqrt()
}

fn median(mut numbers: Vec<f64>) -> f64 {
    let middle = numbers.len() / 2;
    *numbers.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::record::{Class, Filed, Recorder, Sample};

    fn series(latency_ms: impl Fn(u64) -> u64) -> Series {
        let mut recorder = Recorder::default();
        for due in (0..10_000).step_by(10) {
            let [due, ended] = [due, due + latency_ms(due)].map(Duration::from_millis);
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
        recorder.series
    }

    #[test]
    fn a_steady_receiver_does_not_drift_even_with_pauses() {
        assert!(drift(&series(|_| 20)).unwrap().abs() < 1e-9);
        let paused = drift(&series(|due| if (4_000..5_000).contains(&due) { 5_020 - due } else { 20 }));
        assert!(paused.unwrap().abs() < 1e-3, "{paused:?}");
    }

    #[test]
    fn a_receiver_that_falls_behind_drifts_by_as_much() {
        let drift = drift(&series(|due| 20 + due / 20)).unwrap();
        assert!((drift - 0.05).abs() < 0.002, "{drift}");
    }

    #[test]
    fn noise_alone_is_no_drift() {
        for seed in 0..10 {
            let noisy = series(|due| 20 + pns_engine::rng::draw(seed, due / 100, 0) % 200);
            let drift = drift(&noisy).unwrap();
            assert!(drift < 0.005, "{drift} with seed {seed}");
        }
    }

    #[test]
    fn too_little_says_nothing() {
        assert_eq!(drift(&Series::default()), None);
    }
}
