//! Who sees what.

use std::collections::BTreeSet;

use pns_engine::{EventType, SupplierScope, Timestamp};
use pns_simulator::world::{Call, DataType, MessageId, Refusal, RfpId, Viewer, WorldSettings};
use serde_json::json;

use crate::support::{ANNA, BERT, CARL, RFP, Teller, at, only, text, texts};

fn sent_to_anna_and_bert(settings: WorldSettings) -> Teller {
    let mut teller = Teller::with(settings);
    for supplier in [ANNA, BERT] {
        teller.tell(at(0), EventType::RfpSend, supplier, &json!({}));
    }
    teller
}

fn bureau() -> Viewer {
    Viewer { suppliers: SupplierScope::Only(BTreeSet::from([CARL])), cvb: true }
}

fn status(answer: &Result<serde_json::Value, Refusal>) -> u16 {
    answer.as_ref().map_or_else(Refusal::status, |_| 200)
}

#[test]
fn a_key_sees_its_own_suppliers_only() {
    let teller = sent_to_anna_and_bert(WorldSettings::default());
    let ask = |call, viewer: &Viewer| teller.world.answer(&call, viewer, Timestamp::MAX);
    let anna = only(&[ANNA]);
    assert_eq!(texts(&ask(Call::Rfp(RFP), &anna).unwrap()["suppliers"], "supplierId"), [ANNA.to_string()]);
    let responses = ask(Call::Responses(RFP), &anna).unwrap();
    assert_eq!(texts(&responses["responses"], "supplierId"), [ANNA.to_string()]);
    assert_eq!(status(&ask(Call::Response(RFP, ANNA), &anna)), 200);
    assert_eq!(status(&ask(Call::Response(RFP, BERT), &anna)), 403);
    assert_eq!(status(&ask(Call::Response(RFP, CARL), &anna)), 404, "it has no part in it");
    let carl = only(&[CARL]);
    for call in
        [Call::Rfp(RFP), Call::Responses(RFP), Call::DataType(RFP, DataType::Packages), Call::Messages(RFP)]
    {
        assert_eq!(status(&ask(call, &carl)), 403, "{call:?}");
    }
    assert_eq!(status(&ask(Call::Rfp(RfpId(1)), &carl)), 404);
    assert_eq!(status(&ask(Call::RepresentedVenues(RFP), &anna)), 403, "no bureau");
}

#[test]
fn a_bureau_sees_the_venues_of_its_area_that_consent() {
    let teller = sent_to_anna_and_bert(WorldSettings::default());
    let ask = |call| teller.world.answer(&call, &bureau(), Timestamp::MAX);
    let venues = ask(Call::RepresentedVenues(RFP)).unwrap();
    let told = texts(&venues["cvbs"][0]["representedVenues"], "supplierId");
    assert_eq!(told, [ANNA.to_string(), BERT.to_string()]);
    assert_eq!(status(&ask(Call::Response(RFP, ANNA))), 200);

    let refusing = WorldSettings { consent_percent: 0, ..WorldSettings::default() };
    let teller = sent_to_anna_and_bert(refusing);
    let ask = |call| teller.world.answer(&call, &bureau(), Timestamp::MAX);
    assert_eq!(status(&ask(Call::Response(RFP, ANNA))), 403, "without its consent");
    assert_eq!(status(&ask(Call::RepresentedVenues(RFP))), 200, "their states are told all the same");
    assert_eq!(ask(Call::Responses(RFP)).unwrap()["responses"], json!([]));

    let spread =
        WorldSettings { metropolitan_areas: 1_000_000.try_into().unwrap(), ..WorldSettings::default() };
    let teller = sent_to_anna_and_bert(spread);
    let elsewhere = teller.world.answer(&Call::Rfp(RFP), &bureau(), Timestamp::MAX);
    assert_eq!(status(&elsewhere), 403, "venues of other areas are not represented");
}

#[test]
fn messages_are_between_those_who_wrote_them() {
    let mut teller = sent_to_anna_and_bert(WorldSettings::default());
    let details = json!({ "messageDetails": { "messageId": MessageId(4), "subject": "s", "body": "b" } });
    teller.tell(at(1), EventType::MessagePlannerToSupplier, ANNA, &details);
    let ask = |call, viewer: &Viewer| teller.world.answer(&call, viewer, Timestamp::MAX);
    assert_eq!(status(&ask(Call::Message(MessageId(4)), &only(&[ANNA]))), 200);
    assert_eq!(status(&ask(Call::Message(MessageId(4)), &only(&[BERT]))), 403);
    assert_eq!(status(&ask(Call::Message(MessageId(4)), &bureau())), 403);
    assert_eq!(status(&ask(Call::Message(MessageId(5)), &bureau())), 404);
    assert_eq!(ask(Call::Messages(RFP), &only(&[BERT])).unwrap()["messages"], json!([]));
}

#[test]
fn an_rfp_of_which_no_supplier_is_known_is_seen_by_all() {
    let mut teller = Teller::new();
    let said = teller.tell(at(0), EventType::PlannerCancel, ANNA, &json!({}));
    let rfp = teller.world.answer(&Call::Rfp(RFP), &only(&[CARL]), Timestamp::MAX).unwrap();
    assert_eq!(text(&rfp, "/cancellation/reason"), *said.reason.unwrap());
}
