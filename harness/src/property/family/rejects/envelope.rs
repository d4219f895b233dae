//! What is around the body: its type, its coding, its size, the method.

use serde_json::{Value, json};

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::super::bodies::{in_order, plain, settled_text};
use super::INTERNAL_ERROR;
use crate::clause::Clause;
use crate::event::Strength;

/// What is around the body.
pub(super) const ALL: &[Property] =
    &[WRONG_CONTENT_TYPE, CONTENT_ENCODING_GZIP, LARGE_BODY, OTHER_METHODS, UNKNOWN_METHOD];

/// A plain notification with something about its head changed.
fn changed(setting: &Setting, label: &str, key: &str, value: Value, answer: Value) -> Option<Case> {
    let mut request = json!({ "event": plain(setting)?.wire_name() });
    request[key] = value;
    Some(Case::request(label, request, answer))
}

const WRONG_CONTENT_TYPE: Property = Property {
    id: "rejects/wrong-content-type",
    title: "a content type other than JSON's is answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["content-type"],
    needs: &[],
    does: "Sends a valid body as text, XML, a form, a multipart form without a boundary, as two types at once, in an unknown \
           charset, as something that is no media type, and without any content type.",
    why: "A receiver may answer 415 (RFC 9110, section 15.5.16), or read the body all the same. Some do neither: a form \
          parser takes the body for a form and the handler finds nothing, a charset that does not exist throws, a \
          multipart parser without a boundary throws; and a catch-all handler makes 500 of the framework's own 415.",
    mend: "Take only `application/json` (and `+json`) on this path and let everything else be 415; exempt the framework's \
           own HTTP exceptions from the handler that turns the rest into 500.",
    cases: Cases::Fixed(|setting| {
        let lines = [
            ("text", "Content-Type: text/plain"),
            ("XML", "Content-Type: application/xml"),
            ("a form", "Content-Type: application/x-www-form-urlencoded"),
            ("a multipart form without a boundary", "Content-Type: multipart/form-data"),
            ("two types", "Content-Type: application/json, text/plain"),
            ("an unknown charset", "Content-Type: application/json; charset=x-nowhere"),
            ("UTF-16, which it is not", "Content-Type: application/json; charset=utf-16"),
            ("no media type", "Content-Type: json"),
            ("a semicolon", "Content-Type: ;"),
            ("empty", "Content-Type:"),
        ];
        let case =
            |(label, line): (&str, &str)| changed(setting, label, "headers", json!([line]), in_order());
        let none = changed(setting, "none", "leave_out", json!(["Content-Type"]), in_order());
        lines.into_iter().filter_map(case).chain(none).collect()
    }),
};

const CONTENT_ENCODING_GZIP: Property = Property {
    id: "rejects/content-encoding-gzip",
    title: "a content coding is undone, refused, or reported as wrong",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["content-type"],
    needs: &[],
    does: "Sends a valid body in gzip, one that says gzip and is not, a gzip that is cut off, and one in a coding that \
           nobody knows.",
    why: "A receiver may answer 415 to codings that it does not take (RFC 9110, sections 8.4 and 15.5.16). Middleware that \
          inflates by the header throws on what is no gzip (`incorrect header check`, BadGzipFile, `unexpected end of \
          file`), outside of everything that makes 400 of bad JSON.",
    mend: "Refuse all content codings on this path with 415 (`inflate: false` in body-parser), or catch the errors of \
           inflating like those of parsing.",
    cases: Cases::Fixed(|setting| {
        let coded = |label, coding: &str, code: &dyn Fn(&[u8]) -> Vec<u8>| {
            let body = code(settled_text(setting, label)?.as_bytes());
            let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
            let line = format!("Content-Encoding: {coding}");
            Some(Case::request(label, json!({ "body_hex": hex, "headers": [line] }), in_order()))
        };
        let half = |text: &[u8]| {
            let mut zipped = gzip(text);
            zipped.truncate(zipped.len() / 2);
            zipped
        };
        let cases = [
            coded("gzip", "gzip", &gzip),
            coded("no gzip at all", "gzip", &<[u8]>::to_vec),
            coded("gzip cut off", "gzip", &half),
            coded("the header of gzip alone", "gzip", &|text| gzip(text)[..10].to_vec()),
            coded("no deflate at all", "deflate", &<[u8]>::to_vec),
            coded("an unknown coding", "x-nothing", &<[u8]>::to_vec),
        ];
        cases.into_iter().flatten().collect()
    }),
};

