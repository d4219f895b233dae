//! How often and how fast attempts are made.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;

use pns_engine::{Backoff, Factor, RateLimit};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::invalid::InvalidField;
use super::scalar::{JitterText, RateText, Span};

/// The intervals between attempts.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetrySpec {
    /// The first. Default: 30s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Span>,
    /// What multiplies it after each failure. Default: 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub factor: Option<f64>,
    /// The longest. Default: 4h, or `first` where that is longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Span>,
    /// By how much each may be lengthened at random. Default: 0%.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<JitterText>,
    /// Gives a delivery up after so many attempts: a deviation from Cvent's page. Default: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub cap: Option<NonZeroU32>,
}

/// How fast attempts may start: `10/s`, or `{ "rate": "10/s", "burst": 5 }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RateLimitSpec {
    /// The rate.
    pub rate: RateText,
    /// How many may start at once. Default: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<NonZeroU32>,
}

impl RetrySpec {
    /// The schedule.
    ///
    /// # Errors
    /// When these are no increasing intervals.
    pub fn backoff(&self) -> Result<Backoff, InvalidField> {
        let default = Backoff::DEFAULT;
        let first = self.first.map_or(default.first(), |span| span.0);
        let max = self.max.map_or(default.max().max(first), |span| span.0);
        let factor = match self.factor {
            None => default.factor(),
            Some(factor) => thousandths(factor)
                .ok_or_else(|| InvalidField::new("factor", "expected a number from 1 to 1000"))?,
        };
        let jitter = self.jitter.map_or(default.jitter(), |jitter| jitter.0);
        Backoff::new(first, factor, max, jitter).map_err(|error| {
            let field = if first.is_zero() { "first" } else { "max" };
            InvalidField::new(field, error)
        })
    }
}

fn thousandths(factor: f64) -> Option<Factor> {
    let factor = Some(factor).filter(|factor| (1.0..=1000.0).contains(factor))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1,000 to 1,000,000")]
    Factor::from_thousandths((factor * 1_000.0).round() as u32)
}

impl RateLimitSpec {
    /// The engine's limit.
    ///
    /// # Errors
    /// When the rate cannot be told in whole nanoseconds.
    pub fn resolve(&self) -> Result<RateLimit, InvalidField> {
        let (count, per) = self.rate.0;
        let burst = self.burst.unwrap_or(NonZeroU32::MIN);
        RateLimit::new(count, per, burst).map_err(|error| InvalidField::new("rate_limit", error))
    }
}

impl From<RateLimit> for RateLimitSpec {
    fn from(limit: RateLimit) -> Self {
        Self { rate: RateText((limit.count(), limit.per())), burst: Some(limit.burst()) }
    }
}

impl<'de> Deserialize<'de> for RateLimitSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Parts {
            rate: RateText,
            #[serde(default)]
            burst: Option<NonZeroU32>,
        }
        struct Limit;

        impl<'de> Visitor<'de> for Limit {
            type Value = RateLimitSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rate such as `10/s`, or `rate` and `burst`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RateLimitSpec, E> {
                let rate = RateText::deserialize(de::value::StrDeserializer::new(text))?;
                Ok(RateLimitSpec { rate, burst: None })
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<RateLimitSpec, A::Error> {
                let Parts { rate, burst } = Parts::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(RateLimitSpec { rate, burst })
            }
        }

        deserializer.deserialize_any(Limit)
    }
}

impl JsonSchema for RateLimitSpec {
    fn schema_name() -> Cow<'static, str> {
        "RateLimit".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let rate = generator.subschema_for::<RateText>();
        json_schema!({
            "anyOf": [rate, {
                "type": "object",
                "properties": {
                    "rate": rate,
                    "burst": {
                        "type": ["integer", "null"],
                        "minimum": 1,
                        "maximum": (u32::MAX),
                        "description": "How many may start at once. Default: 1."
                    }
                },
                "required": ["rate"],
                "additionalProperties": false
            }],
            "description": "How fast attempts may start."
        })
    }
}
