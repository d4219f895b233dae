//! Subscriptions: made, changed, ended.

use std::sync::Arc;

use pns_engine::{Command, NotificationId, Subscription, SubscriptionId, Timestamp, WindowId};

use super::Keeper;
use super::standing::Tally;
use crate::driver::Route;
use crate::journal::Change;
use crate::schema::Pack;
use crate::service::error::ServiceError;
use crate::service::model::{
    Instant, InvalidField, Order as PageOrder, Page, PageRequest, ResolvedSubscription, SubscriptionPatch,
    SubscriptionSpec, SubscriptionView,
};
use crate::service::recipes::Packs;
use crate::service::stored::{self, Beginning};
use crate::transport::PlainHttp;

/// A subscription that goes on.
#[derive(Clone, Debug)]
pub(super) struct KeptSubscription {
    pub(super) spec: SubscriptionSpec,
    /// The engine's part of it.
    pub(super) settings: Box<Subscription>,
    pub(super) route: Route,
    pub(super) created: Beginning,
    /// When its rate limit was set to what it is.
    pub(super) limit_set: Timestamp,
    pub(super) packs: Packs,
    /// The window that is its pause.
    pub(super) pause: Option<WindowId>,
    /// What came of its attempts.
    pub(super) tally: Tally,
}

/// What a subscription sees, for whoever looks for what it should have seen.
#[derive(Clone, Debug)]
pub(in super::super) struct Scope {
    pub(in super::super) subscription: SubscriptionId,
    pub(in super::super) settings: Box<Subscription>,
    /// When it began.
    pub(in super::super) since: Beginning,
}

/// There is no such subscription.
pub(super) fn unknown(id: SubscriptionId) -> ServiceError {
    ServiceError::NotFound { what: "subscription", id: id.0.into() }
}

/// Where and how `resolved` is sent to.
pub(super) fn route(resolved: &ResolvedSubscription) -> Route {
    Route {
        endpoint: Arc::new(resolved.endpoint.clone()),
        api_key: resolved.api_key.clone(),
        headers: Arc::new(resolved.headers.clone()),
        connect_timeout: resolved.connect_timeout,
        ack_timeout: resolved.ack_timeout,
    }
}

impl Keeper {
    /// Begins a subscription.
    pub(in super::super) fn create_subscription(
        &mut self,
        spec: SubscriptionSpec,
    ) -> Result<SubscriptionView, ServiceError> {
        let resolved = self.resolved(&spec)?;
        let pack = self.packs.chosen(resolved.schema_pack.as_deref())?;
        self.check_name(resolved.name.as_deref(), None)?;
        let id = SubscriptionId(self.last_subscription.0 + 1);
        let route = route(&resolved);
        let settings = Box::new(resolved.subscription);
        self.driver.command(Command::AddSubscription { id, subscription: settings.clone() })?;
        self.driver.route(id, route.clone());
        self.last_subscription = id;
        let now = self.driver.now();
        let packs = Packs::only(pack);
        self.driver.bodies().set_packs(id, packs.clone());
        let created = Beginning { at: now, after: self.last_notification };
        let kept = KeptSubscription {
            spec,
            settings,
            route,
            created,
            limit_set: now,
            packs,
            pause: None,
            tally: Tally::default(),
        };
        self.subscriptions.insert(id, kept);
        self.observe();
        self.keep_subscription(id);
        self.subscription(id)
    }

    /// What a subscription is, if its notifications can be sent at all.
    fn resolved(&self, spec: &SubscriptionSpec) -> Result<ResolvedSubscription, ServiceError> {
        let resolved = spec.resolve()?;
        if !resolved.endpoint.is_secure() && self.limits.plain_http == PlainHttp::Refused {
            let why = "PNS sends to HTTPS only; a simulator that was started to (`--allow-http`) sends to plain HTTP too";
            return Err(InvalidField::new("endpoint", why).into());
        }
        Ok(resolved)
    }

    fn check_name(&self, name: Option<&str>, but: Option<SubscriptionId>) -> Result<(), ServiceError> {
        let Some(name) = name else { return Ok(()) };
        let taken = self
            .subscriptions
            .iter()
            .find(|(id, kept)| Some(**id) != but && kept.spec.name.as_deref() == Some(name));
        match taken {
            Some((id, _)) => {
                Err(ServiceError::Conflict(format!("subscription {} has the name `{name}`", id.0)))
            }
            None => Ok(()),
        }
    }

    /// Writes a subscription down as it is now.
    fn keep_subscription(&mut self, id: SubscriptionId) {
        if let Some(kept) = self.subscriptions.get(&id) {
            let settings = stored::subscription_to_text(&kept.spec, kept.created, &kept.packs);
            self.batch.changes.push(Change::SubscriptionPut { id, settings, limit_set: kept.limit_set });
        }
    }

