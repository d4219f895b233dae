//! What people look at and programs do not ask for: how subscriptions do, and bodies before they are sent.

use std::sync::Arc;

use bytes::Bytes;
use pns_engine::SubscriptionId;

use super::Simulator;
use super::error::ServiceError;
use super::model::{NotificationSpec, Page, PageRequest, Standing};
use crate::schema::Pack;

impl Simulator {
    /// How the subscriptions do, by id.
    ///
    /// # Errors
    /// [`ServiceError::Stopping`].
    pub async fn standings(&self, page: PageRequest) -> Result<Page<Standing>, ServiceError> {
        self.look(move |keeper| keeper.standings(&page)).await
    }

    /// How one subscription does.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn standing(&self, id: SubscriptionId) -> Result<Standing, ServiceError> {
        self.look(move |keeper| keeper.standing(id)).await
    }

    /// The body that the notification would have if it were published now, and how many deliveries it would make.
    ///
    /// # Errors
    /// As [`Simulator::publish`].
    pub async fn preview(&self, spec: NotificationSpec) -> Result<(Bytes, usize), ServiceError> {
        self.look(move |keeper| keeper.preview(&spec)).await
    }

    /// The schema pack of whoever names none.
    #[must_use]
    pub fn pack(&self) -> Arc<Pack> {
        Arc::clone(self.shared.packs.own())
    }
}
