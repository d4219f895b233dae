//! The flags of the pull API, and what `[serve.pull]` and `[serve.world]` of `pns.toml` say in their place.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use http::StatusCode;
use pns_engine::SupplierScope;
use pns_simulator::control::TlsFiles;
use pns_simulator::pull::{
    Access, Api, Mark, Paths, PullClient, PullKey, PullSettings, PullTls, Secret, mark,
};
use pns_simulator::secret::ApiKey;
use pns_simulator::units;
use pns_simulator::world::{CallKind, WorldSettings};

use super::super::args::{key_from, or, setting, span};
use super::super::config::{PullConfig, ServeConfig, WorldConfig};
use super::super::pull_args::NOT_MADE;
use super::super::values::duration;
use super::super::{Failure, note};
use super::args::address;

/// Where what callers must trust is written unless told otherwise.
const CA_FILE: &str = "pns-pull-ca.pem";
/// What the log calls the key of the flags.
const KEY_NAME: &str = "api-key";
/// More than any file with a secret has.
const SECRET_FILE_BYTES_MAX: u64 = 8_192;

/// Where the pull API listens, and whom it answers.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Pull API")]
pub(super) struct PullArgs {
    /// Play the API that receivers pull from, over HTTPS, here; port 0 takes a free one. Any but a loopback address needs
    /// a key or a client [default: off, or 127.0.0.1:7768 with `[serve.pull]` in the settings file]
    #[arg(long, value_name = "ADDRESS", env = "PNS_SERVE_PULL_LISTEN", value_parser = address)]
    pull_listen: Option<SocketAddr>,
    /// A PEM file with the certificate chain to show [default: one made at the start]
    #[arg(long, value_name = "FILE", env = "PNS_SERVE_PULL_TLS_CERT")]
    pull_tls_cert: Option<PathBuf>,
    /// A PEM file with its private key
    #[arg(long, value_name = "FILE", env = "PNS_SERVE_PULL_TLS_KEY")]
    pull_tls_key: Option<PathBuf>,
    /// A further host name or address for the certificate made at the start
    #[arg(long, value_name = "HOST", env = "PNS_SERVE_PULL_NAME", value_delimiter = ',')]
    pull_name: Vec<String>,
    /// Write what callers must trust to this file, which must be new or of an earlier start [default: pns-pull-ca.pem;
    /// nothing with --pull-tls-cert]
    #[arg(long, value_name = "FILE", env = "PNS_SERVE_PULL_WRITE_CA")]
    pull_write_ca: Option<PathBuf>,
    /// A file with a key that callers show as `Authorization: api_key KEY`, for all calls; the settings file has narrower
    /// ones
    #[arg(long, value_name = "FILE", env = "PNS_SERVE_PULL_API_KEY_FILE")]
    pull_api_key_file: Option<PathBuf>,
    /// The key itself. Others can see a command line: rather use PNS_SERVE_PULL_API_KEY or --pull-api-key-file
    #[arg(
        long,
        value_name = "KEY",
        env = "PNS_SERVE_PULL_API_KEY",
        hide_env_values = true,
        conflicts_with = "pull_api_key_file",
        hide_short_help = true
    )]
    pull_api_key: Option<String>,
    /// An OAuth client that gets tokens for all calls
    #[arg(long, value_name = "ID", env = "PNS_SERVE_PULL_CLIENT_ID")]
    pull_client_id: Option<String>,
    /// A file with that client's secret
    #[arg(long, value_name = "FILE", env = "PNS_SERVE_PULL_CLIENT_SECRET_FILE")]
    pull_client_secret_file: Option<PathBuf>,
    /// The secret itself. Rather use PNS_SERVE_PULL_CLIENT_SECRET or --pull-client-secret-file
    #[arg(
        long,
        value_name = "SECRET",
        env = "PNS_SERVE_PULL_CLIENT_SECRET",
        hide_env_values = true,
        conflicts_with = "pull_client_secret_file",
        hide_short_help = true
    )]
    pull_client_secret: Option<String>,
    /// How long a token lives [default: 1h]
    #[arg(long, value_name = "SPAN", env = "PNS_SERVE_PULL_TOKEN_LIFETIME", value_parser = duration)]
    pull_token_lifetime: Option<Duration>,
    /// The path of a call whose path Cvent does not publish, as in `message=/message/v2/{messageId}`; docs/pull.md lists
    /// them
    #[arg(long, value_name = "CALL=PATH", env = "PNS_SERVE_PULL_PATH", value_delimiter = ',')]
    pull_path: Vec<PathText>,
    /// The status that answers a turn-down which breaks a documented validation [default: 422]
    #[arg(long, value_name = "STATUS", env = "PNS_SERVE_PULL_TURN_DOWN_STATUS")]
    pull_turn_down_status: Option<u16>,
}

