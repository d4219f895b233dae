//! A receiver that does nothing: it acknowledges whatever comes, at the least cost. How fast the generator is against
//! it is the most that the generator can do on this machine.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::receiver::{Identity, Tls};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// The most that is read of one request, head and body.
const REQUEST_MAX: usize = 2 << 20;

/// A null receiver in a thread of its own. It ends when it is dropped.
#[derive(Debug)]
pub(super) struct Null {
    address: SocketAddr,
    _alive: oneshot::Sender<()>,
}

impl Null {
    /// Starts one on 127.0.0.1, over TLS as `identity` where there is one.
    pub(super) fn start(identity: Option<&Identity>) -> io::Result<Self> {
        let tls = identity
            .map(|identity| identity.server_config(Tls::default(), true))
            .transpose()
            .map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (alive, dropped) = oneshot::channel::<()>();
        thread::Builder::new().name("pns-null".to_owned()).spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                tokio::select! {
                    () = accept(&listener, tls) => {}
                    _ = dropped => {}
                }
            });
        })?;
        Ok(Self { address, _alive: alive })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: &TcpListener, tls: Option<Arc<ServerConfig>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((tcp, _)) => {
                    connections.spawn(connection(tcp, tls.clone()));
                }
                // Out of files: a connection that ends makes room.
                Err(_) => tokio::task::yield_now().await,
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
}

/// How a connection ends is the client's to tell.
async fn connection(tcp: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let Some(config) = tls else { return serve(tcp).await };
    let stream = TlsAcceptor::from(config).accept(tcp).await?;
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return serve(stream).await;
    }
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| async {
        request.into_body().collect().await.map(|_| http::Response::new(Full::new(Bytes::new())))
    });
    hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await
        .map_err(io::Error::other)
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let mut buffer = vec![0; 8_192];
    let mut end = 0;
    loop {
        while let Some(length) = request(&buffer[..end]) {
            buffer.copy_within(length..end, 0);
            end -= length;
            stream.write_all(ANSWER).await?;
            stream.flush().await?;
        }
        if end == buffer.len() {
            if end >= REQUEST_MAX {
                return Ok(());
            }
            buffer.resize(end * 2, 0);
        }
        let more = stream.read(&mut buffer[end..]).await?;
        if more == 0 {
            return Ok(());
        }
        end += more;
    }
}

/// The length of the request at the start of `bytes`, once it is whole. Its head is the generator's own, which ends
/// with the length of the body.
fn request(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|end| end == b"\r\n\r\n")?;
    let (mut length, mut unit) = (0, 1);
    for digit in bytes[..head].iter().rev().take_while(|byte| byte.is_ascii_digit()).take(9) {
        length += usize::from(digit - b'0') * unit;
        unit *= 10;
    }
    let whole = head + 4 + length;
    (bytes.len() >= whole).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_or_it_is_not() {
        let text = b"POST / HTTP/1.1\r\nContent-Length: 12\r\n\r\nabcdefghijklPOST";
        let whole = text.len() - 4;
        assert_eq!(request(text), Some(whole));
        assert_eq!(request(&text[..whole]), Some(whole));
        assert_eq!(request(&text[..whole - 1]), None);
        assert_eq!(request(b"POST / HTTP/1.1\r\n"), None);
    }
}
