//! The pure core of the PNS simulator.
//!
//! A [`Sender`] takes [`Command`]s and [`Answer`]s with the present [`Timestamp`], and gives back attempts to
//! make ([`Transmit`]), the next instant at which it wants to be woken, and [`Record`]s of all that happened.
//! It has no clock, no network and no async; `no_std` makes the compiler hold it to that, and ordered maps and
//! integers make equal inputs give equal records, byte for byte.
//!
//! What is Cvent's documented behaviour and what is a setting is said at each item; the specification is
//! Cvent's page on PNS, restated in `docs/protocol.md`.
#![no_std]
#![warn(missing_docs)]

extern crate alloc;

mod backoff;
mod blockage;
mod command;
mod delivery;
mod event_type;
pub mod guarantee;
mod id;
pub mod limits;
mod outbox;
mod outcome;
mod queue;
mod rate_limit;
mod record;
pub mod rng;
mod schedule;
mod sender;
mod snapshot;
mod subscription;
mod time;

pub use backoff::{Backoff, BackoffError, Factor, Jitter};
pub use command::{Command, CommandError};
pub use event_type::{AdditionalField, Category, EventType, EventTypeSet, UnknownEventType};
pub use id::{DeliveryId, NotAUuid, NotificationId, SubscriptionId, SupplierId, WindowId};
pub use outcome::{Answer, FailureReason, Outcome, TlsFailure};
pub use rate_limit::{RateLimit, RateLimitError};
pub use record::{AbandonCause, Deferrals, Happened, Origin, Record};
pub use sender::{Backlog, NotInFlight, Sender, Transmit, WakeReason};
pub use snapshot::{SavedDelivery, SavedSubscription, SavedWindow, Snapshot};
pub use subscription::{
    AcknowledgementPolicy, FailingDelivery, RetryAfter, Subscription, SupplierScope, Supplierless,
};
pub use time::Timestamp;
