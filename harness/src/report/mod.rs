//! Reports: what a run told, as people and machines want to read it.
//!
//! Each format is a folder; all are fed by [`Event`] and none knows the runner. Every text passes the
//! [`Redactor`] on its way out: streams by [`RedactingWriter`], structured formats value by value, so that a key
//! that happens to be part of the format's own words cannot break the format.

pub mod collect;
pub mod coverage;
pub mod github;
pub mod html;
pub mod human;
pub mod json;
pub mod junit;
pub(crate) mod output;
pub mod standing;
pub(crate) mod style;
pub mod tap;
pub mod text;
pub mod verdict;
mod wanted;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use collect::Collected;
pub use human::Human;
use output::OutputFile;
pub use wanted::{FileFormat, FileReport, Wanted, WantedError};

use crate::event::Event;
use crate::redact::Redactor;

/// Takes part in a run as a listener.
pub trait Reporter {
    /// Takes notice of one event.
    ///
    /// # Errors
    /// When what it writes to fails.
    fn handle(&mut self, event: &Event) -> Result<(), ReportError>;
}

/// A report could not be written: a fault of the user's paths or of the machine, never of the receiver.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The terminal, or what it is redirected to.
    #[error("cannot write to standard output")]
    Stdout(#[source] io::Error),
    /// A report's file.
    #[error("cannot write the report `{path}`")]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Gathers a run and writes it to a file at its end.
#[derive(Debug)]
pub struct FileReporter {
    format: FileFormat,
    output: OutputFile,
    redactor: Redactor,
    collected: Collected,
}

impl FileReporter {
    /// Makes sure, before the run, that the file can be written.
    ///
    /// # Errors
    /// When it cannot.
    pub fn prepare(report: &FileReport, redactor: Redactor) -> Result<Self, ReportError> {
        let prepare = |path: &Path| match report.format {
            FileFormat::Html => OutputFile::prepare(&output::page_in(path)?),
            FileFormat::Json | FileFormat::Junit | FileFormat::Tap | FileFormat::Github => {
                OutputFile::prepare(path)
            }
        };
        let output = prepare(&report.path)
            .map_err(|source| ReportError::File { path: report.path.clone(), source })?;
        Ok(Self { format: report.format, output, redactor, collected: Collected::default() })
    }
}

impl Reporter for FileReporter {
    fn handle(&mut self, event: &Event) -> Result<(), ReportError> {
        self.collected.handle(event);
        if !matches!(event, Event::RunFinished(_)) {
            return Ok(());
        }
        let text = match self.format {
            FileFormat::Json => json::render(&self.collected, &self.redactor),
            FileFormat::Junit => junit::render(&self.collected, &self.redactor),
            FileFormat::Tap => tap::render(&self.collected, &self.redactor),
            FileFormat::Html => html::render(&self.collected, &self.redactor),
            FileFormat::Github => github::summary(&self.collected, &self.redactor),
        };
        let path = self.output.path().to_owned();
        self.output.write(text.as_bytes()).map_err(|source| ReportError::File { path, source })
    }
}

/// Writes whole lines, without the secrets in them.
#[derive(Debug)]
pub struct RedactingWriter<W> {
    inner: W,
    redactor: Redactor,
    line: Vec<u8>,
}

impl<W: Write> RedactingWriter<W> {
    /// Everything written to it goes to `inner` line by line.
    pub fn new(inner: W, redactor: Redactor) -> Self {
        Self { inner, redactor, line: Vec::new() }
    }

    /// What it writes to.
    pub fn into_inner(mut self) -> io::Result<W> {
        self.pass_on()?;
        Ok(self.inner)
    }

    fn pass_on(&mut self) -> io::Result<()> {
        if !self.line.is_empty() {
            let text = String::from_utf8_lossy(&self.line);
            self.inner.write_all(self.redactor.redact(&text).as_bytes())?;
            self.line.clear();
        }
        Ok(())
    }
}

impl<W: Write> Write for RedactingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        if let Some(end) = self.line.iter().rposition(|byte| *byte == b'\n') {
            let rest = self.line.split_off(end + 1);
            self.pass_on()?;
            self.line = rest;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // A line is passed on whole, so that a secret cut in two by buffers is still found.
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests;
