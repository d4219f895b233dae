//! What follows an acknowledgement: the receiver pulls what the notification is about, as an integration does.
//!
//! Pulls are made by tasks of their own, so that no answer waits for them, unless the receiver is one that pulls first.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use pns_engine::{EventType, FailureReason, TlsFailure};
use pns_simulator::pull::Paths;
use pns_simulator::transport::Trust;
use pns_simulator::world::{Call, Places, Said};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use crate::puller::{Came, NoAccess, PullAccess, PullTrust, Puller, path_of, turn_down_path};

/// Notifications that may wait to be pulled after; more are acknowledged and not pulled after.
const WAITING_MAX: usize = 10_000;
/// Different failures that are told: more would bury the first.
const TOLD_MAX: usize = 20;
/// Pulls under way at once: what is agreed with no one should not be many.
const AT_ONCE_MAX: usize = 8;

/// How the receiver pulls.
#[derive(Clone, Debug)]
pub struct Pulling {
    /// The pull API.
    pub access: PullAccess,
    /// When it pulls.
    pub pulls: Pulls,
    /// Whether it turns down each RFP that reaches it.
    pub turns_down: bool,
    /// Where in a body its RFP and its supplier stand.
    pub places: Places,
    /// Told of each failure of a pull that has not been told yet, in one line; `None`: they are the pull API's affair.
    pub tell: Option<fn(&str)>,
}

/// When a receiver pulls what a notification is about: said by scenario files and on the command line alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Pulls {
    /// Once, after its acknowledgement.
    #[default]
    Always,
    /// Never.
    Never,
    /// Twice, after its acknowledgement.
    Twice,
    /// Once, and its acknowledgement waits for the answer.
    BeforeAcknowledging,
}

/// The pulling half of a receiver. Dropping it ends what it has under way.
#[derive(Debug)]
pub(crate) struct Integration {
    worker: Arc<Worker>,
    waiting: mpsc::Sender<Said>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Worker {
    client: Mutex<Client>,
    paths: Paths,
    pulling: Pulling,
    /// Failures told, each once.
    told: Mutex<BTreeSet<String>>,
}

/// What calls are made with.
#[derive(Debug, Default)]
struct Client {
    /// The authorities that it trusts, where they come from a file.
    pem: Vec<u8>,
    puller: Option<Puller>,
}

impl Client {
    fn of(access: &PullAccess) -> Result<Self, NoAccess> {
        match &access.trust {
            PullTrust::Known(_) => Ok(Self { pem: Vec::new(), puller: Some(Puller::known(access)?) }),
            // The address is looked at now, the file later.
            PullTrust::File(_) => Puller::new(access, Trust::Platform).map(|_| Self::default()),
        }
    }
}

impl Integration {
    /// Begins to wait for notifications, on the current tokio runtime.
    ///
    /// # Errors
    /// When the pull API cannot be called at all.
    pub(crate) fn start(pulling: Pulling) -> Result<Self, NoAccess> {
        let client = Mutex::new(Client::of(&pulling.access)?);
        let worker = Arc::new(Worker { client, paths: Paths::default(), pulling, told: Mutex::default() });
        let (waiting, notified) = mpsc::channel(WAITING_MAX);
        let task = tokio::spawn(work(Arc::clone(&worker), notified));
        Ok(Self { worker, waiting, task })
    }

    /// What the body says, for [`Integration::follow`].
    pub(crate) fn read(&self, body: &[u8], event_type: Option<&str>) -> Option<Said> {
        let event_type: EventType = event_type?.parse().ok()?;
        Said::read(&self.worker.pulling.places, event_type, body)
    }

