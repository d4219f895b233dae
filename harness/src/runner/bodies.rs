//! What each notification of a scenario is made of, and its body at every attempt.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use pns_engine::{EventType, NotificationId, Timestamp, Transmit};
use pns_simulator::clock;
use pns_simulator::driver::Bodies;
use pns_simulator::schema::{Key, Overrides, Pack};

/// How to make a notification's body, again at every attempt.
#[derive(Clone, Debug)]
pub(super) enum Recipe {
    /// Generated from the pack.
    Generated {
        /// Its event type.
        event_type: EventType,
        /// What the scenario lays over the generated body.
        overrides: Arc<Overrides>,
    },
    /// Exactly these bytes.
    Raw(Bytes),
}

/// The bodies of one scenario. Nothing is stored but what a key cannot make again.
#[derive(Debug)]
pub(super) struct ScenarioBodies {
    pack: Arc<Pack>,
    seed: u64,
    recipes: BTreeMap<NotificationId, Recipe>,
    /// The time that a body carries: fixed at its first attempt, so that retries repeat the same bytes.
    stamps: BTreeMap<NotificationId, Timestamp>,
    /// When the first and the last attempt of each began, in real time.
    begun: BTreeMap<NotificationId, (Timestamp, Timestamp)>,
}

impl ScenarioBodies {
    /// Bodies from `pack`, placed by `seed`.
    pub(super) fn new(pack: Arc<Pack>, seed: u64) -> Self {
        Self { pack, seed, recipes: BTreeMap::new(), stamps: BTreeMap::new(), begun: BTreeMap::new() }
    }

    /// The pack that writes them.
    pub(super) fn pack(&self) -> &Pack {
        &self.pack
    }

    /// Makes the body of a notification that is not attempted yet, with the time `stamp`.
    ///
    /// # Errors
    /// When the overrides cannot be laid over the generated body; the text says why.
    pub(super) fn make(
        &self,
        id: NotificationId,
        recipe: &Recipe,
        stamp: Timestamp,
    ) -> Result<Bytes, String> {
        match recipe {
            Recipe::Raw(bytes) => Ok(bytes.clone()),
            Recipe::Generated { event_type, overrides } => {
                let key = Key { seed: self.seed, sequence: id.0, published: stamp };
                let body = self.pack.generate_with(*event_type, key, overrides);
                body.map(Bytes::from).map_err(|error| error.to_string())
            }
        }
    }

    /// Keeps the recipe of a notification about to be published.
    pub(super) fn keep(&mut self, id: NotificationId, recipe: Recipe) {
        self.recipes.insert(id, recipe);
    }

    /// When its first attempt began, in real time.
    pub(super) fn first_attempt(&self, id: NotificationId) -> Option<Timestamp> {
        self.begun.get(&id).map(|(first, _)| *first)
    }

    /// When its last attempt began, in real time.
    pub(super) fn last_attempt(&self, id: NotificationId) -> Option<Timestamp> {
        self.begun.get(&id).map(|(_, last)| *last)
    }

    /// The body as it was first attempted; before that, as it would be with the time `published`.
    pub(super) fn sent(&self, id: NotificationId, published: Timestamp) -> Option<Bytes> {
        let recipe = self.recipes.get(&id)?;
        self.make(id, recipe, self.stamps.get(&id).copied().unwrap_or(published)).ok()
    }
}

impl Bodies for ScenarioBodies {
    fn body(&mut self, attempt: &Transmit, stamp: Timestamp) -> Bytes {
        let id = attempt.notification;
        let stamp = *self.stamps.entry(id).or_insert(stamp);
        let now = clock::real_now();
        self.begun.entry(id).or_insert((now, now)).1 = now;
        let recipe = self.recipes.get(&id).expect("a notification's recipe is kept before it is published");
        self.make(id, recipe, stamp).expect("the same recipe made a body when it was published")
    }
}
