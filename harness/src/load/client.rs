//! Sends requests at the least cost: each line keeps a connection and carries one request after another on it.
//!
//! HTTP/1.1 is written and read here by hand, with one write and one read per request into buffers that are used
//! again; HTTP/2, on request, goes through hyper. Addresses, trust and the classes of failure are the transport's.

mod answer;
mod deadline;
mod dial;
mod http1;
mod http2;
mod request;

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use pns_engine::Answer;
use pns_simulator::clock::Stopwatch;
use pns_simulator::transport::BareError;

use super::record::Connections;
use super::settings::AfterAnswer;
pub(super) use dial::Dialler;
use dial::{Connection, Dialled};
use http1::Answered;
pub(super) use request::Head;
use request::Request;

/// What all lines of a run share.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) dialler: Dialler,
    pub(super) head: Head,
    /// The whole address, for HTTP/2.
    pub(super) uri: Uri,
    pub(super) after_answer: AfterAnswer,
}

/// A line to the receiver: one connection at a time, made when it is needed.
#[derive(Debug)]
pub(super) struct Line {
    common: Arc<Common>,
    watch: Stopwatch,
    connection: Option<Connection>,
    request: Request,
    /// The start of the body of an answer that acknowledged nothing.
    excerpt: Vec<u8>,
    /// Why there was no answer.
    failure: Option<(&'static str, BareError)>,
    /// Connections so far.
    pub(super) connections: Connections,
}

impl Line {
    /// A line without a connection yet. Limits are told by `watch`.
    pub(super) fn new(common: Arc<Common>, watch: Stopwatch) -> Self {
        Self {
            request: Request::new(&common.head),
            common,
            watch,
            connection: None,
            excerpt: Vec::new(),
            failure: None,
            connections: Connections::default(),
        }
    }

    /// Makes the next request ready: `write` appends its body.
    ///
    /// # Errors
    /// What `write` fails with.
    pub(super) fn prepare<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        self.request.write(write)
    }

    /// Whether there is no connection that can be used.
    pub(super) fn must_connect(&mut self) -> bool {
        match &mut self.connection {
            Some(Connection::Http1(http)) => http.is_over(),
            Some(Connection::Http2(http)) => http.is_over(),
            None => true,
        }
    }

    /// Sends the request that was made ready, over the connection there is or a new one. `now` is what the watch shows.
    pub(super) async fn send(&mut self, mut now: Duration) -> Answer {
        self.excerpt.clear();
        self.failure = None;
        if self.must_connect() {
            match self.common.dialler.dial(self.watch).await {
                Ok(Dialled { connection, resumed }) => {
                    self.connections.opened += 1;
                    self.connections.resumed += u64::from(resumed);
                    self.connection = Some(connection);
                    now = self.watch.elapsed();
                }
                Err(error) => {
                    self.connection = None;
                    return self.failed("no connection", error);
                }
            }
        }
        let Some(connection) = &mut self.connection else { unreachable!("one was just made") };
        let (used, sent) = match connection {
            Connection::Http1(http) => {
                (http.used, http.exchange(self.request.bytes(), &mut self.excerpt, now).await)
            }
            Connection::Http2(http) => {
                let Common { uri, head, .. } = &*self.common;
                (http.used, http.exchange(uri, &head.headers, self.request.body(), &mut self.excerpt).await)
            }
        };
        self.connections.reused += u64::from(used);
        match sent {
            Ok(Answered { answer, persists }) => {
                if !persists || self.common.after_answer == AfterAnswer::Closed {
                    self.close();
                }
                answer
            }
            Err(error) => {
                self.connection = None;
                self.failed(if used { "on a kept-alive connection" } else { "on a new connection" }, error)
            }
        }
    }

    fn failed(&mut self, place: &'static str, error: BareError) -> Answer {
        let reason = error.reason;
        self.failure = Some((place, error));
        Answer::NoResponse(reason)
    }

    fn close(&mut self) {
        if let Some(Connection::Http1(http)) = self.connection.take() {
            http.close();
        }
    }

    /// What came of the last request, in words. They may hold what the receiver said.
    pub(super) fn words(&self, answer: Answer) -> String {
        match (answer, &self.failure) {
            (Answer::Status { code, retry_after }, _) => {
                let after = retry_after.map_or(String::new(), |wait| format!(", Retry-After {wait:?}"));
                let body = String::from_utf8_lossy(&self.excerpt).replace(char::is_control, " ");
                format!("status {code}{after}: {}", if body.is_empty() { "no body" } else { &body })
            }
            (Answer::NoResponse(reason), Some((place, error))) => {
                format!("{reason} ({place}): {}", error.detail)
            }
            (Answer::NoResponse(reason), None) => reason.to_string(),
        }
    }
}
