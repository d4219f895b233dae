//! Which certificates are accepted, and as what the others are reported.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bytes::Bytes;
use pns_engine::{Answer, FailureReason, TlsFailure};
use pns_simulator::endpoint::Endpoint;
use pns_simulator::transport::{
    Exchange, HttpsTransport, Request, ResolveOverride, Resolver, Settings, SettingsError, Transport, Trust,
};
use pns_test_support::{Authority, KeyKind, Leaf, Peer, Validity, read_request, server_config};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use tokio::io::AsyncWriteExt;

const NOW: Validity = Validity::Now;
const ACKNOWLEDGED: Answer = Answer::Status { code: 200, retry_after: None };

/// What `openssl x509 -req -signkey` makes: version 1, and so without `subjectAltName`.
const VERSION_1: &str = "-----BEGIN CERTIFICATE-----
MIIBIzCBywIUCTkvMMc/a1kWBZPAVp3jTsLQtggwCgYIKoZIzj0EAwIwFDESMBAG
A1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDAyMDgwMVoYDzIxMjYxMDMxMDIwODAx
WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AARFoJU0tBkfy4dCteqti6P56Rdr5EhWNekfZJ1IlwbfvvlTs1FjsWV4S+8tjD5h
Nt5vsJ9hMJXYjyD3R2gJBPPvMAoGCCqGSM49BAMCA0cAMEQCIDw22zjgoAOWvHTQ
neczeRMHelkz6JuP6vXopMvxhfNeAiAm2BToTQ1KYjXZB9p072Csd6Eq2pD67vje
4Op6y0umNg==
-----END CERTIFICATE-----
";

async fn serve(config: ServerConfig) -> Peer {
    Peer::tls(config, |mut stream| async move {
        // A handshake that ends on the first read is one of the failures expected here.
        let _answer = read_request(&mut stream, &mut Vec::new()).await;
        let _answer = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    })
    .await
}

fn transport(peer: &Peer, trust: Trust) -> HttpsTransport {
    let addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let port = peer.address().port();
    HttpsTransport::new(Settings {
        trust,
        resolver: Resolver::OverridesOnly,
        resolve: vec![ResolveOverride { host: "localhost".into(), port, addresses }],
        ..Settings::default()
    })
    .unwrap()
}

/// One attempt on a server with `config`.
async fn attempt(config: ServerConfig, trust: Trust) -> Exchange {
    let peer = serve(config).await;
    let endpoint = Arc::new(Endpoint::parse(&peer.https()).unwrap());
    transport(&peer, trust).attempt(Request::new(endpoint, Bytes::from_static(b"{}"))).await
}

fn bundle(pem: &str) -> Trust {
    Trust::Bundle(pem.as_bytes().to_vec())
}

async fn failure(config: ServerConfig, trust: Trust) -> (TlsFailure, String) {
    let exchange = attempt(config, trust).await;
    match exchange.answer {
        Answer::NoResponse(FailureReason::Tls(failure)) => (failure, exchange.detail.unwrap()),
        other => panic!("{other:?}: {exchange:?}"),
    }
}

#[tokio::test]
async fn certificates_that_do_not_hold() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    for (issuer, names, validity, expected) in [
        (&ours, ["localhost"], Validity::Expired, TlsFailure::CertificateExpired),
        (&ours, ["localhost"], Validity::NotYet, TlsFailure::CertificateNotYetValid),
        (&theirs, ["localhost"], NOW, TlsFailure::UnknownIssuer),
        (&ours, ["other.example"], NOW, TlsFailure::WrongHost),
    ] {
        let config = server_config(issuer.issue(&names, validity));
        assert_eq!(failure(config, bundle(&ours.pem)).await.0, expected);
    }
}

#[tokio::test]
async fn an_authority_made_anew_is_an_unknown_issuer() {
    let old = Authority::named("development authority", KeyKind::EcdsaP256);
    for kind in [KeyKind::EcdsaP256, KeyKind::Ed25519] {
        let new = Authority::named("development authority", kind);
        let (failure, detail) =
            failure(server_config(new.issue(&["localhost"], NOW)), bundle(&old.pem)).await;
        assert_eq!(failure, TlsFailure::UnknownIssuer, "{detail}");
        assert!(detail.contains("but not its key"), "{detail}");
    }
    // Both in one bundle is how an authority is replaced: either's certificates are accepted.
    let new = Authority::named("development authority", KeyKind::EcdsaP256);
    for issuer in [&old, &new] {
        let config = server_config(issuer.issue(&["localhost"], NOW));
        let exchange = attempt(config, bundle(&format!("{}{}", old.pem, new.pem))).await;
        assert_eq!(exchange.answer, ACKNOWLEDGED, "{exchange:?}");
    }
}

#[tokio::test]
async fn a_certificate_named_in_the_bundle_is_accepted_itself() {
    let elsewhere = Authority::new();
    for leaf in [
        Leaf::self_signed(&["localhost"], NOW),
        Leaf::self_signed_server(&["localhost"]),
        elsewhere.issue(&["localhost"], NOW),
        elsewhere.issue_authority(&["localhost"]),
    ] {
        let pem = leaf.pem.clone();
        let exchange = attempt(server_config(leaf), bundle(&pem)).await;
        assert_eq!(exchange.answer, ACKNOWLEDGED, "{exchange:?}");
    }
}

