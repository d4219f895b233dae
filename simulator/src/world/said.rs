//! What a notification's body says.
//!
//! The places of the event type, the RFP, the supplier and the reason are the schema pack's roles. Attachments,
//! messages, forwarders and venues are read by the names that Cvent documents (`attachmentIds`, `messageDetails`,
//! `forwarderInfo`) and by those of the reconstructed packs.

mod members;

use std::sync::Arc;

use pns_engine::{EventType, SupplierId};
use serde_json::Value;

use super::id::{AttachmentId, MessageId, RfpId, VenueId};
use crate::schema::Roles;

/// The members that are read by their names.
const KNOWN: [&str; 5] = ["attachmentIds", "messageDetails", "forwarderInfo", "venueId", "venueDetails"];
/// Attachments of one notification that are taken; the packs have at most 100.
const ATTACHMENTS_MAX: usize = 1_000;
/// Characters of a short text that are taken: a reason, a name.
const SHORT_MAX: usize = 200;
/// Characters of a message's body that are taken; the packs have at most 4,000.
const LONG_MAX: usize = 10_000;

/// What a body says.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// What happened.
    pub event_type: EventType,
    /// The RFP that it is about.
    pub rfp: Option<RfpId>,
    /// The supplier that it is about.
    pub supplier: Option<SupplierId>,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// The attachments added or deleted.
    pub attachments: Vec<AttachmentId>,
    /// The message sent.
    pub message: Option<Message>,
    /// Who forwarded the RFP.
    pub forwarder: Option<Forwarder>,
    /// The venue whose visibility changed, and whether it is active now.
    pub venue: Option<(VenueId, bool)>,
}

/// A message, as its notification tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Its subject.
    pub subject: Arc<str>,
    /// Its text.
    pub body: Arc<str>,
}

/// Who forwarded an RFP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarder {
    /// The supplier.
    pub id: Option<SupplierId>,
    /// Its name.
    pub name: Option<Arc<str>>,
}

/// Where in a body its roles are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    rfp: Option<String>,
    supplier: Option<String>,
    reason: Option<String>,
}

impl Places {
    /// Where the reason is, as a JSON pointer.
    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}

impl From<&Roles> for Places {
    fn from(roles: &Roles) -> Self {
        let Roles { rfp_id, supplier_id, reason, .. } = roles.clone();
        Self { rfp: rfp_id, supplier: supplier_id, reason }
    }
}

impl Said {
    /// Reads a body; what is not there, or no UUID where one should be, counts as not said. `None`: no JSON object.
    #[must_use]
    pub fn read(places: &Places, event_type: EventType, body: &[u8]) -> Option<Self> {
        let body = members::read(places, body)?;
        let at = |place: &Option<String>| body.pointer(place.as_deref()?);
        let supplier = at(&places.supplier).and_then(id).map(SupplierId);
        Some(Self {
            event_type,
            rfp: at(&places.rfp).and_then(id).map(RfpId),
            supplier: supplier.filter(|_| event_type.names_supplier()),
            reason: at(&places.reason).and_then(|reason| text(reason, SHORT_MAX)),
            attachments: attachments(&body),
            message: message(&body),
            forwarder: body.get("forwarderInfo").map(forwarder),
            venue: venue(&body),
        })
    }
}

fn id(value: &Value) -> Option<u128> {
    value.as_str()?.parse::<SupplierId>().ok().map(|id| id.0)
}

fn text(value: &Value, max: usize) -> Option<Arc<str>> {
    let text = value.as_str()?;
    let end = text.char_indices().nth(max).map_or(text.len(), |(end, _)| end);
    Some(text[..end].into())
}

fn attachments(body: &Value) -> Vec<AttachmentId> {
    let Some(Value::Array(ids)) = body.get("attachmentIds") else { return Vec::new() };
    ids.iter().filter_map(id).map(AttachmentId).take(ATTACHMENTS_MAX).collect()
}

fn message(body: &Value) -> Option<Message> {
    let details = body.get("messageDetails")?;
    let said = |name: &str, max| details.get(name).and_then(|value| text(value, max)).unwrap_or_default();
    let message = details.get("messageId").and_then(id).map(MessageId)?;
    Some(Message { id: message, subject: said("subject", SHORT_MAX), body: said("body", LONG_MAX) })
}

fn forwarder(info: &Value) -> Forwarder {
    Forwarder {
        id: info.get("forwarderSupplierId").and_then(id).map(SupplierId),
        name: info.get("forwarderName").and_then(|name| text(name, SHORT_MAX)),
    }
}

fn venue(body: &Value) -> Option<(VenueId, bool)> {
    let venue = body.get("venueId").and_then(id).map(VenueId)?;
    let active = body.pointer("/venueDetails/active").and_then(Value::as_bool);
    Some((venue, active.unwrap_or(true)))
}
