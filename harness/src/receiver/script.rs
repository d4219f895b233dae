//! Scripts as short text: `503,503,reset,delay:2s+200,429:retry-after=30,hang`.
//!
//! Items are separated by commas; each is `[delay:SPAN+][process+|ignore+|again+]ANSWER[*TIMES]`.

use std::num::NonZeroU32;
use std::time::Duration;

use super::reaction::{Answer, Counted, Effect, FailFirst, RateLimit, Reaction, Script};

/// More reactions than any trial needs; a bound on what `*TIMES` can make.
const SEQUENCE_MAX: usize = 100_000;

/// The longest delay that can be asked for: a day.
const DELAY_MAX: Duration = Duration::from_secs(86_400);

const NAMES: [&str; 10] = [
    "correct",
    "hang",
    "hang-before-reading",
    "reset",
    "close",
    "malformed",
    "cut",
    "redirect",
    "process-then-reset",
    "process-then-hang",
];

const EXPECTED: &str = "a status from 200 to 599, `correct`, `hang`, `hang-before-reading`, `reset`, `close`, \
    `malformed`, `cut`, `redirect:URL`, `process-then-reset` or `process-then-hang`";

/// A text that is no script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{item}` is not {expected}{}", .suggestion.as_ref().map_or(String::new(), |name| format!("; did you mean `{name}`?")))]
pub struct ScriptError {
    /// The item that was not understood.
    pub item: String,
    /// What could have stood there.
    pub expected: String,
    /// The known name nearest to it.
    pub suggestion: Option<String>,
}

impl ScriptError {
    fn new(item: &str, expected: &str) -> Self {
        Self { item: item.to_owned(), expected: expected.to_owned(), suggestion: None }
    }
}

impl Script {
    /// Reads a sequence; what follows it is the correct behaviour.
    ///
    /// # Errors
    /// Names the first item that is no reaction.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let mut sequence = Vec::new();
        for item in text.split(',').map(str::trim) {
            let (reaction, times) = match item.rsplit_once('*') {
                Some((reaction, times)) => (reaction, count(item, times)?),
                None => (item, 1),
            };
            let reaction: Reaction = reaction.parse()?;
            if sequence.len() + times > SEQUENCE_MAX {
                return Err(ScriptError::new(item, "within 100000 reactions for the whole script"));
            }
            sequence.extend(std::iter::repeat_n(reaction, times));
        }
        Ok(Self::of(sequence))
    }
}

impl std::str::FromStr for Script {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        Self::parse(text)
    }
}

impl std::str::FromStr for Reaction {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let mut delay = Duration::ZERO;
        let mut effect = None;
        let mut rest = text.trim();
        while let Some((part, after)) = rest.split_once('+') {
            match part.trim() {
                "process" => effect = Some(Effect::Process),
                "ignore" => effect = Some(Effect::Ignore),
                "again" => effect = Some(Effect::ProcessAgain),
                other => match other.strip_prefix("delay:") {
                    Some(value) => delay = delay.saturating_add(span(text, value)?),
                    None => {
                        return Err(ScriptError::new(other, "`delay:SPAN`, `process`, `ignore` or `again`"));
                    }
                },
            }
            rest = after.trim();
        }
        if delay > DELAY_MAX {
            return Err(ScriptError::new(text, "a delay of at most 24h"));
        }
        // A delay alone is a slow receiver that is correct otherwise.
        let mut reaction = match rest.strip_prefix("delay:") {
            Some(value) => Self::CORRECT.after(span(text, value)?),
            None => answer(rest)?,
        };
        if let Some(effect) = effect {
            reaction.effect = effect;
        }
        Ok(reaction.after(delay))
    }
}

impl std::str::FromStr for FailFirst {
    type Err = ScriptError;

    /// Reads `3`, `3=503` or `each:3=reset` (counted for each notification by itself).
    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let (counted, rest) = match text.strip_prefix("each:") {
            Some(rest) => (Counted::ByNotification, rest),
            None => (Counted::Together, text),
        };
        let (attempts, with) = match rest.split_once('=') {
            Some((attempts, with)) => (attempts, with.parse()?),
            None => (rest, Reaction::status(503)),
        };
        let expected = "`[each:]N[=REACTION]` as in `3=503`";
        let attempts = attempts.trim().parse().map_err(|_| ScriptError::new(text, expected))?;
        Ok(Self { attempts, with, counted })
    }
}

impl std::str::FromStr for RateLimit {
    type Err = ScriptError;

    /// Reads `10` or `10:5`: POSTs a second, and how many at once (1 unless told).
    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let number = |part: &str| {
            part.trim().parse::<NonZeroU32>().map_err(|_| {
                ScriptError::new(text, "`PER_SECOND[:BURST]`, whole numbers above zero as in `10:5`")
            })
        };
        let (per_second, burst) = text.split_once(':').unwrap_or((text, "1"));
        Ok(Self { per_second: number(per_second)?, burst: number(burst)? })
    }
}

