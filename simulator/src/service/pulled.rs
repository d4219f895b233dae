//! The pull side of a [`Simulator`]: the world that is pulled from, and what is done through it.

use pns_engine::{EventType, NotificationId, Timestamp};

use super::Simulator;
use super::error::ServiceError;
use super::model::{FollowedView, Page, PageRequest, PullCount, PullFilter, PullView, Span};
use crate::pull::{ActError, Counterpart};
use crate::world::{
    Act, Call, CallKind, Followed, Notified, Pull, PullFaultSpec, PullFaultView, PullFaults, PullLog,
    Refusal, RfpDetail, RfpId, RfpSummary, SharedWorld, Viewer, follow_by,
};

/// Pulls that are told of one delivery.
const FOLLOWED_MAX: usize = 1_000;

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

    /// The RFPs, by number.
    #[must_use]
    pub fn rfps(&self, page: &PageRequest) -> Page<RfpSummary> {
        self.world().read(|world| world.rfps(page))
    }

    /// One RFP with its suppliers and its history.
    ///
    /// # Errors
    /// [`ServiceError::NoRfp`].
    pub fn rfp(&self, id: RfpId) -> Result<RfpDetail, ServiceError> {
        self.world().read(|world| world.rfp(id)).ok_or(ServiceError::NoRfp(id))
    }

    /// What the pull API was asked since the start, by number: the latest of it.
    #[must_use]
    pub fn pulls(&self, filter: PullFilter, page: &PageRequest) -> Page<PullView> {
        let fits = |pull: &Pull| {
            let rfp =
                pull.asked.and_then(|asked| asked.rfp).or_else(|| pull.call.and_then(|call| call.rfp()));
            filter.rfp.is_none_or(|wanted| rfp == Some(wanted))
                && filter.call.is_none_or(|wanted| pull.kind() == Some(wanted))
        };
        let Page { items, next } = self.pull_log().page(page, fits);
        Page { items: items.iter().map(PullView::from).collect(), next }
    }

    pub(super) fn pull_counts(&self) -> Vec<PullCount> {
        let count = |(kind, status, count): (Option<CallKind>, u16, u64)| PullCount {
            call: kind.map_or("other", CallKind::word),
            status,
            count,
        };
        self.pull_log().counts().into_iter().map(count).collect()
    }

    /// What was pulled after a notification with this body, whose first attempt began at `first` (PNS time). Nothing can
    /// be said where no pull API runs.
    pub(super) fn followed(
        &self,
        notification: NotificationId,
        event_type: EventType,
        body: &[u8],
        first: Timestamp,
    ) -> Option<FollowedView> {
        if !self.pull_log().has_begun() {
            return None;
        }
        let said = self.world().read(|world| world.said(event_type, body))?;
        let wanted = Call::after(&said)?;
        let notified = Notified { notification, first_attempt: first, acknowledged: true, wanted };
        let pulls = self.pull_log().filtered(|pull| {
            pull.at >= first && pull.succeeded() && pull.call.is_some_and(|call| call.covers(&wanted))
        });
        let Followed { mut pulls, first, .. } = follow_by(&[notified], &pulls, |pull| pull.at).pop()?;
        pulls.truncate(FOLLOWED_MAX);
        Some(FollowedView { wanted: wanted.kind(), pulls, first_after: first.map(Span) })
    }

    /// Plans a failure of the pull API. It is kept over restarts; after a crash one may have a little more left than it
    /// had.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::Conflict`] at the limit of faults.
    pub async fn plan_pull_fault(&self, spec: PullFaultSpec) -> Result<PullFaultView, ServiceError> {
        self.change(move |keeper| keeper.plan_pull_fault(spec)).await
    }

    /// The failures of the pull API that are not used up, with what is left of them.
    ///
    /// # Errors
    /// [`ServiceError::Stopping`].
    pub async fn planned_pull_faults(&self) -> Result<Vec<PullFaultView>, ServiceError> {
        self.look(|keeper| Ok(keeper.pull_faults())).await
    }

    /// Forgets a failure of the pull API; `None`: all of them.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn clear_pull_fault(&self, id: Option<u32>) -> Result<(), ServiceError> {
        self.change(move |keeper| keeper.clear_pull_fault(id)).await
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
