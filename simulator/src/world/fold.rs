//! From what happened to where things stand.
//!
//! No rules of legality are published, so any event is taken in any order, and the latest that says anything about a
//! state is believed: each event that leads to a state marks it with its place in the order, a retract takes its
//! state's mark away, and the state with the latest mark is the one. All of it *inferred*.

use std::collections::BTreeMap;

use pns_engine::{EventType, SupplierId, Timestamp};
use serde_json::{Map, Value};

use super::act::{Act, TurnDown};
use super::call::DataType;
use super::happening::{Happening, Story};
use super::id::AttachmentId;
use super::said::Forwarder;
use super::view::{ResponseState, RfpState};

/// Attachments of one response that are told: beyond, the oldest are not.
const ATTACHMENTS_MAX: usize = 10_000;

/// Where an RFP stands.
#[derive(Debug, Default)]
pub(super) struct RfpNow<'a> {
    pub(super) first: Option<&'a Happening>,
    pub(super) latest: Option<&'a Happening>,
    pub(super) happenings: u32,
    /// By which event it is cancelled.
    pub(super) cancelled: Option<&'a Happening>,
    /// Whether a supplier forwarded it.
    pub(super) forwarded: bool,
    pub(super) responses: BTreeMap<SupplierId, ResponseNow<'a>>,
}

/// Where one supplier's response stands.
#[derive(Debug)]
pub(super) struct ResponseNow<'a> {
    pub(super) since: Timestamp,
    pub(super) latest: Timestamp,
    /// For each state the place and the event by which it came.
    marks: BTreeMap<u8, (usize, &'a Happening)>,
    pub(super) viewed: Option<Timestamp>,
    pub(super) receipt_confirmed: Option<Timestamp>,
    pub(super) assigned: Option<Timestamp>,
    pub(super) submitted: Option<Timestamp>,
    pub(super) forwarder: Option<&'a Forwarder>,
    /// Since when there is a proposal.
    pub(super) proposal: Option<Timestamp>,
    /// How often each part was changed, and when last.
    parts: [(u32, Timestamp); DataType::ALL.len()],
    /// How often its basics were changed, and when last.
    pub(super) details_changed: (u32, Timestamp),
    /// What was given for the basics through the pull API last.
    pub(super) details: Option<&'a Map<String, Value>>,
    /// Its dates as they were given there last, unless they were changed otherwise since.
    pub(super) dates: Option<&'a Value>,
    pub(super) attachments: Vec<(AttachmentId, Timestamp)>,
    pub(super) messages: Vec<&'a Happening>,
}

impl<'a> RfpNow<'a> {
    /// Where it stood at `as_of`; `None`: it was not known then.
    pub(super) fn of(story: &'a Story, as_of: Timestamp) -> Option<Self> {
        let mut now = Self::default();
        for (place, happening) in story.happenings.iter().enumerate() {
            if happening.at <= as_of {
                now.take(place, happening);
            }
        }
        now.first.is_some().then_some(now)
    }

    fn take(&mut self, place: usize, happening: &'a Happening) {
        self.first.get_or_insert(happening);
        self.latest = Some(happening);
        self.happenings += 1;
        match happening.event_type {
            EventType::PlannerCancel => {
                self.cancelled = Some(happening);
                for response in self.responses.values_mut() {
                    response.mark(ResponseState::Cancelled, place, happening);
                }
            }
            EventType::RfpSend => self.cancelled = None,
            EventType::RfpForward => self.forwarded = true,
            _ => {}
        }
        if let Some(supplier) = happening.supplier {
            let response = self.responses.entry(supplier);
            response.or_insert_with(|| ResponseNow::new(place, happening)).take(place, happening);
        }
    }

    pub(super) fn state(&self) -> RfpState {
        let awarded = || self.responses.values().any(|response| response.state() == ResponseState::Awarded);
        match self.cancelled {
            Some(_) => RfpState::Cancelled,
            None if awarded() => RfpState::Awarded,
            None => RfpState::Open,
        }
    }
}

impl<'a> ResponseNow<'a> {
    fn new(place: usize, happening: &'a Happening) -> Self {
        let at = happening.at;
        Self {
            since: at,
            latest: at,
            marks: BTreeMap::from([(ResponseState::New as u8, (place, happening))]),
            viewed: None,
            receipt_confirmed: None,
            assigned: None,
            submitted: None,
            forwarder: None,
            proposal: None,
            parts: [(0, at); DataType::ALL.len()],
            details_changed: (0, at),
            details: None,
            dates: None,
            attachments: Vec::new(),
            messages: Vec::new(),
        }
    }

