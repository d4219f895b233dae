//! Bugs in reading JSON: spellings that mean the same, text, and what is no notification at all.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::text_anywhere;
use crate::selftest::Specimen;
use crate::selftest::message::{Answer, Reply, internal_error, refuse};
use crate::selftest::plan::Crash;
use crate::selftest::service;

pub(super) const ALL: &[Specimen] = &[
    Specimen::bug(
        "pretty-printed-json-refused",
        &["accepts/white-space"],
        "the type is searched as the text `\"eventType\":\"`, without a parser",
        |plan| plan.parse = |body| demanding(body, contains(body, "\"eventType\":\"")),
    ),
    Specimen::bug(
        "trailing-newline-refused",
        &["accepts/trailing-newline", "accepts/white-space", "accepts/padded-body"],
        "a body that must end in `}`, as a hand-written test of completeness",
        |plan| plan.parse = |body| demanding(body, body.ends_with(b"}")),
    ),
    Specimen::bug(
        "key-order-demanded",
        &["accepts/key-order"],
        "a streaming or polymorphic reader that needs the type before the rest (System.Text.Json before .NET 9)",
        |plan| {
            plan.validate = |value, body| {
                let early = value
                    .as_object()
                    .is_some_and(|object| object.keys().take(3).any(|key| key == "eventType"));
                if early { service::validate(value, body) } else { Err(refuse(400, "no type discriminator")) }
            };
        },
    ),
    Specimen::bug(
        "escapes-not-decoded",
        &["accepts/escaped-characters"],
        "a parser of one's own that takes `\\u0052FP_SEND` for another type than `RFP_SEND`",
        |plan| plan.parse = |body| demanding(body, !contains(body, "\\u00") && !contains(body, "\\/")),
    ),
    Specimen::bug(
        "ascii-only",
        &["accepts/text-beyond-ascii", "accepts/message-texts"],
        "Python under `LANG=C`, or Python 2: UnicodeDecodeError at the first umlaut",
        |plan| plan.parse = |body| if body.is_ascii() { service::parse(body) } else { Err(internal_error()) },
    ),
    Specimen::bug(
        "windows-1252-decoding",
        &["accepts/text-beyond-ascii"],
        "bytes decoded in the platform's charset, which has no letter for five of them: à, Í, Ý and many others fail",
        |plan| {
            plan.parse = |body| {
                let unmapped = body.iter().any(|byte| [0x81, 0x8d, 0x8f, 0x90, 0x9d].contains(byte));
                if unmapped { Err(internal_error()) } else { service::parse(body) }
            };
        },
    ),
    Specimen::bug(
        "emoji-500",
        &["accepts/text-emoji", "accepts/text-surrogate-pairs", "accepts/message-texts"],
        "MySQL's `utf8`, which has three bytes for a character: `Incorrect string value: '\\xF0\\x9F…'`",
        |plan| {
            plan.validate =
                |value, body| failing_on(value, body, |text| text.chars().any(|c| c > '\u{ffff}'));
        },
    ),
    Specimen::bug(
        "surrogate-pair-escapes-500",
        &["accepts/text-surrogate-pairs"],
        "each `\\u` escape turned into a character by itself: half an emoji is none",
        |plan| plan.parse = |body| failing(body, contains(body, "\\ud8") || contains(body, "\\uD8")),
    ),
    Specimen::bug(
        "combining-characters-500",
        &["accepts/text-combining-and-bidi"],
        "a column in Latin-1: what has no precomposed letter there cannot be stored",
        |plan| {
            plan.validate = |value, body| {
                failing_on(value, body, |text| {
                    let beyond = |c| matches!(c, '\u{300}'..='\u{36f}' | '\u{590}'..='\u{6ff}' | '\u{200b}'..='\u{206f}');
                    text.chars().any(beyond)
                })
            };
        },
    ),
    Specimen::bug(
        "nul-character-500",
        &["accepts/text-nul"],
        "PostgreSQL: `unsupported Unicode escape sequence \\u0000 cannot be converted to text`",
        |plan| plan.validate = |value, body| failing_on(value, body, |text| text.contains('\0')),
    ),
    Specimen::bug(
        "apostrophe-500",
        &["accepts/text-markup-and-quotes"],
        "SQL put together from strings: O'Hare ends the statement",
        |plan| plan.validate = |value, body| failing_on(value, body, |text| text.contains('\'')),
    ),
    Specimen::bug(
        "markup-refused",
        &["accepts/text-markup-and-quotes"],
        "ModSecurity's rule against cross-site scripting, or ASP.NET's request validation, on a JSON body",
        |plan| {
            plan.parse = |body| {
                if contains(body, "<script") {
                    Err(refuse(403, "request blocked"))
                } else {
                    service::parse(body)
                }
            };
        },
    ),
    Specimen::bug(
        "percent-sign-500",
        &["accepts/text-markup-and-quotes"],
        "the message used as a format: `log.info(message % ())`",
        |plan| plan.validate = |value, body| failing_on(value, body, |text| text.contains("%s")),
    ),
    Specimen::bug(
        "line-breaks-500",
        &["accepts/text-line-breaks"],
        "notifications spooled as lines: a text with a line break becomes two records",
        |plan| plan.validate = |value, body| failing_on(value, body, |text| text.contains('\n')),
    ),
    Specimen::bug(
        "bad-json-500",
        &["rejects/not-json", "rejects/truncated-json", "rejects/json-extensions"],
        "a JsonParseException that nobody turns into 400 (a bare servlet, Flask with `json.loads`, Rails of old)",
        |plan| plan.parse = |body| service::parse(body).map_err(|_| internal_error()),
    ),
    Specimen::bug(
        "bad-json-unanswered",
        &["rejects/not-json", "rejects/truncated-json"],
        "an exception in an `async` handler of Express 4: the promise is rejected, and nobody answers",
        |plan| plan.parse = |body| service::parse(body).map_err(|_| Reply::Hang),
    ),
    Specimen::bug(
        "bad-json-ends-server",
        &["rejects/not-json"],
        "`JSON.parse` in a stream's `end` handler: uncaughtException, and the process ends",
        |plan| plan.parse = |body| service::parse(body).map_err(|_| Reply::Crash),
    ),
    Specimen::bug(
        "empty-body-unanswered",
        &["rejects/empty-body"],
        "`req.on('data')` never fires for an empty body, and the handler waits for it",
        |plan| plan.parse = |body| if body.is_empty() { Err(Reply::Hang) } else { service::parse(body) },
    ),
    Specimen::bug(
        "empty-body-500",
        &["rejects/empty-body"],
        "ASP.NET binds an empty body to null, and the handler uses it",
        |plan| plan.parse = |body| failing(body, body.is_empty()),
    ),
    Specimen::bug(
        "other-json-values-500",
        &["rejects/other-json-values"],
        "`body.get(\"eventType\")` on a list: AttributeError",
        |plan| {
            plan.validate = |value, body| {
                if value.is_object() { service::validate(value, body) } else { Err(internal_error()) }
            };
        },
    ),
    Specimen::bug(
        "deep-nesting-ends-server",
        &["rejects/deep-nesting"],
        "a recursive parser or `JSON.stringify`: the stack overflows, and no handler catches that",
        |plan| plan.parse = |body| if depth(body) > 500 { Err(Reply::Crash) } else { service::parse(body) },
    ),
    Specimen::bug(
        "deep-nesting-restarts-server",
        &["rejects/deep-nesting"],
        "the same under a supervisor: two seconds of downtime for everybody, by one request",
        |plan| {
            plan.parse = |body| if depth(body) > 500 { Err(Reply::Crash) } else { service::parse(body) };
            plan.crash = Crash::RestartsAfter(Duration::from_secs(2));
        },
    ),
    Specimen::bug(
        "deep-nesting-500",
        &["rejects/deep-nesting"],
        "RecursionError or StackOverflowError, caught by the outermost handler",
        |plan| plan.parse = |body| failing(body, depth(body) > 500),
    ),
    Specimen::bug(
        "huge-numbers-500",
        &["rejects/huge-numbers"],
        "`1e400` becomes Infinity, which the store refuses; or BigDecimal takes minutes",
        |plan| {
            plan.parse = |body| {
                let error = serde_json::from_slice::<Value>(body).err();
                failing(body, error.is_some_and(|error| error.to_string().contains("out of range")))
            };
        },
    ),
    Specimen::bug(
        "invalid-utf8-500",
        &["rejects/invalid-utf8"],
        "UnicodeDecodeError before the JSON parser, outside of its `try`",
        |plan| plan.parse = |body| failing(body, std::str::from_utf8(body).is_err()),
    ),
    Specimen::bug(
        "byte-order-mark-500",
        &["rejects/byte-order-mark"],
        "`Unexpected UTF-8 BOM`: an exception of another class than that for bad JSON",
        |plan| plan.parse = |body| failing(body, body.starts_with(b"\xef\xbb\xbf")),
    ),
    Specimen::bug(
        "utf-16-500",
        &["rejects/utf-16"],
        "the encoding is guessed (Jackson does that), and the rest of the program is not ready for it",
        |plan| plan.parse = |body| failing(body, body.contains(&0)),
    ),
    Specimen::bug(
        "lone-surrogate-500",
        &["rejects/lone-surrogate"],
        "half an emoji is text in Java, JavaScript and Python, and the exception comes when it is stored as UTF-8",
        |plan| {
            plan.parse = |body| {
                let lone = (contains(body, "\\ud") || contains(body, "\\uD"))
                    && serde_json::from_slice::<Value>(body).is_err();
                failing(body, lone)
            };
        },
    ),
    Specimen::bug(
        "duplicate-keys-500",
        &["rejects/duplicate-keys"],
        "org.json: `JSONException: Duplicate key`, thrown where no exception was expected",
        |plan| plan.parse = |body| failing(body, has_duplicate_key(body)),
    ),
    Specimen::bug(
        "trailing-garbage-500",
        &["rejects/trailing-garbage"],
        "json.decoder: `Extra data`, which is a ValueError and not the exception that is caught",
        |plan| {
            plan.parse = |body| {
                let error = serde_json::from_slice::<Value>(body).err();
                failing(body, error.is_some_and(|error| error.to_string().contains("trailing characters")))
            };
        },
    ),
    Specimen::bug(
        "stack-trace-in-refusal",
        &["rejects/error-tells-no-internals"],
        "Express outside of production, Django with DEBUG, Spring with `server.error.include-stacktrace=always`",
        |plan| {
            plan.dress = |answer, _| match answer.status {
                400.. => Answer { body: STACK_TRACE.into(), ..answer },
                _ => answer,
            };
        },
    ),
];

