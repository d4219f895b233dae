//! What came of the arrivals, in memory that does not grow with their number.
//!
//! Every sender records into a [`Recorder`] of its own; [`Recorder::merge`] joins them exactly, be they of threads or
//! of machines: the result is what one recorder would hold that had seen everything.

mod class;
mod latencies;
mod series;

use std::collections::BTreeMap;
use std::time::Duration;

pub use class::{Class, NotSent};
pub use latencies::{Coarse, DecodeError, Fine, LONGEST, Latencies, Precision};
pub use series::{SLOT_WIDTH, SLOTS_MAX, Series, Slot};

/// A send is late when it starts more than this after it was due.
pub const LATE_AFTER: Duration = Duration::from_millis(10);

/// The longest example of an outcome that is kept, in characters.
pub const EXAMPLE_MAX: usize = 1_000;

/// With fewer slots than this, a rate is not read from them.
const RATE_SLOTS_MIN: usize = 5;

/// One request, from when it was due to its end; all times from the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When it was due.
    pub due: Duration,
    /// When the generator released it to be sent by the next free connection.
    pub released: Duration,
    /// When a connection began to send it, or to be made for it.
    pub started: Duration,
    /// When the whole response had come, or what else ended it.
    pub ended: Duration,
    /// Whether it went out closer to another than it was due.
    pub bunched: bool,
    /// What came of it.
    pub class: Class,
    /// Where it stands in time.
    pub filed: Filed,
}

/// Under which time a request is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filed {
    /// When it was due.
    Due,
    /// When it ended: all of a backlog that is released at once is due at the same time.
    Ended,
}

/// How often something happened, and the first example of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// The example of the earliest that was due.
    pub example: Option<Example>,
}

/// One occurrence, in words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Example {
    /// When it was due.
    pub due: Duration,
    /// What happened, without secrets.
    pub text: String,
}

/// Sends that started more than [`LATE_AFTER`] late, by whose doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Late {
    /// The generator did not release them in time: the machine it runs on is too slow, or busy.
    pub by_generator: u64,
    /// They were released in time, and no connection was free: the receiver, or too few connections.
    pub for_connection: u64,
}

/// Connections made and used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// Made, TLS included.
    pub opened: u64,
    /// Of these, with a TLS session resumed.
    pub resumed: u64,
    /// Requests that went over a connection that had carried one before.
    pub reused: u64,
}

/// All that is known of a run, or of one sender's share of it.
///
/// Latency runs from the moment a request was due, service from the moment it started, both to the end of the
/// acknowledgement; requests that were not acknowledged are in neither, or a fast refusal would flatter the receiver.
/// Lateness runs from due to started, of all requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorder {
    /// From due to the end of the acknowledgement.
    pub latency: Latencies<Fine>,
    /// From started to the end of the acknowledgement.
    pub service: Latencies<Fine>,
    /// From due to started, whatever came of it.
    pub lateness: Latencies<Fine>,
    /// Requests that were acknowledged.
    pub acknowledged: u64,
    /// All others that were sent, by what came of them; [`Class::Acknowledged`] is not among them.
    pub others: BTreeMap<Class, Tally>,
    /// Arrivals that no request was made of.
    pub not_sent: BTreeMap<NotSent, u64>,
    /// Requests that started late.
    pub late: Late,
    /// Requests to which the receiver answered that it wants fewer, and which had gone out closer to others than they
    /// were due: the generator's unevenness may be the reason.
    pub bunched: u64,
    /// Connections.
    pub connections: Connections,
    /// All of that over time.
    pub series: Series,
    /// When the last arrival was due.
    pub last_due: Duration,
    /// When the last response had come.
    pub last_end: Duration,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            latency: Latencies::new(),
            service: Latencies::new(),
            lateness: Latencies::new(),
            acknowledged: 0,
            others: BTreeMap::new(),
            not_sent: BTreeMap::new(),
            late: Late::default(),
            bunched: 0,
            connections: Connections::default(),
            series: Series::default(),
            last_due: Duration::ZERO,
            last_end: Duration::ZERO,
        }
    }
}

