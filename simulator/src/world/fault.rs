//! Failures of the pull side, planned: one form for the control API, the dashboard and scenario files.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pns_engine::{SupplierId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::call::{Asked, CallKind};
use super::id::RfpId;
use crate::service::model::{Instant, InvalidField, OneOrMany, Span, SupplierText, given};

/// Faults that are planned at one time.
const FAULTS_MAX: usize = 1_000;
/// The longest that an answer may be held back: longer than any client waits.
const SLOW_MAX: Duration = Duration::from_secs(600);

/// A fault of the pull side: exactly one of `slow`, `answer`, `stale` and `no_consent`, for the next call that fits, for
/// `times` of them, or for a span of PNS time.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend(
    "oneOf" = [
        { "required": ["slow"] }, { "required": ["answer"] }, { "required": ["stale"] }, { "required": ["no_consent"] }
    ],
    "dependentRequired" = { "retry_after": ["answer"] }
))]
pub struct PullFaultSpec {
    /// The answer is held back for so much real time, at most 10 minutes.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Span")]
    pub slow: Option<Span>,
    /// This status is answered, from 400 to 599, and nothing is done.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u16", range(min = 400, max = 599))]
    pub answer: Option<u16>,
    /// With `answer`: the header Retry-After.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Span")]
    pub retry_after: Option<Span>,
    /// The answer tells the state of so long ago. Only calls that read meet it.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Span")]
    pub stale: Option<Span>,
    /// `true`: the represented venue has not given its consent, so that its response is refused with 403. Only calls that
    /// read meet it.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool", extend("const" = true))]
    pub no_consent: Option<bool>,
    /// Only these calls. Default: all.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "OneOrMany<CallKind>")]
    pub of: Option<OneOrMany<CallKind>>,
    /// Only calls that name this RFP.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "RfpId")]
    pub rfp: Option<RfpId>,
    /// Only calls that name this supplier.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SupplierText")]
    pub supplier: Option<SupplierText>,
    /// How many calls; not with `for`. Default: one, or as long as `for` says.
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NonZeroU32", range(min = 1))]
    pub times: Option<NonZeroU32>,
    /// For a span of PNS time.
    #[serde(rename = "for", deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Span")]
    pub lasts: Option<Span>,
}

/// What a fault does to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullFault {
    /// The answer is held back for so much real time.
    Slow(Duration),
    /// This status is answered instead.
    Answer {
        /// The status.
        status: u16,
        /// The header Retry-After.
        retry_after: Option<Duration>,
    },
    /// The state of so long ago is told.
    Stale(Duration),
    /// A represented venue has not given its consent: 403.
    NoConsent,
}

/// A fault that is planned, with what is left of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PullFaultView {
    /// Its number.
    pub id: u32,
    /// As it was planned.
    pub fault: PullFaultSpec,
    /// How many calls are left; `null`: any number until its time is over.
    pub left: Option<u32>,
    /// When it ends by itself, in PNS time.
    pub until: Option<Instant>,
}

impl PullFaultSpec {
    /// What it does.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn resolve(&self) -> Result<PullFault, InvalidField> {
        let named =
            [self.slow.is_some(), self.answer.is_some(), self.stale.is_some(), self.no_consent.is_some()];
        if named.into_iter().filter(|named| *named).count() != 1 {
            return Err(InvalidField::new(
                "",
                "exactly one of `slow`, `answer`, `stale` and `no_consent` is needed",
            ));
        }
        if self.of.as_ref().is_some_and(|kinds| kinds.0.is_empty()) {
            return Err(InvalidField::new("of", "names no call"));
        }
        if self.retry_after.is_some() && self.answer.is_none() {
            return Err(InvalidField::new("retry_after", "goes with `answer` only"));
        }
        if self.times.is_some() && self.lasts.is_some() {
            return Err(InvalidField::new(
                "times",
                "a fault lasts for a count or for a span: not with `for`",
            ));
        }
        if self.slow.is_some_and(|span| span.0 > SLOW_MAX) {
            return Err(InvalidField::new("slow", "longer than 10m"));
        }
        match (self.slow, self.answer, self.stale, self.no_consent) {
            (Some(span), ..) => Ok(PullFault::Slow(span.0)),
            (_, Some(status @ 400..=599), ..) => {
                Ok(PullFault::Answer { status, retry_after: self.retry_after.map(|span| span.0) })
            }
            (_, Some(_), ..) => Err(InvalidField::new("answer", "not from 400 to 599")),
            (_, _, Some(span), _) => Ok(PullFault::Stale(span.0)),
            (.., Some(true)) => Ok(PullFault::NoConsent),
            _ => Err(InvalidField::new("no_consent", "only `true` is a fault")),
        }
    }

    fn fits(&self, asked: &Asked) -> bool {
        // Only what is read can be stale or want a consent: other calls would use the fault up for nothing.
        if !asked.kind.reads() && (self.stale.is_some() || self.no_consent.is_some()) {
            return false;
        }
        let of = self.of.as_ref().is_none_or(|kinds| kinds.0.contains(&asked.kind));
        let rfp = self.rfp.is_none_or(|rfp| asked.rfp == Some(rfp));
        let supplier: Option<SupplierId> = self.supplier.map(|supplier| supplier.0);
        of && rfp && supplier.is_none_or(|supplier| asked.supplier == Some(supplier))
    }
}

