//! The transport over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, HOST};
use http::{HeaderMap, HeaderValue, Method, Version};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use pns_engine::{Answer, FailureReason};
use rustls::ClientConfig;
use tokio::time::timeout;

use super::dial::{self, DialError};
use super::failure::Failure;
use super::head::{self, CommonHeaders};
use super::payload::Payload;
use super::pool::{Connection, Pool, Protocol};
use super::raw::{self, Break};
use super::settings::{Http2, PlainHttp, Settings, SettingsError};
use super::stopwatch::{self, Stopwatch};
use super::wire::Progress;
use super::{Exchange, Request, Response, Timings, Transport, retry_after, trust};
use crate::endpoint::Endpoint;
use crate::fault::Injection;

/// Makes attempts over HTTPS (and over plain HTTP where the settings permit it). Clones share one pool.
#[derive(Clone, Debug)]
pub struct HttpsTransport {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    common: CommonHeaders,
    tls: Arc<ClientConfig>,
    /// For requests that are broken off below the HTTP library, which are HTTP/1.1.
    tls_http1: Arc<ClientConfig>,
    pool: Pool,
    notes: Vec<String>,
}

/// Which connection a request may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connections {
    Pooled,
    Fresh,
}

/// One request and what is known of it so far.
#[derive(Debug, Default)]
struct Trace {
    timings: Timings,
    reused: bool,
    remote: Option<SocketAddr>,
    response: Option<Response>,
    detail: Option<String>,
    waited: Option<Duration>,
}

/// The bounds of one attempt's waits.
#[derive(Clone, Copy, Debug)]
struct Waits {
    connect: Duration,
    send: Duration,
    acknowledgement: Duration,
}

impl HttpsTransport {
    /// A transport with `settings`. Reads the platform's certificate authorities where those are trusted.
    ///
    /// # Errors
    /// When the settings contradict themselves, or the certificate bundle cannot be used.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let timeouts = &settings.timeouts;
        for (name, span) in [
            ("resolve", timeouts.resolve),
            ("connect", timeouts.connect),
            ("TLS", timeouts.tls),
            ("send", timeouts.send),
            ("acknowledgement", timeouts.acknowledgement),
        ] {
            if span.is_zero() {
                return Err(SettingsError::ZeroTimeout(name));
            }
        }
        if settings.limits.head_bytes < super::ResponseLimits::HEAD_BYTES_MIN {
            return Err(SettingsError::HeadLimit(settings.limits.head_bytes));
        }
        let value = |text: &str| {
            HeaderValue::from_str(text)
                .map_err(|_| SettingsError::HeaderValue(text.escape_default().to_string()))
        };
        let common = CommonHeaders {
            user_agent: value(&settings.user_agent)?,
            content_type: value(&settings.content_type)?,
        };
        let (tls, notes) = trust::client_config(&settings.trust, settings.http2)?;
        let tls = Arc::new(tls);
        let tls_http1 = match settings.http2 {
            Http2::Never => Arc::clone(&tls),
            Http2::Offered => {
                let mut config = ClientConfig::clone(&tls);
                config.alpn_protocols = vec![b"http/1.1".to_vec()];
                Arc::new(config)
            }
        };
        let pool = Pool::new(settings.pool);
        Ok(Self { shared: Arc::new(Shared { settings, common, tls, tls_http1, pool, notes }) })
    }

    /// What people must be told about the settings: certificates not verified, built-in authorities used.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.shared.notes
    }

    /// Asks a receiver what it did: a GET, with the same connections, limits and trust as a notification. Plain
    /// HTTP is fine here, since this is no notification.
    pub async fn get(&self, endpoint: Arc<Endpoint>) -> Exchange {
        self.attempt(Request { method: Method::GET, ..Request::new(endpoint, Bytes::new()) }).await
    }

    /// Connects once, as an attempt would, without sending anything. The connection is kept for the first attempt.
    ///
    /// # Errors
    /// The failure that an attempt would have met, and the underlying error's own words.
    pub async fn connect(&self, endpoint: &Endpoint) -> Result<(), (FailureReason, String)> {
        let timeouts = &self.shared.settings.timeouts;
        let waits = Waits {
            connect: timeouts.connect,
            send: timeouts.send,
            acknowledgement: timeouts.acknowledgement,
        };
        match self.shared.dial(endpoint, waits, &mut Trace::default()).await {
            Err(failure) => Err((failure.reason, failure.detail)),
            Ok(connection) => {
                self.shared.keep(endpoint.origin(), Some(connection));
                Ok(())
            }
        }
    }
}

