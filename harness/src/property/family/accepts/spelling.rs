//! Spellings of JSON that mean the same.

use pns_engine::EventType;
use serde::Serialize as _;
use serde_json::{Value, json};

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::super::bodies::{Digits, accepted, escaped, exact, fresh, fresh_text, plain, reordered, spell};
use crate::clause::Clause;
use crate::event::Strength;

/// Spellings of JSON that mean the same.
pub(super) const ALL: &[Property] =
    &[KEY_ORDER, WHITE_SPACE, TRAILING_NEWLINE, PADDED_BODY, ESCAPED_CHARACTERS, TEXT_SURROGATE_PAIRS];

const USE_A_PARSER: &str = "Read the body with the JSON parser of your platform, whole, and take the fields from what it \
     gives; no regular expressions, no search for texts, no reader of your own.";

const KEY_ORDER: Property = Property {
    id: "accepts/key-order",
    title: "the order of members does not matter",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json"],
    needs: &[],
    does: "Sends a valid notification with its members reversed, in alphabetical order, and with the event type last.",
    why: "A JSON object is an unordered collection (RFC 8259, section 1), and senders change the order with every new \
          version of a library. Readers that work through the body as a stream, and polymorphic ones that want the type \
          first (System.Text.Json before .NET 9), fail then.",
    mend: "Read the whole object before deciding by the event type: AllowOutOfOrderMetadataProperties in \
           System.Text.Json, or read into a JsonNode first; `@JsonTypeInfo(include = EXISTING_PROPERTY)` in Jackson \
           does not mind.",
    cases: Cases::Fixed(|setting| orders(setting).unwrap_or_default()),
};

fn orders(setting: &Setting) -> Option<Vec<Case>> {
    let body = fresh(setting, plain(setting)?)?;
    let case = |label, order: fn(&mut Vec<(String, Value)>)| {
        exact(label, reordered(&body, order).to_string(), accepted())
    };
    let mut cases = vec![
        case("reversed", |members| members.reverse()),
        case("in alphabetical order", |members| members.sort_by(|(a, _), (b, _)| a.cmp(b))),
    ];
    let name = setting.pack.roles().event_type.trim_start_matches('/');
    let mut last = body.as_object()?.clone();
    if let Some(event_type) = last.shift_remove(name) {
        last.insert(name.to_owned(), event_type);
        cases.push(exact("event type last", Value::Object(last).to_string(), accepted()));
    }
    Some(cases)
}

const WHITE_SPACE: Property = Property {
    id: "accepts/white-space",
    title: "white space between tokens does not matter",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json"],
    needs: &[],
    does: "Sends a valid notification without any white space, printed with spaces, with tabs, with CR LF, and with all \
           kinds of it around every token.",
    why: "White space is allowed before and after every structural character (RFC 8259, section 2). A receiver that \
          looks for `\"eventType\":\"` as a text works until the sender prints its JSON otherwise.",
    mend: USE_A_PARSER,
    cases: Cases::Fixed(|setting| white_spaces(setting).unwrap_or_default()),
};

fn white_spaces(setting: &Setting) -> Option<Vec<Case>> {
    let body = fresh(setting, plain(setting)?)?;
    let quoted = |text: &str| Value::from(text).to_string();
    let spaces = indented(&body, b"  ");
    Some(vec![
        exact("none", body.to_string(), accepted()),
        exact("indented by spaces", spaces.clone(), accepted()),
        exact("indented by tabs", indented(&body, b"\t"), accepted()),
        exact("lines that end with CR LF", spaces.replace('\n', "\r\n"), accepted()),
        exact("around every token", format!(" \t\r\n{} ", spell(&body, " \t\r\n ", &quoted)), accepted()),
    ])
}

fn indented(value: &Value, indent: &[u8]) -> String {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    value.serialize(&mut serializer).expect("a JSON value is written");
    String::from_utf8(bytes).expect("JSON is text")
}

const TRAILING_NEWLINE: Property = Property {
    id: "accepts/trailing-newline",
    title: "a line break after the object does not matter",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json"],
    needs: &[],
    does: "Sends a valid notification that ends with LF, and one that ends with CR LF.",
    why: "Many writers of JSON end it with a line break, which is white space like any other (RFC 8259, section 2). \
          Tests of one's own for completeness (`endsWith(\"}\")`) and parsers that complain of anything behind the value \
          refuse such a body.",
    mend: USE_A_PARSER,
    cases: Cases::Fixed(|setting| {
        let Some(text) = fresh_text(setting) else { return Vec::new() };
        [("LF", "\n"), ("CR LF", "\r\n")]
            .map(|(label, end)| exact(label, format!("{text}{end}"), accepted()))
            .into()
    }),
};

/// About as large as the largest notification that the built-in packs allow, were it written with escapes only: 4,000
/// characters of a message, twelve bytes each.
const PADDING: u64 = 50_000;

