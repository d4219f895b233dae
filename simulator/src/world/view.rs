//! RFPs as the control API and the dashboard tell them.

use schemars::JsonSchema;
use serde::Serialize;

use super::id::{AttachmentId, MessageId, RfpId};
use crate::service::model::{EventName, Instant, SupplierText};

/// Where an RFP stands. The words are this project's: Cvent's are not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RfpState {
    /// It is out.
    Open,
    /// The planner gave it to a supplier.
    Awarded,
    /// The planner cancelled it.
    Cancelled,
}

/// Where a response stands: what the latest event that says anything about it says. The words are this project's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResponseState {
    /// The RFP is there, and nothing was done.
    New,
    /// Somebody works on it.
    InProgress,
    /// A proposal is with the planner.
    Submitted,
    /// A proposal was submitted outside Cvent.
    SubmittedOutsideCvent,
    /// The supplier turned the RFP down.
    TurnedDown,
    /// The supplier withdrew its proposal.
    Withdrawn,
    /// The planner chose it.
    Awarded,
    /// The planner declined it.
    Declined,
    /// The planner cancelled.
    Cancelled,
}

impl ResponseState {
    /// All of them, by number.
    const ALL: [Self; 9] = [
        Self::New,
        Self::InProgress,
        Self::Submitted,
        Self::SubmittedOutsideCvent,
        Self::TurnedDown,
        Self::Withdrawn,
        Self::Awarded,
        Self::Declined,
        Self::Cancelled,
    ];

    /// The one of a number.
    pub(super) fn of(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::New)
    }
}

/// One RFP at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RfpSummary {
    /// Its place in the list: the number of the notification by which it became known.
    pub number: u64,
    /// Its id.
    pub rfp: RfpId,
    /// Its name.
    pub name: String,
    /// Who asks.
    pub planner: String,
    /// Where it stands.
    pub state: RfpState,
    /// How many suppliers are known to have it.
    pub supplier_count: u32,
    /// How many notifications were about it.
    pub happenings: u32,
    /// When the first of them was published.
    pub since: Instant,
    /// When the latest was.
    pub latest_at: Instant,
    /// The latest event.
    pub latest: EventName,
}

/// One RFP with all that is known.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RfpDetail {
    /// At a glance.
    #[serde(flatten)]
    pub summary: RfpSummary,
    /// The RFP as the pull API tells it to a supplier.
    pub content: serde_json::Value,
    /// Those that have it.
    pub suppliers: Vec<SupplierView>,
    /// What happened, oldest first.
    pub history: Vec<HappeningView>,
    /// How many happenings are not told: more than are kept.
    pub forgotten: u32,
}

/// A supplier's part in an RFP.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SupplierView {
    /// The supplier.
    pub supplier: SupplierText,
    /// Its name.
    pub name: String,
    /// Where its response stands.
    pub state: ResponseState,
    /// Why, where the event said it.
    pub reason: Option<String>,
    /// Its attachments.
    pub attachments: Vec<AttachmentId>,
    /// How many messages there are.
    pub messages: u32,
    /// The response as the pull API tells it.
    pub response: serde_json::Value,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HappeningView {
    /// When, in PNS time.
    pub at: Instant,
    /// The notification that told it.
    pub notification: u64,
    /// What.
    #[serde(rename = "type")]
    pub event_type: EventName,
    /// The supplier concerned.
    pub supplier: Option<SupplierText>,
    /// Why.
    pub reason: Option<String>,
    /// The message sent.
    pub message: Option<MessageId>,
    /// The attachments added or deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentId>,
    /// Whether it was done through the pull API.
    pub by_pull: bool,
}
