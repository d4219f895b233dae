//! What each pending notification is made of, and its body at every attempt.
//!
//! A body is a function of the service's seed, the notification's number, its stamp and what was laid over it. No
//! body is kept, except one that was given as it is. A recipe is kept in memory as long as a delivery of its
//! notification is pending; the journal has it for good.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use pns_engine::{EventType, NotificationId, SubscriptionId, SupplierId, Timestamp, Transmit};
use serde_json::{Map, Value};

use crate::driver::Bodies;
use crate::schema::{GenerateError, Key, Overrides, Pack};
use crate::world::RfpId;

/// How to make a notification's body.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Recipe {
    pub(super) event_type: EventType,
    /// The supplier that the body names, where its type names one.
    pub(super) supplier: Option<SupplierId>,
    /// The RFP that it names, where that is not drawn.
    pub(super) rfp: Option<RfpId>,
    pub(super) content: Content,
}

/// What of a body is not generated.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Content {
    /// Nothing.
    #[default]
    Generated,
    /// These members.
    Overrides(Arc<Overrides>),
    /// All of it.
    Raw(Bytes),
}

impl Recipe {
    /// The bytes of memory that it takes beyond a fixed size.
    pub(super) fn weight(&self) -> usize {
        match &self.content {
            Content::Generated => 0,
            Content::Overrides(overrides) => {
                overrides.iter().map(|(key, value)| key.len() + weight(value)).sum()
            }
            Content::Raw(bytes) => bytes.len(),
        }
    }

    /// The body that it makes from `pack`.
    ///
    /// # Errors
    /// When the pack has no such event type, or what is laid over the body does not fit its shape.
    pub(super) fn body(
        &self,
        pack: &Pack,
        seed: u64,
        id: NotificationId,
        stamp: Timestamp,
    ) -> Result<Bytes, GenerateError> {
        let key = Key { seed, sequence: id.0, published: stamp };
        let given = match &self.content {
            Content::Raw(bytes) => return Ok(bytes.clone()),
            Content::Overrides(overrides) => Some(overrides),
            Content::Generated => None,
        };
        if let (None, Some(supplier)) = (given, self.supplier)
            && let Some(body) = generated(self.event_type, pack, key, supplier, self.rfp)
        {
            return Ok(body);
        }
        let roles = pack.roles();
        let mut laid = Overrides::new();
        if let (Some(supplier), Some(place)) = (self.supplier, &roles.supplier_id) {
            laid.insert(place.clone(), Value::String(supplier.to_string()));
        }
        if let (Some(rfp), Some(place)) = (self.rfp, &roles.rfp_id) {
            laid.insert(place.clone(), Value::String(rfp.to_string()));
        }
        // What the caller lays over comes last: it may name another supplier, or none.
        laid.extend(given.into_iter().flat_map(|given| Map::clone(given)));
        pack.generate_with(self.event_type, key, &laid).map(Bytes::from)
    }
}

/// The generated body with another supplier and RFP written over those that were drawn, which are as long: many times
/// faster than laying them over as JSON. `None`: it must be done so, because a drawn one is not found, or not alone.
fn generated(
    event_type: EventType,
    pack: &Pack,
    key: Key,
    supplier: SupplierId,
    rfp: Option<RfpId>,
) -> Option<Bytes> {
    let mut body = Vec::with_capacity(512);
    pack.generate(event_type, key, &mut body).ok()?;
    let drawn = pack.supplier(&body)?.to_string();
    let drawn_rfp = match rfp {
        Some(_) => Some(pack.rfp(&body)?),
        None => None,
    };
    write_over(&mut body, &drawn, &supplier.to_string())?;
    if let (Some(rfp), Some(drawn)) = (rfp, drawn_rfp) {
        write_over(&mut body, &drawn, &rfp.to_string())?;
    }
    Some(body.into())
}

/// Writes a text over another that is as long and there once.
fn write_over(body: &mut [u8], drawn: &str, text: &str) -> Option<()> {
    let mut places = body.windows(drawn.len()).enumerate().filter(|(_, found)| *found == drawn.as_bytes());
    let (place, _) = places.next()?;
    if places.next().is_some() || text.len() != drawn.len() {
        return None;
    }
    body[place..place + text.len()].copy_from_slice(text.as_bytes());
    Some(())
}

impl Recipe {
    /// The body that it makes from `pack`, or from the service's `own` where that cannot: another pack may lack the
    /// type, or have another shape than what is laid over.
    pub(super) fn body_or_own(
        &self,
        pack: Option<&Arc<Pack>>,
        own: &Arc<Pack>,
        seed: u64,
        id: NotificationId,
        stamp: Timestamp,
    ) -> Bytes {
        let body = pack.and_then(|pack| self.body(pack, seed, id, stamp).ok());
        // It was made once when it was published. A user's pack may still fail at another instant's body: then there
        // is nothing to be sent but nothing.
        body.or_else(|| self.body(own, seed, id, stamp).ok()).unwrap_or_default()
    }
}

/// About what a JSON value takes in memory.
fn weight(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::String(text) => text.len(),
            Value::Array(elements) => elements.iter().map(weight).sum(),
            Value::Object(members) => members.iter().map(|(key, value)| 32 + key.len() + weight(value)).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}

/// Which pack a subscription's bodies are made from: the one in force when their notification was published, so
/// that a change leaves the bytes of retries as they are.
#[derive(Clone, Debug)]
pub(super) struct Packs(Vec<(NotificationId, Arc<Pack>)>);

