//! `pns send`: one or more notifications now, or what they would look like.

mod body;
mod change;
mod shown;

use std::path::PathBuf;
use std::sync::Arc;

use pns_engine::{AcknowledgementPolicy, Answer, EventType, FailureReason, Timestamp};
use pns_simulator::clock;
use pns_simulator::endpoint::Endpoint;
use pns_simulator::transport::{Exchange, HttpsTransport, Request, Transport};

use self::body::{Body, Maker};
use self::change::Change;
use super::args::ConnectionArgs;
use super::config::Config;
use super::events::{EventParser, Events};
use super::pack::PackArgs;
use super::run::new_seed;
use super::values::instant;
use super::{Failure, note, print, tell, warn};
use crate::event::Note;
use crate::exit::Exit;
use crate::redact::Redactor;
use crate::report::text::count;
use crate::settings::{Connection, PlainHttp, Trust};
use crate::{curl, runner};

/// The most notifications of one command: for more, there are scenarios.
const NOTIFICATIONS_MAX: u64 = 1_000_000;

/// What a request is shown for when no receiver is named.
const EXAMPLE_TARGET: &str = "https://receiver.example/pns";

const AFTER_HELP: &str = "\
Examples:
  pns send RFP_SEND --target https://localhost:8443/pns --cacert ca.pem
  pns send PLANNER_CANCEL --set reason=OTHER --dry-run
  pns send VENUE_VISIBILITY_CHANGED --set-json venueDetails.active=false --curl
  pns send all --count 3 --seed 7

Exit codes:
  0  every notification was acknowledged
  1  one was not
  2  usage, or a body that does not fit its schema: nothing was sent
  3  the receiver is unreachable";

/// Send one or more notifications now.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
#[command(mut_arg("target", |target| target.help("The receiver's address; needed to send")))]
pub(super) struct Args {
    /// Event types by their names on the wire, as RFP_SEND, or `all`; `pns schema list` tells them
    #[arg(value_name = "EVENT", required = true, value_parser = EventParser, hide_possible_values = true)]
    events: Vec<Events>,
    /// Settings file [default: pns.toml in the working directory, if there is one]
    #[arg(long, value_name = "FILE", env = "PNS_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    body: BodyArgs,
    #[command(flatten)]
    shown: ShownArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// What is sent.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Body")]
struct BodyArgs {
    /// Put TEXT at a place of the body, as in `reason=OTHER` or `forwarderInfo.forwarderName=Ada`
    #[arg(long, value_name = "PATH=TEXT", value_parser = change::text)]
    set: Vec<Change>,
    /// Put a JSON value there, as in `venueDetails.active=false`
    #[arg(long, value_name = "PATH=JSON", value_parser = change::json)]
    set_json: Vec<Change>,
    /// Send bodies that do not fit their schema
    #[arg(long)]
    allow_invalid: bool,
    /// So many notifications of each event
    #[arg(long, value_name = "NUMBER", default_value = "1",
        value_parser = clap::value_parser!(u64).range(1..=NOTIFICATIONS_MAX))]
    count: u64,
    /// Places everything that is drawn; the same seed gives the same bodies [default: a new one, printed]
    #[arg(long, value_name = "NUMBER", env = "PNS_SEED")]
    seed: Option<u64>,
    /// The time in the bodies [default: now]
    #[arg(long, value_name = "TIME", env = "PNS_EPOCH", value_parser = instant)]
    epoch: Option<Timestamp>,
    #[command(flatten)]
    pack: PackArgs,
}

/// Whether it is sent, or only shown.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Instead of sending")]
struct ShownArgs {
    /// Print each request as it would go out, without the key
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: indent the bodies
    #[arg(long, requires = "dry_run")]
    pretty: bool,
    /// Print a curl command for each, with the key as $PNS_API_KEY
    #[arg(long, conflicts_with = "dry_run")]
    curl: bool,
}