    /// One subscription.
    pub(in super::super) fn subscription(
        &self,
        id: SubscriptionId,
    ) -> Result<SubscriptionView, ServiceError> {
        let kept = self.subscriptions.get(&id).ok_or_else(|| unknown(id))?;
        let backlog = self.backlog(Some(id))?;
        let paused = kept.pause.is_some();
        Ok(SubscriptionView::of(id.0, &kept.spec, Instant(kept.created.at), paused, backlog)?)
    }

    /// Subscriptions by id, a page of them.
    pub(in super::super) fn subscriptions(
        &self,
        page: &PageRequest,
    ) -> Result<Page<SubscriptionView>, ServiceError> {
        let after = page.after.map(|after| SubscriptionId(u32::try_from(after).unwrap_or(u32::MAX)));
        let limit = page.limit();
        let ids = self.subscriptions.keys().copied();
        let mut ids: Vec<SubscriptionId> = match page.order {
            PageOrder::Ascending => {
                ids.filter(|id| after.is_none_or(|after| *id > after)).take(limit + 1).collect()
            }
            PageOrder::Descending => {
                ids.rev().filter(|id| after.is_none_or(|after| *id < after)).take(limit + 1).collect()
            }
        };
        let more = ids.len() > limit;
        ids.truncate(limit);
        let next = ids.last().filter(|_| more).map(|id| u64::from(id.0));
        let items = ids.into_iter().map(|id| self.subscription(id)).collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }

    /// The settings of one subscription: with its key, for comparison only.
    pub(in super::super) fn subscription_spec(
        &self,
        id: SubscriptionId,
    ) -> Result<SubscriptionSpec, ServiceError> {
        self.subscriptions.get(&id).map(|kept| kept.spec.clone()).ok_or_else(|| unknown(id))
    }

    /// The subscription of a name.
    pub(in super::super) fn subscription_named(&self, name: &str) -> Option<SubscriptionId> {
        let named = self.subscriptions.iter().find(|(_, kept)| kept.spec.name.as_deref() == Some(name));
        named.map(|(id, _)| *id)
    }

    /// Changes some settings.
    pub(in super::super) fn change_subscription(
        &mut self,
        id: SubscriptionId,
        patch: SubscriptionPatch,
    ) -> Result<SubscriptionView, ServiceError> {
        let spec = self.subscription_spec(id)?.patched(patch);
        self.replace_subscription(id, spec)
    }

    /// Replaces all settings.
    pub(in super::super) fn replace_subscription(
        &mut self,
        id: SubscriptionId,
        spec: SubscriptionSpec,
    ) -> Result<SubscriptionView, ServiceError> {
        if !self.subscriptions.contains_key(&id) {
            return Err(unknown(id));
        }
        let resolved = self.resolved(&spec)?;
        let pack = self.packs.chosen(resolved.schema_pack.as_deref())?;
        self.check_name(resolved.name.as_deref(), Some(id))?;
        let route = route(&resolved);
        let settings = Box::new(resolved.subscription);
        self.driver.command(Command::ChangeSubscription { id, subscription: settings.clone() })?;
        self.driver.route(id, route.clone());
        if let Some(kept) = self.subscriptions.get_mut(&id) {
            (kept.spec, kept.settings, kept.route) = (spec, settings, route);
            kept.packs.change(self.last_notification, pack);
            self.driver.bodies().set_packs(id, kept.packs.clone());
        }
        self.observe();
        self.keep_subscription(id);
        self.subscription(id)
    }

    /// Ends a subscription and abandons what waits for it.
    pub(in super::super) fn remove_subscription(&mut self, id: SubscriptionId) -> Result<(), ServiceError> {
        if !self.subscriptions.contains_key(&id) {
            return Err(unknown(id));
        }
        let waiting: Vec<_> = self.driver.sender().waiting(id).collect();
        self.driver.command(Command::RemoveSubscription { id })?;
        self.clear_faults_of(id);
        self.observe();
        // What is in flight ends by itself, with the recipes and the route that it has.
        for notification in waiting {
            self.driver.bodies().end(notification);
        }
        self.subscriptions.remove(&id);
        self.batch.changes.push(Change::SubscriptionRemoved { id });
        Ok(())
    }

    /// What subscriptions see: one, or all.
    pub(in super::super) fn scopes(&self, which: Option<SubscriptionId>) -> Result<Vec<Scope>, ServiceError> {
        let scope = |id: SubscriptionId| {
            let kept = self.subscriptions.get(&id).ok_or_else(|| unknown(id))?;
            Ok(Scope { subscription: id, settings: kept.settings.clone(), since: kept.created })
        };
        match which {
            Some(id) => Ok(vec![scope(id)?]),
            None => self.subscriptions.keys().map(|id| scope(*id)).collect(),
        }
    }

    /// The pack that makes a notification's body for a subscription that goes on.
    pub(in super::super) fn pack_of(
        &self,
        id: SubscriptionId,
        notification: NotificationId,
    ) -> Option<Arc<Pack>> {
        self.subscriptions.get(&id).map(|kept| Arc::clone(kept.packs.of(notification)))
    }
}
