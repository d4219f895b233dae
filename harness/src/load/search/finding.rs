//! What a search found, and which limit to ask Cvent for.

use super::{OF_CEILING, Why};
use crate::load::rate::Rate;

/// The share of the maximum that is advised, in per cent.
const ADVISED: u64 = 80;
/// The same where the receiver itself refuses, in order, what is too much.
const ADVISED_ORDERLY: u64 = 90;

/// The highest rate that holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// It held, and a longer run confirmed it; `None`: not even the lowest rate held.
    pub max: Option<Rate>,
    /// What stands in the way of more.
    pub bound: Bound,
    /// The limit to ask Cvent for: less than the maximum, by the margin.
    pub advised: Option<Rate>,
}

/// What stands in the way of a higher rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// The receiver, in this way: the maximum is the receiver's.
    Receiver(Why),
    /// The generator: the receiver takes at least this, and how much more is not known.
    Generator {
        /// How many a second it manages against a receiver that does nothing, where that was measured.
        ceiling: Option<f64>,
    },
}

impl Finding {
    /// From the highest rate that held, in thousandths a second, and why nothing above it was found to hold.
    pub(super) fn new(good: Option<u64>, why: Why, ceiling: Option<f64>) -> Self {
        let bound = match why {
            Why::Generator => Bound::Generator { ceiling },
            why => Bound::Receiver(why),
        };
        let mut finding = Self { max: good.map(Rate::from_milli), bound, advised: None };
        finding.advised = good.map(|milli| Rate::from_milli(rounded_down(milli * finding.percent() / 100)));
        finding
    }

    const fn percent(&self) -> u64 {
        match self.bound {
            Bound::Receiver(Why::SlowDown) => ADVISED_ORDERLY,
            _ => ADVISED,
        }
    }

    /// How much less than the maximum is advised, and why.
    #[must_use]
    pub fn margin(&self) -> String {
        let left = 100 - self.percent();
        match self.bound {
            Bound::Receiver(Why::SlowDown) => format!(
                "{left}% below the maximum: the receiver refuses what is too much by itself, and Cvent sends it again"
            ),
            _ => format!(
                "{left}% below the maximum: left for what a test does not show, such as fuller tables, backups, \
                 deployments, and the backlog after a downtime"
            ),
        }
    }

    /// Whether nothing above the maximum was tried because of the generator's ceiling.
    fn is_near(&self, ceiling: f64) -> bool {
        self.max.is_some_and(|max| max.per_second() >= ceiling * OF_CEILING * 0.97)
    }

    /// What stands in the way of more, as a sentence.
    #[must_use]
    pub fn reason(&self) -> String {
        match self.bound {
            Bound::Receiver(why) => why.text().to_owned(),
            Bound::Generator { ceiling: Some(ceiling) } if self.is_near(ceiling) => format!(
                "the generator on this machine makes {ceiling:.0} a second at most, and above {:.0} % of that it could \
                 be mistaken for the receiver: the receiver's maximum is this or more",
                OF_CEILING * 100.0
            ),
            Bound::Generator { .. } => {
                "the generator on this machine did not keep to its schedule above this: the receiver's maximum is \
                 this or more, and a quieter machine may tell it"
                    .to_owned()
            }
        }
    }
}

impl Why {
    /// What happens above the maximum.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::SlowDown => {
                "above this, the receiver asks to be sent less (429, or 503 with Retry-After): its own limit"
            }
            Self::Acceptance => "above this, too few notifications are acknowledged",
            Self::P99 => "above this, acknowledgements take too long",
            Self::FallsBehind => {
                "above this, the receiver falls behind: latency grows for as long as the load lasts"
            }
            Self::Generator => "above this, the generator did not keep to its schedule",
        }
    }

    /// A stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SlowDown => "slow-down",
            Self::Acceptance => "acceptance",
            Self::P99 => "p99",
            Self::FallsBehind => "falls-behind",
            Self::Generator => "generator",
        }
    }
}

/// To two significant digits, so that nobody takes it for exact; at least one thousandth.
fn rounded_down(milli: u64) -> u64 {
    let mut unit = 1;
    while milli / unit >= 100 {
        unit *= 10;
    }
    (milli / unit * unit).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_advised_is_round_and_below() {
        assert_eq!(rounded_down(1_234_567), 1_200_000);
        assert_eq!(rounded_down(99), 99);
        assert_eq!(rounded_down(0), 1);
        let finding = Finding::new(Some(1_234_000), Why::P99, None);
        assert_eq!(finding.max.unwrap().to_string(), "1234/s");
        assert_eq!(finding.advised.unwrap().to_string(), "980/s");
        assert!(finding.margin().starts_with("20% below"));
        let late = Finding::new(Some(100_000), Why::Generator, Some(7_000.0));
        assert!(late.reason().contains("did not keep to its schedule"), "{}", late.reason());
        let orderly = Finding::new(Some(1_234_000), Why::SlowDown, None);
        assert_eq!(orderly.advised.unwrap().to_string(), "1100/s");
    }
}
