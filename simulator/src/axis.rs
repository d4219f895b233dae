//! Where an instant of a schedule stands on a line that is much shorter than the schedule.
//!
//! Retries at increasing intervals span milliseconds to days. While the gaps between what happened are of a
//! kind, the axis is true to scale; otherwise each gap is drawn by the logarithm of its length, so that nothing
//! falls together and nothing runs away.

use std::time::Duration;

/// With gaps that differ more than this, a true scale would let the short ones vanish.
const RATIO_MAX: f64 = 15.0;

/// Instants and their places.
#[derive(Debug)]
pub struct Axis {
    /// In order, each once.
    instants: Vec<Duration>,
    /// The place of each.
    places: Vec<f64>,
    /// Whether it is true to scale.
    pub is_true: bool,
}

impl Axis {
    /// An axis for these instants, from place `from` to place `to`.
    #[must_use]
    pub fn new(instants: impl IntoIterator<Item = Duration>, from: f64, to: f64) -> Self {
        let mut instants: Vec<Duration> = instants.into_iter().collect();
        instants.sort_unstable();
        instants.dedup();
        let gaps: Vec<f64> = instants.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
        let shortest = gaps.iter().copied().fold(f64::INFINITY, f64::min);
        let longest = gaps.iter().copied().fold(0.0, f64::max);
        let is_true = longest <= shortest * RATIO_MAX;
        let width = |gap: f64| if is_true { gap } else { (gap / shortest).ln_1p() };
        let total: f64 = gaps.iter().copied().map(width).sum();
        let mut place = from;
        let mut places: Vec<f64> = instants.first().map(|_| from).into_iter().collect();
        for gap in gaps {
            place += width(gap) / total * (to - from);
            places.push(place);
        }
        Self { instants, places, is_true }
    }

    /// The place of one of its instants; of another, that of the next before it.
    #[must_use]
    pub fn place(&self, at: Duration) -> f64 {
        let index = self.instants.partition_point(|instant| *instant <= at).saturating_sub(1);
        self.places.get(index).copied().unwrap_or_default()
    }

    /// Instants to label, at least `apart` from each other; the first and the last are among them.
    #[must_use]
    pub fn ticks(&self, apart: f64) -> Vec<(Duration, f64)> {
        let mut all = self.instants.iter().copied().zip(self.places.iter().copied());
        let mut ticks: Vec<(Duration, f64)> = all.next().into_iter().collect();
        let last = all.next_back();
        let end = last.map_or(f64::INFINITY, |(_, place)| place);
        for (instant, place) in all {
            let before = ticks.last().map_or(f64::NEG_INFINITY, |(_, place)| *place);
            if place - before >= apart && end - place >= apart {
                ticks.push((instant, place));
            }
        }
        ticks.extend(last);
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(all: &[u64]) -> Vec<Duration> {
        all.iter().copied().map(Duration::from_secs).collect()
    }

    #[test]
    fn like_gaps_are_true_to_scale() {
        let axis = Axis::new(seconds(&[30, 0, 10, 0]), 100.0, 400.0);
        assert!(axis.is_true);
        let places: Vec<f64> = seconds(&[0, 10, 30]).into_iter().map(|at| axis.place(at)).collect();
        assert_eq!(places, [100.0, 200.0, 400.0]);
    }

    #[test]
    fn days_do_not_hide_seconds() {
        let axis = Axis::new(seconds(&[0, 1, 2, 259_200]), 0.0, 900.0);
        assert!(!axis.is_true);
        assert!(axis.place(Duration::from_secs(1)) > 30.0);
        assert!((axis.place(Duration::from_secs(259_200)) - 900.0).abs() < 0.001);
    }

    #[test]
    fn one_instant_or_none_is_no_trouble() {
        assert_eq!(Axis::new([], 5.0, 9.0).ticks(50.0), []);
        assert_eq!(Axis::new([Duration::ZERO], 5.0, 9.0).ticks(50.0), [(Duration::ZERO, 5.0)]);
        assert_eq!(Axis::new([], 5.0, 9.0).place(Duration::ZERO), 0.0);
    }

    #[test]
    fn labels_keep_apart_and_name_both_ends() {
        let axis = Axis::new(seconds(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), 0.0, 100.0);
        let ticks: Vec<f64> = axis.ticks(35.0).into_iter().map(|(_, place)| place).collect();
        assert_eq!(ticks, [0.0, 40.0, 100.0]);
    }
}
