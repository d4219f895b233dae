//! Bugs of connections, threads and what is kept between requests.

use std::sync::Arc;
use std::time::Duration;

use pns_simulator::clock;

use crate::selftest::message::{Reply, internal_error, refuse};
use crate::selftest::plan::{Broken, Crash, Early, Later, Plan, ReadAhead, Reuse};
use crate::selftest::state::Shared;
use crate::selftest::{Need, Specimen};

pub(super) const ALL: &[Specimen] = &[
    Specimen::bug(
        "serves-one-connection",
        &["http/stalled-peers", "http/idle-connections-held", "tls/stalled-handshakes"],
        "PHP's built-in server, Python's `HTTPServer`: one connection at a time, so one slow peer stops everybody",
        |plan| {
            plan.connection.at_once = 1;
            plan.connection.reuse = Reuse::CloseAnnounced;
        },
    ),
    Specimen::bug(
        "idle-connections-use-up-workers",
        &["http/idle-connections-held", "http/stalled-peers"],
        "Apache's prefork with twelve workers and a long KeepAliveTimeout, or a servlet container with blocking \
         connectors: idle connections hold a thread each",
        |plan| plan.connection.at_once = 12,
    ),
    Specimen::bug(
        "connection-pool-exhausted-500",
        &["http/concurrent-32", "delivery/burst"],
        "a database pool of ten connections whose `Timeout: pool empty` nobody turns into 503",
        |plan| plan.enter = within_ten,
    ),
    Specimen::bug(
        "second-request-reset",
        &["http/keep-alive", "http/reuse-20"],
        "a hand-written server that answers like HTTP/1.1, does not say `Connection: close`, and has left when the \
         second request comes",
        |plan| plan.connection.reuse = Reuse::ResetSecond,
    ),
    Specimen::bug(
        "second-request-unanswered",
        &["http/keep-alive", "http/reuse-20"],
        "a new buffered reader for each request: what the old one had read ahead is lost, and the thread waits",
        |plan| plan.connection.reuse = Reuse::HangSecond,
    ),
    Specimen::bug(
        "idle-connection-forgotten",
        &["http/idle-connection"],
        "a firewall or load balancer that drops idle connections without telling either side",
        |plan| plan.connection.reuse = Reuse::HangAfterIdle,
    ),
    Specimen::bug(
        "connection-close-ignored",
        &["http/connection-close"],
        "a server that looks at the version alone to decide whether a connection is kept",
        |plan| plan.connection.reuse = Reuse::IgnoresClose,
    ),
    Specimen::bug(
        "pipelined-request-lost",
        &["http/pipelined"],
        "what was read behind a body is thrown away with the buffer",
        |plan| plan.connection.read_ahead = ReadAhead::Lost,
    ),
    Specimen::bug(
        "refusal-poisons-connection",
        &["rejects/error-does-not-poison"],
        "a parser that keeps its error state for the life of the connection",
        |plan| plan.connection.reuse = Reuse::PoisonedByRefusal,
    ),
    Specimen::bug(
        "refusal-poisons-server",
        &["rejects/error-does-not-poison"],
        "a shared database session after a failed statement: `current transaction is aborted` until somebody restarts",
        |plan| plan.enter = |shared| after_refusals(&shared, 1, internal_error),
    ),
    Specimen::bug(
        "refusals-ban-sender",
        &["rejects/error-does-not-poison"],
        "fail2ban, or a web application firewall that blocks an address after three errors: the address is Cvent's",
        |plan| plan.enter = |shared| after_refusals(&shared, 3, || refuse(403, "banned")),
    ),
    Specimen::bug(
        "unread-body-taken-for-request",
        &["auth/right-after-wrong"],
        "an authentication filter that answers before the body is read and keeps the connection: the body is parsed \
         as the next request",
        |plan| plan.early = Early::RefuseAndKeep,
    )
    .needing(&[Need::Key]),
    Specimen::bug(
        "answers-swapped",
        &["auth/concurrent-right-and-wrong"],
        "a response kept in a field of a singleton (a Spring bean, a Go package variable, an Express `app.locals`): \
         concurrent requests get each other's answers",
        |plan| plan.finish = |shared, reply| Box::pin(swapped(shared, reply)),
    )
    .needing(&[Need::Key]),
    Specimen::bug(
        "broken-requests-use-up-workers",
        &["http/broken-requests-in-a-row"],
        "a semaphore that is not released when reading throws: every request that breaks off costs a worker",
        |plan| {
            plan.connection.at_once = 40;
            plan.connection.broken = Broken::LeaksPlace;
        },
    ),
    Specimen::bug(
        "broken-request-ends-server",
        &["http/reset-in-body"],
        "Node without a handler for `error` on the request: ECONNRESET ends the process",
        |plan| plan.connection.broken = Broken::Crash,
    ),
    Specimen::bug(
        "broken-head-ends-server",
        &["http/cut-head"],
        "a hand-written server that throws at the end of a connection in the middle of a head, outside of every `try`",
        |plan| plan.connection.broken = Broken::Crash,
    ),
    Specimen::bug(
        "broken-request-restarts-server",
        &["http/broken-requests-in-a-row"],
        "the same under a supervisor that starts it again: every aborted request is a second of downtime",
        |plan| {
            plan.connection.broken = Broken::Crash;
            plan.crash = Crash::RestartsAfter(Duration::from_secs(1));
        },
    ),
    Specimen::bug(
        "slower-with-every-request",
        &["http/steady-speed"],
        "a list of all notifications that is searched and written anew for each, until the memory is full and a \
         supervisor starts the process again: fast in every test",
        |plan| plan.enter = |shared| Box::pin(slower(shared)),
    ),
    Specimen::bug(
        "stops-after-many-requests",
        &["http/endurance"],
        "a statement or a file left open by each request, until none is left: `Too many open files`",
        many_then_500,
    ),
    Specimen::bug(
        "recycled-workers-drop-requests",
        &["http/endurance"],
        "gunicorn's `--max-requests` or Apache's MaxConnectionsPerChild: every hundredth request meets a worker that \
         is leaving",
        |plan| {
            plan.enter = |shared| {
                let leaving = shared.state().requests.is_multiple_of(100);
                Box::pin(std::future::ready(if leaving { Err(Reply::Reset) } else { Ok(()) }))
            };
        },
    ),
];

