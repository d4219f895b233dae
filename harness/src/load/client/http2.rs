//! One request after another over HTTP/2, by hyper: its own cost is in the figures.

use std::future::Future;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri, Version};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use pns_engine::{Answer, FailureReason};
use pns_simulator::transport::{BareError, HttpsTransport, ResponseLimits, Stream, Timeouts};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::http1::Answered;

/// A connection of HTTP/2 that carries one request at a time.
#[derive(Debug)]
pub(super) struct Http2 {
    sender: SendRequest<Full<Bytes>>,
    /// The task that drives the connection ends with this.
    _alive: oneshot::Sender<()>,
    timeouts: Timeouts,
    limits: ResponseLimits,
    pub(super) used: bool,
}

impl Http2 {
    pub(super) async fn new(
        stream: Stream,
        timeouts: Timeouts,
        limits: ResponseLimits,
    ) -> Result<Self, BareError> {
        let handshake = Builder::new(TokioExecutor::new())
            .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
            .handshake(TokioIo::new(stream));
        let (sender, driver) =
            within(timeouts.acknowledgement, FailureReason::AcknowledgementTimeout, handshake).await?;
        let (alive, dropped) = oneshot::channel::<()>();
        tokio::spawn(async move {
            tokio::select! {
                _ = driver => {}
                _ = dropped => {}
            }
        });
        Ok(Self { sender, _alive: alive, timeouts, limits, used: false })
    }

    /// Whether the receiver has closed the connection.
    pub(super) fn is_over(&self) -> bool {
        self.sender.is_closed()
    }

    pub(super) async fn exchange(
        &mut self,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
        excerpt: &mut Vec<u8>,
    ) -> Result<Answered, BareError> {
        self.used = true;
        let mut request = Request::new(Full::new(Bytes::copy_from_slice(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.clone();
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = headers.clone();
        let reason = FailureReason::AcknowledgementTimeout;
        let sender = &mut self.sender;
        let sent = async {
            sender.ready().await?;
            sender.send_request(request).await
        };
        let response = within(self.timeouts.acknowledgement, reason, sent).await?;
        let (head, body) = response.into_parts();
        let status = head.status;
        let read =
            timeout(self.timeouts.acknowledgement, Limited::new(body, self.limits.body_bytes).collect());
        match read.await {
            Err(_) => return Err(over(reason)),
            // Beyond the limit the status stands.
            Ok(Err(error)) => match error.downcast::<hyper::Error>() {
                Ok(error) => return Err(BareError::exchange(&error)),
                Err(_too_long) => {}
            },
            Ok(Ok(body)) if !status.is_success() => {
                let body = body.to_bytes();
                excerpt.extend_from_slice(&body[..body.len().min(200)]);
            }
            Ok(Ok(_)) => {}
        }
        let retry_after = HttpsTransport::retry_after(&head.headers);
        Ok(Answered { answer: Answer::Status { code: status.as_u16(), retry_after }, persists: true })
    }
}

async fn within<T>(
    limit: std::time::Duration,
    reason: FailureReason,
    work: impl Future<Output = Result<T, hyper::Error>>,
) -> Result<T, BareError> {
    match timeout(limit, work).await {
        Ok(done) => done.map_err(|error| BareError::exchange(&error)),
        Err(_) => Err(over(reason)),
    }
}

fn over(reason: FailureReason) -> BareError {
    BareError { reason, detail: "the time for it is over".to_owned() }
}
