//! What a pull returns.
//!
//! A key sees the responses of its own suppliers, and a bureau's key those of the venues that it represents, if they
//! gave their consent (*documented*). An RFP is seen by whoever sees one of its suppliers.

use std::collections::BTreeSet;

use pns_engine::{EventType, SupplierId, SupplierScope, Timestamp};
use serde_json::{Map, Value, json};

use super::call::{Call, DataType};
use super::content::{self, Place, Request};
use super::draw::{For, Lot};
use super::fold::{ResponseNow, RfpNow};
use super::happening::Happening;
use super::id::{AttachmentId, MessageId, RfpId, VenueId};
use super::refusal::Refusal;
use super::view::ResponseState;
use super::{Viewer, World};

/// Responses and messages that one answer tells: beyond, it says that there are more.
const LISTED_MAX: usize = 1_000;

/// How a viewer stands to a supplier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    /// It is one of its own.
    Own,
    /// It is a represented venue that consents.
    Consenting,
    /// It is a represented venue that does not.
    Refusing,
    /// Another's.
    None,
}

impl World {
    /// What a call returns to `viewer`, by what was known at `as_of`.
    ///
    /// # Errors
    /// 404 for what is not known, 403 for what is not the viewer's to see.
    pub fn answer(&self, call: &Call, viewer: &Viewer, as_of: Timestamp) -> Result<Value, Refusal> {
        match *call {
            Call::Rfp(rfp) => self.rfp_answer(rfp, viewer, as_of),
            Call::Responses(rfp) => self.responses(rfp, viewer, as_of, None),
            Call::DataType(rfp, part) => self.responses(rfp, viewer, as_of, Some(part)),
            Call::Response(rfp, supplier) => self.response(rfp, supplier, viewer, as_of),
            Call::RepresentedVenues(rfp) => self.represented_venues(rfp, viewer, as_of),
            Call::Message(message) => self.message(message, viewer, as_of),
            Call::Messages(rfp) => self.messages(rfp, viewer, as_of),
            Call::Venue(venue) => self.venue(venue, as_of),
            Call::Attachment(attachment) => self.attachment(attachment, viewer, as_of),
        }
    }

