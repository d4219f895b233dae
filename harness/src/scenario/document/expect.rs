//! The keys of expectations.

use schemars::JsonSchema;

use super::*;

map! {
    /// An expectation: exactly one claim.
    Expectation {
        /// `all`, `none`, or saved names.
        delivered: OneOrMany<String>,
        /// Saved names, or `all`.
        undelivered: OneOrMany<String>,
        /// How many attempts.
        attempts: BoundOf,
        /// The intervals between attempts.
        intervals: Intervals,
        /// What the attempts came to.
        outcomes: Outcomes,
        /// When attempts start.
        starts: Starts,
        /// The order of first attempts.
        order: Order,
        /// A rate never exceeded.
        rate: RateClaim,
        /// How many deliveries there are.
        deliveries: BoundOf,
        /// How long delivery takes at most.
        delivered_within: DeliveredWithin,
        /// What deferred an attempt.
        deferred: Deferred,
        /// Attempts over all.
        requests: Bound,
        /// A header that was sent.
        header: Header,
        /// What the receiver saw.
        received: Received,
        /// Two sets of notifications had the same effects.
        same_effects: SameEffects,
        /// The receiver pulled what the notifications are about.
        pulled: PulledClaim,
        /// How many calls of the pull API are made.
        calls: Calls,
        /// Under which circumstances it applies.
        when: When,
    }
}

map! {
    /// A bound on a number of each: exactly one of the three.
    BoundOf {
        /// Which. Default: all.
        of: OneOrMany<String>,
        /// Instead of `of`: the deliveries to this subscription.
        on: String,
        /// Exactly.
        exactly: Count,
        /// At least.
        at_least: Count,
        /// At most.
        at_most: Count,
    }
}

map! {
    /// A bound on a number: exactly one of the three.
    Bound {
        /// Exactly.
        exactly: Count,
        /// At least.
        at_least: Count,
        /// At most.
        at_most: Count,
    }
}

map! {
    /// Intervals: exactly one claim.
    Intervals {
        /// Which. Default: all.
        of: OneOrMany<String>,
        /// Instead of `of`: the deliveries to this subscription.
        on: String,
        /// Exactly these.
        are: Vec<Span>,
        /// These are the first ones.
        begin: Vec<Span>,
        /// Each at least this.
        at_least: Vec<Span>,
        /// None shorter than the one before.
        never_shrink: Flag,
    }
}

map! {
    /// Outcomes, in order.
    Outcomes {
        /// Which. Default: all.
        of: OneOrMany<String>,
        /// Instead of `of`: the deliveries to this subscription.
        on: String,
        /// `acknowledged`, a status, a class such as `4xx`, or a failure's name. Required.
        are: Vec<WordOr<Status>>,
    }
}

map! {
    /// Starts of attempts, as offsets of PNS time from the scenario's start.
    Starts {
        /// Which. Default: all.
        of: OneOrMany<String>,
        /// Instead of `of`: the deliveries to this subscription.
        on: String,
        /// None earlier.
        not_before: Span,
        /// None later.
        not_after: Span,
        /// Exactly at these.
        at: Vec<Span>,
        /// None from the first and before the second.
        none_between: Vec<Span>,
        /// None while this saved window is open.
        outside: String,
    }
}

map! {
    /// The order of first attempts.
    Order {
        /// Saved names. Required.
        of: Vec<String>,
        /// published or reversed. Default: published.
        is: String,
    }
}

map! {
    /// A rate never exceeded.
    RateClaim {
        /// The rate. Required.
        at_most: Rate,
        /// The burst. Default: 1.
        burst: Count,
    }
}

map! {
    /// How long delivery takes at most.
    DeliveredWithin {
        /// Which. Default: all.
        of: OneOrMany<String>,
        /// Instead of `of`: the deliveries to this subscription.
        on: String,
        /// The span. Required.
        span: Span,
    }
}

map! {
    /// What deferred an attempt of each.
    Deferred {
        /// Which. Default: all.
        of: OneOrMany<String>,
        /// Instead of `of`: the deliveries to this subscription.
        on: String,
        /// downtime, rate-limit or concurrency. Required.
        by: String,
    }
}

map! {
    /// A header of every attempt.
    Header {
        /// Which. Default: all.
        of: OneOrMany<String>,
        /// Instead of `of`: the deliveries to this subscription.
        on: String,
        /// The header's name. Required.
        name: String,
        /// present, absent, or its value. Required.
        is: String,
    }
}

map! {
    /// What the receiver saw of each.
    Received {
        /// Which. Default: all.
        of: OneOrMany<String>,
        /// Instead of `of`: the deliveries to this subscription.
        on: String,
        /// Requests.
        times: Count,
        /// Effects.
        processed: Count,
        /// `sent`: the event type that the receiver tells is the notification's own.
        r#type: String,
    }
}

map! {
    /// Two sets of notifications with the same effects.
    SameEffects {
        /// Saved names. Required.
        of: OneOrMany<String>,
        /// Saved names. Required.
        r#as: OneOrMany<String>,
    }
}

/// What the receiver pulled: `all`, saved names, or a map.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub enum PulledClaim {
    /// Which.
    Names(OneOrMany<String>),
    /// With details.
    Map(Pulled),
}

map! {
    /// What the receiver pulled after each.
    Pulled {
        /// Which. Default: all.
        of: OneOrMany<String>,
        /// Instead of `of`: the deliveries to this subscription.
        on: String,
        /// The longest time from the acknowledgement to the pull, in real time. Default: 5s.
        within: Span,
        /// The call. Default: the one that the event type leads to.
        call: String,
        /// Answered with 200 exactly so many times, looked at when `within` is over. Default: at least once.
        times: Count,
        /// The same, at most so many times.
        at_most: Count,
    }
}

map! {
    /// How many calls of the pull API are made, however they are answered.
    Calls {
        /// About the RFPs of which notifications. Default: all.
        of: OneOrMany<String>,
        /// Instead of `of`: the deliveries to this subscription.
        on: String,
        /// The span of real time from the acknowledgement on. Required.
        within: Span,
        /// Exactly.
        exactly: Count,
        /// At least.
        at_least: Count,
        /// At most.
        at_most: Count,
    }
}
