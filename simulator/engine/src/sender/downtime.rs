//! Downtime windows: announced, extended, cancelled, and opened and closed by the passing of time.

use super::{Sender, WakeReason};
use crate::command::CommandError;
use crate::id::{SubscriptionId, WindowId};
use crate::limits;
use crate::outbox::Window;
use crate::record::Happened;
use crate::time::Timestamp;

/// An instant at which a window opens or closes. At one instant windows open before others close, so that
/// downtime has no gap between a window and the one that follows it at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Boundary {
    at: Timestamp,
    side: Side,
    window: WindowId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Opens,
    Closes,
}

impl Boundary {
    /// What to wake the sender for.
    pub(super) fn wake(&self) -> (Timestamp, WakeReason) {
        let reason = match self.side {
            Side::Opens => WakeReason::WindowOpens(self.window),
            Side::Closes => WakeReason::WindowCloses(self.window),
        };
        (self.at, reason)
    }

    /// The next boundary of a window; `None` for an open one that only a command ends.
    pub(super) fn next(id: WindowId, window: &Window) -> Option<Self> {
        let (at, side) = if window.open { (window.until, Side::Closes) } else { (window.from, Side::Opens) };
        (at < Timestamp::MAX).then_some(Self { at, side, window: id })
    }
}

impl Sender {
    /// Lets time pass to `now`, through every boundary on the way, each at its own instant.
    pub(super) fn advance(&mut self, now: Timestamp) {
        let now = now.max(self.now);
        while let Some(boundary) = self.boundaries.first().copied()
            && boundary.at <= now
        {
            self.boundaries.pop_first();
            // A window announced late has begun before the latest instant seen.
            self.now = self.now.max(boundary.at);
            match boundary.side {
                Side::Opens => self.open(boundary.window),
                Side::Closes => self.end_window(boundary.window),
            }
        }
        self.now = now;
    }

    pub(super) fn announce_window(
        &mut self,
        id: WindowId,
        subscription: SubscriptionId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<(), CommandError> {
        let outbox = self.known(subscription)?;
        if outbox.windows.len() >= limits::WINDOWS_PER_SUBSCRIPTION_MAX {
            return Err(CommandError::LimitReached("downtime windows of the subscription"));
        }
        if self.windows.contains_key(&id) {
            return Err(CommandError::WindowExists(id));
        }
        if until <= from || until <= self.now {
            return Err(CommandError::EmptyWindow);
        }
        let window = Window { from, until, open: false };
        self.known(subscription)?.windows.insert(id, window);
        self.windows.insert(id, subscription);
        self.boundaries.extend(Boundary::next(id, &window));
        self.record(Happened::WindowAnnounced { window: id, subscription, from, until });
        self.advance(self.now);
        Ok(())
    }

    pub(super) fn extend_window(&mut self, id: WindowId, until: Timestamp) -> Result<(), CommandError> {
        let now = self.now;
        let window = self.window(id)?;
        if until <= window.from || until < now {
            return Err(CommandError::EmptyWindow);
        }
        let before = *window;
        window.until = until;
        let after = *window;
        if let Some(boundary) = Boundary::next(id, &before) {
            self.boundaries.remove(&boundary);
        }
        self.boundaries.extend(Boundary::next(id, &after));
        self.record(Happened::WindowExtended { window: id, until });
        self.advance(now);
        Ok(())
    }

    pub(super) fn cancel_window(&mut self, id: WindowId) -> Result<(), CommandError> {
        let window = *self.window(id)?;
        if let Some(boundary) = Boundary::next(id, &window) {
            self.boundaries.remove(&boundary);
        }
        self.record(Happened::WindowCancelled { window: id });
        self.end_window(id);
        Ok(())
    }

    fn window(&mut self, id: WindowId) -> Result<&mut Window, CommandError> {
        let subscription = self.windows.get(&id).ok_or(CommandError::NoSuchWindow(id))?;
        let outbox = self.outboxes.get_mut(subscription).expect("windows end with their subscription");
        Ok(outbox.windows.get_mut(&id).expect("a window is listed at its subscription"))
    }

    fn open(&mut self, id: WindowId) {
        let now = self.now;
        let Some(subscription) = self.windows.get(&id).copied() else { return };
        let outbox = self.outboxes.get_mut(&subscription).expect("windows end with their subscription");
        let window = outbox.windows.get_mut(&id).expect("a window is listed at its subscription");
        window.open = true;
        let closes = Boundary::next(id, window);
        outbox.count_opened(now);
        self.boundaries.extend(closes);
        self.record(Happened::WindowOpened { window: id });
        self.settle(subscription);
    }

    /// Forgets a window whose boundary is gone already, and closes it if it was open.
    fn end_window(&mut self, id: WindowId) {
        let now = self.now;
        let Some(subscription) = self.windows.remove(&id) else { return };
        let outbox = self.outboxes.get_mut(&subscription).expect("windows end with their subscription");
        let window = outbox.windows.remove(&id).expect("a window is listed at its subscription");
        if window.open {
            outbox.count_closed(now);
            self.record(Happened::WindowClosed { window: id });
            self.settle(subscription);
        }
    }
}
