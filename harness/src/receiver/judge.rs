//! Whether a request is a notification that is in order: the correct behaviour, as pure functions.

use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use pns_engine::EventType;
use pns_simulator::secret::ApiKey;
use serde_json::Value;

use super::Settings;

/// The scheme that Cvent documents, in its lower case; schemes compare without regard to case (RFC 9110, 11.1).
const SCHEME: &str = "api_key";

/// Which event types are notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum EventTypes {
    /// The 33 documented ones.
    #[default]
    Documented,
    /// Any text: for schema packs of the user's own.
    Any,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) detail: &'static str,
}

/// What a request's body says about its notification.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Notification {
    pub(crate) event_id: Option<String>,
    pub(crate) event_type: Option<String>,
}

/// Reads what can be read of the notification, and says what is wrong with the request, the first thing first.
pub(crate) fn judge(
    settings: &Settings,
    headers: &HeaderMap,
    body: Result<&[u8], Refusal>,
) -> (Notification, Result<String, Refusal>) {
    let parsed = body.map(|bytes| serde_json::from_slice::<Value>(bytes).ok());
    let notification = match &parsed {
        Ok(Some(value)) => Notification {
            event_id: text_at(value, &settings.event_id),
            event_type: text_at(value, &settings.event_type),
        },
        _ => Notification::default(),
    };
    let verdict = authorized(settings.api_key.as_ref(), headers)
        .and_then(|()| json_content(headers))
        .and(parsed)
        .and_then(|value| {
            let value = value.ok_or(refusal(StatusCode::BAD_REQUEST, "the body is not JSON"))?;
            notification_in_order(settings, &value, &notification)
        });
    (notification, verdict)
}

fn authorized(key: Option<&ApiKey>, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(key) = key else { return Ok(()) };
    let missing = refusal(StatusCode::UNAUTHORIZED, "the header `Authorization: api_key KEY` is missing");
    let wrong =
        refusal(StatusCode::UNAUTHORIZED, "the header `Authorization` has not the scheme and key agreed");
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(missing)?;
    if values.next().is_some() {
        return Err(refusal(StatusCode::UNAUTHORIZED, "the header `Authorization` is given more than once"));
    }
    let (scheme, credentials) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(wrong)?;
    let credentials = credentials.trim_start_matches(' ');
    if scheme.eq_ignore_ascii_case(SCHEME) && same_bytes(credentials.as_bytes(), key.reveal().as_bytes()) {
        Ok(())
    } else {
        Err(wrong)
    }
}

/// Compares in a time that depends on the lengths alone, so that a key cannot be guessed letter by letter.
fn same_bytes(given: &[u8], expected: &[u8]) -> bool {
    let difference =
        given.iter().zip(expected).fold(0, |difference, (a, b)| std::hint::black_box(difference | (a ^ b)));
    given.len() == expected.len() && difference == 0
}

fn json_content(headers: &HeaderMap) -> Result<(), Refusal> {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split(';').next())
        .map(|essence| essence.trim().to_ascii_lowercase());
    match essence.as_deref() {
        Some("application/json") => Ok(()),
        Some(other) if other.starts_with("application/") && other.ends_with("+json") => Ok(()),
        _ => Err(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the content type is not `application/json`")),
    }
}

/// The event id of a notification that is in order. Fields that it does not know are no concern of a receiver.
fn notification_in_order(
    settings: &Settings,
    value: &Value,
    notification: &Notification,
) -> Result<String, Refusal> {
    let unprocessable = |detail| refusal(StatusCode::UNPROCESSABLE_ENTITY, detail);
    if !value.is_object() {
        return Err(unprocessable("the body is JSON, but no object"));
    }
    let event_type =
        notification.event_type.as_deref().ok_or(unprocessable("the notification has no event type"))?;
    if settings.event_types == EventTypes::Documented && event_type.parse::<EventType>().is_err() {
        return Err(unprocessable("the notification's event type is none of the 33 documented ones"));
    }
    notification.event_id.clone().ok_or(unprocessable("the notification has no event id"))
}

/// A text or number that is not empty. Ids longer than any in use are taken for none, to bound what is remembered.
fn text_at(value: &Value, pointer: &str) -> Option<String> {
    const LENGTH_MAX: usize = 256;
    let text = match value.pointer(pointer)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty() && text.len() <= LENGTH_MAX).then_some(text)
}

pub(crate) const fn refusal(status: StatusCode, detail: &'static str) -> Refusal {
    Refusal { status, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_compared_whole() {
        assert!(same_bytes(b"abc", b"abc"));
        for given in [&b""[..], b"ab", b"abd", b"abcd", b"Abc"] {
            assert!(!same_bytes(given, b"abc"), "{given:?}");
        }
    }

    #[test]
    fn ids_are_texts_or_numbers_of_a_bounded_length() {
        let value = serde_json::json!({"a": "x", "n": 7, "e": "", "l": "x".repeat(257), "o": {}});
        assert_eq!(text_at(&value, "/a").as_deref(), Some("x"));
        assert_eq!(text_at(&value, "/n").as_deref(), Some("7"));
        for pointer in ["/e", "/l", "/o", "/missing"] {
            assert_eq!(text_at(&value, pointer), None, "{pointer}");
        }
    }
}
