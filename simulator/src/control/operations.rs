//! The table of operations: from it come the routes and the OpenAPI document, so that the two agree.

mod pulling;

use axum::Router;
use axum::handler::Handler;
use axum::middleware;
use axum::routing::{self, MethodRouter};
use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use self::pulling::pulling;
use super::events;
use super::guard::guard;
use super::handlers::{self, Control};
use super::problem::{Kind, Problem};
use super::query::{DeliveriesQuery, PublishQuery, RecordsQuery, SubscriptionsQuery};
use crate::service::model::{
    AdvanceSpec, BatchSpec, ClockView, DeliveryDetail, DeliveryView, FaultSpec, FaultView, GearSpec,
    HealthView, LifecycleSpec, LifecycleView, NotificationSpec, NotificationView, Page, Published,
    ReplaySpec, Replayed, StatusView, SubscriptionPatch, SubscriptionSpec, SubscriptionView, WindowChange,
    WindowSpec, WindowView,
};

/// Where virtual time is advanced, which may last.
pub(super) const ADVANCE: &str = "/api/v1/clock/advance";
/// Paths that need no token: they tell nothing but whether the service works, to probes that know no token.
pub(super) const OPEN_PATHS: [&str; 2] = ["/healthz", "/readyz"];

/// How a type is described.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// One method of one path.
pub(super) struct Operation {
    pub(super) id: &'static str,
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) query: Option<SchemaOf>,
    pub(super) body: Option<SchemaOf>,
    /// Whether it takes an `Idempotency-Key`.
    pub(super) idempotent: bool,
    pub(super) answers: Vec<Answers>,
    /// Operations that take an id which the answer holds, at this place in it.
    pub(super) leads_to: Vec<(&'static str, &'static str)>,
    /// The statuses of its problems.
    pub(super) problems: Vec<u16>,
    route: MethodRouter<Control>,
}

/// An answer that is no problem.
pub(super) struct Answers {
    pub(super) status: u16,
    pub(super) says: &'static str,
    pub(super) content: Content,
}

/// What an answer holds.
pub(super) enum Content {
    Nothing,
    Json(SchemaOf),
    Text(&'static str),
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// A type whose properties become parameters is wanted itself, not a reference to it.
fn whole_schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

impl Operation {
    fn new<H, A>(
        method: Method,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        handler: H,
    ) -> Self
    where
        H: Handler<A, Control>,
        A: 'static,
    {
        let route = match method {
            Method::GET => routing::get(handler),
            Method::POST => routing::post(handler),
            Method::PUT => routing::put(handler),
            Method::PATCH => routing::patch(handler),
            _ => routing::delete(handler),
        };
        let tag =
            path.trim_start_matches("/api/v1/").trim_start_matches('/').split('/').next().unwrap_or_default();
        // What the guard answers, and a request whose query or path cannot be read.
        let problems = vec![400, 401, 403, 422, 503];
        Self {
            id,
            method,
            path,
            tag,
            summary,
            query: None,
            body: None,
            idempotent: false,
            answers: Vec::new(),
            leads_to: Vec::new(),
            problems,
            route,
        }
    }

    fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(whole_schema_of::<T>);
        self
    }

    fn body<T: JsonSchema>(mut self) -> Self {
        self.body = Some(schema_of::<T>);
        self.problems.extend([413, 415]);
        self
    }

    fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self.may_conflict()
    }

    fn tells<T: JsonSchema>(self, says: &'static str) -> Self {
        self.answers(200, says, Content::Json(schema_of::<T>))
    }

    fn makes<T: JsonSchema>(self, says: &'static str) -> Self {
        self.answers(201, says, Content::Json(schema_of::<T>))
    }

    fn does(self, says: &'static str) -> Self {
        self.answers(204, says, Content::Nothing)
    }

    fn answers(mut self, status: u16, says: &'static str, content: Content) -> Self {
        self.answers.push(Answers { status, says, content });
        self
    }

    fn leads_to(mut self, place: &'static str, operations: &[&'static str]) -> Self {
        self.leads_to.extend(operations.iter().map(|operation| (*operation, place)));
        self
    }

    fn may_miss(mut self) -> Self {
        self.problems.push(404);
        self
    }

    fn may_conflict(mut self) -> Self {
        self.problems.push(409);
        self
    }
}

/// All operations, in the order of the document.
pub(super) fn operations() -> Vec<Operation> {
    [subscriptions(), publishing(), disturbances(), deliveries(), clock(), pulling(), watching()]
        .into_iter()
        .flatten()
        .collect()
}

