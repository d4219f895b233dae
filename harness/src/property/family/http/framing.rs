//! Requests whose end cannot be told, or can be told in two ways.

use serde_json::{Value, json};

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::{refused, settled, taken_or_refused, variants};
use crate::clause::Clause;
use crate::event::Strength;

/// Requests whose end cannot be told, or can be told in two ways.
pub(super) const ALL: &[Property] = &[
    BAD_CHUNK_REFUSED,
    LENGTH_AND_CHUNKED,
    TWO_LENGTHS_REFUSED,
    NEGATIVE_LENGTH_REFUSED,
    ODD_LENGTH_REFUSED,
    UNKNOWN_TRANSFER_CODING,
];

const LEAVE_FRAMING: &str = "Leave the framing of requests to a maintained server and update it; where a server of your own must do \
     it, answer 400 and close the connection.";

/// A valid body whose length is known, framed by these lines alone.
fn framed(
    label: &str,
    setting: &Setting,
    lines: impl Fn(usize) -> Vec<String>,
    answer: Value,
) -> Option<Case> {
    let text = settled(setting, label)?;
    let lines = lines(text.len());
    Some(Case::request(label, json!({ "body": text, "framing": "none", "headers": lines }), answer))
}

/// A line that tells the length so.
fn length(value: impl std::fmt::Display) -> String {
    format!("Content-Length: {value}")
}

const BAD_CHUNK_REFUSED: Property = Property {
    id: "http/bad-chunk-refused",
    title: "a chunk without a proper size is refused, not acknowledged",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["chunks", "framing", "security"],
    needs: &[],
    does: "Sends valid bodies behind chunk sizes that are none: letters that are no digits, a negative number, an empty line, \
           one that is too short for its chunk; and one beyond 64 bits, for whose end a server may also wait.",
    why: "What is no chunk is a bad request, to be answered with 400 (RFC 9112, sections 2.2 and 7.1), and large sizes must not \
          overflow. A proxy that broke off inserts such things; an exception for the number that nobody catches makes an \
          internal error of it, and what acknowledges it has lost the body's end.",
    mend: LEAVE_FRAMING,
    cases: Cases::Fixed(|setting| {
        let lines = |lines: &[&str]| json!({ "framing": { "chunk_lines": lines } });
        let flawed = [
            ("no digits", lines(&["zz", "0", ""])),
            ("negative", lines(&["-20", "0", ""])),
            ("empty", lines(&["", "0", ""])),
            ("too short", lines(&["5", "0", ""])),
        ];
        let huge = [("beyond 64 bits", lines(&["10000000000000000", "0", ""]))];
        let mut cases =
            variants(setting, &json!({ "not": ["2xx", "5xx", "none", "malformed", "refused"] }), &flawed);
        cases.extend(huge.iter().filter_map(|(label, keys)| {
            let request = super::request(setting, keys.clone())?;
            let answer = json!({ "not": ["2xx", "5xx", "malformed", "refused"] });
            Some(Case::new(*label, json!([{ "request": request, "answer": answer, "within": "1s" }])))
        }));
        cases
    }),
};

const LENGTH_AND_CHUNKED: Property = Property {
    id: "http/length-and-chunked",
    title: "where there are chunks and a length, the length does not count",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["chunks", "framing", "security"],
    needs: &[],
    does: "Sends a valid body that is no chunk, with its length and with `Transfer-Encoding: chunked`, which must not be \
           acknowledged; and one in chunks with a length so short that a request is seen in its rest, which must not be \
           answered.",
    why: "Chunks override the length; a server may refuse the request instead (RFC 9112, sections 6.1 and 6.3). What two \
          programs on the way end at different places is two requests for one of them: so requests are smuggled past a \
          proxy's checks, and answers reach whom they are not for (CWE-444).",
    mend: LEAVE_FRAMING,
    cases: Cases::Fixed(|setting| {
        let answer = json!({ "not": ["2xx", "5xx", "none", "malformed", "refused"] });
        // The empty line ends what a server takes for a chunk size, so that it need not wait for more.
        let plain =
            json!({ "framing": "length", "headers": ["Transfer-Encoding: chunked"], "suffix": "\r\n\r\n" });
        let mut cases = variants(setting, &answer, &[("the length would do", plain)]);
        cases.push(smuggled(setting));
        cases
    }),
};

