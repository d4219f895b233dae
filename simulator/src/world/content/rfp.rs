//! What a planner asks for.

use jiff::civil::Date;
use pns_engine::Timestamp;
use serde_json::{Value, json};

use super::{day, later, money};
use crate::world::act::Terms;
use crate::world::draw::{For, Lot};
use crate::world::id::RfpId;
use crate::world::settings::WorldSettings;

const WHAT: [&str; 14] = [
    "Annual Sales Meeting",
    "Leadership Retreat",
    "Product Launch",
    "Users' Conference",
    "Board Meeting",
    "Training Week",
    "Medical Symposium",
    "Incentive Trip",
    "Partner Summit",
    "Kick-off",
    "Hauptversammlung",
    "Journées d'étude",
    "Awards Dinner",
    "Trade Fair Delegation",
];
const COMPANIES: [&str; 12] = [
    "Northwind Instruments",
    "Blue Heron Software",
    "Association of Water Engineers",
    "Meridian Health",
    "Kessler & Söhne",
    "Atelier Lumière",
    "Pacific Freight",
    "Green Valley Foods",
    "Orion Semiconductors",
    "Société Mont-Blanc",
    "Riverbank Insurance",
    "Polar Outfitters",
];
const FIRST_NAMES: [&str; 12] = [
    "Anna", "Marcus", "Priya", "José", "Chloé", "Kenji", "Fatima", "Oliver", "Zoë", "Łukasz", "Grace",
    "Samuel",
];
const LAST_NAMES: [&str; 12] = [
    "Okafor",
    "Lindqvist",
    "Sharma",
    "García",
    "Müller",
    "Tanaka",
    "O'Brien",
    "Dubois",
    "Nowak",
    "Chen",
    "Rossi",
    "Walker",
];
const CURRENCIES: [&str; 6] = ["USD", "USD", "EUR", "GBP", "CAD", "CHF"];
const SESSIONS: [(&str, &str, &str, &str); 8] = [
    ("Registration", "08:00", "09:00", "RECEPTION"),
    ("General session", "09:00", "12:00", "THEATER"),
    ("Lunch", "12:00", "13:30", "BANQUET"),
    ("Breakout A", "13:30", "17:00", "CLASSROOM"),
    ("Breakout B", "13:30", "17:00", "U_SHAPE"),
    ("Reception", "18:00", "19:30", "RECEPTION"),
    ("Dinner", "19:30", "22:30", "BANQUET"),
    ("Exhibits", "09:00", "17:00", "EXHIBIT"),
];

/// An RFP: what is drawn of it.
#[derive(Clone, Debug)]
pub(in crate::world) struct Request {
    id: RfpId,
    pub(in crate::world) name: String,
    pub(in crate::world) planner: String,
    email: String,
    company: &'static str,
    pub(in crate::world) currency: &'static str,
    attendees: u32,
    rooms_on_peak: u32,
    budget: u32,
    pub(in crate::world) forwardable: bool,
    pub(in crate::world) terms: Terms,
    due: Date,
    decision: Date,
    sessions: Vec<(u32, usize)>,
}

impl Request {
    /// The RFP `id`, which became known at `since`.
    pub(in crate::world) fn new(seed: u64, settings: &WorldSettings, id: RfpId, since: Timestamp) -> Self {
        let mut lot = Lot::new(seed, For::Rfp, &[id.0]);
        let company = lot.pick(&COMPANIES);
        let (first_name, last_name) = (lot.pick(&FIRST_NAMES), lot.pick(&LAST_NAMES));
        let sent = day(since);
        let start = later(sent, lot.within(60, 400));
        let nights = lot.within(1, 5);
        let mut dates = vec![(start, later(start, nights))];
        for _ in 0..lot.below(3) {
            let other = later(start, lot.within(7, 60));
            dates.push((other, later(other, nights)));
        }
        let attendees = lot.within(2, 80) * 10;
        let mut sessions = Vec::new();
        for day in 0..=nights {
            for session in 0..SESSIONS.len() {
                if lot.percent(45) {
                    sessions.push((day, session));
                }
            }
        }
        let due = later(sent, lot.within(5, 21));
        Self {
            id,
            name: format!("{company}: {} {}", lot.pick(&WHAT), start.year()),
            planner: format!("{first_name} {last_name}"),
            email: format!("planner{}@example.com", lot.within(100, 999)),
            company,
            currency: lot.pick(&CURRENCIES),
            attendees,
            rooms_on_peak: attendees * lot.within(40, 95) / 100,
            budget: lot.within(10, 500) * 1_000 * 100,
            forwardable: lot.percent(settings.forwardable_percent),
            terms: Terms {
                supplier_dates_allowed: lot.percent(settings.supplier_dates_percent),
                availability_required: lot.percent(50),
                flexible: lot.percent(50),
                dates,
            },
            due,
            decision: later(due, lot.within(7, 40)),
            sessions,
        }
    }

    /// The dates in which it is, the preferred ones first.
    pub(in crate::world) fn preferred(&self) -> (Date, Date) {
        self.terms.dates.first().copied().unwrap_or((self.due, self.due))
    }

    pub(in crate::world) fn rooms_on_peak(&self) -> u32 {
        self.rooms_on_peak
    }

    /// The sessions of its agenda.
    pub(in crate::world) fn agenda(&self) -> Vec<Value> {
        let (start, _) = self.preferred();
        let item = |(day, session): &(u32, usize)| {
            let (name, from, until, setup) = SESSIONS[*session];
            json!({
                "day": day + 1,
                "date": later(start, *day).to_string(),
                "name": name,
                "startTime": from,
                "endTime": until,
                "setup": setup,
                "attendees": self.attendees,
            })
        };
        self.sessions.iter().map(item).collect()
    }

    fn guest_rooms(&self) -> Vec<Value> {
        let (start, end) = self.preferred();
        let nights = start.until(end).map_or(0, |span| u32::try_from(span.get_days()).unwrap_or_default());
        let night = |night| {
            // Fewer on the first and the last night.
            let share = if night == 0 || night + 1 == nights { 60 } else { 100 };
            let rooms = self.rooms_on_peak * share / 100;
            json!({
                "date": later(start, night).to_string(),
                "single": rooms * 7 / 10,
                "double": rooms * 2 / 10,
                "suite": rooms / 10,
            })
        };
        (0..nights).map(night).collect()
    }

    /// What the planner asks for, as a call tells it.
    pub(in crate::world) fn content(&self, forwardable: bool) -> Value {
        let range = |(place, (start, end)): (usize, &(Date, Date))| {
            json!({
                "dateRangeType": if place == 0 { "PLANNER_PREFERRED" } else { "PLANNER_SUGGESTED" },
                "startDate": start.to_string(),
                "endDate": end.to_string(),
            })
        };
        json!({
            "rfpId": self.id,
            "rfpName": self.name,
            "isForwardable": forwardable,
            "responseDueDate": self.due.to_string(),
            "decisionDate": self.decision.to_string(),
            "planner": { "name": self.planner, "emailAddress": self.email, "company": self.company },
            "attendees": self.attendees,
            "currency": self.currency,
            "budget": money(self.budget),
            "dates": self.terms.dates.iter().enumerate().map(range).collect::<Vec<_>>(),
            "datesFlexible": self.terms.flexible,
            "availabilityRequired": self.terms.availability_required,
            "supplierDatesAllowed": self.terms.supplier_dates_allowed,
            "guestRooms": self.guest_rooms(),
            "roomsOnPeak": self.rooms_on_peak,
            "agendaItems": self.agenda(),
        })
    }
}
