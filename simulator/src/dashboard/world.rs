//! The world as the pull side sees it: RFPs, their suppliers and responses, what happened, and the latest pulls.

use askama::Template;
use axum::extract::{Path, State};

use super::Dashboard;
use super::form::{Form, Query};
use super::page::{Frame, Here, Page, Refusal, Shown};
use super::words::{self, When};
use crate::service::model::{Instant, Order, PageRequest};
use crate::world::{
    HappeningView, Pull, ResponseState, RfpDetail, RfpId, RfpState, RfpSummary, SupplierView,
};

/// RFPs on one page.
const RFPS: u16 = 50;
/// The latest pulls beside the RFPs, and on a page of their own.
const LATEST_PULLS: u64 = 10;
const PULLS: u64 = 100;

#[derive(Template)]
#[template(path = "world.html")]
struct WorldPage {
    frame: Frame,
    rows: Vec<RfpRow>,
    next: Option<u64>,
    is_first_page: bool,
    pulls: Vec<PullRow>,
}

/// An RFP in a list.
struct RfpRow {
    rfp: String,
    name: String,
    planner: String,
    state: &'static str,
    state_text: String,
    suppliers: u32,
    happenings: u32,
    since: When,
    latest_at: When,
    latest: &'static str,
}

impl RfpRow {
    fn of(view: &RfpSummary, now: Instant) -> Self {
        let (state, written) = match view.state {
            RfpState::Open => ("delivering", words::written(&view.state)),
            RfpState::Awarded => ("delivered", words::written(&view.state)),
            RfpState::Cancelled => ("idle", words::written(&view.state)),
        };
        Self {
            rfp: view.rfp.to_string(),
            name: view.name.clone(),
            planner: view.planner.clone(),
            state,
            state_text: readable(&written),
            suppliers: view.suppliers,
            happenings: view.happenings,
            since: words::when(view.since, now),
            latest_at: words::when(view.latest_at, now),
            latest: view.latest.0.wire_name(),
        }
    }
}

/// `IN_PROGRESS` for reading.
fn readable(word: &str) -> String {
    word.to_ascii_lowercase().replace('_', " ")
}

/// A pull in a list.
struct PullRow {
    number: u64,
    at: When,
    method: String,
    path: String,
    status: u16,
    is_good: bool,
    who: String,
    took: String,
    fault: Option<u32>,
    /// The RFP that it was about.
    rfp: Option<String>,
}

impl PullRow {
    fn of(pull: &Pull, now: Instant) -> Self {
        Self {
            number: pull.number,
            at: words::when(Instant(pull.at), now),
            method: pull.method.to_string(),
            path: pull.path.to_string(),
            status: pull.status,
            is_good: pull.succeeded(),
            who: pull.who.to_string(),
            took: words::about(pull.took),
            fault: pull.fault,
            rfp: pull.asked.and_then(|asked| asked.rfp).map(|rfp| rfp.to_string()),
        }
    }
}

impl Dashboard {
    /// The latest pulls, the latest first: at most `most` of those up to the number `last`.
    fn pulls(&self, last: u64, most: u64, now: Instant) -> Vec<PullRow> {
        let count = usize::try_from(most).unwrap_or(usize::MAX);
        let pulls = self.simulator().pull_log().since(last.saturating_sub(most), count);
        pulls.iter().rev().map(|pull| PullRow::of(pull, now)).collect()
    }
}

/// The RFPs, newest first, and the latest pulls.
pub(super) async fn show(State(dashboard): State<Dashboard>, Query(query): Query) -> Shown<impl Template> {
    let (frame, clock) = dashboard.frame("World", Here::World, &query).await?;
    let after = query.get("after").parse().ok();
    let page = PageRequest { after, limit: Some(RFPS), order: Order::Descending };
    let rfps = dashboard.simulator().world().read(|world| world.rfps(&page));
    let last = dashboard.simulator().pull_log().latest();
    Ok(Page::of(WorldPage {
        frame,
        rows: rfps.items.iter().map(|rfp| RfpRow::of(rfp, clock.now)).collect(),
        next: rfps.next,
        is_first_page: after.is_none(),
        pulls: dashboard.pulls(last, LATEST_PULLS, clock.now),
    }))
}

