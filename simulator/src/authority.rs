//! Certificates made on the spot, for servers that nobody else vouches for: an authority of their own, to be trusted in
//! trials.

use std::fmt;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::clock;

/// The names under which a server on this machine is reached.
pub const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Certificates live this long: no longer than platforms accept of a server certificate (398 days).
const LIFETIME: Duration = Duration::from_secs(365 * 86_400);

/// Clocks of two machines may differ: certificates are valid from a day before they are made.
const LEEWAY: Duration = Duration::from_secs(86_400);

/// When a certificate is valid. All but [`Validity::Now`] is for trying how a client refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Its time was over a day ago.
    Past,
    /// From a day ago, for a year.
    Now,
    /// Its time begins in a day.
    Future,
}

impl Validity {
    /// Sets the span in which a certificate is valid, by the machine's clock.
    fn apply(self, params: &mut CertificateParams) {
        let now = date_time_ymd(1970, 1, 1) + Duration::from_nanos(clock::real_now().as_nanos());
        (params.not_before, params.not_after) = match self {
            Self::Past => (now - LIFETIME, now - LEEWAY),
            Self::Now => (now - LEEWAY, now + LIFETIME),
            Self::Future => (now + LEEWAY, now + LIFETIME),
        };
    }
}

/// An authority with a new key, which ends with the process. Costs about a millisecond to make.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// Makes one that is called `name`.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new(name: &str) -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        call(&mut params, name);
        Validity::Now.apply(&mut params);
        CertifiedIssuer::self_signed(params, KeyPair::generate()?).map(Self)
    }

    /// What a client must trust, as PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// The same as DER.
    #[must_use]
    pub fn der(&self) -> &CertificateDer<'static> {
        self.0.der()
    }

    /// A certificate for a server that calls itself `common_name` and is reached under `names` (DNS names or
    /// addresses), and its key.
    ///
    /// # Errors
    /// When a name is none, or the system gives no random numbers.
    pub fn issue(
        &self,
        common_name: &str,
        names: Vec<String>,
        validity: Validity,
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
        let mut params = CertificateParams::new(names)?;
        call(&mut params, common_name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        validity.apply(&mut params);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.0)?;
        Ok((certificate.der().clone(), PrivateKeyDer::Pkcs8(key.serialize_der().into())))
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

fn call(params: &mut CertificateParams, name: &str) {
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
}

/// [`LOCAL_NAMES`] and `further` ones, each once.
#[must_use]
pub fn names(further: &[String]) -> Vec<String> {
    let mut all: Vec<String> = LOCAL_NAMES.map(str::to_owned).to_vec();
    for name in further {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    all
}