fn answer(text: &str) -> Result<Reaction, ScriptError> {
    let (name, argument) = match text.split_once(':') {
        Some((name, argument)) => (name.trim(), Some(argument.trim())),
        None => (text, None),
    };
    if name.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty() {
        return status(text, name, argument);
    }
    let reaction = match (name, argument) {
        ("redirect", Some(location)) if !location.is_empty() => return Ok(Reaction::redirect(location)),
        ("redirect", _) => return Err(ScriptError::new(text, "`redirect:URL`")),
        ("correct", None) => Reaction::CORRECT,
        ("hang", None) => Reaction::HANG,
        ("hang-before-reading", None) => Reaction::HANG_BEFORE_READING,
        ("reset", None) => Reaction::RESET,
        ("close", None) => Reaction::CLOSE,
        ("malformed", None) => Reaction::MALFORMED,
        ("cut", None) => Reaction::CUT,
        ("process-then-reset", None) => Reaction::PROCESS_THEN_RESET,
        ("process-then-hang", None) => Reaction::PROCESS_THEN_HANG,
        _ => {
            let mut error = ScriptError::new(text, EXPECTED);
            error.suggestion = nearest(name);
            return Err(error);
        }
    };
    Ok(reaction)
}

fn status(item: &str, code: &str, argument: Option<&str>) -> Result<Reaction, ScriptError> {
    let code = match code.parse::<u16>() {
        Ok(code) if (200..600).contains(&code) => code,
        _ => return Err(ScriptError::new(item, "a status from 200 to 599")),
    };
    let Some(argument) = argument else { return Ok(Reaction::status(code)) };
    let Some(value) = argument.strip_prefix("retry-after=") else {
        return Err(ScriptError::new(item, "`STATUS:retry-after=SECONDS`"));
    };
    Ok(Reaction::status_retry_after(code, span(item, value)?))
}

fn count(item: &str, times: &str) -> Result<usize, ScriptError> {
    match times.trim().parse() {
        Ok(times) if (1..=SEQUENCE_MAX).contains(&times) => Ok(times),
        _ => Err(ScriptError::new(item, "`REACTION*TIMES` with a whole number from 1 to 100000")),
    }
}

/// A span with its unit; a bare number is seconds, as in `Retry-After`.
fn span(item: &str, text: &str) -> Result<Duration, ScriptError> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit.trim() {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(ScriptError::new(item, "a span with the unit `ms`, `s`, `m` or `h`, as in `2s`")),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(milliseconds))
        .map(Duration::from_millis)
        .ok_or_else(|| ScriptError::new(item, "a span as in `250ms` or `2s`"))
}

fn nearest(name: &str) -> Option<String> {
    NAMES
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .min()
        .filter(|(distance, known)| *distance <= 1 + known.len() / 4)
        .map(|(_, known)| known.to_owned())
}

impl Answer {
    /// Whether the sender gets a whole HTTP response.
    #[must_use]
    pub fn responds(&self) -> bool {
        matches!(self, Self::Correct | Self::Status(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_sequence() {
        let script = Script::parse("503*2, reset,delay:250ms+200,429:retry-after=30,process+hang").unwrap();
        assert_eq!(
            script.sequence,
            [
                Reaction::status(503),
                Reaction::status(503),
                Reaction::RESET,
                Reaction::status(200).after(Duration::from_millis(250)),
                Reaction::status_retry_after(429, Duration::from_secs(30)),
                Reaction::PROCESS_THEN_HANG,
            ]
        );
        assert_eq!(script.then, Reaction::CORRECT);
        let slow: Reaction = "delay:2s".parse().unwrap();
        assert_eq!(slow, Reaction::CORRECT.after(Duration::from_secs(2)));
        let loses: Reaction = "ignore+200".parse().unwrap();
        assert_eq!(loses.effect, Effect::Ignore);
        let redirect: Reaction = "redirect:https://127.0.0.1:1/x".parse().unwrap();
        assert_eq!(redirect, Reaction::redirect("https://127.0.0.1:1/x"));
    }

    #[test]
    fn names_the_item_and_the_nearest_word() {
        let error = Script::parse("503,rest").unwrap_err();
        assert_eq!(error.item, "rest");
        assert_eq!(error.suggestion.as_deref(), Some("reset"));
        assert!(error.to_string().ends_with("did you mean `reset`?"), "{error}");
        for (text, item) in [
            ("", ""),
            ("200,,200", ""),
            ("199", "199"),
            ("600", "600"),
            ("70000", "70000"),
            ("503*0", "503*0"),
            ("503*200000", "503*200000"),
            ("delay:2x+200", "delay:2x+200"),
            ("delay:99999999999999999999s", "delay:99999999999999999999s"),
            ("wait+200", "wait"),
            ("429:after=3", "429:after=3"),
            ("redirect:", "redirect:"),
        ] {
            assert_eq!(Script::parse(text).unwrap_err().item, item, "{text}");
        }
    }

    #[test]
    fn reads_fail_first_and_rate_limit() {
        let first: FailFirst = "each:3=reset".parse().unwrap();
        let counted = Counted::ByNotification;
        assert_eq!(first, FailFirst { attempts: 3, with: Reaction::RESET, counted });
        assert_eq!("2".parse::<FailFirst>().unwrap().with, Reaction::status(503));
        assert!("x=503".parse::<FailFirst>().is_err());
        let limit: RateLimit = "10:5".parse().unwrap();
        assert_eq!((limit.per_second.get(), limit.burst.get()), (10, 5));
        assert!("0".parse::<RateLimit>().is_err());
    }
}
