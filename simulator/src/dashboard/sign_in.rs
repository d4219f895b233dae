//! Signing in with the service's token, and out.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::Dashboard;
use super::field::{Field, Kind};
use super::form::Form;
use super::page::{Frame, Page};
use super::session::SESSION_LASTS;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    frame: Frame,
    token: Field,
}

fn page(dashboard: &Dashboard, error: Option<&str>) -> Response {
    let status = if error.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    let token = Field::new("token", "Token").kind(Kind::Secret).required().wide();
    let token = Field { error: error.map(str::to_owned), ..token };
    Page(status, SignIn { frame: dashboard.outer_frame("Sign in"), token }).into_response()
}

/// The form; who may look already is sent on.
pub(super) async fn show(State(dashboard): State<Dashboard>, headers: HeaderMap) -> Response {
    if dashboard.admits(&headers) {
        return Redirect::to("/").into_response();
    }
    page(&dashboard, None)
}

/// Takes the token.
pub(super) async fn enter(State(dashboard): State<Dashboard>, form: Form) -> Response {
    let is_right = match &dashboard.shared.control.token {
        Some(token) => token.is(form.get("token").as_bytes()),
        None => return Redirect::to("/").into_response(),
    };
    if !is_right {
        return page(&dashboard, Some("this is not the service's token"));
    }
    let session = dashboard.shared.sessions.begin();
    let cookie = dashboard.cookie(session.text(), SESSION_LASTS.as_secs());
    ([(SET_COOKIE, cookie)], Redirect::to("/")).into_response()
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
