//! Requests that break off, and peers that fall silent.

use serde_json::{Value, json};

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::{afterwards, copies, request, step, steps, times};
use crate::clause::Clause;
use crate::event::Strength;

/// Requests that break off, and peers that fall silent.
pub(super) const ALL: &[Property] = &[
    CUT_HEAD,
    CUT_BODY_NOT_ACKNOWLEDGED,
    RESET_IN_BODY,
    RESET_AFTER_REQUEST,
    CONNECTIONS_WITHOUT_REQUEST,
    BROKEN_REQUESTS_IN_A_ROW,
    STALLED_PEERS,
    IDLE_CONNECTIONS_HELD,
];

const CATCH_AND_RELEASE: &str = "Handle errors of reading (`error` and `aborted` on requests in Node, IOException, \
     ConnectionResetError, AsyncError) where they occur, so that none ends the process, and give back what was borrowed in \
     a `finally`.";

/// Broken off after that part, in that way.
fn broken(setting: &Setting, after: &str, then: &str) -> Option<Value> {
    let title = "the receiver takes the connection";
    step(setting, title, json!({ "stop": { "after": after, "then": then } }))
}

const CUT_HEAD: Property = Property {
    id: "http/cut-head",
    title: "after a request that breaks off in its head, the receiver goes on",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["broken-off"],
    needs: &[],
    does: "Closes, and resets, connections after half of the head and after the whole of it, and sends a notification after \
           each.",
    why: "Requests break off whenever a network fails, a sender stops, or a timeout strikes; PNS sends the notification again. A \
          receiver whose process ends by it (ECONNRESET without a handler) is down for all others, too.",
    mend: CATCH_AND_RELEASE,
    cases: Cases::Fixed(|setting| {
        each(setting, &[("half-head", "close"), ("head", "close"), ("half-head", "reset")])
    }),
};

const RESET_IN_BODY: Property = Property {
    id: "http/reset-in-body",
    title: "after a connection that is reset within a body, the receiver goes on",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["broken-off"],
    needs: &[],
    does: "Resets connections after the head and in the middle of the body, and sends a notification after each.",
    why: "A reset is what a receiver sees of a sender that crashed or gave up. Reading then throws where nobody expects it: \
          outside of the handler's `try`, in an event without a listener, in a callback of another thread.",
    mend: CATCH_AND_RELEASE,
    cases: Cases::Fixed(|setting| each(setting, &[("head", "reset"), ("half-body", "reset")])),
};

const RESET_AFTER_REQUEST: Property = Property {
    id: "http/reset-after-request",
    title: "after a sender that does not wait for its answer, the receiver goes on",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["broken-off"],
    needs: &[],
    does: "Sends whole notifications and closes, or resets, the connection at once, eight at the same time; then sends one that \
           waits.",
    why: "A sender that gives up waiting closes the connection while the receiver is still at work. Writing the answer throws \
          then (EPIPE, ClientAbortException, BrokenPipeError), or ends a process that does not ignore SIGPIPE.",
    mend: "Catch errors of writing an answer and log them as what they are, no failure of the receiver; ignore SIGPIPE.",
    cases: Cases::Fixed(|setting| {
        let case = |then| steps(then, [copies(broken(setting, "body", then), 8), afterwards(setting)]);
        ["close", "reset"].into_iter().filter_map(case).collect()
    }),
};

/// Broken off in each of these ways, each with a plain notification after it.
fn each(setting: &Setting, ways: &[(&str, &str)]) -> Vec<Case> {
    let case = |(after, then): &(&str, &str)| {
        let label = format!("{then} after {}", after.replace("half-", "half of the "));
        steps(&label, [broken(setting, after, then), afterwards(setting)])
    };
    ways.iter().filter_map(case).collect()
}

const CUT_BODY_NOT_ACKNOWLEDGED: Property = Property {
    id: "http/cut-body-not-acknowledged",
    title: "a notification whose body breaks off is not acknowledged",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["broken-off", "framing"],
    needs: &[],
    does: "Sends half of a body, with the length of the whole and in chunks, and closes the sending side: whatever comes back must \
           not be 2xx.",
    why: "A body shorter than its length, or without its last chunk, is incomplete (RFC 9112, section 8). Code that reads to the \
          end of the stream takes it for whole, and what it acknowledges does not come again.",
    mend: "Compare what was read with the length before anything is done with it; servers tell it by an error or an event \
           (`aborted`, EOFException, IncompleteRead) that must not be swallowed.",
    cases: Cases::Fixed(|setting| {
        let stop = json!({ "after": "half-body", "then": "close" });
        let forms = [
            ("with a length", json!({ "stop": stop })),
            ("in chunks", json!({ "stop": stop, "framing": { "chunks": [40, 40, 40] } })),
        ];
        // That nothing comes is in order: there is nobody left to answer to.
        let case = |(label, keys): (&str, Value)| {
            let answer = json!({ "not": ["2xx", "malformed", "refused"] });
            let step = json!({ "request": request(setting, keys)?, "answer": answer, "within": "1s" });
            Some(Case::new(label, json!([step])))
        };
        forms.into_iter().filter_map(case).collect()
    }),
};

