//! The simulator as a library and a service: publish, and it delivers, through crashes and restarts.
//!
//! A [`Simulator`] is a handle on one task, the keeper, which owns the sender and its clock and writes all that
//! happens into the journal. Whatever a call reports as done is in the journal by then. Reads come from the
//! journal, and never wait for the keeper.

mod builder;
pub(crate) mod digest;
mod error;
pub mod model;

use std::time::Duration;

use pns_engine::{DeliveryId, NotificationId, Record, SubscriptionId, Timestamp, WindowId};

use model::{
    BacklogView, ClockView, DeliveryDetail, DeliveryFilter, DeliveryView, FaultSpec, FaultView,
    LifecycleSpec, MetricsSnapshot, NotificationSpec, NotificationView, Page, PageRequest, Published,
    ReplaySpec, Replayed, SubscriptionPatch, SubscriptionSpec, SubscriptionView, WindowSpec, WindowView,
};

pub use builder::{Builder, Data, Retention, StartError, StoreDurability};
pub use error::ServiceError;

use crate::clock::Gear;

/// The number of a planned fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultId(pub u32);

/// How a publication is made.
#[derive(Clone, Debug, Default)]
pub struct PublishOptions {
    /// When the call returns.
    pub durability: Durability,
    /// Names the request, so that making it again does nothing again: the same answer is given. Kept for 24 h of
    /// real time.
    pub idempotency_key: Option<String>,
}

/// When a publication counts as made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When the journal has it.
    #[default]
    Committed,
    /// When the keeper has it; a crash within the next moments loses it.
    Relaxed,
}

/// How far [`Simulator::advance`] moves virtual time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// By a span.
    By(Duration),
    /// To the next instant at which something happens by itself; nowhere if there is none.
    ToNext,
}

/// A record with its place in the sequence of all records. Sequence numbers rise, also over restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Its place.
    pub sequence: u64,
    /// What happened.
    pub record: Record,
}

/// What a subscriber to records is given next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The next record.
    Record(Numbered),
    /// Records are gone that the subscriber did not take in time, or that came before the present ring; it goes on
    /// at `next`.
    Missed {
        /// The oldest record that can still be had.
        next: u64,
    },
}

/// A subscription to records, in their order, each when it is durable.
#[derive(Debug)]
pub struct Records(());

impl Records {
    /// The next; waits for it. `None`: the simulator has stopped. Cancel-safe.
    pub async fn next(&mut self) -> Option<Heard> {
        None
    }
}

/// What a graceful stop came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Nothing was in flight at the end.
    Clean,
    /// So many attempts were still in flight when the grace was over: they count as failed after the next start.
    Cut(usize),
}

/// The simulator. A cheap handle: clones are the same simulator, and it stops when the last is dropped.
#[derive(Clone, Debug)]
pub struct Simulator(());

