//! `pns lint`: whether scenario files can be run, without running them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::json;

use super::config::Config;
use super::{Failure, print};
use crate::exit::Exit;
use crate::report::style::{GREEN, RED, paint};
use crate::report::text::count;
use crate::scenario::{self, Diagnostic, LoadResult, Style};

/// Check scenario files without running them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 no errors, 2 errors, or a path that does not exist")]
pub(super) struct Args {
    /// Scenario files and folders [default: `paths` of pns.toml, or else the shipped scenarios]
    paths: Vec<PathBuf>,
    /// How errors are told; `json` is one object a line
    #[arg(long, value_name = "FORMAT", env = "PNS_ERROR_FORMAT", default_value = "human")]
    error_format: ErrorFormat,
    /// Settings file [default: pns.toml in the working directory, if there is one]
    #[arg(long, value_name = "FILE", env = "PNS_CONFIG")]
    config: Option<PathBuf>,
}

/// How errors are told.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ErrorFormat {
    /// As compilers do, with the line and a caret.
    Human,
    /// One object a line.
    Json,
}

/// Checks, tells all errors of all files, and says how many there are.
pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let config = Config::load(args.config.as_deref())?;
    let paths = if args.paths.is_empty() { &config.paths } else { &args.paths };
    let result = scenario::lint(paths).sorted();
    let text = match args.error_format {
        ErrorFormat::Human => human(&result),
        ErrorFormat::Json => result.diagnostics.iter().map(line_of_json).collect(),
    };
    // Errors are what was asked for, so they are the result and stand on standard output.
    print(&text)?;
    Ok(if result.diagnostics.is_empty() { Exit::Held } else { Exit::Usage })
}

fn human(result: &LoadResult) -> String {
    if result.diagnostics.is_empty() {
        let files = count(result.files.files().len() as u64, "file");
        let scenarios = count(result.scenarios.len() as u64, "scenario");
        return format!("{files}, {scenarios}, {}\n", paint(GREEN, "no errors"));
    }
    // Standard output drops the colours where it takes none.
    let rendered = result.render(Style::Coloured);
    format!("{rendered}\n\n{}\n", paint(RED, &errors_in(result)))
}

/// `3 errors in 2 of 61 files`.
pub(super) fn errors_in(result: &LoadResult) -> String {
    let errors = count(result.diagnostics.len() as u64, "error");
    let places = result.diagnostics.iter().filter_map(|one| one.place.as_ref());
    let concerned = places.map(|place| &*place.file).collect::<BTreeSet<&str>>().len();
    let files = count(result.files.files().len() as u64, "file");
    match concerned {
        0 => errors,
        all if all == result.files.files().len() => format!("{errors} in {files}"),
        some => format!("{errors} in {some} of {files}"),
    }
}

fn line_of_json(diagnostic: &Diagnostic) -> String {
    let place = diagnostic.place.as_ref();
    let line = json!({
        "message": diagnostic.message,
        "file": place.map(|place| &*place.file),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "label": Some(&diagnostic.label).filter(|label| !label.is_empty()),
        "help": diagnostic.help,
    });
    format!("{line}\n")
}
