//! Flags that several commands share: how a receiver is reached.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::BoolishValueParser;
use pns_simulator::endpoint::Endpoint;
use pns_simulator::secret::ApiKey;

use super::Failure;
use super::config::Config;
use super::values::{Header, timeout};
use crate::settings::{Connection, HttpVersion, PlainHttp, Resolve, Trust};

/// Longer than any key in use; a file beyond it is another file by mistake.
const KEY_FILE_BYTES_MAX: u64 = 4_096;

/// How a receiver is reached.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Receiver")]
pub(super) struct ConnectionArgs {
    /// The receiver's address [default: the embedded receiver]
    #[arg(long, value_name = "URL", env = "PNS_TARGET")]
    target: Option<String>,
    /// The API key agreed on. Others can see a command line: rather use PNS_API_KEY or --api-key-file
    #[arg(long, value_name = "KEY", env = "PNS_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// A file that holds the API key
    #[arg(long, value_name = "FILE", env = "PNS_API_KEY_FILE", conflicts_with = "api_key")]
    api_key_file: Option<PathBuf>,
    #[command(flatten)]
    reach: ReachArgs,
    /// One more header for every notification
    #[arg(
        short = 'H',
        long,
        value_name = "NAME: VALUE",
        env = "PNS_HEADER",
        hide_short_help = true,
        hide_env_values = true
    )]
    header: Vec<Header>,
    /// Longest wait for a TCP connection, and again for TLS on it [default: 5s]
    #[arg(long, value_name = "SPAN", env = "PNS_CONNECT_TIMEOUT", hide_short_help = true, value_parser = timeout)]
    connect_timeout: Option<Duration>,
    /// Longest wait for an acknowledgement [default: 10s]
    #[arg(long, value_name = "SPAN", env = "PNS_ACK_TIMEOUT", value_parser = timeout)]
    ack_timeout: Option<Duration>,
}

/// Whom and what requests meet on their way.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Receiver")]
pub(super) struct ReachArgs {
    /// Trust the authorities in this PEM file only
    #[arg(long, value_name = "FILE", env = "PNS_CACERT")]
    cacert: Option<PathBuf>,
    /// Do not verify the receiver's certificate; every report says so
    #[arg(short = 'k', long, env = "PNS_INSECURE", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", value_name = "BOOL", hide_possible_values = true, value_parser = BoolishValueParser::new())]
    insecure: Option<bool>,
    /// Send to plain HTTP too, which PNS does not do; every report says so
    #[arg(long, env = "PNS_ALLOW_HTTP", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", value_name = "BOOL", hide_possible_values = true, value_parser = BoolishValueParser::new())]
    allow_http: Option<bool>,
    /// Use HTTP/2 where the receiver offers it
    #[arg(long, env = "PNS_HTTP2", hide_short_help = true, num_args = 0..=1, require_equals = true,
        default_missing_value = "true", value_name = "BOOL", hide_possible_values = true, value_parser = BoolishValueParser::new())]
    http2: Option<bool>,
    /// Connect to ADDRESS instead of asking DNS for HOST
    #[arg(
        long,
        value_name = "HOST:PORT:ADDRESS",
        env = "PNS_RESOLVE",
        hide_short_help = true,
        value_delimiter = ','
    )]
    resolve: Vec<Resolve>,
}

impl ReachArgs {
    /// Flags and environment first, then `config`, then defaults. The connection has no target yet.
    pub(super) fn resolve(self, config: &Config) -> Result<Connection, Failure> {
        let insecure = self.insecure.or(config.insecure).unwrap_or(false);
        let trust = match self.cacert.or_else(|| config.cacert.clone()) {
            _ if insecure => Trust::Nobody,
            Some(path) => Trust::File(readable(path)?),
            None => Trust::Platform,
        };
        let allow_http = self.allow_http.or(config.allow_http).unwrap_or(false);
        let http2 = self.http2.or(config.http2).unwrap_or(false);
        Ok(Connection {
            target: None,
            api_key: None,
            api_key_file: None,
            trust,
            plain_http: if allow_http { PlainHttp::Permitted } else { PlainHttp::Refused },
            http_version: if http2 { HttpVersion::Http2IfOffered } else { HttpVersion::Http1 },
            resolve: list(self.resolve, &config.resolve, "resolve")?,
            headers: Vec::new(),
            connect_timeout: Connection::CONNECT_TIMEOUT,
            ack_timeout: Connection::ACK_TIMEOUT,
        })
    }
}

