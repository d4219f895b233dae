//! Asks the receiver what it really did with a notification.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pns_engine::{Answer, NotificationId};
use pns_simulator::clock::{Stopwatch, pause};
use pns_simulator::endpoint::Endpoint;
use serde_json::Value;

use super::expect::json_path;
use super::step::{Miss, StepEnd, Waited};
use super::words;
use super::world::World;
use crate::scenario::model::{self, Which};

/// Between two questions to a receiver whose answer does not fit yet.
const POLL: Duration = Duration::from_millis(20);

/// How long a receiver may take from its acknowledgement to the effect, where a claim names no span.
const EFFECT_WITHIN: Duration = Duration::from_secs(5);

/// What the receiver says of one notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Inspection {
    /// Requests that came in; `None` where the receiver does not count them.
    pub received: Option<u64>,
    /// How often it took effect.
    pub processed: Option<u64>,
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

/// What the receiver says of each notification, asked until `fits` or [`EFFECT_WITHIN`] is over, because effects
/// may come after a fast acknowledgement. `None`: it offers no probe.
///
/// # Errors
/// When it does not answer as a probe should, in words.
pub(super) async fn inspections(
    world: &World,
    ids: &[NotificationId],
    fits: impl Fn(&Inspection) -> bool,
) -> Result<Option<Vec<Inspection>>, String> {
    let Some(base) = world.target.probe_url.clone() else { return Ok(None) };
    let mut seen = Vec::with_capacity(ids.len());
    let watch = Stopwatch::start();
    for id in ids {
        let body = world.sent_body(*id).ok_or("a notification without a body")?;
        let event_id = world.event_id(&body).ok_or("the body names no event id to ask for")?;
        let address = format!("{}/{event_id}", base.trim_end_matches('/'));
        let endpoint = parse(&address)?;
        seen.push(loop {
            let inspection = inspect(world, &endpoint).await?;
            if fits(&inspection) || watch.elapsed() >= EFFECT_WITHIN {
                break inspection;
            }
            pause(POLL).await;
        });
    }
    Ok(Some(seen))
}

fn parse(address: &str) -> Result<Arc<Endpoint>, String> {
    Endpoint::parse(address).map(Arc::new).map_err(|error| format!("probe: {error}"))
}

async fn inspect(world: &World, endpoint: &Arc<Endpoint>) -> Result<Inspection, String> {
    match get(world, endpoint).await? {
        (404, _) => Ok(Inspection { received: Some(0), processed: Some(0) }),
        (200, json) => {
            let number = |name: &str| json.get(name).and_then(Value::as_u64);
            Ok(Inspection { received: number("received"), processed: number("processed") })
        }
        (status, _) => Err(format!("the probe answered {status}, where 200 or 404 is expected")),
    }
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
