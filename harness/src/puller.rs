//! A client of the pull API, as an integration has one: it asks for what a notification is about, and backs off when it
//! is told to.
//!
//! It is what the embedded receiver pulls with, and what specimens of `pns selftest` pull with, which do some of it
//! wrong. It judges nothing, and keeps no state but its connections.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use pns_engine::{Answer, FailureReason, SupplierId};
use pns_simulator::clock::pause;
use pns_simulator::endpoint::Endpoint;
use pns_simulator::pull::Paths;
use pns_simulator::secret::ApiKey;
use pns_simulator::transport::{HttpsTransport, Request, Settings, Trust};
use pns_simulator::world::{Call, CallKind, RfpId};
use serde_json::Value;

/// Calls made for one answer: with the waits below about a second, or as long as the API asks for.
const TRIES_MAX: u32 = 6;
/// The first wait after a failure; doubled after each.
const WAIT_FIRST: Duration = Duration::from_millis(50);
/// The longest wait that the API can ask for: a test ends some time.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Where the pull API is, and how it lets one in.
#[derive(Clone, Debug)]
pub struct PullAccess {
    /// Its base URL, to which a path is appended.
    pub url: String,
    /// The key, sent as `Authorization: api_key KEY`.
    pub api_key: ApiKey,
    /// Whom to trust.
    pub trust: PullTrust,
}

/// Whom a client of the pull API trusts.
#[derive(Clone, Debug)]
pub enum PullTrust {
    /// These.
    Known(Trust),
    /// The authorities in this PEM file, read when something is to be pulled: the API may write it at each start.
    File(PathBuf),
}

/// The pull API cannot be called at all: an address or a certificate that is none. Ready to be printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoAccess(String);

/// Makes calls. Clones share connections.
#[derive(Clone, Debug)]
pub(crate) struct Puller {
    transport: HttpsTransport,
    base: Arc<str>,
    api_key: ApiKey,
}

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Came {
    /// The status; `None`: no answer.
    pub(crate) status: Option<u16>,
    /// Why there was no answer.
    pub(crate) failure: Option<FailureReason>,
    /// How long the API asks to wait.
    pub(crate) retry_after: Option<Duration>,
}

impl Came {
    /// Whether the same call may succeed later.
    fn may_mend(self) -> bool {
        self.status.is_none_or(|status| status == 429 || status >= 500)
    }
}

impl Puller {
    /// A client of the API at `access`, which trusts `trust`.
    ///
    /// # Errors
    /// When the address or what to trust is of no use.
    pub(crate) fn new(access: &PullAccess, trust: Trust) -> Result<Self, NoAccess> {
        let base = access.url.trim_end_matches('/');
        Endpoint::parse(base).map_err(|error| NoAccess(format!("the pull API at `{base}`: {error}")))?;
        let settings = Settings { trust, ..Settings::default() };
        let transport = HttpsTransport::new(settings).map_err(|error| NoAccess(error.to_string()))?;
        Ok(Self { transport, base: base.into(), api_key: access.api_key.clone() })
    }

    /// A client of the API at `access`, where it is known whom to trust.
    ///
    /// # Errors
    /// When the address or what to trust is of no use.
    pub(crate) fn known(access: &PullAccess) -> Result<Self, NoAccess> {
        let trust = match &access.trust {
            PullTrust::Known(trust) => trust.clone(),
            PullTrust::File(path) => Trust::Bundle(
                std::fs::read(path)
                    .map_err(|error| NoAccess(format!("cannot read `{}`: {error}", path.display())))?,
            ),
        };
        Self::new(access, trust)
    }

    /// Asks once.
    pub(crate) async fn get(&self, path: &str) -> Came {
        self.call(Method::GET, path, Bytes::new()).await
    }

    /// Asks until there is an answer that waiting does not mend, with pauses as the API asks for, or longer and longer.
    pub(crate) async fn get_patiently(&self, path: &str) -> Came {
        self.patiently(Method::GET, path, Bytes::new()).await
    }

    /// Sends `body` as JSON in the same way.
    pub(crate) async fn post_patiently(&self, path: &str, body: &Value) -> Came {
        self.patiently(Method::POST, path, body.to_string().into()).await
    }

    async fn patiently(&self, method: Method, path: &str, body: Bytes) -> Came {
        let mut wait = WAIT_FIRST;
        for _ in 1..TRIES_MAX {
            let came = self.call(method.clone(), path, body.clone()).await;
            if !came.may_mend() {
                return came;
            }
            pause(came.retry_after.unwrap_or(wait).min(WAIT_MAX)).await;
            wait *= 2;
        }
        self.call(method, path, body).await
    }

    async fn call(&self, method: Method, path: &str, body: Bytes) -> Came {
        use pns_simulator::transport::Transport as _;

        let Ok(endpoint) = Endpoint::parse(&format!("{}{path}", self.base)) else {
            return Came { status: None, failure: None, retry_after: None };
        };
        let request =
            Request { method, api_key: Some(self.api_key.clone()), ..Request::new(Arc::new(endpoint), body) };
        match self.transport.attempt(request).await.answer {
            Answer::Status { code, retry_after } => Came { status: Some(code), failure: None, retry_after },
            Answer::NoResponse(reason) => Came { status: None, failure: Some(reason), retry_after: None },
        }
    }
}

/// The path of a reading call, by the API's own templates.
pub(crate) fn path_of(paths: &Paths, call: &Call) -> String {
    let template = paths.template(call.kind()).to_owned();
    let put = |template: String, name: &str, value: &dyn ToString| {
        template.replace(&format!("{{{name}}}"), &value.to_string())
    };
    match call {
        Call::Rfp(rfp) | Call::Responses(rfp) | Call::RepresentedVenues(rfp) | Call::Messages(rfp) => {
            put(template, "rfpId", rfp)
        }
        Call::DataType(rfp, part) => put(put(template, "rfpId", rfp), "responseDataType", part),
        Call::Response(rfp, supplier) => put(put(template, "rfpId", rfp), "supplierId", supplier),
        Call::Message(message) => put(template, "messageId", message),
        Call::Venue(venue) => put(template, "venueId", venue),
        Call::Attachment(attachment) => put(template, "attachmentId", attachment),
    }
}

/// The path at which one supplier turns an RFP down.
pub(crate) fn turn_down_path(paths: &Paths, rfp: RfpId, supplier: SupplierId) -> String {
    let template = paths.template(CallKind::TurnDown);
    template.replace("{rfpId}", &rfp.to_string()).replace("{supplierId}", &supplier.to_string())
}
