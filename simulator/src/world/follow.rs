//! Which pulls belong to which notification.
//!
//! A pull returns the latest state, so one pull after several notifications of one thing serves all of them. What is
//! called *pulled twice* is only what cannot be explained by the notifications: a call that was answered more often
//! than there were notifications that lead to it.

use std::time::Duration;

use pns_engine::{NotificationId, Timestamp};

use super::call::Call;
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
    let pulls: Vec<(&Pull, Call)> = pulls
        .iter()
        .filter(|pull| pull.succeeded() && !pull.act)
        .filter_map(|pull| pull.call.map(|call| (pull, call)))
        .collect();
    let mut followed = Vec::with_capacity(notified.len());
    for one in notified {
        let fitting: Vec<&Pull> = pulls
            .iter()
            .filter(|(pull, call)| when(pull) >= one.first_attempt && call.covers(&one.wanted))
            .map(|(pull, _)| *pull)
            .collect();
        let first = fitting.iter().map(|pull| when(pull).since(one.first_attempt)).min();
        let pulls = fitting.iter().map(|pull| pull.number).collect();
        followed.push(Followed { notification: one.notification, pulls, first, surplus: 0 });
    }
    followed
}
