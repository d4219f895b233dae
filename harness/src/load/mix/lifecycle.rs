//! Courses of many RFPs, interleaved.
//!
//! Notifications are dealt to lanes in turn; each lane plays one course after another, so the notifications of one
//! RFP are far apart in the run, and in order. How often a course ends which way is not Cvent's (*inferred*): most
//! RFPs get a proposal, few proposals are awarded.

use pns_engine::{EventType, EventTypeSet};
use pns_simulator::service::model::Course;

use super::weights::deal;

/// How many RFPs are under way at the same time.
const LANES: u64 = 32;

const ENDINGS: [(Course, u64); 6] = [
    (Course::Submit, 6),
    (Course::Decline, 5),
    (Course::TurnDown, 4),
    (Course::Award, 3),
    (Course::Cancel, 1),
    (Course::Withdraw, 1),
];

/// One round of courses, which every lane plays again and again, each beginning at another place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lanes {
    /// The event type, and which course of the round it belongs to.
    round: Vec<(EventType, u64)>,
    /// Where each course of the round begins.
    starts: Vec<u64>,
}

impl Lanes {
    pub(super) fn new() -> Self {
        let mut round = Vec::new();
        let mut starts = Vec::new();
        for (course, ending) in (0..).zip(deal(&ENDINGS)) {
            starts.push(round.len() as u64);
            round.extend(ending.events().into_iter().map(|event_type| (event_type, course)));
        }
        Self { round, starts }
    }

    pub(super) fn types(&self) -> EventTypeSet {
        self.round.iter().map(|(event_type, _)| *event_type).collect()
    }

    /// The event type of notification `n`, and the number of its course in the run.
    pub(super) fn at(&self, n: u64) -> (EventType, u64) {
        let (lane, step) = (n % LANES, n / LANES);
        let (length, courses) = (self.round.len() as u64, self.starts.len() as u64);
        // Lanes begin with different courses, each at its beginning.
        let first = lane * courses / LANES;
        let place = step + self.starts[usize::try_from(first).expect("an index")];
        let (event_type, course) = self.round[usize::try_from(place % length).expect("an index")];
        let of_lane = place / length * courses + course - first;
        (event_type, of_lane * LANES + lane)
    }
}
