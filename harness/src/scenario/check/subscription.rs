//! Subscriptions and changes to them.

use std::ops::RangeInclusive;

use pns_engine::{
    Backoff, EventTypeSet, Factor, FailingDelivery, Jitter, RetryAfter, Subscription as EngineSubscription,
    Supplierless,
};

use super::super::document;
use super::super::model::{Auth, Change, DEFAULT_SUBSCRIPTION, Subscription, Template};
use super::super::reader::{Fields, Reader};
use super::super::units;
use super::super::yaml::{Node, Value, shorten};

/// The subscriptions of a scenario: `subscription`, `subscriptions`, or the default one.
pub(super) fn all(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<Subscription> {
    let one = fields.entry("subscription");
    let many = fields.entry("subscriptions");
    if let (Some(_), Some(second)) = (one, many) {
        reader.error::<()>(second.key_span, "`subscription` and `subscriptions` exclude each other");
    }
    let mut subscriptions = Vec::new();
    if let Some(one) = one {
        subscriptions.extend(subscription(reader, DEFAULT_SUBSCRIPTION, &one.node));
    } else if let Some(many) = many {
        let named = reader.map(&many.node, "subscriptions by name");
        for entry in named.map_or(&[][..], |named| named.entries) {
            // A wrong one keeps its name, so that steps naming it are no further errors.
            reader.scope.subscriptions.push(entry.key.clone());
            subscriptions.extend(subscription(reader, &entry.key, &entry.node));
        }
        if named.is_some_and(|named| named.entries.is_empty()) {
            reader.error::<()>(many.key_span, "`subscriptions` names none");
        }
        return subscriptions;
    } else {
        subscriptions.push(standard(DEFAULT_SUBSCRIPTION));
    }
    reader.scope.subscriptions.push(DEFAULT_SUBSCRIPTION.to_owned());
    subscriptions
}

/// The settings that a scenario gets when it says nothing.
fn standard(name: &str) -> Subscription {
    let engine = EngineSubscription::default();
    Subscription {
        name: name.to_owned(),
        events: engine.events,
        suppliers: None,
        supplierless: engine.supplierless,
        backoff: engine.backoff,
        retry_after: engine.retry_after,
        attempt_cap: None,
        acknowledge: vec![200..=299],
        ack_timeout: None,
        connect_timeout: None,
        rate_limit: None,
        concurrency: engine.concurrency,
        failing_delivery: engine.failing_delivery,
        auth: Auth::Target,
        endpoint: None,
        path: None,
    }
}

fn subscription(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<Subscription> {
    let fields = reader.fields::<document::Subscription>(node, "a subscription")?;
    let default = standard(name);
    Some(Subscription {
        name: name.to_owned(),
        events: reader.optional(&fields, "events", events).unwrap_or(default.events),
        suppliers: reader.optional(&fields, "suppliers", suppliers).flatten(),
        supplierless: reader.optional(&fields, "supplierless", supplierless).unwrap_or(default.supplierless),
        backoff: reader.optional(&fields, "retry", backoff).unwrap_or(default.backoff),
        retry_after: reader.optional(&fields, "retry_after", retry_after).unwrap_or(default.retry_after),
        attempt_cap: reader.optional(&fields, "attempt_cap", Reader::positive),
        acknowledge: reader.optional(&fields, "acknowledge", acknowledge).unwrap_or(default.acknowledge),
        ack_timeout: reader.optional(&fields, "ack_timeout", Reader::lasting_span),
        connect_timeout: reader.optional(&fields, "connect_timeout", Reader::lasting_span),
        rate_limit: reader.optional(&fields, "rate_limit", Reader::rate_limit_or_none).flatten(),
        concurrency: reader.optional(&fields, "concurrency", Reader::positive).unwrap_or(default.concurrency),
        failing_delivery: reader
            .optional(&fields, "failing_delivery", failing_delivery)
            .unwrap_or(default.failing_delivery),
        auth: reader.optional(&fields, "auth", auth).unwrap_or_default(),
        endpoint: reader.optional(&fields, "endpoint", Reader::text_template),
        path: reader.optional(&fields, "path", Reader::text_template),
    })
}

pub(super) fn change(reader: &mut Reader<'_>, node: &Node) -> Option<Change> {
    let fields = reader.fields::<document::Change>(node, "a change")?;
    if fields.entries.is_empty() {
        return reader.error(node.span, "the change is empty");
    }
    Some(Change {
        events: reader.optional(&fields, "events", events),
        suppliers: reader.optional(&fields, "suppliers", suppliers),
        backoff: reader.optional(&fields, "retry", backoff),
        retry_after: reader.optional(&fields, "retry_after", retry_after),
        acknowledge: reader.optional(&fields, "acknowledge", acknowledge),
        concurrency: reader.optional(&fields, "concurrency", Reader::positive),
        auth: reader.optional(&fields, "auth", auth),
    })
}

fn events(reader: &mut Reader<'_>, node: &Node) -> Option<EventTypeSet> {
    if let Value::Text(word) = &node.value {
        match word.as_str() {
            "all" => return Some(EventTypeSet::ALL),
            "default" => return Some(EventTypeSet::DEFAULT_SUBSCRIPTION),
            _ => {}
        }
    }
    let set: EventTypeSet = reader.one_or_many(node, Reader::event_type).into_iter().collect();
    (!set.is_empty()).then_some(set)
}

/// `Some(None)`: all.
fn suppliers(reader: &mut Reader<'_>, node: &Node) -> Option<Option<Vec<Template>>> {
    if matches!(&node.value, Value::Text(word) if word == "all") {
        return Some(None);
    }
    Some(Some(reader.one_or_many(node, supplier)))
}

/// A UUID, or a template that will give one.
fn supplier(reader: &mut Reader<'_>, node: &Node) -> Option<Template> {
    let template = reader.text_template(node)?;
    if let Value::Text(text) = &node.value
        && !text.contains("{{")
        && !is_uuid(text)
    {
        let message = format!("`{}` is no UUID", shorten(text));
        let problem = reader
            .at(node.span, message, "expected a supplier's UUID, or `all`")
            .help("a variable `supplier: \"{{uuid}}\"` makes one from the seed");
        reader.note(problem);
        return None;
    }
    Some(template)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn supplierless(reader: &mut Reader<'_>, node: &Node) -> Option<Supplierless> {
    reader.choice(node, &[("once", Supplierless::Once), ("per-supplier", Supplierless::PerSupplier)])
}

fn retry_after(reader: &mut Reader<'_>, node: &Node) -> Option<RetryAfter> {
    reader.choice(node, &[("ignored", RetryAfter::Ignored), ("honoured", RetryAfter::Honoured)])
}

fn failing_delivery(reader: &mut Reader<'_>, node: &Node) -> Option<FailingDelivery> {
    reader.choice(
        node,
        &[
            ("delays-only-itself", FailingDelivery::DelaysOnlyItself),
            ("holds-back-others", FailingDelivery::HoldsBackOthers),
        ],
    )
}

fn backoff(reader: &mut Reader<'_>, node: &Node) -> Option<Backoff> {
    let fields = reader.fields::<document::Retry>(node, "retry settings")?;
    let before = reader.problems.len();
    let default = Backoff::DEFAULT;
    let first = reader.optional(&fields, "first", Reader::span).unwrap_or_else(|| default.first());
    let factor = reader.optional(&fields, "factor", factor).unwrap_or_else(|| default.factor());
    let max = reader.optional(&fields, "max", Reader::span);
    let max = max.unwrap_or_else(|| default.max().max(first));
    let jitter = reader.optional(&fields, "jitter", jitter).unwrap_or_else(|| default.jitter());
    if reader.problems.len() > before {
        return None;
    }
    match Backoff::new(first, factor, max, jitter) {
        Ok(backoff) => Some(backoff),
        Err(error) => reader.error(node.span, format!("no increasing intervals: {error}")),
    }
}

fn factor(reader: &mut Reader<'_>, node: &Node) -> Option<Factor> {
    const EXPECTED: &str = "a factor from 1 to 1000, such as `2` or `1.5`";
    let Value::Number(number) = &node.value else { return reader.mismatch(node, EXPECTED) };
    let factor = number.as_f64().filter(|factor| (1.0..=1000.0).contains(factor));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1,000 to 1,000,000")]
    let thousandths = factor.map(|factor| (factor * 1_000.0).round() as u32);
    match thousandths.and_then(Factor::from_thousandths) {
        Some(factor) => Some(factor),
        None => reader.mismatch(node, EXPECTED),
    }
}

fn jitter(reader: &mut Reader<'_>, node: &Node) -> Option<Jitter> {
    const EXPECTED: &str = "a percentage from `0%` to `1000%`";
    let Value::Text(text) = &node.value else { return reader.mismatch(node, EXPECTED) };
    let percent = units::percent(text);
    match percent.and_then(Jitter::from_percent) {
        Some(jitter) => Some(jitter),
        None => reader.mismatch(node, EXPECTED),
    }
}

fn acknowledge(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<RangeInclusive<u16>>> {
    Some(reader.one_or_many(node, |reader, item| match &item.value {
        Value::Text(text) => match units::statuses(text) {
            Some(range) => Some(range),
            None => reader.mismatch(item, "a status or a range such as `200-299`"),
        },
        _ => reader.status(item).map(|status| status..=status),
    }))
}

fn auth(reader: &mut Reader<'_>, node: &Node) -> Option<Auth> {
    if matches!(node.value, Value::Map(_)) {
        let fields = reader.fields::<document::Key>(node, "an API key")?;
        return reader.required(&fields, "key", Reader::text_template).map(Auth::Key);
    }
    reader.choice(node, &[("target", Auth::Target), ("none", Auth::None)])
}
