//! What a failed handshake means.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pns_engine::TlsFailure;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, CertificateError, Error, SignatureScheme};

use super::trust::Doubt;

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

/// The error's words, without the names of the types around them.
pub(super) fn handshake_words(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(CertificateError::Other(other))) => {
            format!("invalid peer certificate: {other}")
        }
        _ => error.to_string(),
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
        CertificateError::Other(other) => match other.0.downcast_ref::<Doubt>() {
            Some(Doubt::OtherKey | Doubt::SelfSigned) => TlsFailure::UnknownIssuer,
            Some(Doubt::Authority | Doubt::OldVersion) | None => TlsFailure::BadCertificate,
        },
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
