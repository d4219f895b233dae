//! What the world answers after what it was told.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

mod acts;
mod random;
mod seen;
mod support;

use pns_engine::{EventType, SupplierId, Timestamp};
use pns_simulator::service::model::{Order, PageRequest};
use pns_simulator::world::{AttachmentId, Call, DataType, MessageId, Refusal, RfpId, VenueId, WorldSettings};
use serde_json::json;

use self::support::{ANNA, BERT, RFP, Teller, all, at, text, texts};

#[test]
fn an_rfp_looks_like_one() {
    let mut teller = Teller::new();
    teller.tell(at(0), EventType::RfpSend, ANNA, &json!({}));
    let rfp = teller.now(Call::Rfp(RFP));
    for member in ["/rfpName", "/planner/name", "/planner/emailAddress", "/currency", "/responseDueDate"] {
        assert!(!text(&rfp, member).is_empty(), "{member}");
    }
    assert_eq!(text(&rfp, "/rfpStatus"), "OPEN");
    assert!(rfp["isForwardable"].is_boolean());
    assert!(
        text(&rfp, "/dates/0/startDate") > text(&rfp, "/responseDueDate"),
        "the event is after the answer"
    );
    assert!(rfp["guestRooms"].as_array().is_some_and(|nights| !nights.is_empty()));
    assert_eq!(texts(&rfp["suppliers"], "supplierId"), [ANNA.to_string()]);
}

#[test]
fn a_response_goes_the_way_that_was_told() {
    let mut teller = Teller::new();
    let mut step = |second, event_type, wanted: &str| {
        teller.tell(at(second), event_type, ANNA, &json!({}));
        assert_eq!(teller.status(ANNA), wanted, "after {event_type}");
    };
    step(0, EventType::RfpSend, "NEW");
    step(1, EventType::RfpViewed, "NEW");
    step(2, EventType::ResponseMarkInProgress, "IN_PROGRESS");
    step(3, EventType::ResponseTurnDown, "TURNED_DOWN");
    step(4, EventType::ResponseUndoTurnDown, "IN_PROGRESS");
    step(5, EventType::ResponseSubmitProposal, "SUBMITTED");
    step(6, EventType::PlannerAwardSupplier, "AWARDED");
    step(7, EventType::UpdateProposalPackages, "AWARDED");
    step(8, EventType::PlannerRetractAwardSupplier, "SUBMITTED");
    step(9, EventType::ResponseWithdraw, "WITHDRAWN");
    step(10, EventType::PlannerCancel, "CANCELLED");
    step(11, EventType::RfpSend, "NEW");
    assert_eq!(text(&teller.now(Call::Rfp(RFP)), "/rfpStatus"), "OPEN");
    // The past is as it was.
    let then = teller.world.answer(&Call::Response(RFP, ANNA), &all(), at(5)).unwrap();
    assert_eq!(text(&then, "/responseStatus"), "SUBMITTED");
}

#[test]
fn each_update_makes_another_version_of_its_part_only() {
    let mut teller = Teller::new();
    teller.tell(at(0), EventType::RfpSend, ANNA, &json!({}));
    let rooms = Call::DataType(RFP, DataType::SleepingRooms);
    let part = |teller: &Teller| teller.now(rooms)["responses"][0]["sleepingRooms"].clone();
    assert_eq!(part(&teller), json!({ "version": 0, "lastModifiedDate": null, "items": [] }));
    teller.tell(at(1), EventType::ResponseCreateProposal, ANNA, &json!({}));
    let first = part(&teller);
    assert_eq!(first["version"], 1);
    teller.tell(at(2), EventType::UpdateProposalAdditionalFees, ANNA, &json!({}));
    assert_eq!(part(&teller), first, "the fees are not the rooms");
    teller.tell(at(3), EventType::UpdateProposalSleepingRooms, ANNA, &json!({}));
    let second = part(&teller);
    assert_eq!(second["version"], 2);
    assert_ne!(second["items"], first["items"], "something has changed");
}

