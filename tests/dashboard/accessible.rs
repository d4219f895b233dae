//! For everybody: by somebody else's rules (axe-core), by keyboard, on a phone, in the dark.

use std::path::Path;

use fantoccini::key::Key;
use pns_engine::EventType;
use pns_simulator::clock::Gear;
use pns_simulator::service::Simulator;
use serde_json::json;

use crate::browser::{Browser, Look};
use crate::site::Site;

/// The rules for WCAG 2.2, levels A and AA.
const RULES: &str = "
    const done = arguments[arguments.length - 1];
    const only = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] };
    axe.run(document, { runOnly: only }).then(found => done(found.violations.map(broken =>
        broken.id + ': ' + broken.nodes.map(node => node.target.join(' ') + ' ' + node.failureSummary).join(' | '))));";

/// A site on which every page has something to show, and its pages.
async fn furnished() -> (Site, Vec<String>) {
    let site = Site::with(Simulator::builder().gear(Gear::Virtual)).await;
    let id = site.subscribe("build").await.0;
    site.receiver.play("503,200".parse().unwrap());
    site.publish(EventType::RfpSend, 3).await;
    site.publish(EventType::ResponseTurnDown, 1).await;
    let window = json!({ "subscription": id, "from": "2261-01-01T00:00:00Z", "for": "2h" });
    site.simulator.announce_window(serde_json::from_value(window).unwrap()).await.unwrap();
    let fault = json!({ "fault": { "ack_lost": 2 } });
    site.simulator.plan_fault(serde_json::from_value(fault).unwrap()).await.unwrap();
    let hour = pns_simulator::service::model::AdvanceSpec::by(std::time::Duration::from_secs(3_600));
    site.simulator.advance(hour).await.unwrap();
    let rfps = site.simulator.world().read(|world| world.rfps(&Default::default()));
    let rfp = rfps.items.first().map(|one| format!("/ui/world/rfps/{}", one.rfp));
    let subscription = format!("/ui/subscriptions/{id}");
    let pages = [
        "/",
        "/ui/subscriptions/new",
        &subscription,
        &format!("{subscription}/edit"),
        &format!("{subscription}/remove"),
        "/ui/deliveries",
        "/ui/deliveries/1",
        "/ui/notifications/1",
        "/ui/trigger",
        "/ui/trigger?type=RFP_FORWARD",
        "/ui/faults",
        "/ui/world",
        "/ui/clock",
    ];
    let pages = pages.into_iter().map(str::to_owned).chain(rfp).collect();
    (site, pages)
}

/// Needs `axe.min.js`, which `tests/browser.sh` fetches.
#[tokio::test]
async fn axe_finds_nothing_on_any_page() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/axe-core/axe.min.js");
    let axe = std::fs::read_to_string(&file).expect("`tests/browser.sh` fetches axe-core");
    let (site, pages) = furnished().await;
    let mut broken = Vec::new();
    for dark in [false, true] {
        let browser = Browser::start(Look { dark, ..Look::default() }).await;
        for page in &pages {
            browser.open(&site.page(page)).await;
            browser.client.execute(&axe, Vec::new()).await.unwrap();
            let found = browser.client.execute_async(RULES, Vec::new()).await.unwrap();
            let found = found.as_array().cloned().unwrap_or_default();
            broken.extend(found.iter().map(|one| format!("{page} (dark: {dark}): {one}")));
        }
        browser.end().await;
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[tokio::test]
async fn nothing_is_wider_than_a_phone() {
    let (site, pages) = furnished().await;
    let browser = Browser::start(Look { size: Look::PHONE, ..Look::default() }).await;
    let mut wide = Vec::new();
    for page in &pages {
        browser.open(&site.page(page)).await;
        let width = browser.measure("return document.documentElement.scrollWidth").await;
        if width != Look::PHONE.0 {
            wide.push(format!("{page} is {width} pixels wide"));
        }
    }
    assert!(wide.is_empty(), "{}", wide.join("\n"));
    browser.end().await;
}

#[tokio::test]
async fn the_keyboard_is_enough() {
    let (site, _) = furnished().await;
    let browser = Browser::start(Look::default()).await;
    browser.open(&site.page("/")).await;
    let press = async |key: Key| {
        let active = browser.client.active_element().await.unwrap();
        active.send_keys(&String::from(char::from(key))).await.unwrap();
    };
    let focused = "return document.activeElement.outerHTML.slice(0, 200) + ' ' + \
                   getComputedStyle(document.activeElement).outlineStyle";
    // The first stop leads past the navigation.
    press(Key::Tab).await;
    let skip = browser.measure(focused).await.to_string();
    assert!(skip.contains("#main"), "{skip}");
    press(Key::Enter).await;
    press(Key::Tab).await;
    let next = browser.measure(focused).await.to_string();
    assert!(!next.contains("nav-"), "past the navigation: {next}");
    assert!(!next.ends_with("none\""), "what has the focus shows it: {next}");
    // Every stop shows that it has the focus.
    for _ in 0..12 {
        press(Key::Tab).await;
        let stop = browser.measure(focused).await.to_string();
        assert!(!stop.ends_with("none\"") || stop.contains("<body"), "{stop}");
    }
    browser.end().await;
}
