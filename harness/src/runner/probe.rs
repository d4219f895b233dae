//! Asks the receiver what it really did with a notification.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pns_engine::Answer;
use pns_simulator::clock::{Stopwatch, pause};
use pns_simulator::endpoint::Endpoint;
use serde_json::Value;

use super::step::{Miss, StepEnd, Waited};
use super::words;
use super::world::World;
use crate::json_path;
use crate::scenario::model::{self, Which};
use crate::settings::Probe;

/// Between two questions to a receiver whose answer does not fit yet.
const POLL: Duration = Duration::from_millis(20);

/// Carries out a probe step: asks until the answer fits or the span is over.
///
/// # Errors
/// When the address cannot be filled in or parsed, in words.
pub(super) async fn ask(world: &mut World, probe: &model::Probe) -> Result<StepEnd, String> {
    let waited =
        Waited { check: "probe", title: format!("the receiver answers {} to the probe", probe.status) };
    let needs_base = probe.get.0.as_str().is_some_and(|text| text.contains("probe_url"));
    if needs_base && world.target.probe.as_ref().and_then(Probe::base_url).is_none() {
        let reason = "the probe of this run has no base URL, only whole addresses or a command".to_owned();
        return Ok(StepEnd::Skipped(waited, reason));
    }
    let address = world.fill_text(&probe.get)?;
    let endpoint = parse(&address)?;
    let mut wanted = BTreeMap::new();
    for (path, template) in &probe.json {
        wanted.insert(path.clone(), world.fill(template)?);
    }
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
                    let value = json_path::find(&json, path).ok_or_else(|| {
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
    values.iter().find_map(|(path, wanted)| match json_path::find(json, path) {
        None => Some(format!("no `{path}`")),
        Some(found) => (found != wanted).then(|| format!("`{path}` is {found}, not {wanted}")),
    })
}

/// An address to ask at.
///
/// # Errors
/// When it is none, in words.
pub(super) fn parse(address: &str) -> Result<Arc<Endpoint>, String> {
    Endpoint::parse(address).map(Arc::new).map_err(|error| format!("probe: {error}"))
}

/// Asks once: the status and the JSON, or null for a body that is none.
///
/// # Errors
/// When no answer came, in words.
pub(super) async fn get(world: &World, endpoint: &Arc<Endpoint>) -> Result<(u16, Value), String> {
    let exchange = world.target.transport.get(Arc::clone(endpoint)).await;
    match exchange.answer {
        Answer::NoResponse(reason) => Err(format!("the probe failed: {reason}")),
        Answer::Status { code, .. } => {
            let body = exchange.response.map(|response| response.body).unwrap_or_default();
            Ok((code, serde_json::from_slice(&body).unwrap_or(Value::Null)))
        }
    }
}
