//! Why the service did not do what it was asked, by whose fault it is.

use pns_engine::CommandError;

use super::model::InvalidField;
use crate::journal::JournalError;
use crate::world::RfpId;

/// What a caller of [`super::Simulator`] is told when a call fails. A refused call changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// What was named does not exist, or no more.
    #[error("there is no {what} {id}")]
    NotFound {
        /// `subscription`, `delivery`, `notification`, `window`, `fault`, `pull fault`.
        what: &'static str,
        /// The id asked for.
        id: u64,
    },
    /// The RFP that was named is not known, or not any more.
    #[error("there is no RFP {0}")]
    NoRfp(RfpId),
    /// It does not fit the present state.
    #[error("{0}")]
    Conflict(String),
    /// The request itself is wrong. All that is wrong is told at once.
    #[error("{}", list(.0))]
    Invalid(Vec<InvalidField>),
    /// So many deliveries wait that no more are taken; some must be delivered first.
    #[error("{pending} deliveries wait already, and {limit} is the limit")]
    QueueFull {
        /// Deliveries that wait or are in flight, or bytes of overrides and raw bodies that they keep in memory.
        pending: usize,
        /// The bound of the same.
        limit: usize,
    },
    /// The same idempotency key came with another request.
    #[error("the idempotency key `{0}` belongs to another request")]
    KeyReused(String),
    /// The first request with this idempotency key is not done yet.
    #[error("the request with the idempotency key `{0}` is in progress")]
    KeyInProgress(String),
    /// The simulator stops, or has stopped.
    #[error("the simulator is stopping")]
    Stopping,
    /// The journal cannot be written or read now (a full disk, a damaged file). Writing is tried again by itself.
    #[error("the journal fails: {0}")]
    Journal(String),
}

fn list(errors: &[InvalidField]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl ServiceError {
    /// One field is wrong.
    pub fn invalid(field: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::Invalid(vec![InvalidField::new(field, why)])
    }
}

impl From<InvalidField> for ServiceError {
    fn from(invalid: InvalidField) -> Self {
        Self::Invalid(vec![invalid])
    }
}

impl From<JournalError> for ServiceError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error.to_string())
    }
}

impl From<CommandError> for ServiceError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::NoSuchSubscription(id) => Self::NotFound { what: "subscription", id: id.0.into() },
            CommandError::NoSuchNotification(id) => Self::NotFound { what: "notification", id: id.0 },
            CommandError::NoSuchWindow(id) => Self::NotFound { what: "window", id: id.0.into() },
            CommandError::EmptyWindow => Self::invalid("until", error),
            CommandError::SupplierMismatch(_) => Self::invalid("supplier", error),
            CommandError::SubscriptionExists(_)
            | CommandError::NotificationOutOfOrder { .. }
            | CommandError::WindowExists(_)
            | CommandError::LimitReached(_) => Self::Conflict(error.to_string()),
        }
    }
}
