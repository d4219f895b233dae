//! What is kept of each notification, and the bounds of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pns_engine::{EventType, NotificationId, SupplierId, Timestamp};

use super::Seen;
use super::act::Act;
use super::id::{AttachmentId, MessageId, RfpId, VenueId};
use super::said::{Forwarder, Message, Said};

/// RFPs that are kept: beyond, the oldest is forgotten.
const RFPS_MAX: usize = 100_000;
/// Happenings of one RFP that are kept: beyond, its oldest are forgotten.
const HAPPENINGS_MAX: usize = 10_000;
/// How many are forgotten at a time.
const FORGOTTEN_AT_ONCE: usize = 1_000;
/// Bytes of memory that all of it may take, about: beyond, the oldest RFPs are forgotten.
const WEIGHT_MAX: usize = 256 << 20;
/// Venues whose visibility is kept: beyond, the one that was told of longest ago is forgotten.
const VENUES_MAX: usize = 100_000;
/// Changes of one venue's visibility that are kept.
const CHANGES_MAX: usize = 100;

/// One notification about an RFP.
#[derive(Clone, Debug)]
pub(super) struct Happening {
    pub(super) at: Timestamp,
    pub(super) notification: NotificationId,
    pub(super) event_type: EventType,
    pub(super) supplier: Option<SupplierId>,
    more: Option<Box<More>>,
}

/// What few notifications have.
#[derive(Clone, Debug, Default)]
struct More {
    reason: Option<Arc<str>>,
    attachments: Box<[AttachmentId]>,
    message: Option<Message>,
    forwarder: Option<Forwarder>,
    act: Option<Act>,
    /// The bytes of the act in the journal.
    act_bytes: usize,
}

impl Happening {
    fn new(seen: &Seen<'_>, said: Said) -> Self {
        let plain = said.reason.is_none()
            && said.attachments.is_empty()
            && said.message.is_none()
            && said.forwarder.is_none()
            && seen.act.is_none();
        let more = (!plain).then(|| {
            Box::new(More {
                reason: said.reason,
                attachments: said.attachments.into(),
                message: said.message,
                forwarder: said.forwarder,
                act_bytes: seen.act.and_then(|act| serde_json::to_vec(act).ok()).map_or(0, |text| text.len()),
                act: seen.act.cloned(),
            })
        });
        let Seen { at, notification, event_type, .. } = *seen;
        Self { at, notification, event_type, supplier: said.supplier, more }
    }

    pub(super) fn reason(&self) -> Option<&str> {
        self.more.as_ref()?.reason.as_deref()
    }

    pub(super) fn attachments(&self) -> &[AttachmentId] {
        self.more.as_ref().map_or(&[], |more| &more.attachments)
    }

    pub(super) fn message(&self) -> Option<&Message> {
        self.more.as_ref()?.message.as_ref()
    }

    pub(super) fn forwarder(&self) -> Option<&Forwarder> {
        self.more.as_ref()?.forwarder.as_ref()
    }

    pub(super) fn act(&self) -> Option<&Act> {
        self.more.as_ref()?.act.as_ref()
    }

    /// About the bytes of memory that it takes, with its entries in the indexes.
    fn weight(&self) -> usize {
        let Some(more) = &self.more else { return size_of::<Self>() };
        let text = |text: &Option<Arc<str>>| text.as_ref().map_or(0, |text| text.len());
        let message =
            more.message.as_ref().map_or(0, |message| 64 + message.subject.len() + message.body.len());
        let forwarder = more.forwarder.as_ref().map_or(0, |forwarder| text(&forwarder.name));
        let attachments = more.attachments.len() * 80;
        // A JSON tree takes several times the bytes of its text.
        let act = more.act_bytes * 4;
        size_of::<Self>() + size_of::<More>() + text(&more.reason) + attachments + message + forwarder + act
    }
}

/// All that happened to one RFP, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Story {
    /// Its place among all.
    pub(super) number: u64,
    /// When it became known. What is drawn of an RFP depends on it, also when its beginning is forgotten.
    pub(super) since: Timestamp,
    pub(super) happenings: Vec<Happening>,
    /// How many were forgotten.
    pub(super) forgotten: u32,
    weight: usize,
}

/// All stories.
#[derive(Debug, Default)]
pub(super) struct Stories {
    stories: BTreeMap<RfpId, Story>,
    /// Oldest first.
    order: BTreeMap<u64, RfpId>,
    messages: BTreeMap<MessageId, RfpId>,
    attachments: BTreeMap<AttachmentId, RfpId>,
    /// On how many stories each supplier is.
    suppliers: BTreeMap<SupplierId, u32>,
    venues: BTreeMap<VenueId, Visibility>,
    /// When each venue was told of last, oldest first.
    venue_order: BTreeMap<u64, VenueId>,
    venues_told: u64,
    weight: usize,
    /// RFPs that were forgotten.
    pub(super) forgotten: u64,
}

#[derive(Debug, Default)]
struct Visibility {
    told: u64,
    changes: Vec<(Timestamp, bool)>,
}

impl Stories {
    /// What was told before `cutoff` of RFPs of which something was told since.
    pub(super) fn told_of_living(&self, cutoff: Timestamp) -> BTreeSet<NotificationId> {
        let living = self.stories.values().filter(|story| {
            story.happenings.last().is_some_and(|latest| latest.at >= cutoff)
                && story.happenings.first().is_some_and(|first| first.at < cutoff)
        });
        let old = living.flat_map(|story| story.happenings.iter().filter(|one| one.at < cutoff));
        old.map(|happening| happening.notification).collect()
    }

