//! Who may look and who may act.
//!
//! The control API's guard has already refused foreign host names and pages of other sites. Beside that:
//! * where the service has a token, a page wants a session, which a cookie shows (or the token itself, for programs);
//! * whatever changes something is a `POST` of a form that brings back a value which only our own pages tell;
//! * every answer says what it may load (itself, from here), and that nobody frames it.
//!
//! `Referrer-Policy` is `same-origin`: with `no-referrer` browsers send `Origin: null` with our own forms, which cannot
//! be told from those of others.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, REFERER, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use super::Dashboard;
use super::page::Refusal;
use crate::control::events;
use crate::control::handlers::nothing_here;
use crate::control::problem::{Kind, Problem};
use crate::service::digest::hex;

/// What a page may load and where it may send.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A random value that is shown to nobody but whom it is for.
#[derive(Clone)]
pub(super) struct Secret(String);

impl Secret {
    /// 256 bits.
    pub(super) fn new() -> Self {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).expect("the system's random numbers do not run out");
        Self(hex(&bytes))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// In constant time.
    pub(super) fn is(&self, shown: &str) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), shown.as_bytes()).is_ok()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Whether the dashboard is asked. At `/` that is only a browser: programs are answered as everywhere else.
pub(crate) fn is_asked(request: &Request) -> bool {
    match request.uri().path() {
        "/" => wants_html(request.headers()),
        "/ui" => true,
        path => path.starts_with("/ui/"),
    }
}

/// Whether somebody comes to a page by a link or by typing. That changes nothing and shows the page to nobody else, so
/// it does not matter where the link stands.
pub(crate) fn is_visit(request: &Request) -> bool {
    let said = |name: &'static str| request.headers().get(name).map(HeaderValue::as_bytes);
    is_asked(request)
        && request.method() == Method::GET
        && said("sec-fetch-mode") == Some(b"navigate")
        && said("sec-fetch-dest") == Some(b"document")
}

/// Whether HTML is asked for by name.
pub(crate) fn wants_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/html") || kind.eq_ignore_ascii_case("application/xhtml+xml")
    })
}

impl Dashboard {
    /// The value of the session's cookie.
    pub(super) fn session<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.shared.cookie).map(|(_, value)| value)
    }

    /// Whether a page may be shown.
    pub(super) fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.shared.control.token else { return true };
        if self.session(headers).is_some_and(|session| self.shared.sessions.knows(session)) {
            return true;
        }
        let shown = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let shown = shown.and_then(|value| value.split_at_checked("Bearer ".len()));
        shown.is_some_and(|(scheme, shown)| {
            scheme.eq_ignore_ascii_case(b"Bearer ") && token.is(shown.trim_ascii())
        })
    }
}

/// Lets those pass that have signed in, and shows others the way.
pub(super) async fn signed_in(State(dashboard): State<Dashboard>, request: Request, next: Next) -> Response {
    if dashboard.admits(request.headers()) {
        return next.run(request).await;
    }
    let headers = request.headers();
    if !wants_html(headers) {
        return Problem::new(Kind::TokenRequired, "there is no session: sign in at `/ui/sign-in`")
            .into_response();
    }
    if [Method::GET, Method::HEAD].contains(request.method()) {
        let wanted = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        return Redirect::to(&sign_in_address(wanted)).into_response();
    }
    // What was sent is lost; the page that it was sent from is not.
    let from = headers.get(REFERER).and_then(|from| from.to_str().ok()?.parse::<Uri>().ok());
    let from = from.as_ref().and_then(Uri::path_and_query).map_or("/", PathAndQuery::as_str);
    Refusal::no_session(sign_in_address(from)).into_response()
}

/// Where to sign in, and come back to `wanted`.
fn sign_in_address(wanted: &str) -> String {
    match own_page(wanted) {
        "/" => "/ui/sign-in".to_owned(),
        page => {
            let page: String = form_urlencoded::byte_serialize(page.as_bytes()).collect();
            format!("/ui/sign-in?to={page}")
        }
    }
}

/// `wanted` if it is the address of one of our pages, else the overview: an address that is told to us leads to no other
/// site.
pub(super) fn own_page(wanted: &str) -> &str {
    let path = wanted.split('?').next().unwrap_or_default();
    let is_page = path == "/" || path.starts_with("/ui/");
    // Neither signs in or out, nor is to be looked at.
    let is_service = ["/ui/sign-in", "/ui/sign-out", "/ui/events"].contains(&path);
    let is_plain = wanted.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_page && !is_service && is_plain { wanted } else { "/" }
}

/// What the pages' addresses begin with is no page itself.
pub(super) async fn to_overview(request: Request) -> Response {
    if !wants_html(request.headers()) {
        return nothing_here(request).await.into_response();
    }
    Redirect::to("/").into_response()
}

/// An address that has no page.
pub(super) async fn nowhere(request: Request) -> Response {
    if !wants_html(request.headers()) {
        return nothing_here(request).await.into_response();
    }
    Refusal::nothing(&format!("no page is at `{}`", request.uri().path())).into_response()
}

/// An address that is asked by a method which it does not have: mostly a form's, by a link.
pub(super) async fn wrong_method(request: Request) -> Response {
    let method = request.method();
    if !wants_html(request.headers()) {
        let detail = format!("`{method}` is not for this path: see `Allow`");
        return Problem::new(Kind::MethodNotAllowed, detail).into_response();
    }
    Refusal::wrong_method(method).into_response()
}

/// What is refused before a page is asked, as whoever asked wants to read it.
pub(crate) async fn refuse(problem: Problem, as_html: bool) -> Response {
    if as_html { seal(Refusal::from(problem).into_response()).await } else { problem.into_response() }
}

/// Says of every answer what it may do.
pub(super) async fn seal(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(VARY).or_insert(HeaderValue::from_static("accept, cookie"));
    response
}

/// Tells the script when to look again, as long as who asked may look.
pub(super) async fn events(State(dashboard): State<Dashboard>, headers: HeaderMap) -> Response {
    let control = dashboard.shared.control.clone();
    events::changes(control, move || dashboard.admits(&headers)).await.into_response()
}

#[cfg(test)]
mod tests {
    use super::own_page;

    #[test]
    fn signing_in_leads_to_our_own_pages_only() {
        for page in ["/", "/?after=3", "/ui/deliveries", "/ui/deliveries?state=held&type=RFP_SEND"] {
            assert_eq!(own_page(page), page);
        }
        for other in [
            "",
            "https://evil.test/",
            "//evil.test/ui/",
            "/\\evil.test",
            "/ui/\r\nLocation: x",
            "/ui/ä",
            "/api/v1/status",
            "/ui",
            "ui/clock",
            "/ui/sign-in?to=/",
            "/ui/sign-out",
            "/ui/events",
        ] {
            assert_eq!(own_page(other), "/", "{other}");
        }
    }
}
