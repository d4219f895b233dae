//! Flags that several commands share: how a receiver is asked what it did.

use std::time::Duration;

use pns_simulator::endpoint::Endpoint;

use super::Failure;
use super::args::{setting, span};
use super::config::Config;
use super::values::timeout;
use crate::json_path;
use crate::settings::{Probe, ProbeBy};

/// How a receiver is asked what it did.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Probe")]
pub(super) struct ProbeArgs {
    /// Where to ask what the receiver did with a notification: an address with `{eventId}`, which is appended where it
    /// is missing
    #[arg(long, value_name = "URL", env = "PNS_PROBE", conflicts_with = "probe_command")]
    probe: Option<String>,
    /// A shell command that tells the same; `{eventId}` in it, or PNS_EVENT_ID, is the id
    #[arg(long, value_name = "COMMAND", env = "PNS_PROBE_COMMAND")]
    probe_command: Option<String>,
    /// Where the probe's answer tells how often the notification took effect [default: $.processed]
    #[arg(long, value_name = "PATH", env = "PNS_PROBE_COUNT", hide_short_help = true)]
    probe_count: Option<String>,
    /// Where the probe's answer tells the event type
    #[arg(long, value_name = "PATH", env = "PNS_PROBE_TYPE", hide_short_help = true)]
    probe_type: Option<String>,
    /// How long an effect may take after its acknowledgement before it counts as late [default: 5s]
    #[arg(long, value_name = "SPAN", env = "PNS_PROBE_WITHIN", hide_short_help = true, value_parser = timeout)]
    probe_within: Option<Duration>,
}

impl ProbeArgs {
    /// Flags and environment first, then `config`; `None`: there is no probe.
    pub(super) fn resolve(self, config: &Config) -> Result<Option<Probe>, Failure> {
        // A flag of one way outdoes the other way in the settings file.
        let is_given = self.probe.is_some() || self.probe_command.is_some();
        let (address, command) = if is_given {
            (self.probe, self.probe_command)
        } else {
            (config.probe.clone(), config.probe_command.clone())
        };
        let mut probe = match (address, command) {
            (Some(_), Some(_)) => {
                return Err(setting("probe", "`probe` and `probe-command` exclude each other"));
            }
            (Some(address), None) => http(&address)?,
            (None, Some(command)) if command.trim().is_empty() => {
                return Err(setting("probe-command", "the command is empty"));
            }
            (None, Some(command)) => Probe { how: ProbeBy::Command(command), ..Probe::http("") },
            (None, None) => return Ok(None),
        };
        if let Some(count) = self.probe_count.or_else(|| config.probe_count.clone()) {
            probe.count = path("probe-count", count)?;
        }
        if let Some(event_type) = self.probe_type.or_else(|| config.probe_type.clone()) {
            probe.event_type = Some(path("probe-type", event_type)?);
        }
        if let Some(within) = span(self.probe_within, &config.probe_within, "probe-within")? {
            probe.within = within;
        }
        Ok(Some(probe))
    }
}

fn http(address: &str) -> Result<Probe, Failure> {
    // Any id will do to see whether the rest is an address.
    Endpoint::parse(&address.replace(Probe::EVENT_ID, "0")).map_err(|error| {
        Failure::usage(anyhow::Error::new(error).context("`--probe` is no address to ask at"))
            .help("give the base URL to which `/EVENT_ID` is appended, as in `--probe https://localhost:8443/inspect`")
    })?;
    Ok(Probe::http(address))
}

fn path(key: &str, text: String) -> Result<String, Failure> {
    if json_path::is_path(&text) {
        return Ok(text);
    }
    let failure = setting(key, format!("`{text}` is no JSON path"));
    Err(failure.help("paths are `$`, then `.name` and `[index]`, as in `$.items[0].id`"))
}