/// Requests that take a while, of which ten have room.
fn within_ten(shared: Arc<Shared>) -> Later<Result<(), Reply>> {
    Box::pin(async move {
        if shared.state().in_flight > 10 {
            return Err(internal_error());
        }
        clock::pause(Duration::from_millis(50)).await;
        Ok(())
    })
}

fn after_refusals(shared: &Shared, count: u64, reply: fn() -> Reply) -> Later<Result<(), Reply>> {
    let state = shared.state();
    let result = if state.refused - state.unauthorized >= count { Err(reply()) } else { Ok(()) };
    Box::pin(std::future::ready(result))
}

async fn swapped(shared: Arc<Shared>, reply: Reply) -> Reply {
    shared.state().present_reply = Some(reply.clone());
    clock::pause(Duration::from_millis(15)).await;
    shared.state().present_reply.clone().unwrap_or(reply)
}

/// Nothing at first, 20 ms at the 240th request, 220 ms at the 320th; then the worker is recycled and is fast again.
async fn slower(shared: Arc<Shared>) -> Result<(), Reply> {
    let grown = shared.state().requests % 320;
    let share = grown.pow(4) * 1_000 / 320_u64.pow(4);
    clock::pause(Duration::from_millis(220 * share * share / 1_000_000)).await;
    Ok(())
}

fn many_then_500(plan: &mut Plan) {
    plan.enter = |shared| {
        let result = if shared.state().requests > 200 { Err(internal_error()) } else { Ok(()) };
        Box::pin(std::future::ready(result))
    };
}
