//! The types of `pns-report/1`. Their docstrings are the descriptions in the published schema.

use schemars::JsonSchema;
use serde::Serialize;

/// The report of one run of `pns`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The version of this format. Within one version, fields are only added.
    pub format: Format,
    /// Version of `pns`.
    pub version: String,
    /// What to give `--seed` to repeat the run.
    pub seed: u64,
    /// What was judged.
    pub target: Target,
    /// What `scenarios` are: scenario files, or property checks.
    pub subject: Subject,
    /// The least strength of a check that turns the run red: `must`, `should` or `advice`.
    pub fail_on: String,
    /// How PNS time moved: `virtual`, `real`, or a factor such as `60x`.
    pub clock: String,
    /// PNS time at the start of each scenario, RFC 3339.
    pub epoch: String,
    /// How the run ended.
    pub end: End,
    /// The exit code of the process.
    pub exit_code: u8,
    /// What weakens the verdicts.
    pub notes: Vec<Note>,
    /// Scenarios that the filters left out.
    pub filtered_out: usize,
    /// Counts over the run.
    pub totals: Totals,
    /// Wall time of the run in microseconds.
    pub wall_us: u64,
    /// PNS time of all scenarios together, in milliseconds.
    pub pns_time_ms: u64,
    /// The scenarios, in the order in which they began.
    pub scenarios: Vec<Scenario>,
}

/// Versions of this format.
#[derive(Debug, Serialize, JsonSchema)]
pub enum Format {
    /// The first.
    #[serde(rename = "pns-report/1")]
    V1,
}

/// What was judged.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Target {
    /// The receiver that `pns` brings along.
    Embedded,
    /// The receiver at this URL.
    Endpoint {
        /// As it was given.
        url: String,
    },
}

/// What a run is made of.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// Scenario files.
    Scenarios,
    /// Property checks: each is a scenario of its own, with the id `family/name`.
    Checks,
}

/// How the run ended.
#[derive(Debug, Serialize, JsonSchema)]
pub struct End {
    /// `complete`, `stopped-early`, `interrupted`, `unreachable` or `failed`.
    pub kind: EndKind,
    /// Scenarios that were selected and not run.
    pub not_run: usize,
    /// Why, where there is a reason.
    pub reason: Option<String>,
}

/// How the run ended.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EndKind {
    /// Everything selected was run.
    Complete,
    /// A limit on failures was reached.
    StoppedEarly,
    /// The user interrupted it.
    Interrupted,
    /// The target never came up.
    Unreachable,
    /// The harness failed.
    Failed,
}

/// A circumstance that weakens what the verdicts say.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Note {
    /// Which, kebab-case and stable.
    pub kind: String,
    /// In words.
    pub text: String,
}

/// Counts over the run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Totals {
    /// Scenarios by verdict.
    pub scenarios: Counts,
    /// Checks by verdict.
    pub checks: Counts,
    /// Attempts started.
    pub attempts: u64,
    /// Deliveries made.
    pub deliveries: u64,
}

/// Counts by verdict.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Counts {
    /// Held; expected failures among them.
    pub passed: u64,
    /// Did not hold; unexpected passes among them.
    pub failed: u64,
    /// Did not hold, and are not red in this run: advice, or below `--fail-on`.
    pub warned: u64,
    /// Did not apply.
    pub skipped: u64,
    /// Could not be decided.
    pub inconclusive: u64,
    /// The harness failed.
    pub errors: u64,
}

/// One scenario, or one property check.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Scenario {
    /// Unique in the run: `theme/name`, or `theme/name[row]`; `family/name` of a property check, which
    /// `pns explain` takes.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Where it stands; none where it is no file's.
    pub location: Option<Location>,
    /// The clause of the PNS page on which it rests.
    pub clause: String,
    /// `passed`, `failed`, `skipped`, `inconclusive`, `error`, `expected-failure`, `unexpected-pass`, or
    /// `unfinished` when the run ended first.
    pub verdict: String,
    /// Why, where there is a reason.
    pub reason: Option<String>,
    /// Whether it passed although something in it did not hold: advice, or what is below `fail_on`.
    pub warned: bool,
    /// Its checks, in order.
    pub checks: Vec<Check>,
    /// Remarks.
    pub notes: Vec<String>,
    /// PNS time that passed, in milliseconds.
    pub pns_time_ms: u64,
    /// Wall time that passed, in microseconds.
    pub wall_us: u64,
    /// Attempts started, and requests made outside the sender's schedule.
    pub attempts: u64,
    /// Deliveries made.
    pub deliveries: u64,
    /// Cases played: 1 for a scenario, as many as were drawn for a property check.
    pub cases: u64,
    /// How notifications were followed by pulls; none where there is no pull side.
    pub pulls: Option<Pulls>,
}

