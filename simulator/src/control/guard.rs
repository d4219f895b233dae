//! Who is answered.
//!
//! A page in a browser can send requests to `127.0.0.1`, under a name of its own that resolves there (DNS rebinding).
//! So a server on a loopback address answers only to names that mean this machine, and no server answers a page of
//! another site. Beside that, who knows the token is answered; without a token, everybody on this machine is.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::{HeaderMap, HeaderName};

use super::handlers::Control;
use super::operations::{ADVANCE, OPEN_PATHS};
use super::problem::{Kind, Problem};
use crate::dashboard;

/// Lets a request pass that may, and bounds its time.
pub(super) async fn guard(State(control): State<Control>, request: Request, next: Next) -> Response {
    let is_for_people = dashboard::is_asked(&request) && dashboard::wants_html(request.headers());
    if let Err(problem) = control.admits(&request) {
        return dashboard::refuse(problem, is_for_people).await;
    }
    let limit = if [ADVANCE, dashboard::ADVANCE].contains(&request.uri().path()) {
        control.limits.advance
    } else {
        control.limits.request
    };
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!("longer than {}", crate::units::span_text(limit));
            dashboard::refuse(Problem::new(Kind::TimeOut, detail), is_for_people).await
        }
    }
}

impl Control {
    fn admits(&self, request: &Request) -> Result<(), Problem> {
        let headers = request.headers();
        let host = host(request)?;
        if (self.loopback || !self.hosts.is_empty()) && !self.is_answered(host) {
            return Err(Problem::new(Kind::ForeignHost, format!("`{host}` is not a name of this service")));
        }
        if !dashboard::is_visit(request) {
            check_origin(headers, request_authority(request))?;
        }
        // The pages ask for the token themselves, in a form.
        if dashboard::is_asked(request) {
            return Ok(());
        }
        let Some(token) = &self.token else { return Ok(()) };
        if OPEN_PATHS.contains(&request.uri().path()) {
            return Ok(());
        }
        match shown_token(headers) {
            Some(shown) if token.is(shown) => Ok(()),
            Some(_) => Err(Problem::new(Kind::TokenRequired, "the token is not the right one")),
            None => Err(Problem::new(Kind::TokenRequired, "there is no bearer token")),
        }
    }

    /// Whether `host`, without its port, means this service. Addresses do: no page can make them mean another thing.
    fn is_answered(&self, host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let host = host.to_ascii_lowercase();
        bare.parse::<std::net::IpAddr>().is_ok()
            || host == "localhost"
            || host.ends_with(".localhost")
            || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(&host))
    }
}

fn request_authority(request: &Request) -> &str {
    match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default(),
    }
}

/// The host without its port.
fn host(request: &Request) -> Result<&str, Problem> {
    let authority = request_authority(request);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    if host.is_empty() || request.headers().get_all(HOST).iter().count() > 1 {
        return Err(Problem::field("Host", "expected one host").malformed());
    }
    Ok(host)
}

/// A page of the service itself may call it, and no other.
fn check_origin(headers: &HeaderMap, authority: &str) -> Result<(), Problem> {
    let foreign =
        |said: &str| Err(Problem::new(Kind::ForeignOrigin, format!("the request comes from `{said}`")));
    if let Some(origin) = headers.get(ORIGIN) {
        let origin = origin.to_str().unwrap_or("…");
        let own = origin.split_once("://").is_some_and(|(_, host)| host.eq_ignore_ascii_case(authority));
        if !own {
            return foreign(origin);
        }
    }
    let site = headers.get(HeaderName::from_static("sec-fetch-site")).and_then(|site| site.to_str().ok());
    match site {
        Some("cross-site" | "same-site") => foreign("another site"),
        _ => Ok(()),
    }
}

fn shown_token(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}
