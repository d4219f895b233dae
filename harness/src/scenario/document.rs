//! The keys of a scenario file: from these types come both the published JSON Schema and the keys that the
//! check accepts. No value of them is ever made; [`super::model`] holds what was read.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// The keys that a map of a scenario file may have.
pub trait Keys {
    /// Their names as written.
    const KEYS: &'static [&'static str];
}

macro_rules! map {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(Debug, JsonSchema)]
        #[serde(deny_unknown_fields)]
        $(#[$doc])*
        pub struct $name { $($(#[$field_doc])* pub $field: Option<$type>,)* }

        impl Keys for $name {
            const KEYS: &'static [&'static str] = &[$(plain(stringify!($field))),*];
        }
    };
}

/// `r#for` is `for` in the file.
const fn plain(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

macro_rules! scalar {
    ($(#[$doc:meta])* $name:ident, $schema:tt) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

mod expect;
mod request;
mod step;

pub use expect::*;
pub use request::*;
pub use step::*;

scalar!(
    /// A span of time.
    Span,
    { "type": "string", "pattern": r"^[0-9]+(ms|s|m|h|d)( ?[0-9]+(ms|s|m|h|d))*$|\{\{", "description": "A span with units: 250ms, 10s, 1h30m, 3d." }
);
scalar!(
    /// A rate.
    Rate,
    { "type": "string", "pattern": r"^[0-9]+ */ *([0-9]+)?[a-z0-9]+$|\{\{", "description": "A count and a time: 10/s, 100/m, 3/10s." }
);
scalar!(
    /// A number or a variable.
    Count,
    { "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": r"^\{\{.*\}\}$" }] }
);
scalar!(
    /// A number of attempts, `true` beside a span, or a variable.
    Times,
    { "anyOf": [{ "type": "integer", "minimum": 1 }, { "const": true }, { "type": "string", "pattern": r"^\{\{.*\}\}$" }] }
);
scalar!(
    /// A boolean or a variable.
    Flag,
    { "anyOf": [{ "type": "boolean" }, { "type": "string", "pattern": r"^\{\{.*\}\}$" }] }
);
scalar!(
    /// An HTTP status or a range of them.
    Status,
    { "anyOf": [{ "type": "integer", "minimum": 100, "maximum": 599 }, { "type": "string", "pattern": r"^[0-9]{3}( *- *[0-9]{3})?$|\{\{" }] }
);
scalar!(
    /// A percentage.
    Percent,
    { "type": "string", "pattern": r"^[0-9]+%$|\{\{", "description": "A percentage: 10%." }
);
scalar!(
    /// A factor of at least 1.
    Factor,
    { "anyOf": [{ "type": "number", "minimum": 1 }, { "type": "string", "pattern": r"^\{\{.*\}\}$" }] }
);
scalar!(
    /// The beginning of a window.
    WindowStart,
    { "type": "string", "pattern": r"^now$|^in .+$|^.+ ago$|\{\{", "description": "now, in 10m, or 30m ago." }
);
scalar!(
    /// Any value.
    Any,
    true
);
scalar!(
    /// Names and values.
    Values,
    { "type": "object" }
);
scalar!(
    /// Names and texts.
    Texts,
    { "type": "object", "additionalProperties": { "type": "string" } }
);

/// An event type, as `RFP_SEND`.
#[derive(Debug)]
pub struct EventName;

impl JsonSchema for EventName {
    fn schema_name() -> Cow<'static, str> {
        "EventName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = pns_engine::EventType::ALL.iter().map(|event| event.wire_name()).collect();
        json_schema!({ "anyOf": [{ "enum": names }, { "type": "string", "pattern": r"\{\{|^RESPONSESUBMIT" }] })
    }
}

/// A list of something or one of it.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// One.
    One(T),
    /// Many.
    Many(Vec<T>),
}

/// A word or something else.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub enum WordOr<T> {
    /// A word of a few, or a variable.
    Word(String),
    /// Something else.
    Other(T),
}

/// A count or a map that holds it.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub enum CountOr<T> {
    /// The count.
    Count(Times),
    /// The map.
    Map(T),
}

map! {
    /// A scenario of pns.
    Scenario {
        /// The title. Required.
        scenario: String,
        /// Which statement of the PNS page it rests on. Required.
        clause: String,
        /// Why it matters, for a newcomer.
        why: String,
        /// Labels to select by.
        tags: OneOrMany<String>,
        /// What must be there, else the scenario is skipped: embedded, probe, api_key, https_only, pull.
        requires: OneOrMany<String>,
        /// Under which circumstances it applies.
        when: When,
        /// The schema pack: cvent-2016-11 (default) or cvent-2015.
        pack: String,
        /// Other files, relative to this one, whose variables and steps come first.
        include: OneOrMany<String>,
        /// Variables.
        vars: Values,
        /// Rows of variables; the scenario is run once for each.
        each: Each,
        /// The subscription.
        subscription: Subscription,
        /// Several subscriptions by name.
        subscriptions: std::collections::BTreeMap<String, Subscription>,
        /// How the embedded receiver behaves.
        receiver: Receiver,
        /// What is done, in order. Required.
        steps: Vec<Step>,
        /// What is done at the end, also after a failure.
        finally: Vec<Step>,
        /// What must hold.
        expect: OneOrMany<Expectation>,
        /// The scenario is expected to fail, for this reason.
        expect_fail: String,
        /// When to give up.
        limits: Limits,
    }
}

