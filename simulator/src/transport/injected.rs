//! What an injection does to an attempt, the same for every transport.

use std::time::Duration;

use pns_engine::{Answer, FailureReason};

use super::exchange::Waits;
use crate::fault::Injection;

/// Where a request is broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Break {
    /// Reset after the head.
    AfterHead,
    /// Reset after the whole request.
    AfterRequest,
    /// Closed in order after half of the body.
    MidBody,
}

impl Break {
    /// Where `injection` breaks the request off, if it does.
    pub(super) fn of(injection: Option<&Injection>) -> Option<Self> {
        match injection? {
            Injection::ResetBeforeBody => Some(Self::AfterHead),
            Injection::ResetAfterBody => Some(Self::AfterRequest),
            Injection::CutBody => Some(Self::MidBody),
            _ => None,
        }
    }

    /// What the sender sees of it.
    pub(super) fn reason(self) -> FailureReason {
        match self {
            Self::AfterHead | Self::AfterRequest => FailureReason::Reset,
            Self::MidBody => FailureReason::ClosedBeforeResponse,
        }
    }
}

/// Injections under which nothing is sent, and the wait that each pretends.
pub(super) fn unsent(
    injection: Option<&Injection>,
    waits: Waits,
) -> Option<(FailureReason, Option<Duration>)> {
    match injection? {
        Injection::Refuse => Some((FailureReason::Refused, None)),
        Injection::ConnectTimeout => Some((FailureReason::ConnectTimeout, Some(waits.connect))),
        Injection::NameResolution => Some((FailureReason::NameResolution, None)),
        _ => None,
    }
}

/// What the engine is told of `answer`, and the wait that the injection pretends. What never was answered stays
/// as it is.
pub(super) fn seen(
    injection: Option<&Injection>,
    answer: Answer,
    waits: Waits,
) -> (Answer, Option<Duration>) {
    match (injection, answer) {
        (Some(Injection::AckLost), Answer::Status { .. }) => {
            (Answer::NoResponse(FailureReason::AcknowledgementTimeout), Some(waits.acknowledgement))
        }
        (Some(Injection::Answer(code)), Answer::Status { .. }) => {
            (Answer::Status { code: *code, retry_after: None }, None)
        }
        _ => (answer, None),
    }
}
