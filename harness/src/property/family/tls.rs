//! `tls`: connections are protected, and nothing about them is fragile.
//!
//! Cvent's page says HTTPS and nothing about versions, names or extensions, so that these are advice. What is a must: a
//! notification over HTTPS is acknowledged. That the certificate is one that clients trust is seen by the same.

use serde_json::{Value, json};

use super::super::case::Case;
use super::super::kinds::{Cases, Need, Property};
use super::bodies::accepted;
use crate::clause::Clause;
use crate::event::Strength;

/// The family, in the order in which it is tried.
pub(in crate::property) const ALL: &[Property] = &[
    HTTPS_ACCEPTED,
    PLAIN_HTTP,
    RESUMPTION,
    HANDSHAKE_IN_FRAGMENTS,
    SMALL_RECORDS,
    WITHOUT_ALPN,
    WITHOUT_NAME,
    VERSION_1_2,
    VERSION_1_3,
    LEFT_AFTER_HANDSHAKE,
    BROKEN_HANDSHAKES,
    STALLED_HANDSHAKES,
];

/// All of this family need it.
const HTTPS: &[Need] = &[Need::Https];

/// A whole ClientHello of TLS 1.2, in a record of its own.
const HELLO: &str = "16030100890100008503031f002196faef05d373137e37a84157f83f4d11f1fdd4afd48eea4f24e713710300000a\
     c02cc030c02bc02f00ff\
     01000052000b000403000102000a000c000a001d0017001e00190018002300000016000000170000000d002a0028040305030603080708080809\
     080a080b080408050806040105010601030303010302040205020602";

/// The cipher suites in it, and as many that protect nothing, which no server takes.
const SUITES: [&str; 2] = ["c02cc030c02bc02f00ff", "00010002003b00010002"];

/// A plain notification over TLS of that shape.
fn over(label: &str, tls: &Value) -> Case {
    Case::request(label, json!({ "tls": tls }), accepted())
}

/// A plain notification, as what comes afterwards.
fn valid(times: u32) -> Value {
    json!({ "request": {}, "times": times, "title": "afterwards, valid notifications are acknowledged" })
}

const HTTPS_ACCEPTED: Property = Property {
    id: "tls/https-accepted",
    title: "notifications over HTTPS are acknowledged, each on a connection of its own",
    clause: Clause::HttpsOnly,
    strength: Strength::Must,
    tags: &["smoke"],
    needs: HTTPS,
    does: "Sends ten notifications, one after the other, each on a new connection with a whole handshake, and eight at once.",
    why: "All endpoints must accept connections that are served over HTTPS. Behind a balancer each connection may end at \
          another node, and one whose certificate was not renewed fails now and then.",
    mend: "Look at which of the connections failed, and compare the certificates, chains and versions of all nodes.",
    cases: Cases::Fixed(|_| {
        vec![
            Case::new("one after the other", json!([{ "request": {}, "times": 10 }])),
            Case::new("at once", json!([{ "request": {}, "copies": 8 }])),
        ]
    }),
};

const PLAIN_HTTP: Property = Property {
    id: "tls/plain-http-not-acknowledged",
    title: "plain HTTP to the same port is not acknowledged",
    clause: Clause::HttpsOnly,
    strength: Strength::Should,
    tags: &["security"],
    needs: HTTPS,
    does: "Sends a notification as plain HTTP to the port that speaks TLS: without the key, and, if the receiver is on this \
           machine, with it, since a key does not belong on a line that others can read. A refusal, a redirect and a \
           closed connection are in order.",
    why: "Endpoints must be served over HTTPS, not HTTP. A port that serves both works, until somebody notices that keys and \
          bodies travelled in the clear because an address began with `http`.",
    mend: "Turn off what tells the two apart by the first byte (cmux, Jetty's optional TLS, a protocol sniffer in a proxy), \
           or let it answer plain HTTP with a redirect.",
    cases: Cases::Fixed(|setting| {
        let case = |label: &str, auth: &str| {
            let request = json!({ "auth": auth, "tls": { "plain": true } });
            let step = json!({ "request": request, "answer": { "not": ["2xx"] }, "within": "2s" });
            Case::new(label, json!([step]))
        };
        let mut cases = vec![case("without a key", "none")];
        if setting.is_on_this_machine && setting.api_key.is_some() {
            cases.push(case("with the key", "target"));
        }
        cases
    }),
};

const RESUMPTION: Property = Property {
    id: "tls/resumption",
    title: "a connection that resumes a TLS session works like any other",
    clause: Clause::HttpsOnly,
    strength: Strength::Should,
    tags: &["connections"],
    needs: HTTPS,
    does: "Sends six notifications on connections of their own that offer to resume an earlier session, then the same with \
           TLS 1.2 and TLS 1.3 alone, where the receiver has them. It need not resume any.",
    why: "Clients that connect again and again resume by default (RFC 8446, section 2.2). Nodes that do not share their ticket \
          keys, or a server without a session id context, break exactly these connections: every first one works.",
    mend: "Share the keys of session tickets among all nodes, or turn tickets and the session cache off.",
    cases: Cases::Fixed(|_| {
        let case = |label: &str, tls: Value, answer: Value| {
            Case::new(label, json!([{ "request": { "tls": tls }, "times": 6, "answer": answer }]))
        };
        // A version that the receiver does not have says nothing of resumption.
        let if_there = || json!(["2xx", "refused"]);
        vec![
            case("as agreed", json!({ "resume": true }), accepted()),
            case("TLS 1.2", json!({ "resume": true, "version": "tls12" }), if_there()),
            case("TLS 1.3", json!({ "resume": true, "version": "tls13" }), if_there()),
        ]
    }),
};

