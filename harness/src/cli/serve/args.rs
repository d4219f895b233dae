//! The flags of `pns serve`, and what `[serve]` of `pns.toml` says in their place.

use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pns_simulator::clock::Gear;
use pns_simulator::control::{BearerToken, ControlSettings, TlsFiles};
use pns_simulator::schema::Pack;
use pns_simulator::service::{Builder, Data, Retention, Simulator, StoreDurability};
use pns_simulator::transport::Timeouts;

use super::super::Failure;
use super::super::args::{ReachArgs, list, or, setting, span};
use super::super::config::{Config, ServeConfig};
use super::super::values::{Bytes, duration, from_one};
use crate::runner;

/// Where the queue is kept when nothing else is said.
const DATA: &str = "pns-data";
/// How a user comes by a token.
const MAKE_TOKEN: &str = "`openssl rand -hex 32 >token` makes one for `--token-file token`";
/// Longer than any token in use; a file beyond it is another file by mistake.
const TOKEN_FILE_BYTES_MAX: u64 = 8_192;

/// Where the API listens, and whom it answers.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Control API")]
pub(super) struct ControlArgs {
    /// Address and port of the API; port 0 takes a free one. Any but a loopback address needs a token
    /// [default: 127.0.0.1:7767]
    #[arg(long, value_name = "ADDRESS", env = "PNS_SERVE_LISTEN", value_parser = address)]
    listen: Option<SocketAddr>,
    /// A file with the token that callers show as `Authorization: Bearer TOKEN`
    #[arg(long, value_name = "FILE", env = "PNS_SERVE_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// The token itself. Others can see a command line: rather use PNS_SERVE_TOKEN or --token-file
    #[arg(
        long,
        value_name = "TOKEN",
        env = "PNS_SERVE_TOKEN",
        hide_env_values = true,
        conflicts_with = "token_file",
        hide_short_help = true
    )]
    token: Option<String>,
    /// A PEM file with the certificate chain to show: HTTPS instead of HTTP
    #[arg(long, value_name = "FILE", env = "PNS_SERVE_TLS_CERT")]
    tls_cert: Option<PathBuf>,
    /// A PEM file with its private key
    #[arg(long, value_name = "FILE", env = "PNS_SERVE_TLS_KEY")]
    tls_key: Option<PathBuf>,
    /// A further host name under which callers reach the API; addresses and `localhost` always do
    #[arg(long, value_name = "NAME", env = "PNS_SERVE_HOST", value_delimiter = ',', value_parser = host)]
    host: Vec<String>,
}

/// Where the queue is kept, and for how long.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Queue")]
pub(super) struct StoreArgs {
    /// The folder of the queue: made if need be, continued if it is there [default: ./pns-data]
    #[arg(long, value_name = "DIR", env = "PNS_SERVE_DATA")]
    data: Option<PathBuf>,
    /// Keep nothing: the queue ends with the process
    #[arg(long, env = "PNS_SERVE_EPHEMERAL", conflicts_with = "data",
        value_parser = clap::builder::BoolishValueParser::new())]
    ephemeral: bool,
    /// What a committed change survives: the end of the `process`, also by kill -9, or of the `power`
    /// [default: process]
    #[arg(long, value_name = "WHAT", env = "PNS_SERVE_DURABILITY", value_parser = durability)]
    durability: Option<StoreDurability>,
    /// Forget what was delivered so long ago [default: 7d]
    #[arg(long, value_name = "SPAN", env = "PNS_SERVE_KEEP_FOR", value_parser = duration)]
    keep_for: Option<Duration>,
    /// Forget the oldest that was delivered when the store is larger [default: 4GiB]
    #[arg(long, value_name = "SIZE", env = "PNS_SERVE_KEEP_BYTES")]
    keep_bytes: Option<Bytes>,
    /// Deliveries that may wait; more are refused [default: 2000000]
    #[arg(long, value_name = "NUMBER", env = "PNS_SERVE_PENDING_MAX", value_parser = from_one::<NonZeroUsize>)]
    pending_max: Option<NonZeroUsize>,
}

/// How notifications are made and sent.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Sending")]
pub(super) struct SendingArgs {
    /// How PNS time moves: `real`, a factor such as `60x`, or `virtual`, where calls advance it
    /// [default: as before, or real]
    #[arg(long, value_name = "GEAR", env = "PNS_SERVE_CLOCK")]
    clock: Option<Gear>,
    /// Places everything that is drawn [default: as before, or a new one]
    #[arg(long, value_name = "NUMBER", env = "PNS_SEED")]
    seed: Option<u64>,
    /// Folders with schema packs of your own; the first is what subscriptions use that name none
    #[arg(long, value_name = "DIR", env = "PNS_SCHEMA_PACK", value_delimiter = ',')]
    schema_pack: Vec<PathBuf>,
    #[command(flatten)]
    reach: ReachArgs,
}

/// Where the queue is kept, and for how long.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) data: Data,
    durability: StoreDurability,
    retention: Retention,
    pending_max: usize,
}

