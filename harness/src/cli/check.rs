//! `pns check`: from arguments to [`CheckSettings`], and the list of properties.

mod target;

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::BoolishValueParser;
use pns_simulator::clock::Gear;

use super::args::{ConnectionArgs, or, setting, span};
use super::config::Config;
use super::output_args::OutputArgs;
use super::run::new_seed;
use super::values::{from_one, timeout};
use super::{Failure, did_you_mean, print, tell, warn};
use crate::curl::quote;
use crate::event::{Event, ScenarioVerdict, Strength};
use crate::exit::Exit;
use crate::property::registry::{self, Selection};
use crate::property::{self, CheckSettings, Family, Property, Remembered};
use crate::redact::Redactor;
use crate::report::text;
use crate::settings::{Filter, RunSettings, StopAfter};
use target::{Reach, Target};

/// Cases drawn for a property that draws them, unless told otherwise: enough to meet most combinations of two things
/// that go wrong, few enough for a run within a minute at 30 ms a request.
const MAX_EXAMPLES: NonZeroU32 = NonZeroU32::new(40).expect("not zero");

const EXAMPLES: &str = "\
Examples:
  pns check                                   everything, on the embedded receiver
  pns check --target https://localhost:8443/pns --cacert ca.pem --api-key-file key.txt
  pns check delivery http/chunked --target …  a family and a property
  pns check --last-failed --target …          what failed last time
  pns check --save-failures failures --target …
  pns replay failures --target …              are they mended?
  pns explain delivery/duplicate              what a property is about

Every request is counted before the first is sent. Nothing is sent to public hosts that `--allow-host` does not name.";

/// Try properties on a receiver and tell what it gets wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", crate::exit::HELP))]
pub(super) struct Args {
    /// Properties (`http/chunked`) and families (`auth`) [default: all]
    #[arg(value_name = "CHECK")]
    checks: Vec<String>,
    /// Settings file [default: pns.toml in the working directory, if there is one]
    #[arg(long, value_name = "FILE", env = "PNS_CONFIG", hide_short_help = true)]
    config: Option<PathBuf>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    probe: super::probe_args::ProbeArgs,
    #[command(flatten)]
    pull: super::pull_args::PullArgs,
    /// Wait until the receiver takes connections, at most so long
    #[arg(long, value_name = "SPAN", env = "PNS_WAIT_FOR_TARGET", value_parser = timeout, help_heading = "Receiver")]
    wait_for_target: Option<Duration>,
    /// Try a receiver at this public host: without it, only this machine and private networks are tried
    #[arg(
        long,
        value_name = "HOST",
        env = "PNS_ALLOW_HOST",
        value_delimiter = ',',
        help_heading = "Receiver"
    )]
    allow_host: Vec<String>,
    #[command(flatten)]
    course: CourseArgs,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    verdict: VerdictArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// How a run goes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Course of the run")]
struct CourseArgs {
    /// Cases drawn for each property that draws them [default: 40]
    #[arg(long, value_name = "NUMBER", env = "PNS_MAX_EXAMPLES", value_parser = from_one::<NonZeroU32>)]
    max_examples: Option<NonZeroU32>,
    /// Begin no property after this time
    #[arg(long, value_name = "SPAN", env = "PNS_MAX_TIME", value_parser = timeout)]
    max_time: Option<Duration>,
    /// Places everything that is drawn [default: a new one, printed]
    #[arg(long, value_name = "NUMBER", env = "PNS_SEED")]
    seed: Option<u64>,
    /// A folder with your own schema pack, for instance from Cvent's download
    #[arg(long, value_name = "DIR", env = "PNS_SCHEMA_PACK", hide_short_help = true)]
    schema_pack: Option<PathBuf>,
    /// Stop when so many properties have failed
    #[arg(long, value_name = "NUMBER", env = "PNS_MAX_FAILURES", value_parser = from_one::<NonZeroU64>)]
    max_failures: Option<NonZeroU64>,
    /// Stop at the first property that fails
    #[arg(long, env = "PNS_FAIL_FAST", conflicts_with = "max_failures", value_parser = BoolishValueParser::new())]
    fail_fast: bool,
}

/// Which properties.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Selection")]
struct SelectionArgs {
    /// None of these properties and families
    #[arg(long, value_name = "CHECK", env = "PNS_SKIP", value_delimiter = ',')]
    skip: Vec<String>,
    /// Only properties with any of these tags
    #[arg(long, value_name = "TAG", env = "PNS_TAG", value_delimiter = ',')]
    tag: Vec<String>,
    /// Only properties that bind at least so: must, should or advice
    #[arg(long, value_name = "STRENGTH", env = "PNS_STRENGTH", value_parser = strength)]
    strength: Option<Strength>,
    /// Only properties that failed in the last run from this folder
    #[arg(long, env = "PNS_LAST_FAILED", value_parser = BoolishValueParser::new())]
    last_failed: bool,
    /// Tell which properties that selects, and try none
    #[arg(long)]
    list: bool,
}

