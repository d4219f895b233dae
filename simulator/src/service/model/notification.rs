//! Publishing.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use pns_engine::EventType::*;
use pns_engine::{Category, EventType};

use super::invalid::InvalidField;
use super::object::Object;
use super::scalar::{EventName, Instant, Span, SupplierText};
use crate::world::RfpId;

/// A notification to be published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("not" = { "required": ["raw", "overrides"] }))]
pub struct NotificationSpec {
    /// The event type.
    #[serde(rename = "type")]
    pub event_type: EventName,
    /// The supplier that it is about. Default: one drawn from the seed. Only for types that name a supplier.
    #[serde(default)]
    pub supplier: Option<SupplierText>,
    /// The RFP that it is about. Default: one drawn for this notification. Only for types that are about one.
    #[serde(default)]
    pub rfp: Option<RfpId>,
    /// Members laid over the generated body, as in scenario files: objects merge, a key may be a path.
    #[serde(default)]
    pub overrides: Option<Map<String, Value>>,
    /// Exactly this text as the body, instead of a generated one.
    #[serde(default)]
    pub raw: Option<String>,
}

impl NotificationSpec {
    /// The largest overrides, in bytes of JSON.
    pub const OVERRIDES_BYTES_MAX: usize = 65_536;

    /// A notification of `event_type` with all defaults.
    #[must_use]
    pub const fn new(event_type: EventType) -> Self {
        Self { event_type: EventName(event_type), supplier: None, rfp: None, overrides: None, raw: None }
    }

    /// Refuses what could not be published.
    ///
    /// # Errors
    /// Names the field.
    pub fn check(&self) -> Result<(), InvalidField> {
        if self.raw.is_some() && self.overrides.is_some() {
            return Err(InvalidField::new(
                "overrides",
                "`raw` is the whole body: nothing can be laid over it",
            ));
        }
        if self.supplier.is_some() && !self.event_type.0.names_supplier() {
            let why = format_args!("{} names no supplier", self.event_type.0).to_string();
            return Err(InvalidField::new("supplier", why));
        }
        if self.rfp.is_some() && self.event_type.0.category() == Category::Venue {
            let why = format_args!("{} is about no RFP", self.event_type.0).to_string();
            return Err(InvalidField::new("rfp", why));
        }
        if self.rfp.is_some() && self.raw.is_some() {
            return Err(InvalidField::new("rfp", "`raw` is the whole body: it says itself what it is about"));
        }
        if self.raw.as_ref().is_some_and(|raw| raw.len() > crate::schema::MAX_BODY_BYTES) {
            return Err(InvalidField::new("raw", "larger than 1 MiB"));
        }
        let size = |overrides: &Map<String, Value>| Value::Object(overrides.clone()).to_string().len();
        if self.overrides.as_ref().is_some_and(|overrides| size(overrides) > Self::OVERRIDES_BYTES_MAX) {
            return Err(InvalidField::new("overrides", "larger than 64 KiB"));
        }
        Ok(())
    }
}

/// Many notifications to be published in this order: all of them or, if one is wrong, none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchSpec {
    /// The notifications.
    #[serde(deserialize_with = "bounded")]
    #[schemars(length(min = 1, max = 10_000))]
    pub notifications: Vec<NotificationSpec>,
}

/// Reads a list that is not longer than a batch: what is beyond is refused before it takes memory.
fn bounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<NotificationSpec>, D::Error> {
    struct Batch;

    impl<'de> Visitor<'de> for Batch {
        type Value = Vec<NotificationSpec>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {} notifications", BatchSpec::NOTIFICATIONS_MAX)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let mut batch = Vec::new();
            while let Some(Object(item)) = items.next_element()? {
                if batch.len() == BatchSpec::NOTIFICATIONS_MAX {
                    return Err(A::Error::invalid_length(batch.len() + 1, &self));
                }
                batch.push(item);
            }
            Ok(batch)
        }
    }

    deserializer.deserialize_seq(Batch)
}

impl BatchSpec {
    /// More are several calls: all are in one commit.
    pub const NOTIFICATIONS_MAX: usize = 10_000;

    /// Refuses what could not be published.
    ///
    /// # Errors
    /// Names the notification and its field.
    pub fn check(&self) -> Result<(), InvalidField> {
        let field = "notifications";
        match self.notifications.len() {
            0 => return Err(InvalidField::new(field, "the list is empty")),
            len if len > Self::NOTIFICATIONS_MAX => {
                return Err(InvalidField::new(
                    field,
                    format_args!("{len} are more than {}", Self::NOTIFICATIONS_MAX),
                ));
            }
            _ => {}
        }
        let checked = |(place, one): (usize, &NotificationSpec)| {
            one.check().map_err(|error| error.inside(&format!("{field}[{place}]")))
        };
        self.notifications.iter().enumerate().try_for_each(checked)
    }
}

/// A life-like course of one RFP, published in its order: at once, or an event now and then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LifecycleSpec {
    /// How it goes.
    pub course: Course,
    /// The supplier that it is about. Default: one drawn from the seed.
    #[serde(default)]
    pub supplier: Option<SupplierText>,
    /// The RFP that all of it is about. Default: one drawn for this course.
    #[serde(default)]
    pub rfp: Option<RfpId>,
    /// Members laid over every generated body.
    #[serde(default)]
    pub overrides: Option<Map<String, Value>>,
    /// Publishes the first event at once and each further one after such a span of PNS time; a supplier that turns the
    /// RFP down through the pull API ends it. Default: all at once.
    #[serde(default)]
    pub every: Option<Span>,
}

