//! Which call a request is, and how what is wrong with it is answered.

use http::StatusCode;
use pns_simulator::pull::{ActError, Paths, PullError, PullServer, PullSettings};
use pns_simulator::world::{Act, Call, CallKind, DataType, Refusal};
use serde_json::json;

use super::{RFP, Running, SUPPLIER, block_on, open};
use crate::client::exchange;

const TURN_DOWN: &str = r#"{ "responseReason": "LOW_BUDGET" }"#;

/// The path of a supplier's response.
fn response() -> String {
    format!("/rfp-response/v1/rfp/{RFP}/supplier/{SUPPLIER}")
}

#[test]
fn each_reading_call_is_known_by_its_path() {
    block_on(async {
        let server = Running::start(open()).await;
        let (rfp, supplier) = (RFP.parse().unwrap(), SUPPLIER.parse().unwrap());
        for (path, call) in [
            (format!("/rfp/v1/supplier/rfp/{RFP}"), Call::Rfp(rfp)),
            (format!("/rfp-response/v1/rfp/{RFP}"), Call::Responses(rfp)),
            (format!("/rfp-response/v1/rfp/{RFP}/PACKAGES"), Call::DataType(rfp, DataType::Packages)),
            (response(), Call::Response(rfp, supplier)),
            (format!("/rfp/v1/supplier/rfp/{RFP}/cvb"), Call::RepresentedVenues(rfp)),
            (format!("/message/v1/message/{RFP}"), Call::Message(RFP.parse().unwrap())),
            (format!("/message/v1/rfp/{RFP}"), Call::Messages(rfp)),
            (format!("/venue/v1/venue/{RFP}"), Call::Venue(RFP.parse().unwrap())),
            (format!("/rfp-response/v1/attachment/{RFP}"), Call::Attachment(RFP.parse().unwrap())),
        ] {
            let otherwise =
                [path.replace(RFP, &RFP.to_uppercase()), path.replace('-', "%2D") + "?expand=all"];
            for path in otherwise.into_iter().chain([path]) {
                let answer = server.client.call(&format!("GET {path}"), "", "").await;
                // Nothing has happened in this world.
                assert_eq!((answer.status, answer.message().is_empty()), (404, false), "{path}");
                let logged = server.logged();
                assert_eq!((logged.call, logged.kind(), logged.act), (Some(call), Some(call.kind()), false));
                assert_eq!((&*logged.method, logged.status), ("GET", 404));
            }
        }
        server.end().await;
    });
}

#[test]
fn ids_that_are_none_are_told_as_documented_where_it_is() {
    block_on(async {
        let server = Running::start(open()).await;
        for (request, body, status) in [
            ("GET /rfp-response/v1/rfp/none", "", 422),
            ("GET /rfp-response/v1/rfp/none/PACKAGES", "", 422),
            (&format!("GET /rfp-response/v1/rfp/{RFP}/PACKAGE"), "", 422),
            (&format!("GET /rfp-response/v1/rfp/{RFP}/packages"), "", 422),
            ("GET /rfp-response/v1/rfp/none/supplier/none", "", 404),
            (&format!("GET /rfp-response/v1/rfp/{RFP}/supplier/{RFP}0"), "", 404),
            ("GET /rfp/v1/supplier/rfp/none", "", 404),
            ("GET /rfp/v1/supplier/rfp/none/cvb", "", 404),
            ("GET /message/v1/message/none", "", 404),
            ("GET /venue/v1/venue/none", "", 404),
            ("GET /rfp-response/v1/attachment/none", "", 404),
            (&format!("POST /rfp-response/v1/rfp/none/supplier/{SUPPLIER}/turndown"), TURN_DOWN, 404),
            (&format!("POST /rfp-response/v1/rfp/{RFP}/supplier/none/turndown"), TURN_DOWN, 404),
            (&format!("PUT /rfp-response/v1/rfp/none/supplier/{SUPPLIER}/proposalDetails"), "{}", 422),
            ("POST /rfp/v1/supplier/rfp/none/rfpForward", "{}", 404),
        ] {
            let answer = server.client.call(request, "", body).await;
            assert_eq!(answer.status, status, "{request}: {}", answer.message());
            assert_eq!(server.logged().call, None);
        }
        let data_type = server.client.call(&format!("GET /rfp-response/v1/rfp/{RFP}/X"), "", "").await;
        assert!(data_type.errors()[0].contains("AGENDA_ITEMS, PROPOSAL_DATES, ATTACHMENTS"));
        let ids = server.client.call("GET /rfp-response/v1/rfp/none", "", "").await;
        assert!(ids.message().starts_with("No RFP IDs were included in the URL"));
        server.end().await;
    });
}

