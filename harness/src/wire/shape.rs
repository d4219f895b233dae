//! What a request by bytes is to look like: plain data, as scenario files say it.

use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
pub use pns_simulator::transport::TlsOffer;

/// The version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    #[default]
    Http11,
    /// HTTP/2, over ALPN.
    Http2,
}

impl Version {
    /// As in a request line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        }
    }
}

/// How the receiver is told where the body ends.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Framing {
    /// `Content-Length`, as it is.
    #[default]
    Length,
    /// `Content-Length` with this number, whatever the body's length.
    LengthOf(u64),
    /// Not at all.
    None,
    /// `Transfer-Encoding: chunked`.
    Chunked(Chunks),
    /// `Transfer-Encoding: chunked`, with these lines in place of chunk sizes: the body follows the first, nothing the
    /// others, and no last chunk is added.
    ChunkLines(Vec<String>),
}

/// How a body is cut into chunks.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Chunks {
    /// Sizes of the first chunks, in bytes; the rest goes into one more.
    pub sizes: Vec<usize>,
    /// A chunk extension, written after `;` behind every size.
    pub extension: Option<String>,
    /// A trailer field, as a line.
    pub trailer: Option<String>,
}

/// How the bytes are given to the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writing {
    /// In how many writes.
    pub pieces: Pieces,
    /// Real time between two of them.
    pub pause: Duration,
    /// What is cut; the rest is written whole.
    pub of: Part,
}

/// In how many writes a part of the request goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pieces {
    /// So many, of about equal length.
    Count(NonZeroUsize),
    /// One for every byte.
    Bytes,
}

/// A part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Part {
    /// Request line and headers.
    Head,
    /// The body with its framing.
    Body,
    /// Both.
    #[default]
    All,
}

/// A request that is broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Where.
    pub after: StopAfter,
    /// What is done with the connection.
    pub then: Then,
}

/// Where a request is broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopAfter {
    /// Before TLS.
    Connect,
    /// Before the first byte of HTTP.
    Handshake,
    /// After half of the head.
    HalfHead,
    /// After the head.
    Head,
    /// After half of the body.
    HalfBody,
    /// After the whole request.
    Body,
}

/// What is done with the connection of a request that was broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The sending side is closed, and what the receiver says of it is read.
    Close,
    /// The connection is reset.
    Reset,
    /// The connection stays open, silent, until the scenario ends.
    Wait,
}

/// What is spoken below HTTP.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Below {
    /// TLS.
    Tls(Tls),
    /// Nothing: plain HTTP, to a port that may expect TLS.
    Plain,
    /// These bytes in place of a TLS handshake, and nothing after them.
    Raw(Bytes),
}

impl Default for Below {
    fn default() -> Self {
        Self::Tls(Tls::default())
    }
}

/// A TLS connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Tls {
    /// The versions offered.
    pub offer: TlsOffer,
    /// Whether the host is named (SNI).
    pub name: NameIndication,
    /// What is offered by ALPN.
    pub alpn: Alpn,
    /// Whether an earlier session is resumed, where the receiver lets it.
    pub sessions: Sessions,
    /// Bytes in each write of the handshake; `None`: whole flights.
    pub fragments: Option<NonZeroUsize>,
    /// Most bytes of plain text in a TLS record; `None`: 16 KiB.
    pub record: Option<usize>,
}

/// Whether the host is named in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum NameIndication {
    /// It is, unless it is an IP address.
    #[default]
    Sent,
    /// It is not.
    LeftOut,
}

/// What is offered by ALPN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Alpn {
    /// `http/1.1`, or `h2` for HTTP/2.
    #[default]
    Http,
    /// Nothing.
    None,
}

/// Whether TLS sessions are resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Sessions {
    /// Each connection has a full handshake.
    #[default]
    Fresh,
    /// Those that ask for it share their sessions.
    Resumed,
}
