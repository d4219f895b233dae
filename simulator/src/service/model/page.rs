//! Long lists, a page at a time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageRequest {
    /// Begin behind this id: `next` of the page before.
    #[serde(default)]
    pub after: Option<u64>,
    /// At most so many. Default: 100.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<u16>,
    /// By ascending or descending id. Default: ascending.
    #[serde(default)]
    pub order: Order,
}

impl PageRequest {
    /// Items of a page where none is asked for.
    pub const LIMIT_DEFAULT: u16 = 100;
    /// Items of the largest page.
    pub const LIMIT_MAX: u16 = 1_000;

    /// How many items the page may have: within 1 and [`PageRequest::LIMIT_MAX`].
    #[must_use]
    pub fn limit(&self) -> usize {
        usize::from(self.limit.unwrap_or(Self::LIMIT_DEFAULT).clamp(1, Self::LIMIT_MAX))
    }
}

/// In which order a list is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

/// Part of a list. Pages are stable: an item is on one page once, whatever is added meanwhile. Where few items fit, a
/// page may have fewer than were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// The items, by id.
    pub items: Vec<T>,
    /// `after` for the next page; `null` on the last.
    pub next: Option<u64>,
}
