//! The statements of Cvent's PNS page on which checks rest.

use std::fmt;
use std::str::FromStr;

/// A statement of Cvent's PNS page, by the page's headings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clause {
    /// What an endpoint receives, and in which form.
    EndpointSchema,
    /// The Authorization header.
    Authentication,
    /// Nothing goes to plain HTTP.
    HttpsOnly,
    /// Failures and retries.
    DeliveryFailure,
    /// Announced downtime.
    Downtime,
    /// The rate limit.
    RateLimiting,
    /// Which events a subscription receives.
    Subscription,
    /// The 33 event types and their fields.
    EventTypes,
    /// The non-breaking change of November 2016.
    November2016,
}

/// A text that names no clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such clause of the PNS page")]
pub struct UnknownClause;

impl Clause {
    /// All, in the order of the page.
    pub const ALL: [Self; 9] = [
        Self::EndpointSchema,
        Self::Authentication,
        Self::HttpsOnly,
        Self::DeliveryFailure,
        Self::Downtime,
        Self::RateLimiting,
        Self::Subscription,
        Self::EventTypes,
        Self::November2016,
    ];

    /// The name in scenario files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EndpointSchema => "endpoint-schema",
            Self::Authentication => "authentication",
            Self::HttpsOnly => "https-only",
            Self::DeliveryFailure => "delivery-failure",
            Self::Downtime => "downtime",
            Self::RateLimiting => "rate-limiting",
            Self::Subscription => "subscription",
            Self::EventTypes => "event-types",
            Self::November2016 => "november-2016",
        }
    }

    /// The heading on Cvent's page under which it stands.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::EndpointSchema => "Endpoint Schema",
            Self::Authentication | Self::HttpsOnly => "Authentication and Encryption",
            Self::DeliveryFailure => "Delivery Failure",
            Self::Downtime => "Downtime Notices",
            Self::RateLimiting => "Rate Limiting",
            Self::Subscription | Self::EventTypes => "Notification Events",
            Self::November2016 => "November 2016 Update",
        }
    }

    /// What Cvent's page says, word for word.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::EndpointSchema => {
                "The notification schema your endpoint must be able to accept can be found in the JSON Schema."
            }
            Self::Authentication => {
                "If authentication is enabled, PNS will have an authorization header of api_key \
                 providedApiKey and the “ApiKey” is agreed on by Cvent and the client. If authentication is \
                 not enabled, PNS will not have an authorization header."
            }
            Self::HttpsOnly => {
                "All PNS client endpoints must accept connections, regardless of whether authentication is \
                 enabled, that are served over HTTPS, not HTTP. Cvent’s PNS will not send messages to \
                 unsecured HTTP endpoints."
            }
            Self::DeliveryFailure => {
                "If for some reason Cvent cannot connect or does not receive a successful acknowledgement \
                 from your endpoint, Cvent will continue to retry delivering the notification (at increasing \
                 intervals between attempts) until connectivity is restored and the notification is delivered."
            }
            Self::Downtime => {
                "Cvent will temporarily disable delivery of notifications to your system during that window. \
                 Delivery of any and all queued notifications will occur when your system comes back online."
            }
            Self::RateLimiting => {
                "PNS can be configured to prevent it from sending you notifications at a rate faster than \
                 you can accept."
            }
            Self::Subscription => {
                "Once subscribed, you will begin to receive notifications of that type for any object \
                 visible to your integrated suppliers as they are generated."
            }
            Self::EventTypes => {
                "Most event types contain additional fields that can help you make the correct API call to \
                 retrieve the details of the event or to eliminate the need for an additional API request to \
                 be made."
            }
            Self::November2016 => {
                "This is a non-breaking change, so endpoints built prior to November 2016 are not required \
                 to update their code and should continue to receive notifications successfully."
            }
        }
    }

    /// What a receiver has to do, and how it is mended when it does not.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::EndpointSchema => {
                "Accept a POST with a JSON body of any event type you are subscribed to, ignore fields that \
                 you do not know, do not rely on the order of fields, and answer with a 2xx status."
            }
            Self::Authentication => {
                "With a key agreed on, compare `Authorization: api_key KEY` byte for byte (scheme `api_key`, \
                 one space) and answer 401 or 403 to anything else. Without one, expect no such header."
            }
            Self::HttpsOnly => {
                "Serve the endpoint over HTTPS with a certificate that a public authority vouches for, its \
                 intermediate certificates included, TLS 1.2 or 1.3."
            }
            Self::DeliveryFailure => {
                "Store the notification, acknowledge with a 2xx status, and work on it afterwards. Expect \
                 the same notification again when an acknowledgement was slow or lost: handle it once, by \
                 the notification's id. Expect that retries arrive late and out of order."
            }
            Self::Downtime => {
                "After announced downtime expect everything that was held, at once, and hours old: do not \
                 reject notifications by their age, and have room for the burst or ask for a rate limit."
            }
            Self::RateLimiting => {
                "Measure what your endpoint sustains and ask Cvent for that limit. Answer 429 or 503 when it \
                 is too much: the notification is sent again."
            }
            Self::Subscription => {
                "Expect only what you are subscribed to, for your integrated suppliers; acknowledge what you \
                 have no use for, or it will be sent again and again."
            }
            Self::EventTypes => {
                "Switch on the event type, and treat its additional fields as present for exactly the types \
                 that have them: PLANNER_CANCEL, for one, names no supplier."
            }
            Self::November2016 => {
                "Accept notifications with and without the field that was added in November 2016, and with \
                 fields that do not exist yet: ignore what you do not know."
            }
        }
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Clause {
    type Err = UnknownClause;

    fn from_str(text: &str) -> Result<Self, UnknownClause> {
        Self::ALL.into_iter().find(|clause| clause.name() == text).ok_or(UnknownClause)
    }
}
