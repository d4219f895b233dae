//! From what a journal holds to a keeper that goes on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use pns_engine::{
    DeliveryId, EventType, FailureReason, Happened, NotificationId, Sender, SubscriptionId, SupplierId,
    WindowId, rng,
};

use super::chronicle::Foresight;
use super::clock::CLOCK_KEY;
use super::lifecycles::Lifecycles;
use super::publish::Keys;
use super::pull_faults;
use super::standing::Tally;
use super::subscriptions::{KeptSubscription, route};
use super::windows::Window;
use super::{Batch, Keeper, Limits};
use crate::clock::{Clock, Gear, LAST, real_now};
use crate::driver::{Driver, Route};
use crate::journal::{Change, Journal, JournalError, Recovered, WindowPurpose};
use crate::schema::Pack;
use crate::service::builder::StartError;
use crate::service::counters::Counters;
use crate::service::feed::Feed;
use crate::service::model::WindowKind;
use crate::service::packs::PackShelf;
use crate::service::recipes::{Content, Recipe, Recipes};
use crate::service::stored::{self, ClockMark, Unreadable};
use crate::service::transports::AnyTransport;
use crate::world::{Act, PullFaults, Seen, SharedWorld, World, WorldSettings};

/// Where the journal keeps the seed.
const SEED_KEY: &str = "seed";
/// The stream of draws that places the supplier of whoever names none.
const SUPPLIER_STREAM: u64 = 0x7375_7070_6c69_6572;

/// Notifications of which the world is told at a start: about a second's work.
const OBSERVED_AGAIN_MAX: usize = 300_000;

/// What a keeper stands on.
pub(in super::super) struct Foundation {
    pub(in super::super) journal: Journal,
    pub(in super::super) recovered: Recovered,
    pub(in super::super) transport: AnyTransport,
    pub(in super::super) packs: Arc<PackShelf>,
    pub(in super::super) feed: Feed,
    pub(in super::super) counters: Arc<Counters>,
    pub(in super::super) limits: Limits,
    pub(in super::super) gear: Option<Gear>,
    pub(in super::super) seed: Option<u64>,
    pub(in super::super) world: WorldSettings,
}

impl From<Unreadable> for StartError {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Pack(name) => Self::Pack(name),
            Unreadable::Text(text) => Self::Unreadable(text),
        }
    }
}

impl Keeper {
    /// Goes on with what the journal holds.
    ///
    /// # Errors
    /// When something in it does not read back, or is another seed's. Nothing is written then.
    pub(in super::super) fn begin(foundation: Foundation) -> Result<Self, StartError> {
        let Foundation {
            journal,
            mut recovered,
            transport,
            packs,
            feed,
            counters,
            limits,
            gear,
            seed,
            world,
        } = foundation;
        let (seed, new_seed) = seed_of(&recovered, seed)?;
        let clock = clock_of(&recovered, gear)?;
        let now = clock.now();
        let mut recipes = Recipes::new(seed, Arc::clone(packs.own()));
        let mut subscriptions = subscriptions(&recovered, &packs)?;
        let windows = windows(&recovered, &mut subscriptions);
        let lifecycles = Lifecycles::recover(&recovered.meta)?;
        let settings = subscriptions.iter().map(|(id, kept)| (*id, (*kept.settings).clone())).collect();
        let last_notification = recovered.last_notification.unwrap_or(NotificationId(0));
        let notifications = std::mem::take(&mut recovered.notifications);
        let snapshot = recovered.take_snapshot(&settings);
        let pending = pending(&mut recipes, notifications, &snapshot.deliveries, supplier(seed));
        let sender = Sender::recover(seed, snapshot, now);
        let mut driver = Driver::of(sender, clock, transport, recipes);
        driver.hold_starts();
        for (id, kept) in &subscriptions {
            driver.route(*id, kept.route.clone());
            driver.bodies().set_packs(*id, kept.packs.clone());
        }
        for fault in &recovered.faults {
            let number = u32::try_from(fault.id).unwrap_or(u32::MAX);
            driver.faults().plan_again(number, stored::fault_from_text(&fault.spec)?);
        }
        driver.faults().number_after(u32::try_from(recovered.last_fault).unwrap_or(u32::MAX));
        let pull_faults = pull_faults::recover(&recovered.meta)?;
        let mut world = World::new(seed, packs.own().roles(), world);
        observe_again(&mut world, &journal, packs.own(), seed)?;
        counters.possible_duplicates.store(recovered.possible_duplicates, Relaxed);
        let mut keeper = Self {
            driver,
            journal,
            feed,
            counters,
            packs,
            seed,
            supplier: supplier(seed),
            world: SharedWorld::new(world),
            pull_faults_kept: pull_faults.revision(),
            pull_faults,
            limits,
            subscriptions,
            windows,
            keys: Keys::default(),
            lifecycles,
            last_subscription: recovered.last_subscription,
            last_window: recovered.last_window,
            last_notification,
            queueing: EventType::RfpSend,
            foresight: Foresight::default(),
            batch: Batch::default(),
            batches: 0,
            blocked: false,
            unconfirmed: VecDeque::new(),
            horizon: now,
            quiet: false,
            advancing: None,
            idle: Vec::new(),
            stopping: None,
        };
        if new_seed {
            let change = Change::MetaPut { key: SEED_KEY.to_owned(), value: seed.to_string() };
            keeper.batch.changes.push(change);
        }
        keeper.fit_horizon();
        keeper.keep_clock();
        keeper.observe();
        keeper.settle_cut_off(&pending);
        Ok(keeper)
    }

