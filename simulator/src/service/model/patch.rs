//! A field of a change: left as it is, set back, or set.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;

/// A field of a merge patch (RFC 7396): absent, `null`, or a value. Stands with `#[serde(default)]`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// Absent: it stays as it is.
    #[default]
    Keep,
    /// `null`: back to its default.
    Reset,
    /// The new value.
    Set(T),
}

impl<T> Patch<T> {
    /// Does to `field` what the patch says.
    pub fn apply(self, field: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Reset => *field = None,
            Self::Set(value) => *field = Some(value),
        }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Reset, Self::Set))
    }
}

impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Option::<T>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}
