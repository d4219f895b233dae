//! Publishing and delivering again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pns_engine::{
    Category, Command, EventType, Happened, NotificationId, SubscriptionId, SupplierId, SupplierScope,
    Supplierless, Timestamp,
};

use super::Keeper;
use super::subscriptions::unknown;
use crate::clock::real_now;
use crate::journal::{Change, Published as PublishedRow};
use crate::service::counters::Counters;
pub(in super::super) use crate::service::digest::hex;
use crate::service::error::ServiceError;
use crate::service::model::{
    EventName, Idempotency, NotificationSpec, Published, PublishedNotification, ReplayedDelivery,
};
use crate::service::recipes::{Content, Recipe};
use crate::service::stored;
use crate::world::{Act, Refusal, RfpId, Told, ToldBody, Viewer};

/// Deliveries that one call may make: they are one commit, and others wait for it.
const DELIVERIES_MAX: usize = 100_000;
/// Idempotency keys that are kept.
pub(in super::super) const KEYS_MAX: usize = 100_000;
/// For how much real time.
pub(in super::super) const KEY_KEPT_FOR: Duration = Duration::from_secs(86_400);

/// What came of a publication.
pub(in super::super) enum Publication {
    /// It was made.
    New(Published),
    /// It was made before, under the same key: the journal has the answer.
    Kept,
}

/// The latest idempotency keys: those of this start that the journal may not have yet, among others. Whoever calls
/// has asked the journal first.
#[derive(Debug, Default)]
pub(super) struct Keys {
    by_text: BTreeMap<String, Key>,
    /// Oldest first.
    order: VecDeque<(Timestamp, String)>,
}

#[derive(Debug)]
struct Key {
    fingerprint: [u8; 32],
    /// The batch that it is committed with.
    batch: u64,
}

impl Keys {
    fn forget_old(&mut self, now: Timestamp) {
        while let Some((kept, key)) = self.order.front()
            && (self.order.len() > KEYS_MAX || now.since(*kept) > KEY_KEPT_FOR)
        {
            self.by_text.remove(key);
            self.order.pop_front();
        }
    }
}

/// A notification that was looked at and can be published.
struct Ready {
    recipe: Recipe,
    supplier: Option<SupplierId>,
    /// What is laid over the body, as a text.
    laid: Option<String>,
    /// The body by the service's own pack, where it was made already.
    body: Option<Bytes>,
}

/// What the notifications of one call have in common.
#[derive(Clone, Debug)]
pub(in super::super) enum Together {
    /// Nothing.
    Nothing,
    /// They are about one RFP, drawn for them, unless they name another.
    OneRfp,
    /// They tell of this.
    Act(Arc<Act>),
}

impl Keeper {
    /// Publishes all of `specs`, or none.
    pub(in super::super) fn publish(
        &mut self,
        specs: &[NotificationSpec],
        idempotency: Option<&Idempotency>,
        together: &Together,
    ) -> Result<Publication, ServiceError> {
        if let Some(idempotency) = idempotency
            && self.was_published(idempotency)?
        {
            return Ok(Publication::Kept);
        }
        let ready = self.make_ready(specs, together)?;
        self.admit(&ready)?;
        let act = match together {
            Together::Act(act) => Some(act),
            Together::Nothing | Together::OneRfp => None,
        };
        let notifications =
            ready.into_iter().map(|ready| self.publish_one(ready, act)).collect::<Result<_, _>>()?;
        let published = Published { notifications };
        if let Some(Idempotency { key, fingerprint }) = idempotency {
            let at = real_now();
            let answer = serde_json::to_string(&published).expect("numbers and texts become JSON");
            let key = key.clone();
            self.batch.changes.push(Change::IdempotencyKept {
                key: key.clone(),
                fingerprint: hex(fingerprint),
                answer,
                at,
            });
            self.keys.by_text.insert(key.clone(), Key { fingerprint: *fingerprint, batch: self.batches + 1 });
            self.keys.order.push_back((at, key));
        }
        Ok(Publication::New(published))
    }

