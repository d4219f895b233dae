//! Whether attempts kept a rate, judged from their starts alone.

use std::time::Duration;

use pns_engine::{DeliveryId, RateLimit, Timestamp};

use super::expect::{Holds, Judgement};
use super::words;
use super::world::World;
use crate::ledger::Delivery;
use crate::scenario::model::Which;

/// Judges whether in every span `T` at most `rate × T + burst` attempts started.
pub(super) fn rate(world: &World, limit: &RateLimit) -> Judgement {
    let pace = format!("{} in {}, {} at once", limit.count(), words::span(limit.per()), limit.burst());
    let title = format!("attempts start no faster than {pace}");
    let mut starts: Vec<(Timestamp, DeliveryId)> = Vec::new();
    // What acts of the receiver's have made is the sender's affair, which its guarantees look at.
    let asked_for = |one: &(DeliveryId, &Delivery)| !world.is_unasked(one.1.notification);
    for (id, delivery) in world.ledger.deliveries().filter(asked_for) {
        starts.extend(delivery.attempts.iter().map(|attempt| (attempt.started, id)));
    }
    starts.sort_unstable();
    let Some((from, to, count)) = excess(&starts, limit) else {
        let none = starts.is_empty().then(|| world.deliveries(&Which::All));
        let holds = match none {
            None => Holds::Yes,
            Some(deliveries) => {
                Holds::No { expected: title.clone(), found: "no attempt was made".to_owned(), deliveries }
            }
        };
        return ("rate", title, holds);
    };
    let span: Duration = starts[to].0.since(starts[from].0);
    let found = format!("{count} attempts in {}", words::span(span));
    let deliveries = starts[from..=to].iter().map(|(_, id)| *id).collect();
    let holds = Holds::No { expected: title.clone(), found, deliveries };
    ("rate", title, holds)
}

/// The first run of starts that is too many for its span.
///
/// Two starts `n` places apart are `n + 1` in their span, so the limit is kept if and only if each start lies at
/// or after the moment that a meter of evenly spaced starts allows; that needs one pass instead of all pairs.
fn excess(starts: &[(Timestamp, DeliveryId)], limit: &RateLimit) -> Option<(usize, usize, usize)> {
    let per = limit.per().as_nanos();
    let count = u128::from(limit.count().get());
    let burst = u128::from(limit.burst().get());
    // Everything is scaled by `count`, so that the spacing `per / count` is exact.
    let mut theoretical: u128 = 0;
    let mut run_start = 0;
    for (index, (at, _)) in starts.iter().enumerate() {
        let at = u128::from(at.as_nanos()) * count;
        if at >= theoretical {
            run_start = index;
        } else if at + (burst - 1) * per < theoretical {
            return Some((run_start, index, index - run_start + 1));
        }
        theoretical = theoretical.max(at) + per;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn limit(burst: u32) -> RateLimit {
        let ten = NonZeroU32::new(10).unwrap();
        RateLimit::new(ten, Duration::from_secs(1), NonZeroU32::new(burst).unwrap()).unwrap()
    }

    fn starts(millis: &[u64]) -> Vec<(Timestamp, DeliveryId)> {
        millis.iter().map(|ms| (Timestamp::from_millis(*ms), DeliveryId(0))).collect()
    }

    #[test]
    fn even_spacing_keeps_the_limit_and_a_millisecond_less_breaks_it() {
        assert_eq!(excess(&starts(&[0, 100, 200, 300]), &limit(1)), None);
        // The shortest span that tells it: two starts in 99 ms.
        assert_eq!(excess(&starts(&[0, 100, 199]), &limit(1)), Some((1, 2, 2)));
    }

    #[test]
    fn a_burst_is_allowed_once_until_it_has_been_earned_again() {
        assert_eq!(excess(&starts(&[0, 0, 0, 100, 200]), &limit(3)), None);
        assert_eq!(excess(&starts(&[0, 0, 0, 0]), &limit(3)), Some((0, 3, 4)));
        assert_eq!(excess(&starts(&[0, 0, 0, 300, 300, 300]), &limit(3)), None);
        assert!(excess(&starts(&[0, 0, 0, 299, 299, 299]), &limit(3)).is_some());
    }
}
