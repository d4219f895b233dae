//! The queries of lists. `serde_urlencoded` cannot flatten, so each list has its own.

use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::Problem;
use crate::service::model::{
    DeliveryFilter, DeliveryState, DurabilityWord, EventName, Instant, Order, PageRequest, PullFilter,
};
use crate::world::{CallKind, RfpId};

/// Which subscriptions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscriptionsQuery {
    /// Begin behind this id: `next` of the page before.
    after: Option<u64>,
    /// At most so many. Default: 100.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u16>,
    /// By ascending or descending id. Default: ascending.
    #[serde(default)]
    order: Order,
}

/// Which deliveries.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveriesQuery {
    /// In this state.
    state: Option<DeliveryState>,
    /// Of this event type.
    #[serde(rename = "type")]
    event_type: Option<EventName>,
    /// To this subscription.
    subscription: Option<u32>,
    /// Of this notification.
    notification: Option<u64>,
    /// Published at this instant or later.
    from: Option<Instant>,
    /// Published before this instant.
    until: Option<Instant>,
    /// `true`: not delivered, and failed at least once; `false`: all others.
    failing: Option<bool>,
    /// Begin behind this id: `next` of the page before.
    after: Option<u64>,
    /// At most so many. Default: 100.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u16>,
    /// By ascending or descending id. Default: ascending.
    #[serde(default)]
    order: Order,
}

/// Which RFPs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RfpsQuery {
    /// Begin behind this number: `next` of the page before.
    after: Option<u64>,
    /// At most so many. Default: 100.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u16>,
    /// By ascending or descending number. Default: descending, the newest first.
    order: Option<Order>,
}

/// Which pulls.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PullsQuery {
    /// About this RFP.
    rfp: Option<RfpId>,
    /// Of this call.
    call: Option<CallKind>,
    /// Begin behind this number: `next` of the page before.
    after: Option<u64>,
    /// At most so many. Default: 100.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u16>,
    /// By ascending or descending number. Default: ascending.
    #[serde(default)]
    order: Order,
}

/// How to publish.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PublishQuery {
    /// When the call returns. Default: `durable`.
    #[serde(default)]
    pub(super) durability: DurabilityWord,
}

/// Which records.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordsQuery {
    /// The sequence number of the first record wanted. Default: the next that happens.
    pub(super) from: Option<u64>,
}

/// No query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoQuery {}

fn page(after: Option<u64>, limit: Option<u16>, order: Order) -> Result<PageRequest, Problem> {
    if limit.is_some_and(|limit| !(1..=PageRequest::LIMIT_MAX).contains(&limit)) {
        return Err(Problem::field(
            "limit",
            format!("expected a number from 1 to {}", PageRequest::LIMIT_MAX),
        ));
    }
    Ok(PageRequest { after, limit, order })
}

impl SubscriptionsQuery {
    pub(super) fn page(self) -> Result<PageRequest, Problem> {
        page(self.after, self.limit, self.order)
    }
}

impl RfpsQuery {
    pub(super) fn page(self) -> Result<PageRequest, Problem> {
        page(self.after, self.limit, self.order.unwrap_or(Order::Descending))
    }
}

impl PullsQuery {
    pub(super) fn filter_and_page(self) -> Result<(PullFilter, PageRequest), Problem> {
        let Self { rfp, call, after, limit, order } = self;
        Ok((PullFilter { rfp, call }, page(after, limit, order)?))
    }
}

impl DeliveriesQuery {
    pub(super) fn filter_and_page(self) -> Result<(DeliveryFilter, PageRequest), Problem> {
        let page = page(self.after, self.limit, self.order)?;
        let Self { state, event_type, subscription, notification, from, until, failing, .. } = self;
        Ok((DeliveryFilter { state, event_type, subscription, notification, from, until, failing }, page))
    }
}
