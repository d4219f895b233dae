//! The pull side of a [`Simulator`]: the world that is pulled from, and what is done through it.

use pns_engine::Timestamp;

use super::Simulator;
use super::error::ServiceError;
use crate::pull::{ActError, Counterpart};
use crate::world::{Act, PullFaults, PullLog, Refusal, SharedWorld, Viewer};

impl Simulator {
    /// What has happened to RFPs, as the pull API tells it.
    #[must_use]
    pub fn world(&self) -> &SharedWorld {
        &self.shared.world
    }

    /// The access log of the pull API. It is not kept over restarts.
    #[must_use]
    pub fn pull_log(&self) -> &PullLog {
        &self.shared.pull_log
    }

    /// The failures that are planned for the pull API.
    #[must_use]
    pub fn pull_faults(&self) -> &PullFaults {
        &self.shared.pull_faults
    }

    /// Does what a supplier does through the pull API: pushes the notifications that tell of it to every subscription
    /// that may see them. Returns when they are in the journal.
    ///
    /// # Errors
    /// [`ActError`]; nothing was changed then.
    pub async fn act(&self, act: Act, viewer: Viewer) -> Result<(), ActError> {
        let done = self.ask(move |keeper, reply| {
            match keeper.admits_changes().and_then(|()| keeper.act(act, &viewer)) {
                Ok(Ok(())) => keeper.reply_on_commit(Ok(()), reply),
                refused => drop(reply.send(refused)),
            }
        });
        match done.await {
            Ok(done) => Ok(done?),
            Err(ServiceError::Invalid(wrong)) => {
                let causes = wrong.iter().map(ToString::to_string).collect();
                Err(ActError::Refused(Refusal::Unprocessable(causes)))
            }
            Err(error) => Err(ActError::Unavailable(error.to_string())),
        }
    }
}

impl Counterpart for Simulator {
    fn world(&self) -> &SharedWorld {
        Self::world(self)
    }

    fn log(&self) -> &PullLog {
        self.pull_log()
    }

    fn faults(&self) -> &PullFaults {
        self.pull_faults()
    }

    async fn now(&self) -> Timestamp {
        // A simulator that has stopped has no time any more: what it knows is told as of the last.
        self.clock().await.map_or(Timestamp::MAX, |clock| clock.now.0)
    }

    async fn act(&self, act: Act, viewer: Viewer) -> Result<(), ActError> {
        Self::act(self, act, viewer).await
    }
}
