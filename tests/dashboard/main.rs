//! The dashboard of `pns serve` in a real browser, as its users see it. `tests/browser.sh` installs the browser and
//! runs these. What elements are called is told in `pns_simulator::dashboard`.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

mod accessible;
mod browser;
mod large;
mod site;

use std::time::Duration;

use browser::{Browser, Look};
use pns_engine::EventType;
use pns_simulator::clock::Gear;
use pns_simulator::service::Simulator;
use pns_simulator::service::model::AdvanceSpec;
use serde_json::json;
use site::Site;

/// Ends a test: the browser must have nothing to complain of, but that a form was refused.
async fn end(browser: Browser) {
    let mut complaints = browser.complaints().await;
    complaints.retain(|complaint| !complaint.contains("status of 422"));
    assert_eq!(complaints, Vec::<String>::new());
    browser.end().await;
}

#[tokio::test]
async fn an_event_is_triggered_and_seen_to_be_delivered() {
    let site = Site::start().await;
    site.subscribe("build").await;
    let browser = Browser::start(Look::default()).await;
    browser.open(&site.page("/")).await;
    browser.click("[data-test=nav-trigger]").await;
    browser.choose("#f-type", "MESSAGE_PLANNER_TO_SUPPLIER").await;
    browser.click("#choose").await;
    browser.fill("#f-overrides-messageDetails-subject", "Is <b>the ballroom</b> free?").await;
    browser.click("#preview").await;
    let preview = browser.text("#body-preview").await;
    assert!(preview.contains("MESSAGE_PLANNER_TO_SUPPLIER"), "{preview}");
    assert!(preview.contains("Is <b>the ballroom</b> free?"), "shown as it is: {preview}");
    browser.click("#send").await;
    browser.find("#notice").await;
    site.idle().await;
    browser.open(&site.page("/")).await;
    browser.find("#totals[data-acknowledged='1']").await;
    // What comes while the page is open shows by itself.
    site.publish(EventType::RfpSend, 3).await;
    browser.find("#totals[data-acknowledged='4']").await;
    let received = site.receiver.received();
    assert_eq!(received.len(), 4);
    end(browser).await;
}

#[tokio::test]
async fn a_downtime_window_lets_the_queue_grow_and_drain() {
    let site = Site::with(Simulator::builder().gear(Gear::Virtual)).await;
    let id = site.subscribe("build").await.0;
    let page = site.page(&format!("/ui/subscriptions/{id}"));
    let browser = Browser::start(Look::default()).await;
    browser.open(&page).await;
    browser.click("#announce-details summary").await;
    browser.fill("#announce [name=for]", "2h").await;
    browser.click("#announce button").await;
    browser.find("#windows [data-state=open]").await;
    site.publish(EventType::RfpSend, 5).await;
    browser.find("#backlog[data-held='5']").await;
    assert_eq!(site.receiver.received().len(), 0);
    browser.click("[data-test=nav-clock]").await;
    browser.fill("#advance-form [name=by]", "2h 1m").await;
    browser.click("#advance-form button").await;
    browser.find("#notice").await;
    browser.open(&page).await;
    browser.find("#backlog[data-pending='0']").await;
    assert_eq!(site.receiver.received().len(), 5);
    assert!(!browser.has("#windows [data-state=open]").await);
    end(browser).await;
}

#[tokio::test]
async fn a_limit_is_changed_and_a_wrong_one_refused() {
    let site = Site::start().await;
    let id = site.subscribe("build").await;
    let browser = Browser::start(Look::default()).await;
    browser.open(&site.page(&format!("/ui/subscriptions/{}", id.0))).await;
    browser.click("#edit").await;
    browser.fill("#f-rate_limit-rate", "fast").await;
    browser.click("#submit").await;
    let told = browser.text("#e-rate_limit-rate").await;
    assert!(told.contains("a rate such as"), "{told}");
    let field = browser.find("#f-rate_limit-rate").await;
    assert_eq!(field.prop("value").await.unwrap().as_deref(), Some("fast"), "what was typed stays");
    assert_eq!(field.attr("aria-invalid").await.unwrap().as_deref(), Some("true"));
    assert!(site.simulator.subscription(id).await.unwrap().rate_limit.is_none());
    browser.fill("#f-rate_limit-rate", "40/s").await;
    browser.click("#submit").await;
    browser.find("#notice").await;
    let limit = site.simulator.subscription(id).await.unwrap().rate_limit;
    assert_eq!(serde_json::to_value(limit).unwrap()["rate"], "40/s");
    browser.open(&site.page("/")).await;
    let rate = browser.text(&format!("#subscription-{} [data-test=rate]", id.0)).await;
    assert!(rate.contains("40/s"), "{rate}");
    end(browser).await;
}

