//! Signing in with the service's token, and out.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::Dashboard;
use super::field::{Field, Kind};
use super::form::{Form, Query};
use super::gate::own_page;
use super::page::{Frame, Page};
use super::session::SESSION_LASTS;
use crate::clock;

/// How long the answer to a wrong token is held back, so that who guesses on one connection does it slowly.
const WRONG_WAITS: Duration = Duration::from_millis(250);

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    frame: Frame,
    token: Field,
    /// The page that was asked for.
    to: String,
}

fn page(dashboard: &Dashboard, to: &str, error: Option<&str>) -> Response {
    let status = if error.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    let token = Field::new("token", "Token").kind(Kind::Token).required().wide();
    let token = Field { error: error.map(str::to_owned), ..token };
    let mut frame = dashboard.outer_frame("Sign in");
    frame.is_error = error.is_some();
    Page(status, SignIn { frame, token, to: to.to_owned() }).into_response()
}

/// The form; who may look already is sent on.
pub(super) async fn show(State(dashboard): State<Dashboard>, query: Query, headers: HeaderMap) -> Response {
    let to = own_page(query.0.get("to"));
    if dashboard.admits(&headers) {
        return Redirect::to(to).into_response();
    }
    page(&dashboard, to, None)
}

/// Takes the token.
pub(super) async fn enter(State(dashboard): State<Dashboard>, form: Form) -> Response {
    let to = own_page(form.get("to"));
    let is_right = match &dashboard.shared.control.token {
        Some(token) => token.is(form.get("token").as_bytes()),
        None => return Redirect::to(to).into_response(),
    };
    if !is_right {
        clock::pause(WRONG_WAITS).await;
        return page(&dashboard, to, Some("this is not the service's token"));
    }
    let session = dashboard.shared.sessions.begin();
    let cookie = dashboard.cookie(session.text(), SESSION_LASTS.as_secs());
    ([(SET_COOKIE, cookie)], Redirect::to(to)).into_response()
}

/// Ends the session.
pub(super) async fn leave(State(dashboard): State<Dashboard>, headers: HeaderMap, _: Form) -> Response {
    if let Some(session) = dashboard.session(&headers) {
        dashboard.shared.sessions.end(session);
    }
    ([(SET_COOKIE, dashboard.cookie("", 0))], Redirect::to("/ui/sign-in")).into_response()
}

impl Dashboard {
    /// The session's cookie: for no script, and for no request that another site makes.
    fn cookie(&self, value: &str, lasts: u64) -> HeaderValue {
        let secure = if self.shared.secure { "; Secure" } else { "" };
        let name = &self.shared.cookie;
        let text = format!("{name}={value}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Strict{secure}");
        HeaderValue::try_from(text).expect("names, hexadecimal digits and numbers make a header")
    }
}