#[derive(Template)]
#[template(path = "pulls.html")]
struct Pulls {
    frame: Frame,
    pulls: Vec<PullRow>,
    older: Option<u64>,
    is_first_page: bool,
}

/// The log of pulls, the latest first.
pub(super) async fn pulls(State(dashboard): State<Dashboard>, Query(query): Query) -> Shown<impl Template> {
    let (frame, clock) = dashboard.frame("Pulls", Here::World, &query).await?;
    let asked: Option<u64> = query.get("last").parse().ok();
    let latest = dashboard.simulator().pull_log().latest();
    let last = asked.unwrap_or(latest).min(latest);
    let pulls = dashboard.pulls(last, PULLS, clock.now);
    let before = pulls.last().map_or(0, |oldest| oldest.number.saturating_sub(1));
    let kept = dashboard.simulator().pull_log().since(0, 1).first().map_or(u64::MAX, |first| first.number);
    Ok(Page::of(Pulls {
        frame,
        pulls,
        older: (before >= kept).then_some(before),
        is_first_page: asked.is_none(),
    }))
}

#[derive(Template)]
#[template(path = "rfp.html")]
struct RfpPage {
    frame: Frame,
    row: RfpRow,
    suppliers: Vec<Supplier>,
    history: Vec<Happening>,
    forgotten: u64,
    content: String,
}

/// A supplier's part in an RFP.
struct Supplier {
    id: String,
    name: String,
    state: &'static str,
    state_text: String,
    reason: Option<String>,
    attachments: usize,
    messages: u32,
    response: String,
}

impl Supplier {
    fn of(view: &SupplierView) -> Self {
        let state = match view.state {
            ResponseState::New => "idle",
            ResponseState::InProgress => "waiting",
            ResponseState::Submitted | ResponseState::SubmittedOutsideCvent => "delivering",
            ResponseState::Awarded => "delivered",
            ResponseState::TurnedDown | ResponseState::Withdrawn => "paused",
            ResponseState::Declined | ResponseState::Cancelled => "failing",
        };
        Self {
            id: view.supplier.0.to_string(),
            name: view.name.clone(),
            state,
            state_text: readable(&words::written(&view.state)),
            reason: view.reason.clone(),
            attachments: view.attachments.len(),
            messages: view.messages,
            response: serde_json::to_string_pretty(&view.response).unwrap_or_default(),
        }
    }
}

/// One thing that happened.
struct Happening {
    at: When,
    notification: u64,
    event_type: &'static str,
    supplier: Option<String>,
    reason: Option<String>,
    by_pull: bool,
}

impl Happening {
    fn of(view: &HappeningView, suppliers: &[SupplierView], now: Instant) -> Self {
        let name = |id: crate::service::model::SupplierText| {
            let known = suppliers.iter().find(|supplier| supplier.supplier == id);
            known.map_or_else(|| id.0.to_string(), |supplier| supplier.name.clone())
        };
        Self {
            at: words::when(view.at, now),
            notification: view.notification,
            event_type: view.event_type.0.wire_name(),
            supplier: view.supplier.map(name),
            reason: view.reason.clone(),
            by_pull: view.by_pull,
        }
    }
}

/// One RFP.
pub(super) async fn rfp(State(dashboard): State<Dashboard>, Path(id): Path<String>) -> Shown<impl Template> {
    let nothing = || Refusal::nothing("no notification was about an RFP with that id");
    let id: RfpId = id.parse().map_err(|_| nothing())?;
    let detail = dashboard.simulator().world().read(|world| world.rfp(id)).ok_or_else(nothing)?;
    let RfpDetail { summary, content, suppliers, history, forgotten } = detail;
    let (frame, clock) = dashboard.frame(summary.name.clone(), Here::World, &Form::default()).await?;
    Ok(Page::of(RfpPage {
        frame,
        row: RfpRow::of(&summary, clock.now),
        history: history.iter().rev().map(|one| Happening::of(one, &suppliers, clock.now)).collect(),
        suppliers: suppliers.iter().map(Supplier::of).collect(),
        forgotten: forgotten.into(),
        content: serde_json::to_string_pretty(&content).unwrap_or_default(),
    }))
}
