//! The world behind the notifications, and what is done through the pull side.

use std::sync::{Arc, Mutex, OnceLock};

use pns_engine::{EventType, SupplierId, SupplierScope, Timestamp};
use pns_simulator::clock::Gear;
use pns_simulator::pull::ActError;
use pns_simulator::schema::Pack;
use pns_simulator::service::model::{
    Course, LifecycleSpec, NotificationSpec, PageRequest, PublishOptions, SupplierText,
};
use pns_simulator::service::{Data, Simulator, Stopped};
use pns_simulator::transport::ScriptedTransport;
use pns_simulator::world::{Act, Asked, Call, Refusal, RfpId, Viewer, WorldSettings};
use serde_json::{Value, json};

use crate::support::*;

const RFP: RfpId = RfpId(0x1b8f_9a30_31e6_4d3c_9f6e_0d8f_7f8a_1a01);
const ANNA: SupplierId = SupplierId(0x0b8f_9a30_31e6_4d3c_9f6e_0d8f_7f8a_1a01);
const BERT: SupplierId = SupplierId(0x0b8f_9a30_31e6_4d3c_9f6e_0d8f_7f8a_1a02);

fn all() -> Viewer {
    Viewer { suppliers: SupplierScope::All, cvb: false }
}

fn about(event_type: EventType, supplier: SupplierId) -> NotificationSpec {
    NotificationSpec {
        supplier: Some(SupplierText(supplier)),
        rfp: Some(RFP),
        ..NotificationSpec::new(event_type)
    }
}

async fn send(simulator: &Simulator, suppliers: &[SupplierId]) {
    let specs = suppliers.iter().map(|supplier| about(EventType::RfpSend, *supplier)).collect();
    simulator.publish(specs, PublishOptions::default()).await.unwrap();
}

fn turn_down() -> Act {
    Act::turn_down(RFP, ANNA, &json!({ "responseReason": "OTHER", "comment": "We are full." })).unwrap()
}

fn answer(simulator: &Simulator, call: Call) -> Result<Value, Refusal> {
    simulator.world().read(|world| world.answer(&call, &all(), Timestamp::MAX))
}

fn said(body: &[u8]) -> (String, String, String) {
    let body: Value = serde_json::from_slice(body).unwrap();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (text("eventType"), text("rfpId"), text("supplierId"))
}

#[tokio::test]
async fn a_course_is_about_one_rfp_and_one_supplier() {
    let receiver = acknowledging();
    let simulator = virtual_time(&receiver).start().await.unwrap();
    for pack in Pack::BUILTIN {
        let spec = json!({ "endpoint": "https://receiver.test/", "events": "all", "schema_pack": pack });
        subscribe(&simulator, spec_of(spec)).await;
    }
    let course =
        || LifecycleSpec { course: Course::Award, supplier: None, rfp: None, overrides: None, every: None };
    simulator.lifecycle(course(), PublishOptions::default()).await.unwrap();
    simulator.lifecycle(course(), PublishOptions::default()).await.unwrap();
    let named = LifecycleSpec { rfp: Some(RFP), supplier: Some(SupplierText(ANNA)), ..course() };
    simulator.lifecycle(named, PublishOptions::default()).await.unwrap();
    simulator.when_idle(PATIENCE).await.unwrap();
    let mut about: Vec<_> = bodies(&receiver.requests()).iter().map(|body| said(body)).collect();
    about.iter_mut().for_each(|(event_type, ..)| event_type.clear());
    about.sort();
    about.dedup();
    assert_eq!(about.len(), 3, "each course has its own RFP, in all packs: {about:?}");
    assert!(about.contains(&(String::new(), RFP.to_string(), ANNA.to_string())));
    let rfps = simulator.world().read(|world| world.rfps(&PageRequest::default()));
    assert_eq!(rfps.items.len(), 3);
    assert!(rfps.items.iter().all(|rfp| rfp.happenings as usize == Course::Award.events().len()));
    let response = answer(&simulator, Call::Response(RFP, ANNA)).unwrap();
    assert_eq!(response["responseStatus"], "AWARDED");
}

