//! Subscriptions: who receives what, under which policies.

use std::fmt;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use pns_engine::{Backoff, EventTypeSet, FailingDelivery, RateLimit, RetryAfter, Supplierless};

use super::Template;

/// A subscription and how its endpoint is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    /// Its name in the file.
    pub name: String,
    /// The event types.
    pub events: EventTypeSet,
    /// The suppliers, each a template that gives a UUID; `None`: all.
    pub suppliers: Option<Vec<Template>>,
    /// How often it hears of an event that names no supplier.
    pub supplierless: Supplierless,
    /// The intervals between attempts.
    pub backoff: Backoff,
    /// Whether `Retry-After` lengthens a delay.
    pub retry_after: RetryAfter,
    /// Gives up after so many attempts; `None`, the default, is what Cvent documents.
    pub attempt_cap: Option<NonZeroU32>,
    /// Which statuses acknowledge.
    pub acknowledge: Vec<RangeInclusive<u16>>,
    /// How long to wait for an answer; `None`: the run's setting.
    pub ack_timeout: Option<Duration>,
    /// How long to wait for a connection; `None`: the run's setting.
    pub connect_timeout: Option<Duration>,
    /// How fast attempts may start.
    pub rate_limit: Option<RateLimit>,
    /// How many attempts may be in flight.
    pub concurrency: NonZeroU32,
    /// Whether a failing delivery holds back the others.
    pub failing_delivery: FailingDelivery,
    /// Which Authorization header is sent.
    pub auth: Auth,
    /// Another endpoint than the target.
    pub endpoint: Option<Template>,
    /// Appended to the target's path.
    pub path: Option<Template>,
}

/// Which Authorization header is sent. `Debug` does not show the key.
#[derive(Clone, PartialEq, Default)]
pub enum Auth {
    /// What `--api-key` says: the key, or no header without one.
    #[default]
    Target,
    /// No header.
    None,
    /// This key.
    Key(Template),
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Target => "Target",
            Self::None => "None",
            Self::Key(_) => "Key(***)",
        })
    }
}

/// A change to a running subscription: `Some` replaces.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Change {
    /// The event types.
    pub events: Option<EventTypeSet>,
    /// The suppliers; `Some(None)`: all.
    pub suppliers: Option<Option<Vec<Template>>>,
    /// The intervals between attempts.
    pub backoff: Option<Backoff>,
    /// Whether `Retry-After` lengthens a delay.
    pub retry_after: Option<RetryAfter>,
    /// Which statuses acknowledge.
    pub acknowledge: Option<Vec<RangeInclusive<u16>>>,
    /// How many attempts may be in flight.
    pub concurrency: Option<NonZeroU32>,
    /// The Authorization header.
    pub auth: Option<Auth>,
}
