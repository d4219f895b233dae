//! One request over HTTP/2, by hyper: for what its streams bring about. Nothing here is shaped by bytes.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use pns_simulator::clock::Stopwatch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::answer::{Answer, BODY_MAX, HEAD_MAX, Persistence};
use super::client::{Client, Connection};
use super::plan::HeaderLine;
use super::shape::{Below, Version};
use super::{Ending, Outcome};

/// A connection that carries any number of requests at once. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Http2 {
    sender: SendRequest<Full<Bytes>>,
    below: String,
    _driver: Arc<Driver>,
}

/// Ends the connection with the last who wants it.
#[derive(Debug)]
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A request in its parts.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    /// The method.
    pub method: String,
    /// The path and query.
    pub target: String,
    /// The header lines, as HTTP/1.1 would write them.
    pub lines: Vec<HeaderLine>,
    /// The body.
    pub body: Bytes,
}

/// Opens a connection.
///
/// # Errors
/// How a request that wanted it ends.
pub(crate) async fn open(client: &Client, below: &Below) -> Result<Http2, Ending> {
    if !client.endpoint().is_secure() {
        return Err(Ending::NoHttp2);
    }
    let connection = match client.open(below, Version::Http2).await {
        Ok(connection) => connection,
        // A receiver without HTTP/2 may refuse the handshake or choose nothing.
        Err(error) if error.detail.contains("NoApplicationProtocol") => return Err(Ending::NoHttp2),
        Err(error) => return Err(Ending::Unconnected(format!("{} ({})", error.reason, error.detail))),
    };
    if !connection.is_http2 {
        return Err(Ending::NoHttp2);
    }
    let Connection { stream, below, .. } = connection;
    let handshake = http2::Builder::new(TokioExecutor::new())
        .max_header_list_size(u32::try_from(HEAD_MAX).unwrap_or(u32::MAX))
        .handshake(TokioIo::new(stream));
    match timeout(client.timeouts().tls, handshake).await {
        Ok(Ok((sender, driver))) => {
            let driver = tokio::spawn(async move {
                // How it ended shows in the requests on it.
                let _ended = driver.await;
            });
            Ok(Http2 { sender, below, _driver: Arc::new(Driver(driver)) })
        }
        Ok(Err(error)) => Err(Ending::Malformed(format!("no HTTP/2 came about: {error}"))),
        Err(_) => Err(Ending::Silent("no HTTP/2 came about in time".to_owned())),
    }
}

impl Http2 {
    /// Whether another request can be sent on it.
    pub(crate) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// "new connection, TLS 1.3, HTTP/2".
    pub(crate) fn words(&self, name: Option<&str>) -> String {
        let which = name.map_or_else(|| "new connection".to_owned(), |name| format!("connection `{name}`"));
        format!("{which}, {}, HTTP/2", self.below)
    }

    /// Makes one request, with at most `limit` from its beginning to the end of the answer.
    ///
    /// # Errors
    /// When the parts are no request of HTTP/2, in words.
    pub(crate) async fn exchange(
        mut self,
        request: http::Request<Full<Bytes>>,
        words: String,
        limit: Duration,
    ) -> Outcome {
        let watch = Stopwatch::start();
        let answer = timeout(limit, async {
            let response = self.sender.send_request(request).await.map_err(|error| ending(&error))?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, BODY_MAX).collect().await;
            // A longer body is no fault; the status stands.
            let body = match body {
                Ok(body) => body.to_bytes(),
                Err(error) => match error.downcast::<hyper::Error>() {
                    Ok(error) => return Err(ending(&error)),
                    Err(_) => Bytes::new(),
                },
            };
            let persistence = Persistence::Open;
            Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body, persistence })
        });
        let (ending, answer) = match answer.await {
            Ok(Ok(answer)) => (Ending::Status(answer.status), Some(answer)),
            Ok(Err(ending)) => (ending, None),
            Err(_) => (Ending::Silent(format!("no answer within {limit:?}")), None),
        };
        Outcome {
            ending,
            latency: answer.as_ref().map(|_| watch.elapsed()),
            received: answer.as_ref().map(as_text).unwrap_or_default(),
            answer,
            written: usize::MAX,
            closed_after: None,
            connection: words,
        }
    }
}

fn ending(error: &hyper::Error) -> Ending {
    let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    if error.is_parse() {
        Ending::Malformed(cause)
    } else {
        Ending::Closed(format!("the stream was ended without an answer: {cause}"))
    }
}

/// The answer as HTTP/1.1 would write it, for reports.
fn as_text(answer: &Answer) -> Bytes {
    let mut text = format!("HTTP/2 {}\r\n", answer.status);
    for (name, value) in &answer.headers {
        let _never_fails = write!(text, "{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes()));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(&answer.body);
    bytes.into()
}

impl Parts {
    /// The request as hyper takes it.
    ///
    /// # Errors
    /// When a part cannot be sent over HTTP/2, in words.
    pub(crate) fn request(&self, client: &Client) -> Result<http::Request<Full<Bytes>>, String> {
        let authority = self.lines.iter().find(|line| line.name().eq_ignore_ascii_case(b"host"));
        let authority = authority.map_or_else(
            || client.endpoint().authority().to_owned(),
            |line| String::from_utf8_lossy(line.value()).into_owned(),
        );
        let mut request = http::Request::builder()
            .method(self.method.as_str())
            .uri(format!("https://{authority}{}", self.target))
            .version(http::Version::HTTP_2);
        // These belong to a connection of HTTP/1.1 (RFC 9113, 8.2.2).
        let own = ["host", "connection", "transfer-encoding", "keep-alive", "upgrade"];
        for line in &self.lines {
            if !own.iter().any(|name| line.name().eq_ignore_ascii_case(name.as_bytes())) {
                request = request.header(line.name(), line.value());
            }
        }
        request.body(Full::new(self.body.clone())).map_err(|error| format!("no request of HTTP/2: {error}"))
    }

    /// The request as HTTP/1.1 would write it, for reports.
    pub(crate) fn as_text(&self) -> (Bytes, usize) {
        let mut bytes = format!("{} {} HTTP/2\r\n", self.method, self.target).into_bytes();
        for line in &self.lines {
            bytes.extend_from_slice(&line.0);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        let head_end = bytes.len();
        bytes.extend_from_slice(&self.body);
        (bytes.into(), head_end)
    }
}
