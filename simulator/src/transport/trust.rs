//! Which certificates are trusted.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};

use super::settings::{SettingsError, Trust};

/// What verifies receivers' certificates, and what is to be told about it.
pub(super) fn verifier(
    trust: &Trust,
) -> Result<(Arc<dyn ServerCertVerifier>, Option<String>), SettingsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    Ok(match trust {
        Trust::Platform => {
            let platform = rustls_platform_verifier::Verifier::new(Arc::clone(&provider));
            let (inner, note) = platform_or_built_in(platform, &provider)?;
            (Arc::new(Verifier { inner, pinned: Vec::new() }), note)
        }
        Trust::Bundle(pem) => {
            let pinned = bundle(pem)?;
            let inner = web_pki(roots(&pinned)?, &provider)?;
            (Arc::new(Verifier { inner, pinned }), None)
        }
        Trust::Unverified => {
            let note = "the receiver's certificate is NOT verified: PNS would verify it".to_owned();
            (Arc::new(Unverified(provider)), Some(note))
        }
    })
}

/// The TLS settings of a connection that offers these versions and protocols.
pub(super) fn client_config(
    verifier: Arc<dyn ServerCertVerifier>,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[&[u8]],
) -> Result<ClientConfig, SettingsError> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .map_err(|error| SettingsError::Tls(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

/// The platform's verifier, or, where it has no roots (as in a slim container), one of the built-in roots and a
/// note that says so.
fn platform_or_built_in<V: ServerCertVerifier + 'static>(
    platform: Result<V, Error>,
    provider: &Arc<CryptoProvider>,
) -> Result<(Arc<dyn ServerCertVerifier>, Option<String>), SettingsError> {
    match platform {
        Ok(verifier) => Ok((Arc::new(verifier), None)),
        Err(error) => {
            let note = format!(
                "the platform's certificate authorities cannot be used ({error}): \
                 Mozilla's, as built into pns, are trusted instead"
            );
            let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            Ok((web_pki(roots, provider)?, Some(note)))
        }
    }
}

fn web_pki(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, SettingsError> {
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    Ok(builder.build().map_err(|error| SettingsError::Tls(error.to_string()))?)
}

fn bundle(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.map_err(|error| SettingsError::BundleNotPem(error.to_string()))?;
    if certificates.is_empty() { Err(SettingsError::BundleEmpty) } else { Ok(certificates) }
}

fn roots(certificates: &[CertificateDer<'static>]) -> Result<RootCertStore, SettingsError> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in certificates.iter().enumerate() {
        roots.add(certificate.clone()).map_err(|error| SettingsError::BundleCertificate {
            position: index + 1,
            cause: error.to_string(),
        })?;
    }
    Ok(roots)
}

/// What is wrong with a certificate, where the TLS library's own words would lead astray.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Doubt {
    /// A development authority made anew keeps its name and changes its key.
    #[error(
        "its issuer has the name of a trusted authority, but not its key: was the authority made anew, \
         or the certificate changed?"
    )]
    OtherKey,
    #[error("it is self-signed, and not itself among the trusted certificates")]
    SelfSigned,
    #[error("it says that it is an authority (`CA:TRUE`), which a server's certificate must not say")]
    Authority,
    #[error(
        "it is an X.509 certificate before version 3, which says for no host that it is meant: \
         make it anew with a `subjectAltName`"
    )]
    OldVersion,
}

impl From<Doubt> for Error {
    fn from(doubt: Doubt) -> Self {
        CertificateError::Other(OtherError(Arc::new(doubt))).into()
    }
}

/// Verifies as `inner` does, and accepts besides a server's certificate that is itself one of `pinned`.
///
/// `inner` wants authorities and servers apart, so that it refuses what `openssl req -x509` makes: a certificate
/// that is its own authority. Who names that very certificate has vouched for it, as curl's `--cacert` has it.
/// Its validity, its name and the signature of the handshake still have to hold.
#[derive(Debug)]
struct Verifier {
    inner: Arc<dyn ServerCertVerifier>,
    pinned: Vec<CertificateDer<'static>>,
}

impl Verifier {
    /// The verdict on a certificate for which `inner` found no trusted chain.
    fn reconsider(
        &self,
        error: CertificateError,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
    ) -> Result<ServerCertVerified, Error> {
        let doubt = match &error {
            CertificateError::UnknownIssuer => None,
            CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                Some(Doubt::OtherKey)
            }
            CertificateError::Other(other) => match other.0.downcast_ref::<webpki::Error>() {
                Some(webpki::Error::CaUsedAsEndEntity) => Some(Doubt::Authority),
                Some(webpki::Error::UnsupportedCertVersion) => return Err(Doubt::OldVersion.into()),
                _ => return Err(error.into()),
            },
            _ => return Err(error.into()),
        };
        // All of these are found after the certificate's own validity was, which therefore holds.
        if self.pinned.iter().any(|pinned| pinned == certificate) {
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        let doubt = if is_self_signed(certificate) { Some(Doubt::SelfSigned) } else { doubt };
        Err(doubt.map_or_else(|| error.into(), Error::from))
    }
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate)
        .is_ok_and(|certificate| certificate.issuer() == certificate.subject())
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(Error::InvalidCertificate(error)) => self.reconsider(error, end_entity, server_name),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What `verifier` says of bytes that are no certificate.
    fn verdict(verifier: &dyn ServerCertVerifier) -> Result<(), Error> {
        let garbage = CertificateDer::from(&b"garbage"[..]);
        let name = ServerName::try_from("localhost").unwrap();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_700_000_000));
        verifier.verify_server_cert(&garbage, &[], &name, &[], now).map(drop)
    }

    #[test]
    fn the_platform_is_asked_where_it_has_roots() {
        let provider = Arc::new(aws_lc_rs::default_provider());
        // Stands for the platform: it accepts what no other verifier would.
        let platform = Ok(Unverified(Arc::clone(&provider)));
        let (verifier, note) = platform_or_built_in(platform, &provider).unwrap();
        assert_eq!((verdict(&*verifier), note), (Ok(()), None));
    }

    #[test]
    fn the_built_in_roots_stand_in_for_a_platform_without_any_and_a_note_says_so() {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let platform = Err::<Unverified, _>(Error::General("no roots here".into()));
        let (verifier, note) = platform_or_built_in(platform, &provider).unwrap();
        assert_eq!(verdict(&*verifier), Err(CertificateError::BadEncoding.into()));
        let note = note.unwrap();
        assert!(note.contains("no roots here") && note.contains("Mozilla"), "{note}");
    }

    #[test]
    fn no_verification_is_told() {
        let (_, note) = verifier(&Trust::Unverified).unwrap();
        assert!(note.unwrap().contains("NOT verified"));
    }
}
