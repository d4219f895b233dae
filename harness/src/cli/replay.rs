//! `pns replay`: recorded failures again, and a plain answer to each: FIXED, STILL FAILS or INCONCLUSIVE.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pns_simulator::clock::Gear;

use super::args::{ConnectionArgs, span};
use super::color::style_of_stderr;
use super::config::Config;
use super::output_args::OutputArgs;
use super::probe_args::ProbeArgs;
use super::pull_args::{self, PullArgs};
use super::run::new_seed;
use super::values::timeout;
use super::{Failure, print, runtime, warn};
use crate::event::RunEnd;
use crate::exit::Exit;
use crate::property::{self, Replayed};
use crate::redact::Redactor;
use crate::report::style::{BOLD, GREEN, RED, YELLOW, paint};
use crate::scenario;
use crate::settings::{Filter, RunSettings, StopAfter};

/// How often each file is played unless told otherwise: enough to tell a flaky failure from a mended one.
const TIMES: NonZeroU32 = NonZeroU32::new(3).expect("not zero");
/// More would be a load test.
const TIMES_MAX: u32 = 1_000;

const EXAMPLES: &str = "\
Examples:
  pns check --save-failures failures --target https://localhost:8443/pns --cacert ca.pem
  pns replay failures --target https://localhost:8443/pns --cacert ca.pem";

const EXIT_CODES: &str = "\
Exit codes:
  0    every failure is mended: FIXED
  1    at least one came again: STILL FAILS
  2    usage, settings, or a scenario file that does not parse
  3    INCONCLUSIVE: target unreachable, accepts nothing, probe missing, not decided
  4    the harness itself failed
  130  interrupted";

/// Play recorded failures again and say of each: FIXED, STILL FAILS or INCONCLUSIVE.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub(super) struct Args {
    /// Scenario files and folders, as `pns check --save-failures DIR` writes them
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Settings file [default: pns.toml in the working directory, if there is one]
    #[arg(long, value_name = "FILE", env = "PNS_CONFIG", hide_short_help = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    probe: ProbeArgs,
    #[command(flatten)]
    pull: PullArgs,
    /// Wait until the receiver takes connections, at most so long
    #[arg(long, value_name = "SPAN", env = "PNS_WAIT_FOR_TARGET", value_parser = timeout, help_heading = "Receiver")]
    wait_for_target: Option<Duration>,
    /// How often each file is played [default: 3]
    #[arg(long, value_name = "NUMBER", env = "PNS_TIMES", help_heading = "Course of the run")]
    times: Option<NonZeroU32>,
    /// Places everything that is drawn, ids first of all [default: a new one, printed]
    #[arg(long, value_name = "NUMBER", env = "PNS_SEED", help_heading = "Course of the run")]
    seed: Option<u64>,
    /// A folder with your own schema pack, for instance from Cvent's download
    #[arg(
        long,
        value_name = "DIR",
        env = "PNS_SCHEMA_PACK",
        hide_short_help = true,
        help_heading = "Course of the run"
    )]
    schema_pack: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Plays the files, reports, and answers.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let config = Config::load(args.config.as_deref())?;
    let output = args.output.resolve(&config)?;
    let times = args.times.unwrap_or(TIMES).get();
    if times > TIMES_MAX {
        return Err(Failure::usage(anyhow::anyhow!("`--times {times}` is more than {TIMES_MAX}")));
    }
    let loaded = scenario::load(&args.paths).sorted();
    let scenarios = loaded.into_scenarios(style_of_stderr()).map_err(Failure::rendered)?;
    let scenarios: Vec<_> = scenarios.into_iter().map(Arc::new).collect();
    let api = args.pull.resolve(&config)?;
    let mut settings = RunSettings {
        paths: args.paths,
        filter: Filter::default(),
        connection: args.connection.resolve(&config)?,
        probe: args.probe.resolve(&config)?,
        gear: Gear::Virtual,
        seed: args.seed.or(config.seed).unwrap_or_else(new_seed),
        epoch: None,
        schema_pack: args.schema_pack.or_else(|| config.schema_pack.clone()),
        jobs: std::num::NonZeroUsize::MIN,
        stop: StopAfter::Nothing,
        wait_for_target: span(args.wait_for_target, &config.wait_for_target, "wait-for-target")?,
        variables: config.variable.clone(),
        pull: None,
    };
    let is_embedded = settings.connection.target.is_none();
    let redactor = Redactor::new(settings.connection.api_key.as_ref());
    let runtime = runtime()?;
    if let Some(api) = &api {
        let own_pack = settings.schema_pack.as_deref();
        settings.pull = Some(runtime.block_on(pull_args::start(api, settings.seed, own_pack))?);
    }
    let mut answers = String::new();
    let outcome = output.report(&redactor, |sink| {
        let (finished, results) =
            runtime.block_on(property::replay(settings, &scenarios, times, sink)).map_err(Failure::usage)?;
        for (scenario, replayed) in scenarios.iter().zip(&results) {
            answers.push_str(&line(&scenario.place.file, replayed));
        }
        Ok(match (&finished.end, exit(&results)) {
            (RunEnd::Complete | RunEnd::Unreachable(_), Some(exit)) => exit,
            _ => Exit::of_run(&finished.totals, &finished.end),
        })
    });
    // What hangs in a receiver must not hold up the end of the process.
    runtime.shutdown_background();
    print(&redactor.redact(&answers))?;
    if is_embedded {
        warn("this was the embedded receiver, which says nothing of yours: name it by --target URL");
    }
    outcome
}

fn line(file: &str, replayed: &Replayed) -> String {
    let style = match replayed {
        Replayed::Fixed => GREEN,
        Replayed::StillFails(_) | Replayed::Error(_) => RED,
        Replayed::Inconclusive(_) => YELLOW,
    };
    let word = paint(style, &format!("{:<12}", replayed.word()));
    let line = format!("{word}  {}  {}", paint(BOLD, file), replayed.remark());
    line.trim_end().to_owned() + "\n"
}

/// The gravest of them; `None`: nothing was played.
fn exit(results: &[Replayed]) -> Option<Exit> {
    let grave = |replayed: &Replayed| match replayed {
        Replayed::Fixed => Exit::Held,
        Replayed::Inconclusive(_) => Exit::Inconclusive,
        Replayed::StillFails(_) => Exit::Broken,
        Replayed::Error(_) => Exit::Harness,
    };
    results.iter().map(grave).max()
}
