//! The keeper: one task that owns the sender and its clock, and writes all that happens into the journal.
//!
//! It takes calls, lets the driver take turns, and joins whatever came of them into batches for the journal's writer.
//! Four things wait for a batch's commit: the attempts that it says have started, the answers to the calls that
//! made it, the telling of its records, and what the world is to know of it. So nothing leaves, and nothing is promised, that a crash could undo.
//!
//! When a batch cannot be written, what is in memory is ahead of the journal, and is given up as in a crash: the
//! keeper ends, and another begins with what the journal has ([`super::life`]).

mod chronicle;
mod clock;
mod faults;
mod lifecycles;
mod publish;
mod pull_faults;
mod recover;
mod standing;
mod subscriptions;
mod windows;

pub(super) use lifecycles::UnderWay;
pub(super) use publish::{Again, KEY_KEPT_FOR, KEYS_MAX, Publication, Together, hex};
pub(super) use recover::{Foundation, recipe_of};
pub(super) use subscriptions::Scope;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use pns_engine::{EventType, NotificationId, Record, SubscriptionId, SupplierId, Timestamp, WindowId};
use tokio::sync::{mpsc, oneshot};

use super::counters::Counters;
use super::error::ServiceError;
use super::feed::Feed;
use super::model::BacklogView;
use super::packs::PackShelf;
use super::recipes::Recipes;
use super::transports::AnyTransport;
use crate::clock::pause;
use crate::driver::{Driver, Turn};
use crate::journal::{Change, Journal, JournalError, Ticket};
use crate::transport::PlainHttp;
use crate::world::{PullFaults, SharedWorld, Told};

use self::chronicle::Foresight;
use self::clock::Advancing;
use self::lifecycles::Lifecycles;
use self::publish::Keys;
use self::subscriptions::KeptSubscription;
use self::windows::Window;

/// What is asked of the keeper.
pub(super) type Call = Box<dyn FnOnce(&mut Keeper) + Send>;
/// Who is told when a batch is committed, or cannot be.
type Reply = Box<dyn FnOnce(Result<(), ServiceError>) + Send>;

/// Changes beyond which a batch is closed, although more calls wait.
const BATCH_CHANGES: usize = 4_096;
/// How often a journal without room is asked again.
const BLOCKED_INTERVAL: Duration = Duration::from_millis(100);
/// Calls taken before the driver has its turn.
const CALLS_AT_ONCE: usize = 256;

/// See the module.
pub(super) struct Keeper {
    driver: Driver<AnyTransport, Recipes>,
    journal: Journal,
    feed: Feed,
    counters: Arc<Counters>,
    packs: Arc<PackShelf>,
    seed: u64,
    /// Whom notifications are about where nobody says it.
    supplier: SupplierId,
    world: SharedWorld,
    pull_faults: PullFaults,
    /// Up to which change of them the journal has.
    pull_faults_kept: u64,
    limits: Limits,
    subscriptions: BTreeMap<SubscriptionId, KeptSubscription>,
    windows: BTreeMap<WindowId, Window>,
    keys: Keys,
    lifecycles: Lifecycles,
    last_subscription: SubscriptionId,
    last_window: WindowId,
    last_notification: NotificationId,
    /// The event type of the deliveries that are being queued.
    queueing: EventType,
    foresight: Foresight,
    batch: Batch,
    /// Batches handed over so far.
    batches: u64,
    /// The journal has no room for the batch: nothing more happens until it has.
    blocked: bool,
    unconfirmed: VecDeque<Written>,
    /// In the virtual gear: how far time may move.
    horizon: Timestamp,
    /// The driver has nothing to do until something else happens.
    quiet: bool,
    advancing: Option<Advancing>,
    idle: Vec<oneshot::Sender<()>>,
    stopping: Option<Duration>,
}

/// What the keeper refuses beyond.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) pending: usize,
    pub(super) recipe_bytes: usize,
    /// Whether an endpoint may be plain HTTP.
    pub(super) plain_http: PlainHttp,
}

/// What is to be written next.
#[derive(Default)]
struct Batch {
    changes: Vec<Change>,
    told: Vec<Told>,
    records: Vec<Record>,
    replies: Vec<Reply>,
}

/// A batch on its way into the journal.
struct Written {
    ticket: Ticket,
    told: Vec<Told>,
    records: Vec<Record>,
    replies: Vec<Reply>,
    /// How many starts the batches until this one tell of.
    starts: u64,
}

