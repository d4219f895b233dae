//! From an attempt to its exchange: the only part that opens sockets.
//!
//! [`HttpsTransport`] makes one request per attempt and never repeats one by itself. A kept-alive connection that
//! turns out closed before any byte of the request was written is replaced within the attempt: nothing was sent.
//! Its bare parts (a TCP connection, TLS settings) serve requests that are written by hand, byte for byte.
//! [`ScriptedTransport`] answers from memory, for tests of what drives a transport.

mod bare;
mod dial;
mod exchange;
mod failure;
mod head;
mod https;
mod injected;
mod payload;
mod pool;
mod raw;
mod retry_after;
mod scripted;
mod settings;
mod stopwatch;
mod stream;
mod tls;
mod trust;
mod wire;

pub use bare::{BareError, TlsOffer};
pub use https::HttpsTransport;
pub use scripted::ScriptedTransport;
pub use settings::{
    Http2, PlainHttp, PoolLimits, ResolveOverride, Resolver, ResponseLimits, Settings, SettingsError,
    Timeouts, Trust,
};
pub use stream::{Narrow, Stream};

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pns_engine::Answer;

use crate::endpoint::Endpoint;
use crate::fault::Injection;
use crate::secret::ApiKey;

/// One attempt to be made: everything the transport needs to write the request.
#[derive(Clone, Debug)]
pub struct Request {
    /// POST for a notification; GET only to ask a receiver what it did.
    pub method: http::Method,
    /// Where to.
    pub endpoint: Arc<Endpoint>,
    /// `Some`: `Authorization: api_key KEY`. `None`: no authorization header at all. *Documented*, both.
    pub api_key: Option<ApiKey>,
    /// Further headers that the user asks for, in order.
    pub headers: Arc<Vec<(http::HeaderName, http::HeaderValue)>>,
    /// The notification.
    pub body: Bytes,
    /// What to do wrong.
    pub injection: Option<Injection>,
    /// In place of [`Timeouts::connect`], for this attempt.
    pub connect_timeout: Option<Duration>,
    /// In place of [`Timeouts::acknowledgement`], for this attempt.
    pub ack_timeout: Option<Duration>,
}

impl Request {
    /// A request with no key, no further headers, nothing done wrong and the transport's own timeouts.
    #[must_use]
    pub fn new(endpoint: Arc<Endpoint>, body: Bytes) -> Self {
        Self {
            method: http::Method::POST,
            endpoint,
            api_key: None,
            headers: Arc::default(),
            body,
            injection: None,
            connect_timeout: None,
            ack_timeout: None,
        }
    }
}

/// What came of one attempt, for the ledger and the reports.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What the engine is told.
    pub answer: Answer,
    /// The request's head as it was, or would have been, sent; what may be secret is marked sensitive.
    pub request_headers: http::HeaderMap,
    /// The receiver's response, as far as one was read, also where an injection hid it from the engine.
    pub response: Option<Response>,
    /// The answer to the second copy of a [`Injection::Duplicate`].
    pub duplicate: Option<Answer>,
    /// How long each phase took, in real time.
    pub timings: Timings,
    /// Whether a kept-alive connection was used.
    pub reused: bool,
    /// The peer, once connected.
    pub remote: Option<SocketAddr>,
    /// The underlying error's own words, for the report ("received fatal alert: …"), and which headers that
    /// were asked for could not be sent.
    pub detail: Option<String>,
    /// The wait that ended the attempt, if one did (a timeout, real or injected): what the attempt cost in
    /// PNS time under the virtual clock.
    pub waited: Option<Duration>,
    /// What was done wrong on purpose.
    pub injection: Option<Injection>,
}

/// A response, as far as it was read.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: http::StatusCode,
    /// `HTTP/1.1` or `HTTP/2`.
    pub version: http::Version,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body, up to the limit.
    pub body: Bytes,
    /// Whether the body went on beyond the limit.
    pub truncated: bool,
}

impl Exchange {
    /// An exchange of which nothing is known but its answer and what was to be sent.
    #[must_use]
    pub fn unsent(answer: Answer, request_headers: http::HeaderMap, injection: Option<Injection>) -> Self {
        Self {
            answer,
            request_headers,
            response: None,
            duplicate: None,
            timings: Timings::default(),
            reused: false,
            remote: None,
            detail: None,
            waited: None,
            injection,
        }
    }
}

/// Real time spent in each phase; `None` where the phase did not take place or did not end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// Host name to addresses.
    pub resolve: Option<Duration>,
    /// TCP connection.
    pub connect: Option<Duration>,
    /// TLS handshake.
    pub tls: Option<Duration>,
    /// From the first byte written to the end of the response's body.
    pub acknowledge: Option<Duration>,
    /// The whole attempt.
    pub total: Duration,
}

/// Makes attempts. Implemented over HTTPS, and by a script for tests of what drives it.
pub trait Transport: Clone + Send + Sync + 'static {
    /// Makes one attempt. Never fails as a call: what went wrong is in the [`Exchange`]. Every wait inside is
    /// bounded.
    fn attempt(&self, request: Request) -> impl Future<Output = Exchange> + Send;
}
