//! A limit that is set anew with every request, and hardly ever reached.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pns_simulator::clock::Stopwatch;
use tokio::time::{Instant, Sleep};

/// The end of a wait. The timer below is moved only when it goes off too early, not with every request: in between,
/// a new limit costs an addition.
#[derive(Debug)]
pub(super) struct Deadline {
    /// What the watch shows is told from here on.
    zero: Instant,
    at: Instant,
    sleep: Pin<Box<Sleep>>,
}

impl Deadline {
    /// None that matters yet; limits are told by what `watch` shows.
    #[expect(clippy::disallowed_methods, reason = "the limit of a wait for a receiver, which is real time")]
    pub(super) fn new(watch: Stopwatch, longest: Duration) -> Self {
        let now = Instant::now();
        let zero = now.checked_sub(watch.elapsed()).unwrap_or(now);
        let at = now + longest;
        Self { zero, at, sleep: Box::pin(tokio::time::sleep_until(at)) }
    }

    /// The wait ends `limit` from `now`, which is what the watch shows.
    pub(super) fn set(&mut self, now: Duration, limit: Duration) {
        self.at = self.zero + now + limit;
        if self.at < self.sleep.deadline() {
            self.sleep.as_mut().reset(self.at);
        }
    }

    /// Ready when it is over.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.sleep.as_mut().poll(cx));
            if self.at <= self.sleep.deadline() {
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(self.at);
        }
    }
}