map! {
    /// A file to be included: variables and steps.
    Fragment {
        /// What it is for. Required.
        fragment: String,
        /// Other fragments.
        include: OneOrMany<String>,
        /// Variables.
        vars: Values,
        /// Steps, put before those of the file that includes this one.
        steps: Vec<Step>,
    }
}

/// Rows of variables.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub enum Each {
    /// The rows.
    Rows(Vec<Values>),
    /// `{ NAME: all-event-types }`: 33 rows.
    AllEventTypes(Texts),
}

map! {
    /// Circumstances.
    When {
        /// Whether the embedded receiver is the target.
        embedded: Flag,
        /// Whether the target offers a probe.
        probe: Flag,
        /// Whether an API key is configured.
        api_key: Flag,
        /// Whether a pull API runs beside the run.
        pull: Flag,
        /// Constant variables and the value (or values) each must have.
        vars: Values,
    }
}

map! {
    /// A subscription.
    Subscription {
        /// Event types, `all`, or `default` (RFP_SEND and RFP_FORWARD). Default: `default`.
        events: OneOrMany<EventsWord>,
        /// Supplier UUIDs, or `all`. Default: `all`.
        suppliers: OneOrMany<String>,
        /// `once` or `per-supplier`. Default: `once`.
        supplierless: String,
        /// The intervals between attempts.
        retry: Retry,
        /// `ignored` or `honoured`. Default: `ignored`.
        retry_after: String,
        /// Gives up after so many attempts. Default: never.
        attempt_cap: Count,
        /// Which statuses acknowledge. Default: 200-299.
        acknowledge: OneOrMany<Status>,
        /// How long to wait for an answer.
        ack_timeout: Span,
        /// How long to wait for a connection.
        connect_timeout: Span,
        /// How fast attempts may start, or `none`. Default: `none`.
        rate_limit: WordOr<RateLimit>,
        /// How many attempts may be in flight. Default: 4.
        concurrency: Count,
        /// `delays-only-itself` or `holds-back-others`. Default: `delays-only-itself`.
        failing_delivery: String,
        /// `target`, `none` or `{ key: TEXT }`. Default: `target`.
        auth: WordOr<Key>,
        /// Another endpoint than the target.
        endpoint: String,
        /// Appended to the target's path.
        path: String,
    }
}

scalar!(
    /// An event type, `all` or `default`.
    EventsWord,
    { "type": "string" }
);

map! {
    /// A key.
    Key {
        /// The key.
        key: String,
    }
}

map! {
    /// The intervals between attempts.
    Retry {
        /// The first. Default: 30s.
        first: Span,
        /// What multiplies it after each failure. Default: 2.
        factor: Factor,
        /// The longest. Default: 4h.
        max: Span,
        /// By how much each may be lengthened at random. Default: 0%.
        jitter: Percent,
    }
}

map! {
    /// A rate limit.
    RateLimit {
        /// The rate. Required.
        rate: Rate,
        /// How many may start at once. Default: 1.
        burst: Count,
    }
}

map! {
    /// The embedded receiver.
    Receiver {
        /// Reactions to the first requests, one each.
        script: Vec<Reaction>,
        /// The reaction to all further requests. Default: correct.
        then: Reaction,
        /// The key it demands, or `none`: it looks at no header. Default: the run's.
        api_key: String,
        /// Its TLS.
        tls: ReceiverTls,
        /// The rate beyond which it answers 429.
        rate_limit: RateLimit,
        /// always, never, twice or before_acknowledging. Default: always where a pull API runs.
        pulls: String,
        /// Whether it turns down each RFP that reaches it, by the pull API. Default: false.
        turns_down: Flag,
    }
}

map! {
    /// TLS of the embedded receiver.
    ReceiverTls {
        /// good, expired, not-yet-valid, wrong-host or unknown-issuer. Default: good.
        certificate: String,
        /// both, tls12 or tls13. Default: both.
        versions: String,
        /// Whether it demands a client certificate. Default: false.
        demand_client_certificate: Flag,
    }
}

/// What the embedded receiver does with a request: a status, a word or a map.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub enum Reaction {
    /// Answers with it.
    Status(Status),
    /// correct, hang, hang_before_reading, reset, close, malformed, cut_response, process_then_reset, process_then_hang.
    Word(String),
    /// With details.
    Map(Box<ReactionMap>),
}

map! {
    /// A reaction with details.
    ReactionMap {
        /// Answers with this status.
        status: Status,
        /// With `status`: the Retry-After header.
        retry_after: Span,
        /// With `status`: the body.
        body: String,
        /// With `status`: more headers.
        headers: Texts,
        /// Waits for this real time first.
        delay: Span,
        /// With `delay`: what comes after it. Default: correct.
        then: Box<Reaction>,
        /// Answers 307 to this location.
        redirect: String,
        /// The first so many requests of each notification get `with`.
        fail_first: Count,
        /// With `fail_first`. Default: 503.
        with: Box<Reaction>,
    }
}

map! {
    /// When to give up.
    Limits {
        /// PNS time. Default: 30d.
        pns_time: Span,
        /// Attempts. Default: 10000.
        attempts: Count,
        /// Wall time. Default: 60s.
        wall: Span,
    }
}

/// A file: a scenario or a fragment.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
#[schemars(title = "pns scenario file")]
pub enum File {
    /// A scenario.
    Scenario(Box<Scenario>),
    /// A fragment.
    Fragment(Box<Fragment>),
}

/// The JSON Schema of scenario files, for editors.
#[must_use]
pub fn json_schema() -> Schema {
    schemars::schema_for!(File)
}
