//! The world behind push and pull: what has happened to RFPs, and what a pull returns of it.
//!
//! A [`World`] is a fold over the notifications that were published: it observes each body and the act that made it,
//! and keeps what they say, compactly and in their order. All else of an answer (names, dates, rooms, rates) is drawn
//! from the seed and the ids. So nothing is stored twice, equal seeds and equal notifications make equal answers, and
//! the state of any past moment can be told.
//!
//! Invariants: what a notification said is what an answer says at its time or later, or something newer; any event in
//! any order is taken, because Cvent publishes no rules of legality; what is kept is bounded, and what is forgotten is
//! told. The shapes of answers are *reconstructed*: Cvent's schema files are for its customers.
//!
//! Nothing here waits, listens or reads a clock, but for [`PullLog::changed`].

mod act;
mod answer;
mod call;
mod content;
mod draw;
mod fault;
mod fold;
mod follow;
mod happening;
mod id;
mod list;
mod log;
mod plan;
mod refusal;
mod said;
mod settings;
mod shared;
mod view;

use std::collections::BTreeSet;

use pns_engine::{EventType, NotificationId, SupplierScope, Timestamp};

use self::happening::Stories;

pub use act::{Act, TurnDown};
pub use call::{Asked, Call, CallKind, DataType, UnknownCall, UnknownDataType};
pub use fault::{PullFault, PullFaultSpec, PullFaultView, PullFaults, TooManyPullFaults};
pub use follow::{Followed, Notified, follow, follow_by};
pub use id::{AttachmentId, MessageId, RfpId, VenueId};
pub use log::{Pull, PullLog};
pub use refusal::Refusal;
pub use said::{Forwarder, Message, Places, Said};
pub use settings::WorldSettings;
pub use shared::SharedWorld;
pub(crate) use shared::{Told, ToldBody};
pub use view::{HappeningView, ResponseState, RfpDetail, RfpState, RfpSummary, SupplierView};

use crate::schema::Roles;

/// What has happened. See the module.
#[derive(Debug)]
pub struct World {
    seed: u64,
    places: Places,
    settings: WorldSettings,
    stories: Stories,
}

/// A notification that was published.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// When, in PNS time.
    pub at: Timestamp,
    /// Its number.
    pub notification: NotificationId,
    /// Its type.
    pub event_type: EventType,
    /// Its body.
    pub body: &'a [u8],
    /// What was done through the pull API to make it.
    pub act: Option<&'a Act>,
}

/// Whose key it is: what it may see.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The suppliers that it is integrated for.
    pub suppliers: SupplierScope,
    /// Whether it has a bureau's functionality.
    pub cvb: bool,
}

impl World {
    /// A world in which nothing has happened.
    #[must_use]
    pub fn new(seed: u64, roles: &Roles, settings: WorldSettings) -> Self {
        Self { seed, places: Places::from(roles), settings, stories: Stories::default() }
    }

    /// The notifications before `cutoff` that are about RFPs of which something was told since: without them those would
    /// be told otherwise after a restart.
    #[must_use]
    pub fn told_of_living(&self, cutoff: Timestamp) -> BTreeSet<NotificationId> {
        self.stories.told_of_living(cutoff)
    }

    /// Takes note of a notification, whatever it is.
    pub fn observe(&mut self, seen: Seen<'_>) {
        if let Some(said) = Said::read(&self.places, seen.event_type, seen.body) {
            self.stories.add(&seen, said);
        }
    }

    /// How many RFPs were forgotten because there were too many.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.stories.forgotten
    }

    /// What a body of the world's own schema pack says.
    #[must_use]
    pub fn said(&self, event_type: EventType, body: &[u8]) -> Option<Said> {
        Said::read(&self.places, event_type, body)
    }
}
