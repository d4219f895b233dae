//! One request on one connection, and its response.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, HOST};
use http::{HeaderMap, Version};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use pns_engine::FailureReason;
use tokio::time::timeout;

use super::failure::Failure;
use super::payload::Payload;
use super::pool::{Connection, Protocol};
use super::stopwatch::Stopwatch;
use super::wire::Progress;
use super::{Request, Response, Timings};
use crate::fault::Injection;

/// One request and what is known of it so far.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) timings: Timings,
    pub(super) reused: bool,
    pub(super) remote: Option<SocketAddr>,
    pub(super) response: Option<Response>,
    pub(super) waited: Option<Duration>,
}

/// The bounds of one attempt's waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    pub(super) connect: Duration,
    pub(super) send: Duration,
    pub(super) acknowledgement: Duration,
}

impl Waits {
    /// These, or those that `request` asks for.
    pub(super) fn of(self, request: &Request) -> Self {
        Self {
            connect: request.connect_timeout.unwrap_or(self.connect),
            send: self.send,
            acknowledgement: request.ack_timeout.unwrap_or(self.acknowledgement),
        }
    }
}

/// What became of a request on one connection.
#[derive(Debug)]
pub(super) enum Sent {
    /// A whole response; the connection may be used again.
    Done(Option<Connection>),
    /// The connection was closed before a byte of the request was written.
    Unsent(Failure),
    /// Anything else.
    Failed(Failure),
}

/// Sends `request` on `connection` and reads up to `body_limit` bytes of the response's body.
pub(super) async fn send(
    request: &Request,
    headers: &HeaderMap,
    mut connection: Connection,
    body_limit: usize,
    mut waits: Waits,
    trace: &mut Trace,
) -> Sent {
    let watch = Stopwatch::start();
    let progress = Arc::clone(&connection.progress);
    progress.begin();
    let slow = match request.injection {
        Some(Injection::SlowBody(span)) => Some(span),
        _ => None,
    };
    waits.send = waits.send.saturating_add(slow.unwrap_or_default());
    let payload = Payload::new(request.body.clone(), Arc::clone(&progress), slow);
    let version = connection.version();
    let message = match message(request, headers, version, payload) {
        Ok(message) => message,
        Err(error) => return Sent::Failed(Failure::new(FailureReason::Unreachable, error.to_string())),
    };
    let exchange = exchange(&mut connection, message, body_limit, &mut trace.response);
    match within(exchange, &progress, waits, version).await {
        Ok(Ok(whole)) => {
            trace.timings.acknowledge = Some(watch.elapsed());
            // An answer that came before the whole request was written leaves the rest of it on the connection.
            let clean = whole == Whole::Reusable && (version == Version::HTTP_2 || progress.is_sent());
            Sent::Done(clean.then_some(connection))
        }
        Ok(Err(sent)) => sent,
        Err((reason, limit)) => {
            trace.waited = Some(limit);
            Sent::Failed(Failure::new(reason, format!("not done within {limit:?}")))
        }
    }
}

/// Hands the request to the HTTP library and reads what comes back.
async fn exchange(
    connection: &mut Connection,
    message: http::Request<Payload>,
    body_limit: usize,
    response: &mut Option<Response>,
) -> Result<Whole, Sent> {
    let asked = Arc::clone(&connection.asked);
    // The task that drives the connection may not have seen the end of the exchange before: only then is it
    // known whether the connection still stands.
    let outcome = match &mut connection.protocol {
        Protocol::Http1(sender) => match sender.ready().await {
            Ok(()) => sender.try_send_request(message).await,
            Err(error) => return Err(Sent::Unsent(Failure::exchange(&error, asked.get()))),
        },
        Protocol::Http2(sender) => match sender.ready().await {
            Ok(()) => sender.try_send_request(message).await,
            Err(error) => return Err(Sent::Unsent(Failure::exchange(&error, asked.get()))),
        },
    };
    match outcome {
        Ok(answer) => read(answer, body_limit, response)
            .await
            .map_err(|error| Sent::Failed(Failure::exchange(&error, asked.get()))),
        Err(mut error) => {
            let unsent = error.take_message().is_some();
            let failure = Failure::exchange(error.error(), asked.get());
            Err(if unsent { Sent::Unsent(failure) } else { Sent::Failed(failure) })
        }
    }
}

/// The request as the HTTP library takes it: a path over HTTP/1.1, the whole address over HTTP/2. The library
/// keeps the headers, and so does the ledger: hence the copy, whose values are shared.
fn message(
    request: &Request,
    headers: &HeaderMap,
    version: Version,
    payload: Payload,
) -> Result<http::Request<Payload>, http::Error> {
    let endpoint = &request.endpoint;
    let builder = http::Request::builder().method(request.method.clone());
    let mut headers = headers.clone();
    let builder = if version == Version::HTTP_2 {
        headers.remove(HOST);
        let scheme = endpoint.scheme().as_str();
        builder.uri(format!("{scheme}://{}{}", endpoint.authority(), endpoint.path_and_query()))
    } else {
        builder.uri(endpoint.path_and_query())
    };
    let mut message = builder.body(payload)?;
    *message.headers_mut() = headers;
    Ok(message)
}

/// Bounds an exchange: first the sending, then, from the last byte sent, the acknowledgement. Over HTTP/2 the
/// end of sending cannot be seen from outside, so one wait bounds both.
async fn within<T>(
    exchange: impl Future<Output = T>,
    progress: &Progress,
    waits: Waits,
    version: Version,
) -> Result<T, (FailureReason, Duration)> {
    let mut exchange = std::pin::pin!(exchange);
    if version != Version::HTTP_2 {
        let sending = async {
            tokio::select! {
                biased;
                done = &mut exchange => Some(done),
                () = progress.sent() => None,
            }
        };
        match timeout(waits.send, sending).await {
            Ok(Some(done)) => return Ok(done),
            Ok(None) => {}
            Err(_) => return Err((FailureReason::SendTimeout, waits.send)),
        }
    }
    let limit = waits.acknowledgement;
    timeout(limit, exchange).await.map_err(|_| (FailureReason::AcknowledgementTimeout, limit))
}

/// Whether a whole response leaves its connection fit for another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whole {
    Reusable,
    LastOfItsConnection,
}

/// Reads a response up to the body's limit. The head stands in `response` also when the rest fails or hangs.
async fn read(
    answer: http::Response<Incoming>,
    limit: usize,
    response: &mut Option<Response>,
) -> Result<Whole, hyper::Error> {
    let (parts, mut incoming) = answer.into_parts();
    let closes = parts.headers.get_all(CONNECTION).iter().any(|value| {
        value
            .to_str()
            .is_ok_and(|text| text.split(',').any(|token| token.trim().eq_ignore_ascii_case("close")))
    });
    let (status, version) = (parts.status, parts.version);
    let response = response.insert(Response {
        status,
        version,
        headers: parts.headers,
        body: Bytes::new(),
        truncated: false,
    });
    let mut body = BytesMut::new();
    let mut failure = None;
    while !incoming.is_end_stream() {
        let data = match incoming.frame().await {
            None => break,
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            Some(Err(error)) => {
                failure = Some(error);
                break;
            }
        };
        let room = limit - body.len();
        body.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            response.truncated = true;
            break;
        }
    }
    response.body = body.freeze();
    match failure {
        Some(error) => Err(error),
        None if response.truncated || closes || version == Version::HTTP_10 => Ok(Whole::LastOfItsConnection),
        None => Ok(Whole::Reusable),
    }
}
