//! The command line: from flags, environment and `pns.toml` to settings, and from outcomes to exit codes.
//!
//! Results go to standard output, progress and errors to standard error. This is the only module that reads
//! the environment, by clap's definitions.

mod args;
mod check;
mod color;
mod config;
mod events;
mod explain;
mod hosts;
mod lint;
mod load;
mod output_args;
mod pack;
mod probe_args;
mod pull_args;
mod replay;
mod run;
mod schema;
mod selftest;
mod send;
mod serve;
mod store;
mod values;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::exit::{self, Exit};
use crate::receiver::{self, ReceiverArgs};
use crate::redact::Redactor;
use crate::report::style::{BOLD, RED, YELLOW, paint};
use color::Color;

const AFTER_HELP: &str = "\
Examples:
  pns run                          the shipped scenarios against the embedded receiver
  pns run --target https://localhost:8443/pns --cacert ca.pem --api-key-file key.txt
  pns run scenarios/downtime --report junit=pns.xml
  pns send PLANNER_CANCEL --set reason=OTHER --dry-run
  pns load --find-max --target https://localhost:8443/pns --cacert ca.pem
  pns schema generate --type RFP_SEND --count 1000 >bodies.jsonl
  pns explain delivery-failure

Flags shown with `[env: NAME]` can also be set by environment variables (PNS_TARGET,
PNS_API_KEY …), and what shapes a run in `pns.toml`. A flag goes before the environment,
and that before the file.";

/// Plays Cvent's Push Notification System against any HTTPS endpoint, and judges the endpoint.
#[derive(Debug, Parser)]
#[command(name = "pns", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = AFTER_HELP, after_long_help = format!("{AFTER_HELP}\n\n{}", exit::HELP))]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to use colours: auto, always or never [default: auto]
    #[arg(
        long,
        value_name = "WHEN",
        env = "PNS_COLOR",
        global = true,
        hide_possible_values = true,
        help_heading = "Output"
    )]
    color: Option<Color>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios against a receiver and judge it
    Run(Box<run::Args>),
    /// Try properties on a receiver and tell what it gets wrong
    Check(Box<check::Args>),
    /// Play recorded failures again and say whether they still fail
    Replay(Box<replay::Args>),
    /// Send one or more notifications now
    Send(Box<send::Args>),
    /// Find out how fast a receiver may be fed
    Load(Box<load::Args>),
    /// Run the simulator as a service: a durable queue, retries, downtime windows, and an HTTP API
    Serve(Box<serve::Args>),
    /// Look after the queue of `pns serve`
    Store(store::Args),
    /// Schema packs: what a notification's body looks like
    Schema(schema::Args),
    /// Check scenario files without running them
    Lint(lint::Args),
    /// Be a receiver, correct or scripted, for trying a sender
    Receiver(Box<ReceiverArgs>),
    /// Show that the checks catch the bugs that they name, and raise no false alarm
    Selftest(selftest::Args),
    /// Tell what a check or a clause of the PNS page is about, and how a receiver is mended
    Explain(explain::Args),
    /// Print a completion script for a shell
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// Does what the command line asks for.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.color.unwrap_or(Color::Auto).apply();
    let result = match cli.command {
        Command::Run(args) => run::run(*args),
        Command::Check(args) => check::run(*args),
        Command::Replay(args) => replay::run(*args),
        Command::Send(args) => send::run(*args),
        Command::Load(args) => load::run(*args),
        Command::Serve(args) => serve::run(*args),
        Command::Store(args) => store::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Lint(args) => lint::run(&args),
        Command::Receiver(args) => receiver(*args),
        Command::Selftest(args) => selftest::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Completions { shell } => completions(shell),
    };
    result.unwrap_or_else(Failure::report).into()
}

/// Why a command could not do its job.
#[derive(Debug)]
struct Failure {
    exit: Exit,
    cause: Cause,
    help: Option<String>,
}

