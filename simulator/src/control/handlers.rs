//! One function for each operation: from a request to a call of the service, and back.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use pns_engine::{DeliveryId, NotificationId, SubscriptionId, WindowId};
use serde::Serialize;
use tokio::sync::{Semaphore, watch};

use super::answer::{Answer, Done, Made, Told};
use super::extract::{Body, Id, IdempotencyKey, LargeBody, Query};
use super::problem::{Kind, Problem};
use super::query::{DeliveriesQuery, NoQuery, PublishQuery, SubscriptionsQuery};
use super::settings::{ControlSettings, Limits};
use super::token::BearerToken;
use crate::service::digest::sha256;
use crate::service::model::{
    AdvanceSpec, BatchSpec, ClockView, DeliveryDetail, DeliveryView, FaultSpec, FaultView, GearSpec,
    HealthView, Idempotency, LifecycleSpec, LifecycleView, NotificationSpec, NotificationView, Page,
    PublishOptions, Published, ReplaySpec, Replayed, StatusView, SubscriptionPatch, SubscriptionSpec,
    SubscriptionView, WindowChange, WindowSpec, WindowView,
};
use crate::service::{ServiceError, Simulator};

/// What the handlers share.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    pub(crate) simulator: Simulator,
    pub(crate) limits: Limits,
    pub(crate) token: Option<Arc<BearerToken>>,
    pub(super) hosts: Arc<[String]>,
    /// Whether only this machine reaches it.
    pub(super) loopback: bool,
    /// Places for listeners to records.
    pub(crate) listeners: Arc<Semaphore>,
    /// Places for bodies that are large.
    pub(crate) large_bodies: Arc<Semaphore>,
    /// Becomes `true` when the server is told to stop.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Control {
    pub(super) fn new(
        simulator: Simulator,
        settings: &ControlSettings,
        address: SocketAddr,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            simulator,
            limits: settings.limits,
            token: settings.token.clone().map(Arc::new),
            hosts: settings.hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            loopback: address.ip().to_canonical().is_loopback(),
            listeners: Arc::new(Semaphore::new(settings.limits.listeners)),
            large_bodies: Arc::new(Semaphore::new(settings.limits.large_bodies)),
            stopping,
        }
    }
}

type Shared = State<Control>;
type NoMore = Query<NoQuery>;

pub(super) async fn create_subscription(
    State(control): Shared,
    _: NoMore,
    Body(spec): Body<SubscriptionSpec>,
) -> Answer<Made<SubscriptionView>> {
    let body = control.simulator.create_subscription(spec).await?;
    let location = Some(format!("/api/v1/subscriptions/{}", body.id));
    Ok(Made { body, location })
}

pub(super) async fn subscriptions(
    State(control): Shared,
    Query(query): Query<SubscriptionsQuery>,
) -> Answer<Told<Page<SubscriptionView>>> {
    Ok(Told(control.simulator.subscriptions(query.page()?).await?))
}

pub(super) async fn subscription(
    State(control): Shared,
    id: Id,
    _: NoMore,
) -> Answer<Told<SubscriptionView>> {
    Ok(Told(control.simulator.subscription(id.subscription()?).await?))
}

pub(super) async fn change_subscription(
    State(control): Shared,
    id: Id,
    _: NoMore,
    Body(patch): Body<SubscriptionPatch>,
) -> Answer<Told<SubscriptionView>> {
    Ok(Told(control.simulator.change_subscription(id.subscription()?, patch).await?))
}

pub(super) async fn remove_subscription(State(control): Shared, id: Id, _: NoMore) -> Answer<Done> {
    control.simulator.remove_subscription(id.subscription()?).await?;
    Ok(Done)
}

pub(super) async fn pause_subscription(State(control): Shared, id: Id, _: NoMore) -> Answer<Done> {
    control.simulator.pause(Some(id.subscription()?)).await?;
    Ok(Done)
}

pub(super) async fn resume_subscription(State(control): Shared, id: Id, _: NoMore) -> Answer<Done> {
    control.simulator.resume(Some(id.subscription()?)).await?;
    Ok(Done)
}

