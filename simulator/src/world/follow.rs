//! Which pulls belong to which notification.
//!
//! A pull returns the latest state, so one pull after several notifications of one thing serves all of them. What is
//! called *pulled twice* is only what cannot be explained by the notifications: a call that was answered more often
//! than there were notifications that lead to it.

use std::collections::BTreeMap;
use std::time::Duration;

use pns_engine::{NotificationId, Timestamp};

use super::call::Call;
use super::id::RfpId;
use super::log::Pull;

/// A notification that leads to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notified {
    /// Which.
    pub notification: NotificationId,
    /// When its first attempt began, by the clock that the pulls are compared by.
    pub first_attempt: Timestamp,
    /// Whether the receiver acknowledged it.
    pub acknowledged: bool,
    /// The call that it leads to.
    pub wanted: Call,
}

/// What of the pulls belongs to a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Which.
    pub notification: NotificationId,
    /// The numbers of the successful pulls after its first attempt that cover what it leads to.
    pub pulls: Vec<u64>,
    /// From its first attempt to the first of them.
    pub first: Option<Duration>,
    /// How many successful pulls of exactly the wanted call are beyond what all notifications that lead to it explain.
    /// It is told at the last of these notifications.
    pub surplus: u32,
}

/// Which of `pulls`, in their order, belong to which of `notified`, by real time.
#[must_use]
pub fn follow(notified: &[Notified], pulls: &[Pull]) -> Vec<Followed> {
    follow_by(notified, pulls, |pull| pull.real)
}

/// As [`follow`], by the clock that `when` reads.
#[must_use]
pub fn follow_by(notified: &[Notified], pulls: &[Pull], when: impl Fn(&Pull) -> Timestamp) -> Vec<Followed> {
    let mut about: BTreeMap<Option<RfpId>, Vec<(&Pull, Call)>> = BTreeMap::new();
    for pull in pulls.iter().filter(|pull| pull.succeeded() && !pull.act) {
        let Some(call) = pull.call else { continue };
        about.entry(call.rfp()).or_default().push((pull, call));
        if let Call::Messages(_) = call {
            // A message does not say which RFP it is about.
            about.entry(None).or_default().push((pull, call));
        }
    }
    let mut followed: Vec<Followed> = Vec::with_capacity(notified.len());
    // By call: the place of the latest notification, how many there are, and since when.
    let mut wanted: BTreeMap<Call, (usize, usize, Timestamp)> = BTreeMap::new();
    for (place, one) in notified.iter().enumerate() {
        let about = about.get(&one.wanted.rfp()).map_or(&[][..], Vec::as_slice);
        let after = about.iter().filter(|(pull, _)| when(pull) >= one.first_attempt);
        let fitting: Vec<&Pull> =
            after.filter(|(_, call)| call.covers(&one.wanted)).map(|(pull, _)| *pull).collect();
        let pulls = fitting.iter().map(|pull| pull.number).collect();
        let first = fitting.iter().map(|pull| when(pull).since(one.first_attempt)).min();
        followed.push(Followed { notification: one.notification, pulls, first, surplus: 0 });
        let (last, count, since) = wanted.entry(one.wanted).or_insert((place, 0, one.first_attempt));
        if notified[*last].first_attempt <= one.first_attempt {
            *last = place;
        }
        *count += 1;
        *since = one.first_attempt.min(*since);
    }
    for (call, (last, count, since)) in wanted {
        let about = about.get(&call.rfp()).map_or(&[][..], Vec::as_slice);
        let exact = about.iter().filter(|(pull, asked)| *asked == call && when(pull) >= since).count();
        followed[last].surplus = u32::try_from(exact.saturating_sub(count)).unwrap_or(u32::MAX);
    }
    followed
}

#[cfg(test)]
mod tests {
    use pns_engine::SupplierId;

    use super::*;
    use crate::world::{DataType, MessageId};

    const RFP: RfpId = RfpId(1);
    const SUPPLIER: SupplierId = SupplierId(2);

    fn at(second: u64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    fn notified(id: u64, second: u64, wanted: Call) -> Notified {
        let notification = NotificationId(id);
        Notified { notification, first_attempt: at(second), acknowledged: true, wanted }
    }

    fn pull(number: u64, second: u64, call: Call, status: u16) -> Pull {
        Pull {
            number,
            at: at(second),
            real: at(second),
            method: "GET".into(),
            path: "/".into(),
            asked: Some((&call).into()),
            call: Some(call),
            act: false,
            status,
            who: "".into(),
            fault: None,
            took: Duration::ZERO,
        }
    }

    #[test]
    fn one_pull_serves_all_notifications_before_it() {
        let rooms = Call::DataType(RFP, DataType::SleepingRooms);
        let all = [notified(1, 0, rooms), notified(2, 1, rooms), notified(3, 9, rooms)];
        let pulls = [pull(1, 5, Call::Response(RFP, SUPPLIER), 200)];
        let followed = follow(&all, &pulls);
        assert_eq!(followed[0].first, Some(Duration::from_secs(5)));
        assert_eq!(followed[1].first, Some(Duration::from_secs(4)));
        assert_eq!(
            followed[2],
            Followed { notification: NotificationId(3), pulls: vec![], first: None, surplus: 0 }
        );
        assert!(followed.iter().all(|one| one.surplus == 0));
    }

    #[test]
    fn surplus_is_what_no_notification_explains() {
        let call = Call::Rfp(RFP);
        let all = [notified(1, 0, call), notified(2, 1, call)];
        let two = [pull(1, 1, call, 200), pull(2, 2, call, 200)];
        assert_eq!(follow(&all, &two)[1].surplus, 0, "as many as there were notifications");
        let mut more = two.to_vec();
        more.extend([pull(3, 3, call, 429), pull(4, 4, call, 500), pull(5, 5, call, 404)]);
        assert_eq!(follow(&all, &more)[1].surplus, 0, "failed pulls are made again");
        more.push(pull(6, 6, call, 200));
        let followed = follow(&all, &more);
        assert_eq!((followed[0].surplus, followed[1].surplus), (0, 1));
        assert_eq!(followed[1].pulls, [1, 2, 6]);
        let before = [pull(1, 0, call, 200), pull(2, 1, call, 200)];
        assert_eq!(follow(&[notified(1, 1, call)], &before)[0].surplus, 0, "what was before is polling");
    }

    #[test]
    fn wider_pulls_cover_and_are_no_surplus() {
        let response = Call::Response(RFP, SUPPLIER);
        let wide = [pull(1, 1, Call::Responses(RFP), 200), pull(2, 2, Call::Responses(RFP), 200)];
        let followed = follow(&[notified(1, 0, response)], &wide);
        assert_eq!((followed[0].pulls.len(), followed[0].surplus), (2, 0));
        let message = notified(2, 0, Call::Message(MessageId(9)));
        assert_eq!(follow(&[message], &[pull(1, 1, Call::Messages(RFP), 200)])[0].pulls, [1]);
        assert!(follow(&[message], &[pull(1, 1, Call::Rfp(RFP), 200)])[0].pulls.is_empty());
        let acting = Pull { act: true, ..pull(1, 1, response, 200) };
        assert!(follow(&[notified(1, 0, response)], &[acting])[0].pulls.is_empty());
    }
}
