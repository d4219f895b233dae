//! Delivering again.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::invalid::InvalidField;
use super::patch::{Yes, given};
use super::scalar::{EventName, Instant};

/// What is to be delivered again: exactly one of `delivery`, `failed_since` and `missing`.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("oneOf" = [
    { "required": ["delivery"], "not": { "anyOf": [{ "required": ["subscription"] }, { "required": ["failed_since"] }, { "required": ["missing"] }] } },
    { "required": ["failed_since"], "not": { "anyOf": [{ "required": ["delivery"] }, { "required": ["missing"] }] } },
    { "required": ["missing"], "not": { "anyOf": [{ "required": ["delivery"] }, { "required": ["failed_since"] }] } },
]))]
pub struct ReplaySpec {
    /// The notification of this delivery, once more to the same subscription.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "u64")]
    pub delivery: Option<u64>,
    /// All that were given up at this instant or later and were not acknowledged since. What is on its way, by any
    /// delivery, is left out; so a call after one with `more` reaches the rest.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Instant")]
    pub failed_since: Option<Instant>,
    /// `true`: all notifications published since a subscription was made that it sees and never acknowledged, and that
    /// are not on their way to it. What it sees is told by its present event types and suppliers.
    #[serde(deserialize_with = "Yes::read", skip_serializing_if = "std::ops::Not::not")]
    #[schemars(with = "Yes")]
    pub missing: bool,
    /// With `failed_since` and `missing`: only to this subscription.
    pub subscription: Option<u32>,
    /// Tells what would be delivered, and delivers nothing. Default: false.
    pub dry_run: bool,
    /// At most so many, the oldest first. Default: 1000.
    #[schemars(range(min = 1, max = 10_000))]
    pub limit: Option<NonZeroU32>,
}

impl ReplaySpec {
    /// Where no limit is given.
    pub const LIMIT_DEFAULT: u32 = 1_000;
    /// The greatest limit: as many as a batch may publish.
    pub const LIMIT_MAX: u32 = 10_000;

    /// Refuses what says nothing, too much, or means nothing together.
    ///
    /// # Errors
    /// Names the field.
    pub fn check(&self) -> Result<(), InvalidField> {
        let said = [self.delivery.is_some(), self.failed_since.is_some(), self.missing]
            .into_iter()
            .filter(|is| *is)
            .count();
        if said != 1 {
            return Err(InvalidField::new(
                "",
                "expected exactly one of `delivery`, `failed_since` and `missing`",
            ));
        }
        if self.delivery.is_some() && self.subscription.is_some() {
            return Err(InvalidField::new(
                "subscription",
                "means nothing with `delivery`, which names its own",
            ));
        }
        if self.limit.is_some_and(|limit| limit.get() > Self::LIMIT_MAX) {
            return Err(InvalidField::new("limit", format_args!("more than {}", Self::LIMIT_MAX)));
        }
        Ok(())
    }

    /// At most so many.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit.map_or(Self::LIMIT_DEFAULT, NonZeroU32::get) as usize
    }
}

/// What was, or would be, delivered again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replayed {
    /// Whether nothing was delivered because the call asked so.
    pub dry_run: bool,
    /// Whether the limit left some out: call again.
    pub more: bool,
    /// What is delivered, the oldest first.
    pub deliveries: Vec<ReplayedDelivery>,
}

/// One notification that is delivered again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplayedDelivery {
    /// The notification's id.
    pub notification: u64,
    /// Its event type.
    #[serde(rename = "type")]
    pub event_type: EventName,
    /// The subscription's id.
    pub subscription: u32,
    /// The new delivery; `null` in a dry run.
    pub delivery: Option<u64>,
}