/// A call and its path.
#[derive(Clone, Debug)]
struct PathText {
    kind: CallKind,
    template: String,
}

impl FromStr for PathText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (call, template) =
            text.split_once('=').ok_or("expected a call and its path, as in `rfp=/rfp/{rfpId}`")?;
        Ok(Self { kind: settable(call)?, template: template.to_owned() })
    }
}

/// A call whose path can be set.
fn settable(word: &str) -> Result<CallKind, String> {
    let kind = word.parse().ok().filter(|kind| mark(*kind) != Mark::Documented);
    kind.ok_or_else(|| {
        let known: Vec<&str> = settable_calls().map(CallKind::word).collect();
        format!("expected one of {}", known.join(", "))
    })
}

fn settable_calls() -> impl Iterator<Item = CallKind> {
    CallKind::ALL.into_iter().filter(|kind| mark(*kind) != Mark::Documented)
}

/// A pull API that is wanted.
#[derive(Debug)]
pub(super) struct Pulling {
    pub(super) settings: PullSettings,
    /// Where to write what callers must trust, when the certificate is made at the start.
    pub(super) write_ca: PathBuf,
}

impl PullArgs {
    /// Flags and environment first, then `config`, then defaults; `None`: no pull API is wanted.
    pub(super) fn resolve(self, config: &ServeConfig) -> Result<Option<Pulling>, Failure> {
        let defaults = PullSettings::default();
        let from_config = config.pull.as_ref();
        let nothing = PullConfig::default();
        let config = from_config.unwrap_or(&nothing);
        let listen = match (self.pull_listen, &config.listen) {
            (Some(listen), _) => listen,
            (None, Some(text)) => address(text).map_err(|error| setting("serve.pull.listen", error))?,
            (None, None) if from_config.is_some() => defaults.listen,
            (None, None) => {
                if self.says_more() {
                    note("the pull API is off: `--pull-listen 127.0.0.1:7768` turns it on");
                }
                return Ok(None);
            }
        };
        let write_ca = self.pull_write_ca.clone().or_else(|| config.write_ca.clone());
        let status = match self.pull_turn_down_status.or(config.turn_down_status) {
            Some(status) => StatusCode::from_u16(status).map_err(|_| {
                Failure::usage(anyhow::anyhow!("a turn-down is not answered with the status {status}"))
            })?,
            None => defaults.turn_down_refused,
        };
        let tls = self.tls(config)?;
        if matches!(tls, PullTls::Files(_)) && (!self.pull_name.is_empty() || self.pull_write_ca.is_some()) {
            note(NOT_MADE);
        }
        let settings = PullSettings {
            listen,
            tls,
            keys: self.keys(config)?,
            clients: self.clients(config)?,
            paths: self.paths(config)?,
            token_lifetime: span(
                self.pull_token_lifetime,
                &config.token_lifetime,
                "serve.pull.token-lifetime",
            )?
            .unwrap_or(defaults.token_lifetime),
            turn_down_refused: status,
            limits: defaults.limits,
        };
        Ok(Some(Pulling { settings, write_ca: write_ca.unwrap_or_else(|| CA_FILE.into()) }))
    }

