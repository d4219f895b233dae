//! Bodies that are no JSON, or no object.

use serde_json::json;

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::super::bodies::{exact, fresh_text, in_order};
use super::INTERNAL_ERROR;
use crate::clause::Clause;
use crate::event::Strength;

/// Bodies that are no JSON, or no object.
pub(super) const ALL: &[Property] = &[EMPTY_BODY, NOT_JSON, TRUNCATED_JSON, OTHER_JSON_VALUES, EMPTY_OBJECT];

const ANSWER_400: &str = "Catch what the JSON parser throws, at the place where it is called, and answer 400: \
     HttpMessageNotReadableException in Spring, JsonException in .NET, `err.type === 'entity.parse.failed'` in Express, \
     ValueError in Python, JSON_THROW_ON_ERROR and JsonException in PHP. In Express 4 wrap async handlers, or nobody \
     answers.";

/// Bodies of exactly these texts.
pub(super) fn bodies(bodies: &[(&str, &str)]) -> Vec<Case> {
    bodies.iter().map(|(label, body)| exact(*label, *body, in_order())).collect()
}

const EMPTY_BODY: Property = Property {
    id: "rejects/empty-body",
    title: "a request without a body is answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json"],
    needs: &[],
    does: "Sends a body of no bytes with `Content-Length: 0`, without any length, as empty chunks, and one of white space \
           only.",
    why: "Monitors, load balancers and curious people send such requests. Frameworks bind an empty body to null and the \
          handler uses it, or wait for a `data` event that never comes and keep the connection open.",
    mend: "Treat a missing or empty body like one that is not JSON: answer 400 before touching it.",
    cases: Cases::Fixed(|_| {
        vec![
            exact("length 0", "", in_order()),
            Case::request("no length", json!({ "body": "", "framing": "none" }), in_order()),
            Case::request("empty chunks", json!({ "body": "", "framing": "chunked" }), in_order()),
            exact("white space", " \r\n\t ", in_order()),
        ]
    }),
};

const NOT_JSON: Property = Property {
    id: "rejects/not-json",
    title: "a body that is not JSON is answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json", "smoke"],
    needs: &[],
    does: "Sends an object that never was one, plain text, XML, a form, and words that are no JSON values.",
    why: INTERNAL_ERROR,
    mend: ANSWER_400,
    cases: Cases::Fixed(|_| {
        bodies(&[
            ("`{ not json`", "{ not json"),
            ("plain text", "hello"),
            ("XML", "<?xml version=\"1.0\"?><event type=\"RFP_SEND\"/>"),
            ("a form", "eventType=RFP_SEND&supplierId=1"),
            ("`undefined`", "undefined"),
            ("closing brackets", "]}"),
        ])
    }),
};

const TRUNCATED_JSON: Property = Property {
    id: "rejects/truncated-json",
    title: "a notification that is cut off is answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json"],
    needs: &[],
    does: "Sends the first part of a valid body, as a whole request of that length: without the last brace, cut in the \
           middle, inside of a name, and after the first byte.",
    why: "A proxy that cuts a body and corrects its length makes such requests. A parser that reads as far as it can, or \
          one that waits for more, stores half a notification or hangs.",
    mend: ANSWER_400,
    cases: Cases::Fixed(|setting| truncated(setting).unwrap_or_default()),
};

fn truncated(setting: &Setting) -> Option<Vec<Case>> {
    let text = fresh_text(setting)?;
    // Variables stand whole in what is left, or not at all.
    let middle = text.match_indices(',').map(|(at, _)| at).nth(1)?;
    let name = text[middle..].find(':').map(|colon| middle + colon - 2)?;
    let cut = |label, end: usize| Some(exact(label, text.get(..end)?, in_order()));
    let cuts = [
        cut("without the last brace", text.len() - 1),
        cut("in the middle", middle),
        cut("after a comma", middle + 1),
        cut("inside of a name", name),
        cut("after the first byte", 1),
    ];
    Some(cuts.into_iter().flatten().collect())
}

const OTHER_JSON_VALUES: Property = Property {
    id: "rejects/other-json-values",
    title: "JSON that is no object is answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json"],
    needs: &[],
    does: "Sends a list, a list with a notification in it, a text, a number, null and true.",
    why: "Any value is a JSON text (RFC 8259, section 2). Code that takes the result of the parser for an object calls \
          `get` on a list, or reads a field of null, and answers 500 to what is merely wrong.",
    mend: "Ask whether the value is an object before anything else, or bind the body to a class, and answer 400 or 422.",
    cases: Cases::Fixed(|setting| {
        let mut cases = bodies(&[
            ("an empty list", "[]"),
            ("a text", "\"RFP_SEND\""),
            ("a number", "42"),
            ("null", "null"),
            ("true", "true"),
        ]);
        cases.extend(
            fresh_text(setting)
                .map(|text| exact("a list of one notification", format!("[ {text} ]"), in_order())),
        );
        cases
    }),
};

const EMPTY_OBJECT: Property = Property {
    id: "rejects/empty-object",
    title: "an empty object is answered in order",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["json", "shape"],
    needs: &[],
    does: "Sends an object without members, and one with nothing but members that nobody knows.",
    why: INTERNAL_ERROR,
    mend: "Test each field for presence before it is used, and answer 400 or 422 when one that you need is missing.",
    cases: Cases::Fixed(|_| {
        bodies(&[("no members", "{}"), ("unknown members only", "{ \"a\": 1, \"b\": { \"c\": [] } }")])
    }),
};
