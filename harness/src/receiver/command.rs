//! `pns receiver`: the embedded receiver on its own, for trying any sender.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use pns_simulator::secret::ApiKey;
use tokio::sync::broadcast::error::RecvError;

use crate::authority_file::Writer;
use crate::curl::quote;
use crate::interrupt::Interrupt;
use crate::puller::NoAccess;

use super::pull_args::PullArgs;
use super::{
    FailFirst, HttpVersions, Identity, Protocol, RateLimit, Reaction, Received, Receiver, Script, Settings,
    Tls,
};

/// Where the authority's certificate is written unless told otherwise.
const CA_FILE: &str = "pns-receiver-ca.pem";
const CA_WRITER: Writer = Writer { command: "pns receiver", flag: "--write-ca" };

/// Starts an HTTPS receiver for PNS notifications that behaves as it should, or as scripted.
#[derive(Args, Clone, Debug)]
pub struct ReceiverArgs {
    /// Address and port to listen on; port 0 takes a free one. Any but a loopback address is open to the network
    #[arg(long, value_name = "ADDRESS", env = "PNS_RECEIVER_LISTEN", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Take notifications at this path only [default: any]
    #[arg(long, value_name = "PATH", env = "PNS_RECEIVER_PATH", value_parser = absolute_path)]
    pub path: Option<String>,
    /// Demand `Authorization: api_key KEY`
    #[arg(long, value_name = "KEY", env = "PNS_RECEIVER_API_KEY", hide_env_values = true, value_parser = api_key)]
    pub api_key: Option<ApiKey>,
    /// What to do with the first requests, as in `503*2,reset,delay:2s+200,429:retry-after=30,hang`
    #[arg(long, value_name = "REACTIONS", env = "PNS_RECEIVER_SCRIPT")]
    pub script: Option<Script>,
    /// What to do with every request after that, as in `503` or `delay:1s`
    #[arg(long, value_name = "REACTION", env = "PNS_RECEIVER_THEN", default_value = "correct")]
    pub then: Reaction,
    /// Fail the first N requests, as in `3=503`; `each:3=503` counts for each notification by itself
    #[arg(long, value_name = "[each:]N[=REACTION]", env = "PNS_RECEIVER_FAIL_FIRST")]
    pub fail_first: Option<FailFirst>,
    /// Answer 429 with Retry-After to what comes faster, as in `10:5`
    #[arg(long, value_name = "PER_SECOND[:BURST]", env = "PNS_RECEIVER_RATE_LIMIT")]
    pub rate_limit: Option<RateLimit>,
    /// A PEM file with the certificate to show [default: one made at the start]
    #[arg(long, value_name = "FILE", env = "PNS_RECEIVER_TLS_CERT", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// A PEM file with that certificate's private key
    #[arg(long, value_name = "FILE", env = "PNS_RECEIVER_TLS_KEY", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// A further host name or address for the certificate made at the start
    #[arg(long = "name", value_name = "HOST", conflicts_with = "tls_cert")]
    pub names: Vec<String>,
    #[command(flatten)]
    pub pull: PullArgs,
    /// Write what a sender must trust to this file, which must be new or an earlier receiver's [default:
    /// pns-receiver-ca.pem; nothing with --tls-cert]
    #[arg(long, value_name = "FILE", env = "PNS_RECEIVER_WRITE_CA")]
    pub write_ca: Option<PathBuf>,
    /// Speak plain HTTP, to which PNS sends nothing
    #[arg(long, conflicts_with_all = ["tls_cert", "names", "write_ca"])]
    pub http: bool,
    /// Do not offer HTTP/2
    #[arg(long)]
    pub http1_only: bool,
    /// Stop after so many requests
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_requests: Option<u64>,
    /// Print each request as a line of JSON
    #[arg(long, conflicts_with = "quiet")]
    pub json: bool,
    /// Print no line for each request
    #[arg(long, short)]
    pub quiet: bool,
}

fn absolute_path(text: &str) -> Result<String, String> {
    let sound =
        text.starts_with('/') && text.parse::<http::uri::PathAndQuery>().is_ok() && !text.contains('?');
    if sound { Ok(text.to_owned()) } else { Err("expected a path that begins with `/`".to_owned()) }
}

pub(super) fn api_key(text: &str) -> Result<ApiKey, String> {
    ApiKey::new(text).map_err(|error| error.to_string())
}

impl ReceiverArgs {
    fn settings(&self) -> anyhow::Result<Settings> {
        let mut script = self.script.clone().unwrap_or_default();
        script.then = self.then.clone();
        script.fail_first.clone_from(&self.fail_first);
        script.rate_limit = self.rate_limit;
        Ok(Settings {
            listen: self.listen,
            protocol: if self.http { Protocol::Http } else { Protocol::Https(Tls::default()) },
            http: if self.http1_only { HttpVersions::Http1Only } else { HttpVersions::Both },
            path: self.path.clone(),
            api_key: self.api_key.clone(),
            script,
            pulling: self.pull.pulling()?,
            ..Settings::default()
        })
    }

