//! Bugs in what is done with a notification: lost, repeated, wrong or late effects, all behind a friendly answer.

use std::sync::Arc;
use std::time::Duration;

use pns_engine::EventType;
use pns_simulator::clock;
use serde_json::Value;

use crate::selftest::message::{Reply, Request, internal_error, refuse};
use crate::selftest::plan::{Later, Leaving};
use crate::selftest::service;
use crate::selftest::state::{Note, Shared, State};
use crate::selftest::{Need, Specimen};

/// What becomes of a notification that is in order.
type Result = std::result::Result<(), Reply>;

pub(super) const ALL: &[Specimen] = &[
    Specimen::bug(
        "every-delivery-processed",
        &["effects/duplicate-later", "effects/duplicated-often", "effects/duplicate-after-lost-acknowledgement", "effects/same-state-duplicated"],
        "no deduplication: an acknowledgement that is lost books the room twice",
        |plan| plan.apply = |shared, note| at_once(shared, note, Shared::process),
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "deduplication-not-atomic",
        &["effects/duplicate-at-once"],
        "`if not exists(id): insert(id)` without a constraint: two at once both find nothing",
        |plan| plan.apply = |shared, note| Box::pin(looked_up_first(shared, note)),
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "deduplication-by-rfp",
        &["effects/same-rfp-kept-apart"],
        "the RFP's id taken for the notification's: all but the first event of an RFP are dropped",
        |plan| plan.apply = |shared, note| once_per(shared, note, |note| note.rfp_id.clone().unwrap_or_default()),
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "deduplication-by-start-of-id",
        &["effects/different-ids-kept-apart"],
        "ids cut to the eight characters that fit a column, or a short form made for log files",
        |plan| plan.apply = |shared, note| once_per(shared, note, |note| note.event_id.chars().take(8).collect()),
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "deduplication-by-end-of-id",
        &["effects/different-ids-kept-apart"],
        "the last group of the UUID taken for a serial number",
        |plan| {
            plan.apply = |shared, note| {
                once_per(shared, note, |note| note.event_id.chars().rev().take(12).collect())
            };
        },
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "deduplication-by-rfp-and-type",
        &["effects/same-rfp-kept-apart"],
        "one row per RFP and type: the second message of a conversation is taken for a repetition of the first",
        |plan| {
            plan.apply = |shared, note| {
                once_per(shared, note, |note| format!("{:?} {}", note.rfp_id, note.event_type))
            };
        },
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "deduplication-of-the-last-only",
        &["effects/duplicate-later"],
        "only the last id is remembered: a retry that comes after other notifications is processed again",
        |plan| plan.apply = |shared, note| at_once(shared, note, unless_last),
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "deduplication-per-node",
        &["effects/duplicated-often", "effects/duplicate-after-lost-acknowledgement"],
        "two nodes behind a load balancer, each with its own memory of the ids",
        |plan| {
            plan.apply = |shared, note| {
                at_once(shared, note, |shared, note| {
                    let node = shared.state().requests % 2;
                    if shared.state().seen.insert(format!("{node} {}", note.event_id)) {
                        shared.process(note);
                    }
                })
            };
        },
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "duplicate-409",
        &["delivery/duplicate", "delivery/duplicate-later", "delivery/duplicated-often"],
        "a conflict is an error, is it not? PNS retries it until the end of time",
        |plan| plan.apply = |shared, note| refusing_duplicates(shared, note, || refuse(409, "already there")),
    ),
    Specimen::bug(
        "duplicate-500",
        &["delivery/duplicate", "delivery/duplicate-later", "delivery/duplicated-often"],
        "the unique constraint is there, and its violation is caught by nobody",
        |plan| plan.apply = |shared, note| refusing_duplicates(shared, note, internal_error),
    ),
    Specimen::bug(
        "duplicates-at-once-500",
        &["delivery/duplicate-at-once"],
        "looks, then inserts: of two at once the second meets the constraint, or a deadlock",
        |plan| plan.apply = |shared, note| Box::pin(constrained(shared, note)),
    ),
    Specimen::bug(
        "marked-as-seen-before-checked",
        &["effects/cut-body-has-no-effect-before-retry"],
        "the id is remembered as soon as it is read: a request that broke off makes its retry a duplicate",
        |plan| {
            plan.cut = mark_cut;
            plan.apply = |shared, note| once_per(shared, note, |note| note.event_id.clone());
        },
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "burst-overflows-queue",
        &["effects/burst-not-lost", "effects/flush-after-downtime-not-lost"],
        "an in-memory queue with eight places between the endpoint and the worker: what does not fit is dropped, \
         and was acknowledged",
        |plan| plan.apply = |shared, note| at_once(shared, note, into_queue),
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "every-tenth-lost",
        &["effects/processed-once", "effects/burst-not-lost"],
        "a worker that swallows a deadlock's exception now and then",
        |plan| {
            plan.apply = |shared, note| {
                let lost = shared.state().requests.is_multiple_of(10);
                at_once(shared, note, if lost { |_, _| {} } else { once })
            };
        },
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "stored-in-tens",
        &["effects/processed-once", "effects/burst-not-lost"],
        "a bulk writer that writes when ten are there, and never otherwise",
        |plan| plan.apply = |shared, note| at_once(shared, note, in_tens),
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "effect-after-seven-seconds",
        &["effects/processed-once"],
        "a worker that polls its table, with an interval that nobody remembers",
        |plan| plan.apply = |shared, note| at_once(shared, note, |shared, note| later(shared, note, 7)),
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "types-swapped-under-load",
        &["effects/concurrent-types-kept-apart"],
        "the present notification in a field of a singleton: concurrent requests overwrite each other's",
        |plan| plan.apply = |shared, note| Box::pin(by_the_present(shared, note)),
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "type-defaults-to-send",
        &["effects/type-kept"],
        "`switch (type) … default: handleSend()`: every type that has no case is taken for a new RFP",
        |plan| {
            plan.apply = |shared, note| {
                let handled = ["RFP_SEND", "RFP_FORWARD", "PLANNER_CANCEL"].contains(&note.event_type.as_str());
                let event_type = if handled { note.event_type } else { "RFP_SEND".to_owned() };
                at_once(shared, Note { event_type, ..note }, once)
            };
        },
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "rare-types-ignored",
        &["effects/every-event-type"],
        "types for which nobody has written a handler are acknowledged and forgotten",
        |plan| {
            plan.apply = |shared, note| {
                let rare = note.event_type.starts_with("UPDATE_") || note.event_type.starts_with("VENUE_");
                at_once(shared, note, if rare { |_, _| {} } else { once })
            };
        },
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "order-demanded-409",
        &["delivery/event-of-unknown-rfp", "delivery/order-reversed"],
        "a state machine that knows no way from nothing to PLANNER_AWARD: 409, again and again",
        |plan| plan.apply = |shared, note| in_order(shared, note, Some(|| refuse(409, "unknown RFP"))),
    ),
    Specimen::bug(
        "order-demanded-500",
        &["delivery/event-of-unknown-rfp", "delivery/order-reversed"],
        "a foreign key to the RFP that has not come yet",
        |plan| plan.apply = |shared, note| in_order(shared, note, Some(internal_error)),
    ),
    Specimen::bug(
        "early-events-dropped",
        &["effects/same-state-permuted"],
        "an event of an RFP that is not there yet is acknowledged and dropped",
        |plan| plan.apply = |shared, note| in_order(shared, note, None),
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "old-notifications-refused",
        &["delivery/old-after-downtime"],
        "a replay window of five minutes, copied from a webhook guide: after a downtime everything is older",
        |plan| plan.apply = |shared, note| if is_old(&note) { at_end(refuse(400, "too old")) } else { service::apply(shared, note) },
    ),
    Specimen::bug(
        "old-notifications-dropped",
        &["effects/same-state-delayed"],
        "the same, acknowledged: what was sent during the downtime is lost without a trace",
        |plan| {
            plan.apply = |shared, note| {
                let old = is_old(&note);
                at_once(shared, note, if old { |_, _| {} } else { once })
            };
        },
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "effect-without-key",
        &["effects/refused-key-has-no-effect"],
        "the handler runs first, and the filter that answers 401 comes last in the chain",
        |plan| plan.premature = processed_unchecked,
    )
    .needing(&[Need::Key, Need::Probe]),
    Specimen::bug(
        "effect-of-cut-body",
        &["effects/cut-body-has-no-effect-before-retry"],
        "bodies are processed while they stream in: what broke off has had its effect already, and the retry has \
         it again",
        |plan| {
            plan.cut = |state, part| {
                if let Some(note) = search(part) {
                    state.receive(&note);
                    state.process(&note, Duration::ZERO);
                }
            };
        },
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "effect-of-junk",
        &["effects/junk-has-no-effect"],
        "stored first, validated after: a refused notification has its effect nevertheless",
        |plan| {
            plan.validate = |value, _| Note::of(value).ok_or_else(|| refuse(422, "no notification"));
            plan.apply = |shared, note| {
                once(&shared, &note);
                match note.event_type.parse::<EventType>() {
                    Ok(_) => at_once(shared, note, |_, _| {}),
                    Err(_) => at_end(refuse(422, "no documented event type")),
                }
            };
        },
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "effect-again-when-sender-leaves",
        &["effects/reset-after-request-once"],
        "the request's context is cancelled when the sender leaves (Go, ASP.NET): the effect has begun, and the note \
         that it was done is never made",
        |plan| {
            plan.connection.leaving = Leaving::Cancels;
            plan.apply = |shared, note| Box::pin(noted_later(shared, note));
        },
    )
    .needing(&[Need::Probe]),
    Specimen::bug(
        "broken-request-leaves-lock",
        &["delivery/retry-after-cut-body"],
        "an idempotency lock taken when the first bytes are read, and not released when the rest never comes: 409 to \
         the retry",
        |plan| {
            plan.cut = mark_cut;
            plan.apply = |shared, note| {
                let locked = shared.state().seen.contains(&note.event_id);
                if locked { at_end(refuse(409, "in progress")) } else { service::apply(shared, note) }
            };
        },
    ),
    Specimen::bug(
        "same-rfp-at-once-500",
        &["delivery/same-rfp-many-events"],
        "two transactions on the row of one RFP: a deadlock, or StaleObjectStateException, that nobody repeats",
        |plan| plan.apply = |shared, note| Box::pin(locking_rfp(shared, note)),
    ),
];