/// What turns a run red.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Verdict")]
struct VerdictArgs {
    /// The least strength that turns the run red: must, should or advice [default: should]
    #[arg(long, value_name = "STRENGTH", env = "PNS_FAIL_ON", value_parser = strength)]
    fail_on: Option<Strength>,
    /// A property that is expected to fail, and why; it turns red when it holds
    #[arg(long, value_name = "CHECK=WHY", value_parser = exception)]
    except: Vec<(String, String)>,
    /// Save each failure as a scenario file in this folder, for `pns replay`
    #[arg(long, value_name = "DIR", env = "PNS_SAVE_FAILURES")]
    save_failures: Option<PathBuf>,
}

/// Tries the properties, reports, and says how it went.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let config = Config::load(args.config.as_deref())?;
    let properties = select(&args.checks, &args.selection, &config)?;
    if args.selection.list {
        return list(&properties);
    }
    let runtime = super::runtime()?;
    let Args { connection, probe, pull, wait_for_target, allow_host, course, verdict, output, .. } = args;
    let output = output.resolve(&config)?;
    let connection = connection.resolve(&config)?;
    let probe = probe.resolve(&config)?;
    let allowed = or(&allow_host, &config.allow_host);
    let own_pack = course.schema_pack.clone().or_else(|| config.schema_pack.clone());
    let pull = pull.resolve(&config)?;
    let reach = Reach { connection, probe, pull, own_pack };
    let target = runtime.block_on(Target::prepare(reach, &allowed))?;
    let settings = settings(&target, properties, wait_for_target, course, verdict, &config)?;
    let redactor = Redactor::new(target.connection.api_key.as_ref());
    let mut failed = Vec::new();
    let outcome = output.report(&redactor, |sink| {
        let mut watched = |event: &Event| {
            if let Event::ScenarioFinished(finished) = event
                && finished.verdict == ScenarioVerdict::Failed
            {
                failed.push(finished.id.clone());
            }
            sink(event);
        };
        let finished = runtime.block_on(property::run(settings, &mut watched));
        finished.map(|finished| Exit::of_run(&finished.totals, &finished.end)).map_err(Failure::usage)
    });
    runtime.block_on(target.end());
    // What hangs in a receiver must not hold up the end of the process.
    runtime.shutdown_background();
    let decided = matches!(outcome, Ok(Exit::Held | Exit::Broken));
    if decided && let Err(error) = (Remembered { failed }).write(Path::new(".")) {
        warn(&format!("what failed could not be noted down for --last-failed: {error}"));
    }
    outcome
}

fn settings(
    target: &Target,
    properties: Vec<&'static Property>,
    wait_for_target: Option<Duration>,
    course: CourseArgs,
    verdict: VerdictArgs,
    config: &Config,
) -> Result<CheckSettings, Failure> {
    let max_failures = if course.fail_fast { Some(NonZeroU64::MIN) } else { course.max_failures };
    let schema_pack = course.schema_pack.or_else(|| config.schema_pack.clone());
    let max_examples = course.max_examples.or(config.max_examples).unwrap_or(MAX_EXAMPLES);
    let mut repeat_flags = target.repeat_flags.clone();
    if let Some(pack) = &schema_pack {
        repeat_flags.push_str(&format!(" --schema-pack {}", quote(&pack.display().to_string())));
    }
    if max_examples != MAX_EXAMPLES {
        repeat_flags.push_str(&format!(" --max-examples {max_examples}"));
    }
    let fail_on = match (verdict.fail_on, &config.fail_on) {
        (Some(least), _) => least,
        (None, Some(text)) => strength(text).map_err(|error| setting("fail-on", error))?,
        (None, None) => Strength::Should,
    };
    let mut exceptions = config.except.clone();
    exceptions.extend(verdict.except);
    known_exceptions(&exceptions)?;
    Ok(CheckSettings {
        run: RunSettings {
            paths: Vec::new(),
            filter: Filter::default(),
            connection: target.connection.clone(),
            probe: target.probe.clone(),
            gear: Gear::Virtual,
            seed: course.seed.or(config.seed).unwrap_or_else(new_seed),
            epoch: None,
            schema_pack,
            jobs: NonZeroUsize::MIN,
            stop: max_failures.or(config.max_failures).map_or(StopAfter::Nothing, StopAfter::Failures),
            wait_for_target: span(wait_for_target, &config.wait_for_target, "wait-for-target")?,
            variables: BTreeMap::new(),
            pull: target.pull.clone(),
        },
        target: target.name(),
        properties,
        max_examples: max_examples.get(),
        max_time: span(course.max_time, &config.max_time, "max-time")?,
        fail_on,
        exceptions,
        save_failures: folder_to_save(verdict.save_failures.or_else(|| config.save_failures.clone()))?,
        repeat_flags,
    })
}

