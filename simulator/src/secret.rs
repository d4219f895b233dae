//! Values that never leave: they redact themselves by type, or are known by the name of their header.

use std::fmt;

use http::HeaderName;

/// An API key agreed with the receiver. `Debug` and `Display` never show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

/// A text that cannot be an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    /// Nothing in it.
    #[error("the API key is empty")]
    Empty,
    /// A character that an HTTP header value cannot carry as it is.
    #[error("the API key has a character other than visible ASCII at position {0}")]
    Character(usize),
}

impl ApiKey {
    /// Takes `key` as agreed, byte for byte.
    ///
    /// # Errors
    /// When it is empty, or holds anything but visible ASCII: such a key could not be told from a mangled one.
    pub fn new(key: impl Into<String>) -> Result<Self, ApiKeyError> {
        let key = key.into();
        if key.is_empty() {
            return Err(ApiKeyError::Empty);
        }
        match key.bytes().position(|byte| !byte.is_ascii_graphic()) {
            Some(position) => Err(ApiKeyError::Character(position)),
            None => Ok(Self(key)),
        }
    }

    /// The key itself: for the header's value and for redaction, nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(***)")
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Whether a header of this name is likely to carry a secret.
pub(crate) fn is_sensitive(name: &HeaderName) -> bool {
    let name = name.as_str();
    ["auth", "cookie", "key", "token", "secret", "password", "credential", "signature"]
        .iter()
        .any(|word| name.contains(word))
}
