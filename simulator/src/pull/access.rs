//! Who may call, and what they see: keys and OAuth clients.
//!
//! *Documented*: a key opens one API or several, and an application without the permission for a call is answered 403.
//! Which calls of unpublished paths belong to which API is *inferred* from their names.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use pns_engine::SupplierScope;

use crate::secret::{ApiKey, ApiKeyError, SecretDigest};
use crate::world::{CallKind, Viewer};

/// Keys, and likewise clients: each is compared at each call.
const COUNT_MAX: usize = 100;

/// The APIs that a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Api {
    /// RFPs, forwarding them, and represented venues.
    Rfp,
    /// Responses: reading them, turning down, proposals, attachments.
    Response,
    /// Messages.
    Message,
    /// Venues.
    Venue,
}

impl Api {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Rfp, Self::Response, Self::Message, Self::Venue];

    /// The API of a call; `None`: the token, for which no API needs to be open.
    #[must_use]
    pub fn of(kind: CallKind) -> Option<Self> {
        Some(match kind {
            CallKind::Rfp | CallKind::RepresentedVenues | CallKind::Forward => Self::Rfp,
            CallKind::Responses
            | CallKind::Response
            | CallKind::DataType
            | CallKind::Attachment
            | CallKind::TurnDown
            | CallKind::ProposalDetails
            | CallKind::ProposalCreate => Self::Response,
            CallKind::Message | CallKind::Messages => Self::Message,
            CallKind::Venue => Self::Venue,
            CallKind::Token => return None,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::Rfp => "rfp",
            Self::Response => "response",
            Self::Message => "message",
            Self::Venue => "venue",
        }
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The text names no API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `rfp`, `response`, `message` or `venue`")]
pub struct UnknownApi;

impl FromStr for Api {
    type Err = UnknownApi;

    fn from_str(text: &str) -> Result<Self, UnknownApi> {
        Self::ALL.into_iter().find(|api| api.word() == text).ok_or(UnknownApi)
    }
}

/// What a key or a client may do.
#[derive(Clone, Debug)]
pub struct Access {
    /// By which the log and messages call it.
    pub name: Arc<str>,
    /// The APIs that it opens.
    pub apis: BTreeSet<Api>,
    /// What it sees.
    pub viewer: Viewer,
}

impl Access {
    /// All APIs, all suppliers, and represented venues.
    #[must_use]
    pub fn full(name: &str) -> Self {
        Self {
            name: name.into(),
            apis: Api::ALL.into(),
            viewer: Viewer { suppliers: SupplierScope::All, cvb: true },
        }
    }
}

/// A secret that is agreed with callers. Only its digest is kept, and nothing shows it.
#[derive(Clone, Debug)]
pub struct Secret(SecretDigest);

impl Secret {
    /// Takes `secret`, byte for byte.
    ///
    /// # Errors
    /// When it is empty, or has anything but visible ASCII.
    pub fn new(secret: &str) -> Result<Self, ApiKeyError> {
        ApiKey::new(secret).map(|key| Self::from(&key))
    }

    pub(super) fn is(&self, shown: &[u8]) -> bool {
        self.0.is(shown)
    }
}

impl From<&ApiKey> for Secret {
    fn from(key: &ApiKey) -> Self {
        Self(SecretDigest::of(key.reveal().as_bytes()))
    }
}

/// A key, shown as `Authorization: api_key KEY`. *Documented*, deprecated.
#[derive(Clone, Debug)]
pub struct PullKey {
    /// The key.
    pub secret: Secret,
    /// What it opens.
    pub access: Access,
}

/// A client of OAuth 2.0's client credentials. *Documented.*
#[derive(Clone, Debug)]
pub struct PullClient {
    /// Its public name at the token endpoint.
    pub id: String,
    /// Its secret.
    pub secret: Secret,
    /// The scopes that it may ask for; `None`: any, and they change nothing. Which scopes Cvent has is not published.
    pub scopes: Option<BTreeSet<String>>,
    /// What its tokens open.
    pub access: Access,
}

/// Why keys and clients cannot be told apart or used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// Two of them have one name.
    #[error("two keys or clients are called `{0}`")]
    Name(Arc<str>),
    /// Two keys are one text.
    #[error("the keys `{0}` and `{1}` are the same: nobody could tell which is shown")]
    SameKey(Arc<str>, Arc<str>),
    /// Two clients have one id.
    #[error("two clients have the id `{0}`")]
    ClientId(String),
    /// An id that cannot be sent.
    #[error("the id of client `{0}` is empty, or has anything but visible ASCII")]
    Unsendable(Arc<str>),
    /// It would open nothing.
    #[error("`{0}` opens no API")]
    Nothing(Arc<str>),
    /// A scope that cannot be asked for.
    #[error("`{0}` is no scope: visible ASCII without `\"` and `\\`")]
    Scope(String),
    /// More than are compared at each call.
    #[error("more than {COUNT_MAX} keys or clients")]
    TooMany,
}

/// Whether keys and clients can be told apart and used.
pub(super) fn check(keys: &[PullKey], clients: &[PullClient]) -> Result<(), AccessError> {
    if keys.len() > COUNT_MAX || clients.len() > COUNT_MAX {
        return Err(AccessError::TooMany);
    }
    let mut names = BTreeSet::new();
    let all = keys.iter().map(|key| &key.access).chain(clients.iter().map(|client| &client.access));
    for access in all {
        if !names.insert(Arc::clone(&access.name)) {
            return Err(AccessError::Name(Arc::clone(&access.name)));
        }
        if access.apis.is_empty() {
            return Err(AccessError::Nothing(Arc::clone(&access.name)));
        }
    }
    for (index, key) in keys.iter().enumerate() {
        if let Some(other) = keys[..index].iter().find(|other| other.secret.0.equals(&key.secret.0)) {
            return Err(AccessError::SameKey(Arc::clone(&other.access.name), Arc::clone(&key.access.name)));
        }
    }
    let mut ids = BTreeSet::new();
    for client in clients {
        if client.id.is_empty() || !client.id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AccessError::Unsendable(Arc::clone(&client.access.name)));
        }
        if !ids.insert(client.id.as_str()) {
            return Err(AccessError::ClientId(client.id.clone()));
        }
        let mut scopes = client.scopes.iter().flatten();
        if let Some(scope) = scopes.find(|scope| !is_scope(scope)) {
            return Err(AccessError::Scope(scope.clone()));
        }
    }
    Ok(())
}

