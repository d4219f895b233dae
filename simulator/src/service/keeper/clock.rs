//! PNS time: its gear, and virtual time that is moved by call.

use pns_engine::Timestamp;
use tokio::sync::oneshot;

use super::Keeper;
use crate::clock::{Gear, LAST, real_now};
use crate::journal::Change;
use crate::service::error::ServiceError;
use crate::service::model::{AdvanceSpec, ClockView, GearText, Instant};
use crate::service::stored::ClockMark;

/// Where the journal keeps the clock.
pub(super) const CLOCK_KEY: &str = "clock";

/// Virtual time on its way.
pub(super) struct Advancing {
    way: Way,
    reply: oneshot::Sender<Result<ClockView, ServiceError>>,
}

enum Way {
    /// First what is due now is done; then it is known when the next thing is due.
    Settling(AdvanceSpec),
    Moving,
}

impl Keeper {
    /// PNS time.
    pub(in super::super) fn clock(&self) -> ClockView {
        ClockView {
            now: Instant(self.driver.now()),
            gear: GearText(self.driver.gear()),
            next_due: self.next_due().map(Instant),
        }
    }

    /// When something is due; what PNS time does not come to is never due.
    fn next_due(&self) -> Option<Timestamp> {
        let due = [self.driver.next_due(), self.lifecycles.next_due()].into_iter().flatten().min();
        due.filter(|due| *due <= LAST)
    }

    /// Changes the gear.
    pub(in super::super) fn set_gear(&mut self, gear: Gear) -> Result<ClockView, ServiceError> {
        if self.advancing.is_some() {
            return Err(ServiceError::Conflict("virtual time is being advanced".to_owned()));
        }
        self.driver.set_gear(gear);
        self.fit_horizon();
        self.keep_clock();
        Ok(self.clock())
    }

    /// In the virtual gear time stays where it is; in the others nothing holds it.
    pub(super) fn fit_horizon(&mut self) {
        self.horizon = if self.driver.gear() == Gear::Virtual { self.driver.now() } else { Timestamp::MAX };
    }

    /// Begins to advance virtual time; `reply` comes when it is there.
    pub(in super::super) fn advance(
        &mut self,
        by: AdvanceSpec,
        reply: oneshot::Sender<Result<ClockView, ServiceError>>,
    ) {
        let refusal = if self.driver.gear() != Gear::Virtual {
            Some(ServiceError::Conflict(format!(
                "time moves by itself in the gear `{}`: only `virtual` time is advanced",
                self.driver.gear()
            )))
        } else if self.advancing.is_some() {
            Some(ServiceError::Conflict("virtual time is being advanced already".to_owned()))
        } else {
            by.target(self.driver.now(), None).err().map(Into::into)
        };
        match refusal {
            Some(error) => drop(reply.send(Err(error))),
            None => self.advancing = Some(Advancing { way: Way::Settling(by), reply }),
        }
    }

    /// Nothing more happens before the horizon, and no request is open: what is in flight ends beyond it.
    pub(super) fn reached_horizon(&mut self) {
        let Some(Advancing { way, reply }) = self.advancing.take() else { return };
        let now = self.driver.now();
        if let Way::Settling(by) = way {
            // It was checked when the call came.
            let target = by.target(now, self.next_due()).unwrap_or(now);
            if target > now {
                self.horizon = target;
                self.quiet = false;
                self.advancing = Some(Advancing { way: Way::Moving, reply });
                return;
            }
        }
        self.horizon = now;
        self.keep_clock();
        let view = self.clock();
        self.reply_on_commit(view, reply);
    }

    /// Writes down where time is and how it moves.
    pub(super) fn keep_clock(&mut self) {
        let mark = ClockMark { gear: self.driver.gear(), position: self.driver.now(), real: real_now() };
        let change = Change::MetaPut { key: CLOCK_KEY.to_owned(), value: mark.to_text() };
        self.batch.changes.push(change);
    }
}
