//! How a receiver behaves, stage by stage: a bug is one stage replaced in [`Plan::default`], which is correct.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::message::{Answer, Head, Reply, Request};
use super::service;
use super::state::{Client, Note, Shared, State};
use crate::receiver::TlsVersions;

/// What comes after a wait.
pub(super) type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What becomes of a notification that is pulled after.
pub(super) type Followed = Later<Result<(), Reply>>;

/// A receiver's ways. Each field is one thing that can be wrong by itself.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) tls: Tls,
    pub(super) connection: Connection,
    pub(super) framing: Framing,
    /// How the head is understood once it is parsed.
    pub(super) reread: fn(&mut Head),
    /// What is refused by the head alone, before the body is read.
    pub(super) gate: fn(&Head) -> Result<(), Reply>,
    /// When the key is checked, and what becomes of an unread body.
    pub(super) early: Early,
    /// Comes before everything else that is done with a whole request.
    pub(super) enter: fn(Arc<Shared>) -> Later<Result<(), Reply>>,
    /// Effects that take place before anything is checked: none.
    pub(super) premature: fn(&mut State, &Request),
    /// What becomes of a body that broke off: nothing.
    pub(super) cut: fn(&mut State, &[u8]),
    /// Whether the request has the key.
    pub(super) authorize: fn(&Request, &str) -> Result<(), Reply>,
    pub(super) content: fn(&Head) -> Result<(), Reply>,
    pub(super) parse: fn(&[u8]) -> Result<Value, Reply>,
    /// Whether the value is a notification: the body goes along, for receivers that search it as text.
    pub(super) validate: fn(&Value, &[u8]) -> Result<Note, Reply>,
    /// The effect, once per event id.
    pub(super) apply: fn(Arc<Shared>, Note) -> Later<Result<(), Reply>>,
    /// What it pulls after a notification that took effect, before it is acknowledged; given when it has a pull side.
    pub(super) follow: fn(&Arc<Shared>, Client, &Note) -> Followed,
    pub(super) acknowledge: fn(&Note) -> Answer,
    /// Comes between the verdict and the answer.
    pub(super) finish: fn(Arc<Shared>, Reply) -> Later<Reply>,
    /// How answers look.
    pub(super) dress: fn(Answer, &Request) -> Answer,
    pub(super) shape: Shape,
    /// How refusals are put on the wire, where that is not as other answers.
    pub(super) refusal_shape: Option<Shape>,
    pub(super) crash: Crash,
}

/// The first stage.
#[derive(Clone, Copy)]
pub(super) struct Tls {
    pub(super) versions: TlsVersions,
    pub(super) alpn: Alpn,
    pub(super) resumption: Resumption,
    pub(super) hello: Hello,
    pub(super) plain: Plain,
    pub(super) handshake: Handshake,
    pub(super) failed: Failed,
}

/// What is offered, and spoken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpn {
    Http1,
    Both,
    /// A proxy agrees on HTTP/2, and what stands behind it speaks HTTP/1.1.
    BothButSpeaksHttp1,
    /// HTTP/2 works, until a connection has a second stream.
    BothOneStream,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Resumption {
    Works,
    NotOffered,
    /// A resumed connection is reset.
    Breaks,
}

/// How the client's first message is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hello {
    AsItComes,
    /// By one read, and whatever is not there then is missed.
    OneRead,
}

/// What happens to plain HTTP on the port.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Plain {
    Refused,
    Served,
}

/// Where handshakes take place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Handshake {
    OnItsOwn,
    /// In the loop that accepts connections: one that stalls stops all.
    InAcceptLoop,
}

/// What a failed handshake leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    Forgotten,
    Crash,
}

/// Connections and the requests on them.
#[derive(Clone, Copy)]
pub(super) struct Connection {
    /// Served at once; more wait to be accepted.
    pub(super) at_once: usize,
    pub(super) reuse: Reuse,
    pub(super) broken: Broken,
    pub(super) ending: Ending,
    pub(super) leaving: Leaving,
    /// What follows a request in the same read.
    pub(super) read_ahead: ReadAhead,
}

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reuse {
    /// As RFC 9112, 9.3 has it.
    AsAsked,
    /// It is closed after each answer, which says so.
    CloseAnnounced,
    /// It is closed after each answer, which does not say so.
    CloseSilently,
    /// It is kept, and reset as soon as a second request comes.
    ResetSecond,
    /// It is kept, and a second request gets no answer.
    HangSecond,
    /// It is kept although the request said `Connection: close`.
    IgnoresClose,
    /// It is kept, and forgotten by something on the way when it was idle for a while.
    HangAfterIdle,
    /// After a refusal, whatever comes is refused.
    PoisonedByRefusal,
}

