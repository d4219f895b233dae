//! From arguments, environment and `pns.toml` to what a load run is asked to do.

use std::fs::File;
use std::io::BufReader;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use pns_engine::{EventTypeSet, Timestamp};

use super::super::Failure;
use super::super::args::span;
use super::super::config::Config;
use super::super::run::new_seed;
use super::super::values::{from_one, instant, timeout};
use super::judge::{Judge, value};
use crate::load::search::{Limits, SearchSettings};
use crate::load::settings::{AfterAnswer, Connections, Model, Open, Resumption};
use crate::load::{LoadSettings, Mix, Plan, Rate, Schedule, Segment, Shape, Share};
use crate::settings::Connection;

/// The rate where none is named: low enough for any receiver. Of a search, where it begins.
const RATE: &str = "100/s";
/// How long a run lasts where nothing is said.
const DURATION: Duration = Duration::from_secs(10);
/// How long a search tries each rate: long enough to see a receiver fall behind.
const STEP: Duration = Duration::from_secs(5);
/// How much longer the rate that was found is confirmed.
const CONFIRM: u32 = 3;
/// Enough that waiting for answers does not bound the rate: at 30 ms an answer, 64 connections carry 2,000 a second.
const CONNECTIONS: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");
/// How many may wait for a connection: some seconds of the fastest rates.
const BACKLOG: NonZeroUsize = NonZeroUsize::new(100_000).expect("not zero");
/// What makes a rate hold, unless told otherwise.
const ACCEPT: &str = "99.9%";
const P99: Duration = Duration::from_secs(1);

/// What is sent, and when.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Load")]
pub(super) struct LoadArgs {
    /// How many a second: `200/s`, `3/10s`; of --find-max, where it begins; of --drain, the limit [default: 100/s; of
    /// --drain, none]
    #[arg(long, value_name = "RATE", env = "PNS_LOAD_RATE")]
    rate: Option<Rate>,
    /// For how long; of --find-max, how long each rate is tried [default: 10s; of --find-max, 5s]
    #[arg(long, value_name = "SPAN", env = "PNS_LOAD_DURATION", value_parser = timeout)]
    duration: Option<Duration>,
    /// How the rate changes: `constant`, `ramp:from=10/s`, `burst:size=500,every=10s`, `sine:amplitude=50/s,period=1m`,
    /// `trace:FILE` with a time on each line [default: constant]
    #[arg(long, value_name = "SHAPE", env = "PNS_LOAD_SHAPE")]
    shape: Option<String>,
    /// Which event types: `equal`, `lifecycle`, or weights such as `RFP_SEND=60,PLANNER_CANCEL=5` [default: equal]
    #[arg(long, value_name = "MIX", env = "PNS_LOAD_MIX")]
    mix: Option<Mix>,
    /// The share that repeats an earlier notification, as after a lost acknowledgement [default: 0%]
    #[arg(long, value_name = "SHARE", env = "PNS_LOAD_REDELIVER")]
    redeliver: Option<Share>,
    /// Find the highest rate that holds, and the limit to ask Cvent for
    #[arg(long, env = "PNS_LOAD_FIND_MAX", value_parser = BoolishValueParser::new())]
    find_max: bool,
    /// Hold so many notifications as in a downtime, release them, and measure the time to catch up
    #[arg(long, value_name = "NUMBER", env = "PNS_LOAD_DRAIN", value_parser = from_one::<NonZeroU64>)]
    drain: Option<NonZeroU64>,
    /// Closed loop: each connection sends when it has its answer. Hides stalls; for comparison with other tools only
    #[arg(long, env = "PNS_LOAD_CLOSED", value_parser = BoolishValueParser::new())]
    closed: bool,
    /// Places everything that is drawn [default: a new one, printed]
    #[arg(long, value_name = "NUMBER", env = "PNS_SEED")]
    seed: Option<u64>,
    /// A folder with your own schema pack, for instance from Cvent's download
    #[arg(long, value_name = "DIR", env = "PNS_SCHEMA_PACK", hide_short_help = true)]
    schema_pack: Option<PathBuf>,
}

