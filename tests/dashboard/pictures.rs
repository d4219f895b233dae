//! Takes the pictures of the dashboard in the documents: `tests/browser.sh pictures`.

#![expect(clippy::unwrap_used, reason = "a picture that cannot be taken ends it")]

#[expect(dead_code, reason = "the tests use the rest")]
mod browser;
#[expect(dead_code, reason = "the tests use the rest")]
mod site;

use std::path::PathBuf;
use std::time::Duration;

use browser::{Browser, Look};
use pns_engine::EventType;
use pns_harness::receiver::Receiver;
use pns_simulator::clock::pause;
use pns_simulator::service::model::PublishOptions;
use serde_json::json;
use site::Site;

#[tokio::main]
async fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("the folder for the pictures"));
    let site = Site::start().await;
    let _broken = live(&site).await;
    let rfps = site.simulator.world().read(|world| world.rfps(&Default::default()));
    let longest = rfps.items.iter().max_by_key(|rfp| rfp.happenings).unwrap();
    let rfp = format!("/ui/world/rfps/{}", longest.rfp);
    let light = Browser::start(Look { size: (1_180, 860), ..Look::default() }).await;
    let dark = Browser::start(Look { size: (1_180, 860), dark: true, script: true }).await;
    let failing = "/ui/subscriptions/2";
    let filter = serde_json::from_value(json!({ "subscription": 2, "failing": true })).unwrap();
    let failed = site.simulator.deliveries(filter, Default::default()).await.unwrap().items[0].id;
    let failed = format!("/ui/deliveries/{failed}");
    for (browser, page, name) in [
        (&light, "/", "overview"),
        (&dark, "/", "overview-dark"),
        (&light, failing, "subscription"),
        (&light, &failed, "delivery"),
        (&light, "/ui/trigger?type=RFP_FORWARD", "trigger"),
        (&dark, &rfp, "rfp"),
    ] {
        browser.open(&site.page(page)).await;
        browser.wait("#live", |sign| sign == "live").await;
        let file = folder.join(format!("{name}.png"));
        std::fs::write(file, browser.client.screenshot().await.unwrap()).unwrap();
    }
    light.end().await;
    dark.end().await;
}

/// Half a minute in which things happen: one receiver does well under a limit, one fails, one is in its downtime.
async fn live(site: &Site) -> Receiver {
    site.subscribe_with("hotel-group", &[("rate_limit", json!("25/s"))]).await;
    let broken = site.scripted("200*9,503*10000").await;
    let retry = json!({ "first": "1s", "factor": 2 });
    let to_broken = [("endpoint", json!(broken.url())), ("events", json!(["RFP_SEND"])), ("retry", retry)];
    site.subscribe_with("revenue-tool", &to_broken).await;
    let quiet =
        site.subscribe_with("bureau", &[("events", json!(["RFP_SEND", "PLANNER_AWARD_SUPPLIER"]))]).await;
    let window = json!({ "subscription": quiet.0, "for": "2h" });
    site.simulator.announce_window(serde_json::from_value(window).unwrap()).await.unwrap();
    for course in ["award", "turn-down", "decline", "submit"] {
        let spec = json!({ "course": course });
        let spec = serde_json::from_value(spec).unwrap();
        site.simulator.lifecycle(spec, PublishOptions::default()).await.unwrap();
        pause(Duration::from_secs(6)).await;
        site.publish(EventType::RfpSend, 20).await;
        site.publish(EventType::UpdateProposalSleepingRooms, 10).await;
    }
    pause(Duration::from_secs(6)).await;
    broken
}
