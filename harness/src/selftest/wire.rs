//! Reading from a connection, bounded in size and time, and closing it.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

/// The longest silence of a peer within a request: as long as common servers wait.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// How long a peer may take to close its side, so that what was written last is not overtaken by a reset.
const LINGER_TIME: Duration = Duration::from_secs(1);

/// Bytes taken in by one read: more than a notification has.
const READ_MAX: usize = 16 * 1024;

/// What HTTP is spoken over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {
    fn tcp(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Stream for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// The peer has left, or kept still for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stopped;

/// A stream and what was read of it but not used yet.
pub(super) struct Reader<S> {
    pub(super) stream: S,
    buffer: Vec<u8>,
}

impl<S: Stream> Reader<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    pub(super) fn buffered(&self) -> usize {
        self.buffer.len()
    }

    pub(super) fn peek(&self) -> &[u8] {
        &self.buffer
    }

    pub(super) fn forget(&mut self) {
        self.buffer.clear();
    }

    /// One read of whatever is there next.
    pub(super) async fn fill_once(&mut self) -> Result<(), Stopped> {
        let mut bytes = vec![0; READ_MAX];
        match timeout(SILENCE_MAX, self.stream.read(&mut bytes)).await {
            Ok(Ok(count)) if count > 0 => {
                self.buffer.extend_from_slice(&bytes[..count]);
                Ok(())
            }
            _ => Err(Stopped),
        }
    }

    /// Reads until so many bytes are there. The caller bounds `count`.
    pub(super) async fn fill_to(&mut self, count: usize) -> Result<(), Stopped> {
        while self.buffer.len() < count {
            self.fill_once().await?;
        }
        Ok(())
    }

    /// Takes so many of the bytes that are there.
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(count.min(self.buffer.len()));
        std::mem::replace(&mut self.buffer, rest)
    }

    pub(super) fn take_all(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// One line without its CR LF; `None` if it has none within `max` bytes.
    pub(super) async fn line(&mut self, max: usize) -> Result<Option<Vec<u8>>, Stopped> {
        loop {
            if let Some(at) = self.buffer.iter().take(max).position(|byte| *byte == b'\n') {
                let line = self.take(at + 1);
                return Ok(line.strip_suffix(b"\r\n").map(<[u8]>::to_vec));
            }
            if self.buffer.len() >= max {
                return Ok(None);
            }
            self.fill_once().await?;
        }
    }

    /// Closes for writing, then waits briefly for the peer to do the same.
    pub(super) async fn close(mut self) -> io::Result<()> {
        let closing = async {
            self.stream.shutdown().await?;
            let mut rest = [0; 4_096];
            while self.stream.read(&mut rest).await? > 0 {}
            Ok(())
        };
        timeout(LINGER_TIME, closing).await.unwrap_or(Ok(()))
    }

    /// Closing a socket that lingers for no time sends a reset in place of an orderly end.
    pub(super) fn reset(self) -> io::Result<()> {
        socket2::SockRef::from(self.stream.tcp()).set_linger(Some(Duration::ZERO))
    }
}
