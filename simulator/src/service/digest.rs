//! SHA-256, by the library that TLS uses already.

use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 of `bytes`.
#[must_use]
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}
