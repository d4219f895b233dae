//! Single values that are texts in JSON, read once and held in the engine's types.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use pns_engine::{EventType, EventTypeSet, Jitter, SupplierId, SupplierScope, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::invalid::InvalidField;
use crate::{clock, units};

/// Reads a text by `parse`, whose error becomes the field's.
pub(crate) fn text<'de, D, T, E>(
    deserializer: D,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    E: fmt::Display,
{
    struct Text<F, T, E>(&'static str, F, PhantomData<(T, E)>);

    impl<F: FnOnce(&str) -> Result<T, E>, T, E: fmt::Display> Visitor<'_> for Text<F, T, E> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<X: de::Error>(self, text: &str) -> Result<T, X> {
            (self.1)(text).map_err(|why| X::custom(format_args!("expected {}: {why}", self.0)))
        }
    }

    deserializer.deserialize_str(Text(expected, parse, PhantomData))
}

macro_rules! text_value {
    ($(#[$doc:meta])* $name:ident($inner:ty), $schema_name:literal, expected $expected:literal, $parse:expr, $show:expr, $schema:tt) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub $inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                text(deserializer, $expected, $parse).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&$show(self.0))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                $schema_name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

text_value!(
    /// A span of time, as `30s` or `1h30m`.
    Span(Duration), "Span", expected "a span such as `30s` or `1h30m`", units::duration, units::span_text,
    {
        "type": "string",
        "pattern": "^([0-9]{1,4}d)?([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,7}s)?([0-9]{1,10}ms)?$",
        "minLength": 2,
        "description": "Numbers with units, largest first: 250ms, 10s, 1h30m, 3d. At most 3650d."
    }
);
text_value!(
    /// A count and its period, as `10/s` or `300/1m`.
    RateText((NonZeroU32, Duration)), "Rate", expected "a rate such as `10/s` or `300/m`", units::rate,
    |(count, per)| units::rate_text(count, per),
    {
        "type": "string",
        "pattern": "^[1-9][0-9]{0,9}/(ms|s|m|h|d|([0-9]{1,4}d)?([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,7}s)?([0-9]{1,10}ms)?)$",
        "minLength": 3,
        "description": "A count and a time: 10/s, 100/m, 3/10s."
    }
);
text_value!(
    /// By how much a delay may be lengthened at random, as `10%`.
    JitterText(Jitter), "Jitter", expected "a percentage from `0%` to `1000%`",
    |text| units::percent(text).and_then(Jitter::from_percent).ok_or("out of range or no percentage"),
    |jitter: Jitter| format!("{}%", jitter.percent()),
    { "type": "string", "pattern": "^(1000|[0-9]{1,3})%$", "description": "A percentage from 0% to 1000%." }
);
text_value!(
    /// An event type by its wire name.
    EventName(EventType), "EventType", expected "an event type such as `RFP_SEND`", event_type, EventType::wire_name,
    { "type": "string", "enum": (EventType::ALL.map(EventType::wire_name).to_vec()), "description": "One of the 33 event types." }
);
text_value!(
    /// A supplier's UUID.
    SupplierText(SupplierId), "Supplier", expected "a supplier's UUID", str::parse::<SupplierId>,
    |supplier: SupplierId| supplier.to_string(),
    { "type": "string", "format": "uuid", "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$" }
);
text_value!(
    /// An instant of PNS time, in RFC 3339 with milliseconds.
    Instant(Timestamp), "Instant", expected "an instant such as `2026-01-31T09:30:00Z`",
    |text| Instant::parse(text).map(|instant| instant.0), |instant| Instant(instant).to_string(),
    { "type": "string", "format": "date-time", "description": "RFC 3339, from 1970 to 2261." }
);

impl Instant {
    /// Reads RFC 3339 with any offset.
    ///
    /// # Errors
    /// When it is none, or outside the years that PNS time can tell.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Ok(instant) = text.parse::<jiff::Timestamp>() else {
            // What is written most often: a date and a time of the day, of nowhere.
            return Err(match text.parse::<jiff::civil::DateTime>() {
                Ok(local) => format!("`{text}` has no time zone: write `{local}Z` for UTC"),
                Err(_) => "it is no date and time with a time zone, from 1970 to 2261".to_owned(),
            });
        };
        let instant = u64::try_from(instant.as_nanosecond()).ok().map(Timestamp::from_nanos);
        instant
            .filter(|at| *at <= clock::LAST)
            .map(Self)
            .ok_or_else(|| "it is not from 1970 to 2261".to_owned())
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = i64::try_from(self.0.as_millis()).unwrap_or(i64::MAX);
        let instant = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{instant:.3}")
    }
}

impl Span {
    /// The instant that is so much after `from`.
    ///
    /// # Errors
    /// When PNS time does not come so far; `field` is what said the span.
    pub fn after(self, from: Timestamp, field: &str) -> Result<Timestamp, InvalidField> {
        let why = "leads beyond the year 2261, where PNS time ends";
        clock::later(from, self.0).ok_or_else(|| InvalidField::new(field, why))
    }
}

impl From<Timestamp> for Instant {
    fn from(instant: Timestamp) -> Self {
        Self(instant)
    }
}

impl From<Duration> for Span {
    fn from(span: Duration) -> Self {
        Self(span)
    }
}

impl From<EventType> for EventName {
    fn from(event_type: EventType) -> Self {
        Self(event_type)
    }
}

fn event_type(text: &str) -> Result<EventType, pns_engine::UnknownEventType> {
    text.parse()
}

/// One of something, or a list of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one value or a list")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<T>, E> {
                T::deserialize(de::value::StrDeserializer::new(text)).map(|item| vec![item])
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Vec<T>, E> {
                T::deserialize(de::value::U64Deserializer::new(number)).map(|item| vec![item])
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Vec<T>, E> {
                T::deserialize(de::value::I64Deserializer::new(number)).map(|item| vec![item])
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(list)
            }
        }

        deserializer.deserialize_any(Items(PhantomData)).map(Self)
    }
}

