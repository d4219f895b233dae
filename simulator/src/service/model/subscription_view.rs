//! What is told of a subscription: everything but its secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::Serialize;

use super::invalid::InvalidField;
use super::pace::{RateLimitSpec, RetrySpec};
use super::scalar::{EventsText, Instant, JitterText, Span, StatusText, SuppliersText};
use super::status::BacklogView;
use super::subscription::{FailingDeliveryWord, RetryAfterWord, SubscriptionSpec, SupplierlessWord};
use crate::secret::ApiKey;

/// A subscription with all its settings, defaults too.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SubscriptionView {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: Option<String>,
    /// When it began, in PNS time.
    pub created_at: Instant,
    /// Whether it is paused: nothing is sent, everything waits.
    pub paused: bool,
    /// Where notifications are sent; a query is shown as `?…`.
    pub endpoint: String,
    /// The event types.
    pub events: EventsText,
    /// The integrated suppliers.
    pub suppliers: SuppliersText,
    /// The API key, if there is one.
    pub api_key: Option<KeyView>,
    /// Further headers; values that may be secret are shown as `***`.
    pub headers: BTreeMap<String, String>,
    /// The intervals between attempts.
    pub retry: RetrySpec,
    /// Which statuses acknowledge.
    pub acknowledge: Vec<StatusText>,
    /// How long an answer is waited for; `null`: the service's setting.
    pub ack_timeout: Option<Span>,
    /// How long a connection is waited for; `null`: the service's setting.
    pub connect_timeout: Option<Span>,
    /// How fast attempts may start; `null`: no limit.
    pub rate_limit: Option<RateLimitSpec>,
    /// How many attempts may be in flight at once.
    pub concurrency: NonZeroU32,
    /// How often it hears of an event that names no supplier.
    pub supplierless: SupplierlessWord,
    /// Whether a failing delivery holds back the others.
    pub failing_delivery: FailingDeliveryWord,
    /// Whether `Retry-After` lengthens a delay.
    pub retry_after: RetryAfterWord,
    /// The schema pack; `null`: the service's.
    pub schema_pack: Option<String>,
    /// Its deliveries that are not delivered, by state.
    pub backlog: BacklogView,
}

impl SubscriptionView {
    /// What is told of the subscription that `spec` describes.
    ///
    /// # Errors
    /// As [`SubscriptionSpec::resolve`].
    pub fn of(
        id: u32,
        spec: &SubscriptionSpec,
        created_at: Instant,
        paused: bool,
        backlog: BacklogView,
    ) -> Result<Self, InvalidField> {
        let resolved = spec.resolve()?;
        let settings = resolved.subscription;
        let backoff = settings.backoff;
        Ok(Self {
            id,
            name: resolved.name,
            created_at,
            paused,
            endpoint: resolved.endpoint.to_string(),
            events: EventsText(settings.events),
            suppliers: SuppliersText(settings.suppliers),
            api_key: resolved.api_key.as_ref().map(KeyView::of),
            headers: resolved.headers.iter().map(|(name, value)| (name.to_string(), shown(value))).collect(),
            retry: RetrySpec {
                first: Some(Span(backoff.first())),
                factor: Some(f64::from(backoff.factor().thousandths()) / 1_000.0),
                max: Some(Span(backoff.max())),
                jitter: Some(JitterText(backoff.jitter())),
                cap: settings.attempt_cap,
            },
            acknowledge: spec
                .acknowledge
                .as_ref()
                .map_or_else(|| vec![StatusText(200..=299)], |all| all.0.clone()),
            ack_timeout: spec.ack_timeout,
            connect_timeout: spec.connect_timeout,
            rate_limit: settings.rate_limit.map(Into::into),
            concurrency: settings.concurrency,
            supplierless: settings.supplierless.into(),
            failing_delivery: settings.failing_delivery.into(),
            retry_after: settings.retry_after.into(),
            schema_pack: resolved.schema_pack,
            backlog,
        })
    }
}

/// What is told of an API key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KeyView {
    /// Tells two keys apart, and is of no use as a key.
    pub fingerprint: Fingerprint,
}

impl KeyView {
    /// What is told of `key`.
    #[must_use]
    pub fn of(key: &ApiKey) -> Self {
        Self { fingerprint: Fingerprint::of(key) }
    }
}

/// The first 32 bits of a key's SHA-256, as `sha256:1a2b3c4d`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Of `key`.
    #[must_use]
    pub fn of(key: &ApiKey) -> Self {
        use std::fmt::Write as _;

        let digest = super::super::digest::sha256(key.reveal().as_bytes());
        let mut text = "sha256:".to_owned();
        for byte in &digest[..4] {
            write!(text, "{byte:02x}").expect("a String takes all text");
        }
        Self(text)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn shown(value: &http::HeaderValue) -> String {
    if value.is_sensitive() {
        "***".to_owned()
    } else {
        String::from_utf8_lossy(value.as_bytes()).into_owned()
    }
}
