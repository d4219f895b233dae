//! The body of each notification of a run: a function of its number and the seed.

use std::sync::Arc;

use pns_engine::Timestamp;
use pns_simulator::schema::{GenerateError, Key, Overrides, Pack};
use serde_json::Value;

use super::mix::{Arrival, Mix};
use crate::runner::uuid;

/// Writes bodies.
#[derive(Debug)]
pub(super) struct Bodies {
    pack: Arc<Pack>,
    seed: u64,
}

impl Bodies {
    pub(super) const fn new(pack: Arc<Pack>, seed: u64) -> Self {
        Self { pack, seed }
    }

    pub(super) const fn pack(&self) -> &Arc<Pack> {
        &self.pack
    }

    /// Appends the body of `arrival`. Those of one course of the mix tell of one RFP and one supplier.
    ///
    /// # Errors
    /// When the schema pack cannot write one.
    pub(super) fn write(
        &self,
        mix: &Mix,
        arrival: &Arrival,
        published: Timestamp,
        out: &mut Vec<u8>,
    ) -> Result<(), GenerateError> {
        let key = Key { seed: self.seed, sequence: arrival.notification, published };
        match mix.course(arrival.notification) {
            None => self.pack.generate(arrival.event_type, key, out),
            Some(course) => {
                let shared = self.shared(arrival, course);
                out.extend_from_slice(&self.pack.generate_with(arrival.event_type, key, &shared)?);
                Ok(())
            }
        }
    }

    /// What the notifications of a course have in common.
    fn shared(&self, arrival: &Arrival, course: u64) -> Overrides {
        let roles = self.pack.roles();
        let supplier = roles.supplier_id.iter().filter(|_| arrival.event_type.names_supplier());
        let rfp = roles.rfp_id.iter().map(|place| (place, 2 * course));
        let places = rfp.chain(supplier.map(|place| (place, 2 * course + 1)));
        places.map(|(place, index)| (place.clone(), Value::String(uuid(self.seed, index)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::load::mix::Plan;
    use crate::load::share::Share;

    #[test]
    fn notifications_of_a_course_tell_of_one_rfp_and_one_supplier_and_are_valid() {
        let bodies = Bodies::new(Pack::builtin("cvent-2016-11").unwrap(), 7);
        let plan = Plan::new(Mix::lifecycle(), Share::NONE).unwrap();
        let mut courses: BTreeMap<u64, BTreeSet<(String, Option<String>)>> = BTreeMap::new();
        let mut events = BTreeSet::new();
        for n in 0..2_000 {
            let arrival = plan.arrival(n);
            let mut body = Vec::new();
            bodies.write(plan.mix(), &arrival, Timestamp::from_millis(1_764_000_000_000), &mut body).unwrap();
            bodies.pack().validate(&body).unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            let text = |name: &str| body[name].as_str().map(str::to_owned);
            assert!(events.insert(text("eventId").unwrap()));
            let course = plan.mix().course(arrival.notification).unwrap();
            let supplier = arrival.event_type.names_supplier().then(|| text("supplierId").unwrap());
            courses.entry(course).or_default().insert((text("rfpId").unwrap(), supplier));
        }
        let rfps: BTreeSet<&String> = courses.values().flatten().map(|(rfp, _)| rfp).collect();
        assert_eq!(rfps.len(), courses.len());
        for seen in courses.values() {
            let suppliers: BTreeSet<_> = seen.iter().filter_map(|(_, supplier)| supplier.as_ref()).collect();
            assert!(suppliers.len() <= 1, "{seen:?}");
        }
    }
}
