//! The request's body as the HTTP library takes it: whole, or in pieces over a span.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use super::wire::Progress;

/// Into how many pieces a slow body is cut.
const SLOW_PIECES: usize = 10;

/// A body that tells the connection's [`Progress`] when its last byte was taken.
#[derive(Debug)]
pub(super) struct Payload {
    rest: Bytes,
    progress: Arc<Progress>,
    slow: Option<Slow>,
}

#[derive(Debug)]
struct Slow {
    piece: usize,
    pause: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Payload {
    /// `body`, at once or over the span of `slow`.
    pub(super) fn new(body: Bytes, progress: Arc<Progress>, slow: Option<Duration>) -> Self {
        let slow = slow.map(|span| Slow {
            piece: body.len().div_ceil(SLOW_PIECES).max(1),
            pause: span / u32::try_from(SLOW_PIECES).unwrap_or(1),
            sleep: None,
        });
        if body.is_empty() {
            progress.body_taken();
        }
        Self { rest: body, progress, slow }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if this.rest.is_empty() {
            return Poll::Ready(None);
        }
        let data = match &mut this.slow {
            None => std::mem::take(&mut this.rest),
            Some(slow) => {
                #[expect(clippy::disallowed_methods, reason = "a slow body is slow in real time")]
                let sleep = slow.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(slow.pause)));
                ready!(sleep.as_mut().poll(cx));
                slow.sleep = None;
                this.rest.split_to(slow.piece.min(this.rest.len()))
            }
        };
        if this.rest.is_empty() {
            this.progress.body_taken();
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
