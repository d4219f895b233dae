//! A line of the access log, written when its request ends, however that is.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use pns_engine::Timestamp;

use crate::clock::{self, Stopwatch};
use crate::world::{Asked, Call, Pull, PullLog};

/// What stands in place of a status when the caller hung up before there was one; web servers write the same.
const HUNG_UP: u16 = 499;

/// A request in progress.
#[derive(Debug)]
pub(super) struct Entry {
    log: PullLog,
    since: Stopwatch,
    /// Taken when it is written.
    pull: Option<Pull>,
}

impl Entry {
    /// Begins with what is known of every request. The query stays out: callers may put secrets there.
    pub(super) fn begin(log: PullLog, at: Timestamp, method: &Method, path: &str) -> Self {
        let pull = Pull {
            number: 0,
            at,
            real: clock::real_now(),
            method: method.as_str().into(),
            path: path.into(),
            asked: None,
            call: None,
            act: false,
            status: HUNG_UP,
            who: "".into(),
            fault: None,
            took: Duration::ZERO,
        };
        Self { log, since: Stopwatch::start(), pull: Some(pull) }
    }

    fn note(&mut self, note: impl FnOnce(&mut Pull)) {
        if let Some(pull) = &mut self.pull {
            note(pull);
        }
    }

    pub(super) fn who(&mut self, who: &Arc<str>) {
        self.note(|pull| pull.who = Arc::clone(who));
    }

    pub(super) fn asked(&mut self, asked: Asked) {
        self.note(|pull| pull.asked = Some(asked));
    }

    /// What is read. A HEAD asks for it and gets nothing, so it does not count as a pull.
    pub(super) fn call(&mut self, call: Call, method: &Method) {
        self.note(|pull| pull.call = (*method != Method::HEAD).then_some(call));
    }

    pub(super) fn acts(&mut self) {
        self.note(|pull| pull.act = true);
    }

    pub(super) fn fault(&mut self, id: u32) {
        self.note(|pull| pull.fault = Some(id));
    }

    /// Writes the line, before the answer leaves: who has an answer finds its line.
    pub(super) fn end(mut self, status: StatusCode) {
        self.note(|pull| pull.status = status.as_u16());
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(mut pull) = self.pull.take() {
            pull.took = self.since.elapsed();
            self.log.push(pull);
        }
    }
}
