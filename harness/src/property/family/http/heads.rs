//! Request line and headers in all the forms that mean the same, and some that mean nothing.

use serde_json::{Value, json};

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::super::bodies::accepted;
use super::{request, settled, taken_or_refused, variants};
use crate::clause::Clause;
use crate::event::Strength;

/// Headers in all the forms that mean the same, and some that mean nothing.
pub(super) const ALL: &[Property] = &[
    HEADER_NAMES_IN_ANY_CASE,
    HEADER_WHITE_SPACE,
    WITHOUT_USER_AGENT_AND_ACCEPT,
    MANY_HEADERS,
    LONG_HEADER,
    PROXY_HEADERS,
    FORWARDED_PROTO_HTTP,
    HEADER_BEYOND_ASCII,
    FOLDED_HEADER,
    SPACE_BEFORE_COLON,
    HOST_EXACTLY_ONCE,
    ACCEPT_ENCODING,
    EXPECT_CONTINUE,
];

const USE_THE_SERVER: &str = "Leave the reading of heads to the server or framework and ask it for headers by its own \
     functions, which know neither case nor white space; do not look names up in a map of your own.";

/// How a header's name is written.
type Spelling = fn(&str) -> String;

/// Header lines of these spellings of names, with the value right behind `colon`, and the key if there is one.
fn spelt(setting: &Setting, spell: Spelling, colon: &str) -> Vec<String> {
    let mut lines = vec![format!("{}{colon}application/json", spell("Content-Type"))];
    if setting.api_key.is_some() {
        lines.push(format!("{}{colon}api_key {{{{api_key}}}}", spell("Authorization")));
    }
    lines
}

/// Every other letter in capitals.
fn mixed(name: &str) -> String {
    let letter = |(index, c): (usize, char)| {
        if index % 2 == 0 { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() }
    };
    name.chars().enumerate().map(letter).collect()
}

const HEADER_NAMES_IN_ANY_CASE: Property = Property {
    id: "http/header-names-in-any-case",
    title: "the case of header names makes no difference",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["headers", "proxy"],
    needs: &[],
    does: "Sends notifications with `content-type`, `authorization` and `content-length` in small letters, in capitals, \
           and in both, and one whose chunks are announced in small letters.",
    why: "Names of headers have no case (RFC 9110, section 5.1), and those of HTTP/2 come in small letters: behind a proxy \
          that speaks it, all do. A map that is asked for `Content-Length` finds nothing then, and the body is empty.",
    mend: USE_THE_SERVER,
    cases: Cases::Fixed(|setting| names_in_any_case(setting).unwrap_or_default()),
};

fn names_in_any_case(setting: &Setting) -> Option<Vec<Case>> {
    let spellings: [(&str, Spelling); 3] =
        [("small letters", str::to_lowercase), ("capitals", str::to_uppercase), ("both", mixed)];
    let mut cases = Vec::new();
    for (label, spell) in spellings {
        let mut lines = spelt(setting, spell, ": ");
        cases.push(Case::request(label, request(setting, json!({ "headers": lines }))?, accepted()));
        let text = settled(setting, label)?;
        lines.push(format!("{}: {}", spell("Content-Length"), text.len()));
        let framed = json!({ "body": text, "framing": "none", "headers": lines });
        cases.push(Case::request(format!("{label}, the length as well"), framed, accepted()));
    }
    let chunks = json!({ "framing": "chunked", "headers": ["transfer-encoding: chunked"] });
    cases.push(Case::request("chunks in small letters", request(setting, chunks)?, json!(["2xx", 411])));
    Some(cases)
}

const HEADER_WHITE_SPACE: Property = Property {
    id: "http/header-white-space",
    title: "white space around header values makes no difference",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["headers"],
    needs: &[],
    does: "Sends notifications whose headers have no space after the colon, several spaces, and spaces at the end; \
           and one with a header that has no value.",
    why: "White space before and after a value is optional and no part of it (RFC 9112, section 5.1), and a value may be \
          empty (RFC 9110, section 5.5). `line.split(\": \")` loses the header, and one that is not trimmed equals nothing.",
    mend: USE_THE_SERVER,
    cases: Cases::Fixed(|setting| {
        let line = |colon, end: &str| -> Vec<String> {
            spelt(setting, str::to_owned, colon).into_iter().map(|line| line + end).collect()
        };
        let forms = [
            ("no space", json!({ "headers": line(":", "") })),
            // Tabs are the same to HTTP and not to nginx: `auth/tab-around-value` advises of them.
            ("several spaces", json!({ "headers": line(":   ", "") })),
            ("spaces at the end", json!({ "headers": line(": ", "  ") })),
            ("an empty value", json!({ "headers": ["X-Empty:"] })),
        ];
        variants(setting, &accepted(), &forms)
    }),
};

