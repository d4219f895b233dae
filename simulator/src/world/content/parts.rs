//! The parts of a proposal. Each version of a part is drawn anew where it may change: rates, answers, rooms.

use pns_engine::SupplierId;
use serde_json::{Value, json};

use super::rfp::Request;
use super::{later, money};
use crate::world::call::DataType;
use crate::world::draw::{For, Lot};
use crate::world::id::{AttachmentId, RfpId};

const ROOM_TYPES: [&str; 4] = ["Standard king", "Standard double", "Junior suite", "Executive suite"];
const SPACES: [&str; 6] = ["Grand Ballroom", "Hall B", "Salon Vert", "Boardroom", "Terrace", "Foyer"];
const SETUPS: [&str; 5] = ["THEATER", "CLASSROOM", "BANQUET", "U_SHAPE", "RECEPTION"];
const PACKAGES: [&str; 4] =
    ["Day delegate rate", "24-hour delegate rate", "Half-day meeting", "Gala evening"];
const COSTS: [&str; 5] = ["Guest rooms", "Meeting space", "Food and beverage", "Audio-visual", "Taxes"];
const FEES: [&str; 5] = ["Service charge", "Resort fee", "Parking", "City tax", "Early departure"];
const QUESTIONS: [&str; 5] = [
    "Do you offer complimentary Wi-Fi in meeting rooms?",
    "What is your cancellation policy?",
    "How far is the nearest airport?",
    "Are there renovations planned over our dates?",
    "Which sustainability certificates do you hold?",
];
const ANSWERS: [&str; 5] = [
    "Yes, for all attendees.",
    "Up to 30 days before arrival without charge.",
    "About 25 minutes by car.",
    "None are planned.",
    "We will gladly send details.",
];
const FILES: [(&str, &str); 6] = [
    ("Floor plan", "application/pdf"),
    ("Banquet menus", "application/pdf"),
    ("Contract draft", "application/pdf"),
    ("Ballroom", "image/jpeg"),
    ("Room block", "text/csv"),
    ("Fact sheet", "application/pdf"),
];

/// The draws of one part, and of one version of it.
struct Draws {
    part: Lot,
    version: Lot,
}

/// What a version of a part holds; nothing before there is one.
pub(in crate::world) fn part_items(
    seed: u64,
    request: &Request,
    (rfp, supplier): (RfpId, SupplierId),
    part: DataType,
    version: u32,
) -> Vec<Value> {
    if version == 0 {
        return Vec::new();
    }
    let names = [rfp.0, supplier.0, part as u128, u128::from(version)];
    let mut draws =
        Draws { part: Lot::new(seed, For::Part, &names[..3]), version: Lot::new(seed, For::Version, &names) };
    let Draws { part: steady, version: fresh } = &mut draws;
    match part {
        DataType::AgendaItems => agenda(request, steady, fresh),
        DataType::ProposalDates => dates(request, fresh),
        // What was attached is not drawn.
        DataType::Attachments => Vec::new(),
        DataType::EventSpaces => spaces(steady),
        DataType::EstimatedCosts => {
            let item = |name: &&str| json!({ "name": name, "amount": money(fresh.within(500, 60_000) * 100) });
            COSTS.iter().map(item).collect()
        }
        DataType::Packages => PACKAGES[..1 + usize::try_from(steady.below(3)).unwrap_or_default()]
            .iter()
            .map(|name| json!({ "name": name, "pricePerPerson": money(fresh.within(45, 480) * 100), "minimumPersons": fresh.within(1, 6) * 10 }))
            .collect(),
        DataType::SleepingRooms => rooms(request, steady, fresh),
        DataType::AdditionalQuestions => QUESTIONS
            .iter()
            .map(|question| json!({ "questionId": SupplierId(steady.uuid()).to_string(), "question": question, "answer": fresh.pick(&ANSWERS) }))
            .collect(),
        DataType::AdditionalFees => FEES
            .iter()
            .filter(|_| steady.percent(60))
            .map(|name| json!({ "name": name, "amount": money(fresh.within(5, 400) * 100), "perRoom": fresh.percent(50) }))
            .collect(),
    }
}

fn agenda(request: &Request, steady: &mut Lot, fresh: &mut Lot) -> Vec<Value> {
    let mut items = request.agenda();
    for item in &mut items {
        item["agendaItemId"] = json!(SupplierId(steady.uuid()).to_string());
        item["space"] = json!(fresh.pick(&SPACES));
        item["rental"] = money(fresh.within(0, 80) * 10_000);
    }
    items
}

fn dates(request: &Request, fresh: &mut Lot) -> Vec<Value> {
    let (start, end) = request.preferred();
    let mut items = vec![json!({
        "dateRangeType": "PLANNER_PREFERRED",
        "startDate": start.to_string(),
        "endDate": end.to_string(),
        "availability": fresh.pick(&["AVAILABLE", "AVAILABLE", "AVAILABLE_SECOND_OPTION"]),
        "holdingSpace": false,
    })];
    if request.terms.supplier_dates_allowed && fresh.percent(50) {
        let shift = fresh.within(7, 28);
        items.push(json!({
            "dateRangeType": "SUPPLIER_SUGGESTED",
            "startDate": later(start, shift).to_string(),
            "endDate": later(end, shift).to_string(),
            "availability": "AVAILABLE_FIRST_OPTION",
            "holdingSpace": true,
            "holdExpirationDate": later(start, shift.saturating_sub(7)).to_string(),
        }));
    }
    items
}

fn spaces(steady: &mut Lot) -> Vec<Value> {
    let mut items = Vec::new();
    for name in SPACES {
        if items.is_empty() || steady.percent(60) {
            items.push(json!({
                "name": name,
                "squareFeet": steady.within(40, 1_500) * 10,
                "setup": steady.pick(&SETUPS),
                "capacity": steady.within(2, 90) * 10,
            }));
        }
    }
    items
}

fn rooms(request: &Request, steady: &mut Lot, fresh: &mut Lot) -> Vec<Value> {
    let block = request.rooms_on_peak();
    let mut items = Vec::new();
    for (place, name) in ROOM_TYPES.iter().enumerate() {
        if place == 0 || steady.percent(60) {
            items.push(json!({
                "roomType": name,
                "rooms": (block / (u32::try_from(place).unwrap_or_default() + 1)).max(1),
                "rate": money(fresh.within(95 + 60 * u32::try_from(place).unwrap_or_default(), 650) * 100),
                "commissionPercent": fresh.pick(&["0", "7", "10"]),
            }));
        }
    }
    items
}

/// An attachment, but for when it was added.
pub(in crate::world) fn attachment(seed: u64, id: AttachmentId) -> Value {
    let mut lot = Lot::new(seed, For::Attachment, &[id.0]);
    let nth = usize::try_from(lot.below(FILES.len() as u64)).unwrap_or_default();
    let (name, content_type) = FILES[nth];
    let ending = content_type.rsplit('/').next().unwrap_or_default();
    let ending = if ending == "jpeg" { "jpg" } else { ending };
    json!({
        "attachmentId": id,
        "fileName": format!("{name}.{ending}"),
        "contentType": content_type,
        "size": lot.within(12_000, 4_000_000),
    })
}