    /// Whether it says anything beside where to listen.
    fn says_more(&self) -> bool {
        let files = [
            &self.pull_tls_cert,
            &self.pull_tls_key,
            &self.pull_write_ca,
            &self.pull_api_key_file,
            &self.pull_client_secret_file,
        ];
        let texts = [&self.pull_api_key, &self.pull_client_id, &self.pull_client_secret];
        files.iter().any(|file| file.is_some())
            || texts.iter().any(|text| text.is_some())
            || !(self.pull_name.is_empty() && self.pull_path.is_empty())
            || self.pull_token_lifetime.is_some()
            || self.pull_turn_down_status.is_some()
    }

    fn tls(&self, config: &PullConfig) -> Result<PullTls, Failure> {
        let given =
            |flag: &Option<PathBuf>, config: &Option<PathBuf>| flag.clone().or_else(|| config.clone());
        let certificate = given(&self.pull_tls_cert, &config.tls_cert);
        match (certificate, given(&self.pull_tls_key, &config.tls_key)) {
            (Some(certificate), Some(key)) => Ok(PullTls::Files(TlsFiles { certificate, key })),
            (None, None) => Ok(PullTls::Made(or(&self.pull_name, &config.name))),
            (Some(_), None) => {
                Err(Failure::usage(anyhow::anyhow!("`--pull-tls-cert` needs `--pull-tls-key`")))
            }
            (None, Some(_)) => {
                Err(Failure::usage(anyhow::anyhow!("`--pull-tls-key` needs `--pull-tls-cert`")))
            }
        }
    }

    fn keys(&self, config: &PullConfig) -> Result<Vec<PullKey>, Failure> {
        let mut keys = Vec::new();
        let flag = match (&self.pull_api_key, &self.pull_api_key_file) {
            (Some(key), _) => Some(ApiKey::new(key.as_str()).map_err(Failure::usage)?),
            (None, Some(path)) => Some(key_from(path)?),
            (None, None) => None,
        };
        if let Some(key) = flag {
            keys.push(PullKey { secret: Secret::from(&key), access: Access::full(KEY_NAME) });
        }
        for key in &config.key {
            let place = format!("serve.pull.key \"{}\"", key.name);
            let file = in_file(key.key_file.as_ref(), key.key.is_some(), &place, "key-file")?;
            let secret = Secret::from(&key_from(file)?);
            let full = Access::full(&key.name);
            let access = narrowed(full, &key.apis, &key.suppliers, key.cvb, &place)?;
            keys.push(PullKey { secret, access });
        }
        Ok(keys)
    }

    fn clients(&self, config: &PullConfig) -> Result<Vec<PullClient>, Failure> {
        let mut clients = Vec::new();
        let flag = match (&self.pull_client_secret, &self.pull_client_secret_file) {
            (Some(secret), _) => Some(Secret::new(secret).map_err(|error| {
                Failure::usage(anyhow::Error::new(error).context("`--pull-client-secret` cannot be used"))
            })?),
            (None, Some(path)) => Some(secret_from(path)?),
            (None, None) => None,
        };
        match (&self.pull_client_id, flag) {
            (Some(id), Some(secret)) => {
                let access = Access::full(id);
                clients.push(PullClient { id: id.clone(), secret, scopes: None, access });
            }
            (None, None) => {}
            (Some(_), None) => {
                let failure = Failure::usage(anyhow::anyhow!("`--pull-client-id` needs the client's secret"));
                return Err(failure.help("`--pull-client-secret-file FILE`, or PNS_SERVE_PULL_CLIENT_SECRET"));
            }
            (None, Some(_)) => {
                return Err(Failure::usage(anyhow::anyhow!("a client's secret needs `--pull-client-id`")));
            }
        }
        for client in &config.client {
            let id = client.id.clone();
            let place = format!("serve.pull.client \"{id}\"");
            let file = in_file(client.secret_file.as_ref(), client.secret.is_some(), &place, "secret-file")?;
            let secret = secret_from(file)?;
            let full = Access::full(client.name.as_ref().unwrap_or(&id));
            let access = narrowed(full, &client.apis, &client.suppliers, client.cvb, &place)?;
            let scopes = client.scopes.as_ref().map(|scopes| scopes.iter().cloned().collect());
            clients.push(PullClient { id, secret, scopes, access });
        }
        Ok(clients)
    }