pub(super) async fn pause_all(State(control): Shared, _: NoMore) -> Answer<Done> {
    control.simulator.pause(None).await?;
    Ok(Done)
}

pub(super) async fn resume_all(State(control): Shared, _: NoMore) -> Answer<Done> {
    control.simulator.resume(None).await?;
    Ok(Done)
}

pub(super) async fn publish(
    State(control): Shared,
    IdempotencyKey(key): IdempotencyKey,
    Query(query): Query<PublishQuery>,
    LargeBody(spec, _place): LargeBody<NotificationSpec>,
) -> Answer<Made<Published>> {
    spec.check()?;
    let options = options("publish", &query, key, &spec);
    let published = control.simulator.publish(vec![spec], options).await;
    // The service counts notifications; the caller sent one, which has no place in a list.
    let body = published.map_err(|error| strip_place(error, "notifications[0]"))?;
    let location = body.notifications.first().map(|one| format!("/api/v1/notifications/{}", one.id));
    Ok(Made { body, location })
}

pub(super) async fn publish_batch(
    State(control): Shared,
    IdempotencyKey(key): IdempotencyKey,
    Query(query): Query<PublishQuery>,
    LargeBody(batch, _place): LargeBody<BatchSpec>,
) -> Answer<Made<Published>> {
    batch.check()?;
    let options = options("publish_batch", &query, key, &batch);
    let body = control.simulator.publish(batch.notifications, options).await?;
    Ok(Made { body, location: None })
}

pub(super) async fn publish_lifecycle(
    State(control): Shared,
    IdempotencyKey(key): IdempotencyKey,
    Query(query): Query<PublishQuery>,
    Body(spec): Body<LifecycleSpec>,
) -> Answer<Made<Published>> {
    let options = options("publish_lifecycle", &query, key, &spec);
    let body = control.simulator.lifecycle(spec, options).await?;
    Ok(Made { body, location: None })
}

pub(super) async fn lifecycles(State(control): Shared, _: NoMore) -> Answer<Told<Vec<LifecycleView>>> {
    Ok(Told(control.simulator.lifecycles().await?))
}

pub(super) async fn end_lifecycle(State(control): Shared, Id(id): Id, _: NoMore) -> Answer<Done> {
    control.simulator.end_lifecycle(id).await?;
    Ok(Done)
}

pub(super) async fn notification(
    State(control): Shared,
    Id(id): Id,
    _: NoMore,
) -> Answer<Told<NotificationView>> {
    Ok(Told(control.simulator.notification(NotificationId(id)).await?))
}

pub(super) async fn announce_window(
    State(control): Shared,
    _: NoMore,
    Body(spec): Body<WindowSpec>,
) -> Answer<Made<WindowView>> {
    Ok(Made { body: control.simulator.announce_window(spec).await?, location: None })
}

pub(super) async fn windows(State(control): Shared, _: NoMore) -> Answer<Told<Vec<WindowView>>> {
    Ok(Told(control.simulator.windows().await?))
}

pub(super) async fn change_window(
    State(control): Shared,
    id: Id,
    _: NoMore,
    Body(change): Body<WindowChange>,
) -> Answer<Told<WindowView>> {
    Ok(Told(control.simulator.change_window(id.window()?, change).await?))
}

pub(super) async fn cancel_window(State(control): Shared, id: Id, _: NoMore) -> Answer<Done> {
    control.simulator.cancel_window(id.window()?).await?;
    Ok(Done)
}

pub(super) async fn plan_fault(
    State(control): Shared,
    _: NoMore,
    Body(spec): Body<FaultSpec>,
) -> Answer<Made<FaultView>> {
    Ok(Made { body: control.simulator.plan_fault(spec).await?, location: None })
}

pub(super) async fn faults(State(control): Shared, _: NoMore) -> Answer<Told<Vec<FaultView>>> {
    Ok(Told(control.simulator.faults().await?))
}

pub(super) async fn clear_faults(State(control): Shared, _: NoMore) -> Answer<Done> {
    control.simulator.clear_fault(None).await?;
    Ok(Done)
}

pub(super) async fn clear_fault(State(control): Shared, id: Id, _: NoMore) -> Answer<Done> {
    control.simulator.clear_fault(Some(id.fault()?)).await?;
    Ok(Done)
}

