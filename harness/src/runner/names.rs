//! What a scenario calls things, and templates filled with it.

use std::collections::BTreeMap;

use pns_engine::{DeliveryId, NotificationId, SubscriptionId, Timestamp, WindowId};
use serde_json::Value;

use super::uuid::uuid;
use super::world::World;
use crate::ledger::Delivery;
use crate::scenario::model::{Template, Which};
use crate::settings::Probe;

/// What the scenario calls things.
#[derive(Debug, Default)]
pub(super) struct Names {
    subscriptions: Vec<String>,
    notifications: BTreeMap<String, Vec<NotificationId>>,
    windows: BTreeMap<String, WindowId>,
    values: BTreeMap<String, Value>,
    /// An RFP and a supplier each.
    rfps: BTreeMap<String, (String, String)>,
}

impl World {
    /// Names the next subscription, and gives its id.
    pub(super) fn name_subscription(&mut self, name: &str) -> SubscriptionId {
        self.names.subscriptions.push(name.to_owned());
        self.subscription(name)
    }

    /// The subscription of that name; the parser has seen to it that there is one.
    pub(super) fn subscription(&self, name: &str) -> SubscriptionId {
        let index = self.names.subscriptions.iter().position(|known| known == name);
        SubscriptionId(u32::try_from(index.expect("names are resolved by the parser")).expect("a handful"))
    }

    /// The name of a subscription.
    pub(super) fn subscription_name(&self, id: SubscriptionId) -> &str {
        self.names.subscriptions.get(id.0 as usize).map_or("?", String::as_str)
    }

    /// Saves notifications under a name.
    pub(super) fn save(&mut self, name: &str, ids: Vec<NotificationId>) {
        self.names.notifications.entry(name.to_owned()).or_default().extend(ids);
    }

    /// Saves a downtime window under a name.
    pub(super) fn save_window(&mut self, name: &str, id: WindowId) {
        self.names.windows.insert(name.to_owned(), id);
    }

    /// The window saved under a name; `None` if that step was skipped.
    pub(super) fn window(&self, name: &str) -> Option<WindowId> {
        self.names.windows.get(name).copied()
    }

    /// Sets a variable.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.names.values.insert(name.to_owned(), value);
    }

    /// The name under which a notification was saved.
    pub(super) fn name_of(&self, id: NotificationId) -> Option<&str> {
        self.names.notifications.iter().find(|(_, ids)| ids.contains(&id)).map(|(name, _)| name.as_str())
    }

    /// The notifications chosen.
    pub(super) fn notifications(&self, which: &Which) -> Vec<NotificationId> {
        match which {
            Which::All => {
                self.ledger.notifications().map(|(id, _)| id).filter(|id| !self.is_unasked(*id)).collect()
            }
            Which::Saved(names) => {
                names.iter().flat_map(|name| self.names.notifications.get(name)).flatten().copied().collect()
            }
            Which::On(_) => {
                let ids = self.deliveries(which).into_iter();
                ids.filter_map(|id| self.ledger.delivery(id).map(|delivery| delivery.notification)).collect()
            }
        }
    }

    /// The notifications chosen, those sent by bytes and saved among all.
    pub(super) fn notifications_sent(&self, which: &Which) -> Vec<NotificationId> {
        let mut ids = self.notifications(which);
        if *which == Which::All {
            ids.extend(self.wired.saved.iter().copied());
        }
        ids
    }

    /// The deliveries of the notifications chosen.
    pub(super) fn deliveries(&self, which: &Which) -> Vec<DeliveryId> {
        if let Which::On(name) = which {
            let subscription = self.subscription(name);
            let all = self.ledger.deliveries().filter(|(_, delivery)| {
                delivery.subscription == subscription && !self.is_unasked(delivery.notification)
            });
            return all.map(|(id, _)| id).collect();
        }
        let of = |id| self.ledger.deliveries_of(id).map(|(delivery, _)| delivery).collect::<Vec<_>>();
        self.notifications(which).into_iter().flat_map(of).collect()
    }

    /// Whether a delivery was acknowledged.
    pub(super) fn is_delivered(&self, id: DeliveryId) -> bool {
        self.ledger.delivery(id).is_some_and(Delivery::is_delivered)
    }

    /// Fills a template with what is known now.
    ///
    /// # Errors
    /// When it names something that does not exist.
    pub(super) fn fill(&mut self, template: &Template) -> Result<Value, String> {
        self.fill_knowing(template, |_| None)
    }

    /// As [`World::fill`], where `known` goes before all else.
    ///
    /// # Errors
    /// When it names something that does not exist.
    pub(super) fn fill_knowing(
        &mut self,
        template: &Template,
        known: impl Fn(&str) -> Option<Value>,
    ) -> Result<Value, String> {
        // Drawing a uuid needs `self` mutably, and looking up does not: count draws apart.
        let mut drawn = self.uuids_drawn;
        let seed = self.seed();
        let filled = template.fill(&mut |name: &str| match name {
            "uuid" => {
                drawn += 1;
                Some(Value::String(uuid(seed, drawn)))
            }
            _ => known(name).or_else(|| self.lookup(name)),
        });
        self.uuids_drawn = drawn;
        filled.map_err(|error| error.to_string())
    }

    /// Draws a fresh UUID from the seed.
    pub(super) fn draw_uuid(&mut self) -> String {
        self.uuids_drawn += 1;
        uuid(self.seed(), self.uuids_drawn)
    }

    /// The RFP of that name and its supplier, drawn when the name first comes up.
    pub(super) fn rfp(&mut self, name: &str) -> (String, String) {
        if let Some(known) = self.names.rfps.get(name) {
            return known.clone();
        }
        let drawn = (self.draw_uuid(), self.draw_uuid());
        self.names.rfps.insert(name.to_owned(), drawn.clone());
        drawn
    }

    /// As [`World::fill`], for a place where text is wanted.
    ///
    /// # Errors
    /// When it names something that does not exist.
    pub(super) fn fill_text(&mut self, template: &Template) -> Result<String, String> {
        Ok(match self.fill(template)? {
            Value::String(text) => text,
            other => other.to_string(),
        })
    }

    fn lookup(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.names.values.get(name) {
            return Some(value.clone());
        }
        if let Some((saved, field)) = name.split_once('.') {
            let id = *self.names.notifications.get(saved)?.first()?;
            let body: Value = serde_json::from_slice(&self.sent_body(id)?).ok()?;
            return body.pointer(&format!("/{}", field.replace('.', "/"))).cloned();
        }
        match name {
            "target" => Some(Value::String(self.target.endpoint.url())),
            "now" => instant(self.driver.stamp()).map(Value::String),
            "probe_url" => {
                let base = self.target.probe.as_ref().and_then(Probe::base_url)?;
                Some(Value::String(base.to_owned()))
            }
            _ => None,
        }
    }
}

/// As bodies carry times: RFC 3339 in UTC, with milliseconds.
fn instant(at: Timestamp) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(i64::try_from(at.as_millis()).ok()?).ok()?;
    Some(format!("{at:.3}"))
}