impl LifecycleSpec {
    /// Its notifications, in the order in which they are published.
    pub(crate) fn notifications(&self) -> Vec<NotificationSpec> {
        let notification = |event_type: EventType| NotificationSpec {
            supplier: self.supplier.filter(|_| event_type.names_supplier()),
            rfp: self.rfp,
            overrides: self.overrides.clone(),
            ..NotificationSpec::new(event_type)
        };
        self.course.events().into_iter().map(notification).collect()
    }

    /// The span between its events.
    ///
    /// # Errors
    /// When it is too short to be one.
    pub(crate) fn check(&self) -> Result<Option<Duration>, InvalidField> {
        match self.every {
            Some(Span(every)) if every < Duration::from_millis(1) => Err(InvalidField::new(
                "every",
                "expected at least `1ms`; without it all are published at once",
            )),
            every => Ok(every.map(|Span(every)| every)),
        }
    }
}

/// A lifecycle that has events to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LifecycleView {
    /// Its number: that of the notification that began it.
    pub id: u64,
    /// How it goes.
    pub course: Course,
    /// The supplier that it is about; `null`: the one that is drawn from the seed.
    pub supplier: Option<SupplierText>,
    /// The RFP that it is about; `null`: bodies of the service's schema pack name none.
    pub rfp: Option<RfpId>,
    /// The span of PNS time between two events.
    pub every: Span,
    /// Events that are published.
    pub published: u64,
    /// Events that are to come.
    pub left: u64,
    /// The next of them.
    pub next: EventName,
    /// When it is published, in PNS time; `null`: after PNS time has ended.
    pub next_at: Option<Instant>,
}

/// How an RFP goes. Cvent publishes no order of events; these are plausible (*inferred*), no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Course {
    /// A proposal is submitted.
    Submit,
    /// The proposal wins.
    Award,
    /// The planner declines it.
    Decline,
    /// The supplier withdraws it.
    Withdraw,
    /// The supplier turns the RFP down.
    TurnDown,
    /// The planner cancels.
    Cancel,
}

/// How every course begins: the RFP arrives and somebody looks at it.
const ARRIVAL: [EventType; 4] = [RfpSend, RfpViewed, ResponseAssign, ResponseConfirmReceipt];

/// A proposal is drawn up and sent in.
const PROPOSAL: [EventType; 8] = [
    ResponseMarkInProgress,
    ResponseCreateProposal,
    UpdateProposalDetails,
    UpdateProposalSleepingRooms,
    UpdateProposalAlternateDates,
    ResponseAddAttachment,
    MessageSupplierToPlanner,
    ResponseSubmitProposal,
];

impl Course {
    /// As callers write it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Award => "award",
            Self::Decline => "decline",
            Self::Withdraw => "withdraw",
            Self::TurnDown => "turn-down",
            Self::Cancel => "cancel",
        }
    }

    /// The event types, in the order in which they happen.
    #[must_use]
    pub fn events(self) -> Vec<EventType> {
        let (proposal, ending): (&[EventType], &[EventType]) = match self {
            Self::Submit => (&PROPOSAL, &[]),
            Self::Award => (
                &PROPOSAL,
                &[
                    MessagePlannerToSupplier,
                    PlannerAwardSupplier,
                    PlannerRetractAwardSupplier,
                    PlannerAwardSupplier,
                ],
            ),
            Self::Decline => {
                (&PROPOSAL, &[PlannerDeclineSupplier, PlannerRetractDeclineSupplier, PlannerDeclineSupplier])
            }
            Self::Withdraw => (&PROPOSAL, &[ResponseWithdraw, ResponseRetractWithdraw, ResponseWithdraw]),
            Self::TurnDown => (&[], &[ResponseTurnDown, ResponseUndoTurnDown, ResponseTurnDown]),
            Self::Cancel => (&PROPOSAL, &[PlannerCancelSupplier, PlannerCancel]),
        };
        [&ARRIVAL, proposal, ending].concat()
    }
}

/// How something is published.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PublishOptions {
    /// When the call returns.
    pub durability: DurabilityWord,
    /// Makes a repetition of the call harmless.
    pub idempotency: Option<Idempotency>,
}

/// When a call that publishes returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DurabilityWord {
    /// After its notifications are in the journal.
    #[default]
    Durable,
    /// At once: a crash in the next moment may lose them.
    Relaxed,
}

/// The caller's name for one call, and what the call was. The same key with the same call gets the first answer again;
/// with another call it is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The caller's key.
    pub key: String,
    /// SHA-256 of the whole call.
    pub fingerprint: [u8; 32],
}

/// What was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Published {
    /// The notifications, in the order asked for.
    pub notifications: Vec<PublishedNotification>,
}

/// One published notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublishedNotification {
    /// Its number.
    pub id: u64,
    /// Its event type.
    #[serde(rename = "type")]
    pub event_type: EventName,
    /// The deliveries that it made; none, if no subscription sees it.
    pub deliveries: Vec<u64>,
}

/// A notification and its body.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct NotificationView {
    /// Its number.
    pub id: u64,
    /// Its event type.
    #[serde(rename = "type")]
    pub event_type: EventName,
    /// The supplier that it is about.
    pub supplier: Option<SupplierText>,
    /// When, in PNS time.
    pub published_at: Instant,
    /// Whether its body was attempted: before that, the time in it is not fixed.
    pub attempted: bool,
    /// The body as it is sent.
    pub body: String,
    /// Its deliveries.
    pub deliveries: Vec<u64>,
}
