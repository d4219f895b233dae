//! A receiver that keeps a log of its own, through all deaths of the sender.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use pns_harness::receiver::{Answered, Identity, Receiver, Script, Settings};
use tokio::sync::broadcast::error::RecvError;

/// How a notification was received: times in all, and times acknowledged.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    pub(crate) received: u64,
    pub(crate) acknowledged: u64,
}

/// By event id.
pub(crate) type Log = BTreeMap<String, Times>;

/// A receiver and its log.
#[derive(Debug)]
pub(crate) struct Watched {
    receiver: Receiver,
    log: Arc<Mutex<Log>>,
}

impl Watched {
    pub(crate) async fn start(script: Script, identity: &Identity) -> Self {
        let receiver = Receiver::start(Settings { script, ..Settings::default() }, identity).await.unwrap();
        let log = Arc::new(Mutex::new(Log::new()));
        let (mut observer, kept) = (receiver.observe(), Arc::clone(&log));
        tokio::spawn(async move {
            loop {
                match observer.recv().await {
                    Ok(received) => {
                        let mut log = kept.lock().unwrap();
                        let times = log.entry(received.event_id.expect("all have one")).or_default();
                        times.received += 1;
                        times.acknowledged += u64::from(received.answered == Answered::Status(200));
                    }
                    Err(RecvError::Closed) => break,
                    Err(RecvError::Lagged(missed)) => panic!("the log misses {missed} requests"),
                }
            }
        });
        Self { receiver, log }
    }

    pub(crate) fn url(&self) -> String {
        self.receiver.url()
    }

    pub(crate) fn log(&self) -> Arc<Log> {
        Arc::new(self.log.lock().unwrap().clone())
    }
}
