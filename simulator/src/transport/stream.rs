//! The byte stream below HTTP: TCP, with TLS over it or without.

use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::client::TlsStream;

/// TCP that takes so many bytes at a time, and one buffer: a request is one TLS record, and the system call for several
/// buffers is the dearer one.
#[derive(Debug)]
pub struct Narrow {
    /// The connection.
    pub tcp: TcpStream,
    /// Most bytes of one write; `None`: as they come.
    most: Option<NonZeroUsize>,
    /// All writes but the first wait until this is over.
    rest: Rest,
}

/// When the rest of what was begun is written.
#[derive(Debug)]
enum Rest {
    /// At once.
    AtOnce,
    /// After a span that begins with the first write.
    After(Duration),
    /// When this is over.
    Waits(Pin<Box<Sleep>>),
}

impl Narrow {
    /// Writes of so many bytes at most, and a pause after the first of them: however small the pieces, a peer that has
    /// not begun to read finds them joined.
    #[must_use]
    pub const fn in_pieces(tcp: TcpStream, most: NonZeroUsize, pause: Duration) -> Self {
        Self { tcp, most: Some(most), rest: Rest::After(pause) }
    }

    /// From now on, writes as they come.
    pub fn widen(&mut self) {
        self.most = None;
    }
}

impl From<TcpStream> for Narrow {
    fn from(tcp: TcpStream) -> Self {
        Self { tcp, most: None, rest: Rest::AtOnce }
    }
}

impl AsyncRead for Narrow {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Narrow {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Rest::Waits(sleep) = &mut this.rest {
            ready!(sleep.as_mut().poll(cx));
            this.rest = Rest::AtOnce;
        }
        let most = this.most.map_or(buf.len(), |most| most.get().min(buf.len()));
        let written = ready!(Pin::new(&mut this.tcp).poll_write(cx, &buf[..most]));
        if let Rest::After(span) = this.rest {
            #[expect(clippy::disallowed_methods, reason = "a handshake in pieces is slow in real time")]
            let sleep = tokio::time::sleep(span);
            this.rest = Rest::Waits(Box::pin(sleep));
        }
        Poll::Ready(written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}

/// TCP, protected or not.
#[derive(Debug)]
pub enum Stream {
    /// Without TLS.
    Plain(TcpStream),
    /// With TLS.
    Tls(Box<TlsStream<Narrow>>),
}

impl Stream {
    /// The TCP connection, for options.
    #[must_use]
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &tls.get_ref().0.tcp,
        }
    }
}

macro_rules! delegate {
    ($self:ident, $method:ident, $($argument:expr),*) => {
        match $self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).$method($($argument),*),
            Self::Tls(stream) => Pin::new(stream.as_mut()).$method($($argument),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        delegate!(self, poll_read, cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        delegate!(self, poll_write, cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, poll_flush, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, poll_shutdown, cx)
    }
}