const PADDED_BODY: Property = Property {
    id: "accepts/padded-body",
    title: "a valid body of 50 kB is acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json", "size"],
    needs: &[],
    does: "Sends a valid notification with 50,000 spaces behind it.",
    why: "Cvent's page names no largest size. A message of 4,000 characters outside of the basic plane takes 48 kB when a \
          sender escapes them, so that limits of 8, 16 or 32 kB, often set by somebody else in front of the receiver, \
          refuse what is valid; and PNS sends it again for ever.",
    mend: "Allow 1 MB for this path in every layer: client_max_body_size in nginx, `limit` of express.json, \
           MaxRequestBodySize in Kestrel, post_max_size in PHP, the body inspection limit of the firewall.",
    cases: Cases::Fixed(|setting| {
        let Some(event_type) = plain(setting) else { return Vec::new() };
        let request = json!({ "event": event_type.wire_name(), "pad": PADDING });
        vec![Case::request("", request, accepted())]
    }),
};

const ESCAPED_CHARACTERS: Property = Property {
    id: "accepts/escaped-characters",
    title: "escaped characters mean the characters themselves",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json", "text"],
    needs: &[],
    does: "Sends valid notifications in which values, names, or all that is not ASCII are written as `\\u` escapes, and \
           slashes as `\\/`.",
    why: "Any character may be escaped (RFC 8259, section 7), and libraries differ in what they escape: PHP escapes every \
          slash, Python and .NET all that is not ASCII, some also `<` and `&`. A reader of one's own takes \
          `\\u0052FP_SEND` for another event type than RFP_SEND.",
    mend: USE_A_PARSER,
    cases: Cases::Fixed(|setting| escapes(setting).unwrap_or_default()),
};

fn escapes(setting: &Setting) -> Option<Vec<Case>> {
    let body = fresh(setting, plain(setting)?)?;
    let first = |text: &str| {
        let mut characters = text.chars();
        match characters.next() {
            Some(c) if !text.contains("{{") => {
                let rest = Value::from(characters.as_str()).to_string();
                format!("\"\\u{:04x}{}", u32::from(c), &rest[1..])
            }
            _ => Value::from(text).to_string(),
        }
    };
    let mut cases = vec![
        exact("the first letter of names and values", spell(&body, "", &first), accepted()),
        exact("all of it", spell(&body, "", &|text| escaped(text, |_| true, Digits::Lower)), accepted()),
        exact(
            "all of it, A to F",
            spell(&body, "", &|text| escaped(text, |_| true, Digits::Upper)),
            accepted(),
        ),
    ];
    let text = "Grüße & <Lounge> 24/7: http://example.com/";
    if let Some(body) = with_text(setting, text) {
        let not_ascii = spell(&body, "", &|text| escaped(text, |c| !c.is_ascii(), Digits::Lower));
        let markup = spell(&body, "", &|text| escaped(text, |c| "<>&'".contains(c), Digits::Upper));
        cases.push(exact("all that is not ASCII", not_ascii, accepted()));
        cases.push(exact("what means something in HTML", markup, accepted()));
        cases.push(exact("slashes", body.to_string().replace('/', "\\/"), accepted()));
    }
    Some(cases)
}

/// A valid body of a type that has a free text, with this one in it.
fn with_text(setting: &Setting, text: &str) -> Option<Value> {
    let (event_type, place) = free_text(setting)?;
    let mut body = fresh(setting, event_type)?;
    if !setting.allows(event_type, &place, &json!(text)) {
        return None;
    }
    *body.pointer_mut(&place)? = json!(text);
    Some(body)
}

/// A message's text if there is one, else any free text.
fn free_text(setting: &Setting) -> Option<(EventType, String)> {
    super::text::places(setting)
        .into_iter()
        .find_map(|(event_type, mut places)| Some((event_type, places.pop()?)))
}

const TEXT_SURROGATE_PAIRS: Property = Property {
    id: "accepts/text-surrogate-pairs",
    title: "characters written as pairs of surrogates are acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json", "text", "unicode"],
    needs: &[],
    does: "Sends texts with emoji and rare letters written as two `\\u` escapes each, in either case of the digits.",
    why: "A character outside of the basic plane is escaped as a pair (RFC 8259, section 7), and a sender whose writer \
          keeps to ASCII sends every emoji that way. A reader that turns each half into a character by itself makes \
          texts that cannot be stored, or throws.",
    mend: "Let the platform's JSON parser decode the text; where you decode by hand, put the two halves together before \
           making a character. In MySQL, store as utf8mb4.",
    cases: Cases::Fixed(|setting| {
        let texts = [
            ("one", "Thanks 😀", Digits::Lower),
            ("one, A to F", "Thanks 😀", Digits::Upper),
            ("several joined", "👩‍👩‍👧 arrive on Sunday", Digits::Lower),
            ("rare letters", "𠮷野家 and 𝔓𝔫𝔰", Digits::Lower),
        ];
        let case = |(label, text, digits): (&str, &str, Digits)| {
            let body = with_text(setting, text)?;
            let spelt = spell(&body, "", &|text| escaped(text, |c| !c.is_ascii(), digits));
            Some(exact(label, spelt, accepted()))
        };
        texts.into_iter().filter_map(case).collect()
    }),
};
