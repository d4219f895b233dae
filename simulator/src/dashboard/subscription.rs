//! One subscription: how it does, its settings, its windows and its deliveries; and pausing.

use askama::Template;
use axum::extract::State;
use pns_engine::{EventTypeSet, SubscriptionId};

use super::Dashboard;
use super::delivery::Listing;
use super::field::{self, Field, Kind, Told};
use super::form::{Form, Id, Query, Wrong};
use super::overview::Row;
use super::page::{Acted, Frame, Here, Page, Shown, done, status_of};
use super::plot::Windows;
use super::words::{self, When};
use crate::service::model::{
    EventsText, Instant, Standing, SubscriptionView, WindowKind, WindowState, WindowView,
};

#[derive(Template)]
#[template(path = "subscription.html")]
struct Subscription {
    frame: Frame,
    row: Row,
    created: When,
    settings: Vec<(&'static str, Vec<(&'static str, String)>)>,
    windows: Vec<WindowRow>,
    picture: Option<Windows>,
    announce: Vec<Field>,
    is_announcing: bool,
    listing: Listing,
}

/// A window that is not over.
struct WindowRow {
    id: u32,
    is_pause: bool,
    state: &'static str,
    from: When,
    until: Option<When>,
    /// After what it may end, and why that was refused.
    end_after: String,
    error: Option<String>,
}

impl WindowRow {
    fn of(view: &WindowView, now: Instant) -> Self {
        Self {
            id: view.id,
            is_pause: view.kind == WindowKind::Pause,
            state: match view.state {
                WindowState::Announced => "announced",
                WindowState::Open => "open",
            },
            from: words::when(view.from, now),
            until: view.until.map(|until| words::when(until, now)),
            end_after: "10m".to_owned(),
            error: None,
        }
    }
}

