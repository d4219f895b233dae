//! What is drawn from the seed: a sequence of its own for each thing, so that drawing more of one shifts no other.

use pns_engine::rng::{draw, mix};

/// The draws of one thing.
#[derive(Clone, Debug)]
pub(super) struct Lot {
    seed: u64,
    stream: u64,
    index: u64,
}

/// For what something is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    Rfp = 1,
    Place,
    Consent,
    Area,
    Part,
    Version,
    Details,
    Attachment,
    Id,
}

impl Lot {
    /// The draws for what these numbers name.
    pub(super) fn new(seed: u64, purpose: For, names: &[u128]) -> Self {
        let halves = names.iter().flat_map(|name| [*name >> 64, *name & u128::from(u64::MAX)]);
        let stream = halves.fold(mix(0x776f_726c_6400 | purpose as u64), |stream, half| {
            mix(stream ^ u64::try_from(half).unwrap_or_default())
        });
        Self { seed, stream, index: 0 }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.index += 1;
        draw(self.seed, self.stream, self.index)
    }

    /// A number below `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        u64::try_from((u128::from(self.next()) * u128::from(bound)) >> 64).unwrap_or_default()
    }

    /// A number from `min` to `max`.
    pub(super) fn within(&mut self, min: u32, max: u32) -> u32 {
        let drawn = self.below(u64::from(max.max(min) - min) + 1);
        min + u32::try_from(drawn).unwrap_or_default()
    }

    /// One of a list that is not empty.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, among: &[&'a T]) -> &'a T {
        let place = usize::try_from(self.below(among.len() as u64)).unwrap_or_default();
        among[place]
    }

    /// Whether it is among so many of a hundred.
    pub(super) fn percent(&mut self, percent: u8) -> bool {
        self.below(100) < u64::from(percent)
    }

    /// A version 4 UUID.
    pub(super) fn uuid(&mut self) -> u128 {
        let bits = u128::from(self.next()) << 64 | u128::from(self.next());
        let plain = bits & !(0xf << 76) & !(0b11 << 62);
        plain | 0x4 << 76 | 0b10 << 62
    }
}

impl super::id::RfpId {
    /// The RFP of a course whose first notification has this number.
    #[must_use]
    pub fn drawn(seed: u64, first: pns_engine::NotificationId) -> Self {
        Self(Lot::new(seed, For::Id, &[u128::from(first.0)]).uuid())
    }
}
