//! The overview: how each subscription does, and the last minutes.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::Dashboard;
use super::form::{Form, Query};
use super::gate;
use super::page::{Frame, Here, Page, Shown};
use super::plot::{Bar, Minutes};
use super::words::{self, When};
use crate::advice::{self, Voice};
use crate::control::handlers;
use crate::service::model::{
    BacklogView, DeliveryFilter, Instant, Order, PageRequest, Standing, WindowKind, WindowState, WindowView,
};

use super::delivery::DeliveryRow;

/// Subscriptions on one page.
const SUBSCRIPTIONS: u16 = 50;
/// The latest deliveries that are shown.
const LATEST: u16 = 8;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    rows: Vec<Row>,
    next: Option<u64>,
    /// After which subscription this page begins.
    after: Option<u64>,
    total: u64,
    backlog: BacklogView,
    published: u64,
    acknowledged: u64,
    failed: u64,
    plot: Minutes,
    latest: Vec<DeliveryRow>,
    any_paused: bool,
    any_running: bool,
}

/// A subscription.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) endpoint: String,
    pub(super) paused: bool,
    pub(super) state: &'static str,
    pub(super) backlog: BacklogView,
    /// How long what is due longest has been due.
    pub(super) past_due: Option<String>,
    /// The share of the latest attempts that were acknowledged.
    pub(super) acceptance: Option<String>,
    pub(super) acceptance_title: String,
    /// The latest outcomes as columns.
    pub(super) sparks: Vec<Bar>,
    pub(super) rate: String,
    pub(super) limit: Option<String>,
    /// Of a limit, how much is used: from 0 to 100.
    pub(super) used: Option<f64>,
    pub(super) failure: Option<Failure>,
}

/// The failure that came last.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) when: When,
    pub(super) meaning: String,
    pub(super) delivery: u64,
    /// Whether an attempt was acknowledged since.
    pub(super) is_over: bool,
}

impl Row {
    pub(super) fn of(standing: &Standing, windows: &[WindowView], now: Instant) -> Self {
        let Standing { subscription, latest, .. } = standing;
        let good = latest.iter().filter(|good| **good).count() as u64;
        let limit = subscription.rate_limit.as_ref();
        let used = limit.map(|limit| {
            let (count, per) = limit.rate.0;
            (standing.rate / (f64::from(count.get()) / per.as_secs_f64()) * 100.0).min(100.0)
        });
        let failure = standing.last_failure.map(|failure| Failure {
            when: words::when(failure.at, now),
            meaning: advice::meaning(failure.reason, Voice::Service),
            delivery: failure.delivery.0,
            is_over: latest.last() == Some(&true),
        });
        let total = standing.acknowledged + standing.failed;
        Self {
            id: subscription.id,
            name: subscription.name.clone().unwrap_or_else(|| format!("Subscription {}", subscription.id)),
            endpoint: subscription.endpoint.clone(),
            paused: subscription.paused,
            state: state(standing, windows),
            backlog: subscription.backlog,
            past_due: (!standing.oldest_past_due.is_zero()).then(|| words::about(standing.oldest_past_due)),
            acceptance: (!latest.is_empty()).then(|| words::percent(good, latest.len() as u64)),
            acceptance_title: format!(
                "{good} of the last {}; {} of {} attempts since the service started",
                latest.len(),
                words::count(standing.acknowledged),
                words::count(total)
            ),
            sparks: sparks(latest),
            rate: words::rate(standing.rate),
            limit: limit.map(|limit| words::written(&limit.rate)),
            used,
            failure,
        }
    }
}

/// A subscription's state in one word.
fn state(standing: &Standing, windows: &[WindowView]) -> &'static str {
    let subscription = &standing.subscription;
    let is_held = windows.iter().any(|window| {
        window.subscription == subscription.id
            && window.kind == WindowKind::Downtime
            && window.state == WindowState::Open
    });
    let backlog = subscription.backlog;
    match standing.latest.last() {
        _ if subscription.paused => "paused",
        _ if is_held => "downtime",
        Some(false) if backlog.total() > 0 => "failing",
        _ if backlog.in_flight + backlog.ready > 0 => "delivering",
        _ if backlog.total() > 0 => "waiting",
        _ => "idle",
    }
}

fn sparks(latest: &[bool]) -> Vec<Bar> {
    let first = Standing::LATEST_MAX - latest.len();
    let bar = |(place, good): (usize, &bool)| {
        let (class, height) = if *good { ("good", 12.0) } else { ("bad", 20.0) };
        Bar { class, x: (first + place) as f64 * 3.0, y: 20.0 - height, width: 2.0, height }
    };
    latest.iter().enumerate().map(bar).collect()
}

/// The page; to programs, what was always here: nothing.
pub(super) async fn show(
    State(dashboard): State<Dashboard>,
    query: Query,
    request: axum::extract::Request,
) -> Response {
    if !gate::wants_html(request.headers()) {
        return handlers::nothing_here(request).await.into_response();
    }
    page(&dashboard, &query.0).await.into_response()
}

async fn page(dashboard: &Dashboard, query: &Form) -> Shown<impl Template + use<>> {
    let simulator = dashboard.simulator();
    let (frame, clock) = dashboard.frame("Overview", Here::Overview, query).await?;
    let after = query.get("after").parse().ok();
    let page = PageRequest { after, limit: Some(SUBSCRIPTIONS), order: Order::Ascending };
    let standings = simulator.standings(page).await?;
    let windows = simulator.windows().await?;
    // Of all subscriptions, not of this page's.
    let paused = windows.iter().filter(|window| window.kind == WindowKind::Pause);
    let paused: BTreeSet<u32> = paused.map(|window| window.subscription).collect();
    let metrics = simulator.metrics().await?;
    let latest = PageRequest { after: None, limit: Some(LATEST), order: Order::Descending };
    let latest = simulator.deliveries(DeliveryFilter::default(), latest).await?.items;
    let rows: Vec<Row> = standings.items.iter().map(|one| Row::of(one, &windows, clock.now)).collect();
    let failed = metrics.attempts.iter().filter(|count| count.outcome != "acknowledged");
    Ok(Page::of(Overview {
        frame,
        next: standings.next,
        after,
        total: metrics.subscriptions,
        backlog: metrics.backlog,
        published: metrics.published,
        acknowledged: metrics.delivered,
        failed: failed.map(|count| count.count).sum(),
        plot: Minutes::of(&dashboard.shared.series.last()),
        latest: DeliveryRow::all(dashboard, &latest, clock.now).await,
        any_paused: !paused.is_empty(),
        any_running: (paused.len() as u64) < metrics.subscriptions,
        rows,
    }))
}
