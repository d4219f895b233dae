//! The types of `pns-load/1`. Their docstrings are the descriptions in the published schema.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The result of one run of `pns load`, or of several merged.
///
/// Histograms are HdrHistogram's V2 encoding (not compressed) in Base64, of microseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// The version of this format. Within one version, fields are only added.
    pub format: Format,
    /// Version of `pns`.
    pub version: String,
    /// What was asked for.
    pub settings: Settings,
    /// The segments of the run that are in here, such as `2/5`; a run on one machine is `1/1`.
    pub segments: Vec<String>,
    /// When the run began, RFC 3339.
    pub started: String,
    /// Whether the run came to its end.
    pub complete: bool,
    /// Counts over the run. Of a search: over the run that confirmed the maximum, as is all else outside `search`.
    pub totals: Totals,
    /// Requests that were not acknowledged, by what came of them.
    pub outcomes: Vec<Outcome>,
    /// Arrivals that no request was made of, by reason.
    pub not_sent: Vec<NotSent>,
    /// Connections.
    pub connections: Connections,
    /// From when a request was due to the end of its acknowledgement; of the acknowledged.
    pub latency: Distribution,
    /// From when a request started to the end of its acknowledgement; of the acknowledged.
    pub service: Distribution,
    /// From when a request was due to when it started; of all that were sent.
    pub lateness: Distribution,
    /// All of that over time.
    pub series: Series,
    /// How many requests a second the generator makes against a receiver that does nothing, where that was measured.
    pub generator_ceiling_per_second: Option<f64>,
    /// The search for the highest rate, where there was one.
    pub search: Option<Search>,
    /// The release of held notifications, where there was one.
    pub drain: Option<Drain>,
    /// What was demanded, and whether it held.
    pub verdicts: Vec<Verdict>,
    /// What weakens the figures, in words.
    pub notes: Vec<String>,
}

/// Versions of this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Format {
    /// The first.
    #[serde(rename = "pns-load/1")]
    V1,
}

/// What was asked for. All that affects the figures; the API key does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    /// The receiver's address; `None`: the embedded receiver.
    pub target: Option<String>,
    /// How arrivals come about.
    pub model: Model,
    /// The shape of the rate over time as the command line writes it, such as `constant`.
    pub shape: Option<String>,
    /// The rate as the command line writes it, such as `2000/s`.
    pub rate: Option<String>,
    /// How long the run lasts, in milliseconds; of a search, each step.
    pub span_ms: u64,
    /// The mix of event types.
    pub mix: String,
    /// The share of arrivals that repeat an earlier notification, such as `2%`.
    pub redelivered: String,
    /// The most connections at the same time.
    pub connections: u64,
    /// Whether connections are kept for further requests.
    pub keep_alive: bool,
    /// Whether TLS sessions are resumed.
    pub tls_resumption: bool,
    /// The version of HTTP that is offered: `1.1` or `2`.
    pub http: String,
    /// Places everything that is drawn.
    pub seed: u64,
    /// The schema pack that the bodies are made from.
    pub schema_pack: String,
}

/// How arrivals come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// At times fixed before the run, whatever the receiver does: what a sender such as Cvent does.
    Open,
    /// Each connection sends when it has its answer. A stalled receiver is sent less, and latencies look better than
    /// a real sender would find them: for comparison with other tools only.
    Closed,
    /// At rising rates, to find the highest that holds.
    FindMax,
    /// Held for a downtime, and then released.
    Drain,
}

/// Counts over the run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// All that were due.
    pub arrivals: u64,
    /// Requests made.
    pub sent: u64,
    /// Requests acknowledged.
    pub acknowledged: u64,
    /// Requests that the receiver answered with "slow down": 429, or 503 with `Retry-After`.
    pub slowed: u64,
    /// Requests that failed otherwise.
    pub failed: u64,
    /// Arrivals that no request was made of.
    pub not_sent: u64,
    /// Sends that started more than 10 ms late because the generator did not release them in time.
    pub late_by_generator: u64,
    /// Sends that started more than 10 ms late because no connection was free.
    pub late_for_connection: u64,
    /// Of the slowed, those that went out closer to others than they were due.
    pub bunched: u64,
    /// `acknowledged` of `arrivals`, from 0 to 1; `null` of none.
    pub acceptance: Option<f64>,
    /// Acknowledgements a second.
    pub rate_per_second: f64,
    /// When the last arrival was due, in nanoseconds from the start.
    pub last_due_ns: u64,
    /// When the last response had come, in nanoseconds from the start.
    pub last_end_ns: u64,
}

/// A class of requests that were not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// `slow-down-429`, `status-500`, `reset` …
    pub class: String,
    /// How many.
    pub count: u64,
    /// The earliest of them.
    pub example: Option<Example>,
}

