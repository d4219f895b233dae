//! `pns load`: from arguments to [`LoadSettings`], from the result to reports and an exit code.

mod judge;
mod merge;
mod output;
mod settings;

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pns_simulator::clock::{self, Gear};

use super::args::{ConnectionArgs, or, span};
use super::config::Config;
use super::values::timeout;
use super::{Failure, hosts, note, warn};
use crate::event::Note;
use crate::exit::Exit;
use crate::interrupt;
use crate::load::document::Document;
use crate::load::{self, LoadError, LoadSettings};
use crate::redact::Redactor;
use crate::report::text;
use crate::runner::Player;
use crate::settings::{Filter, RunSettings, StopAfter};
use judge::{Judge, VerdictArgs};
use output::{Output, OutputArgs};
use settings::{ConnectionsArgs, LoadArgs, SegmentArgs};

/// Longer than any result: at most 600 histograms of two digits and three of three.
const DOCUMENT_BYTES_MAX: u64 = 64 << 20;

const EXAMPLES: &str = "\
Examples:
  pns load --find-max --target https://localhost:8443/pns --cacert ca.pem --api-key-file key.txt
                                     the rate limit to ask Cvent for
  pns load --rate 200/s --duration 1m --accept 99.9% --p99 500ms --target …
                                     does it bear that?
  pns load --drain 50000 --rate 500/s --target …
                                     how long does it take to catch up after a downtime?
  pns load --rate 200/s --baseline last.json --fail-on 'p99>+20%' --target …
                                     has it become slower?
  pns load --segment 2/5 --seed 7 --start-at 2026-01-31T08:00:00Z --report json=2.json …
  pns load merge 1.json 2.json 3.json 4.json 5.json
                                     one run from five machines

Load runs are not sent to public hosts that `--allow-host` does not name.
Flags with an environment variable PNS_LOAD_… stand in the table [load] of `pns.toml`.";

/// Find out how fast a receiver may be fed.
///
/// When each notification is due is fixed before the run, and latency counts from then, so that a receiver that stalls
/// cannot hide it.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", crate::exit::HELP))]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Settings file [default: pns.toml in the working directory, if there is one]
    #[arg(long, value_name = "FILE", env = "PNS_CONFIG", hide_short_help = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    load: LoadArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    /// Wait until the receiver takes connections, at most so long
    #[arg(long, value_name = "SPAN", env = "PNS_WAIT_FOR_TARGET", value_parser = timeout, help_heading = "Receiver")]
    wait_for_target: Option<Duration>,
    /// Load a receiver at this public host: without it, only this machine and private networks are loaded
    #[arg(
        long,
        value_name = "HOST",
        env = "PNS_ALLOW_HOST",
        value_delimiter = ',',
        help_heading = "Receiver"
    )]
    allow_host: Vec<String>,
    #[command(flatten)]
    connections: ConnectionsArgs,
    #[command(flatten)]
    verdict: VerdictArgs,
    #[command(flatten)]
    segment: SegmentArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Join the results of segments of one run, exactly
    Merge(Box<merge::Args>),
}

/// Runs the load, reports, and says how it went.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    if let Some(Command::Merge(args)) = args.command {
        return merge::run(*args);
    }
    let config = Config::load(args.config.as_deref())?;
    let judge = args.verdict.resolve(&config.load)?;
    let output = args.output.resolve(&config.load)?;
    let connection = args.connection.resolve(&config)?;
    let patience = span(args.wait_for_target, &config.wait_for_target, "wait-for-target")?;
    let asked = settings::resolve(args.load, &args.connections, &args.segment, &judge, connection, &config)?;
    let redactor = Redactor::new(asked.connection.api_key.as_ref());
    let runtime = super::runtime()?;
    let allowed = or(&args.allow_host, &config.allow_host);
    let outcome = runtime.block_on(play(asked, patience, &allowed, judge, output, &redactor));
    // What hangs in a receiver must not hold up the end of the process.
    runtime.shutdown_background();
    outcome.map_err(|failure| failure.redacted(&redactor))
}

/// Readies the target, loads it, and reports.
async fn play(
    asked: LoadSettings,
    patience: Option<Duration>,
    allowed: &[String],
    judge: Judge,
    output: Output,
    redactor: &Redactor,
) -> Result<Exit, Failure> {
    can_start(&asked)?;
    let weak = match &asked.connection.target {
        Some(endpoint) => {
            hosts::permit(&asked.connection, endpoint, allowed, "load runs").await?;
            ready(&asked, patience).await?
        }
        None => {
            note(
                "no --target: the embedded receiver is loaded, which is no measurement of a receiver of yours",
            );
            Vec::new()
        }
    };
    // The target may have kept it waiting.
    can_start(&asked)?;
    if asked.start_at.is_none() && asked.segment.of() > 1 {
        warn(
            "without --start-at each segment begins when it is ready: their times are merged as if they had begun \
             together",
        );
    }
    let mut live = output.live();
    let result = load::run(&asked, interrupt::asked_for(), &mut |now| live.show(now)).await;
    live.finish();
    let mut document = result.map_err(|error| match error {
        LoadError::Settings(_) => Failure::usage(error),
        LoadError::Machine(_) => Failure::harness(error),
    })?;
    document.notes.splice(0..0, weak);
    let document = judge.compare(document)?;
    output.report(&document, redactor)
}

/// Waits until the target takes connections, and tells what weakens the figures.
async fn ready(asked: &LoadSettings, patience: Option<Duration>) -> Result<Vec<String>, Failure> {
    let player = Player::prepare(RunSettings {
        paths: Vec::new(),
        filter: Filter::default(),
        connection: asked.connection.clone(),
        probe: None,
        gear: Gear::Virtual,
        seed: asked.seed,
        epoch: None,
        schema_pack: asked.schema_pack.clone(),
        jobs: NonZeroUsize::MIN,
        stop: StopAfter::Nothing,
        wait_for_target: patience,
        variables: BTreeMap::new(),
        pull: None,
    });
    let player = player.map_err(Failure::usage)?;
    let up = player.wait_for_target(patience).await;
    up.map_err(|reason| Failure::inconclusive(anyhow::anyhow!(reason)))?;
    let text = |note: &Note| match note {
        Note::TlsNotVerified => Some(note.to_string()),
        Note::NoApiKey => Some("no API key: notifications carry no authorization header".to_owned()),
        // The run itself tells what else there is, or it is not of this command.
        _ => None,
    };
    Ok(player.notes().iter().filter_map(text).collect())
}

/// Refuses a start that is past: the others of the run have begun without this one.
fn can_start(asked: &LoadSettings) -> Result<(), Failure> {
    match asked.start_at {
        Some(at) if at < clock::real_now() => {
            let failure = Failure::usage(anyhow::anyhow!("`--start-at` {} is past", text::instant(at)));
            Err(failure.help("all segments of a run begin together: name a time that all of them can keep"))
        }
        _ => Ok(()),
    }
}

/// Reads a document from a file.
fn read(path: &Path) -> Result<Document, Failure> {
    let fail =
        |error: anyhow::Error| Failure::usage(error.context(format!("cannot use `{}`", path.display())));
    let length = fs::metadata(path).map_err(|error| fail(error.into()))?.len();
    if length > DOCUMENT_BYTES_MAX {
        return Err(fail(anyhow::anyhow!("longer than {DOCUMENT_BYTES_MAX} bytes: no result is")));
    }
    let text = fs::read_to_string(path).map_err(|error| fail(error.into()))?;
    Document::read(&text).map_err(|error| fail(error.into()))
}
