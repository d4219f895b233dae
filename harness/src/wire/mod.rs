//! Requests by bytes: written on a connection of their own, beside the sender and below its HTTP library.
//!
//! Two layers. Pure: [`shape`] says what a request is to look like, [`plan`] turns that into bytes, cuts and what
//! comes after them, [`answer`] reads what comes back, strictly, and [`show`] makes it printable. Async, and without
//! any policy: [`client`] opens connections, [`exchange`] writes a plan and reads the answer, [`http2`] does the same
//! over hyper's HTTP/2.
//!
//! Every wait is bounded, nothing is retried, and no text that leaves here holds a secret that it was told of.

pub(crate) mod answer;
pub(crate) mod client;
pub(crate) mod exchange;
pub(crate) mod http2;
pub(crate) mod plan;
pub mod shape;
pub(crate) mod show;

#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;

pub(crate) use client::{Client, Connection};

/// How one request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// A well-formed answer with this status.
    Status(u16),
    /// The connection was closed, or reset, before a byte of an answer came; in these words.
    Closed(String),
    /// Nothing came in time, in these words.
    Silent(String),
    /// What came is no HTTP answer, for this reason.
    Malformed(String),
    /// There was no connection, for this reason.
    Unconnected(String),
    /// The receiver does not speak HTTP/2, which it need not.
    NoHttp2,
    /// The request was broken off on purpose, and nothing was waited for.
    BrokenOff,
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(code) => write!(f, "status {code}"),
            Self::Closed(words) | Self::Silent(words) => f.write_str(words),
            Self::Malformed(reason) => write!(f, "malformed answer: {reason}"),
            Self::Unconnected(reason) => write!(f, "no connection: {reason}"),
            Self::NoHttp2 => f.write_str("the receiver does not offer HTTP/2"),
            Self::BrokenOff => f.write_str("broken off on purpose"),
        }
    }
}

/// What came of one request.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// The final answer, if a whole one came.
    pub answer: Option<answer::Answer>,
    /// All bytes that came back, up to the limits of [`answer`]; HTTP/2: the same, written as HTTP/1.1 would be.
    pub received: Bytes,
    /// How many bytes of the request were written.
    pub written: usize,
    /// Real time from the request's last byte to the end of the answer; `None`: there was none.
    pub latency: Option<Duration>,
    /// Whether the receiver closed the connection after its answer, where that was waited for.
    pub closed_after: Option<bool>,
    /// The connection, in words: "new connection, TLS 1.3, HTTP/1.1".
    pub connection: String,
}

impl Outcome {
    /// A request that never got a connection.
    pub(crate) fn unconnected(ending: Ending) -> Self {
        Self {
            ending,
            answer: None,
            received: Bytes::new(),
            written: 0,
            latency: None,
            closed_after: None,
            connection: "no connection".to_owned(),
        }
    }
}

/// The bounds of one request's waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waits {
    /// Until the operating system took the request's last byte, planned pauses not counted.
    pub send: Duration,
    /// From then to the end of the answer.
    pub answer: Duration,
    /// Whether the connection's end is waited for after the answer, as long as for the answer.
    pub close: AwaitClose,
}

/// Whether a receiver's end of the connection is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AwaitClose {
    /// It is part of what is judged.
    Yes,
    /// It does not matter.
    No,
}