/// A form about a window that was refused.
pub(super) enum Refused<'a> {
    /// One that announces a window.
    Announcement(&'a Form, Wrong),
    /// One that ends the window of this number.
    End(u32, &'a Form, Wrong),
}

/// The page.
pub(super) async fn show(
    State(dashboard): State<Dashboard>,
    id: Id,
    Query(query): Query,
) -> Shown<impl Template> {
    page(&dashboard, id.small()?, &query, None).await
}

/// The page, with a form for a window that was refused.
pub(super) async fn page(
    dashboard: &Dashboard,
    id: u32,
    query: &Form,
    refused: Option<Refused<'_>>,
) -> Shown<impl Template + use<>> {
    let simulator = dashboard.simulator();
    let standing: Standing = simulator.standing(SubscriptionId(id)).await?;
    let mut windows = simulator.windows().await?;
    let name = standing.subscription.name.clone().unwrap_or_else(|| format!("Subscription {id}"));
    let (mut frame, clock) = dashboard.frame(name, Here::Overview, query).await?;
    let row = Row::of(&standing, &windows, clock.now);
    windows.retain(|window| window.subscription == id);
    windows.sort_by_key(|window| (window.from.0, window.id));
    let picture = Windows::of(&windows, clock.now.0);
    let mut windows: Vec<_> = windows.iter().map(|window| WindowRow::of(window, clock.now)).collect();
    let (mut listing, wrong_filter) = Listing::read(dashboard, query, Some(id), clock.now).await?;
    let mut announce = announce_fields();
    let mut status = status_of(wrong_filter.as_ref());
    if let Some(wrong) = &wrong_filter {
        frame.refuse_filter(field::give_errors(&mut listing.filter, wrong));
    }
    match &refused {
        Some(Refused::Announcement(form, wrong)) => {
            announce = announce.into_iter().map(|field| field.filled(form)).collect();
            frame.refuse(field::give_errors(&mut announce, wrong));
            status = status_of(Some(wrong));
        }
        Some(Refused::End(window, form, wrong)) => {
            let mut end = [Field::new("for", "")];
            let row = windows.iter_mut().find(|row| row.id == *window);
            // There is such a field at each window; one that is over meanwhile has none.
            let at = row.is_some().then(|| (format!("end-{window}"), "End after".to_owned()));
            let told = field::give_errors(&mut end, wrong).into_iter();
            frame.refuse(told.map(|told| Told { at: at.clone(), ..told }).collect());
            if let Some(row) = row {
                form.get("for").clone_into(&mut row.end_after);
                row.error.clone_from(&end[0].error);
            }
            status = status_of(Some(wrong));
        }
        None => {}
    }
    Ok(Page(
        status,
        Subscription {
            frame,
            row,
            created: words::when(standing.subscription.created_at, clock.now),
            settings: settings(&standing.subscription),
            picture,
            windows,
            announce,
            is_announcing: matches!(refused, Some(Refused::Announcement(..))),
            listing,
        },
    ))
}

fn announce_fields() -> Vec<Field> {
    vec![
        Field::new("from", "From")
            .placeholder("now")
            .hint("An instant such as 2026-01-31T09:30:00Z; empty: now"),
        Field::new("for", "For").hint("A span such as 90s or 1h30m"),
        Field::new("until", "or until").hint("The first instant after it, such as 2026-01-31T10:00:00Z"),
        Field::new("open", "or until it is cancelled").kind(Kind::Check),
    ]
}

/// The settings as they are told, in groups.
fn settings(view: &SubscriptionView) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let or = |text: String, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text };
    let events = match view.events {
        EventsText(EventTypeSet::ALL) => "all 33".to_owned(),
        EventsText(events) => {
            events.iter().map(pns_engine::EventType::wire_name).collect::<Vec<_>>().join(", ")
        }
    };
    let suppliers = match &view.suppliers.0 {
        pns_engine::SupplierScope::All => "all".to_owned(),
        pns_engine::SupplierScope::Only(only) => {
            only.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
    };
    let key = view.api_key.as_ref().map(|key| format!("api_key, {}", key.fingerprint));
    let headers = view.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>();
    let limit = view.rate_limit.as_ref().map(|limit| match limit.burst {
        Some(burst) if burst.get() > 1 => format!("{}, burst {burst}", words::written(&limit.rate)),
        _ => words::written(&limit.rate),
    });
    let retry = &view.retry;
    let cap =
        retry.cap.map_or_else(|| "never given up".to_owned(), |cap| format!("given up after {cap} attempts"));
    let acknowledge = view.acknowledge.iter().map(words::written).collect::<Vec<_>>();
    vec![
        (
            "What it sees",
            vec![
                ("Event types", events),
                ("Suppliers", suppliers),
                ("Without a supplier", words::spaced(&words::written(&view.supplierless))),
                ("Schema pack", or(view.schema_pack.clone().unwrap_or_default(), "as the service is set")),
            ],
        ),
        (
            "How it is sent",
            vec![
                ("Authorization", key.unwrap_or_else(|| "none".to_owned())),
                ("Headers", or(headers.join(", "), "none")),
                ("Rate limit", limit.unwrap_or_else(|| "none".to_owned())),
                (
                    "In flight together",
                    words::counted(u64::from(view.concurrency.get()), "attempt", "attempts"),
                ),
                ("Answer within", or(words::written(&view.ack_timeout), "as the service is set")),
                ("Connection within", or(words::written(&view.connect_timeout), "as the service is set")),
            ],
        ),
        (
            "When it fails",
            vec![
                ("Acknowledges", acknowledge.join(", ")),
                (
                    "Retries",
                    format!(
                        "after {}, times {}, at most {}, jitter {}",
                        words::written(&retry.first),
                        words::written(&retry.factor),
                        words::written(&retry.max),
                        words::written(&retry.jitter)
                    ),
                ),
                ("", cap),
                ("Retry-After", words::spaced(&words::written(&view.retry_after))),
                ("A failing delivery", words::spaced(&words::written(&view.failing_delivery))),
            ],
        ),
    ]
}

pub(super) async fn pause(State(dashboard): State<Dashboard>, id: Id, form: Form) -> Acted {
    let id = id.small()?;
    dashboard.simulator().pause(Some(SubscriptionId(id))).await?;
    Ok(back(&form, id, "paused"))
}

pub(super) async fn resume(State(dashboard): State<Dashboard>, id: Id, form: Form) -> Acted {
    let id = id.small()?;
    dashboard.simulator().resume(Some(SubscriptionId(id))).await?;
    Ok(back(&form, id, "resumed"))
}

/// To the page from which it was done.
fn back(form: &Form, id: u32, word: &str) -> axum::response::Redirect {
    match form.get("from") {
        "overview" => overview(form, word),
        _ => done(&format!("/ui/subscriptions/{id}"), word),
    }
}

/// To the overview, where it was turned over to.
fn overview(form: &Form, word: &str) -> axum::response::Redirect {
    match form.get("after").parse::<u64>() {
        Ok(after) => axum::response::Redirect::to(&format!("/?after={after}&done={word}")),
        Err(_) => done("/", word),
    }
}

pub(super) async fn pause_all(State(dashboard): State<Dashboard>, form: Form) -> Acted {
    dashboard.simulator().pause(None).await?;
    Ok(overview(&form, "paused"))
}

pub(super) async fn resume_all(State(dashboard): State<Dashboard>, form: Form) -> Acted {
    dashboard.simulator().resume(None).await?;
    Ok(overview(&form, "resumed"))
}
