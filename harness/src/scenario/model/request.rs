//! A request by bytes, outside the sender, and what may come back.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use pns_engine::EventType;

use super::Template;
use crate::wire::shape::{Below, Framing, Stop, Version, Writing};

/// One or several requests by bytes, judged in place.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The body.
    pub body: RequestBody,
    /// So many spaces after it.
    pub pad: usize,
    /// The method as written.
    pub method: String,
    /// The request target.
    pub target: RequestTarget,
    /// The version of HTTP.
    pub version: Version,
    /// Further header lines; those with the name of a usual header stand in its place.
    pub headers: Vec<Template>,
    /// Names of usual headers that are not sent.
    pub leave_out: Vec<String>,
    /// The Authorization header.
    pub auth: RequestAuth,
    /// How the body is framed.
    pub framing: Framing,
    /// Bytes before the request line.
    pub prefix: Option<Template>,
    /// Bytes after the body.
    pub suffix: Option<Template>,
    /// How the bytes are written; `None`: at once.
    pub writing: Option<Writing>,
    /// Where it is broken off.
    pub stop: Option<Stop>,
    /// Whether it sends `Expect: 100-continue` and waits for leave.
    pub expect_continue: bool,
    /// The connection's name; `None`: a fresh one, closed afterwards.
    pub on: Option<String>,
    /// What is spoken below HTTP.
    pub below: Below,
    /// How often, when, and what may come back.
    pub course: Course,
}

/// How often a request is made, when, and what may come back.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// So many at once.
    pub copies: u32,
    /// Whether the copies are one notification, byte for byte.
    pub alike: bool,
    /// So many one after the other.
    pub times: u32,
    /// Real time before the request, or between several.
    pub pause: Duration,
    /// What may come back; `None`: not said, so 2xx, or anything to a request that is broken off.
    pub answer: Option<Answers>,
    /// Longest wait for the answer; `None`: the run's.
    pub within: Option<Duration>,
    /// Whether the receiver must close the connection after its answer.
    pub then_closed: bool,
    /// Whether an answer that does not fit ends the scenario as skipped: what follows supposes it.
    pub or_skip: bool,
    /// Texts that the answer must not hold.
    pub body_without: Vec<Template>,
    /// The check's title in reports; `None`: made from the request.
    pub title: Option<Template>,
    /// The name under which to find the notifications.
    pub save: Option<String>,
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestBody {
    /// Generated from the schema pack.
    Generated {
        /// Of this type.
        event_type: EventType,
        /// Members laid over it.
        with: Option<Template>,
        /// Members removed from it: JSON pointers.
        without: Vec<String>,
    },
    /// Exactly this text.
    Text(Template),
    /// Exactly these bytes.
    Bytes(Bytes),
    /// The very bytes of what was saved under this name.
    Same(String),
}

/// The request target.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestTarget {
    /// The endpoint's path and query.
    Endpoint,
    /// The endpoint's whole address (RFC 9112, 3.2.2).
    Absolute,
    /// This text.
    Text(Template),
}

/// The Authorization header of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestAuth {
    /// The key agreed on, if there is one.
    Target,
    /// No such header.
    None,
    /// Another key of the same length.
    Wrong,
    /// This value.
    Text(Template),
}

/// What may come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answers {
    /// One of these.
    Only(Vec<AnswerKind>),
    /// Anything but these.
    Not(Vec<AnswerKind>),
}

/// A kind of result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// This status.
    Status(u16),
    /// Any status of this hundred.
    Class(u16),
    /// Any well-formed answer.
    Any,
    /// Closed or reset without an answer.
    Closed,
    /// Nothing in time.
    None,
    /// Something that is no HTTP answer.
    Malformed,
    /// No connection came about: refused, or TLS failed.
    Refused,
}

impl AnswerKind {
    /// The kinds that are words, as in scenario files.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("any", Self::Any),
        ("closed", Self::Closed),
        ("none", Self::None),
        ("malformed", Self::Malformed),
        ("refused", Self::Refused),
    ];
}

impl fmt::Display for AnswerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code) => write!(f, "{code}"),
            Self::Class(hundred) => write!(f, "{hundred}xx"),
            Self::Any => f.write_str("any status"),
            Self::Closed => f.write_str("closed without an answer"),
            Self::None => f.write_str("no answer"),
            Self::Malformed => f.write_str("a malformed answer"),
            Self::Refused => f.write_str("no connection"),
        }
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Only(kinds) | Self::Not(kinds)) = self;
        let texts: Vec<String> = kinds.iter().map(ToString::to_string).collect();
        match self {
            Self::Only(_) => f.write_str(&texts.join(" or ")),
            Self::Not(_) if texts.len() == 1 => write!(f, "not {}", texts[0]),
            Self::Not(_) => write!(f, "none of: {}", texts.join(", ")),
        }
    }
}
