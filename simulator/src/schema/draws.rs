//! The random numbers of one body: counter-based, so that nothing is seeded and nothing is kept.

use pns_engine::rng::mix;
use rand::TryRng;
use std::convert::Infallible;

/// The numbered draws of one body: draw *n* is `pns_engine::rng::draw(seed, sequence, n)`.
#[derive(Clone, Debug)]
pub(super) struct Draws {
    stream: u64,
    index: u64,
}

impl Draws {
    /// The draws of the body that (seed, sequence) names, at the given try: 0 unless a body was rejected.
    pub(super) const fn new(seed: u64, sequence: u64, attempt: u64) -> Self {
        // The tries of one body are far apart in the counter, so that none repeats another's draws.
        Self { stream: mix(mix(seed) ^ sequence), index: attempt << 40 }
    }

    /// The next draw.
    pub(super) const fn next(&mut self) -> u64 {
        let value = mix(self.stream ^ self.index);
        self.index += 1;
        value
    }

    /// A number below `bound`, which is not 0. The bias is below 2⁻³² for every bound used here.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        ((self.next() as u128 * bound as u128) >> 64) as u64
    }

    /// A place in a list of `len` elements, which is not empty.
    pub(super) fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// A number within `min..=max`.
    pub(super) fn within(&mut self, min: usize, max: usize) -> usize {
        min + self.below((max.max(min) - min) as u64 + 1) as usize
    }
}

impl TryRng for Draws {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        for chunk in dst.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_is_the_engines_draw() {
        let mut draws = Draws::new(7, 11, 0);
        for index in 0..100 {
            assert_eq!(draws.next(), pns_engine::rng::draw(7, 11, index));
        }
    }
}