    /// A notification took effect and is about to be acknowledged.
    pub(crate) async fn follow(&self, said: Said) {
        if self.worker.pulling.pulls == Pulls::BeforeAcknowledging {
            self.worker.after(said).await;
        } else {
            // One that does not fit is not pulled after.
            let _full = self.waiting.try_send(said);
        }
    }
}

impl Drop for Integration {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn work(worker: Arc<Worker>, mut notified: mpsc::Receiver<Said>) {
    let mut at_work = JoinSet::new();
    while let Some(said) = notified.recv().await {
        if at_work.len() >= AT_ONCE_MAX {
            // A panic in there has been printed.
            let _ended = at_work.join_next().await;
        }
        while at_work.try_join_next().is_some() {}
        let worker = Arc::clone(&worker);
        at_work.spawn(async move { worker.after(said).await });
    }
}

impl Worker {
    /// `None`: it is not known yet whom to trust.
    fn puller(&self) -> Option<Puller> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let PullTrust::File(path) = &self.pulling.access.trust {
            let pem = std::fs::read(path).unwrap_or_else(|error| {
                self.tell(&format!(
                    "cannot read `{}`: {error}; the pull API writes it at its start, see --pull-write-ca there",
                    path.display()
                ));
                Vec::new()
            });
            if pem.is_empty() {
                *client = Client::default();
            } else if client.pem != pem {
                let puller = Puller::new(&self.pulling.access, Trust::Bundle(pem.clone()));
                let puller = puller.inspect_err(|error| self.tell(&error.to_string())).ok();
                *client = Client { pem, puller };
            }
        }
        client.puller.clone()
    }

    async fn after(&self, said: Said) {
        let Some(puller) = self.puller() else { return };
        let times = match self.pulling.pulls {
            Pulls::Always | Pulls::BeforeAcknowledging => 1,
            Pulls::Never => 0,
            Pulls::Twice => 2,
        };
        if let Some(call) = Call::after(&said) {
            let path = path_of(&self.paths, &call);
            for _ in 0..times {
                // What comes of it is in the API's own log, unless it never gets there.
                self.note(puller.get_patiently(&path).await);
            }
        }
        let brings = matches!(said.event_type, EventType::RfpSend | EventType::RfpForward);
        if self.pulling.turns_down
            && brings
            && let (Some(rfp), Some(supplier)) = (said.rfp, said.supplier)
        {
            let path = turn_down_path(&self.paths, rfp, supplier);
            let reason = serde_json::json!({ "responseReason": "DATES_OR_PATTERN" });
            self.note(puller.post_patiently(&path, &reason).await);
        }
    }

    fn note(&self, came: Came) {
        let base = self.pulling.access.url.trim_end_matches('/');
        if let Some(trouble) = trouble(came) {
            self.tell(&format!("the pull API at {base}: {trouble}"));
        }
    }

    fn tell(&self, line: &str) {
        let Some(tell) = self.pulling.tell else { return };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < TOLD_MAX && told.insert(line.to_owned()) {
            tell(&format!("note: nothing pulled: {line}"));
        }
    }
}

/// What went wrong with a call, and what to do; `None`: nothing did.
fn trouble(came: Came) -> Option<String> {
    let help = match (came.status, came.failure) {
        (Some(200..300), _) => return None,
        (Some(401), _) => "the key is not one of the API's: --pull-api-key-file here and there name the same",
        (Some(403), _) => "the key may not see this",
        (Some(404), _) => "it does not know this; is it the API of the sender that sent the notification?",
        (Some(429 | 500..), _) => "given up after several tries",
        (_, Some(FailureReason::Tls(TlsFailure::UnknownIssuer))) => {
            "--pull-cacert FILE names what to trust there: what the API wrote at its start"
        }
        (_, Some(FailureReason::Tls(TlsFailure::WrongHost))) => {
            "the API's --pull-name adds a name to its certificate"
        }
        (_, Some(FailureReason::Refused)) => {
            "does `pns serve --pull-listen ADDRESS`, or a run with it, listen there?"
        }
        _ => "look at the address of --pull",
    };
    let what = match (came.status, came.failure) {
        (Some(status), _) => format!("answered {status}"),
        (None, Some(reason)) => reason.to_string(),
        (None, None) => "no call can be made of it".to_owned(),
    };
    Some(format!("{what}; {help}"))
}
