//! How a call is answered. The form of an error is *reconstructed*: Cvent publishes none.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

/// An answer that is not on its way yet: a status, JSON, and further headers.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    body: Bytes,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Answer {
    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        Self { status, body: body.to_string().into(), headers: Vec::new() }
    }

    /// 200 and a sentence.
    pub(super) fn done(message: &str) -> Self {
        Self::json(StatusCode::OK, &json!({ "message": message }))
    }

    /// A refusal that needs no details.
    pub(super) fn refused(status: StatusCode, message: &str) -> Self {
        Self::refused_for(status, message, &[])
    }

    /// A refusal, and what was wrong in particular.
    pub(super) fn refused_for(status: StatusCode, message: &str, errors: &[String]) -> Self {
        Self::json(status, &json!({ "message": message, "errors": errors }))
    }

    /// An error of RFC 6749, section 5.2.
    pub(super) fn oauth(status: StatusCode, error: &str, description: &str) -> Self {
        Self::json(status, &json!({ "error": error, "error_description": description })).of_tokens()
    }

    /// As RFC 6749, section 5.1, demands of what may hold a token, for caches of HTTP/1.0.
    pub(super) fn of_tokens(self) -> Self {
        self.with(PRAGMA, HeaderValue::from_static("no-cache"))
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // What is told changes at any time, so nobody keeps it.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        response
    }
}
