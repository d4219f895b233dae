//! Who is answered, and with what.

use pns_simulator::control::document_text;
use pns_simulator::control::{BearerToken, ControlError, ControlServer, ControlSettings, TlsFiles};

use super::client::exchange;
use super::{block_on, run, settings};

const TOKEN: &str = "0123456789abcdef-t0ken";

#[test]
fn an_address_that_others_reach_needs_a_token() {
    block_on(async {
        let open = ControlSettings { listen: ([0, 0, 0, 0], 0).into(), ..settings() };
        let error = ControlServer::bind(open.clone()).await.unwrap_err();
        assert!(matches!(error, ControlError::TokenNeeded(_)), "{error}");
        let guarded = ControlSettings { token: Some(BearerToken::new(TOKEN).unwrap()), ..open };
        ControlServer::bind(guarded).await.unwrap();
    });
}

#[test]
fn who_knows_the_token_is_answered() {
    block_on(async {
        let token = Some(BearerToken::new(&format!("{TOKEN}\n")).unwrap());
        let server = run(ControlSettings { token, ..settings() }).await;
        let path = "/api/v1/openapi.json";
        let with = async |value: &str| server.client.with("GET", path, &[("Authorization", value)], "").await;
        assert_eq!(with(&format!("Bearer {TOKEN}")).await.status, 200);
        assert_eq!(with(&format!("bearer {TOKEN}")).await.status, 200);
        for wrong in
            ["Bearer", "Bearer ", "Bearer 0123456789abcdef-t0keN", &format!("Basic {TOKEN}"), TOKEN, ""]
        {
            let answer = with(wrong).await;
            assert_eq!((answer.status, answer.problem().as_str()), (401, "token-required"), "{wrong}");
            assert_eq!(answer.header("www-authenticate").as_deref(), Some("Bearer realm=\"pns\""));
            assert!(!String::from_utf8_lossy(&answer.body).contains("0123456789"), "no token is told back");
        }
        assert_eq!(server.client.get("/metrics").await.status, 401);
        assert_eq!(server.client.get("/api/v1/nowhere").await.status, 401);
        // Probes know no token, and learn nothing but whether it works.
        assert_eq!(server.client.get("/healthz").await.status, 200);
        server.end().await;
    });
}

#[test]
fn tokens_are_hard_to_guess_and_do_not_show() {
    for wrong in ["", "short", "0123456789abcde", "0123456789 abcdef", "0123456789abcdef\u{e9}"] {
        assert!(BearerToken::new(wrong).is_err(), "{wrong}");
    }
    assert_eq!(format!("{:?}", BearerToken::new(TOKEN).unwrap()), "BearerToken(***)");
}

#[test]
fn names_that_do_not_mean_this_machine_are_not_answered() {
    block_on(async {
        let server = run(ControlSettings { hosts: vec!["build.example".to_owned()], ..settings() }).await;
        let with = async |host: &str| server.client.with("GET", "/healthz", &[("Host", host)], "").await;
        for own in ["localhost", "localhost:7767", "127.0.0.1", "[::1]:7767", "LOCALHOST", "Build.Example:1"]
        {
            assert_eq!(with(own).await.status, 200, "{own}");
        }
        for foreign in
            ["attacker.example", "attacker.example:7767", "localhost.attacker.example", "127.0.0.1.nip.io"]
        {
            assert_eq!(with(foreign).await.problem(), "foreign-host", "{foreign}");
        }
        assert_eq!(with("").await.status, 400);
        server.end().await;
    });
}

#[test]
fn pages_of_other_sites_are_not_answered() {
    block_on(async {
        let server = run(settings()).await;
        let own = format!("http://{}", server.client.address);
        let with =
            async |header: (&str, &str)| server.client.with("POST", "/api/v1/pause", &[header], "").await;
        for foreign in
            [("Origin", "https://attacker.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")]
        {
            assert_eq!(with(foreign).await.problem(), "foreign-origin", "{foreign:?}");
        }
        let answer = with(("Origin", &own)).await;
        assert_ne!(answer.status, 403);
        assert!(answer.header("access-control-allow-origin").is_none(), "{}", answer.head);
        server.end().await;
    });
}

#[test]
fn paths_and_methods_that_are_not_there_are_told() {
    block_on(async {
        let server = run(settings()).await;
        let nowhere = server.client.get("/api/v1/nowhere").await;
        assert_eq!((nowhere.status, nowhere.problem().as_str()), (404, "not-found"));
        let wrong = server.client.send("DELETE", "/api/v1/clock", "").await;
        assert_eq!((wrong.status, wrong.problem().as_str()), (405, "method-not-allowed"));
        assert_eq!(wrong.header("allow").as_deref(), Some("GET,HEAD"));
        let document = server.client.get("/api/v1/openapi.json").await;
        assert_eq!(String::from_utf8(document.body).unwrap(), document_text());
        server.end().await;
    });
}

