//! How figures, instants and words of the model are written for people.

use std::borrow::{Borrow, Cow};
use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;

use crate::service::model::{DeliveryState, Instant};

/// A number with its thousands apart.
pub(super) fn count(number: impl Borrow<u64>) -> String {
    let digits = number.borrow().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A failure's name in a table: the delivery's page tells which status.
pub(super) fn failure(name: &str) -> String {
    if name == "status" { "not acknowledged".to_owned() } else { spaced(name) }
}

/// A number and its noun.
pub(super) fn counted(number: impl Borrow<u64>, one: &str, many: &str) -> String {
    let number = *number.borrow();
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// About how long.
pub(super) fn about(span: Duration) -> String {
    let seconds = span.as_secs();
    let two = |large: u64, name: &str, small: u64, small_name: &str| match small {
        0 => format!("{large} {name}"),
        small => format!("{large} {name} {small} {small_name}"),
    };
    match seconds {
        0 => format!("{} ms", span.as_millis()),
        1..=9 => format!("{:.1} s", span.as_secs_f64()),
        10..=59 => format!("{seconds} s"),
        60..=3_599 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600..=86_399 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

/// Milliseconds.
pub(super) fn millis(millis: u64) -> String {
    about(Duration::from_millis(millis))
}

/// An instant: the time of the day, with the date where that is another than now's.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(source = "<time datetime=\"{{ full }}\" title=\"{{ full }}\">{{ text }}</time>", ext = "html")]
pub(super) struct When {
    full: String,
    text: String,
}

impl HtmlSafe for When {}

/// How `at` is told at `now`.
pub(super) fn when(at: Instant, now: Instant) -> When {
    When { full: at.to_string(), text: short(at, now) }
}

/// The same as plain text.
pub(super) fn short(at: Instant, now: Instant) -> String {
    const DAY: u64 = 86_400_000;
    let full = at.to_string();
    let clock = full.get(11..19).unwrap_or_default();
    if at.0.as_millis() / DAY == now.0.as_millis() / DAY {
        clock.to_owned()
    } else {
        format!("{} {clock}", full.get(..10).unwrap_or_default())
    }
}

/// A delivery's state as it is written in the model.
pub(super) const fn state(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Waiting => "waiting",
        DeliveryState::Held => "held",
        DeliveryState::InFlight => "in-flight",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Abandoned => "abandoned",
    }
}

/// A state for reading.
pub(super) fn spaced(word: &str) -> String {
    word.replace('-', " ")
}

/// Others' text with what cannot be seen made visible: control characters by their pictures, and those that turn the
/// direction of writing, by which a text can look like another, by their numbers.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    let is_hidden = |char: char| match char {
        '\n' | '\t' => false,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        char => char.is_control(),
    };
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        match char {
            char if !is_hidden(char) => shown.push(char),
            '\0'..='\u{1f}' => shown.extend(char::from_u32(0x2400 + u32::from(char))),
            '\u{7f}' => shown.push('\u{2421}'),
            char => shown.extend(char.escape_unicode()),
        }
    }
    Cow::Owned(shown)
}

/// How a value of the model is written: as in JSON, without its quotes.
pub(super) fn written(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(serde_json::Value::Null) | Err(_) => String::new(),
        Ok(value) => value.to_string(),
    }
}

/// A rate for each second.
pub(super) fn rate(rate: f64) -> String {
    if rate >= 100.0 { format!("{rate:.0}/s") } else { format!("{rate:.1}/s") }
}

/// A share as a percentage that is 100 only if it is all, and 0 only if it is nothing.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if part == whole {
        return "100 %".to_owned();
    }
    // Tenths, cut off.
    let tenths = u128::from(part) * 1_000 / u128::from(whole.max(1));
    match tenths {
        0 if part == 0 => "0 %".to_owned(),
        0 => "< 0.1 %".to_owned(),
        tenths => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_easy_to_read() {
        assert_eq!(["0", "999", "1,000", "1,234,567"], [0, 999, 1_000, 1_234_567].map(count).as_slice()[..]);
        for (millis, told) in [
            (250, "250 ms"),
            (1_500, "1.5 s"),
            (59_000, "59 s"),
            (60_000, "1 min"),
            (61_000, "1 min 1 s"),
            (7_260_000, "2 h 1 min"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(super::millis(millis), told);
        }
        assert_eq!(percent(1, 1), "100 %");
        assert_eq!(percent(99_999, 100_000), "99.9 %");
        assert_eq!(percent(1, 100_000), "< 0.1 %");
        assert_eq!(percent(0, 0), "100 %");
    }

    #[test]
    fn what_cannot_be_seen_is_made_visible() {
        assert!(matches!(visible("a\tb\n“ü” שלום"), Cow::Borrowed(_)));
        assert_eq!(visible("\0\u{7}\u{1b}[31m\r\n\u{7f}\u{85}"), "␀␇␛[31m␍\n␡\\u{85}");
        assert_eq!(visible("cod\u{202e}gpj.exe\u{2066}\u{200f}"), "cod\\u{202e}gpj.exe\\u{2066}\\u{200f}");
    }

    #[test]
    fn an_instant_of_another_day_has_its_date() {
        let now = Instant::parse("2026-01-31T09:30:00Z").unwrap();
        let same = when(Instant::parse("2026-01-31T01:02:03Z").unwrap(), now);
        let other = when(Instant::parse("2026-02-01T01:02:03Z").unwrap(), now);
        assert_eq!((same.text.as_str(), other.text.as_str()), ("01:02:03", "2026-02-01 01:02:03"));
    }
}
