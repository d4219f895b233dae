//! Right and wrong keys one after the other, and at the same time.

use serde_json::{Value, json};

use super::super::super::case::Case;
use super::super::super::kinds::{Cases, Property};
use super::super::super::setting::Setting;
use super::{CHECKED, refused};
use crate::clause::Clause;
use crate::event::Strength;

/// Right and wrong keys one after the other, and at the same time.
pub(super) const ALL: &[Property] = &[EVERY_REQUEST, RIGHT_AFTER_WRONG, CONCURRENT];

const EVERY_REQUEST: Property = Property {
    id: "auth/every-request-of-a-connection",
    title: "every request of a connection needs the key",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["security", "connections"],
    needs: CHECKED,
    does: "Sends the right key, then none, then a wrong one, and the right one again on one connection; and none on a new \
           connection that resumes the TLS session of one that had the key.",
    why: "HTTP has no state: each request stands for itself (RFC 9110, section 3.3). A proxy puts requests of several \
          clients on one connection, so that a key which counts for the connection lets strangers in with Cvent.",
    mend: "Check the key in every request. Modules for NTLM or client certificates that authenticate a connection have no \
           place in front of this endpoint.",
    cases: Cases::Fixed(|setting| {
        let step =
            |auth: &str, answer: Value| json!({ "request": { "auth": auth, "on": "a" }, "answer": answer });
        let right = step("target", json!("2xx"));
        let steps = json!([right, step("none", refused()), right, step("wrong", refused()), right]);
        let mut cases = vec![Case::new("one connection", steps)];
        if setting.is_https {
            let step = |auth: &str, answer: Value| json!({ "request": { "auth": auth, "tls": { "resume": true } }, "answer": answer });
            let right = step("target", json!("2xx"));
            cases.push(Case::new("one TLS session", json!([right, step("none", refused()), right])));
        }
        cases
    }),
};

const RIGHT_AFTER_WRONG: Property = Property {
    id: "auth/right-after-wrong",
    title: "wrong keys do not keep the right one out",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["security", "state"],
    needs: CHECKED,
    does: "Sends wrong keys, ten in a row, eight at once, and by turns with the right one on one connection, and the right \
           one afterwards.",
    why: "A receiver that locks an account or bans an address after some wrong keys lets anybody stop the notifications, and \
          stops them itself when a key is changed on one side first. One that answers before it has read the body and keeps \
          the connection takes the body for the next request.",
    mend: "Do not lock: a long random key cannot be guessed. If you slow guesses down, answer 429. Read the body of what is \
           refused, or close the connection.",
    cases: Cases::Fixed(|_| {
        // Whether they are refused, other properties judge.
        let wrong = |more: Value| {
            let mut step = json!({ "request": { "auth": "wrong" }, "answer": ["any", "closed"] });
            if let (Some(step), Value::Object(more)) = (step.as_object_mut(), more) {
                step.extend(more);
            }
            step
        };
        let right = json!({ "request": {}, "times": 3, "title": "the right key is accepted afterwards" });
        let on_one =
            |auth: &str, answer: Value| json!({ "request": { "auth": auth, "on": "a" }, "answer": answer });
        let turns = [on_one("wrong", json!(["any", "closed"])), on_one("target", json!("2xx"))];
        let turns: Vec<Value> = turns.into_iter().cycle().take(6).collect();
        vec![
            Case::new("ten in a row", json!([wrong(json!({ "times": 10 })), right])),
            Case::new("eight at once", json!([wrong(json!({ "copies": 8 })), right])),
            Case::new("by turns on one connection", Value::from(turns)),
        ]
    }),
};

const CONCURRENT: Property = Property {
    id: "auth/concurrent-right-and-wrong",
    title: "right and wrong keys at the same time are told apart",
    clause: Clause::Authentication,
    strength: Strength::Should,
    tags: &["security", "concurrency"],
    needs: CHECKED,
    does: "Sends 32 notifications, eight at a time, half of them with a wrong key at first: each of these must be refused and \
           come again.",
    why: "State that requests share (a field of a singleton, a variable of a module, a thread that is used again without \
          its context being cleared) gives one request the answer, or the rights, of another. It shows under load only.",
    mend: "Keep what belongs to a request in local variables, or in the request's own context.",
    cases: Cases::Fixed(|setting| concurrent(setting).into_iter().collect()),
};

fn concurrent(setting: &Setting) -> Option<Case> {
    const PAIRS: usize = 16;
    let event = setting.event_types().next()?.wire_name();
    let name = |kind: &str, number: usize| format!("{kind}-{number}");
    let mut steps = Vec::new();
    for number in 0..PAIRS {
        // By turns, so that of those under way neither kind is always the last.
        let kinds = if number % 2 == 0 { ["right", "wrong"] } else { ["wrong", "right"] };
        steps.extend(kinds.map(|kind| json!({ "emit": event, "save": name(kind, number) })));
        steps.push(json!({ "fault": { "wrong_key": 1 }, "of": name("wrong", number) }));
    }
    steps.push(json!({ "until": "delivered" }));
    let wrong: Vec<String> = (0..PAIRS).map(|number| name("wrong", number)).collect();
    // Not exactly two: an attempt may also meet a connection that the receiver has just closed, as it may.
    let expect = json!([{ "attempts": { "of": wrong, "at_least": 2 } }, { "delivered": "all" }]);
    let subscription = json!({ "events": "all", "concurrency": 8 });
    Some(Case::new("", Value::from(steps)).subscription(subscription).expect(expect))
}
