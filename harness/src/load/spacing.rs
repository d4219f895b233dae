//! Whether requests went out as far apart as they were due.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A request that starts sooner after the one before than this share of the time between their due times was bunched.
const EVEN_FROM_PERCENT: u32 = 95;

/// Compares the time between two starts with the time between their due times. A receiver with a limit and no tolerance
/// refuses the second of two that come too close together, which is the sender's unevenness and not too high a rate.
#[derive(Debug, Default)]
pub(super) struct Spacing(Mutex<Option<Start>>);

/// How a request starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// When it was due.
    pub(super) due: Duration,
    /// When it starts.
    pub(super) at: Duration,
    /// Whether a connection must be made first: the request arrives later than it starts.
    pub(super) connects: bool,
}

impl Spacing {
    /// A request starts; `true`: it reaches the receiver closer to another than it was due, or may.
    pub(super) fn bunched(&self, start: Start) -> bool {
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(start);
        let Some(before) = before else { return false };
        let due = start.due.saturating_sub(before.due);
        let real = start.at.saturating_sub(before.at);
        start.connects || before.connects || real < due * EVEN_FROM_PERCENT / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn start(due: u64, at: u64) -> Start {
        Start { due: Duration::from_micros(due), at: Duration::from_micros(at), connects: false }
    }

    fn bunched(starts: &[Start]) -> Vec<bool> {
        let spacing = Spacing::default();
        starts.iter().map(|start| spacing.bunched(*start)).collect()
    }

    #[test]
    fn what_follows_a_late_one_too_closely_is_bunched() {
        let starts = [start(0, 10), start(1_000, 1_900), start(2_000, 2_010), start(3_000, 3_000)];
        assert_eq!(bunched(&starts), [false, false, true, false]);
    }

    #[test]
    fn what_is_due_together_may_start_together() {
        assert_eq!(bunched(&[start(0, 0), start(0, 10), start(0, 20)]), [false; 3]);
    }

    #[test]
    fn a_request_that_waits_for_its_connection_may_meet_the_next() {
        let starts = [
            start(0, 0),
            Start { connects: true, ..start(1_000, 1_000) },
            start(2_000, 2_000),
            start(3_000, 3_000),
        ];
        assert_eq!(bunched(&starts), [false, true, true, false]);
        let alone = Start { connects: true, ..start(0, 0) };
        assert_eq!(bunched(&[alone]), [false], "there is none to be close to");
    }
}
