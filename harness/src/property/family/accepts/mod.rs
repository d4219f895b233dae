//! `accepts`: valid notifications are acknowledged, whatever they hold and however they are spelt.
//!
//! "Valid" is what Cvent's page documents, in any spelling that JSON and HTTP make equal. Bounds and formats that only
//! this project's schema pack has are no ground for a finding; where one is tried all the same, it is advice.

mod content_type;
mod fields;
mod shape;
mod spelling;
mod text;
mod values;

use super::super::kinds::Property;

/// The family, in the order in which it is tried.
pub(in crate::property) const ALL: &[&[Property]] =
    &[shape::ALL, fields::ALL, spelling::ALL, text::ALL, values::ALL, content_type::ALL];
