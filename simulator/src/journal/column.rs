//! Values of the vocabulary as columns, and back.

use pns_engine::{AbandonCause, Deferrals, EventType, FailureReason, Origin, Outcome, SupplierId, Timestamp};
use rusqlite::types::Type;
use std::time::Duration;

/// An id or a count. The engine counts them up from 1 and never comes near the end.
pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn instant(at: Timestamp) -> i64 {
    number(at.as_nanos())
}

pub(super) fn timestamp(nanos: i64) -> Timestamp {
    if nanos == i64::MAX { Timestamp::MAX } else { Timestamp::from_nanos(u64::try_from(nanos).unwrap_or(0)) }
}

pub(super) fn span(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

pub(super) fn duration(nanos: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}

pub(super) fn event_type(place: i64) -> rusqlite::Result<EventType> {
    let found = usize::try_from(place).ok().and_then(|place| EventType::ALL.get(place).copied());
    found.ok_or_else(|| strange(Type::Integer, format!("{place} is no event type")))
}

pub(super) fn supplier(bytes: Option<Vec<u8>>) -> rusqlite::Result<Option<SupplierId>> {
    let Some(bytes) = bytes else { return Ok(None) };
    let bits = <[u8; 16]>::try_from(bytes.as_slice());
    let bits = bits.map_err(|_| strange(Type::Blob, "a supplier has 16 bytes".to_owned()))?;
    Ok(Some(SupplierId(u128::from_be_bytes(bits))))
}

pub(super) fn origin(origin: Origin) -> i64 {
    match origin {
        Origin::Publication => 0,
        Origin::Redelivery => 1,
    }
}

pub(super) fn origin_of(value: i64) -> Origin {
    if value == 0 { Origin::Publication } else { Origin::Redelivery }
}

pub(super) fn cause(cause: AbandonCause) -> i64 {
    match cause {
        AbandonCause::AttemptCap => 0,
        AbandonCause::SubscriptionRemoved => 1,
    }
}

pub(super) fn cause_of(value: i64) -> AbandonCause {
    if value == 0 { AbandonCause::AttemptCap } else { AbandonCause::SubscriptionRemoved }
}

pub(super) fn deferrals(deferrals: Deferrals) -> i64 {
    let Deferrals { downtime, rate_limit, concurrency, held_back, sender_stopped } = deferrals;
    let flags = [downtime, rate_limit, concurrency, held_back, sender_stopped];
    flags.into_iter().enumerate().map(|(place, flag)| i64::from(flag) << place).sum()
}

pub(super) fn deferrals_of(bits: i64) -> Deferrals {
    let flag = |place: u32| bits >> place & 1 == 1;
    Deferrals {
        downtime: flag(0),
        rate_limit: flag(1),
        concurrency: flag(2),
        held_back: flag(3),
        sender_stopped: flag(4),
    }
}

/// Status and failure.
pub(super) fn outcome(outcome: Outcome) -> (Option<u16>, Option<&'static str>) {
    match outcome {
        Outcome::Acknowledged(status) => (Some(status), None),
        Outcome::Failed(FailureReason::Status(status)) => {
            (Some(status), Some(FailureReason::Status(status).name()))
        }
        Outcome::Failed(reason) => (None, Some(reason.name())),
    }
}

pub(super) fn outcome_of(status: Option<u16>, failure: Option<&str>) -> rusqlite::Result<Outcome> {
    match (status, failure) {
        (Some(status), None) => Ok(Outcome::Acknowledged(status)),
        (Some(status), Some(_)) => Ok(Outcome::Failed(FailureReason::Status(status))),
        (None, failure) => {
            let name = failure.unwrap_or_default();
            let reason = FailureReason::WITHOUT_STATUS.into_iter().find(|reason| reason.name() == name);
            let reason = reason.ok_or_else(|| strange(Type::Text, format!("`{name}` is no failure")))?;
            Ok(Outcome::Failed(reason))
        }
    }
}

/// A column that does not hold what was written.
fn strange(kind: Type, text: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, kind, text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_late_is_kept_as_for_ever_and_all_else_as_it_is() {
        let border = u64::try_from(i64::MAX).unwrap();
        for nanos in [0, 1, crate::clock::LAST.as_nanos(), border - 1] {
            let at = Timestamp::from_nanos(nanos);
            assert_eq!(timestamp(instant(at)), at);
        }
        for nanos in [border, border + 1, u64::MAX] {
            assert_eq!(timestamp(instant(Timestamp::from_nanos(nanos))), Timestamp::MAX);
        }
        assert_eq!(span(Duration::MAX), i64::MAX);
    }
}
