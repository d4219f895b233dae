//! Spans, instants and foreign text, written for people.

use std::borrow::Cow;
use std::time::Duration;

use pns_engine::Timestamp;

use crate::event::{Reproduced, Subject, Target};

/// A span of PNS time with at most two units: `3d 2h`, `1m 30s`, `250ms`, `0s`.
pub fn pns_span(span: Duration) -> String {
    const UNITS: [(u64, &str); 6] = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "µs"),
    ];
    let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    let Some(first) = UNITS.iter().position(|(unit, _)| nanos >= *unit) else {
        return if nanos == 0 { "0s".to_owned() } else { format!("{nanos}ns") };
    };
    let (unit, name) = UNITS[first];
    let mut text = format!("{}{name}", nanos / unit);
    if let Some((unit, name)) = UNITS.get(first + 1).filter(|(next, _)| nanos % unit >= *next) {
        text.push_str(&format!(" {}{name}", nanos % UNITS[first].0 / unit));
    }
    text
}

/// An offset from a scenario's start: `+3d 2h`.
pub fn offset(span: Duration) -> String {
    format!("+{}", pns_span(span))
}

/// A span of wall time: `0.92 s`, `12.4 ms`, `2 min 5 s`.
pub fn wall(span: Duration) -> String {
    let micros = span.as_micros();
    if micros < 1_000 {
        format!("{micros} µs")
    } else if micros < 100_000 {
        format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100)
    } else if micros < 60_000_000 {
        format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000)
    } else {
        format!("{} min {} s", span.as_secs() / 60, span.as_secs() % 60)
    }
}

/// An instant as RFC 3339 in UTC with milliseconds.
pub fn instant(at: Timestamp) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(at.as_nanos())) {
        Ok(at) => format!("{at:.3}"),
        // Beyond the year 9999, which 64 bits of nanoseconds do not reach.
        Err(_) => format!("{at:?}"),
    }
}

/// `1 check`, `2 checks`.
pub fn count(number: u64, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {noun}s"),
    }
}

/// What a run is made of, as a noun for one of them.
pub const fn noun(subject: Subject) -> &'static str {
    match subject {
        Subject::Scenarios => "scenario",
        Subject::Checks => "check",
    }
}

/// How often a failure came again.
pub fn reproduced(reproduced: Reproduced) -> String {
    let Reproduced { failed, tried } = reproduced;
    if reproduced.is_certain() {
        format!("reproduced every time ({failed} of {tried})")
    } else {
        format!("flaky: it failed {failed} of {tried} times")
    }
}

/// A target as a noun.
pub fn target(target: &Target) -> &str {
    match target {
        Target::Embedded => "the embedded receiver",
        Target::Endpoint(url) => url,
    }
}

/// At most `width` characters of `text`, which is one line.
pub fn cut(text: &str, width: usize) -> Cow<'_, str> {
    match text.char_indices().nth(width) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let kept: String = text.chars().take(width.saturating_sub(1)).collect();
            Cow::Owned(kept + "…")
        }
    }
}

/// `text` with control characters made visible, so that a receiver's answer cannot drive the terminal. Line
/// feeds and tabs stay.
pub fn printable(text: &str) -> Cow<'_, str> {
    let foreign = |c: char| (c.is_control() && c != '\n' && c != '\t') || is_direction_mark(c);
    if !text.contains(foreign) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n");
    Cow::Owned(
        text.chars()
            .flat_map(|c| -> Box<dyn Iterator<Item = char>> {
                if foreign(c) { Box::new(c.escape_unicode()) } else { Box::new(std::iter::once(c)) }
            })
            .collect(),
    )
}

/// Marks that make a terminal show text in another order than it has.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Breaks `text` at spaces into lines of at most `width` characters; a longer word stands alone.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// Columns as wide as their widest cell, two spaces apart, without spaces at a line's end.
pub fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_at_most_two_units() {
        for (millis, text) in [
            (0, "0s"),
            (250, "250ms"),
            (30_000, "30s"),
            (90_000, "1m 30s"),
            (3_600_000, "1h"),
            (3_601_000, "1h"),
            (266_400_000, "3d 2h"),
        ] {
            assert_eq!(pns_span(Duration::from_millis(millis)), text);
        }
        assert_eq!(pns_span(Duration::from_nanos(7)), "7ns");
    }

    #[test]
    fn wall_time_fits_its_size() {
        for (micros, text) in [
            (7, "7 µs"),
            (1_240, "1.2 ms"),
            (920_000, "0.92 s"),
            (12_345_678, "12.34 s"),
            (125_000_000, "2 min 5 s"),
        ] {
            assert_eq!(wall(Duration::from_micros(micros)), text);
        }
    }

    #[test]
    fn instants_are_rfc_3339() {
        assert_eq!(instant(Timestamp::from_millis(1_764_000_000_123)), "2025-11-24T16:00:00.123Z");
    }

    #[test]
    fn foreign_text_cannot_drive_the_terminal() {
        assert_eq!(printable("a\tb\nnaïve ✓"), "a\tb\nnaïve ✓");
        assert_eq!(printable("\x1b[2Jgone\r\n\u{202e}x"), "\\u{1b}[2Jgone\n\\u{202e}x");
    }

    #[test]
    fn nouns_take_their_plural() {
        assert_eq!(
            [count(1, "check"), count(2, "check"), count(0, "delivery")],
            ["1 check", "2 checks", "0 deliveries"]
        );
    }
}
