//! Identities, one newtype each. The caller chooses them, so that a journal of commands is complete.

use core::fmt;
use core::str::FromStr;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
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

/// The text is not a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID such as 0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01")]
pub struct NotAUuid;

impl FromStr for SupplierId {
    type Err = NotAUuid;

    /// Reads the hyphenated form in either letter case: the case on the wire is unknown.
    fn from_str(text: &str) -> Result<Self, NotAUuid> {
        const HYPHENS: [usize; 4] = [8, 13, 18, 23];
        if text.len() != 36 {
            return Err(NotAUuid);
        }
        let mut bits: u128 = 0;
        for (place, byte) in text.bytes().enumerate() {
            if HYPHENS.contains(&place) {
                if byte != b'-' {
                    return Err(NotAUuid);
                }
                continue;
            }
            let digit = (byte as char).to_digit(16).ok_or(NotAUuid)?;
            bits = bits << 4 | u128::from(digit);
        }
        Ok(Self(bits))
    }
}

impl fmt::Debug for SupplierId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_supplier_id_reads_back_as_it_was_written() {
        let text = "0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a01";
        assert_eq!(text.parse::<SupplierId>().unwrap().to_string(), text);
        assert_eq!(text.to_uppercase().parse::<SupplierId>().unwrap().to_string(), text);
        for wrong in
            ["", "0b8f9a30", "0b8f9a30-31e6-4d3c-9f6e_0d8f7f8a1a01", "0b8f9a30-31e6-4d3c-9f6e-0d8f7f8a1a0g"]
        {
            assert_eq!(wrong.parse::<SupplierId>(), Err(NotAUuid), "{wrong}");
        }
    }
}