    /// Adds what a notification says.
    pub(super) fn add(&mut self, seen: &Seen<'_>, said: Said) {
        if let Some((venue, active)) =
            said.venue.filter(|_| seen.event_type == EventType::VenueVisibilityChanged)
        {
            self.add_venue(venue, seen.at, active);
        }
        let Some(rfp) = said.rfp else { return };
        if let Some(message) = &said.message {
            self.messages.insert(message.id, rfp);
        }
        if seen.event_type == EventType::ResponseAddAttachment {
            self.attachments.extend(said.attachments.iter().map(|attachment| (*attachment, rfp)));
        }
        let happening = Happening::new(seen, said);
        let story = self.stories.entry(rfp).or_insert_with(|| {
            let next = self.order.last_key_value().map_or(0, |(last, _)| last.saturating_add(1));
            let number = if next <= seen.notification.0 { seen.notification.0 } else { next };
            self.order.insert(number, rfp);
            Story { number, since: seen.at, ..Story::default() }
        });
        if let Some(supplier) = happening.supplier
            && !story.happenings.iter().rev().any(|before| before.supplier == Some(supplier))
        {
            *self.suppliers.entry(supplier).or_default() += 1;
        }
        let weight = happening.weight();
        story.weight += weight;
        self.weight += weight;
        story.happenings.push(happening);
        self.forget_surplus(rfp);
    }

    fn add_venue(&mut self, venue: VenueId, at: Timestamp, active: bool) {
        self.venues_told += 1;
        let told = self.venues_told;
        let visibility = self.venues.entry(venue).or_default();
        self.venue_order.remove(&visibility.told);
        self.venue_order.insert(told, venue);
        visibility.told = told;
        if visibility.changes.len() == CHANGES_MAX {
            visibility.changes.remove(0);
        }
        visibility.changes.push((at, active));
        if self.venues.len() > VENUES_MAX
            && let Some((_, oldest)) = self.venue_order.pop_first()
        {
            self.venues.remove(&oldest);
        }
    }

    fn forget_surplus(&mut self, latest: RfpId) {
        if let Some(story) = self.stories.get_mut(&latest)
            && story.happenings.len() > HAPPENINGS_MAX
        {
            let gone: Vec<Happening> = story.happenings.drain(..FORGOTTEN_AT_ONCE).collect();
            let weight: usize = gone.iter().map(Happening::weight).sum();
            story.forgotten += u32::try_from(gone.len()).unwrap_or(u32::MAX);
            story.weight -= weight;
            self.weight -= weight;
            let left = supplier_set(&self.stories[&latest].happenings);
            let lost = supplier_set(&gone).into_iter().filter(|supplier| !left.contains(supplier)).collect();
            self.unlink(latest, &gone, lost);
        }
        while self.stories.len() > RFPS_MAX || (self.weight > WEIGHT_MAX && self.stories.len() > 1) {
            let Some((_, oldest)) = self.order.pop_first() else { return };
            let Some(story) = self.stories.remove(&oldest) else { return };
            self.weight -= story.weight;
            self.forgotten += 1;
            let lost = supplier_set(&story.happenings);
            self.unlink(oldest, &story.happenings, lost);
        }
    }

    /// Takes what is forgotten out of the indexes.
    fn unlink(&mut self, rfp: RfpId, gone: &[Happening], suppliers: Vec<SupplierId>) {
        for happening in gone {
            if let Some(message) = happening.message()
                && self.messages.get(&message.id) == Some(&rfp)
            {
                self.messages.remove(&message.id);
            }
            for attachment in happening.attachments() {
                if self.attachments.get(attachment) == Some(&rfp) {
                    self.attachments.remove(attachment);
                }
            }
        }
        for supplier in suppliers {
            if let Some(count) = self.suppliers.get_mut(&supplier) {
                *count -= 1;
                if *count == 0 {
                    self.suppliers.remove(&supplier);
                }
            }
        }
    }

    pub(super) fn story(&self, rfp: RfpId) -> Option<&Story> {
        self.stories.get(&rfp)
    }

    /// The RFPs by number, of which the first is the oldest.
    pub(super) fn order(&self) -> &BTreeMap<u64, RfpId> {
        &self.order
    }

    /// The RFP that a message is about.
    pub(super) fn rfp_of_message(&self, message: MessageId) -> Option<RfpId> {
        self.messages.get(&message).copied()
    }

    /// The RFP whose response an attachment belongs to.
    pub(super) fn rfp_of_attachment(&self, attachment: AttachmentId) -> Option<RfpId> {
        self.attachments.get(&attachment).copied()
    }

    /// Whether a venue was active at that time; `None`: it was not known.
    pub(super) fn venue_active(&self, venue: VenueId, as_of: Timestamp) -> Option<bool> {
        let told = self.venues.get(&venue);
        let told = told.and_then(|told| told.changes.iter().rev().find(|(at, _)| *at <= as_of));
        let named = self.suppliers.contains_key(&SupplierId(venue.0));
        told.map(|(_, active)| *active).or_else(|| named.then_some(true))
    }
}

/// The suppliers that they name, each once.
fn supplier_set(happenings: &[Happening]) -> Vec<SupplierId> {
    let mut suppliers: Vec<SupplierId> =
        happenings.iter().filter_map(|happening| happening.supplier).collect();
    suppliers.sort_unstable();
    suppliers.dedup();
    suppliers
}
