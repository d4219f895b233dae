//! How a [`Simulator`] is set up.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Simulator;
use super::transports::Choice;
use crate::clock::Gear;
use crate::journal::JournalError;
use crate::schema::Pack;
use crate::transport::{PoolLimits, ScriptedTransport, Settings};
use crate::world::WorldSettings;

/// Where the journal lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// In a private temporary folder that is removed at the end.
    Ephemeral,
    /// In this folder, made when it is not there, and continued when it is.
    Dir(PathBuf),
}

/// What a commit survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreDurability {
    /// The end of the process, however it comes.
    #[default]
    Process,
    /// The end of the machine's power, too.
    Power,
}

/// How long what is done is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Deliveries that were delivered or given up longer ago than this, in PNS time, are forgotten. Default seven days.
    pub age: Duration,
    /// Beyond this size of the store the oldest of them are forgotten first. Default 4 GiB.
    pub bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { age: Duration::from_secs(7 * 86_400), bytes: 4 << 30 }
    }
}

/// What a [`Simulator`] starts with. Every setting has a default.
#[derive(Clone, Debug)]
pub struct Builder {
    pub(super) data: Data,
    pub(super) durability: StoreDurability,
    pub(super) gear: Option<Gear>,
    pub(super) seed: Option<u64>,
    pub(super) transport: Choice,
    pub(super) packs: Vec<Arc<Pack>>,
    pub(super) retention: Retention,
    pub(super) store_bytes_max: Option<u64>,
    pub(super) pending_max: usize,
    pub(super) recipe_bytes_max: usize,
    pub(super) world: WorldSettings,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            data: Data::Ephemeral,
            durability: StoreDurability::default(),
            gear: None,
            seed: None,
            transport: Choice::Https(Box::new(Settings { pool: Self::POOL, ..Settings::default() })),
            packs: Vec::new(),
            retention: Retention::default(),
            store_bytes_max: None,
            pending_max: Self::PENDING_MAX,
            recipe_bytes_max: Self::RECIPE_BYTES_MAX,
            world: WorldSettings::default(),
        }
    }
}

impl Builder {
    /// Connections kept for reuse, by default: more to one origin than a run of scenarios needs, because many
    /// subscriptions may deliver to one gateway.
    pub const POOL: PoolLimits =
        PoolLimits { idle_per_origin: 256, idle_total: 1_024, idle_for: Duration::from_secs(30) };
    /// Deliveries that may wait, by default: about 200 MB of memory.
    pub const PENDING_MAX: usize = 2_000_000;
    /// Bytes of overrides and raw bodies that waiting deliveries may keep in memory, by default.
    pub const RECIPE_BYTES_MAX: usize = 256 << 20;

    /// Where the journal lies. Default: [`Data::Ephemeral`].
    #[must_use]
    pub fn data(mut self, data: Data) -> Self {
        self.data = data;
        self
    }

    /// What a commit survives. Default: the end of the process.
    #[must_use]
    pub fn durability(mut self, durability: StoreDurability) -> Self {
        self.durability = durability;
        self
    }

    /// How PNS time moves. Default: as the journal says, or real.
    #[must_use]
    pub fn gear(mut self, gear: Gear) -> Self {
        self.gear = Some(gear);
        self
    }

    /// What places all that is drawn. Default: the journal's; a new journal draws one.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How requests are made. Default: the transport's, with [`Builder::POOL`].
    #[must_use]
    pub fn transport(mut self, settings: Settings) -> Self {
        self.transport = Choice::Https(Box::new(settings));
        self
    }

    /// Makes no requests, and answers by a script: for tests of what uses a simulator.
    #[must_use]
    pub fn scripted(mut self, transport: ScriptedTransport) -> Self {
        self.transport = Choice::Scripted(transport);
        self
    }

    /// Adds a pack that subscriptions may name, beside the built-in ones. The first that is added is the service's
    /// own, from which bodies are made where a subscription names none.
    #[must_use]
    pub fn pack(mut self, pack: Arc<Pack>) -> Self {
        self.packs.push(pack);
        self
    }

    /// How long what is done is kept.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// The store never grows beyond so many bytes; at the bound it is as when the disk is full. Default: no bound but
    /// the disk's.
    #[must_use]
    pub fn store_bytes_max(mut self, bytes: u64) -> Self {
        self.store_bytes_max = Some(bytes);
        self
    }

    /// How many deliveries may wait; publishing more is refused with
    /// [`super::ServiceError::QueueFull`].
    #[must_use]
    pub fn pending_max(mut self, deliveries: usize) -> Self {
        self.pending_max = deliveries;
        self
    }

    /// How many bytes of overrides and raw bodies waiting deliveries may keep in memory.
    #[must_use]
    pub fn recipe_bytes_max(mut self, bytes: usize) -> Self {
        self.recipe_bytes_max = bytes;
        self
    }

    /// What of the world behind the notifications is a matter of choice.
    #[must_use]
    pub fn world(mut self, settings: WorldSettings) -> Self {
        self.world = settings;
        self
    }

    /// Opens the journal, recovers what it holds, and starts. To be called in a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]: nothing on disk is changed then, but that a journal of an earlier format may have been brought to
    /// the present one.
    pub async fn start(self) -> Result<Simulator, StartError> {
        Simulator::start(self).await
    }
}

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The transport's settings contradict themselves.
    #[error("the transport cannot be set up")]
    Transport(#[from] crate::transport::SettingsError),
    /// The journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The temporary folder cannot be made.
    #[error("a temporary folder cannot be made: {0}")]
    Folder(String),
    /// A subscription's bodies are made from a pack that was not given.
    #[error("the journal needs the schema pack `{0}`")]
    Pack(String),
    /// What the journal holds of a subscription, a fault or the clock does not read back.
    #[error("the journal cannot be continued: {0}")]
    Unreadable(String),
    /// The seed asked for is not the journal's: its bodies would change.
    #[error("the journal was begun with the seed {journal}, and cannot go on with {asked}")]
    Seed {
        /// The journal's.
        journal: u64,
        /// The builder's.
        asked: u64,
    },
}
