//! Several requests on a connection, and its end.

use serde_json::json;

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::{request, step, steps, times, with};
use crate::clause::Clause;
use crate::event::Strength;

/// Several requests on a connection, and its end.
pub(super) const ALL: &[Property] = &[
    KEEP_ALIVE,
    REUSE_20,
    IDLE_CONNECTION,
    CONNECTION_CLOSE,
    CONNECTION_CLOSE_IN_A_LIST,
    ANSWER_LEAVES_NOTHING_BEHIND,
    PIPELINED,
    NEW_CONNECTION_EACH_TIME,
];

const KEEP_OR_SAY: &str = "Let the server manage connections. One that closes after each answer must do it at once and should \
     say `Connection: close`; one that keeps them must read the next request from where the last one ended.";

const KEEP_ALIVE: Property = Property {
    id: "http/keep-alive",
    title: "a second notification on the same connection is acknowledged",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["connections", "smoke"],
    needs: &[],
    does: "Sends three notifications one after the other on one connection. The receiver may close it in between: then the next \
           one goes out on a new one.",
    why: "Connections are kept unless one side says otherwise (RFC 9112, section 9.3), and every sender's HTTP library reuses \
          them. What is reset or left without an answer as the second request of a connection is sent again after a delay; \
          it looks like a network that fails at random.",
    mend: KEEP_OR_SAY,
    cases: Cases::Fixed(|setting| on_one(setting, 3)),
};

const REUSE_20: Property = Property {
    id: "http/reuse-20",
    title: "twenty notifications on one connection are acknowledged",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["connections"],
    needs: &[],
    does: "Sends twenty notifications as fast as they are answered on one connection, which the receiver may close at any time.",
    why: "When many notifications wait, a sender uses its connections again and again. A limit of requests per connection is in \
          order if the last answer says `Connection: close` or the connection is closed right after it (RFC 9112, sections 9.5 \
          and 9.6); one that resets the next request loses it.",
    mend: KEEP_OR_SAY,
    cases: Cases::Fixed(|setting| on_one(setting, 20)),
};

/// So many notifications on one connection.
fn on_one(setting: &Setting, count: u32) -> Vec<Case> {
    let all = step(setting, "all on one connection are acknowledged", json!({ "on": "a" }));
    steps("", [times(all, count)]).into_iter().collect()
}

const IDLE_CONNECTION: Property = Property {
    id: "http/idle-connection",
    title: "a notification on a connection that was idle for two seconds is acknowledged",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["connections", "slow"],
    needs: &[],
    does: "Sends a notification, waits for two seconds, and sends another one on the same connection, unless the receiver has \
           closed it.",
    why: "Between two notifications a connection is idle. Either side may close it (RFC 9112, section 9.5), but something on \
          the way that forgets it without a word lets the next request wait for an answer that never comes.",
    mend: "Let the timeout of idle connections grow towards the back (load balancer 60 s, server 75 s), and let firewalls \
           send a reset for connections that they have forgotten.",
    cases: Cases::Fixed(|setting| {
        let first = step(setting, "the first one is acknowledged", json!({ "on": "a" }));
        let second = step(setting, "the one after two seconds is acknowledged", json!({ "on": "a" }));
        steps("", [first, with(second, "pause", json!("2s"))]).into_iter().collect()
    }),
};

const CONNECTION_CLOSE: Property = Property {
    id: "http/connection-close",
    title: "a connection is closed after the answer when the sender asks for it",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["connections"],
    needs: &[],
    does: "Sends notifications with `Connection: close`, in either case of letters, and looks whether the receiver closes the \
           connection after its answer.",
    why: "A server must close it then (RFC 9112, section 9.6). Some senders read to the end of the connection: with a receiver \
          that keeps it open they see every acknowledgement as a timeout.",
    mend: "Look at the `Connection` header, and not at the version alone; or leave it to the server.",
    cases: Cases::Fixed(|setting| {
        closing(setting, &[("in small letters", "Connection: close"), ("in others", "Connection: Close")])
    }),
};

