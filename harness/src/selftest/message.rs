//! Requests as read, answers as meant, and what a request can come to besides an answer.

use http::StatusCode;

/// The version in a request line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http10,
    Http11,
    Http2,
}

/// One header line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// As it was spelt.
    pub(super) name: String,
    /// Without the white space around it.
    pub(super) value: Vec<u8>,
    /// All that followed the colon.
    pub(super) raw: Vec<u8>,
}

impl Field {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value as text, if it is ASCII.
    pub(super) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.value).ok().filter(|text| text.is_ascii())
    }
}

/// The head of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) version: Version,
    pub(super) fields: Vec<Field>,
}

impl Head {
    /// The lines of that name, in order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Field> {
        self.fields.iter().filter(move |field| field.is(name))
    }

    /// The text of the first line of that name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.is(name))?.text()
    }

    /// Whether a comma-separated list of tokens has this one, in whatever case.
    pub(super) fn lists(&self, name: &str, token: &str) -> bool {
        self.all(name)
            .filter_map(Field::text)
            .flat_map(|text| text.split(','))
            .any(|item| item.trim().eq_ignore_ascii_case(token))
    }

    /// The path, whichever form the target has (RFC 9112, 3.2), without the query.
    pub(super) fn path(&self) -> &str {
        let target = match self.target.split_once("://") {
            Some((scheme, rest)) if !scheme.contains('/') => rest.find('/').map_or("/", |at| &rest[at..]),
            _ => &self.target,
        };
        target.split_once('?').map_or(target, |(path, _query)| path)
    }
}

/// A whole request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) head: Head,
    pub(super) body: Vec<u8>,
    /// Which request of its connection it is, from 1.
    pub(super) nth: u32,
}

/// What happens to the connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// As the request and the specimen's ways will have it.
    AsUsual,
    Close,
}

/// An answer as meant; [`write`](super::write) puts it on the wire, rightly or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    pub(super) after: After,
    /// Whether it answers HEAD, and so has no body (RFC 9110, 9.3.2).
    pub(super) head_alone: bool,
    /// Whether it answers HTTP/1.0, which knows no chunks (RFC 9112, 6.1).
    pub(super) without_chunks: bool,
}

impl Answer {
    pub(super) fn empty(status: u16) -> Self {
        Self {
            status,
            fields: Vec::new(),
            body: Vec::new(),
            after: After::AsUsual,
            head_alone: false,
            without_chunks: false,
        }
    }

    pub(super) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::of(status, "application/json", body.to_string())
    }

    pub(super) fn of(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::empty(status) }.with("Content-Type", content_type)
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    pub(super) fn closing(mut self) -> Self {
        self.after = After::Close;
        self
    }

    /// The same, as HTTP frames it for a request with this method and version.
    pub(super) fn framed_for(mut self, is_head: bool, version: Version) -> Self {
        self.head_alone = is_head;
        self.without_chunks = version == Version::Http10;
        self
    }

    /// Whether HTTP gives it no body (RFC 9110, 6.4.1).
    pub(super) fn is_bodiless(&self) -> bool {
        self.head_alone || self.status < 200 || self.status == 204 || self.status == 304
    }

    pub(super) fn reason(&self) -> &'static str {
        let status = StatusCode::from_u16(self.status).ok();
        status.and_then(|status| status.canonical_reason()).unwrap_or("Unusual")
    }
}

/// What a request comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Answer(Answer),
    /// The connection is reset, without an answer.
    Reset,
    /// Nothing, until the peer leaves.
    Hang,
    /// The whole server ends, as a process that crashes does.
    Crash,
}

impl Reply {
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Answer(answer) => Some(answer.status),
            _ => None,
        }
    }
}

/// A refusal with a reason, as a well-built receiver gives it.
pub(super) fn refuse(status: u16, detail: &str) -> Reply {
    let mut answer = Answer::json(status, &serde_json::json!({ "error": detail }));
    if status == 401 {
        answer = answer.with("WWW-Authenticate", "api_key");
    }
    Reply::Answer(answer)
}

/// What an exception that nobody caught looks like from outside.
pub(super) fn internal_error() -> Reply {
    refuse(500, "internal server error")
}
