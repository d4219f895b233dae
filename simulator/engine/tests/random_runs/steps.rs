//! What a caller may do to a sender, drawn at random.

use std::num::NonZeroU32;
use std::time::Duration;

use pns_engine::{
    Answer, Backoff, EventType, EventTypeSet, Factor, FailingDelivery, FailureReason, Jitter, RateLimit,
    RetryAfter, Subscription, SupplierId, SupplierScope, Supplierless,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Publish {
        event: usize,
        supplier: u128,
    },
    Redeliver {
        back: u64,
        subscription: u32,
    },
    Window {
        subscription: u32,
        from: i64,
        length: u64,
    },
    Extend {
        window: u32,
        by: u64,
    },
    Cancel {
        window: u32,
    },
    Limit {
        subscription: u32,
        limit: Option<RateLimit>,
    },
    Change {
        subscription: u32,
        settings: Subscription,
    },
    Remove {
        subscription: u32,
    },
    Answer {
        pick: usize,
        answer: Answer,
    },
    Pass {
        millis: u64,
    },
    Poll {
        count: usize,
    },
    /// The sender is gone; another goes on after so many milliseconds.
    Crash {
        millis: u64,
    },
}

pub(crate) fn positive(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).expect("positive")
}

fn limits() -> impl Strategy<Value = Option<RateLimit>> {
    proptest::option::of((1..20u32, 1..5_000u64, 1..5u32).prop_map(|(count, per, burst)| {
        RateLimit::new(positive(count), Duration::from_millis(per), positive(burst)).expect("a rate")
    }))
}

pub(crate) fn settings() -> impl Strategy<Value = Subscription> {
    let backoffs =
        (1..2_000u64, 1_000..4_000u32, 1..20u64, 0..200u32).prop_map(|(first, factor, times, jitter)| {
            let first = Duration::from_millis(first);
            let max = first * u32::try_from(times).expect("small");
            let factor = Factor::from_thousandths(factor).expect("at least 1");
            Backoff::new(first, factor, max, Jitter::from_percent(jitter).expect("at most 1000"))
                .expect("rises")
        });
    let suppliers = prop_oneof![
        Just(SupplierScope::All),
        prop::collection::btree_set(0..3u128, 0..3)
            .prop_map(|ids| SupplierScope::Only(ids.into_iter().map(SupplierId).collect()))
    ];
    let choices = (any::<bool>(), any::<bool>(), any::<bool>(), proptest::option::of(1..6u32));
    (prop::collection::vec(0..33usize, 10..33), suppliers, backoffs, limits(), 1..4u32, choices).prop_map(
        |(events, suppliers, backoff, rate_limit, concurrency, (each, strict, honoured, cap))| Subscription {
            events: events.into_iter().map(|i| EventType::ALL[i]).collect::<EventTypeSet>(),
            suppliers,
            supplierless: if each { Supplierless::PerSupplier } else { Supplierless::Once },
            backoff,
            rate_limit,
            concurrency: positive(concurrency),
            failing_delivery: if strict {
                FailingDelivery::HoldsBackOthers
            } else {
                FailingDelivery::DelaysOnlyItself
            },
            retry_after: if honoured { RetryAfter::Honoured } else { RetryAfter::Ignored },
            attempt_cap: cap.map(positive),
            ..Subscription::default()
        },
    )
}

fn answers() -> impl Strategy<Value = Answer> {
    prop_oneof![
        2 => Just(Answer::Status { code: 200, retry_after: None }),
        1 => (0..30_000u64).prop_map(|wait| Answer::Status {
            code: 503,
            retry_after: Some(Duration::from_millis(wait)),
        }),
        2 => Just(Answer::NoResponse(FailureReason::Refused)),
    ]
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0..33usize, 0..4u128).prop_map(|(event, supplier)| Step::Publish { event, supplier }),
        1 => (0..5u64, 0..3u32).prop_map(|(back, subscription)| Step::Redeliver { back, subscription }),
        2 => (0..3u32, -5_000..5_000i64, 1..8_000u64)
            .prop_map(|(subscription, from, length)| Step::Window { subscription, from, length }),
        1 => (0..12u32, 0..4_000u64).prop_map(|(window, by)| Step::Extend { window, by }),
        1 => (0..12u32).prop_map(|window| Step::Cancel { window }),
        1 => (0..3u32, limits()).prop_map(|(subscription, limit)| Step::Limit { subscription, limit }),
        1 => (0..3u32, settings())
            .prop_map(|(subscription, settings)| Step::Change { subscription, settings }),
        1 => (0..40u32).prop_map(|subscription| Step::Remove { subscription }),
        12 => (any::<usize>(), answers()).prop_map(|(pick, answer)| Step::Answer { pick, answer }),
        8 => (0..3_000u64).prop_map(|millis| Step::Pass { millis }),
        12 => (1..8usize).prop_map(|count| Step::Poll { count }),
        2 => (0..6_000u64).prop_map(|millis| Step::Crash { millis }),
    ];
    prop::collection::vec(step, 1..150)
}