    /// The RFP as it stood, if it was known.
    pub(super) fn now(&self, rfp: RfpId, as_of: Timestamp) -> Result<RfpNow<'_>, Refusal> {
        let story = self.stories.story(rfp);
        let now = story.and_then(|story| RfpNow::of(story, as_of));
        now.ok_or_else(|| Refusal::NotFound(format!("there is no RFP {rfp}")))
    }

    /// The same, if the viewer may see it.
    fn seen(&self, rfp: RfpId, viewer: &Viewer, as_of: Timestamp) -> Result<RfpNow<'_>, Refusal> {
        let now = self.now(rfp, as_of)?;
        let mut suppliers = now.responses.keys();
        if now.responses.is_empty() || suppliers.any(|supplier| self.sight(viewer, *supplier) != Sight::None)
        {
            return Ok(now);
        }
        Err(Refusal::Forbidden(format!("the RFP {rfp} was not sent to a supplier of this key")))
    }

    fn sight(&self, viewer: &Viewer, supplier: SupplierId) -> Sight {
        let own = match &viewer.suppliers {
            SupplierScope::All => return Sight::Own,
            SupplierScope::Only(own) => own,
        };
        if own.contains(&supplier) {
            return Sight::Own;
        }
        let area = |supplier| Place::of(self.seed, &self.settings, supplier).area;
        let represented = viewer.cvb && {
            let theirs = area(supplier);
            own.iter().any(|bureau| area(*bureau) == theirs)
        };
        match represented {
            false => Sight::None,
            true if self.consents(supplier) => Sight::Consenting,
            true => Sight::Refusing,
        }
    }

    fn consents(&self, supplier: SupplierId) -> bool {
        Lot::new(self.seed, For::Consent, &[supplier.0]).percent(self.settings.consent_percent)
    }

    /// What is drawn of an RFP.
    pub(super) fn request(&self, rfp: RfpId, now: &RfpNow<'_>) -> Request {
        let first = now.first.map_or(Timestamp::EPOCH, |first| first.at);
        let since = self.stories.story(rfp).map_or(first, |story| story.since);
        Request::new(self.seed, &self.settings, rfp, since)
    }

    /// Whether it may be forwarded: the planner allows it, or somebody did it already.
    pub(super) fn forwardable(request: &Request, now: &RfpNow<'_>) -> bool {
        request.forwardable || now.forwarded
    }

    pub(super) fn place(&self, supplier: SupplierId) -> Place {
        Place::of(self.seed, &self.settings, supplier)
    }

    fn rfp_answer(&self, rfp: RfpId, viewer: &Viewer, as_of: Timestamp) -> Result<Value, Refusal> {
        let now = self.seen(rfp, viewer, as_of)?;
        let sees = |supplier: &SupplierId| self.sight(viewer, *supplier) != Sight::None;
        Ok(self.rfp_content(rfp, &now, sees))
    }

    /// The RFP, with those of its suppliers that are seen.
    pub(super) fn rfp_content(
        &self,
        rfp: RfpId,
        now: &RfpNow<'_>,
        sees: impl Fn(&SupplierId) -> bool,
    ) -> Value {
        let request = self.request(rfp, now);
        let mut content = request.content(Self::forwardable(&request, now));
        content["rfpStatus"] = json!(now.state());
        if let Some(by) = now.cancelled {
            content["cancellation"] = json!({ "date": content::instant(by.at), "reason": by.reason() });
        }
        content["sentDate"] = now.first.map_or(Value::Null, |first| content::instant(first.at));
        content["lastModifiedDate"] = now.latest.map_or(Value::Null, |latest| content::instant(latest.at));
        let seen = now.responses.iter().filter(|(supplier, _)| sees(supplier)).take(LISTED_MAX);
        let suppliers = seen.map(|(supplier, response)| self.supplier_line(*supplier, response));
        content["suppliers"] = suppliers.collect();
        content
    }

    fn supplier_line(&self, supplier: SupplierId, response: &ResponseNow<'_>) -> Value {
        json!({
            "supplierId": supplier.to_string(),
            "name": self.place(supplier).name,
            "responseStatus": response.state(),
            "lastModifiedDate": content::instant(response.latest),
        })
    }

    fn responses(
        &self,
        rfp: RfpId,
        viewer: &Viewer,
        as_of: Timestamp,
        only: Option<DataType>,
    ) -> Result<Value, Refusal> {
        let now = self.seen(rfp, viewer, as_of)?;
        let request = self.request(rfp, &now);
        let mut seen = now
            .responses
            .iter()
            .filter(|(supplier, _)| matches!(self.sight(viewer, **supplier), Sight::Own | Sight::Consenting));
        let told = seen.by_ref().take(LISTED_MAX).map(|(supplier, response)| match only {
            None => self.response_content(&request, (rfp, *supplier), response),
            Some(part) => json!({
                "supplierId": supplier.to_string(),
                "responseStatus": response.state(),
                key(part): self.part(&request, (rfp, *supplier), response, part),
            }),
        });
        let told: Vec<Value> = told.collect();
        let mut answer = json!({ "rfpId": rfp, "responses": told });
        if let Some(part) = only {
            answer["responseDataType"] = json!(part);
        }
        if seen.next().is_some() {
            answer["truncated"] = json!(true);
        }
        Ok(answer)
    }

    fn response(
        &self,
        rfp: RfpId,
        supplier: SupplierId,
        viewer: &Viewer,
        as_of: Timestamp,
    ) -> Result<Value, Refusal> {
        let now = self.now(rfp, as_of)?;
        let sight = self.sight(viewer, supplier);
        let Some(response) = now.responses.get(&supplier) else {
            return Err(Refusal::NotFound(format!("the supplier {supplier} has no part in the RFP {rfp}")));
        };
        match sight {
            Sight::Own | Sight::Consenting => {
                Ok(self.response_content(&self.request(rfp, &now), (rfp, supplier), response))
            }
            Sight::Refusing => {
                let why = format!("the represented venue {supplier} has not given its consent");
                Err(Refusal::Forbidden(why))
            }
            Sight::None => Err(not_yours(supplier)),
        }
    }

    /// One supplier's response.
    pub(super) fn response_content(
        &self,
        request: &Request,
        of: (RfpId, SupplierId),
        response: &ResponseNow<'_>,
    ) -> Value {
        let (rfp, supplier) = of;
        let place = self.place(supplier);
        let moment = |at: Option<Timestamp>| at.map_or(Value::Null, content::instant);
        let mut content = json!({
            "rfpId": rfp,
            "supplierId": supplier.to_string(),
            "supplierName": place.name,
            "responseStatus": response.state(),
            "reason": reason(response),
            "receivedDate": content::instant(response.since),
            "viewedDate": moment(response.viewed),
            "receiptConfirmedDate": moment(response.receipt_confirmed),
            "assignedDate": moment(response.assigned),
            "submittedDate": moment(response.submitted),
            "lastModifiedDate": content::instant(response.latest),
            "forwarderInfo": forwarder(response),
            "turnDown": turn_down(response),
            "proposalDetails": self.details(request, of, response, &place),
            "messageIds": messages(response).iter().filter_map(|h| h.message()).map(|m| m.id).collect::<Vec<_>>(),
        });
        for part in DataType::ALL {
            content[key(part)] = self.part(request, of, response, part);
        }
        content
    }

    /// What a supplier says of its proposal as a whole. Members given through the pull API stand as they were given.
    fn details(
        &self,
        request: &Request,
        (rfp, supplier): (RfpId, SupplierId),
        response: &ResponseNow<'_>,
        place: &Place,
    ) -> Value {
        let Some(since) = response.proposal else { return Value::Null };
        let (changes, changed) = response.details_changed;
        let version = u128::from(changes) + 1;
        let mut lot = Lot::new(self.seed, For::Details, &[rfp.0, supplier.0, version]);
        let mut details = Map::new();
        details.insert("currency".to_owned(), json!(place.currency));
        details.insert("rfpCurrency".to_owned(), json!(request.currency));
        details.insert(
            "contactEmailAddress".to_owned(),
            json!(format!("sales{}@example.com", lot.within(10, 99))),
        );
        details.insert("taxPercent".to_owned(), json!(lot.within(5, 22)));
        details.insert("foodAndBeverageMinimum".to_owned(), content::money(lot.within(1, 90) * 100_000));
        if let Some(given) = response.details {
            details.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        details.insert("version".to_owned(), json!(version));
        details.insert("createdDate".to_owned(), content::instant(since));
        details.insert("lastModifiedDate".to_owned(), content::instant(changed.max(since)));
        Value::Object(details)
    }

    fn part(
        &self,
        request: &Request,
        of: (RfpId, SupplierId),
        response: &ResponseNow<'_>,
        part: DataType,
    ) -> Value {
        let (version, changed) = response.part(part);
        let items = match part {
            DataType::Attachments => {
                let told = response.attachments.iter();
                told.map(|(attachment, at)| self.attachment_content(*attachment, *at)).collect()
            }
            DataType::ProposalDates => match response.dates {
                Some(Value::Array(given)) => given.clone(),
                _ => content::part_items(self.seed, request, of, part, version),
            },
            _ => content::part_items(self.seed, request, of, part, version),
        };
        let modified = if version == 0 { Value::Null } else { content::instant(changed) };
        json!({ "version": version, "lastModifiedDate": modified, "items": items })
    }

    fn attachment_content(&self, attachment: AttachmentId, at: Timestamp) -> Value {
        let mut content = content::attachment(self.seed, attachment);
        content["addedDate"] = content::instant(at);
        content
    }

    fn represented_venues(&self, rfp: RfpId, viewer: &Viewer, as_of: Timestamp) -> Result<Value, Refusal> {
        if !viewer.cvb {
            return Err(Refusal::Forbidden("this key has no CVB functionality".to_owned()));
        }
        let now = self.seen(rfp, viewer, as_of)?;
        let line = |(supplier, response): (&SupplierId, &ResponseNow<'_>)| {
            let mut line = self.supplier_line(*supplier, response);
            line["consentGiven"] = json!(self.consents(*supplier));
            line
        };
        let groups: Vec<Value> = match &viewer.suppliers {
            SupplierScope::All => {
                let venues: Vec<Value> = now.responses.iter().take(LISTED_MAX).map(line).collect();
                vec![json!({ "supplierId": null, "name": null, "representedVenues": venues })]
            }
            SupplierScope::Only(own) => self.by_bureau(own, &now, line),
        };
        Ok(json!({ "rfpId": rfp, "cvbs": groups }))
    }

    /// The venues of each bureau's own area.
    fn by_bureau(
        &self,
        own: &BTreeSet<SupplierId>,
        now: &RfpNow<'_>,
        line: impl Fn((&SupplierId, &ResponseNow<'_>)) -> Value,
    ) -> Vec<Value> {
        let others = now.responses.iter().filter(|(supplier, _)| !own.contains(supplier)).take(LISTED_MAX);
        let others: Vec<(u64, Value)> = others.map(|one| (self.place(*one.0).area, line(one))).collect();
        let group = |bureau: &SupplierId| {
            let Place { name, area, .. } = self.place(*bureau);
            let venues: Vec<&Value> =
                others.iter().filter(|(of, _)| *of == area).map(|(_, venue)| venue).collect();
            json!({ "supplierId": bureau.to_string(), "name": name, "representedVenues": venues })
        };
        own.iter().map(group).collect()
    }

    fn message(&self, id: MessageId, viewer: &Viewer, as_of: Timestamp) -> Result<Value, Refusal> {
        let none = || Refusal::NotFound(format!("there is no message {id}"));
        let rfp = self.stories.rfp_of_message(id).ok_or_else(none)?;
        let story = self.stories.story(rfp).ok_or_else(none)?;
        let told = story.happenings.iter().rev().filter(|happening| happening.at <= as_of);
        let mut sent =
            told.filter(|happening| happening.message().is_some_and(|message| message.id == id)).peekable();
        sent.peek().ok_or_else(none)?;
        let seen = sent.find(|happening| self.sees_message(viewer, happening));
        let seen = seen.and_then(|happening| message_content(rfp, happening));
        seen.ok_or_else(|| Refusal::Forbidden(format!("the message {id} is not for a supplier of this key")))
    }

    /// A message is its supplier's: a bureau has no part in its venues' correspondence (*inferred*).
    fn sees_message(&self, viewer: &Viewer, happening: &Happening) -> bool {
        happening.supplier.is_none_or(|supplier| self.sight(viewer, supplier) == Sight::Own)
    }

    fn messages(&self, rfp: RfpId, viewer: &Viewer, as_of: Timestamp) -> Result<Value, Refusal> {
        let now = self.seen(rfp, viewer, as_of)?;
        let story = self.stories.story(rfp).map_or(&[][..], |story| &story.happenings);
        let told = story.iter().rev().filter(|happening| happening.at <= as_of);
        let mut told = told
            .filter(|happening| self.sees_message(viewer, happening))
            .filter_map(|happening| message_content(rfp, happening));
        let mut messages: Vec<Value> = told.by_ref().take(LISTED_MAX).collect();
        messages.reverse();
        let more = told.next().is_some();
        let latest = now.latest.map_or(Value::Null, |latest| content::instant(latest.at));
        let mut answer = json!({ "rfpId": rfp, "lastModifiedDate": latest, "messages": messages });
        if more {
            answer["truncated"] = json!(true);
        }
        Ok(answer)
    }

    fn venue(&self, id: VenueId, as_of: Timestamp) -> Result<Value, Refusal> {
        let active = self.stories.venue_active(id, as_of);
        let active = active.ok_or_else(|| Refusal::NotFound(format!("there is no venue {id}")))?;
        Ok(Place::new(self.seed, &self.settings, id.0).venue(active))
    }

    fn attachment(&self, id: AttachmentId, viewer: &Viewer, as_of: Timestamp) -> Result<Value, Refusal> {
        let none = || Refusal::NotFound(format!("there is no attachment {id}"));
        let rfp = self.stories.rfp_of_attachment(id).ok_or_else(none)?;
        let now = self.now(rfp, as_of).map_err(|_| none())?;
        let held = now.responses.iter().filter_map(|(supplier, response)| {
            let (_, at) = response.attachments.iter().find(|(attachment, _)| *attachment == id)?;
            Some((*supplier, *at))
        });
        let mut held = held.peekable();
        held.peek().ok_or_else(none)?;
        let sees = |sight| matches!(sight, Sight::Own | Sight::Consenting);
        let seen = held.find(|(supplier, _)| sees(self.sight(viewer, *supplier)));
        let Some((supplier, at)) = seen else {
            return Err(Refusal::Forbidden(format!("the attachment {id} is not of a supplier of this key")));
        };
        let mut content = self.attachment_content(id, at);
        content["rfpId"] = json!(rfp);
        content["supplierId"] = json!(supplier.to_string());
        Ok(content)
    }

    /// Whether a viewer may act for a supplier: only for its own.
    pub(super) fn may_act(&self, viewer: &Viewer, supplier: SupplierId) -> Result<(), Refusal> {
        if self.sight(viewer, supplier) == Sight::Own { Ok(()) } else { Err(not_yours(supplier)) }
    }
}

fn not_yours(supplier: SupplierId) -> Refusal {
    Refusal::Forbidden(format!("the supplier {supplier} is not one of this key's"))
}

/// The member of a response that holds a part.
const fn key(part: DataType) -> &'static str {
    match part {
        DataType::AgendaItems => "agendaItems",
        DataType::ProposalDates => "proposalDates",
        DataType::Attachments => "attachments",
        DataType::EventSpaces => "eventSpaces",
        DataType::EstimatedCosts => "estimatedCosts",
        DataType::Packages => "packages",
        DataType::SleepingRooms => "sleepingRooms",
        DataType::AdditionalQuestions => "additionalQuestions",
        DataType::AdditionalFees => "additionalFees",
    }
}

/// Why the response stands as it does, where its event said so.
pub(super) fn reason<'a>(response: &ResponseNow<'a>) -> Option<&'a str> {
    response.by().filter(|_| response.state() != ResponseState::New).and_then(Happening::reason)
}

