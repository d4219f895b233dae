//! The pull side of a scenario: what goes wrong with it, and what comes back through it.

use std::time::Duration;

use pns_engine::EventType;
pub use pns_simulator::world::CallKind;
use pns_simulator::world::DataType;

use super::{FaultExtent, Template};

/// A failure of the pull API.
#[derive(Clone, Debug, PartialEq)]
pub struct PullFault {
    /// What goes wrong.
    pub kind: PullFaultKind,
    /// With which calls; empty: with all.
    pub of: Vec<CallKind>,
    /// Only with calls about the RFP of this name.
    pub rfp: Option<String>,
    /// Only with calls about this supplier.
    pub supplier: Option<Template>,
    /// With how many calls.
    pub extent: FaultExtent,
}

/// What goes wrong with a call of the pull API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullFaultKind {
    /// The answer is held back by this span of real time.
    Slow(Duration),
    /// A status instead of the answer.
    Answer {
        /// The status.
        status: u16,
        /// `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// The state of so long ago, in PNS time.
    Stale(Duration),
    /// 403, as without a represented venue's consent.
    NoConsent,
}

/// What a pull after a notification asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullTopic {
    /// The RFP.
    Rfp,
    /// All suppliers' responses.
    Responses,
    /// The supplier's response.
    Response,
    /// One data type of the responses.
    DataType(DataType),
    /// The represented venues.
    RepresentedVenues,
    /// The message.
    Message,
    /// The attachments.
    Attachment,
    /// The venue.
    Venue,
}

impl PullTopic {
    /// All topics, as they are written.
    pub fn names() -> Vec<(&'static str, Self)> {
        let plain = [
            ("rfp", Self::Rfp),
            ("responses", Self::Responses),
            ("response", Self::Response),
            ("represented-venues", Self::RepresentedVenues),
            ("message", Self::Message),
            ("attachment", Self::Attachment),
            ("venue", Self::Venue),
        ];
        let parts = DataType::ALL.map(|part| (part.wire_name(), Self::DataType(part)));
        plain.into_iter().chain(parts).collect()
    }

    /// The topic in words, as the object of "pulled".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Rfp => "the RFP",
            Self::Responses => "all responses",
            Self::Response => "the supplier's response",
            Self::DataType(part) => part.wire_name(),
            Self::RepresentedVenues => "the represented venues",
            Self::Message => "the message",
            Self::Attachment => "the attachments",
            Self::Venue => "the venue",
        }
    }
}

/// An event that an act of the receiver's leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedBack {
    /// The event.
    pub event_type: EventType,
    /// About the RFP of the first of these notifications; `None`: about any.
    pub of: Option<String>,
    /// The longest wait, in real time.
    pub within: Duration,
    /// The name under which to find its notifications.
    pub save: Option<String>,
}
