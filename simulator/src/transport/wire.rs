//! How far a request has got on its byte stream.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

use super::stream::Stream;

/// How far the request on a connection has got. HTTP/1.1 carries one at a time; HTTP/2 does not use it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    state: AtomicU8,
    changed: Notify,
}

const BEGUN: u8 = 0;
const BODY_TAKEN: u8 = 1;
const SENT: u8 = 2;

impl Progress {
    /// A request begins.
    pub(super) fn begin(&self) {
        self.state.store(BEGUN, Ordering::Release);
    }

    /// The HTTP library took the body's last byte, and buffers what it could not write yet.
    pub(super) fn body_taken(&self) {
        self.state.store(BODY_TAKEN, Ordering::Release);
    }

    /// All that was buffered is written: after the body was taken, that is the whole request.
    fn flushed(&self) {
        if self.state.compare_exchange(BODY_TAKEN, SENT, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.changed.notify_one();
        }
    }

    /// Whether the operating system took the whole request.
    pub(super) fn is_sent(&self) -> bool {
        self.state.load(Ordering::Acquire) == SENT
    }

    /// Waits until the operating system took the whole request.
    pub(super) async fn sent(&self) {
        while !self.is_sent() {
            self.changed.notified().await;
        }
    }
}

/// A [`Stream`] that reports to a [`Progress`].
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) stream: Stream,
    pub(super) progress: Arc<Progress>,
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_flush(cx))?;
        this.progress.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
