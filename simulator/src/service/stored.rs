//! The texts that the journal keeps for the service: it does not read them.

use std::sync::Arc;
use std::time::Duration;

use pns_engine::{NotificationId, SubscriptionId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::keeper::UnderWay;
use super::model::{
    ConnectionUse, HeaderText, LifecycleSpec, RequestView, ResponseView, SubscriptionSpec, TimingsView,
    injection_text,
};
use super::packs::PackShelf;
use super::recipes::Packs;
use crate::clock::Gear;
use crate::driver::Route;
use crate::fault::{Extent, Fault, Injection};
use crate::journal::KeptExchange;
use crate::schema::Overrides;
use crate::secret::ApiKey;
use crate::transport::{Exchange, Timings};
use crate::world::RfpId;

/// A response's head that is kept, in bytes.
const HEAD_BYTES_MAX: usize = 8_192;
/// A response's body that is kept, in bytes.
const BODY_BYTES_MAX: usize = 4_096;

#[derive(Serialize, Deserialize)]
struct Subscription {
    spec: Value,
    created: u64,
    /// The last notification before it. Journals of earlier builds have none; then its instant alone tells.
    #[serde(default)]
    after: u64,
    packs: Vec<(u64, String)>,
}

/// When a subscription began: the instant, and the last notification that was published before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Beginning {
    pub(super) at: Timestamp,
    pub(super) after: NotificationId,
}

/// A subscription, with its key.
pub(super) fn subscription_to_text(spec: &SubscriptionSpec, created: Beginning, packs: &Packs) -> String {
    let spec = serde_json::from_str(&spec.to_stored()).expect("a stored spec is JSON");
    let packs = packs.iter().map(|(first, pack)| (first.0, pack.name().to_owned())).collect();
    let stored = Subscription { spec, created: created.at.as_nanos(), after: created.after.0, packs };
    serde_json::to_string(&stored).expect("numbers and texts become JSON")
}

/// Reads what [`subscription_to_text`] wrote.
///
/// # Errors
/// When it does not read back, or one of its packs is not there.
pub(super) fn subscription_from_text(
    text: &str,
    shelf: &PackShelf,
) -> Result<(SubscriptionSpec, Beginning, Packs), Unreadable> {
    let stored: Subscription = serde_json::from_str(text)?;
    let spec = serde_json::from_value(stored.spec)?;
    let read = |(first, name): (u64, String)| {
        let pack = shelf.get(&name).ok_or(Unreadable::Pack(name))?;
        Ok((NotificationId(first), pack))
    };
    let packs = stored.packs.into_iter().map(read).collect::<Result<Vec<_>, Unreadable>>()?;
    let packs = Packs::of_list(packs).unwrap_or_else(|| Packs::only(Arc::clone(shelf.own())));
    let created =
        Beginning { at: Timestamp::from_nanos(stored.created), after: NotificationId(stored.after) };
    Ok((spec, created, packs))
}

#[derive(Serialize, Deserialize)]
struct StoredLifecycle {
    spec: LifecycleSpec,
    done: usize,
    next: u64,
}

/// A lifecycle that has events to come.
pub(super) fn lifecycle_to_text(one: &UnderWay) -> String {
    let stored = StoredLifecycle { spec: one.spec.clone(), done: one.done, next: one.next_at.as_nanos() };
    serde_json::to_string(&stored).expect("numbers and texts become JSON")
}

/// Reads what [`lifecycle_to_text`] wrote.
///
/// # Errors
/// When it does not read back.
pub(super) fn lifecycle_from_text(text: &str) -> Result<UnderWay, Unreadable> {
    let StoredLifecycle { spec, done, next } = serde_json::from_str(text)?;
    Ok(UnderWay { spec, done, next_at: Timestamp::from_nanos(next) })
}

/// The RFP of a notification and what is laid over its body. Without an RFP it is an object, as in journals of earlier
/// builds; with one an array of both.
pub(super) fn recipe_to_text(rfp: Option<RfpId>, overrides: Option<&Overrides>) -> Option<String> {
    match (rfp, overrides) {
        (None, None) => None,
        (None, Some(overrides)) => serde_json::to_string(overrides).ok(),
        (Some(rfp), overrides) => serde_json::to_string(&(rfp, overrides)).ok(),
    }
}

/// Reads what [`recipe_to_text`] wrote. What does not read back is as though nothing were laid over.
pub(super) fn recipe_from_text(text: &str) -> (Option<RfpId>, Option<Overrides>) {
    if text.starts_with('[') {
        let both: Result<(RfpId, Option<Overrides>), _> = serde_json::from_str(text);
        return both.map_or((None, None), |(rfp, overrides)| (Some(rfp), overrides));
    }
    (None, serde_json::from_str(text).ok())
}