    fn take(&mut self, place: usize, happening: &'a Happening) {
        use EventType as T;
        use ResponseState as S;

        let at = happening.at;
        self.latest = at;
        match happening.event_type {
            T::RfpSend | T::RfpForward => {
                self.forwarder = happening.forwarder().or(self.forwarder);
                if self.state() == S::Cancelled {
                    self.mark(S::New, place, happening);
                }
            }
            T::RfpViewed => self.viewed = Some(at),
            T::ResponseConfirmReceipt => self.receipt_confirmed = Some(at),
            T::ResponseAssign => self.assigned = Some(at),
            T::ResponseMarkInProgress => self.mark(S::InProgress, place, happening),
            T::ResponseSubmitProposal => {
                self.mark(S::Submitted, place, happening);
                self.submitted = Some(at);
                self.propose(at);
            }
            T::ResponseSubmitProposalOutsideCvent => self.mark(S::SubmittedOutsideCvent, place, happening),
            T::ResponseTurnDown => self.mark(S::TurnedDown, place, happening),
            T::ResponseUndoTurnDown => self.unmark(S::TurnedDown),
            T::ResponseWithdraw => self.mark(S::Withdrawn, place, happening),
            T::ResponseRetractWithdraw => self.unmark(S::Withdrawn),
            T::PlannerAwardSupplier => self.mark(S::Awarded, place, happening),
            T::PlannerRetractAwardSupplier => self.unmark(S::Awarded),
            T::PlannerDeclineSupplier => self.mark(S::Declined, place, happening),
            T::PlannerRetractDeclineSupplier => self.unmark(S::Declined),
            T::PlannerCancelSupplier => self.mark(S::Cancelled, place, happening),
            T::ResponseAddAttachment | T::ResponseDeleteAttachment => self.attach(happening),
            T::MessagePlannerToSupplier | T::MessageSupplierToPlanner | T::MessageSupplierToSupplier => {
                self.messages.push(happening);
            }
            _ => self.propose(at),
        }
        self.change_parts(happening);
    }

    fn mark(&mut self, state: ResponseState, place: usize, happening: &'a Happening) {
        self.marks.insert(state as u8, (place, happening));
    }

    fn unmark(&mut self, state: ResponseState) {
        self.marks.remove(&(state as u8));
    }

    /// There is a proposal from now on.
    fn propose(&mut self, at: Timestamp) {
        self.proposal.get_or_insert(at);
    }

    fn attach(&mut self, happening: &Happening) {
        let given = happening.attachments();
        let mut given: Vec<AttachmentId> = given.to_vec();
        given.sort_unstable();
        self.attachments.retain(|(attachment, _)| given.binary_search(attachment).is_err());
        if happening.event_type == EventType::ResponseAddAttachment {
            let mut added: Vec<AttachmentId> = happening.attachments().to_vec();
            let mut seen = std::collections::BTreeSet::new();
            added.retain(|attachment| seen.insert(*attachment));
            self.attachments.extend(added.into_iter().map(|attachment| (attachment, happening.at)));
            let surplus = self.attachments.len().saturating_sub(ATTACHMENTS_MAX);
            self.attachments.drain(..surplus);
        }
    }

    fn change_parts(&mut self, happening: &'a Happening) {
        let at = happening.at;
        let mut change = |part: DataType| {
            let (version, changed) = &mut self.parts[part as usize];
            *version += 1;
            *changed = at;
        };
        if let Some(part) = DataType::changed_by(happening.event_type) {
            change(part);
        }
        if let Some(Act::UpdateProposal { details, .. } | Act::CreateProposal { details, .. }) =
            happening.act()
        {
            self.details = Some(details);
            if let Some(dates) = super::act::Options::given(details) {
                change(DataType::ProposalDates);
                self.dates = Some(dates);
            }
        } else if happening.event_type == EventType::UpdateProposalAlternateDates {
            self.dates = None;
        }
        if happening.event_type == EventType::UpdateProposalDetails {
            self.details_changed = (self.details_changed.0 + 1, at);
        }
    }

    /// Where it stands: what the latest mark says. It is new when all were taken back.
    pub(super) fn state(&self) -> ResponseState {
        let latest = self.marks.iter().max_by_key(|(_, (place, _))| *place);
        latest.map_or(ResponseState::New, |(state, _)| ResponseState::of(*state))
    }

    /// The event by which it stands so.
    pub(super) fn by(&self) -> Option<&'a Happening> {
        self.marks.get(&(self.state() as u8)).map(|(_, happening)| *happening)
    }

    /// How it was turned down, if it is.
    pub(super) fn turn_down(&self) -> Option<(&'a Happening, Option<&'a TurnDown>)> {
        let (_, happening) = self.marks.get(&(ResponseState::TurnedDown as u8))?;
        let why = match happening.act() {
            Some(Act::TurnDown { why, .. } | Act::ChangeTurnDown { why, .. }) => Some(why),
            _ => None,
        };
        Some((happening, why))
    }

    /// Whether it was turned down, whatever came after.
    pub(super) fn is_turned_down(&self) -> bool {
        self.marks.contains_key(&(ResponseState::TurnedDown as u8))
    }

    /// The version of a part, from 0 for none, and when it became so. It rises with each change.
    pub(super) fn part(&self, part: DataType) -> (u32, Timestamp) {
        let (changes, changed) = self.parts[part as usize];
        match self.proposal {
            Some(since) if part != DataType::Attachments => (changes + 1, changed.max(since)),
            _ => (changes, changed),
        }
    }
}
