//! What the readers of JSON and of queries say, in the words of those who wrote them: `serde` speaks of Rust's types.

/// `text` without Rust's words. Only what the readers themselves say is replaced: what a caller sent stands as it was.
pub(super) fn plain(text: &str) -> String {
    if let Some(whole) = whole(text) {
        return whole.to_owned();
    }
    let (wrong, expected) = match text.rsplit_once(", expected ") {
        Some((wrong, expected)) => (wrong, plain_type(expected).map(str::to_owned)),
        None => (text, None),
    };
    match expected {
        Some(expected) => format!("{}, expected {expected}", plain_wrong(wrong)),
        None => plain_wrong(text),
    }
}

/// Errors of numbers and words of queries, and of words of bodies.
fn whole(text: &str) -> Option<&'static str> {
    Some(match text {
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            "expected a whole number from 0"
        }
        "number too large to fit in target type" => "the number is too large",
        "expected value" => "expected a word",
        "provided string was not `true` or `false`" => "expected `true` or `false`",
        _ => return None,
    })
}

/// What was expected, where it is a type of Rust.
fn plain_type(expected: &str) -> Option<&'static str> {
    Some(match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number from 0",
        "a nonzero u16" => "a whole number from 1 to 65535",
        "a nonzero u32" => "a whole number from 1 to 4294967295",
        "a nonzero u64" | "a nonzero usize" => "a whole number from 1",
        "f32" | "f64" => "a number",
        "a boolean" => "`true` or `false`",
        "a string" | "string" => "a text",
        "a map" | "map" => "an object",
        "a sequence" => "a list",
        "string or map" => "a word",
        _ if expected.starts_with("struct ") => "an object",
        _ => return None,
    })
}

/// What there was instead.
fn plain_wrong(wrong: &str) -> String {
    const KINDS: [(&str, &str); 9] = [
        ("invalid type: sequence", "a list"),
        ("invalid type: map", "an object"),
        ("invalid type: null", "`null`"),
        ("invalid type: floating point `", "the number `"),
        ("invalid type: integer `", "the number `"),
        ("invalid type: boolean `", "`"),
        ("invalid type: string ", "the text "),
        ("invalid value: integer `", "the number `"),
        ("invalid value: string ", "the text "),
    ];
    let kinds = KINDS.iter().chain(&[("unknown variant `", "unknown word `")]);
    let replaced =
        kinds.filter_map(|(said, plain)| Some(format!("{plain}{}", wrong.strip_prefix(said)?))).next();
    replaced.unwrap_or_else(|| wrong.to_owned())
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn words_of_rust_are_replaced_and_those_of_callers_are_not() {
        for (said, told) in [
            ("invalid type: sequence, expected struct SubscriptionSpec", "a list, expected an object"),
            (
                "invalid value: integer `0`, expected a nonzero u32",
                "the number `0`, expected a whole number from 1 to 4294967295",
            ),
            (
                "invalid type: floating point `1.5`, expected u64",
                "the number `1.5`, expected a whole number from 0",
            ),
            (
                "invalid type: string \"a, expected u64\", expected a boolean",
                "the text \"a, expected u64\", expected `true` or `false`",
            ),
            ("invalid type: null, expected a span such as `30s`", "`null`, expected a span such as `30s`"),
            (
                "unknown variant `lost`, expected `held` or `waiting`",
                "unknown word `lost`, expected `held` or `waiting`",
            ),
            ("number too large to fit in target type", "the number is too large"),
            ("missing field `endpoint`", "missing field `endpoint`"),
            (
                "expected a span such as `30s`: `u64` has no unit",
                "expected a span such as `30s`: `u64` has no unit",
            ),
        ] {
            assert_eq!(plain(said), told);
        }
    }
}
