//! From requests to the model: each error names the field.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use bytes::BytesMut;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::handlers::Control;
use super::problem::{Kind, Problem};
use super::wording;
use crate::service::model::Object;
use crate::world::RfpId;

/// A JSON body of an ordinary request.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

/// A JSON body of a request that publishes, which may be large; and its place among the large ones, to be kept as long as
/// the body's notifications are.
#[derive(Debug)]
pub(super) struct LargeBody<T>(pub(super) T, pub(super) Option<OwnedSemaphorePermit>);

/// The query.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

/// The number in the path.
#[derive(Debug)]
pub(super) struct Id(pub(super) u64);

/// The RFP in the path.
#[derive(Debug)]
pub(super) struct RfpPath(pub(super) RfpId);

/// `Idempotency-Key`, if there is one.
#[derive(Debug)]
pub(super) struct IdempotencyKey(pub(super) Option<String>);

impl IdempotencyKey {
    /// The header's name.
    pub(super) const HEADER: &'static str = "Idempotency-Key";
    /// A UUID has 36; nobody needs more than this.
    pub(super) const CHARS_MAX: usize = 255;
}

impl<T: DeserializeOwned> FromRequest<Control> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, control: &Control) -> Result<Self, Problem> {
        says_json(request.headers())?;
        let limits = &control.limits;
        let (body, _) = collect(request, limits.body_bytes, limits.body_bytes, &control.large_bodies).await?;
        parse(&body).map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest<Control> for LargeBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, control: &Control) -> Result<Self, Problem> {
        says_json(request.headers())?;
        let limits = &control.limits;
        let (body, place) =
            collect(request, limits.publish_bytes, limits.body_bytes, &control.large_bodies).await?;
        parse(&body).map(|body| Self(body, place))
    }
}

/// The body, of `bytes_max` bytes at most. One of more than `bytes_small` waits for a place among the large ones, so that
/// many callers at once cannot take all memory.
pub(crate) async fn collect(
    request: Request,
    bytes_max: usize,
    bytes_small: usize,
    large: &Arc<Semaphore>,
) -> Result<(BytesMut, Option<OwnedSemaphorePermit>), Problem> {
    let mut body = request.into_body();
    let (mut bytes, mut place) = (BytesMut::new(), None);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::new(Kind::Malformed, "the body ended early"))?;
        let Ok(data) = frame.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > bytes_max {
            return Err(Problem::new(
                Kind::TooLarge,
                format!("the limit is {}", crate::units::size_text(bytes_max)),
            ));
        }
        if length > bytes_small && place.is_none() {
            place = Some(Arc::clone(large).acquire_owned().await.expect("it is never closed"));
        }
        bytes.extend_from_slice(&data);
    }
    Ok((bytes, place))
}

/// Whether the body is said to be `application/json`, or another type that is JSON.
fn says_json(headers: &HeaderMap) -> Result<(), Problem> {
    let unsupported = |detail| Err(Problem::new(Kind::UnsupportedMediaType, detail));
    let Some(said) = headers.get(CONTENT_TYPE) else {
        return unsupported("there is no `Content-Type`".to_owned());
    };
    let said = String::from_utf8_lossy(said.as_bytes());
    let essence = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || essence.starts_with("application/") && essence.ends_with("+json") {
        return Ok(());
    }
    unsupported(format!("`Content-Type` is `{said}`"))
}

/// A body is an object: in a list, nothing would say which value is which.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let Object(read) = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = path(error.path());
        let error = error.into_inner();
        match error.classify() {
            Category::Data => Problem::field(field, without_place(&error)),
            // Where one of some words is wanted, a number is no value to the reader; yet the body is JSON.
            Category::Syntax if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() => {
                Problem::field(field, without_place(&error))
            }
            _ => Problem::new(Kind::Malformed, format!("the body is not JSON: {error}")),
        }
    })?;
    json.end().map_err(|error| {
        Problem::new(Kind::Malformed, format!("the body goes on after its JSON: {error}"))
    })?;
    Ok(read)
}

/// The whole is told as an empty path, not as a dot.
fn path(path: &serde_path_to_error::Path) -> String {
    let text = path.to_string();
    if text == "." { String::new() } else { text }
}

/// An error of a field is told by the field, not by line and column of a text that a program wrote.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    wording::plain(text.strip_suffix(&place).unwrap_or(&text))
}

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        let read = serde_path_to_error::deserialize(pairs);
        read.map(Self)
            .map_err(|error| Problem::field(path(error.path()), wording::plain(&error.inner().to_string())))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let wrong = || Problem::field("id", "expected a number").malformed();
        let params = params.map_err(|_| wrong())?;
        let (_, text) = params.iter().next().ok_or_else(wrong)?;
        text.parse().map(Self).map_err(|_| wrong())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RfpPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let wrong = || Problem::field("rfp", "expected an RFP's UUID").malformed();
        let params = params.map_err(|_| wrong())?;
        let (_, text) = params.iter().next().ok_or_else(wrong)?;
        text.parse().map(Self).map_err(|_| wrong())
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut all = parts.headers.get_all(Self::HEADER).iter();
        let Some(value) = all.next() else { return Ok(Self(None)) };
        let key = value.to_str().ok().filter(|key| {
            (1..=Self::CHARS_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
        });
        match (key, all.next()) {
            (Some(key), None) => Ok(Self(Some(key.to_owned()))),
            _ => {
                let why = format!("expected one key of 1 to {} visible ASCII characters", Self::CHARS_MAX);
                Err(Problem::field(Self::HEADER, why).malformed())
            }
        }
    }
}