impl Simulator {
    /// A simulator to be set up.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    async fn start(_builder: Builder) -> Result<Self, StartError> {
        Ok(Self(()))
    }

    /// Stops: nothing starts any more, what is in flight is awaited for up to `grace` of real time, and the journal
    /// is written out. Other calls end with [`ServiceError::Stopping`].
    pub async fn shutdown(&self, _grace: Duration) -> Stopped {
        Stopped::Clean
    }

    /// Whether the keeper runs and the journal can be written, for readiness; the error says what is wrong.
    ///
    /// # Errors
    /// [`ServiceError::Stopping`] or [`ServiceError::Journal`].
    pub fn ready(&self) -> Result<(), ServiceError> {
        Ok(())
    }

    /// Begins a subscription: it sees what is published from now on.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for its settings, [`ServiceError::Conflict`] at the limit of subscriptions or for
    /// a name that is taken.
    pub async fn create_subscription(
        &self,
        _spec: SubscriptionSpec,
    ) -> Result<SubscriptionView, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// One subscription with its backlog.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn subscription(&self, id: SubscriptionId) -> Result<SubscriptionView, ServiceError> {
        Err(ServiceError::NotFound { what: "subscription", id: id.0.into() })
    }

    /// The subscriptions in the order of their ids.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a cursor that is none.
    pub async fn subscriptions(&self, _page: PageRequest) -> Result<Page<SubscriptionView>, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Replaces a subscription's settings as a whole. Event types and suppliers apply to later publications, all
    /// else to every attempt from now on. A spec without a key keeps the key only if it says so.
    ///
    /// # Errors
    /// As [`Simulator::create_subscription`], and [`ServiceError::NotFound`].
    pub async fn change_subscription(
        &self,
        _id: SubscriptionId,
        _patch: SubscriptionPatch,
    ) -> Result<SubscriptionView, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Ends a subscription and abandons what waits for it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn remove_subscription(&self, _id: SubscriptionId) -> Result<(), ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Holds all attempts of a subscription (`None`: of all) until it is resumed. Pausing twice is pausing once.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn pause(&self, _subscription: Option<SubscriptionId>) -> Result<(), ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Ends a pause. Downtime windows stay.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn resume(&self, _subscription: Option<SubscriptionId>) -> Result<(), ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Publishes notifications, all or none, in their order.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] naming `notifications[i].field`, [`ServiceError::QueueFull`],
    /// [`ServiceError::KeyReused`], [`ServiceError::KeyInProgress`], [`ServiceError::Journal`].
    pub async fn publish(
        &self,
        _notifications: Vec<NotificationSpec>,
        _options: PublishOptions,
    ) -> Result<Published, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Publishes the whole life-like course of one RFP.
    ///
    /// # Errors
    /// As [`Simulator::publish`].
    pub async fn lifecycle(
        &self,
        _spec: LifecycleSpec,
        _options: PublishOptions,
    ) -> Result<Published, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Announces a downtime window.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::NotFound`], [`ServiceError::Conflict`].
    pub async fn announce_window(&self, _spec: WindowSpec) -> Result<WindowView, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Moves a window's end.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::NotFound`].
    pub async fn extend_window(&self, _id: WindowId, _until: Timestamp) -> Result<WindowView, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Ends a window, or withdraws it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn cancel_window(&self, _id: WindowId) -> Result<(), ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// The windows that are not over, pauses among them.
    ///
    /// # Errors
    /// [`ServiceError::Stopping`].
    pub async fn windows(&self) -> Result<Vec<WindowView>, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Plans failures inside the sender.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::NotFound`] for its subscription.
    pub async fn plan_fault(&self, _spec: FaultSpec) -> Result<FaultView, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// The faults planned that are not used up, with what is left of them.
    ///
    /// # Errors
    /// [`ServiceError::Stopping`].
    pub async fn faults(&self) -> Result<Vec<FaultView>, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Forgets a fault (`None`: all).
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn clear_fault(&self, _id: Option<FaultId>) -> Result<(), ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Deliveries that fit `filter`, in the order of their ids; the order is stable while others are added.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a cursor that is none, [`ServiceError::Journal`].
    pub async fn deliveries(
        &self,
        _filter: DeliveryFilter,
        _page: PageRequest,
    ) -> Result<Page<DeliveryView>, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// One delivery with its attempts: headers, body and timing, without secrets.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Journal`].
    pub async fn delivery(&self, id: DeliveryId) -> Result<DeliveryDetail, ServiceError> {
        Err(ServiceError::NotFound { what: "delivery", id: id.0 })
    }

    /// One notification with its body and its deliveries.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Journal`].
    pub async fn notification(&self, id: NotificationId) -> Result<NotificationView, ServiceError> {
        Err(ServiceError::NotFound { what: "notification", id: id.0 })
    }

    /// Delivers notifications once more, or tells which it would.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`], [`ServiceError::NotFound`], [`ServiceError::QueueFull`], [`ServiceError::Journal`].
    pub async fn replay(&self, _spec: ReplaySpec) -> Result<Replayed, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// PNS time and how it moves.
    ///
    /// # Errors
    /// [`ServiceError::Stopping`].
    pub async fn clock(&self) -> Result<ClockView, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Changes how PNS time moves. It goes on from where it is.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] while virtual time is being advanced.
    pub async fn set_gear(&self, _gear: Gear) -> Result<ClockView, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Moves virtual time, and returns when it is there and nothing is in flight.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] in another gear, or while it is being advanced already.
    pub async fn advance(&self, _by: Advance) -> Result<ClockView, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// Subscribes to records: from the sequence number `from` on, or from the next.
    #[must_use]
    pub fn records(&self, _from: Option<u64>) -> Records {
        Records(())
    }

    /// How many deliveries are in each state, of one subscription or of all.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn backlog(&self, _subscription: Option<SubscriptionId>) -> Result<BacklogView, ServiceError> {
        Err(ServiceError::Stopping)
    }

    /// The figures of this moment.
    #[must_use]
    pub fn metrics(&self) -> MetricsSnapshot {
        MetricsSnapshot::default()
    }

    /// Waits until nothing is pending. For tests.
    ///
    /// # Errors
    /// [`ServiceError::Conflict`] when `timeout` of real time is over before, telling what is pending.
    pub async fn when_idle(&self, _timeout: Duration) -> Result<(), ServiceError> {
        Ok(())
    }
}
