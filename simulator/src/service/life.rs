//! A simulator's beginning and end, and what its handles share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use pns_engine::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use super::Simulator;
use super::builder::{Builder, Data, Retention, StartError, StoreDurability};
use super::counters::Counters;
use super::error::ServiceError;
use super::feed::Feed;
use super::keeper::{Call, End, Foundation, KEY_KEPT_FOR, KEYS_MAX, Keeper, Limits};
use super::packs::PackShelf;
use crate::clock::{pause, real_now};
use crate::journal::{self, Durability, Journal, Options};
use crate::world::{PullFaults, PullLog, SharedWorld};

/// Calls that wait for the keeper: beyond, callers wait to be let in.
const CALLS_WAITING: usize = 1_024;

/// How often what has ended is looked through for what may go.
const TIDY_INTERVAL: Duration = Duration::from_secs(10);

/// How often the world is asked whether something was put aside for it.
const READ_INTERVAL: Duration = Duration::from_millis(50);

/// What the handles share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) calls: mpsc::Sender<Call>,
    pub(super) journal: Journal,
    pub(super) feed: Feed,
    pub(super) counters: Arc<Counters>,
    pub(super) packs: Arc<PackShelf>,
    pub(super) seed: u64,
    pub(super) world: SharedWorld,
    pub(super) pull_log: PullLog,
    pub(super) pull_faults: PullFaults,
    /// It was told to stop.
    pub(super) stopping: AtomicBool,
    life: watch::Receiver<Life>,
}

/// How far a simulator is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Running,
    /// The journal failed for good.
    Failed(String),
    Stopped(Stopped),
}

/// What a stop came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Nothing was in flight at the end.
    Clean,
    /// So many attempts were still in flight when the grace was over: they count as failed after the next start, and
    /// their notifications may arrive twice.
    Cut(usize),
    /// The journal failed: what it has is what the next start goes on with.
    Failed,
}

impl Shared {
    pub(super) fn life(&self) -> Life {
        let life = self.life.borrow().clone();
        match life {
            // Its end is told by whoever runs it, unless that panicked or its runtime ended.
            Life::Running if self.life.has_changed().is_err() => {
                Life::Failed("the keeper is gone".to_owned())
            }
            life => life,
        }
    }

    /// Why a call was not answered.
    pub(super) fn why_gone(&self) -> ServiceError {
        match self.life() {
            Life::Failed(why) => ServiceError::Journal(why),
            Life::Running | Life::Stopped(_) => ServiceError::Stopping,
        }
    }

    /// Hands the keeper a call.
    pub(super) async fn call(&self, call: Call) -> Result<(), ServiceError> {
        self.calls.send(call).await.map_err(|_| self.why_gone())
    }

    /// Waits for the end.
    pub(super) async fn stopped(&self) -> Stopped {
        let mut life = self.life.clone();
        let ended = life.wait_for(|life| *life != Life::Running).await;
        match ended.as_deref() {
            Ok(Life::Stopped(stopped)) => *stopped,
            // The task ended with its runtime.
            Ok(Life::Running | Life::Failed(_)) | Err(_) => Stopped::Failed,
        }
    }
}

