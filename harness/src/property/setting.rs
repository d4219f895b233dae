//! What properties may know when they make their cases: the schema pack, the key, and what the baseline learnt.

use std::sync::Arc;

use pns_engine::{EventType, Timestamp};
use pns_simulator::endpoint::Endpoint;
use pns_simulator::schema::{Key, Pack};
use pns_simulator::secret::ApiKey;
use serde_json::{Map, Value};

use super::kinds::Need;
use crate::runner::Player;
use crate::settings::{Probe, RunSettings};

/// The circumstances of a run of property checks.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Writes the bodies.
    pub pack: Arc<Pack>,
    /// The key agreed on, if there is one.
    pub api_key: Option<ApiKey>,
    /// Whether a request without the key was refused; `None`: not tried.
    pub key_is_checked: Option<bool>,
    /// Whether the receiver can be asked what it did.
    pub has_probe: bool,
    /// Whether the probe tells the event type.
    pub has_probe_type: bool,
    /// Whether a pull API runs beside the run.
    pub has_pull: bool,
    /// Whether the target is `https://`.
    pub is_https: bool,
    /// Whether the receiver offers HTTP/2.
    pub offers_http2: bool,
    /// Whether the target is named by a host name.
    pub has_host_name: bool,
    /// Whether the target is on this machine, so that nobody else can read along.
    pub is_on_this_machine: bool,
    /// The request target of the endpoint: its path and query.
    pub target: String,
    /// Places everything that is drawn.
    pub seed: u64,
    /// When the run began, or the epoch that the user pins.
    pub started: Timestamp,
}

impl Setting {
    /// As far as it is known before anything is sent.
    pub(super) fn of(run: &RunSettings, player: &Player) -> Self {
        let endpoint = run.connection.target.as_ref();
        Self {
            pack: player.pack(),
            api_key: run.connection.api_key.clone(),
            key_is_checked: None,
            has_probe: run.probe.is_some(),
            has_probe_type: run.probe.as_ref().is_some_and(Probe::tells_event_type),
            has_pull: run.pull.is_some(),
            // The embedded receiver of scenarios is `https://localhost/`.
            is_https: endpoint.is_none_or(Endpoint::is_secure),
            offers_http2: false,
            has_host_name: endpoint.is_some_and(|endpoint| endpoint.ip().is_none()),
            is_on_this_machine: endpoint.is_none_or(|endpoint| match endpoint.ip() {
                Some(ip) => ip.is_loopback(),
                None => endpoint.host() == "localhost" && run.connection.resolve.is_empty(),
            }),
            target: endpoint.map_or("/", Endpoint::path_and_query).to_owned(),
            seed: run.seed,
            started: run.epoch.unwrap_or_else(pns_simulator::clock::real_now),
        }
    }

