//! Publishing by hand: any of the event types, with the fields that its schema demands, or a whole course.

mod leaves;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use pns_engine::{Category, EventType, EventTypeSet};
use serde_json::{Map, Value};

use super::Dashboard;
use super::delivery::pretty;
use super::field::{self, Choice, Field, Kind, Told};
use super::form::{Form, Id, Json, Query, Wrong};
use super::page::{Frame, Here, Page, Refusal, Shown, done, status_of};
use super::words::{self, When};
use crate::control::handlers::strip_place;
use crate::service::ServiceError;
use crate::service::model::{
    Instant, InvalidField, LifecycleSpec, LifecycleView, NotificationSpec, PublishOptions, Published,
};

use self::leaves::Leaf;

/// The courses, and how each ends.
const COURSES: [(&str, &str); 6] = [
    ("submit", "submit – a proposal is sent in"),
    ("award", "award – the proposal wins"),
    ("decline", "decline – the planner declines it"),
    ("withdraw", "withdraw – the supplier withdraws it"),
    ("turn-down", "turn-down – the supplier turns the RFP down"),
    ("cancel", "cancel – the planner cancels"),
];

#[derive(Template)]
#[template(path = "trigger.html")]
struct Trigger {
    frame: Frame,
    types: Field,
    event_type: &'static str,
    pack: String,
    pack_title: String,
    about: Vec<Field>,
    leaves: Vec<Leaf>,
    more: Vec<Field>,
    has_more: bool,
    preview: Option<Preview>,
    course: Vec<Field>,
    under_way: Vec<UnderWay>,
    has_subscriptions: bool,
}

/// A course that has events to come.
struct UnderWay {
    id: u64,
    course: &'static str,
    rfp: Option<String>,
    published: u64,
    left: String,
    next: &'static str,
    next_at: Option<When>,
}

impl UnderWay {
    fn of(one: &LifecycleView, now: Instant) -> Self {
        Self {
            id: one.id,
            course: one.course.word(),
            rfp: one.rfp.map(|rfp| rfp.to_string()),
            published: one.published,
            left: words::counted(one.left, "event", "events"),
            next: one.next.0.wire_name(),
            next_at: one.next_at.map(|at| words::when(at, now)),
        }
    }
}

/// A body before it is sent.
struct Preview {
    body: String,
    deliveries: usize,
    /// What the schema has against it.
    violations: Vec<String>,
}

/// What was asked for, and cannot be.
enum Refused {
    Notification(Wrong),
    Course(Wrong),
}

/// The form, for the type that the query names.
pub(super) async fn show(State(dashboard): State<Dashboard>, Query(query): Query) -> Shown<impl Template> {
    page(&dashboard, &query, None, None).await
}

/// The type whose fields the form has.
const FIELDS_OF: &str = "fields-of";

/// Whether another type is chosen than the fields are of: its own are shown first, and nothing is done.
fn is_of_another_type(form: &Form) -> bool {
    form.has(FIELDS_OF) && form.get(FIELDS_OF) != form.get("type")
}

