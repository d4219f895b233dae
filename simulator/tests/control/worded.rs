//! Problems speak of JSON, not of the types that read it.

use super::client::Answer;
use super::{block_on, run, settings};

/// Words of those who read, not of those who ask.
const WORDS: [&str; 9] = [
    "struct",
    "enum",
    "variant",
    "nonzero",
    "sequence",
    "target type",
    "digit found",
    "floating point",
    "tuple",
];
const TYPES: [&str; 7] = ["u8", "u16", "u32", "u64", "usize", "i64", "f64"];
const VALUES: [&str; 13] = [
    "null",
    "true",
    "-1",
    "0",
    "1.5",
    "99999999999",
    "1e99",
    r#""x""#,
    r#""""#,
    "[]",
    "[[]]",
    "{}",
    r#"{"x":1}"#,
];
/// Method, path, and a body with a place for each of some fields.
const BODIES: &[(&str, &str, &str, &[&str])] = &[
    (
        "POST",
        "subscriptions",
        r#"{"endpoint":"https://h",$}"#,
        &[
            "endpoint",
            "events",
            "suppliers",
            "supplierless",
            "retry",
            "retry_after",
            "acknowledge",
            "ack_timeout",
            "rate_limit",
            "concurrency",
            "failing_delivery",
            "api_key",
            "headers",
            "schema_pack",
            "name",
        ],
    ),
    (
        "POST",
        "subscriptions",
        r#"{"endpoint":"https://h","retry":{$}}"#,
        &["first", "factor", "max", "jitter", "cap"],
    ),
    (
        "POST",
        "subscriptions",
        r#"{"endpoint":"https://h","rate_limit":{"rate":"1/s",$}}"#,
        &["burst", "rate"],
    ),
    ("POST", "notifications", "{$}", &["type", "supplier", "overrides", "raw"]),
    ("POST", "notifications/batch", "{$}", &["notifications"]),
    ("POST", "lifecycles", "{$}", &["course"]),
    ("POST", "windows", r#"{"subscription":7,$}"#, &["from", "for", "until", "open", "subscription"]),
    ("POST", "faults", "{$}", &["fault"]),
    ("POST", "faults", r#"{"fault":"refuse",$}"#, &["for", "on", "of"]),
    ("POST", "faults", r#"{"fault":{$}}"#, &["refuse", "reset", "slow_body", "answer", "extra_headers"]),
    ("POST", "faults", r#"{"fault":{"answer":{$}}}"#, &["status", "times"]),
    ("POST", "faults", r#"{"fault":{"reset":{$}}}"#, &["when", "times"]),
    ("POST", "faults", r#"{"fault":{"extra_headers":{$}}}"#, &["headers"]),
    ("POST", "replay", "{$}", &["delivery", "failed_since", "missing", "subscription", "dry_run", "limit"]),
    ("PUT", "clock/gear", "{$}", &["gear"]),
    ("POST", "clock/advance", "{$}", &["by", "to"]),
];

#[test]
fn no_problem_speaks_of_types_of_rust() {
    let check = |sent: &str, answer: &Answer| {
        if answer.status < 300 {
            return;
        }
        let told = answer.json()["detail"].as_str().unwrap().to_owned();
        let words = told.split(|c: char| !c.is_ascii_alphanumeric());
        assert!(!words.into_iter().any(|word| TYPES.contains(&word)), "{sent}: {told}");
        assert!(!WORDS.iter().any(|word| told.contains(word)), "{sent}: {told}");
    };
    block_on(async {
        let server = run(settings()).await;
        for (method, path, frame, fields) in BODIES {
            for field in *fields {
                for value in VALUES {
                    let body = frame.replace('$', &format!("\"{field}\":{value}"));
                    let answer = server.client.send(method, &format!("/api/v1/{path}"), &body).await;
                    check(&body, &answer);
                }
            }
        }
        for field in
            ["after", "limit", "order", "state", "type", "subscription", "from", "failing", "notification"]
        {
            for value in ["", "x", "-1", "1.5", "99999999999999999999", "true"] {
                let query = format!("/api/v1/deliveries?{field}={value}");
                let answer = server.client.get(&query).await;
                check(&query, &answer);
            }
        }
        server.end().await;
    });
}

#[test]
fn a_word_that_is_none_is_told_by_its_field() {
    block_on(async {
        let server = run(settings()).await;
        let answer = server.client.send("POST", "/api/v1/lifecycles", r#"{"course":5}"#).await;
        assert_eq!((answer.status, answer.problem().as_str()), (422, "invalid"));
        assert_eq!(answer.json()["detail"], "course: expected a word");
        let half = server.client.send("POST", "/api/v1/lifecycles", r#"{"course":"#).await;
        assert_eq!((half.status, half.problem().as_str()), (400, "malformed"));
        let none = server.client.send("POST", "/api/v1/lifecycles", r#"{"course":}"#).await;
        assert_eq!((none.status, none.problem().as_str()), (400, "malformed"));
        server.end().await;
    });
}
