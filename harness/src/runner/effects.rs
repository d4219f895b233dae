//! Claims on what the receiver did, joined with what was sent: lost, doubled, wrong and late effects.

use std::collections::BTreeMap;

use pns_engine::DeliveryId;
use serde_json::Value;

use super::expect::{Holds, Judgement};
use super::probe::{self, Inspection, Wanted};
use super::words;
use super::world::World;
use crate::report::text;
use crate::scenario::model::Which;

/// A notification that was sent, as the receiver knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sent {
    event_id: String,
    event_type: Option<String>,
}

/// What was sent of the notifications chosen.
fn sent(world: &World, of: &Which) -> Result<Vec<Sent>, String> {
    let ids = world.notifications(of);
    let mut all = Vec::with_capacity(ids.len());
    for id in ids {
        let body = world.sent_body(id).ok_or("a notification without a body")?;
        all.push(described(world, &body).ok_or("the body names no event id to ask for")?);
    }
    Ok(all)
}

fn described(world: &World, body: &[u8]) -> Option<Sent> {
    let roles = world.driver.bodies_ref().pack().roles();
    let json: Value = serde_json::from_slice(body).ok()?;
    let event_type = json.pointer(&roles.event_type).and_then(Value::as_str).map(str::to_owned);
    Some(Sent { event_id: world.event_id(body)?, event_type })
}

/// Judges what the receiver says it received, did, and under which type.
pub(super) async fn received(
    world: &World,
    of: &Which,
    times: Option<u32>,
    processed: Option<u32>,
    type_as_sent: bool,
) -> Judgement {
    let mut claims = Vec::new();
    claims.extend(times.map(|times| format!("received {times} times")));
    claims.extend(processed.map(|processed| format!("processed {processed} times")));
    claims.extend(type_as_sent.then(|| "processed as the type that was sent".to_owned()));
    let title = format!("{} {}", words::subject(of), claims.join(" and "));
    let unknown = |title, reason| ("received", title, Holds::Unknown(reason));
    let sent = match sent(world, of) {
        Ok(sent) => sent,
        Err(reason) => return unknown(title, reason),
    };
    let wanted = |sent: &Sent| Wanted {
        received: times.map(u64::from),
        processed: processed.map(u64::from),
        event_type: if type_as_sent { sent.event_type.clone() } else { None },
    };
    let asked: Vec<(String, Wanted)> =
        sent.iter().map(|sent| (sent.event_id.clone(), wanted(sent))).collect();
    let seen = match probe::inspections(world, &asked).await {
        Err(reason) => return unknown(title, reason),
        Ok(None) => return unknown(title, "the receiver offers no probe".to_owned()),
        Ok(Some(seen)) => seen,
    };
    let wrong: Vec<String> = asked
        .iter()
        .zip(&seen)
        .filter(|((_, wanted), seen)| !wanted.is(seen))
        .map(|((event_id, wanted), seen)| finding(event_id, wanted, seen))
        .collect();
    let found = || words::list(wrong.iter().cloned());
    let holds = Holds::when(wrong.is_empty() && !asked.is_empty(), &title, found, &deliveries(world, of));
    ("received", title, holds)
}

fn deliveries(world: &World, of: &Which) -> Vec<DeliveryId> {
    world.deliveries(of)
}

/// What went wrong with one notification, the effect first.
fn finding(event_id: &str, wanted: &Wanted, seen: &Inspection) -> String {
    let processed = seen.processed.unwrap_or(0);
    let received = seen.received.map_or_else(String::new, |times| format!(", received {times} times"));
    let effect = match (wanted.processed, seen.late) {
        (_, Some(late)) => format!("late effect: only {} after it was asked for", text::wall(late)),
        (Some(wanted), None) if processed < wanted => {
            format!("lost: acknowledged, and processed {processed} times")
        }
        (Some(0), None) if processed > 0 => format!("processed {processed} times, although it should not be"),
        (Some(wanted), None) if processed > wanted => {
            format!("duplicated effect: processed {processed} times")
        }
        _ if wanted.event_type.is_some() && wanted.event_type != seen.event_type => {
            let named = |name: &Option<String>| name.clone().unwrap_or_else(|| "no type".to_owned());
            format!(
                "wrong effect: sent as {}, processed as {}",
                named(&wanted.event_type),
                named(&seen.event_type)
            )
        }
        _ => format!("processed {processed} times"),
    };
    format!("{effect}{received} (event {event_id})")
}

