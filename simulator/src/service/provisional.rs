//! Stand-ins for the types of `model`, until they are there. Not a part of the interface.
#![expect(missing_docs, reason = "removed when the model is merged")]

use pns_engine::{DeliveryId, NotificationId, SubscriptionId, WindowId};

macro_rules! stand_in { ($($name:ident),*) => { $(#[derive(Clone, Debug, Default)] pub struct $name;)* } }

stand_in!(
    SubscriptionSpec,
    SubscriptionView,
    SubscriptionPage,
    NotificationSpec,
    NotificationView,
    LifecycleSpec,
    WindowSpec,
    WindowView,
    FaultSpec,
    FaultView,
    DeliveryFilter,
    DeliveryPage,
    DeliveryView,
    DeliveryDetail,
    ReplaySpec,
    Replayed,
    ClockView,
    BacklogView
);

/// Which page of a list: `after` is the cursor that the page before gave.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub after: Option<String>,
    pub limit: Option<u32>,
}

/// What `publish` made.
#[derive(Clone, Debug, Default)]
pub struct Published {
    pub notifications: Vec<PublishedNotification>,
}

#[derive(Clone, Debug)]
pub struct PublishedNotification {
    pub id: NotificationId,
    pub deliveries: Vec<PublishedDelivery>,
}

#[derive(Clone, Debug)]
pub struct PublishedDelivery {
    pub id: DeliveryId,
    pub subscription: SubscriptionId,
}

/// Which downtime window, fault: ids as they are in the engine and in the keeper.
pub type Window = WindowId;