    /// Why a property that needs this cannot be tried here, if it cannot.
    #[must_use]
    pub fn lacks(&self, need: Need) -> Option<&'static str> {
        let (is_there, otherwise) = match need {
            Need::ApiKey => (self.api_key.is_some(), "it needs a key: `--api-key`"),
            Need::NoApiKey => (self.api_key.is_none(), "it is for receivers without a key"),
            Need::KeyIsChecked => (
                self.key_is_checked == Some(true),
                "the receiver does not check the key: see `auth/missing-key-refused`",
            ),
            Need::Probe => (self.has_probe, "it needs a probe: `--probe` or `--probe-command`"),
            Need::ProbeType => (
                self.has_probe && self.has_probe_type,
                "it needs a probe that tells the event type: `--probe-type`",
            ),
            Need::Https => (self.is_https, "the target is plain HTTP"),
            Need::Http2 => (self.offers_http2, "the receiver does not offer HTTP/2"),
            Need::HostName => (self.has_host_name, "the target is named by an IP address"),
            Need::Pull => (self.has_pull, "it needs a pull API: `--pull-listen`"),
            Need::EventId => (
                self.pack.roles().event_id.is_some(),
                "the schema pack does not say where the event id stands",
            ),
        };
        (!is_there).then_some(otherwise)
    }

    /// The event types that the pack has a shape for.
    pub fn event_types(&self) -> impl Iterator<Item = EventType> + '_ {
        let known = self.pack.event_types();
        EventType::ALL.into_iter().filter(move |event_type| known.contains(*event_type))
    }

    /// The first of these that the pack has a shape for.
    #[must_use]
    pub fn first_of(&self, wanted: &[EventType]) -> Option<EventType> {
        wanted.iter().copied().find(|one| self.pack.event_types().contains(*one))
    }

    /// A body of that type as the pack makes it; `sequence` tells bodies apart.
    #[must_use]
    pub fn body(&self, event_type: EventType, sequence: u64) -> Option<Map<String, Value>> {
        let key = Key { seed: self.seed, sequence, published: Timestamp::EPOCH };
        let mut bytes = Vec::new();
        self.pack.generate(event_type, key, &mut bytes).ok()?;
        match serde_json::from_slice(&bytes).ok()? {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Whether the pack accepts a body of that type with `value` at the JSON pointer `pointer`.
    #[must_use]
    pub fn allows(&self, event_type: EventType, pointer: &str, value: &Value) -> bool {
        let Some(body) = self.body(event_type, 0) else { return false };
        let mut body = Value::Object(body);
        match body.pointer_mut(pointer) {
            Some(place) => *place = value.clone(),
            None => return false,
        }
        self.pack.validate(body.to_string().as_bytes()).is_ok()
    }

    /// Where bodies of that type have a text that may be anything of up to a few hundred characters: JSON pointers.
    #[must_use]
    pub fn free_texts(&self, event_type: EventType) -> Vec<String> {
        let sample = Value::from("Ünlike, any \"value\" of a list");
        let pointers = self.body(event_type, 0).map_or_else(Vec::new, |body| leaves(&Value::Object(body)));
        pointers.into_iter().filter(|pointer| self.allows(event_type, pointer, &sample)).collect()
    }

    /// A type whose bodies have a free text, and where.
    #[must_use]
    pub fn any_free_text(&self) -> Option<(EventType, String)> {
        self.event_types().find_map(|one| Some((one, self.free_texts(one).pop()?)))
    }

    /// The places that identify a notification or its time, which differ in every notification: JSON pointers.
    #[must_use]
    pub fn fresh_places(&self) -> Vec<String> {
        let roles = self.pack.roles();
        [&roles.event_id, &roles.published_at].into_iter().flatten().cloned().collect()
    }
}

/// The JSON pointers of all texts in `value`.
fn leaves(value: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::String(_) => found.push(at.to_owned()),
            Value::Object(members) => {
                for (name, member) in members {
                    walk(member, &format!("{at}/{}", escape(name)), found);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    walk(item, &format!("{at}/{index}"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(value, "", &mut found);
    found
}

/// A member's name as a token of a JSON pointer (RFC 6901).
pub(super) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A receiver with a key, a probe and everything else.
    pub(in crate::property) fn everything() -> Setting {
        Setting {
            pack: Pack::builtin(Pack::BUILTIN[0]).unwrap(),
            api_key: Some(ApiKey::new("k3y-Of-The-Tests").unwrap()),
            key_is_checked: Some(true),
            has_probe: true,
            has_probe_type: true,
            has_pull: true,
            is_https: true,
            offers_http2: true,
            has_host_name: true,
            is_on_this_machine: true,
            target: "/pns".to_owned(),
            seed: 1,
            started: Timestamp::EPOCH,
        }
    }

    #[test]
    fn free_texts_are_found_where_the_pack_allows_any() {
        let setting = everything();
        assert_eq!(
            setting.free_texts(EventType::MessagePlannerToSupplier),
            ["/messageDetails/subject", "/messageDetails/body"]
        );
        assert_eq!(setting.free_texts(EventType::RfpSend), Vec::<String>::new());
        assert!(setting.any_free_text().is_some());
    }
}
