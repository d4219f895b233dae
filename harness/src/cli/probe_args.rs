//! How the receiver is asked what it did.

use std::time::Duration;

use pns_simulator::endpoint::Endpoint;

use super::Failure;
use super::args::span;
use super::config::Config;
use super::values::timeout;
use crate::settings::{Probe, ProbeHow};

/// How the receiver is asked what it did.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Probe")]
pub(super) struct ProbeArgs {
    /// Ask the receiver what it did with a notification by a GET of this URL, with `{eventId}` in it or appended to it;
    /// 404 means that it was never processed
    #[arg(long, value_name = "URL", env = "PNS_PROBE")]
    probe: Option<String>,
    /// Ask by this shell command instead, with `{eventId}` in it or $PNS_EVENT_ID; it writes a number or JSON
    #[arg(long, value_name = "COMMAND", env = "PNS_PROBE_COMMAND", conflicts_with = "probe")]
    probe_command: Option<String>,
    /// Where in the answer stands how often it was processed [default: $.processed]
    #[arg(long, value_name = "PATH", env = "PNS_PROBE_COUNT")]
    probe_count: Option<String>,
    /// Where in the answer stands the event type under which it was processed
    #[arg(long, value_name = "PATH", env = "PNS_PROBE_TYPE")]
    probe_type: Option<String>,
    /// How long an effect may take after its acknowledgement [default: 5s]
    #[arg(long, value_name = "SPAN", env = "PNS_PROBE_WITHIN", value_parser = timeout)]
    probe_within: Option<Duration>,
}

impl ProbeArgs {
    /// Flags and environment first, then `config`, then defaults. `None`: no probe.
    pub(super) fn resolve(self, config: &Config) -> Result<Option<Probe>, Failure> {
        let command = self.probe_command.filter(|_| self.probe.is_none());
        let address = self.probe.or_else(|| config.probe.clone().filter(|_| command.is_none()));
        let command = command.or_else(|| config.probe_command.clone().filter(|_| address.is_none()));
        let plain = match (address, command) {
            (Some(address), _) => Probe::get(&asked(&address)?),
            (None, Some(command)) => Probe { how: ProbeHow::Command(command), ..Probe::get("") },
            (None, None) => return Ok(None),
        };
        let count = self.probe_count.or_else(|| config.probe_count.clone());
        let event_type = self.probe_type.or_else(|| config.probe_type.clone());
        Ok(Some(Probe {
            count: count.map(|path| json_path("--probe-count", path)).transpose()?.unwrap_or(plain.count),
            event_type: event_type.map(|path| json_path("--probe-type", path)).transpose()?,
            within: span(self.probe_within, &config.probe_within, "probe-within")?.unwrap_or(Probe::WITHIN),
            how: plain.how,
        }))
    }
}

/// An address that can be asked at.
fn asked(text: &str) -> Result<String, Failure> {
    // Any id will do to see whether the address is one.
    Endpoint::parse(&text.replace(Probe::EVENT_ID, "x")).map_err(|error| {
        Failure::usage(anyhow::Error::new(error).context("`--probe` is no address to ask at")).help(
            "give a URL with `{eventId}` in it, as in `--probe 'https://localhost:8443/inspect/{eventId}'`",
        )
    })?;
    Ok(text.to_owned())
}

/// `$`, then any number of `.name` and `[index]`.
fn json_path(flag: &str, path: String) -> Result<String, Failure> {
    if crate::scenario::is_json_path(&path) {
        return Ok(path);
    }
    let failure = Failure::usage(anyhow::anyhow!("`{path}` is no JSON path for `{flag}`"));
    Err(failure.help("paths are `$`, then `.name` and `[index]`, as in `$.items[0].count`"))
}
