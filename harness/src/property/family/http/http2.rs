//! HTTP/2, where the receiver offers it.

use serde_json::json;

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Need, Property};
use super::super::super::setting::Setting;
use super::{copies, step, steps, times};
use crate::clause::Clause;
use crate::event::Strength;

/// HTTP/2, where the receiver offers it.
pub(super) const ALL: &[Property] = &[HTTP2, HTTP2_CONCURRENT, HTTP2_REUSE_50];

const HTTP2: Property = Property {
    id: "http/http2",
    title: "notifications over HTTP/2 are acknowledged where it is offered",
    clause: Clause::HttpsOnly,
    strength: Strength::Should,
    tags: &["http2"],
    needs: &[Need::Http2],
    does: "Sends three notifications one after the other as streams of one connection of HTTP/2.",
    why: "A receiver need not offer HTTP/2; but what it agrees on in the handshake (ALPN), it must speak (RFC 9113, section 3.3), \
          for senders choose it where they can. A load balancer that passes the choice on to something that knows HTTP/1.1 \
          alone answers no request of theirs.",
    mend: "Take `h2` out of the list of protocols where it is not spoken, or put something in front that speaks it.",
    cases: Cases::Fixed(|setting| streams(setting, 3)),
};

const HTTP2_CONCURRENT: Property = Property {
    id: "http/http2-concurrent",
    title: "sixteen notifications at once on one connection of HTTP/2 are acknowledged",
    clause: Clause::RateLimiting,
    strength: Strength::Should,
    tags: &["http2", "concurrency"],
    needs: &[Need::Http2],
    does: "Sends sixteen notifications at the same time as streams of one connection.",
    why: "A connection of HTTP/2 carries many requests at once (RFC 9113, section 5); a hundred is the least that a server \
          should allow (section 6.5.2). What is kept per connection, such as a user, a transaction or a context of the \
          request, gets mixed up among them.",
    mend: "Keep with the request what belongs to the request, not with the connection or the thread.",
    cases: Cases::Fixed(|setting| {
        let all = step(setting, "all are acknowledged", json!({ "http": "2", "on": "streams" }));
        steps("", [copies(all, 16)]).into_iter().collect()
    }),
};

const HTTP2_REUSE_50: Property = Property {
    id: "http/http2-reuse-50",
    title: "fifty notifications on one connection of HTTP/2 are acknowledged",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["http2", "connections"],
    needs: &[Need::Http2],
    does: "Sends fifty notifications one after the other on one connection; when the receiver ends it, on a new one.",
    why: "A connection of HTTP/2 lives for long. A server that ends it has to say so first by GOAWAY with the last request that \
          it took (RFC 9113, section 6.8); flow control that is never renewed stops all after the first 64 KiB of bodies.",
    mend: "Let the server manage connections and flow control, and update it.",
    cases: Cases::Fixed(|setting| streams(setting, 50)),
};

/// So many one after the other.
fn streams(setting: &Setting, count: u32) -> Vec<Case> {
    let all = step(setting, "all are acknowledged", json!({ "http": "2", "on": "streams" }));
    steps("", [times(all, count)]).into_iter().collect()
}
