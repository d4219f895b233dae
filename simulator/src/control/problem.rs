//! Answers to requests that were not carried out: problems of RFC 9457.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::service::ServiceError;
use crate::service::model::InvalidField;

/// What was wrong, for whom, and what to do.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) kind: Kind,
    pub(crate) detail: String,
    pub(crate) errors: Vec<FieldProblem>,
}

/// A problem as it is written.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct ProblemBody {
    /// Which kind of problem, as `urn:pns:problem:not-found`.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What was wrong this time.
    detail: String,
    /// The fields that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'static str>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct FieldProblem {
    /// Which, as `retry.first` or `notifications[3].type`; empty: the whole.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) detail: String,
}

/// The kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Malformed,
    TokenRequired,
    ForeignHost,
    ForeignOrigin,
    NotFound,
    MethodNotAllowed,
    Conflict,
    KeyInProgress,
    TooLarge,
    UnsupportedMediaType,
    Invalid,
    KeyReused,
    QueueFull,
    TooManyListeners,
    Stopping,
    JournalFails,
    TimeOut,
}

impl Kind {
    /// The last part of its type, its status, and its title.
    pub(crate) const fn facts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::Malformed => ("malformed", StatusCode::BAD_REQUEST, "The request cannot be read"),
            Self::TokenRequired => ("token-required", StatusCode::UNAUTHORIZED, "A token is needed"),
            Self::ForeignHost => ("foreign-host", StatusCode::FORBIDDEN, "This host name is not answered"),
            Self::ForeignOrigin => {
                ("foreign-origin", StatusCode::FORBIDDEN, "Pages of other sites are not answered")
            }
            Self::NotFound => ("not-found", StatusCode::NOT_FOUND, "There is no such thing"),
            Self::MethodNotAllowed => {
                ("method-not-allowed", StatusCode::METHOD_NOT_ALLOWED, "The method is not for this path")
            }
            Self::Conflict => ("conflict", StatusCode::CONFLICT, "It does not fit the present state"),
            Self::KeyInProgress => {
                ("idempotency-key-in-progress", StatusCode::CONFLICT, "The same request is in progress")
            }
            Self::TooLarge => ("too-large", StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::UnsupportedMediaType => {
                ("unsupported-media-type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is not JSON")
            }
            Self::Invalid => ("invalid", StatusCode::UNPROCESSABLE_ENTITY, "The request is not valid"),
            Self::KeyReused => (
                "idempotency-key-reused",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The idempotency key belongs to another request",
            ),
            Self::QueueFull => ("queue-full", StatusCode::SERVICE_UNAVAILABLE, "Too many deliveries wait"),
            Self::TooManyListeners => {
                ("too-many-listeners", StatusCode::SERVICE_UNAVAILABLE, "Too many listen to records")
            }
            Self::Stopping => ("stopping", StatusCode::SERVICE_UNAVAILABLE, "The service is stopping"),
            Self::JournalFails => {
                ("journal-fails", StatusCode::SERVICE_UNAVAILABLE, "The journal cannot be written or read")
            }
            Self::TimeOut => ("time-out", StatusCode::SERVICE_UNAVAILABLE, "The request took too long"),
        }
    }

    pub(crate) const fn help(self) -> Option<&'static str> {
        match self {
            Self::TokenRequired => Some("send the service's token as `Authorization: Bearer TOKEN`"),
            Self::ForeignHost => {
                Some("use `localhost` or an address, or name the host in the settings of the service")
            }
            Self::ForeignOrigin => Some("call from a program, not from a page"),
            Self::UnsupportedMediaType => Some("send JSON with `Content-Type: application/json`"),
            Self::KeyReused => Some("use a new key for a new request"),
            Self::QueueFull => Some("wait until some are delivered, or remove a subscription that is dead"),
            Self::JournalFails => Some(
                "a full disk is waited out; whatever else it is ends the service, and `pns store check` tells more",
            ),
            _ => None,
        }
    }

    /// Seconds after which to try again.
    pub(crate) const fn retry_after(self) -> Option<u16> {
        match self {
            Self::QueueFull | Self::JournalFails => Some(5),
            Self::KeyInProgress | Self::TooManyListeners => Some(1),
            _ => None,
        }
    }
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new() }
    }

    /// A field is wrong.
    pub(crate) fn field(field: impl Into<String>, why: impl Into<String>) -> Self {
        let error = FieldProblem { field: field.into(), detail: why.into() };
        let detail = match error.field.as_str() {
            "" => error.detail.clone(),
            field => format!("{field}: {}", error.detail),
        };
        Self { kind: Kind::Invalid, detail, errors: vec![error] }
    }

    /// The same, of a request that cannot even be read.
    pub(crate) fn malformed(self) -> Self {
        Self { kind: Kind::Malformed, ..self }
    }

    /// As it is written.
    pub(super) fn body(self) -> ProblemBody {
        let (name, status, title) = self.kind.facts();
        ProblemBody {
            kind: format!("urn:pns:problem:{name}"),
            title,
            status: status.as_u16(),
            detail: self.detail,
            errors: self.errors,
            help: self.kind.help(),
        }
    }

    #[cfg(test)]
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }
}

impl From<InvalidField> for Problem {
    fn from(error: InvalidField) -> Self {
        Self::field(error.field, error.why)
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let kind = match &error {
            ServiceError::NotFound { .. } | ServiceError::NoRfp(_) => Kind::NotFound,
            ServiceError::Conflict(_) => Kind::Conflict,
            ServiceError::Invalid(_) => Kind::Invalid,
            ServiceError::QueueFull { .. } => Kind::QueueFull,
            ServiceError::KeyReused(_) => Kind::KeyReused,
            ServiceError::KeyInProgress(_) => Kind::KeyInProgress,
            ServiceError::Stopping => Kind::Stopping,
            ServiceError::Journal(_) => Kind::JournalFails,
        };
        let detail = error.to_string();
        let errors = match error {
            ServiceError::Invalid(errors) => errors
                .into_iter()
                .map(|error| FieldProblem { field: error.field, detail: error.why })
                .collect(),
            _ => Vec::new(),
        };
        Self { kind, detail, errors }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = self.kind;
        let text = serde_json::to_vec(&self.body()).expect("texts and numbers become JSON");
        let mut response = (kind.facts().1, text).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = kind.retry_after() {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if kind == Kind::TokenRequired {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"pns\""));
        }
        response
    }
}
