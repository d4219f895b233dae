//! What of the world is unknown or inferred, as settings.

use std::num::NonZeroU32;

/// Shares and numbers by which the world is drawn from the seed. Each stands for something that Cvent does not
/// publish; the defaults are this project's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorldSettings {
    /// In how many of a hundred RFPs the planner lets suppliers forward them. *Unknown*; default 75.
    pub forwardable_percent: u8,
    /// How many of a hundred represented venues let a bureau see their responses. *Unknown*; default 100.
    pub consent_percent: u8,
    /// Over how many metropolitan areas suppliers are spread. A bureau represents the venues of its own; with one
    /// area it represents all. *Unknown*; default 1.
    pub metropolitan_areas: NonZeroU32,
    /// In how many of a hundred RFPs suppliers may suggest dates of their own. *Unknown*; default 75.
    pub supplier_dates_percent: u8,
}

impl Default for WorldSettings {
    fn default() -> Self {
        Self {
            forwardable_percent: 75,
            consent_percent: 100,
            metropolitan_areas: NonZeroU32::MIN,
            supplier_dates_percent: 75,
        }
    }
}