/// Sends or shows, and says how it went.
pub(super) fn run(args: Args) -> Result<Exit, Failure> {
    let config = Config::load(args.config.as_deref())?;
    let ShownArgs { dry_run, pretty, curl } = args.shown;
    let connection = args.connection.resolve(&config)?;
    let endpoint = match &connection.target {
        Some(endpoint) => endpoint.clone(),
        None if dry_run || curl => example_target(),
        None => {
            let failure = Failure::usage(anyhow::anyhow!("no receiver to send to"));
            return Err(failure.help(
                "name it by `--target URL`, PNS_TARGET or `target` in pns.toml; \
                 `pns receiver` starts one, and `--dry-run` sends nothing",
            ));
        }
    };
    let session = Session {
        events: Events::flatten(&args.events),
        maker: args.body.maker(&config)?,
        count: args.body.count,
        redactor: Redactor::new(connection.api_key.as_ref()),
        endpoint: Arc::new(endpoint),
        connection,
    };
    let done = if curl {
        session.print_curl()
    } else if dry_run {
        session.print_requests(pretty)
    } else {
        session.send()
    };
    done.map_err(|failure| failure.redacted(&session.redactor))
}

fn example_target() -> Endpoint {
    note(&format!("without --target, shown for `{EXAMPLE_TARGET}`"));
    EXAMPLE_TARGET.parse().expect("the example is an address")
}

impl BodyArgs {
    fn maker(&self, config: &Config) -> Result<Maker, Failure> {
        Ok(Maker {
            pack: self.pack.load(config)?,
            seed: self.seed.or(config.seed).unwrap_or_else(new_seed),
            changes: self.set.iter().chain(&self.set_json).cloned().collect(),
            validity: if self.allow_invalid { body::Validity::Any } else { body::Validity::Demanded },
            published: self.epoch,
        })
    }
}

/// One `pns send`.
struct Session {
    events: Vec<EventType>,
    count: u64,
    maker: Maker,
    endpoint: Arc<Endpoint>,
    connection: Connection,
    redactor: Redactor,
}

/// What came of the notifications so far.
#[derive(Default)]
struct Tally {
    acknowledged: u64,
    not_acknowledged: u64,
    unreachable: bool,
}

impl Session {
    /// All notifications, made one by one as they are asked for.
    fn bodies(&self) -> impl Iterator<Item = Result<Body, Failure>> {
        let rounds = (0..self.count).flat_map(|_| self.events.iter().copied());
        (0_u64..).zip(rounds).map(|(sequence, event_type)| self.maker.make(event_type, sequence))
    }

    /// Makes one body of each event, so that what is wrong shows before anything is sent.
    fn try_bodies(&self) -> Result<(), Failure> {
        for body in self.bodies().take(self.events.len()) {
            let body = body?;
            for remark in &body.remarks {
                note(remark);
            }
        }
        Ok(())
    }

    fn transport(&self) -> Result<HttpsTransport, Failure> {
        let made = runner::trust(&self.connection)
            .and_then(|trust| runner::transport(&self.connection, trust))
            .map_err(|error| Failure::usage(anyhow::anyhow!(error)))?;
        if self.connection.trust == Trust::Nobody {
            warn(&Note::TlsNotVerified.to_string());
        } else {
            made.notes().iter().for_each(|remark| note(remark));
        }
        if !self.endpoint.is_secure() && self.connection.plain_http == PlainHttp::Permitted {
            warn(&Note::PlainHttp.to_string());
        }
        Ok(made)
    }

    fn request(&self, body: &Body) -> Request {
        Request {
            api_key: self.connection.api_key.clone(),
            headers: Arc::new(self.connection.headers.clone()),
            ..Request::new(Arc::clone(&self.endpoint), body.bytes.clone())
        }
    }

    fn print(&self, text: &str) -> Result<(), Failure> {
        print(&self.redactor.redact(text))
    }

    fn print_curl(&self) -> Result<Exit, Failure> {
        self.try_bodies()?;
        for body in self.bodies() {
            let command = curl::command(&self.connection, &self.endpoint, &body?.text());
            self.print(&(command + "\n"))?;
        }
        Ok(Exit::Held)
    }

