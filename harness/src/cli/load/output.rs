//! Where the result of a load run goes.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::builder::BoolishValueParser;

use super::super::Failure;
use super::super::args::list;
use super::super::config::LoadConfig;
use crate::exit::Exit;
use crate::load::document::Document;
use crate::load::report::{self, live::Live};
use crate::redact::Redactor;
use crate::report::output::{OutputFile, page_in};
use crate::report::{RedactingWriter, ReportError};

/// What is told, and where.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Write reports: `html=FILE`, `json=FILE`
    #[arg(long, value_name = "FORMAT=FILE", env = "PNS_LOAD_REPORT", value_delimiter = ',')]
    report: Vec<Wanted>,
    /// Show no progress on standard error
    #[arg(long, env = "PNS_NO_PROGRESS", value_parser = BoolishValueParser::new())]
    no_progress: bool,
    /// Set by CI servers: progress is lines then.
    #[arg(long = "ci", env = "CI", hide = true, num_args = 0..=1, default_missing_value = "true")]
    ci: Option<String>,
}

/// One report beside the one for people.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    format: Format,
    path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Html,
    Json,
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = text.split_once('=').unwrap_or((text, ""));
        let format = match name {
            "html" => Format::Html,
            "json" => Format::Json,
            _ => {
                return Err(format!(
                    "a load run has no report `{name}`: expected `html=FILE` or `json=FILE`"
                ));
            }
        };
        if path.is_empty() {
            return Err(format!("no file for the `{name}` report"));
        }
        Ok(Self { format, path: PathBuf::from(path) })
    }
}

/// Where the result goes.
#[derive(Debug)]
pub(super) struct Output {
    files: Vec<(Format, OutputFile)>,
    progress: Progress,
}

#[derive(Clone, Copy, Debug)]
enum Progress {
    Hidden,
    Drawn,
    Lines,
}

impl OutputArgs {
    /// Flags and environment first, then `config`. The files are tried now: a long run must not end with a report that
    /// has nowhere to go.
    pub(super) fn resolve(self, config: &LoadConfig) -> Result<Output, Failure> {
        let wanted: Vec<Wanted> = list(self.report, &config.report, "load.report")?;
        let files = wanted.into_iter().map(|Wanted { format, path }| {
            let prepare = |path: &Path| match format {
                Format::Html => OutputFile::prepare(&page_in(path)?),
                Format::Json => OutputFile::prepare(path),
            };
            let file = prepare(&path).map_err(|source| ReportError::File { path, source });
            Ok((format, file.map_err(Failure::usage)?))
        });
        let progress = if self.no_progress {
            Progress::Hidden
        } else if io::stderr().is_terminal() && self.ci.is_none_or(|ci| ci.is_empty()) {
            Progress::Drawn
        } else {
            Progress::Lines
        };
        Ok(Output { files: files.collect::<Result<_, Failure>>()?, progress })
    }
}

impl Output {
    /// What shows the run while it goes on.
    pub(super) fn live(&self) -> Live {
        match self.progress {
            Progress::Hidden => Live::hidden(),
            Progress::Drawn => Live::on_stderr(),
            Progress::Lines => Live::lines(Box::new(anstream::stderr())),
        }
    }

    /// Tells the result, writes the reports, and says what it comes to.
    pub(super) fn report(self, document: &Document, redactor: &Redactor) -> Result<Exit, Failure> {
        // The files first: somebody who has seen enough (`| head`) still wants them.
        for (format, mut file) in self.files {
            let text = match format {
                Format::Html => report::page(document, redactor),
                Format::Json => document.render(redactor),
            };
            let path = file.path().to_owned();
            let written = file.write(text.as_bytes());
            written.map_err(|source| Failure::harness(ReportError::File { path, source }))?;
        }
        let mut out = RedactingWriter::new(anstream::stdout(), redactor.clone());
        let told = report::write(&mut out, document).and_then(|()| out.into_inner().map(|_| ()));
        match told.map_err(|source| Failure::harness(ReportError::Stdout(source))) {
            Err(failure) if !failure.is_broken_pipe() => Err(failure),
            _ => Ok(Exit::of_load(document)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_pages_and_documents() {
        let wanted = |text: &str| text.parse::<Wanted>();
        assert_eq!(wanted("html=a=b"), Ok(Wanted { format: Format::Html, path: PathBuf::from("a=b") }));
        assert_eq!(wanted("json="), Err("no file for the `json` report".to_owned()));
        assert!(wanted("junit=a").unwrap_err().contains("expected `html=FILE` or `json=FILE`"));
    }
}