    /// Counts the attempts that the stop before cut off, and lets go of what recovery gave up.
    fn settle_cut_off(&mut self, pending: &BTreeMap<DeliveryId, NotificationId>) {
        for place in 0..self.batch.records.len() {
            let ended = match self.batch.records[place].event {
                Happened::AttemptFailed { reason: reason @ FailureReason::SenderStopped, .. } => {
                    Counters::count(&self.counters.possible_duplicates);
                    self.counters.count_failure(reason.name());
                    continue;
                }
                Happened::DeliveryAbandoned { delivery, .. } => pending.get(&delivery),
                _ => None,
            };
            if let Some(notification) = ended {
                self.driver.bodies().end(*notification);
            }
        }
    }

    /// What is to go wrong on the pull side.
    pub(in super::super) fn planned_pull_faults(&self) -> &PullFaults {
        &self.pull_faults
    }

    /// What the notifications are about.
    pub(in super::super) fn world(&self) -> &SharedWorld {
        &self.world
    }

    /// The seed of all bodies.
    pub(in super::super) fn seed(&self) -> u64 {
        self.seed
    }
}

/// The journal's seed, or the one asked for, or one from the present instant (of 32 bits, which JSON readers of all
/// languages take); and whether it is new.
fn seed_of(recovered: &Recovered, asked: Option<u64>) -> Result<(u64, bool), StartError> {
    let Some(text) = recovered.meta.get(SEED_KEY) else {
        return Ok((asked.unwrap_or_else(|| rng::draw(real_now().as_nanos(), 0, 0) >> 32), true));
    };
    let journal = text.parse().map_err(|_| StartError::Unreadable(format!("the seed `{text}`")))?;
    match asked {
        Some(asked) if asked != journal => Err(StartError::Seed { journal, asked }),
        _ => Ok((journal, false)),
    }
}

/// A clock that goes on where the journal's stands, never before what happened last. It does not pass the end of PNS
/// time while nobody runs, either.
fn clock_of(recovered: &Recovered, gear: Option<Gear>) -> Result<Clock, StartError> {
    let now = real_now();
    let Some(text) = recovered.meta.get(CLOCK_KEY) else {
        return Ok(Clock::resume(gear.unwrap_or(Gear::Real), now.max(recovered.latest)));
    };
    let mark =
        ClockMark::from_text(text).ok_or_else(|| StartError::Unreadable(format!("the clock `{text}`")))?;
    Ok(Clock::resume(
        gear.unwrap_or(mark.gear),
        mark.at(now).min(LAST.max(mark.position)).max(recovered.latest),
    ))
}

fn subscriptions(
    recovered: &Recovered,
    packs: &PackShelf,
) -> Result<BTreeMap<SubscriptionId, KeptSubscription>, StartError> {
    let read = |kept: &crate::journal::KeptSubscription| {
        let (spec, created, packs) = stored::subscription_from_text(&kept.settings, packs)?;
        let resolved =
            spec.resolve().map_err(|error| StartError::Unreadable(format!("{}: {error}", kept.id)))?;
        let route: Route = route(&resolved);
        let settings = Box::new(resolved.subscription);
        let limit_set = kept.limit_set;
        let (pause, tally) = (None, Tally::default());
        Ok((kept.id, KeptSubscription { spec, settings, route, created, limit_set, packs, pause, tally }))
    };
    recovered.subscriptions.iter().map(read).collect()
}

fn windows(
    recovered: &Recovered,
    subscriptions: &mut BTreeMap<SubscriptionId, KeptSubscription>,
) -> BTreeMap<WindowId, Window> {
    let mut windows = BTreeMap::new();
    for kept in &recovered.windows {
        let kind = match kept.purpose {
            WindowPurpose::Downtime => WindowKind::Downtime,
            WindowPurpose::Pause => WindowKind::Pause,
        };
        let Some(subscription) = subscriptions.get_mut(&kept.subscription) else { continue };
        if kind == WindowKind::Pause {
            subscription.pause = Some(kept.id);
        }
        let crate::journal::KeptWindow { subscription, from, until, open, .. } = *kept;
        windows.insert(kept.id, Window { subscription, kind, from, until, open });
    }
    windows
}

