//! PNS time, and how it moves.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::invalid::InvalidField;
use super::patch::given;
use super::scalar::{Instant, Span, text};
use crate::clock::{Gear, UnknownGear};

/// How PNS time moves: `real`, `60x` or another factor, or `virtual`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GearText(pub Gear);

impl<'de> Deserialize<'de> for GearText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "a gear: `real`, `60x` or another factor up to `1000000x`, or `virtual`", |text| {
            text.parse().map(Self).map_err(|_: UnknownGear| "it is none of these")
        })
    }
}

impl Serialize for GearText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for GearText {
    fn schema_name() -> Cow<'static, str> {
        "Gear".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(virtual|real|(1000000|[1-9][0-9]{0,5})x)$",
            "description": "How PNS time moves: `real`, `60x` or another factor (at most 1000000x), or `virtual` (only when advanced)."
        })
    }
}

/// The clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ClockView {
    /// The present PNS time.
    pub now: Instant,
    /// How it moves.
    pub gear: GearText,
    /// When the sender next has something to do, or an attempt that is in flight times out; `null`: nothing is due, until
    /// PNS time ends.
    pub next_due: Option<Instant>,
}

/// Another gear.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GearSpec {
    /// The gear.
    pub gear: GearText,
}

/// Moves virtual time: by a span, or to an instant. Exactly one of the two.
///
/// The answer comes when time is there, all that was due by then is done, and no request is still open. An attempt that
/// times out ends as much later in virtual time as its limit is long: where that lies beyond, it is in flight until time is
/// moved there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct AdvanceSpec {
    /// By so much.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Span")]
    pub by: Option<Span>,
    /// To this instant, or `next-due`: to the next thing that is due.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "AdvanceTo")]
    pub to: Option<AdvanceTo>,
}

/// Where time is moved to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdvanceTo {
    /// To the next thing that is due.
    NextDue,
    /// To this instant of PNS time; an instant that has passed moves nothing.
    At(Instant),
}

impl AdvanceSpec {
    /// By so much.
    #[must_use]
    pub const fn by(span: std::time::Duration) -> Self {
        Self { by: Some(Span(span)), to: None }
    }

    /// To the next thing that is due.
    #[must_use]
    pub const fn to_next_due() -> Self {
        Self { by: None, to: Some(AdvanceTo::NextDue) }
    }

    /// Where to, seen from `now`. `next_due`: when the next thing is due.
    ///
    /// # Errors
    /// When it says neither or both, or more than PNS time has left.
    pub fn target(
        &self,
        now: pns_engine::Timestamp,
        next_due: Option<pns_engine::Timestamp>,
    ) -> Result<pns_engine::Timestamp, InvalidField> {
        match (self.by, self.to) {
            (Some(span), None) => span.after(now, "by"),
            (None, Some(AdvanceTo::At(instant))) => Ok(instant.0.max(now)),
            (None, Some(AdvanceTo::NextDue)) => Ok(next_due.unwrap_or(now).max(now)),
            _ => Err(InvalidField::new("", "expected exactly one of `by` and `to`")),
        }
    }
}

impl<'de> Deserialize<'de> for AdvanceTo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "`next-due` or an instant such as `2026-01-31T09:30:00Z`", |text| {
            if text == "next-due" { Ok(Self::NextDue) } else { Instant::parse(text).map(Self::At) }
        })
    }
}

impl JsonSchema for AdvanceTo {
    fn schema_name() -> Cow<'static, str> {
        "AdvanceTo".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let instant = generator.subschema_for::<Instant>();
        json_schema!({ "anyOf": [{ "const": "next-due" }, instant] })
    }
}
