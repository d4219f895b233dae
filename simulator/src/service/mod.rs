//! The simulator as a library and a service: publish, and it delivers, through crashes and restarts.
//!
//! A [`Simulator`] is a handle on one task, the keeper, which owns the sender and its clock and writes all that
//! happens into the journal. Whatever a call reports as done is in the journal by then. Lists of deliveries and the
//! like are read from the journal, and never wait for the keeper.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use pns_engine::EventType;
//! use pns_simulator::service::model::{NotificationSpec, PublishOptions, SubscriptionSpec};
//! use pns_simulator::service::Simulator;
//!
//! let simulator = Simulator::builder().start().await?;
//! simulator.create_subscription(SubscriptionSpec::new("https://127.0.0.1:8443/pns")).await?;
//! let rfp = NotificationSpec::new(EventType::RfpSend);
//! simulator.publish(vec![rfp], PublishOptions::default()).await?;
//! simulator.when_idle(std::time::Duration::from_secs(10)).await?;
//! # Ok(())
//! # }
//! ```

mod builder;
mod counters;
pub(crate) mod digest;
mod error;
mod feed;
mod keeper;
mod life;
mod look;
pub mod model;
mod packs;
mod publish;
mod pulled;
mod reads;
mod recipes;
mod replay;
mod stored;
mod transports;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use pns_engine::{SubscriptionId, WindowId};
use tokio::sync::oneshot;

use self::keeper::{Call, Keeper};
use self::life::{Life, Shared};
use self::model::{
    AdvanceSpec, BacklogView, ClockView, FaultSpec, FaultView, HealthView, MetricsSnapshot, Page,
    PageRequest, StatusView, SubscriptionPatch, SubscriptionSpec, SubscriptionView, WindowChange, WindowSpec,
    WindowView,
};
use crate::clock::{self, Gear};

pub use builder::{Builder, Data, Retention, StartError, StoreDurability};
pub use error::ServiceError;
pub use feed::{Heard, Numbered, Records};
pub use life::Stopped;

/// How often a call that waits for the journal looks whether that still works.
const HEALTH_INTERVAL: Duration = Duration::from_secs(1);

/// The simulator. A cheap handle: clones are the same simulator. When the last is dropped it stops at once, as in a
/// crash: nothing is lost, and attempts in flight are made again after the next start. [`Simulator::shutdown`] stops
/// it in good order.
#[derive(Clone, Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
}

impl Simulator {
    /// A simulator to be set up.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Stops: nothing starts any more, what is in flight is awaited for up to `grace` of real time, and the journal
    /// is written out and closed. Meanwhile calls that change something are refused with [`ServiceError::Stopping`], and
    /// afterwards all calls. A second call waits for the first;
    /// dropping it leaves the simulator stopping.
    pub async fn shutdown(&self, grace: Duration) -> Stopped {
        self.shared.stopping.store(true, Relaxed);
        let call: Call = Box::new(move |keeper| keeper.stop(grace));
        // Nobody takes it any more: then it has stopped.
        let _stopped = self.shared.calls.send(call).await;
        self.shared.stopped().await
    }

    /// Waits until it has stopped, by [`Simulator::shutdown`] or because the journal failed for good: then
    /// [`Simulator::health`] says why.
    pub async fn ended(&self) -> Stopped {
        self.shared.stopped().await
    }

    /// Whether work goes on.
    #[must_use]
    pub fn health(&self) -> HealthView {
        let reasons: Vec<String> = match self.shared.life() {
            Life::Running if self.shared.stopping.load(Relaxed) => vec![ServiceError::Stopping.to_string()],
            Life::Running => self.shared.journal.health().err().iter().map(ToString::to_string).collect(),
            Life::Failed(why) => vec![why],
            Life::Stopped(_) => vec![ServiceError::Stopping.to_string()],
        };
        HealthView { ready: reasons.is_empty(), reasons }
    }