const CONNECTION_CLOSE_IN_A_LIST: Property = Property {
    id: "http/connection-close-in-a-list",
    title: "the wish to close a connection is found in a list",
    clause: Clause::DeliveryFailure,
    strength: Strength::Advice,
    tags: &["connections"],
    needs: &[],
    does: "Sends a notification with `Connection: TE, close`, as Perl's LWP does, and looks whether the receiver closes the \
           connection after its answer.",
    why: "The header is a list of words (RFC 9110, section 7.6.1). One that is compared as a whole is not understood, and a \
          sender that reads to the end of the connection waits for it.",
    mend: "Split the value at its commas and compare each word without case; or leave it to the server.",
    cases: Cases::Fixed(|setting| closing(setting, &[("", "Connection: TE, close")])),
};

/// Notifications with each of these lines, after which the connection must be closed.
fn closing(setting: &Setting, lines: &[(&str, &str)]) -> Vec<Case> {
    let case = |(label, line): &(&str, &str)| {
        let request = request(setting, json!({ "headers": [line] }))?;
        Some(Case::new(*label, json!([{ "request": request, "then_closed": true }])))
    };
    lines.iter().filter_map(case).collect()
}

const ANSWER_LEAVES_NOTHING_BEHIND: Property = Property {
    id: "http/answer-leaves-nothing-behind",
    title: "nothing follows an answer on its connection",
    clause: Clause::EndpointSchema,
    strength: Strength::Should,
    tags: &["connections", "answers"],
    needs: &[],
    does: "Sends a notification, listens for a fifth of a second after the end of the answer as its head tells it, and sends \
           another one on the same connection.",
    why: "What comes after an answer's end is taken for the next answer (RFC 9112, section 6.3; 204 never has a body, RFC \
          9110, section 15.3.5): the acknowledgement of the next notification is garbage, or belongs to another one. A wrong \
          `Content-Length`, a body on 204, or a warning that is printed late does that.",
    mend: "Count the bytes of the body and not its characters, set the length after everything that changes the body, send \
           nothing with 204, and print no errors into answers (`display_errors=Off`).",
    cases: Cases::Fixed(|setting| {
        let first = step(setting, "the answer is well-formed", json!({ "on": "a" }));
        let second = step(setting, "nothing follows it before the next request", json!({ "on": "a" }));
        steps("", [first, with(second, "pause", json!("200ms"))]).into_iter().collect()
    }),
};

const PIPELINED: Property = Property {
    id: "http/pipelined",
    title: "a request that arrives together with the one before is not lost",
    clause: Clause::DeliveryFailure,
    strength: Strength::Advice,
    tags: &["connections"],
    needs: &[],
    does: "Sends a notification and, in the same write, a request that asks the receiver to close the connection; looks whether \
           the notification is acknowledged and the connection closed.",
    why: "Requests may follow each other without waiting for answers (RFC 9112, section 9.3.2), and a server answers them in \
          order or closes the connection. One that drops what it has read beyond a body leaves the second request waiting for \
          ever. Few senders do this; the same buffer loses a request that merely comes quickly.",
    mend: "Keep what was read beyond the end of a body for the next request: one buffered reader for the life of a connection.",
    cases: Cases::Fixed(|setting| pipelined(setting).into_iter().collect()),
};

/// The second request asks for the end in two ways, by its version and in words, so that the end shows it was read.
fn pipelined(setting: &Setting) -> Option<Case> {
    let second = format!("GET {} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n", setting.target);
    let request = request(setting, json!({ "suffix": second }))?;
    let title = "the notification is acknowledged, and the connection closed as the second request asks";
    Some(Case::new("", json!([{ "request": request, "then_closed": true, "title": title }])))
}

const NEW_CONNECTION_EACH_TIME: Property = Property {
    id: "http/new-connection-each-time",
    title: "thirty notifications on thirty connections are acknowledged",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["connections"],
    needs: &[],
    does: "Sends thirty notifications one after the other, each on a connection of its own that is closed afterwards.",
    why: "PNS may open a connection for each notification. A receiver that keeps something for each connection that has ended (a \
          session, a thread, a file) is full after some time; a small backlog or a limit of connections per minute shows \
          here.",
    mend: "Release what belongs to a connection when it ends, and exempt the sender's addresses from limits on connections.",
    cases: Cases::Fixed(|setting| {
        let all = step(setting, "all are acknowledged", json!({}));
        steps("", [times(all, 30)]).into_iter().collect()
    }),
};
