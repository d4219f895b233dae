//! Every kind of check: its stable id, the clause it rests on, how binding it is, and what it means.
//!
//! One table feeds `pns explain`, the strengths in reports, and the documentation.

use crate::clause::Clause;
use crate::event::Strength;

/// A kind of check.
#[derive(Clone, Copy, Debug)]
pub struct CheckKind {
    /// Stable and kebab-case: `attempts`, `delivered-within`.
    pub id: &'static str,
    /// What it checks, in one line.
    pub title: &'static str,
    /// The clause it rests on where the scenario names none.
    pub clause: Clause,
    /// How binding it is.
    pub strength: Strength,
    /// What it means when it does not hold, and what to do.
    pub mend: &'static str,
}

impl CheckKind {
    /// The kind of that id.
    pub fn find(id: &str) -> Option<&'static Self> {
        ALL.iter().find(|kind| kind.id == id)
    }
}

/// All kinds.
pub const ALL: &[CheckKind] = &[
    CheckKind {
        id: "delivered",
        title: "the notifications are acknowledged",
        clause: Clause::DeliveryFailure,
        strength: Strength::Must,
        mend: "The receiver never acknowledged. Look at the attempts: what it answered, or how the connection \
               ended, tells why. Any 2xx status acknowledges.",
    },
    CheckKind {
        id: "undelivered",
        title: "the notifications are not acknowledged",
        clause: Clause::DeliveryFailure,
        strength: Strength::Should,
        mend: "The receiver acknowledged what it should have rejected: an acknowledgement says “I have it”, and \
               nothing is sent again after it.",
    },
    CheckKind {
        id: "delivered-within",
        title: "the notifications are acknowledged within a span of PNS time",
        clause: Clause::DeliveryFailure,
        strength: Strength::Must,
        mend: "More attempts failed than the schedule of retries allows for. Look at which attempts failed \
               although no fault was injected.",
    },
    CheckKind {
        id: "attempts",
        title: "the notification takes this many attempts",
        clause: Clause::DeliveryFailure,
        strength: Strength::Must,
        mend: "More attempts than expected: the receiver failed where it should have acknowledged. Fewer: it \
               acknowledged where it should have failed.",
    },
    CheckKind {
        id: "outcomes",
        title: "the attempts come to these outcomes, in order",
        clause: Clause::DeliveryFailure,
        strength: Strength::Must,
        mend: "The receiver answered otherwise than the scenario expects, at the first attempt that differs. \
               Where a 4xx is expected, any of 400 to 499 will do.",
    },
    CheckKind {
        id: "intervals",
        title: "the intervals between attempts are as expected",
        clause: Clause::DeliveryFailure,
        strength: Strength::Must,
        mend: "Intervals are the sender's. They differ when another attempt failed than the scenario expects: \
               look at the attempts.",
    },
    CheckKind {
        id: "starts",
        title: "attempts start when expected",
        clause: Clause::DeliveryFailure,
        strength: Strength::Must,
        mend: "Starts follow from earlier answers: look at the first attempt that failed and should not have.",
    },
    CheckKind {
        id: "order",
        title: "first attempts start in this order",
        clause: Clause::Downtime,
        strength: Strength::Must,
        mend: "The order is the sender's choice, and Cvent promises none: a receiver must not rely on it.",
    },
    CheckKind {
        id: "rate",
        title: "attempts never start faster than the limit",
        clause: Clause::RateLimiting,
        strength: Strength::Must,
        mend: "The rate is the sender's: a finding here is a fault of the simulator or of the scenario.",
    },
    CheckKind {
        id: "deliveries",
        title: "each notification makes this many deliveries",
        clause: Clause::Subscription,
        strength: Strength::Must,
        mend: "Deliveries follow from subscriptions: a finding here is a fault of the simulator or of the scenario.",
    },
    CheckKind {
        id: "deferred",
        title: "an attempt starts later than due, for this cause",
        clause: Clause::Downtime,
        strength: Strength::Must,
        mend: "Deferrals are the sender's: a finding here is a fault of the simulator or of the scenario.",
    },
    CheckKind {
        id: "requests",
        title: "the scenario takes this many attempts over all",
        clause: Clause::DeliveryFailure,
        strength: Strength::Must,
        mend: "More than expected: the receiver failed attempts that it should have acknowledged.",
    },
    CheckKind {
        id: "header",
        title: "attempts carry this header, or do not",
        clause: Clause::Authentication,
        strength: Strength::Must,
        mend: "Headers are the sender's: a finding here is a fault of the simulator, or of `--header`.",
    },
    CheckKind {
        id: "received",
        title: "the receiver saw, or processed, each notification this many times",
        clause: Clause::DeliveryFailure,
        strength: Strength::Should,
        mend: "The same notification comes again when an acknowledgement was lost. Remember the ids that you have \
               handled, in the same transaction as the effect, and acknowledge repeats without a second effect.",
    },
    CheckKind {
        id: "answer",
        title: "a request by bytes is answered as HTTP, and the scenario, want it",
        clause: Clause::EndpointSchema,
        strength: Strength::Should,
        mend: "The request and what came back stand beside each other in the report. What the request is like is \
               allowed by HTTP, or is what a receiver must refuse: the scenario's title says which.",
    },
    CheckKind {
        id: "same-effects",
        title: "two sets of notifications have the same effects",
        clause: Clause::DeliveryFailure,
        strength: Strength::Should,
        mend: "What a receiver does with notifications must not depend on the way in which they reach it: repeated, \
               in another order, or after a failure.",
    },
    CheckKind {
        id: "probe",
        title: "the receiver answers a question about what it did",
        clause: Clause::DeliveryFailure,
        strength: Strength::Should,
        mend: "The receiver acknowledged, but its own record says otherwise: store before you acknowledge.",
    },
    CheckKind {
        id: "until",
        title: "the scenario reaches its goal in time",
        clause: Clause::DeliveryFailure,
        strength: Strength::Must,
        mend: "The goal, usually delivery, was not reached within the scenario's span of PNS time. Look at the \
               attempts of what is still pending.",
    },
    CheckKind {
        id: "guarantees",
        title: "the sender kept all its promises, judged by its records alone",
        clause: Clause::DeliveryFailure,
        strength: Strength::Must,
        mend: "A fault of the simulator, not of the receiver: please report it with the command that repeats it.",
    },
    CheckKind {
        id: "pulled",
        title: "the receiver pulls what the notifications are about",
        clause: Clause::EventTypes,
        strength: Strength::Should,
        mend: "Look at the receiver's log for the call, and at whether its client knows the pull API's address, key and \
               authority. Acknowledge first, pull afterwards, and make a call again that was answered 429 or 5xx. \
               The scenario names the call itself, and so demands it.",
    },
    CheckKind {
        id: "pulled-by-default",
        title: "the receiver pulls what the event types are inferred to lead to",
        clause: Clause::EventTypes,
        strength: Strength::Advice,
        mend: "Which event leads to which call is inferred, and nobody is bound to make one: a receiver for which these \
               events are of no use is in order. `call` in the claim names the call and makes it binding. Otherwise look \
               at the receiver's log for the call, and at whether its client knows the pull API's address, key and \
               authority. Acknowledge first, pull afterwards, and make a call again that was answered 429 or 5xx.",
    },
    CheckKind {
        id: "pushed-back",
        title: "an act of the receiver's on the pull API comes back as a notification",
        clause: Clause::EventTypes,
        strength: Strength::Should,
        mend: "The act did not come, or was refused: the receiver's log tells the status that answered it.",
    },
    CheckKind {
        id: "calls",
        title: "the receiver makes so many calls of the pull API about the RFPs of the notifications",
        clause: Clause::EventTypes,
        strength: Strength::Should,
        mend: "Calls that were answered 429 or 5xx are made again after Retry-After, or after longer and longer pauses, a few \
               times; those answered 403 or 404 are not made again.",
    },
    CheckKind {
        id: "pulled-once",
        title: "each notification that leads to a call is followed by it, once",
        clause: Clause::EventTypes,
        strength: Strength::Advice,
        mend: "Never pulled: whatever the notification did not say stays unknown. Pulled twice: the calls count against \
               the limits of the API, and notifications come in bursts. Pull once for each event id, after the \
               acknowledgement.",
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_kebab_case_and_never_the_name_of_a_clause() {
        let mut seen = BTreeSet::new();
        for kind in ALL {
            assert!(seen.insert(kind.id), "{} twice", kind.id);
            assert!(kind.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", kind.id);
            assert!(kind.id.parse::<Clause>().is_err(), "{} is a clause too", kind.id);
        }
    }
}
