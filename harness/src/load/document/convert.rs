//! Between what was recorded and what is written.

use std::time::Duration;

use super::ReadError;
use super::format::{
    Connections, Distribution, Document, Example, Format, NotSent, Outcome, Search, Series, Settings, Slot,
    Step, Totals, Verdict,
};
use crate::load::rate::Rate;
use crate::load::record::{self, Class, Latencies, Precision, Recorder};
use crate::load::search::{self, Attempt, Bound, Purpose};
use crate::load::segment::Segment;
use crate::load::verdict::{Claim, Figures};

/// The most arrivals that a document may tell of: more than the fastest generator makes in the longest run, and few
/// enough that all segments can be added up.
const ARRIVALS_MAX: u128 = 1 << 45;

impl Document {
    /// The document of a run; `started` is RFC 3339.
    #[must_use]
    pub fn new(settings: Settings, segment: Segment, started: String, recorder: &Recorder) -> Self {
        let outcome = |(class, tally): (&Class, &record::Tally)| Outcome {
            class: class.to_string(),
            count: tally.count,
            example: tally
                .example
                .as_ref()
                .map(|example| Example { due_ns: nanos(example.due), text: example.text.clone() }),
        };
        let not_sent =
            |(why, count): (&record::NotSent, &u64)| NotSent { why: why.name().to_owned(), count: *count };
        let record::Connections { opened, resumed, reused } = recorder.connections;
        let series = &recorder.series;
        Self {
            format: Format::V1,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings,
            segments: vec![segment.to_string()],
            started,
            complete: true,
            totals: totals(recorder),
            outcomes: recorder.others.iter().map(outcome).collect(),
            not_sent: recorder.not_sent.iter().map(not_sent).collect(),
            connections: Connections { opened, resumed, reused },
            latency: distribution(&recorder.latency),
            service: distribution(&recorder.service),
            lateness: distribution(&recorder.lateness),
            series: Series {
                width_ms: millis(series.width()),
                slots: series.slots().iter().map(slot).collect(),
            },
            generator_ceiling_per_second: None,
            search: None,
            drain: None,
            verdicts: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds what was found by a search.
    #[must_use]
    pub fn with_search(mut self, search: &search::Search, limits: &search::Limits) -> Self {
        if let Some(finding) = search.finding() {
            self.search = Some(Search {
                accept: limits.accept.to_string(),
                p99_us: micros(limits.p99),
                max_per_second: finding.max.map(Rate::per_second),
                is_of_receiver: matches!(finding.bound, Bound::Receiver(_)),
                reason: finding.reason(),
                advised_per_second: finding.advised.map(Rate::per_second),
                margin: finding.margin(),
                steps: search.tried().iter().map(step).collect(),
            });
        }
        self
    }

    /// Adds judgements.
    #[must_use]
    pub fn with_verdicts(mut self, claims: &[Claim]) -> Self {
        self.verdicts.extend(claims.iter().map(|claim| Verdict {
            demanded: claim.demanded.clone(),
            found: claim.found.clone(),
            outcome: claim.outcome.name().to_owned(),
        }));
        self
    }

    /// What was recorded, exactly.
    ///
    /// # Errors
    /// When a field does not make sense, or the fields contradict each other.
    pub fn recorder(&self) -> Result<Recorder, ReadError> {
        let mut recorder = Recorder {
            latency: latencies("latency", &self.latency.histogram)?,
            service: latencies("service", &self.service.histogram)?,
            lateness: latencies("lateness", &self.lateness.histogram)?,
            acknowledged: self.totals.acknowledged,
            late: record::Late {
                by_generator: self.totals.late_by_generator,
                for_connection: self.totals.late_for_connection,
            },
            bunched: self.totals.bunched,
            connections: record::Connections {
                opened: self.connections.opened,
                resumed: self.connections.resumed,
                reused: self.connections.reused,
            },
            last_due: Duration::from_nanos(self.totals.last_due_ns),
            last_end: Duration::from_nanos(self.totals.last_end_ns),
            series: self.series()?,
            ..Recorder::default()
        };
        for outcome in &self.outcomes {
            let class = outcome.class.parse().map_err(|text| field("outcomes", text))?;
            let example = outcome.example.as_ref().map(|example| record::Example {
                due: Duration::from_nanos(example.due_ns),
                text: example.text.chars().take(record::EXAMPLE_MAX).collect(),
            });
            if class == Class::Acknowledged {
                return Err(field("outcomes", "`acknowledged` is not among the others"));
            }
            if recorder.others.insert(class, record::Tally { count: outcome.count, example }).is_some() {
                return Err(field("outcomes", format!("`{class}` stands twice")));
            }
        }
        for NotSent { why, count } in &self.not_sent {
            let known = record::NotSent::ALL.into_iter().find(|known| known.name() == why);
            let known = known.ok_or_else(|| field("not_sent", format!("`{why}` is no reason")))?;
            if recorder.not_sent.insert(known, *count).is_some() {
                return Err(field("not_sent", format!("`{why}` stands twice")));
            }
        }
        self.agrees(&recorder)?;
        Ok(recorder)
    }

    /// The figures by which this is compared with others.
    ///
    /// # Errors
    /// As [`Document::recorder`].
    pub fn figures(&self) -> Result<Figures, ReadError> {
        let figures = Figures::of_run(&self.recorder()?);
        Ok(match &self.search {
            None => figures,
            Some(found) => figures.with_max_rate(found.max_per_second, 1.0 / search::RESOLUTION as f64),
        })
    }

    fn series(&self) -> Result<record::Series, ReadError> {
        let sum = |slot: &Slot| -> u128 {
            [slot.acknowledged, slot.slowed, slot.failed, slot.not_sent, slot.answers]
                .map(u128::from)
                .iter()
                .sum()
        };
        if self.series.slots.iter().map(sum).sum::<u128>() > 2 * ARRIVALS_MAX {
            return Err(field("series", "it tells of more than any run can send"));
        }
        let slots = self.series.slots.iter().take(record::SLOTS_MAX + 1).map(|slot| {
            Ok(record::Slot {
                acknowledged: slot.acknowledged,
                slowed: slot.slowed,
                failed: slot.failed,
                not_sent: slot.not_sent,
                answers: slot.answers,
                latency: latencies("series", &slot.histogram)?,
            })
        });
        let slots = slots.collect::<Result<Vec<_>, ReadError>>()?;
        let width = Duration::from_millis(self.series.width_ms);
        let none = || field("series", "a width or a number of slots that no run has");
        record::Series::from_slots(width, slots).ok_or_else(none)
    }

    /// Whether the counts can be added up, and do.
    fn agrees(&self, recorder: &Recorder) -> Result<(), ReadError> {
        let others = recorder.others.values().map(|tally| u128::from(tally.count)).sum::<u128>();
        let not_sent = recorder.not_sent.values().map(|count| u128::from(*count)).sum::<u128>();
        let arrivals = u128::from(recorder.acknowledged) + others + not_sent;
        let connections = [self.connections.opened, self.connections.resumed, self.connections.reused];
        let greatest =
            connections.into_iter().chain([recorder.late.by_generator, recorder.late.for_connection]);
        if arrivals > ARRIVALS_MAX || greatest.map(u128::from).any(|count| count > ARRIVALS_MAX) {
            return Err(field("totals", "more than any run can send"));
        }
        let in_slots: u64 = recorder.series.slots().iter().map(record::Slot::arrivals).sum();
        let latencies = [recorder.latency.count(), recorder.service.count()];
        if u128::from(in_slots) != arrivals
            || latencies != [recorder.acknowledged; 2]
            || recorder.lateness.count() != recorder.sent()
            || recorder.bunched > recorder.slowed()
        {
            return Err(field("totals", "the counts of the document contradict each other"));
        }
        Ok(())
    }
}

fn field(field: &'static str, text: impl Into<String>) -> ReadError {
    ReadError::Field { field, text: text.into() }
}

fn latencies<P: Precision>(name: &'static str, text: &str) -> Result<Latencies<P>, ReadError> {
    Latencies::decode(text).map_err(|error| field(name, error.to_string()))
}

fn totals(recorder: &Recorder) -> Totals {
    let arrivals = recorder.arrivals();
    Totals {
        arrivals,
        sent: recorder.sent(),
        acknowledged: recorder.acknowledged,
        slowed: recorder.slowed(),
        failed: recorder.failed(),
        not_sent: arrivals - recorder.sent(),
        late_by_generator: recorder.late.by_generator,
        late_for_connection: recorder.late.for_connection,
        bunched: recorder.bunched,
        acceptance: (arrivals > 0).then(|| recorder.acknowledged as f64 / arrivals as f64),
        rate_per_second: recorder.rate(),
        last_due_ns: nanos(recorder.last_due),
        last_end_ns: nanos(recorder.last_end),
    }
}

fn distribution<P: Precision>(latencies: &Latencies<P>) -> Distribution {
    let quantile = |quantile| latencies.quantile(quantile).map(micros);
    Distribution {
        count: latencies.count(),
        min_us: latencies.min().map(micros),
        mean_us: latencies.mean().map(micros),
        p50_us: quantile(0.5),
        p90_us: quantile(0.9),
        p99_us: quantile(0.99),
        p999_us: quantile(0.999),
        max_us: latencies.max().map(micros),
        histogram: latencies.encode(),
    }
}

fn slot(slot: &record::Slot) -> Slot {
    Slot {
        acknowledged: slot.acknowledged,
        slowed: slot.slowed,
        failed: slot.failed,
        not_sent: slot.not_sent,
        answers: slot.answers,
        p50_us: slot.latency.quantile(0.5).map(micros),
        p99_us: slot.latency.quantile(0.99).map(micros),
        max_us: slot.latency.max().map(micros),
        histogram: slot.latency.encode(),
    }
}

fn step(tried: &search::Tried) -> Step {
    let search::Tried { step, result, broke } = tried;
    Step {
        rate_per_second: step.rate.per_second(),
        span_ms: millis(step.span),
        confirms: step.purpose == Purpose::Confirm,
        again: step.attempt == Attempt::Second,
        arrivals: result.arrivals,
        acknowledged: result.acknowledged,
        slowed: result.slowed,
        bunched: result.bunched,
        p99_us: result.p99.map(micros),
        drift: result.drift,
        late_by_generator: result.late_by_generator,
        broke: broke.map(|why| why.name().to_owned()),
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