/// What a request that breaks off leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    Forgotten,
    /// The place of the connection is never free again.
    LeaksPlace,
    Crash,
}

/// How a connection is closed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Orderly,
    /// Without telling the TLS layer.
    NoCloseNotify,
}

/// A peer that leaves before its answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    Unnoticed,
    /// What is being done for it is broken off where it stands.
    Cancels,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadAhead {
    Kept,
    Lost,
}

/// Where a request ends.
#[derive(Clone, Copy)]
pub(super) struct Framing {
    pub(super) head: Reads,
    pub(super) leading_line: LeadingLine,
    pub(super) length: Reads,
    pub(super) cut: Cut,
    pub(super) chunked: Chunked,
    pub(super) both: Both,
    pub(super) expect: Expect,
    pub(super) body_max: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    UntilComplete,
    /// One read; what is not there then is missed.
    Once,
    /// Until it is complete, if that takes no longer than this.
    Within(Duration),
}

/// A body that breaks off.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    Dropped,
    TakenForWhole,
}

/// An empty line before the request line (RFC 9112, 2.2).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LeadingLine {
    Ignored,
    Refused,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunked {
    AsSpecified,
    /// 411, as RFC 9110, 15.5.12 allows.
    LengthDemanded,
    /// The body is awaited in vain.
    Hangs,
    /// The body is taken for empty.
    TakenForEmpty,
    /// The chunk lines are taken for body.
    LinesTakenForBody,
    ExtensionsRefused,
    /// More than 64 chunks are taken for an attack.
    FewOnly,
    /// Trailers are left on the connection, where the next request should be.
    TrailersLeft,
    /// Sizes are read as decimal numbers.
    DecimalSizes,
    /// A chunk that is no chunk ends in an internal error.
    FlawIsInternalError,
}

/// A request with a length and chunks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Both {
    Refused,
    /// The length counts: the way into request smuggling.
    LengthCounts,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// 100 is sent before the body is read.
    Continues,
    /// Nothing is sent, and nothing is read.
    Hangs,
}

/// A request without the key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Early {
    /// It is judged with its body.
    No,
    /// It is refused by its head, and the connection closed.
    RefuseAndClose,
    /// It is refused by its head, and its body is taken for the next request.
    RefuseAndKeep,
}

/// How an answer is put on the wire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Length,
    Chunked,
    UntilClose,
    ByteByByte,
    /// 1xx answers come before the final one.
    InterimFirst,
    LowerCaseNames,
    /// The announced length is larger than the body.
    LengthTooLong,
    /// It is half of it; the other half follows a moment later.
    LengthTooShort,
    TwoLengths,
    /// More follows a moment later.
    GarbageAfter,
    /// The last chunk never comes.
    NoLastChunk,
    /// A body is sent whatever the status, a moment after the head.
    BodyAlways,
    /// The status line has no version.
    BadStatusLine,
}

/// What follows a crash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Crash {
    StaysDown,
    /// A supervisor starts the process again, after this while, with what it had stored.
    RestartsAfter(Duration),
}

impl Default for Plan {
    /// The correct receiver.
    fn default() -> Self {
        Self {
            tls: Tls {
                versions: TlsVersions::Both,
                alpn: Alpn::Http1,
                resumption: Resumption::Works,
                hello: Hello::AsItComes,
                plain: Plain::Refused,
                handshake: Handshake::OnItsOwn,
                failed: Failed::Forgotten,
            },
            connection: Connection {
                at_once: 512,
                reuse: Reuse::AsAsked,
                broken: Broken::Forgotten,
                ending: Ending::Orderly,
                leaving: Leaving::Unnoticed,
                read_ahead: ReadAhead::Kept,
            },
            framing: Framing {
                head: Reads::UntilComplete,
                leading_line: LeadingLine::Ignored,
                length: Reads::UntilComplete,
                cut: Cut::Dropped,
                chunked: Chunked::AsSpecified,
                both: Both::Refused,
                expect: Expect::Continues,
                body_max: 1024 * 1024,
            },
            reread: |_| {},
            gate: |_| Ok(()),
            early: Early::No,
            enter: |_| Box::pin(std::future::ready(Ok(()))),
            premature: |_, _| {},
            cut: |_, _| {},
            authorize: service::authorize,
            content: service::content,
            parse: service::parse,
            validate: service::validate,
            apply: service::apply,
            follow: service::follow,
            acknowledge: service::acknowledge,
            finish: |_, reply| Box::pin(std::future::ready(reply)),
            dress: |answer, _| answer,
            shape: Shape::Length,
            refusal_shape: None,
            crash: Crash::StaysDown,
        }
    }
}