#[test]
fn attachments_are_those_added_and_not_deleted() {
    let mut teller = Teller::new();
    let ids: Vec<AttachmentId> = (1..=3).map(AttachmentId).collect();
    teller.tell(at(0), EventType::ResponseAddAttachment, ANNA, &json!({ "attachmentIds": ids }));
    teller.tell(at(1), EventType::ResponseDeleteAttachment, ANNA, &json!({ "attachmentIds": [ids[1]] }));
    let response = teller.now(Call::Response(RFP, ANNA));
    let told = texts(&response["attachments"]["items"], "attachmentId");
    assert_eq!(told, [ids[0].to_string(), ids[2].to_string()]);
    let file = teller.now(Call::Attachment(ids[0]));
    assert_eq!(text(&file, "/supplierId"), ANNA.to_string());
    let gone = teller.world.answer(&Call::Attachment(ids[1]), &all(), Timestamp::MAX);
    assert!(matches!(gone, Err(Refusal::NotFound(_))), "{gone:?}");
    assert!(teller.world.answer(&Call::Attachment(ids[1]), &all(), at(0)).is_ok(), "it was there");
}

#[test]
fn a_message_is_told_as_it_was_sent() {
    let mut teller = Teller::new();
    let details = json!({ "messageId": MessageId(9), "subject": "Dates?", "body": "Is \"May\" possible?" });
    teller.tell(at(0), EventType::MessagePlannerToSupplier, ANNA, &json!({ "messageDetails": details }));
    let message = teller.now(Call::Message(MessageId(9)));
    assert_eq!(text(&message, "/body"), "Is \"May\" possible?");
    assert_eq!(text(&message, "/direction"), "PLANNER_TO_SUPPLIER");
    assert_eq!(teller.now(Call::Messages(RFP))["messages"], json!([message]));
}

#[test]
fn a_venue_is_as_visible_as_was_told_last() {
    let mut teller = Teller::new();
    let venue = VenueId(5);
    let call = Call::Venue(venue);
    assert!(matches!(teller.world.answer(&call, &all(), Timestamp::MAX), Err(Refusal::NotFound(_))));
    for (second, active) in [(0, true), (1, false)] {
        let body = json!({ "venueId": venue, "venueDetails": { "active": active } }).to_string();
        teller.tell_raw(at(second), EventType::VenueVisibilityChanged, body.as_bytes(), None);
        assert_eq!(teller.now(call)["active"], active);
    }
    assert_eq!(teller.world.answer(&call, &all(), at(0)).unwrap()["active"], true);
}

#[test]
fn a_forwarded_rfp_was_forwardable() {
    let settings = WorldSettings { forwardable_percent: 0, ..WorldSettings::default() };
    let mut teller = Teller::with(settings);
    teller.tell(at(0), EventType::RfpSend, ANNA, &json!({}));
    assert_eq!(teller.now(Call::Rfp(RFP))["isForwardable"], false);
    let said = teller.tell(at(1), EventType::RfpForward, BERT, &json!({}));
    assert_eq!(teller.now(Call::Rfp(RFP))["isForwardable"], true);
    let response = teller.now(Call::Response(RFP, BERT));
    let name = said.forwarder.and_then(|forwarder| forwarder.name).unwrap();
    assert_eq!(text(&response, "/forwarderInfo/forwarderName"), *name);
}

