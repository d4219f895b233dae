//! The receiver as its own probe: `GET /inspect/{eventId}`, `GET /inspect` and `GET /healthz`.

use http::{Response, StatusCode};
use serde_json::json;

use super::Shared;
use super::judge::refusal;
use super::respond::{AnswerBody, json as answer_json, problem};

/// How many event ids `GET /inspect` lists, the newest first; all are counted.
const LISTED_MAX: usize = 1_000;

/// Answers a GET of one of the receiver's own paths.
pub(crate) fn answer(shared: &Shared, path: &str) -> Response<AnswerBody> {
    if path == "/healthz" {
        return answer_json(StatusCode::OK, &json!({ "status": "ok" }));
    }
    let event_id = path.strip_prefix("/inspect/").unwrap_or_default();
    let journal = shared.journal();
    if event_id.is_empty() {
        let listed: Vec<_> = journal.newest(LISTED_MAX).collect();
        return answer_json(StatusCode::OK, &json!({ "totals": journal.totals(), "eventIds": listed }));
    }
    let found = percent_decoded(event_id)
        .and_then(|event_id| journal.event(&event_id).and_then(|event| serde_json::to_value(event).ok()));
    match found {
        Some(event) => answer_json(StatusCode::OK, &event),
        None => problem(refusal(StatusCode::NOT_FOUND, "no notification with this event id was received")),
    }
}

/// The text with `%XX` resolved (RFC 3986, 2.1); `None` if that is no UTF-8 or an escape is cut.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let value = digit(bytes.next()?)? * 16 + digit(bytes.next()?)?;
            decoded.push(u8::try_from(value).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(percent_decoded("a%2Fb%20%C3%A9").as_deref(), Some("a/b é"));
        for cut in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(percent_decoded(cut), None, "{cut}");
        }
    }
}
