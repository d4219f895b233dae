//! JSON at its edges: what the grammar allows and parsers may limit, and what it does not allow.

use serde_json::Value;

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::super::bodies::{
    exact, exact_bytes, fresh, fresh_text, in_order, plain, settled_text, with_member,
};
use crate::clause::Clause;
use crate::event::Strength;

/// JSON at its edges.
pub(super) const ALL: &[Property] =
    &[DEEP_NESTING, HUGE_NUMBERS, LONE_SURROGATE, DUPLICATE_KEYS, JSON_EXTENSIONS, TRAILING_GARBAGE];

/// Deep enough to end recursion without a limit, and too shallow to hurt a parser that has one or needs none.
const LEVELS: usize = 1_500;

const DEEP_NESTING: Property = Property {
    id: "rejects/deep-nesting",
    title: "a body nested 1,500 levels deep does no harm",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json", "size", "security"],
    needs: &[],
    does: "Sends lists and objects nested 1,500 levels deep: as the whole body, in an unknown field of a valid \
           notification, and never closed.",
    why: "A parser may set a limit on the depth (RFC 8259, section 9), and then refuses with a 4xx. One that recurses \
          without a limit, or a `JSON.stringify` or a logger behind it, ends in a stack overflow, which in many languages \
          takes the whole process with it: one small request, everybody's downtime.",
    mend: "Use a parser with a limit (Jackson's StreamReadConstraints, MaxDepth in System.Text.Json, the depth of PHP's \
           json_decode), turn what it throws into 400 (RecursionError in Python is no ValueError), and do not walk \
           through bodies with recursion of your own.",
    cases: Cases::Fixed(|setting| {
        let (lists, objects) = ("[".repeat(LEVELS), "{\"a\":".repeat(LEVELS));
        let closed_lists = format!("{lists}{}", "]".repeat(LEVELS));
        let closed_objects = format!("{objects}1{}", "}".repeat(LEVELS));
        let mut cases = vec![
            exact("lists", closed_lists.clone(), in_order()),
            exact("objects", closed_objects.clone(), in_order()),
            exact("lists never closed", lists, in_order()),
            exact("objects never closed", objects, in_order()),
        ];
        for (label, value) in [("lists in a field", closed_lists), ("objects in a field", closed_objects)] {
            let text = with_member(setting, &format!("\"addedLater\":{value}"));
            cases.extend(text.map(|text| exact(label, text, in_order())));
        }
        cases
    }),
};

const HUGE_NUMBERS: Property = Property {
    id: "rejects/huge-numbers",
    title: "numbers beyond every range are answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json"],
    needs: &[],
    does: "Sends valid notifications with an unknown field whose number is 1e400, has 400 digits, or lies just beyond 53 or \
           64 bits; and 1e400 in the place of the event type.",
    why: "JSON's numbers have no range, and a parser may set one (RFC 8259, section 6). 1e400 becomes Infinity, which \
          JSON cannot write and databases refuse, so that the error comes where nobody expects it: when the notification \
          is stored or passed on, or when FastAPI repeats it in its own 422.",
    mend: "Ignore unknown fields instead of storing the body in another form; where it is stored as it is, store its bytes, \
           and turn errors of the number's range into 400.",
    cases: Cases::Fixed(|setting| {
        let digits = "9".repeat(400);
        let fraction = format!("0.{}", "3".repeat(400));
        let numbers = [
            ("1e400", "1e400"),
            ("-1e400", "-1e400"),
            ("1e-400", "1e-400"),
            ("400 digits", &digits),
            ("400 digits of a fraction", &fraction),
            ("beyond 53 bits", "9007199254740993"),
            ("beyond 64 bits", "18446744073709551616"),
        ];
        let mut cases = in_field(setting, &numbers);
        cases.extend(as_event_type(setting, "1e400 as the event type", "1e400"));
        cases
    }),
};

/// A valid notification with one unknown field, whose value is written in these ways.
fn in_field(setting: &Setting, values: &[(&str, &str)]) -> Vec<Case> {
    let case = |(label, value): &(&str, &str)| {
        let text = with_member(setting, &format!("\"addedLater\":{value}"))?;
        Some(exact(*label, text, in_order()))
    };
    values.iter().filter_map(case).collect()
}

/// A notification whose event type is written like this: a field that every receiver reads.
fn as_event_type(setting: &Setting, label: &str, value: &str) -> Option<Case> {
    /// Stands in no body of a pack's, and needs no escapes.
    const MARK: &str = "written below";
    let mut body = fresh(setting, plain(setting)?)?;
    *body.pointer_mut(&setting.pack.roles().event_type)? = Value::from(MARK);
    Some(exact(label, body.to_string().replacen(&format!("\"{MARK}\""), value, 1), in_order()))
}

