//! Objects that are written as objects: what `serde` derives would take a list of their members, too.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::patch::Patch;

/// Reads a `T` from a JSON object, and from nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

impl<T> Object<T> {
    /// For a field that is absent or an object, as [`super::patch::given`].
    pub(super) fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: Deserialize<'de>,
    {
        Self::deserialize(deserializer).map(|object| Some(object.0))
    }

    /// For a field that is absent, `null`, or an object.
    pub(super) fn option<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: Deserialize<'de>,
    {
        Option::<Self>::deserialize(deserializer).map(|object| object.map(|object| object.0))
    }

    /// For a field of a change.
    pub(super) fn patch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Patch<T>, D::Error>
    where
        T: Deserialize<'de>,
    {
        Self::option(deserializer).map(|object| object.map_or(Patch::Reset, Patch::Set))
    }
}