#[tokio::test]
async fn a_failing_receiver_is_explained() {
    let site = Site::with(Simulator::builder().gear(Gear::Virtual)).await;
    let receiver = site.scripted("401*2,200").await;
    let id = site.subscribe_with("build", &[("endpoint", json!(receiver.url()))]).await.0;
    site.publish(EventType::RfpSend, 1).await;
    site.simulator.advance(AdvanceSpec::by(Duration::from_secs(40))).await.unwrap();
    let browser = Browser::start(Look::default()).await;
    browser.open(&site.page("/")).await;
    let failure = browser.text(&format!("#subscription-{id} [data-test=failure]")).await;
    assert!(failure.contains("401") && failure.contains("authorization"), "{failure}");
    browser.open(&site.page("/ui/deliveries/1")).await;
    let meaning = browser.text("#meaning").await;
    assert!(meaning.contains("Authorization: api_key KEY"), "{meaning}");
    for attempt in 1..=2 {
        if browser.has(&format!("#attempt-{attempt}:not([open])")).await {
            browser.click(&format!("#attempt-{attempt} summary")).await;
        }
        let request = browser.text(&format!("#attempt-{attempt} [data-test=request]")).await;
        assert!(request.contains("POST"), "{request}");
        let response = browser.text(&format!("#attempt-{attempt} [data-test=response]")).await;
        assert!(response.contains("401"), "{response}");
    }
    assert!(browser.has("#picture svg").await);
    // The third attempt is acknowledged.
    site.simulator.advance(AdvanceSpec::by(Duration::from_secs(3_600))).await.unwrap();
    browser.find("#state[data-state=delivered]").await;
    end(browser).await;
}

#[tokio::test]
async fn a_newcomer_finds_the_way_from_nothing_to_a_delivery() {
    let site = Site::start().await;
    let browser = Browser::start(Look::default()).await;
    browser.open(&site.page("/")).await;
    browser.click("#new-subscription").await;
    browser.fill("#f-endpoint", "receiver").await;
    browser.click("#submit").await;
    assert!(!browser.text("#e-endpoint").await.is_empty());
    browser.fill("#f-endpoint", &site.receiver.url()).await;
    browser.fill("#f-name", "first").await;
    browser.click("#submit").await;
    browser.find("#notice").await;
    site.publish(EventType::RfpSend, 1).await;
    browser.open(&site.page("/")).await;
    browser.find("#totals[data-acknowledged='1']").await;
    end(browser).await;
}

#[tokio::test]
async fn everything_works_without_script() {
    let site = Site::with(Simulator::builder().gear(Gear::Virtual)).await;
    let id = site.subscribe("build").await.0;
    let browser = Browser::start(Look { script: false, ..Look::default() }).await;
    browser.open(&site.page("/ui/trigger")).await;
    browser.choose("#f-type", "RFP_SEND").await;
    browser.click("#choose").await;
    browser.click("#send").await;
    browser.find("#notice").await;
    site.idle().await;
    browser.open(&site.page(&format!("/ui/subscriptions/{id}"))).await;
    browser.find("#delivery-1[data-state=delivered]").await;
    browser.click("#pause").await;
    browser.find("#resume").await;
    browser.open(&site.page("/ui/faults")).await;
    browser.open(&site.page("/ui/clock")).await;
    browser.fill("#advance-form [name=by]", "1h").await;
    browser.click("#advance-form button").await;
    browser.find("#notice").await;
    // The browser says of its own accord that scripts are off.
    browser.end().await;
}

#[tokio::test]
async fn a_course_takes_its_time_until_it_is_ended() {
    let site = Site::with(Simulator::builder().gear(Gear::Virtual)).await;
    site.subscribe("build").await;
    let browser = Browser::start(Look::default()).await;
    browser.open(&site.page("/ui/trigger")).await;
    browser.choose("#f-course", "award").await;
    browser.fill("#f-every", "1 fortnight").await;
    browser.click("#send-course").await;
    assert!(!browser.text("#e-every").await.is_empty());
    browser.fill("#f-every", "1h").await;
    browser.click("#send-course").await;
    browser.find("#notice").await;
    let row = browser.text("#course-1").await;
    assert!(row.contains("award") && row.contains("RFP_VIEWED"), "{row}");
    // The page follows what comes.
    site.simulator.advance(AdvanceSpec::by(Duration::from_secs(3_600))).await.unwrap();
    browser.wait("#course-1", |row| row.contains("RESPONSE_ASSIGN")).await;
    browser.click("#course-1 [data-test=end]").await;
    browser.find("#notice").await;
    assert!(!browser.has("#course-1").await);
    assert_eq!(site.receiver.received().len(), 2);
    end(browser).await;
}

#[tokio::test]
async fn a_planned_fault_shows_until_it_is_used_up() {
    let site = Site::with(Simulator::builder().gear(Gear::Virtual)).await;
    site.subscribe("build").await;
    let spec = serde_json::from_value(json!({ "fault": { "refuse": 2 } })).unwrap();
    site.simulator.plan_fault(spec).await.unwrap();
    let browser = Browser::start(Look::default()).await;
    browser.open(&site.page("/ui/faults")).await;
    browser.find("#fault-1").await;
    browser.click("#fault-1 [data-test=clear]").await;
    browser.find("#notice").await;
    assert!(!browser.has("#fault-1").await);
    assert!(site.simulator.faults().await.unwrap().is_empty());
    end(browser).await;
}