const WITHOUT_USER_AGENT_AND_ACCEPT: Property = Property {
    id: "http/without-user-agent-and-accept",
    title: "a request without `User-Agent` and `Accept` is acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["headers", "firewall"],
    needs: &[],
    does: "Sends notifications without `User-Agent`, without `Accept`, without both, and with a `User-Agent` like that of a \
           Java program.",
    why: "Cvent's page names two headers, Authorization and the content type. Without `Accept` any answer will do (RFC 9110, \
          section 12.5.1), and `User-Agent` is not required (section 10.1.5). The usual rules of web application firewalls \
          refuse requests without them, or those of programs: a notification is one.",
    mend: "Exempt the path of notifications from the firewall's rules about robots (in ModSecurity's core rules 920300 to \
           920330 and 913100), and do not negotiate the type of an answer that nobody reads.",
    cases: Cases::Fixed(|setting| {
        let forms = [
            ("without `User-Agent`", json!({ "leave_out": ["User-Agent"] })),
            ("without `Accept`", json!({ "leave_out": ["Accept"] })),
            ("without both", json!({ "leave_out": ["User-Agent", "Accept"] })),
            ("as a Java program", json!({ "headers": ["User-Agent: Java/1.8.0_60"] })),
        ];
        variants(setting, &accepted(), &forms)
    }),
};

/// More than the thirty that the meanest take, and with those of the sender and of two proxies below a hundred.
const MANY: u32 = 40;

const MANY_HEADERS: Property = Property {
    id: "http/many-headers",
    title: "forty headers more do no harm",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["headers", "proxy", "size"],
    needs: &[],
    does: "Sends a notification with forty short headers that nobody knows.",
    why: "Unknown headers are to be ignored (RFC 9110, section 5.1). Load balancers, tracing and meshes add a dozen each. \
          Common servers take a hundred (Apache, Tomcat, Kestrel, gunicorn); a smaller limit shows on the day on which \
          one more proxy is put in front.",
    mend: "Raise the limit on header lines to a hundred, and copy no unknown headers into places of fixed size.",
    cases: Cases::Fixed(|setting| {
        let lines: Vec<String> = (1..=MANY).map(|number| format!("X-Added-{number}: {number}")).collect();
        variants(setting, &accepted(), &[("", json!({ "headers": lines }))])
    }),
};

const LONG_HEADER: Property = Property {
    id: "http/long-header",
    title: "a header of up to 4 KiB does no harm",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["headers", "proxy", "size"],
    needs: &[],
    does: "Sends notifications with an unknown header of 2 KiB and of 4 KiB; the whole head stays below 6 KiB.",
    why: "Tokens that meshes pass on, cookies of load balancers and baggage of tracing are that long. RFC 9110 (section 5.4) \
          sets no limit; common servers take 8 KiB for a line or a head (nginx, Apache, Tomcat), and senders rely on no more.",
    mend: "Take heads of 8 KiB at least: `large_client_header_buffers`, LimitRequestFieldSize, maxHttpHeaderSize, \
           `--max-http-header-size`, `limit_request_field_size`.",
    cases: Cases::Fixed(|setting| {
        let line =
            |length: usize| json!({ "headers": [format!("X-Baggage: {}", "a1b2c3d4".repeat(length / 8))] });
        variants(setting, &accepted(), &[("2 KiB", line(2_048)), ("4 KiB", line(4_096))])
    }),
};

