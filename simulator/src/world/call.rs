//! The reading calls of the pull API: what is asked for.
//!
//! Which event leads to which call is *inferred*, but for RESPONSE_SUBMIT_PROPOSAL, whose call Cvent's page names.

use std::fmt;
use std::str::FromStr;

use pns_engine::{EventType, SupplierId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::act::Act;
use super::id::{AttachmentId, MessageId, RfpId, VenueId};
use super::said::Said;

/// A reading call with what it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// The RFP, as a supplier sees it.
    Rfp(RfpId),
    /// All responses to an RFP.
    Responses(RfpId),
    /// One part of all responses to an RFP.
    DataType(RfpId, DataType),
    /// One supplier's response.
    Response(RfpId, SupplierId),
    /// The venues that a bureau represents, and their responses' states.
    RepresentedVenues(RfpId),
    /// One message. The path is a setting: Cvent's is not published.
    Message(MessageId),
    /// The messages about an RFP. The path is a setting: Cvent's is not published.
    Messages(RfpId),
    /// A venue. The path is a setting: Cvent's is not published.
    Venue(VenueId),
    /// An attachment. The path is a setting: Cvent's is not published.
    Attachment(AttachmentId),
}

/// The parts of a response that can be asked for alone. *Documented*, the nine names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the names are Cvent's `responseDataType`")]
pub enum DataType {
    AgendaItems,
    ProposalDates,
    Attachments,
    EventSpaces,
    EstimatedCosts,
    Packages,
    SleepingRooms,
    AdditionalQuestions,
    AdditionalFees,
}

impl DataType {
    /// All nine.
    pub const ALL: [Self; 9] = [
        Self::AgendaItems,
        Self::ProposalDates,
        Self::Attachments,
        Self::EventSpaces,
        Self::EstimatedCosts,
        Self::Packages,
        Self::SleepingRooms,
        Self::AdditionalQuestions,
        Self::AdditionalFees,
    ];

    /// The name in the path.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::AgendaItems => "AGENDA_ITEMS",
            Self::ProposalDates => "PROPOSAL_DATES",
            Self::Attachments => "ATTACHMENTS",
            Self::EventSpaces => "EVENT_SPACES",
            Self::EstimatedCosts => "ESTIMATED_COSTS",
            Self::Packages => "PACKAGES",
            Self::SleepingRooms => "SLEEPING_ROOMS",
            Self::AdditionalQuestions => "ADDITIONAL_QUESTIONS",
            Self::AdditionalFees => "ADDITIONAL_FEES",
        }
    }

    /// What an event says has changed, where that is one part.
    #[must_use]
    pub const fn changed_by(event_type: EventType) -> Option<Self> {
        match event_type {
            EventType::UpdateProposalSleepingRooms => Some(Self::SleepingRooms),
            EventType::UpdateProposalPackages => Some(Self::Packages),
            EventType::UpdateProposalAlternateDates => Some(Self::ProposalDates),
            EventType::UpdateProposalAdditionalFees => Some(Self::AdditionalFees),
            EventType::UpdateProposalEstimatedCosts => Some(Self::EstimatedCosts),
            EventType::UpdateProposalAdditionalQuestions => Some(Self::AdditionalQuestions),
            EventType::UpdateProposalAgendaItems => Some(Self::AgendaItems),
            EventType::ResponseAddAttachment | EventType::ResponseDeleteAttachment => Some(Self::Attachments),
            _ => None,
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.wire_name())
    }
}

/// The text is not one of the nine data types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of the nine response data types")]
pub struct UnknownDataType;

impl FromStr for DataType {
    type Err = UnknownDataType;

    fn from_str(text: &str) -> Result<Self, UnknownDataType> {
        Self::ALL.into_iter().find(|data_type| data_type.wire_name() == text).ok_or(UnknownDataType)
    }
}

/// The calls of the pull side, reading and acting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CallKind {
    /// The RFP, as a supplier sees it.
    Rfp,
    /// All responses.
    Responses,
    /// One supplier's response.
    Response,
    /// One part of all responses.
    DataType,
    /// A bureau's represented venues.
    RepresentedVenues,
    /// One message.
    Message,
    /// The messages about an RFP.
    Messages,
    /// A venue.
    Venue,
    /// An attachment.
    Attachment,
    /// Turning an RFP down, or changing how it was turned down.
    TurnDown,
    /// Changing a proposal's basics.
    ProposalDetails,
    /// Creating a proposal.
    ProposalCreate,
    /// Forwarding an RFP.
    Forward,
    /// Getting an OAuth token.
    Token,
}

impl CallKind {
    /// All kinds.
    pub const ALL: [Self; 14] = [
        Self::Rfp,
        Self::Responses,
        Self::Response,
        Self::DataType,
        Self::RepresentedVenues,
        Self::Message,
        Self::Messages,
        Self::Venue,
        Self::Attachment,
        Self::TurnDown,
        Self::ProposalDetails,
        Self::ProposalCreate,
        Self::Forward,
        Self::Token,
    ];

