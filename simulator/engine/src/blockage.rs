//! Spans in which something kept due deliveries from starting.
//!
//! A record of a start tells what made it wait. Noting that at each waiting delivery would cost a walk over
//! the backlog; it is enough to remember the end of the latest span: whatever was due before that end, and has
//! not started, was kept waiting in it.

use crate::time::Timestamp;

/// One obstacle of one subscription: whether it stands now, and when it last ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Blockage {
    since: Option<Timestamp>,
    until: Timestamp,
}

impl Blockage {
    /// The obstacle stands from `now`, if it did not stand before.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        self.since.get_or_insert(now);
    }

    /// The obstacle is gone at `now`. A span without length kept nothing waiting and is forgotten.
    pub(crate) fn end(&mut self, now: Timestamp) {
        if let Some(since) = self.since.take()
            && now > since
        {
            self.until = now;
        }
    }

    /// Begins or ends, whichever `stands` says.
    pub(crate) fn set(&mut self, stands: bool, now: Timestamp) {
        if stands { self.begin(now) } else { self.end(now) }
    }

    /// Whether the obstacle, gone by now, kept waiting what was due at `due`.
    pub(crate) fn deferred(&self, due: Timestamp) -> bool {
        self.until > due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(second: u64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    #[test]
    fn what_was_due_before_the_end_was_deferred() {
        let mut blockage = Blockage::default();
        blockage.begin(at(10));
        blockage.begin(at(15));
        blockage.end(at(20));
        assert!(blockage.deferred(at(5)));
        assert!(blockage.deferred(at(19)));
        assert!(!blockage.deferred(at(20)));
    }

    #[test]
    fn a_span_without_length_defers_nothing() {
        let mut blockage = Blockage::default();
        blockage.begin(at(10));
        blockage.end(at(10));
        assert!(!blockage.deferred(at(5)));
    }
}
