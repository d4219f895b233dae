//! The pull API of `pns serve`: listening, what is written for callers, and what is said of it.

use std::path::{Path, PathBuf};

use pns_simulator::pull::{AccessError, PullError, PullServer, PullSettings, PullTls};
use pns_simulator::world::CallKind;

use super::super::Failure;
use super::pull_args::Pulling;
use crate::authority_file;
use crate::report::style::{DIM, paint};

/// A pull API that listens and does not answer yet.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) server: PullServer,
    /// What is said of it at the start.
    introduction: String,
}

impl Bound {
    /// Listens, and writes what callers must trust.
    pub(super) async fn bind(pulling: Pulling) -> Result<Self, Failure> {
        let Pulling { settings, write_ca } = pulling;
        let server = PullServer::bind(settings.clone()).await.map_err(cannot_listen)?;
        let trusted = trusted(&server, &settings, write_ca)?;
        let introduction = introduction(&server.url(), &settings, &trusted);
        Ok(Self { server, introduction })
    }

    pub(super) fn introduction(&self) -> &str {
        &self.introduction
    }
}

/// The file that callers must trust: the user's own certificate, or the new authority's, written now.
fn trusted(server: &PullServer, settings: &PullSettings, write_ca: PathBuf) -> Result<PathBuf, Failure> {
    let pem = match (&settings.tls, server.ca_pem()) {
        (PullTls::Files(files), _) => return Ok(files.certificate.clone()),
        (PullTls::Made(_), pem) => pem.unwrap_or_default(),
    };
    match authority_file::PULL.write(&write_ca, pem) {
        Ok(()) => Ok(write_ca),
        Err(error) => {
            let context = format!("cannot write the certificate to `{}`", write_ca.display());
            Err(Failure::usage(anyhow::Error::new(error).context(context)))
        }
    }
}

fn introduction(url: &str, settings: &PullSettings, trusted: &Path) -> String {
    let pull = paint(DIM, "pull ");
    let mut text = format!("  {pull}  {url}, trusted by --cacert {}\n", trusted.display());
    let blank = paint(DIM, "     ");
    if settings.is_open() {
        text.push_str(&format!(
            "  {blank}  anybody on this machine is answered: no key and no client is known\n"
        ));
    }
    let names = |names: Vec<&str>| names.join(", ");
    if !settings.keys.is_empty() {
        let all = names(settings.keys.iter().map(|key| &*key.access.name).collect());
        text.push_str(&format!("  {blank}  `Authorization: api_key KEY` with the key of {all}\n"));
    }
    if !settings.clients.is_empty() {
        let all = names(settings.clients.iter().map(|client| &*client.access.name).collect());
        let path = settings.paths.template(CallKind::Token);
        text.push_str(&format!("  {blank}  OAuth tokens at {url}{path} for {all}\n"));
    }
    text
}

fn cannot_listen(error: PullError) -> Failure {
    let help = match &error {
        PullError::AccessNeeded(_) => {
            "`--pull-api-key-file FILE`, or `--pull-client-id ID` with its secret; a loopback address needs none"
        }
        PullError::Access(AccessError::TooMany) => "one key can open several APIs",
        PullError::Access(_) => "see `[[serve.pull.key]]` and `[[serve.pull.client]]` in the settings file",
        PullError::Path(_) => "`--pull-path CALL=PATH`, or `[serve.pull.path]` in the settings file",
        PullError::TokenLifetime => "`--pull-token-lifetime 1h` is the default",
        PullError::TurnDownRefused(_) => "`--pull-turn-down-status 422` is the default",
        PullError::Name(_) => "`--pull-name pull.internal` is for the certificate made at the start",
        PullError::Certificate(_) => "`--pull-tls-cert` and `--pull-tls-key` are PEM files",
        PullError::Listen { .. } => "`--pull-listen 127.0.0.1:0` takes any free port",
    };
    Failure::usage(error).help(help)
}