/// A text of the journal that cannot be used.
#[derive(Debug)]
pub(super) enum Unreadable {
    Pack(String),
    Text(String),
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        Self::Text(error.to_string())
    }
}

#[derive(Serialize, Deserialize)]
struct StoredFault {
    does: Does,
    left: Option<u32>,
    until: Option<u64>,
    on: Option<u32>,
    of: Option<Vec<u64>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Does {
    Refuse,
    ConnectTimeout,
    NameResolution,
    ResetBeforeBody,
    ResetAfterBody,
    CutBody,
    SlowBodyMs(u64),
    AckLost,
    Answer(u16),
    Duplicate,
    WrongKey,
    NoKey,
    ExtraHeaders(Vec<(String, String)>),
}

/// A planned fault, as far as it is not used up.
pub(super) fn fault_to_text(fault: &Fault) -> String {
    let does = match &fault.injection {
        Injection::Refuse => Does::Refuse,
        Injection::ConnectTimeout => Does::ConnectTimeout,
        Injection::NameResolution => Does::NameResolution,
        Injection::ResetBeforeBody => Does::ResetBeforeBody,
        Injection::ResetAfterBody => Does::ResetAfterBody,
        Injection::CutBody => Does::CutBody,
        Injection::SlowBody(over) => Does::SlowBodyMs(millis(*over)),
        Injection::AckLost => Does::AckLost,
        Injection::Answer(status) => Does::Answer(*status),
        Injection::Duplicate => Does::Duplicate,
        Injection::WrongKey => Does::WrongKey,
        Injection::NoKey => Does::NoKey,
        Injection::ExtraHeaders(headers) => Does::ExtraHeaders(headers.clone()),
    };
    let (left, until) = match fault.extent {
        Extent::Attempts(left) => (Some(left), None),
        Extent::Until(end) => (None, Some(end.as_nanos())),
    };
    let of = fault.notifications.as_ref().map(|some| some.iter().map(|id| id.0).collect());
    let stored = StoredFault { does, left, until, on: fault.subscription.map(|id| id.0), of };
    serde_json::to_string(&stored).expect("numbers and texts become JSON")
}

/// Reads what [`fault_to_text`] wrote.
///
/// # Errors
/// When it does not read back.
pub(super) fn fault_from_text(text: &str) -> Result<Fault, Unreadable> {
    let stored: StoredFault = serde_json::from_str(text)?;
    let injection = match stored.does {
        Does::Refuse => Injection::Refuse,
        Does::ConnectTimeout => Injection::ConnectTimeout,
        Does::NameResolution => Injection::NameResolution,
        Does::ResetBeforeBody => Injection::ResetBeforeBody,
        Does::ResetAfterBody => Injection::ResetAfterBody,
        Does::CutBody => Injection::CutBody,
        Does::SlowBodyMs(over) => Injection::SlowBody(Duration::from_millis(over)),
        Does::AckLost => Injection::AckLost,
        Does::Answer(status) => Injection::Answer(status),
        Does::Duplicate => Injection::Duplicate,
        Does::WrongKey => Injection::WrongKey,
        Does::NoKey => Injection::NoKey,
        Does::ExtraHeaders(headers) => Injection::ExtraHeaders(headers),
    };
    let extent = match (stored.left, stored.until) {
        (Some(left), _) => Extent::Attempts(left),
        (None, until) => Extent::Until(Timestamp::from_nanos(until.unwrap_or(0))),
    };
    let notifications = stored.of.map(|of| of.into_iter().map(NotificationId).collect());
    Ok(Fault { injection, extent, subscription: stored.on.map(SubscriptionId), notifications })
}

/// Where PNS time was at an instant of real time, and how it moved.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClockMark {
    pub(super) gear: Gear,
    pub(super) position: Timestamp,
    pub(super) real: Timestamp,
}

impl ClockMark {
    /// As a text.
    pub(super) fn to_text(self) -> String {
        format!("{} {} {}", self.gear, self.position.as_nanos(), self.real.as_nanos())
    }

    /// Reads what [`ClockMark::to_text`] wrote.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let gear = parts.next()?.parse().ok()?;
        let position = Timestamp::from_nanos(parts.next()?.parse().ok()?);
        let real = Timestamp::from_nanos(parts.next()?.parse().ok()?);
        Some(Self { gear, position, real })
    }

    /// PNS time at the instant `real`: it has gone on meanwhile, except in the virtual gear.
    pub(super) fn at(self, real: Timestamp) -> Timestamp {
        let passed = real.since(self.real);
        match self.gear {
            Gear::Virtual => self.position,
            Gear::Real => self.position + passed,
            Gear::Scaled(factor) => self.position + passed.saturating_mul(factor.get()),
        }
    }
}

