//! What the receiver got, and what it made of it. Bounded: the oldest goes first, and what went is counted.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;

/// A POST that the receiver got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// 1 for the first POST to this receiver.
    pub sequence: u64,
    /// When it was read, by the machine's clock.
    pub at: Timestamp,
    /// The event id, where the body has one.
    pub event_id: Option<String>,
    /// The event type, where the body has one; not necessarily a documented one.
    pub event_type: Option<String>,
    /// Path and query.
    pub path: String,
    /// The request's HTTP version, as `HTTP/1.1`.
    pub version: String,
    /// Headers in the order of the request; credentials are replaced by `***`.
    pub headers: Vec<(String, String)>,
    /// The body, or its beginning.
    pub body: Bytes,
    /// The whole body's length in bytes, as far as it was read.
    pub body_len: usize,
    /// What became of the notification.
    pub disposition: Disposition,
    /// What was answered, or set out to be: the sender may have left before.
    pub answered: Answered,
}

/// What became of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    /// It took effect.
    Processed,
    /// It had been processed before, and took no effect again.
    Duplicate,
    /// The request was not in order: no effect.
    Refused,
    /// The request was in order and the script had it ignored: no effect.
    Ignored,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answered {
    /// This status.
    Status(u16),
    /// No whole response: `hang`, `reset`, `close`, `malformed` or `cut`.
    None(&'static str),
}

impl std::fmt::Display for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(code) => write!(f, "{code}"),
            Self::None(what) => f.write_str(what),
        }
    }
}

/// One POST of an event, as `/inspect` tells it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seen {
    sequence: u64,
    at: String,
    disposition: Disposition,
    answered: Answered,
}

/// What became of one event id.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
    event_id: String,
    event_type: Option<String>,
    /// POSTs that carried it.
    received: u64,
    /// Times that it took effect: 1 for a correct receiver.
    processed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_received_at: Option<String>,
    attempts: Vec<Seen>,
}

/// Bounds on what is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// POSTs kept for [`Receiver::received`](super::Receiver::received).
    pub requests_max: usize,
    /// Bytes kept of one body.
    pub body_max: usize,
    /// Bytes kept of all bodies together.
    pub bodies_max: usize,
    /// Event ids remembered, for duplicates and for `/inspect`. A duplicate of a forgotten one is processed again.
    pub events_max: usize,
    /// Attempts listed with each event; all are counted.
    pub attempts_max: usize,
}

impl Default for Memory {
    /// Some 150 MB at the very most: 10,000 requests, 64 KiB of each body and 64 MiB of all, 100,000 event ids with
    /// 32 attempts each at worst.
    fn default() -> Self {
        Self {
            requests_max: 10_000,
            body_max: 64 * 1024,
            bodies_max: 64 * 1024 * 1024,
            events_max: 100_000,
            attempts_max: 32,
        }
    }
}

/// Totals over the receiver's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// POSTs to the notification path.
    pub received: u64,
    /// Notifications that took effect.
    pub processed: u64,
    /// Duplicates that took no effect again.
    pub duplicates: u64,
    /// Requests that were not in order.
    pub refused: u64,
    /// Requests in order that the script had ignored.
    pub ignored: u64,
    /// Requests no longer kept, because of the bounds on memory.
    pub requests_dropped: u64,
    /// Event ids no longer known, because of the bounds on memory.
    pub events_forgotten: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Journal {
    memory: Memory,
    requests: VecDeque<Received>,
    body_bytes: usize,
    events: BTreeMap<String, Event>,
    order: VecDeque<String>,
    totals: Totals,
}

/// Whether the effect is once per event id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeats {
    Once,
    EveryTime,
}

impl Journal {
    pub(crate) fn new(memory: Memory) -> Self {
        Self { memory, ..Self::default() }
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.requests.iter().cloned().collect()
    }

    pub(crate) fn event(&self, event_id: &str) -> Option<&Event> {
        self.events.get(event_id)
    }

    /// The event ids known, the newest first.
    pub(crate) fn newest(&self, count: usize) -> impl Iterator<Item = &str> {
        self.order.iter().rev().take(count).map(String::as_str)
    }

    /// How a notification that is in order and to be processed will end.
    pub(crate) fn process(&self, event_id: &str, repeats: Repeats) -> Disposition {
        let before = self.events.get(event_id).map_or(0, |event| event.processed);
        if before > 0 && repeats == Repeats::Once { Disposition::Duplicate } else { Disposition::Processed }
    }

    /// Takes a request down, and returns it with its sequence number.
    pub(crate) fn record(&mut self, mut received: Received) -> Received {
        self.totals.received += 1;
        received.sequence = self.totals.received;
        match received.disposition {
            Disposition::Processed => self.totals.processed += 1,
            Disposition::Duplicate => self.totals.duplicates += 1,
            Disposition::Refused => self.totals.refused += 1,
            Disposition::Ignored => self.totals.ignored += 1,
        }
        self.note_event(&received);
        received.body.truncate(self.memory.body_max);
        if received.body.len() < received.body_len {
            // A slice would keep the whole body alive.
            received.body = Bytes::copy_from_slice(&received.body);
        }
        self.body_bytes += received.body.len();
        self.requests.push_back(received.clone());
        while self.requests.len() > self.memory.requests_max || self.body_bytes > self.memory.bodies_max {
            let Some(oldest) = self.requests.pop_front() else { break };
            self.body_bytes -= oldest.body.len();
            self.totals.requests_dropped += 1;
        }
        received
    }

    fn note_event(&mut self, received: &Received) {
        let Some(event_id) = &received.event_id else { return };
        if !self.events.contains_key(event_id) {
            while self.order.len() >= self.memory.events_max.max(1) {
                let Some(oldest) = self.order.pop_front() else { break };
                self.events.remove(&oldest);
                self.totals.events_forgotten += 1;
            }
            self.order.push_back(event_id.clone());
        }
        let event = self.events.entry(event_id.clone()).or_insert_with(|| Event {
            event_id: event_id.clone(),
            event_type: received.event_type.clone(),
            received: 0,
            processed: 0,
            first_received_at: Some(received.at.to_string()),
            attempts: Vec::new(),
        });
        event.received += 1;
        event.processed += u64::from(received.disposition == Disposition::Processed);
        if event.attempts.len() < self.memory.attempts_max {
            event.attempts.push(Seen {
                sequence: received.sequence,
                at: received.at.to_string(),
                disposition: received.disposition,
                answered: received.answered.clone(),
            });
        }
    }
}
