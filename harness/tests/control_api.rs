//! The examples of `docs/control-api.md` and `docs/pull.md`, run as they stand against a simulator and the embedded
//! receiver.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::time::Duration;

use pns_harness::receiver::{Identity, Receiver, Settings as ReceiverSettings};
use pns_simulator::control::{ControlServer, ControlSettings};
use pns_simulator::pull::{Access, PullClient, PullKey, PullServer, PullSettings, Secret};
use pns_simulator::service::Simulator;
use pns_simulator::transport::{Settings, Trust};
use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::time::timeout;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/control-api.md");
const PULL_PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/pull.md");

/// The examples take a few seconds, most of it curl's start.
const SOON: Duration = Duration::from_secs(120);

/// The text of all blocks that are marked `sh`, one after the other.
fn examples(page: &str) -> String {
    let blocks = page.split("\n```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    blocks.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_examples_of_the_page_run() {
    let examples = examples(&fs::read_to_string(PAGE).unwrap());
    assert!(examples.matches("curl ").count() > 30, "the page has its examples");

    let identity = Identity::generate().unwrap();
    let receiver = Receiver::start(ReceiverSettings::default(), &identity).await.unwrap();
    let trust = Trust::Bundle(identity.ca_pem().as_bytes().to_vec());
    let transport = Settings { trust, ..Settings::default() };
    let simulator = Simulator::builder().transport(transport).start().await.unwrap();
    let settings = ControlSettings { listen: ([127, 0, 0, 1], 0).into(), ..ControlSettings::default() };
    let server = ControlServer::bind(settings).await.unwrap();
    let url = server.url();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(server.serve(simulator.clone(), async {
        let _ = stopped.await;
    }));

    let mut bash = Command::new("bash");
    bash.env("PNS_URL", url).env("RECEIVER_URL", receiver.url());
    run(bash, &examples).await;
    simulator.when_idle(SOON).await.unwrap();
    assert!(receiver.totals().received > 20, "{:?}", receiver.totals());
    stop.send(()).unwrap();
    served.await.unwrap();
}

/// Runs examples, and tells what they wrote.
async fn run(mut bash: Command, examples: &str) -> String {
    bash.args(["-eux", "-c", examples]).kill_on_drop(true);
    let output = timeout(SOON, bash.output()).await.expect("the examples end").unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "an example failed; the last command is the one:\n{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_examples_of_the_pull_page_run() {
    let examples = examples(&fs::read_to_string(PULL_PAGE).unwrap());
    let simulator = Simulator::builder().seed(7).start().await.unwrap();
    let settings = ControlSettings { listen: ([127, 0, 0, 1], 0).into(), ..ControlSettings::default() };
    let control = ControlServer::bind(settings).await.unwrap();
    let settings = PullSettings {
        listen: ([127, 0, 0, 1], 0).into(),
        keys: vec![PullKey { secret: Secret::new("k").unwrap(), access: Access::full("key") }],
        clients: vec![PullClient {
            id: "ci".to_owned(),
            secret: Secret::new("s").unwrap(),
            scopes: None,
            access: Access::full("ci"),
        }],
        ..PullSettings::default()
    };
    let pull = PullServer::bind(settings).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, pull.ca_pem().unwrap()).unwrap();
    let mut bash = Command::new("bash");
    bash.env("PNS_URL", control.url()).env("PULL_URL", pull.url()).env("PULL_CA", &ca);
    bash.env("PULL_KEY", "k").env("PULL_CLIENT", "ci:s");
    let _serving = [
        tokio::spawn(control.serve(simulator.clone(), std::future::pending())),
        tokio::spawn(pull.serve(simulator.clone(), std::future::pending())),
    ];
    let told = run(bash, &examples).await;
    for said in ["TURNED_DOWN", "Proposal successfully updated", "comment must be given", "Too Many Requests"]
    {
        assert!(told.contains(said), "{said}: {told}");
    }
    let who = |name: &str| simulator.pull_log().filtered(|pull| &*pull.who == name).len();
    assert!(who("key") > 10 && who("ci") == 2, "{:?}", simulator.pull_log().since(0, 50));
}