/// An effect that is immediate, whatever it is.
fn at_once(shared: Arc<Shared>, note: Note, effect: fn(&Shared, &Note)) -> Later<Result> {
    Box::pin(async move {
        effect(&shared, &note);
        Ok(())
    })
}

fn at_end(reply: Reply) -> Later<Result> {
    Box::pin(std::future::ready(Err(reply)))
}

fn once(shared: &Shared, note: &Note) {
    let now = shared.uptime.elapsed();
    let mut state = shared.state();
    if !state.has_processed(&note.event_id) {
        state.process(note, now);
    }
}

fn once_per(shared: Arc<Shared>, note: Note, key: fn(&Note) -> String) -> Later<Result> {
    Box::pin(async move {
        if shared.state().seen.insert(key(&note)) {
            shared.process(&note);
        }
        Ok(())
    })
}

async fn looked_up_first(shared: Arc<Shared>, note: Note) -> Result {
    let there = shared.state().has_processed(&note.event_id);
    clock::pause(Duration::from_millis(20)).await;
    if !there {
        shared.process(&note);
    }
    Ok(())
}

fn unless_last(shared: &Shared, note: &Note) {
    let last = shared.state().present.replace(note.clone());
    if last.is_none_or(|last| last.event_id != note.event_id) {
        shared.process(note);
    }
}