    /// Whether it asks for something that has happened, and does nothing.
    #[must_use]
    pub const fn reads(self) -> bool {
        !matches!(
            self,
            Self::TurnDown | Self::ProposalDetails | Self::ProposalCreate | Self::Forward | Self::Token
        )
    }

    /// The word for it in faults, filters and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rfp => "rfp",
            Self::Responses => "responses",
            Self::Response => "response",
            Self::DataType => "data-type",
            Self::RepresentedVenues => "represented-venues",
            Self::Message => "message",
            Self::Messages => "messages",
            Self::Venue => "venue",
            Self::Attachment => "attachment",
            Self::TurnDown => "turn-down",
            Self::ProposalDetails => "proposal-details",
            Self::ProposalCreate => "proposal-create",
            Self::Forward => "forward",
            Self::Token => "token",
        }
    }
}

impl fmt::Display for CallKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The text names no call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no call of the pull API")]
pub struct UnknownCall;

impl FromStr for CallKind {
    type Err = UnknownCall;

    fn from_str(text: &str) -> Result<Self, UnknownCall> {
        Self::ALL.into_iter().find(|kind| kind.word() == text).ok_or(UnknownCall)
    }
}

/// What a call is about, for faults and filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which call.
    pub kind: CallKind,
    /// The RFP that it names.
    pub rfp: Option<RfpId>,
    /// The supplier that it names.
    pub supplier: Option<SupplierId>,
}

impl Asked {
    /// A call for an OAuth token.
    pub const TOKEN: Self = Self { kind: CallKind::Token, rfp: None, supplier: None };
}

impl From<&Call> for Asked {
    fn from(call: &Call) -> Self {
        let supplier = match call {
            Call::Response(_, supplier) => Some(*supplier),
            _ => None,
        };
        Self { kind: call.kind(), rfp: call.rfp(), supplier }
    }
}

impl From<&Act> for Asked {
    fn from(act: &Act) -> Self {
        Self { kind: act.kind(), rfp: Some(act.rfp()), supplier: Some(act.supplier()) }
    }
}

impl Call {
    /// The call that a notification leads to: what was said in it tells which. `None`: nothing is to be pulled, or the
    /// body does not say what. *Inferred.*
    #[must_use]
    pub fn after(said: &Said) -> Option<Self> {
        use EventType as T;

        match said.event_type {
            T::RfpSend | T::RfpForward | T::RfpViewed | T::PlannerCancel => said.rfp.map(Self::Rfp),
            T::MessagePlannerToSupplier | T::MessageSupplierToPlanner | T::MessageSupplierToSupplier => {
                said.message.as_ref().map(|message| Self::Message(message.id))
            }
            T::VenueVisibilityChanged => None,
            other => match DataType::changed_by(other) {
                Some(part) => said.rfp.map(|rfp| Self::DataType(rfp, part)),
                None => Some(Self::Response(said.rfp?, said.supplier?)),
            },
        }
    }

    /// Which call it is.
    #[must_use]
    pub const fn kind(&self) -> CallKind {
        match self {
            Self::Rfp(_) => CallKind::Rfp,
            Self::Responses(_) => CallKind::Responses,
            Self::DataType(..) => CallKind::DataType,
            Self::Response(..) => CallKind::Response,
            Self::RepresentedVenues(_) => CallKind::RepresentedVenues,
            Self::Message(_) => CallKind::Message,
            Self::Messages(_) => CallKind::Messages,
            Self::Venue(_) => CallKind::Venue,
            Self::Attachment(_) => CallKind::Attachment,
        }
    }

    /// The RFP that it names.
    #[must_use]
    pub const fn rfp(&self) -> Option<RfpId> {
        match self {
            Self::Rfp(rfp)
            | Self::Responses(rfp)
            | Self::DataType(rfp, _)
            | Self::Response(rfp, _)
            | Self::RepresentedVenues(rfp)
            | Self::Messages(rfp) => Some(*rfp),
            Self::Message(_) | Self::Venue(_) | Self::Attachment(_) => None,
        }
    }

    /// Whether its answer holds what `wanted` asks for: all responses hold one supplier's, which holds each part of it.
    ///
    /// Generous where a call does not say enough: any supplier's response counts for a part of the same RFP, and any
    /// list of messages for any message. Whoever is told "never pulled" must not have pulled it in another way.
    #[must_use]
    pub fn covers(&self, wanted: &Self) -> bool {
        if self == wanted {
            return true;
        }
        match (self, wanted) {
            (Self::Responses(all), Self::Response(rfp, _) | Self::DataType(rfp, _))
            | (Self::Response(all, _), Self::DataType(rfp, _))
            | (Self::RepresentedVenues(all), Self::Response(rfp, _)) => all == rfp,
            (Self::Messages(_), Self::Message(_)) => true,
            _ => false,
        }
    }
}
