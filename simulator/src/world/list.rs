//! RFPs as the control API and the dashboard tell them.

use pns_engine::{EventType, SupplierId, Timestamp};

use super::World;
use super::answer::reason;
use super::fold::{ResponseNow, RfpNow};
use super::happening::{Happening, Story};
use super::id::RfpId;
use super::view::{HappeningView, RfpDetail, RfpSummary, SupplierView};
use crate::service::model::{EventName, Instant, Order, Page, PageRequest, SupplierText};

/// Happenings that are told of one RFP: the latest.
const HISTORY_MAX: usize = 1_000;
/// Suppliers that are told of one RFP.
const SUPPLIERS_MAX: usize = 200;

impl World {
    /// The RFPs by number.
    #[must_use]
    pub fn rfps(&self, page: &PageRequest) -> Page<RfpSummary> {
        let order = self.stories.order();
        let limit = page.limit();
        let found: Vec<RfpId> = match (page.order, page.after) {
            (Order::Ascending, None) => order.values().take(limit + 1).copied().collect(),
            (Order::Ascending, Some(after)) => match after.checked_add(1) {
                Some(first) => order.range(first..).map(|(_, rfp)| *rfp).take(limit + 1).collect(),
                None => Vec::new(),
            },
            (Order::Descending, None) => order.values().rev().take(limit + 1).copied().collect(),
            (Order::Descending, Some(after)) => {
                order.range(..after).rev().map(|(_, rfp)| *rfp).take(limit + 1).collect()
            }
        };
        let more = found.len() > limit;
        let items: Vec<RfpSummary> = found
            .into_iter()
            .take(limit)
            .filter_map(|rfp| Some(self.summary(rfp, self.stories.story(rfp)?)))
            .collect();
        let next = items.last().map(|last| last.number).filter(|_| more);
        Page { items, next }
    }

    /// One RFP with its suppliers and its history.
    #[must_use]
    pub fn rfp(&self, id: RfpId) -> Option<RfpDetail> {
        let story = self.stories.story(id)?;
        let now = RfpNow::of(story, Timestamp::MAX)?;
        let request = self.request(id, &now);
        let suppliers = now.responses.iter().take(SUPPLIERS_MAX);
        let supplier = |(supplier, response): (&SupplierId, &ResponseNow<'_>)| SupplierView {
            supplier: SupplierText(*supplier),
            name: self.place(*supplier).name,
            state: response.state(),
            reason: reason(response).map(str::to_owned),
            attachments: response.attachments.iter().map(|(attachment, _)| *attachment).collect(),
            messages: u32::try_from(response.messages.len()).unwrap_or(u32::MAX),
            response: self.response_content(&request, (id, *supplier), response),
        };
        let untold = story.happenings.len().saturating_sub(HISTORY_MAX);
        Some(RfpDetail {
            summary: self.summary(id, story),
            content: self.rfp_content(id, &now, |_| true),
            suppliers: suppliers.map(supplier).collect(),
            history: story.happenings[untold..].iter().map(happening).collect(),
            forgotten: story.forgotten + u32::try_from(untold).unwrap_or(u32::MAX),
        })
    }

    fn summary(&self, id: RfpId, story: &Story) -> RfpSummary {
        let now = RfpNow::of(story, Timestamp::MAX).unwrap_or_default();
        let request = self.request(id, &now);
        let at = |happening: Option<&Happening>| Instant(happening.map_or(Timestamp::EPOCH, |one| one.at));
        RfpSummary {
            number: story.number,
            rfp: id,
            name: request.name,
            planner: request.planner,
            state: now.state(),
            supplier_count: u32::try_from(now.responses.len()).unwrap_or(u32::MAX),
            happenings: now.happenings.saturating_add(story.forgotten),
            since: at(now.first),
            latest_at: at(now.latest),
            latest: EventName(now.latest.map_or(EventType::RfpSend, |latest| latest.event_type)),
        }
    }
}

fn happening(one: &Happening) -> HappeningView {
    HappeningView {
        at: Instant(one.at),
        notification: one.notification.0,
        event_type: EventName(one.event_type),
        supplier: one.supplier.map(SupplierText),
        reason: one.reason().map(str::to_owned),
        message: one.message().map(|message| message.id),
        attachments: one.attachments().to_vec(),
        by_pull: one.act().is_some(),
    }
}
