//! What all pages have: the frame, and the answer where there is no page.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};

use super::Dashboard;
use super::field::Told;
use super::form::{Form, Wrong};
use super::words::{self, When};
use crate::control::problem::{Kind, Problem};
use crate::service::model::{ClockView, Instant};

/// The pages of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Here {
    Overview,
    Deliveries,
    Trigger,
    Faults,
    World,
    Clock,
    /// None of them.
    Elsewhere,
}

impl Here {
    /// Those that are named in the navigation: word, address and name.
    pub(super) const NAMED: [(Self, &'static str, &'static str, &'static str); 6] = [
        (Self::Overview, "overview", "/", "Overview"),
        (Self::Deliveries, "deliveries", "/ui/deliveries", "Deliveries"),
        (Self::Trigger, "trigger", "/ui/trigger", "Trigger"),
        (Self::Faults, "faults", "/ui/faults", "Faults"),
        (Self::World, "world", "/ui/world", "World"),
        (Self::Clock, "clock", "/ui/clock", "Clock"),
    ];
}

/// What stands around every page.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) title: String,
    pub(super) here: Here,
    /// Whether it leads to the other pages.
    pub(super) leads_on: bool,
    pub(super) forgery: String,
    /// Whether there is somebody to sign out.
    pub(super) signed_in: bool,
    pub(super) clock: Option<ClockLine>,
    /// What was done.
    pub(super) notice: Option<&'static str>,
    /// What was refused.
    pub(super) problems: Vec<Told>,
    /// Whether something was refused, which is said first.
    pub(super) is_error: bool,
    /// What came of that.
    pub(super) outcome: &'static str,
    /// Whether it answers a form, so that there is nothing to be fetched again at its address.
    pub(super) is_answer: bool,
    /// Why the service does not work.
    pub(super) trouble: Vec<String>,
    pub(super) version: &'static str,
}

/// PNS time at the head of a page.
#[derive(Clone, Debug)]
pub(super) struct ClockLine {
    pub(super) now: When,
    pub(super) gear: String,
}

impl Frame {
    /// The navigation.
    pub(super) fn named(&self) -> impl Iterator<Item = (bool, &'static str, &'static str, &'static str)> {
        let here = self.here;
        Here::NAMED.into_iter().map(move |(place, word, path, name)| (place == here, word, path, name))
    }

    /// The page answers a form that was refused, for these reasons.
    pub(super) fn refuse(&mut self, told: Vec<Told>) {
        self.is_answer = true;
        self.is_error = true;
        self.problems = told;
    }

    /// The page's filter was refused: there was nothing to be done.
    pub(super) fn refuse_filter(&mut self, told: Vec<Told>) {
        self.refuse(told);
        self.outcome = "This filter is not understood.";
    }

