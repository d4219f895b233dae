//! Deliveries: the list, one with its attempts, and a notification with its body.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::State;
use pns_engine::{DeliveryId, EventType, FailureReason, NotificationId, SubscriptionId};

use super::Dashboard;
use super::field::{Choice, Field, Kind};
use super::form::{Form, Id, Json, Query, Wrong};
use super::page::{Frame, Here, Page, Refusal, Shown, status_of};
use super::plot::Attempts;
use super::words::{self, When};
use crate::advice::{self, Voice};
use crate::service::model::{
    AttemptOutcome, AttemptView, ConnectionUse, Deferral, DeliveryDetail, DeliveryFilter, DeliveryState,
    DeliveryView, HeaderText, Instant, NotificationView, Order, OriginWord, PageRequest,
};

/// Deliveries on one page.
pub(super) const LISTED: u16 = 50;
/// Attempts that are written out; the picture and the figures tell of the others.
const ATTEMPTS_MAX: usize = 50;

/// The names of subscriptions, as far as they are there.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(BTreeMap<u32, String>);

impl Names {
    /// Of those with these numbers: as many as a page shows.
    pub(super) async fn of(dashboard: &Dashboard, ids: impl IntoIterator<Item = u32>) -> Self {
        let ids: BTreeSet<u32> = ids.into_iter().collect();
        let mut names = BTreeMap::new();
        for id in ids {
            let known = dashboard.simulator().subscription(SubscriptionId(id)).await.ok();
            names.extend(known.and_then(|known| known.name).map(|name| (id, name)));
        }
        Self(names)
    }

    /// The name, or the number in words.
    pub(super) fn of_one(&self, id: u32) -> String {
        self.0.get(&id).cloned().unwrap_or_else(|| format!("Subscription {id}"))
    }
}

/// A line of a list.
#[derive(Clone, Debug)]
pub(super) struct DeliveryRow {
    pub(super) id: u64,
    pub(super) notification: u64,
    pub(super) event_type: &'static str,
    pub(super) subscription: u32,
    pub(super) subscription_name: String,
    pub(super) state: &'static str,
    pub(super) state_text: String,
    pub(super) published: When,
    pub(super) attempts: u32,
    pub(super) due: Option<When>,
    pub(super) ended: Option<When>,
    pub(super) last_failure: Option<String>,
    pub(super) is_replay: bool,
    pub(super) possible_duplicate: bool,
}

impl DeliveryRow {
    /// The lines of some.
    pub(super) async fn all(dashboard: &Dashboard, views: &[DeliveryView], now: Instant) -> Vec<Self> {
        let names = Names::of(dashboard, views.iter().map(|view| view.subscription)).await;
        views.iter().map(|view| Self::of(view, &names, now)).collect()
    }

    fn of(view: &DeliveryView, names: &Names, now: Instant) -> Self {
        let is_failing = view.last_failure.is_some() && view.state == DeliveryState::Waiting;
        Self {
            id: view.id,
            notification: view.notification,
            event_type: view.event_type.0.wire_name(),
            subscription: view.subscription,
            subscription_name: names.of_one(view.subscription),
            state: if is_failing { "failing" } else { words::state(view.state) },
            state_text: if is_failing {
                "failing".to_owned()
            } else {
                words::spaced(words::state(view.state))
            },
            published: words::when(view.published_at, now),
            attempts: view.attempts,
            due: view.due_at.map(|due| words::when(due, now)),
            ended: view.ended_at.map(|ended| words::when(ended, now)),
            last_failure: view.last_failure.as_deref().map(words::failure),
            is_replay: view.origin == OriginWord::Redelivery,
            possible_duplicate: view.possible_duplicate,
        }
    }
}

/// A list with its filter.
#[derive(Debug, Template)]
#[template(path = "deliveries_list.html")]
pub(super) struct Listing {
    /// Where the filter leads.
    pub(super) path: String,
    pub(super) filter: Vec<Field>,
    pub(super) is_filtered: bool,
    pub(super) rows: Vec<DeliveryRow>,
    /// The query of the next page.
    pub(super) older: Option<String>,
    pub(super) newest: Option<String>,
    pub(super) has_subscriptions: bool,
}

impl askama::filters::HtmlSafe for Listing {}

