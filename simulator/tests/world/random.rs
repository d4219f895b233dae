//! Any events in any order: what is answered is what was said.

use std::collections::{BTreeMap, BTreeSet};

use pns_engine::{EventType, SupplierId, Timestamp};
use pns_simulator::world::{AttachmentId, Call, DataType, MessageId, RfpId};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{ANNA, BERT, CARL, RFP, Teller, all, at, only, text, texts};

/// One event of a course that is drawn.
#[derive(Clone, Debug)]
struct Event {
    event_type: EventType,
    supplier: SupplierId,
    rfp: RfpId,
    attachments: Vec<AttachmentId>,
    message: MessageId,
    pause: u64,
}

fn event() -> impl Strategy<Value = Event> {
    (
        prop::sample::select(EventType::ALL.to_vec()),
        prop::sample::select(vec![ANNA, BERT, CARL]),
        prop::sample::select(vec![0, 1_u128]),
        prop::collection::vec(0..5_u128, 1..4),
        0..4_u128,
        0..2_u64,
    )
        .prop_map(|(event_type, supplier, rfp, attachments, message, pause)| Event {
            event_type,
            supplier,
            rfp: RfpId(RFP.0 + rfp),
            // An id belongs to one RFP, and an attachment to one supplier.
            attachments: attachments.iter().map(|id| AttachmentId(id + supplier.0 + rfp * 1_000)).collect(),
            message: MessageId(message + rfp * 1_000),
            pause,
        })
}

fn told(teller: &mut Teller, at: Timestamp, event: &Event) -> pns_simulator::world::Said {
    let mut over = json!({});
    if event.event_type != EventType::VenueVisibilityChanged {
        over["rfpId"] = json!(event.rfp);
    }
    match event.event_type {
        EventType::ResponseAddAttachment | EventType::ResponseDeleteAttachment => {
            over["attachmentIds"] = json!(event.attachments);
        }
        EventType::MessagePlannerToSupplier
        | EventType::MessageSupplierToPlanner
        | EventType::MessageSupplierToSupplier => {
            over["messageDetails"] = json!({ "messageId": event.message });
        }
        _ => {}
    }
    teller.tell(at, event.event_type, event.supplier, &over)
}

/// What the event itself promises of the answers at its time.
fn promised(teller: &Teller, event: &Event, said: &pns_simulator::world::Said) -> Result<(), TestCaseError> {
    use EventType as T;

    if event.event_type == T::VenueVisibilityChanged {
        let (venue, active) = said.venue.unwrap();
        prop_assert_eq!(&teller.now(Call::Venue(venue))["active"], &json!(active));
        return Ok(());
    }
    let rfp = teller.now(Call::Rfp(event.rfp));
    if event.event_type == T::PlannerCancel {
        prop_assert_eq!(text(&rfp, "/rfpStatus"), "CANCELLED");
        prop_assert_eq!(text(&rfp, "/cancellation/reason"), said.reason.as_deref().unwrap());
        return Ok(());
    }
    let response = teller.now(Call::Response(event.rfp, event.supplier));
    let status = text(&response, "/responseStatus");
    let (is, is_not) = match event.event_type {
        T::ResponseMarkInProgress => ("IN_PROGRESS", ""),
        T::ResponseSubmitProposal => ("SUBMITTED", ""),
        T::ResponseSubmitProposalOutsideCvent => ("SUBMITTED_OUTSIDE_CVENT", ""),
        T::ResponseTurnDown => ("TURNED_DOWN", ""),
        T::ResponseWithdraw => ("WITHDRAWN", ""),
        T::PlannerAwardSupplier => ("AWARDED", ""),
        T::PlannerDeclineSupplier => ("DECLINED", ""),
        T::PlannerCancelSupplier => ("CANCELLED", ""),
        T::ResponseUndoTurnDown => ("", "TURNED_DOWN"),
        T::ResponseRetractWithdraw => ("", "WITHDRAWN"),
        T::PlannerRetractAwardSupplier => ("", "AWARDED"),
        T::PlannerRetractDeclineSupplier => ("", "DECLINED"),
        T::RfpSend | T::RfpForward => ("", "CANCELLED"),
        _ => ("", ""),
    };
    prop_assert!(is.is_empty() || status == is, "{} after {}", status, event.event_type);
    prop_assert!(status != is_not, "{} after {}", status, event.event_type);
    if let Some(reason) = &said.reason {
        prop_assert_eq!(text(&response, "/reason"), &**reason);
    }
    if let Some(message) = &said.message {
        let told = teller.now(Call::Message(message.id));
        prop_assert_eq!(text(&told, "/subject"), &*message.subject);
        prop_assert_eq!(text(&told, "/body"), &*message.body);
    }
    if let Some(forwarder) = &said.forwarder {
        let id = forwarder.id.unwrap().to_string();
        prop_assert_eq!(text(&response, "/forwarderInfo/forwarderSupplierId"), id);
    }
    Ok(())
}

