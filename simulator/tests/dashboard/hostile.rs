//! Texts that would be markup, in every place where others' texts are shown.

use std::time::Duration;

use pns_simulator::control::ControlSettings;
use pns_simulator::service::Simulator;
use pns_simulator::service::model::{NotificationSpec, PublishOptions};
use pns_simulator::transport::{PlainHttp, Settings};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{Shown, block_on, html};

const EVIL: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;";

/// What cannot be seen, and what is seen of it.
const UNSEEN: (&str, &str) = ("a\u{202e}b\u{1}\r", "a\\u{202e}b␁␍");

/// Nothing of it is markup: it is there, and escaped.
fn is_escaped(page: &str, path: &str) {
    html::check(page);
    assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{path}");
    assert!(
        page.contains("&#60;script&#62;alert(1)") || page.contains("&lt;script&gt;alert(1)"),
        "{path}: {page}"
    );
}

/// A receiver whose every answer is hostile.
async fn receiver() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"}") {
                let mut buffer = [0; 4096];
                match stream.read(&mut buffer).await {
                    Ok(length) if length > 0 => request.extend_from_slice(&buffer[..length]),
                    _ => break,
                }
            }
            let body = format!("{EVIL}{}", UNSEEN.0);
            let answer = format!(
                "HTTP/1.1 500 No\r\nX-Evil: {EVIL}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}/pns")
}

#[test]
fn what_others_say_is_text() {
    block_on(async {
        let settings = Settings { plain_http: PlainHttp::Permitted, ..Settings::default() };
        let simulator = Simulator::builder().transport(settings).start().await.unwrap();
        let shown = Shown::of(simulator, ControlSettings::default()).await;
        let spec = json!({ "endpoint": receiver().await, "events": "all", "headers": { "x-evil": EVIL } });
        let id = shown.simulator.create_subscription(serde_json::from_value(spec).unwrap()).await.unwrap().id;
        let spec = json!({ "type": "RFP_SEND", "overrides": { "reason": EVIL, EVIL: EVIL } });
        let spec: NotificationSpec = serde_json::from_value(spec).unwrap();
        shown.simulator.publish(vec![spec], PublishOptions::default()).await.unwrap();
        let mut records = shown.simulator.records(None);
        while shown.simulator.metrics().await.unwrap().attempts.len() < 2 {
            let _ = tokio::time::timeout(Duration::from_secs(1), records.next()).await;
        }
        let mut page = String::new();
        // The attempt's end is in the journal a moment after it is counted.
        while !page.contains("data-outcome=\"failed\"") {
            page = shown.get("/ui/deliveries/1").await.text();
        }
        assert_eq!(page.matches("onerror").count(), page.matches("x onerror").count());
        assert!(page.contains(UNSEEN.1) && !page.contains(UNSEEN.0), "{page}");
        is_escaped(&page, "the answer's headers and body, and the notification's");
        is_escaped(&shown.page("/ui/notifications/1").await, "a body");
        is_escaped(&shown.page(&format!("/ui/subscriptions/{id}")).await, "headers in settings");
        is_escaped(&shown.page(&format!("/ui/subscriptions/{id}/edit")).await, "headers in a form");
        let fault = json!({ "fault": { "extra_headers": { "headers": { "x-evil": EVIL } } } });
        shown.simulator.plan_fault(serde_json::from_value(fault).unwrap()).await.unwrap();
        shown.page("/ui/faults").await;
    });
}

#[test]
fn what_a_form_says_is_text_when_it_is_shown_again() {
    block_on(async {
        let shown = Shown::start().await;
        let id = shown.subscribe().await;
        let one = format!("/ui/subscriptions/{id}");
        let (edit, windows) = (format!("{one}/edit"), format!("{one}/windows"));
        let name: &[(&str, &str)] = &[("endpoint", "https://h/"), ("name", EVIL)];
        let trigger: &[(&str, &str)] = &[("type", "RFP_SEND"), ("overrides", EVIL), ("supplier", EVIL)];
        for (path, fields) in [
            ("/ui/subscriptions", name),
            ("/ui/subscriptions", &[("endpoint", EVIL), ("headers", EVIL), ("suppliers", EVIL)][..]),
            (&edit, &[("name", EVIL)]),
            (&edit, &[("retry.first", EVIL), ("rate_limit.rate", EVIL)]),
            (&windows, &[("from", EVIL), ("for", EVIL)]),
            ("/ui/trigger", trigger),
            ("/ui/trigger/preview", trigger),
            ("/ui/trigger", &[("type", EVIL), ("raw", EVIL)]),
            ("/ui/trigger/course", &[("course", "award"), ("supplier", EVIL)]),
            ("/ui/faults", &[("fault", EVIL), ("times", EVIL)]),
            ("/ui/faults", &[("fault", "slow_body"), ("over", EVIL), ("of", EVIL)]),
            ("/ui/clock/advance", &[("by", EVIL)]),
            ("/ui/clock/gear", &[("gear", EVIL)]),
        ] {
            is_escaped(&shown.refused(path, fields, 422).await, path);
        }
        let query: String = form_urlencoded::byte_serialize(EVIL.as_bytes()).collect();
        for path in [
            format!("/?done={query}&after={query}"),
            format!("/ui/deliveries?state={query}&type={query}&notification={query}"),
            format!("{one}?state={query}"),
            format!("/ui/trigger?type={query}&overrides={query}&supplier={query}"),
            format!("/ui/world/rfps/{query}"),
        ] {
            let page = shown.get(&path).await.text();
            html::check(&page);
            assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{path}");
        }
        assert!(!shown.page(&format!("/?done={query}")).await.contains("id=\"notice\""));
    });
}
