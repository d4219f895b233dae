//! Life-like courses of one RFP.
//!
//! Cvent publishes no order of events; these are plausible (*inferred*), no more.

use pns_engine::EventType::{self, *};

use crate::scenario::model::Lifecycle;

/// How every course begins: the RFP arrives and somebody looks at it.
const ARRIVAL: [EventType; 4] = [RfpSend, RfpViewed, ResponseAssign, ResponseConfirmReceipt];

/// A proposal is drawn up and sent in.
const PROPOSAL: [EventType; 8] = [
    ResponseMarkInProgress,
    ResponseCreateProposal,
    UpdateProposalDetails,
    UpdateProposalSleepingRooms,
    UpdateProposalAlternateDates,
    ResponseAddAttachment,
    MessageSupplierToPlanner,
    ResponseSubmitProposal,
];

/// The event types of a course, in the order in which they happen.
pub(crate) fn events(lifecycle: Lifecycle) -> Vec<EventType> {
    let (proposal, ending): (&[EventType], &[EventType]) = match lifecycle {
        Lifecycle::Submit => (&PROPOSAL, &[]),
        Lifecycle::Award => (
            &PROPOSAL,
            &[
                MessagePlannerToSupplier,
                PlannerAwardSupplier,
                PlannerRetractAwardSupplier,
                PlannerAwardSupplier,
            ],
        ),
        Lifecycle::Decline => {
            (&PROPOSAL, &[PlannerDeclineSupplier, PlannerRetractDeclineSupplier, PlannerDeclineSupplier])
        }
        Lifecycle::Withdraw => (&PROPOSAL, &[ResponseWithdraw, ResponseRetractWithdraw, ResponseWithdraw]),
        Lifecycle::TurnDown => (&[], &[ResponseTurnDown, ResponseUndoTurnDown, ResponseTurnDown]),
        Lifecycle::Cancel => (&PROPOSAL, &[PlannerCancelSupplier, PlannerCancel]),
    };
    [&ARRIVAL, proposal, ending].concat()
}
