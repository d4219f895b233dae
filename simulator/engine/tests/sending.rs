//! The documented behaviours one by one, as a caller sees them.

use std::num::NonZeroU32;
use std::time::Duration;

use pns_engine::{
    AbandonCause, Answer, Backlog, Command, CommandError, Deferrals, DeliveryId, EventType, FailingDelivery,
    FailureReason, Happened, NotificationId, RateLimit, RetryAfter, Sender, Subscription, SubscriptionId,
    SupplierId, Timestamp, WakeReason, WindowId,
};

const S0: SubscriptionId = SubscriptionId(0);
const S1: SubscriptionId = SubscriptionId(1);
const OK: Answer = Answer::Status { code: 204, retry_after: None };
const REFUSED: Answer = Answer::NoResponse(FailureReason::Refused);

const fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(second * 1_000)
}

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

fn add(sender: &mut Sender, id: SubscriptionId, subscription: Subscription) {
    let subscription = Box::new(subscription);
    sender.handle_command(Command::AddSubscription { id, subscription }, at(0)).expect("new");
}

fn sender(subscription: Subscription) -> Sender {
    let mut sender = Sender::new(1);
    add(&mut sender, S0, subscription);
    sender
}

fn publish(sender: &mut Sender, id: u64, second: u64) {
    let supplier = Some(SupplierId(1));
    let command = Command::Publish { id: NotificationId(id), event_type: EventType::RfpSend, supplier };
    sender.handle_command(command, at(second)).expect("rises");
}

fn window(sender: &mut Sender, id: u32, span: (u64, u64), second: u64) -> Result<(), CommandError> {
    let (from, until) = (at(span.0), at(span.1));
    sender.handle_command(
        Command::AnnounceWindow { id: WindowId(id), subscription: S0, from, until },
        at(second),
    )
}

/// The notifications whose attempts start at `second`, each answered at once.
fn starts(sender: &mut Sender, second: u64, answer: Answer) -> Vec<u64> {
    let mut started = Vec::new();
    while let Some(transmit) = sender.poll_transmit(at(second)) {
        started.push(transmit.notification.0);
        sender.handle_answer(transmit.delivery, answer, at(second)).expect("in flight");
    }
    started
}

fn happened(sender: &mut Sender) -> Vec<Happened> {
    std::iter::from_fn(|| sender.poll_record()).map(|record| record.event).collect()
}

fn last_deferrals(sender: &mut Sender) -> Deferrals {
    let started = happened(sender).into_iter().rev().find_map(|event| match event {
        Happened::AttemptStarted { deferrals, .. } => Some(deferrals),
        _ => None,
    });
    started.expect("something started")
}

#[test]
fn retries_go_on_at_increasing_intervals_until_delivered() {
    let mut sender = sender(Subscription::default());
    publish(&mut sender, 1, 0);
    let mut seconds = vec![];
    for _ in 0..12 {
        assert_eq!(starts(&mut sender, seconds.last().copied().unwrap_or(0), REFUSED), [1]);
        let (next, reason) = sender.poll_timeout().expect("a retry");
        assert_eq!(reason, WakeReason::RetryDue(S0));
        seconds.push(next.as_millis() / 1_000);
    }
    assert_eq!(seconds[..4], [30, 90, 210, 450]);
    assert_eq!(seconds[11] - seconds[10], 4 * 3_600, "the ceiling");
    assert_eq!(starts(&mut sender, seconds[11], OK), [1]);
    assert_eq!((sender.pending(), sender.poll_timeout()), (0, None));
}

#[test]
fn nothing_starts_in_a_window_even_if_nobody_woke_the_sender_at_it() {
    let mut sender = sender(Subscription::default());
    window(&mut sender, 1, (10, 20), 0).expect("fits");
    publish(&mut sender, 1, 5);
    assert_eq!(sender.poll_transmit(at(15)), None);
    assert_eq!(sender.poll_timeout(), Some((at(20), WakeReason::WindowCloses(WindowId(1)))));
    assert_eq!(sender.backlog(S0, at(15)), Some(Backlog { held: 1, ..Backlog::default() }));
    assert_eq!(starts(&mut sender, 20, OK), [1]);
    assert_eq!(last_deferrals(&mut sender), Deferrals { downtime: true, ..Deferrals::default() });
}

#[test]
fn after_overlapping_and_late_windows_everything_goes_out_oldest_due_first_under_the_limit() {
    let rate_limit = RateLimit::new(one(), Duration::from_secs(1), one()).ok();
    let mut sender = sender(Subscription { rate_limit, ..Subscription::default() });
    publish(&mut sender, 1, 0);
    assert_eq!(starts(&mut sender, 0, REFUSED), [1]);
    publish(&mut sender, 2, 5);
    window(&mut sender, 1, (2, 40), 5).expect("announced late, in force at once");
    window(&mut sender, 2, (35, 50), 6).expect("overlaps");
    assert_eq!(window(&mut sender, 3, (1, 6), 6), Err(CommandError::EmptyWindow));
    publish(&mut sender, 3, 33);
    assert_eq!(starts(&mut sender, 45, OK), [0; 0]);
    for (second, notification) in [(50, 2), (51, 1), (52, 3)] {
        assert_eq!(starts(&mut sender, second, OK), [notification], "due at 5, 30 and 33");
    }
}

