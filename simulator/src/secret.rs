//! Values that never leave: they redact themselves by type, or are known by the name of their header.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::HeaderName;

use crate::service::digest::sha256;

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

/// A secret that callers show and nobody needs to send: only its digest is kept. `Debug` shows neither.
#[derive(Clone)]
pub(crate) struct SecretDigest([u8; 32]);

impl SecretDigest {
    pub(crate) fn of(secret: &[u8]) -> Self {
        Self(sha256(secret))
    }

    /// Whether `shown` is the secret. Digests are compared, in constant time: how long it takes tells nothing of the
    /// secret, nor of its length.
    pub(crate) fn is(&self, shown: &[u8]) -> bool {
        self.equals(&Self::of(shown))
    }

    /// Whether both are of the same secret, in constant time.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(***)")
    }
}

/// Whether a header of this name is likely to carry a secret.
pub(crate) fn is_sensitive(name: &HeaderName) -> bool {
    let name = name.as_str();
    ["auth", "cookie", "key", "token", "secret", "password", "credential", "signature"]
        .iter()
        .any(|word| name.contains(word))
}
