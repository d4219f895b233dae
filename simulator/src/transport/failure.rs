//! From an error below to the reason that the engine and the reports are told.

use std::error::Error as StdError;
use std::io;

use pns_engine::FailureReason;

use super::tls;

/// Why an attempt ended without a whole response, with the underlying error's own words.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) reason: FailureReason,
    pub(super) detail: String,
}

impl Failure {
    pub(super) fn new(reason: FailureReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    /// No TCP connection.
    pub(super) fn connect(error: &io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::ConnectionRefused => FailureReason::Refused,
            io::ErrorKind::TimedOut => FailureReason::ConnectTimeout,
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => FailureReason::Reset,
            // No route, no permission for the route, no local address: nothing left this machine.
            _ => FailureReason::Unreachable,
        };
        Self::new(reason, error.to_string())
    }

    /// No TLS session.
    pub(super) fn handshake(error: &io::Error, asked: bool) -> Self {
        Self::new(FailureReason::Tls(tls::handshake_failure(error, asked)), tls::handshake_words(error))
    }

    /// No whole response on an established connection.
    pub(super) fn exchange(error: &hyper::Error, asked: bool) -> Self {
        Self::new(exchange_reason(error, asked), chain(error))
    }

    /// An error while bytes were written or read below the HTTP library.
    pub(super) fn stream(error: &io::Error, asked: bool) -> Self {
        Self::new(io_reason(error, asked).unwrap_or(FailureReason::ClosedBeforeResponse), error.to_string())
    }
}

fn exchange_reason(error: &hyper::Error, asked: bool) -> FailureReason {
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(inner) = cause {
        if let Some(error) = inner.downcast_ref::<h2::Error>() {
            return http2_reason(error, asked);
        }
        if let Some(reason) = inner.downcast_ref::<io::Error>().and_then(|error| io_reason(error, asked)) {
            return reason;
        }
        cause = inner.source();
    }
    if error.is_parse() { FailureReason::MalformedResponse } else { FailureReason::ClosedBeforeResponse }
}

fn io_reason(error: &io::Error, asked: bool) -> Option<FailureReason> {
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return Some(FailureReason::Tls(tls::tls_failure(error, asked)));
    }
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Some(FailureReason::Reset)
        }
        io::ErrorKind::UnexpectedEof => Some(FailureReason::ClosedBeforeResponse),
        // The HTTP library's words for chunks that are none.
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Some(FailureReason::MalformedResponse),
        _ => None,
    }
}

/// A stream that the receiver refused or gave up was not acknowledged, whatever the connection does.
fn http2_reason(error: &h2::Error, asked: bool) -> FailureReason {
    if let Some(reason) = error.get_io().and_then(|error| io_reason(error, asked)) {
        return reason;
    }
    match error.reason() {
        Some(h2::Reason::NO_ERROR | h2::Reason::REFUSED_STREAM) => FailureReason::ClosedBeforeResponse,
        Some(_) if error.is_library() => FailureReason::MalformedResponse,
        Some(_) if error.is_remote() => FailureReason::Reset,
        _ => FailureReason::ClosedBeforeResponse,
    }
}

/// The error's words with those of its causes, each once.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}
