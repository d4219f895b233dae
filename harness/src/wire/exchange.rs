//! Writes a [`Plan`] on a connection and reads the answer, both at once: a receiver may answer before the request's end.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use pns_simulator::clock::{Stopwatch, pause};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::answer::{Answer, BODY_MAX, Persistence, Progress, Reader};
use super::client::Connection;
use super::plan::{Expect, Plan};
use super::shape::{Stop, StopAfter, Then};
use super::{AwaitClose, Ending, Outcome, Waits};

/// How long the body waits for `100 Continue`; a client sends it in the end (RFC 9110, 10.1.1).
const CONTINUE_WAIT: Duration = Duration::from_secs(1);
/// How long the receiver may take to react to a request that was cut, where its answer is not judged.
const FAREWELL_WAIT: Duration = Duration::from_secs(1);
/// How long the receiver may take to close after the sender did. Until then what comes is no answer of its own.
const GOODBYE_WAIT: Duration = Duration::from_millis(100);
/// How long a connection is watched after its first answer: a receiver that closes after each answer without saying so
/// does it at once, and a request written into that gap would be lost without anybody's fault.
const FIRST_ANSWER_GRACE: Duration = Duration::from_millis(20);
/// How long the receiver may take to end its side of a TLS 1.3 handshake before a reset.
const SETTLE_WAIT: Duration = Duration::from_millis(250);
/// The first byte of a TLS alert: what a TLS port says to something else.
const TLS_ALERT: u8 = 0x15;

/// What is left of the connection.
#[derive(Debug)]
pub(crate) enum Left {
    /// It may carry another request.
    Open(Box<Connection>),
    /// It is to be held open to the scenario's end.
    Held(Box<Connection>),
    /// Nothing.
    Nothing,
}

/// Whether the connection is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// For a further request.
    Yes,
    /// It is closed after the answer.
    No,
}

/// Whether the answer to a request that is broken off is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// It is waited for.
    Yes,
    /// Whatever comes is fine.
    No,
}

/// What reading came to.
#[derive(Debug)]
enum Came {
    Answer(Answer),
    Malformed(String),
    /// The end, or an error that is one, before an answer was whole; in these words.
    End(String),
}

/// Makes one request. `connection` is what [`Connection::words`] says of it.
pub(crate) async fn exchange(
    mut connection: Connection,
    words: String,
    plan: &Plan,
    keep: Keep,
    judged: Judged,
    waits: Waits,
) -> (Outcome, Left) {
    let mut exchange = Exchange { reader: Reader::new(plan.asked), written: 0, sent: None, latency: None };
    let ending = exchange.carry_out(&mut connection, plan, judged, waits).await;
    let mut closed_after = None;
    let mut left = Left::Nothing;
    let ending = match ending {
        Ok(answer) => {
            let is_whole = exchange.written == plan.bytes.len();
            let stays = answer.persistence == Persistence::Open && is_whole;
            let leftovers = exchange.leftovers(&mut connection, plan, &answer, keep, waits).await;
            closed_after = leftovers.closed;
            connection.uses += 1;
            if keep == Keep::Yes && stays && leftovers.closed != Some(true) {
                left = Left::Open(Box::new(connection));
            } else if plan.stop.is_some_and(|stop| stop.then == Then::Wait) {
                left = Left::Held(Box::new(connection));
            }
            match leftovers.wrong {
                Some(wrong) => (Ending::Malformed(wrong), Some(answer)),
                None => (Ending::Status(answer.status), Some(answer)),
            }
        }
        Err(ending) => {
            if plan.stop.is_some_and(|stop| stop.then == Then::Wait) {
                left = Left::Held(Box::new(connection));
            }
            (ending, None)
        }
    };
    let (ending, answer) = ending;
    let outcome = Outcome {
        ending,
        answer,
        received: Bytes::copy_from_slice(exchange.reader.received()),
        written: exchange.written,
        latency: exchange.latency,
        closed_after,
        connection: words,
    };
    (outcome, left)
}

/// What the peer of a kept connection did since its last answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Idle {
    /// Nothing: it may be used.
    Quiet,
    /// It closed the connection, as it may at any time.
    Closed,
    /// It sent bytes that nobody asked for.
    Spoke(Vec<u8>),
}