#[test]
fn rfps_are_listed_page_by_page_in_both_orders() {
    let mut teller = Teller::new();
    for rfp in 1..=5_u128 {
        teller.tell(at(0), EventType::RfpSend, ANNA, &json!({ "rfpId": RfpId(rfp) }));
    }
    teller.tell(at(1), EventType::RfpViewed, ANNA, &json!({ "rfpId": RfpId(1) }));
    for (order, wanted) in [(Order::Ascending, [1, 2, 3, 4, 5]), (Order::Descending, [5, 4, 3, 2, 1])] {
        let (mut told, mut after) = (Vec::new(), None);
        loop {
            let page = teller.world.rfps(&PageRequest { after, limit: Some(2), order });
            told.extend(page.items.iter().map(|item| item.rfp.0));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(told, wanted);
    }
    let detail = teller.world.rfp(RfpId(1)).unwrap();
    assert_eq!(detail.history.len(), 2);
    assert_eq!(detail.summary.latest.0, EventType::RfpViewed);
    assert_eq!(detail.suppliers[0].supplier.0, ANNA);
    assert!(serde_json::to_value(&detail).is_ok());
}

#[test]
fn what_is_hostile_is_taken_within_bounds() {
    let mut teller = Teller::new();
    let ids: Vec<AttachmentId> = (0..100_000).map(AttachmentId).collect();
    let long = "é".repeat(400_000);
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let bodies = [
        String::new(),
        "[]".to_owned(),
        "null".to_owned(),
        deep.clone(),
        format!("{{\"rfpId\":\"{RFP}\",\"supplierId\":\"{ANNA}\",\"x\":{deep}}}"),
        json!({ "rfpId": 7, "supplierId": [] }).to_string(),
        json!({ "rfpId": RFP, "supplierId": ANNA.to_string(), "attachmentIds": ids }).to_string(),
        json!({ "rfpId": RFP, "supplierId": ANNA.to_string(), "reason": long, "messageDetails":
            { "messageId": MessageId(1), "subject": long, "body": long } })
        .to_string(),
        json!({ "rfpId": RFP, "supplierId": SupplierId(u128::MAX).to_string(), "forwarderInfo": 7 })
            .to_string(),
        json!({ "venueId": VenueId(0) }).to_string(),
    ];
    for event_type in EventType::ALL {
        for body in &bodies {
            teller.tell_raw(Timestamp::MAX, event_type, body.as_bytes(), None);
        }
    }
    let response = teller.now(Call::Response(RFP, ANNA));
    assert!(response.to_string().len() < 2 << 20);
    assert!(teller.world.rfp(RFP).is_some());
}

#[test]
fn the_oldest_rfps_are_forgotten_and_told() {
    let mut teller = Teller::new();
    for rfp in 0..100_010_u128 {
        let body = format!("{{\"rfpId\":\"{}\",\"supplierId\":\"{ANNA}\"}}", RfpId(rfp));
        teller.tell_raw(at(0), EventType::RfpSend, body.as_bytes(), None);
    }
    assert_eq!(teller.world.forgotten(), 10);
    assert!(teller.world.rfp(RfpId(9)).is_none());
    assert!(teller.world.rfp(RfpId(10)).is_some());
}

#[test]
fn the_oldest_happenings_of_an_rfp_are_forgotten_and_told() {
    let mut teller = Teller::new();
    let body = format!("{{\"rfpId\":\"{RFP}\",\"supplierId\":\"{ANNA}\"}}");
    teller.tell_raw(at(0), EventType::RfpViewed, body.as_bytes(), None);
    let dates = teller.now(Call::Rfp(RFP))["dates"].clone();
    for _ in 1..10_500 {
        teller.tell_raw(at(86_400 * 30), EventType::RfpViewed, body.as_bytes(), None);
    }
    let detail = teller.world.rfp(RFP).unwrap();
    assert_eq!(detail.history.len(), 1_000);
    assert_eq!(detail.forgotten, 9_500);
    assert_eq!(detail.summary.happenings, 10_500);
    assert_eq!(teller.now(Call::Rfp(RFP))["dates"], dates, "it is the same RFP");
}

#[test]
fn equal_seeds_answer_alike_and_others_do_not() {
    let answer = |seed| {
        let mut teller = Teller::seeded(seed, WorldSettings::default());
        teller.tell(at(0), EventType::ResponseSubmitProposal, ANNA, &json!({}));
        [Call::Rfp(RFP), Call::Response(RFP, ANNA)].map(|call| teller.now(call))
    };
    assert_eq!(answer(1), answer(1));
    let ([rfp, response], [other_rfp, other_response]) = (answer(1), answer(2));
    assert_ne!(rfp["rfpName"], other_rfp["rfpName"]);
    assert_ne!(response["sleepingRooms"], other_response["sleepingRooms"]);
}
