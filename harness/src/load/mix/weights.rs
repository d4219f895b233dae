//! An order in which each type comes as often as its weight says, evenly spread.

use std::sync::Arc;

use pns_engine::{EventType, EventTypeSet};

/// The greatest sum of weights, once their common divisor is taken out.
pub const WEIGHTS_MAX: u64 = 100_000;

/// A mix that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MixError {
    /// Not one of the 33.
    #[error("`{0}` is not one of the 33 PNS event types, nor `equal`, nor `lifecycle`")]
    NoType(String),
    /// No weight.
    #[error("`{0}` is no weight: a whole number is")]
    NoWeight(String),
    /// Named twice.
    #[error("{0} stands twice")]
    Twice(EventType),
    /// Nothing has a weight.
    #[error("no event type has a weight above zero")]
    Nothing,
    /// Too fine.
    #[error("the weights add up to {0}, which is more than {WEIGHTS_MAX}")]
    TooFine(u64),
}

/// `RFP_SEND=60,PLANNER_CANCEL=5`.
pub(super) fn parse(text: &str) -> Result<Vec<(EventType, u32)>, MixError> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let event_type = name.trim().parse().map_err(|_| MixError::NoType(name.trim().to_owned()))?;
            let weight = weight.trim().parse().map_err(|_| MixError::NoWeight(weight.trim().to_owned()))?;
            Ok((event_type, weight))
        })
        .collect()
}

/// One round: smooth weighted round-robin, as nginx deals requests to servers. At every place each type gains its
/// weight, and the one that has gained most is taken and pays the sum.
pub(super) fn round(weights: &[(EventType, u32)]) -> Result<Arc<[EventType]>, MixError> {
    let mut seen = EventTypeSet::default();
    for (event_type, _) in weights {
        if seen.contains(*event_type) {
            return Err(MixError::Twice(*event_type));
        }
        seen.insert(*event_type);
    }
    let divisor = weights.iter().fold(0, |divisor, (_, weight)| gcd(divisor, u64::from(*weight)));
    if divisor == 0 {
        return Err(MixError::Nothing);
    }
    let weights: Vec<(EventType, u64)> =
        weights.iter().map(|(event_type, weight)| (*event_type, u64::from(*weight) / divisor)).collect();
    let sum = weights.iter().map(|(_, weight)| weight).sum::<u64>();
    if sum > WEIGHTS_MAX {
        return Err(MixError::TooFine(sum));
    }
    Ok(deal(&weights).into())
}

/// Deals one round.
pub(super) fn deal<T: Copy>(weights: &[(T, u64)]) -> Vec<T> {
    let sum: u64 = weights.iter().map(|(_, weight)| weight).sum();
    let signed = |weight: u64| i64::try_from(weight).expect("weights are bounded");
    let mut gained = vec![0_i64; weights.len()];
    (0..sum)
        .map(|_| {
            let mut most = 0;
            for (index, (_, weight)) in weights.iter().enumerate() {
                gained[index] += signed(*weight);
                if gained[index] > gained[most] {
                    most = index;
                }
            }
            gained[most] -= signed(sum);
            weights[most].0
        })
        .collect()
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
