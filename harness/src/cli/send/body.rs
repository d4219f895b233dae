//! Bodies: generated, changed where the user says, and held to their schema.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use pns_engine::{EventType, Timestamp};
use pns_simulator::schema::{Key, Overrides, Pack};
use serde_json::Value;

use super::super::did_you_mean;
use super::change::{Change, Found};
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
        let generated = self
            .pack
            .generate_with(event_type, key, &Overrides::default())
            .map_err(|error| Failure::usage(anyhow::anyhow!("cannot make a {event_type}: {error}")))?;
        let mut remarks = Vec::new();
        let bytes = if self.changes.is_empty() {
            generated
        } else {
            self.changed(event_type, &generated, &mut remarks)?
        };
        self.hold_to_schema(event_type, &bytes)?;
        Ok(Body { event_type, event_id: self.pack.event_id(&bytes), bytes: bytes.into(), remarks })
    }

    fn changed(
        &self,
        event_type: EventType,
        generated: &[u8],
        remarks: &mut Vec<String>,
    ) -> Result<Vec<u8>, Failure> {
        let mut body: Value = serde_json::from_slice(generated).map_err(Failure::harness)?;
        let known: Vec<String> =
            body.as_object().into_iter().flat_map(|members| members.keys().cloned()).collect();
        for change in &self.changes {
            let found = change.apply(&mut body).map_err(|error| {
                Failure::usage(anyhow::anyhow!("cannot set a place of {event_type}: {error}"))
            })?;
            if found == Found::Added {
                let mut remark = format!("{event_type} has no `{change}` of itself: it is added");
                let known = known.iter().map(String::as_str);
                if let Some(likely) =
                    did_you_mean(change.member(), known.filter(|name| *name != change.member()))
                {
                    remark.push_str(&format!("; did you mean `{likely}`?"));
                }
                remarks.push(remark);
            }
        }
        serde_json::to_vec(&body).map_err(Failure::harness)
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
