//! Bodies in chunks.

use serde_json::{Value, json};

use super::super::super::kinds::{Cases, Property};
use super::{step, steps, variants, with};
use crate::clause::Clause;
use crate::event::Strength;

/// Bodies in chunks.
pub(super) const ALL: &[Property] = &[CHUNKED, MANY_SMALL_CHUNKS, TRAILERS, CHUNK_EXTENSIONS];

/// What may come back for well-formed chunks: a server may demand a length in their place (RFC 9110, section 15.5.12).
fn taken() -> Value {
    json!(["2xx", 411])
}

const READ_CHUNKS: &str = "Read the body by the server's or framework's own stream, which undoes chunks, and not by \
     `Content-Length`. In PHP behind FastCGI let the proxy buffer requests; in WSGI use a server that sets \
     `wsgi.input_terminated`. Or refuse chunks with 411.";

const CHUNKED: Property = Property {
    id: "http/chunked",
    title: "a body in chunks is acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["chunks", "smoke"],
    needs: &[],
    does: "Sends notifications in one chunk, in several of 1 to 200 bytes, and with chunks that arrive one by one. 411 is \
           accepted, too.",
    why: "A server must be able to read chunks (RFC 9112, section 7.1). Senders that write JSON straight into the connection \
          use them, and so do proxies; a receiver that knows `Content-Length` alone sees an empty body, waits for ever, or \
          finds chunk sizes in its JSON.",
    mend: READ_CHUNKS,
    cases: Cases::Fixed(|setting| {
        let forms = [
            ("one", json!({ "framing": "chunked" })),
            ("several", json!({ "framing": { "chunks": [1, 15, 16, 26, 100, 200] } })),
            (
                "one by one",
                json!({
                    "framing": { "chunks": [64, 64, 64] },
                    "write": { "pieces": 8, "pause": "10ms", "of": "body" },
                }),
            ),
        ];
        variants(setting, &taken(), &forms)
    }),
};

/// More than a proxy with the smallest buffers makes of a notification.
const SMALL: usize = 200;

const MANY_SMALL_CHUNKS: Property = Property {
    id: "http/many-small-chunks",
    title: "a body in hundreds of small chunks is acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["chunks"],
    needs: &[],
    does: "Sends a notification in two hundred chunks of one byte and one for the rest.",
    why: "The sizes of chunks are the sender's choice (RFC 9112, section 7.1). JSON writers flush token by token; a limit on \
          the number of chunks, meant for floods of megabytes, refuses what is an ordinary body.",
    mend: "Limit the bytes of a body and of chunk lines rather than their number, or set the limit far above a thousand.",
    cases: Cases::Fixed(|setting| {
        variants(setting, &taken(), &[("", json!({ "framing": { "chunks": vec![1; SMALL] } }))])
    }),
};

const TRAILERS: Property = Property {
    id: "http/trailers",
    title: "trailers behind the last chunk are read, and the connection goes on",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["chunks", "connections"],
    needs: &[],
    does: "Sends a notification in chunks with a trailer field, and another one on the same connection.",
    why: "Fields may stand behind the last chunk, and a server may ignore them, but it has to read them (RFC 9112, section \
          7.1.2). What stops at chunk 0 takes them for the next request: the notification that follows on the connection is \
          refused.",
    mend: READ_CHUNKS,
    cases: Cases::Fixed(|setting| {
        let chunks = json!({ "framing": { "chunks": [20], "trailer": "X-Checksum: 1f2e" }, "on": "a" });
        let first =
            step(setting, "a notification with a trailer is acknowledged, or a length is demanded", chunks);
        let first = with(first, "answer", taken());
        let second = step(setting, "the next one on the connection is acknowledged", json!({ "on": "a" }));
        steps("", [first, second]).into_iter().collect()
    }),
};

const CHUNK_EXTENSIONS: Property = Property {
    id: "http/chunk-extensions",
    title: "extensions of chunks are ignored",
    clause: Clause::EndpointSchema,
    strength: Strength::Advice,
    tags: &["chunks"],
    needs: &[],
    does: "Sends notifications whose chunks have an extension: a name, a name with a value, a name with a quoted value.",
    why: "A server must ignore extensions that it does not know (RFC 9112, section 7.1.1), and `int(line, 16)` on the whole \
          line throws on them. Hardly any sender uses them.",
    mend: "Cut the line at the first semicolon before the size is parsed, or leave chunks to the server.",
    cases: Cases::Fixed(|setting| {
        let extended = |text: &str| json!({ "framing": { "chunks": [20], "extension": text } });
        let forms = [
            ("a name", extended("last")),
            ("a value", extended("a=b")),
            ("a quoted value", extended("signature=\"0f9a\"")),
        ];
        variants(setting, &taken(), &forms)
    }),
};
