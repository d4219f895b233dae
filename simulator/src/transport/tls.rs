//! Which certificates are trusted, and what a failed handshake means.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pns_engine::TlsFailure;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WantsClientCert};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error,
    RootCertStore, SignatureScheme,
};

use super::settings::{Http2, SettingsError, Trust};

/// The TLS settings of every connection, and what is to be told about them.
pub(super) fn client_config(
    trust: &Trust,
    http2: Http2,
) -> Result<(ClientConfig, Vec<String>), SettingsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| SettingsError::Tls(error.to_string()))?;
    let mut notes = Vec::new();
    let wants_client_cert: ConfigBuilder<ClientConfig, WantsClientCert> = match trust {
        Trust::Platform => match rustls_platform_verifier::Verifier::new(provider) {
            Ok(verifier) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)),
            Err(error) => {
                notes.push(format!(
                    "the platform's certificate authorities cannot be used ({error}): \
                     Mozilla's, as built into pns, are trusted instead"
                ));
                let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
                builder.with_root_certificates(roots)
            }
        },
        Trust::Bundle(pem) => builder.with_root_certificates(bundle(pem)?),
        Trust::Unverified => {
            notes.push("the receiver's certificate is NOT verified: PNS would verify it".into());
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Unverified(provider)))
        }
    };
    let mut config = wants_client_cert.with_no_client_auth();
    config.alpn_protocols = match http2 {
        Http2::Never => vec![b"http/1.1".to_vec()],
        Http2::Offered => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
    };
    Ok((config, notes))
}

fn bundle(pem: &[u8]) -> Result<RootCertStore, SettingsError> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
        let certificate = certificate.map_err(|error| SettingsError::BundleNotPem(error.to_string()))?;
        roots.add(certificate).map_err(|error| SettingsError::BundleCertificate {
            position: index + 1,
            cause: error.to_string(),
        })?;
    }
    if roots.is_empty() { Err(SettingsError::BundleEmpty) } else { Ok(roots) }
}

/// Accepts any certificate, but not a handshake whose signature is wrong.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Has no client certificate, and notes that one was asked for: what TLS 1.2 servers say afterwards
/// (`handshake_failure`, `bad_certificate`) does not tell by itself.
#[derive(Debug, Default)]
pub(super) struct ClientCertificateAsked(AtomicBool);

impl ClientCertificateAsked {
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for ClientCertificateAsked {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// Why the handshake failed.
pub(super) fn handshake_failure(error: &io::Error, asked: bool) -> TlsFailure {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(inner) => tls_failure(inner, asked),
        None => TlsFailure::HandshakeClosed,
    }
}

/// What a TLS error means. `asked`: the receiver asked for a client certificate.
pub(super) fn tls_failure(error: &Error, asked: bool) -> TlsFailure {
    match error {
        Error::InvalidCertificate(error) => certificate_failure(error),
        Error::NoCertificatesPresented => TlsFailure::BadCertificate,
        Error::AlertReceived(alert) => alert_failure(*alert, asked),
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol => TlsFailure::VersionOrCipher,
        _ => TlsFailure::NotTls,
    }
}

fn certificate_failure(error: &CertificateError) -> TlsFailure {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFailure::CertificateExpired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsFailure::CertificateNotYetValid
        }
        CertificateError::UnknownIssuer => TlsFailure::UnknownIssuer,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFailure::WrongHost
        }
        _ => TlsFailure::BadCertificate,
    }
}

fn alert_failure(alert: AlertDescription, asked: bool) -> TlsFailure {
    match alert {
        AlertDescription::CertificateRequired => TlsFailure::ClientCertificateRequired,
        AlertDescription::HandshakeFailure
        | AlertDescription::BadCertificate
        | AlertDescription::NoCertificate
        | AlertDescription::AccessDenied
        | AlertDescription::CertificateUnknown
            if asked =>
        {
            TlsFailure::ClientCertificateRequired
        }
        AlertDescription::HandshakeFailure
        | AlertDescription::ProtocolVersion
        | AlertDescription::InsufficientSecurity
        | AlertDescription::NoApplicationProtocol => TlsFailure::VersionOrCipher,
        AlertDescription::UnrecognisedName => TlsFailure::WrongHost,
        // Whatever else it complains of, it speaks TLS and ends the handshake.
        _ => TlsFailure::HandshakeClosed,
    }
}
