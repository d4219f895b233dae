//! Certificates made for one test.

use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_ED25519, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Numbers the authorities, so that each has a name of its own.
static AUTHORITIES: AtomicUsize = AtomicUsize::new(0);

/// A certificate authority that lives as long as the test.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate.
    pub der: CertificateDer<'static>,
    /// The same as PEM, as `--cacert` takes it.
    pub pem: String,
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    Now,
    Expired,
    NotYet,
}

/// Which kind of key an authority signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    EcdsaP256,
    Ed25519,
}

/// A receiver's certificate and its key.
#[derive(Debug)]
pub struct Leaf {
    pub chain: Vec<CertificateDer<'static>>,
    /// The certificate as PEM.
    pub pem: String,
    pub key: PrivateKeyDer<'static>,
}

impl Authority {
    /// A new authority with a new key.
    #[expect(clippy::new_without_default, reason = "each call makes another key")]
    #[must_use]
    pub fn new() -> Self {
        let number = AUTHORITIES.fetch_add(1, Ordering::Relaxed);
        Self::named(&format!("pns test authority {number}"), KeyKind::EcdsaP256)
    }

    /// An authority of that name with a new key: called twice, an authority made anew.
    #[must_use]
    pub fn named(name: &str, kind: KeyKind) -> Self {
        let key = kind.generate();
        let mut params = CertificateParams::new(Vec::new()).expect("no names are well-formed names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a key signs its own certificate");
        let (der, pem) = (certificate.der().clone(), certificate.pem());
        Self { issuer: Issuer::new(params, key), der, pem }
    }

    /// A certificate for `names` (DNS names or IP addresses).
    #[must_use]
    pub fn issue(&self, names: &[&str], validity: Validity) -> Leaf {
        self.sign(&params(names, validity, IsCa::NoCa))
    }

    /// A certificate for `names` that says that it is an authority, as no server's should.
    #[must_use]
    pub fn issue_authority(&self, names: &[&str]) -> Leaf {
        self.sign(&params(names, Validity::Now, IsCa::Ca(BasicConstraints::Unconstrained)))
    }

    fn sign(&self, params: &CertificateParams) -> Leaf {
        let key = KeyKind::EcdsaP256.generate();
        let certificate = params.signed_by(&key, &self.issuer).expect("the authority signs");
        Leaf::new(&certificate, &key)
    }
}

impl Leaf {
    /// A certificate that is its own authority, as `openssl req -x509` makes one.
    #[must_use]
    pub fn self_signed(names: &[&str], validity: Validity) -> Self {
        Self::own(&params(names, validity, IsCa::Ca(BasicConstraints::Unconstrained)))
    }

    /// A certificate that signs itself without claiming to be an authority.
    #[must_use]
    pub fn self_signed_server(names: &[&str]) -> Self {
        Self::own(&params(names, Validity::Now, IsCa::ExplicitNoCa))
    }

    fn own(params: &CertificateParams) -> Self {
        let key = KeyKind::EcdsaP256.generate();
        let certificate = params.self_signed(&key).expect("a key signs its own certificate");
        Self::new(&certificate, &key)
    }

    fn new(certificate: &Certificate, key: &KeyPair) -> Self {
        Self {
            chain: vec![certificate.der().clone()],
            pem: certificate.pem(),
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        }
    }
}

impl KeyKind {
    fn generate(self) -> KeyPair {
        let algorithm = match self {
            Self::EcdsaP256 => &PKCS_ECDSA_P256_SHA256,
            Self::Ed25519 => &PKCS_ED25519,
        };
        KeyPair::generate_for(algorithm).expect("a key can be generated")
    }
}

fn params(names: &[&str], validity: Validity, is_ca: IsCa) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("the names are well-formed");
    (params.not_before, params.not_after) = match validity {
        Validity::Now => (date_time_ymd(2000, 1, 1), date_time_ymd(4000, 1, 1)),
        Validity::Expired => (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 1, 1)),
        Validity::NotYet => (date_time_ymd(3999, 1, 1), date_time_ymd(4000, 1, 1)),
    };
    params.is_ca = is_ca;
    params
}