/// How a keeper ended.
pub(super) enum End {
    /// As it was asked to; so many attempts were cut off.
    Stopped(usize),
    /// The last handle is gone.
    Left,
    /// The journal could not be written.
    JournalFailed(JournalError),
}

impl Keeper {
    /// Works until it is told to stop, nobody is left, or the journal fails.
    pub(super) async fn run(mut self, calls: &mut mpsc::Receiver<Call>) -> End {
        loop {
            self.write_batch();
            self.tell_idle();
            if let Some(grace) = self.stopping {
                return self.wind_up(grace, calls).await;
            }
            // While the journal fails calls that change nothing are answered, and others refused at once.
            let takes_calls = !self.blocked || self.journal.health().is_err();
            let horizon = self.lifecycles.next_due().map_or(self.horizon, |due| due.min(self.horizon));
            tokio::select! {
                committed = committed(&mut self.unconfirmed), if !self.unconfirmed.is_empty() => {
                    if let Err(error) = self.confirm(committed) {
                        return self.give_up(error);
                    }
                }
                call = calls.recv(), if takes_calls => {
                    let Some(call) = call else { return End::Left };
                    // A turn that was dropped may have left something: it comes before what the call does.
                    self.observe();
                    call(&mut self);
                    self.take_calls(calls);
                    self.quiet = false;
                }
                turn = self.driver.turn(horizon), if !self.quiet && !self.blocked => {
                    self.turned(turn);
                }
                () = pause(BLOCKED_INTERVAL), if self.blocked => {}
            }
            self.observe();
        }
    }

    fn take_calls(&mut self, calls: &mut mpsc::Receiver<Call>) {
        for _ in 1..CALLS_AT_ONCE {
            if self.batch.changes.len() >= BATCH_CHANGES || self.stopping.is_some() {
                return;
            }
            let Ok(call) = calls.try_recv() else { return };
            call(self);
        }
    }

    /// Hands the batch to the journal's writer, if that has room for it.
    fn write_batch(&mut self) {
        if self.batch.changes.is_empty() {
            self.pass_on();
            return;
        }
        match self.journal.try_write(std::mem::take(&mut self.batch.changes)) {
            Ok(ticket) => {
                let Batch { told, records, replies, .. } = std::mem::take(&mut self.batch);
                let starts = self.driver.held_count();
                self.unconfirmed.push_back(Written { ticket, told, records, replies, starts });
                self.batches += 1;
                self.blocked = false;
            }
            Err(changes) => {
                self.batch.changes = changes;
                self.blocked = true;
            }
        }
    }

    /// Tells what changes nothing in the journal in its turn: after all that is on its way there.
    fn pass_on(&mut self) {
        let Batch { records, replies, .. } = std::mem::take(&mut self.batch);
        if let Some(before) = self.unconfirmed.back_mut() {
            before.records.extend(records);
            before.replies.extend(replies);
            return;
        }
        self.feed.tell(&records);
        for reply in replies {
            reply(Ok(()));
        }
    }

    /// The oldest batch is committed, or could not be.
    fn confirm(&mut self, committed: Result<(), JournalError>) -> Result<(), JournalError> {
        committed?;
        if let Some(Written { told, records, replies, starts, .. }) = self.unconfirmed.pop_front() {
            // Before anything leaves: whoever pulls because of it must find it.
            if !told.is_empty() {
                self.world.tell(told);
            }
            self.driver.release(starts);
            self.feed.tell(&records);
            for reply in replies {
                reply(Ok(()));
            }
            self.quiet = false;
        }
        Ok(())
    }

    /// Tells all who wait that the journal failed.
    fn give_up(self, error: JournalError) -> End {
        let told = ServiceError::Journal(error.to_string());
        let waiting = self.unconfirmed.into_iter().flat_map(|written| written.replies);
        for reply in waiting.chain(self.batch.replies) {
            reply(Err(told.clone()));
        }
        End::JournalFailed(error)
    }

    /// Refuses changes that could not be written, and any while it stops.
    pub(super) fn admits_changes(&self) -> Result<(), ServiceError> {
        if self.stopping.is_some() {
            return Err(ServiceError::Stopping);
        }
        Ok(self.journal.health()?)
    }