#[test]
fn what_is_wrong_with_a_request_is_told_by_its_field() {
    block_on(async {
        let server = run(settings()).await;
        let all = "/api/v1/subscriptions";
        let typed = server.client.with("POST", all, &[("Content-Type", "text/plain")], "{}").await;
        assert_eq!((typed.status, typed.problem().as_str()), (415, "unsupported-media-type"));
        let half = server.client.send("POST", all, "{").await;
        assert_eq!((half.status, half.problem().as_str()), (400, "malformed"));
        let wrong =
            server.client.send("POST", all, r#"{"endpoint":"https://h","retry":{"factor":"two"}}"#).await;
        assert_eq!((wrong.status, wrong.problem().as_str()), (422, "invalid"));
        assert_eq!(wrong.json()["errors"][0]["field"], "retry.factor");
        for (path, field) in [
            ("/api/v1/deliveries?limit=0", "limit"),
            ("/api/v1/deliveries?state=lost", "state"),
            ("/api/v1/deliveries?stat=held", "stat"),
            ("/api/v1/deliveries?from=yesterday", "from"),
            ("/api/v1/deliveries?until=2262-04-12T00:00:00Z", "until"),
            ("/api/v1/clock?now=1", "now"),
        ] {
            let answer = server.client.get(path).await;
            assert_eq!((answer.status, answer.problem().as_str()), (422, "invalid"), "{path}");
            assert_eq!(answer.json()["errors"][0]["field"], field, "{path}: {}", answer.json());
        }
        let id = server.client.get("/api/v1/deliveries/first").await;
        assert_eq!((id.status, id.problem().as_str()), (400, "malformed"));
        assert_eq!(server.client.get("/api/v1/subscriptions/99999999999").await.status, 404);
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", "two words")];
        let key =
            server.client.with("POST", "/api/v1/notifications", &headers, r#"{"type":"RFP_SEND"}"#).await;
        assert_eq!(key.json()["errors"][0]["field"], "Idempotency-Key");
        server.end().await;
    });
}

#[test]
fn a_list_is_no_object() {
    block_on(async {
        let server = run(settings()).await;
        for (path, body, field) in [
            ("notifications", r#" ["RFP_SEND"]"#, ""),
            ("notifications", "[]", ""),
            ("notifications", r#""RFP_SEND""#, ""),
            ("notifications", "null", ""),
            ("notifications/batch", r#"[[{"type":"RFP_SEND"}]]"#, ""),
            (
                "notifications/batch",
                r#"{"notifications":[{"type":"RFP_SEND"},["RFP_SEND"]]}"#,
                "notifications[1]",
            ),
            ("lifecycles", r#"["award"]"#, ""),
            ("subscriptions", r#"[null,"https://h"]"#, ""),
            ("subscriptions", r#"{"endpoint":"https://h","retry":["1s"]}"#, "retry"),
            ("windows", r#"[1,null,"1h"]"#, ""),
            ("faults", r#"["refuse"]"#, ""),
            ("faults", r#"{"fault":{"answer":[503]}}"#, "fault.answer"),
            ("faults", r#"{"fault":{"slow_body":["1s"]}}"#, "fault.slow_body"),
            ("faults", r#"{"fault":{"extra_headers":[{}]}}"#, "fault.extra_headers"),
            ("replay", "[1]", ""),
            ("clock/advance", r#"["1h"]"#, ""),
        ] {
            let answer = server.client.send("POST", &format!("/api/v1/{path}"), body).await;
            assert_eq!((answer.status, answer.problem().as_str()), (422, "invalid"), "{path} {body}");
            let told = answer.json();
            assert_eq!(told["errors"][0]["field"], field, "{path} {body}: {told}");
            let detail = told["errors"][0]["detail"].as_str().unwrap();
            assert!(detail.ends_with("expected a JSON object"), "{path} {body}: {told}");
        }
        let patched =
            server.client.send("POST", "/api/v1/subscriptions", r#"{"endpoint":"https://h"}"#).await;
        assert_eq!(patched.status, 201);
        let one = "/api/v1/subscriptions/1";
        assert_eq!(server.client.send("PATCH", one, r#"["hotel"]"#).await.status, 422);
        assert_eq!(server.client.send("PATCH", one, r#"{"retry":["1s"]}"#).await.status, 422);
        assert_eq!(
            server.client.send("PATCH", one, r#"{"retry":{"first":"1s"}}"#).await.json()["retry"]["first"],
            "1s"
        );
        assert_eq!(
            server.client.send("PATCH", one, r#"{"retry":null}"#).await.json()["retry"]["first"],
            "30s"
        );
        let gear = server.client.send("PUT", "/api/v1/clock/gear", r#"["virtual"]"#).await;
        assert_eq!(gear.status, 422);
        server.end().await;
    });
}

#[test]
fn tls_is_spoken_where_there_is_a_certificate() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let files =
            TlsFiles { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        std::fs::write(&files.certificate, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        let missing = TlsFiles { key: folder.path().join("none.pem"), ..files.clone() };
        let error =
            ControlServer::bind(ControlSettings { tls: Some(missing), ..settings() }).await.unwrap_err();
        assert!(error.to_string().contains("none.pem"), "{error}");

        let server = run(ControlSettings { tls: Some(files), ..settings() }).await;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let client = rustls::ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(client));
        let stream = server.client.connect().await;
        let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        assert_eq!(exchange(stream, request).await.status, 200);
        server.end().await;
    });
}
