//! One request after another over HTTP/1.1.

use std::future::poll_fn;
use std::io;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pns_engine::{Answer, FailureReason};
use pns_simulator::clock::Stopwatch;
use pns_simulator::transport::{BareError, ResponseLimits, Stream, Timeouts};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use super::answer::{self, Chunks, Framing, Head, Malformed};
use super::deadline::Deadline;

/// How many bytes of a body are kept for the example of a failure.
const EXCERPT_MAX: usize = 200;

/// What is read at first; an acknowledgement is a tenth of it.
const BUFFER: usize = 4_096;

/// Answers before the last one: more of them are no answer.
const INTERIM_MAX: usize = 16;

/// A connection on which requests are written by hand.
#[derive(Debug)]
pub(super) struct Http1 {
    stream: Stream,
    /// What has been read: `buffer[start..end]` is not looked at yet.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// What the head of the answer before said: most are the same, byte for byte.
    last: Option<Head>,
    last_head: Vec<u8>,
    deadline: Deadline,
    watch: Stopwatch,
    timeouts: Timeouts,
    limits: ResponseLimits,
    /// Whether it has carried a request.
    pub(super) used: bool,
}

/// A whole answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    pub(super) answer: Answer,
    /// Whether the connection may carry another request.
    pub(super) persists: bool,
}

/// What a buffer of a body yields.
#[derive(Debug)]
enum Body {
    Length(u64),
    Chunked(Chunks),
    UntilClose,
}

impl Http1 {
    pub(super) fn new(stream: Stream, watch: Stopwatch, timeouts: Timeouts, limits: ResponseLimits) -> Self {
        let deadline = Deadline::new(watch, timeouts.acknowledgement);
        Self {
            stream,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            last: None,
            last_head: Vec::new(),
            deadline,
            watch,
            timeouts,
            limits,
            used: false,
        }
    }

    /// Whether the receiver has closed the connection, or said something unasked, since the last answer: then it is
    /// of no further use, and nothing has been sent on it that could be lost.
    pub(super) fn is_over(&mut self) -> bool {
        let mut context = Context::from_waker(std::task::Waker::noop());
        !matches!(self.poll_fill(&mut context), Poll::Pending)
    }

    /// Writes a request, and reads the answer; `now` is what the watch shows. Up to [`EXCERPT_MAX`] bytes of the body of one that acknowledges nothing
    /// go to `excerpt`.
    pub(super) async fn exchange(
        &mut self,
        request: &[u8],
        excerpt: &mut Vec<u8>,
        now: Duration,
    ) -> Result<Answered, BareError> {
        self.used = true;
        let written = self.write(request, now).await?;
        self.deadline.set(written, self.timeouts.acknowledgement);
        let head = self.head().await?;
        let excerpt = if (200..300).contains(&head.status) { None } else { Some(excerpt) };
        let ended = self.body(head.framing, excerpt).await?;
        // What follows an answer before the next request belongs to nothing.
        let persists = head.persists && ended && self.start == self.end;
        (self.start, self.end) = (0, 0);
        let answer = Answer::Status { code: head.status, retry_after: head.retry_after };
        Ok(Answered { answer, persists })
    }