impl Transport for HttpsTransport {
    async fn attempt(&self, request: Request) -> Exchange {
        let shared = &*self.shared;
        let watch = Stopwatch::start();
        let headers = head::headers(&request, &shared.common);
        let injection = request.injection.clone();
        let is_notification = request.method == Method::POST;
        if is_notification
            && !request.endpoint.is_secure()
            && shared.settings.plain_http == PlainHttp::Refused
        {
            let answer = Answer::NoResponse(FailureReason::InsecureEndpoint);
            return Exchange::unsent(answer, headers, injection);
        }
        let waits = Waits {
            connect: request.connect_timeout.unwrap_or(shared.settings.timeouts.connect),
            send: shared.settings.timeouts.send,
            acknowledgement: request.ack_timeout.unwrap_or(shared.settings.timeouts.acknowledgement),
        };
        if let Some((reason, waited)) = unsent(injection.as_ref(), waits) {
            return Exchange { waited, ..Exchange::unsent(Answer::NoResponse(reason), headers, injection) };
        }
        let mut trace = Trace::default();
        let mut duplicate = None;
        let result = match &injection {
            Some(Injection::ResetBeforeBody) => {
                shared.break_off(&request, &headers, Break::AfterHead, waits, &mut trace).await
            }
            Some(Injection::ResetAfterBody) => {
                shared.break_off(&request, &headers, Break::AfterRequest, waits, &mut trace).await
            }
            Some(Injection::CutBody) => {
                shared.break_off(&request, &headers, Break::MidBody, waits, &mut trace).await
            }
            Some(Injection::Duplicate) => {
                let mut copy = Trace::default();
                let (first, second) = tokio::join!(
                    shared.exchange(&request, &headers, Connections::Pooled, waits, &mut trace),
                    shared.exchange(&request, &headers, Connections::Fresh, waits, &mut copy),
                );
                duplicate = Some(answer(&second, copy.response.as_ref()));
                first
            }
            _ => shared.exchange(&request, &headers, Connections::Pooled, waits, &mut trace).await,
        };
        let mut answer = answer(&result, trace.response.as_ref());
        if let Err(failure) = result {
            trace.detail = Some(failure.detail);
        }
        match (&injection, answer) {
            (Some(Injection::AckLost), Answer::Status { .. }) => {
                answer = Answer::NoResponse(FailureReason::AcknowledgementTimeout);
                trace.waited = Some(waits.acknowledgement);
            }
            (Some(Injection::Answer(code)), Answer::Status { .. }) => {
                answer = Answer::Status { code: *code, retry_after: None };
            }
            _ => {}
        }
        trace.timings.total = watch.elapsed();
        let Trace { timings, reused, remote, response, detail, waited } = trace;
        Exchange {
            answer,
            request_headers: headers,
            response,
            duplicate,
            timings,
            reused,
            remote,
            detail,
            waited,
            injection,
        }
    }
}

/// Injections under which nothing is sent, and the wait that each pretends.
fn unsent(injection: Option<&Injection>, waits: Waits) -> Option<(FailureReason, Option<Duration>)> {
    match injection? {
        Injection::Refuse => Some((FailureReason::Refused, None)),
        Injection::ConnectTimeout => Some((FailureReason::ConnectTimeout, Some(waits.connect))),
        Injection::NameResolution => Some((FailureReason::NameResolution, None)),
        _ => None,
    }
}

/// A failure outranks the response: a head alone is no whole response.
fn answer(result: &Result<(), Failure>, response: Option<&Response>) -> Answer {
    match (result, response) {
        (Err(failure), _) => Answer::NoResponse(failure.reason),
        (Ok(()), Some(response)) => Answer::Status {
            code: response.status.as_u16(),
            retry_after: retry_after::read(&response.headers, stopwatch::unix_now()),
        },
        (Ok(()), None) => Answer::NoResponse(FailureReason::ClosedBeforeResponse),
    }
}

/// What became of a request on one connection.
enum Sent {
    /// A whole response; the connection may be used again.
    Done(Option<Connection>),
    /// The connection was closed before a byte of the request was written.
    Unsent(Failure),
    /// Anything else.
    Failed(Failure),
}