impl ControlArgs {
    /// Flags and environment first, then `config`, then defaults.
    pub(super) fn resolve(self, config: &ServeConfig) -> Result<ControlSettings, Failure> {
        let defaults = ControlSettings::default();
        let listen = match (self.listen, &config.listen) {
            (Some(listen), _) => listen,
            (None, Some(text)) => address(text).map_err(|error| setting("serve.listen", error))?,
            (None, None) => defaults.listen,
        };
        let file = self.token_file.or_else(|| config.token_file.clone());
        let token = match (&self.token, &file) {
            (Some(token), _) => {
                Some(BearerToken::new(token).map_err(|error| Failure::usage(error).help(MAKE_TOKEN))?)
            }
            (None, Some(path)) => Some(token_from(path)?),
            (None, None) => None,
        };
        let certificate = self.tls_cert.or_else(|| config.tls_cert.clone());
        let tls = match (certificate, self.tls_key.or_else(|| config.tls_key.clone())) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (None, None) => None,
            (Some(_), None) => return Err(Failure::usage(anyhow::anyhow!("`--tls-cert` needs `--tls-key`"))),
            (None, Some(_)) => return Err(Failure::usage(anyhow::anyhow!("`--tls-key` needs `--tls-cert`"))),
        };
        let named = config.host.iter().map(|text| host(text).map_err(|error| setting("serve.host", error)));
        let hosts = or(&self.host, &named.collect::<Result<Vec<_>, _>>()?);
        Ok(ControlSettings { listen, token, tls, hosts, ..defaults })
    }
}

impl StoreArgs {
    /// Flags and environment first, then `config`, then defaults.
    pub(super) fn resolve(self, config: &ServeConfig) -> Result<Store, Failure> {
        let named = self.data.is_some();
        let ephemeral = self.ephemeral || (!named && config.ephemeral.unwrap_or(false));
        let data = match self.data.or_else(|| config.data.clone()) {
            _ if ephemeral => Data::Ephemeral,
            Some(folder) => Data::Dir(folder),
            None => Data::Dir(DATA.into()),
        };
        let word = |text: &String| durability(text).map_err(|error| setting("serve.durability", error));
        let durability = match self.durability {
            Some(durability) => durability,
            None => config.durability.as_ref().map(word).transpose()?.unwrap_or_default(),
        };
        let defaults = Retention::default();
        let bytes = config.keep_bytes.as_ref().map(|text| text.parse::<Bytes>());
        let bytes = bytes.transpose().map_err(|error| setting("serve.keep-bytes", error))?;
        let retention = Retention {
            age: span(self.keep_for, &config.keep_for, "serve.keep-for")?.unwrap_or(defaults.age),
            bytes: self.keep_bytes.or(bytes).map_or(defaults.bytes, |Bytes(bytes)| bytes),
        };
        let pending_max =
            self.pending_max.or(config.pending_max).map_or(Builder::PENDING_MAX, NonZeroUsize::get);
        Ok(Store { data, durability, retention, pending_max })
    }
}

impl Store {
    pub(super) fn apply(&self, builder: Builder) -> Builder {
        let builder = builder.data(self.data.clone()).durability(self.durability).retention(self.retention);
        builder.pending_max(self.pending_max)
    }
}

impl SendingArgs {
    /// Flags and environment first, then `config`, then defaults.
    pub(super) fn resolve(self, config: &Config) -> Result<Builder, Failure> {
        let mut connection = self.reach.resolve(config)?;
        // A test wants an early verdict; a service that runs for weeks waits as the transport does by itself.
        let patient = Timeouts::default();
        let named = |text, key| span(None, text, key);
        connection.connect_timeout =
            named(&config.connect_timeout, "connect-timeout")?.unwrap_or(patient.connect);
        connection.ack_timeout =
            named(&config.ack_timeout, "ack-timeout")?.unwrap_or(patient.acknowledgement);
        let trust = runner::trust(&connection).map_err(|error| Failure::usage(anyhow::anyhow!(error)))?;
        let mut builder = Simulator::builder().transport(runner::transport_settings(&connection, trust));
        let gear = self.clock.map_or_else(
            || list(Vec::new(), config.serve.clock.as_slice(), "serve.clock"),
            |gear| Ok(vec![gear]),
        )?;
        if let Some(gear) = gear.first() {
            builder = builder.gear(*gear);
        }
        if let Some(seed) = self.seed.or(config.serve.seed) {
            builder = builder.seed(seed);
        }
        for folder in or(&self.schema_pack, &config.serve.schema_pack) {
            let pack = Pack::load(&folder).map_err(|error| {
                let context = format!("cannot use the schema pack in `{}`", folder.display());
                Failure::usage(anyhow::Error::new(error).context(context))
            })?;
            builder = builder.pack(Arc::new(pack));
        }
        Ok(builder)
    }
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an IP address and a port, such as `127.0.0.1:8080`".to_owned())
}

/// A host name as callers write it into `Host`, without port: in lower case.
fn host(text: &str) -> Result<String, String> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '.';
    if text.is_empty() || !text.chars().all(fits) {
        return Err("expected a host name alone, such as `pns.internal`".to_owned());
    }
    Ok(text.to_lowercase())
}

fn durability(text: &str) -> Result<StoreDurability, String> {
    match text {
        "process" => Ok(StoreDurability::Process),
        "power" => Ok(StoreDurability::Power),
        _ => Err("expected `process` or `power`".to_owned()),
    }
}

fn token_from(path: &Path) -> Result<BearerToken, Failure> {
    let read = || -> anyhow::Result<BearerToken> {
        if fs::metadata(path)?.len() > TOKEN_FILE_BYTES_MAX {
            anyhow::bail!("the file is longer than {TOKEN_FILE_BYTES_MAX} bytes");
        }
        Ok(BearerToken::new(&fs::read_to_string(path)?)?)
    };
    read().map_err(|error| {
        let failure =
            Failure::usage(error.context(format!("cannot take the token from `{}`", path.display())));
        failure.help(MAKE_TOKEN)
    })
}
