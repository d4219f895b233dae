//! What the service says of its deliveries, beside what the receivers saw.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use pns_engine::Timestamp;
use serde_json::Value;

use super::served::{Accepted, Served};
use super::watched::{Log, Times};

/// What reconciling came to.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    accepted: usize,
    unsure: u64,
    deliveries: u64,
    attempts: u64,
    /// Attempts that were in flight at a kill.
    interrupted: u64,
    /// Acknowledgements beyond the first.
    duplicates: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} notifications accepted and none lost, {} of calls without an answer; {} deliveries in {} attempts, \
             {} interrupted by a kill, {} acknowledged twice for it",
            self.accepted, self.unsure, self.deliveries, self.attempts, self.interrupted, self.duplicates
        )
    }
}

/// Compares; panics at the first disagreement.
pub(crate) fn reconcile(served: &Served, accepted: &Accepted, seen: &BTreeMap<&str, Arc<Log>>) -> Summary {
    let names: BTreeMap<u64, String> = served.get("/api/v1/subscriptions")["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_u64().unwrap(), one["name"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(names.len(), seen.len(), "no subscription is made twice");
    let events: BTreeMap<u64, &String> =
        accepted.notifications.iter().map(|(event, id)| (*id, event)).collect();
    assert_eq!(events.len(), accepted.notifications.len(), "no id is given twice");
    let mut summary = Summary { accepted: events.len(), unsure: accepted.unsure, ..Summary::default() };
    let mut delivered: BTreeSet<(u64, u64)> = BTreeSet::new();
    let mut after = 0;
    loop {
        let page = served.get(&format!("/api/v1/deliveries?limit=1000&after={after}"));
        for delivery in page["items"].as_array().unwrap() {
            let number = |field: &str| delivery[field].as_u64().unwrap();
            assert_eq!(delivery["state"], "delivered", "{delivery}");
            assert!(delivered.insert((number("notification"), number("subscription"))), "{delivery}");
            let detail = served.get(&format!("/api/v1/deliveries/{}", number("id")));
            let attempts = attempts(&detail);
            summary.deliveries += 1;
            summary.attempts += attempts.made;
            summary.interrupted += attempts.interrupted;
            // One of a call without an answer has an id that nobody was told.
            let Some(event) = events.get(&number("notification")) else { continue };
            let log = &seen[names[&number("subscription")].as_str()];
            let times = log.get(*event).copied().unwrap_or_default();
            summary.duplicates += explained(times, &attempts, &detail);
        }
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => break,
        }
    }
    for (id, event) in &events {
        for subscription in names.keys() {
            assert!(delivered.contains(&(*id, *subscription)), "notification {id} ({event}) is lost");
        }
    }
    assert!(
        delivered.len() as u64 <= (summary.accepted as u64 + accepted.unsure) * names.len() as u64,
        "nothing is delivered that nobody published"
    );
    let counted = served.get("/api/v1/status")["possible_duplicates"].as_u64().unwrap();
    assert!(summary.duplicates <= counted, "{} duplicates, {counted} counted", summary.duplicates);
    summary
}

/// What the history of a delivery says.
struct Attempts {
    made: u64,
    interrupted: u64,
}

/// Checks the history by itself: no number is missing, none starts before it is due, delays are kept and never shrink.
fn attempts(detail: &Value) -> Attempts {
    let history = detail["history"].as_array().unwrap();
    let mut interrupted = 0;
    let mut due: Option<Timestamp> = None;
    let mut delay = 0;
    for (number, attempt) in (1..).zip(history) {
        assert_eq!(attempt["number"], number, "{detail}");
        assert!(instant(&attempt["started_at"]) >= instant(&attempt["due_at"]), "{detail}");
        if let Some(due) = due {
            assert_eq!(instant(&attempt["due_at"]), due, "due times are kept: {detail}");
        }
        let last = number == history.len();
        assert_eq!(attempt["outcome"] == "acknowledged", last, "{detail}");
        interrupted += u64::from(attempt["reason"] == "sender-stopped");
        if !last {
            let next = span_ms(&attempt["next_delay"]);
            assert!(next >= delay, "delays never shrink: {detail}");
            delay = next;
            due = Some(instant(&attempt["ended_at"]) + std::time::Duration::from_millis(next));
        }
    }
    Attempts { made: history.len() as u64, interrupted }
}

/// Acknowledgements beyond the first, which interrupted attempts must explain.
fn explained(times: Times, attempts: &Attempts, detail: &Value) -> u64 {
    assert!(times.acknowledged >= 1, "said to be delivered, and the receiver has not acknowledged: {detail}");
    assert!(times.received <= attempts.made, "{} requests seen: {detail}", times.received);
    let twice = times.acknowledged - 1;
    assert!(twice <= attempts.interrupted, "acknowledged {} times: {detail}", times.acknowledged);
    if twice > 0 {
        assert_eq!(detail["possible_duplicate"], true, "{detail}");
    }
    twice
}

fn instant(value: &Value) -> Timestamp {
    let at: jiff::Timestamp = value.as_str().unwrap_or_else(|| panic!("{value}")).parse().unwrap();
    Timestamp::from_millis(u64::try_from(at.as_millisecond()).unwrap())
}

fn span_ms(value: &Value) -> u64 {
    let text = value.as_str().unwrap_or_else(|| panic!("{value}"));
    u64::try_from(pns_simulator::units::duration(text).unwrap().as_millis()).unwrap()
}