/// Keeps the recipes of what is pending. Gives back the notifications of the deliveries that recovery may end.
fn pending(
    recipes: &mut Recipes,
    notifications: Vec<crate::journal::KeptNotification>,
    deliveries: &[pns_engine::SavedDelivery],
    supplier: SupplierId,
) -> BTreeMap<DeliveryId, NotificationId> {
    let mut counts: BTreeMap<NotificationId, (EventType, u32)> = BTreeMap::new();
    for delivery in deliveries {
        counts.entry(delivery.notification).or_insert((delivery.event_type, 0)).1 += 1;
    }
    for kept in notifications {
        if let Some((_, count)) = counts.remove(&kept.id) {
            let (id, stamp) = (kept.id, kept.stamp);
            recipes.keep(id, recipe_of(kept), stamp, count);
        }
    }
    // One that retention removed while it was being delivered again goes out as it was generated.
    for (id, (event_type, count)) in counts {
        let supplier = event_type.names_supplier().then_some(supplier);
        recipes.keep(
            id,
            Recipe { event_type, supplier, rfp: None, content: Content::Generated },
            None,
            count,
        );
    }
    deliveries.iter().filter(|delivery| delivery.due.is_none()).map(|d| (d.id, d.notification)).collect()
}

/// Tells the world what was published before: the latest of it that the journal has, up to a bound.
fn observe_again(
    world: &mut World,
    journal: &Journal,
    pack: &Arc<Pack>,
    seed: u64,
) -> Result<(), JournalError> {
    journal.reader().latest_notifications(OBSERVED_AGAIN_MAX, |mut kept| {
        let (at, notification, event_type) = (kept.published, kept.id, kept.event_type);
        let stamp = kept.stamp.unwrap_or(at);
        let act: Option<Act> = kept.act.take().and_then(|act| serde_json::from_str(&act).ok());
        if let Ok(body) = recipe_of(kept).body(pack, seed, notification, stamp) {
            world.observe(Seen { at, notification, event_type, body: &body, act: act.as_ref() });
        }
    })
}

/// The recipe of a notification in the journal.
pub(in super::super) fn recipe_of(kept: crate::journal::KeptNotification) -> Recipe {
    let (rfp, overrides) = kept.recipe.as_deref().map_or((None, None), stored::recipe_from_text);
    let content = match (kept.raw, overrides) {
        (Some(raw), _) => Content::Raw(raw),
        (None, Some(overrides)) => Content::Overrides(Arc::new(overrides)),
        (None, None) => Content::Generated,
    };
    Recipe { event_type: kept.event_type, supplier: kept.supplier, rfp, content }
}

/// The supplier of notifications that name none: one for the service's whole life.
fn supplier(seed: u64) -> SupplierId {
    let half = |index| u128::from(rng::draw(seed, SUPPLIER_STREAM, index));
    // A version 4 UUID, as the generated ones are.
    let bits = (half(0) << 64 | half(1)) & !(0xf << 76) & !(0b11 << 62);
    SupplierId(bits | 0x4 << 76 | 0b10 << 62)
}

#[cfg(test)]
mod tests {
    use pns_engine::Timestamp;

    use super::*;

    #[test]
    fn the_supplier_of_whoever_names_none_is_a_uuid_of_the_seed() {
        let text = supplier(7).to_string();
        assert_eq!(&text[14..15], "4", "{text}");
        assert!("89ab".contains(&text[19..20]), "{text}");
        assert_eq!(supplier(7), supplier(7));
        assert_ne!(supplier(7), supplier(8));
    }

    #[test]
    fn time_never_goes_back_behind_what_happened() {
        let latest = Timestamp::MAX;
        let recovered = Recovered { latest, ..Recovered::default() };
        assert_eq!(clock_of(&recovered, Some(Gear::Virtual)).unwrap().now(), latest);
    }

    #[test]
    fn time_does_not_pass_its_end_while_nobody_runs() {
        let mut recovered = Recovered::default();
        let gear = "1000000x".parse().unwrap();
        let mark = ClockMark { gear, position: Timestamp::from_millis(1), real: Timestamp::EPOCH };
        recovered.meta.insert(CLOCK_KEY.to_owned(), mark.to_text());
        assert_eq!(clock_of(&recovered, None).unwrap().now(), LAST);
    }
}
