//! Texts that people write. Those of plain notifications are drawn as well, so that none of these cases has a plain
//! one for its control.

use pns_engine::EventType;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::super::case::Case;
use super::super::super::draw;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::super::bodies::{accepted, in_order, is_reconstructed, laid_over};
use crate::clause::Clause;
use crate::event::Strength;

/// Texts that people write.
pub(super) const ALL: &[Property] = &[
    TEXT_BEYOND_ASCII,
    TEXT_EMOJI,
    TEXT_COMBINING_AND_BIDI,
    TEXT_LINE_BREAKS,
    TEXT_MARKUP_AND_QUOTES,
    TEXT_LONG,
    TEXT_VERY_LONG,
    TEXT_EMPTY,
    TEXT_NUL,
    MESSAGE_TEXTS,
];

/// Event types with free texts, and where: one whose message has some, first, and one that is no message.
pub(super) fn places(setting: &Setting) -> Vec<(EventType, Vec<String>)> {
    let messages = [
        EventType::MessagePlannerToSupplier,
        EventType::MessageSupplierToPlanner,
        EventType::MessageSupplierToSupplier,
    ];
    let has_texts = |event_type: EventType| {
        let places = setting.free_texts(event_type);
        (!places.is_empty()).then_some((event_type, places))
    };
    let other = setting.event_types().filter(|event_type| !messages.contains(event_type)).find_map(has_texts);
    messages
        .into_iter()
        .filter(|event_type| setting.event_types().any(|known| known == *event_type))
        .find_map(has_texts)
        .into_iter()
        .chain(other)
        .collect()
}

/// Which free texts of a body are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filled {
    /// All of them.
    All,
    /// The last: what a message says, not its subject.
    Last,
}

/// A case for each text, in a message; the first one also in another type's text.
fn texts(setting: &Setting, filled: Filled, texts: &[(&str, &str)]) -> Vec<Case> {
    let mut cases = Vec::new();
    for (index, (event_type, places)) in places(setting).into_iter().enumerate() {
        let texts = if index == 0 { texts } else { &texts[..1] };
        for (label, text) in texts {
            let value = json!(text);
            let from = if filled == Filled::Last { places.len() - 1 } else { 0 };
            let with: Map<String, Value> = places[from..]
                .iter()
                .filter(|place| setting.allows(event_type, place, &value))
                .map(|place| (place.clone(), value.clone()))
                .collect();
            if !with.is_empty() {
                let label = format!("{label}, {}", event_type.wire_name());
                cases.push(laid_over(label, event_type, Value::Object(with), accepted()).plain());
            }
        }
    }
    cases
}

const UTF8_THROUGHOUT: &str = "Decode the body as UTF-8 by name, whatever the platform's default is, and use UTF-8 all \
     the way down: PYTHONUTF8=1 or a UTF-8 locale, `-Dfile.encoding=UTF-8` before Java 18, utf8mb4 for MySQL's server, \
     connection, tables and columns, nvarchar in SQL Server.";

const TEXT_BEYOND_ASCII: Property = Property {
    id: "accepts/text-beyond-ascii",
    title: "letters of all scripts are acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Must,
    tags: &["text", "unicode"],
    needs: &[],
    does: "Sends texts in Latin with accents, Greek, Cyrillic, Chinese, Japanese, Korean, Arabic, Hebrew and Hindi, as \
           plain UTF-8.",
    why: "Cvent's page asks that the endpoint accept its schema, which is JSON with texts that people wrote, and JSON is \
          exchanged in UTF-8 (RFC 8259, section 8.1). Hotels are named Hôtel, Møller and 東京. A receiver that decodes in \
          the platform's charset fails on the first of them, often on a server only and not on the developer's machine.",
    mend: UTF8_THROUGHOUT,
    cases: Cases::Fixed(|setting| {
        let variants = [
            ("Latin", "Hôtel Ângela & Íris, Ýmir, Ïle à côté, Größe: 5 €"),
            ("Polish, Turkish, Vietnamese", "Łódź, İstanbul, Đà Nẵng, Čačak"),
            ("Greek and Cyrillic", "Ξενοδοχείο Αθήνα, Гостиница «Россия»"),
            ("Chinese, Japanese, Korean", "北京饭店、東京ベイ会議場、서울 호텔"),
            ("Arabic and Hebrew", "فندق البحر، מלון הים"),
            ("Hindi and Thai", "होटल ताज, โรงแรม"),
        ];
        texts(setting, Filled::All, &variants)
    }),
};

