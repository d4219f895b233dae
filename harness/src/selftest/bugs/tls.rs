//! Bugs below HTTP.

use crate::selftest::Specimen;
use crate::selftest::plan::{Alpn, Failed, Handshake, Hello, Plain, Resumption};

pub(super) const ALL: &[Specimen] = &[
    Specimen::bug(
        "handshake-stall-blocks-accept",
        &["tls/stalled-handshakes"],
        "Python's `ssl.wrap_socket` around the listening socket, or Java's `SSLServerSocket` with a handshake before \
         the thread is started: a peer that connects and says nothing stops everybody",
        |plan| plan.tls.handshake = Handshake::InAcceptLoop,
    ),
    Specimen::bug(
        "handshake-stalls-use-up-workers",
        &["tls/stalled-handshakes", "http/idle-connections-held"],
        "a pool of four workers, each bound to a connection from `accept` on: a few silent peers take them all",
        |plan| plan.connection.at_once = 4,
    ),
    Specimen::bug(
        "failed-handshake-ends-server",
        &["tls/broken-handshakes"],
        "an `SSLHandshakeException` that leaves the accept loop, or an unhandled `tlsClientError` in Node",
        |plan| plan.tls.failed = Failed::Crash,
    ),
    Specimen::bug(
        "plain-http-acknowledged",
        &["tls/plain-http-not-acknowledged"],
        "a port that tells TLS and plain HTTP apart by the first byte (cmux, Jetty's optional TLS) and serves both: \
         keys travel in the clear and nobody notices",
        |plan| plan.tls.plain = Plain::Served,
    ),
    Specimen::bug(
        "resumed-session-reset",
        &["tls/resumption"],
        "session tickets that the other node of a cluster cannot use, or OpenSSL's `session id context uninitialized`",
        |plan| plan.tls.resumption = Resumption::Breaks,
    ),
    Specimen::bug(
        "hello-in-one-read",
        &["tls/handshake-in-fragments"],
        "a proxy that picks the back end by the server name and reads once: a first message in two packets (usual \
         since key exchanges became large) is taken for broken",
        |plan| plan.tls.hello = Hello::OneRead,
    ),
    Specimen::bug(
        "http2-agreed-and-not-spoken",
        &["http/http2"],
        "a load balancer that passes ALPN `h2` on to a back end that knows HTTP/1.1 alone",
        |plan| plan.tls.alpn = Alpn::BothButSpeaksHttp1,
    ),
    Specimen::bug(
        "http2-second-stream-500",
        &["http/http2", "http/http2-concurrent", "http/http2-reuse-50"],
        "a gateway that keeps its request context per connection, where HTTP/2 has many requests on one",
        |plan| plan.tls.alpn = Alpn::BothOneStream,
    ),
];
