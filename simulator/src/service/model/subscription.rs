//! What a caller says of a subscription, and what the engine and the driver make of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use pns_engine::{
    AcknowledgementPolicy, FailingDelivery, RetryAfter, Subscription, SupplierScope, Supplierless,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use super::headers::{EndpointSchema, HeadersSchema};
use super::invalid::InvalidField;
use super::object::Object;
use super::pace::{RateLimitSpec, RetrySpec};
use super::patch::{Patch, given};
use super::scalar::{EventsText, OneOrMany, Span, StatusText, SuppliersText, text};
use crate::endpoint::Endpoint;
use crate::secret::{self, ApiKey};

/// The longest name, in characters.
pub(super) const NAME_CHARS_MAX: usize = 64;
/// Further headers of a subscription: a request has room for more, but nobody needs them.
const HEADERS_MAX: usize = 32;
/// All further headers together, in bytes: half of what common servers take as a request's head.
const HEADER_BYTES_MAX: usize = 4_096;

/// A subscription to be made. What is left out has the engine's default.
///
/// `Serialize` leaves the API key out; [`SubscriptionSpec::to_stored`] does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionSpec {
    /// A name for people, and for `pns.toml`: unique where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"))]
    pub name: Option<String>,
    /// Where notifications are sent: `https://…`.
    #[schemars(with = "EndpointSchema")]
    pub endpoint: String,
    /// The event types. Default: RFP_SEND and RFP_FORWARD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<EventsText>,
    /// The integrated suppliers. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppliers: Option<SuppliersText>,
    /// The key sent as `Authorization: api_key KEY`. Default: no such header.
    #[serde(default, skip_serializing)]
    pub api_key: Option<KeyText>,
    /// Further headers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<HeadersSchema>")]
    pub headers: Option<BTreeMap<String, String>>,
    /// The intervals between attempts.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "Object::option")]
    pub retry: Option<RetrySpec>,
    /// Which statuses acknowledge. Default: 2xx.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge: Option<OneOrMany<StatusText>>,
    /// How long to wait for an answer, in real time. Default: 30s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack_timeout: Option<Span>,
    /// How long to wait for a connection, in real time. Default: 10s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<Span>,
    /// How fast attempts may start: a rate, or a rate and a burst. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimitSpec>,
    /// How many attempts may be in flight at once. Default: 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub concurrency: Option<NonZeroU32>,
    /// How often it hears of an event that names no supplier. Default: once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplierless: Option<SupplierlessWord>,
    /// Whether a failing delivery holds back the others. Default: it delays only itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_delivery: Option<FailingDeliveryWord>,
    /// Whether `Retry-After` lengthens a delay. Default: it is ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetryAfterWord>,
    /// The schema pack that its bodies are made from. Default: the service's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub schema_pack: Option<String>,
}

/// A change to a subscription: what is absent stays, `null` is the default again, all else replaces.
#[derive(Clone, Debug, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubscriptionPatch {
    /// The name.
    #[schemars(regex(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"))]
    pub name: Patch<String>,
    /// The endpoint. There is no default: not `null`.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "EndpointSchema")]
    pub endpoint: Option<String>,
    /// The event types, for what is published from now on.
    pub events: Patch<EventsText>,
    /// The integrated suppliers, for what is published from now on.
    pub suppliers: Patch<SuppliersText>,
    /// The API key.
    pub api_key: Patch<KeyText>,
    /// Further headers, all of them.
    #[schemars(with = "Option<HeadersSchema>")]
    pub headers: Patch<BTreeMap<String, String>>,
    /// The intervals between attempts, all of them.
    #[serde(deserialize_with = "Object::patch")]
    pub retry: Patch<RetrySpec>,
    /// Which statuses acknowledge.
    pub acknowledge: Patch<OneOrMany<StatusText>>,
    /// How long to wait for an answer.
    pub ack_timeout: Patch<Span>,
    /// How long to wait for a connection.
    pub connect_timeout: Patch<Span>,
    /// How fast attempts may start; `null`: no limit.
    pub rate_limit: Patch<RateLimitSpec>,
    /// How many attempts may be in flight at once.
    pub concurrency: Patch<NonZeroU32>,
    /// How often it hears of an event that names no supplier.
    pub supplierless: Patch<SupplierlessWord>,
    /// Whether a failing delivery holds back the others.
    pub failing_delivery: Patch<FailingDeliveryWord>,
    /// Whether `Retry-After` lengthens a delay.
    pub retry_after: Patch<RetryAfterWord>,
    /// The schema pack, for what is published from now on.
    #[schemars(length(min = 1, max = 64))]
    pub schema_pack: Patch<String>,
}

