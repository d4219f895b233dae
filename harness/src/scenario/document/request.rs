//! The keys of requests by bytes.

use schemars::JsonSchema;

use super::*;

map! {
    /// A request by bytes, outside the sender; all keys have defaults, which make a valid notification.
    Request {
        /// The event type of the generated body. Default: RFP_SEND.
        event: EventName,
        /// Members laid over the generated body.
        with: Values,
        /// Members removed from the generated body: names or JSON pointers.
        without: OneOrMany<String>,
        /// Exactly this text as the body.
        body: String,
        /// Exactly these bytes as the body, in hexadecimal.
        body_hex: Hex,
        /// The very bytes of what was saved under this name.
        same: String,
        /// So many spaces after the body.
        pad: Count,
        /// The method. Default: POST.
        method: String,
        /// The request target, or `absolute`. Default: the endpoint's path and query.
        target: String,
        /// "1.1" (default), "1.0" or "2".
        http: String,
        /// Header lines; those with the name of a usual header replace it.
        headers: OneOrMany<String>,
        /// Usual headers that are not sent.
        leave_out: OneOrMany<String>,
        /// `target` (default), `none`, `wrong`, or a text.
        auth: WordOr<AuthText>,
        /// `length` (default), `chunked`, `none`, or a map.
        framing: WordOr<FramingMap>,
        /// Bytes before the request line.
        prefix: String,
        /// Bytes after the body.
        suffix: String,
        /// How the bytes are written.
        write: Writing,
        /// Where it is broken off.
        stop: Stop,
        /// Sends `Expect: 100-continue`, and the body when it may.
        expect_continue: Flag,
        /// The name of a connection that is kept.
        on: String,
        /// What is spoken below HTTP.
        tls: RequestTls,
    }
}

scalar!(
    /// Bytes in hexadecimal.
    Hex,
    { "type": "string", "pattern": r"^([0-9a-fA-F]{2} ?)*$", "description": "Bytes in hexadecimal: fffe7b00." }
);

map! {
    /// The value of the Authorization header.
    AuthText {
        /// The whole value. Required.
        text: String,
    }
}

map! {
    /// A framing: `length`, `chunks` or `chunk_lines`, and what belongs to it.
    FramingMap {
        /// `Content-Length` with this number, whatever the body's length.
        length: Count,
        /// Sizes of the first chunks; the rest goes into one more.
        chunks: Vec<Count>,
        /// With `chunks`: a chunk extension.
        extension: String,
        /// With `chunks`: a trailer field.
        trailer: String,
        /// Lines in place of chunk sizes; the body follows the first.
        chunk_lines: OneOrMany<String>,
    }
}

map! {
    /// How the bytes are written.
    Writing {
        /// In how many writes; `bytes`: one for every byte. Required.
        pieces: WordOr<Count>,
        /// Real time between two. Default: none.
        pause: Span,
        /// head, body or all. Default: all.
        of: String,
    }
}

map! {
    /// Where a request is broken off.
    Stop {
        /// connect, handshake, half-head, head, half-body or body. Required.
        after: String,
        /// close, reset or wait. Default: close.
        then: String,
    }
}

map! {
    /// What is spoken below HTTP.
    RequestTls {
        /// tls12 or tls13. Default: both are offered.
        version: String,
        /// `false`: the host is not named.
        sni: Flag,
        /// `none` or `http1` (default).
        alpn: String,
        /// Whether a session is resumed with others that say so.
        resume: Flag,
        /// Bytes in each write of the handshake, with 50 ms after the first.
        fragments: Count,
        /// Most bytes in a TLS record.
        record: Count,
        /// These bytes instead of a handshake, in hexadecimal, and nothing after them.
        raw_hex: Hex,
        /// Plain HTTP to the port.
        plain: Flag,
    }
}

/// What may come back: a status, a class such as `4xx`, a word, a list of them, or all but some.
#[derive(Debug, JsonSchema)]
#[serde(untagged)]
pub enum Answers {
    /// One of these.
    Only(OneOrMany<WordOr<Status>>),
    /// Anything else.
    Not(NotAnswers),
}

map! {
    /// Anything but these.
    NotAnswers {
        /// What must not come back. Required.
        not: OneOrMany<WordOr<Status>>,
    }
}
