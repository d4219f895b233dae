//! Takes prepared requests to the receiver: on a connection with a name, or each on one of its own.

use std::sync::Arc;
use std::time::Duration;

use pns_simulator::transport::BareError;
use tokio::task::JoinSet;

use super::request::One;
use super::wired::{Kept, Prepared};
use super::world::World;
use crate::scenario::model::Request;
use crate::wire::exchange::{self, Idle, Judged, Keep, Left};
use crate::wire::http2::{self, Http2, Parts};
use crate::wire::plan::Plan;
use crate::wire::shape::{Below, Version};
use crate::wire::{AwaitClose, Client, Connection, Ending, Outcome, Waits};

/// Makes all of `these` at once; what came of each, in their order.
///
/// # Errors
/// When they are no requests, in words.
pub(super) async fn out(
    world: &mut World,
    request: &Request,
    these: &[&One],
    within: Duration,
) -> Result<Vec<Outcome>, String> {
    let waits = Waits {
        send: world.wired.client.timeouts().send,
        answer: within,
        close: if request.course.then_closed { AwaitClose::Yes } else { AwaitClose::No },
    };
    match (request.version, &request.on, these) {
        (Version::Http2, on, _) => streams(world, on.as_deref(), &request.below, these, waits).await,
        (_, Some(name), [one]) => named(world, request, name, one, waits).await.map(|outcome| vec![outcome]),
        (_, Some(_), _) => Err("several requests at once on one connection of HTTP/1.1".to_owned()),
        (_, None, _) => fresh(world, request, these, waits).await,
    }
}

fn plan(one: &One) -> Result<&Plan, String> {
    match &*one.prepared {
        Prepared::Plan(plan) => Ok(plan),
        Prepared::Parts(_) => Err("a request of HTTP/2 where one of HTTP/1 is wanted".to_owned()),
    }
}

fn judged(request: &Request) -> Judged {
    if request.course.answer.is_some() { Judged::Yes } else { Judged::No }
}

fn unconnected(error: &BareError) -> Outcome {
    Outcome::unconnected(Ending::Unconnected(format!("{} ({})", error.reason, error.detail)))
}

async fn open(
    client: &Client,
    plan: &Plan,
    below: &Below,
    version: Version,
) -> Result<Connection, BareError> {
    if exchange::needs_no_tls(plan) { client.connect().await } else { client.open(below, version).await }
}

/// Each on a connection of its own: all are opened first, so that the requests really go out at once.
async fn fresh(
    world: &mut World,
    request: &Request,
    these: &[&One],
    waits: Waits,
) -> Result<Vec<Outcome>, String> {
    for one in these {
        plan(one)?;
    }
    let judged = judged(request);
    let mut opening = JoinSet::new();
    for (index, one) in these.iter().enumerate() {
        let (client, prepared) = (world.wired.client.clone(), Arc::clone(&one.prepared));
        let (below, version) = (request.below.clone(), request.version);
        opening.spawn(async move {
            let Prepared::Plan(plan) = &*prepared else { return (index, Err(unplanned())) };
            let opened = open(&client, plan, &below, version).await;
            (index, opened.map_err(|error| unconnected(&error)))
        });
    }
    let mut outcomes: Vec<Option<Outcome>> = these.iter().map(|_| None).collect();
    let mut open = Vec::new();
    while let Some(joined) = opening.join_next().await {
        match joined.map_err(|error| error.to_string())? {
            (index, Ok(connection)) => open.push((index, connection)),
            (index, Err(outcome)) => outcomes[index] = Some(outcome),
        }
    }
    let mut under_way = JoinSet::new();
    for (index, connection) in open {
        let prepared = Arc::clone(&these[index].prepared);
        let words = connection.words(None, request.version);
        under_way.spawn(async move {
            let Prepared::Plan(plan) = &*prepared else { return (index, unplanned(), Left::Nothing) };
            let (outcome, left) = exchange::exchange(connection, words, plan, Keep::No, judged, waits).await;
            (index, outcome, left)
        });
    }
    while let Some(joined) = under_way.join_next().await {
        let (index, outcome, left) = joined.map_err(|error| error.to_string())?;
        world.wired.keep(None, left);
        outcomes[index] = Some(outcome);
    }
    Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unplanned)).collect())
}