/// Shows the fields of the type that is chosen, at an address of their own; what was filled in of the same type stays.
async fn choose(dashboard: &Dashboard, form: &Form) -> Result<Response, Refusal> {
    if !is_of_another_type(form) {
        return Ok(page(dashboard, form, None, None).await?.into_response());
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in ["type", "rfp", "supplier"] {
        query.extend_pairs(Some((name, form.get(name))).filter(|(_, value)| !value.is_empty()));
    }
    Ok(Redirect::to(&format!("/ui/trigger?{}", query.finish())).into_response())
}

/// The form again, with the body that it makes.
pub(super) async fn preview(State(dashboard): State<Dashboard>, form: Form) -> Result<Response, Refusal> {
    if is_of_another_type(&form) {
        return Ok(page(&dashboard, &form, None, None).await?.into_response());
    }
    let refused = match dashboard.notification(&form).await {
        Ok(spec) => match dashboard.look_ahead(spec).await {
            Ok(preview) => return Ok(page(&dashboard, &form, Some(preview), None).await?.into_response()),
            Err(wrong) => wrong,
        },
        Err(wrong) => wrong,
    };
    Ok(page(&dashboard, &form, None, Some(Refused::Notification(refused))).await?.into_response())
}

/// Publishes it.
pub(super) async fn send(State(dashboard): State<Dashboard>, form: Form) -> Result<Response, Refusal> {
    if form.has("choose") {
        return choose(&dashboard, &form).await;
    }
    if is_of_another_type(&form) {
        return Ok(page(&dashboard, &form, None, None).await?.into_response());
    }
    let refused = match dashboard.notification(&form).await {
        Ok(spec) => {
            let published = dashboard.simulator().publish(vec![spec], PublishOptions::default()).await;
            match published.map_err(|error| strip_place(error, "notifications[0]")) {
                Ok(published) => return Ok(at_what_it_made(&published).into_response()),
                Err(error) => Wrong::from(error),
            }
        }
        Err(wrong) => wrong,
    };
    Ok(page(&dashboard, &form, None, Some(Refused::Notification(refused))).await?.into_response())
}

/// Publishes a course.
pub(super) async fn course(State(dashboard): State<Dashboard>, form: Form) -> Result<Response, Refusal> {
    let mut json = Json::default();
    json.text("course", form.get("course"));
    json.text("supplier", form.get("supplier"));
    json.text("rfp", form.get("rfp"));
    json.text("every", form.get("every"));
    let refused = match json.read::<LifecycleSpec>() {
        Ok(spec) => {
            let is_paced = spec.every.is_some();
            match dashboard.simulator().lifecycle(spec, PublishOptions::default()).await {
                Ok(published) => {
                    let unseen = published.notifications.iter().all(|one| one.deliveries.is_empty());
                    return Ok(match (unseen, is_paced) {
                        (true, _) => done("/ui/deliveries", "unseen"),
                        (false, true) => done("/ui/trigger", "begun"),
                        (false, false) => done("/ui/deliveries", "sent"),
                    }
                    .into_response());
                }
                Err(error) => Wrong::from(error),
            }
        }
        Err(wrong) => wrong,
    };
    Ok(page(&dashboard, &form, None, Some(Refused::Course(refused))).await?.into_response())
}

/// Ends a course that has events to come.
pub(super) async fn end_course(
    State(dashboard): State<Dashboard>,
    id: Id,
    _: Form,
) -> Result<Redirect, Refusal> {
    dashboard.simulator().end_lifecycle(id.0).await?;
    Ok(done("/ui/trigger", "course-ended"))
}

/// The delivery, if there is exactly one; otherwise the notification.
fn at_what_it_made(published: &Published) -> Redirect {
    match published.notifications.first() {
        None => done("/ui/deliveries", "sent"),
        Some(one) => match one.deliveries.as_slice() {
            [] => done(&format!("/ui/notifications/{}", one.id), "unseen"),
            [delivery] => done(&format!("/ui/deliveries/{delivery}"), "sent"),
            _ => done(&format!("/ui/notifications/{}", one.id), "sent"),
        },
    }
}

impl Dashboard {
    /// What the form describes.
    async fn notification(&self, form: &Form) -> Result<NotificationSpec, Wrong> {
        let mut json = Json::default();
        json.text("type", form.get("type"));
        json.text("supplier", form.get("supplier"));
        json.text("rfp", form.get("rfp"));
        if !form.get("raw").is_empty() {
            json.set("raw", form.raw("raw"));
        }
        let mut overrides = Map::new();
        if let Some(event_type) = EventType::ALL.into_iter().find(|one| one.wire_name() == form.get("type")) {
            for leaf in self.leaves(event_type).await? {
                let text = form.raw(&leaf.field.name);
                if !text.trim().is_empty() {
                    overrides.insert(leaf.path.clone(), leaf.value(text));
                }
            }
        }
        overrides.extend(laid_over(form.get("overrides"))?);
        if !overrides.is_empty() {
            json.set("overrides", Value::Object(overrides));
        }
        let spec: NotificationSpec = json.read()?;
        spec.check()?;
        Ok(spec)
    }

    /// The members of a body of that type, in a sample.
    async fn leaves(&self, event_type: EventType) -> Result<Vec<Leaf>, ServiceError> {
        let pack = self.simulator().pack();
        let (sample, _) = self.simulator().preview(NotificationSpec::new(event_type)).await?;
        Ok(leaves::of(&pack, event_type, &sample))
    }

    async fn look_ahead(&self, spec: NotificationSpec) -> Result<Preview, Wrong> {
        let (body, deliveries) = self.simulator().preview(spec).await?;
        let violations = match self.simulator().pack().validate(&body) {
            Ok(_) => Vec::new(),
            Err(violations) => violations.iter().map(ToString::to_string).collect(),
        };
        let body = pretty(&String::from_utf8_lossy(&body));
        Ok(Preview { body, deliveries, violations })
    }
}

/// The members that are laid over as JSON.
fn laid_over(text: &str) -> Result<Map<String, Value>, InvalidField> {
    if text.is_empty() {
        return Ok(Map::new());
    }
    let wrong = |why: &dyn std::fmt::Display| {
        InvalidField::new("overrides", format_args!("expected a JSON object: {why}"))
    };
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(wrong(&"it is another value")),
        Err(error) => Err(wrong(&error)),
    }
}

