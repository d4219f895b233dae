//! One world in many hands.
//!
//! A publication costs little: what it says is put aside, and read in the background, or when somebody looks. Whoever
//! looks sees all that was put aside before.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};

use bytes::Bytes;
use pns_engine::{EventType, NotificationId, Timestamp};

use super::act::Act;
use super::{Seen, World};

/// Notifications that are put aside: beyond, the oldest are forgotten unread. Whoever looks at all looks before.
const UNREAD_MAX: usize = 200_000;
/// Bytes of bodies that are put aside: beyond, they are read at once.
const UNREAD_BYTES_MAX: usize = 64 << 20;

/// Notifications that are read at once in the background: some milliseconds.
const READ_AT_ONCE: usize = 1_000;

/// A world that several read while one writes. Clones are the same world.
#[derive(Clone, Debug)]
pub struct SharedWorld {
    world: Arc<RwLock<World>>,
    unread: Arc<Mutex<Unread>>,
}

/// A notification that the world is to know of.
pub(crate) struct Told {
    pub(crate) at: Timestamp,
    pub(crate) notification: NotificationId,
    pub(crate) event_type: EventType,
    pub(crate) act: Option<Arc<Act>>,
    pub(crate) body: ToldBody,
}

/// Its body.
pub(crate) enum ToldBody {
    Made(Bytes),
    /// Made when it is read; `None`: it cannot be.
    Later(Box<dyn FnOnce() -> Option<Bytes> + Send>),
}

#[derive(Default)]
struct Unread {
    told: VecDeque<Told>,
    bytes: usize,
}

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unread").field("told", &self.told.len()).finish_non_exhaustive()
    }
}

impl ToldBody {
    fn bytes(&self) -> usize {
        match self {
            Self::Made(body) => body.len(),
            Self::Later(_) => 0,
        }
    }
}

impl SharedWorld {
    /// Shares a world.
    #[must_use]
    pub fn new(world: World) -> Self {
        Self { world: Arc::new(RwLock::new(world)), unread: Arc::default() }
    }

    /// Looks at it. Nothing in here may wait.
    pub fn read<R>(&self, read: impl FnOnce(&World) -> R) -> R {
        if !self.unread().told.is_empty() {
            drop(self.caught_up());
        }
        // Whoever reads what was put aside holds the world meanwhile, so this waits for that.
        read(&self.world.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes it. Nothing in here may wait.
    pub fn write<R>(&self, write: impl FnOnce(&mut World) -> R) -> R {
        write(&mut self.caught_up())
    }

    /// Puts aside what is to be read before anybody looks.
    pub(crate) fn tell(&self, told: impl IntoIterator<Item = Told>) {
        let mut unread = self.unread();
        for one in told {
            unread.bytes += one.body.bytes();
            unread.told.push_back(one);
        }
        while unread.told.len() > UNREAD_MAX {
            let forgotten = unread.told.pop_front();
            unread.bytes -= forgotten.map_or(0, |one| one.body.bytes());
        }
        let much = unread.bytes > UNREAD_BYTES_MAX;
        drop(unread);
        if much {
            drop(self.caught_up());
        }
    }

    /// The world, after it has read what was put aside.
    fn caught_up(&self) -> RwLockWriteGuard<'_, World> {
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        self.read_some(&mut world, usize::MAX);
        world
    }

    /// Whether something is put aside.
    pub(crate) fn has_unread(&self) -> bool {
        !self.unread().told.is_empty()
    }

    /// Reads some of what was put aside, so that little is left for whoever looks. Tells whether more is left.
    pub(crate) fn catch_up(&self) -> bool {
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        self.read_some(&mut world, READ_AT_ONCE);
        drop(world);
        self.has_unread()
    }

    /// Taken while the world is held, so that the order is kept and nobody looks in between.
    fn read_some(&self, world: &mut World, count: usize) {
        let told: Vec<Told> = {
            let mut unread = self.unread();
            let count = count.min(unread.told.len());
            let told: Vec<Told> = unread.told.drain(..count).collect();
            unread.bytes -= told.iter().map(|one| one.body.bytes()).sum::<usize>();
            told
        };
        for Told { at, notification, event_type, act, body } in told {
            let body = match body {
                ToldBody::Made(body) => Some(body),
                ToldBody::Later(make) => make(),
            };
            if let Some(body) = body {
                world.observe(Seen { at, notification, event_type, body: &body, act: act.as_deref() });
            }
        }
    }

    fn unread(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use pns_engine::SupplierScope;

    use super::*;
    use crate::schema::Pack;
    use crate::world::{Call, RfpId, Viewer, WorldSettings};

    fn told(id: u64, rfp: u128) -> Told {
        let body = format!("{{\"rfpId\":\"{}\"}}", RfpId(rfp)).into();
        let (at, notification) = (Timestamp::EPOCH, NotificationId(id));
        let body = ToldBody::Later(Box::new(move || Some(body)));
        Told { at, notification, event_type: EventType::PlannerCancel, act: None, body }
    }

    fn world() -> SharedWorld {
        let pack = Pack::builtin(Pack::BUILTIN[0]).unwrap();
        SharedWorld::new(World::new(7, pack.roles(), WorldSettings::default()))
    }

    fn knows(world: &SharedWorld, rfp: u128) -> bool {
        let viewer = Viewer { suppliers: SupplierScope::All, cvb: false };
        world.read(|world| world.answer(&Call::Rfp(RfpId(rfp)), &viewer, Timestamp::MAX).is_ok())
    }

    #[test]
    fn whoever_looks_sees_what_was_told_before() {
        let shared = world();
        shared.tell([told(1, 1), told(2, 2)]);
        assert!(knows(&shared, 1) && knows(&shared, 2) && !knows(&shared, 3));
        shared.tell([told(3, 3)]);
        assert_eq!(shared.write(|world| world.forgotten()), 0);
        assert!(shared.unread().told.is_empty() && knows(&shared, 3));
    }

    #[test]
    fn what_is_put_aside_is_bounded() {
        let shared = world();
        shared.tell((0..UNREAD_MAX as u64 + 5).map(|id| told(id, 7)));
        assert_eq!(shared.unread().told.len(), UNREAD_MAX);
        assert!(shared.catch_up());
        assert_eq!(shared.unread().told.len(), UNREAD_MAX - READ_AT_ONCE);
        let large = || ToldBody::Made(vec![b' '; UNREAD_BYTES_MAX / 2 + 1].into());
        let one = |id| Told { body: large(), ..told(id, 9) };
        shared.tell([one(1)]);
        assert!(!shared.unread().told.is_empty());
        shared.tell([one(2)]);
        assert!(shared.unread().told.is_empty(), "read at once");
    }
}
