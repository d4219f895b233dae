//! What came of an attempt, as data. A receiver's 500 is an outcome, not an error of ours.

use core::fmt;
use core::time::Duration;

/// What the transport saw of one attempt, before policy judges it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// A whole response came back.
    Status {
        /// The HTTP status code.
        code: u16,
        /// The wait that the receiver asked for by `Retry-After`, if it did and it could be read.
        retry_after: Option<Duration>,
    },
    /// No whole response came back.
    NoResponse(FailureReason),
}

/// The verdict on one attempt, after the subscription's acknowledgement policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A successful acknowledgement, with its status code.
    Acknowledged(u16),
    /// Anything else: the delivery is retried.
    Failed(FailureReason),
}

/// Why an attempt failed. *Documented* are two: "cannot connect" and no "successful acknowledgement"; the
/// finer classes are this project's, so that a report can say what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureReason {
    /// The host name did not resolve, or not within the limit.
    NameResolution,
    /// Nothing listens: the connection was refused.
    Refused,
    /// No route to the host or its network.
    Unreachable,
    /// No TCP connection within the limit.
    ConnectTimeout,
    /// TLS was not established.
    Tls(TlsFailure),
    /// The connection was reset (TCP RST) before a whole response.
    Reset,
    /// The connection was closed in order before a whole response.
    ClosedBeforeResponse,
    /// What came back is not HTTP, or breaks its framing, or is larger than the limits.
    MalformedResponse,
    /// The receiver did not take the request's bytes within the limit.
    SendTimeout,
    /// No whole response within the acknowledgement timeout.
    AcknowledgementTimeout,
    /// A whole response whose status does not acknowledge. Redirects are not followed and stand here.
    Status(u16),
    /// The endpoint is plain HTTP, to which PNS does not send. *Documented.*
    InsecureEndpoint,
    /// The sender stopped before the attempt's end was on record: the receiver may have got the notification.
    SenderStopped,
}

/// Why TLS was not established.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsFailure {
    /// The certificate is past its validity.
    CertificateExpired,
    /// The certificate's validity has not begun.
    CertificateNotYetValid,
    /// No trusted authority vouches for the certificate.
    UnknownIssuer,
    /// The certificate is for another host.
    WrongHost,
    /// The certificate is unusable for another reason: malformed, revoked, bad signature, wrong purpose.
    BadCertificate,
    /// No TLS version or cipher in common.
    VersionOrCipher,
    /// The receiver demands a client certificate, which PNS does not document sending.
    ClientCertificateRequired,
    /// The peer closed or reset the connection during the handshake.
    HandshakeClosed,
    /// The handshake was not done within the limit.
    HandshakeTimeout,
    /// What answered does not speak TLS, or broke its rules.
    NotTls,
}

impl FailureReason {
    /// All of them but the statuses.
    pub const WITHOUT_STATUS: [Self; 21] = [
        Self::NameResolution,
        Self::Refused,
        Self::Unreachable,
        Self::ConnectTimeout,
        Self::Tls(TlsFailure::CertificateExpired),
        Self::Tls(TlsFailure::CertificateNotYetValid),
        Self::Tls(TlsFailure::UnknownIssuer),
        Self::Tls(TlsFailure::WrongHost),
        Self::Tls(TlsFailure::BadCertificate),
        Self::Tls(TlsFailure::VersionOrCipher),
        Self::Tls(TlsFailure::ClientCertificateRequired),
        Self::Tls(TlsFailure::HandshakeClosed),
        Self::Tls(TlsFailure::HandshakeTimeout),
        Self::Tls(TlsFailure::NotTls),
        Self::Reset,
        Self::ClosedBeforeResponse,
        Self::MalformedResponse,
        Self::SendTimeout,
        Self::AcknowledgementTimeout,
        Self::InsecureEndpoint,
        Self::SenderStopped,
    ];

    /// A stable kebab-case name for reports and metrics; a status carries no code here.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NameResolution => "name-resolution",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::ConnectTimeout => "connect-timeout",
            Self::Tls(tls) => tls.name(),
            Self::Reset => "reset",
            Self::ClosedBeforeResponse => "closed-before-response",
            Self::MalformedResponse => "malformed-response",
            Self::SendTimeout => "send-timeout",
            Self::AcknowledgementTimeout => "acknowledgement-timeout",
            Self::Status(_) => "status",
            Self::InsecureEndpoint => "insecure-endpoint",
            Self::SenderStopped => "sender-stopped",
        }
    }
}

impl TlsFailure {
    /// A stable kebab-case name for reports and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CertificateExpired => "tls-certificate-expired",
            Self::CertificateNotYetValid => "tls-certificate-not-yet-valid",
            Self::UnknownIssuer => "tls-unknown-issuer",
            Self::WrongHost => "tls-wrong-host",
            Self::BadCertificate => "tls-bad-certificate",
            Self::VersionOrCipher => "tls-version-or-cipher",
            Self::ClientCertificateRequired => "tls-client-certificate-required",
            Self::HandshakeClosed => "tls-handshake-closed",
            Self::HandshakeTimeout => "tls-handshake-timeout",
            Self::NotTls => "tls-not-tls",
        }
    }
}

impl fmt::Display for FailureReason {
    /// A sentence fragment for people: "the connection was refused".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NameResolution => "the host name did not resolve",
            Self::Refused => "the connection was refused",
            Self::Unreachable => "the host is unreachable",
            Self::ConnectTimeout => "no connection within the connect timeout",
            Self::Tls(tls) => return tls.fmt(f),
            Self::Reset => "the connection was reset before a whole response",
            Self::ClosedBeforeResponse => "the connection was closed before a whole response",
            Self::MalformedResponse => "the response is not well-formed HTTP",
            Self::SendTimeout => "the receiver did not read the request in time",
            Self::AcknowledgementTimeout => "no acknowledgement within the timeout",
            Self::Status(code) => return write!(f, "status {code} does not acknowledge"),
            Self::InsecureEndpoint => "plain HTTP, to which PNS does not send",
            Self::SenderStopped => "the sender stopped during the attempt",
        })
    }
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CertificateExpired => "TLS: the certificate has expired",
            Self::CertificateNotYetValid => "TLS: the certificate is not valid yet",
            Self::UnknownIssuer => "TLS: the certificate's issuer is not trusted",
            Self::WrongHost => "TLS: the certificate is for another host",
            Self::BadCertificate => "TLS: the certificate is not usable",
            Self::VersionOrCipher => "TLS: no protocol version or cipher in common",
            Self::ClientCertificateRequired => "TLS: the receiver demands a client certificate",
            Self::HandshakeClosed => "TLS: the connection ended during the handshake",
            Self::HandshakeTimeout => "TLS: the handshake was not done in time",
            Self::NotTls => "TLS: the peer does not speak TLS",
        })
    }
}