impl Listing {
    /// Reads what the query asks for; of one subscription, or of all.
    pub(super) async fn read(
        dashboard: &Dashboard,
        query: &Form,
        of: Option<u32>,
        now: Instant,
    ) -> Result<(Self, Option<Wrong>), Refusal> {
        let path = of.map_or_else(|| "/ui/deliveries".to_owned(), |id| format!("/ui/subscriptions/{id}"));
        let (filter, wrong) = match asked(query, of) {
            Ok(filter) => (filter, None),
            Err(wrong) => (DeliveryFilter { subscription: of, ..DeliveryFilter::default() }, Some(wrong)),
        };
        let after = query.get("after").parse().ok();
        let page = PageRequest { after, limit: Some(LISTED), order: Order::Descending };
        let page = dashboard.simulator().deliveries(filter, page).await?;
        let chosen = ["state", "type", "notification"].map(|name| (name, query.get(name)));
        let chosen: Vec<(&str, &str)> = chosen.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let leads_to = |after: Option<u64>| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(&chosen);
            query.extend_pairs(after.map(|after| ("after", after.to_string())));
            format!("{path}?{}#deliveries", query.finish())
        };
        let listing = Self {
            filter: fields(query),
            is_filtered: !chosen.is_empty(),
            rows: DeliveryRow::all(dashboard, &page.items, now).await,
            older: page.next.map(|next| leads_to(Some(next))),
            newest: after.map(|_| leads_to(None)),
            has_subscriptions: of.is_none(),
            path,
        };
        Ok((listing, wrong))
    }
}

/// `failing` is no state of the model, and the first thing that is looked for.
fn asked(query: &Form, of: Option<u32>) -> Result<DeliveryFilter, Wrong> {
    let mut json = Json::default();
    match query.get("state") {
        "failing" => json.set("failing", true),
        state => json.text("state", state),
    }
    json.text("type", query.get("type"));
    json.number("notification", query.get("notification"));
    let filter: DeliveryFilter = json.read()?;
    Ok(DeliveryFilter { subscription: of, ..filter })
}

fn fields(query: &Form) -> Vec<Field> {
    let state = Field::new("state", "State").one_of(&[
        ("", "any"),
        ("failing", "failing"),
        ("waiting", "waiting"),
        ("held", "held"),
        ("in-flight", "in flight"),
        ("delivered", "delivered"),
        ("abandoned", "abandoned"),
    ]);
    let any = Choice { value: String::new(), label: "any".to_owned(), is_chosen: true };
    let types = EventType::ALL.map(|event_type| Choice {
        value: event_type.wire_name().to_owned(),
        label: event_type.wire_name().to_owned(),
        is_chosen: false,
    });
    let types = Field::new("type", "Event type").kind(Kind::Select([any].into_iter().chain(types).collect()));
    let notification = Field::new("notification", "Notification").placeholder("any");
    [state, types, notification].map(|field| field.filled(query)).into()
}

#[derive(Template)]
#[template(path = "deliveries.html")]
struct Deliveries {
    frame: Frame,
    listing: Listing,
}

/// All deliveries.
pub(super) async fn list(State(dashboard): State<Dashboard>, Query(query): Query) -> Shown<impl Template> {
    let (mut frame, clock) = dashboard.frame("Deliveries", Here::Deliveries, &query).await?;
    let (mut listing, wrong) = Listing::read(&dashboard, &query, None, clock.now).await?;
    if let Some(wrong) = &wrong {
        frame.refuse_filter(super::field::give_errors(&mut listing.filter, wrong));
    }
    Ok(Page(status_of(wrong.as_ref()), Deliveries { frame, listing }))
}

#[derive(Template)]
#[template(path = "delivery.html")]
struct Delivery {
    frame: Frame,
    row: DeliveryRow,
    subscription_name: Option<String>,
    /// What the last failure means.
    meaning: Option<String>,
    picture: Attempts,
    attempts: Vec<Attempt>,
    left_out: usize,
    body: String,
    body_is_fixed: bool,
    can_replay: bool,
    followed: Option<Followed>,
}

/// What was pulled after it.
struct Followed {
    wanted: &'static str,
    first_after: Option<String>,
    pulls: u64,
}

