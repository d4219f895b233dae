//! The style sheet, the script and the icon.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};

use crate::service::digest::hex;
use crate::service::digest::sha256;

pub(super) const STYLE: &str = include_str!("style.css");
pub(super) const SCRIPT: &str = include_str!("script.js");
pub(super) const ICON: &str = include_str!("icon.svg");

static STYLE_TAG: LazyLock<String> = LazyLock::new(|| tag(STYLE));
static SCRIPT_TAG: LazyLock<String> = LazyLock::new(|| tag(SCRIPT));
static ICON_TAG: LazyLock<String> = LazyLock::new(|| tag(ICON));

pub(super) async fn style(headers: HeaderMap) -> Response {
    asset(&headers, "text/css; charset=utf-8", &STYLE_TAG, STYLE)
}

pub(super) async fn script(headers: HeaderMap) -> Response {
    asset(&headers, "text/javascript; charset=utf-8", &SCRIPT_TAG, SCRIPT)
}

pub(super) async fn icon(headers: HeaderMap) -> Response {
    asset(&headers, "image/svg+xml", &ICON_TAG, ICON)
}

/// The browser keeps it and asks each time whether it is still so: another build has another.
fn asset(headers: &HeaderMap, kind: &'static str, tag: &str, text: &'static str) -> Response {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let known = known.flat_map(|value| value.split(',')).any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
    });
    let says = [(ETAG, tag), (CACHE_CONTROL, "no-cache"), (CONTENT_TYPE, kind)];
    if known { (StatusCode::NOT_MODIFIED, says).into_response() } else { (says, text).into_response() }
}

fn tag(text: &str) -> String {
    let digest = sha256(text.as_bytes());
    format!("\"{}\"", hex(&digest[..8]))
}
