//! Spellings of the content type that mean the same.

use serde_json::json;

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::super::bodies::{accepted, plain};
use crate::clause::Clause;
use crate::event::Strength;

/// Spellings of the content type that mean the same.
pub(super) const ALL: &[Property] = &[CONTENT_TYPE_CHARSET, CONTENT_TYPE_CASE, CONTENT_TYPE_QUOTED];

/// A plain notification with each of these header lines for its content type.
fn lines(setting: &Setting, lines: &[(&str, &str)]) -> Vec<Case> {
    let Some(event_type) = plain(setting) else { return Vec::new() };
    let case = |(label, line): &(&str, &str)| {
        Case::request(*label, json!({ "event": event_type.wire_name(), "headers": [line] }), accepted())
    };
    lines.iter().map(case).collect()
}

const COMPARE_THE_TYPE: &str = "Compare the media type alone, in lower case, as the platform's parser of it gives it \
     (MediaType, MediaTypeHeaderValue, mime.ParseMediaType, `type-is`), and leave the parameters to themselves.";

const CONTENT_TYPE_CHARSET: Property = Property {
    id: "accepts/content-type-charset",
    title: "a charset beside the content type makes no difference",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["content-type"],
    needs: &[],
    does: "Sends notifications as `application/json; charset=utf-8` in several spellings.",
    why: "That the body is JSON follows from Cvent's page; how the header is written is not documented. The charset has no \
          meaning for JSON (RFC 8259, section 11), and many clients add it: .NET's StringContent does, Axios and Jersey \
          may. `contentType == \"application/json\"` answers 415 to all of them.",
    mend: COMPARE_THE_TYPE,
    cases: Cases::Fixed(|setting| {
        let variants = [
            ("with a space", "Content-Type: application/json; charset=utf-8"),
            ("without a space", "Content-Type: application/json;charset=utf-8"),
            ("with spaces on both sides", "Content-Type: application/json ; charset=utf-8"),
        ];
        lines(setting, &variants)
    }),
};

const CONTENT_TYPE_CASE: Property = Property {
    id: "accepts/content-type-case",
    title: "the case of the content type makes no difference",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["content-type"],
    needs: &[],
    does: "Sends notifications as `Application/JSON`, as `APPLICATION/JSON`, and with a charset in capitals.",
    why: "Media types, names of parameters and charsets have no case (RFC 9110, sections 8.3.1 and 8.3.2). A comparison \
          that has one works until the sender's HTTP library is replaced.",
    mend: COMPARE_THE_TYPE,
    cases: Cases::Fixed(|setting| {
        let variants = [
            ("Application/JSON", "Content-Type: Application/JSON"),
            ("all capitals", "Content-Type: APPLICATION/JSON"),
            ("the charset in capitals", "Content-Type: application/json; Charset=UTF-8"),
        ];
        lines(setting, &variants)
    }),
};

const CONTENT_TYPE_QUOTED: Property = Property {
    id: "accepts/content-type-quoted",
    title: "a quoted charset makes no difference",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["content-type"],
    needs: &[],
    does: "Sends notifications as `application/json; charset=\"utf-8\"`, with and without a space.",
    why: "The value of a parameter may stand in quotes, which do not belong to it (RFC 9110, sections 5.6.6 and 8.3.1). \
          `Charset.forName(\"\\\"utf-8\\\"\")` throws, and the notification is answered with 500.",
    mend: COMPARE_THE_TYPE,
    cases: Cases::Fixed(|setting| {
        let variants = [
            ("with a space", "Content-Type: application/json; charset=\"utf-8\""),
            ("without a space, in capitals", "Content-Type: application/json;charset=\"UTF-8\""),
        ];
        lines(setting, &variants)
    }),
};