fn refusing_duplicates(shared: Arc<Shared>, note: Note, reply: fn() -> Reply) -> Later<Result> {
    if shared.state().has_processed(&note.event_id) { at_end(reply()) } else { service::apply(shared, note) }
}

async fn constrained(shared: Arc<Shared>, note: Note) -> Result {
    if shared.state().has_processed(&note.event_id) {
        return Ok(());
    }
    clock::pause(Duration::from_millis(20)).await;
    if shared.state().has_processed(&note.event_id) {
        return Err(internal_error());
    }
    shared.process(&note);
    Ok(())
}

/// The queue's worker needs 20 ms for each; modelled by when the effects show.
fn into_queue(shared: &Shared, note: &Note) {
    const PLACES: usize = 8;
    const WORK: Duration = Duration::from_millis(20);
    let now = shared.uptime.elapsed();
    let mut state = shared.state();
    state.done_at.retain(|done| *done > now);
    if state.done_at.len() >= PLACES || state.has_processed(&note.event_id) {
        return;
    }
    let done = state.done_at.last().copied().unwrap_or(now) + WORK;
    state.done_at.push(done);
    state.process(note, done);
}

fn in_tens(shared: &Shared, note: &Note) {
    let mut state = shared.state();
    state.queue.push(note.clone());
    if state.queue.len() < 10 {
        return;
    }
    let tens = std::mem::take(&mut state.queue);
    drop(state);
    for note in &tens {
        once(shared, note);
    }
}

