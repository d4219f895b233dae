//! `pns run`: from arguments to [`RunSettings`], from events to reports, from the outcome to an exit code.

use std::collections::BTreeSet;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pns_engine::Timestamp;
use pns_simulator::clock::{self, Gear};

use super::args::{ConnectionArgs, or, setting, span};
use super::color::style_of_stderr;
use super::config::Config;
use super::output_args::OutputArgs;
use super::probe_args::ProbeArgs;
use super::pull_args::{self, PullArgs};
use super::values::{from_one, instant, timeout, variable};
use super::{Failure, did_you_mean, lint, print, tell};
use crate::event::Event;
use crate::exit::Exit;
use crate::redact::Redactor;
use crate::report::text;
use crate::runner;
use crate::scenario::{self, Scenario};
use crate::settings::{Filter, PullApi, RunSettings, StopAfter};

/// Run scenarios against a receiver and judge it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = crate::exit::HELP)]
pub(super) struct Args {
    /// Scenario files and folders [default: the shipped scenarios]
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
    #[command(flatten)]
    course: CourseArgs,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// How a run goes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Course of the run")]
struct CourseArgs {
    /// How PNS time moves: `virtual`, `real`, or a factor such as `60x` [default: virtual]
    #[arg(long, value_name = "GEAR", env = "PNS_CLOCK")]
    clock: Option<Gear>,
    /// Places everything that is drawn [default: a new one, printed]
    #[arg(long, value_name = "NUMBER", env = "PNS_SEED")]
    seed: Option<u64>,
    /// PNS time at the start, and in bodies [default: now]
    #[arg(long, value_name = "TIME", env = "PNS_EPOCH", value_parser = instant)]
    epoch: Option<Timestamp>,
    /// A folder with your own schema pack, for instance from Cvent's download
    #[arg(long, value_name = "DIR", env = "PNS_SCHEMA_PACK", hide_short_help = true)]
    schema_pack: Option<PathBuf>,
    /// Scenarios at the same time [default: the number of processors; 1 with --target]
    #[arg(short, long, value_name = "NUMBER", env = "PNS_JOBS", value_parser = from_one::<NonZeroUsize>)]
    jobs: Option<NonZeroUsize>,
    /// Value of a scenario variable
    #[arg(long, value_name = "NAME=VALUE", env = "PNS_VARIABLE", value_parser = variable, value_delimiter = ',')]
    variable: Vec<(String, String)>,
    /// Stop when so many scenarios have failed
    #[arg(long, value_name = "NUMBER", env = "PNS_MAX_FAILURES", value_parser = from_one::<NonZeroU64>)]
    max_failures: Option<NonZeroU64>,
    /// Stop at the first scenario that fails
    #[arg(long, env = "PNS_FAIL_FAST", conflicts_with = "max_failures",
        value_parser = clap::builder::BoolishValueParser::new())]
    fail_fast: bool,
}

/// Which scenarios.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Selection")]
struct SelectionArgs {
    /// Only scenarios with any of these tags
    #[arg(long, value_name = "TAG", env = "PNS_TAG", value_delimiter = ',')]
    tag: Vec<String>,
    /// No scenario with any of these tags
    #[arg(long, value_name = "TAG", env = "PNS_SKIP_TAG", value_delimiter = ',')]
    skip_tag: Vec<String>,
    /// Only scenarios whose id or title contains any of these
    #[arg(long, value_name = "TEXT", env = "PNS_NAME")]
    name: Vec<String>,
    /// Tell which scenarios that selects, and run none
    #[arg(long)]
    list: bool,
}

impl SelectionArgs {
    fn filter(&self, config: &Config) -> Filter {
        Filter {
            tags: or(&self.tag, &config.tag),
            skip_tags: or(&self.skip_tag, &config.skip_tag),
            names: or(&self.name, &config.name),
        }
    }
}

/// Runs, reports, and says how it went.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let config = Config::load(args.config.as_deref())?;
    if args.selection.list {
        return tell_selected(&or(&args.paths, &config.paths), &args.selection.filter(&config));
    }
    let output = args.output.resolve(&config)?;
    let settings = settings(
        or(&args.paths, &config.paths),
        args.connection,
        args.probe,
        args.wait_for_target,
        args.course,
        &args.selection,
        &config,
    )?;
    let api = args.pull.resolve(&config)?;
    if let Some(api) = &api {
        suits(api, &settings)?;
    }
    let redactor = Redactor::new(settings.connection.api_key.as_ref());
    output.report(&redactor, |sink| play(settings, api.as_ref(), sink))
}

/// Refuses a pull API that nobody could use, or that scenarios side by side would upset.
fn suits(api: &PullApi, settings: &RunSettings) -> Result<(), Failure> {
    let listen = api.listen;
    if settings.connection.target.is_none() {
        let failure = Failure::usage(anyhow::anyhow!("`--pull-listen {listen}` needs `--target`"));
        return Err(failure.help("the embedded receiver has a pull API of its own, without any flag"));
    }
    if settings.jobs > NonZeroUsize::MIN {
        let failure = Failure::usage(anyhow::anyhow!("`--jobs` and `--pull-listen` exclude each other"));
        return Err(failure.help("the scenarios share one pull API, and what goes wrong with it"));
    }
    Ok(())
}

