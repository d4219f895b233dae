//! A limit on everything that a caller can grow, each with its reason.

/// Subscriptions: a thousand are the aim of one machine; ten times that still fits the memory aim.
pub const SUBSCRIPTIONS_MAX: usize = 10_000;

/// Deliveries not yet Delivered: four times the aim of a million, so that 32-bit slots are always enough.
pub const PENDING_DELIVERIES_MAX: usize = 4_000_000;

/// Downtime windows not over, per subscription: each is looked at when one changes.
pub const WINDOWS_PER_SUBSCRIPTION_MAX: usize = 1_000;