/// What is kept of an exchange beside the response's body.
#[derive(Serialize, Deserialize)]
pub(super) struct ExchangeFacts {
    pub(super) request: RequestView,
    /// Its body is empty here.
    pub(super) response: Option<ResponseView>,
    pub(super) timings: TimingsView,
    pub(super) connection: Option<ConnectionUse>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) remote: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fault: Option<String>,
}

/// What is kept of `exchange`, without the key of `route` wherever it stands.
pub(super) fn kept_exchange(exchange: &Exchange, route: Option<&Route>) -> KeptExchange {
    let secret = route.and_then(|route| route.api_key.as_ref()).map(ApiKey::reveal);
    let redact = |text: String| match secret {
        Some(secret) if text.contains(secret) => text.replace(secret, "***"),
        _ => text,
    };
    let mut body = String::new();
    let response = exchange.response.as_ref().map(|response| {
        let kept = &response.body[..response.body.len().min(BODY_BYTES_MAX)];
        body = redact(String::from_utf8_lossy(kept).into_owned());
        ResponseView {
            status: response.status.as_u16(),
            version: format!("{:?}", response.version),
            headers: headers(&response.headers, &redact),
            body: String::new(),
            truncated: response.truncated || kept.len() < response.body.len(),
        }
    });
    let facts = ExchangeFacts {
        request: RequestView { headers: headers(&exchange.request_headers, &redact) },
        response,
        timings: timings(&exchange.timings),
        connection: exchange
            .remote
            .map(|_| if exchange.reused { ConnectionUse::Reused } else { ConnectionUse::New }),
        remote: exchange.remote.map(|remote| remote.to_string()),
        detail: exchange.detail.clone().map(redact),
        fault: exchange.injection.as_ref().map(injection_text),
    };
    KeptExchange {
        facts: serde_json::to_string(&facts).expect("numbers and texts become JSON"),
        response_body: body.into(),
    }
}

/// Headers in order, as many as fit; secrets are shown as `***`.
fn headers(map: &http::HeaderMap, redact: &impl Fn(String) -> String) -> Vec<HeaderText> {
    let mut room = HEAD_BYTES_MAX;
    let mut kept = Vec::with_capacity(map.len());
    for (name, value) in map {
        let Some(left) = room.checked_sub(name.as_str().len() + value.len()) else { break };
        room = left;
        let secret = value.is_sensitive() || *name == http::header::SET_COOKIE;
        let value = if secret {
            "***".to_owned()
        } else {
            redact(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        kept.push(HeaderText { name: name.to_string(), value });
    }
    kept
}

fn timings(timings: &Timings) -> TimingsView {
    TimingsView {
        resolve_ms: timings.resolve.map(millis),
        connect_ms: timings.connect.map(millis),
        tls_ms: timings.tls.map(millis),
        acknowledge_ms: timings.acknowledge.map(millis),
        total_ms: millis(timings.total),
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_back_as_it_was_written() {
        let all = [
            Injection::Refuse,
            Injection::ResetBeforeBody,
            Injection::SlowBody(Duration::from_millis(200)),
            Injection::Answer(503),
            Injection::ExtraHeaders(vec![("Via".to_owned(), "1.1 proxy".to_owned())]),
        ];
        for (number, injection) in all.into_iter().enumerate() {
            let extent = if number % 2 == 0 {
                Extent::Attempts(3)
            } else {
                Extent::Until(Timestamp::from_millis(1_764_000_000_001))
            };
            let subscription = (number > 2).then_some(SubscriptionId(9));
            let notifications = (number > 3).then(|| [NotificationId(4)].into());
            let fault = Fault { injection, extent, subscription, notifications };
            assert_eq!(fault_from_text(&fault_to_text(&fault)).unwrap(), fault);
        }
    }

    #[test]
    fn time_goes_on_while_nobody_runs_except_virtual_time() {
        let real = Timestamp::from_millis(1_764_000_000_000);
        let later = real + Duration::from_secs(10);
        let position = real + Duration::from_secs(86_400);
        for (gear, passed) in [("virtual", 0), ("real", 10), ("60x", 600)] {
            let mark = ClockMark { gear: gear.parse().unwrap(), position, real };
            let mark = ClockMark::from_text(&mark.to_text()).unwrap();
            assert_eq!(mark.at(later), position + Duration::from_secs(passed), "{gear}");
            assert_eq!(mark.at(real), position);
        }
    }
}
