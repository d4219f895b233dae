//! What a sender must do, said as simply as it can be: lists, looked through from end to end, and every
//! obstacle noted at every delivery that waits. It shares the vocabulary of the engine and nothing else; the
//! one number that it cannot know, how far jitter reaches, it draws as `rng` documents it.

use std::num::NonZeroU32;
use std::time::Duration;

use pns_engine::rng;
use pns_engine::{
    AbandonCause, Answer, Backlog, Backoff, Command, CommandError, Deferrals, DeliveryId, EventType,
    FailingDelivery, FailureReason, Happened, NotificationId, Origin, Outcome, RateLimit, Record, RetryAfter,
    Subscription, SubscriptionId, SupplierId, SupplierScope, Supplierless, Timestamp, Transmit, WindowId,
};

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) seed: u64,
    pub(crate) now: Timestamp,
    /// By rising id, for commands look at them in that order.
    pub(crate) subscriptions: Vec<Known>,
    pub(crate) deliveries: Vec<Pending>,
    pub(crate) windows: Vec<Window>,
    pub(crate) last_notification: Option<NotificationId>,
    pub(crate) last_delivery: u64,
    pub(crate) tickets: u64,
    /// What the step just done must put on record.
    pub(crate) records: Vec<Record>,
}

#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) id: SubscriptionId,
    pub(crate) settings: Subscription,
    pub(crate) removed: bool,
    pace: Pace,
    /// The end of the latest downtime.
    flush_until: Timestamp,
    retry_is_next: bool,
    /// Since when it may start something, and its ticket among those of the same instant.
    place: Option<(Timestamp, u64)>,
}

/// A delivery that is not Delivered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) id: DeliveryId,
    pub(crate) in_flight: bool,
    /// Its next attempt or, in flight, the present one; first attempts have the number 1.
    attempt: Transmit,
    due: Timestamp,
    failed: bool,
    delay: u128,
    deferrals: Deferrals,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) id: WindowId,
    subscription: SubscriptionId,
    from: Timestamp,
    until: Timestamp,
    open: bool,
}

impl Window {
    /// When it opens or, once open, closes. At one instant all open before any closes.
    fn boundary(&self) -> (Timestamp, bool, WindowId) {
        (if self.open { self.until } else { self.from }, self.open, self.id)
    }
}

fn interval(limit: &RateLimit) -> i128 {
    let per = i128::try_from(limit.per().as_nanos()).unwrap();
    (per + i128::from(limit.count().get()) - 1) / i128::from(limit.count().get())
}

/// What the starts of one subscription have used up of its rate limit.
#[derive(Clone, Debug, Default)]
struct Pace {
    /// All starts since the limit was set, after one that stands for what those before it still owe.
    starts: Vec<i128>,
    last_start: Option<i128>,
}

impl Pace {
    /// When all that has started will have been earned at one start an interval: the latest `start + n ×
    /// interval` over every start, where `n` have started from that one on.
    fn owed_until(&self, limit: &RateLimit) -> Option<i128> {
        self.starts.iter().rev().zip(1..).map(|(start, n)| start + n * interval(limit)).max()
    }

    /// The limit is kept when each start leaves no more than the burst unearned.
    fn free_at(&self, limit: Option<&RateLimit>) -> Timestamp {
        let free_at = limit.and_then(|limit| {
            Some(self.owed_until(limit)? - (i128::from(limit.burst().get()) - 1) * interval(limit))
        });
        Timestamp::from_nanos(free_at.and_then(|at| u64::try_from(at).ok()).unwrap_or(0))
    }

    /// Attempts that are owed stay owed, up to the new burst; and the last start owes at least that burst.
    fn change(&mut self, old: Option<&RateLimit>, new: Option<&RateLimit>, now: Timestamp) {
        if old == new {
            return;
        }
        let now = i128::from(now.as_nanos());
        let owed = old.and_then(|old| Some((self.owed_until(old)?.max(now) - now, interval(old))));
        self.starts.clear();
        if let (Some(last), Some(limit)) = (self.last_start, new) {
            let (new, burst) = (interval(limit), interval(limit) * i128::from(limit.burst().get()));
            let owed = owed.map_or(0, |(span, old)| ((span * new + old - 1) / old).min(burst));
            self.starts.push((now + owed).max(last + burst) - new);
        }
    }
}

