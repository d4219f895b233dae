//! Downtime windows: announced, ended otherwise, cancelled.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use pns_engine::WindowId;

use super::Dashboard;
use super::form::{Form, Id, Json, Wrong};
use super::page::{Acted, Refusal, done};
use super::subscription::{self, Refused};
use crate::service::ServiceError;
use crate::service::model::{InvalidField, WindowChange, WindowSpec};

/// Announces one; what is refused is told in the form.
pub(super) async fn announce(
    State(dashboard): State<Dashboard>,
    id: Id,
    form: Form,
) -> Result<Response, Refusal> {
    let id = id.small()?;
    let refused = match spec(id, &form) {
        Ok(spec) => match dashboard.simulator().announce_window(spec).await {
            Ok(_) => return Ok(done(&format!("/ui/subscriptions/{id}"), "announced").into_response()),
            Err(error) => Wrong::from(error),
        },
        Err(wrong) => wrong,
    };
    let page =
        subscription::page(&dashboard, id, &Form::default(), Some(Refused::Announcement(&form, refused)))
            .await?;
    Ok(page.into_response())
}

fn spec(subscription: u32, form: &Form) -> Result<WindowSpec, Wrong> {
    let mut json = Json::default();
    json.set("subscription", subscription);
    for name in ["from", "for", "until"] {
        json.text(name, form.get(name));
    }
    if form.has("open") {
        json.set("open", true);
    }
    json.read()
}

/// Moves the end of one; what is refused is told at the window.
pub(super) async fn change(
    State(dashboard): State<Dashboard>,
    id: Id,
    form: Form,
) -> Result<Response, Refusal> {
    let id = id.small()?;
    let mut json = Json::default();
    json.text("for", form.get("for"));
    let refused = match json.read::<WindowChange>() {
        Ok(_) if form.get("for").is_empty() => InvalidField::new("for", "expected a span such as 10m").into(),
        Ok(change) => match dashboard.simulator().change_window(WindowId(id), change).await {
            Ok(window) => {
                return Ok(
                    done(&format!("/ui/subscriptions/{}", window.subscription), "ended").into_response()
                );
            }
            // Which subscription's page could tell it?
            Err(error @ ServiceError::NotFound { .. }) => return Err(error.into()),
            Err(error) => Wrong::from(error),
        },
        Err(wrong) => wrong,
    };
    let windows = dashboard.simulator().windows().await?;
    let Some(window) = windows.iter().find(|window| window.id == id) else {
        return Err(Refusal::wrong(refused));
    };
    let refused = Refused::End(id, &form, refused);
    let page = subscription::page(&dashboard, window.subscription, &Form::default(), Some(refused)).await?;
    Ok(page.into_response())
}

/// Ends or withdraws one.
pub(super) async fn cancel(State(dashboard): State<Dashboard>, id: Id, form: Form) -> Acted {
    dashboard.simulator().cancel_window(WindowId(id.small()?)).await?;
    let subscription: u32 = form.get("subscription").parse().unwrap_or_default();
    Ok(done(&format!("/ui/subscriptions/{subscription}"), "cancelled"))
}
