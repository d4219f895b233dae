//! `pns serve`: from flags and `pns.toml` to a running simulator with its control API and, if wanted, its pull API, until
//! a signal ends it.

mod args;
mod pull;
mod pull_args;
mod subscriptions;

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use pns_simulator::control::{ControlError, ControlServer, ControlSettings};
use pns_simulator::service::model::RecordView;
use pns_simulator::service::{Data, Heard, Simulator, StartError, Stopped};
use tokio::sync::oneshot;

use super::config::Config;
use super::values::duration;
use super::{Failure, note, print, tell, warn};
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::report::style::{BOLD, DIM, paint};
use crate::report::text::count;
use args::{ControlArgs, SendingArgs, StoreArgs};
use pull::Bound;
use pull_args::PullArgs;
use subscriptions::Declared;

/// How long attempts in flight may take after a signal: longer than most answers, shorter than a supervisor's patience.
const GRACE: Duration = Duration::from_secs(10);

const EXAMPLES: &str = "\
Examples:
  pns serve                                   a durable queue in ./pns-data, the API at 127.0.0.1:7767
  pns serve --ephemeral --clock virtual       for tests: nothing is kept, time is advanced by calls
  pns serve --pull-listen 127.0.0.1:7768      the API that receivers pull from, too
  pns serve --listen 0.0.0.0:7767 --token-file token --tls-cert cert.pem --tls-key key.pem

Ctrl-C or SIGTERM ends it in good order, a second one at once; nothing is lost either way.
docs/control-api.md shows the API with curl, docs/pull.md what can be pulled.";

/// Run the simulator as a service: a durable queue, an HTTP API and pages to control it, the API that receivers pull from
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Settings file [default: pns.toml in the working directory, if there is one]
    #[arg(long, value_name = "FILE", env = "PNS_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    control: ControlArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    sending: SendingArgs,
    #[command(flatten)]
    pull: PullArgs,
    /// How long attempts in flight may take when it is told to stop [default: 10s]
    #[arg(long, value_name = "SPAN", env = "PNS_SERVE_GRACE", value_parser = duration)]
    grace: Option<Duration>,
    /// Tell on standard output everything that happens, a line of JSON for each
    #[arg(short, long, env = "PNS_VERBOSE", value_parser = clap::builder::BoolishValueParser::new())]
    verbose: bool,
}

/// Serves until told to stop.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let config = Config::load(args.config.as_deref())?;
    let declared = config.source.as_ref().map_or_else(|| Ok(Vec::new()), subscriptions::declared)?;
    let control = args.control.resolve(&config.serve)?;
    let store = args.store.resolve(&config.serve)?;
    let builder = store.apply(args.sending.resolve(&config)?);
    let builder = builder.world(pull_args::world(&config.serve.world)?);
    let pulling = args.pull.resolve(&config.serve)?;
    let grace = super::args::span(args.grace, &config.serve.grace, "serve.grace")?.unwrap_or(GRACE);
    more_open_files();
    let runtime = super::runtime()?;
    let served = runtime.block_on(async {
        // Before anything starts: a signal that comes early ends it in good order, too.
        let mut interrupt = Interrupt::install()?;
        let server = ControlServer::bind(control.clone()).await.map_err(cannot_listen)?;
        let pull = match pulling {
            Some(pulling) => Some(Bound::bind(pulling).await?),
            None => None,
        };
        let simulator = builder.start().await.map_err(cannot_start)?;
        introduce(&server, pull.as_ref(), &simulator, &store.data, &control).await?;
        apply(&simulator, declared).await?;
        let served = Served { control: server, pull };
        serve(served, &simulator, &mut interrupt, grace, args.verbose).await
    });
    // A second signal must not wait for what hangs in a receiver.
    runtime.shutdown_background();
    served
}

/// A thousand subscriptions have thousands of connections, and shells begin with 1,024 files: as many as are allowed.
/// Attempts beyond that would fail, and look like the receivers' doing.
fn more_open_files() {
    const WANTED: u64 = 65_536;
    const ENOUGH: u64 = 4_096;
    match rlimit::increase_nofile_limit(WANTED) {
        Ok(files) if files >= ENOUGH => {}
        Ok(files) => note(&format!(
            "at most {files} files can be open here: subscriptions times their concurrency should stay well below"
        )),
        Err(error) => note(&format!("cannot tell how many files may be open: {error}")),
    }
}

/// What listens.
struct Served {
    control: ControlServer,
    pull: Option<Bound>,
}

/// A future that is ready when the sender is dropped.
fn stop() -> (oneshot::Sender<()>, impl Future<Output = ()> + Send + 'static) {
    let (stop, stopping) = oneshot::channel();
    let told = async {
        // An error says the same: the other end is gone.
        let _ = stopping.await;
    };
    (stop, told)
}

