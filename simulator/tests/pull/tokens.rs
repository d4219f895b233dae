//! Tokens, by RFC 6749 and RFC 6750.

use std::time::Duration;

use pns_simulator::pull::{PullLimits, PullSettings};

use super::{Running, block_on, key, known, oauth};

const CALL: &str = "GET /rfp/v1/supplier/rfp/0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01";
/// `id:s3cret`.
const BASIC: &str = "Authorization: Basic aWQ6czNjcmV0";

#[test]
fn a_client_gets_a_token_by_basic_or_by_the_form_and_is_answered_with_it() {
    block_on(async {
        let server = Running::start(known(Vec::new(), vec![oauth("build", "id", "s3cret")])).await;
        let by_form = "grant_type=client_credentials&client_id=id&client_secret=s3cret";
        for (head, form) in [
            (BASIC, "grant_type=client_credentials"),
            (BASIC, "grant_type=client_credentials&client_id=id&unknown=1"),
            ("authorization: basic  aWQ6czNjcmV0", "grant_type=client_credentials&scope="),
            ("", by_form),
        ] {
            let answer = server.client.token(head, form).await;
            let body = answer.json();
            assert_eq!((answer.status, &body["token_type"]), (200, &"Bearer".into()), "{head} {form}");
            assert_eq!(body["expires_in"], 3_600);
            assert_eq!(body.get("scope"), None);
            assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
            assert_eq!(answer.header("content-type"), "application/json");
            let logged = server.logged();
            assert_eq!((&*logged.who, logged.asked.unwrap().kind.word()), ("build", "token"));
            let token = body["access_token"].as_str().unwrap();
            assert!(!format!("{logged:?}").contains(token));
            assert_eq!(
                server.client.call(CALL, &format!("Authorization: Bearer {token}"), "").await.status,
                404
            );
            assert_eq!(
                server.client.call(CALL, &format!("Authorization: bearer {token}"), "").await.status,
                404
            );
            // It is no key.
            assert_eq!(
                server.client.call(CALL, &format!("Authorization: api_key {token}"), "").await.status,
                401
            );
        }
        server.end().await;
    });
}

