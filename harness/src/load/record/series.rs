//! Counts and latencies over time, in slots whose width doubles when there would be too many.

use std::borrow::Cow;
use std::time::Duration;

use super::latencies::{Coarse, Latencies};

/// The most slots.
pub const SLOTS_MAX: usize = 600;

/// The width of a slot at first.
pub const SLOT_WIDTH: Duration = Duration::from_millis(100);

/// What was due in one slot of time, and what came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slot {
    /// Due in this slot, and acknowledged at some time.
    pub acknowledged: u64,
    /// Due in this slot, and answered by "slow down".
    pub slowed: u64,
    /// Due in this slot, and failed otherwise.
    pub failed: u64,
    /// Due in this slot, and not sent.
    pub not_sent: u64,
    /// Acknowledgements that came in this slot, whenever they were due: what the receiver really did then.
    pub answers: u64,
    /// From due to the end of the acknowledgement, of those due in this slot.
    pub latency: Latencies<Coarse>,
}

impl Slot {
    /// All that were due in this slot and are known of.
    #[must_use]
    pub const fn arrivals(&self) -> u64 {
        self.acknowledged + self.slowed + self.failed + self.not_sent
    }

    fn merge(&mut self, other: &Self) {
        self.acknowledged += other.acknowledged;
        self.slowed += other.slowed;
        self.failed += other.failed;
        self.not_sent += other.not_sent;
        self.answers += other.answers;
        self.latency.merge(&other.latency);
    }
}

/// Slots from the start of a run, each as wide as the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    width: Duration,
    slots: Vec<Slot>,
}

impl Default for Series {
    fn default() -> Self {
        Self { width: SLOT_WIDTH, slots: Vec::new() }
    }
}

impl Series {
    /// A series of slots that were made before; `None` where the width is none that a series can have, or there are
    /// too many.
    #[must_use]
    pub fn from_slots(width: Duration, slots: Vec<Slot>) -> Option<Self> {
        let (width_ns, first) = (width.as_nanos(), SLOT_WIDTH.as_nanos());
        let sound = width_ns.is_multiple_of(first) && (width_ns / first).is_power_of_two();
        (sound && slots.len() <= SLOTS_MAX).then_some(Self { width, slots })
    }

    /// How wide each slot is.
    #[must_use]
    pub const fn width(&self) -> Duration {
        self.width
    }

    /// The slots, from the start of the run.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// How many slots are over when the last arrival of a run is due at `last_due`: the slot that the run ends in is cut
    /// off, and in those after it only answers come.
    #[must_use]
    pub fn whole(&self, last_due: Duration) -> usize {
        let whole = nanos(last_due) / nanos(self.width);
        usize::try_from(whole).unwrap_or(usize::MAX).min(self.slots.len())
    }

    /// The slot in which the instant `at` lies, made where it is not there yet.
    pub(super) fn at(&mut self, at: Duration) -> &mut Slot {
        let index = loop {
            let index = usize::try_from(nanos(at) / nanos(self.width)).unwrap_or(usize::MAX);
            if index < SLOTS_MAX {
                break index;
            }
            self.coarsen();
        };
        if index >= self.slots.len() {
            self.slots.resize_with(index + 1, Slot::default);
        }
        &mut self.slots[index]
    }

    /// Adds what another holds.
    pub(super) fn merge(&mut self, other: &Self) {
        while self.width < other.width {
            self.coarsen();
        }
        let mut theirs = Cow::Borrowed(other);
        while theirs.width < self.width {
            theirs.to_mut().coarsen();
        }
        if self.slots.len() < theirs.slots.len() {
            self.slots.resize_with(theirs.slots.len(), Slot::default);
        }
        for (mine, theirs) in self.slots.iter_mut().zip(&theirs.slots) {
            mine.merge(theirs);
        }
    }

    /// Makes one slot of every two.
    fn coarsen(&mut self) {
        self.width *= 2;
        let mut slots = std::mem::take(&mut self.slots).into_iter();
        while let Some(mut slot) = slots.next() {
            if let Some(second) = slots.next() {
                slot.merge(&second);
            }
            self.slots.push(slot);
        }
    }
}

/// In 64 bits, because it is asked for with every request; runs are far shorter than 500 years.
fn nanos(span: Duration) -> u64 {
    span.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(span.subsec_nanos()))
}
