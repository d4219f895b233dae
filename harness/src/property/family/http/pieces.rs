//! Requests that arrive in pieces, and slowly.

use serde_json::json;

use super::super::super::kinds::{Cases, Property};
use super::super::bodies::accepted;
use super::variants;
use crate::clause::Clause;
use crate::event::Strength;

/// Requests that arrive in pieces, and slowly.
pub(super) const ALL: &[Property] = &[HEAD_IN_PIECES, BODY_IN_PIECES, SLOW_HEAD, SLOW_BODY];

/// Why a second must be survived, and what must not be concluded from a read.
const A_STREAM: &str = "TCP carries a stream, whose pieces are as the network makes them, not as they were written (RFC 9293, \
     section 3.7). A read that is taken for all there is works on every developer's machine, where a request comes in \
     one piece, and fails behind a tunnel, a proxy or a long line.";
const A_LOST_PACKET: &str = "A packet that is lost early is sent again after a second (RFC 6298, section 2): that is an ordinary delay, no attack. \
     Limits of a few hundred milliseconds, or in milliseconds where seconds were meant, break exactly the requests that had \
     bad luck already.";

const READ_ON: &str = "Read until the head has its empty line and the body its length, in a loop, or leave it to the server; the \
     first read, or `data` event, is not all.";
const GIVE_TIME: &str = "Allow ten seconds and more for a head and for a pause within a body: client_header_timeout and \
     client_body_timeout, RequestReadTimeout, MinRequestBodyDataRate, `headersTimeout`, `requestTimeout`.";

const HEAD_IN_PIECES: Property = Property {
    id: "http/head-in-pieces",
    title: "a head that arrives in pieces is read to its end",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["pieces"],
    needs: &[],
    does: "Sends notifications whose head comes in two pieces, in thirty, and byte by byte.",
    why: A_STREAM,
    mend: READ_ON,
    cases: Cases::Fixed(|setting| {
        let forms = [
            ("two", json!({ "write": { "pieces": 2, "pause": "50ms", "of": "head" } })),
            ("thirty", json!({ "write": { "pieces": 30, "pause": "2ms", "of": "head" } })),
            ("byte by byte", json!({ "write": { "pieces": "bytes", "of": "head" } })),
        ];
        variants(setting, &accepted(), &forms)
    }),
};

const BODY_IN_PIECES: Property = Property {
    id: "http/body-in-pieces",
    title: "a body that arrives in pieces is read to its end",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["pieces"],
    needs: &[],
    does: "Sends notifications whose body comes after the head, in two pieces, in thirty, and byte by byte.",
    why: A_STREAM,
    mend: READ_ON,
    cases: Cases::Fixed(|setting| {
        let forms = [
            ("after the head", json!({ "write": { "pieces": 1, "pause": "50ms", "of": "body" } })),
            ("two", json!({ "write": { "pieces": 2, "pause": "50ms", "of": "body" } })),
            ("thirty", json!({ "write": { "pieces": 30, "pause": "2ms", "of": "body" } })),
            ("byte by byte", json!({ "write": { "pieces": "bytes", "of": "body" } })),
        ];
        variants(setting, &accepted(), &forms)
    }),
};

const SLOW_HEAD: Property = Property {
    id: "http/slow-head",
    title: "a head that takes a second is waited for",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["pieces", "slow"],
    needs: &[],
    does: "Sends a notification whose head comes in five pieces over a second.",
    why: A_LOST_PACKET,
    mend: GIVE_TIME,
    cases: Cases::Fixed(|setting| {
        let write = json!({ "write": { "pieces": 5, "pause": "250ms", "of": "head" } });
        variants(setting, &accepted(), &[("", write)])
    }),
};

const SLOW_BODY: Property = Property {
    id: "http/slow-body",
    title: "a body that takes a second is waited for",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["pieces", "slow"],
    needs: &[],
    does: "Sends a notification whose body comes in four pieces over a second.",
    why: A_LOST_PACKET,
    mend: GIVE_TIME,
    cases: Cases::Fixed(|setting| {
        let write = json!({ "write": { "pieces": 4, "pause": "250ms", "of": "body" } });
        variants(setting, &accepted(), &[("", write)])
    }),
};
