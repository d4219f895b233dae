//! `http`: requests are read, and answers written, as HTTP has it.
//!
//! Cvent's page says that notifications come by HTTPS, and no more. The ground of this family is RFC 9110 and RFC 9112,
//! whose sections stand in `why`: a sender, its library or a proxy on the way may use whatever they allow. What a server
//! may refuse by them (411 for chunks, 4xx for an ambiguous length, a connection closed between requests) is in order
//! here. Strength is `should` where a sender or a proxy relies on it, and advice where none is known to.
//!
//! Nothing here would harm a healthy server: a request stalls for a second, a head has less than 6 KiB, and at most 32
//! connections are open at once.

mod broken_off;
mod chunks;
mod connections;
mod framing;
mod heads;
mod http2;
mod load;
mod pieces;
mod targets;

use serde_json::{Value, json};

use super::super::case::Case;
use super::super::kinds::Property;
use super::super::setting::Setting;
use super::bodies::{plain, settled_text};

/// The family, in the order in which it is tried.
pub(in crate::property) const ALL: &[&[Property]] = &[
    heads::ALL,
    targets::ALL,
    pieces::ALL,
    chunks::ALL,
    connections::ALL,
    framing::ALL,
    broken_off::ALL,
    load::ALL,
    http2::ALL,
];

/// The map of a `request` step for a plain notification with these keys. `None`: the pack has no type for it.
fn request(setting: &Setting, keys: Value) -> Option<Value> {
    let mut request = keys;
    request["event"] = json!(plain(setting)?.wire_name());
    Some(request)
}

/// A step that sends it, under this title.
fn step(setting: &Setting, title: &str, keys: Value) -> Option<Value> {
    Some(json!({ "request": request(setting, keys)?, "title": title }))
}

/// The step that shows that the receiver goes on.
fn afterwards(setting: &Setting) -> Option<Value> {
    step(setting, "afterwards, a plain notification is acknowledged", json!({}))
}

/// Plain notifications with these keys, each a case, and what may come back.
fn variants(setting: &Setting, answer: &Value, variants: &[(&str, Value)]) -> Vec<Case> {
    let case = |(label, keys): &(&str, Value)| {
        Some(Case::request(*label, request(setting, keys.clone())?, answer.clone()))
    };
    variants.iter().filter_map(case).collect()
}

/// A case of several steps; none when one of them cannot be made.
fn steps<const N: usize>(label: &str, steps: [Option<Value>; N]) -> Option<Case> {
    let steps: Option<Vec<Value>> = steps.into_iter().collect();
    Some(Case::new(label, Value::from(steps?)))
}

/// The same step so often.
fn times(step: Option<Value>, count: u32) -> Option<Value> {
    with(step, "times", json!(count))
}

/// The same step so often at once.
fn copies(step: Option<Value>, count: u32) -> Option<Value> {
    with(step, "copies", json!(count))
}

fn with(step: Option<Value>, key: &str, value: Value) -> Option<Value> {
    let mut step = step?;
    step[key] = value;
    Some(step)
}

/// The text of a valid plain body whose length is known beforehand, for requests that tell it in odd ways. Each label has
/// a notification of its own.
fn settled(setting: &Setting, label: &str) -> Option<String> {
    let text = settled_text(setting, label)?;
    // A text of the pack's that the scenario format would take for a variable.
    (!text.contains("{{")).then_some(text)
}

/// What may come back for framing that a server must not believe: a refusal, or the end of the connection.
fn refused() -> Value {
    json!(["4xx", "closed"])
}

/// What may come back for what a server may take or leave: anything but an error of its own.
fn taken_or_refused() -> Value {
    json!({ "not": ["5xx", "none", "malformed", "refused"] })
}
