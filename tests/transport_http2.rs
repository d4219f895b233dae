//! HTTP/2: how streams and connections end, and as what it is reported.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use h2::{Reason, RecvStream};
use pns_engine::{Answer, FailureReason};
use pns_simulator::endpoint::Endpoint;
use pns_simulator::transport::{
    Exchange, Http2, HttpsTransport, Request, ResolveOverride, Resolver, Settings, Transport, Trust,
};
use pns_test_support::{Authority, Peer, Validity, server_config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::server::TlsStream;

type Http2Connection = Connection<TlsStream<TcpStream>, Bytes>;
type Stream = (http::Request<RecvStream>, SendResponse<Bytes>);

const ACKNOWLEDGED: Answer = Answer::Status { code: 200, retry_after: None };

async fn tls<F>(
    serve: impl Fn(TlsStream<TcpStream>) -> F + Clone + Send + Sync + 'static,
) -> (Peer, HttpsTransport)
where
    F: Future<Output = ()> + Send + 'static,
{
    let authority = Authority::new();
    let mut config = server_config(authority.issue(&["localhost"], Validity::Now));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let peer = Peer::tls(config, serve).await;
    let addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let transport = HttpsTransport::new(Settings {
        http2: Http2::Offered,
        trust: Trust::Bundle(authority.pem.into_bytes()),
        resolver: Resolver::OverridesOnly,
        resolve: vec![ResolveOverride { host: "localhost".into(), port: peer.address().port(), addresses }],
        ..Settings::default()
    });
    (peer, transport.unwrap())
}

/// A peer that lets `serve` treat the first request of each connection, and then drives the connection to its end.
async fn http2(
    serve: impl Fn(&mut Http2Connection, Stream) + Clone + Send + Sync + 'static,
) -> (Peer, HttpsTransport) {
    tls(move |stream| {
        let serve = serve.clone();
        async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            let first = connection.accept().await.unwrap().unwrap();
            serve(&mut connection, first);
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                respond.send_response(http::Response::new(()), true).unwrap();
            }
        }
    })
    .await
}

async fn attempt(peer: &Peer, transport: &HttpsTransport) -> Exchange {
    let endpoint = Arc::new(Endpoint::parse(&peer.https()).unwrap());
    transport.attempt(Request::new(endpoint, Bytes::from_static(b"{}"))).await
}

#[tokio::test]
async fn a_stream_that_the_receiver_resets() {
    for (code, reason) in [
        // Refused means not processed: as if the receiver had hung up before it read.
        (Reason::REFUSED_STREAM, FailureReason::ClosedBeforeResponse),
        (Reason::NO_ERROR, FailureReason::ClosedBeforeResponse),
        (Reason::INTERNAL_ERROR, FailureReason::Reset),
        (Reason::CANCEL, FailureReason::Reset),
    ] {
        let (peer, transport) = http2(move |_, (_, mut respond)| respond.send_reset(code)).await;
        let exchange = attempt(&peer, &transport).await;
        assert_eq!(exchange.answer, Answer::NoResponse(reason), "{code:?}: {exchange:?}");
        // Only the stream is over.
        let exchange = attempt(&peer, &transport).await;
        assert_eq!((exchange.answer, exchange.reused), (ACKNOWLEDGED, true), "{code:?}: {exchange:?}");
        assert_eq!(peer.accepted(), 1);
    }
}

#[tokio::test]
async fn a_connection_that_the_receiver_gives_up() {
    for code in [Reason::NO_ERROR, Reason::ENHANCE_YOUR_CALM, Reason::INTERNAL_ERROR] {
        let (peer, transport) = http2(move |connection, _| connection.abrupt_shutdown(code)).await;
        let exchange = attempt(&peer, &transport).await;
        let Answer::NoResponse(reason) = exchange.answer else { panic!("{exchange:?}") };
        // The socket ends right after the word, and may be noticed first.
        let orderly = code == Reason::NO_ERROR && reason == FailureReason::ClosedBeforeResponse;
        assert!(orderly || reason == FailureReason::Reset, "{code:?}: {exchange:?}");
        assert_eq!(peer.accepted(), 1, "an attempt is one request");
    }
}

#[tokio::test]
async fn a_connection_that_ends_in_order_answers_what_it_has_and_takes_no_more() {
    let (tell, mut ended) = mpsc::unbounded_channel();
    let (peer, transport) = tls(move |stream| {
        let tell = tell.clone();
        async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            let (_, mut respond) = connection.accept().await.unwrap().unwrap();
            connection.graceful_shutdown();
            respond.send_response(http::Response::new(()), true).unwrap();
            while let Some(Ok(_)) = connection.accept().await {}
            tell.send(()).unwrap();
        }
    })
    .await;
    for _ in 0..2 {
        let exchange = attempt(&peer, &transport).await;
        assert_eq!((exchange.answer, exchange.reused), (ACKNOWLEDGED, false), "{exchange:?}");
        ended.recv().await.unwrap();
    }
    assert_eq!(peer.accepted(), 2);
}

#[tokio::test]
async fn a_connection_that_ends_without_a_word() {
    let (peer, transport) = tls(|stream| async move {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        // Dropped with its socket.
        drop(connection.accept().await);
    })
    .await;
    let exchange = attempt(&peer, &transport).await;
    let Answer::NoResponse(reason) = exchange.answer else { panic!("{exchange:?}") };
    // What of the sender's was not read yet makes the end a reset.
    assert!(matches!(reason, FailureReason::ClosedBeforeResponse | FailureReason::Reset), "{exchange:?}");
}

#[tokio::test]
async fn what_was_agreed_to_be_http2_and_is_not() {
    let (peer, transport) = tls(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        let _end = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let exchange = attempt(&peer, &transport).await;
    assert_eq!(exchange.answer, Answer::NoResponse(FailureReason::MalformedResponse), "{exchange:?}");
}