    fn paths(&self, config: &PullConfig) -> Result<Paths, Failure> {
        let mut paths = Paths::default();
        for (call, template) in &config.path {
            let key = format!("serve.pull.path.{call}");
            let kind = settable(call).map_err(|error| setting(&key, error))?;
            paths.set(kind, template).map_err(|error| setting(&key, error))?;
        }
        for PathText { kind, template } in &self.pull_path {
            paths.set(*kind, template).map_err(Failure::usage)?;
        }
        Ok(paths)
    }
}

/// What of the world is a matter of choice.
pub(super) fn world(config: &WorldConfig) -> Result<WorldSettings, Failure> {
    let defaults = WorldSettings::default();
    let percent = |text: &Option<String>, default: u8, key: &str| match text {
        None => Ok(default),
        Some(text) => units::percent(text)
            .and_then(|percent| u8::try_from(percent).ok().filter(|percent| *percent <= 100))
            .ok_or_else(|| setting(key, "expected a share from `0%` to `100%`")),
    };
    Ok(WorldSettings {
        forwardable_percent: percent(
            &config.forwardable,
            defaults.forwardable_percent,
            "serve.world.forwardable",
        )?,
        consent_percent: percent(&config.consent, defaults.consent_percent, "serve.world.consent")?,
        supplier_dates_percent: percent(
            &config.supplier_dates,
            defaults.supplier_dates_percent,
            "serve.world.supplier-dates",
        )?,
        metropolitan_areas: config.metropolitan_areas.unwrap_or(defaults.metropolitan_areas),
    })
}

/// What a key or client of the settings file may do: everything of `full` that is not narrowed.
fn narrowed(
    mut full: Access,
    apis: &Option<Vec<String>>,
    suppliers: &Option<Vec<String>>,
    cvb: Option<bool>,
    place: &str,
) -> Result<Access, Failure> {
    if let Some(words) = apis {
        let read = words.iter().map(|word| word.parse::<Api>());
        full.apis =
            read.collect::<Result<_, _>>().map_err(|error| setting(&format!("{place} apis"), error))?;
    }
    if let Some(ids) = suppliers {
        let only = ids.iter().map(|id| id.parse()).collect::<Result<BTreeSet<_>, _>>();
        let only = only.map_err(|error| setting(&format!("{place} suppliers"), error))?;
        full.viewer.suppliers = SupplierScope::Only(only);
    }
    full.viewer.cvb = cvb.unwrap_or(full.viewer.cvb);
    Ok(full)
}

/// The file with a secret, which does not stand in the settings file itself.
fn in_file<'a>(
    file: Option<&'a PathBuf>,
    stands_there: bool,
    place: &str,
    wanted: &str,
) -> Result<&'a Path, Failure> {
    let help = format!("keep it in a file of its own: `{wanted} = \"…\"`");
    match file {
        _ if stands_there => Err(setting(place, "a secret does not belong here").help(help)),
        Some(file) => Ok(file),
        None => Err(setting(place, format!("`{wanted}` is missing")).help(help)),
    }
}

fn secret_from(path: &Path) -> Result<Secret, Failure> {
    let read = || -> anyhow::Result<Secret> {
        if fs::metadata(path)?.len() > SECRET_FILE_BYTES_MAX {
            anyhow::bail!("the file is longer than {SECRET_FILE_BYTES_MAX} bytes");
        }
        let text = fs::read_to_string(path)?;
        // The line feed at the end is the editor's, not the secret's. The error speaks of a key, which it is not.
        Secret::new(text.trim_end_matches(['\r', '\n']))
            .map_err(|_| anyhow::anyhow!("it is empty, or has a character other than visible ASCII"))
    };
    read().map_err(|error| {
        Failure::usage(error.context(format!("cannot take the client's secret from `{}`", path.display())))
    })
}
