//! The schema packs that subscriptions may name.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::ServiceError;
use crate::schema::Pack;

/// Packs by name.
#[derive(Debug)]
pub(super) struct PackShelf {
    own: Arc<Pack>,
    given: BTreeMap<String, Arc<Pack>>,
}

impl PackShelf {
    /// The built-in packs and `given`, of which the first is the service's own.
    pub(super) fn new(given: Vec<Arc<Pack>>) -> Self {
        let builtin = || Pack::builtin(Pack::BUILTIN[0]).expect("the first built-in pack");
        let own = given.first().cloned().unwrap_or_else(builtin);
        Self { own, given: given.into_iter().map(|pack| (pack.name().to_owned(), pack)).collect() }
    }

    /// The pack of whoever names none.
    pub(super) fn own(&self) -> &Arc<Pack> {
        &self.own
    }

    /// The pack `name`.
    pub(super) fn get(&self, name: &str) -> Option<Arc<Pack>> {
        self.given.get(name).cloned().or_else(|| Pack::builtin(name))
    }

    /// The pack that a subscription names, or the service's own.
    pub(super) fn chosen(&self, name: Option<&str>) -> Result<Arc<Pack>, ServiceError> {
        let Some(name) = name else { return Ok(Arc::clone(&self.own)) };
        self.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.given.keys().map(String::as_str).chain(Pack::BUILTIN).collect();
            let why = format!("there is no pack `{name}`: there are {}", known.join(", "));
            ServiceError::invalid("schema_pack", why)
        })
    }
}