/// How connections are used.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Connections")]
pub(super) struct ConnectionsArgs {
    /// The most at the same time [default: 64]
    #[arg(short, long, value_name = "NUMBER", env = "PNS_LOAD_CONNECTIONS", value_parser = from_one::<NonZeroUsize>)]
    connections: Option<NonZeroUsize>,
    /// Close each connection after its answer
    #[arg(long, env = "PNS_LOAD_NO_KEEPALIVE", value_parser = BoolishValueParser::new())]
    no_keepalive: bool,
    /// Whether TLS sessions are resumed [default: true]
    #[arg(long, value_name = "BOOL", env = "PNS_LOAD_TLS_RESUMPTION", hide_possible_values = true,
        value_parser = BoolishValueParser::new())]
    tls_resumption: Option<bool>,
}

/// One of several machines.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "More than one machine")]
pub(super) struct SegmentArgs {
    /// Send this share of the run: `2/5`, or `auto/5` in an Indexed Job of Kubernetes. All need the same --seed
    #[arg(long, value_name = "I/N", env = "PNS_LOAD_SEGMENT")]
    segment: Option<String>,
    /// Begin at this instant
    #[arg(long, value_name = "TIME", env = "PNS_LOAD_START_AT", value_parser = instant)]
    start_at: Option<Timestamp>,
    /// Set by Kubernetes: which of an Indexed Job's pods this is.
    #[arg(long = "job-completion-index", env = "JOB_COMPLETION_INDEX", hide = true)]
    job_completion_index: Option<String>,
}

pub(super) fn resolve(
    load: LoadArgs,
    connections: &ConnectionsArgs,
    segment: &SegmentArgs,
    judge: &Judge,
    connection: Connection,
    config: &Config,
) -> Result<LoadSettings, Failure> {
    let seed = load.seed.or(config.seed);
    let model = model(&load, judge, config)?;
    let segment = which_segment(segment, &model, seed)?;
    let own = &config.load;
    let equal = || Mix::equal(EventTypeSet::ALL).expect("there are event types");
    let mix = value(load.mix, &own.mix, "load.mix")?.unwrap_or_else(equal);
    let redelivered = value(load.redeliver, &own.redeliver, "load.redeliver")?.unwrap_or(Share::NONE);
    let keeps = !connections.no_keepalive && own.keepalive.unwrap_or(true);
    let resumes = connections.tls_resumption.or(own.tls_resumption).unwrap_or(true);
    Ok(LoadSettings {
        connection,
        connections: Connections {
            most: connections.connections.or(own.connections).unwrap_or(CONNECTIONS),
            after_answer: if keeps { AfterAnswer::Kept } else { AfterAnswer::Closed },
            resumption: if resumes { Resumption::Resumed } else { Resumption::Whole },
            backlog: BACKLOG,
        },
        model,
        plan: Plan::new(mix, redelivered).map_err(|error| option("--redeliver", error))?,
        segment: segment.0,
        start_at: segment.1,
        seed: seed.unwrap_or_else(new_seed),
        schema_pack: load.schema_pack.or_else(|| config.schema_pack.clone()),
        thresholds: judge.thresholds,
        rules: judge.rules.clone(),
    })
}

/// An option whose value does not do.
fn option(name: &str, error: impl std::fmt::Display) -> Failure {
    Failure::usage(anyhow::anyhow!("`{name}`: {error}"))
}