    fn identity(&self) -> anyhow::Result<Identity> {
        let identity = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Identity::from_pem_files(certificate, key),
            _ => {
                let mut names = self.names.clone();
                let ip = self.listen.ip();
                if !ip.is_unspecified() && !ip.is_loopback() {
                    names.push(ip.to_string());
                }
                Identity::generate_for(&names)
            }
        };
        identity.context("the receiver has no certificate")
    }
}

/// Runs the receiver until SIGINT, SIGTERM or `--max-requests`.
///
/// # Errors
/// When the certificate, the file for it, or the address cannot be had.
pub async fn run(args: ReceiverArgs) -> anyhow::Result<ExitCode> {
    let identity = args.identity()?;
    if args.pull.says_more() {
        note("note: nothing is pulled: `--pull https://127.0.0.1:7768` turns it on");
    }
    let receiver = Receiver::start(args.settings()?, &identity).await.map_err(|error| {
        // What cannot be pulled from is no matter of where to listen.
        let no_access = error.get_ref().and_then(|inner| inner.downcast_ref::<NoAccess>());
        let is_listening = no_access.is_none();
        let error = anyhow::Error::new(error);
        if is_listening { error.context(format!("cannot listen on `{}`", args.listen)) } else { error }
    })?;
    let mut observer = receiver.observe();
    // Before anybody is told that the receiver is up, and may end it.
    let mut stop = Interrupt::install()?;
    introduce(&args, &receiver, &identity)?;
    let mut seen = 0;
    while args.max_requests.is_none_or(|max| seen < max) {
        let received = tokio::select! {
            received = observer.recv() => received,
            () = stop.asked_for() => break,
        };
        match received {
            Ok(received) => {
                seen = received.sequence;
                if !args.quiet && report(&args, &received).is_err() {
                    // Whoever read the lines has left: so does the receiver.
                    break;
                }
            }
            Err(RecvError::Lagged(missed)) => {
                note(&format!("note: {missed} requests came too fast to be shown"));
            }
            Err(RecvError::Closed) => break,
        }
    }
    let totals = receiver.shutdown().await;
    note(&format!(
        "{} received: {} processed, {} duplicates, {} refused, {} ignored",
        totals.received, totals.processed, totals.duplicates, totals.refused, totals.ignored
    ));
    Ok(ExitCode::SUCCESS)
}

/// Says on standard error where the receiver is and how to reach it.
fn introduce(args: &ReceiverArgs, receiver: &Receiver, identity: &Identity) -> anyhow::Result<()> {
    let url = receiver.url();
    let probe = receiver.inspect_url();
    let mut line = format!("pns run --target {url} --probe {}", probe.trim_end_matches("/{eventId}"));
    if args.http {
        line.push_str(" --allow-http");
    } else {
        let path = trusted_file(args, identity)?;
        line.push_str(&format!(" --cacert {}", quote(&path.display().to_string())));
    }
    note(&format!("receiver at {url}"));
    note(&format!("probe at    {probe}"));
    note(&format!("try it with {line}"));
    if args.api_key.is_some() {
        // The key itself stays out of logs; how it came here (flag, environment) says nothing of the other shell.
        note("            and with the receiver's key in PNS_API_KEY");
    }
    if !receiver.addr().ip().is_loopback() {
        note(&format!("warning: `{}` is open to the network, and so is its /inspect", receiver.addr()));
    }
    Ok(())
}

/// The file that a sender must trust: the user's own certificate, or the new authority's, written now.
fn trusted_file(args: &ReceiverArgs, identity: &Identity) -> anyhow::Result<PathBuf> {
    let path = match (&args.write_ca, &args.tls_cert) {
        (None, Some(certificate)) => return Ok(certificate.clone()),
        (Some(path), _) => path.clone(),
        (None, None) => PathBuf::from(CA_FILE),
    };
    CA_WRITER
        .write(&path, identity.ca_pem())
        .with_context(|| format!("cannot write the certificate to `{}`", path.display()))?;
    Ok(path)
}

/// A line per request on standard output.
fn report(args: &ReceiverArgs, received: &Received) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if args.json {
        let headers: Vec<_> = received.headers.iter().map(|(name, value)| [name, value]).collect();
        let line = serde_json::json!({
            "sequence": received.sequence,
            "at": received.at.to_string(),
            "path": received.path,
            "version": received.version,
            "headers": headers,
            "eventId": received.event_id,
            "eventType": received.event_type,
            "bodyBytes": received.body_len,
            "body": String::from_utf8_lossy(&received.body),
            "disposition": received.disposition,
            "answered": received.answered,
        });
        writeln!(out, "{line}")?;
    } else {
        writeln!(
            out,
            "{:>5}  {:.3}  {:<40} {:<36}  {:?} → {}",
            received.sequence,
            received.at,
            shown(received.event_type.as_deref().unwrap_or("no event type")),
            shown(received.event_id.as_deref().unwrap_or("no event id")),
            received.disposition,
            received.answered,
        )?;
    }
    out.flush()
}

/// What a sender wrote, without what would steer a terminal.
fn shown(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

pub(super) fn note(line: &str) {
    // Standard error may be closed; there is nowhere left to say so.
    let _unheard = writeln!(io::stderr().lock(), "{line}");
}