const PROXY_HEADERS: Property = Property {
    id: "http/proxy-headers",
    title: "headers that proxies add do no harm",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["headers", "proxy"],
    needs: &[],
    does: "Sends notifications with what proxies, load balancers and tracing add: `X-Forwarded-For` with one address, two, \
           one of IPv6, and with a port, `Forwarded`, `Via`, `traceparent` and others. Addresses may be refused with 403.",
    why: "What stands in front of a receiver today stands behind another proxy tomorrow, and a header that held one value \
          holds a list (RFC 9110, section 5.3; RFC 7239, section 4). Code that parses it as one address throws, and every \
          notification is answered with 500. A receiver that lets only known addresses in may refuse these.",
    mend: "Parse these headers by the framework's own middleware (ForwardedHeaders, `trust proxy`, ProxyFix) with the number \
           of proxies that there are, take lists and ports, and never let a header that is odd end a request.",
    cases: Cases::Fixed(|setting| {
        let lines = |lines: &[&str]| json!({ "headers": lines });
        let addresses = [
            ("one address", lines(&["X-Forwarded-For: 203.0.113.7"])),
            ("two addresses", lines(&["X-Forwarded-For: 203.0.113.7, 10.0.0.1"])),
            ("an address of IPv6", lines(&["X-Forwarded-For: 2001:db8::7, ::ffff:10.0.0.1"])),
            ("an address with a port", lines(&["X-Forwarded-For: 203.0.113.7:49152"])),
            ("an unknown address", lines(&["X-Forwarded-For: unknown", "X-Real-IP: 203.0.113.7"])),
            (
                "`Forwarded`",
                lines(&["Forwarded: for=203.0.113.7;proto=https, for=\"[2001:db8::7]:443\";by=_edge"]),
            ),
        ];
        let others = [
            ("`X-Forwarded-Proto`", lines(&["X-Forwarded-Proto: https", "X-Forwarded-Port: 443"])),
            ("`Via`", lines(&["Via: 1.1 proxy.example, 2 edge (CDN)", "Max-Forwards: 10"])),
            (
                "tracing",
                lines(&[
                    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                    "tracestate: a=1,b=2",
                    "X-Request-ID: 0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01",
                    "X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678",
                ]),
            ),
        ];
        let mut cases = variants(setting, &json!(["2xx", 403]), &addresses);
        cases.extend(variants(setting, &accepted(), &others));
        cases
    }),
};

const FORWARDED_PROTO_HTTP: Property = Property {
    id: "http/forwarded-proto-http",
    title: "a proxy that takes the connection for plain HTTP does no harm",
    clause: Clause::HttpsOnly,
    strength: Strength::Advice,
    tags: &["headers", "proxy"],
    needs: &[],
    does: "Sends a notification with `X-Forwarded-Proto: http`, over TLS all the same.",
    why: "Cvent's page tells of no redirects, and nobody should rely on their being followed. Behind two proxies, of which the first ends TLS, the second \
          often says `http`, and `RequireHttps` redirects every notification to the address that it was sent to. Where the \
          header can be trusted, the redirect is right; this says only that it would be sent.",
    mend: "Let the first proxy set the header and the others pass it on, or exempt the path of notifications from the \
           redirect: nobody can send it plain HTTP if the port does not speak it.",
    cases: Cases::Fixed(|setting| {
        variants(setting, &accepted(), &[("", json!({ "headers": ["X-Forwarded-Proto: http"] }))])
    }),
};

const HEADER_BEYOND_ASCII: Property = Property {
    id: "http/header-beyond-ascii",
    title: "a header with bytes beyond ASCII is no internal error",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["headers", "proxy", "unicode"],
    needs: &[],
    does: "Sends a notification with a header that holds the name of a city in UTF-8, as networks for content delivery add it.",
    why: "Such bytes are allowed in values and are opaque (RFC 9110, section 5.5). A filter or a log that decodes all headers \
          as ASCII throws on the first visitor from Zürich. A receiver may refuse them.",
    mend: "Decode headers as Latin-1, or leave alone what you do not need.",
    cases: Cases::Fixed(|setting| {
        let line = json!({ "headers": ["X-Viewer-City: Zürich", "X-Viewer-Country: 日本"] });
        variants(setting, &taken_or_refused(), &[("", line)])
    }),
};

const FOLDED_HEADER: Property = Property {
    id: "http/folded-header",
    title: "a header over two lines is read as one, or refused",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["headers", "security"],
    needs: &[],
    does: "Sends a notification with an unknown header whose value goes on in a second line that begins with a space.",
    why: "A server must refuse such a line with 400 or take it for a space (RFC 9112, section 5.2). A parser that knows \
          neither takes the second line for a header without a name, and throws.",
    mend: "Leave the reading of heads to the server, and update it: all that are maintained know this.",
    cases: Cases::Fixed(|setting| {
        variants(setting, &taken_or_refused(), &[("", json!({ "headers": ["X-Folded: a\r\n b"] }))])
    }),
};