#[test]
fn what_is_wrong_with_a_request_for_a_token_is_told_as_the_rfc_says() {
    block_on(async {
        let server = Running::start(known(Vec::new(), vec![oauth("build", "id", "s3cret")])).await;
        let grant = "grant_type=client_credentials";
        for (head, form, status, error) in [
            ("", grant, 401, "invalid_client"),
            ("", "grant_type=client_credentials&client_id=id", 401, "invalid_client"),
            ("", "grant_type=client_credentials&client_id=id&client_secret=wrong", 401, "invalid_client"),
            ("", "grant_type=client_credentials&client_id=other&client_secret=s3cret", 401, "invalid_client"),
            ("Authorization: Basic aWQ6d3Jvbmc=", grant, 401, "invalid_client"),
            ("Authorization: Basic ???", grant, 401, "invalid_client"),
            ("Authorization: Bearer x", grant, 401, "invalid_client"),
            (BASIC, "", 400, "invalid_request"),
            (BASIC, "grant_type=", 400, "invalid_request"),
            (BASIC, "grant_type=client_credentials&grant_type=client_credentials", 400, "invalid_request"),
            (BASIC, "grant_type=client_credentials&client_secret=s3cret", 400, "invalid_request"),
            (BASIC, "grant_type=client_credentials&client_id=other", 400, "invalid_request"),
            (&format!("{BASIC}\n{BASIC}"), grant, 400, "invalid_request"),
            (BASIC, "grant_type=password", 400, "unsupported_grant_type"),
            (BASIC, "grant_type=client_credentials&scope=a%0a", 400, "invalid_scope"),
            (BASIC, "grant_type=client_credentials&scope=a++b", 400, "invalid_scope"),
        ] {
            let answer = server.client.token(head, form).await;
            let body = answer.json();
            assert_eq!((answer.status, &body["error"]), (status, &error.into()), "{head} {form}");
            assert!(!body["error_description"].as_str().unwrap().contains(['"', '\\']));
            assert_eq!(answer.header("cache-control"), "no-store");
            let challenged = answer.header("www-authenticate").starts_with("Basic ");
            assert_eq!(challenged, status == 401);
            assert_eq!(&*server.logged().who, "");
        }
        let json =
            server.client.call("POST /oauth2/token", BASIC, r#"{"grant_type":"client_credentials"}"#).await;
        assert_eq!((json.status, &json.json()["error"]), (400, &"invalid_request".into()));
        let get = server.client.call("GET /oauth2/token", BASIC, "").await;
        assert_eq!((get.status, get.header("allow")), (405, "POST"));
        let long = format!("{grant}&pad={}", "x".repeat(20_000));
        assert_eq!(server.client.token(BASIC, &long).await.status, 413);
        server.end().await;
    });
}

#[test]
fn scopes_are_the_clients_or_anything() {
    block_on(async {
        let mut scoped = oauth("scoped", "id", "s3cret");
        scoped.scopes = Some(["rfp:read".to_owned(), "rfp:write".to_owned()].into());
        let server = Running::start(known(Vec::new(), vec![scoped, oauth("free", "id2", "s")])).await;
        let scope = async |client: &str, scope: &str| {
            let form = format!("grant_type=client_credentials&{client}{scope}");
            let answer = server.client.token("", &form).await;
            if answer.status == 200 {
                answer.json()["scope"].to_string()
            } else {
                answer.json()["error"].to_string()
            }
        };
        let scoped = "client_id=id&client_secret=s3cret";
        assert_eq!(scope(scoped, "").await, r#""rfp:read rfp:write""#);
        assert_eq!(scope(scoped, "&scope=rfp%3Aread").await, r#""rfp:read""#);
        assert_eq!(scope(scoped, "&scope=rfp:write+rfp:read").await, r#""rfp:write rfp:read""#);
        assert_eq!(scope(scoped, "&scope=all").await, r#""invalid_scope""#);
        assert_eq!(scope("client_id=id2&client_secret=s", "&scope=a+b").await, r#""a b""#);
        server.end().await;
    });
}

#[test]
fn an_id_and_a_secret_that_forms_encode_are_read_in_both_ways() {
    block_on(async {
        let server = Running::start(known(Vec::new(), vec![oauth("odd", "a:b", "p%+&=/")])).await;
        // base64 of `a%3Ab:p%25%2B%26%3D%2F`, as RFC 6749 has it. A colon in an id cannot be sent otherwise.
        let encoded = "Authorization: Basic YSUzQWI6cCUyNSUyQiUyNiUzRCUyRg==";
        assert_eq!(server.client.token(encoded, "grant_type=client_credentials").await.status, 200);
        server.end().await;
        let server = Running::start(known(Vec::new(), vec![oauth("odd", "ab", "p%2B+/")])).await;
        // base64 of `ab:p%2B+/`, as it is.
        let plain = "Authorization: Basic YWI6cCUyQisv";
        assert_eq!(server.client.token(plain, "grant_type=client_credentials").await.status, 200);
        server.end().await;
    });
}

#[test]
fn a_token_ends_and_the_bearer_is_told() {
    block_on(async {
        let settings = PullSettings {
            token_lifetime: Duration::from_secs(1),
            limits: PullLimits { tokens: 1, ..PullLimits::default() },
            ..known(vec![key("k", "k")], vec![oauth("build", "id", "s3cret")])
        };
        let server = Running::start(settings).await;
        let token = async || {
            let answer = server.client.token(BASIC, "grant_type=client_credentials").await;
            assert_eq!(answer.json()["expires_in"], 1);
            format!("Authorization: Bearer {}", answer.json()["access_token"].as_str().unwrap())
        };
        let first = token().await;
        let second = token().await;
        // Beyond the bound the oldest ends early.
        let ended = server.client.call(CALL, &first, "").await;
        assert_eq!(ended.status, 401);
        assert_eq!(
            ended.headers("www-authenticate"),
            ["Bearer realm=\"pns\", error=\"invalid_token\"", "api_key realm=\"pns\""]
        );
        // Without credentials RFC 6750 wants no error.
        let none = server.client.call(CALL, "", "").await;
        assert_eq!(none.header("www-authenticate"), "Bearer realm=\"pns\"");
        while server.client.call(CALL, &second, "").await.status != 401 {}
        server.end().await;
    });
}
