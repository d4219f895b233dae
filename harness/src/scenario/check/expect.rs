//! Expectations: one claim each.

use pns_engine::{FailureReason, TlsFailure};

use super::super::diagnostic::nearest;
use super::super::document::{self, Keys};
use super::super::model::{
    Bound, Claim, Condition, DeferredBy, Expectation, ExpectedOutcome, FirstAttemptOrder, HeaderClaim,
    Intervals, ReceivedType, Starts, Template, Which,
};
use super::super::reader::{Fields, Reader};
use super::super::yaml::{Node, Value, shorten};
use super::{Applies, MAX_EXPECTATIONS, condition, pull};

/// Most intervals, outcomes or offsets in one list.
const MAX_LISTED: usize = 10_000;

pub(super) fn all(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<Expectation> {
    let Some(node) = fields.get("expect") else { return Vec::new() };
    match &node.value {
        Value::Map(_) => expectation(reader, node).into_iter().collect(),
        _ => reader.list(node, MAX_EXPECTATIONS, expectation).unwrap_or_default(),
    }
}

fn expectation(reader: &mut Reader<'_>, node: &Node) -> Option<Expectation> {
    let fields = reader.fields::<document::Expectation>(node, "an expectation")?;
    let claims: Vec<&str> =
        document::Expectation::KEYS.iter().copied().filter(|key| *key != "when").collect();
    let entry = reader.exactly_one(&fields, &claims, "an expectation")?;
    let when = reader.optional(&fields, "when", condition);
    let claim = claim(reader, &entry.key, &entry.node)?;
    let place = reader.sources.place(entry.key_span);
    match when {
        Some(Applies::Never) => None,
        Some(Applies::If(when)) => Some(Expectation { place, when, claim }),
        None => Some(Expectation { place, when: Condition::default(), claim }),
    }
}

fn claim(reader: &mut Reader<'_>, key: &str, node: &Node) -> Option<Claim> {
    match key {
        "delivered" => match &node.value {
            Value::Text(word) if word == "none" => Some(Claim::Delivered(None)),
            _ => reader.which(node).map(|which| Claim::Delivered(Some(which))),
        },
        "undelivered" => reader.which(node).map(Claim::Undelivered),
        "attempts" => bound_of(reader, node).map(|(of, bound)| Claim::Attempts(of, bound)),
        "deliveries" => bound_of(reader, node).map(|(of, bound)| Claim::Deliveries(of, bound)),
        "requests" => {
            let fields = reader.fields::<document::Bound>(node, "a bound")?;
            bound(reader, &fields).map(Claim::Requests)
        }
        "intervals" => intervals(reader, node),
        "outcomes" => outcomes(reader, node),
        "starts" => starts(reader, node),
        "order" => order(reader, node),
        "rate" => rate(reader, node),
        "delivered_within" => {
            let fields = reader.fields::<document::DeliveredWithin>(node, "a bound on delivery")?;
            let of = reader.of(&fields);
            let span = reader.required(&fields, "span", Reader::span);
            of.zip(span).map(|(of, span)| Claim::DeliveredWithin(of, span))
        }
        "deferred" => deferred(reader, node),
        "header" => header(reader, node),
        "same_effects" => same_effects(reader, node),
        "pulled" => pull::pulled(reader, node).map(Claim::Pulled),
        "calls" => {
            let fields = reader.fields::<document::Calls>(node, "a claim on calls")?;
            let of = reader.of(&fields);
            let within = reader.required(&fields, "within", Reader::lasting_span);
            let bound = bound(reader, &fields);
            Some(Claim::Calls(of?, within?, bound?))
        }
        _ => received(reader, node),
    }
}

fn bound_of(reader: &mut Reader<'_>, node: &Node) -> Option<(Which, Bound)> {
    let fields = reader.fields::<document::BoundOf>(node, "a bound")?;
    let of = reader.of(&fields);
    let bound = bound(reader, &fields);
    of.zip(bound)
}

fn bound(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Bound> {
    let entry = reader.exactly_one(fields, &["exactly", "at_least", "at_most"], "a bound")?;
    let number = reader.number(&entry.node, 0, 1_000_000_000)?;
    Some(match entry.key.as_str() {
        "exactly" => Bound::Exactly(number),
        "at_least" => Bound::AtLeast(number),
        _ => Bound::AtMost(number),
    })
}

fn intervals(reader: &mut Reader<'_>, node: &Node) -> Option<Claim> {
    let fields = reader.fields::<document::Intervals>(node, "a claim on intervals")?;
    let of = reader.of(&fields);
    let kinds = ["are", "begin", "at_least", "never_shrink"];
    let entry = reader.exactly_one(&fields, &kinds, "a claim on intervals")?;
    let spans = |reader: &mut Reader<'_>| reader.list(&entry.node, MAX_LISTED, Reader::span);
    let intervals = match entry.key.as_str() {
        "are" => Intervals::Are(spans(reader)?),
        "begin" => Intervals::Begin(spans(reader)?),
        "at_least" => Intervals::AtLeast(spans(reader)?),
        _ if reader.flag(&entry.node)? => Intervals::NeverShrink,
        _ => return reader.error(entry.node.span, "`never_shrink: false` claims nothing"),
    };
    of.map(|of| Claim::Intervals(of, intervals))
}

fn outcomes(reader: &mut Reader<'_>, node: &Node) -> Option<Claim> {
    let fields = reader.fields::<document::Outcomes>(node, "a claim on outcomes")?;
    let of = reader.of(&fields);
    let are = reader.required(&fields, "are", |reader, node| reader.list(node, MAX_LISTED, outcome));
    of.zip(are).map(|(of, are)| Claim::Outcomes(of, are))
}

fn outcome(reader: &mut Reader<'_>, node: &Node) -> Option<ExpectedOutcome> {
    let Value::Text(text) = &node.value else {
        return reader.status(node).map(ExpectedOutcome::Status);
    };
    if text.contains("{{") {
        return reader.mismatch(node, "an outcome");
    }
    if text == "acknowledged" {
        return Some(ExpectedOutcome::Acknowledged);
    }
    let class = text.strip_suffix("xx").and_then(|hundred| hundred.parse().ok());
    if let Some(hundred) = class.filter(|hundred| (1..=5).contains(hundred)) {
        return Some(ExpectedOutcome::StatusClass(hundred));
    }
    if let Some(name) = failure_names().find(|name| name == text) {
        return Some(ExpectedOutcome::Failure(name));
    }
    let message = format!("`{}` is no outcome of an attempt", shorten(text));
    let mut problem = reader.at(node.span, message, "unknown outcome");
    problem.help = Some(match nearest(text, failure_names().chain(["acknowledged"])) {
        Some(name) => format!("did you mean `{name}`?"),
        None => {
            "outcomes are `acknowledged`, a status such as `503` or `4xx`, or a failure such as `refused`"
                .into()
        }
    });
    reader.note(problem);
    None
}

/// The names of all failures but statuses, which are written as numbers.
fn failure_names() -> impl Iterator<Item = &'static str> {
    use TlsFailure as Tls;
    let tls = [
        Tls::CertificateExpired,
        Tls::CertificateNotYetValid,
        Tls::UnknownIssuer,
        Tls::WrongHost,
        Tls::BadCertificate,
        Tls::VersionOrCipher,
        Tls::ClientCertificateRequired,
        Tls::HandshakeClosed,
        Tls::HandshakeTimeout,
        Tls::NotTls,
    ];
    [
        FailureReason::NameResolution,
        FailureReason::Refused,
        FailureReason::Unreachable,
        FailureReason::ConnectTimeout,
        FailureReason::Reset,
        FailureReason::ClosedBeforeResponse,
        FailureReason::MalformedResponse,
        FailureReason::SendTimeout,
        FailureReason::AcknowledgementTimeout,
        FailureReason::InsecureEndpoint,
        FailureReason::SenderStopped,
    ]
    .into_iter()
    .chain(tls.map(FailureReason::Tls))
    .map(FailureReason::name)
}

fn starts(reader: &mut Reader<'_>, node: &Node) -> Option<Claim> {
    let fields = reader.fields::<document::Starts>(node, "a claim on starts")?;
    let of = reader.of(&fields);
    let starts = Starts {
        not_before: reader.optional(&fields, "not_before", Reader::span),
        not_after: reader.optional(&fields, "not_after", Reader::span),
        at: reader.optional(&fields, "at", |reader, node| reader.list(node, MAX_LISTED, Reader::span)),
        none_between: reader.optional(&fields, "none_between", |reader, node| {
            let span = reader.list(node, 2, Reader::span)?;
            match span[..] {
                [from, until] if from < until => Some((from, until)),
                _ => reader.mismatch(node, "two offsets, the earlier first, such as `[10m, 2h]`"),
            }
        }),
        outside: reader.optional(&fields, "outside", Reader::window),
    };
    if fields.entries.iter().all(|entry| ["of", "on"].contains(&entry.key.as_str())) {
        let problem = reader
            .at(node.span, "nothing is claimed on the starts", "claims nothing")
            .help("say `not_before`, `not_after`, `at`, `none_between` or `outside`");
        reader.note(problem);
    }
    of.map(|of| Claim::Starts(of, starts))
}

fn order(reader: &mut Reader<'_>, node: &Node) -> Option<Claim> {
    let fields = reader.fields::<document::Order>(node, "a claim on order")?;
    let of = reader.required(&fields, "of", |reader, node| reader.list(node, MAX_LISTED, Reader::saved));
    let is = reader.optional(&fields, "is", |reader, node| {
        reader.choice(
            node,
            &[("published", FirstAttemptOrder::Published), ("reversed", FirstAttemptOrder::Reversed)],
        )
    });
    of.map(|of| Claim::Order(of, is.unwrap_or(FirstAttemptOrder::Published)))
}

fn rate(reader: &mut Reader<'_>, node: &Node) -> Option<Claim> {
    let fields = reader.fields::<document::RateClaim>(node, "a claim on the rate")?;
    let burst = reader.optional(&fields, "burst", Reader::positive).unwrap_or(std::num::NonZeroU32::MIN);
    reader.required(&fields, "at_most", |reader, node| reader.rate(node, burst)).map(Claim::Rate)
}

fn deferred(reader: &mut Reader<'_>, node: &Node) -> Option<Claim> {
    let fields = reader.fields::<document::Deferred>(node, "a claim on deferral")?;
    let of = reader.of(&fields);
    let by = reader.required(&fields, "by", |reader, node| {
        reader.choice(
            node,
            &[
                ("downtime", DeferredBy::Downtime),
                ("rate-limit", DeferredBy::RateLimit),
                ("concurrency", DeferredBy::Concurrency),
            ],
        )
    });
    of.zip(by).map(|(of, by)| Claim::Deferred(of, by))
}

fn header(reader: &mut Reader<'_>, node: &Node) -> Option<Claim> {
    let fields = reader.fields::<document::Header>(node, "a claim on a header")?;
    let of = reader.of(&fields);
    let name = reader.required(&fields, "name", Reader::text);
    let is = reader.required(&fields, "is", |reader, node| {
        let value: Template = reader.text_template(node)?;
        Some(match value.0.as_str() {
            Some("present") => HeaderClaim::Present,
            Some("absent") => HeaderClaim::Absent,
            _ => HeaderClaim::Is(value),
        })
    });
    Some(Claim::Header(of?, name?, is?))
}

fn received(reader: &mut Reader<'_>, node: &Node) -> Option<Claim> {
    let fields = reader.fields::<document::Received>(node, "a claim on what was received")?;
    let of = reader.of(&fields);
    let count = |reader: &mut Reader<'_>, node: &Node| {
        reader.number(node, 0, 1_000_000).and_then(|number| u32::try_from(number).ok())
    };
    let times = reader.optional(&fields, "times", count);
    let processed = reader.optional(&fields, "processed", count);
    let event_type =
        reader.optional(&fields, "type", |reader, node| reader.choice(node, &[("sent", ReceivedType::Sent)]));
    if ["times", "processed", "type"].iter().all(|key| fields.get(key).is_none()) {
        let problem = reader
            .at(node.span, "nothing is claimed on what was received", "claims nothing")
            .help("say `times`, `processed` or `type`");
        reader.note(problem);
    }
    let event_type = event_type.unwrap_or(ReceivedType::Any);
    of.map(|of| Claim::Received { of, times, processed, event_type })
}

fn same_effects(reader: &mut Reader<'_>, node: &Node) -> Option<Claim> {
    let fields = reader.fields::<document::SameEffects>(node, "a claim on effects")?;
    let names = |reader: &mut Reader<'_>, node: &Node| {
        let names = reader.one_or_many(node, Reader::saved);
        (!names.is_empty()).then_some(names)
    };
    let of = reader.required(&fields, "of", names);
    let other = reader.required(&fields, "as", names);
    of.zip(other).map(|(of, other)| Claim::SameEffects(of, other))
}
