//! One HTTP/1 connection: requests one after the other, and how it ends.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use pns_simulator::clock::Stopwatch;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::framing::{self, Delimited, Flaw};
use super::head::{self, HEAD_MAX};
use super::message::{After, Answer, Head, Reply, Request, Version, refuse};
use super::plan::{Broken, Early, Ending, Expect, LeadingLine, Leaving, ReadAhead, Reads, Reuse, Shape};
use super::service;
use super::state::Shared;
use super::wire::{Reader, Stream};
use super::write::{self, Said};

/// Requests on one connection: a bound on what one peer can do, far beyond any check.
const REQUESTS_MAX: u32 = 100_000;

/// After so long a careless firewall forgets a connection; real ones take minutes, which no check has.
const IDLE_FORGOTTEN: Duration = Duration::from_millis(1_500);

/// What follows an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Request(Said),
    End(Said),
}

/// What one turn on the connection came to.
enum Turn {
    /// No request came.
    Idle,
    /// The peer left within a request.
    BrokeOff,
    /// The request's reply, and what the connection does then.
    Replied(Reply, Next),
}

/// Serves a connection until it ends.
pub(super) async fn serve<S: Stream>(shared: &Arc<Shared>, stream: S) -> io::Result<()> {
    let mut reader = Reader::new(stream);
    let reuse = shared.plan.connection.reuse;
    let mut poisoned = false;
    for nth in 1..=REQUESTS_MAX {
        if reuse == Reuse::HangAfterIdle && nth > 1 && is_idle(&mut reader).await {
            return hang(&mut reader).await;
        }
        let (reply, next) = match turn(shared, &mut reader, nth).await {
            Turn::Idle => break,
            Turn::BrokeOff => {
                broke_off(shared);
                break;
            }
            Turn::Replied(reply, next) => (reply, next),
        };
        let reply = match (reuse, nth) {
            (Reuse::ResetSecond, 2..) => Reply::Reset,
            (Reuse::HangSecond, 2..) => Reply::Hang,
            (Reuse::PoisonedByRefusal, _) if poisoned => refuse(400, "unexpected state"),
            _ => reply,
        };
        poisoned |= reply.status().is_some_and(|status| status >= 400);
        let answer = match reply {
            Reply::Answer(answer) => answer,
            Reply::Reset => return reader.reset(),
            Reply::Hang => return hang(&mut reader).await,
            Reply::Crash => {
                shared.crashes.send_modify(|crashes| *crashes += 1);
                return hang(&mut reader).await;
            }
        };
        let (Next::Request(said) | Next::End(said)) = next;
        let shape = shared.plan.refusal_shape.filter(|_| answer.status >= 400).unwrap_or(shared.plan.shape);
        write::answer(&mut reader.stream, &answer, shape, said).await?;
        if matches!(next, Next::End(_)) {
            break;
        }
        if shared.plan.connection.read_ahead == ReadAhead::Lost {
            reader.forget();
        }
    }
    match shared.plan.connection.ending {
        Ending::Orderly => reader.close().await,
        Ending::NoCloseNotify => {
            socket2::SockRef::from(reader.stream.tcp()).shutdown(std::net::Shutdown::Write)
        }
    }
}

/// Whether the next request keeps one waiting longer than something on the way remembers the connection.
async fn is_idle<S: Stream>(reader: &mut Reader<S>) -> bool {
    let waited = Stopwatch::start();
    // A peer that leaves is met again when the request is read.
    let _next = reader.fill_once().await;
    waited.elapsed() > IDLE_FORGOTTEN
}

/// The bytes that come are thrown away; the peer's end is the end.
async fn hang<S: Stream>(reader: &mut Reader<S>) -> io::Result<()> {
    while reader.fill_once().await.is_ok() {
        reader.forget();
    }
    Ok(())
}

/// Returns when the peer has left; what it sends before that is kept.
async fn left<S: Stream>(reader: &mut Reader<S>) {
    while reader.buffered() < HEAD_MAX && reader.fill_once().await.is_ok() {}
}

fn broke_off(shared: &Shared) {
    shared.state().broken += 1;
    match shared.plan.connection.broken {
        Broken::Forgotten => {}
        Broken::LeaksPlace => shared.state().places_leaked += 1,
        Broken::Crash => shared.crashes.send_modify(|crashes| *crashes += 1),
    }
}

async fn turn<S: Stream>(shared: &Arc<Shared>, reader: &mut Reader<S>, nth: u32) -> Turn {
    let head = match read_head(shared, reader).await {
        Ok(Some(head)) => head,
        Ok(None) => return Turn::Idle,
        Err(Flaw::Refused(reply)) => return Turn::Replied(reply, Next::End(Said::Close)),
        Err(Flaw::BrokeOff(_)) => return Turn::BrokeOff,
    };
    let (is_head, version) = (head.method == "HEAD", head.version);
    match replied(shared, reader, head, nth).await {
        Turn::Replied(Reply::Answer(answer), next) => {
            Turn::Replied(Reply::Answer(answer.framed_for(is_head, version)), next)
        }
        turn => turn,
    }
}