#[test]
fn a_window_without_an_end_is_ended_by_its_cancellation() {
    let mut sender = sender(Subscription::default());
    let command =
        Command::AnnounceWindow { id: WindowId(1), subscription: S0, from: at(0), until: Timestamp::MAX };
    sender.handle_command(command, at(1)).expect("fits");
    publish(&mut sender, 1, 2);
    assert_eq!((sender.poll_transmit(at(1_000)), sender.poll_timeout()), (None, None));
    sender.handle_command(Command::CancelWindow { id: WindowId(1) }, at(1_000)).expect("open");
    assert_eq!(starts(&mut sender, 1_000, OK), [1]);
}

#[test]
fn a_dead_endpoint_with_a_backlog_costs_another_subscription_nothing() {
    let mut sender = sender(Subscription::default());
    for id in 1..=100_000 {
        publish(&mut sender, id, 0);
    }
    for _ in 0..4 {
        assert!(sender.poll_transmit(at(0)).is_some(), "and never an answer");
    }
    add(&mut sender, S1, Subscription::default());
    publish(&mut sender, 100_001, 1);
    let next = sender.poll_transmit(at(1)).expect("the other one's");
    assert_eq!((next.subscription, next.notification), (S1, NotificationId(100_001)));
}

#[test]
fn subscriptions_take_turns_at_one_instant() {
    let mut sender = sender(Subscription::default());
    add(&mut sender, S1, Subscription::default());
    for id in 1..=3 {
        publish(&mut sender, id, 0);
    }
    let turns: Vec<_> =
        std::iter::from_fn(|| sender.poll_transmit(at(0))).map(|t| t.subscription.0).collect();
    assert_eq!(turns, [0, 1, 0, 1, 0, 1]);
}

#[test]
fn a_failing_delivery_holds_back_the_others_where_that_is_set() {
    let mut sender = sender(Subscription {
        failing_delivery: FailingDelivery::HoldsBackOthers,
        concurrency: one(),
        ..Subscription::default()
    });
    publish(&mut sender, 1, 0);
    assert_eq!(starts(&mut sender, 0, REFUSED), [1]);
    publish(&mut sender, 2, 1);
    assert_eq!(starts(&mut sender, 29, OK), [0; 0]);
    let retry = sender.poll_transmit(at(30)).expect("the holder");
    assert_eq!(last_deferrals(&mut sender), Deferrals::default());
    sender.handle_answer(retry.delivery, OK, at(30)).expect("in flight");
    assert_eq!(starts(&mut sender, 30, OK), [2]);
    assert_eq!(last_deferrals(&mut sender), Deferrals { held_back: true, ..Deferrals::default() });
}

#[test]
fn retry_after_lengthens_a_delay_up_to_the_schedules_bound_and_never_shortens_one() {
    let mut sender = sender(Subscription { retry_after: RetryAfter::Honoured, ..Subscription::default() });
    publish(&mut sender, 1, 0);
    let busy = |seconds| Answer::Status { code: 503, retry_after: Some(Duration::from_secs(seconds)) };
    let mut delays = vec![];
    for (second, hint) in [(0, 100), (100, 1), (200, 1_000_000)] {
        assert_eq!(starts(&mut sender, second, busy(hint)), [1]);
        delays.push(sender.poll_timeout().expect("a retry").0.as_millis() / 1_000 - second);
    }
    assert_eq!(delays, [100, 100, 4 * 3_600]);
}

#[test]
fn an_attempt_cap_is_reported_as_giving_up() {
    let mut sender = sender(Subscription { attempt_cap: Some(one()), ..Subscription::default() });
    publish(&mut sender, 1, 0);
    assert_eq!(starts(&mut sender, 0, REFUSED), [1]);
    let last = happened(&mut sender).pop().expect("a record");
    assert!(matches!(last, Happened::DeliveryAbandoned { cause: AbandonCause::AttemptCap, .. }), "{last:?}");
    assert_eq!(sender.pending(), 0);
}

#[test]
fn a_removed_subscriptions_attempt_in_flight_may_still_be_acknowledged() {
    for (answer, delivered) in [(OK, true), (REFUSED, false)] {
        let mut sender = sender(Subscription::default());
        publish(&mut sender, 1, 0);
        let transmit = sender.poll_transmit(at(0)).expect("due");
        publish(&mut sender, 2, 0);
        sender.handle_command(Command::RemoveSubscription { id: S0 }, at(1)).expect("known");
        assert_eq!(sender.pending(), 1, "the waiting one is abandoned at once");
        sender.handle_answer(transmit.delivery, answer, at(2)).expect("in flight");
        let last = happened(&mut sender).pop().expect("a record");
        assert_eq!(matches!(last, Happened::AttemptAcknowledged { .. }), delivered, "{last:?}");
        assert_eq!((sender.pending(), sender.backlog(S0, at(2))), (0, None));
    }
}

