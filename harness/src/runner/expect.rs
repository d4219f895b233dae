//! Judges the claims of a scenario by its ledger.

use std::time::Duration;

use pns_engine::{Answer, DeliveryId, FailureReason, NotificationId, Outcome, Timestamp};

use super::world::World;
use super::{effects, pulls, words};
use crate::ledger::{Attempt, Delivery};
use crate::scenario::model::{
    Bound, Claim, DeferredBy, ExpectedOutcome, FirstAttemptOrder, HeaderClaim, Intervals, Starts, Which,
};

/// A claim, judged.
#[derive(Debug)]
pub(super) struct Judged {
    /// Which kind of check.
    pub check: &'static str,
    /// What it says.
    pub title: String,
    /// Whether it holds.
    pub holds: Holds,
}

/// Whether a claim holds.
#[derive(Debug)]
pub(super) enum Holds {
    /// It does.
    Yes,
    /// It does not.
    No {
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
        /// The deliveries that show it.
        deliveries: Vec<DeliveryId>,
    },
    /// There is nobody to ask.
    Unknown(String),
}

impl Holds {
    pub(super) fn when(
        holds: bool,
        expected: &str,
        found: impl FnOnce() -> String,
        deliveries: &[DeliveryId],
    ) -> Self {
        if holds {
            return Self::Yes;
        }
        Self::No { expected: expected.to_owned(), found: found(), deliveries: deliveries.to_vec() }
    }
}

/// Judges one claim.
///
/// # Errors
/// When the claim cannot be judged because the scenario is wrong, in words.
pub(super) async fn judge(world: &mut World, claim: &Claim) -> Result<Judged, String> {
    let (check, title, holds) = match claim {
        Claim::Delivered(which) => delivered(world, which.as_ref()),
        Claim::Undelivered(which) => undelivered(world, which),
        Claim::Attempts(which, bound) => attempts(world, which, *bound),
        Claim::Intervals(which, intervals) => self::intervals(world, which, intervals),
        Claim::Outcomes(which, outcomes) => self::outcomes(world, which, outcomes),
        Claim::Starts(which, starts) => self::starts(world, which, starts)?,
        Claim::Order(names, order) => self::order(world, names, *order),
        Claim::Rate(limit) => super::rate::rate(world, limit),
        Claim::Deliveries(which, bound) => deliveries(world, which, *bound),
        Claim::DeliveredWithin(which, span) => delivered_within(world, which, *span),
        Claim::Deferred(which, by) => deferred(world, which, *by),
        Claim::Requests(bound) => requests(world, *bound),
        Claim::Header(which, name, claim) => header(world, which, name, claim)?,
        Claim::Received { of, times, processed, event_type } => {
            effects::received(world, of, *times, *processed, *event_type).await
        }
        Claim::Pulled(claim) => pulls::pulled(world, claim).await,
        Claim::Calls(which, within, bound) => pulls::calls(world, which, *within, *bound).await,
        Claim::SameEffects(of, other) => effects::same(world, of, other).await,
    };
    Ok(Judged { check, title, holds })
}