impl ConnectionArgs {
    /// Flags and environment first, then `config`, then defaults.
    pub(super) fn resolve(self, config: &Config) -> Result<Connection, Failure> {
        let target = match self.target.as_deref().or(config.target.as_deref()) {
            Some(text) => Some(endpoint(text)?),
            None => None,
        };
        let api_key_file = match self.api_key {
            Some(_) => None,
            None => self.api_key_file.or_else(|| config.api_key_file.clone()),
        };
        let api_key = match (&self.api_key, &api_key_file) {
            (Some(key), _) => Some(ApiKey::new(key.as_str()).map_err(Failure::usage)?),
            (None, Some(path)) => Some(key_from(path)?),
            (None, None) => None,
        };
        Ok(Connection {
            target,
            api_key,
            api_key_file,
            headers: list(self.header, &config.header, "header")?
                .into_iter()
                .map(|Header(name, value)| (name, value))
                .collect(),
            connect_timeout: span(self.connect_timeout, &config.connect_timeout, "connect-timeout")?
                .unwrap_or(Connection::CONNECT_TIMEOUT),
            ack_timeout: span(self.ack_timeout, &config.ack_timeout, "ack-timeout")?
                .unwrap_or(Connection::ACK_TIMEOUT),
            ..self.reach.resolve(config)?
        })
    }
}

/// Not in clap's own parser: its message would repeat the value, which may hold a password.
fn endpoint(text: &str) -> Result<Endpoint, Failure> {
    text.parse().map_err(|error| {
        Failure::usage(anyhow::Error::new(error).context("`--target` is no address of a receiver"))
    })
}

pub(super) fn key_from(path: &Path) -> Result<ApiKey, Failure> {
    let context = || format!("cannot take the API key from `{}`", path.display());
    let read = || -> anyhow::Result<ApiKey> {
        if fs::metadata(path)?.len() > KEY_FILE_BYTES_MAX {
            anyhow::bail!("the file is longer than {KEY_FILE_BYTES_MAX} bytes");
        }
        // The line feed at the end is the editor's, not the key's.
        Ok(ApiKey::new(fs::read_to_string(path)?.trim_end_matches(['\r', '\n']))?)
    };
    read().map_err(|error| Failure::usage(error.context(context())))
}

fn readable(path: PathBuf) -> Result<PathBuf, Failure> {
    match fs::File::open(&path) {
        Ok(_) => Ok(path),
        Err(error) => {
            let context = format!("cannot read the certificates in `{}`", path.display());
            Err(Failure::usage(anyhow::Error::new(error).context(context)))
        }
    }
}

/// A list from flags and environment, or else from the settings file.
pub(super) fn list<T>(given: Vec<T>, config: &[String], key: &str) -> Result<Vec<T>, Failure>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    if !given.is_empty() {
        return Ok(given);
    }
    config.iter().map(|text| text.parse().map_err(|error| setting(key, error))).collect()
}

/// What was given, or else what the settings file says.
pub(super) fn or<T: Clone>(given: &[T], config: &[T]) -> Vec<T> {
    if given.is_empty() { config.to_vec() } else { given.to_vec() }
}

/// A span from flags and environment, or else from the settings file.
pub(super) fn span(
    given: Option<Duration>,
    config: &Option<String>,
    key: &str,
) -> Result<Option<Duration>, Failure> {
    match (given, config) {
        (Some(span), _) => Ok(Some(span)),
        (None, Some(text)) => timeout(text).map(Some).map_err(|error| setting(key, error)),
        (None, None) => Ok(None),
    }
}

/// A value of the settings file that does not fit its key.
pub(super) fn setting(key: &str, error: impl std::fmt::Display) -> Failure {
    Failure::usage(anyhow::anyhow!("setting `{key}`: {error}"))
}