/// An attempt, written out.
struct Attempt {
    number: u32,
    outcome: &'static str,
    headline: String,
    meaning: Option<String>,
    started: When,
    late: Option<String>,
    fault: Option<String>,
    detail: Option<String>,
    next_delay: Option<String>,
    request_line: String,
    request: Vec<HeaderText>,
    has_request: bool,
    response: Option<Response>,
    timings: Vec<(&'static str, String)>,
    phases: Vec<Phase>,
    connection: Option<String>,
    /// Whether it is shown without being asked for.
    is_open: bool,
}

struct Response {
    line: String,
    headers: Vec<HeaderText>,
    body: String,
    truncated: bool,
}

/// A part of an attempt's time, in hundredths of the whole.
struct Phase {
    class: &'static str,
    x: f64,
    width: f64,
}

impl Attempt {
    fn of(view: &AttemptView, endpoint: Option<&str>, is_open: bool, now: Instant) -> Self {
        let (outcome, headline) = match (view.outcome, view.status) {
            (AttemptOutcome::InFlight, _) => ("in-flight", "in flight".to_owned()),
            (AttemptOutcome::Acknowledged, status) => (
                "acknowledged",
                status.map_or_else(|| "acknowledged".to_owned(), |it| format!("{it}, acknowledged")),
            ),
            (AttemptOutcome::Failed, Some(status)) => ("failed", format!("{status}, not acknowledged")),
            (AttemptOutcome::Failed, None) => {
                ("failed", view.reason.as_deref().map_or_else(|| "failed".to_owned(), words::spaced))
            }
        };
        let late = view.started_at.0.since(view.due_at.0);
        let why = view.deferrals.iter().map(|deferral| match deferral {
            Deferral::Downtime => "a downtime window or a pause",
            Deferral::RateLimit => "the rate limit",
            Deferral::Concurrency => "all concurrent attempts were taken",
            Deferral::HeldBack => "another delivery was failing",
        });
        let why: Vec<&str> = why.collect();
        let response = view.response.as_ref().map(|response| Response {
            line: format!("{} {}", response.version, response.status),
            headers: visible(&response.headers),
            body: words::visible(&response.body).into_owned(),
            truncated: response.truncated,
        });
        Self {
            number: view.number,
            outcome,
            headline,
            meaning: meaning(view),
            started: words::when(view.started_at, now),
            late: (!why.is_empty()).then(|| format!("{} late: {}", words::about(late), why.join(", "))),
            fault: view.fault.clone(),
            detail: view.detail.as_deref().map(|detail| words::visible(detail).into_owned()),
            next_delay: view.next_delay.map(|delay| words::about(delay.0)),
            request_line: request_line(endpoint, view.response.as_ref().map(|response| &*response.version)),
            has_request: view.request.is_some(),
            request: view.request.as_ref().map(|request| visible(&request.headers)).unwrap_or_default(),
            response,
            timings: timings(view),
            phases: phases(view),
            connection: view.remote.as_ref().map(|remote| match view.connection {
                Some(ConnectionUse::Reused) => format!("{remote}, a connection that was open"),
                Some(ConnectionUse::New) | None => format!("{remote}, a new connection"),
            }),
            is_open,
        }
    }
}

fn visible(headers: &[HeaderText]) -> Vec<HeaderText> {
    let text = |text: &str| words::visible(text).into_owned();
    headers.iter().map(|header| HeaderText { name: text(&header.name), value: text(&header.value) }).collect()
}

/// How the request began, as far as that is known: the path is that of the endpoint as it is now.
fn request_line(endpoint: Option<&str>, version: Option<&str>) -> String {
    let place = endpoint.and_then(|endpoint| endpoint.split_once("://")).map(|(_, rest)| rest);
    let path = place.map(|place| place.find(['/', '?']).map_or("/", |start| &place[start..]));
    match path {
        Some(path) => format!("POST {path} {}", version.unwrap_or_default()).trim_end().to_owned(),
        None => "POST".to_owned(),
    }
}

/// What a failure means: by its status, or by its name.
fn meaning(view: &AttemptView) -> Option<String> {
    let name = view.reason.as_deref()?;
    let reason = match view.status {
        Some(status) => FailureReason::Status(status),
        None => FailureReason::WITHOUT_STATUS.into_iter().find(|reason| reason.name() == name)?,
    };
    Some(advice::meaning(reason, Voice::Service))
}

fn timings(view: &AttemptView) -> Vec<(&'static str, String)> {
    let Some(timings) = view.timings else { return Vec::new() };
    let parts = [
        ("name", timings.resolve_ms),
        ("connect", timings.connect_ms),
        ("TLS", timings.tls_ms),
        ("answer", timings.acknowledge_ms),
    ];
    let parts = parts.into_iter().filter_map(|(name, millis)| Some((name, words::millis(millis?))));
    parts.chain([("in all", words::millis(timings.total_ms))]).collect()
}

fn phases(view: &AttemptView) -> Vec<Phase> {
    let Some(timings) = view.timings else { return Vec::new() };
    let parts = [
        ("resolve", timings.resolve_ms),
        ("connect", timings.connect_ms),
        ("tls", timings.tls_ms),
        ("answer", timings.acknowledge_ms),
    ];
    let parts: Vec<_> = parts.into_iter().filter_map(|(class, millis)| Some((class, millis?))).collect();
    let told: u64 = parts.iter().map(|(_, millis)| millis).sum();
    let whole = timings.total_ms.max(told).max(1);
    let mut x = 0.0;
    let mut phases = Vec::new();
    for (class, millis) in parts {
        #[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
        let width = millis as f64 / whole as f64 * 100.0;
        phases.push(Phase { class, x, width });
        x += width;
    }
    phases
}

/// One delivery.
pub(super) async fn show(
    State(dashboard): State<Dashboard>,
    id: Id,
    Query(query): Query,
) -> Shown<impl Template> {
    let simulator = dashboard.simulator();
    let DeliveryDetail { delivery, history, followed } = simulator.delivery(DeliveryId(id.0)).await?;
    let title = format!("Delivery {}: {}", delivery.id, delivery.event_type.0);
    let (frame, clock) = dashboard.frame(title, Here::Deliveries, &query).await?;
    let notification = simulator.notification(NotificationId(delivery.notification)).await?;
    let subscription = simulator.subscription(SubscriptionId(delivery.subscription)).await.ok();
    let endpoint = subscription.as_ref().map(|subscription| subscription.endpoint.clone());
    let left_out = history.len().saturating_sub(ATTEMPTS_MAX);
    let last = history.last().map(|attempt| attempt.number);
    let attempts = history[left_out..].iter().rev();
    let is_pending =
        matches!(delivery.state, DeliveryState::Waiting | DeliveryState::Held | DeliveryState::InFlight);
    let meaning =
        history.iter().rev().find(|attempt| attempt.outcome == AttemptOutcome::Failed).and_then(meaning);
    Ok(Page::of(Delivery {
        frame,
        row: DeliveryRow::of(&delivery, &Names::default(), clock.now),
        can_replay: subscription.is_some(),
        subscription_name: subscription.map(|subscription| {
            subscription.name.unwrap_or_else(|| format!("Subscription {}", subscription.id))
        }),
        meaning: meaning.filter(|_| delivery.state != DeliveryState::Delivered),
        picture: Attempts::of(delivery.published_at, &history, delivery.due_at.filter(|_| is_pending)),
        attempts: attempts
            .map(|view| Attempt::of(view, endpoint.as_deref(), Some(view.number) == last, clock.now))
            .collect(),
        left_out,
        followed: followed.map(|followed| Followed {
            wanted: followed.wanted.word(),
            first_after: followed.first_after.map(|span| words::about(span.0)),
            pulls: followed.pulls.len() as u64,
        }),
        body: pretty(&notification.body),
        body_is_fixed: notification.attempted,
    }))
}

/// A body as it is, as far as it can be seen, or with a line for each member where it is JSON.
pub(super) fn pretty(body: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(body);
    let pretty = value.ok().and_then(|value| serde_json::to_string_pretty(&value).ok());
    words::visible(pretty.as_deref().unwrap_or(body)).into_owned()
}

#[derive(Template)]
#[template(path = "notification.html")]
struct Notification {
    frame: Frame,
    id: u64,
    event_type: &'static str,
    supplier: Option<String>,
    published: When,
    attempted: bool,
    body: String,
    rows: Vec<DeliveryRow>,
    /// With those that are not shown.
    total: u64,
}

/// One notification.
pub(super) async fn notification(
    State(dashboard): State<Dashboard>,
    id: Id,
    Query(query): Query,
) -> Shown<impl Template> {
    let simulator = dashboard.simulator();
    let NotificationView { id, event_type, supplier, published_at, attempted, body, deliveries } =
        simulator.notification(NotificationId(id.0)).await?;
    let title = format!("Notification {id}: {}", event_type.0);
    let (frame, clock) = dashboard.frame(title, Here::Deliveries, &query).await?;
    let filter = DeliveryFilter { notification: Some(id), ..DeliveryFilter::default() };
    let page = PageRequest { after: None, limit: Some(LISTED), order: Order::Ascending };
    let page = simulator.deliveries(filter, page).await?;
    Ok(Page::of(Notification {
        frame,
        id,
        event_type: event_type.0.wire_name(),
        supplier: supplier.map(|supplier| supplier.0.to_string()),
        published: words::when(published_at, clock.now),
        attempted,
        body: pretty(&body),
        rows: DeliveryRow::all(&dashboard, &page.items, clock.now).await,
        total: deliveries.len() as u64,
    }))
}
