//! Spans, choices and numbers, in words.

use std::time::Duration;

use crate::scenario::model::{Bound, Which};

/// `3d 4h`, `1m 30s`, `250ms`: the two leading units, exact below a second.
pub(super) fn span(span: Duration) -> String {
    let units = [
        ("d", 86_400_000_000_000u128),
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
    ];
    let small = [("ms", 1_000_000u128), ("µs", 1_000), ("ns", 1)];
    let mut left = span.as_nanos();
    let mut parts = Vec::new();
    for (name, size) in units.into_iter().chain(small) {
        if left >= size && parts.len() < 3 {
            parts.push(format!("{}{name}", left / size));
            left %= size;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

/// Several spans.
pub(super) fn spans(spans: &[Duration]) -> String {
    list(spans.iter().map(|one| span(*one)))
}

/// `a, b, c`; `none` for nothing.
pub(super) fn list(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

/// The subject of a sentence: "all notifications are", "`rfp` is".
pub(super) fn which(which: &Which) -> String {
    match which {
        Which::All => "all notifications are".to_owned(),
        Which::Saved(names) => match names.as_slice() {
            [one] => format!("`{one}` is"),
            several => format!("{} are", list(several.iter().map(|name| format!("`{name}`")))),
        },
        Which::On(name) => format!("all notifications to `{name}` are"),
    }
}

/// "each" or the name, as the subject of "took 3 attempts".
pub(super) fn subject(which: &Which) -> String {
    match which {
        Which::All => "every notification".to_owned(),
        Which::Saved(names) => list(names.iter().map(|name| format!("`{name}`"))),
        Which::On(name) => format!("every notification to `{name}`"),
    }
}

/// "exactly 3 attempts", "at least 1 attempt".
pub(super) fn bound(bound: Bound, singular: &str) -> String {
    let (word, number) = match bound {
        Bound::Exactly(number) => ("exactly", number),
        Bound::AtLeast(number) => ("at least", number),
        Bound::AtMost(number) => ("at most", number),
    };
    format!("{word} {}", count(number, singular))
}

/// "1 attempt", "3 attempts".
pub(super) fn count(number: u64, singular: &str) -> String {
    match (number, singular.strip_suffix('y')) {
        (1, _) => format!("1 {singular}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {singular}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_say_them() {
        let cases = [
            (Duration::ZERO, "0s"),
            (Duration::from_millis(250), "250ms"),
            (Duration::from_secs(90), "1m 30s"),
            (Duration::from_secs(3 * 86_400 + 4 * 3_600), "3d 4h"),
            (Duration::from_millis(1_500), "1s 500ms"),
        ];
        for (value, text) in cases {
            assert_eq!(span(value), text);
        }
    }
}
