//! Failures planned inside the sender.

use pns_engine::SubscriptionId;

use super::Keeper;
use super::subscriptions::unknown;
use crate::fault::{Extent, Fault};
use crate::journal::Change;
use crate::service::error::ServiceError;
use crate::service::model::{FaultSpec, FaultView};
use crate::service::stored;

/// Faults that may be planned at once: each is looked at for every attempt.
const FAULTS_MAX: usize = 1_000;

impl Keeper {
    /// Plans a fault.
    pub(in super::super) fn plan_fault(&mut self, spec: &FaultSpec) -> Result<FaultView, ServiceError> {
        let fault = spec.resolve(self.driver.now())?;
        if let Some(id) = fault.subscription.filter(|id| !self.subscriptions.contains_key(id)) {
            return Err(unknown(id));
        }
        // Ids are given in order from 1. What was published and is not kept any more is known all the same.
        let given = 1..=self.last_notification.0;
        if let Some(id) = fault.notifications.iter().flatten().find(|id| !given.contains(&id.0)) {
            return Err(ServiceError::NotFound { what: "notification", id: id.0 });
        }
        if self.driver.faults().iter().count() >= FAULTS_MAX {
            return Err(ServiceError::Conflict(format!("{FAULTS_MAX} faults are planned already")));
        }
        let view = |number| FaultView::of(number, &fault);
        let number = self.driver.faults().plan(fault.clone());
        self.batch.changes.push(planned(number, &fault));
        Ok(view(number))
    }

    /// The faults that are not used up.
    pub(in super::super) fn faults(&mut self) -> Vec<FaultView> {
        let now = self.driver.now();
        // One whose span is over goes at the next attempt.
        let lasts = |fault: &Fault| !matches!(fault.extent, Extent::Until(end) if end <= now);
        let faults = self.driver.faults().iter().filter(|(_, fault)| lasts(fault));
        faults.map(|(number, fault)| FaultView::of(number, fault)).collect()
    }

    /// Forgets one fault, or all.
    pub(in super::super) fn clear_fault(&mut self, which: Option<u32>) -> Result<(), ServiceError> {
        let numbers: Vec<u32> = match which {
            None => self.driver.faults().iter().map(|(number, _)| number).collect(),
            Some(number) if self.driver.faults().get(number).is_some() => vec![number],
            Some(number) => return Err(ServiceError::NotFound { what: "fault", id: number.into() }),
        };
        for number in numbers {
            self.driver.faults().remove(number);
            self.end_fault(number);
        }
        Ok(())
    }

    /// Forgets what was planned for a subscription that ended.
    pub(super) fn clear_faults_of(&mut self, subscription: SubscriptionId) {
        let planned = self.driver.faults().iter();
        let its = planned.filter(|(_, fault)| fault.subscription == Some(subscription));
        let numbers: Vec<u32> = its.map(|(number, _)| number).collect();
        for number in numbers {
            self.driver.faults().remove(number);
            self.end_fault(number);
        }
    }

    fn end_fault(&mut self, number: u32) {
        let change = Change::FaultEnded { id: number.into(), at: self.driver.now() };
        self.batch.changes.push(change);
    }

    /// Writes down what attempts have used of the faults.
    pub(super) fn keep_faults(&mut self) {
        for number in self.driver.faults().take_changed() {
            let planned = self.driver.faults().get(number).map(|fault| planned(number, fault));
            match planned {
                Some(change) => self.batch.changes.push(change),
                None => self.end_fault(number),
            }
        }
    }
}

fn planned(number: u32, fault: &Fault) -> Change {
    Change::FaultPut { id: number.into(), spec: stored::fault_to_text(fault) }
}
