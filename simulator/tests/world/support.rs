//! A world that is told of notifications as the simulator would make them.

use std::collections::BTreeSet;
use std::sync::Arc;

use pns_engine::{EventType, NotificationId, SupplierId, SupplierScope, Timestamp};
use pns_simulator::schema::{Key, Overrides, Pack};
use pns_simulator::world::{Act, Call, Refusal, RfpId, Said, Seen, Viewer, World, WorldSettings};
use serde_json::{Value, json};

pub(crate) const SEED: u64 = 7;
pub(crate) const RFP: RfpId = RfpId(0x1b8f_9a30_31e6_4d3c_9f6e_0d8f_7f8a_1a01);
pub(crate) const ANNA: SupplierId = SupplierId(0x0b8f_9a30_31e6_4d3c_9f6e_0d8f_7f8a_1a01);
pub(crate) const BERT: SupplierId = SupplierId(0x0b8f_9a30_31e6_4d3c_9f6e_0d8f_7f8a_1a02);
pub(crate) const CARL: SupplierId = SupplierId(0x0b8f_9a30_31e6_4d3c_9f6e_0d8f_7f8a_1a03);

/// `second` seconds after the epoch of the tests.
pub(crate) const fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(1_764_000_000_000 + second * 1_000)
}

/// Sees everything.
pub(crate) fn all() -> Viewer {
    Viewer { suppliers: SupplierScope::All, cvb: false }
}

/// Sees what is its suppliers'.
pub(crate) fn only(suppliers: &[SupplierId]) -> Viewer {
    Viewer { suppliers: SupplierScope::Only(suppliers.iter().copied().collect::<BTreeSet<_>>()), cvb: false }
}

pub(crate) struct Teller {
    pub(crate) world: World,
    pack: Arc<Pack>,
    next: u64,
}

impl Teller {
    pub(crate) fn new() -> Self {
        Self::with(WorldSettings::default())
    }

    pub(crate) fn with(settings: WorldSettings) -> Self {
        Self::seeded(SEED, settings)
    }

    pub(crate) fn seeded(seed: u64, settings: WorldSettings) -> Self {
        let pack = Pack::builtin(Pack::BUILTIN[0]).unwrap();
        Self { world: World::new(seed, pack.roles(), settings), pack, next: 1 }
    }

    /// Tells of an event about [`RFP`] and a supplier, with `over` laid over the body.
    pub(crate) fn tell(
        &mut self,
        at: Timestamp,
        event_type: EventType,
        supplier: SupplierId,
        over: &Value,
    ) -> Said {
        let mut overrides: Overrides = Overrides::from_iter([("rfpId".to_owned(), json!(RFP))]);
        if event_type.names_supplier() {
            overrides.insert("supplierId".to_owned(), json!(supplier.to_string()));
        }
        overrides.extend(over.as_object().cloned().unwrap_or_default());
        let key = Key { seed: SEED, sequence: self.next, published: at };
        let body = self.pack.generate_with(event_type, key, &overrides).unwrap();
        self.tell_raw(at, event_type, &body, None);
        self.world.said(event_type, &body).unwrap()
    }

    pub(crate) fn tell_raw(&mut self, at: Timestamp, event_type: EventType, body: &[u8], act: Option<&Act>) {
        let notification = NotificationId(self.next);
        self.next += 1;
        self.world.observe(Seen { at, notification, event_type, body, act });
    }

    /// Does what an act does: plans it, and tells of its notifications.
    pub(crate) fn act(&mut self, at: Timestamp, act: &Act, viewer: &Viewer) -> Result<usize, Refusal> {
        let specs = self.world.plan(act, viewer, at)?;
        for spec in &specs {
            let mut overrides = spec.overrides.clone().unwrap_or_default();
            overrides.insert("rfpId".to_owned(), json!(spec.rfp));
            overrides.insert("supplierId".to_owned(), json!(spec.supplier));
            let key = Key { seed: SEED, sequence: self.next, published: at };
            let body = self.pack.generate_with(spec.event_type.0, key, &overrides).unwrap();
            assert_eq!(self.pack.validate(&body), Ok(spec.event_type.0));
            self.tell_raw(at, spec.event_type.0, &body, Some(act));
        }
        Ok(specs.len())
    }

    pub(crate) fn now(&self, call: Call) -> Value {
        self.world.answer(&call, &all(), Timestamp::MAX).unwrap()
    }

    pub(crate) fn status(&self, supplier: SupplierId) -> String {
        text(&self.now(Call::Response(RFP, supplier)), "/responseStatus")
    }
}

pub(crate) fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{pointer} in {value:#}"))
        .to_owned()
}

/// The texts of a member of a list's elements.
pub(crate) fn texts(list: &Value, member: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| text(item, &format!("/{member}"))).collect()
}