    fn print_requests(&self, pretty: bool) -> Result<Exit, Failure> {
        self.try_bodies()?;
        let transport = self.transport()?;
        for (index, body) in self.bodies().enumerate() {
            let body = body?;
            let headers = transport.headers(&self.request(&body));
            let gap = if index == 0 { "" } else { "\n" };
            let body = if pretty { body.indented() } else { body.text().into_owned() };
            self.print(&format!("{gap}{}\n{body}\n", shown::head(&self.endpoint, &headers)))?;
        }
        Ok(Exit::Held)
    }

    fn send(&self) -> Result<Exit, Failure> {
        self.try_bodies()?;
        let transport = self.transport()?;
        let runtime = super::runtime()?;
        let mut rows = shown::Rows::new(&self.events);
        let mut tally = Tally::default();
        for body in self.bodies() {
            let body = body?;
            let exchange = runtime.block_on(transport.attempt(self.request(&body)));
            let outcome = tally.count(&exchange);
            self.print(&rows.row(&body, &exchange, outcome))?;
            if tally.unreachable {
                // The next one would meet the same.
                break;
            }
        }
        // What hangs in a receiver must not hold up the end of the process.
        runtime.shutdown_background();
        tell(&format!("{}\n", self.summary(&tally)));
        Ok(tally.exit())
    }

    fn summary(&self, tally: &Tally) -> String {
        let all = self.count * self.events.len() as u64;
        let sent = tally.acknowledged + tally.not_acknowledged;
        let mut text = format!("{} acknowledged", tally.acknowledged);
        if tally.not_acknowledged > 0 {
            text.push_str(&format!(", {} not", tally.not_acknowledged));
        }
        if sent < all {
            text.push_str(&format!(", {} not sent", all - sent));
        }
        format!("{}: {text} (seed {})", count(all, "notification"), self.maker.seed)
    }
}

/// How one notification fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Acknowledged,
    NotAcknowledged(FailureReason),
    /// Nothing of it reached the receiver.
    Unreachable(FailureReason),
}

impl Tally {
    fn count(&mut self, exchange: &Exchange) -> Outcome {
        let outcome = match exchange.answer {
            Answer::Status { code, .. } if AcknowledgementPolicy::default().acknowledges(code) => {
                Outcome::Acknowledged
            }
            Answer::Status { code, .. } => Outcome::NotAcknowledged(FailureReason::Status(code)),
            Answer::NoResponse(reason) if is_unreachable(reason) => Outcome::Unreachable(reason),
            Answer::NoResponse(reason) => Outcome::NotAcknowledged(reason),
        };
        match outcome {
            Outcome::Acknowledged => self.acknowledged += 1,
            Outcome::NotAcknowledged(_) => self.not_acknowledged += 1,
            Outcome::Unreachable(_) => self.unreachable = true,
        }
        outcome
    }

    fn exit(&self) -> Exit {
        if self.not_acknowledged > 0 {
            Exit::Broken
        } else if self.unreachable {
            Exit::Inconclusive
        } else {
            Exit::Held
        }
    }
}

/// Whether a failure says that there is nobody to judge, rather than how somebody answers.
fn is_unreachable(reason: FailureReason) -> bool {
    match reason {
        FailureReason::NameResolution
        | FailureReason::Refused
        | FailureReason::Unreachable
        | FailureReason::ConnectTimeout
        | FailureReason::Tls(_)
        | FailureReason::InsecureEndpoint => true,
        FailureReason::Reset
        | FailureReason::ClosedBeforeResponse
        | FailureReason::MalformedResponse
        | FailureReason::SendTimeout
        | FailureReason::AcknowledgementTimeout
        | FailureReason::SenderStopped
        | FailureReason::Status(_) => false,
    }
}

/// The time in a body that is made now.
fn published(pinned: Option<Timestamp>) -> Timestamp {
    pinned.unwrap_or_else(clock::real_now)
}