/// An API key as it is given. Only its fingerprint is ever told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyText(pub ApiKey);

macro_rules! words {
    ($(#[$doc:meta])* $name:ident for $engine:ident { $($(#[$word_doc:meta])* $word:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$word_doc])* $word,)* }

        impl From<$name> for $engine {
            fn from(word: $name) -> Self {
                match word { $($name::$word => Self::$word,)* }
            }
        }

        impl From<$engine> for $name {
            fn from(setting: $engine) -> Self {
                match setting { $($engine::$word => Self::$word,)* }
            }
        }
    };
}

words!(
    /// How often a subscription hears of an event that names no supplier.
    SupplierlessWord for Supplierless {
        /// Once.
        Once,
        /// Once for each integrated supplier.
        PerSupplier,
    }
);
words!(
    /// Whether a failing delivery holds back the others.
    FailingDeliveryWord for FailingDelivery {
        /// The others go on.
        DelaysOnlyItself,
        /// Until it is delivered, it alone is attempted.
        HoldsBackOthers,
    }
);
words!(
    /// What `Retry-After` does.
    RetryAfterWord for RetryAfter {
        /// Nothing.
        Ignored,
        /// It lengthens the delay.
        Honoured,
    }
);

/// A subscription's settings in the types that use them.
#[derive(Clone, Debug)]
pub struct ResolvedSubscription {
    /// Its name.
    pub name: Option<String>,
    /// The engine's part.
    pub subscription: Subscription,
    /// The receiver.
    pub endpoint: Endpoint,
    /// The key.
    pub api_key: Option<ApiKey>,
    /// Further headers, by name.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Limit on the connection; `None`: the transport's.
    pub connect_timeout: Option<Duration>,
    /// Limit on the acknowledgement; `None`: the transport's.
    pub ack_timeout: Option<Duration>,
    /// The pack's name; `None`: the service's.
    pub schema_pack: Option<String>,
}

impl SubscriptionSpec {
    /// A subscription with all defaults.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            name: None,
            endpoint: endpoint.into(),
            events: None,
            suppliers: None,
            api_key: None,
            headers: None,
            retry: None,
            acknowledge: None,
            ack_timeout: None,
            connect_timeout: None,
            rate_limit: None,
            concurrency: None,
            supplierless: None,
            failing_delivery: None,
            retry_after: None,
            schema_pack: None,
        }
    }

    /// The settings in the types that use them.
    ///
    /// # Errors
    /// Names the field that cannot be used.
    pub fn resolve(&self) -> Result<ResolvedSubscription, InvalidField> {
        if let Some(name) = &self.name {
            check_name(name)?;
        }
        let default = Subscription::default();
        let retry = self.retry.clone().unwrap_or_default();
        let subscription = Subscription {
            events: self.events.map_or(default.events, |events| events.0),
            suppliers: self.suppliers.as_ref().map_or(SupplierScope::All, |suppliers| suppliers.0.clone()),
            supplierless: self.supplierless.map_or(default.supplierless, Into::into),
            backoff: retry.backoff().map_err(|error| error.inside("retry"))?,
            acknowledgement: self.acknowledgement()?,
            rate_limit: self.rate_limit.as_ref().map(RateLimitSpec::resolve).transpose()?,
            concurrency: self.concurrency.unwrap_or(default.concurrency),
            failing_delivery: self.failing_delivery.map_or(default.failing_delivery, Into::into),
            retry_after: self.retry_after.map_or(default.retry_after, Into::into),
            attempt_cap: retry.cap,
        };
        Ok(ResolvedSubscription {
            name: self.name.clone(),
            subscription,
            endpoint: Endpoint::parse(&self.endpoint)
                .map_err(|error| InvalidField::new("endpoint", error))?,
            api_key: self.api_key.as_ref().map(|key| key.0.clone()),
            headers: self.further_headers()?,
            connect_timeout: timeout("connect_timeout", self.connect_timeout)?,
            ack_timeout: timeout("ack_timeout", self.ack_timeout)?,
            schema_pack: self.schema_pack.clone(),
        })
    }

    /// The settings with `patch` laid over them.
    #[must_use]
    pub fn patched(mut self, patch: SubscriptionPatch) -> Self {
        patch.name.apply(&mut self.name);
        if let Some(endpoint) = patch.endpoint {
            self.endpoint = endpoint;
        }
        patch.events.apply(&mut self.events);
        patch.suppliers.apply(&mut self.suppliers);
        patch.api_key.apply(&mut self.api_key);
        patch.headers.apply(&mut self.headers);
        patch.retry.apply(&mut self.retry);
        patch.acknowledge.apply(&mut self.acknowledge);
        patch.ack_timeout.apply(&mut self.ack_timeout);
        patch.connect_timeout.apply(&mut self.connect_timeout);
        patch.rate_limit.apply(&mut self.rate_limit);
        patch.concurrency.apply(&mut self.concurrency);
        patch.supplierless.apply(&mut self.supplierless);
        patch.failing_delivery.apply(&mut self.failing_delivery);
        patch.retry_after.apply(&mut self.retry_after);
        patch.schema_pack.apply(&mut self.schema_pack);
        self
    }

    /// The settings as JSON *with the API key*: for the data folder, which only its owner can read, and nothing else.
    /// Reads back as a [`SubscriptionSpec`].
    #[must_use]
    pub fn to_stored(&self) -> String {
        let mut stored =
            serde_json::to_value(self).expect("texts, numbers and maps with text keys become JSON");
        if let (Some(key), Some(members)) = (&self.api_key, stored.as_object_mut()) {
            members.insert("api_key".to_owned(), key.0.reveal().into());
        }
        stored.to_string()
    }

    fn acknowledgement(&self) -> Result<AcknowledgementPolicy, InvalidField> {
        match &self.acknowledge {
            None => Ok(AcknowledgementPolicy::default()),
            Some(statuses) if statuses.0.is_empty() => {
                Err(InvalidField::new("acknowledge", "names no status: nothing could be delivered"))
            }
            Some(statuses) => {
                Ok(AcknowledgementPolicy::only(statuses.0.iter().map(|status| status.0.clone()).collect()))
            }
        }
    }

    fn further_headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, InvalidField> {
        let Some(headers) = &self.headers else { return Ok(Vec::new()) };
        if headers.len() > HEADERS_MAX {
            return Err(InvalidField::new("headers", format_args!("more than {HEADERS_MAX}")));
        }
        if headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > HEADER_BYTES_MAX {
            return Err(InvalidField::new(
                "headers",
                format_args!("larger than {HEADER_BYTES_MAX} bytes together"),
            ));
        }
        let read = |(name, value): (&String, &String)| {
            let field = format!("headers.{name}");
            let header = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| InvalidField::new("headers", format_args!("`{name}` is no name of a header")))?;
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| InvalidField::new(field, "cannot be sent as the value of a header"))?;
            value.set_sensitive(secret::is_sensitive(&header));
            Ok((header, value))
        };
        headers.iter().map(read).collect()
    }
}

fn check_name(name: &str) -> Result<(), InvalidField> {
    let well_formed = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    if name.len() > NAME_CHARS_MAX || !well_formed {
        let why = "expected 1 to 64 letters, digits, `.`, `_` and `-`, beginning with a letter or digit";
        return Err(InvalidField::new("name", why));
    }
    Ok(())
}

fn timeout(field: &str, span: Option<Span>) -> Result<Option<Duration>, InvalidField> {
    match span {
        Some(Span(span)) if span.is_zero() => {
            Err(InvalidField::new(field, "zero: nothing could be delivered"))
        }
        span => Ok(span.map(|span| span.0)),
    }
}

impl<'de> Deserialize<'de> for KeyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The message names a position, never the key.
        text(deserializer, "an API key", |key| ApiKey::new(key)).map(Self)
    }
}

impl JsonSchema for KeyText {
    fn schema_name() -> Cow<'static, str> {
        "ApiKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[!-~]{1,4096}$", "writeOnly": true, "description": "Never returned." })
    }
}
