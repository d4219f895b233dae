//! The embedded receiver of a scenario.

use std::fmt;
use std::time::Duration;

use pns_engine::RateLimit;

use super::Template;
use crate::receiver::Pulls;

/// The embedded receiver's settings and script.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Receiver {
    /// Reactions to the first requests, one each.
    pub script: Vec<Reaction>,
    /// The reaction to all further requests. Default: correct.
    pub then: Reaction,
    /// The key it demands.
    pub api_key: ReceiverKey,
    /// Its TLS.
    pub tls: ReceiverTls,
    /// At most this rate; beyond it answers 429.
    pub rate_limit: Option<RateLimit>,
    /// When it pulls; `None`: after each acknowledgement, where a pull API runs.
    pub pulls: Option<Pulls>,
    /// Whether it turns down each RFP that reaches it.
    pub turns_down: bool,
}

impl Receiver {
    /// Whether its failures are the scenario's doing: all but when it pulls may make some.
    #[must_use]
    pub fn fails_on_purpose(&self) -> bool {
        let pulling_only = Self { pulls: self.pulls, turns_down: self.turns_down, ..Self::default() };
        *self != pulling_only || self.pulls == Some(Pulls::BeforeAcknowledging)
    }
}

/// The key that the embedded receiver demands. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum ReceiverKey {
    /// The run's.
    #[default]
    Run,
    /// None: it does not look at the Authorization header.
    None,
    /// This one.
    Key(String),
}

impl fmt::Debug for ReceiverKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Run => "Run",
            Self::None => "None",
            Self::Key(_) => "Key(***)",
        })
    }
}

/// What the embedded receiver does with one request.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Reaction {
    /// Checks, stores and acknowledges as a good receiver does.
    #[default]
    Correct,
    /// Answers with a status.
    Status {
        /// The code.
        code: u16,
        /// `Retry-After`.
        retry_after: Option<Duration>,
        /// The body.
        body: Option<String>,
        /// More headers.
        headers: Vec<(String, String)>,
    },
    /// Waits in real time, then reacts.
    Delay(Duration, Box<Reaction>),
    /// Reads the request and never answers.
    Hang,
    /// Never reads the request.
    HangBeforeReading,
    /// Resets the connection.
    Reset,
    /// Closes the connection in order.
    Close,
    /// Answers with bytes that are no HTTP.
    Malformed,
    /// Announces a longer answer than it sends.
    CutResponse,
    /// Answers 307 to this location.
    Redirect(Template),
    /// Processes the notification, then resets the connection.
    ProcessThenReset,
    /// Processes the notification and never answers.
    ProcessThenHang,
    /// The first `times` requests of each notification get `with`; later ones are correct.
    FailFirst {
        /// How many.
        times: u32,
        /// What they get.
        with: Box<Reaction>,
    },
}

/// TLS of the embedded receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ReceiverTls {
    /// The certificate it shows.
    pub certificate: Certificate,
    /// The versions it speaks.
    pub versions: TlsVersions,
    /// Whether it demands a client certificate.
    pub demand_client_certificate: bool,
}

/// The certificate that the embedded receiver shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Certificate {
    #[default]
    Good,
    Expired,
    NotYetValid,
    WrongHost,
    UnknownIssuer,
}

/// The TLS versions that the embedded receiver speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub enum TlsVersions {
    #[default]
    Both,
    Tls12,
    Tls13,
}
