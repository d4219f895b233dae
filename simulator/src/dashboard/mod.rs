//! The dashboard: the pages of `pns serve`, at `/` and under `/ui/`.
//!
//! Rendered here, from templates that are checked when this is compiled; forms are plain `POST`s answered by 303, and
//! all of it works without script. The script only fetches a page again when something happened and swaps the parts
//! marked `data-live`. Whatever a page does, it does by the calls of [`Simulator`], and reads its forms as the
//! control API reads JSON ([`form`]); so both name the same fields, and refuse the same.
//!
//! * [`gate`]: who may look, and who may act. [`page`]: what all pages have. [`words`]: how figures are written.
//! * [`series`]: the last minutes, counted. [`plot`]: places in pictures.
//! * The rest is a module for each page, with a template of the same name.
//!
//! # Hooks for tests in browsers
//! Ids and `data-test` attributes, which stay as they are when the looks change. `N` is an id, `F` a field of the
//! model with `-` for `.` (`rate_limit-rate`); where a page has two forms, the second's fields end in `-course` or
//! `-pull`. What is marked `data-live` is kept as it is now.
//!
//! | Page | Hooks |
//! |---|---|
//! | all | `#main`, `#notice` (what was done), `#problem` (what was refused), `#trouble` (the service does not work), `#clock-now`, `#clock-gear`, `#live`, `#sign-out`, `nav a[data-test=nav-overview]` (`-deliveries`, `-trigger`, `-faults`, `-world`, `-clock`) |
//! | refusals | `#problem`, `#sign-in` |
//! | forms | `#f-F` the control, `#e-F` its error, `#submit` |
//! | `/` | `#totals` with `data-published`, `data-acknowledged`, `data-failed`, `data-pending`; `#plot`; `#subscriptions`; `#subscription-N` with `data-state`, `data-pending`, `data-held`, `data-waiting`, `data-ready`, `data-in-flight`; in it `[data-test=failure]`, `[data-test=acceptance]`, `[data-test=rate]`, `[data-test=pause]`, `[data-test=resume]`; `#new-subscription`, `#pause-all`, `#resume-all`; `#latest` |
//! | `/ui/subscriptions/new` | the form |
//! | `/ui/subscriptions/N` | `#state` with `data-state`, `#backlog` with `data-*` as above; `#pause`, `#resume`, `#edit`, `#remove`, `#trigger-link`; `#failure`; `#begin-downtime`; `#windows`; `#window-N` with `data-state`, in it `[data-test=end]` where it is open, `[data-test=cancel]`; `#announce` (`from`, `for`, `until`, `open`) in `#announce-details`; `#replay-missing`; `#filter`, `#deliveries`, `#delivery-N` with `data-state`, `#older`; `#settings` |
//! | `/ui/subscriptions/N/edit` | the form |
//! | `/ui/subscriptions/N/remove` | `#submit` |
//! | `/ui/deliveries` | `#filter`, `#deliveries`, `#delivery-N`, `#older` |
//! | `/ui/deliveries/N` | `#state` with `data-state`; `#meaning`; `#followed` with `data-pulls`; `#replay`; `#picture`; `#attempt-M` with `data-outcome`, in it `[data-test=request]`, `[data-test=response]`; `#body` |
//! | `/ui/notifications/N` | `#body`, `#deliveries` |
//! | `/ui/trigger` | `#f-type`, `#choose`; `#f-rfp`, `#f-supplier`, `#f-overrides-PATH`; in `#more` `#f-overrides`, `#f-raw`; `#preview`, `#send`; `#body-preview` with `data-deliveries`; `#course-form`, `#f-course`, `#f-every`, `#send-course`; `#under-way`, row `#course-N`, in it `[data-test=end]` |
//! | `/ui/faults` | `#faults`, `#fault-N`, in it `[data-test=clear]`; `#clear-all`; the form; `#pull-faults`, `#pull-fault-N`, `#clear-all-pull`; `#pull-fault-form`, `#submit-pull` |
//! | `/ui/world` | `#rfps`, `#rfp-ID`; `#pulls`, `#pull-N` |
//! | `/ui/world/pulls` | `#filter`, `#pulls`, `#pull-N`, `#older` |
//! | `/ui/world/rfps/ID` | `#suppliers`, `#supplier-ID`, in it `[data-test=state]`; `#history`; `#pulls`; `#content`; `#trigger-link` |
//! | `/ui/clock` | `#now`, `#gear`, `#next`; `#advance-form` (`by`), `#advance`, `#next-due`; `#gear-form` |
//! | `/ui/sign-in` | `#f-token`, `#submit` |

