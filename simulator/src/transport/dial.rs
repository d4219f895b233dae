//! A new connection: addresses, TCP, TLS, HTTP.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use pns_engine::{FailureReason, TlsFailure};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Timings;
use super::failure::Failure;
use super::pool::{Connection, Protocol};
use super::settings::{Resolver, Settings};
use super::stopwatch::Stopwatch;
use super::stream::{Narrow, Stream};
use super::tls::ClientCertificateAsked;
use super::wire::{Progress, Wire};
use crate::endpoint::Endpoint;

/// How long a connection that is no longer needed may take to say goodbye.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// How many of a name's addresses are tried.
const ADDRESSES_MAX: usize = 8;

/// What ended a dial: the failure, and the timeout that made it one, if a timeout did.
#[derive(Debug)]
pub(super) struct DialError {
    pub(super) failure: Failure,
    pub(super) waited: Option<Duration>,
}

impl DialError {
    fn timeout(reason: FailureReason, limit: Duration) -> Self {
        Self { failure: Failure::new(reason, format!("not done within {limit:?}")), waited: Some(limit) }
    }
}

impl From<Failure> for DialError {
    fn from(failure: Failure) -> Self {
        Self { failure, waited: None }
    }
}

/// A stream to the receiver, ready for HTTP.
#[derive(Debug)]
pub(super) struct Dialled {
    pub(super) stream: Stream,
    pub(super) remote: SocketAddr,
    pub(super) asked: Arc<ClientCertificateAsked>,
    http2: bool,
}

/// Opens a stream to `endpoint`, and writes to `timings` what it took.
pub(super) async fn stream(
    endpoint: &Endpoint,
    settings: &Settings,
    tls: &Arc<ClientConfig>,
    connect_limit: Duration,
    timings: &mut Timings,
) -> Result<Dialled, DialError> {
    let (tcp, remote) = tcp(endpoint, settings, connect_limit, timings).await?;
    let asked = Arc::new(ClientCertificateAsked::default());
    if !endpoint.is_secure() {
        return Ok(Dialled { stream: Stream::Plain(tcp), remote, asked, http2: false });
    }
    let watch = Stopwatch::start();
    // A few shared handles: the copy is nothing beside a handshake, and tells whose certificate was asked for.
    let mut config = ClientConfig::clone(tls);
    config.client_auth_cert_resolver = Arc::clone(&asked) as Arc<_>;
    // A parsed endpoint's host is a DNS name or an IP address; what rustls takes for neither has no certificate.
    let name = ServerName::try_from(endpoint.host().to_owned())
        .map_err(|error| Failure::new(FailureReason::Tls(TlsFailure::WrongHost), error.to_string()))?;
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, Narrow::from(tcp));
    let stream = match timeout(settings.timeouts.tls, handshake).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(Failure::handshake(&error, asked.get()).into()),
        Err(_) => {
            let reason = FailureReason::Tls(TlsFailure::HandshakeTimeout);
            return Err(DialError::timeout(reason, settings.timeouts.tls));
        }
    };
    timings.tls = Some(watch.elapsed());
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok(Dialled { stream: Stream::Tls(Box::new(stream)), remote, asked, http2 })
}

/// Opens a TCP connection to `endpoint`, and writes to `timings` what it took.
pub(super) async fn tcp(
    endpoint: &Endpoint,
    settings: &Settings,
    connect_limit: Duration,
    timings: &mut Timings,
) -> Result<(TcpStream, SocketAddr), DialError> {
    let watch = Stopwatch::start();
    let addresses = resolve(endpoint, settings).await?;
    timings.resolve = Some(watch.elapsed());

    let watch = Stopwatch::start();
    let (tcp, remote) = connect(&addresses, connect_limit).await?;
    timings.connect = Some(watch.elapsed());
    // Small requests must not wait for the acknowledgement of the packet before.
    tcp.set_nodelay(true).map_err(|error| Failure::connect(&error))?;
    Ok((tcp, remote))
}