    /// Publishes what tells of an act, if that may be done now.
    pub(in super::super) fn act(
        &mut self,
        act: Act,
        viewer: &Viewer,
    ) -> Result<Result<(), Refusal>, ServiceError> {
        let now = self.driver.now();
        let specs = match self.world.read(|world| world.plan(&act, viewer, now)) {
            Ok(specs) => specs,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let turned_down = match &act {
            Act::TurnDown { rfp, supplier, .. } => Some((*rfp, *supplier)),
            _ => None,
        };
        self.publish(&specs, None, &Together::Act(Arc::new(act)))?;
        if let Some((rfp, supplier)) = turned_down {
            self.end_lifecycles_of(rfp, supplier);
        }
        Ok(Ok(()))
    }

    fn was_published(&mut self, idempotency: &Idempotency) -> Result<bool, ServiceError> {
        self.keys.forget_old(real_now());
        let Some(key) = self.keys.by_text.get(&idempotency.key) else { return Ok(false) };
        if key.fingerprint != idempotency.fingerprint {
            return Err(ServiceError::KeyReused(idempotency.key.clone()));
        }
        if key.batch > self.batches - self.unconfirmed.len() as u64 {
            return Err(ServiceError::KeyInProgress(idempotency.key.clone()));
        }
        Ok(true)
    }

    fn make_ready(
        &self,
        specs: &[NotificationSpec],
        together: &Together,
    ) -> Result<Vec<Ready>, ServiceError> {
        let first = NotificationId(self.last_notification.0 + 1);
        let course = matches!(together, Together::OneRfp).then(|| RfpId::drawn(self.seed, first));
        let mut ready = Vec::with_capacity(specs.len());
        let mut wrong = Vec::new();
        for (place, spec) in specs.iter().enumerate() {
            let id = NotificationId(first.0 + place as u64);
            match self.make_one_ready(id, spec, course) {
                Ok(one) => ready.push(one),
                Err(error) => wrong.push(error.inside(&format!("notifications[{place}]"))),
            }
        }
        if wrong.is_empty() { Ok(ready) } else { Err(ServiceError::Invalid(wrong)) }
    }

    fn make_one_ready(
        &self,
        id: NotificationId,
        spec: &NotificationSpec,
        course: Option<RfpId>,
    ) -> Result<Ready, crate::service::model::InvalidField> {
        use crate::service::model::InvalidField;

        spec.check()?;
        let event_type = spec.event_type.0;
        let pack = self.packs.own();
        if spec.raw.is_none() && !pack.event_types().contains(event_type) {
            let why = format_args!("the schema pack `{}` has no such type", pack.name()).to_string();
            return Err(InvalidField::new("type", why));
        }
        if spec.rfp.is_some() && pack.roles().rfp_id.is_none() {
            let why = format_args!("the schema pack `{}` has no place for it", pack.name()).to_string();
            return Err(InvalidField::new("rfp", why));
        }
        let named = spec.supplier.as_ref().map(|supplier| supplier.0);
        let supplier = event_type.names_supplier().then(|| named.unwrap_or(self.supplier));
        let content = match (&spec.raw, &spec.overrides) {
            (Some(raw), _) => Content::Raw(Bytes::from(raw.clone().into_bytes())),
            (None, Some(overrides)) if !overrides.is_empty() => {
                Content::Overrides(Arc::new(overrides.clone()))
            }
            (None, _) => Content::Generated,
        };
        let rfp =
            spec.rfp.or(course).filter(|_| event_type.category() == Category::Rfp && spec.raw.is_none());
        let mut recipe = Recipe { event_type, supplier, rfp, content };
        if recipe.content == Content::Generated {
            let laid = stored::recipe_to_text(rfp, None);
            return Ok(Ready { recipe, supplier, laid, body: None });
        }
        // The body itself says whom it is about, unless the caller does.
        let body = recipe.body(pack, self.seed, id, self.driver.stamp());
        let body = body.map_err(|error| InvalidField::new("overrides", error))?;
        let told = pack.supplier(&body).filter(|_| named.is_none());
        recipe.supplier = supplier.map(|supplier| told.unwrap_or(supplier));
        let laid = match &recipe.content {
            Content::Overrides(overrides) => stored::recipe_to_text(rfp, Some(overrides)),
            Content::Raw(_) | Content::Generated => None,
        };
        Ok(Ready { supplier: recipe.supplier, recipe, laid, body: Some(body) })
    }

    /// The body that a notification would have if it were published next, and how many deliveries it would make.
    pub(in super::super) fn preview(&self, spec: &NotificationSpec) -> Result<(Bytes, usize), ServiceError> {
        let id = NotificationId(self.last_notification.0 + 1);
        let Ready { recipe, supplier, .. } = self.make_one_ready(id, spec, None)?;
        let body = recipe.body_or_own(None, self.packs.own(), self.seed, id, self.driver.stamp());
        Ok((body, self.audience(recipe.event_type, supplier)))
    }

    /// Refuses what would exceed a bound, before anything is changed.
    fn admit(&self, ready: &[Ready]) -> Result<(), ServiceError> {
        let weight: usize = ready.iter().map(|one| one.recipe.weight()).sum();
        let kept = self.driver.bodies_ref().weight();
        if kept + weight > self.limits.recipe_bytes {
            return Err(ServiceError::QueueFull { pending: kept, limit: self.limits.recipe_bytes });
        }
        let (pending, limit) = (self.pending(), self.limits.pending);
        // Few come near a bound, so most need not be counted exactly.
        if ready.len() * self.subscriptions.len() <= DELIVERIES_MAX.min(limit.saturating_sub(pending)) {
            return Ok(());
        }
        let more: usize = ready.iter().map(|one| self.audience(one.recipe.event_type, one.supplier)).sum();
        if more > DELIVERIES_MAX {
            let why = format!("they would make {more} deliveries, more than {DELIVERIES_MAX} in one call");
            return Err(ServiceError::invalid("notifications", why));
        }
        if pending + more > limit {
            return Err(ServiceError::QueueFull { pending, limit });
        }
        Ok(())
    }

    /// How many deliveries a notification makes.
    fn audience(&self, event_type: EventType, supplier: Option<SupplierId>) -> usize {
        let copies = |settings: &pns_engine::Subscription| match (settings.supplierless, &settings.suppliers)
        {
            (Supplierless::PerSupplier, SupplierScope::Only(suppliers)) if !event_type.names_supplier() => {
                suppliers.len()
            }
            _ => 1,
        };
        let all = self.subscriptions.values().map(|kept| &*kept.settings);
        all.filter(|settings| settings.sees(event_type, supplier)).map(copies).sum()
    }

    fn publish_one(
        &mut self,
        ready: Ready,
        act: Option<&Arc<Act>>,
    ) -> Result<PublishedNotification, ServiceError> {
        let Ready { recipe, supplier, laid, body } = ready;
        let id = NotificationId(self.last_notification.0 + 1);
        let event_type = recipe.event_type;
        self.driver.command(Command::Publish { id, event_type, supplier })?;
        self.last_notification = id;
        Counters::count(&self.counters.published);
        let raw = match &recipe.content {
            Content::Raw(bytes) => Some(bytes.clone()),
            Content::Overrides(_) | Content::Generated => None,
        };
        let at = self.driver.now();
        let done = act.and_then(|act| serde_json::to_string(&**act).ok());
        let row = PublishedRow { id, event_type, supplier, at, recipe: laid, raw, act: done };
        self.batch.changes.push(Change::NotificationPublished(row));
        let (act, body) = (act.cloned(), self.told_body(id, &recipe, at, body));
        self.batch.told.push(Told { at, notification: id, event_type, act, body });
        let deliveries = self.queue_observed(event_type);
        if !deliveries.is_empty() {
            let count = u32::try_from(deliveries.len()).unwrap_or(u32::MAX);
            self.driver.bodies().keep(id, recipe, None, count);
        }
        Ok(PublishedNotification { id: id.0, event_type: EventName(event_type), deliveries })
    }

    /// What the world reads: a generated body is made when it does, since it may never be.
    fn told_body(&self, id: NotificationId, recipe: &Recipe, at: Timestamp, made: Option<Bytes>) -> ToldBody {
        if let Some(body) = made {
            return ToldBody::Made(body);
        }
        let (recipe, pack, seed) = (recipe.clone(), Arc::clone(self.packs.own()), self.seed);
        ToldBody::Later(Box::new(move || recipe.body(&pack, seed, id, at).ok()))
    }

    /// The deliveries that the latest command queued.
    fn queue_observed(&mut self, event_type: EventType) -> Vec<u64> {
        self.queueing = event_type;
        let before = self.batch.records.len();
        self.observe();
        let queued = self.batch.records[before..].iter().filter_map(|record| match record.event {
            Happened::DeliveryQueued { delivery, .. } => Some(delivery.0),
            _ => None,
        });
        queued.collect()
    }

    /// Delivers notifications once more, all of them or none.
    pub(in super::super) fn redeliver(
        &mut self,
        again: &[Again],
    ) -> Result<Vec<ReplayedDelivery>, ServiceError> {
        if let Some(gone) = again.iter().find(|again| !self.subscriptions.contains_key(&again.subscription)) {
            return Err(unknown(gone.subscription));
        }
        let (pending, limit) = (self.pending(), self.limits.pending);
        if pending + again.len() > limit {
            return Err(ServiceError::QueueFull { pending, limit });
        }
        again.iter().map(|again| self.redeliver_one(again)).collect()
    }

    fn redeliver_one(&mut self, again: &Again) -> Result<ReplayedDelivery, ServiceError> {
        let Again { notification, subscription, recipe, stamp } = again;
        let (notification, subscription, event_type) = (*notification, *subscription, recipe.event_type);
        self.driver.command(Command::Redeliver { notification, event_type, subscription })?;
        let deliveries = self.queue_observed(event_type);
        self.driver.bodies().keep(notification, recipe.clone(), *stamp, 1);
        Ok(ReplayedDelivery {
            notification: notification.0,
            event_type: EventName(event_type),
            subscription: subscription.0,
            delivery: deliveries.first().copied(),
        })
    }
}

/// A notification that is to be delivered once more to one subscription.
#[derive(Clone, Debug)]
pub(in super::super) struct Again {
    pub(in super::super) notification: NotificationId,
    pub(in super::super) subscription: SubscriptionId,
    pub(in super::super) recipe: Recipe,
    pub(in super::super) stamp: Option<Timestamp>,
}
