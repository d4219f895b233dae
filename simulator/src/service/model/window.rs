//! Downtime windows, and pauses, which are windows without an end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use pns_engine::Timestamp;

use super::invalid::InvalidField;
use super::patch::{Yes, given};
use super::scalar::{Instant, Span};

/// A downtime window to be announced: with exactly one of `for`, `until` and `open`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["for"] }, { "required": ["until"] }, { "required": ["open"] }]))]
pub struct WindowSpec {
    /// The subscription's id.
    pub subscription: u32,
    /// Its first instant. Default: now.
    #[serde(default)]
    pub from: Option<Instant>,
    /// How long it lasts.
    #[serde(default, rename = "for", deserialize_with = "given")]
    #[schemars(with = "Span")]
    pub lasts: Option<Span>,
    /// The first instant after it.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Instant")]
    pub until: Option<Instant>,
    /// `true`: until it is cancelled, or given an end.
    #[serde(default, deserialize_with = "Yes::read", skip_serializing_if = "std::ops::Not::not")]
    #[schemars(with = "Yes")]
    pub open: bool,
}

impl WindowSpec {
    /// Its first instant and the first after it; [`Timestamp::MAX`] for an open one.
    ///
    /// # Errors
    /// When it says no end, or two, or one that PNS time does not come to.
    pub fn span(&self, now: Timestamp) -> Result<(Timestamp, Timestamp), InvalidField> {
        let from = self.from.map_or(now, |from| from.0);
        let until = match (self.lasts, self.until, self.open) {
            (Some(span), None, false) => span.after(from, "for")?,
            (None, Some(until), false) => until.0,
            (None, None, true) => Timestamp::MAX,
            _ => return Err(InvalidField::new("", "expected exactly one of `for`, `until` and `open`")),
        };
        Ok((from, until))
    }
}

/// Another end of a downtime window: exactly one of `for` and `until`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct WindowChange {
    /// So long from now.
    #[serde(default, rename = "for", deserialize_with = "given")]
    #[schemars(with = "Span")]
    pub lasts: Option<Span>,
    /// The first instant after it.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Instant")]
    pub until: Option<Instant>,
}

impl WindowChange {
    /// The first instant after the window.
    ///
    /// # Errors
    /// When it says no end, or two, or one that PNS time does not come to.
    pub fn until(&self, now: Timestamp) -> Result<Timestamp, InvalidField> {
        match (self.lasts, self.until) {
            (Some(span), None) => span.after(now, "for"),
            (None, Some(until)) => Ok(until.0),
            _ => Err(InvalidField::new("", "expected exactly one of `for` and `until`")),
        }
    }
}

/// A window that is not over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WindowView {
    /// Its number.
    pub id: u32,
    /// The subscription's id.
    pub subscription: u32,
    /// Downtime, or a pause.
    pub kind: WindowKind,
    /// Whether it has begun.
    pub state: WindowState,
    /// Its first instant.
    pub from: Instant,
    /// The first instant after it; `null`: open.
    pub until: Option<Instant>,
}

/// What made a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WindowKind {
    /// An announced downtime.
    Downtime,
    /// A call of `pause`.
    Pause,
}

/// Whether a window has begun. One that is over is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WindowState {
    /// Not yet.
    Announced,
    /// In force.
    Open,
}