/// The delay after failure `failures`, before jitter.
pub(crate) fn plain_delay(backoff: &Backoff, failures: u32) -> u128 {
    let mut delay = backoff.first().as_nanos();
    for _ in 1..failures {
        delay = (delay * u128::from(backoff.factor().thousandths()) / 1_000).min(backoff.max().as_nanos());
    }
    delay
}

fn duration(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap())
}

impl Model {
    fn record(&mut self, event: Happened) {
        self.records.push(Record { at: self.now, event });
    }

    pub(crate) fn known(&self, id: SubscriptionId) -> Result<usize, CommandError> {
        let known = self.subscriptions.iter().position(|s| s.id == id && !s.removed);
        known.ok_or(CommandError::NoSuchSubscription(id))
    }

    fn of(&self, id: SubscriptionId) -> impl Iterator<Item = &Pending> {
        self.deliveries.iter().filter(move |d| d.attempt.subscription == id)
    }

    fn in_downtime(&self, id: SubscriptionId) -> bool {
        self.windows.iter().any(|w| w.subscription == id && w.open)
    }

    fn is_full(&self, s: &Known) -> bool {
        self.of(s.id).filter(|d| d.in_flight).count() >= s.settings.concurrency.get() as usize
    }

    /// The oldest failing delivery, where that holds back the others.
    fn holder(&self, s: &Known) -> Option<&Pending> {
        let strict = s.settings.failing_delivery == FailingDelivery::HoldsBackOthers;
        self.of(s.id).filter(|d| strict && d.failed).min_by_key(|d| d.id)
    }

    /// What may start once it is due, the next of its kind: a first attempt and a retry, or the holder.
    fn next(&self, s: &Known) -> (Option<Pending>, Option<Pending>) {
        if let Some(holder) = self.holder(s) {
            return (None, Some(*holder).filter(|d| !d.in_flight));
        }
        let waiting = || self.of(s.id).filter(|d| !d.in_flight).copied();
        let first = waiting().filter(|d| !d.failed).min_by_key(|d| d.id);
        (first, waiting().filter(|d| d.failed).min_by_key(|d| (d.due, d.id)))
    }

    fn may_start_at(&self, s: &Known) -> Option<Timestamp> {
        let (first, retry) = self.next(s);
        let due = first.iter().chain(&retry).map(|d| d.due).min()?;
        let stopped = s.removed || self.in_downtime(s.id) || self.is_full(s);
        (!stopped).then(|| due.max(s.pace.free_at(s.settings.rate_limit.as_ref())))
    }

    /// Subscriptions stand in line from when they may start something. Who still may keeps its turn.
    fn stand_in_line(&mut self) {
        for i in 0..self.subscriptions.len() {
            let (at, now) = (self.may_start_at(&self.subscriptions[i]), self.now);
            let place = &mut self.subscriptions[i].place;
            let stays = at.zip(*place).is_some_and(|(at, (since, _))| at == since || at.max(since) <= now);
            if !stays {
                self.tickets += 1;
                *place = at.map(|at| (at.max(now), self.tickets));
            }
        }
        let busy = |s: &Known| self.deliveries.iter().any(|d| d.attempt.subscription == s.id);
        self.subscriptions.retain(|s| !s.removed || busy(s));
    }

    /// Notes at everything that is due and waits what it waits for until `to`.
    fn wait(&mut self, to: Timestamp) {
        for s in &self.subscriptions {
            let (downtime, concurrency) = (self.in_downtime(s.id), self.is_full(s));
            let free_at = s.pace.free_at(s.settings.rate_limit.as_ref());
            let holder = self.holder(s).map(|d| d.id);
            for d in self.deliveries.iter_mut().filter(|d| d.attempt.subscription == s.id && !d.in_flight) {
                let from = d.due.max(self.now);
                d.deferrals.downtime |= from < to && downtime;
                d.deferrals.concurrency |= from < to && concurrency;
                d.deferrals.rate_limit |= from < to.min(free_at);
                d.deferrals.held_back |= from < to && holder.is_some_and(|holder| holder != d.id);
            }
        }
        self.now = self.now.max(to);
    }