    fn bare(title: String) -> Self {
        Self {
            title,
            here: Here::Elsewhere,
            leads_on: true,
            forgery: String::new(),
            signed_in: false,
            clock: None,
            notice: None,
            problems: Vec::new(),
            is_error: false,
            outcome: "Nothing was done.",
            is_answer: false,
            trouble: Vec::new(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

impl Dashboard {
    /// The frame of a page, and the clock that it shows.
    pub(super) async fn frame(
        &self,
        title: impl Into<String>,
        here: Here,
        query: &Form,
    ) -> Result<(Frame, ClockView), Refusal> {
        let clock = self.simulator().clock().await?;
        let health = self.simulator().health();
        let frame = Frame {
            here,
            forgery: self.shared.forgery.text().to_owned(),
            signed_in: self.shared.control.token.is_some(),
            clock: Some(ClockLine {
                now: words::when(clock.now, Instant(pns_engine::Timestamp::EPOCH)),
                gear: clock.gear.0.to_string(),
            }),
            notice: notice(query.get("done")),
            trouble: health.reasons,
            ..Frame::bare(title.into())
        };
        Ok((frame, clock))
    }

    /// The frame of a page for who has not signed in.
    pub(super) fn outer_frame(&self, title: &str) -> Frame {
        let forgery = self.shared.forgery.text().to_owned();
        Frame { forgery, leads_on: false, ..Frame::bare(title.to_owned()) }
    }
}

/// What a word in the address says. Only these words say anything: an address cannot put words into our mouth.
fn notice(word: &str) -> Option<&'static str> {
    Some(match word {
        "created" => "The subscription was created. It sees what is published from now on.",
        "changed" => "The settings were changed.",
        "unchanged" => "Nothing was changed.",
        "removed" => "The subscription was removed.",
        "paused" => "Paused: nothing is sent, everything waits.",
        "resumed" => "Resumed.",
        "announced" => "The downtime window was announced.",
        "ended" => "The window's end was moved.",
        "cancelled" => "The window is over.",
        "replayed" => "Queued once more.",
        "nothing-missing" => {
            "Nothing is missing: all that it should have got was acknowledged or is on its way."
        }
        "sent" => "Published.",
        "begun" => "Begun: its first event is published, the others follow.",
        "course-ended" => "Ended: what was published stays, the rest does not come.",
        "unseen" => "Published, and no subscription sees it: look at their event types and suppliers.",
        "planned" => "The fault is planned.",
        "cleared" => "The fault was removed.",
        "advanced" => "Time was moved.",
        "geared" => "Time moves in another gear.",
        _ => return None,
    })
}

/// A page with its status.
#[derive(Debug)]
pub(super) struct Page<T>(pub(super) StatusCode, pub(super) T);

impl<T> Page<T> {
    pub(super) const fn of(template: T) -> Self {
        Self(StatusCode::OK, template)
    }
}

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let Self(status, template) = self;
        match template.render() {
            Ok(text) => (status, Html(text)).into_response(),
            // What a template writes, a String takes; only a value that cannot be shown could fail.
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// What a handler of a page gives back.
pub(super) type Shown<T> = Result<Page<T>, Refusal>;
/// What a handler that does something gives back: where to look next.
pub(super) type Acted = Result<Redirect, Refusal>;

/// Where to look after something was done.
pub(super) fn done(path: &str, word: &str) -> Redirect {
    Redirect::to(&format!("{path}?done={word}"))
}

/// There is no page.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    title: String,
    detail: String,
    help: Option<String>,
    retry_after: Option<u16>,
    /// Where to sign in.
    sign_in: Option<String>,
}

impl Refusal {
    fn new(status: StatusCode, title: &str, detail: impl Into<String>) -> Self {
        Self {
            status,
            title: title.to_owned(),
            detail: detail.into(),
            help: None,
            retry_after: None,
            sign_in: None,
        }
    }

    pub(super) fn nothing(detail: &str) -> Self {
        Problem::new(Kind::NotFound, detail).into()
    }

    /// A form that did not bring back what our pages tell.
    pub(super) fn foreign_form() -> Self {
        let detail = "it does not come from a page of this service as it runs now, so nothing was done";
        let help = "the service was started again meanwhile? Go back, load the page again, and send the form once more";
        let refusal = Self::new(StatusCode::FORBIDDEN, "This form is not answered", detail);
        Self { help: Some(help.to_owned()), ..refusal }
    }

    /// A form of somebody who has not signed in, or not since the service was started.
    pub(super) fn no_session(sign_in: String) -> Self {
        let detail = "there is no session any more, so nothing was done";
        let refusal = Self::new(StatusCode::UNAUTHORIZED, "You are signed out", detail);
        Self { sign_in: Some(sign_in), ..refusal }
    }

    /// A page that is no form.
    pub(super) fn no_form() -> Self {
        let detail = "it is not of the content type `application/x-www-form-urlencoded`";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "What was sent is not a form", detail)
    }

    /// A method that an address does not have.
    pub(super) fn wrong_method(method: &Method) -> Self {
        let detail = if *method == Method::GET {
            "a form is sent to this address, and no page is here".to_owned()
        } else {
            format!("`{method}` is not for this address")
        };
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "There is nothing to look at here", detail)
    }
}

impl<E: Into<Problem>> From<E> for Refusal {
    fn from(error: E) -> Self {
        let Problem { kind, detail, errors } = error.into();
        let (_, status, title) = kind.facts();
        let detail = if errors.is_empty() {
            detail
        } else {
            let told = errors.iter().map(|error| match error.field.as_str() {
                "" => error.detail.clone(),
                field => format!("{field}: {}", error.detail),
            });
            told.collect::<Vec<_>>().join("; ")
        };
        let help = kind.help().map(str::to_owned);
        Self { help, retry_after: kind.retry_after(), ..Self::new(status, title, detail) }
    }
}

impl Refusal {
    /// A form that was refused where nobody could have filled it in otherwise.
    pub(super) fn wrong(wrong: Wrong) -> Self {
        let Wrong { errors, whole, status } = wrong;
        let errors = errors.into_iter().map(|(field, why)| match field.as_str() {
            "" => why,
            field => format!("{field}: {why}"),
        });
        let told: Vec<String> = whole.into_iter().chain(errors).collect();
        Self::new(status, "Nothing was done", told.join("; "))
    }
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage {
    frame: Frame,
    detail: String,
    help: Option<String>,
    sign_in: Option<String>,
    status: u16,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, title, detail, help, retry_after, sign_in } = self;
        let frame = Frame { is_error: true, ..Frame::bare(title) };
        let page = RefusalPage { frame, detail, help, sign_in, status: status.as_u16() };
        let mut response = Page(status, page).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"pns\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// The status of a page that tells what is wrong with its form.
pub(super) fn status_of(wrong: Option<&Wrong>) -> StatusCode {
    match wrong.map(|wrong| wrong.status) {
        None => StatusCode::OK,
        Some(status) if status.is_success() => StatusCode::UNPROCESSABLE_ENTITY,
        Some(status) => status,
    }
}