/// Serves until a signal, and stops in good order, or at once at a second one.
async fn serve(
    served: Served,
    simulator: &Simulator,
    interrupt: &mut Interrupt,
    grace: Duration,
    verbose: bool,
) -> Result<Exit, Failure> {
    let (stop_control, told) = stop();
    let control = tokio::spawn(served.control.serve(simulator.clone(), told));
    let (stop_pull, told) = stop();
    let pull = served.pull.map(|pull| tokio::spawn(pull.server.serve(simulator.clone(), told)));
    let records = verbose.then(|| tokio::spawn(tell_records(simulator.clone())));
    tokio::select! {
        () = interrupt.asked_for() => {}
        _ = simulator.ended() => {
            let why = simulator.health().reasons.join("; ");
            return Err(Failure::harness(anyhow::anyhow!("the simulator ended by itself: {why}")));
        }
    }
    tell(&format!("stopping: up to {grace:?} for attempts in flight; a second signal stops at once\n"));
    drop(stop_control);
    let stopped = tokio::select! {
        stopped = simulator.shutdown(grace) => stopped,
        () = interrupt.asked_for() => {
            tell("stopped at once: what was in flight is sent again after the next start\n");
            return Ok(Exit::Held);
        }
    };
    // Not before: a receiver may pull before it acknowledges.
    drop(stop_pull);
    let ended = async {
        let _ = control.await;
        if let Some(pull) = pull {
            let _ = pull.await;
        }
    };
    // All end by themselves once the simulator has stopped, within the servers' own limits.
    tokio::select! {
        () = ended => {}
        () = interrupt.asked_for() => {}
    }
    if let Some(records) = records {
        // It panics nowhere, and is not aborted.
        let _ = records.await;
    }
    match stopped {
        Stopped::Clean => tell("stopped: nothing was in flight\n"),
        Stopped::Cut(attempts) => tell(&format!(
            "stopped: {} had no answer yet and will be made again after the next start\n",
            count(attempts as u64, "attempt")
        )),
        Stopped::Failed => {
            let error = anyhow::anyhow!("the journal could not be written to its end");
            return Err(Failure::harness(error).help("the next start goes on with what it has"));
        }
    }
    Ok(Exit::Held)
}

/// Says where everything is, on standard output, and what must not be missed, on standard error.
async fn introduce(
    server: &ControlServer,
    pull: Option<&Bound>,
    simulator: &Simulator,
    data: &Data,
    control: &ControlSettings,
) -> Result<(), Failure> {
    let status = simulator.status().await.map_err(Failure::harness)?;
    let pending = status.backlog.total();
    let place = match data {
        Data::Ephemeral => "nothing is kept: the queue ends with this process".to_owned(),
        Data::Dir(folder) => format!("the queue is kept in {}", folder.display()),
    };
    let going_on = match (pending, status.possible_duplicates) {
        (0, _) => String::new(),
        (pending, 0) => format!("; {} to go on with", count(pending, "delivery")),
        (pending, twice) => format!(
            "; {} to go on with, and {} so far that may have arrived twice",
            count(pending, "delivery"),
            count(twice, "delivery"),
        ),
    };
    print(&format!(
        "{} serves {}\n  {}  {}/, for a browser\n  {}  {}/api/v1, described by {}/api/v1/openapi.json\n{}  {}  {place}{going_on}\n  {}  {}\n",
        paint(BOLD, &format!("pns {}", status.version)),
        paint(BOLD, &server.url()),
        paint(DIM, "pages"),
        server.url(),
        paint(DIM, "API  "),
        server.url(),
        server.url(),
        pull.map(Bound::introduction).unwrap_or_default(),
        paint(DIM, "data "),
        paint(DIM, "clock"),
        status.clock.gear.0,
    ))?;
    if control.token.is_some() && control.tls.is_none() && !control.listen.ip().to_canonical().is_loopback() {
        warn("without TLS, the token and all else can be read on the network: --tls-cert, --tls-key");
    }
    Ok(())
}

/// Makes the subscriptions of the settings file what it says. Others, made by calls, are left as they are.
async fn apply(simulator: &Simulator, declared: Vec<Declared>) -> Result<(), Failure> {
    for Declared { name, spec } in declared {
        let refused = |error: pns_simulator::service::ServiceError| {
            Failure::usage(anyhow::Error::new(error).context(format!("subscription `{name}`")))
        };
        match simulator.subscription_named(name.clone()).await.map_err(Failure::harness)? {
            None => {
                simulator.create_subscription(spec).await.map_err(refused)?;
            }
            Some(id) => {
                if simulator.subscription_spec(id).await.map_err(Failure::harness)? != spec {
                    simulator.replace_subscription(id, spec).await.map_err(refused)?;
                    note(&format!("subscription `{name}` is again what the settings file says"));
                }
            }
        }
    }
    Ok(())
}

/// Writes what happens on standard output until the simulator stops, or nobody reads any more.
async fn tell_records(simulator: Simulator) {
    let mut records = simulator.records(None);
    while let Some(heard) = records.next().await {
        let line = match heard {
            Heard::Record(numbered) => {
                serde_json::to_string(&RecordView::of(numbered.sequence, &numbered.record))
                    .expect("a record is written as JSON")
            }
            Heard::Missed { next } => format!(r#"{{"event":"missed","next":{next}}}"#),
        };
        if print(&(line + "\n")).is_err() {
            break;
        }
    }
}

fn cannot_listen(error: ControlError) -> Failure {
    let help = match &error {
        ControlError::TokenNeeded(_) => Some(
            "`--token-file FILE` or PNS_SERVE_TOKEN names what callers must show; a loopback address needs none",
        ),
        ControlError::Certificate(_) => Some("`--tls-cert` and `--tls-key` are PEM files"),
        ControlError::Listen { .. } => Some("`--listen 127.0.0.1:0` takes any free port"),
    };
    let failure = Failure::usage(error);
    match help {
        Some(help) => failure.help(help),
        None => failure,
    }
}

fn cannot_start(error: StartError) -> Failure {
    let help = match &error {
        StartError::Journal(error) => error.help().map(str::to_owned),
        StartError::Seed { journal, .. } => Some(format!("leave `--seed` out, or give {journal}")),
        StartError::Pack(name) => Some(format!("`--schema-pack DIR` gives the folder of `{name}`")),
        StartError::Transport(_) | StartError::Folder(_) | StartError::Unreadable(_) => None,
    };
    let failure = Failure::usage(anyhow::Error::new(error).context("the simulator cannot start"));
    match help {
        Some(help) => failure.help(help),
        None => failure,
    }
}
