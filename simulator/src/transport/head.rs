//! The request's head: which headers go out, in which order.

use http::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::Request;
use super::settings::{Settings, SettingsError};
use crate::fault::Injection;
use crate::secret::{self, ApiKey};

/// The values that are the same for every attempt.
#[derive(Clone, Debug)]
pub(super) struct CommonHeaders {
    pub(super) user_agent: HeaderValue,
    pub(super) content_type: HeaderValue,
}

impl CommonHeaders {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let value = |text: &str| {
            HeaderValue::from_str(text)
                .map_err(|_| SettingsError::HeaderValue(text.escape_default().to_string()))
        };
        Ok(Self { user_agent: value(&settings.user_agent)?, content_type: value(&settings.content_type)? })
    }
}

/// The headers of a request.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) headers: HeaderMap,
    /// Which of those asked for are not among them.
    pub(super) left_out: Option<String>,
}

/// The headers of `request`, in the order in which they are written.
///
/// A header that the user asks for replaces ours of the same name, as curl's `-H`; those that frame the message
/// are kept as they must be.
pub(super) fn headers(request: &Request, common: &CommonHeaders) -> Head {
    let mut headers = HeaderMap::with_capacity(8 + request.headers.len());
    // An endpoint's authority is ASCII without spaces.
    if let Ok(host) = HeaderValue::from_str(request.endpoint.authority()) {
        headers.insert(HOST, host);
    }
    headers.insert(USER_AGENT, common.user_agent.clone());
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    if let Some(value) = authorization(request) {
        headers.insert(AUTHORIZATION, value);
    }
    if request.method == Method::POST {
        headers.insert(CONTENT_TYPE, common.content_type.clone());
        headers.insert(CONTENT_LENGTH, HeaderValue::from(request.body.len()));
    }
    let mut left_out = Vec::new();
    let mut replaced = Vec::new();
    for (name, value) in request.headers.iter() {
        if frames_the_message(name) {
            left_out.push(name.as_str());
            continue;
        }
        let mut value = value.clone();
        value.set_sensitive(value.is_sensitive() || *name == AUTHORIZATION);
        if replaced.contains(&name) {
            headers.append(name, value);
        } else {
            headers.insert(name, value);
            replaced.push(name);
        }
    }
    // The key that an injection takes away is away, wherever it came from.
    if request.injection == Some(Injection::NoKey) {
        headers.remove(AUTHORIZATION);
    }
    if let Some(Injection::ExtraHeaders(extra)) = &request.injection {
        for (name, value) in extra {
            match (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
                (Ok(parsed), Ok(mut value)) if !frames_the_message(&parsed) => {
                    value.set_sensitive(secret::is_sensitive(&parsed));
                    headers.append(parsed, value);
                }
                _ => left_out.push(name),
            }
        }
    }
    Head { headers, left_out: note(&left_out) }
}

/// Names alone: values may be secrets.
fn note(left_out: &[&str]) -> Option<String> {
    if left_out.is_empty() {
        return None;
    }
    let names: Vec<String> = left_out.iter().map(|name| format!("`{}`", name.escape_debug())).collect();
    Some(format!("headers left out, since they frame the message or cannot be sent: {}", names.join(", ")))
}

fn frames_the_message(name: &HeaderName) -> bool {
    [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION].contains(name)
}

fn authorization(request: &Request) -> Option<HeaderValue> {
    let key = request.api_key.as_ref()?;
    let text = match request.injection {
        Some(Injection::NoKey) => return None,
        Some(Injection::WrongKey) => format!("api_key {}", wrong_key(key)),
        _ => format!("api_key {}", key.reveal()),
    };
    // An API key is visible ASCII.
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A key of the same length and kind of characters that differs, always the same for the same key.
fn wrong_key(key: &ApiKey) -> String {
    let next = |byte: u8| match byte {
        b'z' => b'a',
        b'Z' => b'A',
        b'9' => b'0',
        _ if byte.is_ascii_alphanumeric() => byte + 1,
        b'-' => b'_',
        _ => b'-',
    };
    key.reveal().bytes().map(|byte| char::from(next(byte))).collect()
}

/// The head as HTTP/1.1 writes it, names in title case, for what is written below the HTTP library.
pub(super) fn http1_head(target: &str, headers: &HeaderMap) -> Vec<u8> {
    let mut head = format!("POST {target} HTTP/1.1\r\n").into_bytes();
    for (name, value) in headers {
        let mut start = true;
        for byte in name.as_str().bytes() {
            head.push(if start { byte.to_ascii_uppercase() } else { byte });
            start = byte == b'-';
        }
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_key_differs_and_keeps_its_length() {
        for key in ["a", "Zz9", "--", "_", "key-1234", "~!"] {
            let key = ApiKey::new(key).unwrap();
            let wrong = wrong_key(&key);
            assert_ne!(wrong, key.reveal());
            assert_eq!(wrong.len(), key.reveal().len());
            assert!(ApiKey::new(wrong).is_ok());
        }
    }
}
