//! `pns selftest`: shows that each check catches the bugs that it names, and that nothing turns red on receivers that are
//! correct in an unusual way.

use std::io::{self, IsTerminal};
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::run::new_seed;
use super::values::from_one;
use super::{Failure, did_you_mean, print, runtime, tell};
use crate::exit::Exit;
use crate::report::style::{BOLD, DIM, GREEN, RED, paint};
use crate::report::text::{count, table, wall};
use crate::selftest::trials::{self, OnBugs, SelftestSettings, Tried, Verdict};
use crate::selftest::{self, Kind, Specimen};
use pns_simulator::clock::Stopwatch;

/// Enough for a selftest: every bug has a case that shows it.
const MAX_EXAMPLES: NonZeroU32 = NonZeroU32::new(8).expect("not zero");
/// Most of a trial is waiting: several share a processor.
const JOBS_EACH: usize = 16;

/// Try the checks on embedded receivers, faulty and unusual ones, and tell which caught what.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes:
  0    every bug was caught, and nothing turned red on a correct receiver
  2    usage
  4    a bug was missed, or a check raised a false alarm")]
pub(super) struct Args {
    /// Receivers to try [default: all]
    #[arg(value_name = "RECEIVER")]
    receivers: Vec<String>,
    /// Tell which receivers there are, and try none
    #[arg(long)]
    list: bool,
    /// Try all checks on each faulty receiver, not only those that must catch it
    #[arg(long)]
    full: bool,
    /// Places everything that is drawn [default: a new one, printed]
    #[arg(long, value_name = "NUMBER", env = "PNS_SEED")]
    seed: Option<u64>,
    /// Cases drawn for each property that draws them [default: 8]
    #[arg(long, value_name = "NUMBER", env = "PNS_MAX_EXAMPLES", value_parser = from_one::<NonZeroU32>)]
    max_examples: Option<NonZeroU32>,
    /// Tell on standard error of each receiver when it is done
    #[arg(short, long, env = "PNS_VERBOSE", value_parser = clap::builder::BoolishValueParser::new())]
    verbose: bool,
    /// Receivers at the same time [default: sixteen for each processor]
    #[arg(short, long, value_name = "NUMBER", env = "PNS_JOBS", value_parser = from_one::<NonZeroUsize>)]
    jobs: Option<NonZeroUsize>,
}

/// Tries, and tells the table.
pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let specimens = chosen(&args.receivers)?;
    if args.list {
        return list(&specimens);
    }
    let one = NonZeroUsize::MIN;
    let processors = std::thread::available_parallelism().unwrap_or(one);
    let settings = SelftestSettings {
        seed: args.seed.unwrap_or_else(new_seed),
        jobs: args.jobs.unwrap_or(processors.saturating_mul(NonZeroUsize::new(JOBS_EACH).unwrap_or(one))),
        max_examples: args.max_examples.unwrap_or(MAX_EXAMPLES).get(),
        on_bugs: if args.full { OnBugs::All } else { OnBugs::Named },
        specimens,
    };
    let (seed, total) = (settings.seed, settings.specimens.len());
    tell(&format!("{} to try, seed {seed}\n", count(total as u64, "receiver")));
    let watch = Stopwatch::start();
    let runtime = runtime()?;
    let mut tried_so_far = 0;
    let progress = progress(total);
    let mut done = |tried: &Tried| {
        if !tried.alone {
            tried_so_far += 1;
            progress.inc(1);
        }
        progress.set_message(tried.specimen.name);
        if args.verbose || tried.alone || !tried.verdict.is_good() {
            let (name, took) = (tried.specimen.name, wall(tried.took));
            let which = if tried.alone { "alone".to_owned() } else { format!("{tried_so_far}/{total}") };
            let line = format!("[{which}] {name}: {}, {took}\n", word(&tried.verdict));
            progress.suspend(|| tell(&line));
        }
    };
    let tried = runtime
        .block_on(trials::run(settings, &mut done))
        .map_err(|reason| Failure::harness(anyhow::anyhow!(reason)))?;
    runtime.shutdown_background();
    progress.finish_and_clear();
    print(&report(&tried, args.full))?;
    let good = tried.iter().all(|one| one.verdict.is_good());
    let caught = tried.iter().filter(|one| one.verdict == Verdict::Caught).count();
    let clean = tried.iter().filter(|one| one.verdict == Verdict::Clean).count();
    let summary = format!(
        "{} caught, {} without a false alarm, {} as it should not be; seed {seed}, {}\n",
        count(caught as u64, "bug"),
        count(clean as u64, "unusual receiver"),
        tried.len() - caught - clean,
        wall(watch.elapsed()),
    );
    print(&paint(if good { GREEN } else { RED }, &summary))?;
    Ok(if good { Exit::Held } else { Exit::Harness })
}

