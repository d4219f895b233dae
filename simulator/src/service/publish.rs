//! Publishing, by one notification or by a whole course.

use super::error::ServiceError;
use super::keeper::{Keeper, Publication, Together};
use super::model::{
    BatchSpec, DurabilityWord, Idempotency, LifecycleSpec, LifecycleView, NotificationSpec, PublishOptions,
    Published,
};
use super::{Simulator, keeper};

impl Simulator {
    /// Publishes notifications in their order: all of them or, if one is wrong, none.
    ///
    /// Returns when they are in the journal, unless the options say otherwise. With an idempotency key, a repetition
    /// of the same call within 24 h gets the first answer again.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] naming `notifications[i].field`, [`ServiceError::QueueFull`],
    /// [`ServiceError::KeyReused`], [`ServiceError::KeyInProgress`], [`ServiceError::Journal`]. After the last it is
    /// not known whether they will be delivered: an idempotency key makes it safe to call again.
    pub async fn publish(
        &self,
        notifications: Vec<NotificationSpec>,
        options: PublishOptions,
    ) -> Result<Published, ServiceError> {
        self.publish_together(notifications, options, Together::Nothing).await
    }

    async fn publish_together(
        &self,
        notifications: Vec<NotificationSpec>,
        options: PublishOptions,
        together: Together,
    ) -> Result<Published, ServiceError> {
        if notifications.is_empty() || notifications.len() > BatchSpec::NOTIFICATIONS_MAX {
            let why = format!("{} are not from 1 to {}", notifications.len(), BatchSpec::NOTIFICATIONS_MAX);
            return Err(ServiceError::invalid("notifications", why));
        }
        self.publish_by(options, move |keeper, idempotency| {
            keeper.publish(&notifications, idempotency, &together)
        })
        .await
    }

    /// Has the keeper publish, unless the same call was answered before.
    async fn publish_by(
        &self,
        options: PublishOptions,
        publish: impl FnOnce(&mut Keeper, Option<&Idempotency>) -> Result<Publication, ServiceError>
        + Send
        + 'static,
    ) -> Result<Published, ServiceError> {
        let PublishOptions { durability, idempotency } = options;
        if let Some(idempotency) = &idempotency
            && let Some(published) = self.published_before(idempotency).await?
        {
            return Ok(published);
        }
        let asked = idempotency.clone();
        let publication = self
            .ask(move |keeper, reply| {
                let admitted = keeper.admits_changes();
                match admitted.and_then(|()| publish(keeper, idempotency.as_ref())) {
                    Ok(publication) if durability == DurabilityWord::Durable => {
                        keeper.reply_on_commit(publication, reply);
                    }
                    result => drop(reply.send(result)),
                }
            })
            .await?;
        match (publication, asked) {
            (Publication::New(published), _) => Ok(published),
            (Publication::Kept, Some(asked)) => {
                let kept = self.published_before(&asked).await?;
                kept.ok_or_else(|| ServiceError::KeyInProgress(asked.key.clone()))
            }
            (Publication::Kept, None) => Err(ServiceError::Stopping),
        }
    }

    /// What the same call was answered before.
    async fn published_before(&self, asked: &Idempotency) -> Result<Option<Published>, ServiceError> {
        let key = asked.key.clone();
        let Some(kept) = self.read(move |reader| reader.answer(&key)).await? else { return Ok(None) };
        if kept.fingerprint != keeper::hex(&asked.fingerprint) {
            return Err(ServiceError::KeyReused(asked.key.clone()));
        }
        let answer = serde_json::from_str(&kept.answer);
        answer
            .map(Some)
            .map_err(|error| ServiceError::Journal(format!("an answer does not read back: {error}")))
    }

    /// Publishes the life-like course of one RFP in its order: at once, or with `every` its first event now and each
    /// further one after such a span of PNS time. That is kept over restarts, and what it came to so far is in
    /// [`Simulator::lifecycles`]. All of it is about that RFP and one supplier.
    ///
    /// # Errors
    /// As [`Simulator::publish`], and [`ServiceError::Conflict`] at the limit of lifecycles under way.
    pub async fn lifecycle(
        &self,
        spec: LifecycleSpec,
        options: PublishOptions,
    ) -> Result<Published, ServiceError> {
        if spec.check()?.is_none() {
            return self.publish_together(spec.notifications(), options, Together::OneRfp).await;
        }
        self.publish_by(options, move |keeper, idempotency| keeper.begin_lifecycle(spec, idempotency)).await
    }

    /// The lifecycles that have events to come.
    ///
    /// # Errors
    /// [`ServiceError::Stopping`].
    pub async fn lifecycles(&self) -> Result<Vec<LifecycleView>, ServiceError> {
        self.look(|keeper| Ok(keeper.lifecycles())).await
    }

    /// Ends a lifecycle: what it published stays, what was to come does not.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn end_lifecycle(&self, id: u64) -> Result<(), ServiceError> {
        self.change(move |keeper| keeper.end_lifecycle(id)).await
    }
}