mod assets;
mod clock;
mod delivery;
mod edit;
mod faults;
mod field;
mod form;
mod gate;
mod overview;
mod page;
mod plot;
mod pull_faults;
mod replay;
mod series;
mod session;
mod sign_in;
mod subscription;
mod trigger;
mod window;
mod words;
mod world;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{any, get, post};

use crate::control::handlers::Control;
use crate::service::Simulator;

use self::gate::Secret;
use self::series::Series;
use self::session::Sessions;

pub(crate) use gate::{is_asked, is_visit, refuse, wants_html};

/// Where virtual time is moved, which may last.
pub(crate) const ADVANCE: &str = "/ui/clock/advance";

/// What the pages share. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Dashboard {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    control: Control,
    sessions: Sessions,
    /// What a form must bring back.
    forgery: Secret,
    series: Series,
    /// The name of the session's cookie: cookies do not tell ports apart.
    cookie: String,
    /// Whether pages come over TLS.
    secure: bool,
}

impl Dashboard {
    /// The dashboard of what `control` serves at `address`.
    pub(crate) fn new(control: &Control, secure: bool, address: SocketAddr) -> Self {
        Self {
            shared: Arc::new(Shared {
                control: control.clone(),
                sessions: Sessions::default(),
                forgery: Secret::new(),
                series: Series::default(),
                cookie: format!("pns_session_{}", address.port()),
                secure,
            }),
        }
    }

    /// Counts what happens, until the service has stopped.
    pub(crate) fn watch(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        async move { shared.series.follow(shared.control.simulator.records(None)).await }
    }

    fn simulator(&self) -> &Simulator {
        &self.shared.control.simulator
    }

    /// The routes.
    pub(crate) fn router(&self) -> Router {
        let pages = Router::new()
            .route("/", get(overview::show))
            .route("/ui", get(gate::to_overview))
            .route("/ui/", get(gate::to_overview))
            .route("/ui/{*elsewhere}", any(gate::nowhere))
            .route("/ui/events", get(gate::events))
            .route("/ui/pause", post(subscription::pause_all))
            .route("/ui/resume", post(subscription::resume_all))
            .route("/ui/subscriptions", post(edit::create))
            .route("/ui/subscriptions/new", get(edit::new))
            .route("/ui/subscriptions/{id}", get(subscription::show))
            .route("/ui/subscriptions/{id}/edit", get(edit::edit).post(edit::change))
            .route("/ui/subscriptions/{id}/remove", get(edit::confirm).post(edit::remove))
            .route("/ui/subscriptions/{id}/pause", post(subscription::pause))
            .route("/ui/subscriptions/{id}/resume", post(subscription::resume))
            .route("/ui/subscriptions/{id}/windows", post(window::announce))
            .route("/ui/subscriptions/{id}/replay", post(replay::missing))
            .route("/ui/windows/{id}/end", post(window::change))
            .route("/ui/windows/{id}/cancel", post(window::cancel))
            .route("/ui/deliveries", get(delivery::list))
            .route("/ui/deliveries/{id}", get(delivery::show))
            .route("/ui/deliveries/{id}/replay", post(replay::one))
            .route("/ui/notifications/{id}", get(delivery::notification))
            .route("/ui/trigger", get(trigger::show).post(trigger::send))
            .route("/ui/trigger/preview", post(trigger::preview))
            .route("/ui/trigger/course", post(trigger::course))
            .route("/ui/trigger/courses/{id}/end", post(trigger::end_course))
            .route("/ui/faults", get(faults::show).post(faults::plan))
            .route("/ui/faults/clear", post(faults::clear_all))
            .route("/ui/faults/{id}/clear", post(faults::clear))
            .route("/ui/pull-faults", post(pull_faults::plan))
            .route("/ui/pull-faults/clear", post(pull_faults::clear_all))
            .route("/ui/pull-faults/{id}/clear", post(pull_faults::clear))
            .route("/ui/world", get(world::show))
            .route("/ui/world/pulls", get(world::pulls))
            .route("/ui/world/rfps/{id}", get(world::rfp))
            .route("/ui/clock", get(clock::show))
            .route(ADVANCE, post(clock::advance))
            .route("/ui/clock/gear", post(clock::set_gear))
            .route("/ui/sign-out", post(sign_in::leave))
            .route_layer(middleware::from_fn_with_state(self.clone(), gate::signed_in));
        let open = Router::new()
            .route("/ui/sign-in", get(sign_in::show).post(sign_in::enter))
            .route("/ui/style.css", get(assets::style))
            .route("/ui/script.js", get(assets::script))
            .route("/ui/icon.svg", get(assets::icon));
        let pages = pages.merge(open).method_not_allowed_fallback(gate::wrong_method);
        pages.layer(middleware::map_response(gate::seal)).with_state(self.clone())
    }
}