/// The versions of all parts of a response.
fn versions(teller: &Teller, rfp: RfpId, supplier: SupplierId) -> Vec<u64> {
    let call = |part| Call::DataType(rfp, part);
    let version = |part| {
        let answer = teller.world.answer(&call(part), &only(&[supplier]), Timestamp::MAX);
        let found = answer.ok().and_then(|answer| {
            let response =
                answer["responses"].as_array()?.first()?.as_object()?.values().find(|v| v.is_object())?;
            response["version"].as_u64()
        });
        found.unwrap_or(0)
    };
    DataType::ALL.map(version).to_vec()
}

fn calls() -> Vec<Call> {
    let mut calls = Vec::new();
    for rfp in [RFP, RfpId(RFP.0 + 1)] {
        calls.extend([Call::Rfp(rfp), Call::Responses(rfp), Call::Messages(rfp)]);
        calls.extend([ANNA, BERT, CARL].map(|supplier| Call::Response(rfp, supplier)));
        calls.extend(DataType::ALL.map(|part| Call::DataType(rfp, part)));
    }
    calls.extend((0..4).flat_map(|id| [id, id + 1_000]).map(|id| Call::Message(MessageId(id))));
    calls
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_is_what_was_said(events in prop::collection::vec(event(), 1..40)) {
        let mut teller = Teller::new();
        let mut second = 0;
        let mut attached: BTreeMap<(RfpId, SupplierId), BTreeSet<AttachmentId>> = BTreeMap::new();
        let mut sent: BTreeMap<RfpId, Vec<MessageId>> = BTreeMap::new();
        for event in &events {
            second += event.pause;
            let before = versions(&teller, event.rfp, event.supplier);
            let said = told(&mut teller, at(second), event);
            promised(&teller, event, &said)?;
            let after = versions(&teller, event.rfp, event.supplier);
            prop_assert!(before.iter().zip(&after).all(|(before, after)| before <= after), "no version falls");
            if let Some(part) = DataType::changed_by(event.event_type) {
                let place = DataType::ALL.iter().position(|one| *one == part).unwrap();
                prop_assert!(after[place] > before[place], "{} makes a version of {}", event.event_type, part);
            }
            let held = attached.entry((event.rfp, event.supplier)).or_default();
            match event.event_type {
                EventType::ResponseAddAttachment => held.extend(&event.attachments),
                EventType::ResponseDeleteAttachment => held.retain(|id| !event.attachments.contains(id)),
                _ => {}
            }
            if let Some(message) = &said.message {
                sent.entry(event.rfp).or_default().push(message.id);
            }
        }
        for ((rfp, supplier), held) in attached {
            let Ok(response) = teller.world.answer(&Call::Response(rfp, supplier), &all(), Timestamp::MAX) else {
                prop_assert!(held.is_empty());
                continue;
            };
            let told: BTreeSet<String> =
                texts(&response["attachments"]["items"], "attachmentId").into_iter().collect();
            prop_assert_eq!(told, held.iter().map(ToString::to_string).collect::<BTreeSet<_>>());
        }
        for (rfp, sent) in sent {
            let told = texts(&teller.now(Call::Messages(rfp))["messages"], "messageId");
            prop_assert_eq!(told, sent.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_past_is_told_as_it_was(events in prop::collection::vec(event(), 1..30), until in 0..60_u64) {
        let (mut whole, mut part) = (Teller::new(), Teller::new());
        let mut second = 0;
        for event in &events {
            second += event.pause;
            told(&mut whole, at(second), event);
            if second <= until {
                told(&mut part, at(second), event);
            }
        }
        for call in calls() {
            let then = whole.world.answer(&call, &all(), at(until));
            prop_assert_eq!(&then, &part.world.answer(&call, &all(), Timestamp::MAX), "{:?}", call);
            prop_assert_eq!(&then, &whole.world.answer(&call, &all(), at(until)), "asked again");
        }
    }

    #[test]
    fn no_body_is_too_much(
        bodies in prop::collection::vec((prop::sample::select(EventType::ALL.to_vec()), any::<Vec<u8>>()), 0..20),
        values in prop::collection::vec(junk(), 0..20),
    ) {
        let mut teller = Teller::new();
        for (event_type, body) in &bodies {
            teller.tell_raw(at(0), *event_type, body, None);
        }
        for (nth, value) in values.iter().enumerate() {
            let event_type = EventType::ALL[nth % EventType::ALL.len()];
            teller.tell_raw(at(0), event_type, value.to_string().as_bytes(), None);
        }
        for call in calls() {
            let _any = teller.world.answer(&call, &all(), Timestamp::MAX);
        }
    }
}

/// A body with the right members and anything in them.
fn junk() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        Just(json!(RFP)),
        Just(json!(ANNA.to_string())),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,20}".prop_map(Value::from),
    ];
    let names = [
        "rfpId",
        "supplierId",
        "reason",
        "attachmentIds",
        "messageDetails",
        "messageId",
        "subject",
        "body",
        "forwarderInfo",
        "forwarderSupplierId",
        "venueId",
        "venueDetails",
        "active",
    ];
    leaf.prop_recursive(3, 40, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(names.to_vec()), inner), 0..10).prop_map(|members| {
                Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    })
}