#[test]
fn other_paths_and_methods_are_told() {
    block_on(async {
        let server = Running::start(open()).await;
        for path in [
            "/",
            "/rfp",
            "/rfp-response/v1/rfp/",
            "/RFP-RESPONSE/v1/rfp/x",
            "/rfp-response/v1/rfp/a/b/c",
            "//",
        ] {
            assert_eq!(server.client.call(&format!("GET {path}"), "", "").await.status, 404, "{path}");
            assert_eq!(server.logged().kind(), None);
        }
        for (request, allowed) in [
            (format!("DELETE {}", response()), "GET, HEAD"),
            (format!("GET {}/turndown", response()), "POST, PUT"),
            (format!("HEAD {}/turndown", response()), "POST, PUT"),
            (format!("POST {}/proposalDetails", response()), "PUT"),
            (format!("OPTIONS /rfp/v1/supplier/rfp/{RFP}/rfpForward"), "POST"),
            (format!("BREW {}", response()), "GET, HEAD"),
        ] {
            let answer = server.client.call(&request, "", "").await;
            assert_eq!((answer.status, answer.header("allow")), (405, allowed), "{request}");
        }
        server.end().await;
    });
}

#[test]
fn a_head_is_answered_without_a_body_and_is_no_pull() {
    block_on(async {
        let server = Running::start(open()).await;
        let path = format!("/rfp/v1/supplier/rfp/{RFP}");
        let head = server.client.call(&format!("HEAD {path}"), "", "").await;
        let get = server.client.call(&format!("GET {path}"), "", "").await;
        assert_eq!((head.status, head.body.len()), (404, 0));
        assert_eq!(head.header("content-length"), get.header("content-length"));
        assert_eq!(head.header("content-length"), get.body.len().to_string());
        let lines = server.quiet.log.since(0, 2);
        assert_eq!((lines[0].call, lines[0].kind()), (None, Some(CallKind::Rfp)));
        assert!(lines[1].call.is_some());
        server.end().await;
    });
}

#[test]
fn each_acting_call_is_done() {
    block_on(async {
        let server = Running::start(open()).await;
        let forward = json!({ "forwarderSupplierId": SUPPLIER, "targetSupplierIds": [RFP] }).to_string();
        let dates = json!({ "comment": "as we said" }).to_string();
        for (request, body, kind, message) in [
            (format!("POST {}/turndown", response()), TURN_DOWN, CallKind::TurnDown, "turned down"),
            (format!("PUT {}/turndown", response()), TURN_DOWN, CallKind::TurnDown, "turned down"),
            (
                format!("PUT {}/proposalDetails", response()),
                &dates,
                CallKind::ProposalDetails,
                "Proposal successfully updated",
            ),
            (format!("POST {}/proposal", response()), &dates, CallKind::ProposalCreate, "created"),
            (format!("POST /rfp/v1/supplier/rfp/{RFP}/rfpForward"), &forward, CallKind::Forward, "forwarded"),
        ] {
            let answer = server.client.call(&request, "", body).await;
            assert_eq!(answer.status, 200, "{request}: {}", answer.json());
            assert!(answer.json()["message"].as_str().unwrap().contains(message));
            let logged = server.logged();
            assert_eq!(
                (logged.act, logged.call, logged.kind(), logged.status),
                (true, None, Some(kind), 200)
            );
            assert_eq!(logged.asked.unwrap().supplier, SUPPLIER.parse().ok());
            let act = server.quiet.done.lock().unwrap().last().unwrap().clone();
            assert_eq!(
                (act.kind(), act.rfp().to_string(), act.supplier().to_string()),
                (kind, RFP.to_owned(), SUPPLIER.to_owned())
            );
            let again = matches!(act, Act::ChangeTurnDown { .. });
            assert_eq!(again, request.starts_with("PUT") && kind == CallKind::TurnDown);
        }
        server.end().await;
    });
}

