//! With a hundred thousand deliveries in the store.

use std::time::Duration;

use pns_engine::EventType;
use pns_simulator::clock::Gear;
use pns_simulator::service::Simulator;

use crate::browser::{Browser, Look};
use crate::site::Site;

const DELIVERIES: usize = 100_000;
const AT_ONCE: usize = 10_000;
/// Loads of which the quickest counts: it is the one that the rest of the machine disturbed least.
const LOADS: usize = 9;
/// The most that it may take.
const LIMIT: Duration = Duration::from_millis(200);

/// From the click to the page that is there, as the browser measures it.
const LOADED: &str = "const page = performance.getEntriesByType('navigation')[0]; \
                      return page.loadEventStart - page.startTime";

#[tokio::test]
async fn pages_are_quick_with_a_hundred_thousand_deliveries() {
    let site = Site::with(Simulator::builder().gear(Gear::Virtual)).await;
    let id = site.subscribe("build").await;
    // They wait: nothing is sent, and the page has to count and list them all the same.
    site.simulator.pause(Some(id)).await.unwrap();
    for _ in 0..DELIVERIES / AT_ONCE {
        site.publish(EventType::RfpSend, AT_ONCE).await;
    }
    let browser = Browser::start(Look::default()).await;
    let pages =
        ["/", &format!("/ui/subscriptions/{}", id.0), "/ui/deliveries", "/ui/deliveries/50000", "/ui/world"];
    let mut slow = Vec::new();
    for page in pages {
        let mut loads = Vec::new();
        for _ in 0..LOADS {
            browser.open(&site.page(page)).await;
            loads.push(Duration::from_secs_f64(browser.measure(LOADED).await.as_f64().unwrap() / 1e3));
        }
        if loads.iter().all(|load| *load > LIMIT) {
            slow.push(format!("{page}: {loads:?}"));
        }
    }
    browser.open(&site.page("/")).await;
    browser.find(&format!("#totals[data-pending='{DELIVERIES}']")).await;
    assert!(slow.is_empty(), "{}", slow.join("\n"));
    browser.end().await;
}