    /// Tells when the receiver had taken it all, which is at once unless it is slow.
    async fn write(&mut self, mut rest: &[u8], now: Duration) -> Result<Duration, BareError> {
        let Self { stream, deadline, timeouts, watch, .. } = self;
        deadline.set(now, timeouts.send);
        let mut waited = false;
        poll_fn(|cx| {
            while !rest.is_empty() {
                match Pin::new(&mut *stream).poll_write(cx, rest) {
                    Poll::Ready(Ok(0)) => {
                        return Poll::Ready(Err(stream_error(&io::ErrorKind::WriteZero.into())));
                    }
                    Poll::Ready(Ok(written)) => rest = &rest[written..],
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(stream_error(&error))),
                    Poll::Pending => {
                        waited = true;
                        return timed_out(deadline, cx, FailureReason::SendTimeout);
                    }
                }
            }
            match Pin::new(&mut *stream).poll_flush(cx) {
                Poll::Ready(flushed) => Poll::Ready(flushed.map_err(|error| stream_error(&error))),
                Poll::Pending => {
                    waited = true;
                    timed_out(deadline, cx, FailureReason::SendTimeout)
                }
            }
        })
        .await?;
        Ok(if waited { watch.elapsed() } else { now })
    }

    /// The head of the answer that counts; those before it (1xx) are passed over.
    async fn head(&mut self) -> Result<Head, BareError> {
        for _ in 0..INTERIM_MAX {
            let head = loop {
                let unread = &self.buffer[self.start..self.end];
                if let Some(head) = self.last.filter(|_| unread.starts_with(&self.last_head)) {
                    self.start += self.last_head.len();
                    break head;
                }
                if let Some((head, length)) = answer::head(unread).map_err(malformed)? {
                    self.last_head.clear();
                    self.last_head.extend_from_slice(&unread[..length]);
                    // A wait until a date is told from now on, and differs from moment to moment.
                    self.last = Some(head).filter(|head| head.retry_after.is_none());
                    self.start += length;
                    break head;
                }
                if unread.len() >= self.limits.head_bytes {
                    return Err(malformed(Malformed("a head that is too long")));
                }
                if !self.fill().await? {
                    return Err(closed(if self.end == 0 {
                        "before the answer"
                    } else {
                        "within the answer"
                    }));
                }
            };
            if head.status >= 200 {
                return Ok(head);
            }
        }
        Err(malformed(Malformed("too many interim answers")))
    }

    /// Reads the body to its end, or to the limit: `false` then.
    async fn body(&mut self, framing: Framing, mut excerpt: Option<&mut Vec<u8>>) -> Result<bool, BareError> {
        let mut body = match framing {
            Framing::Length(length) => Body::Length(length),
            Framing::Chunked => Body::Chunked(Chunks::Size),
            Framing::UntilClose => Body::UntilClose,
        };
        let mut seen = 0;
        loop {
            let unread = &self.buffer[self.start..self.end];
            let mut data = |bytes: &[u8]| {
                seen += bytes.len();
                if let Some(excerpt) = &mut excerpt {
                    let room = EXCERPT_MAX.saturating_sub(excerpt.len());
                    excerpt.extend_from_slice(&bytes[..room.min(bytes.len())]);
                }
            };
            match body.take(unread, &mut data).map_err(malformed)? {
                ControlFlow::Break(taken) => {
                    self.start += taken;
                    return Ok(true);
                }
                ControlFlow::Continue(taken) => self.start += taken,
            }
            if seen > self.limits.body_bytes {
                return Ok(false);
            }
            if !self.fill().await? {
                return match framing {
                    Framing::UntilClose => Ok(true),
                    _ => Err(closed("within its body")),
                };
            }
        }
    }

    /// Reads more; `false`: there is no more.
    async fn fill(&mut self) -> Result<bool, BareError> {
        poll_fn(|cx| match self.poll_fill(cx) {
            Poll::Ready(more) => Poll::Ready(more.map_err(|error| stream_error(&error))),
            Poll::Pending => timed_out(&mut self.deadline, cx, FailureReason::AcknowledgementTimeout),
        })
        .await
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            } else {
                // Bounded by the limit of the head: of a body, all but the line of a chunk is taken at once.
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        let mut buffer = ReadBuf::new(&mut self.buffer[self.end..]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        let more = buffer.filled().len();
        self.end += more;
        Poll::Ready(Ok(more > 0))
    }

    /// Says goodbye, as far as that goes without waiting.
    pub(super) fn close(mut self) {
        let mut context = Context::from_waker(std::task::Waker::noop());
        let _as_far_as_it_goes = Pin::new(&mut self.stream).poll_shutdown(&mut context);
    }
}

impl Body {
    fn take(
        &mut self,
        bytes: &[u8],
        data: &mut impl FnMut(&[u8]),
    ) -> Result<ControlFlow<usize, usize>, Malformed> {
        match self {
            Self::Chunked(chunks) => chunks.take(bytes, data),
            Self::UntilClose => {
                data(bytes);
                Ok(ControlFlow::Continue(bytes.len()))
            }
            Self::Length(left) => {
                let piece = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                data(&bytes[..piece]);
                *left -= piece as u64;
                Ok(if *left == 0 { ControlFlow::Break(piece) } else { ControlFlow::Continue(piece) })
            }
        }
    }
}

fn timed_out<T>(
    deadline: &mut Deadline,
    cx: &mut Context<'_>,
    reason: FailureReason,
) -> Poll<Result<T, BareError>> {
    ready!(deadline.poll(cx));
    Poll::Ready(Err(BareError { reason, detail: "the time for it is over".to_owned() }))
}

fn stream_error(error: &io::Error) -> BareError {
    BareError::stream(error)
}

fn malformed(error: Malformed) -> BareError {
    BareError { reason: FailureReason::MalformedResponse, detail: error.to_string() }
}

fn closed(when: &str) -> BareError {
    BareError { reason: FailureReason::ClosedBeforeResponse, detail: format!("end of stream {when}") }
}
