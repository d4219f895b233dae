//! Random lives: whatever is asked in whatever order, with crashes and stops in between, the journal follows, and in
//! the end all is delivered that was not given up by intent.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pns_engine::{
    Answer, DeliveryId, EventType, FailureReason, NotificationId, SubscriptionId, WindowId, rng,
};
use pns_simulator::clock::Gear;
use pns_simulator::journal;
use pns_simulator::service::model::{
    AdvanceSpec, DeliveryFilter, DeliveryState, NotificationSpec, PageRequest, PublishOptions, ReplaySpec,
};
use pns_simulator::service::{ServiceError, Simulator};
use pns_simulator::transport::ScriptedTransport;
use serde_json::json;

use crate::support::*;

const LIVES: u64 = 8;
const STEPS: u64 = 80;

/// Draws that follow one another.
struct Draws {
    seed: u64,
    index: u64,
}

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.index += 1;
        rng::draw(self.seed, 1, self.index) % bound
    }
}

/// Answers well or badly, by the number of the request; only well once `healthy` is set.
fn fickle(seed: u64, healthy: &Arc<AtomicU64>) -> ScriptedTransport {
    let healthy = Arc::clone(healthy);
    ScriptedTransport::new(move |index, _| {
        if healthy.load(Ordering::SeqCst) > 0 {
            return OK;
        }
        match rng::draw(seed, 2, index as u64) % 6 {
            0 => status(503),
            1 => Answer::NoResponse(FailureReason::AcknowledgementTimeout),
            2 => Answer::NoResponse(FailureReason::Reset),
            _ => OK,
        }
    })
}

struct Life<'a> {
    draws: Draws,
    dir: &'a Path,
    transport: ScriptedTransport,
    simulator: Simulator,
    removed: bool,
}