const CONNECTIONS_WITHOUT_REQUEST: Property = Property {
    id: "http/connections-without-request",
    title: "connections that end without a request do no harm",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["broken-off", "connections"],
    needs: &[],
    does: "Opens ten connections at once and closes them without a byte, and ten more after the TLS handshake; then sends a \
           notification.",
    why: "Load balancers and monitors look whether a port is open, every few seconds, and browsers open connections that they \
          never use. A receiver that waits for a request on each, or counts them as errors, runs out of something.",
    mend: CATCH_AND_RELEASE,
    cases: Cases::Fixed(|setting| {
        let ten = |after| copies(broken(setting, after, "close"), 10);
        steps("", [ten("connect"), ten("handshake"), afterwards(setting)]).into_iter().collect()
    }),
};

const BROKEN_REQUESTS_IN_A_ROW: Property = Property {
    id: "http/broken-requests-in-a-row",
    title: "fifty requests that break off use nothing up",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["broken-off", "load"],
    needs: &[],
    does: "Sends half of a notification and closes the connection, fifty times, ten at once; then sends three notifications.",
    why: "What is borrowed for a request (a worker, a place in a semaphore, a connection to the database) must be given back \
          when reading it throws, too. Otherwise every request that breaks off costs one, and some day after a bad line the \
          receiver takes nothing any more. Where the process ends and is started again, everything else breaks off with it.",
    mend: CATCH_AND_RELEASE,
    cases: Cases::Fixed(|setting| {
        let fifty = times(copies(broken(setting, "half-body", "close"), 10), 5);
        steps("", [fifty, times(afterwards(setting), 3)]).into_iter().collect()
    }),
};

const SERVE_MANY: &str = "Serve connections side by side: a server for production in place of the built-in one (`php -S`, \
     HTTPServer, `flask run --without-threads`), events or non-blocking connectors in place of a thread for each connection, \
     or a proxy in front that buffers requests; and let silent peers go after ten to sixty seconds.";

const STALLED_PEERS: Property = Property {
    id: "http/stalled-peers",
    title: "while sixteen peers are silent in the middle of a request, others are served",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["connections", "load", "security"],
    needs: &[],
    does: "Opens sixteen connections, sends half of a head on eight and half of a body on eight, and falls silent; meanwhile sends \
           notifications.",
    why: "A sender whose network fails leaves connections behind that neither go on nor end, one for each attempt. A receiver \
          with a worker for each connection and few of them serves nobody until they time out, and anybody can bring that \
          about on purpose.",
    mend: SERVE_MANY,
    cases: Cases::Fixed(|setting| {
        let eight = |after| copies(broken(setting, after, "wait"), 8);
        let meanwhile = step(setting, "meanwhile, plain notifications are acknowledged", json!({}));
        steps("", [eight("half-head"), eight("half-body"), times(meanwhile, 3)]).into_iter().collect()
    }),
};

const IDLE_CONNECTIONS_HELD: Property = Property {
    id: "http/idle-connections-held",
    title: "while twenty connections are open and idle, others are served",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["connections", "load"],
    needs: &[],
    does: "Opens twenty connections without a request on them, and keeps them; meanwhile sends notifications.",
    why: "Senders and proxies keep a pool of connections for the next burst. A server whose workers belong to connections for \
          as long as those are kept has none left, with every worker idle. A server may close idle connections, and refuse an \
          excessive number (RFC 9112, sections 9.4 and 9.5); twenty is none.",
    mend: SERVE_MANY,
    cases: Cases::Fixed(|setting| {
        let meanwhile = step(setting, "meanwhile, plain notifications are acknowledged", json!({}));
        let twenty = copies(broken(setting, "handshake", "wait"), 20);
        steps("", [twenty, times(meanwhile, 3)]).into_iter().collect()
    }),
};