/// Looks at a kept connection before it is used again.
pub(crate) async fn idle(connection: &mut Connection) -> Idle {
    let grace = if connection.uses == 1 { FIRST_ANSWER_GRACE } else { Duration::ZERO };
    let mut bytes = vec![0; 4_096];
    match timeout(grace, connection.stream.read(&mut bytes)).await {
        Err(_) => Idle::Quiet,
        Ok(Ok(0) | Err(_)) => Idle::Closed,
        Ok(Ok(count)) => {
            bytes.truncate(count);
            // A server that tires of waiting may say so before it closes (RFC 9110, 15.5.9).
            if bytes.starts_with(b"HTTP/1.1 408") || bytes.starts_with(b"HTTP/1.0 408") {
                Idle::Closed
            } else {
                Idle::Spoke(bytes)
            }
        }
    }
}

/// One request under way.
struct Exchange {
    reader: Reader,
    written: usize,
    /// Runs from the request's last byte.
    sent: Option<Stopwatch>,
    latency: Option<Duration>,
}

/// What came after an answer.
struct Leftovers {
    wrong: Option<String>,
    closed: Option<bool>,
}

impl Exchange {
    async fn carry_out(
        &mut self,
        connection: &mut Connection,
        plan: &Plan,
        judged: Judged,
        waits: Waits,
    ) -> Result<Answer, Ending> {
        if let Some(Stop { then: Then::Reset, .. }) = plan.stop
            && connection.is_tls13()
        {
            // A reset at once would end the receiver's handshake rather than the request.
            let _tickets_or_given_up = timeout(SETTLE_WAIT, connection.tcp().peek(&mut [0])).await;
        }
        let is_raw = connection.is_raw;
        let linger = SockRef::from(connection.tcp()).set_linger(match plan.stop {
            // Closing with no time to linger makes the kernel send RST.
            Some(Stop { then: Then::Reset, .. }) => Some(Duration::ZERO),
            _ => None,
        });
        let (mut reading, mut writing) = tokio::io::split(&mut connection.stream);
        let leave = Notify::new();
        let early = {
            let read = read(&mut reading, &mut self.reader, &leave);
            let write = timeout(
                waits.send + plan.cuts.iter().map(|cut| cut.pause).sum::<Duration>(),
                write(&mut writing, plan, &mut self.written, &leave),
            );
            tokio::select! {
                biased;
                came = read => Some(came),
                written = write => match written {
                    Ok(Ok(())) => None,
                    // The answer may lie behind the error: a receiver that refuses a request need not read it.
                    Ok(Err(_)) => None,
                    Err(_) => {
                        let limit = waits.send;
                        return Err(Ending::Silent(format!("the request was not taken within {limit:?}")));
                    }
                },
            }
        };
        let sent = Stopwatch::start();
        self.sent = Some(sent);
        let limit = match (plan.stop, judged) {
            (None, _) | (Some(_), Judged::Yes) => waits.answer,
            (Some(_), Judged::No) => FAREWELL_WAIT.min(waits.answer),
        };
        let came = match (early, plan.stop) {
            (Some(came), _) => Some(came),
            (None, Some(Stop { then: Then::Reset, .. })) => {
                linger.map_err(|error| Ending::Closed(error.to_string()))?;
                return Err(Ending::BrokenOff);
            }
            (None, Some(Stop { then: Then::Wait, .. })) if judged == Judged::No => {
                return Err(Ending::BrokenOff);
            }
            (None, stop) => {
                if stop.is_some_and(|stop| stop.then == Then::Close) {
                    let _closed_by_the_peer_already = timeout(limit, writing.shutdown()).await;
                }
                timeout(limit, read(&mut reading, &mut self.reader, &leave)).await.ok()
            }
        };
        let came = self.ending(came, limit, is_raw);
        if came.is_ok() {
            self.latency = Some(sent.elapsed());
        }
        came
    }

    fn ending(&self, came: Option<Came>, limit: Duration, is_raw: bool) -> Result<Answer, Ending> {
        let received = self.reader.received();
        let alert = received.first() == Some(&TLS_ALERT);
        match came {
            Some(Came::Answer(answer)) => Ok(answer),
            Some(Came::Malformed(_)) if alert => {
                Err(Ending::Closed("closed with a TLS alert, without an answer".to_owned()))
            }
            Some(Came::Malformed(_)) if is_raw => {
                Err(Ending::Closed("the bytes were answered by others that are no HTTP".to_owned()))
            }
            Some(Came::Malformed(reason)) => Err(Ending::Malformed(reason)),
            Some(Came::End(words)) => Err(Ending::Closed(words)),
            None if received.is_empty() => Err(Ending::Silent(format!("no answer within {limit:?}"))),
            None => Err(Ending::Malformed(format!(
                "it stops {}: nothing more came within {limit:?}",
                self.reader.place()
            ))),
        }
    }

