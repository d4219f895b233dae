//! Which subscription may start something next, and when.
//!
//! Each subscription has at most one place in the schedule. Places are ordered by instant and then by ticket,
//! and a subscription that has started something draws a new ticket: at one instant the subscriptions take
//! turns, however long the backlog of one of them is.

use alloc::collections::BTreeSet;

use crate::id::SubscriptionId;
use crate::sender::WakeReason;
use crate::time::Timestamp;

/// The places of all subscriptions that may start something by themselves.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    places: BTreeSet<(Timestamp, u64, SubscriptionId)>,
    tickets: u64,
}

/// The place of one subscription.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    at: Timestamp,
    ticket: u64,
    pub(crate) reason: WakeReason,
}

impl Schedule {
    /// The first place of all.
    pub(crate) fn first(&self) -> Option<(Timestamp, SubscriptionId)> {
        self.places.first().map(|(at, _, subscription)| (*at, *subscription))
    }

    /// Moves a subscription's place to what is `wanted`. One that stands in line already keeps its turn.
    pub(crate) fn set(
        &mut self,
        subscription: SubscriptionId,
        place: &mut Option<Place>,
        wanted: Option<(Timestamp, WakeReason)>,
        now: Timestamp,
    ) {
        if let (Some(place), Some((at, reason))) = (place.as_mut(), wanted)
            && (place.at == at || (place.at <= now && at <= now))
        {
            place.reason = reason;
            return;
        }
        self.leave(subscription, place);
        if let Some((at, reason)) = wanted {
            self.tickets += 1;
            // One that was due earlier, but may start only now, stands behind those in line already.
            let at = at.max(now);
            self.places.insert((at, self.tickets, subscription));
            *place = Some(Place { at, ticket: self.tickets, reason });
        }
    }

    /// Gives up a subscription's place.
    pub(crate) fn leave(&mut self, subscription: SubscriptionId, place: &mut Option<Place>) {
        if let Some(Place { at, ticket, .. }) = place.take() {
            self.places.remove(&(at, ticket, subscription));
        }
    }
}
