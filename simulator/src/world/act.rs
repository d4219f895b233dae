//! The acting calls of the pull API: what a supplier does through it.
//!
//! Reading a body checks what can be told from the body alone; [`super::World::plan`] checks the rest against the
//! state. The checks of turn-downs, proposals and forwards are *documented* by Cvent's pages on them. Which status
//! answers a turn-down that breaks one is not: 422 is *inferred* from the neighbouring calls.

mod proposal;
mod turn_down;

use std::collections::BTreeSet;

use pns_engine::{EventType, SupplierId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::call::CallKind;
use super::id::RfpId;
use super::refusal::Refusal;

pub(super) use proposal::{Options, Terms};
pub use turn_down::TurnDown;

/// Suppliers that one call may forward an RFP to.
const TARGETS_MAX: usize = 100;
/// The largest body of a proposal call that is kept, in bytes of JSON: what a notification's overrides may be.
const DETAILS_BYTES_MAX: usize = 65_536;

/// Something done through the pull API. It is kept in the journal with the notifications that it makes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "act")]
pub enum Act {
    /// An RFP is turned down.
    TurnDown {
        /// The RFP.
        rfp: RfpId,
        /// Who turns it down.
        #[serde(with = "supplier")]
        supplier: SupplierId,
        /// Why.
        why: TurnDown,
    },
    /// A turn-down is given another reason or comment.
    ChangeTurnDown {
        /// The RFP.
        rfp: RfpId,
        /// Who turned it down.
        #[serde(with = "supplier")]
        supplier: SupplierId,
        /// Why.
        why: TurnDown,
    },
    /// A proposal's basics are changed.
    UpdateProposal {
        /// The RFP.
        rfp: RfpId,
        /// Whose proposal it is.
        #[serde(with = "supplier")]
        supplier: SupplierId,
        /// The body of the call.
        details: Map<String, Value>,
    },
    /// A proposal is created, and not submitted.
    CreateProposal {
        /// The RFP.
        rfp: RfpId,
        /// Whose proposal it is.
        #[serde(with = "supplier")]
        supplier: SupplierId,
        /// The body of the call.
        details: Map<String, Value>,
    },
    /// An RFP is forwarded.
    Forward {
        /// The RFP.
        rfp: RfpId,
        /// Who forwards it.
        #[serde(with = "supplier")]
        forwarder: SupplierId,
        /// To whom, each once.
        #[serde(with = "suppliers")]
        targets: Vec<SupplierId>,
    },
}

impl Act {
    /// Reads the body of a POST of a turn-down.
    ///
    /// # Errors
    /// All documented validations that it breaks.
    pub fn turn_down(rfp: RfpId, supplier: SupplierId, body: &Value) -> Result<Self, Refusal> {
        TurnDown::read(body).map(|why| Self::TurnDown { rfp, supplier, why })
    }

    /// Reads the body of a PUT of a turn-down.
    ///
    /// # Errors
    /// As [`Act::turn_down`].
    pub fn change_turn_down(rfp: RfpId, supplier: SupplierId, body: &Value) -> Result<Self, Refusal> {
        TurnDown::read(body).map(|why| Self::ChangeTurnDown { rfp, supplier, why })
    }

    /// Reads the body of a PUT of a proposal's basics.
    ///
    /// # Errors
    /// When it is no object, or its proposed dates are not well-formed.
    pub fn update_proposal(rfp: RfpId, supplier: SupplierId, body: &Value) -> Result<Self, Refusal> {
        let details = details(body)?;
        Options::read(&details)?;
        Ok(Self::UpdateProposal { rfp, supplier, details })
    }

    /// Reads the body of a POST that creates a proposal.
    ///
    /// # Errors
    /// As [`Act::update_proposal`].
    pub fn create_proposal(rfp: RfpId, supplier: SupplierId, body: &Value) -> Result<Self, Refusal> {
        let details = details(body)?;
        Options::read(&details)?;
        Ok(Self::CreateProposal { rfp, supplier, details })
    }

    /// Reads the body of a POST that forwards an RFP.
    ///
    /// # Errors
    /// When `forwarderSupplierId` or `targetSupplierIds` is missing or wrong.
    pub fn forward(rfp: RfpId, body: &Value) -> Result<Self, Refusal> {
        let mut wrong = Vec::new();
        let forwarder = body.get("forwarderSupplierId").and_then(uuid);
        if forwarder.is_none() {
            wrong.push("forwarderSupplierId must be a supplier's UUID".to_owned());
        }
        let listed = body.get("targetSupplierIds").and_then(Value::as_array);
        let listed = listed.filter(|list| !list.is_empty() && list.len() <= TARGETS_MAX);
        let targets: Option<Vec<SupplierId>> = listed.and_then(|list| list.iter().map(uuid).collect());
        if targets.is_none() {
            wrong.push(format!("targetSupplierIds must be an array of 1 to {TARGETS_MAX} suppliers' UUIDs"));
        }
        let (Some(forwarder), Some(targets)) = (forwarder, targets) else {
            return Err(Refusal::Unprocessable(wrong));
        };
        let mut seen = BTreeSet::new();
        let targets: Vec<SupplierId> = targets.into_iter().filter(|target| seen.insert(*target)).collect();
        if seen.contains(&forwarder) {
            return Err(Refusal::unprocessable("an RFP is not forwarded to its forwarder"));
        }
        Ok(Self::Forward { rfp, forwarder, targets })
    }

    /// Which call it came by.
    #[must_use]
    pub const fn kind(&self) -> CallKind {
        match self {
            Self::TurnDown { .. } | Self::ChangeTurnDown { .. } => CallKind::TurnDown,
            Self::UpdateProposal { .. } => CallKind::ProposalDetails,
            Self::CreateProposal { .. } => CallKind::ProposalCreate,
            Self::Forward { .. } => CallKind::Forward,
        }
    }

    /// The RFP that it is about.
    #[must_use]
    pub const fn rfp(&self) -> RfpId {
        match self {
            Self::TurnDown { rfp, .. }
            | Self::ChangeTurnDown { rfp, .. }
            | Self::UpdateProposal { rfp, .. }
            | Self::CreateProposal { rfp, .. }
            | Self::Forward { rfp, .. } => *rfp,
        }
    }

    /// Who acts.
    #[must_use]
    pub const fn supplier(&self) -> SupplierId {
        match self {
            Self::TurnDown { supplier, .. }
            | Self::ChangeTurnDown { supplier, .. }
            | Self::UpdateProposal { supplier, .. }
            | Self::CreateProposal { supplier, .. } => *supplier,
            Self::Forward { forwarder, .. } => *forwarder,
        }
    }

    /// The type of the notifications that it makes. *Inferred.*
    #[must_use]
    pub const fn event_type(&self) -> EventType {
        match self {
            Self::TurnDown { .. } | Self::ChangeTurnDown { .. } => EventType::ResponseTurnDown,
            Self::UpdateProposal { .. } => EventType::UpdateProposalDetails,
            Self::CreateProposal { .. } => EventType::ResponseCreateProposal,
            Self::Forward { .. } => EventType::RfpForward,
        }
    }
}

fn uuid(value: &Value) -> Option<SupplierId> {
    value.as_str()?.parse().ok()
}

fn details(body: &Value) -> Result<Map<String, Value>, Refusal> {
    let Value::Object(details) = body else {
        return Err(Refusal::unprocessable("the body must be a JSON object"));
    };
    if body.to_string().len() > DETAILS_BYTES_MAX {
        return Err(Refusal::unprocessable("the body is larger than 64 KiB"));
    }
    Ok(details.clone())
}

/// A supplier as a text.
mod supplier {
    use pns_engine::SupplierId;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(id: &SupplierId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SupplierId, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Suppliers as texts.
mod suppliers {
    use pns_engine::SupplierId;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(ids: &[SupplierId], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(ids.iter().map(ToString::to_string))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<SupplierId>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
    }
}
