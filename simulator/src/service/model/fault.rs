//! Failures injected inside the sender, spelt as in scenario files.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use pns_engine::{NotificationId, SubscriptionId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::headers::HeadersSchema;
use super::invalid::InvalidField;
use super::object::Object;
use super::patch::given;
use super::scalar::{Instant, OneOrMany, Span};
use crate::fault::{Extent, Fault, Injection};

/// A fault to be planned: `{ "fault": "refuse", "for": "2h" }`, `{ "fault": { "ack_lost": 2 }, "of": 17 }`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// What goes wrong, and how often.
    pub fault: FaultForm,
    /// For a span of PNS time instead of a number of attempts.
    #[serde(default, rename = "for")]
    pub lasts: Option<Span>,
    /// Only attempts of this subscription. Default: of all.
    #[serde(default)]
    pub on: Option<u32>,
    /// Only attempts of these notifications. Default: of all.
    #[serde(default)]
    pub of: Option<OneOrMany<u64>>,
}

/// A word (once, or with `for`), or a map of exactly one member.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultForm {
    /// A word.
    Word(FaultWord),
    /// A fault with its count or details.
    Map(Box<FaultMap>),
}

/// A fault without details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "`FaultMap` tells each")]
pub enum FaultWord {
    Refuse,
    ConnectTimeout,
    NameResolution,
    Reset,
    CutBody,
    AckLost,
    Duplicate,
    WrongKey,
    NoKey,
}

/// A fault with its count, with `true` beside `for`, or with details. Exactly one member.
#[derive(Clone, Debug, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct FaultMap {
    /// As if nothing listened.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Times")]
    pub refuse: Option<Times>,
    /// As if no connection came about.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Times")]
    pub connect_timeout: Option<Times>,
    /// As if the name did not resolve.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Times")]
    pub name_resolution: Option<Times>,
    /// Reset before or after the body.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "ResetForm")]
    pub reset: Option<ResetForm>,
    /// Half the body, then closed.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Times")]
    pub cut_body: Option<Times>,
    /// The body spread over a span of real time.
    #[serde(deserialize_with = "Object::given")]
    #[schemars(with = "SlowBodyFault")]
    pub slow_body: Option<SlowBodyFault>,
    /// The receiver answers; the answer does not reach the sender.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Times")]
    pub ack_lost: Option<Times>,
    /// The sender sees this status instead.
    #[serde(deserialize_with = "Object::given")]
    #[schemars(with = "AnswerFault")]
    pub answer: Option<AnswerFault>,
    /// Sent twice at once.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Times")]
    pub duplicate: Option<Times>,
    /// Another key of the same length.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Times")]
    pub wrong_key: Option<Times>,
    /// No Authorization header.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Times")]
    pub no_key: Option<Times>,
    /// More headers.
    #[serde(deserialize_with = "Object::given")]
    #[schemars(with = "ExtraHeadersFault")]
    pub extra_headers: Option<ExtraHeadersFault>,
}

/// How many attempts: a number, or `true`: once, or as long as `for` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// So many.
    Count(NonZeroU32),
    /// As `for` says; without it, once.
    True,
}

/// A reset: how often, or with details.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResetForm {
    /// After the body, so often.
    Times(Times),
    /// With details.
    Details(ResetFault),
}

/// A reset with details.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResetFault {
    /// Default: after the body.
    pub when: ResetWhen,
    /// How many attempts. Default: 1.
    #[schemars(range(min = 1))]
    pub times: Option<NonZeroU32>,
}

/// When a connection is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResetWhen {
    /// After the request's head.
    BeforeBody,
    /// After the whole request.
    #[default]
    AfterBody,
}

/// A slow body.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlowBodyFault {
    /// The span of real time; more than zero.
    pub over: Span,
    /// How many attempts. Default: 1.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub times: Option<NonZeroU32>,
}