fn later(shared: &Shared, note: &Note, seconds: u64) {
    let shows = shared.uptime.elapsed() + Duration::from_secs(seconds);
    let mut state = shared.state();
    if !state.has_processed(&note.event_id) {
        state.process(note, shows);
    }
}

async fn by_the_present(shared: Arc<Shared>, note: Note) -> Result {
    shared.state().present = Some(note.clone());
    clock::pause(Duration::from_millis(15)).await;
    let present = shared.state().present.clone().unwrap_or_else(|| note.clone());
    once(&shared, &Note { event_type: present.event_type, ..note });
    Ok(())
}

/// Takes events of RFPs that were sent or forwarded, and of none. Without a reply the others are dropped.
fn in_order(shared: Arc<Shared>, note: Note, reply: Option<fn() -> Reply>) -> Later<Result> {
    let known = {
        let mut state = shared.state();
        match &note.rfp_id {
            Some(rfp) if matches!(note.event_type.as_str(), "RFP_SEND" | "RFP_FORWARD") => {
                state.seen.insert(rfp.clone());
                true
            }
            Some(rfp) => state.seen.contains(rfp),
            None => true,
        }
    };
    match (known, reply) {
        (true, _) => service::apply(shared, note),
        (false, Some(reply)) => at_end(reply()),
        (false, None) => at_once(shared, note, |_, _| {}),
    }
}

fn is_old(note: &Note) -> bool {
    const WINDOW_SECONDS: i128 = 300;
    let sent = note.timestamp.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let now = i128::from(clock::real_now().as_nanos());
    sent.is_some_and(|sent| now - sent.as_nanosecond() > WINDOW_SECONDS * 1_000_000_000)
}

fn processed_unchecked(state: &mut State, request: &Request) {
    let note = serde_json::from_slice::<Value>(&request.body).ok().and_then(|value| Note::of(&value));
    if let Some(note) = note
        && !state.has_processed(&note.event_id)
    {
        state.process(&note, Duration::ZERO);
    }
}

/// Makes its note a moment after the effect.
async fn noted_later(shared: Arc<Shared>, note: Note) -> Result {
    if shared.state().seen.contains(&note.event_id) {
        return Ok(());
    }
    shared.process(&note);
    clock::pause(Duration::from_millis(300)).await;
    shared.state().seen.insert(note.event_id);
    Ok(())
}

async fn locking_rfp(shared: Arc<Shared>, note: Note) -> Result {
    let Some(rfp) = note.rfp_id.clone() else { return service::apply(shared, note).await };
    if !shared.state().seen.insert(rfp.clone()) {
        return Err(internal_error());
    }
    clock::pause(Duration::from_millis(20)).await;
    shared.state().seen.remove(&rfp);
    service::apply(shared, note).await
}

fn mark_cut(state: &mut State, part: &[u8]) {
    if let Some(note) = search(part) {
        state.seen.insert(note.event_id);
    }
}

/// The notification that a search by patterns finds, in text that need not be whole.
fn search(body: &[u8]) -> Option<Note> {
    let text = String::from_utf8_lossy(body);
    let field = |name: &str| {
        let (_, rest) = text.split_once(&format!("\"{name}\":\""))?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    Some(Note {
        event_id: field("eventId")?,
        event_type: field("eventType")?,
        rfp_id: field("rfpId"),
        timestamp: field("eventTimestamp"),
        ..Note::default()
    })
}

/// Takes what the search finds for the notification.
pub(super) fn searched(_value: &Value, body: &[u8]) -> std::result::Result<Note, Reply> {
    search(body).ok_or_else(|| refuse(422, "no notification"))
}
