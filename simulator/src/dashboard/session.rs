//! Who has signed in: a bounded number of random values that expire.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use pns_engine::Timestamp;

use super::gate::Secret;
use crate::clock::real_now;
use crate::service::digest::sha256;

/// More people than look at a simulator at once; the oldest is signed out.
const SESSIONS_MAX: usize = 64;
/// A working day.
pub(super) const SESSION_LASTS: Duration = Duration::from_secs(12 * 3_600);

/// The sessions. Only digests are kept.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<VecDeque<Session>>);

#[derive(Debug)]
struct Session {
    digest: [u8; 32],
    until: Timestamp,
}

impl Sessions {
    /// Begins one; its value is for a cookie.
    pub(super) fn begin(&self) -> Secret {
        let value = Secret::new();
        let now = real_now();
        let mut sessions = self.live(now);
        if sessions.len() == SESSIONS_MAX {
            sessions.pop_front();
        }
        sessions.push_back(Session { digest: sha256(value.text().as_bytes()), until: now + SESSION_LASTS });
        value
    }

    /// Whether `value` is that of a session.
    pub(super) fn knows(&self, value: &str) -> bool {
        let digest = sha256(value.as_bytes());
        self.live(real_now()).iter().any(|session| session.is(&digest))
    }

    /// Ends one.
    pub(super) fn end(&self, value: &str) {
        let digest = sha256(value.as_bytes());
        self.live(real_now()).retain(|session| !session.is(&digest));
    }

    /// Those that have not expired.
    fn live(&self, now: Timestamp) -> MutexGuard<'_, VecDeque<Session>> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|session| session.until > now);
        sessions
    }
}

impl Session {
    fn is(&self, digest: &[u8; 32]) -> bool {
        verify_slices_are_equal(&self.digest, digest).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_known_until_they_end_and_are_bounded() {
        let sessions = Sessions::default();
        let first = sessions.begin();
        assert!(sessions.knows(first.text()) && !sessions.knows("") && !sessions.knows("0"));
        let second = sessions.begin();
        sessions.end(second.text());
        assert!(sessions.knows(first.text()) && !sessions.knows(second.text()));
        for _ in 0..SESSIONS_MAX {
            sessions.begin();
        }
        assert!(!sessions.knows(first.text()));
        assert_eq!(sessions.live(real_now()).len(), SESSIONS_MAX);
        assert!(sessions.live(real_now() + SESSION_LASTS).is_empty());
    }
}
