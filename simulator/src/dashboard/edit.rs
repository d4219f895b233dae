//! A subscription's settings in a form: to be made, to be changed; and its removal, which is asked for once more.

mod settings;
mod stale;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use pns_engine::SubscriptionId;

use super::Dashboard;
use super::field;
use super::form::{Form, Id, Query, Wrong};
use super::page::{Acted, Frame, Here, Page, Refusal, Shown, done, status_of};
use super::words;
use crate::service::model::{SubscriptionPatch, SubscriptionSpec, SubscriptionView};

use self::settings::{Group, Settings};
use self::stale::Meanwhile;

#[derive(Template)]
#[template(path = "edit.html")]
struct Edit {
    frame: Frame,
    groups: Vec<Group>,
    /// Where the form leads, and where one goes who leaves it.
    action: String,
    back: String,
    is_new: bool,
    /// What it was made from.
    seen: Option<String>,
}

/// The form for a new one.
pub(super) async fn new(State(dashboard): State<Dashboard>, Query(query): Query) -> Shown<impl Template> {
    page(&dashboard, &query, None, None).await
}

/// The form for one that is there.
pub(super) async fn edit(
    State(dashboard): State<Dashboard>,
    id: Id,
    Query(query): Query,
) -> Shown<impl Template> {
    let view = dashboard.simulator().subscription(SubscriptionId(id.small()?)).await?;
    page(&dashboard, &query, Some(&view), None).await
}

async fn page(
    dashboard: &Dashboard,
    form: &Form,
    view: Option<&SubscriptionView>,
    wrong: Option<Wrong>,
) -> Shown<impl Template + use<>> {
    let title = match view {
        None => "New subscription".to_owned(),
        Some(view) => {
            format!(
                "Settings of {}",
                view.name.clone().unwrap_or_else(|| format!("subscription {}", view.id))
            )
        }
    };
    let (mut frame, _) = dashboard.frame(title, Here::Overview, form).await?;
    let mut settings = Settings::of(view);
    let meanwhile = view.and_then(|view| Meanwhile::of(form, view));
    // Before the form is filled in: what is told is what stands there now.
    let wrong = meanwhile.as_ref().map(|meanwhile| meanwhile.told(&mut settings)).or(wrong);
    if let Some(wrong) = &wrong {
        settings.fill(form, meanwhile.as_ref());
        frame.refuse(field::give_errors(settings.fields_mut(), wrong));
    }
    settings.open_what_is_wrong();
    let one = view.map(|view| format!("/ui/subscriptions/{}", view.id));
    Ok(Page(
        status_of(wrong.as_ref()),
        Edit {
            frame,
            groups: settings.groups,
            action: one.as_ref().map_or_else(|| "/ui/subscriptions".to_owned(), |one| format!("{one}/edit")),
            back: one.unwrap_or_else(|| "/".to_owned()),
            is_new: view.is_none(),
            seen: view.map(stale::seen),
        },
    ))
}

/// Makes one.
pub(super) async fn create(State(dashboard): State<Dashboard>, form: Form) -> Result<Response, Refusal> {
    let refused = match settings::read::<SubscriptionSpec>(settings::json(&form, None)) {
        Ok(spec) => match dashboard.simulator().create_subscription(spec).await {
            Ok(made) => return Ok(done(&format!("/ui/subscriptions/{}", made.id), "created").into_response()),
            Err(error) => Wrong::from(error),
        },
        Err(wrong) => wrong,
    };
    Ok(page(&dashboard, &form, None, Some(refused)).await?.into_response())
}

/// Changes what the form says otherwise than it is.
pub(super) async fn change(
    State(dashboard): State<Dashboard>,
    id: Id,
    form: Form,
) -> Result<Response, Refusal> {
    let id = SubscriptionId(id.small()?);
    let view = dashboard.simulator().subscription(id).await?;
    let back = format!("/ui/subscriptions/{}", id.0);
    if Meanwhile::of(&form, &view).is_some() {
        return Ok(page(&dashboard, &form, Some(&view), None).await?.into_response());
    }
    let (json, wrong) = settings::json(&form, Some(&view));
    if json.is_empty() && wrong.is_empty() {
        return Ok(done(&back, "unchanged").into_response());
    }
    let refused = match settings::read::<SubscriptionPatch>((json, wrong)) {
        Ok(patch) => match dashboard.simulator().change_subscription(id, patch).await {
            Ok(_) => return Ok(done(&back, "changed").into_response()),
            Err(error) => Wrong::from(error),
        },
        Err(wrong) => wrong,
    };
    Ok(page(&dashboard, &form, Some(&view), Some(refused)).await?.into_response())
}

#[derive(Template)]
#[template(path = "remove.html")]
struct Remove {
    frame: Frame,
    id: u32,
    name: String,
    pending: u64,
}

/// Asks whether it is meant.
pub(super) async fn confirm(
    State(dashboard): State<Dashboard>,
    id: Id,
    Query(query): Query,
) -> Shown<impl Template> {
    let view = dashboard.simulator().subscription(SubscriptionId(id.small()?)).await?;
    let name = view.name.clone().unwrap_or_else(|| format!("subscription {}", view.id));
    let (frame, _) = dashboard.frame(format!("Remove {name}?"), Here::Overview, &query).await?;
    Ok(Page::of(Remove { frame, id: view.id, name, pending: view.backlog.total() }))
}

pub(super) async fn remove(State(dashboard): State<Dashboard>, id: Id, _: Form) -> Acted {
    dashboard.simulator().remove_subscription(SubscriptionId(id.small()?)).await?;
    Ok(done("/", "removed"))
}
