//! Failures planned for the pull side: kept in the journal, used up by pulls.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Keeper;
use crate::journal::Change;
use crate::service::error::ServiceError;
use crate::service::stored::Unreadable;
use crate::world::{PullFaultSpec, PullFaultView, PullFaults};

/// Where the journal keeps them.
const KEY: &str = "pull-faults";

/// All of them, as a text of the journal.
#[derive(Serialize, Deserialize)]
struct Stored {
    last: u32,
    faults: Vec<PullFaultView>,
}

/// Reads back what the journal kept.
///
/// # Errors
/// When it does not read back.
pub(super) fn recover(meta: &BTreeMap<String, String>) -> Result<PullFaults, Unreadable> {
    let faults = PullFaults::default();
    if let Some(text) = meta.get(KEY) {
        let Stored { last, faults: kept } = serde_json::from_str(text)?;
        faults.restore(kept, last);
    }
    Ok(faults)
}

impl Keeper {
    /// Plans a failure of the pull side.
    pub(in super::super) fn plan_pull_fault(
        &mut self,
        spec: PullFaultSpec,
    ) -> Result<PullFaultView, ServiceError> {
        spec.resolve()?;
        let now = self.driver.now();
        if let Some(lasts) = spec.lasts {
            lasts.after(now, "for")?;
        }
        let planned =
            self.pull_faults.plan(spec, now).map_err(|full| ServiceError::Conflict(full.to_string()))?;
        self.keep_pull_faults();
        Ok(planned)
    }

    /// Those that are not used up.
    pub(in super::super) fn pull_faults(&self) -> Vec<PullFaultView> {
        self.pull_faults.list(self.driver.now())
    }

    /// Forgets one, or all.
    pub(in super::super) fn clear_pull_fault(&mut self, id: Option<u32>) -> Result<(), ServiceError> {
        let known = self.pull_faults.clear(id);
        self.keep_pull_faults();
        match id {
            Some(id) if !known => Err(ServiceError::NotFound { what: "pull fault", id: id.into() }),
            _ => Ok(()),
        }
    }

    /// Writes down what pulls left of them, if anything changed since the last time.
    pub(in super::super) fn keep_pull_faults(&mut self) {
        let revision = self.pull_faults.revision();
        if revision == self.pull_faults_kept {
            return;
        }
        self.pull_faults_kept = revision;
        let stored = Stored { last: self.pull_faults.last(), faults: self.pull_faults() };
        let value = serde_json::to_string(&stored).expect("numbers and texts become JSON");
        self.batch.changes.push(Change::MetaPut { key: KEY.to_owned(), value });
    }
}
