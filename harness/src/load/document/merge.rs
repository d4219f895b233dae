//! One document of several segments of a run.

use std::collections::BTreeSet;

use super::ReadError;
use super::format::Document;
use crate::load::segment::Segment;

/// How the note of missing segments begins; it is written anew by each merge.
const INCOMPLETE: &str = "not the whole run: without segment";

/// Documents that do not belong together.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There is nothing to merge.
    #[error("there is nothing to merge")]
    Nothing,
    /// The settings differ.
    #[error("document {0} is of another run: its settings differ from those of the first")]
    OtherRun(usize),
    /// A search, or a drain, is made by one machine.
    #[error("document {0} is of a search or of a drain, which one machine makes alone")]
    Alone(usize),
    /// The segments are not of one division.
    #[error("document {document} holds `{segment}`, which is no segment of the division of the first")]
    Segment {
        /// From 1.
        document: usize,
        /// As written.
        segment: String,
    },
    /// The same segment again.
    #[error("document {document} holds segment {segment}, which another holds already")]
    Twice {
        /// From 1.
        document: usize,
        /// Which.
        segment: Segment,
    },
    /// A document that cannot be believed.
    #[error("document {document}: {error}")]
    Read {
        /// From 1.
        document: usize,
        /// Why.
        #[source]
        error: ReadError,
    },
}

impl Document {
    /// Joins the segments of one run exactly: the result is what one machine would have found that had sent them all.
    /// Segments that are missing are noted. Verdicts are left out: those of the parts are not those of the whole.
    ///
    /// # Errors
    /// See [`MergeError`]; documents are numbered from 1.
    pub fn merge(documents: &[Self]) -> Result<Self, MergeError> {
        let first = documents.first().ok_or(MergeError::Nothing)?;
        let mut recorder = crate::load::Recorder::default();
        let mut held = BTreeSet::new();
        let mut notes = BTreeSet::new();
        let mut of = None;
        for (number, document) in (1..).zip(documents) {
            if document.settings != first.settings {
                return Err(MergeError::OtherRun(number));
            }
            if document.search.is_some() || document.drain.is_some() {
                return Err(MergeError::Alone(number));
            }
            for text in &document.segments {
                let other = || MergeError::Segment { document: number, segment: text.clone() };
                let segment = Segment::parse(text, None).map_err(|_| other())?;
                if *of.get_or_insert(segment.of()) != segment.of() {
                    return Err(other());
                }
                if !held.insert(segment.number()) {
                    return Err(MergeError::Twice { document: number, segment });
                }
            }
            let share = document.recorder().map_err(|error| MergeError::Read { document: number, error })?;
            recorder.merge(&share);
            let lasting = document.notes.iter().filter(|note| !note.starts_with(INCOMPLETE));
            notes.extend(lasting.cloned());
        }
        // RFC 3339 in UTC: the least text is the earliest.
        let started = documents.iter().map(|document| &document.started).min().cloned().unwrap_or_default();
        let mut merged = Self::new(first.settings.clone(), Segment::WHOLE, started, &recorder);
        merged.complete = documents.iter().all(|document| document.complete);
        merged.notes = notes.into_iter().collect();
        let of = of.unwrap_or(1);
        merged.segments = held.iter().map(|number| format!("{number}/{of}")).collect();
        let missing: Vec<String> =
            (1..=of).filter(|number| !held.contains(number)).map(|number| format!("{number}/{of}")).collect();
        if !missing.is_empty() {
            merged.notes.push(format!("{INCOMPLETE} {}", missing.join(", ")));
        }
        Ok(merged)
    }
}
