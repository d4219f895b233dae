//! A simulator over a transport that answers by a script.

use std::num::NonZeroU16;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pns_engine::{Answer, EventType, SubscriptionId};
use pns_simulator::clock::Gear;
use pns_simulator::service::model::{NotificationSpec, PublishOptions, Published, SubscriptionSpec};
use pns_simulator::service::{Builder, Data, Retention, Simulator, StartError};
use pns_simulator::transport::{Request, ScriptedTransport};

/// Longer than any test needs: only a simulator that hangs takes it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const OK: Answer = Answer::Status { code: 200, retry_after: None };

/// A status, for a script.
pub(crate) fn status(code: u16) -> Answer {
    let code = NonZeroU16::new(code).unwrap().get();
    Answer::Status { code, retry_after: None }
}

/// A receiver that acknowledges everything, and keeps what it got.
pub(crate) fn acknowledging() -> ScriptedTransport {
    ScriptedTransport::with_answers([])
}

/// A receiver whose answers a test changes as it goes.
#[derive(Clone)]
pub(crate) struct Moody {
    pub(crate) transport: ScriptedTransport,
    mood: Arc<Mutex<Answer>>,
}

impl Moody {
    pub(crate) fn new(answer: Answer) -> Self {
        let mood = Arc::new(Mutex::new(answer));
        let present = Arc::clone(&mood);
        let transport = ScriptedTransport::new(move |_, _| *present.lock().unwrap());
        Self { transport, mood }
    }

    pub(crate) fn answer(&self, answer: Answer) {
        *self.mood.lock().unwrap() = answer;
    }
}

/// Virtual time makes everything old in a moment, and nothing is to go meanwhile.
const KEPT: Retention = Retention { age: Duration::from_secs(3_650 * 86_400), bytes: u64::MAX };

/// In virtual time, with a seed of its own.
pub(crate) fn virtual_time(transport: &ScriptedTransport) -> Builder {
    Simulator::builder().scripted(transport.clone()).gear(Gear::Virtual).seed(7).retention(KEPT)
}

/// Starts on a folder, as soon as the simulator before has let go of it.
pub(crate) async fn start_in(dir: &Path, transport: &ScriptedTransport, gear: Gear) -> Simulator {
    loop {
        let builder = Simulator::builder().scripted(transport.clone()).gear(gear).retention(KEPT);
        match builder.data(Data::Dir(dir.to_owned())).start().await {
            Err(StartError::Journal(pns_simulator::journal::JournalError::Locked { .. })) => {
                tokio::task::yield_now().await;
            }
            started => return started.unwrap(),
        }
    }
}

pub(crate) fn spec() -> SubscriptionSpec {
    SubscriptionSpec::new("https://receiver.test/pns")
}

/// A subscription from JSON, as callers of the API write it.
pub(crate) fn spec_of(json: serde_json::Value) -> SubscriptionSpec {
    serde_json::from_value(json).unwrap()
}

pub(crate) async fn subscribe(simulator: &Simulator, spec: SubscriptionSpec) -> SubscriptionId {
    SubscriptionId(simulator.create_subscription(spec).await.unwrap().id)
}

pub(crate) async fn publish(simulator: &Simulator, count: usize) -> Published {
    let all = vec![NotificationSpec::new(EventType::RfpSend); count];
    simulator.publish(all, PublishOptions::default()).await.unwrap()
}

/// The bodies of `requests`.
pub(crate) fn bodies(requests: &[Request]) -> Vec<Vec<u8>> {
    requests.iter().map(|request| request.body.to_vec()).collect()
}