    fn turned(&mut self, turn: Turn) {
        match turn {
            Turn::Progress => {}
            Turn::Held => self.quiet = true,
            // A lifecycle's next step, or how far time may move.
            Turn::Horizon => {
                if !self.take_lifecycle_steps() && self.driver.now() >= self.horizon {
                    self.quiet = true;
                    self.reached_horizon();
                }
            }
        }
    }

    /// Starts nothing more, awaits what is in flight for up to `grace`, and writes all of it down.
    async fn wind_up(mut self, grace: Duration, calls: &mut mpsc::Receiver<Call>) -> End {
        self.driver.stop_starts();
        // Virtual time may move, so that waits that have begun come to their ends.
        self.horizon = Timestamp::MAX;
        let mut over = std::pin::pin!(pause(grace));
        let mut in_time = true;
        self.quiet = false;
        loop {
            let flying = in_time && self.driver.in_flight() > 0;
            if !flying && self.unconfirmed.is_empty() && self.batch.changes.is_empty() {
                break;
            }
            // A journal that still has no room when the grace is over is not waited for.
            if !in_time && let Err(error) = self.journal.health() {
                return self.give_up(error);
            }
            tokio::select! {
                biased;
                committed = committed(&mut self.unconfirmed), if !self.unconfirmed.is_empty() => {
                    if let Err(error) = self.confirm(committed) {
                        return self.give_up(error);
                    }
                }
                () = &mut over, if in_time => in_time = false,
                // What changes nothing is still answered.
                Some(call) = calls.recv() => {
                    self.observe();
                    call(&mut self);
                }
                turn = self.driver.turn(self.horizon), if flying && !self.quiet && !self.blocked => {
                    self.quiet = turn == Turn::Held;
                }
                () = pause(BLOCKED_INTERVAL), if self.blocked || !in_time => {}
            }
            self.observe();
            self.write_batch();
        }
        let cut = self.driver.in_flight();
        self.keep_clock();
        self.keep_pull_faults();
        self.write_batch();
        for reply in std::mem::take(&mut self.batch.replies) {
            reply(Ok(()));
        }
        End::Stopped(cut)
    }

    /// Answers a call when what it changed is committed.
    pub(super) fn reply_on_commit<R: Send + 'static>(
        &mut self,
        value: R,
        reply: oneshot::Sender<Result<R, ServiceError>>,
    ) {
        self.batch.replies.push(Box::new(move |result| {
            // A caller that went away needs no answer.
            let _gone = reply.send(result.map(|()| value));
        }));
    }

    /// Begins to stop.
    pub(super) fn stop(&mut self, grace: Duration) {
        self.stopping.get_or_insert(grace);
    }

    /// Tells `waiter` when nothing is pending and all is written.
    pub(super) fn tell_when_idle(&mut self, waiter: oneshot::Sender<()>) {
        self.idle.push(waiter);
    }

    fn tell_idle(&mut self) {
        let written = self.unconfirmed.is_empty() && self.batch.changes.is_empty();
        let idle = written && self.pending() == 0;
        if idle {
            for waiter in self.idle.drain(..) {
                let _gone = waiter.send(());
            }
        }
    }

    /// How many deliveries are in each state.
    pub(super) fn backlog(&self, subscription: Option<SubscriptionId>) -> Result<BacklogView, ServiceError> {
        let now = self.driver.now();
        let sender = self.driver.sender();
        match subscription {
            Some(id) => sender.backlog(id, now).map(Into::into).ok_or_else(|| subscriptions::unknown(id)),
            None => {
                let mut all = BacklogView::default();
                for id in self.subscriptions.keys() {
                    all += sender.backlog(*id, now).map_or_else(BacklogView::default, Into::into);
                }
                Ok(all)
            }
        }
    }

    /// How long what is due longest has been due.
    pub(super) fn oldest_past_due(&self) -> Duration {
        let now = self.driver.now();
        self.driver.sender().oldest_due().map_or(Duration::ZERO, |due| now.since(due))
    }

    /// Subscriptions that go on.
    pub(super) fn subscription_count(&self) -> usize {
        self.subscriptions.len()
    }

    /// Deliveries that are not delivered.
    pub(super) fn pending(&self) -> usize {
        self.driver.sender().pending()
    }
}

/// The end of the oldest batch's way into the journal. Cancel-safe: the ticket stays until it is confirmed.
async fn committed(unconfirmed: &mut VecDeque<Written>) -> Result<(), JournalError> {
    match unconfirmed.front_mut() {
        Some(written) => (&mut written.ticket).await,
        None => Ok(()),
    }
}
