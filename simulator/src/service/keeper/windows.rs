//! Downtime windows, and pauses, which are windows that only a call ends.

use std::collections::BTreeSet;

use pns_engine::{Command, SubscriptionId, Timestamp, WindowId};

use super::Keeper;
use super::subscriptions::unknown;
use crate::service::error::ServiceError;
use crate::service::model::{Instant, WindowChange, WindowKind, WindowSpec, WindowState, WindowView};

/// A window that is not over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) subscription: SubscriptionId,
    pub(super) kind: WindowKind,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) open: bool,
}

fn no_window(id: WindowId) -> ServiceError {
    ServiceError::NotFound { what: "window", id: id.0.into() }
}

impl Keeper {
    /// Announces a downtime window.
    pub(in super::super) fn announce_window(
        &mut self,
        spec: &WindowSpec,
    ) -> Result<WindowView, ServiceError> {
        let subscription = SubscriptionId(spec.subscription);
        if !self.subscriptions.contains_key(&subscription) {
            return Err(unknown(subscription));
        }
        let (from, until) = spec.span(self.driver.now())?;
        let id = self.open_window(subscription, WindowKind::Downtime, from, until)?;
        self.window(id)
    }

    fn open_window(
        &mut self,
        subscription: SubscriptionId,
        kind: WindowKind,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<WindowId, ServiceError> {
        let id = WindowId(self.last_window.0 + 1);
        self.driver.command(Command::AnnounceWindow { id, subscription, from, until })?;
        self.last_window = id;
        self.windows.insert(id, Window { subscription, kind, from, until, open: false });
        if kind == WindowKind::Pause
            && let Some(kept) = self.subscriptions.get_mut(&subscription)
        {
            kept.pause = Some(id);
        }
        self.observe();
        Ok(id)
    }

    fn window(&self, id: WindowId) -> Result<WindowView, ServiceError> {
        self.windows.get(&id).map(|window| view(id, window)).ok_or_else(|| no_window(id))
    }

    /// Moves a window's end.
    pub(in super::super) fn change_window(
        &mut self,
        id: WindowId,
        change: &WindowChange,
    ) -> Result<WindowView, ServiceError> {
        let before = self.downtime(id)?;
        let until = change.until(self.driver.now())?;
        self.driver.command(Command::ExtendWindow { id, until })?;
        self.observe();
        // An end that is now is the window's end.
        Ok(self.window(id).unwrap_or_else(|_| view(id, &Window { until, ..before })))
    }

    /// Ends a window, or withdraws it.
    pub(in super::super) fn cancel_window(&mut self, id: WindowId) -> Result<(), ServiceError> {
        self.downtime(id)?;
        self.driver.command(Command::CancelWindow { id })?;
        self.observe();
        Ok(())
    }

    /// A window that is no pause.
    fn downtime(&self, id: WindowId) -> Result<Window, ServiceError> {
        match self.windows.get(&id) {
            None => Err(no_window(id)),
            Some(window) if window.kind == WindowKind::Pause => Err(ServiceError::Conflict(format!(
                "window {} is a pause: it ends when its subscription is resumed",
                id.0
            ))),
            Some(window) => Ok(*window),
        }
    }

    /// The windows that are not over, by id.
    pub(in super::super) fn windows(&self) -> Vec<WindowView> {
        self.windows.iter().map(|(id, window)| view(*id, window)).collect()
    }

    /// The subscriptions that are held by a window now.
    pub(in super::super) fn held(&self) -> BTreeSet<SubscriptionId> {
        self.windows.values().filter(|window| window.open).map(|window| window.subscription).collect()
    }

    /// Holds all attempts of one subscription, or of all, until they are resumed.
    pub(in super::super) fn pause(&mut self, which: Option<SubscriptionId>) -> Result<(), ServiceError> {
        let now = self.driver.now();
        for id in self.named(which)? {
            if self.pause_of(id).is_none() {
                self.open_window(id, WindowKind::Pause, now, Timestamp::MAX)?;
            }
        }
        Ok(())
    }

    /// Ends pauses.
    pub(in super::super) fn resume(&mut self, which: Option<SubscriptionId>) -> Result<(), ServiceError> {
        for subscription in self.named(which)? {
            if let Some(id) = self.pause_of(subscription) {
                self.driver.command(Command::CancelWindow { id })?;
                self.observe();
            }
        }
        Ok(())
    }

    fn named(&self, which: Option<SubscriptionId>) -> Result<Vec<SubscriptionId>, ServiceError> {
        match which {
            None => Ok(self.subscriptions.keys().copied().collect()),
            Some(id) if self.subscriptions.contains_key(&id) => Ok(vec![id]),
            Some(id) => Err(unknown(id)),
        }
    }

    /// The pause of a subscription, if it is paused.
    pub(super) fn pause_of(&self, subscription: SubscriptionId) -> Option<WindowId> {
        self.subscriptions.get(&subscription)?.pause
    }
}

fn view(id: WindowId, window: &Window) -> WindowView {
    WindowView {
        id: id.0,
        subscription: window.subscription.0,
        kind: window.kind,
        state: if window.open { WindowState::Open } else { WindowState::Announced },
        from: Instant(window.from),
        until: (window.until < Timestamp::MAX).then_some(Instant(window.until)),
    }
}