const HANDSHAKE_IN_FRAGMENTS: Property = Property {
    id: "tls/handshake-in-fragments",
    title: "a handshake that arrives in pieces is completed",
    clause: Clause::HttpsOnly,
    strength: Strength::Should,
    tags: &["connections", "proxy"],
    needs: HTTPS,
    does: "Writes the handshake in pieces of 100, of 16 and of single bytes, several times each, the first piece 50 ms before \
           the others.",
    why: "TCP keeps no boundaries, and since key exchanges became large, a client's first message often needs two packets. A \
          proxy that reads it once, to find the server's name, takes the half for junk.",
    mend: "Read until the record is whole: its length stands in its first five bytes. Update the proxy or balancer that \
           picks the back end by name.",
    cases: Cases::Fixed(|_| {
        [100, 16, 1]
            .map(|bytes| {
                let request = json!({ "tls": { "fragments": bytes } });
                Case::new(format!("of {bytes}"), json!([{ "request": request, "times": 4 }]))
            })
            .to_vec()
    }),
};

const SMALL_RECORDS: Property = Property {
    id: "tls/small-records",
    title: "a request in small TLS records is acknowledged",
    clause: Clause::HttpsOnly,
    strength: Strength::Should,
    tags: &["connections"],
    needs: HTTPS,
    does: "Sends notifications in records of at most 32, and of at most 512, bytes, alone and two on one connection.",
    why: "Where records end means nothing (RFC 8446, section 5.1); clients choose it for speed. Code that takes what one read \
          brings for a whole request sees a part of it here.",
    mend: "Read until the head's end and the announced length, whatever a single read brings.",
    cases: Cases::Fixed(|_| {
        let on_one = json!([{ "request": { "tls": { "record": 32 }, "on": "a" }, "times": 2 }]);
        vec![
            over("of 32 bytes", &json!({ "record": 32 })),
            over("of 512 bytes", &json!({ "record": 512 })),
            Case::new("two requests", on_one),
        ]
    }),
};

const WITHOUT_ALPN: Property = Property {
    id: "tls/without-alpn",
    title: "a client that offers no protocol by ALPN is served HTTP/1.1",
    clause: Clause::HttpsOnly,
    strength: Strength::Should,
    tags: &["proxy"],
    needs: HTTPS,
    does: "Sends a notification over TLS without the ALPN extension.",
    why: "The extension is optional (RFC 7301, section 3.1), and older HTTP libraries do not send it; Cvent's page does not \
          say which is used. A server that takes HTTP/2 for granted then speaks what the client does not.",
    mend: "Serve HTTP/1.1 where nothing was agreed on.",
    cases: Cases::Fixed(|_| vec![over("", &json!({ "alpn": "none" }))]),
};

const WITHOUT_NAME: Property = Property {
    id: "tls/without-server-name",
    title: "a client that does not name the host is served",
    clause: Clause::HttpsOnly,
    strength: Strength::Advice,
    tags: &["proxy"],
    needs: &[Need::Https, Need::HostName],
    does: "Sends a notification over TLS without the name of the host (SNI).",
    why: "Cvent's page does not say that its client names the host; all current ones do. Where several hosts share an address, \
          the name is needed, and this stays red with good reason.",
    mend: "If the address serves one host only, make its certificate the default one.",
    cases: Cases::Fixed(|_| vec![over("", &json!({ "sni": false }))]),
};

const VERSION_1_2: Property = Property {
    id: "tls/version-1-2",
    title: "TLS 1.2 is spoken",
    clause: Clause::HttpsOnly,
    strength: Strength::Advice,
    tags: &["version"],
    needs: HTTPS,
    does: "Sends a notification over TLS 1.2 alone.",
    why: "Cvent's page names no version. Many clients in data centres still have nothing newer, and a receiver without TLS 1.2 \
          loses all notifications if Cvent's is one of them.",
    mend: "Allow TLS 1.2 beside 1.3, with ECDHE and an AEAD cipher (RFC 9325, sections 3.1 and 4.2).",
    cases: Cases::Fixed(|_| vec![over("", &json!({ "version": "tls12" }))]),
};

const VERSION_1_3: Property = Property {
    id: "tls/version-1-3",
    title: "TLS 1.3 is spoken",
    clause: Clause::HttpsOnly,
    strength: Strength::Advice,
    tags: &["version"],
    needs: HTTPS,
    does: "Sends a notification over TLS 1.3 alone.",
    why: "Cvent's page names no version. New clients prefer TLS 1.3, and should have it (RFC 9325, section 3.1.1); TLS 1.2 will \
          be turned off one day.",
    mend: "Update the TLS library, or the proxy in front of the receiver, and allow TLS 1.3.",
    cases: Cases::Fixed(|_| vec![over("", &json!({ "version": "tls13" }))]),
};

