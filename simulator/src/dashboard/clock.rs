//! PNS time: how it moves, and moving it.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::Dashboard;
use super::field::{self, Field};
use super::form::{Form, Json, Query, Wrong};
use super::page::{Frame, Here, Page, Refusal, Shown, done, status_of};
use super::words::{self, When};
use crate::clock::Gear;
use crate::service::model::{AdvanceSpec, GearSpec, Instant};

#[derive(Template)]
#[template(path = "clock.html")]
struct Clock {
    frame: Frame,
    now: When,
    gear: String,
    is_virtual: bool,
    next_due: Option<(When, String)>,
    by: Field,
    gears: Field,
}

/// What was refused.
enum Refused {
    Advance(Wrong),
    Gear(Wrong),
}

pub(super) async fn show(State(dashboard): State<Dashboard>, Query(query): Query) -> Shown<impl Template> {
    page(&dashboard, &query, None).await
}

async fn page(dashboard: &Dashboard, form: &Form, refused: Option<Refused>) -> Shown<impl Template + use<>> {
    let (mut frame, clock) = dashboard.frame("Clock", Here::Clock, form).await?;
    let by = Field::new("by", "By").placeholder("1h").hint("A span such as 30s or 1h30m").required();
    let gears = Field::new("gear", "Gear").value(clock.gear.0.to_string());
    let gears = gears.hint("real, virtual, or a factor such as 60x").required();
    let (mut by, mut gears) = match &refused {
        Some(Refused::Advance(_)) => (by.filled(form), gears),
        Some(Refused::Gear(_)) => (by, gears.filled(form)),
        None => (by, gears),
    };
    let wrong = match &refused {
        Some(Refused::Advance(wrong)) => {
            frame.refuse(field::give_errors([&mut by], wrong));
            Some(wrong)
        }
        Some(Refused::Gear(wrong)) => {
            frame.refuse(field::give_errors([&mut gears], wrong));
            Some(wrong)
        }
        None => None,
    };
    let epoch = Instant(pns_engine::Timestamp::EPOCH);
    let next_due = clock.next_due.map(|due| {
        let left = due.0.since(clock.now.0);
        let told = if left.is_zero() { "now".to_owned() } else { format!("in {}", words::about(left)) };
        (words::when(due, clock.now), told)
    });
    Ok(Page(
        status_of(wrong),
        Clock {
            now: words::when(clock.now, epoch),
            gear: clock.gear.0.to_string(),
            is_virtual: clock.gear.0 == Gear::Virtual,
            next_due,
            by,
            gears,
            frame,
        },
    ))
}

/// Moves virtual time: by a span, or to what is due next.
pub(super) async fn advance(State(dashboard): State<Dashboard>, form: Form) -> Result<Response, Refusal> {
    let mut json = Json::default();
    json.text("by", form.get("by"));
    json.text("to", form.get("to"));
    let refused = match json.read::<AdvanceSpec>() {
        Ok(spec) => match dashboard.simulator().advance(spec).await {
            Ok(_) => return Ok(done("/ui/clock", "advanced").into_response()),
            Err(error) => Wrong::from(error),
        },
        Err(wrong) => wrong,
    };
    Ok(page(&dashboard, &form, Some(Refused::Advance(refused))).await?.into_response())
}

pub(super) async fn set_gear(State(dashboard): State<Dashboard>, form: Form) -> Result<Response, Refusal> {
    let mut json = Json::default();
    json.set("gear", form.get("gear"));
    let refused = match json.read::<GearSpec>() {
        Ok(spec) => match dashboard.simulator().set_gear(spec.gear.0).await {
            Ok(_) => return Ok(done("/ui/clock", "geared").into_response()),
            Err(error) => Wrong::from(error),
        },
        Err(wrong) => wrong,
    };
    Ok(page(&dashboard, &form, Some(Refused::Gear(refused))).await?.into_response())
}