/// Judges whether two sets of notifications ended in the same state: as many effects of every type.
pub(super) async fn same_effects(world: &World, of: &Which, other: &Which) -> Judgement {
    let title = format!("{} had the same effects as {}", words::subject(of), words::subject(other));
    let unknown = |title, reason| ("same-effects", title, Holds::Unknown(reason));
    let mut states = Vec::new();
    for which in [of, other] {
        let sent = match sent(world, which) {
            Ok(sent) => sent,
            Err(reason) => return unknown(title, reason),
        };
        // One effect each is what is waited for; what comes instead is compared.
        let wanted = Wanted { processed: Some(1), ..Wanted::default() };
        let asked: Vec<(String, Wanted)> =
            sent.iter().map(|sent| (sent.event_id.clone(), wanted.clone())).collect();
        let seen = match probe::inspections(world, &asked).await {
            Err(reason) => return unknown(title, reason),
            Ok(None) => return unknown(title, "the receiver offers no probe".to_owned()),
            Ok(Some(seen)) => seen,
        };
        states.push(state(&sent, &seen));
    }
    let differing = || {
        let all: std::collections::BTreeSet<&String> = states[0].keys().chain(states[1].keys()).collect();
        let line = |name: &String| {
            let count = |state: &BTreeMap<String, Vec<u64>>| {
                format!("{:?}", state.get(name).cloned().unwrap_or_default())
            };
            let (one, two) = (count(&states[0]), count(&states[1]));
            (one != two).then(|| format!("{name}: effects {one} and {two}"))
        };
        words::list(all.into_iter().filter_map(line))
    };
    let holds = Holds::when(states[0] == states[1], &title, differing, &deliveries(world, of));
    ("same-effects", title, holds)
}

/// How often the notifications of each type took effect, in order.
fn state(sent: &[Sent], seen: &[Inspection]) -> BTreeMap<String, Vec<u64>> {
    let mut state: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (sent, seen) in sent.iter().zip(seen) {
        // The type that the receiver says, where it says one: another type is another state.
        let name = seen.event_type.clone().or_else(|| sent.event_type.clone()).unwrap_or_default();
        state.entry(name).or_default().push(seen.processed.unwrap_or(0));
    }
    state.values_mut().for_each(|counts| counts.sort_unstable());
    state
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn findings_name_the_kind_of_wrong_effect() {
        let once = Wanted { processed: Some(1), ..Wanted::default() };
        let seen = |processed| Inspection { processed: Some(processed), ..Inspection::default() };
        let of_one = |wanted: &Wanted, seen: &Inspection| finding("x", wanted, seen);
        assert!(of_one(&once, &seen(0)).starts_with("lost"));
        assert!(of_one(&once, &seen(2)).starts_with("duplicated effect"));
        let late = Inspection { late: Some(Duration::from_secs(7)), ..seen(1) };
        assert!(of_one(&once, &late).starts_with("late effect"));
        let typed = Wanted { event_type: Some("RFP_SEND".to_owned()), ..once.clone() };
        let other = Inspection { event_type: Some("RFP_VIEWED".to_owned()), ..seen(1) };
        assert!(of_one(&typed, &other).starts_with("wrong effect"));
        let never = Wanted { processed: Some(0), ..Wanted::default() };
        assert!(of_one(&never, &seen(1)).contains("should not"));
    }
}
