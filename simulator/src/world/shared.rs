//! One world in many hands.

use std::sync::{Arc, PoisonError, RwLock};

use super::World;

/// A world that several read while one writes. Clones are the same world.
#[derive(Clone, Debug)]
pub struct SharedWorld(Arc<RwLock<World>>);

impl SharedWorld {
    /// Shares a world.
    #[must_use]
    pub fn new(world: World) -> Self {
        Self(Arc::new(RwLock::new(world)))
    }

    /// Looks at it. Nothing in here may wait.
    pub fn read<R>(&self, read: impl FnOnce(&World) -> R) -> R {
        read(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes it. Nothing in here may wait.
    pub fn write<R>(&self, write: impl FnOnce(&mut World) -> R) -> R {
        write(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}
