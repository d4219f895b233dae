//! The transport over real sockets.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use pns_engine::{Answer, FailureReason};
use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;

use super::dial::{self, DialError};
use super::exchange::{self, Sent, Trace, Waits};
use super::failure::Failure;
use super::head::{self, CommonHeaders, Head};
use super::injected::{self, Break};
use super::pool::{Connection, Pool};
use super::settings::{Http2, PlainHttp, Settings, SettingsError};
use super::stopwatch::{self, Stopwatch};
use super::{Exchange, Request, Response, Transport, raw, retry_after, trust};
use crate::endpoint::Endpoint;
use crate::fault::Injection;

/// Makes attempts over HTTPS (and over plain HTTP where the settings permit it). Clones share one pool.
#[derive(Clone, Debug)]
pub struct HttpsTransport {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    common: CommonHeaders,
    pub(super) verifier: Arc<dyn ServerCertVerifier>,
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

impl HttpsTransport {
    /// A transport with `settings`. Reads the platform's certificate authorities where those are trusted.
    ///
    /// # Errors
    /// When the settings contradict themselves, or the certificate bundle cannot be used.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let common = CommonHeaders::new(&settings)?;
        let (verifier, note) = trust::verifier(&settings.trust)?;
        let config = |alpn: &[&[u8]]| {
            trust::client_config(Arc::clone(&verifier), rustls::ALL_VERSIONS, alpn).map(Arc::new)
        };
        let tls_http1 = config(&[b"http/1.1"])?;
        let tls = match settings.http2 {
            Http2::Never => Arc::clone(&tls_http1),
            Http2::Offered => config(&[b"h2", b"http/1.1"])?,
        };
        let notes = note.into_iter().collect();
        let pool = Pool::new(settings.pool);
        Ok(Self { shared: Arc::new(Shared { settings, common, verifier, tls, tls_http1, pool, notes }) })
    }

    /// What people must be told about the settings: certificates not verified, built-in authorities used.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.shared.notes
    }

    /// The headers with which `request` would go out, in order; what may be secret is marked sensitive.
    #[must_use]
    pub fn headers(&self, request: &Request) -> HeaderMap {
        head::headers(request, &self.shared.common).headers
    }

    /// Asks a receiver what it did: a GET, with the same connections, limits and trust as a notification. Plain
    /// HTTP is fine here, since this is no notification. The API key stays at home: it is agreed for
    /// notifications, and the address asked may be another host's.
    pub async fn get(&self, endpoint: Arc<Endpoint>) -> Exchange {
        self.attempt(Request { method: Method::GET, ..Request::new(endpoint, Bytes::new()) }).await
    }

    /// Closes the connections that are kept for reuse. A receiver that serves few at a time would wait for them.
    pub fn close_idle(&self) {
        self.shared.pool.clear();
    }

    /// Connects once, as an attempt would, without sending anything. The connection is kept for the first attempt.
    ///
    /// A client certificate that is demanded under TLS 1.3 shows only when that attempt reads.
    ///
    /// # Errors
    /// The failure that an attempt would have met, and the underlying error's own words.
    pub async fn connect(&self, endpoint: &Endpoint) -> Result<(), (FailureReason, String)> {
        let shared = &*self.shared;
        if shared.refuses(endpoint) {
            return Err((FailureReason::InsecureEndpoint, "nothing was sent".into()));
        }
        match shared.dial(endpoint, shared.settings.waits(), &mut Trace::default()).await {
            Err(failure) => Err((failure.reason, failure.detail)),
            Ok(connection) => {
                shared.keep(endpoint.origin(), Some(connection));
                Ok(())
            }
        }
    }
}

impl Transport for HttpsTransport {
    async fn attempt(&self, request: Request) -> Exchange {
        let watch = Stopwatch::start();
        let shared = &*self.shared;
        let Head { headers, left_out } = head::headers(&request, &shared.common);
        let injection = request.injection.as_ref();
        let waits = shared.settings.waits().of(&request);
        let unsent = if request.method == Method::POST && shared.refuses(&request.endpoint) {
            Some((FailureReason::InsecureEndpoint, None))
        } else {
            injected::unsent(injection, waits)
        };
        if let Some((reason, waited)) = unsent {
            let unsent = Exchange::unsent(Answer::NoResponse(reason), headers, request.injection);
            return Exchange { waited, detail: left_out, ..unsent };
        }
        let mut trace = Trace::default();
        let (result, duplicate) = shared.carry_out(&request, &headers, waits, &mut trace).await;
        let (answer, pretended) = injected::seen(injection, answer(&result, trace.response.as_ref()), waits);
        let mut timings = trace.timings;
        timings.total = watch.elapsed();
        Exchange {
            answer,
            request_headers: headers,
            response: trace.response,
            duplicate,
            timings,
            reused: trace.reused,
            remote: trace.remote,
            detail: detail(result.err(), left_out),
            waited: pretended.or(trace.waited),
            injection: request.injection,
        }
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

fn detail(failure: Option<Failure>, left_out: Option<String>) -> Option<String> {
    match (failure, left_out) {
        (Some(failure), Some(left_out)) => Some(format!("{}; {left_out}", failure.detail)),
        (Some(failure), None) => Some(failure.detail),
        (None, left_out) => left_out,
    }
}

impl Shared {
    /// Whether notifications to `endpoint` stay unsent.
    pub(super) fn refuses(&self, endpoint: &Endpoint) -> bool {
        !endpoint.is_secure() && self.settings.plain_http == PlainHttp::Refused
    }

    /// What goes over the wire for one attempt, and the answer to a second copy.
    async fn carry_out(
        &self,
        request: &Request,
        headers: &HeaderMap,
        waits: Waits,
        trace: &mut Trace,
    ) -> (Result<(), Failure>, Option<Answer>) {
        if let Some(broken) = Break::of(request.injection.as_ref()) {
            return (self.break_off(request, headers, broken, waits, trace).await, None);
        }
        let first = self.exchange(request, headers, Connections::Pooled, waits, trace);
        if request.injection != Some(Injection::Duplicate) {
            return (first.await, None);
        }
        let mut copy = Trace::default();
        let second = self.exchange(request, headers, Connections::Fresh, waits, &mut copy);
        let (first, second) = tokio::join!(first, second);
        (first, Some(answer(&second, copy.response.as_ref())))
    }

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
        let limit = self.settings.limits.body_bytes;
        if connections == Connections::Pooled
            && let Some(connection) = self.pool.take(origin)
        {
            trace.reused = true;
            trace.remote = Some(connection.remote);
            match exchange::send(request, headers, connection, limit, waits, trace).await {
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
        match exchange::send(request, headers, connection, limit, waits, trace).await {
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
