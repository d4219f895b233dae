//! Bytes that are not the UTF-8 that they should be.

use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::super::bodies::{exact, exact_bytes, fresh_text, in_order, settled_text};
use crate::clause::Clause;
use crate::event::Strength;

/// Bytes that are not the UTF-8 that they should be.
pub(super) const ALL: &[Property] = &[INVALID_UTF8, BYTE_ORDER_MARK, UTF_16];

/// A valid body with one unknown field more, whose text are these bytes.
fn with_bytes(setting: &Setting, label: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let text = settled_text(setting, label)?;
    let open = text.strip_suffix('}')?.as_bytes();
    Some([open, b",\"addedLater\":\"", bytes, b"\"}"].concat())
}

const INVALID_UTF8: Property = Property {
    id: "rejects/invalid-utf8",
    title: "a body that is no UTF-8 is answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json", "unicode"],
    needs: &[],
    does: "Sends notifications with a text in Latin-1, a byte that is never UTF-8, a character cut in half, an overlong \
           form, and a surrogate in three bytes; and a body of such bytes only.",
    why: "JSON is exchanged in UTF-8 (RFC 8259, section 8.1), and what is not breaks outside of the parser: decoding throws \
          before the `try` that makes 400 of bad JSON. Where it is decoded leniently, texts arrive with U+FFFD, and that \
          is in order, too.",
    mend: "Decode inside of the same `try` (UnicodeDecodeError in Python is a ValueError), give the parser the bytes \
           instead of a text, and check `mb_check_encoding` in PHP before json_decode.",
    cases: Cases::Fixed(|setting| {
        let variants: [(&str, &[u8]); 5] = [
            ("Latin-1", b"H\xf4tel"),
            ("a byte that is never UTF-8", b"a\xffb"),
            ("half a character", b"a\xe2\x82"),
            ("an overlong slash", b"a\xc0\xafb"),
            ("a surrogate", b"a\xed\xa0\xbdb"),
        ];
        let case = |(label, bytes): (&str, &[u8])| {
            Some(exact_bytes(label, &with_bytes(setting, label, bytes)?, in_order()))
        };
        let alone = exact_bytes("nothing else", b"\xff\xfe\xfd\x80\x81", in_order());
        variants.into_iter().filter_map(case).chain([alone]).collect()
    }),
};

const BYTE_ORDER_MARK: Property = Property {
    id: "rejects/byte-order-mark",
    title: "a byte order mark before the body is answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json", "unicode"],
    needs: &[],
    does: "Sends a valid notification behind U+FEFF, and U+FEFF alone.",
    why: "A sender must not put a byte order mark before JSON, and a receiver may ignore one (RFC 8259, section 8.1): .NET's \
          writers put it there with one wrong constructor. Python answers with an exception of its own (`Unexpected UTF-8 \
          BOM`), others see a token that is none.",
    mend: "Skip EF BB BF at the beginning of the body (`utf-8-sig` in Python, `strip-bom` in Node), or answer 400.",
    cases: Cases::Fixed(|setting| {
        let mut cases = vec![exact("nothing else", "\u{feff}", in_order())];
        let text = fresh_text(setting);
        cases.extend(text.map(|text| exact("before a notification", format!("\u{feff}{text}"), in_order())));
        cases
    }),
};

const UTF_16: Property = Property {
    id: "rejects/utf-16",
    title: "a body in UTF-16 or UTF-32 is answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json", "unicode"],
    needs: &[],
    does: "Sends a valid notification in UTF-16 of either byte order, with and without a byte order mark, and in UTF-32.",
    why: "JSON must be UTF-8 (RFC 8259, section 8.1); older documents allowed all three, and some parsers, Jackson among \
          them, still guess. Where the parser understands it, what reads the same bytes beside it (a signature, a log, a \
          filter) does not, and it has NUL in every second place.",
    mend: "Hand the parser a text that you decoded as UTF-8 yourself, so that anything else is an error that becomes 400.",
    cases: Cases::Fixed(|setting| {
        let little = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        let wide = |text: &str| text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect::<Vec<_>>();
        let case = |label, mark: &str, encode: &dyn Fn(&str) -> Vec<u8>| {
            let text = settled_text(setting, label)?;
            Some(exact_bytes(label, &encode(&format!("{mark}{text}")), in_order()))
        };
        let cases = [
            case("UTF-16LE", "", &little),
            case("UTF-16LE with a mark", "\u{feff}", &little),
            case("UTF-16BE", "", &big),
            case("UTF-16BE with a mark", "\u{feff}", &big),
            case("UTF-32LE", "", &wide),
        ];
        cases.into_iter().flatten().collect()
    }),
};
