//! How people write durations (`250ms`, `1h30m`), rates (`10/s`, `3/10s`), percentages (`10%`) and status ranges
//! (`200-299`): in scenario files, on the command line, in `pns.toml` and in the control API alike.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The longest span that can be named: ten years.
pub const MAX_SPAN: Duration = Duration::from_secs(3_650 * 86_400);

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A span from one or more numbers, each with its unit, largest unit first.
///
/// # Errors
/// What is wrong with the text, as a fragment of a sentence.
pub fn duration(text: &str) -> Result<Duration, String> {
    let mut rest = text;
    let mut millis: u64 = 0;
    let mut smallest = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let unit_length = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let (number, unit) = (&rest[..digits], &rest[digits..digits + unit_length]);
        rest = &rest[digits + unit_length..];
        // One space may stand between parts, as in `2h 30m`.
        if let Some(next) = rest.strip_prefix(' ').filter(|next| !next.is_empty()) {
            rest = next;
        }
        if number.is_empty() {
            return Err("a number must stand before each unit".to_owned());
        }
        let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(if unit.is_empty() {
                format!("`{number}` has no unit")
            } else {
                format!("`{unit}` is no unit")
            });
        };
        if *factor >= smallest {
            return Err("larger units come first, each once".to_owned());
        }
        smallest = *factor;
        let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor));
        millis = part.and_then(|part| millis.checked_add(part)).ok_or_else(too_long)?;
    }
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    let span = Duration::from_millis(millis);
    if span > MAX_SPAN { Err(too_long()) } else { Ok(span) }
}

fn too_long() -> String {
    "longer than the limit of 3650d".to_owned()
}

/// A span as [`duration`] reads it. Parts of a millisecond are left out.
#[must_use]
pub fn span_text(span: Duration) -> String {
    let mut rest = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, factor) in UNITS.iter().rev() {
        let count = rest / factor;
        rest %= factor;
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// A number of bytes, as `256 KiB` where it is so many.
#[must_use]
pub fn size_text(bytes: usize) -> String {
    let whole = |unit: usize| bytes > 0 && bytes.is_multiple_of(unit);
    match bytes {
        bytes if whole(1 << 20) => format!("{} MiB", bytes >> 20),
        bytes if whole(1 << 10) => format!("{} KiB", bytes >> 10),
        bytes => format!("{bytes} bytes"),
    }
}

/// A count and its period.
///
/// # Errors
/// What is wrong with the text, as a fragment of a sentence.
pub fn rate(text: &str) -> Result<(NonZeroU32, Duration), String> {
    let (count, per) = text.split_once('/').ok_or_else(|| {
        "a rate is a count from 1 and a time, such as `200/s`, `100/m` or `3/10s`".to_owned()
    })?;
    let count = count
        .trim()
        .parse::<NonZeroU32>()
        .map_err(|_| format!("`{}` is no count from 1 to {}", count.trim(), u32::MAX))?;
    let per = per.trim();
    let span = if per.starts_with(|c: char| c.is_ascii_digit()) {
        duration(per)?
    } else {
        duration(&format!("1{per}"))?
    };
    if span.is_zero() { Err("the period is zero".to_owned()) } else { Ok((count, span)) }
}

/// A rate as [`rate`] reads it: `10/s` or `3/10s`.
#[must_use]
pub fn rate_text(count: NonZeroU32, per: Duration) -> String {
    let per = span_text(per);
    format!(
        "{count}/{}",
        UNITS.iter().find(|(unit, _)| per == format!("1{unit}")).map_or(&*per, |(unit, _)| unit)
    )
}

/// A whole number of per cent, as `10%`.
#[must_use]
pub fn percent(text: &str) -> Option<u32> {
    text.strip_suffix('%')?.trim().parse().ok()
}

/// One status or a range of them.
#[must_use]
pub fn statuses(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last && (100..=599).contains(&first) && last <= 599).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_largest_unit_that_fits() {
        let told = [0, 1_000, 262_144, 16 << 20, (16 << 20) + 1_024].map(size_text);
        assert_eq!(told, ["0 bytes", "1000 bytes", "256 KiB", "16 MiB", "16385 KiB"]);
    }

    #[test]
    fn durations_carry_units_from_large_to_small() {
        let millis = |text| duration(text).map(|span| span.as_millis());
        assert_eq!(millis("250ms"), Ok(250));
        assert_eq!(millis("1h30m"), Ok(5_400_000));
        assert_eq!(millis("3d"), Ok(259_200_000));
        assert_eq!(millis("2h 1m 1s"), Ok(7_261_000));
        for wrong in [
            "",
            "10",
            "s",
            "10x",
            "1m1h",
            "1s1s",
            "1.5h",
            "-1s",
            "1 h",
            "1s ",
            "1m  1s",
            "99999999999999999999s",
            "4000d",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for text in ["250ms", "1h30m", "3d", "2h1m1s5ms"] {
            assert_eq!(span_text(duration(text).unwrap()), text);
        }
        assert_eq!(span_text(Duration::ZERO), "0s");
        for text in ["10/s", "3/10s", "100/m"] {
            let (count, per) = rate(text).unwrap();
            assert_eq!(rate_text(count, per), text);
        }
    }

    #[test]
    fn rates_have_a_count_and_a_period() {
        let read = |text| rate(text).map(|(count, per)| (count.get(), per.as_millis()));
        assert_eq!(read("10/s"), Ok((10, 1_000)));
        assert_eq!(read("3/10s"), Ok((3, 10_000)));
        assert_eq!(read("100 / m"), Ok((100, 60_000)));
        for wrong in ["10", "0/s", "/s", "1/", "1/0s", "x/s", "1/x"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn status_ranges_stay_within_http() {
        assert_eq!(statuses("200-299"), Some(200..=299));
        assert_eq!(statuses("202"), Some(202..=202));
        assert_eq!(statuses("299-200"), None);
        assert_eq!(statuses("200-1000"), None);
    }
}
