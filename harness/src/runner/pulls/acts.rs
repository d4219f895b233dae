//! What acts of the receiver's have made, in the scenario that publishes it.

use std::collections::BTreeMap;

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
    acted: Vec<Acted>,
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
    /// Whether a step has asked for it: it is the scenario's then.
    is_asked_for: bool,
}

impl Beside {
    /// A scenario begins.
    pub(in super::super) fn new(side: PullSide, serving: Option<Serving>) -> Self {
        let since = side.log().latest();
        Self { side, since, acted: Vec::new(), acknowledged: BTreeMap::new(), _serving: serving }
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
                let (event_type, rfp) = (made.event_type, made.rfp);
                beside.acted.push(Acted { id, event_type, rfp, is_asked_for: false });
            }
        }
        Ok(())
    }

    /// Those of an event type, about an RFP, that no step has asked for yet: the scenario's from now on.
    pub(super) fn take_acted(&mut self, fits: impl Fn(EventType, RfpId) -> bool) -> Vec<NotificationId> {
        let acted = self.pulls.iter_mut().flat_map(|beside| &mut beside.acted);
        let fitting = acted.filter(|one| !one.is_asked_for && fits(one.event_type, one.rfp));
        fitting
            .map(|one| {
                one.is_asked_for = true;
                one.id
            })
            .collect()
    }

    /// Whether a notification was made by an act that the scenario did not ask for.
    pub(in super::super) fn is_unasked(&self, id: NotificationId) -> bool {
        let mut acted = self.pulls.iter().flat_map(|beside| &beside.acted);
        acted.any(|one| one.id == id && !one.is_asked_for)
    }
}