impl Life<'_> {
    /// A call may be refused for what it names; it never breaks the service.
    fn judge<T>(&self, step: &str, result: Result<T, ServiceError>) {
        match result {
            Ok(_)
            | Err(ServiceError::NotFound { .. } | ServiceError::Conflict(_) | ServiceError::Invalid(_)) => {}
            Err(error) => panic!("seed {}, {step}: {error}", self.draws.seed),
        }
        assert!(
            self.simulator.health().ready,
            "seed {}, {step}: {:?}",
            self.draws.seed,
            self.simulator.health()
        );
    }

    async fn step(&mut self) {
        let subscription = SubscriptionId(u32::try_from(self.draws.below(5)).unwrap() + 1);
        let simulator = self.simulator.clone();
        match self.draws.below(16) {
            0 => {
                let strict =
                    if self.draws.below(2) == 0 { "delays-only-itself" } else { "holds-back-others" };
                let spec = spec_of(json!({
                    "endpoint": "https://receiver.test/pns", "failing_delivery": strict,
                    "concurrency": self.draws.below(4) + 1, "ack_timeout": "5s",
                }));
                self.judge("create", simulator.create_subscription(spec).await);
            }
            1 => {
                let patch = json!({ "rate_limit": "1/2s", "schema_pack": "cvent-2015" });
                let patch = if self.draws.below(2) == 0 { patch } else { json!({ "rate_limit": null }) };
                let patch = serde_json::from_value(patch).unwrap();
                self.judge("change", simulator.change_subscription(subscription, patch).await);
            }
            2 if self.draws.below(3) == 0 => {
                self.removed = true;
                self.judge("remove", simulator.remove_subscription(subscription).await);
            }
            3 => {
                let window = json!({ "subscription": subscription.0, "for": "10m" });
                let window = serde_json::from_value(window).unwrap();
                self.judge("window", simulator.announce_window(window).await);
            }
            4 => {
                let window = WindowId(u32::try_from(self.draws.below(6)).unwrap());
                if self.draws.below(2) == 0 {
                    self.judge("cancel", simulator.cancel_window(window).await);
                } else {
                    let change = serde_json::from_value(json!({ "for": "1m" })).unwrap();
                    self.judge("extend", simulator.change_window(window, change).await);
                }
            }
            5 => self.judge("pause", simulator.pause(Some(subscription)).await),
            6 => self.judge("resume", simulator.resume(None).await),
            7 => {
                let fault = json!({ "fault": { "refuse": self.draws.below(3) + 1 }, "on": subscription.0 });
                let fault = serde_json::from_value(fault).unwrap();
                self.judge("fault", simulator.plan_fault(fault).await);
            }
            8 => {
                let fault = self.draws.below(6);
                let fault = (fault > 0).then(|| u32::try_from(fault).unwrap());
                self.judge("clear", simulator.clear_fault(fault).await);
            }
            9 => {
                let spec = match self.draws.below(3) {
                    0 => ReplaySpec { delivery: Some(self.draws.below(30) + 1), ..ReplaySpec::default() },
                    1 => ReplaySpec { missing: true, ..ReplaySpec::default() },
                    _ => serde_json::from_value(json!({ "failed_since": "2020-01-01T00:00:00Z" })).unwrap(),
                };
                self.judge("replay", simulator.replay(spec).await);
            }
            10 => {
                let by = AdvanceSpec::by(Duration::from_secs(self.draws.below(100)));
                self.judge("advance", simulator.advance(by).await);
            }
            11 => self.judge("to next", simulator.advance(AdvanceSpec::to_next_due()).await),
            12 if self.draws.below(2) == 0 => {
                drop(simulator);
                self.restart().await;
            }
            _ => {
                let count = usize::try_from(self.draws.below(6)).unwrap() + 1;
                let mut all = vec![NotificationSpec::new(EventType::RfpSend); count];
                if self.draws.below(3) == 0 {
                    all[0].overrides = json!({ "reason": "OTHER" }).as_object().cloned();
                }
                self.judge("publish", simulator.publish(all, PublishOptions::default()).await);
            }
        }
    }

    /// A crash, or a stop.
    async fn restart(&mut self) {
        if self.draws.below(3) == 0 {
            self.simulator.shutdown(Duration::ZERO).await;
        }
        // Whatever is asked, only one handle is held: the simulator ends with it.
        let nobody = virtual_time(&self.transport).start().await.unwrap();
        drop(std::mem::replace(&mut self.simulator, nobody));
        self.simulator = start_in(self.dir, &self.transport, Gear::Virtual).await;
    }

    /// Lets all be delivered, and looks at everything.
    async fn finish(self, healthy: &AtomicU64) {
        let Self { draws, dir, simulator, removed, .. } = self;
        let seed = draws.seed;
        healthy.store(1, Ordering::SeqCst);
        simulator.resume(None).await.unwrap();
        simulator.clear_fault(None).await.unwrap();
        simulator.advance(AdvanceSpec::by(Duration::from_secs(30 * 86_400))).await.unwrap();
        assert_eq!(simulator.backlog(None).await.unwrap().total(), 0, "seed {seed}");
        let mut page = PageRequest { limit: Some(1_000), ..PageRequest::default() };
        loop {
            let part = simulator.deliveries(DeliveryFilter::default(), page).await.unwrap();
            for delivery in part.items {
                let given_up = removed && delivery.state == DeliveryState::Abandoned;
                assert!(given_up || delivery.state == DeliveryState::Delivered, "seed {seed}: {delivery:?}");
                simulator.delivery(DeliveryId(delivery.id)).await.unwrap();
                let view = simulator.notification(NotificationId(delivery.notification)).await.unwrap();
                assert!(view.body.contains("RFP_SEND"), "seed {seed}: {view:?}");
            }
            page.after = part.next;
            if page.after.is_none() {
                break;
            }
        }
        simulator.shutdown(PATIENCE).await;
        let report = journal::check(dir).unwrap();
        assert_eq!((report.findings, report.pending), (Vec::new(), 0), "seed {seed}");
    }
}

#[tokio::test]
async fn whatever_is_asked_the_journal_follows_and_all_is_delivered() {
    for seed in 0..LIVES {
        let folder = tempfile::tempdir().unwrap();
        let healthy = Arc::new(AtomicU64::new(0));
        let transport = fickle(seed, &healthy);
        let simulator = start_in(folder.path(), &transport, Gear::Virtual).await;
        subscribe(&simulator, spec()).await;
        let draws = Draws { seed, index: 0 };
        let mut life = Life { draws, dir: folder.path(), transport, simulator, removed: false };
        for _ in 0..STEPS {
            life.step().await;
        }
        life.finish(&healthy).await;
    }
}
