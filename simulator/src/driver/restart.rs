//! The sender crashes, and another goes on in its place.

use std::time::Duration;

use pns_engine::{Answer, FailureReason, Outcome, Sender};

use super::{Bodies, Driver, Ended, Observation};
use crate::clock::Gear;
use crate::transport::Transport;

impl<T: Transport, B: Bodies> Driver<T, B> {
    /// Lets the sender crash, and another go on after `gone` of PNS time with no more than what a journal keeps.
    ///
    /// What is in flight ends at the receiver as it may, so that equal seeds give equal records; but how it
    /// ended is lost, and counts as [`FailureReason::SenderStopped`]. Nothing starts in the meantime. Faults,
    /// routes and bodies are the driver's and stay.
    pub async fn restart(&mut self, gone: Duration) {
        while let Some(ended) = self.in_flight.join_next().await {
            self.file(ended);
        }
        // What was held has not left, and does not.
        self.held.clear();
        let back = self.clock.now() + gone;
        match self.clock.gear() {
            Gear::Virtual => self.clock.jump_to(back),
            Gear::Scaled(_) | Gear::Real => self.clock.wait_until(back).await,
        }
        let stopped = FailureReason::SenderStopped;
        for Ended { attempt, started, mut exchange } in std::mem::take(&mut self.ended).into_values() {
            exchange.answer = Answer::NoResponse(stopped);
            let (exchange, outcome) = (Box::new(exchange), Outcome::Failed(stopped));
            self.observations.push_back(Observation::Exchange { attempt, started, exchange, outcome });
        }
        self.sender = Sender::recover(self.sender.seed(), self.sender.snapshot(), self.clock.now());
        self.take_records();
    }
}
