//! The 33 event types of PNS and the additional fields each carries. *Documented*, both.

use core::fmt;
use core::str::FromStr;

/// A field that Cvent's page lists as additional for some event types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdditionalField {
    /// `supplierId`: the supplier that the event is about.
    Supplier,
    /// `forwarderInfo`: who forwarded the RFP.
    ForwarderInfo,
    /// `reason`: why something was cancelled, declined, turned down or withdrawn.
    Reason,
    /// `attachmentIds[]`: the attachments added or deleted.
    AttachmentIds,
    /// `messageDetails`: the message sent.
    MessageDetails,
    /// The venue, and whether it is now active. The page gives the content; the field names are unknown.
    Venue,
}

/// Which of Cvent's two lists an event type stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// `PNS/rfpEventType.json`: requests for proposal and responses to them.
    Rfp,
    /// `PNS/venueEventType.json`.
    Venue,
}

macro_rules! event_types {
    ($($variant:ident $wire:literal $category:ident [$($field:ident),*];)*) => {
        /// One of the 33 documented event types, in the order of Cvent's page.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "the names are the wire names; Cvent's page describes each")]
        pub enum EventType { $($variant),* }

        impl EventType {
            /// All 33, in the order of Cvent's page.
            pub const ALL: [Self; 33] = [$(Self::$variant),*];

            /// The name on the wire, as `RFP_SEND`.
            #[must_use]
            pub const fn wire_name(self) -> &'static str {
                match self { $(Self::$variant => $wire),* }
            }

            /// The list of Cvent's that names it.
            #[must_use]
            pub const fn category(self) -> Category {
                match self { $(Self::$variant => Category::$category),* }
            }

            /// Its additional fields, exactly.
            #[must_use]
            pub const fn additional_fields(self) -> &'static [AdditionalField] {
                match self { $(Self::$variant => &[$(AdditionalField::$field),*]),* }
            }
        }
    };
}

event_types! {
    RfpSend "RFP_SEND" Rfp [Supplier];
    RfpForward "RFP_FORWARD" Rfp [Supplier, ForwarderInfo];
    PlannerCancel "PLANNER_CANCEL" Rfp [Reason];
    PlannerCancelSupplier "PLANNER_CANCEL_SUPPLIER" Rfp [Reason, Supplier];
    PlannerRetractAwardSupplier "PLANNER_RETRACT_AWARD_SUPPLIER" Rfp [Supplier];
    PlannerAwardSupplier "PLANNER_AWARD_SUPPLIER" Rfp [Supplier];
    PlannerDeclineSupplier "PLANNER_DECLINE_SUPPLIER" Rfp [Supplier, Reason];
    PlannerRetractDeclineSupplier "PLANNER_RETRACT_DECLINE_SUPPLIER" Rfp [Supplier];
    ResponseConfirmReceipt "RESPONSE_CONFIRM_RECEIPT" Rfp [Supplier];
    ResponseSubmitProposal "RESPONSE_SUBMIT_PROPOSAL" Rfp [Supplier];
    ResponseTurnDown "RESPONSE_TURN_DOWN" Rfp [Supplier, Reason];
    ResponseUndoTurnDown "RESPONSE_UNDO_TURN_DOWN" Rfp [Supplier];
    ResponseWithdraw "RESPONSE_WITHDRAW" Rfp [Supplier, Reason];
    ResponseRetractWithdraw "RESPONSE_RETRACT_WITHDRAW" Rfp [Supplier];
    ResponseAddAttachment "RESPONSE_ADD_ATTACHMENT" Rfp [Supplier, AttachmentIds];
    ResponseDeleteAttachment "RESPONSE_DELETE_ATTACHMENT" Rfp [Supplier, AttachmentIds];
    ResponseMarkInProgress "RESPONSE_MARK_IN_PROGRESS" Rfp [Supplier];
    ResponseAssign "RESPONSE_ASSIGN" Rfp [Supplier];
    ResponseCreateProposal "RESPONSE_CREATE_PROPOSAL" Rfp [Supplier];
    RfpViewed "RFP_VIEWED" Rfp [Supplier];
    UpdateProposalDetails "UPDATE_PROPOSAL_DETAILS" Rfp [Supplier];
    UpdateProposalSleepingRooms "UPDATE_PROPOSAL_SLEEPING_ROOMS" Rfp [Supplier];
    UpdateProposalPackages "UPDATE_PROPOSAL_PACKAGES" Rfp [Supplier];
    UpdateProposalAlternateDates "UPDATE_PROPOSAL_ALTERNATE_DATES" Rfp [Supplier];
    UpdateProposalAdditionalFees "UPDATE_PROPOSAL_ADDITIONAL_FEES" Rfp [Supplier];
    UpdateProposalEstimatedCosts "UPDATE_PROPOSAL_ESTIMATED_COSTS" Rfp [Supplier];
    UpdateProposalAdditionalQuestions "UPDATE_PROPOSAL_ADDITIONAL_QUESTIONS" Rfp [Supplier];
    UpdateProposalAgendaItems "UPDATE_PROPOSAL_AGENDA_ITEMS" Rfp [Supplier];
    MessagePlannerToSupplier "MESSAGE_PLANNER_TO_SUPPLIER" Rfp [Supplier, MessageDetails];
    MessageSupplierToPlanner "MESSAGE_SUPPLIER_TO_PLANNER" Rfp [Supplier, MessageDetails];
    MessageSupplierToSupplier "MESSAGE_SUPPLIER_TO_SUPPLIER" Rfp [Supplier, MessageDetails];
    ResponseSubmitProposalOutsideCvent "RESPONSE_SUBMIT_PROPOSAL_OUTSIDE_CVENT" Rfp [Supplier];
    VenueVisibilityChanged "VENUE_VISIBILITY_CHANGED" Venue [Venue];
}

