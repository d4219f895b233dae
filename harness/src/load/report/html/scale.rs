//! From figures to places on a plot.

/// A line of figures, from one place to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    kind: Kind,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Linear,
    Log,
}

impl Scale {
    /// Equal distances for equal differences.
    pub(super) fn linear(low: f64, high: f64, [from, to]: [f64; 2]) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { kind: Kind::Linear, low, high, from, to }
    }

    /// Equal distances for equal ratios; bounds are widened to 1, 2 or 5 times a power of ten.
    pub(super) fn log(low: f64, high: f64, [from, to]: [f64; 2]) -> Self {
        let low = round_down(low.max(1e-9));
        let high = round_up(high.max(low * 1.001));
        Self { kind: Kind::Log, low, high, from, to }
    }

    /// The place of a figure; one beyond the bounds stands at the bound.
    pub(super) fn place(&self, figure: f64) -> f64 {
        let share = match self.kind {
            Kind::Linear => (figure - self.low) / (self.high - self.low),
            Kind::Log => (figure.max(1e-9) / self.low).ln() / (self.high / self.low).ln(),
        };
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Round figures between the bounds, about `most` of them.
    pub(super) fn ticks(&self, most: usize) -> Vec<f64> {
        match self.kind {
            Kind::Linear => {
                let step = round_up((self.high - self.low) / most.max(1) as f64);
                let count = ((self.high - self.low) / step + 1e-9).floor() as u32;
                (0..=count).map(|n| self.low + step * f64::from(n)).collect()
            }
            Kind::Log => {
                let all = self.round_figures();
                let decades: Vec<f64> = all.iter().copied().filter(|one| is_decade(*one)).collect();
                if all.len() <= most { all } else { decades }
            }
        }
    }

    fn round_figures(&self) -> Vec<f64> {
        let first = self.low.log10().floor() as i32;
        let last = self.high.log10().ceil() as i32;
        let figures =
            (first..=last).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power)));
        figures.filter(|one| *one >= self.low * 0.999 && *one <= self.high * 1.001).collect()
    }
}

fn is_decade(figure: f64) -> bool {
    (figure.log10() - figure.log10().round()).abs() < 1e-6
}

/// The greatest of 1, 2 or 5 times a power of ten that is not above.
fn round_down(figure: f64) -> f64 {
    let power = 10_f64.powf(figure.log10().floor());
    let digit = figure / power;
    let round = [5.0, 2.0].into_iter().find(|one| digit >= one * 0.999_999).unwrap_or(1.0);
    round * power
}

/// The least that is not below.
fn round_up(figure: f64) -> f64 {
    let power = 10_f64.powf(figure.log10().floor());
    let digit = figure / power;
    let round = [1.0, 2.0, 5.0].into_iter().find(|one| digit <= one * 1.000_001).unwrap_or(10.0);
    round * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(ticks: &[f64]) -> Vec<String> {
        ticks.iter().map(|tick| format!("{tick:.3}")).collect()
    }

    #[test]
    fn equal_ratios_lie_equally_far_apart() {
        let scale = Scale::log(1.0, 10_000.0, [0.0, 400.0]);
        let places: Vec<f64> = [1.0, 10.0, 1_000.0, 99_999.0].iter().map(|one| scale.place(*one)).collect();
        assert!(places.iter().zip([0.0, 100.0, 300.0, 400.0]).all(|(is, should)| (is - should).abs() < 1e-6));
        assert_eq!(shown(&scale.ticks(6)), ["1.000", "10.000", "100.000", "1000.000", "10000.000"]);
    }

    #[test]
    fn bounds_are_round() {
        let scale = Scale::log(130.0, 1_900.0, [0.0, 1.0]);
        assert_eq!(shown(&scale.ticks(6)), ["100.000", "200.000", "500.000", "1000.000", "2000.000"]);
        let one = Scale::log(200.0, 200.0, [0.0, 1.0]);
        assert_eq!(shown(&one.ticks(6)), ["200.000", "500.000"]);
    }

    #[test]
    fn seconds_are_marked_in_round_steps() {
        let scale = Scale::linear(0.0, 29.9, [0.0, 600.0]);
        assert_eq!(shown(&scale.ticks(7)), ["0.000", "5.000", "10.000", "15.000", "20.000", "25.000"]);
        assert!((scale.place(29.9) - 600.0).abs() < 1e-9);
        assert_eq!(Scale::linear(0.0, 0.0, [0.0, 1.0]).place(0.0), 0.0);
    }
}