async fn page(
    dashboard: &Dashboard,
    form: &Form,
    preview: Option<Preview>,
    refused: Option<Refused>,
) -> Shown<impl Template + use<>> {
    let (mut frame, clock) = dashboard.frame("Trigger", Here::Trigger, form).await?;
    frame.is_answer = preview.is_some();
    let pack = dashboard.simulator().pack();
    let offered = pack.event_types();
    let is_other = is_of_another_type(form);
    let event_type = chosen(form.get("type"), offered);
    if is_other {
        frame.refuse(vec![Told::of_all(format!(
            "These are the fields of {event_type}: look at them first. Nothing was published."
        ))]);
    }
    let mut types = type_field(event_type, offered);
    let is_course = matches!(refused, Some(Refused::Course(_)));
    let own = if is_course { Form::default() } else { form.clone() };
    let is_of_rfp = event_type.category() == Category::Rfp;
    let about = is_of_rfp.then(rfp_field).into_iter();
    let about = about.chain(event_type.names_supplier().then(supplier_field));
    let mut about: Vec<Field> = about.map(|field| field.filled(&own)).collect();
    let mut leaves = dashboard.leaves(event_type).await?;
    for leaf in &mut leaves {
        leaf.field = leaf.field.clone().filled(&own);
    }
    let mut more: Vec<_> = more_fields().into_iter().map(|field| field.filled(&own)).collect();
    let mut course = course_fields();
    if is_course {
        course = course.into_iter().map(|field| field.filled(form)).collect();
    }
    match &refused {
        Some(Refused::Notification(wrong)) => {
            let fields = leaves.iter_mut().map(|leaf| &mut leaf.field);
            let fields = fields.chain(&mut about).chain(&mut more).chain([&mut types]);
            frame.refuse(field::give_errors(fields, wrong));
        }
        Some(Refused::Course(wrong)) => frame.refuse(field::give_errors(&mut course, wrong)),
        None => {}
    }
    let wrong = match &refused {
        Some(Refused::Notification(wrong) | Refused::Course(wrong)) => Some(wrong),
        None => None,
    };
    let under_way = dashboard.simulator().lifecycles().await?;
    let metrics = dashboard.simulator().metrics().await?;
    let status = if is_other { StatusCode::UNPROCESSABLE_ENTITY } else { status_of(wrong) };
    Ok(Page(
        status,
        Trigger {
            frame,
            types,
            event_type: event_type.wire_name(),
            pack: pack.name().to_owned(),
            pack_title: pack.title().to_owned(),
            about,
            leaves,
            has_more: more.iter().any(|field| !field.value.is_empty() || field.error.is_some()),
            more,
            preview,
            course,
            under_way: under_way.iter().map(|one| UnderWay::of(one, clock.now)).collect(),
            has_subscriptions: metrics.subscriptions > 0,
        },
    ))
}

/// The type that is named, or the first that there is.
fn chosen(name: &str, offered: EventTypeSet) -> EventType {
    let named = EventType::ALL.into_iter().find(|event_type| event_type.wire_name() == name);
    let named = named.filter(|event_type| offered.contains(*event_type));
    named.or_else(|| offered.iter().next()).unwrap_or(EventType::RfpSend)
}

fn type_field(chosen: EventType, offered: EventTypeSet) -> Field {
    let choices = offered.iter().map(|event_type| Choice {
        value: event_type.wire_name().to_owned(),
        label: event_type.wire_name().to_owned(),
        is_chosen: event_type == chosen,
    });
    let choices = choices.collect();
    Field::new("type", "Event type").value(chosen.wire_name()).kind(Kind::Select(choices))
}

fn rfp_field() -> Field {
    Field::new("rfp", "RFP").placeholder("a new one").hint("A UUID: what it is about")
}

fn supplier_field() -> Field {
    Field::new("supplier", "Supplier").placeholder("drawn from the seed").hint("A UUID: whom it is about")
}

/// What changes the body as a whole.
fn more_fields() -> Vec<Field> {
    vec![
        Field::new("overrides", "Members laid over the body, as JSON")
            .kind(Kind::Area(4))
            .placeholder("{ \"messageDetails.subject\": \"Rooms\", \"extra\": null }")
            .hint("Objects merge; a key may be a path. The body may become invalid: that can be the point")
            .wide(),
        Field::new("raw", "Exactly this text as the body")
            .kind(Kind::Area(4))
            .hint("Instead of a generated one, with nothing laid over")
            .wide(),
    ]
}

fn course_fields() -> Vec<Field> {
    vec![
        Field::new("course", "Course").value("award").one_of(&COURSES),
        rfp_field().suffixed("course"),
        supplier_field().suffixed("course"),
        Field::new("every", "An event every")
            .placeholder("at once")
            .hint("A span of PNS time, such as 30s or 2h: they come one by one"),
    ]
}
