//! The bytes of a request, in one buffer that is used again.
//!
//! The head is the same for all requests of a run but for the length of the body. It stands in the buffer already,
//! ends with that length, and is moved only when the length has more or fewer digits than the one before; the body is
//! written behind it, in its place.

use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderMap, Method};
use pns_simulator::endpoint::Endpoint;
use pns_simulator::transport::{HttpsTransport, Request as Attempt};

use crate::load::settings::AfterAnswer;
use crate::settings::Connection;

/// Digits of the longest body's length.
const DIGITS_MAX: usize = 7;

/// What stands before the length.
const LENGTH: &[u8] = b"Content-Length: ";

/// What ends the head.
const END: &[u8] = b"\r\n\r\n";

/// What all requests of a run have in common.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// As HTTP/1.1 writes it, up to the digits of the length.
    bytes: Vec<u8>,
    /// For HTTP/2.
    pub(super) headers: HeaderMap,
}

impl Head {
    /// The head of the requests that `transport` would make of these settings.
    pub(crate) fn new(
        transport: &HttpsTransport,
        endpoint: &Endpoint,
        connection: &Connection,
        after_answer: AfterAnswer,
    ) -> Self {
        let attempt = Attempt {
            method: Method::POST,
            api_key: connection.api_key.clone(),
            headers: connection.headers.clone().into(),
            ..Attempt::new(endpoint.clone().into(), bytes::Bytes::new())
        };
        let mut headers = transport.headers(&attempt);
        headers.remove(CONTENT_LENGTH);
        let mut bytes = format!("POST {} HTTP/1.1\r\n", endpoint.path_and_query()).into_bytes();
        for (name, value) in &headers {
            let mut start = true;
            for byte in name.as_str().bytes() {
                bytes.push(if start { byte.to_ascii_uppercase() } else { byte });
                start = byte == b'-';
            }
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        if after_answer == AfterAnswer::Closed {
            bytes.extend_from_slice(b"Connection: close\r\n");
        }
        bytes.extend_from_slice(LENGTH);
        headers.remove(HOST);
        Self { bytes, headers }
    }
}

/// A request, ready to be written.
#[derive(Debug)]
pub(super) struct Request {
    bytes: Vec<u8>,
    head: usize,
    /// Where the body begins: behind the head with the longest length.
    body: usize,
    /// Where the head stands now.
    start: usize,
}

impl Request {
    pub(super) fn new(head: &Head) -> Self {
        let body = head.bytes.len() + DIGITS_MAX + END.len();
        let mut bytes = Vec::with_capacity(body + 2_048);
        bytes.extend_from_slice(&head.bytes);
        bytes.resize(body, b' ');
        Self { bytes, head: head.bytes.len(), body, start: 0 }
    }

    /// Writes the next body by `write`, and its length. What `write` fails with leaves no request.
    pub(super) fn write<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        self.bytes.truncate(self.body);
        write(&mut self.bytes)?;
        let mut length = self.bytes.len() - self.body;
        let digits = length.checked_ilog10().map_or(1, |log| log as usize + 1);
        let end = self.body - END.len();
        let start = end - digits - self.head;
        if start != self.start {
            self.bytes.copy_within(self.start..self.start + self.head, start);
            self.start = start;
        }
        self.bytes[end..self.body].copy_from_slice(END);
        for at in (end - digits..end).rev() {
            self.bytes[at] = b'0' + (length % 10) as u8;
            length /= 10;
        }
        Ok(())
    }

    /// All of it.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// The body alone.
    pub(super) fn body(&self) -> &[u8] {
        &self.bytes[self.body..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_right_whatever_was_written_before() {
        let head = Head { bytes: b"POST / HTTP/1.1\r\nContent-Length: ".to_vec(), headers: HeaderMap::new() };
        let mut request = Request::new(&head);
        for length in [5, 0, 9, 10, 999, 1_000, 12, 1 << 20, 99, 100] {
            let body = vec![b'x'; length];
            let write = |out: &mut Vec<u8>| -> Result<(), ()> {
                out.extend_from_slice(&body);
                Ok(())
            };
            request.write(write).unwrap();
            let head = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n");
            assert_eq!(request.bytes(), [head.as_bytes(), &body].concat(), "{length}");
            assert_eq!(request.body(), body);
        }
    }
}
