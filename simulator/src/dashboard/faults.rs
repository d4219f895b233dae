//! Faults inside the sender: planned, listed with what is left of them, forgotten.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::Dashboard;
use super::delivery::Names;
use super::field::{self, Choice, Field, Kind};
use super::form::{self, Form, Id, Json, Query, Wrong};
use super::page::{Acted, Frame, Here, Page, Refusal, Shown, done, status_of};
use super::pull_faults::{self, PullRow};
use super::words::{self, When};
use crate::service::model::{FaultSpec, FaultView, Instant, InvalidField, Order, PageRequest};

/// The faults, and what each does.
const FAULTS: [(&str, &str); 12] = [
    ("refuse", "refuse – as if nothing listened"),
    ("connect_timeout", "connect_timeout – no connection comes about"),
    ("name_resolution", "name_resolution – the name does not resolve"),
    ("reset", "reset – the connection is reset"),
    ("cut_body", "cut_body – half the body, then closed"),
    ("slow_body", "slow_body – the body comes slowly"),
    ("ack_lost", "ack_lost – the answer does not reach PNS"),
    ("answer", "answer – PNS sees another status"),
    ("duplicate", "duplicate – sent twice at once"),
    ("wrong_key", "wrong_key – another key"),
    ("no_key", "no_key – no Authorization header"),
    ("extra_headers", "extra_headers – more headers"),
];
/// Subscriptions that can be chosen from a list.
const CHOICES_MAX: u16 = 200;

#[derive(Template)]
#[template(path = "faults.html")]
struct Faults {
    frame: Frame,
    rows: Vec<Row>,
    basic: Vec<Field>,
    details: Vec<Field>,
    pull_rows: Vec<PullRow>,
    pull: Vec<Field>,
}

/// A planned fault.
struct Row {
    id: u32,
    fault: String,
    left: Option<u64>,
    until: Option<When>,
    /// Whose attempts: number and name.
    on: Option<(u32, String)>,
    of: String,
}

impl Row {
    fn of(view: FaultView, names: &Names, now: Instant) -> Self {
        const NAMED_MAX: usize = 5;
        let of = view.of.unwrap_or_default();
        let named: Vec<String> = of.iter().take(NAMED_MAX).map(ToString::to_string).collect();
        let more = of.len().saturating_sub(NAMED_MAX);
        Self {
            id: view.id,
            fault: view.fault,
            left: view.left.map(u64::from),
            until: view.until.map(|until| words::when(until, now)),
            on: view.on.map(|on| (on, names.of_one(on))),
            of: if more > 0 { format!("{} and {more} more", named.join(", ")) } else { named.join(", ") },
        }
    }
}

pub(super) async fn show(State(dashboard): State<Dashboard>, Query(query): Query) -> Shown<impl Template> {
    page(&dashboard, &query, None).await
}

/// What was refused.
pub(super) enum Refused {
    /// A fault of the sender.
    Sender(Wrong),
    /// A fault of the pull side.
    Pull(Wrong),
}

/// Both kinds of faults, with a form that was refused.
pub(super) async fn page(
    dashboard: &Dashboard,
    form: &Form,
    refused: Option<Refused>,
) -> Shown<impl Template + use<>> {
    let (mut frame, clock) = dashboard.frame("Faults", Here::Faults, form).await?;
    let rows = dashboard.simulator().faults().await?;
    let names = Names::of(dashboard, rows.iter().filter_map(|row| row.on)).await;
    let page = PageRequest { after: None, limit: Some(CHOICES_MAX), order: Order::Ascending };
    let subscriptions = dashboard.simulator().subscriptions(page).await?.items;
    let all = Choice { value: String::new(), label: "all subscriptions".to_owned(), is_chosen: true };
    let each = subscriptions.into_iter().map(|one| Choice {
        value: one.id.to_string(),
        label: one.name.unwrap_or_else(|| format!("Subscription {}", one.id)),
        is_chosen: false,
    });
    let choices = [all].into_iter().chain(each).collect();
    let mut basic: Vec<Field> = vec![
        Field::new("fault", "What goes wrong").value("refuse").one_of(&FAULTS).wide(),
        Field::new("times", "How many attempts").placeholder("1").hint("Leave empty with a span"),
        Field::new("for", "or for a span of PNS time").hint("Such as 2h"),
        Field::new("on", "Attempts of").kind(Kind::Select(choices)),
        Field::new("of", "Only of notifications").hint("Numbers, such as 17, 18; empty: of all"),
    ];
    let mut details: Vec<Field> = vec![
        Field::new("status", "answer: the status").hint("Such as 503"),
        Field::new("over", "slow_body: over").hint("A span of real time, such as 5s"),
        Field::new("when", "reset: when")
            .value("after-body")
            .one_of(&[("after-body", "after the body"), ("before-body", "before the body")]),
        Field::new("headers", "extra_headers")
            .kind(Kind::Area(2))
            .hint("One to a line, such as X-Proxy: 1")
            .wide(),
    ];
    let mut pull = pull_faults::fields();
    // The two forms have fields of the same names.
    pull.iter_mut().for_each(|field| field.suffix = "pull");
    let wrong = match &refused {
        Some(Refused::Sender(wrong)) => {
            fill(&mut basic, form);
            fill(&mut details, form);
            frame.refuse(field::give_errors(basic.iter_mut().chain(&mut details), wrong));
            Some(wrong)
        }
        Some(Refused::Pull(wrong)) => {
            fill(&mut pull, form);
            frame.refuse(field::give_errors(&mut pull, wrong));
            Some(wrong)
        }
        None => None,
    };
    let planned = dashboard.simulator().planned_pull_faults().await?;
    Ok(Page(
        status_of(wrong),
        Faults {
            frame,
            rows: rows.into_iter().map(|row| Row::of(row, &names, clock.now)).collect(),
            basic,
            details,
            pull_rows: planned.iter().map(|view| PullRow::of(view, clock.now)).collect(),
            pull,
        },
    ))
}

