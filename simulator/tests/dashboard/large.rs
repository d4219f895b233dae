//! Many deliveries: a page is made from what it shows, not from what there is.

use std::time::{Duration, Instant};

use pns_engine::EventType;
use pns_simulator::service::model::{NotificationSpec, PublishOptions};

use super::{Shown, attribute, block_on};

/// A tenth of what the lead's figures speak of: enough for a walk through all to show.
const DELIVERIES: usize = 10_000;
/// Many times what a page takes on a slow machine without optimisation, and less than a walk for every row.
const PATIENCE: Duration = Duration::from_secs(2);

#[test]
fn pages_are_quick_with_many_deliveries() {
    block_on(async {
        let shown = Shown::start().await;
        let id = shown.subscribe().await;
        shown.simulator.pause(None).await.unwrap();
        let all = vec![NotificationSpec::new(EventType::RfpSend); DELIVERIES];
        shown.simulator.publish(all, PublishOptions::default()).await.unwrap();
        let one = format!("/ui/subscriptions/{id}");
        for path in
            ["/", "/ui/deliveries", &one, "/ui/deliveries?state=delivered&type=PLANNER_CANCEL", "/ui/world"]
        {
            let before = now();
            let page = shown.page(path).await;
            let took = before.elapsed();
            assert!(took < PATIENCE, "{path} took {took:?}");
            assert!(page.len() < 200_000, "{path}: {} bytes", page.len());
        }
        assert_eq!(
            attribute(&shown.page("/").await, "subscription-1", "data-pending"),
            DELIVERIES.to_string()
        );
    });
}

#[expect(clippy::disallowed_methods, reason = "a test of how long something takes")]
fn now() -> Instant {
    Instant::now()
}
