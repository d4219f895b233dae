//! Peers on loopback sockets: plain, behind TLS, or a TLS front before another address.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use tokio::io::{AsyncRead, AsyncReadExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::certificate::Leaf;

/// A listener whose connections a closure serves; it ends when dropped.
#[derive(Debug)]
pub struct Peer {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Peer {
    /// Serves each TCP connection by `serve`.
    pub async fn tcp<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        Self::tcp_at(listener, serve)
    }

    /// Serves each TCP connection that comes to `listener`.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn tcp_at<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr().expect("a bound listener has an address");
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                stream.set_nodelay(true).expect("a connected socket takes options");
                tokio::spawn(serve(stream));
            }
        });
        Self { address, accepted, task }
    }

    /// Serves each TLS connection by `serve`; a failed handshake ends the connection.
    pub async fn tls<F>(
        config: ServerConfig,
        serve: impl Fn(TlsStream<TcpStream>) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        Self::tls_at(listener, config, serve)
    }

    /// Serves each TLS connection that comes to `listener`.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn tls_at<F>(
        listener: TcpListener,
        config: ServerConfig,
        serve: impl Fn(TlsStream<TcpStream>) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::tcp_at(listener, move |stream| {
            let (acceptor, serve) = (acceptor.clone(), serve.clone());
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream).await;
                }
            }
        })
    }

    /// Terminates TLS before a plain server at `inner`.
    pub async fn front(config: ServerConfig, inner: SocketAddr) -> Self {
        Self::tls(config, move |mut outer| async move {
            if let Ok(mut inner) = TcpStream::connect(inner).await {
                // Either side may end as it likes.
                let _ended: io::Result<_> = copy_bidirectional(&mut outer, &mut inner).await;
            }
        })
        .await
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https://localhost:PORT`.
    #[must_use]
    pub fn https(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// `http://localhost:PORT`.
    #[must_use]
    pub fn http(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    /// How many connections came.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A server's TLS settings without client certificates.
#[must_use]
pub fn server_config(leaf: Leaf) -> ServerConfig {
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has all versions")
        .with_no_client_auth()
        .with_single_cert(leaf.chain, leaf.key)
        .expect("the key fits the certificate")
}

/// Reads one request whose body has a `Content-Length`: its bytes, or those that came before the end.
///
/// # Errors
/// When reading fails, as by a reset; `read` holds what came before.
pub async fn read_request(stream: &mut (impl AsyncRead + Unpin), read: &mut Vec<u8>) -> io::Result<()> {
    loop {
        if let Some(head) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.and_then(|digits| digits.parse().ok()).unwrap_or(0);
            if read.len() >= head + 4 + length {
                return Ok(());
            }
        }
        if stream.read_buf(read).await? == 0 {
            return Ok(());
        }
    }
}
