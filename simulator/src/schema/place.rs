//! Reading one place of a JSON body without building the rest of it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The text at `pointer` in `body`; `None` when there is none or `body` is no JSON. Of repeated names the last
/// counts, as with most readers.
pub(super) fn text_at(body: &[u8], pointer: &str) -> Option<String> {
    let tokens: Vec<String> =
        pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
    let mut reader = serde_json::Deserializer::from_slice(body);
    let found = Place { tokens: &tokens }.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    found
}

struct Place<'a> {
    tokens: &'a [String],
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.tokens.is_empty().then(|| text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<String>()? {
            match self.tokens.split_first() {
                Some((first, tokens)) if *first == name => found = map.next_value_seed(Place { tokens })?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        let wanted =
            self.tokens.split_first().and_then(|(first, rest)| Some((first.parse::<usize>().ok()?, rest)));
        for index in 0_usize.. {
            let more = match wanted {
                Some((wanted, tokens)) if wanted == index => {
                    let inner = seq.next_element_seed(Place { tokens })?;
                    let more = inner.is_some();
                    found = inner.flatten();
                    more
                }
                _ => seq.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
        }
        Ok(found)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::text_at;

    #[test]
    fn a_place_is_read_as_a_whole_parse_would_read_it() {
        let body = br#"{"a":{"b":[1,{"c~/d":"x"}],"e":"first","e":"last"},"n":5,"z":null}"#;
        assert_eq!(text_at(body, "/a/b/1/c~0~1d").as_deref(), Some("x"));
        assert_eq!(text_at(body, "/a/e").as_deref(), Some("last"));
        for none in ["/a", "/a/b/7", "/n", "/z", "/q", "/a/e/f"] {
            assert_eq!(text_at(body, none), None, "{none}");
        }
        assert_eq!(text_at(br#"{"a":"b"} trailing"#, "/a"), None);
        assert_eq!(text_at(b"not json", "/a"), None);
    }
}
