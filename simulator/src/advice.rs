//! What a failed attempt means, in words for someone who meets it the first time, and how a receiver is mended.
//!
//! The command line and the dashboard say the same; only what a reader can turn has another name there ([`Voice`]).

use pns_engine::{FailureReason, TlsFailure};

/// Who is spoken to: it tells how settings are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// Who started a command, with its flags.
    CommandLine,
    /// Who looks at a subscription of the service.
    Service,
}

/// What an attempt that failed for `reason` tells about the receiver.
#[must_use]
pub fn meaning(reason: FailureReason, voice: Voice) -> String {
    match reason {
        FailureReason::Status(code) => format!("status {code}: {}", status(code, voice)),
        FailureReason::Tls(tls) => self::tls(tls, voice).to_owned(),
        other => connection(other, voice).to_owned(),
    }
}

fn status(code: u16, voice: Voice) -> &'static str {
    match (code, voice) {
        (401 | 403, Voice::CommandLine) => {
            "the receiver did not accept the authorization: check that it expects the header \
             `Authorization: api_key KEY` (scheme `api_key`, one space) and the same key as `--api-key`"
        }
        (401 | 403, Voice::Service) => {
            "the receiver did not accept the authorization: check that it expects the header \
             `Authorization: api_key KEY` (scheme `api_key`, one space) and the same key as the subscription has"
        }
        (404, Voice::CommandLine) => "the receiver has nothing at this path: check the path of `--target`",
        (404, Voice::Service) => "the receiver has nothing at this path: check the path of the endpoint",
        (405, _) => "the receiver does not take POST at this path",
        (408 | 504, _) => "the receiver, or a proxy before it, gave up waiting",
        (413, _) => "the receiver finds the body too large: a notification is a few hundred bytes",
        (415, _) => "the receiver does not take `Content-Type: application/json`",
        (400 | 422, _) => {
            "the receiver rejected the body: it must accept every event type subscribed to, \
             and ignore fields that it does not know"
        }
        (429, _) => {
            "the receiver asks to be sent less: PNS can be given a rate limit, and a notification refused \
             for that reason is sent again"
        }
        (300..=399, _) => "the receiver answered with a redirect, which is not followed: give the final URL",
        (500..=599, _) => "the receiver failed inside: its own log tells why",
        _ => "this is not an acknowledgement",
    }
}

fn connection(reason: FailureReason, voice: Voice) -> &'static str {
    match reason {
        FailureReason::NameResolution => {
            "the host name of the target did not resolve: check its spelling and DNS"
        }
        FailureReason::Refused => {
            "nothing listens at the target's address and port: is the receiver running?"
        }
        FailureReason::Unreachable => "there is no route to the target's address",
        FailureReason::ConnectTimeout => {
            "the target did not take the connection in time: a firewall that drops packets, or a full backlog"
        }
        FailureReason::Reset => {
            "the receiver, or something before it, reset the connection before it had answered: often a crash \
             or a limit on connections"
        }
        FailureReason::ClosedBeforeResponse => {
            "the connection was closed before a whole response had come: PNS sees no acknowledgement and sends \
             the notification again"
        }
        FailureReason::MalformedResponse => "what came back is not well-formed HTTP, or is far too large",
        FailureReason::SendTimeout => "the receiver stopped reading the request",
        FailureReason::AcknowledgementTimeout => {
            "the receiver did not answer in time: acknowledge first and work afterwards, since PNS sends again \
             what is not acknowledged"
        }
        FailureReason::InsecureEndpoint => match voice {
            Voice::CommandLine => {
                "PNS does not send to plain HTTP: serve HTTPS, or rehearse with `--allow-http`"
            }
            Voice::Service => {
                "PNS does not send to plain HTTP: serve HTTPS, or start the service with `--allow-http`"
            }
        },
        FailureReason::SenderStopped => {
            "the sender stopped before the attempt's end was on record: the receiver may get the notification \
             twice"
        }
        FailureReason::Tls(_) | FailureReason::Status(_) => "told by its own class",
    }
}

fn tls(reason: TlsFailure, voice: Voice) -> &'static str {
    match reason {
        TlsFailure::CertificateExpired => "the receiver's certificate has expired: renew it",
        TlsFailure::CertificateNotYetValid => {
            "the receiver's certificate is not valid yet: check its dates and this machine's clock"
        }
        TlsFailure::UnknownIssuer => match voice {
            Voice::CommandLine => {
                "the receiver's certificate is signed by an authority that is not trusted here: serve the \
                 intermediate certificates too, or name a private authority by `--cacert FILE`"
            }
            Voice::Service => {
                "the receiver's certificate is signed by an authority that is not trusted here: serve the \
                 intermediate certificates too, or start the service with `--cacert FILE` for a private authority"
            }
        },
        TlsFailure::WrongHost => "the receiver's certificate is for another host name than the target's",
        TlsFailure::BadCertificate => "the receiver's certificate cannot be used",
        TlsFailure::VersionOrCipher => {
            "the receiver offers no TLS version or cipher in use today: TLS 1.2 or 1.3"
        }
        TlsFailure::ClientCertificateRequired => {
            "the receiver demands a client certificate, which Cvent does not document sending"
        }
        TlsFailure::HandshakeClosed => "the receiver ended the connection during the TLS handshake",
        TlsFailure::HandshakeTimeout => "the receiver did not finish the TLS handshake in time",
        TlsFailure::NotTls => "what answers at the target does not speak TLS: is this the HTTPS port?",
    }
}
