//! The pull API of a run, as a server on this machine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use pns_simulator::clock::Clock;
use pns_simulator::pull::{Access, PullKey, PullServer, PullSettings, PullTls, Secret};
use pns_simulator::schema::Pack;
use pns_simulator::secret::ApiKey;
use pns_simulator::transport::Trust;
use pns_simulator::world::Places;
use tokio::task::JoinHandle;

use super::{Beside, PullSide};
use crate::authority_file;
use crate::puller::{PullAccess, PullTrust};
use crate::receiver::{Pulling, Pulls};
use crate::scenario::model::Scenario;
use crate::settings::PullApi;

/// The key by which an embedded receiver pulls. No secret: it opens nothing but a server inside this process.
const EMBEDDED_KEY: &str = "embedded-pull-key";

/// A free port that only this machine reaches.
const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A pull API that takes calls. Dropping it closes the port and every connection.
#[derive(Debug)]
pub(crate) struct Serving {
    /// Its base URL.
    pub(crate) url: String,
    /// Whom its callers must trust, where the certificate was made at the start.
    pub(crate) ca_pem: Option<String>,
    task: JoinHandle<()>,
}

impl Serving {
    /// Begins to take calls, on the current tokio runtime.
    ///
    /// # Errors
    /// When the address or the certificate cannot be had, in words.
    async fn start(settings: PullSettings, side: PullSide) -> Result<Self, String> {
        let server = PullServer::bind(settings).await;
        let server =
            server.map_err(|error| format!("the pull API: {}", crate::runner::with_causes(&error)))?;
        let (url, ca_pem) = (server.url(), server.ca_pem().map(str::to_owned));
        Ok(Self { url, ca_pem, task: tokio::spawn(server.serve(side, std::future::pending())) })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The pull API of a whole run, where the receiver is somebody's own.
#[derive(Debug)]
pub struct SharedPull {
    side: PullSide,
    serving: Serving,
    api_key: ApiKey,
    flags: String,
}

impl SharedPull {
    /// Listens as `api` says, and answers from what is published. `pack` says where ids stand in bodies; `seed` draws
    /// what bodies do not say.
    ///
    /// # Errors
    /// When the address or the certificate cannot be had, or its authority cannot be written, in words.
    pub async fn start(api: &PullApi, seed: u64, pack: Arc<Pack>) -> Result<Self, String> {
        let side = PullSide::new(seed, &pack);
        let settings = PullSettings {
            listen: api.listen,
            tls: api.tls.clone(),
            keys: vec![key(&api.api_key)],
            ..PullSettings::default()
        };
        let serving = Serving::start(settings, side.clone()).await?;
        if let (Some(path), Some(pem)) = (&api.write_ca, &serving.ca_pem) {
            authority_file::PULL.write(path, pem).map_err(|error| {
                format!("cannot write the pull API's authority to `{}`: {error}", path.display())
            })?;
        }
        Ok(Self { side, serving, api_key: api.api_key.clone(), flags: api.flags.clone() })
    }

    /// One on a free port of this machine, with a key that opens nothing else: for a receiver inside this process.
    ///
    /// # Errors
    /// When there is no port, in words.
    pub async fn embedded(seed: u64, pack: Arc<Pack>) -> Result<Self, String> {
        let api = PullApi {
            listen: LOOPBACK,
            tls: PullTls::default(),
            write_ca: None,
            api_key: ApiKey::new(EMBEDDED_KEY).map_err(|error| error.to_string())?,
            flags: String::new(),
        };
        Self::start(&api, seed, pack).await
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.serving.url
    }

    /// How a receiver inside this process gets in.
    #[must_use]
    pub fn access(&self) -> PullAccess {
        let trust =
            PullTrust::Known(Trust::Bundle(self.serving.ca_pem.clone().unwrap_or_default().into_bytes()));
        PullAccess { url: self.serving.url.clone(), api_key: self.api_key.clone(), trust }
    }

    /// The flags that make it again, each with a space before it.
    #[must_use]
    pub fn flags(&self) -> &str {
        &self.flags
    }

    /// A scenario begins.
    pub(in super::super) fn beside(&self, clock: &Clock, pack: &Arc<Pack>, seed: u64) -> Beside {
        self.side.begin(clock, pack, seed);
        Beside::new(self.side.clone(), None)
    }
}

fn key(api_key: &ApiKey) -> PullKey {
    PullKey { secret: Secret::from(api_key), access: Access::full("integration") }
}

/// A pull API for one scenario and its embedded receiver, and how that pulls; `None`: the scenario wants none.
///
/// # Errors
/// When it cannot listen, in words.
pub(in super::super) async fn embedded(
    scenario: &Scenario,
    clock: &Clock,
    pack: &Arc<Pack>,
    seed: u64,
) -> Result<Option<(Beside, Option<Pulling>)>, String> {
    if !scenario.wants_pull() {
        return Ok(None);
    }
    let api_key = ApiKey::new(EMBEDDED_KEY).map_err(|error| error.to_string())?;
    let side = PullSide::new(seed, pack);
    side.begin(clock, pack, seed);
    let settings = PullSettings { listen: LOOPBACK, keys: vec![key(&api_key)], ..PullSettings::default() };
    let serving = Serving::start(settings, side.clone()).await?;
    let wanted = scenario.receiver.clone().unwrap_or_default();
    let pulls = wanted.pulls.unwrap_or_default();
    let trust = PullTrust::Known(Trust::Bundle(serving.ca_pem.clone().unwrap_or_default().into_bytes()));
    let pulling = Pulling {
        access: PullAccess { url: serving.url.clone(), api_key, trust },
        pulls,
        turns_down: wanted.turns_down,
        places: Places::from(pack.roles()),
        tell: None,
    };
    let pulling = (pulls != Pulls::Never || wanted.turns_down).then_some(pulling);
    Ok(Some((Beside::new(side, Some(serving)), pulling)))
}
