//! What a load run is asked to do: plain data, resolved from flags, environment and `pns.toml` by [`crate::cli`].

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pns_engine::Timestamp;

use super::document::format;
use super::mix::Plan;
use super::rate::Rate;
use super::search::SearchSettings;
use super::segment::Segment;
use super::shape::Schedule;
use super::verdict::{Rule, Thresholds};
use crate::settings::{Connection, HttpVersion};

/// Everything that affects the figures of `pns load`.
#[derive(Clone, Debug)]
pub struct LoadSettings {
    /// How the receiver is reached.
    pub connection: Connection,
    /// How connections are used.
    pub connections: Connections,
    /// How arrivals come about.
    pub model: Model,
    /// What each arrival is.
    pub plan: Plan,
    /// Which of the arrivals are sent by this process.
    pub segment: Segment,
    /// When the run begins; `None`: at once.
    pub start_at: Option<Timestamp>,
    /// Places everything that is drawn.
    pub seed: u64,
    /// A folder with a user's own schema pack; `None`: the default pack.
    pub schema_pack: Option<PathBuf>,
    /// What the run must reach.
    pub thresholds: Thresholds,
    /// Which changes from a baseline fail it.
    pub rules: Vec<Rule>,
}

/// How arrivals come about.
#[derive(Clone, Debug)]
pub enum Model {
    /// At times fixed before the run, whatever the receiver does.
    Open(Open),
    /// Each connection sends as soon as it has its answer; for comparison with tools that do so.
    Closed {
        /// For how long.
        span: Duration,
    },
    /// At rising rates, to find the highest that holds.
    FindMax(SearchSettings),
    /// Held for a downtime, and then released all at once, or under a limit.
    Drain {
        /// How many.
        held: NonZeroU64,
        /// The limit.
        limit: Option<Rate>,
    },
}

/// The open model: the due times, and the words by which they were asked for.
#[derive(Clone, Debug)]
pub struct Open {
    /// The due times.
    pub schedule: Arc<Schedule>,
    /// The shape as it was written.
    pub shape: String,
    /// The rate as it was written; of a trace, none.
    pub rate: Option<Rate>,
}

/// How connections are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// The most at the same time.
    pub most: NonZeroUsize,
    /// What becomes of one after its answer.
    pub after_answer: AfterAnswer,
    /// Whether TLS sessions are resumed.
    pub resumption: Resumption,
    /// How many arrivals may wait for a free connection; what exceeds it is not sent.
    pub backlog: NonZeroUsize,
}

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterAnswer {
    /// It carries the next request, as far as the receiver allows.
    Kept,
    /// It is closed.
    Closed,
}

/// Whether TLS sessions are resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// They are, where the receiver offers it.
    Resumed,
    /// Each connection makes a whole handshake.
    Whole,
}

impl LoadSettings {
    /// The settings as a document tells them, without secrets; `pack` is the schema pack's name.
    #[must_use]
    pub fn told(&self, pack: &str) -> format::Settings {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let (model, shape, rate, span) = match &self.model {
            Model::Open(open) => {
                (format::Model::Open, Some(open.shape.clone()), open.rate, open.schedule.span())
            }
            Model::Closed { span } => (format::Model::Closed, None, None, *span),
            Model::FindMax(search) => (format::Model::FindMax, None, None, search.span),
            Model::Drain { limit, .. } => (format::Model::Drain, None, *limit, Duration::ZERO),
        };
        format::Settings {
            // An endpoint shows its query as `?…`.
            target: self.connection.target.as_ref().map(ToString::to_string),
            model,
            shape,
            rate: rate.map(|rate| rate.to_string()),
            span_ms: millis(span),
            mix: self.plan.mix().to_string(),
            redelivered: self.plan.redelivered().to_string(),
            connections: self.connections.most.get() as u64,
            keep_alive: self.connections.after_answer == AfterAnswer::Kept,
            tls_resumption: self.connections.resumption == Resumption::Resumed,
            http: match self.connection.http_version {
                HttpVersion::Http1 => "1.1",
                HttpVersion::Http2IfOffered => "2",
            }
            .to_owned(),
            seed: self.seed,
            schema_pack: pack.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::shape::Shape;
    use crate::settings::{PlainHttp, Trust};

    #[test]
    fn settings_are_told_as_they_were_written_and_without_secrets() {
        let rate: Rate = "2000/s".parse().unwrap();
        let schedule = Schedule::new(Shape::Constant(rate), Duration::from_secs(10)).unwrap();
        let settings = LoadSettings {
            connection: Connection {
                target: Some("https://build.example/pns?token=s3cret".parse().unwrap()),
                api_key: None,
                api_key_file: None,
                trust: Trust::Platform,
                plain_http: PlainHttp::Refused,
                http_version: HttpVersion::Http1,
                resolve: Vec::new(),
                headers: Vec::new(),
                connect_timeout: Connection::CONNECT_TIMEOUT,
                ack_timeout: Connection::ACK_TIMEOUT,
            },
            connections: Connections {
                most: NonZeroUsize::MIN,
                after_answer: AfterAnswer::Kept,
                resumption: Resumption::Whole,
                backlog: NonZeroUsize::MIN,
            },
            model: Model::Open(Open {
                schedule: Arc::new(schedule),
                shape: "constant".to_owned(),
                rate: Some(rate),
            }),
            plan: Plan::new("RFP_SEND=2".parse().unwrap(), "2%".parse().unwrap()).unwrap(),
            segment: Segment::WHOLE,
            start_at: None,
            seed: 7,
            schema_pack: None,
            thresholds: Thresholds::default(),
            rules: Vec::new(),
        };
        let told = settings.told("cvent-2016-11");
        assert_eq!(told.target.as_deref(), Some("https://build.example/pns?…"));
        assert_eq!((told.shape.as_deref(), told.rate.as_deref()), (Some("constant"), Some("2000/s")));
        assert_eq!((told.mix.as_str(), told.redelivered.as_str()), ("RFP_SEND=2", "2%"));
        assert_eq!((told.span_ms, told.keep_alive, told.tls_resumption), (10_000, true, false));
    }
}
