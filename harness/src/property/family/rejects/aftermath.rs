//! What an answer to junk gives away, and what comes after it.

use serde_json::{Value, json};

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::super::bodies::plain;
use crate::clause::Clause;
use crate::event::Strength;

/// What an answer to junk gives away, and what comes after it.
pub(super) const ALL: &[Property] =
    &[ERROR_DOES_NOT_POISON, JUNK_IS_ANSWERED, ACKNOWLEDGED_JUNK, ERROR_TELLS_NO_INTERNALS];

/// Requests that are no notifications, of different kinds.
fn junk(setting: &Setting) -> Vec<(&'static str, Value)> {
    let mut junk = vec![
        ("not JSON", json!({ "body": "{ not json" })),
        ("an empty body", json!({ "body": "" })),
        ("a list", json!({ "body": "[]" })),
        ("an empty object", json!({ "body": "{}" })),
        ("bytes that are no UTF-8", json!({ "body_hex": "7b22ff223a317d" })),
    ];
    if let Some(event_type) = plain(setting) {
        let place = &setting.pack.roles().event_type;
        let event = event_type.wire_name();
        junk.push(("an unknown event type", json!({ "event": event, "with": { place: "RFP_ARCHIVED" } })));
        junk.push((
            "another content type",
            json!({ "event": event, "headers": ["Content-Type: text/plain"] }),
        ));
    }
    junk
}

/// The step that sends junk, whatever comes back: what may, other properties judge.
fn junk_step(request: &Value) -> Value {
    json!({ "request": request, "answer": ["any", "closed"], "title": "junk is answered, or the connection is closed" })
}

const ERROR_DOES_NOT_POISON: Property = Property {
    id: "rejects/error-does-not-poison",
    title: "after junk, valid notifications are acknowledged as before",
    clause: Clause::DeliveryFailure,
    strength: Strength::Should,
    tags: &["json", "state", "smoke"],
    needs: &[],
    does: "Sends junk and then a valid notification on the same connection, which the receiver may close in between; then \
           ten pieces of junk in a row, and eight at once, with valid notifications after them.",
    why: "What a receiver refuses is sent again and again, between valid notifications. A failed transaction that is not \
          rolled back, a connection whose unread body is taken for the next request, a worker that died, or a firewall that \
          bans the address after some errors then stops what was in order, until somebody restarts it.",
    mend: "Roll back and give back what was borrowed in a `finally`, read or close what was refused, and exempt the \
           sender's addresses from rules that ban (fail2ban, a limit of errors in the firewall).",
    cases: Cases::Fixed(|setting| {
        let Some(event_type) = plain(setting) else { return Vec::new() };
        let event = event_type.wire_name();
        let junk = junk(setting);
        let mut cases: Vec<Case> =
            junk.iter().map(|(label, request)| on_one(event, label, request)).collect();
        let after = |count: u32| {
            let title = "valid notifications are acknowledged afterwards";
            json!({ "request": { "event": event }, "times": count, "title": title })
        };
        let not_json = &junk[0].1;
        let mut in_a_row = junk_step(not_json);
        in_a_row["times"] = json!(10);
        cases.push(Case::new("ten in a row", json!([in_a_row, after(3)])));
        let mut at_once = junk_step(not_json);
        at_once["copies"] = json!(8);
        cases.push(Case::new("eight at once", json!([at_once, after(3)])));
        cases
    }),
};

/// Junk, a valid notification, junk and another one, all on one connection.
fn on_one(event: &str, label: &str, junk: &Value) -> Case {
    let mut request = junk.clone();
    request["on"] = json!("a");
    let title = "on the same connection, a valid notification is acknowledged";
    let valid = json!({ "request": { "event": event, "on": "a" }, "title": title });
    Case::new(label, json!([junk_step(&request), valid, junk_step(&request), valid]))
}

/// A case for each kind of junk.
fn each(setting: &Setting, answer: &Value) -> Vec<Case> {
    junk(setting).into_iter().map(|(label, request)| Case::request(label, request, answer.clone())).collect()
}

