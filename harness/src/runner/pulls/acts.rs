//! What acts of the receiver's have made, in the scenario that publishes it.

use std::collections::{BTreeMap, BTreeSet};

use pns_engine::{EventType, NotificationId, Timestamp};
use pns_simulator::world::RfpId;

use super::super::world::World;
use super::{PullSide, Serving};

/// The pull API beside one scenario.
#[derive(Debug)]
pub(in super::super) struct Beside {
    /// What is pulled from.
    pub side: PullSide,
    /// The number of the last call before the scenario began.
    pub since: u64,
    /// What acts have made, in the order of publication.
    acted: Vec<Acted>,
    /// Those of them that no step has asked for.
    unasked: BTreeSet<NotificationId>,
    acknowledged: BTreeMap<NotificationId, Timestamp>,
    /// The server, where it is the scenario's own.
    _serving: Option<Serving>,
}

/// A notification that an act has made, published.
#[derive(Clone, Copy, Debug)]
struct Acted {
    id: NotificationId,
    event_type: EventType,
    rfp: RfpId,
}

impl Beside {
    /// A scenario begins.
    pub(in super::super) fn new(side: PullSide, serving: Option<Serving>) -> Self {
        let since = side.log().latest();
        Self {
            side,
            since,
            acted: Vec::new(),
            unasked: BTreeSet::new(),
            acknowledged: BTreeMap::new(),
            _serving: serving,
        }
    }

    /// An attempt was acknowledged at this instant of real time.
    pub(in super::super) fn acknowledged(&mut self, id: NotificationId, at: Timestamp) {
        self.acknowledged.entry(id).or_insert(at);
    }

    /// When the first acknowledgement of a notification came, in real time.
    pub(super) fn acknowledged_at(&self, id: NotificationId) -> Option<Timestamp> {
        self.acknowledged.get(&id).copied()
    }

    /// The types of what acts have made, in the order of publication.
    pub(super) fn acted_types(&self) -> impl Iterator<Item = EventType> + '_ {
        self.acted.iter().map(|one| one.event_type)
    }
}

impl World {
    /// Publishes what acts of the receiver's have made meanwhile.
    ///
    /// # Errors
    /// The sender's refusal, in words.
    pub(in super::super) fn publish_acts(&mut self) -> Result<(), String> {
        while let Some(made) = self.pulls.as_ref().and_then(|beside| beside.side.next_made()) {
            let id = self.publish_known(made.event_type, made.supplier, made.recipe)?;
            if let Some(beside) = &mut self.pulls {
                beside.acted.push(Acted { id, event_type: made.event_type, rfp: made.rfp });
                beside.unasked.insert(id);
            }
        }
        Ok(())
    }

    /// Those of an event type, about an RFP, that no step has asked for yet: the scenario's from now on.
    pub(super) fn take_acted(&mut self, fits: impl Fn(EventType, RfpId) -> bool) -> Vec<NotificationId> {
        let Some(beside) = &mut self.pulls else { return Vec::new() };
        let Beside { acted, unasked, .. } = beside;
        let fitting = acted.iter().filter(|one| fits(one.event_type, one.rfp)).map(|one| one.id);
        fitting.filter(|id| unasked.remove(id)).collect()
    }

    /// What acts have made that the scenario did not ask for: no claim over all of them means these.
    pub(in super::super) fn unasked(&self) -> BTreeSet<NotificationId> {
        self.pulls.as_ref().map(|beside| beside.unasked.clone()).unwrap_or_default()
    }

    /// Whether a notification was made by an act that the scenario did not ask for.
    pub(in super::super) fn is_unasked(&self, id: NotificationId) -> bool {
        self.pulls.as_ref().is_some_and(|beside| beside.unasked.contains(&id))
    }
}