/// One occurrence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Example {
    /// When it was due, in nanoseconds from the start.
    pub due_ns: u64,
    /// What happened.
    pub text: String,
}

/// Arrivals that no request was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotSent {
    /// `backlog-full`, `run-ended`.
    pub why: String,
    /// How many.
    pub count: u64,
}

/// Connections made and used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Connections {
    /// Made, TLS included.
    pub opened: u64,
    /// Of these, with a TLS session resumed.
    pub resumed: u64,
    /// Requests over a connection that had carried one before.
    pub reused: u64,
}

/// A distribution of spans. The figures are read from the histogram, and there for convenience.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Distribution {
    /// How many.
    pub count: u64,
    /// The shortest, in microseconds.
    pub min_us: Option<u64>,
    /// The mean.
    pub mean_us: Option<u64>,
    /// What half stay below.
    pub p50_us: Option<u64>,
    /// What 90 % stay below.
    pub p90_us: Option<u64>,
    /// What 99 % stay below.
    pub p99_us: Option<u64>,
    /// What 99.9 % stay below.
    pub p999_us: Option<u64>,
    /// The longest.
    pub max_us: Option<u64>,
    /// The histogram, to three significant digits.
    pub histogram: String,
}

/// A run over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// How wide each slot is, in milliseconds.
    pub width_ms: u64,
    /// The slots, from the start of the run; at most 600.
    pub slots: Vec<Slot>,
}

/// What was due in a slot of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Slot {
    /// Due in this slot, and acknowledged at some time.
    pub acknowledged: u64,
    /// Due in this slot, and answered by "slow down".
    pub slowed: u64,
    /// Due in this slot, and failed otherwise.
    pub failed: u64,
    /// Due in this slot, and not sent.
    pub not_sent: u64,
    /// Acknowledgements that came in this slot, whenever they were due.
    pub answers: u64,
    /// The latency that half of those due in this slot stayed below.
    pub p50_us: Option<u64>,
    /// 99 %.
    pub p99_us: Option<u64>,
    /// The longest.
    pub max_us: Option<u64>,
    /// Their histogram, to two significant digits.
    pub histogram: String,
}

/// The search for the highest rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Search {
    /// The share of arrivals that must be acknowledged, such as `99.9%`.
    pub accept: String,
    /// The latency that 99 % must stay below, in microseconds.
    pub p99_us: u64,
    /// The highest rate that held and was confirmed; `null`: not even the lowest did.
    pub max_per_second: Option<f64>,
    /// Whether the maximum is the receiver's. If not, the receiver takes this or more, and the generator was the limit.
    pub is_of_receiver: bool,
    /// Why not more.
    pub reason: String,
    /// The limit to ask Cvent for.
    pub advised_per_second: Option<f64>,
    /// Why it is less than the maximum.
    pub margin: String,
    /// What was tried, in order.
    pub steps: Vec<Step>,
}

/// A rate that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// The rate.
    pub rate_per_second: f64,
    /// For how long, in milliseconds.
    pub span_ms: u64,
    /// Whether it was a longer run to confirm what had been found.
    pub confirms: bool,
    /// Whether it was the second attempt, after one that broke.
    pub again: bool,
    /// What was due.
    pub arrivals: u64,
    /// What was acknowledged of it.
    pub acknowledged: u64,
    /// To what the receiver answered "slow down".
    pub slowed: u64,
    /// Of the slowed, those that went out closer to others than they were due: not counted against the receiver.
    pub bunched: u64,
    /// The latency that 99 % stayed below.
    pub p99_us: Option<u64>,
    /// By how many seconds the median latency grew in a second, at the least; `null`: too short to say.
    pub drift: Option<f64>,
    /// Sends that were late by the generator's doing.
    pub late_by_generator: u64,
    /// Why it did not hold: `slow-down`, `acceptance`, `p99`, `falls-behind` or `generator`; `null`: it held.
    pub broke: Option<String>,
}

/// The release of held notifications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drain {
    /// How many were held.
    pub held: u64,
    /// From their release until the last was acknowledged, in microseconds; `null`: not all were.
    pub caught_up_us: Option<u64>,
    /// The rate limit that they were released under, such as `500/s`.
    pub rate_limit: Option<String>,
    /// Whether the receiver saw no more than that; `null`: there was no limit, or it could not be seen.
    pub rate_limit_held: Option<bool>,
}

/// Something that was demanded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// What: `p99 ≤ 1s`.
    pub demanded: String,
    /// What was found.
    pub found: String,
    /// `held`, `held-within-noise`, `broke` or `unknown`.
    pub outcome: String,
}
