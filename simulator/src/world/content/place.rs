//! Venues and bureaus: a supplier's name, its city, and what it has.

use pns_engine::SupplierId;
use serde_json::{Value, json};

use crate::world::draw::{For, Lot};
use crate::world::settings::WorldSettings;

const FIRST: [&str; 16] = [
    "Harbour View",
    "Grand Plaza",
    "Lakeside",
    "Old Mill",
    "Riverside",
    "Desert Springs",
    "Ambassador",
    "Park Lane",
    "Seaside",
    "Union Station",
    "Kongresshaus",
    "Hôtel du Lac",
    "Palácio",
    "Copperfield",
    "Northern Lights",
    "東京ベイ",
];
const SECOND: [&str; 10] = [
    "Hotel",
    "Hotel & Conference Centre",
    "Resort & Spa",
    "Convention Center",
    "Inn",
    "Suites",
    "Lodge",
    "Palace",
    "Meetings & Events",
    "Conference Hotel",
];
const CITIES: [(&str, &str, &str); 16] = [
    ("Chicago", "US", "USD"),
    ("Austin", "US", "USD"),
    ("San Diego", "US", "USD"),
    ("Orlando", "US", "USD"),
    ("Toronto", "CA", "CAD"),
    ("Vancouver", "CA", "CAD"),
    ("London", "GB", "GBP"),
    ("Edinburgh", "GB", "GBP"),
    ("Genève", "CH", "CHF"),
    ("Zürich", "CH", "CHF"),
    ("München", "DE", "EUR"),
    ("Wien", "AT", "EUR"),
    ("Wrocław", "PL", "EUR"),
    ("Lisboa", "PT", "EUR"),
    ("København", "DK", "EUR"),
    ("東京", "JP", "JPY"),
];

/// A supplier, or a venue of the CSN: by its id.
#[derive(Clone, Debug)]
pub(in crate::world) struct Place {
    id: u128,
    pub(in crate::world) name: String,
    city: &'static str,
    country: &'static str,
    pub(in crate::world) currency: &'static str,
    /// Its metropolitan area, by number.
    pub(in crate::world) area: u64,
    guest_rooms: u32,
    meeting_rooms: u32,
    largest_room: u32,
}

impl Place {
    pub(in crate::world) fn new(seed: u64, settings: &WorldSettings, id: u128) -> Self {
        let mut area = Lot::new(seed, For::Area, &[id]);
        let area = area.below(u64::from(settings.metropolitan_areas.get()));
        let mut lot = Lot::new(seed, For::Place, &[id]);
        let name = format!("{} {}", lot.pick(&FIRST), lot.pick(&SECOND));
        // Places of one area lie in one city.
        let nth = Lot::new(seed, For::Area, &[u128::from(area), 1]).below(CITIES.len() as u64);
        let (city, country, currency) = CITIES[usize::try_from(nth).unwrap_or_default()];
        Self {
            id,
            name,
            city,
            country,
            currency,
            area,
            guest_rooms: lot.within(40, 900),
            meeting_rooms: lot.within(3, 40),
            largest_room: lot.within(80, 1_800) * 10,
        }
    }

    /// The name of a supplier.
    pub(in crate::world) fn of(seed: u64, settings: &WorldSettings, supplier: SupplierId) -> Self {
        Self::new(seed, settings, supplier.0)
    }

    /// The venue as a call tells it.
    pub(in crate::world) fn venue(&self, active: bool) -> Value {
        json!({
            "venueId": SupplierId(self.id).to_string(),
            "name": self.name,
            "active": active,
            "city": self.city,
            "countryCode": self.country,
            "majorMetropolitanArea": format!("{} {}", self.city, self.area + 1),
            "guestRooms": self.guest_rooms,
            "meetingRooms": self.meeting_rooms,
            "largestMeetingRoomSquareFeet": self.largest_room,
            "currency": self.currency,
        })
    }
}
