//! Plays single scenarios against one target, for what makes scenarios by itself: property checks and replays.

use std::sync::Arc;
use std::time::Duration;

use pns_simulator::schema::Pack;

use super::play::{Stage, connection_flags};
use super::target::Ground;
use super::{RunError, notes, preflight, with_causes};
use crate::event::{Note, ScenarioFinished};
use crate::scenario::Scenario;
use crate::settings::{Connection, RunSettings};
use crate::wire::client::Client;
use crate::wire::shape::{Below, Tls, Version};

/// A target made ready, against which scenarios are played one by one.
#[derive(Debug)]
pub(crate) struct Player {
    stage: Stage,
}

impl Player {
    /// Makes the target of `settings` ready.
    ///
    /// # Errors
    /// When a setting turns out to be of no use: a certificate file, a schema pack.
    pub(crate) fn prepare(settings: RunSettings) -> Result<Self, RunError> {
        let ground = Ground::prepare(&settings).map_err(RunError)?;
        let own_pack = settings.schema_pack.as_deref().map(Pack::load).transpose();
        let own_pack = own_pack.map_err(|error| RunError(with_causes(&error)))?.map(Arc::new);
        Ok(Self { stage: Stage { settings, ground, own_pack } })
    }

    /// The schema pack that writes bodies.
    pub(crate) fn pack(&self) -> Arc<Pack> {
        let built_in = || Pack::builtin(Pack::BUILTIN[0]).expect("the first built-in pack is built in");
        self.stage.own_pack.clone().unwrap_or_else(built_in)
    }

    /// Waits until the target takes connections, at most for `patience`.
    ///
    /// # Errors
    /// When it does not, with the reason and what to do.
    pub(crate) async fn wait_for_target(&self, patience: Option<Duration>) -> Result<(), String> {
        let up = preflight(patience, &self.stage.ground).await;
        self.hang_up();
        up
    }

    /// Closes the connections that the sender keeps: a receiver that serves one at a time would not hear the next
    /// request, which may have a connection of its own, and the next scenario would be blamed for it.
    fn hang_up(&self) {
        if let Ground::Endpoint(target) = &self.stage.ground {
            target.transport.close_idle();
        }
    }

    /// What the reader must know to judge verdicts on this target.
    pub(crate) fn notes(&self) -> Vec<Note> {
        notes(&self.stage.settings, &self.stage.ground)
    }

    /// Whether the target chooses HTTP/2 when TLS offers it alone.
    pub(crate) async fn offers_http2(&self) -> bool {
        match &self.stage.ground {
            // The embedded receiver speaks HTTP/1.1.
            Ground::Embedded { .. } => false,
            Ground::Endpoint(target) if target.endpoint.is_secure() => {
                let client = Client::new(target.transport.clone(), Arc::new(target.endpoint.clone()));
                let below = Below::Tls(Tls::default());
                client.open(&below, Version::Http2).await.is_ok_and(|connection| connection.is_http2())
            }
            Ground::Endpoint(_) => false,
        }
    }

    /// Plays `scenario` with a seed of its own. Its `when` and `requires` are not asked.
    pub(crate) async fn play(&self, scenario: &Scenario, seed: u64) -> ScenarioFinished {
        let finished = self.stage.play_seeded(scenario, seed, None).await;
        self.hang_up();
        finished
    }

    /// Why `scenario` does not apply to this target, if it does not.
    pub(crate) fn reason_to_skip(&self, scenario: &Scenario) -> Option<String> {
        self.stage.reason_to_skip(scenario)
    }
}

/// The flags that reach the same receiver in the same way, each with a space before it. Headers are left out:
/// they may hold secrets.
pub(crate) fn flags(connection: &Connection) -> String {
    let mut text = String::new();
    connection_flags(connection, &mut |flag| {
        text.push(' ');
        text.push_str(&flag);
    });
    text
}
