//! What a scenario lays over a generated body.

use serde_json::{Map, Value};

/// Members laid over a generated body: a merge as in RFC 7396, but `null` is kept as a value.
///
/// A key may also lead into the body: `messageDetails.subject` and `/messageDetails/subject` are the same.
/// What is not there yet is made.
pub type Overrides = Map<String, Value>;

/// How deep an override may lead.
const MAX_DEPTH: usize = 64;

/// An override that does not fit the body's shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// The key leads through a text, a number or the like.
    #[error("`{key}` leads through `{at}`, which is neither object nor array")]
    NoContainer {
        /// The override's key.
        key: String,
        /// The step that cannot be taken.
        at: String,
    },
    /// The key leads beyond the end of an array.
    #[error("`{key}`: `{at}` is no place in an array of {len}")]
    NoElement {
        /// The override's key.
        key: String,
        /// The index as written.
        at: String,
        /// How many elements there are.
        len: usize,
    },
    /// The key has no end.
    #[error("`{key}` leads deeper than {MAX_DEPTH} levels")]
    TooDeep {
        /// The override's key.
        key: String,
    },
}

/// Lays `overrides` over `body`.
pub(super) fn lay_over(body: &mut Value, overrides: &Overrides) -> Result<(), OverrideError> {
    for (key, value) in overrides {
        let tokens = tokens(key);
        if tokens.len() > MAX_DEPTH {
            return Err(OverrideError::TooDeep { key: key.clone() });
        }
        let mut place = &mut *body;
        for token in &tokens {
            place = step(place, token, key)?;
        }
        merge(place, value, 0);
    }
    Ok(())
}

fn tokens(key: &str) -> Vec<String> {
    match key.strip_prefix('/') {
        Some(pointer) => {
            pointer.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")).collect()
        }
        None => key.split('.').map(str::to_owned).collect(),
    }
}

fn step<'a>(place: &'a mut Value, token: &str, key: &str) -> Result<&'a mut Value, OverrideError> {
    if place.is_null() {
        *place = Value::Object(Map::new());
    }
    match place {
        Value::Object(members) => Ok(members.entry(token).or_insert(Value::Null)),
        Value::Array(elements) => {
            let len = elements.len();
            let index = token.parse::<usize>().ok().filter(|index| *index <= len);
            let none = || OverrideError::NoElement { key: key.to_owned(), at: token.to_owned(), len };
            let index = index.ok_or_else(none)?;
            if index == len {
                elements.push(Value::Null);
            }
            Ok(&mut elements[index])
        }
        _ => Err(OverrideError::NoContainer { key: key.to_owned(), at: token.to_owned() }),
    }
}

fn merge(place: &mut Value, value: &Value, depth: usize) {
    match (place, value) {
        (Value::Object(members), Value::Object(over)) if depth < MAX_DEPTH => {
            for (name, value) in over {
                merge(members.entry(name).or_insert(Value::Null), value, depth + 1);
            }
        }
        (place, value) => *place = value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn laid(body: &Value, overrides: &Value) -> Result<Value, OverrideError> {
        let mut body = body.clone();
        let overrides = overrides.as_object().expect("overrides are an object");
        lay_over(&mut body, overrides).map(|()| body)
    }

    #[test]
    fn objects_merge_and_all_else_is_replaced() {
        let body = json!({ "a": { "b": 1, "c": [1] }, "d": 2 });
        let over = json!({ "a": { "b": null, "e": "x" }, "d": [3], "f": {} });
        assert_eq!(
            laid(&body, &over),
            Ok(json!({ "a": { "b": null, "c": [1], "e": "x" }, "d": [3], "f": {} }))
        );
    }

    #[test]
    fn keys_lead_into_the_body() {
        let body = json!({ "a": { "b": 1 }, "c": ["x"] });
        let over = json!({ "a.b": 2, "/c/0": "y", "/c/1": "z", "n.m": true });
        assert_eq!(laid(&body, &over), Ok(json!({ "a": { "b": 2 }, "c": ["y", "z"], "n": { "m": true } })));
    }

    #[test]
    fn keys_that_lead_nowhere_say_where() {
        let body = json!({ "a": 1, "c": [] });
        let error = laid(&body, &json!({ "a.b": 2 })).expect_err("leads through a number");
        assert_eq!(error.to_string(), "`a.b` leads through `b`, which is neither object nor array");
        let error = laid(&body, &json!({ "/c/5": 2 })).expect_err("beyond the end");
        assert_eq!(error.to_string(), "`/c/5`: `5` is no place in an array of 0");
    }
}