/// A body in one chunk that is a request by itself, with a length that ends before it.
fn smuggled(setting: &Setting) -> Case {
    let hidden = format!("GET {} HTTP/1.1\r\nHost: localhost\r\nX-Hidden: yes\r\n\r\n", setting.target);
    let chunk_line = format!("{:x}\r\n", hidden.len());
    let request = json!({
        "body": hidden,
        "framing": "chunked",
        "headers": ["Transfer-Encoding: chunked", length(chunk_line.len())],
    });
    // A body that is no JSON has no other business with these.
    let hidden_answers = ["HTTP/1.1 401", "HTTP/1.1 403", "HTTP/1.1 404", "HTTP/1.1 405"];
    let step = json!({
        "request": request,
        "answer": taken_or_refused(),
        "body_without": hidden_answers,
        "title": "the request in the rest is not answered",
    });
    Case::new("a request in the rest", json!([step]))
}

const TWO_LENGTHS_REFUSED: Property = Property {
    id: "http/two-lengths-refused",
    title: "a request with two different lengths is refused",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["framing", "security"],
    needs: &[],
    does: "Sends valid bodies with the right length and a larger one, in either order, and with both in one line.",
    why: "A server must answer 400 and close the connection (RFC 9112, section 6.3). What two programs on the way end at \
          different places is two requests for one of them: so requests are smuggled past a proxy's checks, and answers \
          reach whom they are not for (CWE-444).",
    mend: LEAVE_FRAMING,
    cases: Cases::Fixed(|setting| {
        let cases = [
            framed("the right one first", setting, |n| vec![length(n), length(n + 7)], refused()),
            framed("the right one last", setting, |n| vec![length(n + 7), length(n)], refused()),
            framed("in one line", setting, |n| vec![format!("{}, {}", length(n), n + 7)], refused()),
        ];
        cases.into_iter().flatten().collect()
    }),
};

const NEGATIVE_LENGTH_REFUSED: Property = Property {
    id: "http/negative-length-refused",
    title: "a negative length is refused",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["framing"],
    needs: &[],
    does: "Sends valid bodies with a `Content-Length` of -1 and of the body's length below zero.",
    why: "A length has digits only, and a server must answer 400 to others (RFC 9110, section 8.6; RFC 9112, section 6.3). Code \
          that parses it as a number makes an array of it, or reads to the end of a connection that has none.",
    mend: LEAVE_FRAMING,
    cases: Cases::Fixed(|setting| {
        let cases = [
            framed("-1", setting, |_| vec![length(-1)], refused()),
            framed("as long below zero", setting, |n| vec![format!("Content-Length: -{n}")], refused()),
        ];
        cases.into_iter().flatten().collect()
    }),
};

const ODD_LENGTH_REFUSED: Property = Property {
    id: "http/odd-length-refused",
    title: "a length in other than decimal digits is refused",
    clause: Clause::EndpointSchema,
    strength: Strength::Advice,
    tags: &["framing", "security"],
    needs: &[],
    does: "Sends valid bodies whose length has a plus sign, a decimal point, an underscore between digits, or is hexadecimal.",
    why: "A length has digits only, and a server must answer 400 to others (RFC 9110, section 8.6; RFC 9112, section 6.3). \
          What one program on the way takes for a number and another does not, ends at different places for the two, and is \
          a way to smuggle requests past a proxy's checks (CWE-444).",
    mend: "Check that a length has digits only before it is parsed: `int()` in Python takes signs, underscores and spaces. Or \
           leave the framing of requests to a maintained server.",
    cases: Cases::Fixed(|setting| {
        let underscore = |n: usize| {
            let digits = n.to_string();
            let (first, rest) = digits.split_at(1);
            vec![format!("Content-Length: {first}_{rest}")]
        };
        let cases = [
            framed("a plus sign", setting, |n| vec![format!("Content-Length: +{n}")], refused()),
            framed("a decimal point", setting, |n| vec![format!("Content-Length: {n}.0")], refused()),
            framed("an underscore", setting, underscore, refused()),
            framed("hexadecimal", setting, |n| vec![format!("Content-Length: 0x{n:x}")], refused()),
        ];
        cases.into_iter().flatten().collect()
    }),
};

const UNKNOWN_TRANSFER_CODING: Property = Property {
    id: "http/unknown-transfer-coding",
    title: "a transfer coding that nobody knows is refused",
    clause: Clause::EndpointSchema,
    strength: Strength::Advice,
    tags: &["framing", "security"],
    needs: &[],
    does: "Sends valid bodies with their length and with `Transfer-Encoding: xchunked`, and with chunks that are not the last \
           coding.",
    why: "The end of such a request cannot be told, and a server must refuse it with 400 or 501 (RFC 9112, sections 6.1 and \
          6.3). One that goes by the length instead lets itself be told a different end than the proxy in front of it.",
    mend: LEAVE_FRAMING,
    cases: Cases::Fixed(|setting| {
        let coded = |coding: &str| json!({ "headers": [format!("Transfer-Encoding: {coding}")] });
        let forms = [("unknown", coded("xchunked")), ("not the last", coded("chunked, xother"))];
        variants(setting, &json!(["4xx", 501, "closed"]), &forms)
    }),
};
