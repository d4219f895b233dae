//! `--set` and `--set-json`: one place of a body, changed.

use std::fmt;

use pns_simulator::schema::Overrides;
use serde_json::Value;

/// What a place becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// As it was written.
    path: String,
    /// Names of members, and positions in arrays: how [`Overrides`] reads a path.
    tokens: Vec<String>,
    value: Value,
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

    /// Whether `body` has something at the place.
    pub(super) fn is_in(&self, body: &Value) -> bool {
        let mut place = Some(body);
        for token in &self.tokens {
            place = match place {
                Some(Value::Object(members)) => members.get(token),
                Some(Value::Array(items)) => token.parse().ok().and_then(|index: usize| items.get(index)),
                _ => None,
            };
        }
        place.is_some()
    }

    /// Puts it among what is laid over a generated body.
    pub(super) fn lay_over(&self, overrides: &mut Overrides) {
        overrides.insert(self.path.clone(), self.value.clone());
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

    #[test]
    fn a_place_is_found_where_overrides_put_it() {
        let body = json!({"reason": "X", "ids": ["a"], "venue": {"active": true}, "a.b": 1});
        for (change, is_there) in [
            (text("reason=a=b"), true),
            (json("venue.active=false"), true),
            (text("ids.0=b"), true),
            (text("ids.1=b"), false),
            (text("/a.b=c"), true),
            (text("a.b=c"), false),
            (json("new.deep={\"x\":[]}"), false),
            (text("reason.x=y"), false),
        ] {
            let change = change.unwrap();
            assert_eq!(change.is_in(&body), is_there, "{change}");
        }
    }

    #[test]
    fn what_is_no_place_or_no_value_is_told() {
        for argument in ["reason", "=x", "a..b=x", "/=x"] {
            assert!(text(argument).is_err(), "{argument}");
        }
        assert!(json("reason=OTHER").unwrap_err().contains("`--set` takes plain text"));
    }
}