const TEXT_EMOJI: Property = Property {
    id: "accepts/text-emoji",
    title: "emoji and other characters of four bytes are acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["text", "unicode"],
    needs: &[],
    does: "Sends texts with emoji, joined emoji, flags and rare Chinese letters, as plain UTF-8.",
    why: "Messages are typed on telephones. Characters beyond U+FFFF take four bytes in UTF-8 and two units in UTF-16: \
          MySQL's old `utf8` has three bytes for a character and refuses the row with `Incorrect string value`, which \
          becomes 500 for this one message, for ever.",
    mend: UTF8_THROUGHOUT,
    cases: Cases::Fixed(|setting| {
        let variants = [
            ("an emoji", "See you on Sunday 😀"),
            ("joined emoji", "👩‍👩‍👧 and 👨🏽‍💻, 🏳️‍🌈"),
            ("flags and keycaps", "🇨🇭 🇺🇸 1️⃣"),
            ("rare letters", "𠮷野家, 𝔓𝔫𝔰, 𐍈"),
            ("nothing else", "🏨"),
        ];
        texts(setting, Filled::All, &variants)
    }),
};

const TEXT_COMBINING_AND_BIDI: Property = Property {
    id: "accepts/text-combining-and-bidi",
    title: "combining characters and marks of direction are acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["text", "unicode"],
    needs: &[],
    does: "Sends texts with combining accents, zero-width joiners, marks and overrides of direction, and a byte order \
           mark in the middle.",
    why: "Text copied from a Mac comes with accents of their own, text copied from Word or a web page with invisible \
          marks. Columns in a charset of one byte have no letter for them, and normalizing code that expects one \
          character per letter fails.",
    mend: UTF8_THROUGHOUT,
    cases: Cases::Fixed(|setting| {
        let variants = [
            ("combining accents", "Ho\u{302}tel Ge\u{300}ne\u{300}ve, A\u{30a}re"),
            ("many on one letter", "e\u{300}\u{301}\u{302}\u{303}\u{304}\u{306}\u{307}\u{308}\u{30a}\u{30b}"),
            ("zero width", "soft\u{ad}hyphen, zero\u{200b}width, \u{200d}\u{200c}joiners, \u{2060}"),
            ("marks of direction", "\u{200f}מלון\u{200e} (5) \u{2067}فندق\u{2069}"),
            ("an override of direction", "see \u{202e}fdp.tcartnoc\u{202c} attached"),
            ("a byte order mark inside", "copied\u{feff} from a file"),
        ];
        texts(setting, Filled::All, &variants)
    }),
};

const TEXT_LINE_BREAKS: Property = Property {
    id: "accepts/text-line-breaks",
    title: "texts with line breaks and tabs are acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["text"],
    needs: &[],
    does: "Sends texts with LF, CR LF, CR alone, tabs, blank lines, and the line separators of Unicode.",
    why: "A message has paragraphs. Receivers that spool notifications one per line, put texts into headers of an e-mail \
          or into JavaScript, or log them unescaped, break them in two or throw.",
    mend: "Keep notifications as JSON with its escapes, or in columns; never join fields by separators, and escape what \
           goes into a log or a header.",
    cases: Cases::Fixed(|setting| {
        let variants = [
            ("LF", "Dear team,\n\nplease confirm.\n"),
            ("CR LF", "Dear team,\r\n\r\nplease confirm.\r\n"),
            ("CR", "Dear team,\rplease confirm."),
            ("tabs", "Monday\t120 rooms\nTuesday\t80 rooms"),
            ("separators of Unicode", "one\u{2028}two\u{2029}three\u{85}four"),
        ];
        texts(setting, Filled::Last, &variants)
    }),
};