/// How arrivals come about. Flags that contradict the model are refused; what `pns.toml` says beside it does not count.
fn model(load: &LoadArgs, judge: &Judge, config: &Config) -> Result<Model, Failure> {
    let models =
        [("--find-max", load.find_max), ("--drain", load.drain.is_some()), ("--closed", load.closed)];
    let chosen: Vec<&str> = models.iter().filter(|(_, chosen)| *chosen).map(|(name, _)| *name).collect();
    if let [first, second, ..] = chosen.as_slice() {
        return Err(Failure::usage(anyhow::anyhow!("`{first}` and `{second}` are two different runs")));
    }
    let refuse = |name: &str, given: bool, why: &str| match given {
        true => Err(Failure::usage(anyhow::anyhow!("`{}` takes no `{name}`: {why}", chosen[0]))),
        false => Ok(()),
    };
    let own = &config.load;
    let lasts = || Ok(span(load.duration, &own.duration, "load.duration")?.unwrap_or(DURATION));
    if !chosen.is_empty() {
        refuse("--shape", load.shape.is_some(), "shapes belong to the open model")?;
    }
    if let Some(held) = load.drain {
        refuse("--duration", load.duration.is_some(), "it lasts until all are acknowledged")?;
        // A rate of the file is that of ordinary runs.
        return Ok(Model::Drain { held, limit: load.rate });
    }
    if load.closed {
        refuse("--rate", load.rate.is_some(), "how fast it goes, the receiver's answers decide")?;
        return lasts().map(|span| Model::Closed { span });
    }
    if load.find_max {
        let span = load.duration.unwrap_or(STEP);
        let limits = Limits {
            accept: judge.thresholds.accept.unwrap_or_else(|| ACCEPT.parse().expect("a share")),
            p99: judge.thresholds.p99.unwrap_or(P99),
        };
        let start = load.rate.unwrap_or_else(|| RATE.parse().expect("a rate"));
        let confirm = span * CONFIRM;
        return Ok(Model::FindMax(SearchSettings { limits, start, ceiling: None, span, confirm }));
    }
    open(load, value(load.rate, &own.rate, "load.rate")?, lasts()?, own.shape.as_deref())
}

/// The open model: the due times.
fn open(load: &LoadArgs, rate: Option<Rate>, span: Duration, config: Option<&str>) -> Result<Model, Failure> {
    let text = load.shape.as_deref().or(config).unwrap_or("constant");
    if let Some(path) = text.strip_prefix("trace:") {
        for (name, given) in [("--rate", load.rate.is_some()), ("--duration", load.duration.is_some())] {
            if given {
                return Err(Failure::usage(anyhow::anyhow!(
                    "a trace takes no `{name}`: its times say everything"
                )));
            }
        }
        let fail =
            |error: anyhow::Error| Failure::usage(error.context(format!("cannot use the trace `{path}`")));
        let file = File::open(path).map_err(|error| fail(error.into()))?;
        let schedule = Schedule::trace(BufReader::new(file)).map_err(|error| fail(error.into()))?;
        return Ok(Model::Open(Open { schedule: Arc::new(schedule), shape: text.to_owned(), rate: None }));
    }
    let rate = rate.unwrap_or_else(|| RATE.parse().expect("a rate"));
    let shape = Shape::parse(text, rate).map_err(|error| {
        let failure = option("--shape", error);
        match text {
            "trace" => failure.help("a trace is named with its file: `--shape trace:FILE`"),
            _ => failure,
        }
    })?;
    let schedule = Schedule::new(shape, span).map_err(|error| option("--shape", error))?;
    Ok(Model::Open(Open { schedule: Arc::new(schedule), shape: text.to_owned(), rate: Some(rate) }))
}