pub(super) type Judgement = (&'static str, String, Holds);

fn delivered(world: &World, which: Option<&Which>) -> Judgement {
    let Some(which) = which else {
        let all = world.deliveries(&Which::All);
        let delivered = select(world, &all, Delivery::is_delivered);
        let found = || format!("{} delivered", words::count(delivered.len() as u64, "notification"));
        let holds = Holds::when(delivered.is_empty(), "nothing is delivered", found, &delivered);
        return ("delivered", "nothing is delivered".to_owned(), holds);
    };
    let all = world.deliveries(which);
    let missing = select(world, &all, |delivery| !delivery.is_delivered());
    let title = format!("{} delivered", words::which(which));
    let found = || match all.len() {
        0 => "no delivery was made: no subscription saw the notification".to_owned(),
        total => format!("{} of {total} not delivered: {}", missing.len(), last_outcome(world, &missing)),
    };
    let holds = Holds::when(missing.is_empty() && !all.is_empty(), &title, found, &missing);
    ("delivered", title, holds)
}

fn undelivered(world: &World, which: &Which) -> Judgement {
    let delivered = select(world, &world.deliveries(which), Delivery::is_delivered);
    let title = format!("{} not delivered", words::which(which));
    let found = || format!("{} delivered", words::count(delivered.len() as u64, "notification"));
    let holds = Holds::when(delivered.is_empty(), &title, found, &delivered);
    ("undelivered", title, holds)
}

fn attempts(world: &World, which: &Which, bound: Bound) -> Judgement {
    let all = world.deliveries(which);
    let title = format!("{} took {}", words::subject(which), words::bound(bound, "attempt"));
    each(world, "attempts", title, &all, |delivery| {
        let made = delivery.attempts.iter().filter(|attempt| !met_an_end(world, attempt)).count() as u64;
        (!bound.allows(made)).then(|| {
            let last = delivery.attempts.last().map(outcome_text).unwrap_or_default();
            format!("{}, the last: {last}", words::count(made, "attempt"))
        })
    })
}

fn intervals(world: &World, which: &Which, claim: &Intervals) -> Judgement {
    let all = world.deliveries(which);
    let subject = words::subject(which);
    let title = match claim {
        Intervals::Are(spans) => format!("{subject} was retried after {}", words::spans(spans)),
        Intervals::Begin(spans) => format!("{subject} was retried first after {}", words::spans(spans)),
        Intervals::AtLeast(spans) => format!("{subject} was retried no sooner than {}", words::spans(spans)),
        Intervals::NeverShrink => format!("the intervals between attempts of {subject} never shrink"),
    };
    each(world, "intervals", title, &all, |delivery| {
        let made: Vec<Duration> = delivery
            .attempts
            .iter()
            .filter_map(|attempt| attempt.end.as_ref().and_then(|end| end.delay))
            .take(delivery.attempts.len().saturating_sub(1))
            .collect();
        let holds = match claim {
            Intervals::Are(wanted) => made == *wanted,
            Intervals::Begin(wanted) => made.starts_with(wanted),
            Intervals::AtLeast(least) => {
                made.len() >= least.len() && made.iter().zip(least).all(|(made, least)| made >= least)
            }
            Intervals::NeverShrink => made.is_sorted(),
        };
        (!holds).then(|| words::spans(&made))
    })
}

fn outcomes(world: &World, which: &Which, wanted: &[ExpectedOutcome]) -> Judgement {
    let all = world.deliveries(which);
    let wanted_text = words::list(wanted.iter().map(ToString::to_string));
    let title = format!("the attempts of {} came to: {wanted_text}", words::subject(which));
    each(world, "outcomes", title, &all, |delivery| {
        let fits =
            delivery.attempts.len() == wanted.len()
                && delivery.attempts.iter().zip(wanted).all(|(attempt, wanted)| {
                    attempt.end.as_ref().is_some_and(|end| wanted.fits(end.outcome))
                });
        (!fits).then(|| words::list(delivery.attempts.iter().map(outcome_text)))
    })
}

fn starts(world: &World, which: &Which, claim: &Starts) -> Result<Judgement, String> {
    let all = world.deliveries(which);
    let mut offsets: Vec<(Duration, DeliveryId)> = Vec::new();
    for id in &all {
        let made = world.ledger.delivery(*id).map(|delivery| &delivery.attempts).into_iter().flatten();
        offsets.extend(made.map(|attempt| (world.offset(attempt.started), *id)));
    }
    offsets.sort_unstable();
    let mut conditions = Vec::new();
    let mut wrong = Vec::new();
    let mut demand = |text: String, fits: &dyn Fn(Duration) -> bool| {
        conditions.push(text);
        wrong.extend(offsets.iter().filter(|(offset, _)| !fits(*offset)).copied());
    };
    if let Some(earliest) = claim.not_before {
        demand(format!("not before {}", words::span(earliest)), &|offset| offset >= earliest);
    }
    if let Some(latest) = claim.not_after {
        demand(format!("not after {}", words::span(latest)), &|offset| offset <= latest);
    }
    if let Some((from, until)) = claim.none_between {
        let text = format!("not between {} and {}", words::span(from), words::span(until));
        demand(text, &|offset| offset < from || offset >= until);
    }
    if let Some(name) = &claim.outside {
        let open = world.open_spans(name).ok_or_else(|| format!("window `{name}` was not announced"))?;
        let inside = |offset: Duration| open.iter().any(|(from, until)| (*from..*until).contains(&offset));
        demand(format!("outside window `{name}`"), &|offset| !inside(offset));
    }
    let mut holds = wrong.is_empty();
    if let Some(at) = &claim.at {
        let mut wanted = at.clone();
        wanted.sort_unstable();
        conditions.push(format!("at {}", words::spans(&wanted)));
        holds &= offsets.iter().map(|(offset, _)| *offset).eq(wanted);
    }
    let title = format!("attempts of {} start {}", words::subject(which), conditions.join(", "));
    let concerned = if wrong.is_empty() { all } else { wrong.iter().map(|(_, id)| *id).collect() };
    let found = || words::spans(&offsets.iter().map(|(offset, _)| *offset).collect::<Vec<_>>());
    let holds = Holds::when(holds, &title, || format!("started at {}", found()), &concerned);
    Ok(("starts", title, holds))
}

fn order(world: &World, names: &[String], wanted: FirstAttemptOrder) -> Judgement {
    let which = Which::Saved(names.to_vec());
    let word = match wanted {
        FirstAttemptOrder::Published => "the order of publication",
        FirstAttemptOrder::Reversed => "the reverse order of publication",
    };
    let title = format!("first attempts of {} start in {word}", words::subject(&which));
    let all = world.deliveries(&which);
    // Attempts that start at one instant of PNS time are told apart by the records, which are in order.
    let mut started: Vec<NotificationId> = Vec::new();
    for record in world.ledger.records() {
        if let pns_engine::Happened::AttemptStarted { delivery, number: 1, .. } = record.event
            && all.contains(&delivery)
            && let Some(delivery) = world.ledger.delivery(delivery)
        {
            started.push(delivery.notification);
        }
    }
    let in_order = match wanted {
        FirstAttemptOrder::Published => started.is_sorted(),
        FirstAttemptOrder::Reversed => started.is_sorted_by(|a, b| a >= b),
    };
    let all_started = started.len() == all.len() && !all.is_empty();
    let name = |id: &NotificationId| world.name_of(*id).map_or_else(|| id.to_string(), str::to_owned);
    let found = || format!("started: {}", words::list(started.iter().map(name)));
    ("order", title.clone(), Holds::when(in_order && all_started, &title, found, &all))
}

fn deliveries(world: &World, which: &Which, bound: Bound) -> Judgement {
    let title = format!("{} makes {}", words::subject(which), words::bound(bound, "delivery"));
    let ids = world.notifications(which);
    let made = |id: &NotificationId| world.ledger.deliveries_of(*id).count() as u64;
    let wrong: Vec<&NotificationId> = ids.iter().filter(|id| !bound.allows(made(id))).collect();
    let found = || words::list(wrong.iter().map(|id| made(id).to_string()));
    let concerned = world.deliveries(which);
    ("deliveries", title.clone(), Holds::when(wrong.is_empty() && !ids.is_empty(), &title, found, &concerned))
}

fn delivered_within(world: &World, which: &Which, span: Duration) -> Judgement {
    let all = world.deliveries(which);
    let within = words::span(span);
    let title = format!("{} delivered within {within} of PNS time", words::which(which));
    let took = |delivery: &Delivery| -> Option<Duration> {
        let published = world.ledger.notification(delivery.notification)?.published;
        delivery.delivered_at().map(|at| at.since(published))
    };
    each(world, "delivered-within", title, &all, |delivery| match took(delivery) {
        None => Some("not delivered".to_owned()),
        Some(took) => (took > span).then(|| format!("after {}", words::span(took))),
    })
}

fn deferred(world: &World, which: &Which, by: DeferredBy) -> Judgement {
    let word = match by {
        DeferredBy::Downtime => "downtime",
        DeferredBy::RateLimit => "the rate limit",
        DeferredBy::Concurrency => "concurrency",
    };
    let title = format!("{} deferred by {word}", words::subject(which));
    let all = world.deliveries(which);
    each(world, "deferred", title, &all, |delivery| {
        let hit = |attempt: &Attempt| match by {
            DeferredBy::Downtime => attempt.deferrals.downtime,
            DeferredBy::RateLimit => attempt.deferrals.rate_limit,
            DeferredBy::Concurrency => attempt.deferrals.concurrency,
        };
        (!delivery.attempts.iter().any(hit)).then(|| "no attempt was deferred by it".to_owned())
    })
}

fn requests(world: &World, bound: Bound) -> Judgement {
    let made = world.attempts_asked_for();
    let title = format!("{} made in all", words::bound(bound, "attempt"));
    let concerned = world.deliveries(&Which::All);
    let holds = Holds::when(bound.allows(made), &title, || words::count(made, "attempt"), &concerned);
    ("requests", title, holds)
}

fn header(world: &mut World, which: &Which, name: &str, claim: &HeaderClaim) -> Result<Judgement, String> {
    let wanted = match claim {
        HeaderClaim::Is(template) => Some(world.fill_text(template)?),
        HeaderClaim::Present | HeaderClaim::Absent => None,
    };
    let word = match (claim, &wanted) {
        (HeaderClaim::Present, _) => "present".to_owned(),
        (HeaderClaim::Absent, _) => "absent".to_owned(),
        (HeaderClaim::Is(_), _) if name.eq_ignore_ascii_case("authorization") => "as given".to_owned(),
        (HeaderClaim::Is(_), wanted) => format!("`{}`", wanted.as_deref().unwrap_or_default()),
    };
    let title = format!("header {name} of {} is {word}", words::subject(which));
    let all = world.deliveries(which);
    Ok(each(world, "header", title, &all, |delivery| {
        delivery.attempts.iter().find_map(|attempt| {
            let sent = &attempt.end.as_ref()?.exchange.request_headers;
            let value = sent.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            let fits = match claim {
                HeaderClaim::Present => value.is_some(),
                HeaderClaim::Absent => value.is_none(),
                HeaderClaim::Is(_) => value == wanted,
            };
            let found = match value {
                None => "absent".to_owned(),
                // A scenario may have a key of its own, which the report's redaction does not know.
                Some(_) if sent.get(name).is_some_and(http::HeaderValue::is_sensitive) => {
                    "present, not shown".to_owned()
                }
                Some(value) => format!("`{value}`"),
            };
            (!fits).then(|| format!("attempt {}: {found}", attempt.number))
        })
    }))
}

/// Judges each delivery by itself; `wrong` tells what is wrong with one.
fn each(
    world: &World,
    check: &'static str,
    title: String,
    all: &[DeliveryId],
    wrong: impl Fn(&Delivery) -> Option<String>,
) -> Judgement {
    let found: Vec<(DeliveryId, String)> = all
        .iter()
        .filter_map(|id| world.ledger.delivery(*id).and_then(&wrong).map(|text| (*id, text)))
        .collect();
    let deliveries: Vec<DeliveryId> = found.iter().map(|(id, _)| *id).collect();
    let text = || match found.as_slice() {
        [] => "no delivery was made: no subscription saw the notification".to_owned(),
        [(_, text)] => text.clone(),
        [(_, text), rest @ ..] => {
            format!("{text} (and {})", words::count(rest.len() as u64, "other delivery"))
        }
    };
    let holds = Holds::when(found.is_empty() && !all.is_empty(), &title, text, &deliveries);
    (check, title, holds)
}

fn select(world: &World, all: &[DeliveryId], wanted: impl Fn(&Delivery) -> bool) -> Vec<DeliveryId> {
    all.iter().copied().filter(|id| world.ledger.delivery(*id).is_some_and(&wanted)).collect()
}

fn last_outcome(world: &World, deliveries: &[DeliveryId]) -> String {
    let last = deliveries.iter().find_map(|id| world.ledger.delivery(*id)?.attempts.last());
    last.map_or_else(
        || "no attempt was made".to_owned(),
        |attempt| format!("last attempt: {}", outcome_text(attempt)),
    )
}

fn outcome_text(attempt: &Attempt) -> String {
    match attempt.end.as_ref().map(|end| end.outcome) {
        Some(Outcome::Acknowledged(_)) => "acknowledged".to_owned(),
        Some(Outcome::Failed(FailureReason::Status(code))) => code.to_string(),
        Some(Outcome::Failed(reason)) => reason.name().to_owned(),
        None => "in flight".to_owned(),
    }
}

/// The reason of the last failed attempt among `deliveries`, for advice.
pub(super) fn last_failure(world: &World, deliveries: &[DeliveryId]) -> Option<FailureReason> {
    let of = |id: &DeliveryId| {
        let attempts = &world.ledger.delivery(*id)?.attempts;
        attempts.iter().rev().find_map(|attempt| match attempt.end.as_ref() {
            // What the scenario did on purpose says nothing of the receiver.
            Some(end) if end.exchange.injection.is_none() => match end.outcome {
                Outcome::Acknowledged(_) | Outcome::Failed(FailureReason::SenderStopped) => None,
                Outcome::Failed(reason) => Some(reason),
            },
            _ => None,
        })
    };
    deliveries.iter().find_map(of)
}

/// Whether the attempt went to a connection that the receiver was about to close, as it may at any time between two
/// requests (RFC 9112, 9.3): what came of it says nothing of the receiver.
fn met_an_end(world: &World, attempt: &Attempt) -> bool {
    attempt.end.as_ref().is_some_and(|end| {
        !world.target.is_scripted
            && end.exchange.reused
            && end.exchange.injection.is_none()
            && matches!(
                end.outcome,
                Outcome::Failed(FailureReason::Reset | FailureReason::ClosedBeforeResponse)
            )
    })
}

/// Whether the receiver asked by itself to be sent less: 429, or 503 with `Retry-After`. Both are a receiver's right
/// (RFC 6585, RFC 9110), and both upset what a scenario counts on.
pub(super) fn asked_for_less(world: &World, deliveries: &[DeliveryId]) -> bool {
    let asked = |attempt: &Attempt| {
        attempt.end.as_ref().is_some_and(|end| {
            let answer = end.exchange.answer;
            end.exchange.injection.is_none()
                && matches!(
                    answer,
                    Answer::Status { code: 429, .. } | Answer::Status { code: 503, retry_after: Some(_) }
                )
        })
    };
    let by_itself =
        |id: &DeliveryId| world.ledger.delivery(*id).is_some_and(|one| one.attempts.iter().any(asked));
    !world.target.is_scripted && deliveries.iter().any(by_itself)
}

/// PNS time of the last record that concerns `deliveries`.
pub(super) fn decided_at(world: &World, deliveries: &[DeliveryId]) -> Timestamp {
    let ends = deliveries.iter().filter_map(|id| world.ledger.delivery(*id)?.attempts.last());
    ends.map(|attempt| attempt.end.as_ref().map_or(attempt.started, |end| end.at))
        .max()
        .unwrap_or_else(|| world.driver.now())
}
