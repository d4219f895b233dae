//! Delivering again: one notification, all that failed, or all that are missing.

use std::collections::BTreeSet;

use pns_engine::{DeliveryId, NotificationId, SubscriptionId, Timestamp};

use super::Simulator;
use super::error::ServiceError;
use super::keeper::{Again, Scope, recipe_of};
use super::model::{EventName, ReplaySpec, Replayed, ReplayedDelivery};
use crate::journal::{self, JournalError, KeptNotification, Reader};

/// What is found to be delivered again: each notification once to a subscription.
#[derive(Default)]
struct Found {
    again: Vec<Again>,
    seen: BTreeSet<(NotificationId, SubscriptionId)>,
}

impl Simulator {
    /// Delivers notifications once more, by deliveries of their own, or tells which it would.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::NotFound`], [`ServiceError::QueueFull`], [`ServiceError::Journal`].
    pub async fn replay(&self, spec: ReplaySpec) -> Result<Replayed, ServiceError> {
        spec.check()?;
        let which = spec.subscription.map(SubscriptionId);
        let scopes = self.look(move |keeper| keeper.scopes(which)).await?;
        let (limit, dry_run) = (spec.limit(), spec.dry_run);
        if let Some(delivery) = spec.delivery {
            let going_on = scopes.into_iter().map(|scope| scope.subscription).collect();
            let again = self.one(DeliveryId(delivery), going_on).await?;
            return self.carry_out(vec![again], dry_run, false).await;
        }
        let found = self.read(move |reader| match spec.failed_since {
            Some(since) => failed_since(reader, since.0, &scopes, limit + 1),
            None => missing(reader, &scopes, limit + 1),
        });
        let mut again = found.await?;
        let more = again.len() > limit;
        again.truncate(limit);
        self.carry_out(again, dry_run, more).await
    }

    async fn one(&self, id: DeliveryId, going_on: BTreeSet<SubscriptionId>) -> Result<Again, ServiceError> {
        let found = self.read(move |reader| {
            let Some(delivery) = reader.delivery(id)? else { return Ok(None) };
            let notification = reader.notification(delivery.notification)?;
            Ok(notification.map(|notification| again(notification, delivery.subscription)))
        });
        let again = found.await?.ok_or(ServiceError::NotFound { what: "delivery", id: id.0 })?;
        if !going_on.contains(&again.subscription) {
            return Err(ServiceError::NotFound { what: "subscription", id: again.subscription.0.into() });
        }
        Ok(again)
    }

    async fn carry_out(
        &self,
        again: Vec<Again>,
        dry_run: bool,
        more: bool,
    ) -> Result<Replayed, ServiceError> {
        let deliveries = if dry_run {
            let would = again.iter().map(|again| ReplayedDelivery {
                notification: again.notification.0,
                event_type: EventName(again.recipe.event_type),
                subscription: again.subscription.0,
                delivery: None,
            });
            would.collect()
        } else {
            self.change(move |keeper| keeper.redeliver(&again)).await?
        };
        Ok(Replayed { dry_run, more, deliveries })
    }
}

fn again(notification: KeptNotification, subscription: SubscriptionId) -> Again {
    let (id, stamp) = (notification.id, notification.stamp);
    Again { notification: id, subscription, recipe: recipe_of(notification), stamp }
}

impl Found {
    fn add(&mut self, notification: KeptNotification, subscription: SubscriptionId) {
        if self.seen.insert((notification.id, subscription)) {
            self.again.push(again(notification, subscription));
        }
    }
}

/// Those that were given up at `since` or later, by delivery.
fn failed_since(
    reader: &Reader,
    since: Timestamp,
    scopes: &[Scope],
    limit: usize,
) -> Result<Vec<Again>, JournalError> {
    let going_on: BTreeSet<SubscriptionId> = scopes.iter().map(|scope| scope.subscription).collect();
    let mut found = Found::default();
    let mut page = journal::Page { limit: journal::PAGE_MAX, ..journal::Page::default() };
    loop {
        let listing = reader.failed_since(since, &page)?;
        for delivery in listing.items {
            if found.again.len() == limit {
                return Ok(found.again);
            }
            if going_on.contains(&delivery.subscription)
                && !found.seen.contains(&(delivery.notification, delivery.subscription))
                && let Some(notification) = reader.notification(delivery.notification)?
            {
                found.add(notification, delivery.subscription);
            }
        }
        let Some(next) = listing.next else { return Ok(found.again) };
        page.after = Some(next);
    }
}

/// Those published since a subscription was made that it sees, as it is now, and of which it has no delivery that is on its way or delivered.
fn missing(reader: &Reader, scopes: &[Scope], limit: usize) -> Result<Vec<Again>, JournalError> {
    let mut found = Found::default();
    for scope in scopes {
        // More than one thing may happen at one instant, so the id tells what came before.
        let after = Some(scope.since.after.0);
        let mut page = journal::Page { after, limit: journal::PAGE_MAX, ..journal::Page::default() };
        loop {
            let listing = reader.missing(scope.subscription, scope.since.at, &page)?;
            for notification in listing.items {
                if found.again.len() == limit {
                    return Ok(found.again);
                }
                if scope.settings.sees(notification.event_type, notification.supplier) {
                    found.add(notification, scope.subscription);
                }
            }
            let Some(next) = listing.next else { break };
            page.after = Some(next);
        }
    }
    Ok(found.again)
}
