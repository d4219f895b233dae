//! What the pull API was asked.

use schemars::JsonSchema;
use serde::Serialize;

use super::scalar::{Instant, Span, SupplierText};
use crate::world::{CallKind, Pull, RfpId};

/// One request to the pull API, answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PullView {
    /// Its number, from 1 at each start of the service.
    pub number: u64,
    /// When it came, in PNS time.
    pub at: Instant,
    /// When it came, in real time.
    pub real_at: Instant,
    /// The method.
    pub method: String,
    /// The path, without a query.
    pub path: String,
    /// Which call it was; `null`: none that is known.
    pub call: Option<CallKind>,
    /// The RFP that it named.
    pub rfp: Option<RfpId>,
    /// The supplier that it named.
    pub supplier: Option<SupplierText>,
    /// Whether it was to change something.
    pub acts: bool,
    /// The status of its answer.
    pub status: u16,
    /// The name of the key or client that asked; empty: of none that is known.
    pub who: String,
    /// The planned fault that it met.
    pub fault: Option<u32>,
    /// From the request to the answer, in real time.
    pub took_ms: u64,
}

impl From<&Pull> for PullView {
    fn from(pull: &Pull) -> Self {
        let rfp = pull.asked.and_then(|asked| asked.rfp).or_else(|| pull.call.and_then(|call| call.rfp()));
        Self {
            number: pull.number,
            at: Instant(pull.at),
            real_at: Instant(pull.real),
            method: pull.method.to_string(),
            path: pull.path.to_string(),
            call: pull.kind(),
            rfp,
            supplier: pull.asked.and_then(|asked| asked.supplier).map(SupplierText),
            acts: pull.act,
            status: pull.status,
            who: pull.who.to_string(),
            fault: pull.fault,
            took_ms: u64::try_from(pull.took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Which pulls are wanted: those to which all of it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PullFilter {
    /// Those that named this RFP.
    pub rfp: Option<RfpId>,
    /// Those of this call.
    pub call: Option<CallKind>,
}

/// What was pulled after a notification, by whoever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FollowedView {
    /// The call that the notification leads to. Inferred: Cvent names it for one event type only.
    pub wanted: CallKind,
    /// The numbers of the successful pulls since its first attempt that tell what is wanted, or more. Of very many, the
    /// first thousand.
    pub pulls: Vec<u64>,
    /// From its first attempt to the first of them, in PNS time; `null`: there is none.
    pub first_after: Option<Span>,
}