/// How the acknowledged notifications were followed by calls of the pull API.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Pulls {
    /// Those that lead to a call. Which call follows which event is inferred.
    pub leading: u64,
    /// Of these, those that were followed by that call, answered 200.
    pub pulled: u64,
    /// Calls beyond what the notifications explain.
    pub surplus: u64,
}

/// A place in a scenario file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Location {
    /// As it was given.
    pub file: String,
    /// From 1.
    pub line: u32,
}

/// One check.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Check {
    /// Which kind, stable: what `pns explain` takes.
    pub id: String,
    /// What it says, in words.
    pub title: String,
    /// The clause of the PNS page on which it rests.
    pub clause: String,
    /// `must`, `should` or `advice`. Broken advice does not turn a scenario red.
    pub strength: String,
    /// `passed`, `failed`, `warned` (did not hold, and is not red in this run), `skipped`, `inconclusive` or
    /// `error`.
    pub verdict: String,
    /// Why, where there is a reason.
    pub reason: Option<String>,
    /// Where the expectation stands; none for guarantees, which are always checked.
    pub location: Option<Location>,
    /// When it was decided: PNS time since the scenario's start, in milliseconds.
    pub pns_time_ms: u64,
    /// What went wrong, if anything did.
    pub failure: Option<Failure>,
}

/// What went wrong.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Failure {
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// What it means, and how a receiver is mended.
    pub explanation: String,
    /// The deliveries concerned.
    pub deliveries: Vec<Delivery>,
    /// Deliveries concerned beyond those listed.
    pub deliveries_left_out: usize,
    /// A curl command that sends the same notification.
    pub curl: Option<String>,
    /// The command that repeats the scenario with its seed.
    pub repeat: String,
    /// Requests made outside the sender's schedule, in order, the telling one last.
    pub exchanges: Vec<Exchange>,
    /// Whether it happened again when it was tried again; none: it was not tried.
    pub reproduced: Option<Reproduced>,
    /// The smallest scenario file that shows it, for a property check.
    pub scenario: Option<ScenarioText>,
}

/// One request made by bytes, and what came back.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Exchange {
    /// Which it is.
    pub label: String,
    /// What was sent, made printable and cut.
    pub request: String,
    /// What came back, likewise; none: nothing.
    pub response: Option<String>,
    /// How it ended, in words.
    pub outcome: String,
    /// Whether that is what was wanted.
    pub fits: bool,
    /// What it went over, in words.
    pub connection: String,
    /// From the request's last byte to the end of the answer, in microseconds of real time.
    pub latency_us: Option<u64>,
}

/// How often a failure came again when it was tried again.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reproduced {
    /// Times that it failed, the first time among them.
    pub failed: u32,
    /// Times that it was tried. As many as it failed: it is reproducible; more: it is flaky.
    pub tried: u32,
}

/// A scenario file that shows a failure.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ScenarioText {
    /// The file's text, which `pns run` and `pns replay` take.
    pub text: String,
    /// Where it was saved, if it was.
    pub saved: Option<String>,
    /// How many simpler cases were tried to find it; 0: it was not shrunk.
    pub shrunk_by: u64,
}

/// One delivery.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Delivery {
    /// Its name in the simulator, as `d7`.
    pub id: String,
    /// The name under which the scenario saved its notification.
    pub name: Option<String>,
    /// As `RFP_SEND`.
    pub event_type: String,
    /// The notification's id in its body.
    pub event_id: Option<String>,
    /// The subscription's name.
    pub subscription: String,
    /// When the notification was published: PNS time since the scenario's start, in milliseconds.
    pub published_ms: u64,
    /// `delivered`, `pending` or `abandoned`.
    pub state: String,
    /// When it was delivered or given up: PNS time since the scenario's start, in milliseconds.
    pub ended_ms: Option<u64>,
    /// Its attempts, in order.
    pub attempts: Vec<Attempt>,
    /// Attempts beyond those listed.
    pub attempts_left_out: usize,
}

/// One attempt.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Attempt {
    /// 1, 2, …
    pub number: u32,
    /// PNS time at its start, RFC 3339.
    pub at: String,
    /// The same since the scenario's start, in milliseconds.
    pub offset_ms: u64,
    /// Whether it was acknowledged.
    pub acknowledged: bool,
    /// What came of it, kebab-case and stable: `acknowledged`, `status`, `refused` …
    pub reason: String,
    /// The same in words.
    pub outcome: String,
    /// The status that came back.
    pub status: Option<u16>,
    /// How long the receiver took, in microseconds of real time.
    pub latency_us: Option<u64>,
    /// What made it start later than due.
    pub deferrals: Vec<String>,
    /// What was done wrong on purpose.
    pub fault: Option<String>,
    /// What the receiver answered.
    pub response: Option<Response>,
    /// The underlying error's own words.
    pub detail: Option<String>,
}

/// The beginning of a receiver's answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Response {
    /// Status line and headers.
    pub head: String,
    /// The body's beginning.
    pub body: String,
    /// Whether the body goes on.
    pub truncated: bool,
}
