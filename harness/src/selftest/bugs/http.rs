//! Bugs.
use crate::selftest::Specimen;
pub(super) const ALL: &[Specimen] = &[];