/// Which share of the run this process sends, and from when.
fn which_segment(
    args: &SegmentArgs,
    model: &Model,
    seed: Option<u64>,
) -> Result<(Segment, Option<Timestamp>), Failure> {
    let Some(text) = &args.segment else { return Ok((Segment::WHOLE, args.start_at)) };
    let segment = Segment::parse(text, args.job_completion_index.as_deref())
        .map_err(|error| option("--segment", error))?;
    if segment.of() > 1 {
        let alone = match model {
            Model::FindMax(_) => Some("--find-max"),
            Model::Drain { .. } => Some("--drain"),
            Model::Closed { .. } => Some("--closed"),
            Model::Open(_) => None,
        };
        if let Some(alone) = alone {
            return Err(Failure::usage(anyhow::anyhow!(
                "`{alone}` is a run of one machine: it has no segments"
            )));
        }
        if seed.is_none() {
            let failure = Failure::usage(anyhow::anyhow!("`--segment {text}` needs a `--seed`"));
            return Err(failure
                .help("the same for all segments: without it, each sends notifications of another run"));
        }
    }
    Ok((segment, args.start_at))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::VerdictArgs;
    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        load: LoadArgs,
        #[command(flatten)]
        connections: ConnectionsArgs,
        #[command(flatten)]
        segment: SegmentArgs,
        #[command(flatten)]
        verdict: VerdictArgs,
    }

    fn settings(args: &[&str], config: &Config) -> Result<LoadSettings, Failure> {
        let command = Command::try_parse_from([&["pns"], args].concat()).unwrap();
        let judge = command.verdict.resolve(&config.load)?;
        let connection = Connection {
            target: None,
            api_key: None,
            api_key_file: None,
            trust: crate::settings::Trust::Platform,
            plain_http: crate::settings::PlainHttp::Refused,
            http_version: crate::settings::HttpVersion::Http1,
            resolve: Vec::new(),
            headers: Vec::new(),
            connect_timeout: Connection::CONNECT_TIMEOUT,
            ack_timeout: Connection::ACK_TIMEOUT,
        };
        resolve(command.load, &command.connections, &command.segment, &judge, connection, config)
    }

    fn refused(args: &[&str]) -> String {
        settings(args, &Config::default()).unwrap_err().text()
    }

    #[test]
    fn flags_go_before_the_settings_file_and_that_before_defaults() {
        let mut config = Config::default();
        config.load.rate = Some("300/s".to_owned());
        config.load.keepalive = Some(false);
        let asked = settings(&["--duration", "2s", "-c", "3"], &config).unwrap();
        let Model::Open(open) = asked.model else { panic!("an open run") };
        assert_eq!((open.schedule.count(), open.shape.as_str()), (600, "constant"));
        assert_eq!((asked.connections.most.get(), asked.connections.after_answer), (3, AfterAnswer::Closed));
        config.load.rate = Some("fast".to_owned());
        let told = settings(&[], &config).unwrap_err().text();
        assert!(told.starts_with("setting `load.rate`: "), "{told}");
        assert!(settings(&["--closed"], &config).is_ok(), "a closed loop has no rate to be wrong");
    }

    #[test]
    fn a_search_takes_its_limits_from_the_thresholds() {
        let args = ["--find-max", "--accept", "99%", "--rate", "50/s", "--duration", "2s"];
        let Model::FindMax(search) = settings(&args, &Config::default()).unwrap().model else {
            panic!("a search")
        };
        assert_eq!((search.limits.accept.to_string().as_str(), search.limits.p99), ("99%", P99));
        assert_eq!((search.start.to_string().as_str(), search.confirm), ("50/s", Duration::from_secs(6)));
    }

    #[test]
    fn contradictions_are_told() {
        assert_eq!(
            refused(&["--find-max", "--closed"]),
            "`--find-max` and `--closed` are two different runs"
        );
        assert!(refused(&["--closed", "--rate", "5/s"]).starts_with("`--closed` takes no `--rate`"));
        assert!(
            refused(&["--drain", "5", "--duration", "5s"]).starts_with("`--drain` takes no `--duration`")
        );
        assert!(
            refused(&["--drain", "5", "--shape", "constant"]).starts_with("`--drain` takes no `--shape`")
        );
        assert!(refused(&["--shape", "wave"]).contains("there are constant, ramp, burst, sine and trace"));
        assert!(refused(&["--shape", "trace:none"]).starts_with("cannot use the trace `none`"));
        assert!(
            refused(&["--shape", "trace:none", "--rate", "5/s"]).starts_with("a trace takes no `--rate`")
        );
        assert!(refused(&["--redeliver", "60%"]).contains("at most half"));
        assert!(refused(&["--fail-on", "p99>+20%"]).contains("has nothing to compare with"));
    }

    #[test]
    fn segments_belong_to_one_run_with_one_seed() {
        assert_eq!(refused(&["--segment", "2/5"]), "`--segment 2/5` needs a `--seed`");
        assert!(refused(&["--segment", "2/5", "--find-max", "--seed", "7"]).contains("one machine"));
        assert!(refused(&["--segment", "auto/5", "--seed", "7"]).contains("JOB_COMPLETION_INDEX"));
        let args = ["--segment", "auto/5", "--seed", "7", "--job-completion-index", "4"];
        assert_eq!(settings(&args, &Config::default()).unwrap().segment.to_string(), "5/5");
        assert!(settings(&["--segment", "1/1"], &Config::default()).is_ok());
    }
}