#[tokio::test]
async fn an_act_is_pushed_to_whoever_may_see_it() {
    let receiver = acknowledging();
    let simulator = virtual_time(&receiver).start().await.unwrap();
    for (name, events, suppliers) in [
        ("anna", json!("all"), json!([ANNA.to_string()])),
        ("bert", json!("all"), json!([BERT.to_string()])),
        ("both", json!("all"), json!("all")),
        ("default", json!("default"), json!("all")),
    ] {
        let endpoint = format!("https://{name}.test/");
        subscribe(
            &simulator,
            spec_of(json!({ "endpoint": endpoint, "events": events, "suppliers": suppliers })),
        )
        .await;
    }
    send(&simulator, &[ANNA, BERT]).await;
    simulator.when_idle(PATIENCE).await.unwrap();
    let before = receiver.requests().len();
    simulator.act(turn_down(), all()).await.unwrap();
    simulator.when_idle(PATIENCE).await.unwrap();
    let requests = receiver.requests().split_off(before);
    let mut told: Vec<_> = requests.iter().map(|request| request.endpoint.host().to_owned()).collect();
    told.sort();
    assert_eq!(told, ["anna.test", "both.test"]);
    for body in bodies(&requests) {
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["eventType"], &body["reason"]), (&json!("RESPONSE_TURN_DOWN"), &json!("OTHER")));
        assert_eq!((&body["rfpId"], &body["supplierId"]), (&json!(RFP), &json!(ANNA.to_string())));
    }
    let response = answer(&simulator, Call::Response(RFP, ANNA)).unwrap();
    assert_eq!(response["turnDown"]["comment"], "We are full.");
}

#[tokio::test]
async fn what_is_refused_publishes_nothing() {
    let receiver = acknowledging();
    let simulator = virtual_time(&receiver).start().await.unwrap();
    subscribe(&simulator, spec_of(json!({ "endpoint": "https://receiver.test/", "events": "all" }))).await;
    let unknown = simulator.act(turn_down(), all()).await;
    assert!(matches!(unknown, Err(ActError::Refused(Refusal::NotFound(_)))), "{unknown:?}");
    send(&simulator, &[ANNA]).await;
    let bert = Viewer { suppliers: SupplierScope::Only([BERT].into()), cvb: true };
    let refused = simulator.act(turn_down(), bert).await;
    assert!(matches!(refused, Err(ActError::Refused(Refusal::Forbidden(_)))), "{refused:?}");
    simulator.when_idle(PATIENCE).await.unwrap();
    assert_eq!(receiver.requests().len(), 1);
    assert_eq!(simulator.metrics().await.unwrap().published, 1);
    simulator.shutdown(PATIENCE).await;
    let late = simulator.act(turn_down(), all()).await;
    assert!(matches!(late, Err(ActError::Unavailable(_))), "{late:?}");
}

#[tokio::test]
async fn a_push_can_be_pulled_at_once() {
    let simulator: Arc<OnceLock<Simulator>> = Arc::default();
    let missed: Arc<Mutex<Vec<String>>> = Arc::default();
    let (pulled, lost) = (Arc::clone(&simulator), Arc::clone(&missed));
    let receiver = ScriptedTransport::new(move |_, request| {
        let (event_type, rfp, _) = said(&request.body);
        let call = Call::Rfp(rfp.parse().unwrap());
        if answer(pulled.get().unwrap(), call).is_err() {
            lost.lock().unwrap().push(event_type);
        }
        OK
    });
    let started = virtual_time(&receiver).start().await.unwrap();
    let started = simulator.get_or_init(|| started);
    subscribe(started, spec()).await;
    for _ in 0..50 {
        publish(started, 4).await;
    }
    started.when_idle(PATIENCE).await.unwrap();
    assert_eq!(*missed.lock().unwrap(), [""; 0]);
    assert_eq!(receiver.requests().len(), 200);
}

