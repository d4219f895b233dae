//! Flags that several commands share: the pull API beside a run. They are called as those of `pns serve`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pns_simulator::control::TlsFiles;
use pns_simulator::pull::PullTls;
use pns_simulator::schema::Pack;
use pns_simulator::secret::ApiKey;

use super::args::{key_from, or, setting};
use super::config::Config;
use super::{Failure, note, tell};
use crate::curl::quote;
use crate::runner::SharedPull;
use crate::settings::PullApi;

/// Where what callers must trust is written unless told otherwise.
const CA_FILE: &str = "pns-pull-ca.pem";

/// Of flags that a certificate of one's own leaves without a meaning.
pub(super) const NOT_MADE: &str = "`--pull-name` and `--pull-write-ca` are for the certificate made at the start, and mean \
     nothing with `--pull-tls-cert`";

/// The pull API beside the run.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Pull API")]
pub(super) struct PullArgs {
    /// Play the API that receivers pull from, over HTTPS, here, and judge what the receiver pulls. Port 0 takes a free
    /// one. The receiver is to be configured with this address and the key
    #[arg(long, value_name = "ADDRESS", env = "PNS_PULL_LISTEN", value_parser = address)]
    pull_listen: Option<SocketAddr>,
    /// A file with the key that the receiver shows as `Authorization: api_key KEY`
    #[arg(long, value_name = "FILE", env = "PNS_PULL_API_KEY_FILE")]
    pull_api_key_file: Option<PathBuf>,
    /// The key itself. Others can see a command line: rather use PNS_PULL_API_KEY or --pull-api-key-file
    #[arg(
        long,
        value_name = "KEY",
        env = "PNS_PULL_API_KEY",
        hide_env_values = true,
        conflicts_with = "pull_api_key_file",
        hide_short_help = true
    )]
    pull_api_key: Option<String>,
    /// A PEM file with the certificate chain to show [default: one made at the start]
    #[arg(long, value_name = "FILE", env = "PNS_PULL_TLS_CERT", hide_short_help = true)]
    pull_tls_cert: Option<PathBuf>,
    /// A PEM file with its private key
    #[arg(long, value_name = "FILE", env = "PNS_PULL_TLS_KEY", hide_short_help = true)]
    pull_tls_key: Option<PathBuf>,
    /// A further host name or address for the certificate made at the start
    #[arg(long, value_name = "HOST", env = "PNS_PULL_NAME", value_delimiter = ',', hide_short_help = true)]
    pull_name: Vec<String>,
    /// Write what the receiver must trust to this file, which must be new or of an earlier start [default:
    /// pns-pull-ca.pem; nothing with --pull-tls-cert]
    #[arg(long, value_name = "FILE", env = "PNS_PULL_WRITE_CA")]
    pull_write_ca: Option<PathBuf>,
}

impl PullArgs {
    /// Flags and environment first, then `config`; `None`: there is no pull API.
    pub(super) fn resolve(self, config: &Config) -> Result<Option<PullApi>, Failure> {
        let listen = match (self.pull_listen, &config.pull_listen) {
            (Some(listen), _) => listen,
            (None, Some(text)) => address(text).map_err(|error| setting("pull-listen", error))?,
            (None, None) => return Ok(None),
        };
        let mut flags = format!(" --pull-listen {listen}");
        let mut add = |flag: &str, path: &PathBuf| {
            flags.push_str(&format!(" {flag} {}", quote(&path.display().to_string())));
        };
        let key_file = match self.pull_api_key {
            Some(_) => None,
            None => self.pull_api_key_file.or_else(|| config.pull_api_key_file.clone()),
        };
        let api_key = match (&self.pull_api_key, &key_file) {
            (Some(key), _) => ApiKey::new(key.as_str()).map_err(Failure::usage)?,
            (None, Some(path)) => {
                add("--pull-api-key-file", path);
                key_from(path)?
            }
            (None, None) => {
                let failure = Failure::usage(anyhow::anyhow!("`--pull-listen` needs a key for the receiver"));
                return Err(failure.help("`--pull-api-key-file FILE`, or PNS_PULL_API_KEY"));
            }
        };
        let given = |flag: Option<PathBuf>, config: &Option<PathBuf>| flag.or_else(|| config.clone());
        let certificate = given(self.pull_tls_cert, &config.pull_tls_cert);
        let write_ca = given(self.pull_write_ca, &config.pull_write_ca);
        let tls = match (certificate, given(self.pull_tls_key, &config.pull_tls_key)) {
            (Some(certificate), Some(key)) => {
                add("--pull-tls-cert", &certificate);
                add("--pull-tls-key", &key);
                if !self.pull_name.is_empty() || write_ca.is_some() {
                    note(NOT_MADE);
                }
                PullTls::Files(TlsFiles { certificate, key })
            }
            (None, None) => PullTls::Made(or(&self.pull_name, &config.pull_name)),
            (Some(_), None) => return Err(lacks("--pull-tls-cert", "--pull-tls-key")),
            (None, Some(_)) => return Err(lacks("--pull-tls-key", "--pull-tls-cert")),
        };
        if let (PullTls::Made(_), Some(path)) = (&tls, &write_ca) {
            add("--pull-write-ca", path);
        }
        if let PullTls::Made(names) = &tls {
            names.iter().for_each(|name| flags.push_str(&format!(" --pull-name {}", quote(name))));
        }
        let write_ca = matches!(tls, PullTls::Made(_)).then(|| write_ca.unwrap_or_else(|| CA_FILE.into()));
        Ok(Some(PullApi { listen, tls, write_ca, api_key, flags }))
    }
}

fn lacks(given: &str, missing: &str) -> Failure {
    Failure::usage(anyhow::anyhow!("`{given}` needs `{missing}`"))
}

/// The pack that says where ids stand in bodies.
pub(super) fn pack(own: Option<&Path>) -> Result<Arc<Pack>, Failure> {
    match own {
        Some(folder) => Pack::load(folder).map(Arc::new).map_err(Failure::usage),
        // The places of ids are the same in all built-in ones.
        None => Pack::builtin(Pack::BUILTIN[0])
            .ok_or_else(|| Failure::harness(anyhow::anyhow!("a built-in schema pack is missing"))),
    }
}

/// Listens, writes what the receiver must trust, and says so.
pub(super) async fn start(
    api: &PullApi,
    seed: u64,
    own_pack: Option<&Path>,
) -> Result<Arc<SharedPull>, Failure> {
    let pack = pack(own_pack)?;
    let shared = SharedPull::start(api, seed, pack).await;
    let shared = shared.map_err(|reason| Failure::usage(anyhow::anyhow!(reason)))?;
    let trusted = api.write_ca.as_ref().map(|path| format!(", trusted by {}", path.display()));
    tell(&format!("pull API at {}{}\n", shared.url(), trusted.unwrap_or_default()));
    Ok(Arc::new(shared))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an IP address and a port, such as `127.0.0.1:7768`".to_owned())
}