impl Shared {
    /// One request on the wire, and its response.
    async fn exchange(
        &self,
        request: &Request,
        headers: &HeaderMap,
        connections: Connections,
        waits: Waits,
        trace: &mut Trace,
    ) -> Result<(), Failure> {
        let origin = request.endpoint.origin();
        if connections == Connections::Pooled
            && let Some(connection) = self.pool.take(origin)
        {
            trace.reused = true;
            trace.remote = Some(connection.remote);
            match self.send(request, headers, connection, waits, trace).await {
                Sent::Done(connection) => {
                    self.keep(origin, connection);
                    return Ok(());
                }
                Sent::Failed(mut failure) => {
                    failure.detail.push_str(" (on a kept-alive connection)");
                    return Err(failure);
                }
                // Not a byte was written: the attempt has not begun, and a new connection begins it.
                Sent::Unsent(_) => trace.reused = false,
            }
        }
        let connection = self.dial(&request.endpoint, waits, trace).await?;
        match self.send(request, headers, connection, waits, trace).await {
            Sent::Done(connection) => {
                self.keep(origin, connection);
                Ok(())
            }
            Sent::Unsent(failure) | Sent::Failed(failure) => Err(failure),
        }
    }

    fn keep(&self, origin: &str, connection: Option<Connection>) {
        if let Some(connection) = connection {
            self.pool.put(origin, connection);
        }
    }

    async fn dial(
        &self,
        endpoint: &Endpoint,
        waits: Waits,
        trace: &mut Trace,
    ) -> Result<Connection, Failure> {
        let timings = &mut trace.timings;
        let dialled = dial::stream(endpoint, &self.settings, &self.tls, waits.connect, timings)
            .await
            .map_err(|error| note(error, &mut trace.waited))?;
        trace.remote = Some(dialled.remote);
        let connection = dial::http(dialled, &self.settings).await?;
        if let Some(shared) = connection.share() {
            self.pool.put(endpoint.origin(), shared);
        }
        Ok(connection)
    }

    async fn send(
        &self,
        request: &Request,
        headers: &HeaderMap,
        mut connection: Connection,
        waits: Waits,
        trace: &mut Trace,
    ) -> Sent {
        let watch = Stopwatch::start();
        let progress = Arc::clone(&connection.progress);
        progress.begin();
        let slow = match request.injection {
            Some(Injection::SlowBody(span)) => Some(span),
            _ => None,
        };
        let waits = Waits { send: waits.send.saturating_add(slow.unwrap_or_default()), ..waits };
        let payload = Payload::new(request.body.clone(), Arc::clone(&progress), slow);
        let version = match connection.protocol {
            Protocol::Http1(_) => Version::HTTP_11,
            Protocol::Http2(_) => Version::HTTP_2,
        };
        let message = match message(request, headers, version, payload) {
            Ok(message) => message,
            Err(error) => return Sent::Failed(Failure::new(FailureReason::Unreachable, error.to_string())),
        };
        let asked = Arc::clone(&connection.asked);
        let limit = self.settings.limits.body_bytes;
        let response = &mut trace.response;
        let exchange = async {
            let outcome = match &mut connection.protocol {
                Protocol::Http1(sender) => {
                    // The task that drives the connection may not have seen the end of the exchange before.
                    if let Err(error) = sender.ready().await {
                        return Err(Sent::Unsent(Failure::exchange(&error, asked.get())));
                    }
                    sender.try_send_request(message).await
                }
                Protocol::Http2(sender) => {
                    if let Err(error) = sender.ready().await {
                        return Err(Sent::Unsent(Failure::exchange(&error, asked.get())));
                    }
                    sender.try_send_request(message).await
                }
            };
            match outcome {
                Ok(answer) => read(answer, limit, response)
                    .await
                    .map_err(|error| Sent::Failed(Failure::exchange(&error, asked.get()))),
                Err(mut error) => {
                    let unsent = error.take_message().is_some();
                    let failure = Failure::exchange(error.error(), asked.get());
                    Err(if unsent { Sent::Unsent(failure) } else { Sent::Failed(failure) })
                }
            }
        };
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

    /// Breaks the request off on a connection of its own.
    async fn break_off(
        &self,
        request: &Request,
        headers: &HeaderMap,
        broken: Break,
        waits: Waits,
        trace: &mut Trace,
    ) -> Result<(), Failure> {
        let timings = &mut trace.timings;
        let dialled =
            dial::stream(&request.endpoint, &self.settings, &self.tls_http1, waits.connect, timings)
                .await
                .map_err(|error| note(error, &mut trace.waited))?;
        trace.remote = Some(dialled.remote);
        let head = head::http1_head(request.endpoint.path_and_query(), headers);
        let (failure, waited) =
            raw::break_off(dialled.stream, &head, &request.body, broken, waits.send).await;
        trace.waited = waited;
        Err(failure)
    }
}

fn note(error: DialError, waited: &mut Option<Duration>) -> Failure {
    *waited = error.waited;
    error.failure
}

/// The request as the HTTP library takes it: a path over HTTP/1.1, the whole address over HTTP/2.
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