const JUNK_IS_ANSWERED: Property = Property {
    id: "rejects/junk-is-answered",
    title: "junk is answered, not only cut off",
    clause: Clause::DeliveryFailure,
    strength: Strength::Advice,
    tags: &["json"],
    needs: &[],
    does: "Sends junk of several kinds, each a request that is whole and well-formed as HTTP has it, and looks for an \
           answer.",
    why: "A server may close a connection at any time (RFC 9112, section 9.5), but one that is closed instead of an answer \
          looks like a network that failed: behind it there is often a worker that died of the exception, and the sender's \
          log says nothing of what was wrong with the body.",
    mend: "Answer 400 or 422 before closing; look into the log of the server for a process that exited.",
    cases: Cases::Fixed(|setting| each(setting, &json!(["any"]))),
};

const ACKNOWLEDGED_JUNK: Property = Property {
    id: "rejects/acknowledged-junk",
    title: "junk is not acknowledged",
    clause: Clause::DeliveryFailure,
    strength: Strength::Advice,
    tags: &["json"],
    needs: &[],
    does: "Sends a body that is not JSON, an empty one, and a notification that is cut off, and looks for an answer other \
           than 2xx.",
    why: "An acknowledgement ends the delivery. A receiver that queues first and looks later may acknowledge anything; but \
          where a proxy or a full disk cut the body, the notification is gone, although PNS would have sent it again.",
    mend: "Parse the body before acknowledging it, and answer 400 when that fails; it costs microseconds.",
    cases: Cases::Fixed(|setting| {
        let answer = json!({ "not": ["2xx"] });
        let cut = plain(setting).map(|event_type| format!("{{\"eventType\":\"{}\",", event_type.wire_name()));
        let bodies = [("not JSON", "{ not json".to_owned()), ("an empty body", String::new())];
        let bodies = bodies.into_iter().chain(cut.map(|cut| ("cut off", cut)));
        let case = |(label, body)| Case::request(label, json!({ "body": body }), answer.clone());
        bodies.map(case).collect()
    }),
};

/// What only stack traces and error pages for developers hold.
const INTERNALS: [&str; 26] = [
    // Java, Kotlin
    "\tat java.",
    "\tat org.",
    "\tat com.",
    "Exception in thread",
    "java.lang.",
    "com.fasterxml.jackson",
    "org.springframework.",
    // .NET
    "   at System.",
    "   at Microsoft.",
    "System.NullReferenceException",
    "Newtonsoft.Json.",
    // Node
    "at JSON.parse (",
    "at Object.<anonymous>",
    "node_modules/",
    "node:internal",
    // Python, Ruby
    "Traceback (most recent call last)",
    "site-packages/",
    "Werkzeug Debugger",
    ".rb:",
    // PHP
    "<b>Fatal error</b>",
    "<b>Warning</b>",
    "Stack trace:",
    ".php on line",
    // Go, databases
    "goroutine ",
    "SQLSTATE",
    "ORA-0",
];

const ERROR_TELLS_NO_INTERNALS: Property = Property {
    id: "rejects/error-tells-no-internals",
    title: "answers to junk hold no stack traces",
    clause: Clause::EndpointSchema,
    strength: Strength::Advice,
    tags: &["security"],
    needs: &[],
    does: "Sends junk of several kinds and looks into the answers for what only stack traces and error pages for \
           developers hold: lines of a trace, class names of frameworks, paths of files, messages of databases.",
    why: "A stack trace tells everybody who asks which framework, which version, which files and sometimes which values: \
          the beginning of an attack (CWE-209). It shows, too, that the server runs with settings for development.",
    mend: "Switch the production settings on: NODE_ENV=production, DEBUG=False, `display_errors=Off`, \
           `server.error.include-stacktrace=never`, no UseDeveloperExceptionPage; answer with a short text or a problem \
           body (RFC 9457) and keep the trace in the log.",
    cases: Cases::Fixed(|setting| {
        let step = |request: Value| json!([{ "request": request, "answer": ["any", "closed"], "body_without": INTERNALS }]);
        junk(setting).into_iter().map(|(label, request)| Case::new(label, step(request))).collect()
    }),
};