/// The routes, and those of the dashboard.
pub(super) fn router(control: Control, pages: Router) -> Router {
    let routes = operations()
        .into_iter()
        .fold(Router::new(), |routes, operation| routes.route(operation.path, operation.route));
    routes
        .fallback(handlers::nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .with_state(control.clone())
        .merge(pages)
        .layer(middleware::from_fn_with_state(control, guard))
}

async fn wrong_method(method: Method) -> Problem {
    Problem::new(Kind::MethodNotAllowed, format!("`{method}` is not for this path: see `Allow`"))
}

fn get<H: Handler<A, Control>, A: 'static>(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    handler: H,
) -> Operation {
    Operation::new(Method::GET, path, id, summary, handler)
}

fn post<H: Handler<A, Control>, A: 'static>(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    handler: H,
) -> Operation {
    Operation::new(Method::POST, path, id, summary, handler)
}

fn delete<H: Handler<A, Control>, A: 'static>(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    handler: H,
) -> Operation {
    Operation::new(Method::DELETE, path, id, summary, handler).may_miss()
}

fn subscriptions() -> Vec<Operation> {
    const ALL: &str = "/api/v1/subscriptions";
    const ONE: &str = "/api/v1/subscriptions/{id}";
    vec![
        post(
            ALL,
            "create_subscription",
            "Begin a subscription: it sees what is published from now on",
            handlers::create_subscription,
        )
        .body::<SubscriptionSpec>()
        .makes::<SubscriptionView>("The subscription")
        .leads_to(
            "/id",
            &[
                "read_subscription",
                "change_subscription",
                "remove_subscription",
                "pause_subscription",
                "resume_subscription",
            ],
        )
        .may_conflict(),
        get(ALL, "list_subscriptions", "The subscriptions, by id", handlers::subscriptions)
            .query::<SubscriptionsQuery>()
            .tells::<Page<SubscriptionView>>("A page of subscriptions"),
        get(
            ONE,
            "read_subscription",
            "A subscription with its settings and its backlog",
            handlers::subscription,
        )
        .tells::<SubscriptionView>("The subscription")
        .may_miss(),
        Operation::new(
            Method::PATCH,
            ONE,
            "change_subscription",
            "Change settings: what is absent stays, null is the default again",
            handlers::change_subscription,
        )
        .body::<SubscriptionPatch>()
        .tells::<SubscriptionView>("The subscription as it is now")
        .may_miss()
        .may_conflict(),
        delete(
            ONE,
            "remove_subscription",
            "End a subscription and give up what waits for it",
            handlers::remove_subscription,
        )
        .does("It has ended"),
        post(
            "/api/v1/subscriptions/{id}/pause",
            "pause_subscription",
            "Hold all attempts until resumed; what is published waits",
            handlers::pause_subscription,
        )
        .does("It is paused")
        .may_miss()
        .may_conflict(),
        post(
            "/api/v1/subscriptions/{id}/resume",
            "resume_subscription",
            "End a pause",
            handlers::resume_subscription,
        )
        .does("It is not paused")
        .may_miss(),
    ]
}

fn publishing() -> Vec<Operation> {
    vec![
        post("/api/v1/notifications", "publish", "Publish a notification", handlers::publish)
            .query::<PublishQuery>()
            .body::<NotificationSpec>()
            .idempotent()
            .makes::<Published>("The notification and its deliveries")
            .leads_to("/notifications/0/id", &["read_notification"]),
        post(
            "/api/v1/notifications/batch",
            "publish_batch",
            "Publish up to 10,000 notifications, all or none, in their order",
            handlers::publish_batch,
        )
        .query::<PublishQuery>()
        .body::<BatchSpec>()
        .idempotent()
        .makes::<Published>("The notifications and their deliveries"),
        get(
            "/api/v1/notifications/{id}",
            "read_notification",
            "A notification with its body and its deliveries",
            handlers::notification,
        )
        .tells::<NotificationView>("The notification")
        .may_miss(),
        post(
            "/api/v1/lifecycles",
            "publish_lifecycle",
            "Publish a life-like course of one RFP, at once or an event now and then",
            handlers::publish_lifecycle,
        )
        .query::<PublishQuery>()
        .body::<LifecycleSpec>()
        .idempotent()
        .makes::<Published>("The notifications and their deliveries; with `every`, the first")
        .may_conflict(),
        get(
            "/api/v1/lifecycles",
            "list_lifecycles",
            "The lifecycles that have events to come",
            handlers::lifecycles,
        )
        .tells::<Vec<LifecycleView>>("The lifecycles, by id"),
        delete(
            "/api/v1/lifecycles/{id}",
            "end_lifecycle",
            "End a lifecycle: what it published stays",
            handlers::end_lifecycle,
        )
        .does("Nothing more of it is published"),
    ]
}

