//! The figures of a run that are compared with those of another, each with its noise.

use super::rule::Metric;
use crate::load::record::{Coarse, Latencies, Recorder, Slot};

/// Into how many parts a run is cut to see how far they lie apart.
const PARTS: usize = 10;

/// The standard deviation of what is normally distributed, by its median absolute deviation.
const SIGMA_PER_MAD: f64 = 1.4826;

/// A number, and how far it would lie apart if the same were measured again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The number.
    pub value: f64,
    /// One standard deviation of it, estimated.
    pub sigma: f64,
}

impl Figure {
    /// The deviation as a share of the number.
    pub(super) fn relative(self) -> f64 {
        if self.value > 0.0 { self.sigma / self.value } else { 0.0 }
    }
}

/// All figures of a run; those that it does not have are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    figures: [Option<Figure>; Metric::ALL.len()],
    /// Of a run whose generator did not keep to its schedule: latencies without the wait for it, in seconds.
    served: Option<[Option<f64>; Metric::ALL.len()]>,
}

impl Figures {
    /// The figures of a run. Rates are a second, spans in seconds, acceptance from 0 to 1.
    #[must_use]
    pub fn of_run(recorder: &Recorder) -> Self {
        let parts = parts(recorder);
        let figures = Metric::ALL.map(|metric| {
            let value = match metric {
                Metric::Rate => Some(recorder.rate()),
                Metric::Accept => share(recorder.acknowledged, recorder.arrivals()),
                Metric::Max => recorder.latency.max().map(|max| max.as_secs_f64()),
                Metric::P50 | Metric::P90 | Metric::P99 | Metric::P999 => {
                    recorder.latency.quantile(metric.quantile()).map(|span| span.as_secs_f64())
                }
            };
            let of_parts: Vec<f64> = parts.iter().filter_map(|part| part.value(metric)).collect();
            value.map(|value| Figure { value, sigma: sigma(&of_parts) })
        });
        let served = Metric::ALL.map(|metric| match metric {
            Metric::Rate | Metric::Accept => None,
            Metric::Max => recorder.service.max().map(|max| max.as_secs_f64()),
            metric => recorder.service.quantile(metric.quantile()).map(|span| span.as_secs_f64()),
        });
        Self { figures, served: super::is_late(recorder).then_some(served) }
    }

    /// Whether the generator explains that `metric` is as it is: by service alone it would be `good`, or it is the rate,
    /// which the generator sets.
    pub(super) fn excuses(&self, metric: Metric, good: impl FnOnce(f64) -> bool) -> bool {
        let Some(served) = &self.served else { return false };
        metric == Metric::Rate || served[metric.index()].is_some_and(good)
    }

    /// The figures of several runs of the same: the medians, with the deviation between the runs or within them,
    /// whichever is greater. Missing where a run has none.
    #[must_use]
    pub fn of_repeats(runs: &[Self]) -> Self {
        let figures = Metric::ALL.map(|metric| {
            let figures: Vec<Figure> = runs.iter().map(|run| run.of(metric)).collect::<Option<_>>()?;
            let values: Vec<f64> = figures.iter().map(|figure| figure.value).collect();
            let within = median(figures.iter().map(|figure| figure.sigma).collect())?;
            let sigma = sigma(&values).max(within);
            Some(Figure { value: median(values)?, sigma })
        });
        Self { figures, served: None }
    }

    /// The same, with the rate of a search instead: the maximum, which a search tells within `resolution` of itself.
    #[must_use]
    pub fn with_max_rate(mut self, max: Option<f64>, resolution: f64) -> Self {
        self.figures[Metric::Rate.index()] =
            max.map(|value| Figure { value, sigma: value * resolution / 2.0 });
        self
    }

    /// One of them.
    #[must_use]
    pub const fn of(&self, metric: Metric) -> Option<Figure> {
        self.figures[metric.index()]
    }
}

/// A part of a run.
struct Part {
    seconds: f64,
    acknowledged: u64,
    arrivals: u64,
    answers: u64,
    latency: Latencies<Coarse>,
}

impl Part {
    fn value(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Rate => Some(self.answers as f64 / self.seconds),
            Metric::Accept => share(self.acknowledged, self.arrivals),
            Metric::Max => self.latency.max().map(|max| max.as_secs_f64()),
            _ => self.latency.quantile(metric.quantile()).map(|span| span.as_secs_f64()),
        }
    }
}

/// Equal parts of the time in which arrivals were due. What is left over at the end is in none.
fn parts(recorder: &Recorder) -> Vec<Part> {
    let series = &recorder.series;
    let whole = series.whole(recorder.last_due);
    let each = (whole / PARTS).max(1);
    let cut = series.slots()[..whole].chunks_exact(each).map(|slots| {
        let sum = |count: fn(&Slot) -> u64| slots.iter().map(count).sum();
        let mut latency = Latencies::new();
        slots.iter().for_each(|slot| latency.merge(&slot.latency));
        Part {
            seconds: series.width().as_secs_f64() * each as f64,
            acknowledged: sum(|slot| slot.acknowledged),
            arrivals: sum(Slot::arrivals),
            answers: sum(|slot| slot.answers),
            latency,
        }
    });
    cut.collect()
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// How far numbers lie apart, whatever one or two odd ones do.
fn sigma(numbers: &[f64]) -> f64 {
    let Some(middle) = median(numbers.to_vec()) else { return 0.0 };
    let apart = numbers.iter().map(|number| (number - middle).abs()).collect();
    median(apart).unwrap_or_default() * SIGMA_PER_MAD
}

fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_unstable_by(f64::total_cmp);
    let (low, high) = (numbers.get(numbers.len().saturating_sub(1) / 2)?, numbers.get(numbers.len() / 2)?);
    Some(f64::midpoint(*low, *high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_show_noise_that_one_run_hides() {
        let run = |value| {
            let mut run = Figures::default();
            run.figures[Metric::P99.index()] = Some(Figure { value, sigma: 0.1 });
            run
        };
        let repeats = Figures::of_repeats(&[run(10.0), run(14.0), run(11.0)]).of(Metric::P99).unwrap();
        assert_eq!(repeats.value, 11.0);
        assert!((repeats.sigma - SIGMA_PER_MAD).abs() < 1e-9);
        let one = Figures::of_repeats(&[run(10.0)]).of(Metric::P99);
        assert_eq!(one, Some(Figure { value: 10.0, sigma: 0.1 }));
        assert_eq!(Figures::of_repeats(&[]).of(Metric::P99), None);
        assert_eq!(Figures::of_repeats(&[run(1.0), Figures::default()]).of(Metric::P99), None);
    }

    #[test]
    fn an_odd_number_does_not_move_the_deviation() {
        assert_eq!(sigma(&[]), 0.0);
        assert_eq!(sigma(&[5.0]), 0.0);
        let steady = sigma(&[99.0, 100.0, 101.0, 100.0, 99.0, 101.0]);
        let with_odd = sigma(&[99.0, 100.0, 101.0, 100.0, 99.0, 101.0, 5_000.0]);
        assert!(steady > 0.7 && (with_odd - steady).abs() < 1.0, "{steady} {with_odd}");
    }
}
