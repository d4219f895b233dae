//! The report for GitHub Actions: annotations on standard output, and a step summary in Markdown.
//!
//! GitHub shows ten errors and ten warnings of a step, the first ones: the worst come first, and the rest is in
//! the summary. While the run goes, workflow commands are switched off ([`CommandGuard`]), because what a
//! receiver answers stands in the log, and GitHub takes orders from the log.

mod annotations;
mod markdown;
mod summary;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use summary::summary;

use super::{Collected, ReportError, Reporter};
use crate::event::Event;
use crate::redact::Redactor;

/// Tells GitHub's runner to take no commands from the log until [`GithubActions`] ends it: goes before every
/// other report on standard output.
#[derive(Debug)]
pub struct CommandGuard<W> {
    out: W,
    token: String,
}

impl<W: Write> CommandGuard<W> {
    /// `token` ends the silence; a receiver must not be able to guess it.
    pub fn new(out: W, token: String) -> Self {
        Self { out, token }
    }

    /// What it wrote to.
    pub fn into_inner(self) -> W {
        self.out
    }
}

impl<W: Write> Reporter for CommandGuard<W> {
    fn handle(&mut self, event: &Event) -> Result<(), ReportError> {
        let mut write = || {
            writeln!(self.out, "::stop-commands::{}", self.token)?;
            self.out.flush()
        };
        if matches!(event, Event::RunStarted(_)) { write().map_err(ReportError::Stdout) } else { Ok(()) }
    }
}

/// Writes annotations and the step summary at the end of a run: goes after every other report on standard output.
#[derive(Debug)]
pub struct GithubActions<W> {
    out: W,
    token: String,
    summary: Option<(PathBuf, File)>,
    redactor: Redactor,
    collected: Collected,
}

impl<W: Write> GithubActions<W> {
    /// Opens `summary`, to which earlier commands of the step may have written, for more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn prepare(
        out: W,
        token: String,
        summary: Option<&Path>,
        redactor: Redactor,
    ) -> Result<Self, ReportError> {
        let summary = match summary {
            None => None,
            Some(path) => {
                let opened = OpenOptions::new().append(true).create(true).open(path);
                let file = opened.map_err(|source| ReportError::File { path: path.to_owned(), source })?;
                Some((path.to_owned(), file))
            }
        };
        Ok(Self { out, token, summary, redactor, collected: Collected::default() })
    }

    /// What it wrote to.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn annotate(&mut self) -> io::Result<()> {
        writeln!(self.out, "::{}::", self.token)?;
        self.out.write_all(annotations::annotations(&self.collected, &self.redactor).as_bytes())?;
        self.out.flush()
    }
}

impl<W: Write> Reporter for GithubActions<W> {
    fn handle(&mut self, event: &Event) -> Result<(), ReportError> {
        self.collected.handle(event);
        if !matches!(event, Event::RunFinished(_)) {
            return Ok(());
        }
        self.annotate().map_err(ReportError::Stdout)?;
        if let Some((path, file)) = &mut self.summary {
            let text = summary(&self.collected, &self.redactor);
            file.write_all(text.as_bytes())
                .map_err(|source| ReportError::File { path: path.clone(), source })?;
        }
        Ok(())
    }
}