/// How far it has come, on standard error where that is a terminal: all of them take minutes.
fn progress(total: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
    let style =
        ProgressStyle::with_template("{elapsed:>3} [{bar:16}] {pos}/{len} receivers  last: {wide_msg}");
    bar.set_style(style.expect("the template is well-formed").progress_chars("=> "));
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

fn chosen(names: &[String]) -> Result<Vec<&'static Specimen>, Failure> {
    if names.is_empty() {
        return Ok(selftest::all().collect());
    }
    let find = |name: &String| {
        selftest::named(name).ok_or_else(|| {
            let failure = Failure::usage(anyhow::anyhow!("no receiver of the selftest is called `{name}`"));
            match did_you_mean(name, selftest::all().map(|specimen| specimen.name)) {
                Some(likely) => failure.help(format!("did you mean `{likely}`?")),
                None => failure.help("`pns selftest --list` tells them all"),
            }
        })
    };
    names.iter().map(find).collect()
}

fn list(specimens: &[&'static Specimen]) -> Result<Exit, Failure> {
    let rows: Vec<Vec<String>> = specimens
        .iter()
        .map(|specimen| {
            let (kind, story) = match specimen.kind {
                Kind::Bug { story, .. } => ("bug", story),
                Kind::Unusual { story } => ("unusual", story),
            };
            vec![specimen.name.to_owned(), kind.to_owned(), story.to_owned()]
        })
        .collect();
    print(&table(&rows).into_iter().map(|line| line + "\n").collect::<String>())?;
    Ok(Exit::Held)
}

/// A line per receiver: bugs with the checks that caught them, correct ones with how much was decided on them.
fn report(tried: &[Tried], full: bool) -> String {
    let mut text = String::new();
    let (bugs, unusual): (Vec<&Tried>, Vec<&Tried>) =
        tried.iter().partition(|one| matches!(one.specimen.kind, Kind::Bug { .. }));
    for (heading, group) in [("Receivers with one bug", bugs), ("Correct but unusual receivers", unusual)] {
        if group.is_empty() {
            continue;
        }
        text.push_str(&format!("{}\n", paint(BOLD, heading)));
        let rows: Vec<Vec<String>> = group.iter().map(|one| row(one, full)).collect();
        for (line, one) in table(&rows).into_iter().zip(&group) {
            let style = if one.verdict.is_good() { GREEN } else { RED };
            let (first, rest) = line.split_at(6.min(line.len()));
            text.push_str(&format!("  {}{rest}\n", paint(style, first)));
            if let Verdict::FalseAlarm(alarms) = &one.verdict {
                for (id, found) in alarms {
                    for line in format!("{id}: {found}").lines() {
                        text.push_str(&format!("          {}\n", paint(DIM, line)));
                    }
                }
            }
        }
        text.push('\n');
    }
    text
}

fn row(one: &Tried, full: bool) -> Vec<String> {
    let says = match (&one.verdict, one.specimen.kind) {
        (Verdict::Caught, Kind::Bug { caught_by, .. }) => {
            let others = one.broken.iter().map(String::as_str).filter(|id| full && !caught_by.contains(id));
            let others: Vec<&str> = others.collect();
            let also =
                if others.is_empty() { String::new() } else { format!(", also {}", others.join(", ")) };
            let alone = if one.alone { ", alone and not in the crowd" } else { "" };
            format!("{}{also}{alone}", caught_by.join(", "))
        }
        (Verdict::Clean, _) => count(one.decided, "check") + " decided",
        (Verdict::Missed(ids), _) => format!("not caught by {}", ids.join(", ")),
        (Verdict::FalseAlarm(alarms), _) => count(alarms.len() as u64, "false alarm"),
        (Verdict::Untried(reason), _) => reason.clone(),
        (Verdict::Caught, Kind::Unusual { .. }) => String::new(),
    };
    vec![short(&one.verdict).to_owned(), one.specimen.name.to_owned(), says]
}

/// At most six letters: the first column.
const fn short(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Caught => "caught",
        Verdict::Missed(_) => "MISSED",
        Verdict::Clean => "clean",
        Verdict::FalseAlarm(_) => "ALARM",
        Verdict::Untried(_) => "UNTRIED",
    }
}

fn word(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Caught => "caught".to_owned(),
        Verdict::Clean => "clean".to_owned(),
        Verdict::Missed(ids) => format!("not caught by {}", ids.join(", ")),
        Verdict::FalseAlarm(alarms) => {
            let alarms: Vec<String> = alarms.iter().map(|(id, found)| format!("{id} ({found})")).collect();
            format!("false alarm: {}", alarms.join("; ").replace('\n', ", "))
        }
        Verdict::Untried(reason) => format!("could not be tried: {reason}"),
    }
}
