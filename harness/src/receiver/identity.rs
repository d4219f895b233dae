//! Who the receiver says it is: certificates made once per process, and deliberately broken ones.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use pns_simulator::authority::{Authority, Validity, names};

/// What a certificate calls the receiver.
const COMMON_NAME: &str = "pns receiver";

/// Which certificate the receiver shows. Everything but [`Certificate::Good`] is for trying how a sender refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Certificate {
    /// Valid for `localhost`, 127.0.0.1, ::1 and the identity's further names.
    #[default]
    Good,
    /// Its time was over a day ago.
    Expired,
    /// Its time begins in a day.
    NotYetValid,
    /// Valid, for another host.
    WrongHost,
    /// Valid, from an authority that [`Identity::ca_pem`] does not hold.
    UnknownIssuer,
}

/// Which TLS versions the receiver speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TlsVersions {
    /// 1.2 and 1.3.
    #[default]
    Both,
    /// 1.2 alone.
    Tls12Only,
    /// 1.3 alone.
    Tls13Only,
}

/// Whether the receiver demands a certificate of the sender. Cvent's page mentions none, so a sender of PNS
/// notifications has none to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ClientCertificate {
    /// Not asked for.
    #[default]
    NotAsked,
    /// The handshake fails without one.
    Demanded,
}

/// TLS settings of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Tls {
    /// What it shows.
    pub certificate: Certificate,
    /// What it speaks.
    pub versions: TlsVersions,
    /// What it demands.
    pub client_certificate: ClientCertificate,
}

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A certificate could not be made.
    #[error("cannot make a certificate")]
    Generate(#[from] rcgen::Error),
    /// A PEM file could not be read.
    #[error("cannot read `{path}` as PEM")]
    Pem {
        /// The file.
        path: String,
        /// What was wrong with it.
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate, key and settings do not make a TLS server.
    #[error("the certificate and its key do not make a TLS server")]
    Tls(#[from] rustls::Error),
    /// A broken certificate was asked for, and there is no authority at hand to sign it.
    #[error("a broken certificate can be shown only by a generated identity")]
    NoAuthority,
}

/// Certificates and keys of embedded receivers. Costs about a millisecond to make and is shared by all receivers of
/// a process; cloning is free.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    ca_pem: String,
    authority: Option<Authority>,
    /// The configuration that nearly every receiver uses, with ALPN for HTTP/2 and HTTP/1.1.
    usual: OnceLock<Arc<ServerConfig>>,
}

impl Identity {
    /// A new authority, and a certificate for `localhost`, 127.0.0.1 and ::1.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn generate() -> Result<Self, IdentityError> {
        Self::generate_for(&[])
    }

    /// As [`Identity::generate`], for further host names or addresses.
    ///
    /// # Errors
    /// When a name is none, or the system gives no random numbers.
    pub fn generate_for(further: &[String]) -> Result<Self, IdentityError> {
        let authority = Authority::new("pns receiver's own authority")?;
        let (certificate, key) = authority.issue(COMMON_NAME, names(further), Validity::Now)?;
        Ok(Self(Arc::new(Inner {
            chain: vec![certificate],
            key,
            ca_pem: authority.pem(),
            authority: Some(authority),
            usual: OnceLock::new(),
        })))
    }

    /// A certificate chain (leaf first) and its key, from PEM files. [`Identity::ca_pem`] is the chain then: a sender
    /// trusts it if it is self-signed.
    ///
    /// # Errors
    /// Names the file that cannot be read, or says that the two do not fit.
    pub fn from_pem_files(certificate: &Path, key: &Path) -> Result<Self, IdentityError> {
        let pem = |path: &Path| {
            let path = path.display().to_string();
            move |source| IdentityError::Pem { path, source }
        };
        let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect)
            .map_err(pem(certificate))?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(pem(key))?;
        let ca_pem = std::fs::read_to_string(certificate)
            .map_err(|error| pem(certificate)(rustls::pki_types::pem::Error::Io(error)))?;
        let identity = Self(Arc::new(Inner { chain, key, ca_pem, authority: None, usual: OnceLock::new() }));
        identity.server_config(Tls::default(), true)?;
        Ok(identity)
    }

    /// What a sender must trust, as PEM: for `--cacert`.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.0.ca_pem
    }

    /// The TLS server that `tls` describes.
    pub(crate) fn server_config(&self, tls: Tls, http2: bool) -> Result<Arc<ServerConfig>, IdentityError> {
        let usual = tls == Tls::default() && http2;
        if let Some(config) = self.0.usual.get().filter(|_| usual) {
            return Ok(Arc::clone(config));
        }
        let (chain, key) = self.certificate(tls.certificate)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let versions: &[_] = match tls.versions {
            TlsVersions::Both => &[&rustls::version::TLS13, &rustls::version::TLS12],
            TlsVersions::Tls12Only => &[&rustls::version::TLS12],
            TlsVersions::Tls13Only => &[&rustls::version::TLS13],
        };
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions)?;
        let builder = match tls.client_certificate {
            ClientCertificate::NotAsked => builder.with_no_client_auth(),
            ClientCertificate::Demanded => {
                let mut roots = RootCertStore::empty();
                roots.add(self.client_root()?)?;
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .map_err(|_| IdentityError::NoAuthority)?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(chain, key)?;
        config.alpn_protocols =
            if http2 { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { vec![b"http/1.1".to_vec()] };
        let config = Arc::new(config);
        if usual {
            return Ok(Arc::clone(self.0.usual.get_or_init(|| config)));
        }
        Ok(config)
    }

    fn certificate(
        &self,
        certificate: Certificate,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), IdentityError> {
        let authority = || self.0.authority.as_ref().ok_or(IdentityError::NoAuthority);
        let (leaf, key) = match certificate {
            Certificate::Good => return Ok((self.0.chain.clone(), self.0.key.clone_key())),
            Certificate::Expired => authority()?.issue(COMMON_NAME, names(&[]), Validity::Past)?,
            Certificate::NotYetValid => authority()?.issue(COMMON_NAME, names(&[]), Validity::Future)?,
            Certificate::WrongHost => {
                authority()?.issue(COMMON_NAME, vec!["another-host.invalid".to_owned()], Validity::Now)?
            }
            Certificate::UnknownIssuer => {
                Authority::new("an unknown authority")?.issue(COMMON_NAME, names(&[]), Validity::Now)?
            }
        };
        Ok((vec![leaf], key))
    }

    fn client_root(&self) -> Result<CertificateDer<'static>, IdentityError> {
        match &self.0.authority {
            Some(authority) => Ok(authority.der().clone()),
            None => self.0.chain.last().cloned().ok_or(IdentityError::NoAuthority),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}
