//! Who may look and who may act.

use pns_simulator::control::{BearerToken, ControlSettings};
use pns_simulator::service::Simulator;

use super::{FORM, HTML, Shown, block_on, csrf, html};

const TOKEN: &str = "0123456789abcdef-t0ken";

async fn with_token() -> Shown {
    let token = Some(BearerToken::new(TOKEN).unwrap());
    let settings = ControlSettings { token, ..ControlSettings::default() };
    Shown::of(Simulator::builder().start().await.unwrap(), settings).await
}

#[test]
fn every_answer_says_what_it_may_load() {
    block_on(async {
        let shown = Shown::start().await;
        for path in ["/", "/ui/style.css", "/ui/script.js", "/ui/icon.svg", "/ui/deliveries/9", "/ui/sign-in"]
        {
            let answer = shown.get(path).await;
            let policy = answer.header("content-security-policy").unwrap();
            for rule in [
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "connect-src 'self'",
                "form-action 'self'",
                "frame-ancestors 'none'",
                "base-uri 'none'",
            ] {
                assert!(policy.contains(rule), "{path}: {policy}");
            }
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(answer.header("x-content-type-options").as_deref(), Some("nosniff"));
            assert_eq!(answer.header("referrer-policy").as_deref(), Some("same-origin"));
            assert_eq!(answer.header("x-frame-options").as_deref(), Some("DENY"));
        }
        assert_eq!(shown.get("/").await.header("cache-control").as_deref(), Some("no-store"));
        // The control API says what it always said.
        let api = shown.client.get("/api/v1/status").await;
        assert_eq!(api.header("content-security-policy"), None);
    });
}

#[test]
fn what_does_not_change_is_fetched_once() {
    block_on(async {
        let shown = Shown::start().await;
        for path in ["/ui/style.css", "/ui/script.js", "/ui/icon.svg"] {
            let tag = shown.get(path).await.header("etag").unwrap();
            let again =
                shown.client.with("GET", path, &[("If-None-Match", &format!("W/{tag}, \"x\""))], "").await;
            assert_eq!((again.status, again.body.len()), (304, 0));
            let other = shown.client.with("GET", path, &[("If-None-Match", "\"x\"")], "").await;
            assert_eq!(other.status, 200);
        }
    });
}

#[test]
fn a_form_that_is_not_ours_does_nothing() {
    block_on(async {
        let shown = Shown::start().await;
        let id = shown.subscribe().await;
        let path = format!("/ui/subscriptions/{id}/pause");
        let token = csrf(&shown.page("/").await);
        let (one_less, other) = (&token[1..], token.replace(|char: char| char.is_ascii_digit(), "0"));
        for body in ["", "csrf=", &format!("csrf={one_less}"), &format!("csrf={other}x"), "CSRF=1"] {
            let answer = shown.post_raw(&path, body, &[]).await;
            assert_eq!(answer.status, 403, "{body}");
            html::check(&answer.text());
        }
        let body = format!("csrf={token}");
        for (name, value) in [
            ("Origin", "https://evil.test"),
            ("Origin", "null"),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Site", "same-site"),
            ("Host", "evil.test"),
        ] {
            assert_eq!(shown.post_raw(&path, &body, &[(name, value)]).await.status, 403, "{name}: {value}");
        }
        let json = shown.client.with("POST", &path, &[HTML, ("Content-Type", "text/plain")], &body).await;
        assert_eq!(json.status, 415);
        assert_eq!(shown.get(&path).await.status, 405, "a link changes nothing");
        assert!(!shown.simulator.subscription(pns_engine::SubscriptionId(id)).await.unwrap().paused);
        let own = format!("http://{}", shown.client.address);
        let answer =
            shown.post_raw(&path, &body, &[("Origin", &own), ("Sec-Fetch-Site", "same-origin")]).await;
        assert_eq!(answer.status, 303);
        assert!(shown.simulator.subscription(pns_engine::SubscriptionId(id)).await.unwrap().paused);
    });
}