fn disturbances() -> Vec<Operation> {
    const WINDOWS: &str = "/api/v1/windows";
    const WINDOW: &str = "/api/v1/windows/{id}";
    const FAULTS: &str = "/api/v1/faults";
    vec![
        post(
            WINDOWS,
            "announce_window",
            "Announce a downtime window: nothing is sent in it",
            handlers::announce_window,
        )
        .body::<WindowSpec>()
        .makes::<WindowView>("The window")
        .leads_to("/id", &["change_window", "cancel_window"])
        .may_miss()
        .may_conflict(),
        get(WINDOWS, "list_windows", "The windows that are not over, pauses among them", handlers::windows)
            .tells::<Vec<WindowView>>("The windows, by id"),
        Operation::new(
            Method::PATCH,
            WINDOW,
            "change_window",
            "Move a window's end",
            handlers::change_window,
        )
        .body::<WindowChange>()
        .tells::<WindowView>("The window as it is now")
        .may_miss()
        .may_conflict(),
        delete(
            WINDOW,
            "cancel_window",
            "End a window, or withdraw one that has not begun",
            handlers::cancel_window,
        )
        .does("It is over")
        .may_conflict(),
        post(
            FAULTS,
            "plan_fault",
            "Plan failures inside the sender, as in scenario files",
            handlers::plan_fault,
        )
        .body::<FaultSpec>()
        .makes::<FaultView>("The fault")
        .leads_to("/id", &["clear_fault"])
        .may_miss()
        .may_conflict(),
        get(FAULTS, "list_faults", "The faults that are not used up", handlers::faults)
            .tells::<Vec<FaultView>>("The faults, by id"),
        Operation::new(Method::DELETE, FAULTS, "clear_faults", "Forget all faults", handlers::clear_faults)
            .does("There are none"),
        delete("/api/v1/faults/{id}", "clear_fault", "Forget a fault", handlers::clear_fault)
            .does("It is forgotten"),
    ]
}

fn deliveries() -> Vec<Operation> {
    vec![
        get("/api/v1/deliveries", "list_deliveries", "Deliveries, by id", handlers::deliveries)
            .query::<DeliveriesQuery>()
            .tells::<Page<DeliveryView>>("A page of deliveries"),
        get(
            "/api/v1/deliveries/{id}",
            "read_delivery",
            "A delivery with its attempts: headers, body and timing",
            handlers::delivery,
        )
        .tells::<DeliveryDetail>("The delivery")
        .may_miss(),
        post(
            "/api/v1/replay",
            "replay",
            "Deliver again: one, all that failed since, or all that are missing",
            handlers::replay,
        )
        .body::<ReplaySpec>()
        .tells::<Replayed>("What is, or would be, delivered")
        .may_miss()
        .may_conflict(),
        post(
            "/api/v1/pause",
            "pause_all",
            "Hold all attempts of all subscriptions until resumed",
            handlers::pause_all,
        )
        .does("All are paused")
        .may_conflict(),
        post("/api/v1/resume", "resume_all", "End all pauses", handlers::resume_all).does("None is paused"),
    ]
}

fn clock() -> Vec<Operation> {
    vec![
        get("/api/v1/clock", "read_clock", "PNS time, and how it moves", handlers::clock)
            .tells::<ClockView>("The clock"),
        Operation::new(
            Method::PUT,
            "/api/v1/clock/gear",
            "set_gear",
            "Change how PNS time moves",
            handlers::set_gear,
        )
        .body::<GearSpec>()
        .tells::<ClockView>("The clock")
        .may_conflict(),
        post(
            ADVANCE,
            "advance",
            "Move virtual time; answers when it is there. What times out later is in flight until then",
            handlers::advance,
        )
        .body::<AdvanceSpec>()
        .tells::<ClockView>("The clock")
        .may_conflict(),
    ]
}

fn watching() -> Vec<Operation> {
    vec![
        get("/api/v1/status", "read_status", "The service at one look", handlers::status)
            .tells::<StatusView>("The status"),
        get(
            "/api/v1/records",
            "listen",
            "Records as server-sent events, each when it is durable",
            events::records,
        )
        .query::<RecordsQuery>()
        .answers(
            200,
            "Events `record` (a Record) and `missed` (`next`: where it goes on)",
            Content::Text("text/event-stream"),
        ),
        get("/api/v1/openapi.json", "read_openapi", "This document", handlers::openapi)
            .tells::<serde_json::Map<String, serde_json::Value>>("The document"),
        get("/metrics", "read_metrics", "Figures for Prometheus", handlers::metrics).answers(
            200,
            "OpenMetrics",
            Content::Text("application/openmetrics-text"),
        ),
        get(OPEN_PATHS[0], "read_health", "Whether the process runs", handlers::healthz)
            .tells::<HealthView>("It runs"),
        get(OPEN_PATHS[1], "read_readiness", "Whether the service does its work", handlers::readyz)
            .tells::<HealthView>("It does")
            .answers(503, "It does not, for these reasons", Content::Json(schema_of::<HealthView>)),
    ]
}