/// The faults that are planned. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct PullFaults {
    planned: Arc<Mutex<Planned>>,
}

#[derive(Debug, Default)]
struct Planned {
    last: u32,
    /// Rises with each change.
    revision: u64,
    faults: BTreeMap<u32, PullFaultView>,
}

/// No more faults can be planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{FAULTS_MAX} faults are planned already")]
pub struct TooManyPullFaults;

impl PullFaults {
    /// Plans a fault that [`PullFaultSpec::resolve`] takes.
    ///
    /// # Errors
    /// At the limit of faults.
    pub fn plan(&self, spec: PullFaultSpec, now: Timestamp) -> Result<PullFaultView, TooManyPullFaults> {
        let mut planned = lock(&self.planned);
        planned.forget_over(now);
        if planned.faults.len() >= FAULTS_MAX {
            return Err(TooManyPullFaults);
        }
        planned.last += 1;
        planned.revision += 1;
        let once = spec.lasts.is_none().then_some(NonZeroU32::MIN);
        let left = spec.times.or(once).map(NonZeroU32::get);
        let until = spec.lasts.map(|span| Instant(now + span.0));
        let view = PullFaultView { id: planned.last, fault: spec, left, until };
        planned.faults.insert(view.id, view.clone());
        Ok(view)
    }

    /// Puts back what [`PullFaults::list`] told, after a restart.
    pub fn restore(&self, faults: Vec<PullFaultView>, last: u32) {
        let mut planned = lock(&self.planned);
        planned.last = faults.iter().map(|fault| fault.id).max().unwrap_or(0).max(last);
        let sound = faults.into_iter().filter(|fault| fault.fault.resolve().is_ok());
        planned.faults = sound.map(|fault| (fault.id, fault)).collect();
    }

    /// The faults that are not used up or over, in the order in which they were planned.
    #[must_use]
    pub fn list(&self, now: Timestamp) -> Vec<PullFaultView> {
        let mut planned = lock(&self.planned);
        planned.forget_over(now);
        planned.faults.values().cloned().collect()
    }

    /// Rises with each change of what is planned or left.
    #[must_use]
    pub fn revision(&self) -> u64 {
        lock(&self.planned).revision
    }

    /// The number of the latest fault.
    #[must_use]
    pub fn last(&self) -> u32 {
        lock(&self.planned).last
    }

    /// Forgets a fault, or all; tells whether there was one.
    pub fn clear(&self, id: Option<u32>) -> bool {
        let mut planned = lock(&self.planned);
        planned.revision += 1;
        let faults = &mut planned.faults;
        match id {
            Some(id) => faults.remove(&id).is_some(),
            None => !std::mem::take(faults).is_empty(),
        }
    }

    /// The fault that a call meets: the first that fits. It is used up by that.
    #[must_use]
    pub fn take(&self, asked: &Asked, now: Timestamp) -> Option<(u32, PullFault)> {
        let mut planned = lock(&self.planned);
        if planned.faults.is_empty() {
            return None;
        }
        planned.forget_over(now);
        let fault = planned.faults.values_mut().find(|fault| fault.fault.fits(asked))?;
        let id = fault.id;
        let does = fault.fault.resolve().ok()?;
        if let Some(left) = &mut fault.left {
            *left -= 1;
            if *left == 0 {
                planned.faults.remove(&id);
            }
            planned.revision += 1;
        }
        Some((id, does))
    }
}