/// Another status than the receiver's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerFault {
    /// The status.
    #[schemars(range(min = 100, max = 599))]
    pub status: u16,
    /// How many attempts. Default: 1.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub times: Option<NonZeroU32>,
}

/// More headers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtraHeadersFault {
    /// By name.
    #[schemars(with = "HeadersSchema")]
    pub headers: BTreeMap<String, String>,
    /// How many attempts. Default: 1.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub times: Option<NonZeroU32>,
}

/// A planned fault that is not used up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FaultView {
    /// Its number.
    pub id: u32,
    /// What goes wrong, as in a scenario file, without its count.
    pub fault: String,
    /// How many attempts it still hits; `null`: see `until`.
    pub left: Option<u32>,
    /// It hits attempts that start before this instant.
    pub until: Option<Instant>,
    /// Only attempts of this subscription; `null`: of all.
    pub on: Option<u32>,
    /// Only attempts of these notifications; `null`: of all.
    pub of: Option<Vec<u64>>,
}

impl FaultView {
    /// What is told of `fault`.
    #[must_use]
    pub fn of(id: u32, fault: &Fault) -> Self {
        let (left, until) = match fault.extent {
            Extent::Attempts(left) => (Some(left), None),
            Extent::Until(end) => (None, Some(Instant(end))),
        };
        Self {
            id,
            fault: injection_text(&fault.injection),
            left,
            until,
            on: fault.subscription.map(|subscription| subscription.0),
            of: fault.notifications.as_ref().map(|some| some.iter().map(|id| id.0).collect()),
        }
    }
}

/// A fault's name, and its detail where it has one.
pub(in super::super) fn injection_text(injection: &Injection) -> String {
    match injection {
        Injection::Refuse => "refuse".to_owned(),
        Injection::ConnectTimeout => "connect_timeout".to_owned(),
        Injection::NameResolution => "name_resolution".to_owned(),
        Injection::ResetBeforeBody => "reset before-body".to_owned(),
        Injection::ResetAfterBody => "reset after-body".to_owned(),
        Injection::CutBody => "cut_body".to_owned(),
        Injection::SlowBody(over) => format!("slow_body over {}", crate::units::span_text(*over)),
        Injection::AckLost => "ack_lost".to_owned(),
        Injection::Answer(status) => format!("answer {status}"),
        Injection::Duplicate => "duplicate".to_owned(),
        Injection::WrongKey => "wrong_key".to_owned(),
        Injection::NoKey => "no_key".to_owned(),
        Injection::ExtraHeaders(headers) => {
            let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
            format!("extra_headers {}", names.join(", "))
        }
    }
}

impl FaultSpec {
    /// More notifications than a batch has are not named one by one.
    const NOTIFICATIONS_MAX: usize = 10_000;

    /// The fault, planned at `now`.
    ///
    /// # Errors
    /// Names the field that cannot be used.
    pub fn resolve(&self, now: Timestamp) -> Result<Fault, InvalidField> {
        let (injection, times) = match &self.fault {
            FaultForm::Word(word) => (word.injection(), Times::True),
            FaultForm::Map(map) => map.resolve().map_err(|error| error.inside("fault"))?,
        };
        let extent = match (times, self.lasts) {
            (Times::Count(count), None) => Extent::Attempts(count.get()),
            (Times::True, None) => Extent::Attempts(1),
            (Times::True, Some(span)) if span.0.is_zero() => {
                return Err(InvalidField::new("for", "zero: the fault would hit nothing"));
            }
            (Times::True, Some(span)) => Extent::Until(span.after(now, "for")?),
            (Times::Count(_), Some(_)) => {
                return Err(InvalidField::new(
                    "for",
                    "a fault lasts for a count or for a span: leave one out",
                ));
            }
        };
        let notifications = match &self.of {
            Some(of) if of.0.is_empty() => return Err(InvalidField::new("of", "the list is empty")),
            Some(of) if of.0.len() > Self::NOTIFICATIONS_MAX => {
                return Err(InvalidField::new("of", format_args!("more than {}", Self::NOTIFICATIONS_MAX)));
            }
            of => of.as_ref().map(|of| of.0.iter().copied().map(NotificationId).collect()),
        };
        Ok(Fault { injection, extent, subscription: self.on.map(SubscriptionId), notifications })
    }
}

