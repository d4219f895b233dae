//! What is read from the journal: deliveries, their attempts, notifications. Committed calls are seen by what is read
//! after them.

use std::collections::BTreeSet;

use pns_engine::{DeliveryId, FailureReason, NotificationId, Origin, Outcome, SubscriptionId, Timestamp};

use super::Simulator;
use super::error::ServiceError;
use super::keeper::recipe_of;
use super::model::{
    AttemptOutcome, AttemptView, Deferral, DeliveryDetail, DeliveryFilter, DeliveryState, DeliveryView,
    EventName, FollowedView, Instant, NotificationView, Order, OriginWord, Page, PageRequest, ResponseView,
    Span, SupplierText,
};
use super::stored::ExchangeFacts;
use crate::clock::LAST;
use crate::journal::{self, AttemptEnd, JournalError, KeptAttempt, KeptDelivery, KeptNotification, Reader};

/// Pages of the journal that are looked through for one: a filter that little fits does not hold up a call.
const ROUNDS_MAX: usize = 20;
/// Attempts that are told of one delivery.
const HISTORY_MAX: usize = 1_000;

impl Simulator {
    /// Reads on a thread for blocking work.
    pub(super) async fn read<R: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<R, JournalError> + Send + 'static,
    ) -> Result<R, ServiceError> {
        let reader = self.shared.journal.reader();
        match tokio::task::spawn_blocking(move || read(&reader)).await {
            Ok(result) => Ok(result?),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(ServiceError::Stopping),
        }
    }

    /// Deliveries that fit `filter`, by id; an id is on one page once, whatever is added meanwhile. A page may have
    /// less than it could where few fit; `next` tells whether there are more to be looked at.
    ///
    /// # Errors
    /// [`ServiceError::Journal`].
    pub async fn deliveries(
        &self,
        filter: DeliveryFilter,
        page: PageRequest,
    ) -> Result<Page<DeliveryView>, ServiceError> {
        let held: BTreeSet<SubscriptionId> = self.look(|keeper| Ok(keeper.held())).await?;
        self.read(move |reader| {
            let asked = asked(&filter);
            let limit = page.limit();
            let at_once = if looks_itself(&filter) { journal::PAGE_MAX } else { limit };
            let (mut items, mut after) = (Vec::new(), page.after);
            for round in 1.. {
                let part = journal::Page { after, limit: at_once, order: order(page.order) };
                let listing = reader.deliveries(&asked, &part)?;
                let mut rows = listing.items.into_iter();
                for kept in rows.by_ref() {
                    after = Some(kept.id.0);
                    let state = state(&kept, &held);
                    if fits(&filter, &kept, state) {
                        items.push(view(reader, &kept, state)?);
                    }
                    if items.len() == limit {
                        break;
                    }
                }
                let more = rows.next().is_some() || listing.next.is_some();
                if !more || items.len() == limit || round == ROUNDS_MAX {
                    return Ok(Page { items, next: after.filter(|_| more) });
                }
            }
            Ok(Page { items, next: None })
        })
        .await
    }

    /// One delivery with its attempts: headers, body and timing, without secrets.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Journal`].
    pub async fn delivery(&self, id: DeliveryId) -> Result<DeliveryDetail, ServiceError> {
        let held = self.look(|keeper| Ok(keeper.held())).await?;
        let found = self.read(move |reader| {
            let Some(kept) = reader.delivery(id)? else { return Ok(None) };
            let delivery = view(reader, &kept, state(&kept, &held))?;
            let last = journal::Page { after: None, limit: HISTORY_MAX, order: journal::Order::Falling };
            let mut attempts = reader.attempts(id, &last)?.items;
            attempts.reverse();
            let first = reader.attempts(id, &journal::Page { limit: 1, ..journal::Page::default() })?.items;
            let first = first.first().map(|attempt| attempt.started);
            let notification = reader.notification(kept.notification)?;
            let history = attempts.into_iter().map(attempt).collect();
            Ok(Some((DeliveryDetail { delivery, history, followed: None }, first, notification)))
        });
        let found = found.await?.ok_or(ServiceError::NotFound { what: "delivery", id: id.0 })?;
        let (mut detail, first, notification) = found;
        if let (Some(first), Some(kept)) = (first, notification) {
            detail.followed = self.followed_since(first, kept);
        }
        Ok(detail)
    }

    /// What was pulled after the first attempt of a notification.
    fn followed_since(&self, first: Timestamp, kept: KeptNotification) -> Option<FollowedView> {
        let (id, event_type, stamp) = (kept.id, kept.event_type, kept.stamp.unwrap_or(kept.published));
        let Self { shared } = self;
        let body = recipe_of(kept).body(shared.packs.own(), shared.seed, id, stamp).ok()?;
        self.followed(id, event_type, &body, first)
    }

    /// One notification with its body and its deliveries. Where subscriptions have schema packs of their own, the body
    /// is that of its first delivery.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Journal`].
    pub async fn notification(&self, id: NotificationId) -> Result<NotificationView, ServiceError> {
        let found = self.read(move |reader| {
            let Some(kept) = reader.notification(id)? else { return Ok(None) };
            let of = journal::DeliveryFilter { notification: Some(id), ..journal::DeliveryFilter::default() };
            let all = journal::Page { limit: journal::PAGE_MAX, ..journal::Page::default() };
            Ok(Some((kept, reader.deliveries(&of, &all)?.items)))
        });
        let (kept, deliveries) =
            found.await?.ok_or(ServiceError::NotFound { what: "notification", id: id.0 })?;
        let pack = match deliveries.first().map(|delivery| delivery.subscription) {
            Some(first) => self.look(move |keeper| Ok(keeper.pack_of(first, id))).await?,
            None => None,
        };
        let (published, supplier, stamp) = (kept.published, kept.supplier, kept.stamp);
        let recipe = recipe_of(kept);
        let Self { shared } = self;
        let body = recipe.body_or_own(
            pack.as_ref(),
            shared.packs.own(),
            shared.seed,
            id,
            stamp.unwrap_or(published),
        );
        Ok(NotificationView {
            id: id.0,
            event_type: EventName(recipe.event_type),
            supplier: supplier.map(SupplierText),
            published_at: Instant(published),
            attempted: stamp.is_some(),
            body: String::from_utf8_lossy(&body).into_owned(),
            deliveries: deliveries.iter().map(|delivery| delivery.id.0).collect(),
        })
    }
}

