//! `pns load merge`: one result of several segments.

use std::path::PathBuf;

use super::super::Failure;
use super::super::config::LoadConfig;
use super::judge::VerdictArgs;
use super::output::OutputArgs;
use crate::exit::Exit;
use crate::load::document::{Document, MergeError};
use crate::redact::Redactor;

/// Join the results of segments of one run, exactly.
///
/// The result is what one machine would have found that had sent everything: histograms are added cell by cell.
/// Thresholds and baselines are judged anew, since those of the parts are not those of the whole.
#[derive(Debug, clap::Args)]
#[command(after_long_help = crate::exit::HELP)]
pub(super) struct Args {
    /// Results of segments: `pns load --segment 1/5 --report json=FILE`
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    verdict: VerdictArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let config = LoadConfig::default();
    let judge = args.verdict.resolve(&config)?;
    let output = args.output.resolve(&config)?;
    let documents = args.files.iter().map(|path| super::read(path)).collect::<Result<Vec<_>, _>>()?;
    let merged = Document::merge(&documents).map_err(|error| {
        let place = match &error {
            MergeError::Nothing => None,
            MergeError::OtherRun(number) | MergeError::Alone(number) => Some(*number),
            MergeError::Segment { document, .. }
            | MergeError::Twice { document, .. }
            | MergeError::Read { document, .. } => Some(*document),
        };
        let file = place.and_then(|number| args.files.get(number - 1));
        let failure = Failure::usage(error);
        match file {
            Some(file) => {
                failure.help(format!("document {} is `{}`", place.unwrap_or_default(), file.display()))
            }
            None => failure,
        }
    })?;
    let judged = judge.compare(judge.judge(merged)?)?;
    output.report(&judged, &Redactor::default())
}
