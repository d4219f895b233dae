//! Bugs that one request shows: what the specimen makes of it, and what the correct receiver does.

use serde_json::{Value, json};

use super::client::Outcome::{self, Closed, Nothing, Status};
use super::client::{Client, KEY, body, notification, once, post, request, start};

/// Sends the request to the specimen and to the correct receiver.
async fn differs(name: &str, bytes: Vec<u8>, specimens: Outcome, correct: Outcome) {
    for (name, expected) in [(name, specimens), ("plain", correct)] {
        let running = start(name).await;
        let mut client = Client::connect(&running).await;
        client.send(&bytes).await;
        let outcome = if expected == Nothing { client.brief_outcome().await } else { client.outcome().await };
        assert_eq!(outcome, expected, "{name}: {}", String::from_utf8_lossy(&bytes));
        running.shutdown().await;
    }
}

fn with(name: &str, value: Value) -> Vec<u8> {
    let mut body = body("8c7d2f4e-6d8d-46c3-ac57-95e14b3b7e33", "MESSAGE_PLANNER_TO_SUPPLIER");
    body[name] = value;
    post(body.to_string())
}

fn headed(fields: &[&str]) -> Vec<u8> {
    request("POST /pns HTTP/1.1", fields, body("a", "RFP_SEND").to_string())
}

fn to(target: &str) -> Vec<u8> {
    request(&format!("POST {target} HTTP/1.1"), &[], body("a", "RFP_SEND").to_string())
}

fn chunked(size: &str, trailer: &str, fields: &[&str]) -> Vec<u8> {
    let text = body("a", "RFP_SEND").to_string();
    let size = size.replace('#', &format!("{:x}", text.len()));
    let body = format!("{size}\r\n{text}\r\n0\r\n{trailer}\r\n");
    let fields = [&["Content-Length:", "Transfer-Encoding: chunked"], fields].concat();
    request("POST /pns HTTP/1.1", &fields, body)
}

#[tokio::test]
async fn framing() {
    differs("chunked-waits-for-ever", chunked("#", "", &[]), Nothing, Status(200)).await;
    differs("chunked-read-as-empty", chunked("#", "", &[]), Status(400), Status(200)).await;
    differs("chunk-lines-read-as-body", chunked("#", "", &[]), Status(400), Status(200)).await;
    differs("chunk-sizes-decimal", chunked("#", "", &[]), Status(400), Status(200)).await;
    differs("chunk-extension-refused", chunked("#;a=b", "", &[]), Status(400), Status(200)).await;
    differs("bad-chunk-500", chunked("zz", "", &[]), Status(500), Status(400)).await;
    differs("demands-a-length", chunked("#", "", &[]), Status(411), Status(200)).await;
    let length = headed(&["Content-Length: -5"]);
    differs("negative-length-500", length, Status(500), Status(400)).await;
    let right = format!("Content-Length: {}", body("a", "RFP_SEND").to_string().len());
    let two = headed(&[&right, "Content-Length: 5"]);
    differs("first-of-two-lengths", two, Status(200), Status(400)).await;
    let both = headed(&[&right, "Transfer-Encoding: chunked"]);
    differs("length-preferred-to-chunks", both, Status(200), Status(400)).await;
    let large = post(vec![b' '; 1_500_000]);
    differs("large-body-500", large.clone(), Status(500), Status(413)).await;
    differs("large-body-ends-server", large, Closed, Status(413)).await;
    let padded = post(format!("{}{}", body("a", "RFP_SEND"), " ".repeat(50_000)));
    differs("small-body-limit", padded.clone(), Status(413), Status(200)).await;
    differs("hundred-kilobytes-at-most", padded, Status(200), Status(200)).await;
    let expecting = headed(&["Expect: 100-continue"]);
    differs("expect-continue-hangs", expecting, Nothing, Status(200)).await;
}