fn forwarder(response: &ResponseNow<'_>) -> Value {
    response.forwarder.map_or(Value::Null, |forwarder| {
        json!({
            "forwarderSupplierId": forwarder.id.map(|id| id.to_string()),
            "forwarderName": forwarder.name.as_deref(),
        })
    })
}

fn turn_down(response: &ResponseNow<'_>) -> Value {
    let Some((by, why)) = response.turn_down() else { return Value::Null };
    match why {
        Some(why) => json!({
            "responseReason": why.response_reason,
            "additionalReason": why.additional_reason,
            "comment": why.comment,
            "emailAddress": why.email_address,
            "date": content::instant(by.at),
        }),
        None => json!({ "responseReason": by.reason(), "date": content::instant(by.at) }),
    }
}

/// The latest messages of a response, oldest first.
fn messages<'a, 'b>(response: &'b ResponseNow<'a>) -> &'b [&'a Happening] {
    let surplus = response.messages.len().saturating_sub(LISTED_MAX);
    &response.messages[surplus..]
}

fn message_content(rfp: RfpId, happening: &Happening) -> Option<Value> {
    let message = happening.message()?;
    let direction = match happening.event_type {
        EventType::MessagePlannerToSupplier => "PLANNER_TO_SUPPLIER",
        EventType::MessageSupplierToPlanner => "SUPPLIER_TO_PLANNER",
        EventType::MessageSupplierToSupplier => "SUPPLIER_TO_SUPPLIER",
        _ => return None,
    };
    Some(json!({
        "messageId": message.id,
        "rfpId": rfp,
        "supplierId": happening.supplier.map(|supplier| supplier.to_string()),
        "direction": direction,
        "subject": &*message.subject,
        "body": &*message.body,
        "sentDate": content::instant(happening.at),
    }))
}
