//! Who is answered.

use pns_simulator::control::TlsFiles;
use pns_simulator::pull::{Api, PullError, PullServer, PullSettings, PullTls};

use super::{RFP, Running, block_on, key, known, oauth, open};
use crate::client::Client;

const CALL: &str = "GET /rfp/v1/supplier/rfp/0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01";

#[test]
fn without_keys_everybody_on_this_machine_is_answered_and_nobody_else() {
    block_on(async {
        for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
            let settings = PullSettings { listen: listen.parse().unwrap(), ..open() };
            let error = PullServer::bind(settings).await.unwrap_err();
            assert!(matches!(error, PullError::AccessNeeded(_)), "{error}");
        }
        let server = Running::start(open()).await;
        // An RFP that is not there, so the caller was let in.
        for head in
            ["", "Authorization: api_key any", "Authorization: Bearer any", "Authorization: Basic YTpi"]
        {
            assert_eq!(server.client.call(CALL, head, "").await.status, 404, "{head}");
            assert_eq!(&*server.logged().who, "anyone");
        }
        let token = server.client.token("", "grant_type=client_credentials").await;
        assert_eq!((token.status, &token.json()["token_type"]), (200, &"Bearer".into()));
        server.end().await;
    });
}

#[test]
fn who_shows_no_key_is_told_how() {
    block_on(async {
        let server = Running::start(known(vec![key("build", "s3cret-key")], Vec::new())).await;
        for head in [
            "",
            "Authorization: api_key wrong",
            "Authorization: api_key ",
            "Authorization: api_keys3cret-key",
            "Authorization: s3cret-key",
            "Authorization: Basic czNjcmV0LWtleTo=",
            "Authorization: Bearer s3cret-key",
        ] {
            let answer = server.client.call(CALL, head, "").await;
            assert_eq!(answer.status, 401, "{head}");
            assert_eq!(answer.headers("www-authenticate"), ["api_key realm=\"pns\""]);
            assert!(!answer.message().contains("s3cret-key"));
            let logged = server.logged();
            assert_eq!((logged.status, &*logged.who), (401, ""));
            assert!(!format!("{logged:?}").contains("s3cret-key"));
        }
        let twice = "Authorization: api_key s3cret-key\nAuthorization: api_key s3cret-key";
        assert_eq!(server.client.call(CALL, twice, "").await.status, 400);
        for head in ["Authorization: api_key s3cret-key", "authorization: API_KEY   s3cret-key"] {
            assert_eq!(server.client.call(CALL, head, "").await.status, 404, "{head}");
            assert_eq!(&*server.logged().who, "build");
        }
        // A key in the query is no key, and is not written down.
        let answer = server.client.call(&format!("{CALL}?api_key=s3cret-key"), "", "").await;
        assert_eq!(answer.status, 401);
        assert_eq!(&*server.logged().path, format!("/rfp/v1/supplier/rfp/{RFP}"));
        server.end().await;
    });
}

#[test]
fn a_key_opens_its_apis_only() {
    block_on(async {
        let mut rfps = key("rfps", "k1");
        rfps.access.apis = [Api::Rfp].into();
        let mut venues = oauth("venues", "i", "s");
        venues.access.apis = [Api::Venue].into();
        let server = Running::start(known(vec![rfps], vec![venues])).await;
        let venue = format!("GET /venue/v1/venue/{RFP}");
        let shown = "Authorization: api_key k1";
        assert_eq!(server.client.call(CALL, shown, "").await.status, 404);
        let refused = server.client.call(&venue, shown, "").await;
        assert_eq!((refused.status, refused.header("www-authenticate")), (403, ""));
        assert!(refused.message().contains("`venue`"));

        let form = "grant_type=client_credentials&client_id=i&client_secret=s";
        let token = server.client.token("", form).await.json()["access_token"].as_str().unwrap().to_owned();
        let shown = format!("Authorization: Bearer {token}");
        assert_eq!(server.client.call(&venue, &shown, "").await.status, 404);
        assert_eq!(&*server.logged().who, "venues");
        let refused = server.client.call(CALL, &shown, "").await;
        assert_eq!(refused.status, 403);
        assert!(refused.header("www-authenticate").contains("error=\"insufficient_scope\""));
        server.end().await;
    });
}

#[test]
fn the_certificate_made_at_the_start_is_for_this_machine_and_further_names() {
    block_on(async {
        let tls = PullTls::Made(vec!["pull.test".to_owned(), "localhost".to_owned()]);
        let server = Running::start(PullSettings { tls, ..open() }).await;
        for name in ["localhost", "127.0.0.1", "::1", "pull.test"] {
            server.client.connect_as(name).await.unwrap();
        }
        assert!(server.client.connect_as("other.test").await.is_err());
        server.end().await;
    });
}

#[test]
fn a_certificate_of_files_is_shown() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let files =
            TlsFiles { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        std::fs::write(&files.certificate, certificate.pem()).unwrap();
        let missing = PullSettings { tls: PullTls::Files(files.clone()), ..open() };
        assert!(matches!(PullServer::bind(missing).await, Err(PullError::Certificate(_))));
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        let server = PullServer::bind(PullSettings { tls: PullTls::Files(files), ..open() }).await.unwrap();
        assert!(server.ca_pem().is_none() && server.url().starts_with("https://127.0.0.1:"));
        let client = Client::new(server.address(), &certificate.pem());
        let serving = tokio::spawn(server.serve(super::Quiet::new(), std::future::pending()));
        assert_eq!(client.call(CALL, "", "").await.status, 404);
        serving.abort();
    });
}
