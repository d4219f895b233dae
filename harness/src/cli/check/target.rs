//! What `pns check` tries: somebody's endpoint, or the embedded receiver, started for the run.

use pns_simulator::endpoint::Endpoint;
use pns_simulator::secret::ApiKey;

use super::super::{Failure, hosts};
use crate::event;
use crate::receiver::{self, Identity, Receiver};
use crate::settings::{Connection, Probe, Trust};

/// A key for the embedded receiver when the user names none. No secret: it opens nothing but a receiver inside this
/// process.
const EMBEDDED_KEY: &str = "Embedded-Receiver-Key-1";

/// What is tried.
pub(super) struct Target {
    /// How it is reached.
    pub connection: Connection,
    /// How it is asked what it did.
    pub probe: Option<Probe>,
    /// Flags of the probe that make the same run again.
    pub repeat_flags: String,
    receiver: Option<Receiver>,
}

impl Target {
    /// Starts the embedded receiver where no target is named, and refuses a public host that is not allowed.
    pub(super) async fn prepare(
        mut connection: Connection,
        probe: Option<Probe>,
        allowed: &[String],
    ) -> Result<Self, Failure> {
        if let Some(endpoint) = connection.target.clone() {
            hosts::permit(&connection, &endpoint, allowed, "property checks").await?;
            let repeat_flags = probe.as_ref().map(Probe::flags).unwrap_or_default();
            return Ok(Self { connection, probe, repeat_flags, receiver: None });
        }
        let identity = Identity::generate().map_err(Failure::harness)?;
        let key = match &connection.api_key {
            Some(key) => key.clone(),
            None => ApiKey::new(EMBEDDED_KEY).map_err(Failure::harness)?,
        };
        let settings = receiver::Settings {
            path: Some(receiver::DEFAULT_PATH.to_owned()),
            api_key: Some(key.clone()),
            ..receiver::Settings::default()
        };
        let receiver = Receiver::start(settings, &identity).await?;
        connection.target = Some(Endpoint::parse(&receiver.url()).map_err(Failure::harness)?);
        connection.api_key = Some(key);
        connection.trust = Trust::Pem(identity.ca_pem().into());
        let probe = Some(Probe::embedded(&receiver.inspect_url()));
        Ok(Self { connection, probe, repeat_flags: String::new(), receiver: Some(receiver) })
    }

    /// What reports call it.
    pub(super) fn name(&self) -> event::Target {
        match (&self.receiver, &self.connection.target) {
            (None, Some(endpoint)) => event::Target::Endpoint(endpoint.to_string()),
            _ => event::Target::Embedded,
        }
    }

    /// Ends the embedded receiver.
    pub(super) async fn end(self) {
        if let Some(receiver) = self.receiver {
            receiver.shutdown().await;
        }
    }
}
