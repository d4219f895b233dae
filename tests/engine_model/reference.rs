//! What a sender must do, said as simply as it can be: lists, looked through from end to end, and every
//! obstacle noted at every delivery that waits. It shares the vocabulary of the engine and nothing else; the
//! one number that it cannot know, how far jitter reaches, it draws as `rng` documents it.

mod command;
mod pace;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use pns_engine::{
    AbandonCause, Answer, Backlog, Backoff, CommandError, Deferrals, DeliveryId, EventType, FailingDelivery,
    FailureReason, Happened, NotificationId, Outcome, Record, RetryAfter, Subscription, SubscriptionId,
    Timestamp, Transmit, WindowId, rng,
};

use pace::Pace;

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) seed: u64,
    pub(crate) now: Timestamp,
    /// By rising id, for commands look at them in that order.
    pub(crate) subscriptions: Vec<Known>,
    pub(crate) deliveries: Vec<Pending>,
    pub(crate) windows: Vec<Window>,
    pub(crate) last_notification: Option<NotificationId>,
    pub(crate) published: BTreeMap<NotificationId, EventType>,
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
    limit_set: Timestamp,
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

impl Pending {
    fn new(attempt: Transmit, due: Timestamp, failed: bool, delay: u128) -> Self {
        let deferrals = Deferrals::default();
        Self { id: attempt.delivery, in_flight: false, attempt, due, failed, delay, deferrals }
    }
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

/// The delay after failure `failures`, before jitter.
fn plain_delay(backoff: &Backoff, failures: u32) -> u128 {
    let mut delay = backoff.first().as_nanos();
    for _ in 1..failures {
        delay = (delay * u128::from(backoff.factor().thousandths()) / 1_000).min(backoff.max().as_nanos());
    }
    delay
}

impl Model {
    fn record(&mut self, event: Happened) {
        self.records.push(Record { at: self.now, event });
    }

    fn known(&self, id: SubscriptionId) -> Result<usize, CommandError> {
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
        let d = self.deliveries.remove(at);
        let mut subscriptions = self.subscriptions.iter();
        let s = subscriptions.find(|s| s.id == d.attempt.subscription).expect("it has work in flight");
        let (Subscription { backoff, retry_after, attempt_cap, .. }, removed) = (&s.settings, s.removed);
        let number = d.attempt.number;
        let (reason, hint) = match answer {
            Answer::Status { code, .. } if (200..=299).contains(&code) => {
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
            let hundredths = u128::from(backoff.jitter().percent());
            let (plain, ceiling) = (plain_delay(backoff, number), backoff.max().as_nanos());
            let draw = u128::from(rng::draw(self.seed, delivery.0, u64::from(number)));
            let jittered = plain + plain * hundredths / 100 * draw / u128::from(u64::MAX);
            let hint =
                hint.filter(|_| *retry_after == RetryAfter::Honoured).map_or(0, |hint| hint.as_nanos());
            let delay = d.delay.max(jittered).max(hint.min(ceiling * (100 + hundredths) / 100));
            let span = Duration::from_nanos(u64::try_from(delay).expect("minutes"));
            let (attempt, due) = (Transmit { number: number + 1, ..d.attempt }, self.now + span);
            self.deliveries.push(Pending::new(attempt, due, true, delay));
            self.record(Happened::AttemptFailed { delivery, number, reason, delay: Some(span) });
        }
        self.stand_in_line();
        Some(Outcome::Failed(reason))
    }

    /// The sender stopped and goes on now: what was in flight has failed, what is due goes out oldest first,
    /// and of limits and obstacles no more is known than what the records tell.
    pub(crate) fn recover(&mut self) {
        for s in &mut self.subscriptions {
            s.pace.recover(s.settings.rate_limit.as_ref(), s.limit_set);
            (s.flush_until, s.retry_is_next, s.place) = (self.now, false, None);
        }
        for d in &mut self.deliveries {
            d.deferrals = Deferrals { sender_stopped: d.due < self.now, ..Deferrals::default() };
        }
        self.record(Happened::SenderRecovered);
        self.stand_in_line();
        let mut cut_off: Vec<_> = self.deliveries.iter().filter(|d| d.in_flight).map(|d| d.id).collect();
        cut_off.sort_unstable();
        for delivery in cut_off {
            self.answer(delivery, Answer::NoResponse(FailureReason::SenderStopped));
        }
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