/// How Cvent's page, and a neighbouring page, print no. 32: rendering ate underscores (*inferred*).
/// Taken as input, never emitted.
const PRINTED_ALIASES: [&str; 2] =
    ["RESPONSESUBMIT_PROPOSAL_OUTSIDE CVENT", "RESPONSESUBMIT_PROPOSAL_OUTSIDE_CVENT"];

impl EventType {
    /// Whether it carries `supplierId`, and so is subject to a subscription's suppliers.
    #[must_use]
    pub fn names_supplier(self) -> bool {
        self.additional_fields().contains(&AdditionalField::Supplier)
    }

    /// Its place in [`EventType::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wire_name())
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.wire_name())
    }
}

/// The text is not one of the 33 event types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of the 33 PNS event types")]
pub struct UnknownEventType;

impl FromStr for EventType {
    type Err = UnknownEventType;

    fn from_str(text: &str) -> Result<Self, UnknownEventType> {
        if PRINTED_ALIASES.contains(&text) {
            return Ok(Self::ResponseSubmitProposalOutsideCvent);
        }
        Self::ALL.into_iter().find(|event_type| event_type.wire_name() == text).ok_or(UnknownEventType)
    }
}

/// A set of event types, in 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct EventTypeSet(u64);

impl EventTypeSet {
    /// All 33.
    pub const ALL: Self = Self((1 << EventType::ALL.len()) - 1);

    /// The subscription that Cvent gives by default: RFP_SEND and RFP_FORWARD. *Documented.*
    pub const DEFAULT_SUBSCRIPTION: Self =
        Self(1 << EventType::RfpSend.index() | 1 << EventType::RfpForward.index());

    /// Whether `event_type` is in the set.
    #[must_use]
    pub const fn contains(self, event_type: EventType) -> bool {
        self.0 & (1 << event_type.index()) != 0
    }

    /// Adds `event_type`.
    pub const fn insert(&mut self, event_type: EventType) {
        self.0 |= 1 << event_type.index();
    }

    /// The members, in the order of Cvent's page.
    pub fn iter(self) -> impl Iterator<Item = EventType> {
        EventType::ALL.into_iter().filter(move |event_type| self.contains(*event_type))
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<EventType> for EventTypeSet {
    fn from_iter<I: IntoIterator<Item = EventType>>(event_types: I) -> Self {
        let mut set = Self::default();
        for event_type in event_types {
            set.insert(event_type);
        }
        set
    }
}

impl fmt::Debug for EventTypeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_planner_cancel_lacks_a_supplier_among_the_rfp_types() {
        let without: alloc::vec::Vec<_> = EventType::ALL
            .into_iter()
            .filter(|t| t.category() == Category::Rfp && !t.names_supplier())
            .collect();
        assert_eq!(without, [EventType::PlannerCancel]);
    }

    #[test]
    fn every_wire_name_reads_back_and_the_printed_aliases_mean_number_32() {
        for event_type in EventType::ALL {
            assert_eq!(event_type.wire_name().parse(), Ok(event_type));
        }
        for alias in PRINTED_ALIASES {
            assert_eq!(alias.parse(), Ok(EventType::ResponseSubmitProposalOutsideCvent));
        }
        assert_eq!("rfp_send".parse::<EventType>(), Err(UnknownEventType));
    }
}
