//! Places in JSON answers: `$`, then any number of `.name` and `[index]`.

use serde_json::Value;

/// Whether a text is such a path.
pub(crate) fn is_path(path: &str) -> bool {
    let Some(mut rest) = path.strip_prefix('$') else { return false };
    while !rest.is_empty() {
        if let Some(name) = rest.strip_prefix('.') {
            let length = name.find(['.', '[']).unwrap_or(name.len());
            if length == 0 {
                return false;
            }
            rest = &name[length..];
        } else if let Some((index, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            if index.parse::<u32>().is_err() {
                return false;
            }
            rest = after;
        } else {
            return false;
        }
    }
    true
}

/// The value at a path such as `$.a.b[0]`.
pub(crate) fn find<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let mut at = value;
    let mut rest = path.strip_prefix('$')?;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            at = at.get(&after[..end])?;
            rest = &after[end..];
        } else {
            let after = rest.strip_prefix('[')?;
            let end = after.find(']')?;
            at = at.get(after[..end].parse::<usize>().ok()?)?;
            rest = &after[end + 1..];
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_have_names_and_indices() {
        let value = json!({ "a": [{ "b-c": 7 }] });
        assert_eq!(find(&value, "$.a[0].b-c"), Some(&json!(7)));
        assert_eq!(find(&value, "$"), Some(&value));
        for path in ["$.x", "$.a[1]", "$.a.b"] {
            assert!(is_path(path));
            assert_eq!(find(&value, path), None, "{path}");
        }
        for path in ["", "a", "$a", "$.", "$.a..b", "$[x]", "$[-1]", "$.a[", "$."] {
            assert!(!is_path(path), "{path}");
        }
    }
}