const TEXT_MARKUP_AND_QUOTES: Property = Property {
    id: "accepts/text-markup-and-quotes",
    title: "texts that look like code are acknowledged as the texts that they are",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["text", "security"],
    needs: &[],
    does: "Sends texts with quotes, backslashes, HTML, SQL, format strings and placeholders of templates.",
    why: "O'Hare has an apostrophe, and planners paste HTML from their mail program. Where one of these texts makes 500, \
          text is put together into SQL, a format or a template, and somebody else can do worse than make it fail; where \
          a firewall answers 403, the message is lost although it is valid.",
    mend: "Bind parameters instead of joining SQL, log with `\"{}\"` and an argument, escape on output and not on input, \
           and exempt the body of this path from the firewall's rules on markup: it comes from one sender with a key.",
    cases: Cases::Fixed(|setting| {
        let variants = [
            ("an apostrophe", "Chicago O'Hare; bring \"both\" keys"),
            ("backslashes", "C:\\new\\table \\u0041 \\"),
            ("HTML", "<p>100 <b>rooms</b> &amp; <br/></p>"),
            ("a script", "<script>alert(1)</script>"),
            ("SQL", "'; DROP TABLE rfp; --"),
            ("a format", "100%s occupancy, %d rooms, %n, {0}, {}"),
            ("templates", "${rooms} #{rooms} <%= rooms %> {% rooms %} $(rooms) `rooms`"),
            ("JSON", "{\"eventType\":\"PLANNER_CANCEL\"}"),
            ("XML", "<?xml version=\"1.0\"?><a><![CDATA[x]]></a>"),
        ];
        texts(setting, Filled::All, &variants)
    }),
};

/// The longest texts of `unit` that are tried and allowed, one for each length.
fn long_texts(setting: &Setting, lengths: &[usize], units: &[(&str, &str)]) -> Vec<Case> {
    let Some((event_type, mut places)) = places(setting).into_iter().next() else { return Vec::new() };
    let Some(place) = places.pop() else { return Vec::new() };
    let mut cases = Vec::new();
    for (name, unit) in units {
        for length in lengths {
            let text = json!(unit.repeat(*length));
            let case = laid_over(format!("{length} {name}"), event_type, json!({ &place: text }), accepted())
                .plain();
            cases.push((case, text));
        }
    }
    let is_allowed = |text: &Value| setting.allows(event_type, &place, text);
    cases.into_iter().filter(|(_, text)| is_allowed(text)).map(|(case, _)| case).collect()
}

const TEXT_LONG: Property = Property {
    id: "accepts/text-long",
    title: "texts as long as the schema allows are acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["text", "size"],
    needs: &[],
    does: "Sends messages of 256, 1,000 and 4,000 characters, of one byte and of three bytes each, as far as the schema \
           pack allows them.",
    why: "Columns of 255 characters, and columns whose length counts bytes, hold every example and not the first real \
          message: `Data too long for column` becomes 500, and PNS sends the message again for ever.",
    mend: "Use a text type without a bound for texts that people write (text, longtext, nvarchar(max)), or cut them before \
           they are stored and keep the whole elsewhere; the details can be pulled again through the Message API.",
    cases: Cases::Fixed(|setting| {
        long_texts(setting, &[256, 1_000, 4_000], &[("letters", "a"), ("letters of three bytes", "語")])
    }),
};

const TEXT_VERY_LONG: Property = Property {
    id: "accepts/text-very-long",
    title: "a message of 64 KiB is acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Advice,
    tags: &["text", "size"],
    needs: &[],
    does: "Sends a message of 65,536 letters, whatever the schema pack allows.",
    why: "Cvent's page names no longest text. MySQL's TEXT ends one byte before 64 KiB, and many parsers and firewalls \
          have a limit nearby that nobody chose; it is better to know it before a planner pastes a whole contract.",
    mend: "Use a text type without a bound (longtext in MySQL), or cut the text before it is stored.",
    cases: Cases::Fixed(|setting| {
        let Some((event_type, mut places)) = places(setting).into_iter().next() else { return Vec::new() };
        let text = json!("a".repeat(65_536));
        let place = places.pop();
        let place = place.filter(|p| is_reconstructed(setting) || setting.allows(event_type, p, &text));
        place.map(|place| laid_over("", event_type, json!({ place: text }), accepted())).into_iter().collect()
    }),
};

