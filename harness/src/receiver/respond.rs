//! One request: where it goes, what becomes of the notification in it, and the answer.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, request};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use jiff::Timestamp;
use pns_simulator::clock;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::connection::Ending;
use super::journal::Repeats;
use super::judge::{Notification, Refusal, judge, refusal};
use super::reaction::{Answer, Effect, Reaction, StatusAnswer};
use super::{Answered, Disposition, Received, Shared, inspect};

/// The response that is cut short announces this many bytes and sends half.
const CUT_BODY: &[u8] = br#"{"status":"processed","eventId":""#;

/// What a request needs to know of its connection.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) shared: Arc<Shared>,
    pub(crate) ending: mpsc::Sender<Ending>,
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Exchange {
    /// Ends the connection; this request never gets an answer.
    async fn end(&self, ending: Ending) -> Response<AnswerBody> {
        // A full channel means that another stream of this connection has ended it already.
        let _ending_already = self.ending.try_send(ending);
        std::future::pending().await
    }

    /// Waits for `span` of real time, or until the receiver stops.
    async fn wait(&self, span: Duration) {
        let mut stopping = self.stopping.clone();
        let _stopped = timeout(span, stopping.wait_for(|stopping| *stopping)).await;
    }
}

/// Answers one request.
pub(crate) async fn respond(
    exchange: Arc<Exchange>,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Infallible> {
    if request.version() == Version::HTTP_11 && request.headers().get_all(HOST).iter().count() != 1 {
        // RFC 9112, 3.2: a server must.
        return Ok(problem(refusal(StatusCode::BAD_REQUEST, "a request names one host")));
    }
    let path = request.uri().path();
    let own = path == "/healthz" || path == "/inspect" || path.starts_with("/inspect/");
    let taken = exchange.shared.settings.path.as_deref().map_or(!own, |taken| path == taken);
    let response = match (taken, own, request.method()) {
        (true, _, &Method::POST) => receive(&exchange, request).await,
        (true, _, _) => not_allowed("POST"),
        (false, true, &Method::GET) => inspect::answer(&exchange.shared, path),
        (false, true, _) => not_allowed("GET"),
        (false, false, _) => problem(refusal(StatusCode::NOT_FOUND, "notifications go to another path")),
    };
    Ok(response)
}

async fn receive(exchange: &Exchange, request: Request<Incoming>) -> Response<AnswerBody> {
    let shared = &exchange.shared;
    let (parts, body) = request.into_parts();
    let early = {
        let mut player = shared.player();
        (!player.needs_event_id()).then(|| player.next(None, shared.uptime.elapsed()))
    };
    let unread = early.as_ref().is_some_and(|reaction| reaction.answer == Answer::HangBeforeReading);
    let body = if unread { Ok(Bytes::new()) } else { read(exchange, &parts.headers, body).await };
    let bytes = body.as_deref().map_err(|refusal| *refusal);
    let (notification, verdict) = judge(&shared.settings, &parts.headers, bytes);
    let reaction = early
        .unwrap_or_else(|| shared.player().next(notification.event_id.as_deref(), shared.uptime.elapsed()));
    let said = match (&shared.integration, &body) {
        (Some(integration), Ok(body)) => integration.read(body, notification.event_type.as_deref()),
        _ => None,
    };
    let disposition = record(shared, &parts, body.unwrap_or_default(), notification, &reaction, &verdict);
    if !reaction.delay.is_zero() {
        exchange.wait(reaction.delay).await;
    }
    if let (Some(integration), Some(said), Disposition::Processed) = (&shared.integration, said, disposition)
    {
        integration.follow(said).await;
    }
    match reaction.answer {
        Answer::Correct => match verdict {
            Ok(_) => acknowledgement(disposition),
            Err(refusal) => problem(refusal),
        },
        Answer::Status(status) => scripted(status),
        Answer::Hang | Answer::HangBeforeReading => {
            exchange.wait(shared.settings.limits.hang_time).await;
            exchange.end(Ending::Close).await
        }
        Answer::Reset => exchange.end(Ending::Reset).await,
        Answer::Close => exchange.end(Ending::Close).await,
        Answer::Malformed => exchange.end(Ending::Malformed).await,
        Answer::Cut => cut(exchange.ending.clone()),
    }
}

async fn read(exchange: &Exchange, headers: &HeaderMap, body: Incoming) -> Result<Bytes, Refusal> {
    let limits = exchange.shared.settings.limits;
    let too_large = refusal(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than this receiver takes");
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|announced| announced > limits.body_max as u64) {
        return Err(too_large);
    }
    match timeout(limits.body_time, Limited::new(body, limits.body_max).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large),
        Ok(Err(_)) => Err(refusal(StatusCode::BAD_REQUEST, "the body broke off")),
        Err(_) => Err(refusal(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    }
}

/// Lets the effect take place and takes the request down, both in one step: of concurrent duplicates one is first.
fn record(
    shared: &Shared,
    parts: &request::Parts,
    body: Bytes,
    notification: Notification,
    reaction: &Reaction,
    verdict: &Result<String, Refusal>,
) -> Disposition {
    let answered = match (&reaction.answer, verdict) {
        (Answer::Correct, Ok(_)) => Answered::Status(200),
        (Answer::Correct, Err(refusal)) => Answered::Status(refusal.status.as_u16()),
        (Answer::Status(status), _) => Answered::Status(status_code(status.code).as_u16()),
        (Answer::Hang, _) => Answered::None("hang"),
        (Answer::HangBeforeReading, _) => Answered::None("hang-before-reading"),
        (Answer::Reset, _) => Answered::None("reset"),
        (Answer::Close, _) => Answered::None("close"),
        (Answer::Malformed, _) => Answered::None("malformed"),
        (Answer::Cut, _) => Answered::None("cut"),
    };
    let at = clock::real_now().as_nanos();
    let mut received = Received {
        sequence: 0,
        at: Timestamp::from_nanosecond(i128::from(at)).unwrap_or(Timestamp::UNIX_EPOCH),
        event_id: notification.event_id,
        event_type: notification.event_type,
        path: parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        version: format!("{:?}", parts.version),
        headers: redacted(&parts.headers),
        body_len: body.len(),
        body,
        disposition: Disposition::Refused,
        answered,
    };
    let mut journal = shared.journal();
    received.disposition = match (reaction.effect, verdict) {
        (_, Err(_)) if reaction.answer == Answer::HangBeforeReading => Disposition::Ignored,
        (_, Err(_)) => Disposition::Refused,
        (Effect::Ignore, Ok(_)) => Disposition::Ignored,
        (Effect::Process, Ok(event_id)) => journal.process(event_id, Repeats::Once),
        (Effect::ProcessAgain, Ok(event_id)) => journal.process(event_id, Repeats::EveryTime),
    };
    let received = journal.record(received);
    let disposition = received.disposition;
    if shared.observers.receiver_count() > 0 {
        // Sent under the lock, so that observers see the order of the sequence numbers.
        let _nobody_listens = shared.observers.send(received);
    }
    disposition
}

fn redacted(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = |name: &HeaderName, value: &HeaderValue| {
        if name != AUTHORIZATION && name.as_str() != "proxy-authorization" && name.as_str() != "cookie" {
            return String::from_utf8_lossy(value.as_bytes()).into_owned();
        }
        let scheme = value.to_str().ok().and_then(|text| text.split_once(' ')).map(|(scheme, _)| scheme);
        scheme.map_or("***".to_owned(), |scheme| format!("{scheme} ***"))
    };
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), shown(name, value))).collect()
}