fn order(order: Order) -> journal::Order {
    match order {
        Order::Ascending => journal::Order::Rising,
        Order::Descending => journal::Order::Falling,
    }
}

/// What the journal can tell of a filter; [`fits`] tells the rest.
fn asked(filter: &DeliveryFilter) -> journal::DeliveryFilter {
    let state = filter.state.map(|state| match state {
        DeliveryState::Waiting | DeliveryState::Held => journal::DeliveryState::Waiting,
        DeliveryState::InFlight => journal::DeliveryState::InFlight,
        DeliveryState::Delivered => journal::DeliveryState::Delivered,
        DeliveryState::Abandoned => journal::DeliveryState::Abandoned,
    });
    journal::DeliveryFilter {
        state,
        failing: filter.failing == Some(true),
        event_type: filter.event_type.map(|event_type| event_type.0),
        subscription: filter.subscription.map(SubscriptionId),
        notification: filter.notification.map(NotificationId),
        published_from: filter.from.map(|from| from.0),
        published_until: filter.until.map(|until| until.0),
    }
}

/// Whether the journal's rows must be looked through for what fits.
fn looks_itself(filter: &DeliveryFilter) -> bool {
    matches!(filter.state, Some(DeliveryState::Waiting | DeliveryState::Held))
        || filter.failing == Some(false)
}

fn fits(filter: &DeliveryFilter, kept: &KeptDelivery, state: DeliveryState) -> bool {
    let failing = kept.ended.is_none() && kept.failed.is_some();
    filter.state.is_none_or(|wanted| wanted == state) && filter.failing.is_none_or(|wanted| wanted == failing)
}

