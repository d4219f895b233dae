//! Delivering again: one delivery, or all that is missing.

use axum::extract::State;
use pns_engine::DeliveryId;

use super::Dashboard;
use super::form::{Form, Id, Json};
use super::page::{Acted, done};
use crate::service::model::{ReplaySpec, Replayed};

impl Dashboard {
    async fn replay(&self, json: Json) -> Result<Replayed, super::page::Refusal> {
        let spec: ReplaySpec = json.read().map_err(super::page::Refusal::wrong)?;
        spec.check()?;
        Ok(self.simulator().replay(spec).await?)
    }
}

/// One, once more to the same subscription.
pub(super) async fn one(State(dashboard): State<Dashboard>, Id(id): Id, _: Form) -> Acted {
    // Known, so that what is not there is told as such.
    dashboard.simulator().delivery(DeliveryId(id)).await?;
    let mut json = Json::default();
    json.set("delivery", id);
    let replayed = dashboard.replay(json).await?;
    let made = replayed.deliveries.first().and_then(|replayed| replayed.delivery).unwrap_or(id);
    Ok(done(&format!("/ui/deliveries/{made}"), "replayed"))
}

/// All that a subscription should have got and never acknowledged.
pub(super) async fn missing(State(dashboard): State<Dashboard>, id: Id, _: Form) -> Acted {
    let id = id.small()?;
    let mut json = Json::default();
    json.set("missing", true);
    json.set("subscription", id);
    let replayed = dashboard.replay(json).await?;
    let word = if replayed.deliveries.is_empty() { "nothing-missing" } else { "replayed" };
    Ok(done(&format!("/ui/subscriptions/{id}"), word))
}
