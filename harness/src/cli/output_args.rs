//! Flags of the commands that judge a receiver: what is told, and where.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use pns_simulator::clock;

use super::Failure;
use super::args::list;
use super::config::Config;
use crate::event::Event;
use crate::exit::Exit;
use crate::redact::Redactor;
use crate::report::github::{CommandGuard, GithubActions};
use crate::report::human::{Detail, Progress};
use crate::report::{FileReport, FileReporter, Human, RedactingWriter, ReportError, Reporter, Wanted};

/// What is told, and where.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Write reports: `html=FILE`, `junit=FILE`, `json=FILE`, `tap=FILE`, `github`, `github=FILE`
    #[arg(long, value_name = "FORMAT=FILE", env = "PNS_REPORT", value_delimiter = ',')]
    report: Vec<Wanted>,
    /// Show no progress on standard error
    #[arg(long, env = "PNS_NO_PROGRESS", value_parser = BoolishValueParser::new())]
    no_progress: bool,
    /// Tell every check, not only those that did not hold
    #[arg(short, long, env = "PNS_VERBOSE", value_parser = BoolishValueParser::new())]
    verbose: bool,
    /// Set by CI servers: no progress is shown then.
    #[arg(long = "ci", env = "CI", hide = true, num_args = 0..=1, default_missing_value = "true")]
    ci: Option<String>,
    /// Set by GitHub Actions: turns the report `github` on.
    #[arg(long = "github-actions", env = "GITHUB_ACTIONS", hide = true)]
    github_actions: Option<String>,
    /// Set by GitHub Actions: where a step's summary goes.
    #[arg(long = "github-step-summary", env = "GITHUB_STEP_SUMMARY", hide = true)]
    github_step_summary: Option<OsString>,
}

/// Where reports go.
pub(super) struct Output {
    files: Vec<FileReport>,
    github: Option<Github>,
    detail: Detail,
    progress: Progress,
}

/// What goes to GitHub Actions.
struct Github {
    /// `None`: GitHub named no file.
    step_summary: Option<PathBuf>,
}

impl OutputArgs {
    /// Flags and environment first, then `config`.
    pub(super) fn resolve(self, config: &Config) -> Result<Output, Failure> {
        let watched =
            io::stderr().is_terminal() && !self.no_progress && self.ci.is_none_or(|ci| ci.is_empty());
        let mut files = Vec::new();
        let mut github = self.github_actions.is_some_and(|value| value == "true");
        for wanted in list(self.report, &config.report, "report")? {
            match wanted {
                Wanted::File(file) => files.push(file),
                Wanted::GithubActions => github = true,
                Wanted::NoGithubActions => github = false,
            }
        }
        let step_summary = self.github_step_summary.filter(|path| !path.is_empty()).map(PathBuf::from);
        Ok(Output {
            files,
            github: github.then_some(Github { step_summary }),
            detail: if self.verbose { Detail::Checks } else { Detail::Verdicts },
            progress: if watched { Progress::on_stderr() } else { Progress::hidden() },
        })
    }
}

impl Output {
    /// Does `work`, which tells what happens, and writes the reports of it. All that leaves is redacted.
    pub(super) fn report(
        self,
        redactor: &Redactor,
        work: impl FnOnce(&mut dyn FnMut(&Event)) -> Result<Exit, Failure>,
    ) -> Result<Exit, Failure> {
        let mut reports = self.open(redactor)?;
        let outcome = work(&mut |event: &Event| reports.handle(event));
        reports.conclude(outcome)
    }

    /// Opens every report now: a run must not end with one that has nowhere to go.
    fn open(self, redactor: &Redactor) -> Result<Reports, Failure> {
        let mut reporters: Vec<Box<dyn Reporter + Send>> = Vec::new();
        for file in &self.files {
            let reporter = FileReporter::prepare(file, redactor.clone()).map_err(Failure::usage)?;
            reporters.push(Box::new(reporter));
        }
        let out = RedactingWriter::new(anstream::stdout(), redactor.clone());
        let human = Box::new(Human::new(out, self.progress, self.detail));
        match self.github {
            None => reporters.push(human),
            Some(Github { step_summary }) => {
                let token = guard_token();
                let summary = step_summary.as_deref();
                let github = GithubActions::prepare(io::stdout(), token.clone(), summary, redactor.clone())
                    .map_err(Failure::usage)?;
                reporters.push(Box::new(CommandGuard::new(io::stdout(), token)));
                reporters.push(human);
                reporters.push(Box::new(github));
            }
        }
        Ok(Reports { reporters, failed: None, redactor: redactor.clone() })
    }
}

/// Not to be guessed by a receiver, which sees neither the nanosecond of the start nor the process.
fn guard_token() -> String {
    let draw =
        |stream| pns_engine::rng::draw(clock::real_now().as_nanos(), stream, u64::from(std::process::id()));
    format!("pns-{:016x}{:016x}", draw(1), draw(2))
}

/// The reports of one run.
struct Reports {
    reporters: Vec<Box<dyn Reporter + Send>>,
    failed: Option<ReportError>,
    redactor: Redactor,
}

impl Reports {
    /// Tells all of them. The run goes on for the others when one fails; the first error is the one to tell.
    fn handle(&mut self, event: &Event) {
        for reporter in &mut self.reporters {
            if let Err(error) = reporter.handle(event) {
                self.failed.get_or_insert(error);
            }
        }
    }

    /// What the command comes to: that of the run, unless a report could not be written.
    fn conclude(self, outcome: Result<Exit, Failure>) -> Result<Exit, Failure> {
        if let Some(error) = self.failed {
            let failure = Failure::harness(error);
            // Somebody who has seen enough (`| head`) still wants the verdict as exit code.
            if !failure.is_broken_pipe() {
                return Err(failure.redacted(&self.redactor));
            }
        }
        outcome.map_err(|failure| failure.redacted(&self.redactor))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        output: OutputArgs,
    }

    fn github(args: &[&str]) -> Option<Option<PathBuf>> {
        let command = Command::try_parse_from([&["pns"], args].concat()).unwrap();
        command.output.resolve(&Config::default()).unwrap().github.map(|github| github.step_summary)
    }

    #[test]
    fn github_actions_turn_their_report_on_unless_told_otherwise() {
        let there = ["--github-actions", "true", "--github-step-summary", "s.md"];
        assert_eq!(github(&["--github-actions", ""]), None);
        assert_eq!(github(&there), Some(Some(PathBuf::from("s.md"))));
        assert_eq!(github(&[&there[..], &["--report", "no-github"]].concat()), None);
        assert_eq!(github(&["--github-actions", "", "--report", "github"]), Some(None));
    }
}