impl Simulator {
    /// Opens the journal, recovers what it holds, and starts the keeper.
    pub(super) async fn start(builder: Builder) -> Result<Self, StartError> {
        let feed = Feed::new();
        let counters = Arc::new(Counters::default());
        let retention = builder.retention;
        let packs = Arc::new(PackShelf::new(builder.packs.clone()));
        let made = {
            let (feed, counters, packs) = (feed.clone(), Arc::clone(&counters), Arc::clone(&packs));
            tokio::task::spawn_blocking(move || make(builder, feed, counters, packs)).await
        };
        let (keeper, journal) = match made {
            Ok(made) => made?,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        let (calls, waiting) = mpsc::channel(CALLS_WAITING);
        let (told, life) = watch::channel(Life::Running);
        let (seed, world) = (keeper.seed(), keeper.world().clone());
        let pull_faults = keeper.planned_pull_faults().clone();
        let tidying =
            tidy(retention, journal.clone(), Arc::clone(&counters), calls.downgrade(), world.clone());
        tokio::spawn(until_the_end(life.clone(), tidying));
        tokio::spawn(until_the_end(life.clone(), read_on(world.clone())));
        tokio::spawn(live(keeper, waiting, journal.clone(), feed.clone(), told));
        Ok(Self {
            shared: Arc::new(Shared {
                calls,
                journal,
                feed,
                counters,
                packs,
                seed,
                world,
                pull_log: PullLog::default(),
                pull_faults,
                stopping: AtomicBool::new(false),
                life,
            }),
        })
    }
}

/// Reads all that is pending, so it may take seconds.
fn make(
    builder: Builder,
    feed: Feed,
    counters: Arc<Counters>,
    packs: Arc<PackShelf>,
) -> Result<(Keeper, Journal), StartError> {
    let plain_http = builder.transport.plain_http();
    let transport = builder.transport.make()?;
    let durability = match builder.durability {
        StoreDurability::Process => Durability::Process,
        StoreDurability::Power => Durability::Power,
    };
    let options = Options { durability, size_limit: builder.store_bytes_max };
    let (journal, recovered) = match &builder.data {
        Data::Ephemeral => Journal::ephemeral(options)?,
        Data::Dir(dir) => Journal::open(dir, options)?,
    };
    let limits = Limits {
        pending: builder.pending_max.min(pns_engine::limits::PENDING_DELIVERIES_MAX),
        recipe_bytes: builder.recipe_bytes_max,
        plain_http,
    };
    let foundation = Foundation {
        journal: journal.clone(),
        recovered,
        transport,
        packs,
        feed,
        counters,
        limits,
        gear: builder.gear,
        seed: builder.seed,
        world: builder.world,
    };
    Ok((Keeper::begin(foundation)?, journal))
}

/// The keeper's whole life.
async fn live(
    keeper: Keeper,
    mut calls: mpsc::Receiver<Call>,
    journal: Journal,
    feed: Feed,
    told: watch::Sender<Life>,
) {
    let end = keeper.run(&mut calls).await;
    // Closed in any case, so that the folder is free when the end is told.
    let closed = journal.close().await;
    let life = match (end, closed) {
        (End::JournalFailed(error), _) | (_, Err(error)) => Life::Failed(error.to_string()),
        (End::Left | End::Stopped(0), Ok(())) => Life::Stopped(Stopped::Clean),
        (End::Stopped(cut), Ok(())) => Life::Stopped(Stopped::Cut(cut)),
    };
    told.send_replace(life);
    feed.close();
    // Whoever called meanwhile learns that there is no answer.
    drop(calls);
}

async fn until_the_end(mut life: watch::Receiver<Life>, work: impl Future<Output = ()>) {
    tokio::select! {
        _ended = life.wait_for(|life| *life != Life::Running) => {}
        () = work => {}
    }
}

/// Removes what has ended and is old, or too much, now and then.
async fn tidy(
    retention: Retention,
    journal: Journal,
    counters: Arc<Counters>,
    calls: mpsc::WeakSender<Call>,
    world: SharedWorld,
) {
    loop {
        // When nobody holds the simulator any more there is nothing to keep tidy.
        let Some(calls) = calls.upgrade() else { return };
        let (reply, now) = oneshot::channel();
        let call: Call = Box::new(move |keeper| {
            // Unheard only when this task ends.
            let _unheard = reply.send(keeper.clock().now.0);
            if keeper.admits_changes().is_ok() {
                keeper.keep_pull_faults();
            }
        });
        if calls.send(call).await.is_err() {
            return;
        }
        drop(calls);
        let Ok(now) = now.await else { return };
        // What a living RFP is now rests on all that was said of it, so that it is the same after a restart.
        let living = world.clone();
        let told_before = before(now, retention.age);
        let spared =
            tokio::task::spawn_blocking(move || living.read(|world| world.told_of_living(told_before)));
        let Ok(spared) = spared.await.map(Arc::new) else { return };
        let may_go = journal::Retention {
            ended_before: Some(before(now, retention.age)),
            spared: Arc::clone(&spared),
            size_max: Some(retention.bytes),
            keys_before: Some(before(real_now(), KEY_KEPT_FOR)),
            keys_max: Some(KEYS_MAX as u64),
        };
        // A failure shows in the journal's health, and there is a next time.
        while let Ok(retained) = journal.retain(may_go.clone()).await {
            counters.journal_bytes.store(retained.size, Relaxed);
            if !retained.more {
                break;
            }
        }
        pause(TIDY_INTERVAL).await;
    }
}

/// Has the world read what was published, away from the keeper, so that whoever looks at it need not wait.
async fn read_on(world: SharedWorld) {
    loop {
        pause(READ_INTERVAL).await;
        if !world.has_unread() {
            continue;
        }
        let reading = world.clone();
        let read = tokio::task::spawn_blocking(move || while reading.catch_up() {});
        // Its runtime ends, or it panicked: then whoever looks meets the same.
        if read.await.is_err() {
            return;
        }
    }
}

/// So long before an instant.
fn before(instant: Timestamp, span: Duration) -> Timestamp {
    let span = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    Timestamp::from_nanos(instant.as_nanos().saturating_sub(span))
}