const LONE_SURROGATE: Property = Property {
    id: "rejects/lone-surrogate",
    title: "half a surrogate pair is answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json", "unicode"],
    needs: &[],
    does: "Sends valid notifications with an unknown field whose text, or name, holds the escape of one half of a pair, or \
           the halves in the wrong order; and one with such a text in its event type.",
    why: "The grammar of JSON allows it, and what a receiver makes of it is unpredictable (RFC 8259, section 8.2); senders \
          that cut texts by UTF-16 units produce it. Java, JavaScript, C# and Python read it as text, and the exception \
          comes when that text is written as UTF-8: into the database, the log, or the answer.",
    mend: "Replace lone surrogates by U+FFFD where the body comes in (`toWellFormed()` in JavaScript, \
           `errors=\"replace\"` in Python), or refuse the body with 400.",
    cases: Cases::Fixed(|setting| {
        let mut cases = in_field(
            setting,
            &[
                ("the first half", r#""a\ud83d""#),
                ("the second half", r#""\ude00b""#),
                ("in the wrong order", r#""\ude00\ud83d""#),
                ("two first halves", r#""\ud83d\ud83d""#),
            ],
        );
        let named = with_member(setting, r#""\ud83d":1"#);
        cases.extend(named.map(|text| exact("in a name", text, in_order())));
        cases.extend(as_event_type(setting, "in the event type", r#""RFP_\ud83dSEND""#));
        cases
    }),
};

const DUPLICATE_KEYS: Property = Property {
    id: "rejects/duplicate-keys",
    title: "a name that stands twice in an object is answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json", "security"],
    needs: &[],
    does: "Sends notifications with an event type twice, the same or another, with an unknown field twice, and with an \
           object and a text of one name.",
    why: "Names should be unique, and what a receiver makes of others is unpredictable (RFC 8259, section 4): the last, \
          the first, or an exception of a class that nobody catches (org.json, strict modes). A firewall that reads the \
          first and a receiver that reads the last do not see the same notification.",
    mend: "Let every layer use one parser, or a strict one in front (STRICT_DUPLICATE_DETECTION in Jackson, \
           AllowDuplicateProperties in System.Text.Json), and turn what it throws into 400.",
    cases: Cases::Fixed(|setting| {
        let place = &setting.pack.roles().event_type;
        let name =
            Value::from(place.strip_prefix('/').filter(|name| !name.contains('/')).unwrap_or_default());
        let mut members = vec![
            ("an unknown field", r#""addedLater":1,"addedLater":2"#.to_owned()),
            ("an object and a text", r#""addedLater":{"a":1},"addedLater":"a""#.to_owned()),
        ];
        if name != "" {
            members.push(("the event type", format!("{name}:\"RFP_SEND\"")));
            members.push(("the event type, and another one", format!("{name}:\"PLANNER_CANCEL\"")));
            members.push(("the event type, and null", format!("{name}:null")));
        }
        let case =
            |(label, member): (&str, String)| Some(exact(label, with_member(setting, &member)?, in_order()));
        members.into_iter().filter_map(case).collect()
    }),
};

const JSON_EXTENSIONS: Property = Property {
    id: "rejects/json-extensions",
    title: "JavaScript that is not JSON is answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json"],
    needs: &[],
    does: "Sends notifications with comments, trailing commas, single quotes, names without quotes, NaN, Infinity, numbers \
           in hexadecimal or with leading zeros, and raw line breaks in texts, and with NaN as the event type.",
    why: "A parser may accept more than JSON (RFC 8259, section 9), and then the rest of the program gets what it was not \
          written for: NaN that no column takes, a NaN that makes Python write invalid JSON to the next system. Refusing \
          is in order, accepting is in order, failing is not.",
    mend: "Leave the parser's extensions off (`parse_constant` in Python refuses NaN, no ALLOW_* features in Jackson, no \
           JSON5), and turn its errors into 400.",
    cases: Cases::Fixed(|setting| {
        let mut cases = in_field(
            setting,
            &[
                ("NaN", "NaN"),
                ("-Infinity", "-Infinity"),
                ("hexadecimal", "0xff"),
                ("a leading zero", "007"),
                ("a leading plus", "+1"),
                ("no digit after the point", "1."),
                ("a line break in a text", "\"a\nb\""),
                ("single quotes", "'a'"),
                ("an unknown escape", r#""\x41""#),
                ("a comment", "1 /* one */"),
                ("a comment to the end of the line", "1 // one\n"),
                ("a trailing comma in a list", "[1,]"),
            ],
        );
        let Some(text) = fresh_text(setting) else { return cases };
        cases.extend(
            text.strip_suffix('}').map(|open| exact("a trailing comma", format!("{open},}}"), in_order())),
        );
        cases.extend(as_event_type(setting, "NaN as the event type", "NaN"));
        let unquoted = text.replacen('"', "", 2);
        cases.push(exact("a name without quotes", unquoted, in_order()));
        cases
    }),
};

const TRAILING_GARBAGE: Property = Property {
    id: "rejects/trailing-garbage",
    title: "something behind the object is answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json"],
    needs: &[],
    does: "Sends valid notifications with a letter, a bracket, a comma, a second object or a NUL byte behind them.",
    why: "A JSON text is one value with white space around it (RFC 8259, section 2). Some parsers stop at its end and some \
          throw an exception of another kind (`Extra data`, `unexpected trailing characters`), which is then not the one \
          that becomes 400; a second notification behind the first would be lost without a word.",
    mend: "Have the parser insist on the end (FAIL_ON_TRAILING_TOKENS in Jackson, `decoder.More()` or io.EOF in Go), and \
           turn its error into 400.",
    cases: Cases::Fixed(|setting| {
        let Some(text) = fresh_text(setting) else { return Vec::new() };
        let behind = |label, garbage: &str| exact(label, format!("{text}{garbage}"), in_order());
        let mut cases = vec![
            behind("a letter", "x"),
            behind("a brace", " }"),
            behind("a comma", ","),
            behind("a second notification", &format!("\n{text}")),
            behind("an empty list", "[]"),
        ];
        if let Some(text) = settled_text(setting, "a NUL byte") {
            cases.push(exact_bytes("a NUL byte", &[text.as_bytes(), b"\0"].concat(), in_order()));
        }
        cases
    }),
};
