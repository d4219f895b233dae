//! Asks the receiver what it really did with a notification.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pns_engine::Answer;
use pns_simulator::clock::{Stopwatch, pause};
use pns_simulator::endpoint::Endpoint;
use serde_json::Value;

use super::expect::json_path;
use super::probe_command;
use super::step::{Miss, StepEnd, Waited};
use super::words;
use super::world::World;
use crate::scenario::model::{self, Which};
use crate::settings::{Probe, ProbeHow};

/// Between two questions to a receiver whose answer does not fit yet.
const POLL: Duration = Duration::from_millis(20);

/// After all answers fit they are asked for once more, so long after: a second effect may follow the first.
const SETTLE: Duration = Duration::from_millis(50);

/// What the receiver says of one notification.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Inspection {
    /// Requests that came in; `None` where the receiver does not count them.
    pub received: Option<u64>,
    /// How often it took effect.
    pub processed: Option<u64>,
    /// The type under which it took effect, where the probe tells.
    pub event_type: Option<String>,
    /// It became as wanted only after so long: too late.
    pub late: Option<Duration>,
}

/// What a claim wants the receiver to say of a notification. `None`: does not matter.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// Requests that came in.
    pub received: Option<u64>,
    /// How often it took effect.
    pub processed: Option<u64>,
    /// The type under which it took effect.
    pub event_type: Option<String>,
}

impl Wanted {
    /// Whether the receiver says so.
    pub(super) fn is(&self, seen: &Inspection) -> bool {
        // A receiver that does not count requests is judged by its effects alone.
        (self.received.is_none() || seen.received.is_none() || self.received == seen.received)
            && (self.processed.is_none() || self.processed == seen.processed)
            && (self.event_type.is_none() || self.event_type == seen.event_type)
            && seen.late.is_none()
    }

    /// Whether it can still come about: counts only grow.
    fn is_possible(&self, seen: &Inspection) -> bool {
        let number = |wanted: Option<u64>, seen: Option<u64>| match (wanted, seen) {
            (Some(wanted), Some(seen)) => seen <= wanted,
            _ => true,
        };
        number(self.received, seen.received) && number(self.processed, seen.processed)
    }
}

/// Carries out a probe step: asks until the answer fits or the span is over.
///
/// # Errors
/// When the address cannot be filled in or parsed, in words.
pub(super) async fn ask(world: &mut World, probe: &model::Probe) -> Result<StepEnd, String> {
    let address = world.fill_text(&probe.get)?;
    let endpoint = parse(&address)?;
    let mut wanted = BTreeMap::new();
    for (path, template) in &probe.json {
        wanted.insert(path.clone(), world.fill(template)?);
    }
    let waited =
        Waited { check: "probe", title: format!("the receiver answers {} to the probe", probe.status) };
    let watch = Stopwatch::start();
    loop {
        let answer = get(world, &endpoint).await;
        let mismatch = match &answer {
            Err(reason) => Some(reason.clone()),
            Ok((status, json)) => mismatch(*status, json, probe.status, &wanted),
        };
        match (mismatch, answer) {
            (None, Ok((_, json))) => {
                for (name, path) in &probe.save {
                    let value = json_path(&json, path).ok_or_else(|| {
                        format!("probe: there is no `{path}` in the answer to save as `{name}`")
                    })?;
                    world.set(name, value.clone());
                }
                return Ok(StepEnd::Reached(waited));
            }
            (Some(found), _) if watch.elapsed() >= probe.within => {
                let found = format!("{found}, after {} of real time", words::span(probe.within));
                return Ok(StepEnd::Missed(waited, Miss { found, concerned: Which::All, undecided: false }));
            }
            _ => pause(POLL).await,
        }
    }
}

fn mismatch(status: u16, json: &Value, wanted: u16, values: &BTreeMap<String, Value>) -> Option<String> {
    if status != wanted {
        return Some(format!("status {status}"));
    }
    values.iter().find_map(|(path, wanted)| match json_path(json, path) {
        None => Some(format!("no `{path}`")),
        Some(found) => (found != wanted).then(|| format!("`{path}` is {found}, not {wanted}")),
    })
}