#[test]
fn what_is_refused_is_answered_by_its_kind() {
    block_on(async {
        let settings = PullSettings { turn_down_refused: StatusCode::BAD_REQUEST, ..open() };
        let server = Running::start(settings).await;
        let request = format!("POST {}/turndown", response());
        let causes = server.client.call(&request, "", r#"{ "responseReason": "WHY" }"#).await;
        assert_eq!(causes.status, 400);
        assert!(causes.errors()[0].contains("responseReason"), "{:?}", causes.errors());
        assert!(server.quiet.done.lock().unwrap().is_empty());
        let refused = |refusal: Refusal| Err(ActError::Refused(refusal));
        for (end, status) in [
            (refused(Refusal::NotFound("no".to_owned())), 404),
            (refused(Refusal::Forbidden("no".to_owned())), 403),
            (refused(Refusal::Unprocessable(vec!["a".to_owned(), "b".to_owned()])), 400),
            (Err(ActError::Unavailable("full".to_owned())), 503),
        ] {
            *server.quiet.ends.lock().unwrap() = end;
            let answer = server.client.call(&request, "", TURN_DOWN).await;
            assert_eq!((answer.status, server.logged().status), (status, status));
            assert_eq!(answer.header("retry-after"), if status == 503 { "1" } else { "" });
            assert_eq!(answer.errors().len(), if status == 400 { 2 } else { 0 });
        }
        // The status of turn-downs is theirs alone.
        *server.quiet.ends.lock().unwrap() = refused(Refusal::Unprocessable(vec!["a".to_owned()]));
        let proposal = server.client.call(&format!("PUT {}/proposalDetails", response()), "", "{}").await;
        assert_eq!((proposal.status, proposal.errors()), (422, vec!["a".to_owned()]));
        server.end().await;
    });
}

#[test]
fn a_body_must_be_json_and_be_said_to_be() {
    block_on(async {
        let server = Running::start(open()).await;
        let request = format!("POST {}/turndown", response());
        for (head, body, status) in [
            ("", TURN_DOWN, 415),
            ("Content-Type: text/plain", TURN_DOWN, 415),
            ("Content-Type: application/x-www-form-urlencoded", "a=b", 415),
            ("Content-Type: application/json\nContent-Encoding: gzip", TURN_DOWN, 415),
            ("Content-Type: application/json", "", 400),
            ("Content-Type: application/json", "{", 400),
            ("Content-Type: application/json", "{}{}", 400),
            ("Content-Type: application/json", "[]", 422),
            ("Content-Type: application/json", "{}", 422),
            ("Content-Type: Application/JSON; charset=utf-8", TURN_DOWN, 200),
            ("Content-Type: application/vnd.cvent+json\nContent-Encoding: identity", TURN_DOWN, 200),
        ] {
            let answer = server.client.send(&request, head, body).await;
            assert_eq!(answer.status, status, "{head} {body}");
        }
        let chunked = format!(
            "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{TURN_DOWN}\r\n0\r\n\r\n",
            TURN_DOWN.len()
        );
        assert_eq!(exchange(server.client.connect().await, chunked.as_bytes()).await.status, 200);
        server.end().await;
    });
}

#[test]
fn paths_that_are_not_published_are_settings() {
    block_on(async {
        let mut paths = Paths::default();
        paths.set(CallKind::Message, "/msg/{tenant}/{messageId}").unwrap();
        paths.set(CallKind::Token, "/token").unwrap();
        let server = Running::start(PullSettings { paths, ..open() }).await;
        server.client.call(&format!("GET /msg/any/{RFP}"), "", "").await;
        assert_eq!(server.logged().call, Some(Call::Message(RFP.parse().unwrap())));
        server.client.call(&format!("GET /message/v1/message/{RFP}"), "", "").await;
        assert_eq!(server.logged().kind(), None);
        assert_eq!(server.client.token("", "grant_type=client_credentials").await.status, 404);
        server.end().await;

        let mut paths = Paths::default();
        paths.set(CallKind::Venue, "/rfp/v1/supplier/rfp/{venueId}").unwrap();
        let error = PullServer::bind(PullSettings { paths, ..open() }).await.unwrap_err();
        assert!(matches!(error, PullError::Path(_)), "{error}");
        let refused = PullSettings { turn_down_refused: StatusCode::OK, ..open() };
        assert!(matches!(PullServer::bind(refused).await, Err(PullError::TurnDownRefused(_))));
        let brief = PullSettings { token_lifetime: std::time::Duration::ZERO, ..open() };
        assert!(matches!(PullServer::bind(brief).await, Err(PullError::TokenLifetime)));
    });
}