impl Planned {
    fn forget_over(&mut self, now: Timestamp) {
        self.faults.retain(|_, fault| fault.until.is_none_or(|until| until.0 > now));
    }
}

fn lock(planned: &Mutex<Planned>) -> MutexGuard<'_, Planned> {
    planned.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::world::Call;

    const NOW: Timestamp = Timestamp::from_millis(1_764_000_000_000);
    const RFP: RfpId = RfpId(7);

    fn spec(json: Value) -> PullFaultSpec {
        serde_json::from_value(json).unwrap()
    }

    fn ask(call: Call) -> Asked {
        (&call).into()
    }

    #[test]
    fn a_fault_is_exactly_one() {
        let wrong = |json| spec(json).resolve().unwrap_err().to_string();
        assert!(wrong(json!({})).contains("exactly one"));
        assert!(wrong(json!({ "slow": "1s", "stale": "1h" })).contains("exactly one"));
        assert!(wrong(json!({ "slow": "1h" })).contains("longer than 10m"));
        assert!(wrong(json!({ "answer": 200 })).contains("from 400 to 599"));
        assert!(wrong(json!({ "stale": "1h", "retry_after": "1s" })).contains("retry_after"));
        assert!(wrong(json!({ "answer": 500, "times": 2, "for": "1h" })).contains("a count or for a span"));
        assert!(wrong(json!({ "no_consent": false })).contains("only `true`"));
        assert!(serde_json::from_value::<PullFaultSpec>(json!({ "answer": 429, "x": 1 })).is_err());
        assert!(serde_json::from_value::<PullFaultSpec>(json!({ "answer": 429, "times": 0 })).is_err());
        let retry_after = Some(Duration::from_secs(5));
        let limited = spec(json!({ "answer": 429, "retry_after": "5s" })).resolve();
        assert_eq!(limited, Ok(PullFault::Answer { status: 429, retry_after }));
    }

    #[test]
    fn a_fault_meets_what_it_names_as_often_as_it_says() {
        let faults = PullFaults::default();
        faults
            .plan(spec(json!({ "answer": 500, "times": 2, "of": ["rfp", "responses"], "rfp": RFP })), NOW)
            .unwrap();
        assert_eq!(faults.take(&ask(Call::Messages(RFP)), NOW), None);
        assert_eq!(faults.take(&ask(Call::Rfp(RfpId(8))), NOW), None);
        assert!(faults.take(&ask(Call::Rfp(RFP)), NOW).is_some());
        assert_eq!(faults.list(NOW)[0].left, Some(1));
        assert!(faults.take(&ask(Call::Responses(RFP)), NOW).is_some());
        assert!(faults.list(NOW).is_empty());
        assert_eq!(faults.take(&Asked::TOKEN, NOW), None);
    }

    #[test]
    fn a_fault_ends_with_its_time_and_outlives_a_restart() {
        let faults = PullFaults::default();
        let planned = faults.plan(spec(json!({ "slow": "2s", "for": "1m" })), NOW).unwrap();
        assert_eq!(planned.left, None);
        for _ in 0..100 {
            assert_eq!(faults.take(&Asked::TOKEN, NOW), Some((1, PullFault::Slow(Duration::from_secs(2)))));
        }
        let text = serde_json::to_string(&faults.list(NOW)).unwrap();
        let again = PullFaults::default();
        again.restore(serde_json::from_str(&text).unwrap(), faults.last());
        assert_eq!(again.list(NOW), faults.list(NOW));
        assert_eq!(again.take(&Asked::TOKEN, NOW + Duration::from_secs(60)), None);
        assert_eq!(again.plan(spec(json!({ "stale": "1h" })), NOW).unwrap().id, 2);
        assert!(again.clear(Some(2)) && !again.clear(Some(2)) && !again.clear(None));
    }

    #[test]
    fn there_is_a_bound() {
        let faults = PullFaults::default();
        for _ in 0..FAULTS_MAX {
            faults.plan(spec(json!({ "stale": "1h" })), NOW).unwrap();
        }
        assert!(faults.plan(spec(json!({ "stale": "1h" })), NOW).is_err());
    }
}
