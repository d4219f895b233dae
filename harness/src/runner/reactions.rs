//! From a scenario file's receiver to the embedded receiver's own types.

use std::time::Duration;

use crate::receiver::{
    Answer, Certificate, ClientCertificate, Counted, FailFirst, RateLimit, Reaction, Script, StatusAnswer,
    Tls, TlsVersions,
};
use crate::scenario::model;

/// The script that the embedded receiver plays.
///
/// # Errors
/// When the file asks for what the receiver cannot do, in words.
pub(super) fn script(wanted: &model::Receiver) -> Result<Script, String> {
    let mut script = Script::of(Vec::new());
    for reaction in &wanted.script {
        match reaction {
            model::Reaction::FailFirst { times, with } => {
                script.fail_first = Some(FailFirst {
                    attempts: *times,
                    with: self::reaction(with)?,
                    counted: Counted::ByNotification,
                });
            }
            other => script.sequence.push(self::reaction(other)?),
        }
    }
    script.then = reaction(&wanted.then)?;
    script.rate_limit = wanted.rate_limit.as_ref().map(rate_limit).transpose()?;
    Ok(script)
}

fn reaction(wanted: &model::Reaction) -> Result<Reaction, String> {
    Ok(match wanted {
        model::Reaction::Correct => Reaction::CORRECT,
        model::Reaction::Status { code, retry_after, body, headers } => {
            let answer = StatusAnswer {
                code: *code,
                retry_after: *retry_after,
                headers: headers.clone(),
                body: body.clone(),
            };
            Reaction::new(Reaction::status(*code).effect, Answer::Status(answer))
        }
        model::Reaction::Delay(span, then) => reaction(then)?.after(*span),
        model::Reaction::Hang => Reaction::HANG,
        model::Reaction::HangBeforeReading => Reaction::HANG_BEFORE_READING,
        model::Reaction::Reset => Reaction::RESET,
        model::Reaction::Close => Reaction::CLOSE,
        model::Reaction::Malformed => Reaction::MALFORMED,
        model::Reaction::CutResponse => Reaction::CUT,
        model::Reaction::Redirect(location) => match &location.0 {
            serde_json::Value::String(text) => Reaction::redirect(text.clone()),
            other => return Err(format!("`redirect` must be a URL, not `{other}`")),
        },
        model::Reaction::ProcessThenReset => Reaction::PROCESS_THEN_RESET,
        model::Reaction::ProcessThenHang => Reaction::PROCESS_THEN_HANG,
        model::Reaction::FailFirst { .. } => {
            return Err("`fail_first` stands in `script` by itself, not inside another reaction".to_owned());
        }
    })
}

fn rate_limit(wanted: &pns_engine::RateLimit) -> Result<RateLimit, String> {
    if wanted.per() != Duration::from_secs(1) {
        return Err("the embedded receiver's rate limit is told per second, as `10/s`".to_owned());
    }
    Ok(RateLimit { per_second: wanted.count(), burst: wanted.burst() })
}

/// The receiver's TLS.
pub(super) fn tls(wanted: model::ReceiverTls) -> Tls {
    Tls {
        certificate: match wanted.certificate {
            model::Certificate::Good => Certificate::Good,
            model::Certificate::Expired => Certificate::Expired,
            model::Certificate::NotYetValid => Certificate::NotYetValid,
            model::Certificate::WrongHost => Certificate::WrongHost,
            model::Certificate::UnknownIssuer => Certificate::UnknownIssuer,
        },
        versions: match wanted.versions {
            model::TlsVersions::Both => TlsVersions::Both,
            model::TlsVersions::Tls12 => TlsVersions::Tls12Only,
            model::TlsVersions::Tls13 => TlsVersions::Tls13Only,
        },
        client_certificate: if wanted.demand_client_certificate {
            ClientCertificate::Demanded
        } else {
            ClientCertificate::NotAsked
        },
    }
}
