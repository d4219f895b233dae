//! Bodies: generated, changed where the user says, and held to their schema.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use pns_engine::{EventType, Timestamp};
use pns_simulator::schema::{Key, Overrides, Pack};
use serde_json::Value;

use super::super::did_you_mean;
use super::change::Change;
use super::{Failure, published};

/// Makes bodies.
#[derive(Debug)]
pub(super) struct Maker {
    pub(super) pack: Arc<Pack>,
    pub(super) seed: u64,
    pub(super) changes: Vec<Change>,
    pub(super) validity: Validity,
    /// `None`: the present, of each body.
    pub(super) published: Option<Timestamp>,
}

/// Whether bodies must fit their schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Validity {
    Demanded,
    Any,
}

/// One body.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) event_type: EventType,
    pub(super) event_id: Option<String>,
    pub(super) bytes: Bytes,
    /// What the user may not have meant.
    pub(super) remarks: Vec<String>,
}

impl Maker {
    /// The body with this number.
    pub(super) fn make(&self, event_type: EventType, sequence: u64) -> Result<Body, Failure> {
        let key = Key { seed: self.seed, sequence, published: published(self.published) };
        let mut bytes = Vec::new();
        let cannot = |error| {
            let context = format!("cannot make a body of {event_type}");
            Failure::usage(anyhow::Error::new(error).context(context))
        };
        self.pack.generate(event_type, key, &mut bytes).map_err(cannot)?;
        let mut remarks = Vec::new();
        if !self.changes.is_empty() {
            remarks = self.remarks(event_type, &bytes);
            let mut overrides = Overrides::default();
            self.changes.iter().for_each(|change| change.lay_over(&mut overrides));
            bytes = self.pack.generate_with(event_type, key, &overrides).map_err(cannot)?;
        }
        self.hold_to_schema(event_type, &bytes)?;
        Ok(Body { event_type, event_id: self.pack.event_id(&bytes), bytes: bytes.into(), remarks })
    }

    /// Changes of places that a body does not have of itself: perhaps misspelt.
    fn remarks(&self, event_type: EventType, generated: &[u8]) -> Vec<String> {
        let body: Value = serde_json::from_slice(generated).unwrap_or_default();
        let known: Vec<&str> =
            body.as_object().into_iter().flat_map(|members| members.keys().map(String::as_str)).collect();
        let added = self.changes.iter().filter(|change| !change.is_in(&body));
        added
            .map(|change| {
                let remark = format!("{event_type} has no `{change}` of itself: it is added");
                let others = known.iter().copied().filter(|name| *name != change.member());
                match did_you_mean(change.member(), others) {
                    Some(likely) if !known.contains(&change.member()) => {
                        format!("{remark}; did you mean `{likely}`?")
                    }
                    _ => remark,
                }
            })
            .collect()
    }

    fn hold_to_schema(&self, event_type: EventType, bytes: &[u8]) -> Result<(), Failure> {
        if self.validity == Validity::Any {
            return Ok(());
        }
        let Err(violations) = self.pack.validate(bytes) else { return Ok(()) };
        let listed: Vec<String> = violations.iter().map(|violation| format!("\n  {violation}")).collect();
        let error = anyhow::anyhow!("the body of {event_type} does not fit its schema:{}", listed.concat());
        Err(Failure::usage(error).help("`--allow-invalid` sends it all the same"))
    }
}

impl Body {
    /// As it is sent.
    pub(super) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// The same, a member a line.
    pub(super) fn indented(&self) -> String {
        serde_json::from_slice::<Value>(&self.bytes)
            .and_then(|body| serde_json::to_string_pretty(&body))
            .unwrap_or_else(|_| self.text().into_owned())
    }
}
