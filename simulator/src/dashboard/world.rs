//! The world as the pull side sees it: RFPs, their suppliers and responses, what happened, and the latest pulls.

use askama::Template;
use axum::extract::{Path, State};
use serde::Deserialize;

use super::Dashboard;
use super::field::{self, Choice, Field, Kind};
use super::form::{Form, Json, Query, Wrong};
use super::page::{Frame, Here, Page as Shows, Refusal, Shown, status_of};
use super::words::{self, When};
use crate::service::model::{Instant, Order, Page, PageRequest, PullFilter, PullView, SupplierText};
use crate::world::{
    CallKind, HappeningView, ResponseState, RfpDetail, RfpId, RfpState, RfpSummary, SupplierView,
};

/// RFPs on one page.
const RFPS: u16 = 50;
/// The latest pulls beside the RFPs, and on a page of their own.
const LATEST_PULLS: u16 = 10;
const PULLS: u16 = 100;

#[derive(Template)]
#[template(path = "world.html")]
struct WorldPage {
    frame: Frame,
    rows: Vec<RfpRow>,
    next: Option<u64>,
    is_first_page: bool,
    has_pull_api: bool,
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
            suppliers: view.supplier_count,
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
    call: Option<&'static str>,
    status: u16,
    is_good: bool,
    acts: bool,
    who: String,
    took: String,
    fault: Option<u32>,
    /// The RFP that it was about.
    rfp: Option<String>,
}

impl PullRow {
    fn of(pull: PullView, now: Instant) -> Self {
        Self {
            number: pull.number,
            at: words::when(pull.at, now),
            method: pull.method,
            path: pull.path,
            call: pull.call.map(CallKind::word),
            status: pull.status,
            is_good: (200..300).contains(&pull.status),
            acts: pull.acts,
            who: pull.who,
            took: words::millis(pull.took_ms),
            fault: pull.fault,
            rfp: pull.rfp.map(|rfp| rfp.to_string()),
        }
    }
}

impl Dashboard {
    /// The latest pulls that fit, the latest first, and where the next page begins.
    fn pulls(
        &self,
        filter: PullFilter,
        after: Option<u64>,
        limit: u16,
        now: Instant,
    ) -> (Vec<PullRow>, Option<u64>) {
        let page = PageRequest { after, limit: Some(limit), order: Order::Descending };
        let Page { items, next } = self.simulator().pulls(filter, &page);
        (items.into_iter().map(|pull| PullRow::of(pull, now)).collect(), next)
    }
}

/// The RFPs, newest first, and the latest pulls.
pub(super) async fn show(State(dashboard): State<Dashboard>, Query(query): Query) -> Shown<impl Template> {
    let (frame, clock) = dashboard.frame("World", Here::World, &query).await?;
    let after = query.get("after").parse().ok();
    let page = PageRequest { after, limit: Some(RFPS), order: Order::Descending };
    let rfps = dashboard.simulator().rfps(&page);
    let (pulls, _) = dashboard.pulls(PullFilter::default(), None, LATEST_PULLS, clock.now);
    Ok(Shows::of(WorldPage {
        frame,
        rows: rfps.items.iter().map(|rfp| RfpRow::of(rfp, clock.now)).collect(),
        next: rfps.next,
        is_first_page: after.is_none(),
        has_pull_api: dashboard.simulator().pull_log().has_begun(),
        pulls,
    }))
}

#[derive(Template)]
#[template(path = "pulls.html")]
struct Pulls {
    frame: Frame,
    filter: Vec<Field>,
    is_filtered: bool,
    pulls: Vec<PullRow>,
    /// The queries of other pages.
    older: Option<String>,
    latest: Option<String>,
}

/// The log of pulls, the latest first.
pub(super) async fn pulls(State(dashboard): State<Dashboard>, Query(query): Query) -> Shown<impl Template> {
    let (mut frame, clock) = dashboard.frame("Pulls", Here::World, &query).await?;
    let any = Choice { value: String::new(), label: "any".to_owned(), is_chosen: true };
    let calls = CallKind::ALL.map(|kind| Choice {
        value: kind.word().to_owned(),
        label: kind.word().to_owned(),
        is_chosen: false,
    });
    let calls = [any].into_iter().chain(calls).collect();
    let mut filter = vec![
        Field::new("call", "Call").kind(Kind::Select(calls)).filled(&query),
        Field::new("rfp", "RFP").placeholder("any").filled(&query),
    ];
    let asked = asked(&query);
    let wrong = asked.as_ref().err().cloned();
    if let Some(wrong) = &wrong {
        frame.refuse_filter(field::give_errors(&mut filter, wrong));
    }
    let after: Option<u64> = query.get("after").parse().ok();
    let (pulls, next) = dashboard.pulls(asked.unwrap_or_default(), after, PULLS, clock.now);
    let chosen = ["call", "rfp"].map(|name| (name, query.get(name)));
    let chosen: Vec<(&str, &str)> = chosen.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let leads_to = |after: Option<u64>| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&chosen);
        query.extend_pairs(after.map(|after| ("after", after.to_string())));
        format!("/ui/world/pulls?{}", query.finish())
    };
    Ok(Shows(
        status_of(wrong.as_ref()),
        Pulls {
            frame,
            filter,
            is_filtered: !chosen.is_empty(),
            pulls,
            older: next.map(|next| leads_to(Some(next))),
            latest: after.map(|_| leads_to(None)),
        },
    ))
}

/// Which pulls the query asks for.
fn asked(query: &Form) -> Result<PullFilter, Wrong> {
    #[derive(Deserialize)]
    struct Asked {
        rfp: Option<RfpId>,
        call: Option<CallKind>,
    }
    let mut json = Json::default();
    json.text("rfp", query.get("rfp"));
    json.text("call", query.get("call"));
    let Asked { rfp, call } = json.read()?;
    Ok(PullFilter { rfp, call })
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
    pulls: Vec<PullRow>,
    more_pulls: bool,
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
            reason: view.reason.as_deref().map(|reason| words::visible(reason).into_owned()),
            attachments: view.attachments.len(),
            messages: view.messages,
            response: words::visible(&serde_json::to_string_pretty(&view.response).unwrap_or_default())
                .into_owned(),
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
        let name = |id: SupplierText| {
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
    let id: RfpId = id.parse().map_err(|_| Refusal::nothing("the address ends in no RFP's id"))?;
    let detail = dashboard.simulator().rfp(id)?;
    let RfpDetail { summary, content, suppliers, history, forgotten } = detail;
    let (frame, clock) = dashboard.frame(summary.name.clone(), Here::World, &Form::default()).await?;
    let of_it = PullFilter { rfp: Some(id), call: None };
    let (pulls, more) = dashboard.pulls(of_it, None, LATEST_PULLS, clock.now);
    Ok(Shows::of(RfpPage {
        frame,
        row: RfpRow::of(&summary, clock.now),
        history: history.iter().rev().map(|one| Happening::of(one, &suppliers, clock.now)).collect(),
        suppliers: suppliers.iter().map(Supplier::of).collect(),
        forgotten: forgotten.into(),
        pulls,
        more_pulls: more.is_some(),
        content: serde_json::to_string_pretty(&content).unwrap_or_default(),
    }))
}
