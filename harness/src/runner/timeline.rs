//! From the ledger to what a failure report shows: timelines of deliveries, and a curl command.

use pns_engine::{Deferrals, DeliveryId, Outcome};
use pns_simulator::fault::Injection;
use pns_simulator::transport::{Exchange, Response};

use super::world::World;
use crate::event::{AttemptLine, DeliveryState, DeliveryTimeline, LeftOut, ResponseExcerpt};
use crate::ledger::{Attempt, Delivery, End};

/// Deliveries listed with one failure: more would bury the first.
const DELIVERIES_LISTED: usize = 3;
/// Attempts listed at the beginning and at the end of one delivery.
const ATTEMPTS_LISTED: usize = 6;
/// Bytes of a response's body shown.
const BODY_SHOWN: usize = 400;

/// The timelines of `deliveries`, the failing ones first, and how many were left out.
pub(super) fn timelines(world: &World, deliveries: &[DeliveryId]) -> (Vec<DeliveryTimeline>, usize) {
    let mut order: Vec<DeliveryId> = deliveries.to_vec();
    order.sort_by_key(|id| (world.ledger.delivery(*id).is_some_and(Delivery::is_delivered), *id));
    order.dedup();
    let left_out = order.len().saturating_sub(DELIVERIES_LISTED);
    let listed = order.into_iter().take(DELIVERIES_LISTED).filter_map(|id| timeline(world, id)).collect();
    (listed, left_out)
}

fn timeline(world: &World, id: DeliveryId) -> Option<DeliveryTimeline> {
    let delivery = world.ledger.delivery(id)?;
    let notification = world.ledger.notification(delivery.notification)?;
    let body = world.sent_body(delivery.notification);
    let total = delivery.attempts.len();
    let left_out = (total > 2 * ATTEMPTS_LISTED)
        .then(|| LeftOut { count: total - 2 * ATTEMPTS_LISTED, after: ATTEMPTS_LISTED });
    let shown = |index: usize| left_out.is_none_or(|gap| index < gap.after || index >= gap.after + gap.count);
    let attempts = delivery.attempts.iter().enumerate().filter(|(index, _)| shown(*index));
    Some(DeliveryTimeline {
        delivery: id.to_string(),
        name: world.name_of(delivery.notification).map(str::to_owned),
        event_type: notification.event_type.wire_name().to_owned(),
        event_id: body.and_then(|body| world.event_id(&body)),
        subscription: world.subscription_name(delivery.subscription).to_owned(),
        published: world.offset(notification.published),
        state: match delivery.end {
            Some(End::Delivered(at)) => DeliveryState::Delivered(world.offset(at)),
            Some(End::Abandoned(at, _)) => DeliveryState::Abandoned(world.offset(at)),
            None => DeliveryState::Pending,
        },
        attempts: attempts.map(|(_, attempt)| line(world, attempt)).collect(),
        attempts_left_out: left_out,
    })
}

fn line(world: &World, attempt: &Attempt) -> AttemptLine {
    let exchange = attempt.end.as_ref().map(|end| &*end.exchange);
    let response = exchange.and_then(|exchange| exchange.response.as_ref());
    let (acknowledged, outcome, reason) = match attempt.end.as_ref().map(|end| end.outcome) {
        Some(Outcome::Acknowledged(_)) => (true, "acknowledged".to_owned(), "acknowledged"),
        Some(Outcome::Failed(reason)) => (false, reason.to_string(), reason.name()),
        None => (false, "no answer yet".to_owned(), "in-flight"),
    };
    AttemptLine {
        number: attempt.number,
        at: attempt.started,
        offset: world.offset(attempt.started),
        acknowledged,
        outcome,
        reason: reason.to_owned(),
        status: response.map(|response| response.status.as_u16()),
        latency: exchange.and_then(|exchange| exchange.timings.acknowledge),
        deferrals: deferrals(attempt.deferrals),
        fault: exchange.and_then(|exchange| exchange.injection.as_ref()).map(fault),
        response: response.map(excerpt),
        detail: exchange.and_then(|exchange: &Exchange| exchange.detail.clone()),
    }
}

fn deferrals(deferrals: Deferrals) -> Vec<String> {
    let causes = [
        (deferrals.downtime, "downtime"),
        (deferrals.rate_limit, "rate limit"),
        (deferrals.concurrency, "concurrency"),
        (deferrals.held_back, "held back"),
        (deferrals.sender_stopped, "sender stopped"),
    ];
    causes.into_iter().filter(|(holds, _)| *holds).map(|(_, cause)| cause.to_owned()).collect()
}

fn fault(injection: &Injection) -> String {
    match injection {
        Injection::Refuse => "connection refused".to_owned(),
        Injection::ConnectTimeout => "connect timeout".to_owned(),
        Injection::NameResolution => "name resolution".to_owned(),
        Injection::ResetBeforeBody => "reset before body".to_owned(),
        Injection::ResetAfterBody => "reset after body".to_owned(),
        Injection::CutBody => "body cut".to_owned(),
        Injection::SlowBody(_) => "slow body".to_owned(),
        Injection::AckLost => "ack lost".to_owned(),
        Injection::Answer(status) => format!("answer replaced by {status}"),
        Injection::Duplicate => "sent twice".to_owned(),
        Injection::WrongKey => "wrong key".to_owned(),
        Injection::NoKey => "no key".to_owned(),
        Injection::ExtraHeaders(_) => "extra headers".to_owned(),
    }
}

fn excerpt(response: &Response) -> ResponseExcerpt {
    let mut head = format!("{:?} {}", response.version, response.status);
    for (name, value) in &response.headers {
        head.push_str(&format!("\n{name}: {}", String::from_utf8_lossy(value.as_bytes())));
    }
    let shown = &response.body[..response.body.len().min(BODY_SHOWN)];
    ResponseExcerpt {
        head,
        body: String::from_utf8_lossy(shown).into_owned(),
        truncated: response.truncated || shown.len() < response.body.len(),
    }
}
