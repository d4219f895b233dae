//! The bearer token of the control API.

use std::fmt;

use crate::secret::SecretDigest;

/// A token that callers show as `Authorization: Bearer TOKEN`. Only its digest is kept; `Debug` shows neither.
#[derive(Clone)]
pub struct BearerToken(SecretDigest);

/// A text that cannot be a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Too short to be hard to guess.
    #[error("the token is shorter than {} characters", BearerToken::CHARS_MIN)]
    TooShort,
    /// Longer than a header should be.
    #[error("the token is longer than {} characters", BearerToken::CHARS_MAX)]
    TooLong,
    /// A character that a header cannot carry as it is.
    #[error("the token has a character other than visible ASCII at position {0}")]
    Character(usize),
}

impl BearerToken {
    /// 16 characters of base64 are 96 bits.
    pub const CHARS_MIN: usize = 16;
    /// As much as common servers take in one header.
    pub const CHARS_MAX: usize = 4_096;

    /// Takes `token`, without the line end of the file that it stood in.
    ///
    /// # Errors
    /// When it is too short or too long, or has anything but visible ASCII.
    pub fn new(token: &str) -> Result<Self, TokenError> {
        let token = token.trim_end_matches(['\r', '\n']);
        if let Some(position) = token.bytes().position(|byte| !byte.is_ascii_graphic()) {
            return Err(TokenError::Character(position));
        }
        match token.len() {
            length if length < Self::CHARS_MIN => Err(TokenError::TooShort),
            length if length > Self::CHARS_MAX => Err(TokenError::TooLong),
            _ => Ok(Self(SecretDigest::of(token.as_bytes()))),
        }
    }

    /// Whether `shown` is this token, in constant time.
    pub(crate) fn is(&self, shown: &[u8]) -> bool {
        self.0.is(shown)
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(***)")
    }
}