const TEXT_EMPTY: Property = Property {
    id: "accepts/text-empty",
    title: "empty and blank texts are acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Advice,
    tags: &["text"],
    needs: &[],
    does: "Sends a message with an empty subject, and one whose texts are a space.",
    why: "Whether Cvent sends empty texts is unknown; mail programs do, as subjects. Code that takes an empty text for a \
          missing one refuses the message (`@NotBlank`, `if not subject`), and Oracle stores it as NULL.",
    mend: "Ask of texts that are shown and not computed with only that they are texts, and give the column a default.",
    cases: Cases::Fixed(|setting| {
        let Some((event_type, places)) = places(setting).into_iter().next() else { return Vec::new() };
        let with = |text: &str| places.iter().map(|place| (place.clone(), json!(text))).collect();
        [("empty", ""), ("a space", " ")]
            .map(|(label, text)| laid_over(label, event_type, Value::Object(with(text)), accepted()).plain())
            .into()
    }),
};

const TEXT_NUL: Property = Property {
    id: "accepts/text-nul",
    title: "a text with U+0000 does no harm",
    clause: Clause::EndpointSchema,
    strength: Strength::Advice,
    tags: &["text", "unicode", "security"],
    needs: &[],
    does: "Sends a message whose text holds the escape `\\u0000`; a refusal by a 4xx is in order, too.",
    why: "U+0000 is allowed in JSON, as an escape (RFC 8259, section 7). PostgreSQL stores it neither in text nor in jsonb \
          (`unsupported Unicode escape sequence`), C libraries end the text there, and a single such message then fails \
          for ever.",
    mend: "Replace U+0000 by U+FFFD before storing, or refuse the body with 400.",
    cases: Cases::Fixed(|setting| {
        let Some((event_type, mut places)) = places(setting).into_iter().next() else { return Vec::new() };
        let text = "before\0after";
        let case = |place: String| laid_over("", event_type, json!({ place: text }), in_order());
        places.pop().map(case).into_iter().collect()
    }),
};

/// What people can write: no control characters but tab and line feed, no noncharacters.
fn writable(text: &str) -> String {
    let is_written = |c: &char| !c.is_control() || matches!(c, '\t' | '\n');
    let is_character = |c: &char| u32::from(*c) & 0xfffe != 0xfffe && !matches!(c, '\u{fdd0}'..='\u{fdef}');
    let text: String = text.chars().filter(|c| is_written(c) && is_character(c)).collect();
    // What was between two braces may be gone.
    let text = text.replace("{{", "{ {");
    if text.trim().is_empty() { "x".to_owned() } else { text }
}

const MESSAGE_TEXTS: Property = Property {
    id: "accepts/message-texts",
    title: "whatever people write is acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["text", "unicode", "drawn"],
    needs: &[],
    does: "Draws texts of any characters of Unicode, but control characters and noncharacters, into all free texts of a \
           notification.",
    why: "JSON's texts hold any character (RFC 8259, section 7), and nobody thinks of all that can go wrong with them. A \
          text that makes the receiver fail is sent again for ever, and its message is never read.",
    mend: UTF8_THROUGHOUT,
    cases: Cases::Drawn(|setting| {
        let places = places(setting);
        if places.is_empty() {
            return None;
        }
        let shared = setting.clone();
        let drawn = (prop::sample::select(places), prop::collection::vec(draw::text(30), 4));
        let case = move |((event_type, places), texts): ((EventType, Vec<String>), Vec<String>)| {
            let with = places.into_iter().zip(texts).map(|(place, text)| (place, json!(writable(&text))));
            let with = with.filter(|(place, text)| shared.allows(event_type, place, text)).collect();
            laid_over("", event_type, Value::Object(with), accepted()).plain()
        };
        Some(drawn.prop_map(case).boxed())
    }),
};

#[cfg(test)]
mod tests {
    use super::super::super::super::setting::tests::everything;
    use super::*;

    #[test]
    fn texts_go_into_messages_first_and_then_into_others() {
        let places = places(&everything());
        let types: Vec<_> = places.iter().map(|(event_type, _)| *event_type).collect();
        assert_eq!(types, [EventType::MessagePlannerToSupplier, EventType::RfpForward]);
        assert_eq!(places[0].1, ["/messageDetails/subject", "/messageDetails/body"]);
    }

    #[test]
    fn writable_texts_hold_no_control_characters() {
        assert_eq!(writable("a\u{1}\u{ffff}\n{\u{2}{b"), "a\n{ {b");
        assert_eq!(writable("\u{fdd0}"), "x");
    }
}
