//! How a call is answered. The form of an error is *reconstructed*: Cvent publishes none.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

/// An answer on its way out.
pub(super) type Answer = Response<Full<Bytes>>;

/// A JSON body. What it tells changes at any time, so nobody keeps it.
pub(super) fn json(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Response::new(Full::new(body.to_string().into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// 200 and a sentence.
pub(super) fn done(message: &str) -> Answer {
    json(StatusCode::OK, &json!({ "message": message }))
}

/// A refusal, and what was wrong in particular.
pub(super) fn refused(status: StatusCode, message: &str, errors: &[String]) -> Answer {
    json(status, &json!({ "message": message, "errors": errors }))
}

/// An error of RFC 6749, section 5.2.
pub(super) fn oauth(status: StatusCode, error: &str, description: &str) -> Answer {
    let body = json!({ "error": error, "error_description": description });
    uncached(json(status, &body))
}

/// As RFC 6749, section 5.1, demands of what may hold a token; `Pragma` is for caches of HTTP/1.0.
pub(super) fn uncached(answer: Answer) -> Answer {
    with(answer, PRAGMA, HeaderValue::from_static("no-cache"))
}

/// The answer with a further header.
pub(super) fn with(mut answer: Answer, name: HeaderName, value: HeaderValue) -> Answer {
    answer.headers_mut().append(name, value);
    answer
}