impl<T: Serialize> Serialize for OneOrMany<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1, "maxItems": 1000 }] })
    }
}

/// Event types: a list, one, `all`, or `default` (RFP_SEND and RFP_FORWARD).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventsText(pub EventTypeSet);

impl<'de> Deserialize<'de> for EventsText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words: OneOrMany<String> = OneOrMany::deserialize(deserializer)?;
        match &words.0[..] {
            [] => return Err(de::Error::custom("a subscription to nothing: name an event type, or `all`")),
            [word] if word == "all" => return Ok(Self(EventTypeSet::ALL)),
            [word] if word == "default" => return Ok(Self(EventTypeSet::DEFAULT_SUBSCRIPTION)),
            _ => {}
        }
        let read = |word: &String| {
            event_type(word).map_err(|error| de::Error::custom(format_args!("`{}`: {error}", shorten(word))))
        };
        words.0.iter().map(read).collect::<Result<_, _>>().map(Self)
    }
}

impl Serialize for EventsText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == EventTypeSet::ALL {
            return serializer.serialize_str("all");
        }
        let mut list = serializer.serialize_seq(None)?;
        for event_type in self.0.iter() {
            list.serialize_element(event_type.wire_name())?;
        }
        list.end()
    }
}

impl JsonSchema for EventsText {
    fn schema_name() -> Cow<'static, str> {
        "Events".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<EventName>();
        json_schema!({
            "anyOf": [{ "enum": ["all", "default"] }, one, { "type": "array", "items": one, "minItems": 1, "maxItems": 1000 }],
            "description": "Event types, `all`, or `default`: RFP_SEND and RFP_FORWARD."
        })
    }
}

/// Integrated suppliers: a list of UUIDs, one, or `all`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuppliersText(pub SupplierScope);

impl SuppliersText {
    /// More than any bureau has.
    const MAX: usize = 1_000;
}

impl<'de> Deserialize<'de> for SuppliersText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words: OneOrMany<String> = OneOrMany::deserialize(deserializer)?;
        match &words.0[..] {
            [] => return Err(de::Error::custom("no supplier: name one, or `all`")),
            [word] if word == "all" => return Ok(Self(SupplierScope::All)),
            list if list.len() > Self::MAX => {
                return Err(de::Error::custom(format_args!("more than {} suppliers", Self::MAX)));
            }
            _ => {}
        }
        let read = |word: &String| {
            word.parse().map_err(|error| de::Error::custom(format_args!("`{}`: {error}", shorten(word))))
        };
        let only: Result<BTreeSet<SupplierId>, _> = words.0.iter().map(read).collect();
        only.map(|only| Self(SupplierScope::Only(only)))
    }
}

impl Serialize for SuppliersText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            SupplierScope::All => serializer.serialize_str("all"),
            SupplierScope::Only(only) => serializer.collect_seq(only.iter().map(ToString::to_string)),
        }
    }
}

impl JsonSchema for SuppliersText {
    fn schema_name() -> Cow<'static, str> {
        "Suppliers".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<SupplierText>();
        json_schema!({
            "anyOf": [{ "const": "all" }, one, { "type": "array", "items": one, "minItems": 1, "maxItems": (Self::MAX) }],
            "description": "UUIDs of the integrated suppliers, or `all`."
        })
    }
}

/// A status, or a range of them: `202`, `"200-204"` or `"2xx"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusText(pub RangeInclusive<u16>);

impl<'de> Deserialize<'de> for StatusText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Status;

        impl Visitor<'_> for Status {
            type Value = RangeInclusive<u16>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status from 100 to 599, a range such as `200-204`, or `2xx`")
            }

            fn visit_u64<E: de::Error>(self, status: u64) -> Result<Self::Value, E> {
                let wrong = || E::invalid_value(de::Unexpected::Unsigned(status), &self);
                u16::try_from(status)
                    .ok()
                    .filter(|status| (100..=599).contains(status))
                    .map(|s| s..=s)
                    .ok_or_else(wrong)
            }

            fn visit_i64<E: de::Error>(self, status: i64) -> Result<Self::Value, E> {
                u64::try_from(status)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(status), &self))
                    .and_then(|status| self.visit_u64(status))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                let class = text.strip_suffix("xx").and_then(|class| class.parse::<u16>().ok());
                let class =
                    class.filter(|class| (1..=5).contains(class)).map(|class| class * 100..=class * 100 + 99);
                let wrong = || E::invalid_value(de::Unexpected::Str(shorten(text)), &self);
                class.or_else(|| units::statuses(text)).ok_or_else(wrong)
            }
        }

        deserializer.deserialize_any(Status).map(Self)
    }
}

impl Serialize for StatusText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (first, last) = (self.0.start(), self.0.end());
        if first == last {
            serializer.serialize_u16(*first)
        } else {
            serializer.collect_str(&format_args!("{first}-{last}"))
        }
    }
}

impl JsonSchema for StatusText {
    fn schema_name() -> Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 100, "maximum": 599 },
                { "type": "string", "pattern": "^([1-5]xx|[1-5][0-9]{2}( *- *[1-5][0-9]{2})?)$" }
            ],
            "description": "An HTTP status, a range such as `200-204`, or a class such as `2xx`."
        })
    }
}

/// The beginning of a text that somebody sent, for a message.
fn shorten(text: &str) -> &str {
    match text.char_indices().nth(60) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}
