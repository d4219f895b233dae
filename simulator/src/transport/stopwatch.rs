//! Real time, as the transport measures it: spans between two of its own moments, nothing else.

use std::time::{Duration, Instant};

/// A moment from which time is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "the transport measures waits for receivers, always in real time"
    )]
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub(super) fn elapsed(self) -> Duration {
        Self::start().0.saturating_duration_since(self.0)
    }
}

/// Seconds since the Unix epoch, for `Retry-After` dates when the response has no `Date`.
#[expect(
    clippy::disallowed_methods,
    reason = "a Retry-After date is in the receiver's real time, not in PNS time"
)]
pub(super) fn unix_now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}