/// Stands where no request was made; [`fresh`] has seen to it that there is none such.
fn unplanned() -> Outcome {
    Outcome::unconnected(Ending::Unconnected("nothing was sent".to_owned()))
}

/// On the connection of that name, or on a new one that gets it.
async fn named(
    world: &mut World,
    request: &Request,
    name: &str,
    one: &One,
    waits: Waits,
) -> Result<Outcome, String> {
    let plan = plan(one)?;
    let mut closed = "";
    let kept = match world.wired.named.remove(name) {
        Some(Kept::Http1(mut connection)) => match exchange::idle(&mut connection).await {
            Idle::Quiet => Some(*connection),
            // Not a byte was written: the request has not begun, and a new connection begins it.
            Idle::Closed => {
                closed = " (the receiver had closed the one before)";
                None
            }
            Idle::Spoke(bytes) => {
                let reason = format!(
                    "{} bytes came between two requests: `{}`",
                    bytes.len(),
                    bytes[..bytes.len().min(40)].escape_ascii()
                );
                let mut outcome = Outcome::unconnected(Ending::Malformed(reason));
                outcome.received = bytes.into();
                outcome.connection = connection.words(Some(name), request.version);
                return Ok(outcome);
            }
        },
        Some(Kept::Http2(_)) => return Err(format!("connection `{name}` speaks HTTP/2")),
        None => None,
    };
    let connection = match kept {
        Some(connection) => connection,
        None => match open(&world.wired.client, plan, &request.below, request.version).await {
            Ok(connection) => connection,
            Err(error) => return Ok(unconnected(&error)),
        },
    };
    let words = format!("{}{closed}", connection.words(Some(name), request.version));
    let (outcome, left) =
        exchange::exchange(connection, words, plan, Keep::Yes, judged(request), waits).await;
    world.wired.keep(Some(name), left);
    Ok(outcome)
}

/// As streams on one connection where it has a name, or each on a connection of its own.
async fn streams(
    world: &mut World,
    on: Option<&str>,
    below: &Below,
    these: &[&One],
    waits: Waits,
) -> Result<Vec<Outcome>, String> {
    let client = world.wired.client.clone();
    let mut parts: Vec<Parts> = Vec::with_capacity(these.len());
    for one in these {
        let Prepared::Parts(one) = &*one.prepared else {
            return Err("a request of HTTP/1 where one of HTTP/2 is wanted".to_owned());
        };
        // Told now rather than by the task below.
        one.request(&client)?;
        parts.push(one.clone());
    }
    let shared = match on {
        None => None,
        Some(name) => match kept_or_new(world, name, below).await? {
            Ok(connection) => Some(connection),
            Err(ending) => return Ok(these.iter().map(|_| Outcome::unconnected(ending.clone())).collect()),
        },
    };
    let mut under_way = JoinSet::new();
    for (index, parts) in parts.into_iter().enumerate() {
        let (client, below, shared) = (client.clone(), below.clone(), shared.clone());
        let name = on.map(str::to_owned);
        under_way.spawn(async move {
            let connection = match shared {
                Some(connection) => Ok(connection),
                None => http2::open(&client, &below).await,
            };
            let outcome = match (connection, parts.request(&client)) {
                (Ok(connection), Ok(request)) => {
                    let words = connection.words(name.as_deref());
                    connection.exchange(request, words, waits.answer).await
                }
                (Err(ending), _) => Outcome::unconnected(ending),
                (_, Err(_)) => unplanned(),
            };
            (index, outcome)
        });
    }
    let mut outcomes: Vec<Option<Outcome>> = these.iter().map(|_| None).collect();
    while let Some(joined) = under_way.join_next().await {
        let (index, outcome) = joined.map_err(|error| error.to_string())?;
        outcomes[index] = Some(outcome);
    }
    Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unplanned)).collect())
}

async fn kept_or_new(world: &mut World, name: &str, below: &Below) -> Result<Result<Http2, Ending>, String> {
    match world.wired.named.get(name) {
        Some(Kept::Http2(connection)) if connection.is_open() => return Ok(Ok(connection.clone())),
        Some(Kept::Http1(_)) => return Err(format!("connection `{name}` speaks HTTP/1.1")),
        Some(Kept::Http2(_)) | None => {}
    }
    Ok(http2::open(&world.wired.client, below).await.inspect(|connection| {
        world.wired.named.insert(name.to_owned(), Kept::Http2(connection.clone()));
    }))
}
