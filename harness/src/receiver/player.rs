//! Where a script stands: which reaction the next POST gets.

use std::collections::BTreeMap;
use std::time::Duration;

use super::reaction::{Counted, Reaction, Script};

const NANOS: u128 = 1_000_000_000;

/// Failures are counted for so many notifications by themselves; those beyond count together.
const COUNTED_MAX: usize = 100_000;

#[derive(Debug)]
pub(crate) struct Player {
    script: Script,
    position: usize,
    failed: BTreeMap<String, u32>,
    /// When the next POST would be within the rate limit if there were no burst, since the receiver's start.
    next_free: Duration,
}

impl Player {
    pub(crate) fn new(script: Script) -> Self {
        Self { script, position: 0, failed: BTreeMap::new(), next_free: Duration::ZERO }
    }

    /// Whether the reaction may depend on the event id, so that the body must be read before it is chosen.
    pub(crate) fn needs_event_id(&self) -> bool {
        self.script.fail_first.as_ref().is_some_and(|first| first.counted == Counted::ByNotification)
    }

    /// The reaction to a POST that came `elapsed` after the receiver's start.
    pub(crate) fn next(&mut self, event_id: Option<&str>, elapsed: Duration) -> Reaction {
        if let Some(reaction) = self.failing_first(event_id).or_else(|| self.limited(elapsed)) {
            return reaction;
        }
        match self.script.sequence.get(self.position) {
            Some(reaction) => {
                self.position += 1;
                reaction.clone()
            }
            None => self.script.then.clone(),
        }
    }

    fn failing_first(&mut self, event_id: Option<&str>) -> Option<Reaction> {
        let first = self.script.fail_first.as_ref()?;
        let key = match first.counted {
            Counted::Together => "",
            Counted::ByNotification => event_id.unwrap_or_default(),
        };
        let key = if self.failed.len() < COUNTED_MAX || self.failed.contains_key(key) { key } else { "" };
        let failed = self.failed.entry(key.to_owned()).or_default();
        if *failed >= first.attempts {
            return None;
        }
        *failed += 1;
        Some(first.with.clone())
    }

    /// The generic cell rate algorithm: what comes more than a burst ahead of its turn is told to wait for it.
    fn limited(&mut self, elapsed: Duration) -> Option<Reaction> {
        let limit = self.script.rate_limit?;
        let interval = NANOS / u128::from(limit.per_second.get());
        let slack = nanos(interval * u128::from(limit.burst.get() - 1));
        let turn = self.next_free.max(elapsed);
        let earliest = turn.saturating_sub(slack);
        if earliest > elapsed {
            return Some(Reaction::status_retry_after(429, earliest - elapsed));
        }
        self.next_free = turn + nanos(interval);
        None
    }
}

fn nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::receiver::{FailFirst, RateLimit};

    #[test]
    fn failures_come_first_then_the_sequence_then_the_rest() {
        let mut script = Script::of(vec![Reaction::status(204)]);
        script.fail_first =
            Some(FailFirst { attempts: 2, with: Reaction::RESET, counted: Counted::Together });
        let mut player = Player::new(script);
        let given: Vec<_> = (0..5).map(|_| player.next(None, Duration::ZERO)).collect();
        let correct = Reaction::CORRECT;
        assert_eq!(
            given,
            [Reaction::RESET, Reaction::RESET, Reaction::status(204), correct.clone(), correct]
        );
    }

    #[test]
    fn failures_may_be_counted_for_each_notification() {
        let counted = Counted::ByNotification;
        let fail_first = Some(FailFirst { attempts: 1, with: Reaction::RESET, counted });
        let mut player = Player::new(Script { fail_first, ..Script::default() });
        let mut next = |id| player.next(Some(id), Duration::ZERO);
        assert_eq!([next("a"), next("b")], [Reaction::RESET, Reaction::RESET]);
        assert_eq!([next("a"), next("b")], [Reaction::CORRECT, Reaction::CORRECT]);
    }

    #[test]
    fn a_rate_limit_lets_a_burst_through_and_says_when_to_come_back() {
        let limit =
            RateLimit { per_second: NonZeroU32::new(10).unwrap(), burst: NonZeroU32::new(2).unwrap() };
        let mut player = Player::new(Script { rate_limit: Some(limit), ..Script::default() });
        let ms = Duration::from_millis;
        let mut next = |at| player.next(None, ms(at));
        assert_eq!([next(0), next(0)], [Reaction::CORRECT, Reaction::CORRECT]);
        assert_eq!(next(0), Reaction::status_retry_after(429, ms(100)));
        assert_eq!(next(99), Reaction::status_retry_after(429, ms(1)));
        assert_eq!(next(100), Reaction::CORRECT);
        assert_eq!(next(100), Reaction::status_retry_after(429, ms(100)));
        assert_eq!([next(10_000), next(10_000)], [Reaction::CORRECT, Reaction::CORRECT]);
    }
}