const SPACE_BEFORE_COLON: Property = Property {
    id: "http/space-before-colon",
    title: "white space between a header's name and the colon is refused",
    clause: Clause::EndpointSchema,
    strength: Strength::Advice,
    tags: &["headers", "security"],
    needs: &[],
    does: "Sends notifications with `X-Added : 1` and with `Transfer-Encoding : chunked` beside a length.",
    why: "A server must refuse it with 400 (RFC 9112, section 5.1): where a proxy ignores such a header and the receiver does \
          not, one can be made to see two requests where the other sees one.",
    mend: "Update the server, or switch its leniency off (`insecureHTTPParser`, HttpProtocolOptions Unsafe).",
    cases: Cases::Fixed(|setting| {
        let forms = [
            ("an unknown header", json!({ "headers": ["X-Added : 1"] })),
            ("a transfer coding", json!({ "headers": ["Transfer-Encoding : chunked"] })),
        ];
        variants(setting, &json!(["4xx", 501, "closed"]), &forms)
    }),
};

const HOST_EXACTLY_ONCE: Property = Property {
    id: "http/host-exactly-once",
    title: "a request without a host, or with two, is refused",
    clause: Clause::EndpointSchema,
    strength: Strength::Advice,
    tags: &["headers", "security"],
    needs: &[],
    does: "Sends a notification without `Host`, and one with two of different values.",
    why: "A server must answer 400 to both (RFC 9112, section 3.2). One that takes the first of two hosts where the proxy took \
          the second can be led around the proxy's rules. No proper sender omits it.",
    mend: "Update the server, or let a proxy in front refuse it.",
    cases: Cases::Fixed(|setting| {
        let forms = [
            ("none", json!({ "leave_out": ["Host"] })),
            ("two", json!({ "headers": ["Host: one.example", "Host: two.example"] })),
        ];
        variants(setting, &json!(["4xx", "closed"]), &forms)
    }),
};

const ACCEPT_ENCODING: Property = Property {
    id: "http/accept-encoding",
    title: "an answer that may be compressed is well-formed",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["headers", "answers"],
    needs: &[],
    does: "Sends two notifications on one connection with `Accept-Encoding: gzip, deflate, br`, and one that takes anything.",
    why: "Many HTTP libraries ask for compressed answers by themselves. Where a filter compresses after the length was set, \
          `Content-Length` is wrong (RFC 9110, section 8.6): the acknowledgement is never whole, or its rest is taken for the \
          next one.",
    mend: "Do not compress answers to notifications, or let the outermost layer compress and set the length.",
    cases: Cases::Fixed(|setting| {
        let asked = |value: &str| -> Option<Value> {
            request(setting, json!({ "headers": [format!("Accept-Encoding: {value}")], "on": "a" }))
        };
        let case = |label, value| Some(Case::new(label, json!([{ "request": asked(value)?, "times": 2 }])));
        [case("gzip, deflate, br", "gzip, deflate, br"), case("anything", "*")]
            .into_iter()
            .flatten()
            .collect()
    }),
};

const EXPECT_CONTINUE: Property = Property {
    id: "http/expect-continue",
    title: "a sender that waits for `100 Continue` is acknowledged",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["headers", "proxy"],
    needs: &[],
    does: "Sends notifications with `Expect: 100-continue`: one that waits up to a second with its body, and ones that do not \
           wait, in either case of letters.",
    why: "A server must answer with 100, or with its final status, rather than wait for the body (RFC 9110, section \
          10.1.1). .NET's older clients and curl send it by themselves. Behind a proxy that waits for a 100 that the back \
          end never sends, both wait until a timeout.",
    mend: "Let the server handle it (all common ones do, unless a handler of your own for `checkContinue` forgets to), and \
           let a proxy drop the header towards back ends that do not know it.",
    cases: Cases::Fixed(|setting| {
        let forms = [
            ("waiting", json!({ "expect_continue": true })),
            ("not waiting", json!({ "headers": ["Expect: 100-continue"] })),
            ("in other letters", json!({ "headers": ["Expect: 100-Continue"] })),
        ];
        variants(setting, &accepted(), &forms)
    }),
};