#[test]
fn a_link_from_elsewhere_shows_a_page_and_nothing_else_from_there_does() {
    block_on(async {
        let shown = Shown::start().await;
        let visit = [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")];
        let from = |path: &'static str, more: Vec<(&'static str, &'static str)>| {
            let headers: Vec<_> = [HTML, ("Sec-Fetch-Site", "cross-site")].into_iter().chain(more).collect();
            let client = shown.client;
            async move { client.with("GET", path, &headers, "").await.status }
        };
        assert_eq!(from("/", visit.to_vec()).await, 200);
        assert_eq!(from("/ui/deliveries", visit.to_vec()).await, 200);
        assert_eq!(from("/", vec![]).await, 403);
        assert_eq!(from("/", vec![("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe")]).await, 403);
        assert_eq!(
            from("/ui/script.js", vec![("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "script")]).await,
            403
        );
        assert_eq!(from("/api/v1/status", visit.to_vec()).await, 403);
    });
}

#[test]
fn a_form_is_bounded() {
    block_on(async {
        let shown = Shown::start().await;
        let token = csrf(&shown.page("/ui/trigger").await);
        let body = format!("csrf={token}&raw={}", "x".repeat(300 << 10));
        assert_eq!(shown.post_raw("/ui/trigger", &body, &[]).await.status, 413);
    });
}

#[test]
fn with_a_token_pages_are_for_those_who_signed_in() {
    block_on(async {
        let mut shown = with_token().await;
        for (path, then) in [
            ("/", "/ui/sign-in"),
            (
                "/ui/deliveries?state=held&type=A",
                "/ui/sign-in?to=%2Fui%2Fdeliveries%3Fstate%3Dheld%26type%3DA",
            ),
            ("/ui/subscriptions/1", "/ui/sign-in?to=%2Fui%2Fsubscriptions%2F1"),
            ("/ui/nope", "/ui/sign-in?to=%2Fui%2Fnope"),
            ("/ui/events", "/ui/sign-in"),
        ] {
            let answer = shown.get(path).await;
            assert_eq!((answer.status, answer.header("location").as_deref()), (303, Some(then)), "{path}");
        }
        assert_eq!(shown.client.get("/ui/events").await.problem(), "token-required");
        assert_eq!(shown.client.get("/").await.problem(), "token-required", "a program is told as before");
        let from = format!("http://{}/ui/faults?after=3", shown.client.address);
        let answer = shown.post_raw("/ui/pause", "csrf=x", &[("Referer", &from)]).await;
        assert_eq!((answer.status, answer.header("www-authenticate").is_some()), (401, true));
        html::check(&answer.text());
        let way = super::attribute(&answer.text(), "sign-in", "href");
        assert_eq!(way, "/ui/sign-in?to=%2Fui%2Ffaults%3Fafter%3D3");
        assert_eq!(shown.get("/ui/style.css").await.status, 200);
        let page = shown.page("/ui/sign-in").await;
        let token = csrf(&page);
        let enter = async |with: &str| {
            shown.post_raw("/ui/sign-in", &format!("csrf={token}&token={with}"), &[]).await
        };
        for wrong in ["", "0123456789abcdef-t0keN", "x"] {
            let answer = enter(wrong).await;
            assert_eq!(answer.status, 401);
            assert!(answer.header("set-cookie").is_none());
            html::check(&answer.text());
            assert!(wrong.is_empty() || !answer.text().contains("t0ken"), "a token is not told back");
        }
        assert_eq!(shown.post_raw("/ui/sign-in", &format!("token={TOKEN}"), &[]).await.status, 403);
        let answer = enter(TOKEN).await;
        assert_eq!((answer.status, answer.header("location").as_deref()), (303, Some("/")));
        let cookie = answer.header("set-cookie").unwrap();
        for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains(TOKEN) && !cookie.contains("Secure"), "{cookie}");
        shown.cookie = Some(cookie.split(';').next().unwrap().to_owned());
        let overview = shown.page("/").await;
        assert!(overview.contains("sign-out"));
        // The cookie is the pages' only, so that they do not lead to the API.
        assert!(!overview.contains("/api/v1/"), "{overview}");
        let api = [("Cookie", shown.cookie.as_deref().unwrap())];
        assert_eq!(shown.client.with("GET", "/api/v1/status", &api, "").await.status, 401);
        let left = shown.post("/ui/sign-out", &[]).await;
        assert_eq!(left.header("location").as_deref(), Some("/ui/sign-in"));
        assert_eq!(shown.get("/").await.status, 303, "the old cookie is worth nothing");
        // A program with the token may look, too.
        let bearer = format!("Bearer {TOKEN}");
        assert_eq!(shown.client.with("GET", "/", &[HTML, ("Authorization", &bearer)], "").await.status, 200);
    });
}

#[test]
fn who_signs_in_gets_the_page_that_was_asked_for() {
    block_on(async {
        let shown = with_token().await;
        let page = shown.page("/ui/sign-in?to=%2Fui%2Fclock").await;
        assert!(page.contains("name=\"to\" value=\"/ui/clock\""), "{page}");
        let csrf = csrf(&page);
        for (to, then) in [
            ("%2Fui%2Fclock%3Fa%3Db", "/ui/clock?a=b"),
            ("", "/"),
            ("https%3A%2F%2Fevil.test%2Fui%2F", "/"),
            ("%2F%2Fevil.test", "/"),
            ("%2Fui%2Fa%0D%0ASet-Cookie%3Ax", "/"),
            ("%2Fui%2Fsign-in", "/"),
        ] {
            let body = format!("csrf={csrf}&token={TOKEN}&to={to}");
            let answer = shown.post_raw("/ui/sign-in", &body, &[]).await;
            assert_eq!((answer.status, answer.header("location").as_deref()), (303, Some(then)), "{to}");
        }
        // A wrong token does not forget it.
        let again =
            shown.post_raw("/ui/sign-in", &format!("csrf={csrf}&token=x&to=%2Fui%2Fclock"), &[]).await;
        assert!(again.text().contains("name=\"to\" value=\"/ui/clock\""));
        assert!(again.text().contains("<title>Error: Sign in"), "{}", again.text());
    });
}

#[test]
fn where_no_page_is_a_browser_gets_one_that_says_so() {
    block_on(async {
        let shown = Shown::start().await;
        for path in ["/ui", "/ui/"] {
            assert_eq!(shown.get(path).await.header("location").as_deref(), Some("/"), "{path}");
        }
        let id = shown.subscribe().await;
        for (path, status) in [
            ("/ui/nope".to_owned(), 404),
            (format!("/ui/subscriptions/{id}/"), 404),
            ("/ui/subscriptions/x".to_owned(), 404),
            ("/ui/pause".to_owned(), 405),
            (format!("/ui/subscriptions/{id}/windows"), 405),
            ("/ui/trigger/preview".to_owned(), 405),
        ] {
            let answer = shown.get(&path).await;
            assert_eq!(answer.status, status, "{path}");
            assert_eq!(answer.header("allow").as_deref(), (status == 405).then_some("POST"), "{path}");
            assert!(answer.header("content-security-policy").is_some());
            html::check(&answer.text());
            assert!(answer.text().contains("data-test=\"nav-overview\""), "{path}");
        }
        // Programs read problems.
        assert_eq!(shown.client.get("/ui/nope").await.problem(), "not-found");
        assert_eq!(shown.client.get("/ui/pause").await.problem(), "method-not-allowed");
        let foreign = shown.client.with("GET", "/ui/clock", &[HTML, ("Host", "evil.test")], "").await;
        assert_eq!((foreign.status, foreign.header("content-security-policy").is_some()), (403, true));
        html::check(&foreign.text());
    });
}

#[test]
fn signing_out_ends_what_pages_listen_to() {
    block_on(async {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        let mut shown = with_token().await;
        let token = csrf(&shown.page("/ui/sign-in").await);
        let body = format!("csrf={token}&token={TOKEN}");
        let cookie = shown.post_raw("/ui/sign-in", &body, &[]).await.header("set-cookie").unwrap();
        shown.cookie = Some(cookie.split(';').next().unwrap().to_owned());
        let mut stream = shown.client.connect().await;
        let cookie = shown.cookie.as_deref().unwrap();
        let request = format!(
            "GET /ui/events HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n",
            shown.client.address
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut buffer = [0; 1024];
        let length = stream.read(&mut buffer).await.unwrap();
        assert!(buffer[..length].starts_with(b"HTTP/1.1 200 "));
        shown.post("/ui/sign-out", &[]).await;
        // What happens next is told no more.
        shown.subscribe().await;
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        assert!(!String::from_utf8_lossy(&rest).contains("event: changed"));
    });
}

#[test]
fn without_a_token_there_is_nothing_to_sign_in_to() {
    block_on(async {
        let shown = Shown::start().await;
        assert_eq!(shown.get("/ui/sign-in").await.header("location").as_deref(), Some("/"));
        assert!(!shown.page("/").await.contains("sign-out"));
        let stale = shown.client.with("POST", "/ui/pause", &[HTML, FORM], "").await;
        assert_eq!(stale.status, 403);
    });
}

#[test]
fn a_page_is_told_when_something_happened() {
    block_on(async {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        let shown = Shown::start().await;
        let mut stream = shown.client.connect().await;
        let request = format!("GET /ui/events HTTP/1.1\r\nHost: {}\r\n\r\n", shown.client.address);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut heard = String::new();
        let mut buffer = [0; 1024];
        while !heard.contains(": here") {
            let length = stream.read(&mut buffer).await.unwrap();
            heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        assert!(heard.contains("content-type: text/event-stream"));
        shown.subscribe().await;
        while !heard.contains("event: changed") {
            let length = stream.read(&mut buffer).await.unwrap();
            assert!(length > 0, "{heard}");
            heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    });
}
