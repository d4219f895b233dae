//! What `pns check` tries: somebody's endpoint, or the embedded receiver, started for the run.

use std::path::PathBuf;
use std::sync::Arc;

use pns_simulator::endpoint::Endpoint;
use pns_simulator::secret::ApiKey;
use pns_simulator::world::Places;

use super::super::{Failure, hosts, pull_args};
use crate::event;
use crate::receiver::{self, Identity, Pulling, Pulls, Receiver};
use crate::runner::SharedPull;
use crate::settings::{Connection, Probe, PullApi, Trust};

/// A key for the embedded receiver when the user names none. No secret: it opens nothing but a receiver inside this
/// process.
const EMBEDDED_KEY: &str = "Embedded-Receiver-Key-1";

/// What the user says of the receiver.
pub(super) struct Reach {
    pub connection: Connection,
    pub probe: Option<Probe>,
    pub pull: Option<PullApi>,
    pub own_pack: Option<PathBuf>,
}

/// What is tried.
pub(super) struct Target {
    /// How it is reached.
    pub connection: Connection,
    /// How it is asked what it did.
    pub probe: Option<Probe>,
    /// The pull API beside the run.
    pub pull: Option<Arc<SharedPull>>,
    /// Flags of the probe and the pull API that make the same run again.
    pub repeat_flags: String,
    receiver: Option<Receiver>,
}

impl Target {
    /// Starts the embedded receiver where no target is named, and refuses a public host that is not allowed.
    pub(super) async fn prepare(reach: Reach, allowed: &[String]) -> Result<Self, Failure> {
        let Reach { mut connection, probe, pull, own_pack } = reach;
        // What draws the pull API's answers need not be what draws the cases.
        let seed = 0;
        if let Some(endpoint) = connection.target.clone() {
            hosts::permit(&connection, &endpoint, allowed, "property checks").await?;
            let mut repeat_flags = probe.as_ref().map(Probe::flags).unwrap_or_default();
            let pull = match pull {
                Some(api) => Some(pull_args::start(&api, seed, own_pack.as_deref()).await?),
                None => None,
            };
            repeat_flags.push_str(pull.as_ref().map_or("", |shared| shared.flags()));
            return Ok(Self { connection, probe, pull, repeat_flags, receiver: None });
        }
        if let Some(api) = pull {
            let failure = Failure::usage(anyhow::anyhow!("`--pull-listen {}` needs `--target`", api.listen));
            return Err(failure.help("the embedded receiver has a pull API of its own, without any flag"));
        }
        let pack = pull_args::pack(own_pack.as_deref())?;
        let shared = SharedPull::embedded(seed, Arc::clone(&pack)).await;
        let shared = shared.map_err(|reason| Failure::usage(anyhow::anyhow!(reason)))?;
        let identity = Identity::generate().map_err(Failure::harness)?;
        let key = match &connection.api_key {
            Some(key) => key.clone(),
            None => ApiKey::new(EMBEDDED_KEY).map_err(Failure::harness)?,
        };
        let settings = receiver::Settings {
            path: Some(receiver::DEFAULT_PATH.to_owned()),
            api_key: Some(key.clone()),
            pulling: Some(Pulling {
                access: shared.access(),
                pulls: Pulls::Always,
                turns_down: false,
                places: Places::from(pack.roles()),
                tell: None,
            }),
            ..receiver::Settings::default()
        };
        let receiver = Receiver::start(settings, &identity).await?;
        connection.target = Some(Endpoint::parse(&receiver.url()).map_err(Failure::harness)?);
        connection.api_key = Some(key);
        connection.trust = Trust::Pem(identity.ca_pem().into());
        let probe = Some(Probe::embedded(&receiver.inspect_url()));
        let pull = Some(Arc::new(shared));
        Ok(Self { connection, probe, pull, repeat_flags: String::new(), receiver: Some(receiver) })
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
