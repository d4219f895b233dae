//! Correct.
use super::Specimen;
pub(super) const ALL: &[Specimen] = &[];
