//! The texts that were read, and places in them.

use std::sync::Arc;

use super::model::Place;

/// Bytes `start..end` of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    /// The file's index in [`Sources`].
    pub(super) file: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Its path as given.
    pub name: Arc<str>,
    /// Its whole text.
    pub text: Arc<str>,
}

/// All files of a load: what diagnostics are rendered from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    pub(super) fn add(&mut self, name: &str, text: &str) -> usize {
        self.files.push(SourceFile { name: name.into(), text: text.into() });
        self.files.len() - 1
    }

    /// One text that was read, of a file of another kind.
    pub(crate) fn of(name: &str, text: &str) -> Self {
        let mut sources = Self::default();
        sources.add(name, text);
        sources
    }

    /// Bytes of the text of [`Sources::of`] as a place.
    pub(crate) fn place_of(&self, bytes: std::ops::Range<usize>) -> Place {
        self.place(Span { file: 0, start: bytes.start, end: bytes.end })
    }

    /// The file of that name, if it was read.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| *file.name == *name)
    }

    /// The files, in the order in which they were read.
    #[must_use]
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    pub(super) fn text(&self, file: usize) -> &str {
        &self.files[file].text
    }

    /// Line and column of a span, moved into the text and onto characters' edges where it lies outside.
    pub(super) fn place(&self, span: Span) -> Place {
        let file = &self.files[span.file];
        let start = edge_before(&file.text, span.start);
        let end = edge_before(&file.text, span.end).max(start);
        let head = &file.text[..start];
        let line_start = head.rfind('\n').map_or(0, |at| at + 1);
        let line = head.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = head[line_start..].chars().count() + 1;
        Place {
            file: Arc::clone(&file.name),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
            start,
            end,
        }
    }
}

/// The largest character boundary at or before `at`.
fn edge_before(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