    /// Asks the keeper something that changes nothing.
    async fn look<R: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Keeper) -> Result<R, ServiceError> + Send + 'static,
    ) -> Result<R, ServiceError> {
        let (reply, answer) = oneshot::channel();
        let call: Call = Box::new(move |keeper| {
            // A caller that went away needs no answer.
            let _gone = reply.send(call(keeper));
        });
        self.shared.call(call).await?;
        answer.await.unwrap_or_else(|_| Err(self.shared.why_gone()))
    }

    /// Has the keeper change something, and waits until that is committed.
    async fn change<R: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Keeper) -> Result<R, ServiceError> + Send + 'static,
    ) -> Result<R, ServiceError> {
        self.ask(|keeper, reply| match keeper.admits_changes().and_then(|()| call(keeper)) {
            Ok(value) => keeper.reply_on_commit(value, reply),
            Err(error) => drop(reply.send(Err(error))),
        })
        .await
    }

    /// Hands the keeper a call that answers when it can; gives up while the journal fails.
    async fn ask<R: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Keeper, oneshot::Sender<Result<R, ServiceError>>) + Send + 'static,
    ) -> Result<R, ServiceError> {
        let (reply, mut answer) = oneshot::channel();
        self.shared.call(Box::new(move |keeper| call(keeper, reply))).await?;
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => return answer.unwrap_or_else(|_| Err(self.shared.why_gone())),
                () = clock::pause(HEALTH_INTERVAL) => self.shared.journal.health()?,
            }
        }
    }

    /// Begins a subscription: it sees what is published from now on.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for its settings, [`ServiceError::Conflict`] for a name that is taken or at the
    /// limit of subscriptions.
    pub async fn create_subscription(
        &self,
        spec: SubscriptionSpec,
    ) -> Result<SubscriptionView, ServiceError> {
        self.change(move |keeper| keeper.create_subscription(spec)).await
    }

    /// One subscription with its backlog.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn subscription(&self, id: SubscriptionId) -> Result<SubscriptionView, ServiceError> {
        self.look(move |keeper| keeper.subscription(id)).await
    }

    /// The subscription of a name.
    ///
    /// # Errors
    /// [`ServiceError::Stopping`].
    pub async fn subscription_named(&self, name: String) -> Result<Option<SubscriptionId>, ServiceError> {
        self.look(move |keeper| Ok(keeper.subscription_named(&name))).await
    }

    /// A subscription's settings as they were given, with its API key: to be compared, not to be shown.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn subscription_spec(&self, id: SubscriptionId) -> Result<SubscriptionSpec, ServiceError> {
        self.look(move |keeper| keeper.subscription_spec(id)).await
    }

    /// The subscriptions by id.
    ///
    /// # Errors
    /// [`ServiceError::Stopping`].
    pub async fn subscriptions(&self, page: PageRequest) -> Result<Page<SubscriptionView>, ServiceError> {
        self.look(move |keeper| keeper.subscriptions(&page)).await
    }

    /// Changes some of a subscription's settings. Event types, suppliers and the schema pack apply to later
    /// publications, all else to every attempt from now on.
    ///
    /// # Errors
    /// As [`Simulator::create_subscription`], and [`ServiceError::NotFound`].
    pub async fn change_subscription(
        &self,
        id: SubscriptionId,
        patch: SubscriptionPatch,
    ) -> Result<SubscriptionView, ServiceError> {
        self.change(move |keeper| keeper.change_subscription(id, patch)).await
    }

    /// Replaces all of a subscription's settings.
    ///
    /// # Errors
    /// As [`Simulator::change_subscription`].
    pub async fn replace_subscription(
        &self,
        id: SubscriptionId,
        spec: SubscriptionSpec,
    ) -> Result<SubscriptionView, ServiceError> {
        self.change(move |keeper| keeper.replace_subscription(id, spec)).await
    }

    /// Ends a subscription and abandons what waits for it. Attempts in flight end as they may.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn remove_subscription(&self, id: SubscriptionId) -> Result<(), ServiceError> {
        self.change(move |keeper| keeper.remove_subscription(id)).await
    }

    /// Holds all attempts of a subscription (`None`: of all that there are) until it is resumed. Pausing twice is
    /// pausing once.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn pause(&self, subscription: Option<SubscriptionId>) -> Result<(), ServiceError> {
        self.change(move |keeper| keeper.pause(subscription)).await
    }

    /// Ends the pause of a subscription, or of all. Downtime windows stay.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn resume(&self, subscription: Option<SubscriptionId>) -> Result<(), ServiceError> {
        self.change(move |keeper| keeper.resume(subscription)).await
    }

    /// Announces a downtime window.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::NotFound`] for its subscription, [`ServiceError::Conflict`] at the
    /// limit of windows.
    pub async fn announce_window(&self, spec: WindowSpec) -> Result<WindowView, ServiceError> {
        self.change(move |keeper| keeper.announce_window(&spec)).await
    }

    /// Moves a window's end.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::NotFound`], [`ServiceError::Conflict`] for a pause.
    pub async fn change_window(
        &self,
        id: WindowId,
        change: WindowChange,
    ) -> Result<WindowView, ServiceError> {
        self.change(move |keeper| keeper.change_window(id, &change)).await
    }

    /// Ends a window at once, or withdraws one that has not begun.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Conflict`] for a pause.
    pub async fn cancel_window(&self, id: WindowId) -> Result<(), ServiceError> {
        self.change(move |keeper| keeper.cancel_window(id)).await
    }

    /// The windows that are not over, pauses among them.
    ///
    /// # Errors
    /// [`ServiceError::Stopping`].
    pub async fn windows(&self) -> Result<Vec<WindowView>, ServiceError> {
        self.look(|keeper| Ok(keeper.windows())).await
    }

    /// Plans failures inside the sender.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::NotFound`] for its subscription or one of its notifications,
    /// [`ServiceError::Conflict`] at the limit of faults.
    pub async fn plan_fault(&self, spec: FaultSpec) -> Result<FaultView, ServiceError> {
        self.change(move |keeper| keeper.plan_fault(&spec)).await
    }

    /// The faults that are not used up, with what is left of them.
    ///
    /// # Errors
    /// [`ServiceError::Stopping`].
    pub async fn faults(&self) -> Result<Vec<FaultView>, ServiceError> {
        self.look(|keeper| Ok(keeper.faults())).await
    }

    /// Forgets a planned fault; `None`: all of them.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn clear_fault(&self, id: Option<u32>) -> Result<(), ServiceError> {
        self.change(move |keeper| keeper.clear_fault(id)).await
    }

    /// PNS time and how it moves.
    ///
    /// # Errors
    /// [`ServiceError::Stopping`].
    pub async fn clock(&self) -> Result<ClockView, ServiceError> {
        self.look(|keeper| Ok(keeper.clock())).await
    }

    /// Changes how PNS time moves. It goes on from where it is.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] while virtual time is being advanced.
    pub async fn set_gear(&self, gear: Gear) -> Result<ClockView, ServiceError> {
        self.change(move |keeper| keeper.set_gear(gear)).await
    }

    /// Moves virtual time, and returns when it is there, all that was due by then is done, and no request is still open.
    /// An attempt that times out at a later instant of virtual time is in flight until time is moved there.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] in another gear, or while it is being advanced already.
    pub async fn advance(&self, by: AdvanceSpec) -> Result<ClockView, ServiceError> {
        self.ask(move |keeper, reply| keeper.advance(by, reply)).await
    }

    /// Subscribes to records: from the sequence number `from` on, or from the next. Each is told when it is in the
    /// journal.
    #[must_use]
    pub fn records(&self, from: Option<u64>) -> Records {
        self.shared.feed.subscribe(from)
    }

    /// How many deliveries are in each state, of one subscription or of all.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn backlog(&self, subscription: Option<SubscriptionId>) -> Result<BacklogView, ServiceError> {
        self.look(move |keeper| keeper.backlog(subscription)).await
    }

    /// The service at one look.
    ///
    /// # Errors
    /// [`ServiceError::Stopping`].
    pub async fn status(&self) -> Result<StatusView, ServiceError> {
        let possible_duplicates = self.shared.counters.possible_duplicates.load(Relaxed);
        let health = self.health();
        self.look(move |keeper| {
            Ok(StatusView {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                seed: keeper.seed(),
                clock: keeper.clock(),
                subscriptions: keeper.subscription_count() as u64,
                backlog: keeper.backlog(None)?,
                possible_duplicates,
                health,
            })
        })
        .await
    }

    /// All figures at one moment.
    ///
    /// # Errors
    /// [`ServiceError::Stopping`].
    pub async fn metrics(&self) -> Result<MetricsSnapshot, ServiceError> {
        let kept = |keeper: &mut Keeper| {
            let backlog = keeper.backlog(None)?;
            Ok((keeper.subscription_count() as u64, backlog, keeper.oldest_past_due()))
        };
        let (subscriptions, backlog, oldest_past_due) = self.look(kept).await?;
        let counters = &self.shared.counters;
        let (connections_new, connections_reused) = counters.connections();
        Ok(MetricsSnapshot {
            subscriptions,
            backlog,
            oldest_past_due,
            published: counters.published.load(Relaxed),
            delivered: counters.delivered.load(Relaxed),
            abandoned: counters.abandoned.load(Relaxed),
            possible_duplicates: counters.possible_duplicates.load(Relaxed),
            attempts: counters.attempts(),
            acknowledgement: counters.latencies(),
            connections_new,
            connections_reused,
            pulls: self.pull_counts(),
            journal_commits: self.shared.journal.written().commits,
            journal_bytes: counters.journal_bytes.load(Relaxed),
        })
    }

    /// Waits until nothing is pending and all is written. For tests.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] when `timeout` of real time is over before, telling what is pending.
    pub async fn when_idle(&self, timeout: Duration) -> Result<(), ServiceError> {
        let (idle, told) = oneshot::channel();
        self.look(|keeper| {
            keeper.tell_when_idle(idle);
            Ok(())
        })
        .await?;
        tokio::select! {
            biased;
            told = told => told.map_err(|_| self.shared.why_gone()),
            () = clock::pause(timeout) => {
                let backlog = self.backlog(None).await?;
                Err(ServiceError::Conflict(format!(
                    "{} deliveries are pending after {timeout:?}: {backlog:?}",
                    backlog.total()
                )))
            }
        }
    }
}
