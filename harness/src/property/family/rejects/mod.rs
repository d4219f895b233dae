//! `rejects`: what is no notification is answered promptly and does no harm.
//!
//! A receiver may refuse junk by a 4xx, close the connection on it, or acknowledge it because it queues first and looks
//! later: PNS's page asks for none of these. What is wrong is an internal error, no answer, an answer that is none, or
//! harm to what comes afterwards. That the receiver still accepts is confirmed after each property.

mod aftermath;
mod encoding;
mod envelope;
mod fields;
mod json;
mod junk;

use super::super::kinds::Property;

/// The family, in the order in which it is tried.
pub(in crate::property) const ALL: &[&[Property]] =
    &[junk::ALL, fields::ALL, json::ALL, encoding::ALL, envelope::ALL, aftermath::ALL];

/// Why an internal error is wrong where the request is.
const INTERNAL_ERROR: &str = "An internal error says that the receiver has erred (RFC 9110, section 15.6) where the request \
     has (section 15.5): it wakes people at night, hides true errors among false ones, and often leaves a transaction, a \
     lock or a worker behind.";
