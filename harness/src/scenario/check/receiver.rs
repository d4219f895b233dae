//! The embedded receiver's settings and script.

use super::super::document;
use super::super::model::{Certificate, Reaction, Receiver, ReceiverKey, ReceiverTls, TlsVersions};
use super::super::reader::Reader;
use super::super::yaml::{Node, Value};
use crate::receiver::Pulls;

/// Longest script.
pub(super) const MAX_SCRIPT: usize = 10_000;

pub(super) fn receiver(reader: &mut Reader<'_>, node: &Node) -> Option<Receiver> {
    let fields = reader.fields::<document::Receiver>(node, "receiver settings")?;
    Some(Receiver {
        script: reader
            .optional(&fields, "script", |reader, node| reader.list(node, MAX_SCRIPT, reaction))
            .unwrap_or_default(),
        then: reader.optional(&fields, "then", reaction).unwrap_or_default(),
        api_key: reader.optional(&fields, "api_key", key).unwrap_or_default(),
        tls: reader.optional(&fields, "tls", tls).unwrap_or_default(),
        rate_limit: reader.optional(&fields, "rate_limit", Reader::rate_limit),
        pulls: reader.optional(&fields, "pulls", pulls),
        turns_down: reader.optional(&fields, "turns_down", Reader::flag).unwrap_or(false),
    })
}

fn pulls(reader: &mut Reader<'_>, node: &Node) -> Option<Pulls> {
    reader.choice(
        node,
        &[
            ("always", Pulls::Always),
            ("never", Pulls::Never),
            ("twice", Pulls::Twice),
            ("before_acknowledging", Pulls::BeforeAcknowledging),
        ],
    )
}

fn key(reader: &mut Reader<'_>, node: &Node) -> Option<ReceiverKey> {
    Some(match reader.text(node)? {
        word if word == "none" => ReceiverKey::None,
        key => ReceiverKey::Key(key),
    })
}

fn tls(reader: &mut Reader<'_>, node: &Node) -> Option<ReceiverTls> {
    let fields = reader.fields::<document::ReceiverTls>(node, "TLS settings")?;
    let certificate = reader.optional(&fields, "certificate", |reader, node| {
        reader.choice(
            node,
            &[
                ("good", Certificate::Good),
                ("expired", Certificate::Expired),
                ("not-yet-valid", Certificate::NotYetValid),
                ("wrong-host", Certificate::WrongHost),
                ("unknown-issuer", Certificate::UnknownIssuer),
            ],
        )
    });
    let versions = reader.optional(&fields, "versions", |reader, node| {
        reader.choice(
            node,
            &[("both", TlsVersions::Both), ("tls12", TlsVersions::Tls12), ("tls13", TlsVersions::Tls13)],
        )
    });
    Some(ReceiverTls {
        certificate: certificate.unwrap_or_default(),
        versions: versions.unwrap_or_default(),
        demand_client_certificate: reader
            .optional(&fields, "demand_client_certificate", Reader::flag)
            .unwrap_or_default(),
    })
}

fn reaction(reader: &mut Reader<'_>, node: &Node) -> Option<Reaction> {
    match &node.value {
        Value::Number(_) => reader.status(node).map(plain_status),
        Value::Map(_) => detailed(reader, node),
        _ => reader.choice(
            node,
            &[
                ("correct", Reaction::Correct),
                ("hang", Reaction::Hang),
                ("hang_before_reading", Reaction::HangBeforeReading),
                ("reset", Reaction::Reset),
                ("close", Reaction::Close),
                ("malformed", Reaction::Malformed),
                ("cut_response", Reaction::CutResponse),
                ("process_then_reset", Reaction::ProcessThenReset),
                ("process_then_hang", Reaction::ProcessThenHang),
            ],
        ),
    }
}

fn plain_status(code: u16) -> Reaction {
    Reaction::Status { code, retry_after: None, body: None, headers: Vec::new() }
}

fn detailed(reader: &mut Reader<'_>, node: &Node) -> Option<Reaction> {
    let fields = reader.fields::<document::ReactionMap>(node, "a reaction")?;
    let kind = reader.exactly_one(&fields, &["status", "delay", "redirect", "fail_first"], "a reaction")?;
    reader.only_with(
        &fields,
        &kind.key,
        &[
            ("retry_after", &["status"]),
            ("body", &["status"]),
            ("headers", &["status"]),
            ("then", &["delay"]),
            ("with", &["fail_first"]),
        ],
    );
    match kind.key.as_str() {
        "status" => Some(Reaction::Status {
            code: reader.status(&kind.node)?,
            retry_after: reader.optional(&fields, "retry_after", Reader::span),
            body: reader.optional(&fields, "body", Reader::text),
            headers: reader.optional(&fields, "headers", Reader::texts).unwrap_or_default(),
        }),
        "delay" => {
            let then = reader.optional(&fields, "then", reaction).unwrap_or_default();
            reader.span(&kind.node).map(|span| Reaction::Delay(span, Box::new(then)))
        }
        "redirect" => reader.text_template(&kind.node).map(Reaction::Redirect),
        _ => {
            let with = reader.optional(&fields, "with", reaction).unwrap_or_else(|| plain_status(503));
            reader.times(&kind.node).map(|times| Reaction::FailFirst { times, with: Box::new(with) })
        }
    }
}
