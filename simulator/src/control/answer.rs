//! Answers to requests that were carried out.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::problem::Problem;

/// What a handler gives back.
pub(super) type Answer<T> = Result<T, Problem>;

/// 200 and a JSON body.
#[derive(Debug)]
pub(super) struct Told<T>(pub(super) T);

/// 201 and a JSON body.
#[derive(Debug)]
pub(super) struct Made<T> {
    pub(super) body: T,
    /// Where it can be read from now on.
    pub(super) location: Option<String>,
}

/// 204.
#[derive(Debug)]
pub(super) struct Done;

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_vec(body).expect("texts, numbers and maps with text keys become JSON");
    (status, [(CONTENT_TYPE, HeaderValue::from_static("application/json"))], text).into_response()
}

impl<T: Serialize> IntoResponse for Told<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize> IntoResponse for Made<T> {
    fn into_response(self) -> Response {
        let mut response = json(StatusCode::CREATED, &self.body);
        if let Some(location) = self.location.and_then(|location| HeaderValue::try_from(location).ok()) {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}