/// A gzip file (RFC 1952) of one stored block (RFC 1951, section 3.2.4): nothing is compressed, and every reader reads it.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("bodies are shorter than a stored block may be");
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1];
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(&(!length).to_le_bytes());
    file.extend_from_slice(bytes);
    file.extend_from_slice(&crc32(bytes).to_le_bytes());
    file.extend_from_slice(&u32::from(length).to_le_bytes());
    file
}

/// The checksum of gzip (RFC 1952, section 8).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        let shifted = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        (0..8).fold(crc ^ u32::from(*byte), shifted)
    };
    !bytes.iter().fold(!0, step)
}

/// The largest body of all properties: twice the limit that nginx has without being told otherwise.
const LARGEST: u64 = 2 << 20;

const LARGE_BODY: Property = Property {
    id: "rejects/large-body",
    title: "a body of up to 2 MiB is accepted or refused, and does no harm",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["size", "security"],
    needs: &[],
    does: "Sends valid notifications with white space behind them, and a list that is never closed, of 256 KiB, 1 MiB and \
           2 MiB.",
    why: "A receiver may refuse what is too large with 413 and close the connection (RFC 9110, section 15.5.14). Without a \
          limit, a few such requests fill the memory of a small container, which is then killed with everything that it \
          had not stored; with a limit whose exception nobody catches, each is an internal error.",
    mend: "Set a limit where the body is read (1 MB is plenty for a notification) and let it answer 413: \
           client_max_body_size, `limit` of express.json with a handler for `entity.too.large`, MaxRequestBodySize, \
           http.MaxBytesReader, MAX_CONTENT_LENGTH in Flask.",
    cases: Cases::Fixed(|setting| {
        let padded =
            |(label, size): (&str, u64)| changed(setting, label, "pad", json!(size - 4_096), in_order());
        let sizes = [("256 KiB", 256 << 10), ("1 MiB", 1 << 20), ("2 MiB", LARGEST)];
        let open = Case::request(
            "2 MiB that are never closed",
            json!({ "body": "[", "pad": LARGEST - 4_096 }),
            in_order(),
        );
        sizes.into_iter().filter_map(padded).chain([open]).collect()
    }),
};

/// What may come back for a method that the receiver does not take: 501 is the answer of one that does not know it.
fn refused_or_in_order() -> Value {
    json!(["2xx", "3xx", "4xx", 501, "closed"])
}

const OTHER_METHODS: Property = Property {
    id: "rejects/other-methods",
    title: "methods other than POST are answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["method", "smoke"],
    needs: &[],
    does: "Asks the endpoint with GET, HEAD and OPTIONS, and sends a notification with PUT, PATCH and DELETE.",
    why: "Monitors ask with GET and HEAD, and people put the address into a browser. 405 is the answer to a method that is \
          known and not taken, 501 to one that is not known (RFC 9110, section 9.1); a catch-all handler that makes 500 of \
          the framework's own 405 sets off alarms for nothing.",
    mend: "Route by method, and exempt the framework's own HTTP exceptions (HttpRequestMethodNotSupportedException, \
           MethodNotAllowed) from the handler that turns the rest into 500.",
    cases: Cases::Fixed(|setting| {
        let bare = ["GET", "HEAD", "OPTIONS"].map(|method| {
            let request =
                json!({ "method": method, "body": "", "framing": "none", "leave_out": ["Content-Type"] });
            Case::request(method, request, refused_or_in_order())
        });
        let with_body = |method| changed(setting, method, "method", json!(method), refused_or_in_order());
        bare.into_iter().chain(["PUT", "PATCH", "DELETE"].into_iter().filter_map(with_body)).collect()
    }),
};

const UNKNOWN_METHOD: Property = Property {
    id: "rejects/unknown-method",
    title: "a method that nobody knows is answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["method"],
    needs: &[],
    does: "Sends a notification with methods that do not exist: NOTIFY-ME, `post` in lower case, one of 40 letters.",
    why: INTERNAL_ERROR,
    mend: "Give the switch over methods a default branch that answers 405 or 501; methods have a case, and `post` is \
           another one than POST (RFC 9110, section 9.1).",
    cases: Cases::Fixed(|setting| {
        let long = "X".repeat(40);
        let methods = [("unknown", "NOTIFY-ME"), ("in lower case", "post"), ("40 letters", &long)];
        let case = |(label, method): (&str, &str)| {
            changed(setting, label, "method", json!(method), refused_or_in_order())
        };
        methods.into_iter().filter_map(case).collect()
    }),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gzip_is_as_the_tool_writes_it() {
        // The check value of CRC-32, and a stored block of one byte.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        let file = gzip(b"a");
        assert_eq!(file[10..], [1, 1, 0, 0xfe, 0xff, b'a', 0x43, 0xbe, 0xb7, 0xe8, 1, 0, 0, 0]);
    }
}
