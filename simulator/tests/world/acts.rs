//! What may be done through the pull API, and what comes of it.

use pns_engine::{EventType, SupplierId};
use pns_simulator::world::{Act, Call, Refusal, RfpId, Viewer, WorldSettings};
use serde_json::{Value, json};

use crate::support::{ANNA, BERT, CARL, RFP, Teller, all, at, only, text};

fn teller() -> Teller {
    // Everything is allowed, so that what is refused is refused for its own sake.
    let settings =
        WorldSettings { forwardable_percent: 100, supplier_dates_percent: 100, ..WorldSettings::default() };
    let mut teller = Teller::with(settings);
    teller.tell(at(0), EventType::RfpSend, ANNA, &json!({}));
    teller
}

fn causes<T: std::fmt::Debug>(refused: Result<T, Refusal>) -> String {
    match refused {
        Err(Refusal::Unprocessable(causes)) => causes.join("; "),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_turn_down_is_checked_as_documented() {
    let read = |body: Value| Act::turn_down(RFP, ANNA, &body);
    let refused = |body: Value| causes(read(body));
    assert!(refused(json!({})).contains("cannot both be null"));
    assert!(refused(json!({ "responseReason": null, "comment": "no" })).contains("cannot both be null"));
    assert!(
        refused(json!({ "responseReason": "BORED" })).contains("responseReason must be one of TOO_SPACE")
    );
    assert!(refused(json!({ "additionalReason": "OTHER" })).contains("VENUE_TEMPORARILY_CLOSED"));
    assert!(refused(json!({ "responseReason": "OTHER" })).contains("comment must be given"));
    assert!(refused(json!({ "responseReason": "OTHER", "comment": "  " })).contains("comment must be given"));
    assert!(refused(json!({ "responseReason": 7 })).contains("must be a text"));
    assert!(refused(json!([])).contains("JSON object"));
    for address in ["", "x", "a@b", "a@b.", "@b.c", "a b@c.d", "a@b@c.d", "a@.d"] {
        let body = json!({ "responseReason": "LOW_BUDGET", "emailAddress": address });
        assert!(refused(body).contains("emailAddress"), "{address}");
    }
    // All at once.
    let both = refused(json!({ "responseReason": "BORED", "additionalReason": "BORED" }));
    assert!(both.contains("responseReason") && both.contains("additionalReason"), "{both}");
    assert!(read(json!({ "additionalReason": "VENUE_PERMANENTLY_CLOSED", "extra": 1 })).is_ok());
    assert!(
        read(json!({ "responseReason": "OTHER", "comment": "full", "emailAddress": "a@b.example" })).is_ok()
    );
}

#[test]
fn a_turn_down_is_seen_and_can_be_changed() {
    let mut teller = teller();
    let why =
        json!({ "responseReason": "OTHER", "comment": "We are closed.", "emailAddress": "a@b.example" });
    let act = Act::turn_down(RFP, ANNA, &why).unwrap();
    let change = Act::change_turn_down(RFP, ANNA, &json!({ "responseReason": "RENOVATIONS" })).unwrap();
    assert!(causes(teller.act(at(1), &change, &all())).contains("was not turned down"));
    assert_eq!(teller.act(at(1), &act, &all()), Ok(1));
    let response = teller.now(Call::Response(RFP, ANNA));
    assert_eq!(text(&response, "/responseStatus"), "TURNED_DOWN");
    assert_eq!(text(&response, "/reason"), "OTHER");
    assert_eq!(text(&response, "/turnDown/comment"), "We are closed.");
    assert_eq!(teller.act(at(2), &change, &all()), Ok(1));
    let response = teller.now(Call::Response(RFP, ANNA));
    assert_eq!(text(&response, "/turnDown/responseReason"), "RENOVATIONS");
    assert_eq!(response["turnDown"]["comment"], Value::Null);
}

#[test]
fn nobody_acts_for_others() {
    let mut teller = teller();
    let mut status = |rfp, supplier, viewer: &Viewer| {
        let act = Act::turn_down(rfp, supplier, &json!({ "responseReason": "LOW_BUDGET" })).unwrap();
        teller.act(at(1), &act, viewer).map_or_else(|refusal| refusal.status(), |_| 200)
    };
    assert_eq!(status(RfpId(1), ANNA, &all()), 404);
    assert_eq!(status(RFP, BERT, &all()), 404, "it has no part in the RFP");
    assert_eq!(status(RFP, ANNA, &only(&[BERT])), 403);
    let bureau = Viewer { cvb: true, ..only(&[CARL]) };
    assert_eq!(status(RFP, ANNA, &bureau), 403, "a bureau sees, and does not act");
    assert_eq!(status(RFP, ANNA, &only(&[ANNA])), 200);
}

#[test]
fn a_forward_reaches_each_target_once_and_names_the_forwarder() {
    let mut teller = teller();
    let body = json!({ "forwarderSupplierId": ANNA.to_string(),
        "targetSupplierIds": [BERT.to_string(), CARL.to_string(), BERT.to_string()] });
    let act = Act::forward(RFP, &body).unwrap();
    assert_eq!(teller.act(at(1), &act, &only(&[ANNA])), Ok(2));
    for target in [BERT, CARL] {
        let response = teller.now(Call::Response(RFP, target));
        assert_eq!(text(&response, "/responseStatus"), "NEW");
        assert_eq!(text(&response, "/forwarderInfo/forwarderSupplierId"), ANNA.to_string());
        let name = text(&teller.now(Call::Response(RFP, ANNA)), "/supplierName");
        assert_eq!(text(&response, "/forwarderInfo/forwarderName"), name);
    }
    for body in [
        json!({}),
        json!({ "forwarderSupplierId": ANNA.to_string(), "targetSupplierIds": [] }),
        json!({ "forwarderSupplierId": ANNA.to_string(), "targetSupplierIds": ["x"] }),
        json!({ "forwarderSupplierId": ANNA.to_string(), "targetSupplierIds": [ANNA.to_string()] }),
        json!({ "forwarderSupplierId": ANNA.to_string(), "targetSupplierIds":
            (0..101).map(|id| SupplierId(id).to_string()).collect::<Vec<_>>() }),
    ] {
        assert!(!causes(Act::forward(RFP, &body)).is_empty(), "{body}");
    }
}

#[test]
fn what_the_planner_does_not_allow_is_not_forwarded() {
    let settings = WorldSettings { forwardable_percent: 0, ..WorldSettings::default() };
    let mut teller = Teller::with(settings);
    teller.tell(at(0), EventType::RfpSend, ANNA, &json!({}));
    let body = json!({ "forwarderSupplierId": ANNA.to_string(), "targetSupplierIds": [BERT.to_string()] });
    let act = Act::forward(RFP, &body).unwrap();
    assert!(causes(teller.act(at(1), &act, &all())).contains("isForwardable"));
}

/// A world in which the planner's wishes for dates fit `wanted`, and the RFP.
fn asking(wanted: impl Fn(&Value) -> bool) -> (Teller, RfpId, Value) {
    let mut teller = teller();
    for id in 1..500_u128 {
        let rfp = RfpId(id);
        teller.tell(at(0), EventType::RfpSend, ANNA, &json!({ "rfpId": rfp }));
        let content = teller.now(Call::Rfp(rfp));
        if wanted(&content) {
            return (teller, rfp, content);
        }
    }
    panic!("none of 500 RFPs is like that");
}

fn offer(dates: &Value, over: &Value) -> Value {
    let mut offer = json!({
        "dateRangeType": dates["dateRangeType"],
        "startDate": dates["startDate"],
        "endDate": dates["endDate"],
        "availability": "AVAILABLE",
    });
    offer.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
    offer
}

#[test]
fn the_dates_of_a_proposal_are_checked_as_documented() {
    let (mut teller, rfp, content) = asking(|rfp| rfp["availabilityRequired"] == false);
    let dates = &content["dates"][0];
    let mut refused = |over: Value| {
        let body = json!({ "proposedDates": [offer(dates, &over)] });
        let act = Act::update_proposal(rfp, ANNA, &body);
        match act.and_then(|act| teller.act(at(1), &act, &all())) {
            Ok(_) => String::new(),
            refused => causes(refused),
        }
    };
    assert_eq!(refused(json!({})), "");
    for (over, cause) in [
        (json!({ "availability": null }), "availability is null or NONE"),
        (json!({ "availability": "NONE" }), "availability is null or NONE"),
        (json!({ "startDate": null }), "start date is null"),
        (json!({ "endDate": null }), "end date is null"),
        (json!({ "startDate": "2031-05-02", "endDate": "2031-05-01" }), "before the start date"),
        (json!({ "startDate": "2031-01-01", "endDate": "2031-04-02" }), "longer than 90 days"),
        (json!({ "startDate": "2001-01-01", "endDate": "2001-01-02" }), "end date is in the past"),
        (json!({ "startDate": "2001-01-01" }), "start date is in the past"),
        (json!({ "availability": "NOT_AVAILABLE" }), "requires no availability"),
        (json!({ "availability": "AVAILABLE_FIRST_OPTION" }), "without holdingSpace"),
        (json!({ "holdingSpace": true }), "without holdExpirationDate"),
        (
            json!({ "holdingSpace": true, "holdExpirationDate": dates["startDate"] }),
            "is the start date, or after it",
        ),
        (json!({ "startDate": "tomorrow" }), "startDate must be a date"),
        (json!({ "holdingSpace": "yes" }), "holdingSpace must be true or false"),
    ] {
        let told = refused(over.clone());
        assert!(told.contains(cause), "{over}: {told}");
    }
    assert_eq!(refused(json!({ "startDate": "2031-01-01", "endDate": "2031-04-01" })), "", "90 days");
    let held = json!({ "availability": "AVAILABLE_FIRST_OPTION", "holdingSpace": true, "holdExpirationDate": "2025-12-24" });
    assert_eq!(refused(held), "");
}

#[test]
fn a_proposal_offers_what_the_rfp_requires() {
    let several = |rfp: &Value| rfp["dates"].as_array().is_some_and(|dates| dates.len() > 1);
    let (mut teller, rfp, content) = asking(|rfp| rfp["availabilityRequired"] == true && several(rfp));
    let mut propose = |offers: Vec<Value>| {
        let act = Act::update_proposal(rfp, ANNA, &json!({ "proposedDates": offers })).unwrap();
        teller.act(at(1), &act, &all())
    };
    let dates = content["dates"].as_array().unwrap();
    let every: Vec<Value> = dates.iter().map(|dates| offer(dates, &json!({}))).collect();
    assert_eq!(propose(every.clone()), Ok(1));
    assert!(causes(propose(every[1..].to_vec())).contains("availability is required for all dates"));

    let only_one = |rfp: &Value| rfp["dates"].as_array().is_some_and(|dates| dates.len() == 1);
    let fixed = |rfp: &Value| rfp["datesFlexible"] == false && rfp["availabilityRequired"] == true;
    let (mut teller, rfp, content) = asking(|rfp| only_one(rfp) && fixed(rfp));
    let body = json!({ "proposedDates": [offer(&content["dates"][0], &json!({ "availability": "NOT_AVAILABLE" }))] });
    let act = Act::update_proposal(rfp, ANNA, &body).unwrap();
    assert!(causes(teller.act(at(1), &act, &all())).contains("only one date"));
}

#[test]
fn a_supplier_suggests_dates_where_the_planner_lets_it() {
    let settings = WorldSettings { supplier_dates_percent: 0, ..WorldSettings::default() };
    let mut teller = Teller::with(settings);
    teller.tell(at(0), EventType::RfpSend, ANNA, &json!({}));
    let offer = json!({ "dateRangeType": "SUPPLIER_SUGGESTED", "startDate": "2031-01-01", "endDate": "2031-01-03",
        "availability": "AVAILABLE" });
    let act = Act::create_proposal(RFP, ANNA, &json!({ "proposedDates": [offer] })).unwrap();
    assert!(causes(teller.act(at(1), &act, &all())).contains("supplier suggested dates"));
}

#[test]
fn what_a_proposal_was_given_is_told_until_it_is_changed() {
    let (mut teller, rfp, content) = asking(|rfp| rfp["availabilityRequired"] == false);
    let offers = json!([offer(&content["dates"][0], &json!({}))]);
    let body = json!({ "taxPercent": 19.5, "note": "as agreed", "proposedDates": offers });
    let act = Act::update_proposal(rfp, ANNA, &body).unwrap();
    teller.act(at(1), &act, &all()).unwrap();
    let response = teller.now(Call::Response(rfp, ANNA));
    assert_eq!(response["proposalDetails"]["taxPercent"], 19.5);
    assert_eq!(response["proposalDetails"]["note"], "as agreed");
    assert_eq!(response["proposalDates"]["items"], offers);
    let version = response["proposalDates"]["version"].as_u64().unwrap();
    teller.tell(at(2), EventType::UpdateProposalAlternateDates, ANNA, &json!({ "rfpId": rfp }));
    let response = teller.now(Call::Response(rfp, ANNA));
    assert_ne!(response["proposalDates"]["items"], offers, "somebody changed the dates since");
    assert!(response["proposalDates"]["version"].as_u64().unwrap() > version);
}

#[test]
fn an_act_reads_back_from_the_journal() {
    let acts = [
        Act::turn_down(RFP, ANNA, &json!({ "responseReason": "OTHER", "comment": "é" })).unwrap(),
        Act::change_turn_down(RFP, ANNA, &json!({ "additionalReason": "VENUE_TEMPORARILY_CLOSED" })).unwrap(),
        Act::update_proposal(RFP, ANNA, &json!({ "a": [1, null] })).unwrap(),
        Act::create_proposal(RFP, ANNA, &json!({})).unwrap(),
        Act::forward(
            RFP,
            &json!({ "forwarderSupplierId": ANNA.to_string(), "targetSupplierIds": [BERT.to_string()] }),
        )
        .unwrap(),
    ];
    for act in acts {
        let text = serde_json::to_string(&act).unwrap();
        assert_eq!(serde_json::from_str::<Act>(&text).unwrap(), act, "{text}");
    }
}
