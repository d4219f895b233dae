//! Identities, one newtype each. The caller chooses them, so that a journal of commands is complete.

use core::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }
    };
}

id!(
    /// Who receives what, under which policies.
    SubscriptionId(u32), "s"
);
id!(
    /// One fact to push. Notifications are numbered upwards by their publisher; the number is also the
    /// sequence from which the body is generated.
    NotificationId(u64), "n"
);
id!(
    /// One notification on its way to one subscription, until delivered. Numbered by the engine.
    DeliveryId(u64), "d"
);
id!(
    /// One announced downtime window of one subscription.
    WindowId(u32), "w"
);

/// A supplier (a venue, hotel or bureau): the 128 bits of its UUID.
///
/// That supplier ids are UUIDs is *inferred* from Cvent's RFP and venue ids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SupplierId(pub u128);

impl fmt::Display for SupplierId {
    /// The hyphenated lower-case form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let b = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            b >> 96,
            (b >> 80) & 0xffff,
            (b >> 64) & 0xffff,
            (b >> 48) & 0xffff,
            b & 0xffff_ffff_ffff
        )
    }
}

impl fmt::Debug for SupplierId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