fn acknowledgement(disposition: Disposition) -> Response<AnswerBody> {
    json(StatusCode::OK, &serde_json::json!({ "status": disposition }))
}

/// A JSON body.
pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Response<AnswerBody> {
    response(status, "application/json", value.to_string())
}

/// What is wrong, as a problem body (RFC 9457).
pub(crate) fn problem(refusal: Refusal) -> Response<AnswerBody> {
    let title = refusal.status.canonical_reason().unwrap_or("Refused");
    let body =
        serde_json::json!({ "title": title, "status": refusal.status.as_u16(), "detail": refusal.detail });
    let mut response = response(refusal.status, "application/problem+json", body.to_string());
    if refusal.status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("api_key"));
    }
    response
}

fn not_allowed(allowed: &'static str) -> Response<AnswerBody> {
    let mut response =
        problem(refusal(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method"));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

fn scripted(status: StatusAnswer) -> Response<AnswerBody> {
    let code = status_code(status.code);
    let bodiless = code == StatusCode::NO_CONTENT || code == StatusCode::NOT_MODIFIED;
    let mut scripted = match status.body {
        _ if bodiless => {
            let mut response = Response::new(AnswerBody::whole(Bytes::new()));
            *response.status_mut() = code;
            response
        }
        Some(body) => response(code, "text/plain; charset=utf-8", body),
        None => json(code, &serde_json::json!({ "status": code.as_u16(), "detail": "scripted" })),
    };
    let headers = scripted.headers_mut();
    if let Some(retry_after) = status.retry_after {
        let seconds = retry_after.as_secs().saturating_add(u64::from(retry_after.subsec_nanos() > 0));
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    for (name, value) in status.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    scripted
}

fn status_code(code: u16) -> StatusCode {
    let sane = StatusCode::from_u16(code).ok().filter(|code| (200..600).contains(&code.as_u16()));
    sane.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn cut(ending: mpsc::Sender<Ending>) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody {
        bytes: Some(Bytes::from_static(&CUT_BODY[..CUT_BODY.len() / 2])),
        cut: Some(ending),
        announced: CUT_BODY.len() as u64,
    });
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn response(status: StatusCode, content_type: &'static str, body: String) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::whole(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A body sent whole, or one that stops before its announced end and takes the connection with it.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    bytes: Option<Bytes>,
    cut: Option<mpsc::Sender<Ending>>,
    announced: u64,
}

impl AnswerBody {
    fn whole(bytes: Bytes) -> Self {
        Self { announced: bytes.len() as u64, bytes: Some(bytes), cut: None }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(bytes) = self.bytes.take() {
            self.announced -= bytes.len() as u64;
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &self.cut {
            None => Poll::Ready(None),
            Some(ending) => {
                // The rest never comes: the connection's end is what wakes this body's reader.
                let _ending_already = ending.try_send(Ending::Cut);
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.cut.is_none() && self.bytes.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}