impl FaultWord {
    const fn injection(self) -> Injection {
        match self {
            Self::Refuse => Injection::Refuse,
            Self::ConnectTimeout => Injection::ConnectTimeout,
            Self::NameResolution => Injection::NameResolution,
            Self::Reset => Injection::ResetAfterBody,
            Self::CutBody => Injection::CutBody,
            Self::AckLost => Injection::AckLost,
            Self::Duplicate => Injection::Duplicate,
            Self::WrongKey => Injection::WrongKey,
            Self::NoKey => Injection::NoKey,
        }
    }
}

impl FaultMap {
    fn resolve(&self) -> Result<(Injection, Times), InvalidField> {
        let counted = [
            (FaultWord::Refuse, self.refuse),
            (FaultWord::ConnectTimeout, self.connect_timeout),
            (FaultWord::NameResolution, self.name_resolution),
            (FaultWord::CutBody, self.cut_body),
            (FaultWord::AckLost, self.ack_lost),
            (FaultWord::Duplicate, self.duplicate),
            (FaultWord::WrongKey, self.wrong_key),
            (FaultWord::NoKey, self.no_key),
        ];
        let counted = counted.into_iter().filter_map(|(word, times)| Some((word.injection(), times?)));
        let mut faults: Vec<(Injection, Times)> = counted.collect();
        faults.extend(self.reset.as_ref().map(ResetForm::resolve));
        if let Some(SlowBodyFault { over, times }) = &self.slow_body {
            if over.0.is_zero() {
                return Err(InvalidField::new("slow_body.over", "zero: the body would not be slow"));
            }
            faults.push((Injection::SlowBody(over.0), Times::of(*times)));
        }
        if let Some(AnswerFault { status, times }) = &self.answer {
            if !(100..=599).contains(status) {
                return Err(InvalidField::new(
                    "answer.status",
                    format_args!("{status} is not from 100 to 599"),
                ));
            }
            faults.push((Injection::Answer(*status), Times::of(*times)));
        }
        if let Some(extra) = &self.extra_headers {
            faults.push(extra.resolve()?);
        }
        let fault = faults.pop().filter(|_| faults.is_empty());
        fault.ok_or_else(|| InvalidField::new("", "expected exactly one fault, such as `{ \"refuse\": 2 }`"))
    }
}

impl ResetForm {
    fn resolve(&self) -> (Injection, Times) {
        match self {
            Self::Times(times) => (Injection::ResetAfterBody, *times),
            Self::Details(ResetFault { when: ResetWhen::AfterBody, times }) => {
                (Injection::ResetAfterBody, Times::of(*times))
            }
            Self::Details(ResetFault { when: ResetWhen::BeforeBody, times }) => {
                (Injection::ResetBeforeBody, Times::of(*times))
            }
        }
    }
}

impl ExtraHeadersFault {
    fn resolve(&self) -> Result<(Injection, Times), InvalidField> {
        for (name, value) in &self.headers {
            if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
                let why = format_args!("`{name}` is no name of a header").to_string();
                return Err(InvalidField::new("extra_headers.headers", why));
            }
            if http::HeaderValue::from_str(value).is_err() {
                let field = format!("extra_headers.headers.{name}");
                return Err(InvalidField::new(field, "cannot be sent as the value of a header"));
            }
        }
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Ok((Injection::ExtraHeaders(headers), Times::of(self.times)))
    }
}

impl Times {
    fn of(count: Option<NonZeroU32>) -> Self {
        count.map_or(Self::True, Self::Count)
    }
}