fn state(kept: &KeptDelivery, held: &BTreeSet<SubscriptionId>) -> DeliveryState {
    match kept.state() {
        journal::DeliveryState::Waiting if held.contains(&kept.subscription) => DeliveryState::Held,
        journal::DeliveryState::Waiting => DeliveryState::Waiting,
        journal::DeliveryState::InFlight => DeliveryState::InFlight,
        journal::DeliveryState::Delivered => DeliveryState::Delivered,
        journal::DeliveryState::Abandoned => DeliveryState::Abandoned,
    }
}

fn view(reader: &Reader, kept: &KeptDelivery, state: DeliveryState) -> Result<DeliveryView, JournalError> {
    let mut failures = Vec::new();
    if kept.failed.is_some() {
        let last = journal::Page { after: None, limit: HISTORY_MAX, order: journal::Order::Falling };
        failures = reader.attempts(kept.id, &last)?.items.iter().filter_map(failure).collect();
    }
    Ok(DeliveryView {
        id: kept.id.0,
        notification: kept.notification.0,
        event_type: EventName(kept.event_type),
        subscription: kept.subscription.0,
        origin: match kept.origin {
            Origin::Publication => OriginWord::Publication,
            Origin::Redelivery => OriginWord::Redelivery,
        },
        state,
        published_at: Instant(kept.published),
        attempts: kept.attempts,
        due_at: kept.due.filter(|due| *due <= LAST).map(Instant),
        ended_at: kept.ended.map(Instant),
        last_failure: failures.first().map(|reason| reason.name().to_owned()),
        possible_duplicate: failures.iter().any(|reason| may_have_arrived(*reason)),
    })
}

fn failure(attempt: &KeptAttempt) -> Option<FailureReason> {
    match attempt.end.as_ref()?.outcome {
        Outcome::Failed(reason) => Some(reason),
        Outcome::Acknowledged(_) => None,
    }
}

/// Whether the receiver may have taken a notification although the attempt failed so.
fn may_have_arrived(reason: FailureReason) -> bool {
    matches!(
        reason,
        FailureReason::SenderStopped
            | FailureReason::AcknowledgementTimeout
            | FailureReason::Reset
            | FailureReason::ClosedBeforeResponse
            | FailureReason::MalformedResponse
    )
}

fn attempt(kept: KeptAttempt) -> AttemptView {
    let KeptAttempt { number, due, started, deferrals, end } = kept;
    let (outcome, status, reason) = match end.as_ref().map(|end| end.outcome) {
        None => (AttemptOutcome::InFlight, None, None),
        Some(Outcome::Acknowledged(status)) => (AttemptOutcome::Acknowledged, Some(status), None),
        Some(Outcome::Failed(reason)) => {
            let status = match reason {
                FailureReason::Status(status) => Some(status),
                _ => None,
            };
            (AttemptOutcome::Failed, status, Some(reason.name().to_owned()))
        }
    };
    let facts = end.as_ref().and_then(|end| end.exchange.as_deref());
    let facts: Option<ExchangeFacts> = facts.and_then(|facts| serde_json::from_str(facts).ok());
    let body = |end: &AttemptEnd| String::from_utf8_lossy(&end.response_body).into_owned();
    let body = end.as_ref().map(body).unwrap_or_default();
    let mut view = AttemptView {
        number,
        due_at: Instant(due),
        started_at: Instant(started),
        ended_at: end.as_ref().map(|end| Instant(end.at)),
        outcome,
        status,
        reason,
        detail: None,
        fault: None,
        next_delay: end.and_then(|end| end.delay).map(Span),
        deferrals: Deferral::of(deferrals),
        request: None,
        response: None,
        timings: None,
        connection: None,
        remote: None,
    };
    if let Some(facts) = facts {
        view.detail = facts.detail;
        view.fault = facts.fault;
        view.request = Some(facts.request);
        view.response = facts.response.map(|response| ResponseView { body, ..response });
        view.timings = Some(facts.timings);
        view.connection = facts.connection;
        view.remote = facts.remote;
    }
    view
}