/// The folder for failures, made before the run: afterwards they would be lost.
fn folder_to_save(folder: Option<PathBuf>) -> Result<Option<PathBuf>, Failure> {
    if let Some(folder) = &folder {
        std::fs::create_dir_all(folder).map_err(|error| {
            let place = folder.display();
            Failure::usage(anyhow::anyhow!("`--save-failures`: cannot make the folder `{place}`: {error}"))
                .help("name a folder that can be written to")
        })?;
    }
    Ok(folder)
}

/// The properties that arguments and settings file select, in the order in which they are tried.
fn select(
    checks: &[String],
    selection: &SelectionArgs,
    config: &Config,
) -> Result<Vec<&'static Property>, Failure> {
    let mut chosen = Selection {
        names: or(checks, &config.check),
        skipped: or(&selection.skip, &config.skip),
        tags: selection.tag.clone(),
        strength: selection.strength,
    };
    if let Some(unknown) = chosen.unknown_name() {
        return Err(no_such_check(unknown));
    }
    if let Some(unknown) = chosen.tags.iter().find(|tag| !registry::tags().contains(tag.as_str())) {
        let failure = Failure::usage(anyhow::anyhow!("no property has the tag `{unknown}`"));
        return Err(match did_you_mean(unknown, registry::tags()) {
            Some(likely) => failure.help(format!("did you mean `{likely}`?")),
            None => {
                let tags: Vec<&str> = registry::tags().into_iter().collect();
                failure.help(format!("the tags are {}", tags.join(", ")))
            }
        });
    }
    if selection.last_failed {
        let last = property::last_failed(Path::new(".")).map_err(|error| {
            Failure::usage(anyhow::Error::new(error).context("cannot read what failed in the last run"))
        })?;
        let failed = last.failed.into_iter().filter(|id| registry::find(id).is_some());
        let failed: Vec<String> = failed.collect();
        if failed.is_empty() {
            let failure =
                Failure::inconclusive(anyhow::anyhow!("nothing failed in the last run from this folder"));
            return Err(failure.help("without --last-failed everything is tried"));
        }
        chosen.names = failed;
    }
    let selected: Vec<_> = registry::all().iter().copied().filter(|one| chosen.selects(one)).collect();
    if selected.is_empty() {
        let failure = Failure::inconclusive(anyhow::anyhow!("no property is selected"));
        return Err(failure.help("`pns check --list` tells them all"));
    }
    Ok(selected)
}

fn no_such_check(name: &str) -> Failure {
    let failure = Failure::usage(anyhow::anyhow!("no property or family is called `{name}`"));
    let ids = registry::all().iter().map(|property| property.id);
    let known = ids.chain(Family::ALL.map(Family::name));
    match did_you_mean(name, known) {
        Some(likely) => failure.help(format!("did you mean `{likely}`?")),
        None => failure.help("`pns check --list` tells them all"),
    }
}

fn known_exceptions(exceptions: &BTreeMap<String, String>) -> Result<(), Failure> {
    for (id, why) in exceptions {
        if registry::find(id).is_none() {
            return Err(no_such_check(id));
        }
        if why.trim().is_empty() {
            let failure = Failure::usage(anyhow::anyhow!("the exception for `{id}` has no reason"));
            return Err(
                failure.help(format!("write `--except '{id}=issue 7: …'`: who meets it must know why"))
            );
        }
    }
    Ok(())
}

/// A line per selected property.
fn list(properties: &[&'static Property]) -> Result<Exit, Failure> {
    let row = |property: &&Property| {
        let strength = property.strength.name().to_owned();
        vec![property.id.to_owned(), strength, property.title.to_owned()]
    };
    let rows: Vec<Vec<String>> = properties.iter().map(row).collect();
    print(&text::table(&rows).into_iter().map(|line| line + "\n").collect::<String>())?;
    tell(&format!("{}\n", text::count(properties.len() as u64, "property")));
    Ok(Exit::Held)
}

/// `must`, `should` or `advice`.
fn strength(text: &str) -> Result<Strength, String> {
    [Strength::Must, Strength::Should, Strength::Advice]
        .into_iter()
        .find(|strength| strength.name() == text)
        .ok_or_else(|| "expected `must`, `should` or `advice`".to_owned())
}

/// `CHECK=WHY`.
fn exception(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((id, why)) if !id.is_empty() => Ok((id.trim().to_owned(), why.trim().to_owned())),
        _ => Err("expected `CHECK=WHY`".to_owned()),
    }
}