    /// Lets time pass, window by window.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        while let Some(at) = (0..self.windows.len()).min_by_key(|at| self.windows[*at].boundary())
            && self.windows[at].boundary().0 <= now
        {
            self.wait(self.windows[at].boundary().0);
            if self.windows[at].open {
                self.close(at);
            } else {
                self.windows[at].open = true;
                self.record(Happened::WindowOpened { window: self.windows[at].id });
                self.stand_in_line();
            }
        }
        self.wait(now);
    }

    fn close(&mut self, at: usize) {
        let Window { id, subscription, open, .. } = self.windows.remove(at);
        if open {
            let ended = !self.in_downtime(subscription);
            let flushed = self.subscriptions.iter_mut().find(|s| ended && s.id == subscription);
            flushed.into_iter().for_each(|s| s.flush_until = self.now);
            self.record(Happened::WindowClosed { window: id });
        }
        self.stand_in_line();
    }

    pub(crate) fn command(&mut self, command: Command) -> Result<(), CommandError> {
        match command {
            Command::AddSubscription { id, subscription } => self.add(id, *subscription)?,
            Command::ChangeSubscription { id, subscription } => {
                let at = self.known(id)?;
                self.record(Happened::SubscriptionChanged { subscription: id });
                let limit = self.subscriptions[at].settings.rate_limit;
                if limit != subscription.rate_limit {
                    self.limit(id, subscription.rate_limit)?;
                }
                self.subscriptions[at].settings = *subscription;
            }
            Command::RemoveSubscription { id } => self.remove(id)?,
            Command::Publish { id, event_type, supplier } => self.publish(id, event_type, supplier)?,
            Command::Redeliver { notification, event_type, subscription } => {
                self.known(subscription)?;
                if Some(notification) > self.last_notification {
                    return Err(CommandError::NoSuchNotification(notification));
                }
                self.queue(subscription, notification, event_type, Origin::Redelivery);
            }
            Command::AnnounceWindow { id, subscription, from, until } => {
                self.known(subscription)?;
                if self.windows.iter().any(|w| w.id == id) {
                    return Err(CommandError::WindowExists(id));
                }
                if until <= from || until <= self.now {
                    return Err(CommandError::EmptyWindow);
                }
                self.windows.push(Window { id, subscription, from, until, open: false });
                self.record(Happened::WindowAnnounced { window: id, subscription, from, until });
            }
            Command::ExtendWindow { id, until } => {
                let now = self.now;
                let window = self.windows.iter_mut().find(|w| w.id == id);
                let window = window.ok_or(CommandError::NoSuchWindow(id))?;
                if until <= window.from || until < now {
                    return Err(CommandError::EmptyWindow);
                }
                window.until = until;
                self.record(Happened::WindowExtended { window: id, until });
            }
            Command::CancelWindow { id } => {
                let at =
                    self.windows.iter().position(|w| w.id == id).ok_or(CommandError::NoSuchWindow(id))?;
                self.record(Happened::WindowCancelled { window: id });
                self.close(at);
            }
            Command::SetRateLimit { subscription, rate_limit } => self.limit(subscription, rate_limit)?,
        }
        self.stand_in_line();
        self.advance(self.now);
        Ok(())
    }

    fn add(&mut self, id: SubscriptionId, settings: Subscription) -> Result<(), CommandError> {
        if self.subscriptions.iter().any(|s| s.id == id) {
            return Err(CommandError::SubscriptionExists(id));
        }
        self.record(Happened::SubscriptionAdded { subscription: id });
        self.record(Happened::RateLimitSet { subscription: id, rate_limit: settings.rate_limit });
        self.subscriptions.push(Known {
            id,
            settings,
            removed: false,
            pace: Pace::default(),
            flush_until: Timestamp::EPOCH,
            retry_is_next: false,
            place: None,
        });
        self.subscriptions.sort_by_key(|s| s.id);
        Ok(())
    }

    fn limit(&mut self, id: SubscriptionId, rate_limit: Option<RateLimit>) -> Result<(), CommandError> {
        let at = self.known(id)?;
        let Known { settings, pace, .. } = &mut self.subscriptions[at];
        pace.change(settings.rate_limit.as_ref(), rate_limit.as_ref(), self.now);
        settings.rate_limit = rate_limit;
        self.record(Happened::RateLimitSet { subscription: id, rate_limit });
        Ok(())
    }

    fn remove(&mut self, id: SubscriptionId) -> Result<(), CommandError> {
        let at = self.known(id)?;
        self.record(Happened::SubscriptionRemoved { subscription: id });
        self.subscriptions[at].removed = true;
        self.windows.sort_by_key(|w| w.id);
        while let Some(at) = self.windows.iter().position(|w| w.subscription == id) {
            self.record(Happened::WindowCancelled { window: self.windows[at].id });
            self.close(at);
        }
        let mut abandoned: Vec<Pending> = self.of(id).filter(|d| !d.in_flight).copied().collect();
        abandoned.sort_by_key(|d| (d.failed, d.due, d.id));
        self.deliveries.retain(|d| d.attempt.subscription != id || d.in_flight);
        for Pending { id: delivery, .. } in abandoned {
            let cause = AbandonCause::SubscriptionRemoved;
            self.record(Happened::DeliveryAbandoned { delivery, cause });
        }
        Ok(())
    }

    fn publish(
        &mut self,
        id: NotificationId,
        event_type: EventType,
        supplier: Option<SupplierId>,
    ) -> Result<(), CommandError> {
        if let Some(last) = self.last_notification.filter(|last| id <= *last) {
            return Err(CommandError::NotificationOutOfOrder { id, last });
        }
        if event_type.names_supplier() != supplier.is_some() {
            return Err(CommandError::SupplierMismatch(event_type));
        }
        self.last_notification = Some(id);
        self.record(Happened::NotificationPublished { notification: id, event_type, supplier });
        for s in self.subscriptions.clone() {
            let copies = match (&s.settings.suppliers, supplier) {
                (SupplierScope::Only(ids), Some(supplier)) => usize::from(ids.contains(&supplier)),
                (SupplierScope::Only(ids), None) if s.settings.supplierless == Supplierless::PerSupplier => {
                    ids.len()
                }
                _ => 1,
            };
            let subscribed = s.settings.events.contains(event_type) && !s.removed;
            for _ in 0..if subscribed { copies } else { 0 } {
                self.queue(s.id, id, event_type, Origin::Publication);
            }
        }
        Ok(())
    }

    fn queue(&mut self, to: SubscriptionId, what: NotificationId, event_type: EventType, origin: Origin) {
        self.last_delivery += 1;
        let (id, published) = (DeliveryId(self.last_delivery), self.now);
        self.deliveries.push(Pending {
            id,
            in_flight: false,
            attempt: Transmit {
                delivery: id,
                subscription: to,
                notification: what,
                event_type,
                number: 1,
                published,
            },
            due: published,
            failed: false,
            delay: 0,
            deferrals: Deferrals::default(),
        });
        self.record(Happened::DeliveryQueued { delivery: id, notification: what, subscription: to, origin });
    }

    /// What must start now.
    pub(crate) fn start(&mut self) -> Option<Transmit> {
        let line = (0..self.subscriptions.len()).filter_map(|i| Some((self.subscriptions[i].place?, i)));
        let (_, i) = line.min().filter(|((at, _), _)| *at <= self.now)?;
        let s = &self.subscriptions[i];
        let held = self.holder(s).is_some();
        let (first, retry) = self.next(s);
        let due = |d: &Pending| d.due <= self.now;
        let chosen = match (first.filter(due), retry.filter(due)) {
            (Some(first), Some(retry)) => {
                let flush = first.due.min(retry.due) <= s.flush_until;
                let retry_goes =
                    if flush { (retry.due, retry.id) < (first.due, first.id) } else { s.retry_is_next };
                if retry_goes { retry } else { first }
            }
            (first, retry) => first.or(retry).expect("one who stands in line has something due"),
        };
        let s = &mut self.subscriptions[i];
        if !held {
            s.retry_is_next = !chosen.failed;
        }
        s.pace.last_start = Some(i128::from(self.now.as_nanos()));
        s.pace.starts.extend(s.pace.last_start);
        s.place = None;
        let Pending { id: delivery, attempt: Transmit { number, .. }, due, deferrals, .. } = chosen;
        self.deliveries.iter_mut().filter(|d| d.id == delivery).for_each(|d| d.in_flight = true);
        self.record(Happened::AttemptStarted { delivery, number, due, deferrals });
        self.stand_in_line();
        Some(chosen.attempt)
    }

    /// The verdict on the answer to an attempt in flight; `None`: there is none.
    pub(crate) fn answer(&mut self, delivery: DeliveryId, answer: Answer) -> Option<Outcome> {
        let at = self.deliveries.iter().position(|d| d.id == delivery && d.in_flight)?;
        let mut d = self.deliveries.remove(at);
        let s = self
            .subscriptions
            .iter()
            .find(|s| s.id == d.attempt.subscription)
            .expect("it has work in flight");
        let (Subscription { backoff, retry_after, attempt_cap, .. }, removed) = (&s.settings, s.removed);
        let number = d.attempt.number;
        let (reason, hint) = match answer {
            Answer::Status { code, .. } if s.settings.acknowledgement.acknowledges(code) => {
                self.record(Happened::AttemptAcknowledged { delivery, number, status: code });
                self.stand_in_line();
                return Some(Outcome::Acknowledged(code));
            }
            Answer::Status { code, retry_after } => (FailureReason::Status(code), retry_after),
            Answer::NoResponse(reason) => (reason, None),
        };
        let cause = if removed { AbandonCause::SubscriptionRemoved } else { AbandonCause::AttemptCap };
        if removed || attempt_cap.is_some_and(|cap| number >= NonZeroU32::get(cap)) {
            self.record(Happened::AttemptFailed { delivery, number, reason, delay: None });
            self.record(Happened::DeliveryAbandoned { delivery, cause });
        } else {
            let plain = plain_delay(backoff, number);
            let jitter = plain * u128::from(backoff.jitter().percent()) / 100;
            let draw = u128::from(rng::draw(self.seed, delivery.0, u64::from(number)));
            d.delay = d.delay.max(plain + jitter * draw / u128::from(u64::MAX));
            let ceiling = backoff.max().as_nanos() * u128::from(100 + backoff.jitter().percent()) / 100;
            let hint = hint.filter(|_| *retry_after == RetryAfter::Honoured);
            d.delay = d.delay.max(hint.map_or(0, |hint| hint.as_nanos().min(ceiling)));
            d.due = self.now + duration(d.delay);
            let attempt = Transmit { number: number + 1, ..d.attempt };
            let deferrals = Deferrals::default();
            self.deliveries.push(Pending { in_flight: false, failed: true, attempt, deferrals, ..d });
            let delay = Some(duration(d.delay));
            self.record(Happened::AttemptFailed { delivery, number, reason, delay });
        }
        self.stand_in_line();
        Some(Outcome::Failed(reason))
    }

    pub(crate) fn timeout(&self) -> Option<Timestamp> {
        let boundaries = self.windows.iter().map(|w| w.boundary().0).filter(|at| *at < Timestamp::MAX);
        let starts = self.subscriptions.iter().filter_map(|s| Some(s.place?.0));
        boundaries.chain(starts).min()
    }

    pub(crate) fn backlog(&self, id: SubscriptionId, now: Timestamp) -> Option<Backlog> {
        self.known(id).ok()?;
        let downtime = self.windows.iter().any(|w| w.subscription == id && w.from <= now && now < w.until);
        let due = self.of(id).filter(|d| !d.in_flight && d.due <= now).count();
        let waiting = self.of(id).filter(|d| !d.in_flight && d.due > now).count();
        let (held, ready) = if downtime { (due, 0) } else { (0, due) };
        Some(Backlog { waiting, held, ready, in_flight: self.of(id).filter(|d| d.in_flight).count() })
    }
}
