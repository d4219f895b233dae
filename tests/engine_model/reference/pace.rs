//! The rate limit, by looking at every start.

use pns_engine::{RateLimit, Timestamp};

fn interval(limit: &RateLimit) -> i128 {
    let per = i128::try_from(limit.per().as_nanos()).expect("a period of minutes");
    (per + i128::from(limit.count().get()) - 1) / i128::from(limit.count().get())
}

/// What the starts of one subscription have used up of its rate limit.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    /// All starts since the limit was set, after one that stands for what those before it still owe.
    pub(super) starts: Vec<i128>,
    pub(super) last_start: Option<i128>,
}

impl Pace {
    /// When all that has started will have been earned at one start an interval: the latest `start + n ×
    /// interval` over every start, where `n` have started from that one on.
    fn owed_until(&self, limit: &RateLimit) -> Option<i128> {
        self.starts.iter().rev().zip(1..).map(|(start, n)| start + n * interval(limit)).max()
    }

    /// The limit is kept when each start leaves no more than the burst unearned.
    pub(super) fn free_at(&self, limit: Option<&RateLimit>) -> Timestamp {
        let free_at = limit.and_then(|limit| {
            Some(self.owed_until(limit)? - (i128::from(limit.burst().get()) - 1) * interval(limit))
        });
        Timestamp::from_nanos(free_at.and_then(|at| u64::try_from(at).ok()).unwrap_or(0))
    }

    /// All that could be owed is: a whole burst since the last start, or since the limit was set.
    pub(super) fn recover(&mut self, limit: Option<&RateLimit>, limit_set: Timestamp) {
        self.starts.clear();
        if let (Some(last), Some(limit)) = (self.last_start, limit) {
            let since = last.max(i128::from(limit_set.as_nanos()));
            self.starts.push(since + interval(limit) * (i128::from(limit.burst().get()) - 1));
        }
    }

    /// Attempts that are owed stay owed, up to the new burst; and the last start owes at least that burst.
    pub(super) fn change(&mut self, old: Option<&RateLimit>, new: Option<&RateLimit>, now: Timestamp) {
        let now = i128::from(now.as_nanos());
        let owed = old.and_then(|old| Some((self.owed_until(old)?.max(now) - now, interval(old))));
        self.starts.clear();
        if let (Some(last), Some(limit)) = (self.last_start, new) {
            let (new, burst) = (interval(limit), interval(limit) * i128::from(limit.burst().get()));
            let owed = owed.map_or(0, |(span, old)| ((span * new + old - 1) / old).min(burst));
            self.starts.push((now + owed).max(last + burst) - new);
        }
    }
}