impl Recorder {
    /// Records a request that has ended. `describe` is asked for words only when it is the earliest due of its
    /// class so far; they must hold no secret.
    pub fn record(&mut self, sample: &Sample, describe: impl FnOnce() -> String) {
        let latency = sample.ended.saturating_sub(sample.due);
        let lateness = sample.started.saturating_sub(sample.due);
        self.lateness.record(lateness);
        if lateness > LATE_AFTER {
            if sample.released.saturating_sub(sample.due) > LATE_AFTER {
                self.late.by_generator += 1;
            } else {
                self.late.for_connection += 1;
            }
        }
        self.last_due = self.last_due.max(sample.due);
        self.last_end = self.last_end.max(sample.ended);
        let slot = self.series.at(match sample.filed {
            Filed::Due => sample.due,
            Filed::Ended => sample.ended,
        });
        match sample.class {
            Class::Acknowledged => {
                slot.acknowledged += 1;
                slot.latency.record(latency);
                self.series.at(sample.ended).answers += 1;
                self.acknowledged += 1;
                self.latency.record(latency);
                self.service.record(sample.ended.saturating_sub(sample.started));
            }
            class => {
                let counter = if class.asks_for_less() { &mut slot.slowed } else { &mut slot.failed };
                *counter += 1;
                self.bunched += u64::from(class.asks_for_less() && sample.bunched);
                let tally = self.others.entry(class).or_default();
                tally.count += 1;
                // Of one class, an earlier one may end later.
                if tally.example.as_ref().is_none_or(|example| example.due > sample.due) {
                    let text = describe().chars().take(EXAMPLE_MAX).collect();
                    tally.example = Some(Example { due: sample.due, text });
                }
            }
        }
    }

    /// Records an arrival that no request was made of.
    pub fn record_not_sent(&mut self, due: Duration, why: NotSent) {
        *self.not_sent.entry(why).or_default() += 1;
        self.series.at(due).not_sent += 1;
        self.last_due = self.last_due.max(due);
    }

    /// Adds what another recorder holds. The order of merging makes no difference.
    pub fn merge(&mut self, other: &Self) {
        self.latency.merge(&other.latency);
        self.service.merge(&other.service);
        self.lateness.merge(&other.lateness);
        self.acknowledged += other.acknowledged;
        for (class, theirs) in &other.others {
            let tally = self.others.entry(*class).or_default();
            tally.count += theirs.count;
            let both = tally.example.iter().chain(&theirs.example);
            tally.example = both.min().cloned();
        }
        for (why, count) in &other.not_sent {
            *self.not_sent.entry(*why).or_default() += count;
        }
        self.bunched += other.bunched;
        self.late.by_generator += other.late.by_generator;
        self.late.for_connection += other.late.for_connection;
        self.connections.opened += other.connections.opened;
        self.connections.resumed += other.connections.resumed;
        self.connections.reused += other.connections.reused;
        self.series.merge(&other.series);
        self.last_due = self.last_due.max(other.last_due);
        self.last_end = self.last_end.max(other.last_end);
    }

    /// Requests made.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.acknowledged + self.others.values().map(|tally| tally.count).sum::<u64>()
    }

    /// All that were due: sent or not.
    #[must_use]
    pub fn arrivals(&self) -> u64 {
        self.sent() + self.not_sent.values().sum::<u64>()
    }

    /// Requests to which the receiver answered that it wants fewer.
    #[must_use]
    pub fn slowed(&self) -> u64 {
        let slowed = self.others.iter().filter(|(class, _)| class.asks_for_less());
        slowed.map(|(_, tally)| tally.count).sum()
    }

    /// Requests that failed otherwise.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.sent() - self.acknowledged - self.slowed()
    }

    /// Acknowledgements a second, while arrivals were due: from the first answer on, and without those that came after
    /// the last arrival, so that neither the first wait nor one straggler counts. Told to about a slot's width.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let slots = &self.series.slots()[..self.series.whole(self.last_due)];
        let first = slots.iter().position(|slot| slot.answers > 0).unwrap_or(slots.len());
        let slots = &slots[first..];
        if slots.len() >= RATE_SLOTS_MIN {
            let answers: u64 = slots.iter().map(|slot| slot.answers).sum();
            return answers as f64 / (self.series.width().as_secs_f64() * slots.len() as f64);
        }
        // All was due at nearly the same time.
        let span = self.last_due.max(self.last_end).as_secs_f64();
        if span > 0.0 { self.acknowledged as f64 / span } else { 0.0 }
    }
}

#[cfg(test)]
mod tests;
