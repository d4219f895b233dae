//! The process is really killed, at moments that nobody chose: every notification that was accepted arrives, and what
//! arrives twice was counted.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;

use bytes::Bytes;
use pns_engine::NotificationId;
use pns_simulator::journal::check;
use pns_simulator::service::model::PageRequest;
use pns_simulator::service::{Data, Simulator};
use pns_simulator::transport::{Settings, Trust};

use crate::{PATIENCE, Receiver, rfps};

/// Makes a run of this test binary the one that is killed. Its value is a folder with all that it must know.
const FOLDER: &str = "PNS_TEST_SERVICE_TO_KILL";
const ROUNDS: usize = 12;

/// Not a test by itself: publishes until it is killed, and says what was accepted.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a child process is told what to do by its environment")]
async fn publishes_until_it_is_killed() {
    let Some(dir) = std::env::var_os(FOLDER) else { return };
    let dir = Path::new(&dir);
    let trust = Trust::Bundle(std::fs::read(dir.join("ca.pem")).unwrap());
    let spec = serde_json::from_slice(&std::fs::read(dir.join("subscription.json")).unwrap()).unwrap();
    let builder = Simulator::builder().transport(Settings { trust, ..Settings::default() }).seed(7);
    let simulator = builder.data(Data::Dir(dir.join("data"))).start().await.unwrap();
    if simulator.subscriptions(PageRequest::default()).await.unwrap().items.is_empty() {
        simulator.create_subscription(spec).await.unwrap();
    }
    for count in (1..8).cycle() {
        let published = simulator.publish(rfps(count), Default::default()).await.unwrap();
        for one in published.notifications {
            writeln!(io::stdout(), "\naccepted {}", one.id).unwrap();
        }
    }
}

fn child(dir: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "killed::publishes_until_it_is_killed", "--nocapture"]).env(FOLDER, dir);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

/// Lets a child accept so many, kills it, and gives back what it said.
fn kill_after(dir: &Path, accepted: usize) -> Vec<u64> {
    let mut child = child(dir);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    for line in lines.map_while(Result::ok) {
        if let Some(id) = line.strip_prefix("accepted ") {
            said.push(id.parse().unwrap());
            if said.len() == accepted {
                // What it still said before it died is read on.
                child.kill().unwrap();
            }
        }
    }
    child.wait().unwrap();
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_arrives_though_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    receiver.log.failing.store(4, Ordering::SeqCst);
    let Trust::Bundle(pem) = &receiver.settings.trust else { panic!("the receiver has its own authority") };
    std::fs::write(folder.path().join("ca.pem"), pem).unwrap();
    std::fs::write(folder.path().join("subscription.json"), receiver.json().to_string()).unwrap();
    let mut accepted = BTreeSet::new();
    for round in 0..ROUNDS {
        let dir = folder.path().to_owned();
        let said = tokio::task::spawn_blocking(move || kill_after(&dir, 1 + round * 17)).await.unwrap();
        assert!(said.iter().all(|id| accepted.insert(*id)), "no number is given twice");
        let report = check(&folder.path().join("data")).unwrap();
        assert_eq!(report.findings, [] as [String; 0]);
    }
    let simulator = receiver.simulator(&folder.path().join("data")).await;
    simulator.when_idle(PATIENCE).await.unwrap();
    let bodies = receiver.log.bodies.lock().unwrap().clone();
    for id in &accepted {
        let view = simulator.notification(NotificationId(*id)).await.unwrap();
        assert!(bodies.contains_key(&Bytes::from(view.body)), "{id} was accepted, and never arrived");
    }
    let twice: usize = bodies.values().map(|count| count - 1).sum();
    let possible = simulator.status().await.unwrap().possible_duplicates;
    assert!(twice as u64 <= possible, "{twice} came twice, and {possible} were said to be possible");
    assert!(bodies.len() >= accepted.len(), "what was published without an answer may be more");
}