/// What the receiver says of each of the notifications with these event ids. Each is asked for until the answer is as
/// wanted or [`Probe::within`] is over, because effects may come after a fast acknowledgement; and then for as long
/// again, to tell a late effect from a lost one. `None`: it offers no probe.
///
/// # Errors
/// When it does not answer as a probe should, in words.
pub(super) async fn inspections(
    world: &World,
    asked: &[(String, Wanted)],
) -> Result<Option<Vec<Inspection>>, String> {
    let Some(probe) = world.target.probe.as_ref() else { return Ok(None) };
    let mut seen = Vec::with_capacity(asked.len());
    let watch = Stopwatch::start();
    for (event_id, wanted) in asked {
        seen.push(loop {
            let mut inspection = inspect(world, probe, event_id).await?;
            let spent = watch.elapsed();
            if wanted.is(&inspection) {
                inspection.late = (spent > probe.within).then_some(spent);
                break inspection;
            }
            if !wanted.is_possible(&inspection) || spent >= 2 * probe.within {
                break inspection;
            }
            pause(POLL).await;
        });
    }
    let holds = asked.iter().zip(&seen).all(|((_, wanted), seen)| wanted.is(seen));
    if holds && !asked.is_empty() {
        pause(SETTLE).await;
        for ((event_id, _), seen) in asked.iter().zip(&mut seen) {
            *seen = inspect(world, probe, event_id).await?;
        }
    }
    Ok(Some(seen))
}

fn parse(address: &str) -> Result<Arc<Endpoint>, String> {
    Endpoint::parse(address).map(Arc::new).map_err(|error| format!("probe: {error}"))
}

async fn inspect(world: &World, probe: &Probe, event_id: &str) -> Result<Inspection, String> {
    let json = match &probe.how {
        ProbeHow::Get(template) => {
            let address = template.replace(Probe::EVENT_ID, &percent_encoded(event_id));
            match get(world, &parse(&address)?).await? {
                (404, _) => None,
                (200, json) => Some(json),
                (status, _) => {
                    return Err(format!("the probe answered {status}, where 200 or 404 is expected"));
                }
            }
        }
        ProbeHow::Command(command) => Some(probe_command::ask(command, event_id).await?),
    };
    let Some(json) = json else {
        return Ok(Inspection { received: Some(0), processed: Some(0), ..Inspection::default() });
    };
    // A command may write the count and nothing else.
    let count = if json.is_number() { Some(&json) } else { json_path(&json, &probe.count) };
    let count = count
        .and_then(Value::as_u64)
        .ok_or_else(|| format!("the probe's answer has no number at `{}`: see --probe-count", probe.count))?;
    let event_type = probe.event_type.as_deref().and_then(|path| json_path(&json, path)?.as_str());
    Ok(Inspection {
        received: json.get("received").and_then(Value::as_u64),
        processed: Some(count),
        event_type: event_type.map(str::to_owned),
        late: None,
    })
}

/// An id as a part of a path or query (RFC 3986, 2.3).
fn percent_encoded(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

async fn get(world: &World, endpoint: &Arc<Endpoint>) -> Result<(u16, Value), String> {
    let exchange = world.target.transport.get(Arc::clone(endpoint)).await;
    match exchange.answer {
        Answer::NoResponse(reason) => Err(format!("the probe failed: {reason}")),
        Answer::Status { code, .. } => {
            let body = exchange.response.map(|response| response.body).unwrap_or_default();
            Ok((code, serde_json::from_slice(&body).unwrap_or(Value::Null)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_is_too_high_cannot_come_down() {
        let wanted = Wanted { processed: Some(1), ..Wanted::default() };
        let seen = |processed| Inspection { processed: Some(processed), ..Inspection::default() };
        assert!(wanted.is(&seen(1)) && !wanted.is(&seen(0)) && !wanted.is(&seen(2)));
        assert!(wanted.is_possible(&seen(0)) && !wanted.is_possible(&seen(2)));
        assert!(!wanted.is(&Inspection { late: Some(Duration::from_secs(7)), ..seen(1) }));
    }

    #[test]
    fn ids_are_encoded_for_addresses() {
        assert_eq!(percent_encoded("a-b_c.~ /?é"), "a-b_c.~%20%2F%3F%C3%A9");
    }
}
