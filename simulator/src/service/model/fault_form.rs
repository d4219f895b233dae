//! The forms in which a fault may be written: a word, a count, `true`, or a map.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

use super::fault::{FaultForm, FaultMap, FaultWord, ResetFault, ResetForm, Times};

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimesVisitor)
    }
}

struct TimesVisitor;

impl Visitor<'_> for TimesVisitor {
    type Value = Times;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of attempts from 1, or `true`")
    }

    fn visit_bool<E: de::Error>(self, yes: bool) -> Result<Times, E> {
        if yes { Ok(Times::True) } else { Err(E::invalid_value(de::Unexpected::Bool(false), &self)) }
    }

    fn visit_u64<E: de::Error>(self, count: u64) -> Result<Times, E> {
        let wrong = || E::invalid_value(de::Unexpected::Unsigned(count), &self);
        u32::try_from(count).ok().and_then(NonZeroU32::new).map(Times::Count).ok_or_else(wrong)
    }

    fn visit_i64<E: de::Error>(self, count: i64) -> Result<Times, E> {
        let wrong = || E::invalid_value(de::Unexpected::Signed(count), &self);
        u64::try_from(count).map_err(|_| wrong()).and_then(|count| self.visit_u64(count))
    }
}

impl JsonSchema for Times {
    fn schema_name() -> Cow<'static, str> {
        "Times".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{ "type": "integer", "minimum": 1, "maximum": (u32::MAX) }, { "const": true }],
            "description": "A number of attempts; or `true`: once, or as long as `for` says."
        })
    }
}

impl<'de> Deserialize<'de> for ResetForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;

        impl<'de> Visitor<'de> for Form {
            type Value = ResetForm;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of attempts, `true`, or `when` and `times`")
            }

            fn visit_bool<E: de::Error>(self, yes: bool) -> Result<ResetForm, E> {
                TimesVisitor.visit_bool(yes).map(ResetForm::Times)
            }

            fn visit_u64<E: de::Error>(self, count: u64) -> Result<ResetForm, E> {
                TimesVisitor.visit_u64(count).map(ResetForm::Times)
            }

            fn visit_i64<E: de::Error>(self, count: i64) -> Result<ResetForm, E> {
                TimesVisitor.visit_i64(count).map(ResetForm::Times)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<ResetForm, A::Error> {
                ResetFault::deserialize(de::value::MapAccessDeserializer::new(map)).map(ResetForm::Details)
            }
        }

        deserializer.deserialize_any(Form)
    }
}

impl JsonSchema for ResetForm {
    fn schema_name() -> Cow<'static, str> {
        "Reset".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let times = generator.subschema_for::<Times>();
        let details = generator.subschema_for::<ResetFault>();
        json_schema!({ "anyOf": [times, details] })
    }
}

impl<'de> Deserialize<'de> for FaultForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;

        impl<'de> Visitor<'de> for Form {
            type Value = FaultForm;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a fault such as `refuse` or `{ \"ack_lost\": 2 }`")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<FaultForm, E> {
                FaultWord::deserialize(de::value::StrDeserializer::new(word)).map(FaultForm::Word)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<FaultForm, A::Error> {
                let map = FaultMap::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(FaultForm::Map(Box::new(map)))
            }
        }

        deserializer.deserialize_any(Form)
    }
}

impl JsonSchema for FaultForm {
    fn schema_name() -> Cow<'static, str> {
        "Fault".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let word = generator.subschema_for::<FaultWord>();
        let map = generator.subschema_for::<FaultMap>();
        json_schema!({ "anyOf": [word, map] })
    }
}