/// A scope token of RFC 6749, section 3.3.
pub(super) fn is_scope(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    !text.is_empty() && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, secret: &str) -> PullKey {
        PullKey { secret: Secret::new(secret).unwrap(), access: Access::full(name) }
    }

    fn client(name: &str, id: &str) -> PullClient {
        let access = Access::full(name);
        PullClient { id: id.to_owned(), secret: Secret::new("s").unwrap(), scopes: None, access }
    }

    #[test]
    fn keys_and_clients_are_told_apart() {
        check(&[key("a", "k1"), key("b", "k2")], &[client("c", "i1"), client("d", "i2")]).unwrap();
        let told = |keys: &[PullKey], clients: &[PullClient]| check(keys, clients).unwrap_err().to_string();
        assert!(told(&[key("a", "k1")], &[client("a", "i")]).contains("called `a`"));
        assert!(told(&[key("a", "k1"), key("b", "k1")], &[]).contains("`a` and `b` are the same"));
        assert!(told(&[], &[client("a", "i"), client("b", "i")]).contains("the id `i`"));
        assert!(told(&[], &[client("a", "")]).contains("the id of client `a`"));
        let mut nothing = key("a", "k");
        nothing.access.apis.clear();
        assert!(told(&[nothing], &[]).contains("`a` opens no API"));
        let mut scoped = client("a", "i");
        scoped.scopes = Some(["a b".to_owned()].into());
        assert!(told(&[], &[scoped]).contains("`a b` is no scope"));
        let many: Vec<_> = (0..101).map(|number| key(&number.to_string(), &number.to_string())).collect();
        assert!(told(&many, &[]).contains("more than 100"));
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert!(!format!("{:?}", key("a", "s3cret")).contains("s3cret"));
        assert!(Secret::new("").is_err() && Secret::new("a b").is_err());
    }

    #[test]
    fn apis_are_read_as_they_are_written() {
        for api in Api::ALL {
            assert_eq!(api.to_string().parse(), Ok(api));
        }
        assert!("planner".parse::<Api>().is_err());
        let closed: Vec<_> = CallKind::ALL.into_iter().filter(|kind| Api::of(*kind).is_none()).collect();
        assert_eq!(closed, [CallKind::Token]);
    }
}