/// What there is to say about a failure.
#[derive(Debug)]
enum Cause {
    /// One error, with what lies behind it.
    Error(anyhow::Error),
    /// Text that is ready for a terminal, and has its own help.
    Rendered(String),
}

impl Failure {
    /// The user asked for something that cannot be.
    fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Usage, cause: Cause::Error(error.into()), help: None }
    }

    /// Something here failed.
    fn harness(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Harness, cause: Cause::Error(error.into()), help: None }
    }

    /// Nothing could be decided.
    fn inconclusive(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Inconclusive, cause: Cause::Error(error.into()), help: None }
    }

    /// Files of the user's have errors, which `rendered` shows in full.
    fn rendered(rendered: String) -> Self {
        Self { exit: Exit::Usage, cause: Cause::Rendered(rendered), help: None }
    }

    /// What to do about it.
    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same, without any secret that a library or a receiver put into a message.
    fn redacted(mut self, redactor: &Redactor) -> Self {
        if !self.is_broken_pipe() {
            let text = redactor.redact(&self.text()).into_owned();
            self.cause = match self.cause {
                Cause::Error(_) => Cause::Error(anyhow::anyhow!(text)),
                Cause::Rendered(_) => Cause::Rendered(text),
            };
        }
        self
    }

    /// A reader that has seen enough (`pns explain | head`) is no failure.
    fn is_broken_pipe(&self) -> bool {
        let Cause::Error(error) = &self.cause else { return false };
        error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    }

    /// What went wrong, without help.
    fn text(&self) -> String {
        match &self.cause {
            Cause::Error(error) => format!("{error:#}"),
            Cause::Rendered(text) => text.trim_end().to_owned(),
        }
    }

    fn report(self) -> Exit {
        if self.is_broken_pipe() {
            return Exit::Held;
        }
        let mut text = match &self.cause {
            Cause::Error(_) => format!("{} {}\n", paint(RED, "error:"), self.text()),
            Cause::Rendered(_) => self.text() + "\n",
        };
        if let Some(help) = &self.help {
            text.push_str(&format!("{} {help}\n", paint(BOLD, "help:")));
        }
        tell(&text);
        self.exit
    }
}

/// Writes on standard error, in colours where it takes them.
fn tell(text: &str) {
    // Where standard error is closed there is nobody left to tell.
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// A remark on standard error.
fn note(text: &str) {
    tell(&format!("{} {text}\n", paint(BOLD, "note:")));
}

/// A remark on standard error that must not be missed.
fn warn(text: &str) {
    tell(&format!("{} {text}\n", paint(YELLOW, "warning:")));
}

/// Writes a result on standard output, in colours where it takes them.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
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

/// The known word most like `word`, if one is like it at all; a word cut short is most like the whole.
fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |candidate: &str| {
        if !word.is_empty() && candidate.starts_with(word) {
            1.0
        } else {
            strsim::jaro_winkler(word, candidate)
        }
    };
    known
        .into_iter()
        .map(|candidate| (likeness(candidate), candidate))
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
    fn a_secret_in_an_errors_cause_is_taken_out() {
        let key = pns_simulator::secret::ApiKey::new("s3cr/et").unwrap();
        let error = anyhow::anyhow!("bad url https://h/?key=s3cr%2Fet").context("cannot send");
        let failure = Failure::usage(error).redacted(&Redactor::new([&key]));
        assert_eq!(failure.text(), "cannot send: bad url https://h/?key=***");
        let pipe = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(pipe.redacted(&Redactor::new([&key])).is_broken_pipe());
    }

    #[test]
    fn likely_words_are_proposed_and_others_are_not() {
        assert_eq!(did_you_mean("tagret", ["target", "tag"]), Some("target"));
        assert_eq!(did_you_mean("cvent-2016", ["cvent-2016-11", "cvent-2015"]), Some("cvent-2016-11"));
        assert_eq!(did_you_mean("zzz", ["target", "tag"]), None);
    }
}