const LEFT_AFTER_HANDSHAKE: Property = Property {
    id: "tls/left-after-handshake",
    title: "connections that are left right after the handshake do no harm",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["connections"],
    needs: HTTPS,
    does: "Completes handshakes and closes the connection without a request, in order and by a reset, ten times each; then \
           sends valid notifications.",
    why: "Monitors and balancers do that every few seconds, and a sender that is restarted does it with its whole pool. An \
          error that nobody handles ends the process; a place that is not given back is missing at the end of the week.",
    mend: "Treat the end of a connection between requests as what it is: handle `error` on sockets, catch IOException around \
           each connection.",
    cases: Cases::Fixed(|_| {
        let left = |then: &str| {
            let step = json!({ "request": { "stop": { "after": "handshake", "then": then } }, "times": 10 });
            Case::new(then, json!([step, valid(2)]))
        };
        vec![left("close"), left("reset")]
    }),
};

const BROKEN_HANDSHAKES: Property = Property {
    id: "tls/broken-handshakes",
    title: "handshakes that fail do no harm",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["connections", "smoke"],
    needs: HTTPS,
    does: "Opens connections and leaves them before a handshake, sends bytes that are no TLS, a banner of SSH, half of a \
           handshake, a whole first message and nothing after it, one without a cipher in common, one of SSL 3, an alert and \
           a record that is too long; a valid notification must be acknowledged after each.",
    why: "Every public port meets scanners, monitors and old clients many times a day. An exception that leaves the loop which \
          accepts connections, or an error event without a handler, ends the receiver for everybody.",
    mend: "Catch what a handshake throws where one connection is served, not around the loop that accepts them; in Node, \
           handle `tlsClientError` and `clientError`.",
    cases: Cases::Fixed(|_| broken_handshakes()),
};

fn broken_handshakes() -> Vec<Case> {
    let raw = |label: &str, hex: &str| {
        let request = json!({ "tls": { "raw_hex": hex } });
        // A server may wait for the rest of what looks like a beginning.
        let answer = json!(["any", "closed", "none", "malformed"]);
        let title = "the connection is closed, or answered in whatever way";
        let step =
            json!({ "request": request, "answer": answer, "within": "500ms", "times": 3, "title": title });
        Case::new(label, json!([step, valid(1)]))
    };
    let left = |label: &str, then: &str| {
        let step = json!({ "request": { "stop": { "after": "connect", "then": then } }, "times": 5 });
        Case::new(label, json!([step, valid(1)]))
    };
    vec![
        left("closed before it", "close"),
        left("reset before it", "reset"),
        raw("no TLS", "000102030405060708090a0b0c0d0e0f"),
        raw("a banner of SSH", "5353482d322e302d4f70656e5353485f392e360d0a"),
        raw("half of it", &HELLO[..120]),
        raw("nothing after the first message", HELLO),
        raw("no cipher in common", &HELLO.replace(SUITES[0], SUITES[1])),
        raw("SSL 3", &HELLO.replace("0303", "0300")),
        raw("an alert", "15030300020228"),
        raw("a record that is too long", &format!("160303ffff{}", "00".repeat(64))),
    ]
}

const STALLED_HANDSHAKES: Property = Property {
    id: "tls/stalled-handshakes",
    title: "silent connections do not keep others from being served",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["connections", "slow"],
    needs: HTTPS,
    does: "Opens one connection, and then eight more, that say nothing, not even the beginning of a handshake, and sends \
           valid notifications while they are open.",
    why: "Scanners, broken clients and connections whose other end has lost its network look like that, for minutes. A \
          handshake inside of the loop that accepts connections, or a pool of few workers with one bound to each connection, \
          makes every other sender wait for them.",
    mend: "Do the handshake in the task or thread that serves the connection, with a limit of some ten seconds, and do not \
           bind workers to connections: put a proxy that does not in front (nginx, HAProxy, Envoy).",
    cases: Cases::Fixed(|_| {
        let silent = |label: &str, copies: u32| {
            let request = json!({ "stop": { "after": "connect", "then": "wait" } });
            let beside = json!({ "request": {}, "times": 2, "title": "beside them, valid notifications are acknowledged" });
            Case::new(label, json!([{ "request": request, "copies": copies }, beside]))
        };
        vec![silent("one", 1), silent("eight", 8)]
    }),
};

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn the_first_message_is_a_whole_record() {
        let hello = bytes(HELLO);
        assert_eq!(hello.len(), 5 + usize::from(u16::from_be_bytes([hello[3], hello[4]])));
        assert_eq!(HELLO.matches(SUITES[0]).count(), 1);
        assert_eq!(SUITES[0].len(), SUITES[1].len());
        assert!(HELLO[..120].len() < HELLO.len());
    }
}
