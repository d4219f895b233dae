//! The flags of `pns receiver` that let it pull.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use pns_simulator::endpoint::Endpoint;
use pns_simulator::schema::Pack;
use pns_simulator::secret::ApiKey;
use pns_simulator::transport::Trust;
use pns_simulator::world::Places;

use super::command::note;
use super::{Pulling, Pulls};
use crate::puller::{PullAccess, PullTrust};

/// What the receiver pulls after a notification.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Pulling")]
pub struct PullArgs {
    /// Pull what each notification is about from the API at this base URL, as `pns serve --pull-listen` plays it
    #[arg(long, value_name = "URL", env = "PNS_RECEIVER_PULL", requires = "pull_key", value_parser = base)]
    pub pull: Option<String>,
    /// A file with the key for it
    #[arg(long, value_name = "FILE", env = "PNS_RECEIVER_PULL_API_KEY_FILE", group = "pull_key")]
    pub pull_api_key_file: Option<PathBuf>,
    /// The key itself. Others can see a command line: rather use PNS_RECEIVER_PULL_API_KEY or the file
    #[arg(
        long,
        value_name = "KEY",
        env = "PNS_RECEIVER_PULL_API_KEY",
        hide_env_values = true,
        group = "pull_key",
        value_parser = super::command::api_key
    )]
    pub pull_api_key: Option<ApiKey>,
    /// Trust the authorities in this PEM file there. It is read when something is to be pulled: the API may start later
    #[arg(long, value_name = "FILE", env = "PNS_RECEIVER_PULL_CACERT")]
    pub pull_cacert: Option<PathBuf>,
    /// When it pulls [default: always]
    #[arg(long, value_name = "WHEN", env = "PNS_RECEIVER_PULLS")]
    pub pulls: Option<Pulls>,
    /// Turn down each RFP that an RFP_SEND or RFP_FORWARD brings
    #[arg(long, env = "PNS_RECEIVER_TURNS_DOWN", requires = "pull",
        value_parser = clap::builder::BoolishValueParser::new())]
    pub turns_down: bool,
}

/// A base URL that a path can be appended to, and that the API can have: it speaks HTTPS only.
fn base(text: &str) -> Result<String, String> {
    let endpoint = Endpoint::parse(text).map_err(|error| error.to_string())?;
    if !endpoint.is_secure() {
        return Err("the pull API speaks HTTPS only: `https://…`".to_owned());
    }
    if text.contains('?') {
        return Err("a base URL has no query: paths are appended to it".to_owned());
    }
    Ok(text.to_owned())
}

impl PullArgs {
    /// How it pulls; `None`: it does not.
    pub(super) fn pulling(&self) -> anyhow::Result<Option<Pulling>> {
        let Some(url) = &self.pull else { return Ok(None) };
        let api_key = match (&self.pull_api_key, &self.pull_api_key_file) {
            (Some(key), _) => key.clone(),
            (None, Some(path)) => {
                let read =
                    || anyhow::Ok(ApiKey::new(fs::read_to_string(path)?.trim_end_matches(['\r', '\n']))?);
                read().with_context(|| format!("cannot take the key for pulls from `{}`", path.display()))?
            }
            (None, None) => anyhow::bail!("`--pull` needs `--pull-api-key-file`"),
        };
        let trust = match &self.pull_cacert {
            Some(path) => PullTrust::File(path.clone()),
            None => PullTrust::Known(Trust::Platform),
        };
        let pack = Pack::builtin(Pack::BUILTIN[0]).context("a built-in schema pack is missing")?;
        let pulls = self.pulls.unwrap_or_default();
        let access = PullAccess { url: url.clone(), api_key, trust };
        let places = Places::from(pack.roles());
        Ok(Some(Pulling { access, pulls, turns_down: self.turns_down, places, tell: Some(note) }))
    }

    /// Whether it says how to pull, and not from where.
    pub(super) fn says_more(&self) -> bool {
        let files = [&self.pull_api_key_file, &self.pull_cacert];
        self.pull.is_none()
            && (files.iter().any(|file| file.is_some())
                || self.pull_api_key.is_some()
                || self.pulls.is_some())
    }
}
