//! Who owns the world that is pulled from.

use std::future::Future;

use pns_engine::Timestamp;

use crate::world::{Act, PullFaults, PullLog, Refusal, SharedWorld, Viewer};

/// Who owns the world that is pulled from: the service, or the run of a scenario.
pub trait Counterpart: Clone + Send + Sync + 'static {
    /// The world.
    fn world(&self) -> &SharedWorld;

    /// Where pulls are written down.
    fn log(&self) -> &PullLog;

    /// What is to go wrong.
    fn faults(&self) -> &PullFaults;

    /// PNS time.
    fn now(&self) -> impl Future<Output = Timestamp> + Send;

    /// Plans and publishes in one step. Returns when it is accepted; in the service, when it is committed.
    fn act(&self, act: Act, viewer: Viewer) -> impl Future<Output = Result<(), ActError>> + Send;
}

/// Why an act was not done. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// It may not be done.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It cannot be done now: the simulator is full, stopping, or cannot write.
    #[error("{0}")]
    Unavailable(String),
}