const STACK_TRACE: &str = "com.fasterxml.jackson.core.JsonParseException: Unexpected character\n\
    \tat com.example.pns.NotificationController.receive(NotificationController.java:42)\n\
    \tat java.base/java.lang.Thread.run(Thread.java:1583)\n\
    Traceback (most recent call last):\n  File \"/srv/app/pns.py\", line 12, in receive\n";

/// Reads the body unless the flaw is there, which is an internal error.
fn failing(body: &[u8], flaw: bool) -> Result<Value, Reply> {
    if flaw { Err(internal_error()) } else { service::parse(body) }
}

/// Reads the body if it is as this receiver wants it.
fn demanding(body: &[u8], wanted: bool) -> Result<Value, Reply> {
    let value = service::parse(body)?;
    if wanted { Ok(value) } else { Err(refuse(400, "cannot read this")) }
}

/// Accepts a notification unless some text in it has the flaw, which is an internal error.
fn failing_on(
    value: &Value,
    body: &[u8],
    flaw: fn(&str) -> bool,
) -> Result<crate::selftest::state::Note, Reply> {
    if text_anywhere(value, flaw) { Err(internal_error()) } else { service::validate(value, body) }
}

fn contains(body: &[u8], text: &str) -> bool {
    body.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The deepest nesting, texts not excepted: good enough for a bug.
fn depth(body: &[u8]) -> usize {
    let step = |(now, most): (usize, usize), byte: &u8| match byte {
        b'[' | b'{' => (now + 1, most.max(now + 1)),
        b']' | b'}' => (now.saturating_sub(1), most),
        _ => (now, most),
    };
    body.iter().fold((0, 0), step).1
}

fn has_duplicate_key(body: &[u8]) -> bool {
    serde_json::from_slice::<Keys>(body).is_ok_and(|Keys(mut keys)| {
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        keys.len() < all
    })
}

/// The names in an object, as often as they are there.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(Names)
    }
}