/// Starts HTTP on a stream. The task that drives it ends when the connection is dropped.
pub(super) async fn http(dialled: Dialled, settings: &Settings) -> Result<Connection, Failure> {
    let progress = Arc::new(Progress::default());
    let io = TokioIo::new(Wire { stream: dialled.stream, progress: Arc::clone(&progress) });
    let (alive, dropped) = oneshot::channel();
    let protocol = if dialled.http2 {
        let (sender, driver) = http2::Builder::new(TokioExecutor::new())
            .max_header_list_size(u32::try_from(settings.limits.head_bytes).unwrap_or(u32::MAX))
            .handshake(io)
            .await
            .map_err(|error| Failure::exchange(&error, dialled.asked.get()))?;
        tokio::spawn(drive(driver, dropped));
        Protocol::Http2(sender)
    } else {
        let (sender, driver) = http1::Builder::new()
            .title_case_headers(true)
            .max_buf_size(settings.limits.head_bytes)
            .max_headers(settings.limits.headers)
            .handshake(io)
            .await
            .map_err(|error| Failure::exchange(&error, dialled.asked.get()))?;
        tokio::spawn(drive(driver, dropped));
        Protocol::Http1(sender)
    };
    Ok(Connection {
        protocol,
        remote: dialled.remote,
        asked: dialled.asked,
        progress,
        alive: Arc::new(alive),
    })
}

/// Drives a connection until it ends by itself, or a little longer than anyone wants it.
async fn drive<F: Future>(driver: F, dropped: oneshot::Receiver<()>) {
    let mut driver = std::pin::pin!(driver);
    tokio::select! {
        _ = &mut driver => return,
        _ = dropped => {}
    }
    let _closed_or_given_up = timeout(CLOSE_LIMIT, driver).await;
}

async fn resolve(endpoint: &Endpoint, settings: &Settings) -> Result<Vec<SocketAddr>, DialError> {
    let (host, port) = (endpoint.host(), endpoint.port());
    let with_port = |address: IpAddr| SocketAddr::new(address, port);
    if let Some(found) = settings.resolve.iter().find(|entry| entry.host == host && entry.port == port) {
        return Ok(found.addresses.iter().copied().map(with_port).collect());
    }
    if let Some(address) = endpoint.ip() {
        return Ok(vec![with_port(address)]);
    }
    if settings.resolver == Resolver::OverridesOnly {
        let detail = format!("no address is given for `{host}:{port}`, and lookups are off");
        return Err(Failure::new(FailureReason::NameResolution, detail).into());
    }
    look_up(lookup_host((host, port)), settings.timeouts.resolve).await
}

/// The first few of the addresses that `lookup` finds within `limit`.
async fn look_up<A: Iterator<Item = SocketAddr>>(
    lookup: impl Future<Output = io::Result<A>>,
    limit: Duration,
) -> Result<Vec<SocketAddr>, DialError> {
    let unresolved = |detail: &str| Failure::new(FailureReason::NameResolution, detail);
    match timeout(limit, lookup).await {
        Ok(Ok(found)) => {
            let addresses: Vec<_> = found.take(ADDRESSES_MAX).collect();
            if addresses.is_empty() { Err(unresolved("no address").into()) } else { Ok(addresses) }
        }
        Ok(Err(error)) => Err(unresolved(&error.to_string()).into()),
        Err(_) => Err(DialError::timeout(FailureReason::NameResolution, limit)),
    }
}

/// Tries the addresses in order. Each gets an equal share of what is left of the limit, so that one that
/// swallows packets does not hide the next.
async fn connect(addresses: &[SocketAddr], limit: Duration) -> Result<(TcpStream, SocketAddr), DialError> {
    let watch = Stopwatch::start();
    let mut last = None;
    for (tried, address) in (0_u32..).zip(addresses) {
        let left = u32::try_from(addresses.len()).unwrap_or(u32::MAX).saturating_sub(tried).max(1);
        let share = limit.saturating_sub(watch.elapsed()) / left;
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return Ok((tcp, *address)),
            Ok(Err(error)) => last = Some(DialError::from(Failure::connect(&error))),
            Err(_) => last = Some(DialError::timeout(FailureReason::ConnectTimeout, limit)),
        }
    }
    Err(last.unwrap_or_else(|| Failure::new(FailureReason::NameResolution, "no address").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_lookup_that_hangs_ends_at_its_limit() {
        let hangs = std::future::pending::<io::Result<std::vec::IntoIter<SocketAddr>>>();
        let error = look_up(hangs, SHORT).await.unwrap_err();
        assert_eq!(error.failure.reason, FailureReason::NameResolution);
        assert_eq!(error.waited, Some(SHORT));
    }

    #[tokio::test]
    async fn a_lookup_that_finds_nothing_or_too_much() {
        let nothing = std::future::ready(Ok(std::iter::empty()));
        let error = look_up(nothing, SHORT).await.unwrap_err();
        assert_eq!((error.failure.reason, error.waited), (FailureReason::NameResolution, None));
        let many = (1..=100).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        assert_eq!(look_up(std::future::ready(Ok(many)), SHORT).await.unwrap().len(), ADDRESSES_MAX);
    }
}
