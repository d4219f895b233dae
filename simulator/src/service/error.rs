//! Why the service did not do what it was asked, by whose fault it is.

use std::fmt;

/// What a caller of [`super::Simulator`] is told when a call fails. A refused call changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// What was named does not exist, or no more.
    #[error("there is no {what} {id}")]
    NotFound {
        /// `subscription`, `delivery`, `notification`, `window`, `fault`.
        what: &'static str,
        /// The id asked for.
        id: u64,
    },
    /// It does not fit the present state.
    #[error("{0}")]
    Conflict(String),
    /// The request itself is wrong. All that is wrong is told at once.
    #[error("{}", list(.0))]
    Invalid(Vec<FieldError>),
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

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Which, as a path: `retry.first`, `notifications[3].event_type`.
    pub field: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.why)
    }
}

fn list(errors: &[FieldError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl ServiceError {
    /// One field is wrong.
    pub fn invalid(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.into(), why: why.into() }])
    }
}