#[tokio::test]
async fn after_a_restart_the_world_answers_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = acknowledging();
    let before = start_in(folder.path(), &receiver, Gear::Virtual).await;
    let raw = json!({ "rfpId": RFP, "supplierId": BERT.to_string(), "eventType": "RFP_VIEWED" }).to_string();
    send(&before, &[ANNA, BERT]).await;
    let mut specs =
        vec![about(EventType::ResponseAddAttachment, ANNA), about(EventType::PlannerCancel, ANNA)];
    specs[1].supplier = None;
    specs.push(NotificationSpec { raw: Some(raw), ..NotificationSpec::new(EventType::RfpViewed) });
    specs.push(NotificationSpec {
        overrides: json!({ "messageDetails": { "subject": "Hello" } }).as_object().cloned(),
        ..about(EventType::MessagePlannerToSupplier, BERT)
    });
    specs.push(NotificationSpec::new(EventType::VenueVisibilityChanged));
    before.publish(specs, PublishOptions::default()).await.unwrap();
    before.act(turn_down(), all()).await.unwrap();
    let course =
        LifecycleSpec { course: Course::Withdraw, supplier: None, rfp: None, overrides: None, every: None };
    before.lifecycle(course, PublishOptions::default()).await.unwrap();
    let look = |simulator: &Simulator| {
        let rfps = simulator.world().read(|world| world.rfps(&PageRequest::default()));
        let calls = rfps
            .items
            .iter()
            .flat_map(|rfp| [Call::Rfp(rfp.rfp), Call::Responses(rfp.rfp), Call::Messages(rfp.rfp)]);
        let answers: Vec<_> = calls.map(|call| answer(simulator, call)).collect();
        let details: Vec<_> =
            rfps.items.iter().map(|rfp| simulator.world().read(|world| world.rfp(rfp.rfp))).collect();
        (rfps, answers, details)
    };
    let told = look(&before);
    assert!(told.1.iter().all(Result::is_ok));
    assert_eq!(told.0.items.len(), 2);
    drop(before);
    let after = start_in(folder.path(), &receiver, Gear::Virtual).await;
    assert_eq!(look(&after), told);
    // And it goes on from there.
    let change = Act::change_turn_down(RFP, ANNA, &json!({ "responseReason": "RENOVATIONS" })).unwrap();
    after.act(change, all()).await.unwrap();
    let response = answer(&after, Call::Response(RFP, ANNA)).unwrap();
    assert_eq!(response["reason"], "RENOVATIONS");
}

#[tokio::test]
async fn a_crash_between_an_act_and_its_commit_leaves_both_or_neither() {
    let mut committed = 0;
    const ROUNDS: usize = 24;
    for polls in 0..ROUNDS {
        let folder = tempfile::tempdir().unwrap();
        let receiver = acknowledging();
        let before = start_in(folder.path(), &receiver, Gear::Virtual).await;
        subscribe(&before, spec_of(json!({ "endpoint": "https://receiver.test/", "events": "all" }))).await;
        send(&before, &[ANNA]).await;
        {
            let mut act = std::pin::pin!(before.act(turn_down(), all()));
            for _ in 0..polls {
                tokio::select! {
                    biased;
                    done = &mut act => { done.unwrap(); break; }
                    () = tokio::task::yield_now() => {}
                }
            }
            if polls + 1 == ROUNDS {
                before.act(turn_down(), all()).await.unwrap();
            }
        }
        drop(before);
        let after = start_in(folder.path(), &receiver, Gear::Virtual).await;
        after.advance(pns_simulator::service::model::AdvanceSpec::by(PATIENCE)).await.unwrap();
        let response = answer(&after, Call::Response(RFP, ANNA)).unwrap();
        let told = bodies(&receiver.requests()).iter().any(|body| said(body).0 == "RESPONSE_TURN_DOWN");
        let kept = response["turnDown"]["comment"] == "We are full.";
        assert_eq!(response["responseStatus"] == "TURNED_DOWN", kept, "the act comes with its notification");
        assert_eq!(told, kept, "what is pushed is what is told, after {polls} polls");
        committed += usize::from(kept);
    }
    assert!((1..ROUNDS).contains(&committed), "the first was never asked for, the last was awaited");
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_done() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = acknowledging();
    let builder =
        Simulator::builder().scripted(receiver.clone()).gear(Gear::Virtual).store_bytes_max(400 << 10);
    let full = builder.data(Data::Dir(folder.path().to_owned())).start().await.unwrap();
    send(&full, &[ANNA]).await;
    let batch = || vec![NotificationSpec::new(EventType::RfpSend); 100];
    while full.publish(batch(), PublishOptions::default()).await.is_ok() {}
    let refused = full.act(turn_down(), all()).await;
    assert!(matches!(refused, Err(ActError::Unavailable(_))), "{refused:?}");
    let response = answer(&full, Call::Response(RFP, ANNA)).unwrap();
    assert_eq!(response["responseStatus"], "NEW");
}

