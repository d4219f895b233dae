//! auth

use super::super::kinds::Property;

/// The family, in the order in which it is tried.
pub(in crate::property) const ALL: &[Property] = &[];