#[tokio::test]
async fn a_certificate_named_in_the_bundle_must_hold_otherwise() {
    for (names, validity, expected) in [
        (["other.example"], NOW, TlsFailure::WrongHost),
        (["localhost"], Validity::Expired, TlsFailure::CertificateExpired),
        (["localhost"], Validity::NotYet, TlsFailure::CertificateNotYetValid),
    ] {
        let leaf = Leaf::self_signed(&names, validity);
        let pem = leaf.pem.clone();
        assert_eq!(failure(server_config(leaf), bundle(&pem)).await.0, expected);
    }
    // Whoever shows the certificate must have its key.
    let (pinned, other) = (Leaf::self_signed(&["localhost"], NOW), Leaf::self_signed(&["localhost"], NOW));
    let pem = pinned.pem.clone();
    let mismatched = Leaf { key: other.key, ..pinned };
    assert_eq!(failure(unchecked(mismatched), bundle(&pem)).await.0, TlsFailure::BadCertificate);
}

#[tokio::test]
async fn a_self_signed_certificate_that_nobody_named() {
    let other = Leaf::self_signed(&["localhost"], NOW);
    for leaf in [Leaf::self_signed(&["localhost"], NOW), Leaf::self_signed_server(&["localhost"])] {
        for trust in [bundle(&other.pem), bundle(&Authority::new().pem), Trust::Platform] {
            let leaf = Leaf { chain: leaf.chain.clone(), pem: String::new(), key: leaf.key.clone_key() };
            let (failure, detail) = failure(server_config(leaf), trust).await;
            assert_eq!(failure, TlsFailure::UnknownIssuer, "{detail}");
            assert!(detail.contains("self-signed"), "{detail}");
        }
    }
}

#[tokio::test]
async fn the_platform_does_not_vouch_for_a_test_authority() {
    let config = server_config(Authority::new().issue(&["localhost"], NOW));
    assert_eq!(failure(config, Trust::Platform).await.0, TlsFailure::UnknownIssuer);
}

#[tokio::test]
async fn no_verification_accepts_what_does_not_hold() {
    let expired = Authority::new().issue(&["other.example"], Validity::Expired);
    assert_eq!(attempt(server_config(expired), Trust::Unverified).await.answer, ACKNOWLEDGED);
}

#[tokio::test]
async fn certificates_that_are_none_of_a_server() {
    let authority = Authority::new();
    let (failed, detail) =
        failure(server_config(authority.issue_authority(&["localhost"])), bundle(&authority.pem)).await;
    assert_eq!(failed, TlsFailure::BadCertificate);
    assert!(detail.contains("CA:TRUE"), "{detail}");

    let mut old = authority.issue(&["localhost"], NOW);
    old.chain = vec![CertificateDer::from_pem_slice(VERSION_1.as_bytes()).unwrap()];
    let (failed, detail) = failure(unchecked(old), bundle(&authority.pem)).await;
    assert_eq!(failed, TlsFailure::BadCertificate);
    assert!(detail.contains("before version 3"), "{detail}");

    let mut malformed = authority.issue(&["localhost"], NOW);
    malformed.chain = vec![b"garbage".to_vec().into()];
    assert_eq!(failure(unchecked(malformed), bundle(&authority.pem)).await.0, TlsFailure::BadCertificate);
}

/// A server's settings with a certificate that does not fit its key.
fn unchecked(leaf: Leaf) -> ServerConfig {
    let provider = aws_lc_rs::default_provider();
    let key = provider.key_provider.load_private_key(leaf.key).unwrap();
    let certified = rustls::sign::CertifiedKey::new(leaf.chain, key);
    ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)))
}

/// A server that demands a client certificate, and its authority.
fn demanding(versions: &[&'static SupportedProtocolVersion]) -> (ServerConfig, Authority) {
    let authority = Authority::new();
    let mut roots = RootCertStore::empty();
    roots.add(authority.der.clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let leaf = authority.issue(&["localhost"], NOW);
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(leaf.chain, leaf.key)
        .unwrap();
    (config, authority)
}

#[tokio::test]
async fn a_client_certificate_is_demanded() {
    for version in [&version::TLS12, &version::TLS13] {
        let (config, authority) = demanding(&[version]);
        let (failure, _) = failure(config, bundle(&authority.pem)).await;
        assert_eq!(failure, TlsFailure::ClientCertificateRequired, "{version:?}");
    }
}

/// Under TLS 1.3 the sender is done before the receiver has said no: the first attempt meets the refusal.
#[tokio::test]
async fn a_client_certificate_is_demanded_after_connecting() {
    let (config, authority) = demanding(&[&version::TLS13]);
    let peer = serve(config).await;
    let endpoint = Arc::new(Endpoint::parse(&peer.https()).unwrap());
    let transport = transport(&peer, bundle(&authority.pem));
    transport.connect(&endpoint).await.unwrap();
    let exchange = transport.attempt(Request::new(endpoint, Bytes::from_static(b"{}"))).await;
    let required = FailureReason::Tls(TlsFailure::ClientCertificateRequired);
    assert_eq!(exchange.answer, Answer::NoResponse(required), "{exchange:?}");
}

#[test]
fn bundles_that_cannot_be_used() {
    let error =
        |pem: &str| HttpsTransport::new(Settings { trust: bundle(pem), ..Settings::default() }).unwrap_err();
    assert!(matches!(error(""), SettingsError::BundleEmpty));
    assert!(matches!(error("hello"), SettingsError::BundleEmpty));
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert!(matches!(error(key), SettingsError::BundleEmpty));
    let open = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    assert!(matches!(error(open), SettingsError::BundleNotPem(_)));
    let whole = format!("{}{open}-----END CERTIFICATE-----\n", Authority::new().pem);
    let malformed = error(&whole);
    assert!(matches!(malformed, SettingsError::BundleCertificate { position: 2, .. }), "{malformed}");
}
