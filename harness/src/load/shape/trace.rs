//! Due times from a file.

use std::io::{self, BufRead};
use std::time::Duration;

use super::{Course, SPAN_MAX, Schedule};

/// The most times that a trace may hold: they stand in memory, eight bytes each.
pub const TRACE_LINES_MAX: usize = 10_000_000;

/// A trace that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file could not be read.
    #[error("the trace cannot be read: {0}")]
    Read(#[from] io::Error),
    /// A line is no time.
    #[error(
        "line {line}: `{text}` is no time from the start of the run, such as `1.25s` or `1.25` (seconds), of at most 30 days"
    )]
    Line {
        /// From 1.
        line: usize,
        /// The line, its beginning at least.
        text: String,
    },
    /// There are too many.
    #[error("more than {TRACE_LINES_MAX} times")]
    TooMany,
    /// There are none.
    #[error("the trace has no times")]
    Empty,
}

impl Schedule {
    /// The due times that a file names, one a line, as spans from the start of the run: `1.25s`, `250ms`, or plain
    /// seconds. Empty lines, and lines that begin with `#`, do not count. Their order does not matter: logs are often
    /// written when a request ends, not when it begins.
    ///
    /// # Errors
    /// See [`TraceError`].
    pub fn trace(file: impl BufRead) -> Result<Self, TraceError> {
        let mut times = Vec::new();
        for (index, line) in file.lines().enumerate() {
            let line = line?;
            let text = line.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            if times.len() == TRACE_LINES_MAX {
                return Err(TraceError::TooMany);
            }
            let wrong = || TraceError::Line { line: index + 1, text: text.chars().take(60).collect() };
            times.push(time(text).ok_or_else(wrong)?);
        }
        times.sort_unstable();
        let last = *times.last().ok_or(TraceError::Empty)?;
        let count = times.len() as u64;
        let span = Duration::from_nanos(last + 1);
        Ok(Self { course: Course::Times(times.into_boxed_slice()), span, count })
    }
}

/// A decimal number of seconds or milliseconds, in nanoseconds. Digits beyond the nanosecond are cut off.
fn time(text: &str) -> Option<u64> {
    let (number, digits, unit) = if let Some(number) = text.strip_suffix("ms") {
        (number, 6, 1_000_000)
    } else {
        (text.strip_suffix('s').unwrap_or(text), 9, 1_000_000_000)
    };
    let number = number.trim_end();
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let numeric = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !numeric(whole) || !numeric(decimals) {
        return None;
    }
    let decimals = &decimals[..decimals.len().min(digits)];
    let fraction: u64 = format!("{decimals:0<digits$}").parse().ok()?;
    let nanos = whole.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(fraction)?;
    (u128::from(nanos) < SPAN_MAX.as_nanos()).then_some(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_nanosecond() {
        for (text, nanos) in [
            ("1.25s", 1_250_000_000),
            ("1.25", 1_250_000_000),
            ("0", 0),
            ("0.000000001", 1),
            ("0.0000000019", 1),
            ("250ms", 250_000_000),
            ("0.5 ms", 500_000),
            ("2 s", 2_000_000_000),
        ] {
            assert_eq!(time(text), Some(nanos), "{text}");
        }
        for wrong in ["", "s", "-1", "1.", ".5", "1e3", "1h", "1478001600.25", "99999999999999999999"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_trace_is_put_in_order() {
        let schedule = Schedule::trace("# from the access log\n0.5\n\n0.25s\r\n1\n0.5\n".as_bytes()).unwrap();
        let due: Vec<_> = (0..schedule.count()).filter_map(|n| schedule.due(n)).collect();
        assert_eq!(due.iter().map(Duration::as_millis).collect::<Vec<_>>(), [250, 500, 500, 1_000]);
        assert_eq!(schedule.due(4), None);
        assert!(schedule.span() > due[3]);
    }

    #[test]
    fn what_is_no_trace_is_refused_with_its_line() {
        assert!(matches!(Schedule::trace("# nothing\n".as_bytes()), Err(TraceError::Empty)));
        let error = Schedule::trace("1\n\n2 x\n".as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with("line 3: `2 x`"), "{error}");
    }
}
