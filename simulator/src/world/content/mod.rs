//! What nobody said: names, dates, rooms and rates, drawn from the seed and the ids.
//!
//! The shapes are *reconstructed*: Cvent's schema files (`Response/rfpResponseAll.json` and others) are for its
//! customers. Ids, states, reasons, attachments and messages are what the notifications said; all else is made up.

mod parts;
mod place;
mod rfp;

pub(super) use parts::{attachment, part_items};
pub(super) use place::Place;
pub(super) use rfp::Request;

use pns_engine::Timestamp;
use serde_json::{Value, json};

use crate::service::model::Instant;

/// An instant, as the bodies of notifications write it.
pub(super) fn instant(at: Timestamp) -> Value {
    json!(Instant(at.min(crate::clock::LAST)).to_string())
}

/// The day of an instant.
pub(super) fn day(at: Timestamp) -> jiff::civil::Date {
    let millis = i64::try_from(at.min(crate::clock::LAST).as_millis()).unwrap_or_default();
    let instant = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    jiff::tz::Offset::UTC.to_datetime(instant).date()
}

/// So many days after a date; the date itself where the calendar ends.
pub(super) fn later(date: jiff::civil::Date, days: u32) -> jiff::civil::Date {
    date.checked_add(jiff::Span::new().days(i64::from(days))).unwrap_or(date)
}

/// An amount of money with two decimals.
pub(super) fn money(cents: u32) -> Value {
    json!(f64::from(cents) / 100.0)
}