#[tokio::test]
async fn heads() {
    differs("query-404", to("/pns?x=1"), Status(404), Status(200)).await;
    differs("absolute-target-404", to("https://localhost/pns"), Status(404), Status(200)).await;
    let leading = [b"\r\n".as_slice(), &headed(&[])].concat();
    differs("leading-empty-line-refused", leading, Status(400), Status(200)).await;
    let lower = format!("content-length: {}", body("a", "RFP_SEND").to_string().len());
    differs("header-names-case-sensitive", headed(&[&lower]), Status(400), Status(200)).await;
    let tight = headed(&["Content-Type:application/json"]);
    differs("header-split-at-colon-space", tight, Status(415), Status(200)).await;
    let many: Vec<String> = (0..60).map(|n| format!("X-{n}: {n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    differs("thirty-headers-at-most", headed(&many), Status(431), Status(200)).await;
    let long = format!("X-Long: {}", "x".repeat(4_096));
    differs("header-value-limit", headed(&[&long]), Status(400), Status(200)).await;
    differs("user-agent-demanded", headed(&["User-Agent:"]), Status(403), Status(200)).await;
    differs("accept-header-demanded", headed(&["Accept:"]), Status(406), Status(200)).await;
    differs("forwarded-for-list-500", headed(&["X-Forwarded-For: a, b"]), Status(500), Status(200)).await;
    differs("forwarded-proto-redirected", headed(&["X-Forwarded-Proto: http"]), Status(301), Status(200))
        .await;
    let old = request("POST /pns HTTP/1.0", &[], body("a", "RFP_SEND").to_string());
    differs("http-1-0-refused", old, Status(505), Status(200)).await;
    let charset = headed(&["Content-Type: application/json; charset=utf-8"]);
    differs("content-type-charset-refused", charset, Status(415), Status(200)).await;
    let quoted = headed(&["Content-Type: application/json; charset=\"utf-8\""]);
    differs("quoted-charset-500", quoted, Status(500), Status(200)).await;
    let spelt = headed(&["Content-Type: Application/JSON"]);
    differs("content-type-case-sensitive", spelt, Status(415), Status(200)).await;
    differs("wrong-content-type-500", headed(&["Content-Type: text/plain"]), Status(500), Status(415)).await;
    differs("compressed-body-500", headed(&["Content-Encoding: gzip"]), Status(500), Status(200)).await;
    let get = request("GET /pns HTTP/1.1", &[], "");
    differs("other-methods-500", get, Status(500), Status(405)).await;
    let brew = request("BREW /pns HTTP/1.1", &[], "");
    differs("unknown-method-unanswered", brew, Nothing, Status(405)).await;
    differs("strict-on-heads", headed(&["X-A: 1", "x-a: 2"]), Status(400), Status(200)).await;
}

#[tokio::test]
async fn json_and_fields() {
    let pretty = post(serde_json::to_string_pretty(&body("a", "RFP_SEND")).unwrap());
    differs("pretty-printed-json-refused", pretty, Status(400), Status(200)).await;
    let escaped = body("a", "RFP_SEND").to_string().replace("RFP_SEND", "RFP\\u005fSEND");
    differs("escapes-not-decoded", post(escaped), Status(400), Status(200)).await;
    differs("ascii-only", with("reason", json!("Zürich")), Status(500), Status(200)).await;
    differs("windows-1252-decoding", with("reason", json!("Í")), Status(500), Status(200)).await;
    differs("emoji-500", with("reason", json!("🏨")), Status(500), Status(200)).await;
    let pair = body("a", "RFP_SEND").to_string().replacen('{', "{\"x\":\"\\ud83c\\udfe8\",", 1);
    differs("surrogate-pair-escapes-500", post(pair), Status(500), Status(200)).await;
    differs("nul-character-500", with("reason", json!("a\0b")), Status(500), Status(200)).await;
    differs("apostrophe-500", with("reason", json!("O'Hare")), Status(500), Status(200)).await;
    differs("bad-json-500", post("{"), Status(500), Status(400)).await;
    differs("bad-json-unanswered", post("{"), Nothing, Status(400)).await;
    differs("empty-body-unanswered", post(""), Nothing, Status(400)).await;
    differs("other-json-values-500", post("[]"), Status(500), Status(422)).await;
    let deep = post("[".repeat(1_500) + &"]".repeat(1_500));
    differs("deep-nesting-ends-server", deep, Closed, Status(400)).await;
    let huge = body("a", "RFP_SEND").to_string().replacen('{', "{\"x\":1e400,", 1);
    differs("huge-numbers-500", post(huge), Status(500), Status(400)).await;
    differs("invalid-utf8-500", post(b"{\"\xff\":1}"), Status(500), Status(400)).await;
    differs("lone-surrogate-500", post("{\"a\":\"\\ud83c\"}"), Status(500), Status(400)).await;
    let twice = body("a", "RFP_SEND").to_string().replacen('{', "{\"eventId\":\"b\",", 1);
    differs("duplicate-keys-500", post(twice), Status(500), Status(200)).await;
    differs("unknown-field-500", with("x", json!(1)), Status(500), Status(200)).await;
    differs("unknown-field-400", with("x", json!(1)), Status(400), Status(200)).await;
    differs("dollar-field-500", with("$type", json!(1)), Status(500), Status(200)).await;
    let mut cancel = body("a", "PLANNER_CANCEL");
    cancel.as_object_mut().unwrap().remove("supplierId");
    differs("supplier-demanded", post(cancel.to_string()), Status(500), Status(200)).await;
    differs("venue-type-unknown", notification("a", "VENUE_VISIBILITY_CHANGED"), Status(400), Status(200))
        .await;
    let longest = notification("a", "RESPONSE_SUBMIT_PROPOSAL_OUTSIDE_CVENT");
    differs("type-column-too-short", longest, Status(500), Status(200)).await;
    differs("unknown-event-type-500", notification("a", "NO_SUCH"), Status(500), Status(422)).await;
    differs("unknown-reason-500", with("reason", json!("NEW_ONE")), Status(500), Status(200)).await;
    let upper = with("rfpId", json!("1CF38A51-A822-45F3-9B53-8F85FE401082"));
    differs("upper-case-ids-refused", upper, Status(400), Status(200)).await;
    let old = with("eventTimestamp", json!("2020-01-01T00:00:00.000Z"));
    differs("old-notifications-refused", old, Status(400), Status(200)).await;
    differs("long-text-500", with("reason", json!("x".repeat(5_000))), Status(500), Status(200)).await;
}

#[tokio::test]
async fn keys() {
    let keyed = |value: &str| headed(&[&format!("Authorization: {value}")]);
    let right = format!("api_key {KEY}");
    let cut = &right[..right.len() - 1];
    differs("missing-key-accepted", headed(&["Authorization:"]), Status(200), Status(401)).await;
    differs("any-key-accepted", keyed("api_key x"), Status(200), Status(401)).await;
    differs("empty-key-accepted", keyed("api_key "), Status(200), Status(401)).await;
    differs("key-prefix-accepted", keyed(cut), Status(200), Status(401)).await;
    differs("key-compared-by-start", keyed(cut), Status(200), Status(401)).await;
    differs("key-with-suffix-accepted", keyed(&format!("{right}x")), Status(200), Status(401)).await;
    let upper = format!("api_key {}", KEY.to_uppercase());
    differs("key-in-any-case-accepted", keyed(&upper), Status(200), Status(401)).await;
    differs("other-scheme-accepted", keyed(&format!("Bearer {KEY}")), Status(200), Status(401)).await;
    differs("key-without-scheme-accepted", keyed(KEY), Status(200), Status(401)).await;
    differs("scheme-case-sensitive", keyed(&format!("API_KEY {KEY}")), Status(401), Status(200)).await;
    differs("one-space-demanded", keyed(&format!("api_key  {KEY}")), Status(401), Status(200)).await;
    differs("authorization-not-trimmed", keyed(&format!(" {right} ")), Status(401), Status(200)).await;
    let lower = headed(&[&format!("authorization: {right}")]);
    differs("authorization-name-case-sensitive", lower, Status(401), Status(200)).await;
    differs("missing-key-500", headed(&["Authorization:"]), Status(500), Status(401)).await;
    differs("wrong-key-500", keyed("api_key x"), Status(500), Status(401)).await;
    differs("wrong-key-unanswered", keyed("api_key x"), Nothing, Status(401)).await;
    differs("login-page-200", keyed("api_key x"), Status(200), Status(401)).await;
    differs("login-redirect", keyed("api_key x"), Status(302), Status(401)).await;
    differs("forbids-with-403", keyed("api_key x"), Status(403), Status(401)).await;
    let two = headed(&[&format!("Authorization: {right}"), "Authorization: api_key x"]);
    differs("two-authorizations-500", two, Status(500), Status(401)).await;
}

#[tokio::test]
async fn what_refusals_tell() {
    let wrong = headed(&["Authorization: api_key k3y-of-somebody"]);
    let running = start("key-echoed").await;
    let mut client = Client::connect(&running).await;
    client.send(&wrong).await;
    let (_, text) = client.answer().await.unwrap();
    assert!(String::from_utf8(text).unwrap().contains("k3y-of-somebody"));
    let running = start("stack-trace-in-refusal").await;
    let mut client = Client::connect(&running).await;
    client.send(&post("{")).await;
    let (_, text) = client.answer().await.unwrap();
    assert!(String::from_utf8(text).unwrap().contains("Traceback"));
}

#[tokio::test]
async fn what_follows_an_answer() {
    let closing = headed(&["Connection: close"]);
    for (name, rest) in
        [("answer-followed-by-garbage", "<b>Warning"), ("body-on-204", "thank you"), ("plain", "")]
    {
        let running = start(name).await;
        let mut client = Client::connect(&running).await;
        client.send(&closing).await;
        client.answer().await.unwrap();
        assert!(String::from_utf8(client.rest().await).unwrap().starts_with(rest), "{name}");
    }
    let running = start("refusal-length-too-long").await;
    assert_eq!(once(&running, &headed(&[])).await, Status(200));
    let mut client = Client::connect(&running).await;
    client.send(&post("{")).await;
    assert_eq!(client.brief_outcome().await, Nothing);
}
