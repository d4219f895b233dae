//! What arrival `n` is: which event type, and whether it is a notification that was sent before.
//!
//! Everything is a function of `n` and of the settings, so that several machines agree without talking, and a
//! duplicate needs no memory of the first: its body is made again from the same number.

mod lifecycle;
mod weights;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use pns_engine::{EventType, EventTypeSet};

use super::share::Share;
pub use weights::{MixError, WEIGHTS_MAX};

/// How many notifications lie between one and its duplicate.
const DISTANCE: u64 = 100;

/// Which event types, how often, in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// A round: after its last, it begins again.
    Round {
        types: Arc<[EventType]>,
        weights: Arc<[(EventType, u32)]>,
    },
    Lifecycle(Arc<lifecycle::Lanes>),
}

impl Mix {
    /// All of `types` equally often; `None` of none.
    #[must_use]
    pub fn equal(types: EventTypeSet) -> Option<Self> {
        let weights: Vec<_> = types.iter().map(|event_type| (event_type, 1)).collect();
        Self::weighted(&weights).ok()
    }

    /// Each type as often as its weight says. In any run of arrivals as long as the sum of the weights (reduced),
    /// the shares are exact; and each type is spread as evenly as the others allow.
    ///
    /// # Errors
    /// When there is no weight above zero, a type stands twice, or the weights' sum is beyond [`WEIGHTS_MAX`].
    pub fn weighted(weights: &[(EventType, u32)]) -> Result<Self, MixError> {
        let types = weights::round(weights)?;
        Ok(Self { kind: Kind::Round { types, weights: weights.into() } })
    }

    /// Life-like courses of many RFPs at the same time: within one, the order is that of life.
    #[must_use]
    pub fn lifecycle() -> Self {
        Self { kind: Kind::Lifecycle(Arc::new(lifecycle::Lanes::new())) }
    }

    /// The types that occur.
    #[must_use]
    pub fn types(&self) -> EventTypeSet {
        match &self.kind {
            Kind::Round { types, .. } => types.iter().copied().collect(),
            Kind::Lifecycle(lanes) => lanes.types(),
        }
    }

    /// The type of notification `n` of the run, from 0.
    #[must_use]
    pub fn event_type(&self, n: u64) -> EventType {
        match &self.kind {
            Kind::Round { types, .. } => {
                let place = n % types.len() as u64;
                types[usize::try_from(place).expect("less than a length")]
            }
            Kind::Lifecycle(lanes) => lanes.at(n).0,
        }
    }

    /// Which RFP notification `n` tells of, where the mix says so: those with the same number are one course.
    #[must_use]
    pub fn course(&self, n: u64) -> Option<u64> {
        match &self.kind {
            Kind::Round { .. } => None,
            Kind::Lifecycle(lanes) => Some(lanes.at(n).1),
        }
    }
}

impl FromStr for Mix {
    type Err = MixError;

    /// `equal`, `lifecycle`, or weights such as `RFP_SEND=60,PLANNER_CANCEL=5`; a type without `=` weighs 1.
    fn from_str(text: &str) -> Result<Self, MixError> {
        match text.trim() {
            "equal" => Ok(Self::equal(EventTypeSet::ALL).expect("there are event types")),
            "lifecycle" => Ok(Self::lifecycle()),
            text => Self::weighted(&weights::parse(text)?),
        }
    }
}

impl fmt::Display for Mix {
    /// As it is read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Lifecycle(_) => f.write_str("lifecycle"),
            Kind::Round { weights, .. }
                if weights.len() == EventType::ALL.len()
                    && weights.iter().all(|(_, weight)| *weight == 1) =>
            {
                f.write_str("equal")
            }
            Kind::Round { weights, .. } => {
                for (index, (event_type, weight)) in weights.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{event_type}={weight}")?;
                }
                Ok(())
            }
        }
    }
}

/// What all arrivals of a run are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    mix: Mix,
    redelivered: Share,
}

/// What one arrival is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Which notification: the sequence number of its body. Arrivals with the same number are duplicates.
    pub notification: u64,
    /// Its event type.
    pub event_type: EventType,
    /// Whether it was sent before in this run.
    pub delivery: Delivery,
    /// The arrival that sends it first, which may be this: its time is the one that the body carries, so that
    /// duplicates are the same bytes.
    pub first: u64,
}

/// Whether a notification is sent for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is.
    First,
    /// It was sent before: a duplicate, as after a lost acknowledgement.
    Repeated,
}

/// More than half of a run would be duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at most half of the arrivals can be duplicates of the others")]
pub struct TooManyRepeated;

impl Plan {
    /// Arrivals of `mix`, of which the share `redelivered` repeats earlier ones.
    ///
    /// # Errors
    /// When that share is above a half.
    pub fn new(mix: Mix, redelivered: Share) -> Result<Self, TooManyRepeated> {
        if redelivered.parts() > Share::WHOLE / 2 {
            return Err(TooManyRepeated);
        }
        Ok(Self { mix, redelivered })
    }

    /// The mix.
    #[must_use]
    pub const fn mix(&self) -> &Mix {
        &self.mix
    }

    /// The share of duplicates.
    #[must_use]
    pub const fn redelivered(&self) -> Share {
        self.redelivered
    }

    /// What arrival `n` of the run is. The first `n` arrivals hold exactly the share of duplicates, rounded down;
    /// each repeats the notification 100 before it, or, while there are fewer, the one half way back.
    #[must_use]
    pub fn arrival(&self, n: u64) -> Arrival {
        if self.redelivered == Share::NONE {
            let event_type = self.mix.event_type(n);
            return Arrival { notification: n, event_type, delivery: Delivery::First, first: n };
        }
        let before = self.repeated_before(n);
        let next = n - before;
        let (notification, delivery) = if self.repeated_before(n.saturating_add(1)) == before {
            (next, Delivery::First)
        } else {
            // There is one before it, because at most every other arrival repeats.
            (next - next.div_ceil(2).min(DISTANCE), Delivery::Repeated)
        };
        let first = self.first_arrival(notification);
        Arrival { notification, event_type: self.mix.event_type(notification), delivery, first }
    }

    /// The arrival that sends `notification` first: the last before which there have been no more than so many others.
    fn first_arrival(&self, notification: u64) -> u64 {
        let fresh = Share::WHOLE - self.redelivered.parts();
        let first = u128::from(notification) * u128::from(Share::WHOLE) / u128::from(fresh);
        u64::try_from(first).unwrap_or(u64::MAX)
    }

    /// How many of the first `n` arrivals repeat others.
    #[must_use]
    pub fn repeated_before(&self, n: u64) -> u64 {
        let repeated = u128::from(n) * u128::from(self.redelivered.parts()) / u128::from(Share::WHOLE);
        u64::try_from(repeated).expect("no more than all")
    }
}

#[cfg(test)]
mod tests;
