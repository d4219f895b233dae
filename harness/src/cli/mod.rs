//! The command line: from flags, environment and `pns.toml` to settings, and from outcomes to exit codes.
//!
//! Results go to standard output, progress and errors to standard error. This is the only module that reads
//! the environment, by clap's definitions.

mod args;
mod config;
mod explain;
mod run;
mod values;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::exit::{self, Exit};
use crate::receiver::{self, ReceiverArgs};

const AFTER_HELP: &str = "\
Examples:
  pns run                                          the shipped scenarios against the embedded receiver
  pns run --target https://localhost:8443/pns --cacert ca.pem --api-key-file key.txt
  pns run scenarios/downtime --report junit=pns.xml
  pns explain delivery-failure

Every flag can also be given as an environment variable (PNS_TARGET, PNS_API_KEY …) or in `pns.toml`.
A flag goes before the environment, the environment before the file.";

/// Plays Cvent's Push Notification System against any HTTPS endpoint, and judges the endpoint.
#[derive(Debug, Parser)]
#[command(name = "pns", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = AFTER_HELP, after_long_help = format!("{AFTER_HELP}\n\n{}", exit::HELP))]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios against a receiver and judge it.
    Run(Box<run::Args>),
    /// Be a receiver, correct or scripted, for trying a sender
    Receiver(Box<ReceiverArgs>),
    /// Tell what a check or a clause of the PNS page is about, and how a receiver is mended.
    Explain(explain::Args),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// Does what the command line asks for.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Run(args) => run::run(*args),
        Command::Receiver(args) => receiver(*args),
        Command::Explain(args) => explain::run(&args),
        Command::Completions { shell } => completions(shell),
    };
    result.unwrap_or_else(Failure::report).into()
}

/// Why a command could not do its job.
#[derive(Debug)]
struct Failure {
    exit: Exit,
    error: anyhow::Error,
    help: Option<String>,
}

impl Failure {
    /// The user asked for something that cannot be.
    fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Usage, error: error.into(), help: None }
    }

    /// Something here failed.
    fn harness(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Harness, error: error.into(), help: None }
    }

    /// What to do about it.
    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A reader that has seen enough (`pns explain | head`) is no failure.
    fn is_broken_pipe(&self) -> bool {
        self.error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    }

    fn report(self) -> Exit {
        if self.is_broken_pipe() {
            return Exit::Held;
        }
        let mut text = format!("error: {:#}\n", self.error);
        if let Some(help) = &self.help {
            text.push_str(&format!("help: {help}\n"));
        }
        // Where standard error is closed there is nobody left to tell.
        let _ = io::stderr().write_all(text.as_bytes());
        self.exit
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::harness(error)
    }
}

fn receiver(args: ReceiverArgs) -> Result<Exit, Failure> {
    runtime()?.block_on(receiver::run(args)).map(|_| Exit::Held).map_err(Failure::usage)
}

/// Commands that use the network start it themselves, so that the others begin at once.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::harness(anyhow::Error::new(error).context("cannot start the runtime")))
}

fn completions(shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "pns", &mut script);
    io::stdout().write_all(&script)?;
    Ok(Exit::Held)
}

/// The known word most like `word`, if one is like it at all.
fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn likely_words_are_proposed_and_others_are_not() {
        assert_eq!(did_you_mean("tagret", ["target", "tag"]), Some("target"));
        assert_eq!(did_you_mean("zzz", ["target", "tag"]), None);
    }
}