    /// Looks at what comes after the answer, and closes a connection that is not kept.
    async fn leftovers(
        &mut self,
        connection: &mut Connection,
        plan: &Plan,
        answer: &Answer,
        keep: Keep,
        waits: Waits,
    ) -> Leftovers {
        let is_cut = answer.body.len() >= BODY_MAX;
        let wrong = (!is_cut).then(|| self.wrong_rest(plan, "right after the answer")).flatten();
        let mut left = Leftovers { wrong, closed: None };
        if waits.close == AwaitClose::Yes {
            let ended = timeout(waits.answer, until_end(&mut connection.stream, &mut self.reader)).await;
            left.closed = Some(ended.is_ok());
        } else if keep == Keep::No
            && plan.stop.is_none()
            && answer.persistence == Persistence::Open
            && !is_cut
        {
            let goodbye = async {
                let _closed_already = connection.stream.shutdown().await;
                until_end(&mut connection.stream, &mut self.reader).await;
            };
            let _ended_or_given_up = timeout(GOODBYE_WAIT, goodbye).await;
        }
        if left.wrong.is_none() && !is_cut {
            left.wrong = self.wrong_rest(plan, "after the answer");
        }
        left
    }

    /// Bytes after the answer that are no answer to something else that was sent, nor a farewell.
    fn wrong_rest(&self, plan: &Plan, place: &str) -> Option<String> {
        let rest = self.reader.rest();
        let is_farewell = rest.starts_with(b"HTTP/1.1 408") || rest.starts_with(b"HTTP/1.0 408");
        if rest.is_empty() || is_farewell || (plan.asked.may_be_several && rest.starts_with(b"HTTP/1.")) {
            return None;
        }
        let beginning = rest[..rest.len().min(40)].escape_ascii();
        Some(format!("{} bytes came {place}: `{beginning}`", rest.len()))
    }
}

/// Writes the plan's pieces.
async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    plan: &Plan,
    written: &mut usize,
    leave: &Notify,
) -> io::Result<()> {
    for cut in &plan.cuts {
        if plan.expect == Expect::Continue && *written == plan.head_end {
            let _leave_or_none = timeout(CONTINUE_WAIT, leave.notified()).await;
        }
        if !cut.pause.is_zero() {
            pause(cut.pause).await;
        }
        stream.write_all(&plan.bytes[*written..cut.end]).await?;
        stream.flush().await?;
        *written = cut.end;
    }
    Ok(())
}

/// Reads to the end of the answer.
async fn read(stream: &mut (impl AsyncRead + Unpin), reader: &mut Reader, leave: &Notify) -> Came {
    let mut buffer = vec![0; 16 << 10];
    loop {
        match reader.poll() {
            Ok(Progress::Whole(answer)) => return Came::Answer(answer),
            Ok(Progress::Continue) => {
                leave.notify_one();
                continue;
            }
            Ok(Progress::Unfinished) => {}
            Err(reason) => return Came::Malformed(reason.0),
        }
        let words = match stream.read(&mut buffer).await {
            Ok(0) => "closed without an answer".to_owned(),
            Ok(count) => {
                reader.push(&buffer[..count]);
                continue;
            }
            // Many servers close TCP without saying goodbye in TLS.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                "closed without an answer".to_owned()
            }
            Err(error) if reader.received().is_empty() => {
                return Came::End(format!("closed without an answer: {error}"));
            }
            Err(error) => error.to_string(),
        };
        return match reader.end() {
            Ok(Some(answer)) => Came::Answer(answer),
            Ok(None) => Came::End(words),
            Err(reason) => Came::Malformed(reason.0),
        };
    }
}

/// Reads until the connection ends, up to a few bytes: those that nobody asked for.
async fn until_end(stream: &mut (impl AsyncRead + Unpin), reader: &mut Reader) {
    /// Enough to show what it is.
    const MOST: usize = 4_096;
    let mut buffer = vec![0; MOST];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        if reader.rest().len() < MOST {
            reader.push(&buffer[..count]);
        }
    }
}

/// What a request that is broken off before TLS, or instead of it, comes to.
pub(crate) fn needs_no_tls(plan: &Plan) -> bool {
    plan.stop.is_some_and(|stop| stop.after == StopAfter::Connect)
}