/// Reads and selects the scenarios of `settings`, runs them, and tells `sink`.
fn play(
    mut settings: RunSettings,
    api: Option<&PullApi>,
    sink: &mut dyn FnMut(&Event),
) -> Result<Exit, Failure> {
    let Selection { selected, filtered_out, .. } = select(&settings.paths, &settings.filter)?;
    let selected = selected.into_iter().map(Arc::new).collect();
    let runtime = super::runtime()?;
    if let Some(api) = api {
        let own_pack = settings.schema_pack.as_deref();
        settings.pull = Some(runtime.block_on(pull_args::start(api, settings.seed, own_pack))?);
    }
    let finished = runtime.block_on(runner::run(settings, selected, filtered_out, sink));
    // What hangs in a receiver must not hold up the end of the process.
    runtime.shutdown_background();
    finished.map(|finished| Exit::of_run(&finished.totals, &finished.end)).map_err(Failure::usage)
}

/// The scenarios to run.
struct Selection {
    selected: Vec<Scenario>,
    filtered_out: usize,
    /// Of all scenarios, for a hint.
    tags: BTreeSet<String>,
}

/// Reads the scenarios of `paths` and keeps those that `filter` selects.
fn select(paths: &[PathBuf], filter: &Filter) -> Result<Selection, Failure> {
    let loaded = scenario::load(paths).sorted();
    if !loaded.diagnostics.is_empty() {
        let rendered = loaded.render(style_of_stderr());
        return Err(Failure::rendered(format!(
            "{rendered}\n\n{}; nothing was run",
            lint::errors_in(&loaded)
        )));
    }
    let total = loaded.scenarios.len();
    let tags = loaded.scenarios.iter().flat_map(|one| one.tags.iter().cloned()).collect();
    let is_selected =
        |one: &Scenario| filter.selects(&one.id, &one.title, one.tags.iter().map(String::as_str));
    let selected: Vec<Scenario> = loaded.scenarios.into_iter().filter(is_selected).collect();
    Ok(Selection { filtered_out: total - selected.len(), selected, tags })
}

/// A line per selected scenario: its id, title and tags.
fn tell_selected(paths: &[PathBuf], filter: &Filter) -> Result<Exit, Failure> {
    let Selection { selected, filtered_out, tags } = select(paths, filter)?;
    if selected.is_empty() {
        let scenarios = text::count(filtered_out as u64, "scenario");
        let failure = Failure::inconclusive(anyhow::anyhow!("none of {scenarios} is selected"));
        return Err(failure.help(hint(filter, &tags)));
    }
    let row = |one: &Scenario| {
        let tags: Vec<&str> = one.tags.iter().map(String::as_str).collect();
        vec![one.id.clone(), one.title.clone(), tags.join(", ")]
    };
    let rows: Vec<Vec<String>> = selected.iter().map(row).collect();
    print(&text::table(&rows).into_iter().map(|line| line + "\n").collect::<String>())?;
    let left_out = match filtered_out {
        0 => String::new(),
        left_out => format!(", {left_out} filtered out"),
    };
    tell(&format!("{}{left_out}\n", text::count(selected.len() as u64, "scenario")));
    Ok(Exit::Held)
}

/// Why a filter may have selected nothing.
fn hint(filter: &Filter, tags: &BTreeSet<String>) -> String {
    let known = || tags.iter().map(String::as_str);
    match filter.tags.iter().find(|tag| !tags.contains(*tag)) {
        Some(unknown) => match did_you_mean(unknown, known()) {
            Some(likely) => format!("no scenario has the tag `{unknown}`; did you mean `{likely}`?"),
            None => {
                let known: Vec<&str> = known().collect();
                format!("no scenario has the tag `{unknown}`; there are {}", known.join(", "))
            }
        },
        None => "`pns run --list` without `--tag`, `--skip-tag` and `--name` tells them all".to_owned(),
    }
}

fn settings(
    paths: Vec<PathBuf>,
    connection: ConnectionArgs,
    probe: ProbeArgs,
    wait_for_target: Option<Duration>,
    course: CourseArgs,
    selection: &SelectionArgs,
    config: &Config,
) -> Result<RunSettings, Failure> {
    let connection = connection.resolve(config)?;
    let gear = match (course.clock, &config.clock) {
        (Some(gear), _) => gear,
        (None, Some(text)) => text.parse().map_err(|error| setting("clock", error))?,
        (None, None) => Gear::Virtual,
    };
    let epoch = match (course.epoch, &config.epoch) {
        (Some(epoch), _) => Some(epoch),
        (None, Some(text)) => Some(instant(text).map_err(|error| setting("epoch", error))?),
        (None, None) => None,
    };
    let mut variables = config.variable.clone();
    variables.extend(course.variable);
    let one = NonZeroUsize::MIN;
    // Side by side, scenarios would see each other's load on a receiver that they share.
    let jobs =
        if connection.target.is_some() { one } else { std::thread::available_parallelism().unwrap_or(one) };
    let max_failures = if course.fail_fast { Some(NonZeroU64::MIN) } else { course.max_failures };
    Ok(RunSettings {
        paths,
        filter: selection.filter(config),
        connection,
        probe: probe.resolve(config)?,
        gear,
        seed: course.seed.or(config.seed).unwrap_or_else(new_seed),
        epoch,
        schema_pack: course.schema_pack.or_else(|| config.schema_pack.clone()),
        jobs: course.jobs.or(config.jobs).unwrap_or(jobs),
        stop: max_failures.or(config.max_failures).map_or(StopAfter::Nothing, StopAfter::Failures),
        wait_for_target: span(wait_for_target, &config.wait_for_target, "wait-for-target")?,
        variables,
        pull: None,
    })
}

/// From the clock, and short enough to be typed again.
pub(super) fn new_seed() -> u64 {
    pns_engine::rng::draw(clock::real_now().as_nanos(), 0, 0) % 1_000_000_000
}