pub(super) async fn deliveries(
    State(control): Shared,
    Query(query): Query<DeliveriesQuery>,
) -> Answer<Told<Page<DeliveryView>>> {
    let (filter, page) = query.filter_and_page()?;
    Ok(Told(control.simulator.deliveries(filter, page).await?))
}

pub(super) async fn delivery(State(control): Shared, Id(id): Id, _: NoMore) -> Answer<Told<DeliveryDetail>> {
    Ok(Told(control.simulator.delivery(DeliveryId(id)).await?))
}

pub(super) async fn replay(
    State(control): Shared,
    _: NoMore,
    Body(spec): Body<ReplaySpec>,
) -> Answer<Told<Replayed>> {
    spec.check()?;
    Ok(Told(control.simulator.replay(spec).await?))
}

pub(super) async fn clock(State(control): Shared, _: NoMore) -> Answer<Told<ClockView>> {
    Ok(Told(control.simulator.clock().await?))
}

pub(super) async fn set_gear(
    State(control): Shared,
    _: NoMore,
    Body(spec): Body<GearSpec>,
) -> Answer<Told<ClockView>> {
    Ok(Told(control.simulator.set_gear(spec.gear.0).await?))
}

pub(super) async fn advance(
    State(control): Shared,
    _: NoMore,
    Body(spec): Body<AdvanceSpec>,
) -> Answer<Told<ClockView>> {
    Ok(Told(control.simulator.advance(spec).await?))
}

pub(super) async fn status(State(control): Shared, _: NoMore) -> Answer<Told<StatusView>> {
    Ok(Told(control.simulator.status().await?))
}

pub(super) async fn metrics(State(control): Shared, _: NoMore) -> Answer<Response> {
    let text = super::prometheus::text(&control.simulator.metrics().await?);
    Ok(([(CONTENT_TYPE, super::prometheus::CONTENT_TYPE)], text).into_response())
}

pub(super) async fn openapi(_: NoMore) -> Response {
    ([(CONTENT_TYPE, "application/json")], super::openapi::document_text()).into_response()
}

/// The process runs.
pub(super) async fn healthz(_: NoMore) -> Told<HealthView> {
    Told(HealthView { ready: true, reasons: Vec::new() })
}

/// It does its work.
pub(super) async fn readyz(State(control): Shared, _: NoMore) -> Response {
    let health = control.simulator.health();
    let ready = health.ready;
    let mut response = Told(health).into_response();
    if !ready {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

/// How to publish. What the call is, is told by its operation and by what it asks for, however that was written.
fn options(
    operation: &str,
    query: &PublishQuery,
    key: Option<String>,
    asked: &impl Serialize,
) -> PublishOptions {
    let idempotency = key.map(|key| {
        let call = serde_json::to_string(&(operation, asked)).expect("texts and numbers become JSON");
        Idempotency { key, fingerprint: sha256(call.as_bytes()) }
    });
    PublishOptions { durability: query.durability, idempotency }
}

/// No path has that name.
pub(crate) async fn nothing_here(request: axum::extract::Request) -> Problem {
    Problem::new(
        Kind::NotFound,
        format!("nothing is at `{}`; see /api/v1/openapi.json", request.uri().path()),
    )
}

pub(crate) fn strip_place(error: ServiceError, place: &str) -> ServiceError {
    let ServiceError::Invalid(mut errors) = error else { return error };
    for error in &mut errors {
        if let Some(rest) = error.field.strip_prefix(place) {
            error.field = rest.trim_start_matches('.').to_owned();
        }
    }
    ServiceError::Invalid(errors)
}

impl Id {
    fn subscription(&self) -> Answer<SubscriptionId> {
        self.small("subscription").map(SubscriptionId)
    }

    fn window(&self) -> Answer<WindowId> {
        self.small("window").map(WindowId)
    }

    fn fault(&self) -> Answer<u32> {
        self.small("fault")
    }

    /// An id beyond 32 bits was never given.
    fn small(&self, what: &'static str) -> Answer<u32> {
        u32::try_from(self.0).map_err(|_| ServiceError::NotFound { what, id: self.0 }.into())
    }
}