impl Packs {
    /// `pack` for all.
    pub(super) fn only(pack: Arc<Pack>) -> Self {
        Self(vec![(NotificationId(0), pack)])
    }

    /// Those that are in force since each notification, in order; `None`: an empty list.
    pub(super) fn of_list(packs: Vec<(NotificationId, Arc<Pack>)>) -> Option<Self> {
        (!packs.is_empty()).then_some(Self(packs))
    }

    /// `pack` for those after `last`.
    pub(super) fn change(&mut self, last: NotificationId, pack: Arc<Pack>) {
        if self.latest().name() != pack.name() {
            self.0.push((NotificationId(last.0 + 1), pack));
        }
    }

    /// The pack of what is published now.
    pub(super) fn latest(&self) -> &Arc<Pack> {
        let (_, pack) = self.0.last().expect("a subscription has a pack from its beginning");
        pack
    }

    /// The pack of one notification.
    pub(super) fn of(&self, id: NotificationId) -> &Arc<Pack> {
        let fitting = self.0.iter().rev().find(|(first, _)| *first <= id);
        fitting.map_or_else(|| self.latest(), |(_, pack)| pack)
    }

    /// Since which notification each is in force.
    pub(super) fn iter(&self) -> impl Iterator<Item = (NotificationId, &Arc<Pack>)> {
        self.0.iter().map(|(first, pack)| (*first, pack))
    }
}

/// The recipes of what is pending.
#[derive(Debug)]
pub(super) struct Recipes {
    seed: u64,
    /// For a subscription whose own pack cannot make a body.
    pack: Arc<Pack>,
    packs: BTreeMap<SubscriptionId, Packs>,
    kept: BTreeMap<NotificationId, Kept>,
    weight: usize,
}

#[derive(Debug)]
struct Kept {
    recipe: Recipe,
    /// The time that the body carries: fixed at the first attempt, so that retries repeat the same bytes.
    stamp: Option<Timestamp>,
    /// Deliveries that are pending.
    pending: u32,
}

impl Recipes {
    /// None yet.
    pub(super) fn new(seed: u64, pack: Arc<Pack>) -> Self {
        Self { seed, pack, packs: BTreeMap::new(), kept: BTreeMap::new(), weight: 0 }
    }

    /// Bytes that recipes take beyond a fixed size each.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// From which packs a subscription's bodies are made.
    pub(super) fn set_packs(&mut self, subscription: SubscriptionId, packs: Packs) {
        self.packs.insert(subscription, packs);
    }

    /// Forgets them: nothing of that subscription is pending.
    pub(super) fn forget_packs(&mut self, subscription: SubscriptionId) {
        self.packs.remove(&subscription);
    }

    /// Keeps a recipe for so many deliveries more.
    pub(super) fn keep(
        &mut self,
        id: NotificationId,
        recipe: Recipe,
        stamp: Option<Timestamp>,
        deliveries: u32,
    ) {
        let Self { kept, weight, .. } = self;
        let kept = kept.entry(id).or_insert_with(|| {
            *weight += recipe.weight();
            Kept { recipe, stamp, pending: 0 }
        });
        kept.pending += deliveries;
    }

    /// The time in a body that has been attempted.
    pub(super) fn stamp(&self, id: NotificationId) -> Option<Timestamp> {
        self.kept.get(&id)?.stamp
    }

    /// A delivery of the notification is pending no more.
    pub(super) fn end(&mut self, id: NotificationId) {
        let Some(kept) = self.kept.get_mut(&id) else { return };
        kept.pending -= 1;
        if kept.pending == 0 {
            self.weight -= kept.recipe.weight();
            self.kept.remove(&id);
        }
    }
}

impl Bodies for Recipes {
    fn body(&mut self, attempt: &Transmit, stamp: Timestamp) -> Bytes {
        let id = attempt.notification;
        let kept = self.kept.get_mut(&id).expect("a recipe is kept while a delivery is pending");
        let stamp = *kept.stamp.get_or_insert(stamp);
        let own = self.packs.get(&attempt.subscription).map(|packs| packs.of(id));
        kept.recipe.body_or_own(own, &self.pack, self.seed, id, stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_supplier_and_an_rfp_written_over_the_drawn_ones_are_as_laid_over() {
        let supplier = SupplierId(0x0b8f_9a30_31e6_4d3c_9f6e_0d8f_7f8a_1a01);
        for name in Pack::BUILTIN {
            let pack = Pack::builtin(name).unwrap();
            let (place, rfp_place) =
                (pack.roles().supplier_id.clone().unwrap(), pack.roles().rfp_id.clone().unwrap());
            let rfp = RfpId(0x1b8f_9a30_31e6_4d3c_9f6e_0d8f_7f8a_1a01);
            let mut laid: Overrides = [(place, Value::String(supplier.to_string()))].into_iter().collect();
            for event_type in pack.event_types().iter().filter(|event_type| event_type.names_supplier()) {
                let key = Key { seed: 7, sequence: 3, published: Timestamp::from_millis(1_764_000_000_000) };
                let written = generated(event_type, &pack, key, supplier, None).unwrap();
                assert_eq!(pack.supplier(&written), Some(supplier));
                assert_eq!(written, pack.generate_with(event_type, key, &laid).unwrap(), "{event_type}");
                let written = generated(event_type, &pack, key, supplier, Some(rfp)).unwrap();
                laid.insert(rfp_place.clone(), Value::String(rfp.to_string()));
                assert_eq!(written, pack.generate_with(event_type, key, &laid).unwrap(), "{event_type}");
                laid.remove(&rfp_place);
            }
        }
    }
}