#[test]
fn time_that_goes_back_counts_as_the_latest_seen() {
    let mut sender = sender(Subscription::default());
    sender.handle_timeout(at(100));
    publish(&mut sender, 1, 50);
    assert_eq!(sender.poll_transmit(at(0)).expect("due").published, at(100));
}

#[test]
fn concurrency_is_told_as_what_made_an_attempt_wait() {
    let mut sender = sender(Subscription { concurrency: one(), ..Subscription::default() });
    publish(&mut sender, 1, 0);
    publish(&mut sender, 2, 0);
    let first = sender.poll_transmit(at(0)).expect("due");
    assert_eq!((sender.poll_transmit(at(3)), sender.poll_timeout()), (None, None));
    sender.handle_answer(first.delivery, OK, at(5)).expect("in flight");
    assert_eq!(starts(&mut sender, 5, OK), [2]);
    assert_eq!(last_deferrals(&mut sender), Deferrals { concurrency: true, ..Deferrals::default() });
}

#[test]
fn the_rate_limit_is_told_as_what_made_an_attempt_wait() {
    let rate_limit = RateLimit::new(one(), Duration::from_secs(10), one()).ok();
    let mut sender = sender(Subscription { rate_limit, ..Subscription::default() });
    publish(&mut sender, 1, 0);
    publish(&mut sender, 2, 0);
    assert_eq!(starts(&mut sender, 0, OK), [1]);
    assert_eq!(last_deferrals(&mut sender), Deferrals::default(), "the first did not wait");
    assert_eq!(sender.poll_timeout(), Some((at(10), WakeReason::RateLimitFree(S0))));
    assert_eq!(starts(&mut sender, 10, OK), [2]);
    assert_eq!(last_deferrals(&mut sender), Deferrals { rate_limit: true, ..Deferrals::default() });
    publish(&mut sender, 3, 20);
    assert_eq!(starts(&mut sender, 25, OK), [3]);
    assert_eq!(last_deferrals(&mut sender), Deferrals::default(), "late, but not for the limit");
}

#[test]
fn after_a_crash_attempts_are_counted_on_and_what_was_in_flight_waits_for_no_less_than_before() {
    let mut before = sender(Subscription::default());
    window(&mut before, 1, (1_000, 2_000), 0).expect("fits");
    publish(&mut before, 1, 0);
    assert_eq!(starts(&mut before, 0, REFUSED), [1]);
    publish(&mut before, 2, 10);
    assert_eq!(starts(&mut before, 10, OK), [2]);
    assert_eq!(before.poll_transmit(at(30)).map(|transmit| transmit.number), Some(2));
    let mut after = Sender::recover(1, before.snapshot(), at(100));
    let delivery = DeliveryId(1);
    let (number, delay) = (2, Some(Duration::from_secs(60)));
    assert_eq!(
        happened(&mut after),
        [
            Happened::SenderRecovered,
            Happened::AttemptFailed { delivery, number, reason: FailureReason::SenderStopped, delay },
        ]
    );
    assert_eq!(after.poll_timeout(), Some((at(160), WakeReason::RetryDue(S0))));
    publish(&mut after, 3, 1_500);
    assert_eq!(starts(&mut after, 1_500, OK), [0_u64; 0], "the window goes on");
    assert_eq!(starts(&mut after, 2_000, OK), [1, 3], "oldest due first");
}

#[test]
fn a_rate_limit_holds_across_a_crash() {
    let rate_limit = RateLimit::new(one(), Duration::from_secs(60), one()).ok();
    let mut before = sender(Subscription { rate_limit, ..Subscription::default() });
    publish(&mut before, 1, 0);
    publish(&mut before, 2, 0);
    assert_eq!(starts(&mut before, 0, OK), [1]);
    let mut after = Sender::recover(1, before.snapshot(), at(5));
    assert_eq!(starts(&mut after, 59, OK), [0_u64; 0]);
    assert_eq!(starts(&mut after, 60, OK), [2]);
    let expected = Deferrals { rate_limit: true, sender_stopped: true, ..Deferrals::default() };
    assert_eq!(last_deferrals(&mut after), expected);
}

#[test]
fn what_belongs_to_nobody_in_a_snapshot_is_given_up_on_the_record() {
    let mut before = sender(Subscription::default());
    publish(&mut before, 1, 0);
    publish(&mut before, 2, 0);
    before.poll_transmit(at(0)).expect("the first");
    let mut snapshot = before.snapshot();
    snapshot.subscriptions.clear();
    let mut after = Sender::recover(1, snapshot, at(5));
    let cause = AbandonCause::SubscriptionRemoved;
    let reason = FailureReason::SenderStopped;
    assert_eq!(
        happened(&mut after),
        [
            Happened::SenderRecovered,
            Happened::DeliveryAbandoned { delivery: DeliveryId(2), cause },
            Happened::AttemptFailed { delivery: DeliveryId(1), number: 1, reason, delay: None },
            Happened::DeliveryAbandoned { delivery: DeliveryId(1), cause },
        ]
    );
    assert_eq!((after.pending(), after.backlog(S0, at(5))), (0, None));
}