#[tokio::test]
async fn the_journal_of_an_earlier_build_has_its_world() {
    let folder = tempfile::tempdir().unwrap();
    let database = rusqlite::Connection::open(folder.path().join("journal.sqlite3")).unwrap();
    database.execute_batch(include_str!("../journal/version-1.sql")).unwrap();
    database.pragma_update(None, "application_id", 0x504e_534a).unwrap();
    database.pragma_update(None, "user_version", 1).unwrap();
    drop(database);
    let simulator = start_in(folder.path(), &acknowledging(), Gear::Virtual).await;
    let old: RfpId = "11111111-2222-4333-8444-555555555555".parse().unwrap();
    let response = answer(&simulator, Call::Response(old, ANNA)).unwrap();
    assert_eq!((&response["responseStatus"], &response["reason"]), (&json!("TURNED_DOWN"), &json!("OTHER")));
    let rfps = simulator.world().read(|world| world.rfps(&PageRequest::default()));
    assert_eq!(rfps.items.len(), 18, "notifications of courses were about an RFP each");
}

#[tokio::test]
async fn an_rfp_is_named_where_a_body_can_name_it() {
    let settings = WorldSettings { forwardable_percent: 100, ..WorldSettings::default() };
    let simulator = virtual_time(&acknowledging()).world(settings).start().await.unwrap();
    let mut venue = NotificationSpec::new(EventType::VenueVisibilityChanged);
    venue.rfp = Some(RFP);
    let mut raw = about(EventType::RfpSend, ANNA);
    raw.raw = Some("{}".to_owned());
    for (wrong, why) in [(venue, "about no RFP"), (raw, "says itself")] {
        let refused =
            simulator.publish(vec![wrong], PublishOptions::default()).await.unwrap_err().to_string();
        assert!(refused.starts_with("notifications[0].rfp: ") && refused.contains(why), "{refused}");
    }
    send(&simulator, &[ANNA]).await;
    let body = json!({ "forwarderSupplierId": ANNA.to_string(), "targetSupplierIds": [BERT.to_string()] });
    simulator.act(Act::forward(RFP, &body).unwrap(), all()).await.unwrap();
    let rfp = answer(&simulator, Call::Rfp(RFP)).unwrap();
    assert_eq!(rfp["suppliers"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn pull_faults_outlive_a_restart_with_what_is_left_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let before = start_in(folder.path(), &acknowledging(), Gear::Virtual).await;
    let fault = |json| serde_json::from_value(json).unwrap();
    before.plan_pull_fault(fault(json!({ "answer": 500, "times": 3 }))).await.unwrap();
    before.plan_pull_fault(fault(json!({ "slow": "1s" }))).await.unwrap();
    before.clear_pull_fault(Some(2)).await.unwrap();
    let asked = Asked::from(&Call::Rfp(RFP));
    assert!(before.pull_faults().take(&asked, Timestamp::EPOCH).is_some());
    assert_eq!(before.shutdown(PATIENCE).await, Stopped::Clean);

    let after = start_in(folder.path(), &acknowledging(), Gear::Virtual).await;
    let left = after.planned_pull_faults().await.unwrap();
    assert_eq!((left.len(), left[0].left), (1, Some(2)));
    let third = after.plan_pull_fault(fault(json!({ "no_consent": true, "for": "1h" }))).await.unwrap();
    assert_eq!(third.id, 3, "ids go on");
    drop(after);
    let crashed = start_in(folder.path(), &acknowledging(), Gear::Virtual).await;
    assert_eq!(crashed.planned_pull_faults().await.unwrap().len(), 2);
    let late = crashed.plan_pull_fault(fault(json!({ "stale": "1h", "for": "3650d" }))).await;
    assert!(late.is_ok(), "{late:?}");
}
