//! `pns store`: looks after the queue that `pns serve` keeps.

use std::path::PathBuf;

use pns_simulator::journal::{self, CheckReport, JournalError};

use super::{Failure, print};
use crate::exit::Exit;
use crate::report::style::{GREEN, RED, paint};
use crate::report::text::count;

/// Look after the queue of `pns serve`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Read the whole store, and say whether it is as it must be; changes nothing
    #[command(after_long_help = "\
Exit codes:
  0    it is as it must be
  1    it is damaged
  2    there is no store, or it cannot be read")]
    Check {
        /// The folder of the queue
        #[arg(value_name = "DIR", env = "PNS_SERVE_DATA", default_value = "pns-data")]
        data: PathBuf,
    },
}

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let Command::Check { data } = &args.command;
    let report = journal::check(data).map_err(refused)?;
    print(&told(&report))?;
    Ok(if report.findings.is_empty() { Exit::Held } else { Exit::Broken })
}

fn told(report: &CheckReport) -> String {
    let mut text = String::new();
    if report.in_use {
        let by = report.pid.map_or_else(String::new, |pid| format!(" by process {pid}"));
        text.push_str(&format!("in use{by}: what is told may have changed since\n"));
    }
    text.push_str(&format!(
        "format {}: {}, {}, {} waiting, {} delivered or abandoned\n",
        report.version,
        count(report.subscriptions, "subscription"),
        count(report.notifications, "notification"),
        count(report.pending, "delivery"),
        report.ended,
    ));
    for finding in &report.findings {
        text.push_str(&format!("{} {finding}\n", paint(RED, "damaged:")));
    }
    if report.findings.is_empty() {
        text.push_str(&paint(GREEN, "as it must be\n"));
    }
    text
}

fn refused(error: JournalError) -> Failure {
    let help = error.help();
    let failure = Failure::usage(error);
    match help {
        Some(help) => failure.help(help),
        None => failure,
    }
}
