//! Bearer tokens that were issued: opaque, random, of a limited life, and kept as digests.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::access::Access;
use crate::clock::Stopwatch;
use crate::service::digest::sha256;

/// As many as a digest has: no shorter to guess than to find the digest's text.
const TOKEN_BYTES: usize = 32;

/// The tokens in use, of a bounded number.
pub(super) struct Tokens {
    lifetime: Duration,
    most: usize,
    issued: Mutex<Issued>,
}

/// All live equally long: the oldest ends first.
#[derive(Default)]
struct Issued {
    /// By the token's digest. How long a search takes tells of digests, from which no token follows.
    holders: BTreeMap<[u8; 32], Held>,
    order: VecDeque<[u8; 32]>,
}

struct Held {
    access: Arc<Access>,
    since: Stopwatch,
}

impl Tokens {
    pub(super) fn new(lifetime: Duration, most: usize) -> Self {
        Self { lifetime, most, issued: Mutex::default() }
    }

    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A new token for `access`; `None`: the system gives no random numbers. Beyond the bound the oldest is forgotten.
    pub(super) fn issue(&self, access: &Arc<Access>) -> Option<String> {
        let mut bytes = [0; TOKEN_BYTES];
        rand::fill(&mut bytes).ok()?;
        let token = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.forget_ended(self.lifetime);
        while issued.order.len() >= self.most && issued.forget_oldest() {}
        let digest = sha256(token.as_bytes());
        issued.holders.insert(digest, Held { access: Arc::clone(access), since: Stopwatch::start() });
        issued.order.push_back(digest);
        Some(token)
    }

    /// Whose token `shown` is; `None`: nobody's, or its life is over.
    pub(super) fn holder(&self, shown: &[u8]) -> Option<Arc<Access>> {
        let issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        let held = issued.holders.get(&sha256(shown))?;
        (held.since.elapsed() < self.lifetime).then(|| Arc::clone(&held.access))
    }
}

impl Issued {
    fn forget_ended(&mut self, lifetime: Duration) {
        let ended = |held: &Held| held.since.elapsed() >= lifetime;
        while self.order.front().and_then(|oldest| self.holders.get(oldest)).is_some_and(ended) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) -> bool {
        let Some(oldest) = self.order.pop_front() else { return false };
        self.holders.remove(&oldest);
        true
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_its_holders_until_it_ends() {
        let tokens = Tokens::new(Duration::from_secs(3_600), 2);
        let access = Arc::new(Access::full("a"));
        let first = tokens.issue(&access).unwrap();
        assert_eq!(first.len(), 43);
        assert_eq!(&*tokens.holder(first.as_bytes()).unwrap().name, "a");
        assert!(tokens.holder(b"another").is_none());
        let (second, third) = (tokens.issue(&access).unwrap(), tokens.issue(&access).unwrap());
        assert!(tokens.holder(first.as_bytes()).is_none(), "beyond the bound the oldest goes");
        assert!(tokens.holder(second.as_bytes()).is_some() && tokens.holder(third.as_bytes()).is_some());
        assert!(!format!("{tokens:?}").contains(&third));

        let brief = Tokens::new(Duration::ZERO, 2);
        let ended = brief.issue(&access).unwrap();
        assert!(brief.holder(ended.as_bytes()).is_none());
        brief.issue(&access).unwrap();
        assert_eq!(brief.issued.lock().unwrap().order.len(), 1);
    }
}