/// What a request comes to whose head was read.
async fn replied<S: Stream>(shared: &Arc<Shared>, reader: &mut Reader<S>, head: Head, nth: u32) -> Turn {
    let plan = &shared.plan;
    if let Err(reply) = (plan.gate)(&head) {
        return Turn::Replied(reply, Next::End(Said::Close));
    }
    let delimited = match framing::delimited(&head, plan.framing.both) {
        Ok(delimited) => delimited,
        Err(reply) => return Turn::Replied(reply, Next::End(Said::Close)),
    };
    let mut request = Request { head, body: Vec::new(), nth };
    if let Some(turn) = early(shared, &request) {
        return turn;
    }
    if let Err(turn) = expectation(shared, reader, &request.head, delimited).await {
        return turn;
    }
    match framing::read(reader, delimited, &plan.framing).await {
        Ok(body) => request.body = body,
        Err(Flaw::Refused(reply)) => return Turn::Replied(reply, Next::End(Said::Close)),
        Err(Flaw::BrokeOff(part)) => {
            (plan.cut)(&mut shared.state(), &part);
            return Turn::BrokeOff;
        }
    }
    let reply = match plan.connection.leaving {
        Leaving::Unnoticed => service::respond(shared, &request).await,
        Leaving::Cancels => tokio::select! {
            reply = service::respond(shared, &request) => reply,
            () = left(reader) => return Turn::Idle,
        },
    };
    let next = next(shared, &request.head, &reply);
    Turn::Replied(reply, next)
}

async fn read_head<S: Stream>(shared: &Shared, reader: &mut Reader<S>) -> Result<Option<Head>, Flaw> {
    let framing = &shared.plan.framing;
    if reader.buffered() == 0 && reader.fill_once().await.is_err() {
        return Ok(None);
    }
    let begun = Stopwatch::start();
    let length = loop {
        if framing.leading_line == LeadingLine::Refused && reader.peek().starts_with(b"\r\n") {
            return Err(refuse(400, "no request line").into());
        }
        if let Some(length) = head::length(reader.peek()) {
            break length;
        }
        if framing.head == Reads::Once {
            return Err(refuse(400, "no whole head").into());
        }
        if reader.buffered() > HEAD_MAX {
            return Err(refuse(431, "the head is larger than this receiver takes").into());
        }
        let filled = match framing.head {
            Reads::Within(span) => {
                let left = span.saturating_sub(begun.elapsed());
                let late = || refuse(408, "the head did not come in time");
                timeout(left, reader.fill_once()).await.map_err(|_| late())?
            }
            _ => reader.fill_once().await,
        };
        if filled.is_err() {
            // Empty lines alone are no request that broke off.
            let empty = reader.peek().iter().all(|byte| b"\r\n".contains(byte));
            return if empty { Ok(None) } else { Err(Flaw::BrokeOff(Vec::new())) };
        }
    };
    if length > HEAD_MAX {
        return Err(refuse(431, "the head is larger than this receiver takes").into());
    }
    let mut head = head::parse(&reader.take(length))?;
    (shared.plan.reread)(&mut head);
    Ok(Some(head))
}

/// Refuses by the head alone, where the specimen does that.
fn early(shared: &Shared, request: &Request) -> Option<Turn> {
    let next = match shared.plan.early {
        Early::No => return None,
        Early::RefuseAndClose => Next::End(Said::Close),
        Early::RefuseAndKeep => Next::Request(Said::Nothing),
    };
    let key = shared.key.as_ref().filter(|_| request.head.path() == service::PATH)?;
    let reply = (shared.plan.authorize)(request, key.reveal()).err()?;
    Some(Turn::Replied(reply, next))
}

/// Tells a peer that waits with its body to go on (RFC 9110, 10.1.1).
async fn expectation<S: Stream>(
    shared: &Shared,
    reader: &mut Reader<S>,
    head: &Head,
    delimited: Delimited,
) -> Result<(), Turn> {
    let Some(expected) = head.text("expect") else { return Ok(()) };
    if !expected.eq_ignore_ascii_case("100-continue") {
        let reply = refuse(417, "an expectation that is unknown here");
        return Err(Turn::Replied(reply, Next::End(Said::Close)));
    }
    let waits =
        head.version == Version::Http11 && delimited != Delimited::Length(0) && reader.buffered() == 0;
    match shared.plan.framing.expect {
        Expect::Continues if waits => {
            let sent = reader.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await;
            let sent = sent.and(reader.stream.flush().await);
            sent.map_err(|_| Turn::BrokeOff)
        }
        Expect::Hangs => Err(Turn::Replied(Reply::Hang, Next::End(Said::Nothing))),
        Expect::Continues => Ok(()),
    }
}

/// Whether another request may follow (RFC 9112, 9.3).
fn next(shared: &Shared, head: &Head, reply: &Reply) -> Next {
    let Reply::Answer(Answer { after, .. }) = reply else { return Next::End(Said::Nothing) };
    let asks_to_close = head.lists("connection", "close");
    match shared.plan.connection.reuse {
        Reuse::CloseAnnounced => return Next::End(Said::Close),
        Reuse::CloseSilently => return Next::End(Said::Nothing),
        Reuse::IgnoresClose if asks_to_close => return Next::Request(Said::Nothing),
        _ => {}
    }
    if *after == After::Close || asks_to_close {
        return Next::End(Said::Close);
    }
    if shared.plan.shape == Shape::UntilClose {
        return Next::End(Said::Nothing);
    }
    match head.version {
        // A sender of that version must be told (RFC 9112, 9.3).
        Version::Http10 if head.lists("connection", "keep-alive") => Next::Request(Said::KeepAlive),
        Version::Http10 => Next::End(Said::Close),
        Version::Http11 | Version::Http2 => Next::Request(Said::Nothing),
    }
}
