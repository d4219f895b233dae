//! Classes of what came of an arrival: the transport's own, and "slow down" apart.

use std::fmt;
use std::str::FromStr;

use pns_engine::{Answer, FailureReason, TlsFailure};

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Any 2xx.
    Acknowledged,
    /// The receiver asks to be sent less, by this status: 429, or 503 with `Retry-After`. It is not broken.
    SlowDown(u16),
    /// Anything else.
    Failed(FailureReason),
}

impl Class {
    /// The class of an answer.
    #[must_use]
    pub const fn of(answer: Answer) -> Self {
        match answer {
            Answer::Status { code: 200..=299, .. } => Self::Acknowledged,
            Answer::Status { code: 429, .. } => Self::SlowDown(429),
            Answer::Status { code: 503, retry_after: Some(_) } => Self::SlowDown(503),
            Answer::Status { code, .. } => Self::Failed(FailureReason::Status(code)),
            Answer::NoResponse(reason) => Self::Failed(reason),
        }
    }

    /// Whether the receiver asks to be sent less.
    #[must_use]
    pub const fn asks_for_less(self) -> bool {
        matches!(self, Self::SlowDown(_))
    }
}

impl fmt::Display for Class {
    /// A stable name: `acknowledged`, `slow-down-429`, `status-500`, `reset`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acknowledged => f.write_str("acknowledged"),
            Self::SlowDown(code) => write!(f, "slow-down-{code}"),
            Self::Failed(FailureReason::Status(code)) => write!(f, "status-{code}"),
            Self::Failed(reason) => f.write_str(reason.name()),
        }
    }
}

/// All reasons but the statuses.
const REASONS: [FailureReason; 20] = [
    FailureReason::NameResolution,
    FailureReason::Refused,
    FailureReason::Unreachable,
    FailureReason::ConnectTimeout,
    FailureReason::Tls(TlsFailure::CertificateExpired),
    FailureReason::Tls(TlsFailure::CertificateNotYetValid),
    FailureReason::Tls(TlsFailure::UnknownIssuer),
    FailureReason::Tls(TlsFailure::WrongHost),
    FailureReason::Tls(TlsFailure::BadCertificate),
    FailureReason::Tls(TlsFailure::VersionOrCipher),
    FailureReason::Tls(TlsFailure::ClientCertificateRequired),
    FailureReason::Tls(TlsFailure::HandshakeClosed),
    FailureReason::Tls(TlsFailure::HandshakeTimeout),
    FailureReason::Tls(TlsFailure::NotTls),
    FailureReason::Reset,
    FailureReason::ClosedBeforeResponse,
    FailureReason::MalformedResponse,
    FailureReason::SendTimeout,
    FailureReason::AcknowledgementTimeout,
    FailureReason::InsecureEndpoint,
];

impl FromStr for Class {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let code = |digits: &str| digits.parse::<u16>().ok().filter(|code| (100..=999).contains(code));
        if text == "acknowledged" {
            return Ok(Self::Acknowledged);
        }
        if let Some(code) = text.strip_prefix("slow-down-").and_then(code) {
            return Ok(Self::SlowDown(code));
        }
        if let Some(code) = text.strip_prefix("status-").and_then(code) {
            return Ok(Self::Failed(FailureReason::Status(code)));
        }
        let reason = REASONS.into_iter().find(|reason| reason.name() == text);
        reason.map(Self::Failed).ok_or_else(|| format!("`{text}` is no class of outcome"))
    }
}

/// Why no request was made of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotSent {
    /// Too many waited for a free connection.
    BacklogFull,
    /// The run was ended while it waited.
    RunEnded,
}

impl NotSent {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::BacklogFull, Self::RunEnded];

    /// A stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BacklogFull => "backlog-full",
            Self::RunEnded => "run-ended",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn slow_down_is_told_from_breakage() {
        let status = |code, retry_after| Class::of(Answer::Status { code, retry_after });
        assert_eq!(status(200, None), Class::Acknowledged);
        assert_eq!(status(299, None), Class::Acknowledged);
        assert_eq!(status(429, None), Class::SlowDown(429));
        assert_eq!(status(503, Some(Duration::ZERO)), Class::SlowDown(503));
        assert_eq!(status(503, None), Class::Failed(FailureReason::Status(503)));
        assert_eq!(status(301, None), Class::Failed(FailureReason::Status(301)));
        let reset = Class::of(Answer::NoResponse(FailureReason::Reset));
        assert_eq!(reset, Class::Failed(FailureReason::Reset));
    }

    #[test]
    fn names_read_back() {
        let statuses = [301, 404, 500].map(FailureReason::Status);
        let failed = REASONS.into_iter().chain(statuses).map(Class::Failed);
        for class in failed.chain([Class::Acknowledged, Class::SlowDown(429), Class::SlowDown(503)]) {
            assert_eq!(class.to_string().parse(), Ok(class));
        }
        for wrong in ["", "status-", "status-5", "status", "slow-down", "slow-down-x", "Reset"] {
            assert!(wrong.parse::<Class>().is_err(), "{wrong}");
        }
    }
}
