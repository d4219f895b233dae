//! `--set` and `--set-json`: one place of a body, changed.

use std::fmt;

use serde_json::{Map, Value};

/// What a place becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// As it was written.
    path: String,
    /// Names of members, and positions in arrays.
    tokens: Vec<String>,
    value: Value,
}

/// Whether a changed place was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It was.
    There,
    /// It is new.
    Added,
}

/// Reads `PATH=TEXT`.
pub(super) fn text(argument: &str) -> Result<Change, String> {
    let (path, value) = split(argument)?;
    Change::new(path, Value::String(value.to_owned()))
}

/// Reads `PATH=JSON`.
pub(super) fn json(argument: &str) -> Result<Change, String> {
    let (path, value) = split(argument)?;
    let value = serde_json::from_str(value)
        .map_err(|error| format!("no JSON after `{path}=`: {error}; `--set` takes plain text"))?;
    Change::new(path, value)
}

fn split(argument: &str) -> Result<(&str, &str), String> {
    argument.split_once('=').ok_or_else(|| "expected `PATH=VALUE`, as in `reason=OTHER`".to_owned())
}

impl Change {
    fn new(path: &str, value: Value) -> Result<Self, String> {
        let tokens: Vec<String> = match path.strip_prefix('/') {
            // A JSON pointer, for names that hold a dot.
            Some(pointer) => {
                pointer.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")).collect()
            }
            None => path.split('.').map(str::to_owned).collect(),
        };
        if tokens.iter().any(String::is_empty) {
            return Err(format!("`{path}` is no place: expected `reason`, `venueDetails.active` or `/a/b`"));
        }
        Ok(Self { path: path.to_owned(), tokens, value })
    }

    /// Changes `body`. Objects on the way are made where there is nothing.
    ///
    /// # Errors
    /// When something else is in the way, in words.
    pub(super) fn apply(&self, body: &mut Value) -> Result<Found, String> {
        let mut found = Found::There;
        let mut place = body;
        for token in &self.tokens {
            place = match place {
                Value::Object(members) => {
                    if !members.contains_key(token) {
                        found = Found::Added;
                    }
                    // What is not there yet becomes an object if the path goes on, and the value if not.
                    members.entry(token.clone()).or_insert_with(|| Value::Object(Map::new()))
                }
                Value::Array(items) => {
                    let length = items.len();
                    let index: Option<usize> = token.parse().ok();
                    let index = index.filter(|index| *index <= length).ok_or_else(|| {
                        format!("`{token}` in `{}` is no position in an array of {length}", self.path)
                    })?;
                    if index == length {
                        found = Found::Added;
                        items.push(Value::Object(Map::new()));
                    }
                    &mut items[index]
                }
                other => return Err(format!("`{}` goes through a value that is {other}", self.path)),
            };
        }
        *place = self.value.clone();
        Ok(found)
    }

    /// The name of the body's member in which the place is.
    pub(super) fn member(&self) -> &str {
        &self.tokens[0]
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn applied(change: &Change) -> (Result<Found, String>, Value) {
        let mut body = json!({"reason": "X", "ids": ["a"], "venue": {"active": true}, "a.b": 1});
        (change.apply(&mut body), body)
    }

    #[test]
    fn a_place_is_changed_or_made() {
        for (change, found, pointer, value) in [
            (text("reason=a=b"), Found::There, "/reason", json!("a=b")),
            (json("venue.active=false"), Found::There, "/venue/active", json!(false)),
            (text("ids.0=b"), Found::There, "/ids/0", json!("b")),
            (text("ids.1=b"), Found::Added, "/ids/1", json!("b")),
            (text("/a.b=c"), Found::There, "/a.b", json!("c")),
            (json("new.deep={\"x\":[]}"), Found::Added, "/new/deep/x", json!([])),
        ] {
            let change = change.unwrap();
            let (result, body) = applied(&change);
            assert_eq!((result, body.pointer(pointer)), (Ok(found), Some(&value)), "{change}");
        }
    }

    #[test]
    fn what_is_no_place_or_no_value_is_told() {
        for argument in ["reason", "=x", "a..b=x", "/=x"] {
            assert!(text(argument).is_err(), "{argument}");
        }
        assert!(json("reason=OTHER").unwrap_err().contains("`--set` takes plain text"));
        assert!(applied(&text("ids.7=x").unwrap()).0.unwrap_err().contains("an array of 1"));
        assert!(applied(&text("reason.x=y").unwrap()).0.unwrap_err().contains("goes through"));
    }
}
