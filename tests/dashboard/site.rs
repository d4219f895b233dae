//! What the browser looks at: a simulator with its pages, and receivers for it to send to.

use std::time::Duration;

use pns_engine::{EventType, SubscriptionId};
use pns_harness::receiver::{Identity, Receiver, Settings as ReceiverSettings};
use pns_simulator::control::{ControlServer, ControlSettings};
use pns_simulator::service::model::{NotificationSpec, PublishOptions, SubscriptionSpec};
use pns_simulator::service::{Builder, Simulator};
use pns_simulator::transport::{Settings as TransportSettings, Trust};
use serde_json::Value;
use tokio::sync::oneshot;

/// A running simulator, its pages, and a correct receiver.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) simulator: Simulator,
    pub(crate) receiver: Receiver,
    identity: Identity,
    url: String,
    _stop: oneshot::Sender<()>,
}

impl Site {
    /// One that keeps nothing.
    pub(crate) async fn start() -> Self {
        Self::with(Simulator::builder()).await
    }

    /// One that is set up by `builder`.
    pub(crate) async fn with(builder: Builder) -> Self {
        let identity = Identity::generate().unwrap();
        let receiver = Receiver::start(ReceiverSettings::default(), &identity).await.unwrap();
        let trust = Trust::Bundle(identity.ca_pem().as_bytes().to_vec());
        let transport = TransportSettings { trust, ..TransportSettings::default() };
        let simulator = builder.seed(7).transport(transport).start().await.unwrap();
        let settings =
            ControlSettings { listen: "127.0.0.1:0".parse().unwrap(), ..ControlSettings::default() };
        let server = ControlServer::bind(settings).await.unwrap();
        let url = server.url();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = server.serve(simulator.clone(), async {
            let _ = stopped.await;
        });
        tokio::spawn(serving);
        Self { simulator, receiver, identity, url, _stop: stop }
    }

    /// The address of a page.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Subscribes the correct receiver to everything.
    pub(crate) async fn subscribe(&self, name: &str) -> SubscriptionId {
        self.subscribe_with(name, &[]).await
    }

    /// Subscribes it with further settings, as the control API takes them.
    pub(crate) async fn subscribe_with(&self, name: &str, settings: &[(&str, Value)]) -> SubscriptionId {
        let mut spec = serde_json::to_value(SubscriptionSpec::new(self.receiver.url())).unwrap();
        spec["name"] = name.into();
        spec["events"] = "all".into();
        for (key, value) in settings {
            spec[key] = value.clone();
        }
        let spec = serde_json::from_value(spec).unwrap();
        SubscriptionId(self.simulator.create_subscription(spec).await.unwrap().id)
    }

    /// Another receiver, which does as `script` says.
    pub(crate) async fn scripted(&self, script: &str) -> Receiver {
        let receiver = Receiver::start(ReceiverSettings::default(), &self.identity).await.unwrap();
        receiver.play(script.parse().unwrap());
        receiver
    }

    /// Publishes so many notifications of a type.
    pub(crate) async fn publish(&self, event_type: EventType, count: usize) {
        let specs = vec![NotificationSpec::new(event_type); count];
        self.simulator.publish(specs, PublishOptions::default()).await.unwrap();
    }

    /// Waits until nothing is pending.
    pub(crate) async fn idle(&self) {
        self.simulator.when_idle(Duration::from_secs(60)).await.unwrap();
    }
}