fn fill(fields: &mut [Field], form: &Form) {
    fields.iter_mut().for_each(|field| *field = field.clone().filled(form));
}

pub(super) async fn plan(State(dashboard): State<Dashboard>, form: Form) -> Result<Response, Refusal> {
    let refused = match spec(&form) {
        Ok(spec) => match dashboard.simulator().plan_fault(spec).await {
            Ok(_) => return Ok(done("/ui/faults", "planned").into_response()),
            Err(error) => Wrong::from(error),
        },
        Err(wrong) => wrong,
    };
    Ok(page(&dashboard, &form, Some(Refused::Sender(of_the_form(refused)))).await?.into_response())
}

fn spec(form: &Form) -> Result<FaultSpec, Wrong> {
    let mut json = Json::default();
    let (kind, times) = (form.get("fault"), form.get("times"));
    check_details(kind, form)?;
    let at = |detail: &str| format!("fault.{kind}.{detail}");
    match kind {
        "answer" => json.set(&at("status"), form::number(form.get("status"))),
        "slow_body" => json.set(&at("over"), form.get("over")),
        "reset" => json.set(&at("when"), form.get("when")),
        "extra_headers" => json.set(&at("headers"), field::headers(form)?),
        _ if times.is_empty() => json.set(&format!("fault.{kind}"), true),
        _ => json.set(&format!("fault.{kind}"), form::number(times)),
    }
    if matches!(kind, "answer" | "slow_body" | "reset" | "extra_headers") {
        json.number(&at("times"), times);
    }
    json.text("for", form.get("for"));
    json.number("on", form.get("on"));
    let of: Vec<serde_json::Value> = form::words(form.get("of")).map(form::number).collect();
    if !of.is_empty() {
        json.set("of", of);
    }
    json.read()
}

/// Details that the fault needs and does not have, or has and does not take: nothing is left aside without a word.
fn check_details(kind: &str, form: &Form) -> Result<(), Wrong> {
    let details = [
        ("answer", "status", "a status such as 503", ""),
        ("slow_body", "over", "a span such as 5s", ""),
        ("reset", "when", "a choice", "after-body"),
        ("extra_headers", "headers", "`Name: value`, one to a line", ""),
    ];
    for (taker, name, what, default) in details {
        let value = form.get(name);
        let why = match taker == kind {
            true if value.is_empty() && default.is_empty() => format!("expected {what}"),
            false if !value.is_empty() && value != default => format!("of `{taker}` only, not of `{kind}`"),
            _ => continue,
        };
        return Err(InvalidField::new(name, why).into());
    }
    Ok(())
}

/// Errors by the names that the form's fields have.
fn of_the_form(mut wrong: Wrong) -> Wrong {
    for (field, _) in &mut wrong.errors {
        let Some(inner) = field.strip_prefix("fault.") else { continue };
        *field = match inner.split_once('.') {
            Some((_, detail)) => detail.to_owned(),
            // Of a fault without details, its count.
            None => "times".to_owned(),
        };
    }
    wrong
}

pub(super) async fn clear(State(dashboard): State<Dashboard>, id: Id, _: Form) -> Acted {
    dashboard.simulator().clear_fault(Some(id.small()?)).await?;
    Ok(done("/ui/faults", "cleared"))
}

pub(super) async fn clear_all(State(dashboard): State<Dashboard>, _: Form) -> Acted {
    dashboard.simulator().clear_fault(None).await?;
    Ok(done("/ui/faults", "cleared"))
}
